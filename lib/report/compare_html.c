/* The page of a comparison. */
#include "report/compare.h"
#include "report/html.h"

#include <math.h>

enum { WIDE = 160 };
#define REACH 0.25 /* of the logarithm of a ratio, to either side of the plot */

static const evr_html_column columns[] = {
    {"operator", "t"}, {"change", "t"}, {"calls", "n"}, {"base", "n"}, {"new", "n"}, {"new / base", "n"}, {"interval", ""}, {"p", "n"}, {"in the workload", "n"}, {"note", "t"},
};

static double place(double ratio)
{
    double part = ratio > 0 ? (log(ratio) + REACH) / (2 * REACH) : 0;
    return (part < 0 ? 0 : part > 1 ? 1 : part) * WIDE;
}

static void put_place(evr_buf *buf, const char *before, double ratio)
{
    evr_buf_c(buf, before);
    evr_put_fixed(buf, place(ratio), 1);
}

/* The interval of the ratio as a line, against none. */
static void put_interval(evr_buf *buf, const evr_change *row)
{
    evr_buf_printf(buf, "<svg role=\"img\" width=\"%d\" height=\"20\" viewBox=\"0 0 %d 20\"><title>", WIDE, WIDE);
    evr_put_percent(buf, row->ratio_low - 1, 1, true);
    evr_buf_c(buf, " to ");
    evr_put_percent(buf, row->ratio_high - 1, 1, true);
    evr_buf_printf(buf, "</title><path class=\"mid\" d=\"M%d 0V20\"/>", WIDE / 2);
    put_place(buf, "<path class=\"box\" d=\"M", row->ratio_low);
    put_place(buf, " 10H", row->ratio_high);
    put_place(buf, "\"/><circle class=\"dot\" r=\"4\" cy=\"10\" cx=\"", row->ratio);
    evr_buf_c(buf, "\"/></svg>");
}

static void put_number_cell(evr_buf *buf, double value, int decimals, bool known)
{
    evr_buf_c(buf, "<td class=\"n\" data-v=\"");
    if (known)
        evr_put_fixed(buf, value, 9);
    evr_buf_c(buf, "\">");
    if (known)
        evr_put_fixed(buf, value, decimals);
    evr_buf_c(buf, "</td>");
}

static void put_row(evr_buf *buf, const evr_change *row)
{
    static const char *const tones[] = {"dim", "bad", "good", "dim", "dim", "warn"};
    const evr_result *r = row->newer ? row->newer : row->base;
    double base = row->base ? evr_result_time(row->base) : -1, newer = row->newer ? evr_result_time(row->newer) : -1;
    bool known = row->ratio > 0 && isfinite(row->ratio);
    evr_buf_printf(buf, "<tr data-k=\"%s\"><td class=\"op\" data-v=\"", evr_change_name(row->change));
    evr_put_op(buf, r, evr_put_markup);
    evr_buf_c(buf, "\">");
    evr_put_op(buf, r, evr_put_markup);
    evr_buf_c(buf, " <span class=\"dim\">");
    evr_put_markup(buf, r->arguments);
    evr_buf_printf(buf, "</span></td><td class=\"%s\">%s</td>", tones[row->change], evr_change_name(row->change));
    evr_html_count_cell(buf, (row->base ? row->base : row->newer)->count);
    evr_html_time_cell(buf, base);
    evr_html_time_cell(buf, newer);
    put_number_cell(buf, row->ratio, 3, known);
    evr_buf_c(buf, "<td>");
    if (known)
        put_interval(buf, row);
    evr_buf_c(buf, "</td>");
    put_number_cell(buf, row->p_value, 4, known);
    double moved = (newer - base) * evr_change_calls(row);
    bool both = base >= 0 && newer >= 0 && isfinite(moved);
    evr_buf_c(buf, "<td class=\"n\" data-v=\"");
    if (both)
        evr_put_fixed(buf, moved, 3);
    evr_buf_c(buf, "\">");
    if (both) {
        evr_buf_char(buf, moved < 0 ? '-' : '+');
        evr_put_time(buf, fabs(moved));
    }
    evr_buf_c(buf, "</td><td class=\"op\">");
    evr_put_markup(buf, row->detail);
    evr_buf_c(buf, "</td></tr>\n");
}

static void put_tiles(evr_buf *buf, const evr_comparison *c)
{
    const evr_compare_summary *s = &c->summary;
    const struct {
        const char *name, *tone;
        uint64_t value;
    } counts[] = {{"regressions", s->regressions ? "bad" : "", s->regressions}, {"improvements", s->improvements ? "good" : "", s->improvements},
                  {"matched", "", s->matched}, {"new", "", s->added}, {"gone", "", s->gone}, {"unknown", s->unknown ? "warn" : "", s->unknown}};
    evr_buf_c(buf, "<div class=\"tiles\">\n");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        evr_html_tile_open(buf, counts[i].tone);
        evr_put_count(buf, counts[i].value);
        evr_html_tile_close(buf, counts[i].name);
    }
    if (s->ratio > 0) {
        evr_html_tile_open(buf, "");
        evr_put_percent(buf, s->ratio - 1, 1, true);
        evr_buf_c(buf, "</b><span>");
        evr_put_percent(buf, s->ratio_low - 1, 1, true);
        evr_buf_c(buf, " to ");
        evr_put_percent(buf, s->ratio_high - 1, 1, true);
        evr_buf_c(buf, "</span><b>");
        evr_html_tile_close(buf, "time in the workload");
    }
    evr_buf_c(buf, "</div>\n");
}

static void put_side(evr_buf *buf, const char *name, const evr_results *results)
{
    const evr_results_info *info = &results->info;
    evr_buf_printf(buf, "<h2>%s</h2>\n<dl>", name);
    evr_html_fact(buf, "input", info->input);
    evr_html_fact(buf, "runtime", info->runtime);
    evr_html_fact(buf, "device", info->device);
    evr_html_fact(buf, "device name", info->device_name);
    evr_html_fact(buf, "driver", info->driver);
    evr_buf_c(buf, "<dt>started</dt><dd>");
    evr_put_date(buf, info->started_s);
    evr_buf_c(buf, "</dd></dl>\n");
}

void evr_comparison_html(evr_buf *buf, const evr_comparison *c)
{
    evr_html_begin(buf, "Comparison", (evr_str){"", 0});
    put_tiles(buf, c);
    put_side(buf, "Base", c->base);
    put_side(buf, "New", c->newer);
    evr_buf_c(buf, "<h2>Operations</h2>\n<p class=\"dim\">The largest change of time in the workload first. A change is larger than ");
    evr_put_percent(buf, c->threshold, 1, false);
    evr_buf_c(buf, " and than noise; called where there is none with a probability of at most ");
    evr_put_percent(buf, c->error_rate, 1, false);
    evr_buf_c(buf, " over all together. Runs differ by ");
    evr_put_fixed(buf, c->common.inflation, 2);
    evr_buf_c(buf, " times what the samples say; ");
    evr_put_percent(buf, expm1(c->common.shift), 1, true);
    evr_buf_c(buf, " that most have in common was taken off before a change was called.</p>\n");
    evr_html_table_open(buf, columns, sizeof columns / sizeof *columns, "regression improvement none new gone unknown");
    for (size_t i = 0; i < c->count; i++)
        put_row(buf, &c->rows[i]);
    evr_html_table_close(buf);
    evr_html_end(buf);
}
