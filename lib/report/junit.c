/* A test case for each result, in the form that continuous integration shows. */
#include "report/format.h"
#include "report/json.h"

static void put_name(evr_buf *buf, const evr_result *r)
{
    evr_buf_c(buf, "  <testcase classname=\"");
    evr_put_markup(buf, r->op);
    evr_buf_c(buf, "\" name=\"");
    evr_put_markup(buf, r->overload.len ? r->overload : evr_str_c("default"));
    evr_buf_char(buf, '(');
    evr_put_markup(buf, r->arguments);
    evr_buf_printf(buf, ") #%llu\" time=\"", (unsigned long long)r->index); /* so that no two cases have one name */
    double time = evr_result_time(r) >= 0 ? evr_result_time(r) : r->first_run_ns;
    evr_put_fixed(buf, time > 0 ? time / 1e9 : 0, 9);
    evr_buf_c(buf, "\">");
}

static void put_outcome(evr_buf *buf, const evr_result *r)
{
    if (r->status == EVR_STATUS_OK)
        return;
    bool skipped = r->status == EVR_STATUS_SKIPPED;
    const char *reason = evr_reason_name(r->reason);
    evr_buf_printf(buf, "\n    <%s message=\"%s%s", skipped ? "skipped" : "failure", reason, r->detail.len && reason[0] ? ": " : "");
    evr_put_markup(buf, r->detail);
    if (skipped) {
        evr_buf_c(buf, "\"/>");
        return;
    }
    evr_buf_printf(buf, "\" type=\"%s\">", reason);
    evr_put_markup(buf, evr_str_c(evr_reason_advice(r->reason)));
    evr_buf_c(buf, "</failure>");
}

/* What a reader should know besides: warnings, checks that are not good, the time in words. */
static void put_notes(evr_buf *buf, const evr_result *r)
{
    if (!r->warning_count && !r->check_count && evr_result_time(r) < 0)
        return;
    evr_buf_c(buf, "\n    <system-out>");
    if (evr_result_time(r) >= 0) {
        evr_buf_c(buf, "median ");
        evr_put_time(buf, r->statistics->median);
        evr_buf_c(buf, ", interval ");
        evr_put_time(buf, r->statistics->median_low);
        evr_buf_c(buf, " to ");
        evr_put_time(buf, r->statistics->median_high);
        evr_buf_char(buf, '\n');
    }
    for (size_t i = 0; i < r->check_count; i++) {
        evr_buf_c(buf, "check ");
        evr_put_markup(buf, r->checks[i].name);
        evr_buf_printf(buf, ": %s ", evr_verdict_name(r->checks[i].verdict));
        evr_put_markup(buf, r->checks[i].detail);
        evr_buf_char(buf, '\n');
    }
    for (size_t i = 0; i < r->warning_count; i++) {
        evr_buf_c(buf, "warning: ");
        evr_put_markup(buf, r->warnings[i]);
        evr_buf_char(buf, '\n');
    }
    evr_buf_c(buf, "</system-out>");
}

void evr_results_junit(evr_buf *buf, const evr_results *results)
{
    evr_report_summary s = evr_report_summarize(results);
    evr_buf_printf(buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"evreplay\" tests=\"%zu\" failures=\"%llu\" errors=\"0\" "
                        "skipped=\"%llu\" time=\"", results->count, (unsigned long long)s.failed, (unsigned long long)s.skipped);
    evr_put_fixed(buf, results->info.wall_s, 6);
    evr_buf_c(buf, "\">\n");
    for (size_t i = 0; i < results->count; i++) {
        const evr_result *r = &results->items[i];
        put_name(buf, r);
        put_outcome(buf, r);
        put_notes(buf, r);
        evr_buf_c(buf, "</testcase>\n");
    }
    evr_buf_c(buf, "</testsuite>\n</testsuites>\n");
}
