/* Traces of a few operators, and their records. */
#ifndef EVR_TESTS_STEPS_H
#define EVR_TESTS_STEPS_H

#include "support/support.h"

#include "base/str.h"

typedef struct step {
    int64_t start, duration; /* what lies within another is called by it */
    const char *name, *dims, *types, *values, *strides; /* the last two may be NULL */
} step;

#define STEPS(...) (const step[]){__VA_ARGS__}, sizeof((const step[]){__VA_ARGS__}) / sizeof(step)

static inline evr_trace *trace_of(evr_context *ctx, const step *steps, size_t count)
{
    evr_trace_builder *b = NULL;
    evr_trace *t = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    for (size_t i = 0; i < count; i++) {
        evr_event_desc e = {.struct_size = sizeof e, .category = evr_str_c("cpu_op"), .name = evr_str_c(steps[i].name),
                            .start_ns = steps[i].start, .duration_ns = steps[i].duration, .dims = evr_str_c(steps[i].dims),
                            .types = evr_str_c(steps[i].types), .values = evr_str_c(steps[i].values ? steps[i].values : ""),
                            .strides = evr_str_c(steps[i].strides ? steps[i].strides : ""),
                            .sequence = -1, .device = -1, .stream = -1};
        assert_ok(evr_trace_builder_push(b, &e, err));
    }
    assert_ok(evr_trace_builder_finish(b, &t, err));
    evr_trace_builder_free(b);
    return t;
}

/* The record of one of the steps. */
static inline evr_ir *record_of_step(evr_context *ctx, evr_uid uid, const step *steps, size_t count)
{
    evr_trace *t = trace_of(ctx, steps, count);
    evr_extractor *x = NULL;
    evr_ir *ir = NULL;
    assert_ok(evr_extractor_new(ctx, t, NULL, &x, err));
    assert_ok(evr_extractor_record(x, uid, &ir, err));
    evr_extractor_free(x);
    evr_trace_free(t);
    return ir;
}

#endif
