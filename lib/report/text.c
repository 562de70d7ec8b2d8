/* A block for a terminal: a line for each result in the manner of TraceLens' batched replay, its summary, and what to do about failures. */
#include "report/format.h"
#include "report/json.h"

static void put_measured(evr_buf *buf, const evr_result *r)
{
    const evr_statistics *s = r->statistics;
    evr_put_time(buf, s->median);
    if (s->count > 1 && s->median > 0) {
        evr_buf_c(buf, " (");
        evr_put_time(buf, s->median_low);
        evr_buf_c(buf, " to ");
        evr_put_time(buf, s->median_high);
        evr_buf_c(buf, ")");
    }
    evr_buf_c(buf, ", count in workload ");
    evr_put_count(buf, r->count);
    evr_buf_c(buf, ", est time in workload ");
    evr_put_time(buf, s->median * (double)r->count);
    if (evr_result_trace_time(r) > 0) {
        evr_buf_c(buf, ", in the trace ");
        evr_put_time(buf, evr_result_trace_time(r));
    }
}

static void put_line(evr_buf *buf, const evr_result *r, size_t number, size_t total)
{
    evr_buf_printf(buf, "[%zu/%zu] ", number, total);
    evr_put_op(buf, r, evr_put_terminal);
    evr_buf_c(buf, ": ");
    if (r->status != EVR_STATUS_OK) {
        const char *reason = evr_reason_name(r->reason);
        evr_buf_printf(buf, "%s%s%s", r->status == EVR_STATUS_SKIPPED ? "skipped" : "Error", reason[0] ? ": " : "", reason);
        evr_buf_c(buf, r->detail.len ? ": " : "");
        evr_put_terminal(buf, r->detail);
    } else if (evr_result_time(r) >= 0) {
        put_measured(buf, r);
    } else {
        evr_buf_c(buf, "ran, first run ");
        evr_put_time(buf, r->first_run_ns);
    }
    evr_buf_char(buf, '\n');
    for (size_t i = 0; i < r->check_count; i++)
        if (r->checks[i].verdict == EVR_VERDICT_BAD) {
            evr_buf_c(buf, "    check ");
            evr_put_terminal(buf, r->checks[i].name);
            evr_buf_c(buf, ": ");
            evr_put_terminal(buf, r->checks[i].detail);
            evr_buf_char(buf, '\n');
        }
    for (size_t i = 0; i < r->warning_count; i++) {
        evr_buf_c(buf, "    warning: ");
        evr_put_terminal(buf, r->warnings[i]);
        evr_buf_char(buf, '\n');
    }
}

static void put_workload(evr_buf *buf, const evr_report_summary *s)
{
    if (!s->timed)
        return;
    evr_buf_c(buf, "Est time in workload: ");
    evr_put_time(buf, s->replay_ns);
    evr_buf_c(buf, " (");
    evr_put_count(buf, s->timed);
    evr_buf_c(buf, s->timed == 1 ? " timed operation, times its calls)\n" : " timed operations, each times its calls)\n");
    if (!(s->trace_ns > 0))
        return;
    evr_buf_c(buf, "Time in the trace: ");
    evr_put_time(buf, s->trace_ns);
    evr_buf_c(buf, " (of ");
    evr_put_count(buf, s->traced);
    evr_buf_c(buf, " of them; replay takes ");
    evr_put_fixed(buf, s->replay_traced_ns / s->trace_ns, 3);
    evr_buf_c(buf, " times that)\n");
}

static void put_reasons(evr_buf *buf, const evr_results *results)
{
    size_t counts[EVR_REPORT_REASONS];
    evr_report_reasons(results, counts);
    bool first = true;
    for (int32_t reason = 1; reason < EVR_REPORT_REASONS; reason++) {
        if (!counts[reason])
            continue;
        evr_buf_c(buf, first ? "Reasons:\n" : "");
        first = false;
        evr_buf_printf(buf, "  %6zu  %-26s %s\n", counts[reason], evr_reason_name(reason), evr_reason_advice(reason));
    }
}

static void put_place(evr_buf *buf, const evr_results_info *info)
{
    if (!info->runtime.len && !info->device.len)
        return;
    evr_buf_c(buf, "Ran with ");
    evr_put_terminal(buf, info->runtime);
    evr_buf_c(buf, " on ");
    evr_put_terminal(buf, info->device);
    if (info->device_name.len) {
        evr_buf_c(buf, " (");
        evr_put_terminal(buf, info->device_name);
        evr_buf_c(buf, ")");
    }
    evr_buf_c(buf, " in ");
    evr_put_time(buf, info->wall_s * 1e9);
    evr_buf_char(buf, '\n');
}

void evr_results_text(evr_buf *buf, const evr_results *results)
{
    evr_report_summary s = evr_report_summarize(results);
    for (size_t i = 0; i < results->count; i++)
        put_line(buf, &results->items[i], i + 1, results->count);
    evr_buf_printf(buf, "\n--- Replay Summary ---\nTotal operations in file: %llu\nAttempted replays: %llu\nSuccessful replays: %llu\nErrors encountered: %llu\nSkipped: %llu\n",
                   (unsigned long long)s.total, (unsigned long long)s.attempted, (unsigned long long)s.ok, (unsigned long long)s.failed,
                   (unsigned long long)s.skipped);
    put_workload(buf, &s);
    put_place(buf, &results->info);
    if (results->info.flags & EVR_RESULTS_INTERRUPTED)
        evr_buf_c(buf, "The run was stopped: what is missing was not reached\n");
    put_reasons(buf, results);
    evr_buf_c(buf, "----------------------\n");
}
