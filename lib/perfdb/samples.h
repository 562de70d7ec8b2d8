/* What a profiler measured: the rows of its op_summary files, one sample for each call of an operator, the repeats taken together. */
#ifndef EVR_PERFDB_SAMPLES_H
#define EVR_PERFDB_SAMPLES_H

#include "base/intern.h"
#include "perfdb/report.h"
#include "perfdb/signature.h"

/* Sums of a call's counters, in the order in which the files introduced the counters. */
typedef struct evr_counter_sum {
    double sum;
    uint32_t numbers; /* repeats that had a number */
    uint32_t seen;    /* 1: a file of this call had the column */
} evr_counter_sum;

/* Counters of one more row of a call. */
typedef struct evr_counter_row evr_counter_row;
struct evr_counter_row {
    evr_counter_row *next; /* a ring */
    evr_counter_sum sums[];
};

typedef struct evr_sample {
    uint64_t hash;           /* of the operator and the signature */
    uint64_t signature_hash; /* by the operator's own rule, without EP size */
    const char *text; /* the base cells, one after the other */
    uint32_t ends[EVR_BASE_COLUMNS];
    uint32_t op;   /* in `ops` */
    uint32_t next; /* of the same operator, in order of first sight; EVR_NO_ID at the end */
    double least;  /* shortest duration, in microseconds */
    evr_str ep_size; /* of a row that was run; empty = the update's */
    bool own;      /* only of this name: a row that was run, not what a profiler took for the operator */
    evr_counter_sum *counters;
    evr_counter_row *last; /* where rows are kept: the last row, whose `next` is the second */
    uint32_t counter_count;
} evr_sample;

typedef struct evr_op_samples {
    uint32_t first, last, count;
    evr_signature_rule rule;
} evr_op_samples;

typedef struct evr_samples {
    evr_context *ctx;
    bool keeps_rows; /* sums are not taken yet, so that they can be taken in the order of the whole file */
    evr_arena arena;
    evr_intern ops;
    uint32_t counter_places[EVR_COUNTERS]; /* place + 1 in a call's sums, 0 = not in any file so far */
    uint32_t counter_count;
    evr_op_samples *by_op; /* by number of the operator */
    size_t op_cap;
    evr_sample **items; /* in the arena */
    size_t count, cap;
    uint32_t *slots; /* number + 1, 0 = empty */
    size_t slot_count;
    evr_buf scratch, other; /* signatures */
} evr_samples;

void evr_samples_init(evr_samples *samples, evr_context *ctx);
void evr_samples_free(evr_samples *samples);

/* Fields of an op_summary file. */
typedef struct evr_summary_columns {
    int32_t op, duration, base[EVR_BASE_COLUMNS];
    struct {
        uint32_t field, place;
    } counters[EVR_COUNTERS];
    uint32_t counter_count;
} evr_summary_columns;

/* From the header that has just been read. The name of the column that is missing, or NULL. */
const char *evr_samples_header(evr_samples *samples, const evr_csv *header, evr_summary_columns *columns);

/* Adds the rows that begin before this offset of the text, and counts them. Rows that cannot be used are reported. False when memory is out. */
bool evr_samples_rows(evr_samples *samples, evr_csv *csv, const evr_summary_columns *columns, size_t until, evr_str path, evr_dbreport_part *part, uint64_t *rows);

/* Takes over samples of rows that come after all others: what comes out is what adding the rows one by one gives. `other` kept its rows, and is empty afterwards. */
bool evr_samples_join(evr_samples *samples, evr_samples *other);

/* Adds the rows of an op_summary file, on several threads when it is long. Rows that cannot be used go to the report. */
evr_status evr_samples_add(evr_samples *samples, evr_str path, evr_str text, uint32_t threads, evr_perfdb_report *report, evr_error **err);

/* Adds a row that was run. False when memory is out. */
bool evr_samples_add_run(evr_samples *samples, const evr_perfdb_run *run);

/* The samples of an operator, or NULL. */
const evr_op_samples *evr_samples_of(const evr_samples *samples, evr_str op);

evr_call_cells evr_sample_cells(const evr_sample *sample, evr_str ep_size);

/* Average of a counter over the repeats that had it; false when the files have no such column. */
bool evr_sample_counter(const evr_samples *samples, const evr_sample *sample, uint32_t index, double *out);

#endif
