/* The same collective on every rank: by recorded sequence number, else by position within the group. Profilers start at different moments,
 * so positions are shifted against those of the group's first rank until most operations agree. */
#include "trace_set/set.h"

#include <stdlib.h>

enum { REACH = 256, SAMPLES = 512 }; /* how far a trace may begin from another, in collectives; how many are compared for each shift */

typedef struct stretch { /* parts of one group on one rank */
    const evr_member *member;
    const evr_part *parts;
    size_t count;
} stretch;

typedef struct place { /* where a part stands in its group */
    uint32_t group;
    uint32_t repeat; /* how many parts of this rank have the same key before it */
    int64_t key;
    evr_joined part;
} place;

typedef struct places {
    place *items;
    size_t count, cap;
} places;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->repeat != y->repeat)
        return x->repeat < y->repeat ? -1 : 1;
    return (x->part.member > y->part.member) - (x->part.member < y->part.member);
}

static bool numbered(const stretch *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i].sequence == EVR_NO_SEQUENCE)
            return false;
    return s->count > 0;
}

typedef struct fit {
    int64_t agree;   /* operations that agree, less those that do not */
    double distance; /* mean distance of their ends, when the clocks count from known moments */
} fit;

/* What speaks for b[i + shift] being a[i]. */
static fit try_shift(const stretch *a, const stretch *b, int64_t shift)
{
    int64_t from = shift < 0 ? -shift : 0, to = (int64_t)a->count < (int64_t)b->count - shift ? (int64_t)a->count : (int64_t)b->count - shift;
    int64_t step = to - from > SAMPLES ? (to - from) / SAMPLES : 1, agree = 0, differ = 0;
    int64_t bases = evr_time_sub(b->member->base, a->member->base);
    double distance = 0;
    for (int64_t i = from; i < to; i += step) {
        const evr_part *x = &a->parts[i], *y = &b->parts[i + shift];
        if (x->signature != y->signature) {
            differ++;
            continue;
        }
        int64_t apart = evr_time_add(evr_time_sub(evr_part_end(y), evr_part_end(x)), bases);
        distance += apart < 0 ? -(double)apart : (double)apart;
        agree++;
    }
    return (fit){(agree - differ) * step, agree ? distance / (double)agree : 0};
}

/* Among shifts that agree nearly as well as the best, the one whose operations end nearest to one another; where the clocks tell nothing,
 * the smallest. */
static int64_t best_shift(const stretch *a, const stretch *b)
{
    int64_t back = (int64_t)a->count - 1 < REACH ? (int64_t)a->count - 1 : REACH, ahead = (int64_t)b->count - 1 < REACH ? (int64_t)b->count - 1 : REACH;
    bool clocks = a->member->has_base && b->member->has_base;
    fit fits[2 * REACH + 1]; /* by shift + back */
    int64_t best = 0, most = INT64_MIN;
    for (int64_t s = -back; s <= ahead; s++) {
        fits[s + back] = try_shift(a, b, s);
        most = fits[s + back].agree > most ? fits[s + back].agree : most;
    }
    double least = -1;
    for (int64_t s = -back; s <= ahead; s++) {
        fit f = fits[s + back];
        double cost = clocks ? f.distance : (double)(s < 0 ? -s : s);
        if (f.agree < most - most / 10 || (!clocks && f.agree < most) || (least >= 0 && cost >= least))
            continue;
        least = cost;
        best = s;
    }
    return best;
}

static evr_status add_stretch(evr_trace_set *set, places *out, const stretch *s, bool by_number, int64_t shift, evr_error **err)
{
    if (!evr_grow(set->ctx, (void **)&out->items, &out->cap, out->count + s->count, sizeof *out->items))
        return evr_fail_nomem(err);
    uint32_t member = (uint32_t)(s->member - set->members);
    for (size_t i = 0; i < s->count; i++) {
        place *before = i ? &out->items[out->count - 1] : NULL;
        int64_t key = by_number ? (int64_t)(s->parts[i].sequence & INT64_MAX) : (int64_t)i - shift;
        out->items[out->count++] = (place){s->parts[i].group, before && before->key == key ? before->repeat + 1 : 0, key,
                                           {member, (uint32_t)(&s->parts[i] - s->member->parts)}};
    }
    return EVR_OK;
}

static stretch of_group(const evr_member *member, uint32_t group)
{
    size_t low = 0, high = member->part_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (member->parts[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    stretch s = {member, low ? member->parts + low : member->parts, 0}; /* a rank without any has none to add to */
    while (low + s.count < member->part_count && s.parts[s.count].group == group)
        s.count++;
    return s;
}

static evr_status place_group(evr_trace_set *set, uint32_t group, places *out, evr_error **err)
{
    stretch first = {0};
    bool by_number = true;
    for (size_t i = 0; i < set->count; i++) {
        stretch s = of_group(&set->members[i], group);
        by_number = by_number && (s.count == 0 || numbered(&s));
    }
    for (size_t i = 0; i < set->count; i++) {
        stretch s = of_group(&set->members[i], group);
        if (s.count == 0)
            continue;
        int64_t shift = by_number || !first.member ? 0 : best_shift(&first, &s);
        EVR_TRY(add_stretch(set, out, &s, by_number, shift, err));
        first = first.member ? first : s;
    }
    return EVR_OK;
}

static const evr_part *part_of(const evr_trace_set *set, evr_joined at)
{
    return &set->members[at.member].parts[at.part];
}

/* Those of a run of equal places that ran the same operation as its first. The rest stays unmatched. */
static evr_status add_match(evr_trace_set *set, const place *run, size_t n, evr_error **err)
{
    const evr_part *first = part_of(set, run->part);
    size_t begin = set->joined_count;
    if (!evr_grow(set->ctx, (void **)&set->joined, &set->joined_cap, begin + n, sizeof *set->joined) ||
        !evr_grow(set->ctx, (void **)&set->matches, &set->match_cap, set->match_count + 1, sizeof *set->matches))
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        if (part_of(set, run[i].part)->signature == first->signature)
            set->joined[set->joined_count++] = run[i].part;
    if (set->joined_count - begin < 2) {
        set->joined_count = begin;
        return EVR_OK;
    }
    set->matches[set->match_count++] = (evr_match){begin, {
        .name = evr_intern_text(&set->texts, first->name), .group = evr_intern_text(&set->texts, first->group_name),
        .dtype = evr_intern_text(&set->texts, first->dtype), .elements = first->elements, .group_size = first->group_size,
        .sequence = (uint64_t)run->key, .members = (uint32_t)(set->joined_count - begin)}};
    return EVR_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The different groups of all members. */
static evr_status groups(evr_trace_set *set, uint32_t **out, size_t *count, size_t *cap, evr_error **err)
{
    size_t n = 0;
    for (size_t i = 0; i < set->count; i++) {
        const evr_member *m = &set->members[i];
        for (size_t p = 0; p < m->part_count; p++) {
            if (p && m->parts[p].group == m->parts[p - 1].group)
                continue;
            if (!evr_grow(set->ctx, (void **)out, cap, n + 1, sizeof **out))
                return evr_fail_nomem(err);
            (*out)[n++] = m->parts[p].group;
        }
    }
    if (n)
        qsort(*out, n, sizeof **out, by_number);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || (*out)[i] != (*out)[i - 1])
            (*out)[(*count)++] = (*out)[i];
    return EVR_OK;
}

/* Positions of a shifted group may begin below zero. */
static void from_zero(place *items, size_t count)
{
    for (size_t from = 0, to; from < count; from = to) {
        int64_t least = items[from].key;
        for (to = from; to < count && items[to].group == items[from].group; to++)
            items[to].key -= least < 0 ? least : 0;
    }
}

evr_status evr_set_match(evr_trace_set *set, evr_error **err)
{
    places all = {0};
    uint32_t *numbers = NULL;
    size_t count = 0, cap = 0;
    evr_status status = groups(set, &numbers, &count, &cap, err);
    for (size_t i = 0; status == EVR_OK && i < count; i++)
        status = place_group(set, numbers[i], &all, err);
    if (status == EVR_OK && all.count) {
        qsort(all.items, all.count, sizeof *all.items, by_place);
        from_zero(all.items, all.count);
    }
    for (size_t from = 0, to; status == EVR_OK && from < all.count; from = to) {
        for (to = from + 1; to < all.count && all.items[to].group == all.items[from].group && all.items[to].key == all.items[from].key &&
                            all.items[to].repeat == all.items[from].repeat; to++)
            ;
        status = add_match(set, all.items + from, to - from, err);
    }
    evr_release(set->ctx, numbers, cap * sizeof *numbers);
    evr_release(set->ctx, all.items, all.cap * sizeof *all.items);
    return status;
}
