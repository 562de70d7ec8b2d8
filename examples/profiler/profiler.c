/* What a profiler does with the library: it pushes what it saw, event by event and without JSON, and reads records back.
 * usage: profiler */
#include <evreplay/evreplay.h>

#include <inttypes.h>
#include <stdio.h>

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

/* region push */
/* One call of aten::addmm, the launch inside it, and the kernel that the launch started. */
static evr_status push_step(evr_trace_builder *builder, int64_t step, evr_error **err)
{
    const int64_t start = 1000000 + step * 100000; /* nanoseconds on the profiler's clock */
    evr_event_desc op = {EVR_INIT(evr_event_desc), .pid = 1, .tid = 1, .start_ns = start, .duration_ns = 50000, .sequence = -1, .device = -1, .stream = -1};
    evr_event_desc launch = op, kernel = op;
    op.name = TEXT("aten::addmm");
    op.category = TEXT("cpu_op");
    op.dims = TEXT("[[32],[8,16],[16,32],[],[]]");
    op.types = TEXT("[\"float\",\"float\",\"float\",\"Scalar\",\"Scalar\"]");
    op.strides = TEXT("[[1],[16,1],[32,1],[],[]]");
    op.values = TEXT("[\"\",\"\",\"\",\"1\",\"1\"]");
    launch.name = TEXT("cudaLaunchKernel");
    launch.category = TEXT("cuda_runtime");
    launch.start_ns = start + 10000;
    launch.duration_ns = 5000;
    launch.correlation = (uint64_t)step + 1; /* what ties a launch to its kernel */
    kernel.name = TEXT("sgemm_32x32");
    kernel.category = TEXT("kernel");
    kernel.start_ns = start + 30000;
    kernel.duration_ns = 7000;
    kernel.correlation = launch.correlation;
    kernel.device = 0;
    kernel.stream = 7;
    evr_status status = evr_trace_builder_push(builder, &op, err);
    if (status == EVR_OK)
        status = evr_trace_builder_push(builder, &launch, err);
    return status == EVR_OK ? evr_trace_builder_push(builder, &kernel, err) : status;
}
/* endregion push */

/* region records */
static const char *const words[] = {[EVR_STATUS_OK] = "ok", [EVR_STATUS_SKIPPED] = "skipped", [EVR_STATUS_FAILED] = "failed"};

/* One line for each unique call: what was called, how often, how long its kernels ran. */
static evr_status print_records(evr_context *ctx, const evr_trace *trace, evr_error **err)
{
    evr_extractor *extractor = NULL;
    const evr_call *calls = NULL;
    size_t count = 0;
    evr_status status = evr_extractor_new(ctx, trace, NULL, &extractor, err);
    if (status == EVR_OK)
        status = evr_extractor_calls(extractor, &calls, &count, err);
    for (size_t i = 0; status == EVR_OK && i < count; i++) {
        evr_ir *record = NULL;
        char *arguments = NULL;
        status = evr_extractor_record(extractor, calls[i].uid, &record, err);
        if (status == EVR_OK)
            status = evr_ir_arguments(record, &arguments, err);
        if (status == EVR_OK)
            printf("%s(%s): %s, %" PRIu64 " calls, %" PRId64 " ns in %s\n", evr_ir_op(record).data, arguments,
                   words[evr_ir_status(record)], calls[i].count, calls[i].device_ns,
                   evr_ir_kernel_count(record) ? evr_ir_kernel(record, 0)->name.data : "no kernel");
        evr_text_free(ctx, arguments);
        evr_ir_free(record);
    }
    evr_extractor_free(extractor);
    return status;
}
/* endregion records */

int main(void)
{
    evr_context *ctx = NULL;
    evr_trace_builder *builder = NULL;
    evr_trace *trace = NULL;
    evr_error *err = NULL;
    evr_status status = evr_abi_check(EVR_ABI_VERSION, &err);
    if (status == EVR_OK)
        status = evr_context_new(NULL, &ctx, &err);
    if (status == EVR_OK)
        status = evr_trace_builder_new(ctx, NULL, &builder, &err);
    if (status == EVR_OK)
        status = evr_trace_builder_reserve(builder, 9, &err); /* so that pushing asks for no memory while the program is being watched */
    for (int64_t step = 0; status == EVR_OK && step < 3; step++)
        status = push_step(builder, step, &err);
    if (status == EVR_OK)
        status = evr_trace_builder_finish(builder, &trace, &err);
    if (status == EVR_OK)
        status = print_records(ctx, trace, &err);
    if (status != EVR_OK)
        fprintf(stderr, "profiler: %s\n%s\n", evr_error_message(err), evr_error_hint(err));
    evr_error_free(err);
    evr_trace_free(trace);
    evr_trace_builder_free(builder);
    evr_context_free(ctx);
    return status == EVR_OK ? 0 : 1;
}
