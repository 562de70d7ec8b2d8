/* Fitting a row's slots to the shapes of a variant. */
#ifndef EVR_ROWS_MATCH_H
#define EVR_ROWS_MATCH_H

#include "rows/slots.h"

/* What a name stands for. */
typedef struct evr_bound {
    bool bound;
    bool many;          /* *name: `sizes`; else `sizes[0]` */
    uint32_t count;
    int64_t sizes[EVR_ROW_DIMS];
    int64_t units[EVR_ROW_DIMS]; /* as in evr_slot */
} evr_bound;

typedef struct evr_bindings {
    evr_bound names[EVR_ROW_NAMES];
} evr_bindings;

/* Binds the variant's names, and brings the slots with shapes into their first layouts: sizes exact, strides of the layout found. On false `why` says what does not fit. */
bool evr_match(const evr_variant *variant, evr_row_slots *slots, evr_bindings *bindings, char *why, size_t size);

#endif
