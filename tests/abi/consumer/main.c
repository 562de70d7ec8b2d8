/* A program as a user of the installed package writes it. */
#include <evreplay/evreplay.h>

#include <stdio.h>

int main(void)
{
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    if (evr_abi_check(EVR_ABI_VERSION, &err) != EVR_OK || evr_context_new(NULL, &ctx, &err) != EVR_OK) {
        fprintf(stderr, "%s\n", evr_error_message(err));
        return 1;
    }
    static const char text[] = "{\"traceEvents\":[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::add\",\"ts\":1,\"dur\":2}]}";
    evr_trace *trace = NULL;
    if (evr_trace_open_memory(ctx, text, sizeof text - 1, NULL, &trace, &err) != EVR_OK) {
        fprintf(stderr, "%s\n", evr_error_message(err));
        return 1;
    }
    printf("evreplay %s: %llu event\n", evr_version_string(), (unsigned long long)evr_trace_event_count(trace));
    evr_trace_free(trace);
    evr_context_free(ctx);
    return 0;
}
