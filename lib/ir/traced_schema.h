/* Schemas that a trace names itself. */
#ifndef EVR_IR_TRACED_SCHEMA_H
#define EVR_IR_TRACED_SCHEMA_H

#include "base/intern.h"
#include "ir/recorded.h"

/* Those that were read, by their texts. */
typedef struct evr_traced {
    evr_context *ctx;
    evr_arena arena;
    evr_intern texts;
    const evr_schema **schemas; /* by number of the text; NULL = it is no schema */
    size_t cap;
} evr_traced;

void evr_traced_init(evr_traced *t, evr_context *ctx);
void evr_traced_free(evr_traced *t);

/* The schema of a text; NULL for one that is none. */
evr_status evr_traced_schema(evr_traced *t, evr_str text, const evr_schema **out, evr_error **err);

/* Whether `ours` is the same overload and has every one of the `count` arguments that were recorded, by name. */
bool evr_traced_fits(const evr_schema *traced, const evr_schema *ours, size_t count);

/* Puts the arguments of a call into the order that `ours` has them in. */
evr_status evr_traced_arguments(evr_arena *arena, const evr_schema *traced, const evr_schema *ours, evr_recorded_call *call, evr_error **err);

#endif
