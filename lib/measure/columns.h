/* Members of statistics and conditions as JSON: one table for writing and for reading. */
#ifndef EVR_MEASURE_COLUMNS_H
#define EVR_MEASURE_COLUMNS_H

#include "base/json_write.h"

#include <evreplay/measure.h>

typedef enum evr_column_kind {
    EVR_COLUMN_NUMBER,
    EVR_COLUMN_COUNT,    /* uint64_t */
    EVR_COLUMN_POSITIVE, /* a number that is null where not known, which is 0, or -1 where 0 says something */
    EVR_COLUMN_FLAG,
} evr_column_kind;

typedef struct evr_column {
    const char *name;
    size_t offset;
    evr_column_kind kind;
    uint32_t bit;     /* FLAG */
    double not_known; /* POSITIVE */
} evr_column;

typedef struct evr_columns {
    const evr_column *columns;
    size_t count;
} evr_columns;

extern const evr_columns evr_statistics_columns, evr_conditions_columns;

/* Whole objects. */
void evr_statistics_write(evr_json_writer *w, const evr_statistics *s);
void evr_conditions_write(evr_json_writer *w, const evr_conditions *c);

#endif
