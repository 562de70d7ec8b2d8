#include "report/compare.h"
#include "report/pool.h"

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

static evr_status combine(evr_comparison *c, evr_entry *same, size_t count, evr_error **err)
{
    evr_result *one = evr_arena_alloc(&c->arena, sizeof *one);
    const evr_result **all = evr_arena_alloc(&c->arena, count * sizeof *all);
    uint64_t calls = 0;
    if (!one || !all)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        all[i] = same[i].result;
        if (__builtin_add_overflow(calls, all[i]->count, &calls))
            calls = UINT64_MAX;
    }
    EVR_TRY(evr_pool_results(c->ctx, &c->arena, all, count, one, err));
    one->count = calls;
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
