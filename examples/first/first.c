/* The shortest way from a trace to an operator that has run: the first call that can be replayed, once, on the CPU.
 * usage: first TRACE [BRIDGE] */
#include <evreplay/evreplay.h>

#include <stdio.h>

static int fail(const char *what, const evr_error *err)
{
    fprintf(stderr, "%s: %s\n%s\n", what, evr_error_message(err), evr_error_hint(err));
    return 1;
}

/* region replay */
static evr_status replay(evr_context *ctx, const evr_ir *record, const char *bridge, evr_error **err)
{
    const evr_runtime_options options = {EVR_INIT(evr_runtime_options), .bridge = bridge};
    evr_runtime *runtime = NULL;
    evr_replayer *replayer = NULL;
    evr_status status = evr_runtime_open(ctx, &options, &runtime, err);
    if (status == EVR_OK)
        status = evr_replayer_new(runtime, record, NULL, &replayer, err);
    if (status == EVR_OK)
        status = evr_replayer_run(replayer, err);
    evr_replayer_free(replayer);
    evr_runtime_free(runtime);
    return status;
}
/* endregion replay */

static evr_status replay_first(evr_context *ctx, const evr_trace *trace, const char *bridge, evr_error **err)
{
    evr_extractor *extractor = NULL;
    const evr_call *calls = NULL;
    evr_ir *record = NULL;
    size_t count = 0, i = 0;
    evr_status status = evr_extractor_new(ctx, trace, NULL, &extractor, err);
    if (status == EVR_OK)
        status = evr_extractor_calls(extractor, &calls, &count, err);
    while (status == EVR_OK && i < count && calls[i].status != EVR_STATUS_OK)
        i++;
    if (status == EVR_OK && i < count)
        status = evr_extractor_record(extractor, calls[i].uid, &record, err);
    if (status == EVR_OK && record)
        status = replay(ctx, record, bridge, err);
    if (status == EVR_OK)
        printf("%s\n", record ? evr_ir_op(record).data : "nothing to replay");
    evr_ir_free(record);
    evr_extractor_free(extractor);
    return status;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "trace.json.gz";
    /* region open */
    evr_context *ctx = NULL;
    evr_trace *trace = NULL;
    evr_error *err = NULL;
    if (evr_context_new(NULL, &ctx, &err) != EVR_OK || evr_trace_open_file(ctx, path, NULL, &trace, &err) != EVR_OK)
        return fail(path, err);
    /* endregion open */
    printf("%d events\n", (int)evr_trace_event_count(trace));
    evr_status status = replay_first(ctx, trace, argc > 2 ? argv[2] : NULL, &err);
    int code = status == EVR_OK ? 0 : status == EVR_E_PLUGIN ? 5 : fail(path, err);
    evr_error_free(err);
    evr_trace_free(trace);
    evr_context_free(ctx);
    return code;
}
