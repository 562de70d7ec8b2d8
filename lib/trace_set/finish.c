/* Times of collectives on the common clock, and what ranks waited for one another. */
#include "trace_set/set.h"

#include <stdlib.h>

static void finish_match(evr_trace_set *set, evr_match *m)
{
    evr_collective *c = &m->info;
    int64_t before_last = INT64_MIN;
    uint32_t slowest = 0;
    for (uint32_t i = 0; i < c->members; i++) {
        evr_joined at = set->joined[m->first + i];
        const evr_member *member = &set->members[at.member];
        const evr_part *part = &member->parts[at.part];
        int64_t start = evr_time_add(part->start, member->info.offset_ns), end = evr_time_add(start, part->duration);
        c->first_ns = i == 0 || start < c->first_ns ? start : c->first_ns;
        c->end_ns = i == 0 || end > c->end_ns ? end : c->end_ns;
        c->shortest_ns = i == 0 || part->duration < c->shortest_ns ? part->duration : c->shortest_ns;
        if (i == 0 || start > c->last_ns) {
            before_last = i ? c->last_ns : INT64_MIN;
            c->last_ns = start;
            slowest = at.member;
        } else if (start > before_last) {
            before_last = start;
        }
    }
    c->slowest_rank = set->members[slowest].info.rank;
    c->skew_ns = evr_time_sub(c->last_ns, c->first_ns);
    evr_rank *last = &set->members[slowest].info;
    last->awaited_ns = evr_time_add(last->awaited_ns, evr_time_sub(c->last_ns, before_last));
    for (uint32_t i = 0; i < c->members; i++) {
        evr_joined at = set->joined[m->first + i];
        evr_rank *r = &set->members[at.member].info;
        int64_t start = evr_time_add(set->members[at.member].parts[at.part].start, r->offset_ns);
        r->waited_ns = evr_time_add(r->waited_ns, evr_time_sub(c->last_ns, start));
        r->collectives++;
    }
}

static int by_first(const void *a, const void *b)
{
    const evr_match *x = a, *y = b;
    if (x->info.first_ns != y->info.first_ns)
        return x->info.first_ns < y->info.first_ns ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

void evr_set_finish(evr_trace_set *set)
{
    for (size_t i = 0; i < set->match_count; i++)
        finish_match(set, &set->matches[i]);
    if (set->match_count)
        qsort(set->matches, set->match_count, sizeof *set->matches, by_first);
    for (size_t i = 0; i < set->count; i++)
        set->members[i].info.unmatched = set->members[i].part_count - set->members[i].info.collectives;
}
