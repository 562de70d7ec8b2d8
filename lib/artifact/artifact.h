/* An artifact as it is in memory, and the files it is made of. */
#ifndef EVR_ARTIFACT_ARTIFACT_H
#define EVR_ARTIFACT_ARTIFACT_H

#include "base/arena.h"
#include "base/buf.h"

#include <evreplay/artifact.h>

enum { EVR_ARTIFACT_VERSION = 1 };

struct evr_artifact {
    evr_context *ctx;
    evr_arena arena;
    evr_ir_set *records;
    evr_str manifest;
    evr_artifact_info info;
    evr_expected *expected;
    size_t count;
};

/* What goes into a manifest, options and results brought together. */
typedef struct evr_manifest {
    evr_artifact_info info;
    int64_t measured_s; /* 0 = not known */
    const evr_ir *const *originals; /* whose keys the results have */
    const evr_ir *const *records;   /* as they are in the artifact */
    size_t count;
    const evr_results *results;
} evr_manifest;

/* manifest_write.c */
evr_status evr_manifest_write(evr_context *ctx, const evr_manifest *m, evr_buf *buf, evr_error **err);

/* manifest_read.c: info, expected and count from the manifest, whose records have been read. */
evr_status evr_manifest_read(evr_artifact *a, evr_error **err);

/* texts.c: what is the same in every artifact; NUL-terminated. */
extern const char evr_artifact_readme[];
extern const char evr_artifact_main[];
/* replay.py, made into C when the library is built. */
extern const char evr_artifact_replayer[];
extern const size_t evr_artifact_replayer_size;

#endif
