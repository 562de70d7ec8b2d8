#include "report/summary.h"

double evr_result_time(const evr_result *r)
{
    return r->status == EVR_STATUS_OK && r->statistics && r->statistics->count ? r->statistics->median : -1;
}

static bool ran_on_cpu(const evr_result *r) { return evr_str_starts(r->device, "cpu"); }

double evr_result_trace_time(const evr_result *r)
{
    if (r->trace_kernel_ns > 0)
        return r->trace_kernel_ns;
    return ran_on_cpu(r) ? r->trace_cpu_ns : -1;
}

evr_report_summary evr_report_summarize(const evr_results *results)
{
    evr_report_summary s = {.total = results->count};
    for (size_t i = 0; i < results->count; i++) {
        const evr_result *r = &results->items[i];
        double time = evr_result_time(r), traced = evr_result_trace_time(r), calls = (double)r->count;
        s.ok += r->status == EVR_STATUS_OK;
        s.failed += r->status == EVR_STATUS_FAILED;
        s.skipped += r->status == EVR_STATUS_SKIPPED;
        s.calls += r->count;
        s.trace_all_ns += traced > 0 ? traced * calls : 0;
        if (time < 0)
            continue;
        s.timed++;
        s.replay_ns += time * calls;
        if (traced < 0)
            continue;
        s.traced++;
        s.trace_ns += traced * calls;
        s.replay_traced_ns += time * calls;
    }
    s.attempted = s.ok + s.failed;
    return s;
}

void evr_report_reasons(const evr_results *results, size_t counts[EVR_REPORT_REASONS])
{
    for (size_t i = 0; i < EVR_REPORT_REASONS; i++)
        counts[i] = 0;
    for (size_t i = 0; i < results->count; i++)
        if (results->items[i].reason > 0 && results->items[i].reason < EVR_REPORT_REASONS)
            counts[results->items[i].reason]++;
}
