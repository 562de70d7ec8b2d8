#include "trace/store.h"

#include <stdlib.h>

typedef struct span {
    int64_t from, to;
} span;

static int by_from(const void *a, const void *b)
{
    const span *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static int64_t merged(span *spans, size_t n)
{
    qsort(spans, n, sizeof *spans, by_from);
    uint64_t total = 0;
    int64_t to = spans[0].from;
    for (size_t i = 0; i < n; i++) {
        int64_t from = spans[i].from > to ? spans[i].from : to;
        if (spans[i].to > from)
            total += (uint64_t)spans[i].to - (uint64_t)from;
        if (spans[i].to > to)
            to = spans[i].to;
    }
    return total > INT64_MAX ? INT64_MAX : (int64_t)total;
}

/* Time covered by device events that are in no useful order. When there is no memory to sort them in, the span is found by
 * looking for the next start again and again, which needs none. */
int64_t evr_union_time(const evr_trace *t, const evr_uid *uids, size_t n)
{
    span small[256];
    span *spans = n <= 256 ? small : evr_alloc(t->ctx, n * sizeof *spans);
    if (spans) {
        for (size_t i = 0; i < n; i++)
            spans[i] = (span){t->start[uids[i]], evr_events_end(t, uids[i])};
        int64_t total = merged(spans, n);
        if (spans != small)
            evr_release(t->ctx, spans, n * sizeof *spans);
        return total;
    }
    uint64_t total = 0;
    int64_t at = INT64_MIN;
    for (;;) {
        int64_t from = INT64_MAX, to;
        for (size_t i = 0; i < n; i++) { /* the earliest uncovered moment */
            int64_t start = t->start[uids[i]] > at ? t->start[uids[i]] : at;
            if (evr_events_end(t, uids[i]) > at && start < from)
                from = start;
        }
        if (from == INT64_MAX)
            return total > INT64_MAX ? INT64_MAX : (int64_t)total;
        to = from;
        for (bool grew = true; grew;) {
            grew = false;
            for (size_t i = 0; i < n; i++)
                if (t->start[uids[i]] <= to && evr_events_end(t, uids[i]) > to) {
                    to = evr_events_end(t, uids[i]);
                    grew = true;
                }
        }
        if (to == from) /* only empty events are left at this moment */
            to++;
        else
            total += (uint64_t)to - (uint64_t)from;
        at = to;
    }
}
