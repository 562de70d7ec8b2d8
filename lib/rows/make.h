/* Records of a row, by the map. */
#ifndef EVR_ROWS_MAKE_H
#define EVR_ROWS_MAKE_H

#include "ir/record.h"
#include "rows/match.h"
#include "schema/catalogue.h"

enum { EVR_ROW_CALLS = 16, EVR_ROW_WHY = 400 };

/* What is known of an operator that calls name. */
typedef struct evr_known_op {
    bool asked, usable;
    const evr_schema *const *schemas;
    size_t count;
} evr_known_op;

typedef struct evr_row_maker {
    evr_context *ctx;
    const evr_row_map *map;
    evr_catalogue *catalogue;
    evr_schema_source source; /* NULL = none */
    void *source_user;
    const evr_results *const *like; /* whose operators count; NULL = all do */
    size_t like_count;
    evr_intern ops;
    evr_known_op *known; /* by number of the operator */
    size_t known_cap;
} evr_row_maker;

typedef struct evr_made_row {
    evr_ir *records[EVR_ROW_CALLS]; /* yours to free */
    size_t count;                   /* 0: `why` says why */
    evr_str composite;              /* of the map */
    char why[EVR_ROW_WHY];          /* "reason: sentence" */
} evr_made_row;

evr_status evr_row_maker_open(evr_row_maker *maker, evr_context *ctx, const evr_row_map *map, evr_schema_source source, void *user, evr_error **err);
void evr_row_maker_close(evr_row_maker *maker);

evr_status evr_row_make(evr_row_maker *maker, evr_str op, const evr_call_cells *cells, evr_made_row *out, evr_error **err);

#endif
