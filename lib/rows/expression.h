/* Arguments of a call in a row map, and what they are worth for a row. */
#ifndef EVR_ROWS_EXPRESSION_H
#define EVR_ROWS_EXPRESSION_H

#include "ir/record.h"
#include "rows/match.h"

typedef struct evr_expression {
    const evr_variant *variant;
    const evr_row_slots *slots;   /* NULL: the text is only checked … */
    const evr_bindings *bindings;
    evr_ir *ir;                   /* … else values are put here */
    evr_str text;
    size_t at;
    uint32_t depth;
    const char *problem; /* NULL = none so far */
    bool nomem;
} evr_expression;

/* The next argument: its name (empty when it has none), its own text, its value. False at the end, and when there is a problem. */
bool evr_expression_next(evr_expression *e, evr_str *name, evr_str *source, evr_value *value);

/* What is wrong with the arguments of a call; NULL when nothing is. */
const char *evr_expression_check(const evr_variant *variant, evr_str arguments);

#endif
