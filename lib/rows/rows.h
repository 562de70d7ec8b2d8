/* Chosen rows of a database, their records, and what became of them. */
#ifndef EVR_ROWS_ROWS_H
#define EVR_ROWS_ROWS_H

#include <evreplay/rows.h>

#include "base/intern.h"
#include "perfdb/signature.h"

typedef struct evr_row_item {
    evr_call_cells cells;
    evr_str op, file, shapes, composite;
    evr_str why; /* it has no records */
    uint64_t line;
    size_t *records;
    size_t record_count;
} evr_row_item;

/* What became of one record. */
typedef struct evr_row_outcome {
    bool taken;
    int32_t status;
    double median_ns; /* negative = not timed */
    evr_str reason;
} evr_row_outcome;

struct evr_rows {
    evr_context *ctx;
    evr_arena arena;
    evr_row_item *items;
    size_t count, cap;
    evr_intern keys; /* of records, in their order */
    evr_ir **records;
    size_t record_cap;
    evr_row_outcome *outcomes;
    size_t outcome_cap;
};

#endif
