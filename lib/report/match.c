#include "report/compare.h"

#include "measure/statistics.h"

#include <stdlib.h>

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

static bool can_pool(const evr_result *a, const evr_result *b)
{
    return a->status == EVR_STATUS_OK && b->status == EVR_STATUS_OK && a->sample_count && b->sample_count && a->statistics && b->statistics &&
           evr_str_eq(a->protocol, b->protocol);
}

/* The one that stands for the others: of the worst status; among those the one with most samples, then the first. */
static const evr_result *representative(const evr_entry *same, size_t count)
{
    const evr_result *best = same[0].result;
    for (size_t i = 1; i < count; i++) {
        const evr_result *r = same[i].result;
        uint64_t has = best->statistics ? best->statistics->count : 0, more = r->statistics ? r->statistics->count : 0;
        if (worse(r, best) < 0 || (worse(r, best) == 0 && more > has))
            best = r;
    }
    return best;
}

/* The samples of all that were timed as the one that stands for them, one after the other. */
static evr_status pool(evr_comparison *c, const evr_entry *same, size_t count, evr_result *into, evr_error **err)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += can_pool(into, same[i].result) ? same[i].result->sample_count : 0;
    if (total <= into->sample_count)
        return EVR_OK;
    double *samples = evr_arena_alloc(&c->arena, total * sizeof *samples);
    evr_statistics *statistics = evr_arena_alloc_zeroed(&c->arena, sizeof *statistics);
    if (!samples || !statistics)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        const evr_result *r = same[i].result;
        if (!can_pool(into, r))
            continue;
        memcpy(samples + at, r->samples, r->sample_count * sizeof *samples);
        at += r->sample_count;
    }
    statistics->struct_size = EVR_INIT(evr_statistics);
    EVR_TRY(evr_statistics_of(c->ctx, samples, total, statistics, err));
    into->samples = samples;
    into->sample_count = total;
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
