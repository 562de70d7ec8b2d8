#include "report/compare.h"

#include "measure/statistics.h"

#include <math.h>
#include <stdlib.h>

#define MEDIAN_OVER_MEAN 1.2533141 /* standard deviations of either, of normal values */

enum { FEWEST_REPEATS = 2, FEWEST_SAMPLES = 5 };

/* By key; results without one by operator, overload and arguments, after those that have one. */
int evr_match_order(const evr_result *a, const evr_result *b)
{
    if (a->key.len && b->key.len)
        return evr_str_cmp(a->key, b->key);
    if (a->key.len || b->key.len)
        return a->key.len ? -1 : 1;
    int order = evr_str_cmp(a->op, b->op);
    order = order ? order : evr_str_cmp(a->overload, b->overload);
    return order ? order : evr_str_cmp(a->arguments, b->arguments);
}

static int by_key(const void *a, const void *b)
{
    const evr_entry *x = a, *y = b;
    int order = evr_match_order(x->result, y->result);
    return order ? order : x->first < y->first ? -1 : x->first > y->first;
}

/* Failed before ok before skipped. */
static int worse(const evr_result *a, const evr_result *b)
{
    static const int rank[] = {[EVR_STATUS_OK] = 1, [EVR_STATUS_SKIPPED] = 2, [EVR_STATUS_FAILED] = 0};
    return rank[a->status] - rank[b->status];
}

bool evr_was_disturbed(const evr_result *r) { return r->conditions && r->conditions->flags & EVR_MEASUREMENT_THROTTLED; }

/* What was timed in peace is not spoilt by what was not. */
static bool can_pool(const evr_result *a, const evr_result *b)
{
    return evr_was_disturbed(a) == evr_was_disturbed(b) && a->status == EVR_STATUS_OK && b->status == EVR_STATUS_OK && a->sample_count && b->sample_count && a->statistics && b->statistics &&
           evr_str_eq(a->protocol, b->protocol);
}

/* The one that stands for the others: of the worst status; among those one that was timed undisturbed, then the one with most samples, then the first. */
static const evr_result *representative(const evr_entry *same, size_t count)
{
    const evr_result *best = same[0].result;
    for (size_t i = 1; i < count; i++) {
        const evr_result *r = same[i].result;
        uint64_t has = best->statistics ? best->statistics->count : 0, more = r->statistics ? r->statistics->count : 0;
        int order = worse(r, best), peace = evr_was_disturbed(r) - evr_was_disturbed(best);
        if (order < 0 || (order == 0 && (peace < 0 || (peace == 0 && more > has))))
            best = r;
    }
    return best;
}

/* Results that count for one, of their medians: the nearest to normal that few numbers allow. */
static evr_status note_repeats(evr_comparison *c, const evr_entry *same, size_t count, const evr_result *one, evr_error **err)
{
    size_t n = 0;
    double mean = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!can_pool(one, same[i].result) || !(same[i].result->statistics->median > 0))
            continue;
        double x = log(same[i].result->statistics->median), step = x - mean;
        mean += step / (double)++n;
        sum += step * (x - mean);
    }
    if (n < FEWEST_REPEATS)
        return EVR_OK;
    if (!evr_grow(c->ctx, (void **)&c->repeats, &c->repeat_cap, c->repeat_count + 1, sizeof *c->repeats))
        return evr_fail_nomem(err);
    double of_mean = sqrt(sum / (double)(n - 1) / (double)n);
    c->repeats[c->repeat_count++] = (evr_repeats){one, of_mean * MEDIAN_OVER_MEAN, n};
    return EVR_OK;
}

/* The samples of all that were timed as the one that stands for them, one after the other, of each as many: a disturbed one takes more until its median is known, and is
 * not to count for more. */
static evr_status pool(evr_comparison *c, const evr_entry *same, size_t count, evr_result *into, evr_error **err)
{
    size_t each = SIZE_MAX, total = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = can_pool(into, same[i].result) ? same[i].result->sample_count : 0;
        total += n;
        each = n >= FEWEST_SAMPLES && n < each ? n : each;
    }
    if (total <= into->sample_count)
        return EVR_OK;
    double *samples = evr_arena_alloc(&c->arena, total * sizeof *samples);
    evr_statistics *statistics = evr_arena_alloc_zeroed(&c->arena, sizeof *statistics);
    if (!samples || !statistics)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        const evr_result *r = same[i].result;
        size_t n = !can_pool(into, r) ? 0 : r->sample_count < each ? r->sample_count : each;
        for (size_t k = 0; k < n; k++) /* from all of its time */
            samples[at++] = r->samples[(size_t)((double)k / (double)n * (double)r->sample_count)];
    }
    statistics->struct_size = EVR_INIT(evr_statistics);
    EVR_TRY(evr_statistics_of(c->ctx, samples, at, statistics, err));
    into->samples = samples;
    into->sample_count = at;
    into->statistics = statistics;
    return EVR_OK;
}

static evr_status combine(evr_comparison *c, evr_entry *same, size_t count, evr_error **err)
{
    evr_result *one = evr_arena_alloc(&c->arena, sizeof *one);
    if (!one)
        return evr_fail_nomem(err);
    *one = *representative(same, count);
    one->count = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(one->count, same[i].result->count, &one->count))
            one->count = UINT64_MAX;
    if (one->status == EVR_STATUS_OK)
        EVR_TRY(pool(c, same, count, one, err));
    if (one->status == EVR_STATUS_OK)
        EVR_TRY(note_repeats(c, same, count, one, err));
    same[0].result = one;
    return EVR_OK;
}

evr_status evr_match_entries(evr_comparison *c, const evr_results *results, const evr_entry **out, size_t *count, evr_error **err)
{
    size_t n = results->count, kept = 0;
    evr_entry *entries = evr_arena_alloc(&c->arena, n * sizeof *entries);
    if (!entries)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        entries[i] = (evr_entry){&results->items[i], i};
    if (n)
        qsort(entries, n, sizeof *entries, by_key);
    for (size_t i = 0, same; i < n; i += same) {
        for (same = 1; i + same < n && evr_match_order(entries[i].result, entries[i + same].result) == 0;)
            same++;
        if (same > 1)
            EVR_TRY(combine(c, entries + i, same, err));
        entries[kept++] = entries[i];
    }
    *out = entries;
    *count = kept;
    return EVR_OK;
}
