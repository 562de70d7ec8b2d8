/* Summary and table as GitHub's Markdown shows them. */
#include "report/format.h"
#include "report/json.h"

static void put_head(evr_buf *buf, const evr_results *results)
{
    const evr_results_info *info = &results->info;
    evr_report_summary s = evr_report_summarize(results);
    evr_buf_printf(buf, "## Replay: %llu of %llu operations ok\n\n| | |\n| --- | --- |\n", (unsigned long long)s.ok, (unsigned long long)s.attempted);
    const struct {
        const char *name;
        evr_str text;
    } texts[] = {{"input", info->input}, {"runtime", info->runtime}, {"device", info->device}, {"device name", info->device_name}, {"driver", info->driver}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!texts[i].text.len)
            continue;
        evr_buf_printf(buf, "| %s | ", texts[i].name);
        evr_put_markdown(buf, texts[i].text);
        evr_buf_c(buf, " |\n");
    }
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"total", s.total}, {"attempted", s.attempted}, {"ok", s.ok}, {"failed", s.failed}, {"skipped", s.skipped}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        evr_buf_printf(buf, "| %s | ", counts[i].name);
        evr_put_count(buf, counts[i].value);
        evr_buf_c(buf, " |\n");
    }
    if (s.timed) {
        evr_buf_c(buf, "| time in the workload | ");
        evr_put_time(buf, s.replay_ns);
        evr_buf_c(buf, " |\n");
    }
    if (s.trace_ns > 0) {
        evr_buf_c(buf, "| the same in the trace | ");
        evr_put_time(buf, s.trace_ns);
        evr_buf_c(buf, " |\n");
    }
    if (info->flags & EVR_RESULTS_INTERRUPTED)
        evr_buf_c(buf, "\nThe run was stopped: what is missing was not reached.\n");
}

static void put_reasons(evr_buf *buf, const evr_results *results)
{
    size_t counts[EVR_REPORT_REASONS];
    bool first = true;
    evr_report_reasons(results, counts);
    for (int32_t reason = 1; reason < EVR_REPORT_REASONS; reason++) {
        if (!counts[reason])
            continue;
        evr_buf_c(buf, first ? "\n| operations | reason | what to do |\n| ---: | --- | --- |\n" : "");
        first = false;
        evr_buf_printf(buf, "| %zu | %s | %s |\n", counts[reason], evr_reason_name(reason), evr_reason_advice(reason));
    }
}

static void put_time_cells(evr_buf *buf, const evr_result *r)
{
    double time = evr_result_time(r);
    evr_put_time(buf, time);
    evr_buf_c(buf, " | ");
    if (time > 0 && r->statistics->count > 1) {
        evr_buf_c(buf, "±");
        evr_put_percent(buf, (r->statistics->median_high - r->statistics->median_low) / 2 / time, 1, false);
    }
    evr_buf_c(buf, " | ");
    evr_put_time(buf, evr_result_trace_time(r));
    evr_buf_c(buf, " | ");
    evr_put_time(buf, time < 0 ? time : time * (double)r->count);
}

void evr_results_markdown(evr_buf *buf, const evr_results *results)
{
    put_head(buf, results);
    put_reasons(buf, results);
    evr_buf_c(buf, "\n| operator | arguments | calls | status | median | interval | in the trace | in the workload | note |\n"
                   "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | --- |\n");
    for (size_t i = 0; i < results->count; i++) {
        const evr_result *r = &results->items[i];
        evr_buf_c(buf, "| ");
        evr_put_op(buf, r, evr_put_markdown);
        evr_buf_c(buf, " | ");
        evr_put_markdown(buf, r->arguments);
        evr_buf_c(buf, " | ");
        evr_put_count(buf, r->count);
        evr_buf_printf(buf, " | %s%s%s | ", evr_outcome_name(r->status), r->reason ? ": " : "", evr_reason_name(r->reason));
        put_time_cells(buf, r);
        evr_buf_c(buf, " | ");
        evr_put_markdown(buf, r->detail);
        evr_buf_c(buf, " |\n");
    }
}
