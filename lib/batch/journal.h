/* Results on disk as they come: a line for the batch, then a line for each result, each written at once. */
#ifndef EVR_BATCH_JOURNAL_H
#define EVR_BATCH_JOURNAL_H

#include <evreplay/report.h>

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

typedef struct evr_journal {
    evr_context *ctx;
    int fd; /* -1 = none is kept */
} evr_journal;

/* Opens or makes the file for a batch of that digest. With `resume`, results that are in it are added to `results`; a line that a kill cut short is dropped.
 * @return EVR_OK · EVR_E_IO · EVR_E_STATE (it is of another batch, or there is one and `resume` was not asked for) */
evr_status evr_journal_open(evr_context *ctx, const char *path, const char *digest, bool resume, evr_results *results, evr_journal *out, evr_error **err);

/* Puts one result on disk. */
evr_status evr_journal_add(evr_journal *j, const evr_result *result, evr_error **err);

/* Makes sure that all of it outlives the machine, too. */
evr_status evr_journal_close(evr_journal *j, evr_error **err);

#endif
