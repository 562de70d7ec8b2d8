/* One clock for all ranks. Hosts share theirs; others are brought to it by where synchronising collectives end. */
#include "trace_set/set.h"

#include <stdlib.h>

typedef struct offsets {
    int64_t *items;
    size_t count, cap;
} offsets;

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(offsets *o)
{
    qsort(o->items, o->count, sizeof *o->items, by_value);
    return o->items[o->count / 2];
}

static bool same_host(const evr_member *a, const evr_member *b)
{
    return a->info.host.len && evr_str_eq(a->info.host, b->info.host) && a->has_base == b->has_base;
}

/* Adds `to`'s offset as every collective in common with the known `from` gives it. */
static evr_status gather(evr_trace_set *set, uint32_t from, uint32_t to, offsets *out, evr_error **err)
{
    for (size_t i = 0; i < set->match_count; i++) {
        const evr_match *m = &set->matches[i];
        const evr_part *known = NULL, *other = NULL;
        for (uint32_t k = 0; k < m->info.members; k++) {
            evr_joined at = set->joined[m->first + k];
            const evr_part *part = &set->members[at.member].parts[at.part];
            known = at.member == from ? part : known;
            other = at.member == to ? part : other;
        }
        if (!known || !other || !known->synchronises)
            continue;
        if (!evr_grow(set->ctx, (void **)&out->items, &out->cap, out->count + 1, sizeof *out->items))
            return evr_fail_nomem(err);
        out->items[out->count++] = evr_time_sub(evr_time_add(evr_part_end(known), set->members[from].info.offset_ns), evr_part_end(other));
    }
    return EVR_OK;
}

/* Tries to learn a member's clock from the known one; *found when it was. */
static evr_status learn(evr_trace_set *set, uint32_t from, uint32_t to, offsets *scratch, bool *found, evr_error **err)
{
    const evr_member *known = &set->members[from];
    evr_member *m = &set->members[to];
    *found = false;
    if (same_host(known, m)) {
        m->info.clock = known->info.clock == EVR_CLOCK_REFERENCE ? EVR_CLOCK_SHARED : known->info.clock;
        m->info.offset_ns = evr_time_add(known->info.offset_ns, evr_time_sub(m->base, known->base));
        m->info.offset_spread_ns = known->info.offset_spread_ns;
        *found = true;
        return EVR_OK;
    }
    scratch->count = 0;
    EVR_TRY(gather(set, from, to, scratch, err));
    if (scratch->count == 0)
        return EVR_OK;
    m->info.clock = EVR_CLOCK_ESTIMATED;
    m->info.offset_ns = median(scratch);
    for (size_t i = 0; i < scratch->count; i++) {
        int64_t apart = evr_time_sub(scratch->items[i], m->info.offset_ns);
        scratch->items[i] = apart < 0 ? -apart : apart;
    }
    m->info.offset_spread_ns = evr_time_add(median(scratch), known->info.offset_spread_ns);
    *found = true;
    return EVR_OK;
}

evr_status evr_set_align(evr_trace_set *set, evr_error **err)
{
    offsets scratch = {0};
    evr_status status = EVR_OK;
    for (size_t i = 0; i < set->count; i++) {
        evr_rank *r = &set->members[i].info;
        r->clock = i ? EVR_CLOCK_UNKNOWN : EVR_CLOCK_REFERENCE;
        /* without anything better, what the clocks count from is believed */
        r->offset_ns = set->members[i].has_base && set->members[0].has_base ? evr_time_sub(set->members[i].base, set->members[0].base) : 0;
    }
    /* from the reference outwards: whatever one round learnt may tell the next one more */
    for (bool more = true; more && status == EVR_OK;) {
        more = false;
        for (uint32_t to = 1; to < set->count; to++) {
            bool found = set->members[to].info.clock != EVR_CLOCK_UNKNOWN;
            for (uint32_t from = 0; !found && status == EVR_OK && from < set->count; from++) {
                if (from == to || set->members[from].info.clock == EVR_CLOCK_UNKNOWN)
                    continue;
                status = learn(set, from, to, &scratch, &found, err);
                more = more || found;
            }
        }
    }
    evr_release(set->ctx, scratch.items, scratch.cap * sizeof *scratch.items);
    return status;
}
