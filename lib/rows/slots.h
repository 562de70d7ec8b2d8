/* The slots of a row: what its cells say of each tensor. */
#ifndef EVR_ROWS_SLOTS_H
#define EVR_ROWS_SLOTS_H

#include "perfdb/signature.h"
#include "rows/map.h"

enum { EVR_ROW_SLOTS = 64 };

typedef struct evr_slot {
    bool there;   /* else nothing was passed */
    bool scalar;  /* with a type and without dimensions */
    int32_t dtype;
    uint32_t rank;
    int64_t shape[EVR_ROW_DIMS];
    int64_t unit[EVR_ROW_DIMS];    /* sizes were rounded up to a multiple of this; 0 = they are exact */
    int64_t strides[EVR_ROW_DIMS]; /* in elements */
} evr_slot;

typedef struct evr_row_slots {
    evr_slot in[EVR_ROW_SLOTS], out[EVR_ROW_SLOTS];
    size_t in_count, out_count; /* up to the last that is there */
} evr_row_slots;

/* Reads the cells. On false `why` says what is wrong with them. */
bool evr_slots_read(const evr_row_map *map, const evr_call_cells *cells, evr_row_slots *slots, char *why, size_t size);

#endif
