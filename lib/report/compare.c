#include "report/compare.h"

#include "base/sized.h"
#include "measure/interval.h"
#include "measure/statistics.h"
#include "measure/trend.h"
#include "report/pool.h"
#include "report/resample.h"
#include "report/summary.h"
#include "report/visits.h"

#include <math.h>
#include <stdlib.h>

#define LEVEL 0.95       /* of intervals */
#define LEVEL_Z 1.959964 /* deviate of it */
#define FIVE_Z 1.863     /* of what five samples reach, 0.9375 */

const char *evr_change_name(int32_t change)
{
    static const char *const names[] = {"none", "regression", "improvement", "new", "gone", "unknown"};
    return change >= 0 && change <= EVR_CHANGE_UNKNOWN ? names[change] : "?";
}

double evr_change_calls(const evr_change *row) { return (double)(row->base ? row->base : row->newer)->count; }

static evr_status resolve(evr_comparison *c, const evr_compare_options *options, evr_error **err)
{
    evr_compare_options all = {0};
    EVR_TAKE(&all, options);
    if (!(all.threshold >= 0 && all.threshold <= 10) || !(all.error_rate >= 0 && all.error_rate < 1)) {
        evr_fail(c->ctx, err, EVR_E_INVALID, "a threshold of 0 to 10 and an error rate below 1 are needed, not %g and %g", all.threshold, all.error_rate);
        evr_hint(err, "give both as parts: 0.03 is 3 %%");
        return EVR_E_INVALID;
    }
    c->threshold = all.threshold > 0 ? all.threshold : 0.03;
    c->error_rate = all.error_rate > 0 ? all.error_rate : 0.05;
    c->seed = all.seed;
    return EVR_OK;
}

static evr_status add_row(evr_comparison *c, const evr_result *base, const evr_result *newer, evr_error **err)
{
    void *rows = c->rows;
    if (!evr_grow(c->ctx, &rows, &c->cap, c->count + 1, sizeof *c->rows))
        return evr_fail_nomem(err);
    c->rows = rows;
    c->rows[c->count++] = (evr_change){.struct_size = EVR_INIT(evr_change),
                                       .change = base ? newer ? EVR_CHANGE_NONE : EVR_CHANGE_GONE : EVR_CHANGE_NEW,
                                       .base = base, .newer = newer, .p_value = 1, .detail = {"", 0}};
    return EVR_OK;
}

/* Both sides are in one order: walk them together. */
static evr_status match(evr_comparison *c, evr_error **err)
{
    const evr_entry *a, *b;
    size_t a_count, b_count, i = 0, k = 0;
    EVR_TRY(evr_match_entries(c, c->base, &a, &a_count, err));
    EVR_TRY(evr_match_entries(c, c->newer, &b, &b_count, err));
    while (i < a_count || k < b_count) {
        int order = i == a_count ? 1 : k == b_count ? -1 : evr_match_order(a[i].result, b[k].result);
        EVR_TRY(add_row(c, order <= 0 ? a[i].result : NULL, order >= 0 ? b[k].result : NULL, err));
        i += order <= 0;
        k += order >= 0;
    }
    return EVR_OK;
}

/* What the pairs that were timed in both are worked on with. */
typedef struct work {
    evr_pair *pairs;
    size_t *rows; /* of each pair */
    size_t *order;
    double *low, *high; /* of the logarithm of the ratio, from the samples */
    double *room;       /* for resamples, and for the judge */
    size_t count;
    evr_statistics_room sides[2];
} work;

static size_t most_visits(const evr_comparison *c)
{
    size_t most = 0;
    for (size_t i = 0; i < c->count; i++)
        for (int side = 0; side < 2; side++) {
            const evr_result *r = side ? c->rows[i].newer : c->rows[i].base;
            most = r && r->visit_count > most ? r->visit_count : most;
        }
    return most;
}

static evr_status work_open(evr_arena *arena, work *w, const evr_comparison *c, evr_error **err)
{
    size_t most = c->count;
    size_t judged = most < EVR_JUDGE_MOST ? most : EVR_JUDGE_MOST;
    size_t room = 2 * most + judged * judged / 2 + EVR_RESAMPLES + most_visits(c);
    *w = (work){.pairs = evr_arena_alloc_zeroed(arena, most * sizeof *w->pairs),
                .rows = evr_arena_alloc(arena, most * sizeof *w->rows),
                .order = evr_arena_alloc(arena, most * sizeof *w->order),
                .low = evr_arena_alloc(arena, most * sizeof *w->low),
                .high = evr_arena_alloc(arena, most * sizeof *w->high),
                .room = evr_arena_alloc(arena, room * sizeof *w->room)};
    return w->pairs && w->rows && w->order && w->low && w->high && w->room ? EVR_OK : evr_fail_nomem(err);
}

/* Sorts the samples of a result into the room, and looks at their order. */
static evr_status look_at_samples(evr_context *ctx, const evr_result *r, evr_statistics_room *room, evr_trend *out, evr_error **err)
{
    EVR_TRY(evr_statistics_room_for(ctx, room, r->sample_count, err));
    memcpy(room->sorted, r->samples, r->sample_count * sizeof *r->samples);
    evr_sort_f64(room->sorted, r->sample_count);
    evr_trend_find(r->samples, r->sample_count, evr_median_of_sorted(room->sorted, r->sample_count), room, out);
    return EVR_OK;
}

/* How far neighbours resemble each other, over all results that are compared: a few dozen samples of one hardly show it, and thousands of all do. As what
 * the variance of a median is multiplied by. */
static evr_status learn_likeness(evr_comparison *c, work *w, double *spread, evr_error **err)
{
    double sum = 0, samples = 0;
    for (size_t i = 0; i < w->count; i++)
        for (int side = 0; side < 2; side++) {
            const evr_result *r = side ? c->rows[w->rows[i]].newer : c->rows[w->rows[i]].base;
            evr_trend trend = {.correlation = r->statistics->correlation};
            if (r->sample_count)
                EVR_TRY(look_at_samples(c->ctx, r, &w->sides[side], &trend, err));
            double count = (double)(r->sample_count ? r->sample_count : r->statistics->count);
            sum += fmax(-1, fmin(1, trend.correlation)) * count;
            samples += count;
        }
    double alike = samples > 0 ? fmax(0, fmin(0.9, sum / samples)) : 0;
    *spread = (1 + alike) / (1 - alike);
    return EVR_OK;
}

static evr_status know_noise(evr_context *ctx, const evr_result *r, double spread, evr_statistics_room *room, evr_median_noise *out, evr_error **err)
{
    const evr_statistics *s = r->statistics;
    *out = (evr_median_noise){.count = r->sample_count, .median = s->median, .worth = (double)s->count / spread};
    if (!r->sample_count) {
        double reach = fabs(s->median_high - s->median_low) / 2 / s->median;
        bool allowed_for = (s->flags & EVR_STATISTICS_CORRELATED) != 0;
        out->log_sd = fmin(reach, 1) / (s->coverage < LEVEL ? FIVE_Z : LEVEL_Z) * (allowed_for ? 1 : sqrt(spread));
        return EVR_OK;
    }
    evr_trend trend;
    EVR_TRY(look_at_samples(ctx, r, room, &trend, err));
    out->sorted = room->sorted;
    out->worth = (double)r->sample_count / fmax(trend.spread, spread);
    double count = (double)r->sample_count, q1 = evr_at_rank(room->sorted, r->sample_count, 1 + 0.25 * (count - 1)),
           q3 = evr_at_rank(room->sorted, r->sample_count, 1 + 0.75 * (count - 1));
    out->log_sd = EVR_MEDIAN_OVER_MEAN * (q3 - q1) / EVR_IQR_OF_NORMAL / sqrt(out->worth) / s->median;
    return EVR_OK;
}

static evr_status measure_pair(evr_comparison *c, work *w, size_t i, double spread, evr_error **err)
{
    const evr_change *change = &c->rows[w->rows[i]];
    evr_median_noise base, newer;
    evr_pair *pair = &w->pairs[i];
    evr_draws draws = {.seed = c->seed, .stream = i};
    pair->disturbed = evr_was_disturbed(change->base) || evr_was_disturbed(change->newer);
    EVR_TRY(know_noise(c->ctx, change->base, spread, &w->sides[0], &base, err));
    EVR_TRY(know_noise(c->ctx, change->newer, spread, &w->sides[1], &newer, err));
    pair->log_ratio = log(newer.median) - log(base.median);
    pair->freedom = base.worth + newer.worth - 2;
    evr_resample_ratio(&draws, &base, &newer, LEVEL, w->room, &pair->sd, &w->low[i], &w->high[i]);
    /* The bootstrap rests on the few samples next to the median, the quartiles on half of them: together they vary less than either. */
    pair->sd = hypot(pair->sd, hypot(base.log_sd, newer.log_sd)) * M_SQRT1_2;
    if (evr_visits_compare(change->base, change->newer, w->room, pair)) {
        w->low[i] = pair->log_ratio - LEVEL_Z * pair->sd;
        w->high[i] = pair->log_ratio + LEVEL_Z * pair->sd;
    }
    return EVR_OK;
}

/* The interval of the samples, widened by what runs differ by beyond them. */
static void fill_row(evr_change *row, const evr_pair *pair, double low, double high)
{
    double beyond = pair->noise * pair->noise - pair->sd * pair->sd, wide = beyond > 0 ? LEVEL_Z * sqrt(beyond) : 0;
    row->change = pair->change > 0 ? EVR_CHANGE_REGRESSION : pair->change < 0 ? EVR_CHANGE_IMPROVEMENT : EVR_CHANGE_NONE;
    row->ratio = exp(pair->log_ratio);
    row->ratio_low = exp(pair->log_ratio - hypot(fmax(pair->log_ratio - low, 0), wide));
    row->ratio_high = exp(pair->log_ratio + hypot(fmax(high - pair->log_ratio, 0), wide));
    row->p_value = pair->p_value;
}

/* The total varies by each match as far as it takes part, and by what whole runs differ by. */
static void sum_up(evr_comparison *c, const work *w)
{
    evr_compare_summary *s = &c->summary;
    double varies = EVR_BETWEEN_RUNS * EVR_BETWEEN_RUNS + c->common.shift * c->common.shift;
    for (size_t i = 0; i < w->count; i++) {
        const evr_change *row = &c->rows[w->rows[i]];
        s->base_ns += row->base->statistics->median * evr_change_calls(row);
        s->newer_ns += row->newer->statistics->median * evr_change_calls(row);
    }
    if (!(s->base_ns > 0 && s->newer_ns > 0 && isfinite(s->base_ns) && isfinite(s->newer_ns)))
        return;
    for (size_t i = 0; i < w->count; i++) {
        const evr_change *row = &c->rows[w->rows[i]];
        double share = (row->base->statistics->median / s->base_ns + row->newer->statistics->median / s->newer_ns) / 2 * evr_change_calls(row);
        varies += share * share * w->pairs[i].noise * w->pairs[i].noise;
    }
    s->ratio = s->newer_ns / s->base_ns;
    s->ratio_low = s->ratio * exp(-LEVEL_Z * sqrt(varies));
    s->ratio_high = s->ratio * exp(LEVEL_Z * sqrt(varies));
}

static void count_rows(evr_comparison *c)
{
    evr_compare_summary *s = &c->summary;
    for (size_t i = 0; i < c->count; i++) {
        const evr_change *row = &c->rows[i];
        s->matched += row->base && row->newer;
        s->regressions += row->change == EVR_CHANGE_REGRESSION;
        s->improvements += row->change == EVR_CHANGE_IMPROVEMENT;
        s->added += row->change == EVR_CHANGE_NEW;
        s->gone += row->change == EVR_CHANGE_GONE;
        s->unknown += row->change == EVR_CHANGE_UNKNOWN;
    }
}

/* Time that a row moves in the workload. What ran and does not now moves all of its time. */
static double weight(const evr_change *row)
{
    double was = row->base ? evr_result_time(row->base) : 0, is = row->newer ? evr_result_time(row->newer) : 0;
    return fabs(fmax(is, 0) - fmax(was, 0)) * evr_change_calls(row);
}

static int by_weight(const void *a, const void *b)
{
    const evr_change *x = a, *y = b;
    double u = weight(x), v = weight(y);
    if (u != v)
        return u < v ? 1 : -1;
    return evr_match_order(x->base ? x->base : x->newer, y->base ? y->base : y->newer);
}

static evr_status note_changes(evr_comparison *c, evr_error **err)
{
    for (size_t i = 0; i < c->count; i++) {
        evr_change *row = &c->rows[i];
        if (!row->base || !row->newer)
            continue;
        if (row->base->count != row->newer->count)
            EVR_TRY(evr_change_note(c, row, err, "%llu calls before, %llu now", (unsigned long long)row->base->count, (unsigned long long)row->newer->count));
        if (!evr_str_eq(row->base->initializer, row->newer->initializer))
            EVR_TRY(evr_change_note(c, row, err, "filled in another way"));
        bool before = evr_was_disturbed(row->base), now = evr_was_disturbed(row->newer);
        if (before || now)
            EVR_TRY(evr_change_note(c, row, err, "timed while the device was slowed or shared%s: only a change of more than half would show",
                                    before && now ? "" : before ? ", the base" : ", the newer"));
    }
    return EVR_OK;
}

static evr_status compare_times(evr_comparison *c, work *w, evr_error **err)
{
    double spread;
    for (size_t i = 0; i < c->count; i++) {
        bool timed = false;
        if (c->rows[i].base && c->rows[i].newer)
            EVR_TRY(evr_compare_outcomes(c, &c->rows[i], &timed, err));
        if (timed)
            w->rows[w->count++] = i;
    }
    EVR_TRY(learn_likeness(c, w, &spread, err));
    for (size_t i = 0; i < w->count; i++)
        EVR_TRY(measure_pair(c, w, i, spread, err));
    evr_judge(w->pairs, w->count, c->threshold, c->error_rate, w->room, w->order, &c->common);
    for (size_t i = 0; i < w->count; i++)
        fill_row(&c->rows[w->rows[i]], &w->pairs[i], w->low[i], w->high[i]);
    sum_up(c, w);
    return EVR_OK;
}

static evr_status compare(evr_comparison *c, evr_error **err)
{
    evr_arena scratch;
    work w = {0};
    EVR_TRY(match(c, err));
    evr_arena_init(&scratch, c->ctx);
    evr_status status = work_open(&scratch, &w, c, err);
    if (status == EVR_OK)
        status = compare_times(c, &w, err);
    evr_statistics_room_free(c->ctx, &w.sides[0]);
    evr_statistics_room_free(c->ctx, &w.sides[1]);
    evr_arena_free(&scratch);
    if (status != EVR_OK)
        return status;
    count_rows(c);
    EVR_TRY(note_changes(c, err));
    if (c->count)
        qsort(c->rows, c->count, sizeof *c->rows, by_weight);
    return EVR_OK;
}

evr_status evr_compare(evr_context *ctx, const evr_results *base, const evr_results *newer, const evr_compare_options *options, evr_comparison **out,
                       evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !base || !newer || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_compare: a context, two lists of results and `out` are needed");
    evr_comparison *c = evr_alloc_zeroed(ctx, sizeof *c);
    if (!c)
        return evr_fail_nomem(err);
    c->ctx = evr_context_ref(ctx);
    evr_arena_init(&c->arena, ctx);
    c->base = base;
    c->newer = newer;
    c->summary.struct_size = EVR_INIT(evr_compare_summary);
    c->common.inflation = 1;
    evr_status status = resolve(c, options, err);
    if (status == EVR_OK)
        status = compare(c, err);
    if (status != EVR_OK) {
        evr_comparison_free(c);
        return status;
    }
    *out = c;
    return EVR_OK;
}

void evr_comparison_free(evr_comparison *c)
{
    if (!c)
        return;
    evr_context *ctx = c->ctx;
    evr_release(ctx, c->rows, c->cap * sizeof *c->rows);
    evr_arena_free(&c->arena);
    evr_release(ctx, c, sizeof *c);
    evr_context_free(ctx);
}

size_t evr_comparison_count(const evr_comparison *c) { return c->count; }
const evr_change *evr_comparison_at(const evr_comparison *c, size_t i) { return i < c->count ? &c->rows[i] : NULL; }

void evr_comparison_summary(const evr_comparison *c, evr_compare_summary *out)
{
    EVR_GIVE(out, &c->summary);
}

evr_status evr_comparison_write(const evr_comparison *c, int32_t format, char **out, size_t *size, evr_error **err)
{
    static const evr_comparison_writer writers[] = {
        [EVR_REPORT_JSON] = evr_comparison_json,   [EVR_REPORT_CSV] = evr_comparison_csv,   [EVR_REPORT_MARKDOWN] = evr_comparison_markdown,
        [EVR_REPORT_JUNIT] = evr_comparison_junit, [EVR_REPORT_HTML] = evr_comparison_html, [EVR_REPORT_TEXT] = evr_comparison_text,
    };
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!c || !out || format < 0 || (size_t)format >= sizeof writers / sizeof *writers)
        return evr_fail(c ? c->ctx : NULL, err, EVR_E_INVALID, "evr_comparison_write: a comparison, a known form and `out` are needed");
    evr_buf buf;
    evr_buf_init(&buf, c->ctx);
    writers[format](&buf, c);
    return evr_report_hand_out(&buf, out, size, err);
}
