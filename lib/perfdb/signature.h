/* What makes two rows the same call: see docs/perfdb.md for the rules. */
#ifndef EVR_PERFDB_SIGNATURE_H
#define EVR_PERFDB_SIGNATURE_H

#include "perfdb/columns.h"

/* The cells a signature is made of, as they stand in the file. */
typedef struct evr_call_cells {
    evr_str base[EVR_BASE_COLUMNS];
    evr_str ep_size;
} evr_call_cells;

/* Whether the cells that a signature is made of are the same bytes. */
static inline bool evr_call_cells_equal(const evr_call_cells *a, const evr_call_cells *b)
{
    for (size_t i = EVR_COL_INPUT_SHAPES; i <= EVR_COL_OUTPUT_TYPES; i++)
        if (!evr_str_eq(a->base[i], b->base[i]))
            return false;
    return evr_str_eq(a->ep_size, b->ep_size);
}

typedef enum evr_signature_rule {
    EVR_RULE_PLAIN,
    EVR_RULE_MATMUL,      /* two matrices in either layout */
    EVR_RULE_INDEX,       /* the source and how many elements are taken */
    EVR_RULE_FIRST_INPUT, /* parameters beside the first input do not matter */
    EVR_RULE_EP_SIZE,     /* the number of expert-parallel ranks counts */
} evr_signature_rule;

evr_signature_rule evr_signature_rule_of(evr_str op);

/* Appends the signature: equal texts, same call. Buffer errors stay in the buffer. */
void evr_signature(evr_buf *to, evr_signature_rule rule, const evr_call_cells *cells);

/* Appends "inputs -> outputs" as people see it. */
void evr_signature_label(evr_buf *to, const evr_call_cells *cells);

enum { EVR_MOST_ALIASES = 3 };

/* Other names under which the profiler may list the same operator, in the order their measurements are merged. Returns how many;
 * a name is kept in two parts, of which the second may be empty. */
typedef struct evr_alias {
    evr_str name;
    const char *suffix;
} evr_alias;
size_t evr_op_aliases(evr_str op, evr_alias aliases[EVR_MOST_ALIASES]);

/* Whether an operator's measurements only update rows that are there. */
bool evr_op_match_only(evr_str op);

#endif
