/* Zip files in memory: written so that the same files give the same bytes, and read as what a stranger sent. */
#ifndef EVR_ARTIFACT_ZIP_H
#define EVR_ARTIFACT_ZIP_H

#include "base/arena.h"

#include <evreplay/artifact.h>

typedef struct evr_zip_file {
    const char *name;
    evr_str data;
    bool program; /* may be executed */
} evr_zip_file;

/* In the order given, all of the same moment. `*out` is of exactly `*size` bytes from the context. */
evr_status evr_zip_write(evr_context *ctx, const evr_zip_file *files, size_t count, void **out, size_t *size, evr_error **err);

/* Unpacks the files of these names into the arena, each with a NUL behind it; `data` is {NULL, 0} for one that is not there. Everything is checked first: see
 * evr_artifact_read(). The limits are filled in. */
evr_status evr_zip_read(evr_context *ctx, const void *data, size_t size, const evr_artifact_limits *limits, evr_arena *arena, evr_zip_file *files, size_t count,
                        evr_error **err);

#endif
