/* Comparisons for people who read text: a terminal, a comment on a pull request, a list of test cases, a table. */
#include "report/compare.h"
#include "report/format.h"

#include <math.h>

enum { LISTED = 40, COMMENT = 60000 }; /* rows of a kind that did not change; bytes of a comment, of which GitHub takes 65,536 */

static const evr_result *either(const evr_change *row) { return row->newer ? row->newer : row->base; }

/* "+5.1 % (+4.2 % to +6.0 %)" */
static void put_effect(evr_buf *buf, double ratio, double low, double high)
{
    evr_put_percent(buf, ratio - 1, 1, true);
    evr_buf_c(buf, " (");
    evr_put_percent(buf, low - 1, 1, true);
    evr_buf_c(buf, " to ");
    evr_put_percent(buf, high - 1, 1, true);
    evr_buf_c(buf, ")");
}

static void put_times(evr_buf *buf, const evr_change *row)
{
    evr_put_time(buf, row->base ? evr_result_time(row->base) : -1);
    evr_buf_c(buf, " → ");
    evr_put_time(buf, row->newer ? evr_result_time(row->newer) : -1);
}

static void put_p(evr_buf *buf, double p)
{
    if (p < 0.0001)
        evr_buf_c(buf, "< 0.0001");
    else
        evr_put_fixed(buf, p, 4);
}

/* Terminal. */

static void put_text_row(evr_buf *buf, const evr_change *row)
{
    const evr_result *r = either(row);
    evr_buf_c(buf, "  ");
    if (row->ratio > 0) {
        put_effect(buf, row->ratio, row->ratio_low, row->ratio_high);
        evr_buf_c(buf, "  ");
    }
    evr_put_op(buf, r, evr_put_terminal);
    evr_buf_c(buf, "(");
    evr_put_terminal(buf, r->arguments);
    evr_buf_c(buf, ")");
    if (row->ratio > 0) {
        evr_buf_c(buf, "  ");
        put_times(buf, row);
        evr_buf_c(buf, ", ");
        evr_put_count(buf, (uint64_t)(row->base ? row->base : row->newer)->count);
        evr_buf_c(buf, " calls, p ");
        put_p(buf, row->p_value);
    }
    evr_buf_c(buf, row->detail.len ? "  " : "");
    evr_put_terminal(buf, row->detail);
    evr_buf_char(buf, '\n');
}

static void put_text_rows(evr_buf *buf, const evr_comparison *c, int32_t change, uint64_t total, const char *title, size_t most)
{
    size_t shown = 0;
    if (!total)
        return;
    evr_buf_printf(buf, "%s: %llu\n", title, (unsigned long long)total);
    for (size_t i = 0; i < c->count && shown < most; i++)
        if (c->rows[i].change == change) {
            put_text_row(buf, &c->rows[i]);
            shown++;
        }
    if (shown < total)
        evr_buf_printf(buf, "  and %llu more\n", (unsigned long long)(total - shown));
}

static void put_place(evr_buf *buf, const char *name, const evr_results *results)
{
    const evr_results_info *info = &results->info;
    evr_buf_printf(buf, "%s: ", name);
    evr_put_terminal(buf, info->runtime.len ? info->runtime : evr_str_c("runtime not known"));
    evr_buf_c(buf, " on ");
    evr_put_terminal(buf, info->device_name.len ? info->device_name : info->device.len ? info->device : evr_str_c("device not known"));
    evr_buf_c(buf, ", ");
    evr_put_count(buf, results->count);
    evr_buf_c(buf, " results\n");
}

void evr_comparison_text(evr_buf *buf, const evr_comparison *c)
{
    const evr_compare_summary *s = &c->summary;
    put_place(buf, "Base", c->base);
    put_place(buf, "New", c->newer);
    evr_buf_char(buf, '\n');
    put_text_rows(buf, c, EVR_CHANGE_REGRESSION, s->regressions, "Regressions", SIZE_MAX);
    put_text_rows(buf, c, EVR_CHANGE_IMPROVEMENT, s->improvements, "Improvements", SIZE_MAX);
    put_text_rows(buf, c, EVR_CHANGE_UNKNOWN, s->unknown, "Nothing can be said", LISTED);
    put_text_rows(buf, c, EVR_CHANGE_NEW, s->added, "New", LISTED);
    put_text_rows(buf, c, EVR_CHANGE_GONE, s->gone, "Gone", LISTED);
    evr_buf_printf(buf, "\n--- Comparison Summary ---\nMatched: %llu\nRegressions: %llu\nImprovements: %llu\nNew: %llu\nGone: %llu\nUnknown: %llu\n",
                   (unsigned long long)s->matched, (unsigned long long)s->regressions, (unsigned long long)s->improvements, (unsigned long long)s->added,
                   (unsigned long long)s->gone, (unsigned long long)s->unknown);
    if (s->ratio > 0) {
        evr_buf_c(buf, "Time in the workload: ");
        evr_put_time(buf, s->base_ns);
        evr_buf_c(buf, " → ");
        evr_put_time(buf, s->newer_ns);
        evr_buf_c(buf, ", ");
        put_effect(buf, s->ratio, s->ratio_low, s->ratio_high);
        evr_buf_char(buf, '\n');
    }
    evr_buf_c(buf, "Noise between runs: ");
    evr_put_fixed(buf, c->common.inflation, 2);
    evr_buf_c(buf, " times what the samples say; ");
    evr_put_percent(buf, expm1(c->common.shift), 1, true);
    evr_buf_c(buf, " that most have in common was taken off\nThreshold ");
    evr_put_percent(buf, c->threshold, 1, false);
    evr_buf_c(buf, ", error rate ");
    evr_put_percent(buf, c->error_rate, 1, false);
    evr_buf_c(buf, " for all matches together\n--------------------------\n");
}

/* Markdown. */

/* No longer than `most` bytes. */
static void put_short(evr_buf *buf, evr_str text, size_t most)
{
    evr_str part = evr_str_sub(text, 0, most);
    while (part.len < text.len && part.len && (text.data[part.len] & 0xC0) == 0x80)
        part.len--;
    evr_put_markdown(buf, part);
    evr_buf_c(buf, part.len < text.len ? "…" : "");
}

static void put_short_op(evr_buf *buf, evr_str op) { put_short(buf, op, 100); }

static void put_markdown_rows(evr_buf *buf, const evr_comparison *c, int32_t change, uint64_t total, const char *title, bool folded)
{
    size_t shown = 0;
    if (!total)
        return;
    if (folded)
        evr_buf_printf(buf, "\n<details><summary>%s: %llu</summary>\n", title, (unsigned long long)total);
    else
        evr_buf_printf(buf, "\n#### %s: %llu\n", title, (unsigned long long)total);
    evr_buf_c(buf, "\n| operator | arguments | calls | base → new | change (interval) | p | note |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n");
    for (size_t i = 0; i < c->count && shown < (folded ? LISTED : SIZE_MAX) && buf->len < COMMENT; i++) {
        const evr_change *row = &c->rows[i];
        if (row->change != change)
            continue;
        shown++;
        evr_buf_c(buf, "| ");
        evr_put_op(buf, either(row), put_short_op);
        evr_buf_c(buf, " | ");
        put_short(buf, either(row)->arguments, 120);
        evr_buf_c(buf, " | ");
        evr_put_count(buf, (row->base ? row->base : row->newer)->count);
        evr_buf_c(buf, " | ");
        put_times(buf, row);
        evr_buf_c(buf, " | ");
        if (row->ratio > 0)
            put_effect(buf, row->ratio, row->ratio_low, row->ratio_high);
        evr_buf_c(buf, " | ");
        if (row->ratio > 0)
            put_p(buf, row->p_value);
        evr_buf_c(buf, " | ");
        put_short(buf, row->detail, 200);
        evr_buf_c(buf, " |\n");
    }
    if (shown < total)
        evr_buf_printf(buf, "\nand %llu more\n", (unsigned long long)(total - shown));
    evr_buf_c(buf, folded ? "\n</details>\n" : "");
}

/* The first line lets a robot find its comment again. */
void evr_comparison_markdown(evr_buf *buf, const evr_comparison *c)
{
    const evr_compare_summary *s = &c->summary;
    evr_buf_printf(buf, "<!-- evreplay compare -->\n### Operators: %llu regressions, %llu improvements, %llu compared\n\n", (unsigned long long)s->regressions,
                   (unsigned long long)s->improvements, (unsigned long long)s->matched);
    if (s->ratio > 0) {
        evr_buf_c(buf, "Time in the workload: ");
        evr_put_time(buf, s->base_ns);
        evr_buf_c(buf, " → ");
        evr_put_time(buf, s->newer_ns);
        evr_buf_c(buf, ", **");
        put_effect(buf, s->ratio, s->ratio_low, s->ratio_high);
        evr_buf_c(buf, "**\n");
    }
    put_markdown_rows(buf, c, EVR_CHANGE_REGRESSION, s->regressions, "Regressions", false);
    put_markdown_rows(buf, c, EVR_CHANGE_IMPROVEMENT, s->improvements, "Improvements", false);
    put_markdown_rows(buf, c, EVR_CHANGE_UNKNOWN, s->unknown, "Nothing can be said", true);
    put_markdown_rows(buf, c, EVR_CHANGE_NEW, s->added, "New", true);
    put_markdown_rows(buf, c, EVR_CHANGE_GONE, s->gone, "Gone", true);
    evr_buf_c(buf, "\n<sub>base: ");
    put_short(buf, c->base->info.runtime, 60);
    evr_buf_c(buf, " on ");
    put_short(buf, c->base->info.device_name.len ? c->base->info.device_name : c->base->info.device, 60);
    evr_buf_c(buf, "; new: ");
    put_short(buf, c->newer->info.runtime, 60);
    evr_buf_c(buf, " on ");
    put_short(buf, c->newer->info.device_name.len ? c->newer->info.device_name : c->newer->info.device, 60);
    evr_buf_c(buf, "; threshold ");
    evr_put_percent(buf, c->threshold, 1, false);
    evr_buf_c(buf, ", error rate ");
    evr_put_percent(buf, c->error_rate, 1, false);
    evr_buf_c(buf, " for all together</sub>\n");
}

/* JUnit. */

void evr_comparison_junit(evr_buf *buf, const evr_comparison *c)
{
    const evr_compare_summary *s = &c->summary;
    evr_buf_printf(buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"evreplay compare\" tests=\"%zu\" failures=\"%llu\" errors=\"0\" "
                        "skipped=\"%llu\">\n", c->count, (unsigned long long)s->regressions, (unsigned long long)(s->gone + s->unknown));
    for (size_t i = 0; i < c->count; i++) {
        const evr_change *row = &c->rows[i];
        const evr_result *r = either(row);
        bool skipped = row->change == EVR_CHANGE_GONE || row->change == EVR_CHANGE_UNKNOWN, failed = row->change == EVR_CHANGE_REGRESSION;
        evr_buf_c(buf, "  <testcase classname=\"");
        evr_put_markup(buf, r->op);
        evr_buf_c(buf, "\" name=\"");
        evr_put_markup(buf, r->overload.len ? r->overload : evr_str_c("default"));
        evr_buf_c(buf, "(");
        evr_put_markup(buf, r->arguments);
        evr_buf_printf(buf, ") #%llu\" time=\"", (unsigned long long)r->index);
        evr_put_fixed(buf, row->newer && evr_result_time(row->newer) > 0 ? evr_result_time(row->newer) / 1e9 : 0, 9);
        evr_buf_c(buf, skipped ? "\"><skipped message=\"" : failed ? "\"><failure type=\"regression\" message=\"" : "\"><system-out>");
        evr_buf_printf(buf, "%s", evr_change_name(row->change));
        if (row->ratio > 0) {
            evr_buf_c(buf, ": ");
            put_effect(buf, row->ratio, row->ratio_low, row->ratio_high);
            evr_buf_c(buf, ", ");
            put_times(buf, row);
        }
        evr_buf_c(buf, row->detail.len ? ": " : "");
        evr_put_markup(buf, row->detail);
        evr_buf_c(buf, skipped || failed ? "\"/></testcase>\n" : "</system-out></testcase>\n");
    }
    evr_buf_c(buf, "</testsuite>\n</testsuites>\n");
}

/* CSV. */

static void put_csv_number(evr_buf *buf, double value, bool known)
{
    evr_json_writer w;
    evr_buf_char(buf, ',');
    evr_json_init(&w, buf);
    if (known && isfinite(value))
        evr_json_f64(&w, value);
}

void evr_comparison_csv(evr_buf *buf, const evr_comparison *c)
{
    evr_buf_c(buf, "change,key,op,overload,arguments,base_calls,new_calls,base_status,new_status,base_ns,new_ns,ratio,ratio_low,ratio_high,p_value,detail\n");
    for (size_t i = 0; i < c->count; i++) {
        const evr_change *row = &c->rows[i];
        const evr_result *r = either(row), *sides[] = {row->base, row->newer};
        const evr_str texts[] = {r->key, r->op, r->overload, r->arguments};
        evr_buf_c(buf, evr_change_name(row->change));
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            evr_buf_char(buf, ',');
            evr_put_csv(buf, texts[k]);
        }
        for (size_t k = 0; k < 2; k++) {
            evr_buf_char(buf, ',');
            if (sides[k])
                evr_buf_printf(buf, "%llu", (unsigned long long)sides[k]->count);
        }
        for (size_t k = 0; k < 2; k++)
            evr_buf_printf(buf, ",%s", sides[k] ? evr_outcome_name(sides[k]->status) : "");
        for (size_t k = 0; k < 2; k++)
            put_csv_number(buf, sides[k] ? evr_result_time(sides[k]) : 0, sides[k] && evr_result_time(sides[k]) >= 0);
        put_csv_number(buf, row->ratio, row->ratio > 0);
        put_csv_number(buf, row->ratio_low, row->ratio > 0);
        put_csv_number(buf, row->ratio_high, row->ratio > 0);
        put_csv_number(buf, row->p_value, row->ratio > 0);
        evr_buf_char(buf, ',');
        evr_put_csv(buf, row->detail);
        evr_buf_char(buf, '\n');
    }
}
