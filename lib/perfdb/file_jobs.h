/* The files of an update, worked on side by side: each is read, merged and written by one thread. */
#ifndef EVR_PERFDB_FILE_JOBS_H
#define EVR_PERFDB_FILE_JOBS_H

#include "perfdb/folder.h"
#include "perfdb/samples.h"

/* One operator. */
typedef struct evr_file_job {
    evr_str op;
    evr_str name;    /* of its file, NUL-terminated */
    bool is_new;     /* there is no such file yet */
    size_t reported; /* number in the report */
    evr_dbreport_part told;
    evr_status status;
    evr_error *error;
} evr_file_job;

/* What all of them share, and only read. */
typedef struct evr_file_jobs {
    evr_context *ctx;
    const char *path; /* of the database */
    evr_folder *folder;
    const evr_samples *samples;
    evr_perfdb_report *report;
    evr_str ep_size;
    int32_t mode;
    bool prune, has_sources;
    uint64_t max_file_bytes;
    evr_file_job *jobs;
    size_t count, cap;
} evr_file_jobs;

void evr_file_jobs_free(evr_file_jobs *jobs);

/* False when memory is out. The texts are borrowed. */
bool evr_file_jobs_add(evr_file_jobs *jobs, evr_str op, evr_str name, bool is_new, size_t reported);

/* What comes out, and which failure is told, is the same for any number of threads. */
evr_status evr_file_jobs_run(evr_file_jobs *jobs, uint32_t threads, evr_error **err);

/* Appends the path of a file of the database. */
void evr_file_path(evr_buf *to, const char *database, evr_str name);

/* The i-th other name of an operator, in `scratch`. Empty when there is none, or when memory is out, which sticks to `scratch`. */
evr_str evr_op_alias(evr_buf *scratch, evr_str op, size_t i);

/* Notes how an operator ended. False when memory is out. */
bool evr_set_reason(evr_arena *arena, evr_perfdb_file *file, int32_t status, const char *format, const char *detail);

#endif
