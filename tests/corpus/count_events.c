/* Prints the number of events of each trace named, one a line. For check_accounting.py. */
#include <evreplay/evreplay.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    evr_context *ctx;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK)
        return 1;
    for (int i = 1; i < argc; i++) {
        evr_trace *trace;
        evr_error *err;
        if (evr_trace_open_file(ctx, argv[i], NULL, &trace, &err) != EVR_OK) {
            fprintf(stderr, "%s\n", evr_error_message(err));
            return 1;
        }
        uint64_t listed = 0; /* as many as the categories say, as well */
        for (size_t k = 0; k < evr_trace_category_count(trace); k++) {
            evr_str name;
            int32_t kind;
            uint64_t events;
            evr_trace_category_at(trace, k, &name, &kind, &events);
            listed += events;
        }
        printf("%llu %llu %llu\n", (unsigned long long)evr_trace_event_count(trace), (unsigned long long)listed,
               (unsigned long long)evr_trace_json_bytes(trace));
        evr_trace_free(trace);
    }
    evr_context_free(ctx);
    return 0;
}
