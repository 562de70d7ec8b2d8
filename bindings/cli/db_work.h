/* Where a live run keeps what is intermediate: made at its start, taken away when nothing failed. */
#ifndef EVREPLAY_CLI_DB_WORK_H
#define EVREPLAY_CLI_DB_WORK_H

#include <evreplay/evreplay.h>

#include <stdbool.h>

typedef struct db_work {
    char folder[3072];
    bool own; /* made for this run */
    char *files[1024];
    size_t count;
    char path[4096]; /* of the file asked for last */
} db_work;

/* False after an error has been told. `folder` may be NULL: a new one below $TMPDIR. */
bool db_work_open(db_work *work, const char *folder);

/* Path of a file in it, which goes with it. Nothing stands there yet. */
const char *db_work_file(db_work *work, const char *name);

/* Writes a text, which is freed. */
bool db_work_write(db_work *work, evr_context *ctx, const char *name, char *text, size_t size);
bool db_work_results(db_work *work, evr_context *ctx, const char *name, const evr_results *results);

/* Takes the files away, and the folder if it was made for this run, unless they are kept. */
void db_work_close(db_work *work, bool keep);

#endif
