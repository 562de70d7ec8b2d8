/* Finding what a profiler wrote. */
#ifndef EVR_PERFDB_SOURCES_H
#define EVR_PERFDB_SOURCES_H

#include "base/arena.h"

typedef struct evr_source_files {
    evr_context *ctx;
    evr_arena arena;
    evr_str *paths; /* NUL-terminated */
    size_t count, cap;
} evr_source_files;

void evr_source_files_init(evr_source_files *files, evr_context *ctx);
void evr_source_files_free(evr_source_files *files);

/* A file is taken as it is; in a folder, the files op_summary_*.csv are looked for at any depth, by name. Links to folders are not followed. */
evr_status evr_source_files_add(evr_source_files *files, const char *path, evr_error **err);

#endif
