/* A trace's calls beside a store: what is known of each. */
#ifndef EVREPLAY_CLI_DB_SURVEY_H
#define EVREPLAY_CLI_DB_SURVEY_H

#include "db.h"
#include "records.h"

typedef struct survey_call {
    const evr_call *call;
    evr_ir *owned;
    const evr_ir *record;
    evr_store_rows *rows;     /* what is known of it; NULL = nothing */
    const evr_store_row *row; /* the newest of them */
} survey_call;

/* How much of the calls there is. */
typedef struct survey_part {
    uint64_t kinds, calls;
    double kernel_ns;
} survey_part;

typedef struct survey {
    survey_call *calls; /* those that can be replayed, the costliest first */
    size_t count;
    survey_part all, known;
    survey_part left_out; /* those that cannot */
} survey;

/* Returns 0, or the exit code after an error has been told. */
int survey_make(const command *self, evr_store *store, record_source *source, const char *op, const evr_store_filter *filter, survey *out);
void survey_free(survey *s);

#endif
