/* Records of a call whose recorded texts are anything: five lines are the operator's name, dims, types, strides and values. The first
 * byte is the number of the allocation that fails once the trace is built, 0 = none. */
#include "fuzz/support.h"

static evr_trace *build(evr_context *ctx, fuzz_bytes *in)
{
    evr_event_desc e = {.struct_size = sizeof e, .category = {"cpu_op", 6}, .duration_ns = 1, .sequence = -1, .device = -1, .stream = -1};
    evr_trace_builder *b = NULL;
    evr_trace *trace = NULL;
    e.name = fuzz_line(in);
    e.dims = fuzz_line(in);
    e.types = fuzz_line(in);
    e.strides = fuzz_line(in);
    e.values = fuzz_line(in);
    FUZZ_NEED(evr_trace_builder_new(ctx, NULL, &b, NULL) == EVR_OK);
    FUZZ_NEED(evr_trace_builder_push(b, &e, NULL) == EVR_OK && evr_trace_builder_push(b, &e, NULL) == EVR_OK);
    FUZZ_NEED(evr_trace_builder_finish(b, &trace, NULL) == EVR_OK);
    evr_trace_builder_free(b);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    fuzz_memory memory = {.most = (size_t)1 << 28};
    size_t fail_at = fuzz_u8(&in);
    evr_context *ctx = fuzz_context(&memory);
    evr_trace *trace = build(ctx, &in);
    evr_extractor *extractor = NULL;
    const evr_call *calls;
    size_t n, text_size;
    memory.fail_at = fail_at ? memory.calls + fail_at : 0;
    if (evr_extractor_new(ctx, trace, NULL, &extractor, NULL) == EVR_OK && evr_extractor_calls(extractor, &calls, &n, NULL) == EVR_OK) {
        FUZZ_NEED(n == 1 && calls[0].count == 2);
        evr_ir *ir = NULL;
        char *text = NULL;
        if (evr_extractor_record(extractor, 0, &ir, NULL) == EVR_OK) {
            FUZZ_NEED(evr_ir_status(ir) >= EVR_STATUS_OK && evr_ir_status(ir) <= EVR_STATUS_FAILED && evr_ir_count(ir) == 2);
            evr_ir_write(ctx, (const evr_ir *const *)&ir, 1, EVR_IR_FORMAT_EVREPLAY, &text, &text_size, NULL);
            evr_text_free(ctx, text);
            text = NULL;
        }
        if (evr_extractor_explain(extractor, 0, &text, NULL) == EVR_OK)
            evr_text_free(ctx, text);
        evr_ir_free(ir);
    }
    evr_extractor_free(extractor);
    evr_trace_free(trace);
    fuzz_context_done(ctx, &memory);
    return 0;
}
