#include "support/walk.h"

#include "base/hash.h"

static uint64_t fold(uint64_t sum, uint64_t value)
{
    return evr_hash_mix(sum ^ value, 0x9e3779b97f4a7c15u) + value;
}

static uint64_t fold_str(uint64_t sum, evr_str s)
{
    /* what the library hands out is NUL-terminated */
    if (s.data && s.data[s.len] != 0)
        __builtin_trap();
    return fold(sum, evr_hash(s.len ? s.data : "", s.len));
}

static evr_event get(const evr_trace *trace, evr_uid uid)
{
    evr_event e = {EVR_INIT(evr_event)};
    if (evr_trace_event(trace, uid, &e, NULL) != EVR_OK)
        __builtin_trap();
    return e;
}

static uint64_t fold_event(uint64_t sum, const evr_trace *trace, evr_uid uid)
{
    evr_event e = get(trace, uid);
    sum = fold(sum, (uint64_t)e.kind << 8 | (unsigned char)e.phase);
    sum = fold_str(fold_str(fold_str(fold_str(sum, e.name), e.category), e.pid), e.tid);
    sum = fold(fold(sum, (uint64_t)e.start_ns), (uint64_t)e.duration_ns);
    sum = fold(fold(sum, e.correlation), e.external_id);
    sum = fold(fold(sum, (uint64_t)e.sequence), (uint64_t)e.forward_thread);
    sum = fold(fold(sum, (uint64_t)e.device), (uint64_t)e.stream);
    for (int32_t which = EVR_ARG_DIMS; which <= EVR_ARG_ALL; which++)
        sum = fold_str(sum, evr_trace_arg(trace, uid, which));
    return sum;
}

static uint64_t shorter(const evr_trace *trace, uint64_t limit)
{
    uint64_t count = evr_trace_event_count(trace);
    return count < limit ? count : limit;
}

uint64_t walk_events(const evr_trace *trace, uint64_t limit)
{
    uint64_t sum = 1, count = shorter(trace, limit);
    for (evr_uid uid = 0; uid < count; uid++)
        sum = fold_event(sum, trace, uid);
    return sum;
}

static uint64_t fold_links(uint64_t sum, const evr_trace *trace, evr_uid uid)
{
    evr_event e = get(trace, uid);
    sum = fold(fold(fold(sum, e.parent), e.track), e.signature);
    uint64_t children = 0;
    for (evr_uid c = evr_trace_first_child(trace, uid); c != EVR_NO_UID; c = evr_trace_next_sibling(trace, c)) {
        sum = fold(sum, c);
        if (++children > evr_trace_event_count(trace))
            __builtin_trap(); /* a ring */
    }
    size_t count = 0;
    const evr_uid *device = evr_trace_device_events(trace, uid, &count);
    for (size_t i = 0; i < count && i < 64; i++)
        sum = fold(sum, device[i]);
    sum = fold(fold(sum, count), (uint64_t)evr_trace_device_time(trace, uid));
    sum = fold(fold(sum, evr_trace_launcher(trace, uid)), evr_trace_annotation_of(trace, uid));
    return fold(fold(sum, evr_trace_forward_of(trace, uid)), evr_trace_backward_of(trace, uid));
}

static uint64_t fold_whole(uint64_t sum, const evr_trace *trace)
{
    int64_t start, end;
    evr_trace_span(trace, &start, &end);
    sum = fold(fold(fold(sum, (uint64_t)start), (uint64_t)end), (uint64_t)evr_trace_format(trace));
    for (size_t i = 0; i <= evr_trace_metadata_count(trace); i++) { /* one beyond the last answers "nothing" */
        evr_str name, json;
        evr_trace_metadata_at(trace, i, &name, &json);
        sum = fold_str(fold_str(fold_str(sum, name), json), evr_trace_metadata(trace, name));
    }
    for (size_t i = 0; i <= evr_trace_category_count(trace); i++) {
        evr_str name;
        int32_t kind;
        uint64_t events;
        evr_trace_category_at(trace, i, &name, &kind, &events);
        sum = fold(fold(fold_str(sum, name), (uint64_t)kind), events);
    }
    return sum;
}

static uint64_t fold_columns(uint64_t sum, const evr_trace *trace, uint64_t count)
{
    const int64_t *starts = evr_trace_starts(trace), *durations = evr_trace_durations(trace);
    const uint32_t *names = evr_trace_name_ids(trace), *tracks = evr_trace_tracks(trace);
    for (uint64_t i = 0; i < count; i++) {
        sum = fold(fold(fold(sum, (uint64_t)starts[i]), (uint64_t)durations[i]), tracks[i]);
        sum = fold_str(sum, evr_trace_name(trace, names[i]));
    }
    return fold_str(sum, evr_trace_name(trace, UINT32_MAX));
}

static uint64_t fold_search(uint64_t sum, const evr_trace *trace, const evr_event_filter *filter)
{
    uint64_t found = 0;
    for (evr_uid uid = evr_trace_next(trace, filter, 0); uid != EVR_NO_UID && found < 1000; found++) {
        sum = fold(sum, uid);
        uid = evr_trace_next(trace, filter, uid + 1);
    }
    return fold(sum, found);
}

uint64_t walk_trace(const evr_trace *trace, uint64_t limit)
{
    uint64_t count = shorter(trace, limit);
    uint64_t sum = fold_whole(walk_events(trace, limit), trace);
    for (evr_uid uid = 0; uid < count; uid++)
        sum = fold_links(sum, trace, uid);
    sum = fold_columns(sum, trace, count);
    evr_event_filter filter = {EVR_INIT(evr_event_filter)};
    sum = fold_search(sum, trace, NULL);
    sum = fold_search(sum, trace, &filter);
    filter.kind = EVR_KIND_OP;
    filter.name = (evr_str){"*a?d*", 5};
    sum = fold_search(sum, trace, &filter);
    filter = (evr_event_filter){.struct_size = sizeof filter, .category = {"kernel", 6}};
    sum = fold_search(sum, trace, &filter);
    filter = (evr_event_filter){.struct_size = sizeof filter};
    evr_trace_span(trace, &filter.from_ns, &filter.to_ns);
    filter.to_ns = filter.from_ns / 2 + filter.to_ns / 2;
    return fold_search(sum, trace, &filter);
}

static int in_tree(const evr_event *e)
{
    return (e->kind == EVR_KIND_OP || e->kind == EVR_KIND_RUNTIME) && e->phase == 'X' && e->start_ns != EVR_NO_TIME;
}

/* Calls of other runtimes than CUDA's may wrap whole operators, so they have no children. */
static int may_be_parent(const evr_event *e)
{
    if (!in_tree(e) || e->kind == EVR_KIND_OP)
        return in_tree(e);
    return (e->category.len >= 5 && memcmp(e->category.data, "cuda_", 5) == 0) ||
           (e->category.len == 7 && memcmp(e->category.data, "Runtime", 7) == 0);
}

/* The innermost event on the same track that has not ended: the last one, by start and then file order, that is still open. */
static evr_uid expected_parent(const evr_trace *trace, evr_uid uid, const evr_event *e)
{
    evr_uid best = EVR_NO_UID;
    int64_t best_start = 0;
    for (evr_uid other = 0; other < evr_trace_event_count(trace); other++) {
        evr_event o = get(trace, other);
        if (other == uid || !may_be_parent(&o) || o.track != e->track)
            continue;
        if (o.start_ns > e->start_ns || (o.start_ns == e->start_ns && other > uid))
            continue;
        int64_t end; /* time itself ends at INT64_MAX */
        if (__builtin_add_overflow(o.start_ns, o.duration_ns, &end))
            end = INT64_MAX;
        if (e->start_ns >= end)
            continue;
        if (best == EVR_NO_UID || o.start_ns >= best_start) {
            best = other;
            best_start = o.start_ns;
        }
    }
    return best;
}

static int holds(const evr_trace *trace, evr_uid uid, evr_uid device_event)
{
    size_t count = 0;
    const evr_uid *device = evr_trace_device_events(trace, uid, &count);
    for (size_t i = 0; i < count; i++)
        if (device[i] == device_event)
            return 1;
    return 0;
}

static const char *check_event(const evr_trace *trace, evr_uid uid)
{
    evr_event e = get(trace, uid);
    int device = e.kind == EVR_KIND_KERNEL || e.kind == EVR_KIND_MEMCPY || e.kind == EVR_KIND_MEMSET;
    evr_uid launcher = evr_trace_launcher(trace, uid);
    if (device && launcher != EVR_NO_UID)
        for (evr_uid up = launcher; up != EVR_NO_UID; up = get(trace, up).parent)
            if (!holds(trace, up, uid))
                return "a device event is missing below its launcher or an ancestor of it";
    if (in_tree(&e) && e.parent != expected_parent(trace, uid, &e))
        return "the parent is not the innermost event that has not ended";
    int64_t before = INT64_MIN;
    for (evr_uid c = evr_trace_first_child(trace, uid); c != EVR_NO_UID; c = evr_trace_next_sibling(trace, c)) {
        evr_event child = get(trace, c);
        if (child.parent != uid)
            return "a child names another parent";
        if (child.start_ns < before)
            return "children are not in order of start";
        before = child.start_ns;
    }
    if (in_tree(&e) && e.parent != EVR_NO_UID) {
        evr_uid c = evr_trace_first_child(trace, e.parent);
        while (c != EVR_NO_UID && c != uid)
            c = evr_trace_next_sibling(trace, c);
        if (c != uid)
            return "an event is not among its parent's children";
    }
    return NULL;
}

const char *walk_check_tree(const evr_trace *trace, uint64_t limit)
{
    uint64_t count = evr_trace_event_count(trace);
    for (evr_uid uid = 0; count <= limit && uid < count; uid++) {
        const char *wrong = check_event(trace, uid);
        if (wrong)
            return wrong;
    }
    return NULL;
}
