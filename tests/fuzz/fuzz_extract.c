/* Records of calls whose recorded texts are anything. Five lines are an operator's name, dims, types, strides and values: of a call, which
 * is made twice, of an operator around both, and of one behind them within it. The first byte is the number of the allocation that fails
 * once the trace is built, 0 = none. */
#include "fuzz/support.h"

static void push(evr_trace_builder *b, fuzz_bytes *in, int64_t start, int64_t duration, int times)
{
    evr_event_desc e = {.struct_size = sizeof e, .category = {"cpu_op", 6}, .duration_ns = duration, .sequence = -1, .device = -1, .stream = -1};
    e.name = fuzz_line(in);
    e.dims = fuzz_line(in);
    e.types = fuzz_line(in);
    e.strides = fuzz_line(in);
    e.values = fuzz_line(in);
    for (int i = 0; i < times; i++) {
        e.start_ns = start + 2 * i * duration;
        FUZZ_NEED(evr_trace_builder_push(b, &e, NULL) == EVR_OK);
    }
}

static evr_trace *build(evr_context *ctx, fuzz_bytes *in)
{
    evr_trace_builder *b = NULL;
    evr_trace *trace = NULL;
    FUZZ_NEED(evr_trace_builder_new(ctx, NULL, &b, NULL) == EVR_OK);
    push(b, in, 10, 1, 2);
    if (in->size)
        push(b, in, 5, 90, 1);
    if (in->size)
        push(b, in, 20, 5, 1);
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
        FUZZ_NEED(n >= 1 && n <= 3 && calls[0].count >= 2);
        for (size_t i = 0; i < n; i++) {
            evr_ir *ir = NULL;
            char *text = NULL;
            if (evr_extractor_record(extractor, calls[i].uid, &ir, NULL) == EVR_OK) {
                FUZZ_NEED(evr_ir_status(ir) >= EVR_STATUS_OK && evr_ir_status(ir) <= EVR_STATUS_FAILED && evr_ir_count(ir) == calls[i].count);
                evr_ir_write(ctx, (const evr_ir *const *)&ir, 1, EVR_IR_FORMAT_EVREPLAY, &text, &text_size, NULL);
                evr_text_free(ctx, text);
                text = NULL;
            }
            if (evr_extractor_explain(extractor, calls[i].uid, &text, NULL) == EVR_OK)
                evr_text_free(ctx, text);
            evr_ir_free(ir);
        }
    }
    evr_extractor_free(extractor);
    evr_trace_free(trace);
    fuzz_context_done(ctx, &memory);
    return 0;
}
