/* The page of a run: summary, what failed and what to do, shares, replay against trace, and a table of everything. */
#include "report/html.h"

#include "measure/protocol.h"
#include "report/json.h"

static const evr_html_column columns[] = {
    {"#", "n"},          {"operator", "t"}, {"calls", "n"},           {"status", "t"}, {"median", "n"},       {"interval", "n"},
    {"distribution", ""}, {"in the workload", "n"}, {"share", "n"}, {"in the trace", "n"}, {"replay / trace", "n"},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static void put_facts(evr_buf *buf, const evr_results *results)
{
    const evr_results_info *info = &results->info;
    evr_buf_c(buf, "<dl>");
    evr_html_fact(buf, "runtime", info->runtime);
    evr_html_fact(buf, "device", info->device);
    evr_html_fact(buf, "device name", info->device_name);
    evr_html_fact(buf, "driver", info->driver);
    evr_buf_printf(buf, "<dt>seed</dt><dd>%llu</dd>", (unsigned long long)info->seed);
    if (info->started_s > 0) {
        evr_buf_c(buf, "<dt>started</dt><dd>");
        evr_put_date(buf, info->started_s);
        evr_buf_c(buf, "</dd>");
    }
    evr_buf_c(buf, "<dt>took</dt><dd>");
    evr_put_time(buf, info->wall_s * 1e9);
    evr_buf_c(buf, "</dd></dl>\n");
    if (info->flags & EVR_RESULTS_INTERRUPTED)
        evr_buf_c(buf, "<p class=\"warn\">The run was stopped: what is missing was not reached.</p>\n");
}

static void put_tiles(evr_buf *buf, const evr_report_summary *s)
{
    const struct {
        const char *name, *tone;
        uint64_t value;
    } counts[] = {{"operations", "", s->total}, {"attempted", "", s->attempted}, {"ok", s->ok ? "good" : "", s->ok},
                  {"failed", s->failed ? "bad" : "", s->failed}, {"skipped", "", s->skipped}};
    evr_buf_c(buf, "<div class=\"tiles\">\n");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        evr_html_tile_open(buf, counts[i].tone);
        evr_put_count(buf, counts[i].value);
        evr_html_tile_close(buf, counts[i].name);
    }
    if (s->timed) {
        evr_html_tile_open(buf, "");
        evr_put_time(buf, s->replay_ns);
        evr_html_tile_close(buf, "in the workload");
    }
    if (s->trace_ns > 0) {
        evr_html_tile_open(buf, "");
        evr_put_time(buf, s->trace_ns);
        evr_html_tile_close(buf, "the same in the trace");
        evr_html_tile_open(buf, "");
        evr_put_fixed(buf, s->replay_traced_ns / s->trace_ns, 3);
        evr_html_tile_close(buf, "replay / trace");
    }
    evr_buf_c(buf, "</div>\n");
}

/* The first few results of a reason, by name. */
static void put_examples(evr_buf *buf, const evr_results *results, int32_t reason)
{
    int left = 10;
    for (size_t i = 0; i < results->count && left; i++) {
        if (results->items[i].reason != reason)
            continue;
        evr_buf_c(buf, left-- == 10 ? "" : ", ");
        evr_put_op(buf, &results->items[i], evr_put_markup);
    }
    evr_buf_c(buf, left ? "" : "…");
}

static void put_reasons(evr_buf *buf, const evr_results *results)
{
    size_t counts[EVR_REPORT_REASONS];
    bool first = true;
    evr_report_reasons(results, counts);
    for (int32_t pass = 0; pass < 2; pass++) /* failures first; skips have the lower numbers */
        for (int32_t reason = 1; reason < EVR_REPORT_REASONS; reason++) {
            if (!counts[reason] || (reason < EVR_REASON_NO_SUCH_OP) != pass)
                continue;
            evr_buf_c(buf, first ? "<h2>Failed and skipped</h2>\n<div class=\"wrap\"><table id=\"reasons\"><thead><tr><th class=\"n\">operations</th><th>reason</th><th>what to do</th><th>"
                                   "such as</th></tr></thead><tbody>\n" : "");
            first = false;
            evr_buf_printf(buf, "<tr><td class=\"n\">%zu</td><td class=\"%s\">%s</td><td>", counts[reason], pass ? "dim" : "bad", evr_reason_name(reason));
            evr_put_markup(buf, evr_str_c(evr_reason_advice(reason)));
            evr_buf_c(buf, "</td><td class=\"op dim\">");
            put_examples(buf, results, reason);
            evr_buf_c(buf, "</td></tr>\n");
        }
    evr_buf_c(buf, first ? "" : "</tbody></table></div>\n");
}

static void put_conditions(evr_buf *buf, const evr_result *r)
{
    static const struct {
        uint32_t bit;
        const char *text;
    } notes[] = {{EVR_MEASUREMENT_IMPRECISE, "less precise than asked"}, {EVR_MEASUREMENT_UNWARMED, "not warm at the start"},
                 {EVR_MEASUREMENT_THROTTLED, "throttled"}, {EVR_MEASUREMENT_COARSE, "near the clock's resolution"},
                 {EVR_MEASUREMENT_LAUNCH_BOUND, "waited for the host"}, {EVR_MEASUREMENT_UNSTABLE_CLOCK, "unstable clock"}},
      shapes[] = {{EVR_STATISTICS_DRIFT, "drifts"}, {EVR_STATISTICS_BIMODAL, "two speeds"}, {EVR_STATISTICS_CORRELATED, "neighbours resemble each other"},
                  {EVR_STATISTICS_FEW, "few samples"}};
    bool any = false;
    for (size_t i = 0; r->conditions && i < sizeof notes / sizeof *notes; i++)
        if (r->conditions->flags & notes[i].bit) {
            evr_buf_printf(buf, "%s%s", any ? ", " : "<dt>note</dt><dd>", notes[i].text);
            any = true;
        }
    for (size_t i = 0; r->statistics && i < sizeof shapes / sizeof *shapes; i++)
        if (r->statistics->flags & shapes[i].bit) {
            evr_buf_printf(buf, "%s%s", any ? ", " : "<dt>note</dt><dd>", shapes[i].text);
            any = true;
        }
    evr_buf_c(buf, any ? "</dd>" : "");
    if (r->conditions)
        evr_buf_printf(buf, "<dt>taken</dt><dd>launch %s, gate %s, %llu calls a sample</dd>", evr_launch_name(r->conditions->launch),
                       evr_gate_name(r->conditions->gate), (unsigned long long)r->conditions->batch);
}

static void put_measured(evr_buf *buf, const evr_result *r)
{
    const evr_statistics *s = r->statistics;
    const struct {
        const char *name;
        double low, high;
    } spans[] = {{"interval", s->median_low, s->median_high}, {"quartiles", s->q1, s->q3}, {"range", s->min, s->max}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        evr_buf_printf(buf, "<dt>%s</dt><dd>", spans[i].name);
        evr_put_time(buf, spans[i].low);
        evr_buf_c(buf, " to ");
        evr_put_time(buf, spans[i].high);
        evr_buf_c(buf, "</dd>");
    }
    evr_buf_printf(buf, "<dt>samples</dt><dd>%llu</dd>", (unsigned long long)s->count);
}

static void put_details(evr_buf *buf, const evr_result *r)
{
    evr_buf_c(buf, "<dl>");
    evr_html_fact(buf, "detail", r->detail);
    evr_html_fact(buf, "what to do", evr_str_c(r->status == EVR_STATUS_OK ? "" : evr_reason_advice(r->reason)));
    for (size_t i = 0; i < r->check_count; i++) {
        evr_buf_printf(buf, "<dt>check</dt><dd class=\"%s\">", r->checks[i].verdict == EVR_VERDICT_BAD ? "bad" : "");
        evr_put_markup(buf, r->checks[i].name);
        evr_buf_printf(buf, ": %s%s", evr_verdict_name(r->checks[i].verdict), r->checks[i].detail.len ? ", " : "");
        evr_put_markup(buf, r->checks[i].detail);
        evr_buf_c(buf, "</dd>");
    }
    for (size_t i = 0; i < r->warning_count; i++)
        evr_html_fact(buf, "warning", r->warnings[i]);
    if (evr_result_time(r) >= 0)
        put_measured(buf, r);
    put_conditions(buf, r);
    if (r->first_run_ns >= 0) {
        evr_buf_c(buf, "<dt>first run</dt><dd>");
        evr_put_time(buf, r->first_run_ns);
        evr_buf_c(buf, "</dd>");
    }
    evr_html_fact(buf, "device", r->device);
    evr_html_fact(buf, "filled by", r->initializer);
    if (r->uid != EVR_NO_UID)
        evr_buf_printf(buf, "<dt>uid</dt><dd>%llu</dd>", (unsigned long long)r->uid);
    evr_html_fact(buf, "key", r->key);
    evr_buf_c(buf, "</dl>");
}

static void put_ratio_cell(evr_buf *buf, double time, double traced)
{
    if (!(time >= 0 && traced > 0)) {
        evr_buf_c(buf, "<td class=\"n\" data-v=\"\"></td>");
        return;
    }
    evr_buf_c(buf, "<td class=\"n\" data-v=\"");
    evr_put_fixed(buf, time / traced, 6);
    evr_buf_c(buf, "\">");
    evr_put_fixed(buf, time / traced, 2);
    evr_buf_c(buf, "</td>");
}

static void put_share_cell(evr_buf *buf, double time, double total)
{
    if (!(time >= 0 && total > 0)) {
        evr_buf_c(buf, "<td class=\"n\" data-v=\"\"></td>");
        return;
    }
    evr_buf_c(buf, "<td class=\"n\" data-v=\"");
    evr_put_fixed(buf, time / total, 9);
    evr_buf_c(buf, "\">");
    evr_put_percent(buf, time / total, 1, false);
    evr_buf_printf(buf, "<span class=\"share\" style=\"width:%dpx\"></span></td>", (int)(time / total * 60));
}

static void put_row(evr_buf *buf, const evr_result *r, double total)
{
    double time = evr_result_time(r), traced = evr_result_trace_time(r), whole = time < 0 ? -1 : time * (double)r->count;
    bool bad = r->status == EVR_STATUS_FAILED;
    evr_buf_printf(buf, "<tr data-k=\"%s\"><td class=\"n\" data-v=\"%llu\">%llu</td><td class=\"op\" data-v=\"", evr_outcome_name(r->status),
                   (unsigned long long)r->index, (unsigned long long)r->index);
    evr_put_op(buf, r, evr_put_markup);
    evr_buf_c(buf, "\"><details><summary>");
    evr_put_op(buf, r, evr_put_markup);
    evr_buf_c(buf, " <span class=\"dim\">");
    evr_put_markup(buf, r->arguments);
    evr_buf_c(buf, "</span></summary>");
    put_details(buf, r);
    evr_buf_c(buf, "</details></td>");
    evr_html_count_cell(buf, r->count);
    evr_buf_printf(buf, "<td class=\"%s\">%s%s%s</td>", bad ? "bad" : r->status == EVR_STATUS_OK ? "good" : "dim", evr_outcome_name(r->status),
                   r->reason ? ": " : "", evr_reason_name(r->reason));
    evr_html_time_cell(buf, time);
    if (time > 0 && r->statistics->count > 1) {
        double half = (r->statistics->median_high - r->statistics->median_low) / 2 / time;
        evr_buf_c(buf, "<td class=\"n\" data-v=\"");
        evr_put_fixed(buf, half, 6);
        evr_buf_c(buf, "\">±");
        evr_put_percent(buf, half, 1, false);
        evr_buf_c(buf, "</td><td>");
    } else {
        evr_buf_c(buf, "<td class=\"n\" data-v=\"\"></td><td>");
    }
    if (time >= 0)
        evr_html_distribution(buf, r);
    evr_buf_c(buf, "</td>");
    evr_html_time_cell(buf, whole);
    put_share_cell(buf, whole, total);
    evr_html_time_cell(buf, traced);
    put_ratio_cell(buf, time, traced);
    evr_buf_c(buf, "</tr>\n");
}

/* Each protocol once, in order of first use. */
static void put_protocols(evr_buf *buf, const evr_results *results)
{
    evr_str last = {"", 0};
    enum { MOST = 16 };
    evr_str seen[MOST];
    size_t count = 0;
    for (size_t i = 0; i < results->count && count < MOST; i++) {
        evr_str text = results->items[i].protocol;
        bool known = !text.len || evr_str_eq(text, last);
        for (size_t k = 0; k < count && !known; k++)
            known = evr_str_eq(text, seen[k]);
        if (known)
            continue;
        evr_buf_c(buf, count ? "" : "<h2>How time was taken</h2>\n");
        seen[count++] = last = text;
        evr_buf_c(buf, "<p><code>");
        evr_put_markup(buf, text);
        evr_buf_c(buf, "</code></p>\n");
    }
}

void evr_results_html(evr_buf *buf, const evr_results *results)
{
    evr_report_summary s = evr_report_summarize(results);
    evr_html_begin(buf, "Replay", results->info.input);
    put_tiles(buf, &s);
    put_facts(buf, results);
    put_reasons(buf, results);
    evr_html_shares(buf, results);
    evr_html_scatter(buf, results);
    evr_buf_c(buf, "<h2>Operations</h2>\n");
    evr_html_table_open(buf, columns, COLUMNS, "ok failed skipped");
    for (size_t i = 0; i < results->count; i++)
        put_row(buf, &results->items[i], s.replay_ns);
    evr_html_table_close(buf);
    put_protocols(buf, results);
    evr_html_end(buf);
}
