#include "report/pool.h"

#include "measure/interval.h"
#include "measure/statistics.h"

#define LEVEL 0.95

enum { FEWEST_SAMPLES = 5 };

/* Failed before ok before skipped. */
static int worse(const evr_result *a, const evr_result *b)
{
    static const int rank[] = {[EVR_STATUS_OK] = 1, [EVR_STATUS_SKIPPED] = 2, [EVR_STATUS_FAILED] = 0};
    return rank[a->status] - rank[b->status];
}

bool evr_was_disturbed(const evr_result *r) { return r->conditions && r->conditions->flags & EVR_MEASUREMENT_THROTTLED; }

static const evr_result *representative(const evr_result *const *same, size_t count)
{
    const evr_result *best = same[0];
    for (size_t i = 1; i < count; i++) {
        const evr_result *r = same[i];
        uint64_t has = best->statistics ? best->statistics->count : 0, more = r->statistics ? r->statistics->count : 0;
        int order = worse(r, best), peace = evr_was_disturbed(r) - evr_was_disturbed(best);
        if (order < 0 || (order == 0 && (peace < 0 || (peace == 0 && more > has))))
            best = r;
    }
    return best;
}

static bool is_alike(const evr_result *a, const evr_result *b)
{
    return evr_was_disturbed(a) == evr_was_disturbed(b) && a->status == EVR_STATUS_OK && b->status == EVR_STATUS_OK && a->statistics && b->statistics &&
           evr_str_eq(a->protocol, b->protocol);
}

/* Of each as many samples: a noisy one takes more until its median is known, and is not to count for more. */
static size_t samples_of_each(const evr_result *const *alike, size_t count)
{
    size_t each = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t n = alike[i]->sample_count;
        each = n >= FEWEST_SAMPLES && n < each ? n : each;
    }
    return each;
}

/* The samples of all, one after the other. */
static evr_status pool_samples(evr_context *ctx, evr_arena *arena, const evr_result *const *alike, size_t count, evr_result *into, evr_error **err)
{
    size_t each = samples_of_each(alike, count), total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += alike[i]->sample_count;
    if (total <= into->sample_count)
        return EVR_OK;
    double *samples = evr_arena_alloc(arena, total * sizeof *samples);
    evr_statistics *statistics = evr_arena_alloc_zeroed(arena, sizeof *statistics);
    if (!samples || !statistics)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        const evr_result *r = alike[i];
        size_t n = r->sample_count < each ? r->sample_count : each;
        for (size_t k = 0; k < n; k++) /* from all of its time */
            samples[at++] = r->samples[(size_t)((double)k / (double)n * (double)r->sample_count)];
    }
    statistics->struct_size = EVR_INIT(evr_statistics);
    EVR_TRY(evr_statistics_of(ctx, samples, at, statistics, err));
    into->samples = samples;
    into->sample_count = at;
    into->statistics = statistics;
    return EVR_OK;
}

/* The medians of all, in their order. */
static evr_status gather_visits(evr_arena *arena, const evr_result *const *alike, size_t count, evr_result *into, evr_error **err)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += alike[i]->visit_count ? alike[i]->visit_count : 1;
    double *medians = evr_arena_alloc(arena, total * sizeof *medians);
    if (!medians)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        const evr_result *r = alike[i];
        for (size_t k = 0; k < r->visit_count; k++)
            medians[at++] = r->visits[k];
        if (!r->visit_count)
            medians[at++] = r->statistics->median;
    }
    into->visits = medians;
    into->visit_count = at;
    return EVR_OK;
}

/* The median of the visits' medians, and its interval. */
static evr_status take_visits_median(evr_arena *arena, evr_result *into, evr_error **err)
{
    size_t n = into->visit_count;
    evr_statistics *s = evr_arena_alloc(arena, sizeof *s);
    double *sorted = evr_arena_alloc(arena, n * sizeof *sorted), coverage;
    if (!s || !sorted)
        return evr_fail_nomem(err);
    memcpy(sorted, into->visits, n * sizeof *sorted);
    evr_sort_f64(sorted, n);
    double rank = evr_median_rank(n, LEVEL, 1, &coverage);
    *s = *into->statistics;
    s->median = evr_median_of_sorted(sorted, n);
    s->median_low = evr_at_rank(sorted, n, rank);
    s->median_high = evr_at_rank(sorted, n, (double)n + 1 - rank);
    s->coverage = coverage;
    s->flags &= ~EVR_STATISTICS_DRIFT; /* from visit to visit is no drift */
    into->statistics = s;
    return EVR_OK;
}

evr_status evr_pool_results(evr_context *ctx, evr_arena *arena, const evr_result *const *same, size_t count, evr_result *out, evr_error **err)
{
    *out = *representative(same, count);
    if (out->status != EVR_STATUS_OK || !out->statistics)
        return EVR_OK;
    const evr_result **alike = evr_arena_alloc(arena, count * sizeof *alike);
    size_t alike_count = 0;
    if (!alike)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++)
        if (is_alike(out, same[i]))
            alike[alike_count++] = same[i];
    EVR_TRY(gather_visits(arena, alike, alike_count, out, err));
    EVR_TRY(pool_samples(ctx, arena, alike, alike_count, out, err));
    return out->visit_count > 1 ? take_visits_median(arena, out, err) : EVR_OK;
}

/* Results of one record are neighbours. */
static evr_status join(evr_results *results, const evr_result **same, size_t from, size_t count, evr_result *out, evr_error **err)
{
    uint32_t flags = 0;
    for (size_t i = 0; i < count; i++) {
        same[i] = &results->items[from + i];
        flags |= same[i]->flags;
    }
    EVR_TRY(evr_pool_results(results->ctx, &results->arena, same, count, out, err));
    out->flags = flags;
    return EVR_OK;
}

evr_status evr_join_visits(evr_results *results, bool samples, evr_error **err)
{
    const evr_result **same = evr_alloc(results->ctx, results->count * sizeof *same);
    evr_status status = same || !results->count ? EVR_OK : evr_fail_nomem(err);
    size_t kept = 0;
    for (size_t i = 0, n; status == EVR_OK && i < results->count; i += n) {
        evr_result one;
        for (n = 1; i + n < results->count && results->items[i + n].index == results->items[i].index;)
            n++;
        status = join(results, same, i, n, &one, err);
        one.visit = 0;
        if (!samples) {
            one.samples = NULL;
            one.sample_count = 0;
        }
        results->items[kept++] = one;
    }
    evr_release(results->ctx, same, results->count * sizeof *same);
    if (status == EVR_OK)
        results->count = kept;
    return status;
}
