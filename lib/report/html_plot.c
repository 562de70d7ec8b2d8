/* Plots as SVG inside the page; colours are the page's. */
#include "report/html.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 24, BIN = 5, WIDE = BINS * BIN, HIGH = 26, BASE = HIGH - 2 };
enum { DOTS = 2000, BARS = 12 };

static void put_title(evr_buf *buf, const evr_statistics *s)
{
    evr_buf_c(buf, "<title>");
    evr_put_time(buf, s->min);
    evr_buf_c(buf, " to ");
    evr_put_time(buf, s->max);
    evr_buf_c(buf, ", median ");
    evr_put_time(buf, s->median);
    evr_buf_printf(buf, ", %llu samples</title>", (unsigned long long)s->count);
}

/* Where a time stands between the ends; beyond them at the edge. */
static double place(double value, double low, double high)
{
    double part = high > low ? (value - low) / (high - low) : 0.5;
    return (part < 0 ? 0 : part > 1 ? 1 : part) * WIDE;
}

static void put_bars(evr_buf *buf, const evr_result *r, double low, double high)
{
    size_t bins[BINS] = {0}, most = 1;
    for (size_t i = 0; i < r->sample_count; i++) {
        int bin = (int)(place(r->samples[i], low, high) / BIN);
        size_t *n = &bins[bin < BINS ? bin : BINS - 1];
        most = ++*n > most ? *n : most;
    }
    evr_buf_c(buf, "<path class=\"bar\" d=\"");
    for (int i = 0; i < BINS; i++) {
        if (!bins[i])
            continue;
        int height = (int)ceil((double)bins[i] / (double)most * (BASE - 2));
        evr_buf_printf(buf, "M%d %dv-%dh%dv%dz", i * BIN, BASE, height, BIN - 1, height);
    }
    evr_buf_c(buf, "\"/>");
}

static void put_number(evr_buf *buf, const char *before, double value)
{
    evr_buf_c(buf, before);
    evr_put_fixed(buf, value, 1);
}

static void put_box(evr_buf *buf, const evr_statistics *s, double low, double high)
{
    double q1 = place(s->q1, low, high), q3 = place(s->q3, low, high);
    put_number(buf, "<path class=\"axis\" d=\"M", place(s->min, low, high));
    put_number(buf, " 13H", place(s->max, low, high));
    put_number(buf, "\"/><path class=\"box\" d=\"M", q1);
    put_number(buf, " 6H", q3);
    put_number(buf, "V20H", q1);
    evr_buf_c(buf, "z\"/>");
}

void evr_html_distribution(evr_buf *buf, const evr_result *r)
{
    const evr_statistics *s = r->statistics;
    if (!s || !s->count)
        return;
    double low = fmax(s->min, s->q1 - 3 * s->iqr), high = fmin(s->max, s->q3 + 3 * s->iqr);
    double middle = place(s->median, low, high);
    evr_buf_printf(buf, "<svg role=\"img\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">", WIDE, HIGH, WIDE, HIGH);
    put_title(buf, s);
    evr_buf_printf(buf, "<path class=\"axis\" d=\"M0 %d.5H%d\"/>", BASE, WIDE);
    if (r->sample_count)
        put_bars(buf, r, low, high);
    else
        put_box(buf, s, low, high);
    put_number(buf, "<path class=\"mid\" d=\"M", middle);
    evr_buf_printf(buf, " 1V%d\"/></svg>", BASE);
}

/* A point of the scatter. */
typedef struct dot {
    const evr_result *result;
    double weight;
} dot;

static int by_weight(const void *a, const void *b)
{
    const dot *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return x->result < y->result ? -1 : x->result > y->result;
}

/* Results with both times, the heaviest first; *count of them. NULL when there are none or memory is out. */
static dot *find_dots(evr_buf *buf, const evr_results *results, size_t *count)
{
    size_t n = 0;
    dot *dots = results->count ? evr_alloc(results->ctx, results->count * sizeof *dots) : NULL;
    *count = 0;
    if (!dots) {
        buf->failed |= results->count > 0;
        return NULL;
    }
    for (size_t i = 0; i < results->count; i++) {
        const evr_result *r = &results->items[i];
        if (evr_result_time(r) > 0 && evr_result_trace_time(r) > 0)
            dots[n++] = (dot){r, evr_result_trace_time(r) * (double)r->count};
    }
    qsort(dots, n, sizeof *dots, by_weight);
    *count = n;
    return dots;
}

static void put_dots(evr_buf *buf, const dot *dots, size_t n, double low, double decades)
{
    for (size_t i = 0; i < n; i++) {
        const evr_result *r = dots[i].result;
        put_number(buf, "<circle class=\"dot\" r=\"3\" cx=\"", 50 + (log10(evr_result_trace_time(r)) - low) / decades * 360);
        put_number(buf, "\" cy=\"", 380 - (log10(evr_result_time(r)) - low) / decades * 360);
        evr_buf_c(buf, "\"><title>");
        evr_put_op(buf, r, evr_put_markup);
        evr_buf_c(buf, ": replay ");
        evr_put_time(buf, evr_result_time(r));
        evr_buf_c(buf, ", trace ");
        evr_put_time(buf, evr_result_trace_time(r));
        evr_buf_c(buf, "</title></circle>\n");
    }
}

static void put_grid(evr_buf *buf, double low, double decades)
{
    evr_buf_c(buf, "<path class=\"axis\" d=\"M50 20H410V380H50zM50 380L410 20\"/>");
    for (double d = 0; d <= decades; d += ceil(decades / 8)) {
        double at = d / decades * 360;
        put_number(buf, "<text text-anchor=\"middle\" y=\"396\" x=\"", 50 + at);
        evr_buf_c(buf, "\">");
        evr_put_time(buf, pow(10, low + d));
        put_number(buf, "</text><text text-anchor=\"end\" x=\"46\" y=\"", 384 - at);
        evr_buf_c(buf, "\">");
        evr_put_time(buf, pow(10, low + d));
        evr_buf_c(buf, "</text>");
    }
    evr_buf_c(buf, "<text x=\"230\" y=\"412\" text-anchor=\"middle\">in the trace</text><text x=\"54\" y=\"14\">replay</text>\n");
}

void evr_html_scatter(evr_buf *buf, const evr_results *results)
{
    size_t count;
    dot *dots = find_dots(buf, results, &count);
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double a = log10(evr_result_time(dots[i].result)), b = log10(evr_result_trace_time(dots[i].result));
        low = fmin(low, fmin(a, b));
        high = fmax(high, fmax(a, b));
    }
    if (count) {
        size_t shown = count < DOTS ? count : DOTS;
        low = floor(low);
        double decades = fmax(1, ceil(high) - low);
        evr_buf_c(buf, "<h2>Replay against trace</h2>\n");
        evr_buf_printf(buf, "<p class=\"dim\">Time of one call; on the line both are equal.%s</p>\n",
                       shown < count ? " Only the 2,000 that weigh most are shown." : "");
        evr_buf_c(buf, "<svg id=\"scatter\" role=\"img\" aria-label=\"replay against trace\" width=\"470\" height=\"420\" viewBox=\"-10 0 470 420\">\n");
        put_grid(buf, low, decades);
        put_dots(buf, dots, shown, low, decades);
        evr_buf_c(buf, "</svg>\n");
    }
    if (dots)
        evr_release(results->ctx, dots, results->count * sizeof *dots);
}

static int by_name(const void *a, const void *b) { return evr_str_cmp(((const dot *)a)->result->op, ((const dot *)b)->result->op); }

/* Weights of the same operator are added up in the first; returns how many there are then. */
static size_t join(dot *dots, size_t n)
{
    size_t kept = 0;
    qsort(dots, n, sizeof *dots, by_name);
    for (size_t i = 0; i < n; i++)
        if (kept && evr_str_eq(dots[kept - 1].result->op, dots[i].result->op))
            dots[kept - 1].weight += dots[i].weight;
        else
            dots[kept++] = dots[i];
    qsort(dots, kept, sizeof *dots, by_weight);
    return kept;
}

static void put_share(evr_buf *buf, int row, evr_str name, double weight, double total, double most)
{
    evr_buf_printf(buf, "<text x=\"0\" y=\"%d\">", row * 20 + 14);
    evr_str shown = name.len > 44 ? evr_str_sub(name, 0, 42) : name;
    while (shown.len && shown.len < name.len && (name.data[shown.len] & 0xC0) == 0x80)
        shown.len--;
    evr_put_markup(buf, shown);
    evr_buf_c(buf, shown.len < name.len ? "…" : "");
    evr_buf_printf(buf, "<title>");
    evr_put_markup(buf, name);
    evr_buf_printf(buf, "</title></text><rect class=\"bar\" x=\"300\" y=\"%d\" height=\"14\" width=\"", row * 20 + 3);
    evr_put_fixed(buf, weight / most * 320, 1);
    evr_buf_printf(buf, "\"/><text y=\"%d\" x=\"", row * 20 + 14);
    evr_put_fixed(buf, 306 + weight / most * 320, 1);
    evr_buf_c(buf, "\">");
    evr_put_percent(buf, weight / total, 1, false);
    evr_buf_c(buf, ", ");
    evr_put_time(buf, weight);
    evr_buf_c(buf, "</text>\n");
}

/* Of replayed time where there is any, else of that in the trace. */
void evr_html_shares(evr_buf *buf, const evr_results *results)
{
    evr_report_summary s = evr_report_summarize(results);
    bool replayed = s.replay_ns > 0;
    double total = replayed ? s.replay_ns : s.trace_all_ns, rest = 0;
    size_t n = 0, size = results->count * sizeof(dot);
    dot *dots = total > 0 ? evr_alloc(results->ctx, size) : NULL;
    buf->failed |= total > 0 && !dots;
    if (!dots)
        return;
    for (size_t i = 0; i < results->count; i++) {
        const evr_result *r = &results->items[i];
        double time = replayed ? evr_result_time(r) : evr_result_trace_time(r);
        if (time > 0 && r->count)
            dots[n++] = (dot){r, time * (double)r->count};
    }
    n = join(dots, n);
    size_t rows = n < BARS ? n : BARS;
    for (size_t i = rows; i < n; i++)
        rest += dots[i].weight;
    double most = n ? fmax(dots[0].weight, rest) : 1;
    evr_buf_printf(buf, "<h2>Share of time</h2>\n<p class=\"dim\">%s, each times its calls, by operator.</p>\n<svg id=\"shares\" role=\"img\" "
                        "aria-label=\"share of time\" width=\"800\" height=\"%zu\" viewBox=\"0 0 800 %zu\">\n",
                   replayed ? "Medians of the replay" : "Times in the trace", (rows + (rest > 0)) * 20 + 4, (rows + (rest > 0)) * 20 + 4);
    for (size_t i = 0; i < rows; i++)
        put_share(buf, (int)i, dots[i].result->op, dots[i].weight, total, most);
    if (rest > 0)
        put_share(buf, (int)rows, EVR_STR_LITERAL("all others"), rest, total, most);
    evr_buf_c(buf, "</svg>\n");
    evr_release(results->ctx, dots, size);
}
