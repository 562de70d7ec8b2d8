#include "trace/links.h"

#include "trace/tree.h"

void evr_links_release(evr_trace *t)
{
    evr_context *ctx = t->ctx;
    evr_release(ctx, t->launched, t->launched_count * sizeof *t->launched);
    evr_release(ctx, t->launched_from, (t->order_count + 1) * sizeof *t->launched_from);
    evr_release(ctx, t->launcher, t->launched_count * sizeof *t->launcher);
    evr_release(ctx, t->device_sorted, t->launched_count * sizeof *t->device_sorted);
    evr_release(ctx, t->forward, t->pair_count * sizeof *t->forward);
    evr_release(ctx, t->backward, t->pair_count * sizeof *t->backward);
    evr_release(ctx, t->pair_by_forward, t->pair_count * sizeof *t->pair_by_forward);
    evr_release(ctx, t->annotation, t->annotation_count * sizeof *t->annotation);
    evr_release(ctx, t->annotation_parent, t->annotation_count * sizeof *t->annotation_parent);
    t->launched = NULL;
    t->launched_from = t->launcher = t->device_sorted = NULL;
    t->forward = t->backward = t->pair_by_forward = NULL;
    t->annotation = t->annotation_parent = NULL;
    t->launched_count = t->pair_count = t->annotation_count = 0;
}

/* A key and the event that has it; sorted by key, then start, then uid. */
typedef struct keyed {
    uint64_t key;
    int64_t start;
    uint32_t uid;
    uint32_t value;
} keyed;

static inline bool before(const keyed *x, const keyed *y)
{
    if (x->key != y->key)
        return x->key < y->key;
    return x->start != y->start ? x->start < y->start : x->uid < y->uid;
}

/* Merge sort that does nothing where things are in order already, as most of a profiler's numbers are. */
static void merge_keyed(keyed *items, keyed *spare, size_t n)
{
    if (n < 12) {
        for (size_t i = 1; i < n; i++) {
            keyed item = items[i];
            size_t k = i;
            for (; k && before(&item, &items[k - 1]); k--)
                items[k] = items[k - 1];
            items[k] = item;
        }
        return;
    }
    size_t half = n / 2, a = 0, b = half, out = 0;
    merge_keyed(items, spare, half);
    merge_keyed(items + half, spare, n - half);
    if (!before(&items[half], &items[half - 1]))
        return;
    memcpy(spare, items, half * sizeof *items);
    while (a < half && b < n)
        items[out++] = before(&items[b], &spare[a]) ? items[b++] : spare[a++];
    memcpy(items + out, spare + a, (half - a) * sizeof *items);
}

static evr_status sort_keyed(evr_context *ctx, keyed *items, size_t n, evr_error **err)
{
    if (n < 2)
        return EVR_OK;
    keyed *spare = evr_alloc(ctx, n / 2 * sizeof *spare);
    if (!spare)
        return evr_fail_nomem(err);
    merge_keyed(items, spare, n);
    evr_release(ctx, spare, n / 2 * sizeof *spare);
    return EVR_OK;
}

/* The last item with this key that starts no later than `start`; the first with the key when all start later; NULL if none. */
static const keyed *find_keyed(const keyed *items, size_t n, uint64_t key, int64_t start)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (items[mid].key < key || (items[mid].key == key && items[mid].start <= start))
            low = mid + 1;
        else
            high = mid;
    }
    if (low && items[low - 1].key == key)
        return &items[low - 1];
    return low < n && items[low].key == key ? &items[low] : NULL;
}

/* Collects (key, start, uid) of the events of some kinds that `key_of` gives a key other than 0, in order of uid. */
typedef uint64_t (*key_fn)(const evr_trace *trace, size_t uid);

static evr_status collect(evr_trace *t, uint32_t kinds, key_fn key_of, keyed **out, size_t *count, evr_error **err)
{
    size_t n = 0, cap = 0;
    *out = NULL;
    *count = 0;
    for (size_t k = 0; k < t->category_count; k++)
        if (kinds >> t->categories[k].kind & 1)
            cap += (size_t)t->categories[k].events;
    if (!cap)
        return EVR_OK;
    keyed *items = evr_alloc(t->ctx, cap * sizeof *items);
    if (!items)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < t->count; i++) {
        if (!(kinds >> evr_events_kind(t, i) & 1))
            continue;
        uint64_t key = key_of(t, i);
        if (key)
            items[n++] = (keyed){key, t->start[i], (uint32_t)i, 0};
    }
    if (n && n < cap) {
        keyed *less = evr_resize(t->ctx, items, cap * sizeof *items, n * sizeof *items);
        if (!less) {
            evr_release(t->ctx, items, cap * sizeof *items);
            return evr_fail_nomem(err);
        }
        items = less;
    } else if (!n) {
        evr_release(t->ctx, items, cap * sizeof *items);
        items = NULL;
    }
    *out = items;
    *count = n;
    return EVR_OK;
}

enum {
    OPS = 1 << EVR_KIND_OP,
    CALLS = 1 << EVR_KIND_RUNTIME,
    WORK = 1 << EVR_KIND_KERNEL | 1 << EVR_KIND_MEMCPY | 1 << EVR_KIND_MEMSET,
    ARROWS = 1 << EVR_KIND_FLOW,
};

static uint64_t launch_key(const evr_trace *t, size_t uid)
{
    return evr_tree_position(t, uid) != EVR_NONE32 ? t->correlation[uid] : 0;
}

static uint64_t device_key(const evr_trace *t, size_t uid)
{
    return t->start[uid] != EVR_NO_TIME ? t->correlation[uid] : 0;
}

/* key is the launch's position, value its uid. */
static evr_status store_launches(evr_trace *t, keyed *work, size_t n, evr_error **err)
{
    t->launched_count = n;
    t->launched_from = evr_alloc_zeroed(t->ctx, (t->order_count + 1) * sizeof *t->launched_from);
    t->launched = evr_alloc(t->ctx, n * sizeof *t->launched);
    t->launcher = evr_alloc(t->ctx, n * sizeof *t->launcher);
    t->device_sorted = evr_alloc(t->ctx, n * sizeof *t->device_sorted);
    if (!t->launched_from || !t->launched || !t->launcher || !t->device_sorted)
        return evr_fail_nomem(err);
    EVR_TRY(sort_keyed(t->ctx, work, n, err));
    for (size_t i = 0; i < n; i++) {
        t->launched[i] = work[i].uid;
        t->launcher[i] = work[i].value;
        t->launched_from[work[i].key + 1]++;
        work[i] = (keyed){work[i].uid, 0, (uint32_t)i, 0};
    }
    for (size_t p = 0; p < t->order_count; p++)
        t->launched_from[p + 1] += t->launched_from[p];
    EVR_TRY(sort_keyed(t->ctx, work, n, err)); /* by uid now */
    for (size_t i = 0; i < n; i++)
        t->device_sorted[i] = work[i].uid;
    return EVR_OK;
}

/* Device work below the runtime call of the same correlation id. Ids may come again (several processes in one file): then
 * the last launch that starts before the work does. */
static evr_status link_launches(evr_trace *t, evr_error **err)
{
    if (!t->correlation || !t->order_count)
        return EVR_OK;
    keyed *calls, *work = NULL;
    size_t call_count, work_count = 0, linked = 0;
    EVR_TRY(collect(t, CALLS, launch_key, &calls, &call_count, err));
    evr_status status = collect(t, WORK, device_key, &work, &work_count, err);
    if (status == EVR_OK)
        status = sort_keyed(t->ctx, calls, call_count, err);
    if (status == EVR_OK && call_count && work_count) {
        for (size_t i = 0; i < work_count; i++) {
            const keyed *call = find_keyed(calls, call_count, work[i].key, work[i].start);
            if (!call)
                continue;
            work[linked] = work[i];
            work[linked].key = t->position[call->uid];
            work[linked++].value = call->uid;
        }
        status = linked ? store_launches(t, work, linked, err) : EVR_OK;
    }
    evr_release(t->ctx, calls, call_count * sizeof *calls);
    evr_release(t->ctx, work, work_count * sizeof *work);
    return status;
}

/* The operator that is innermost on a track at a moment, given the positions of that track; EVR_NONE32 if none. */
static uint32_t op_at(const evr_trace *t, uint32_t track, int64_t when)
{
    /* order[] is sorted by track, then start: the last one that starts no later */
    size_t low = 0, high = t->order_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        uint32_t uid = t->order[mid];
        if (t->track[uid] < track || (t->track[uid] == track && t->start[uid] <= when))
            low = mid + 1;
        else
            high = mid;
    }
    if (!low || t->track[t->order[low - 1]] != track)
        return EVR_NONE32;
    for (uint32_t uid = t->order[low - 1]; uid != EVR_NONE32;) {
        uint32_t parent = t->parent[t->position[uid]];
        /* of operators that start at this very moment the outermost is the arrow's */
        bool outermost = parent == EVR_NONE32 || t->start[parent] != when || evr_events_kind(t, parent) != EVR_KIND_OP;
        if (outermost && evr_events_end(t, uid) >= when && evr_events_kind(t, uid) == EVR_KIND_OP)
            return uid;
        uid = parent;
    }
    return EVR_NONE32;
}

static bool is_fwdbwd(const evr_trace *t, size_t uid, char phase)
{
    return t->phase[uid] == phase && t->external && t->external[uid] && t->start[uid] != EVR_NO_TIME &&
           evr_str_starts(t->categories[t->category[uid]].name, "fwdbwd");
}

static uint64_t arrow_start(const evr_trace *t, size_t uid) { return is_fwdbwd(t, uid, 's') ? t->external[uid] : 0; }
static uint64_t arrow_end(const evr_trace *t, size_t uid) { return is_fwdbwd(t, uid, 'f') ? t->external[uid] : 0; }

/* Without arrows: a forward operator and the backward ones of its sequence number, which name the forward's thread. */
static bool has_sequence(const evr_trace *t, size_t uid, bool backward)
{
    return t->sequence && t->sequence[uid] >= 0 && t->start[uid] != EVR_NO_TIME &&
           (t->forward_thread && t->forward_thread[uid] != 0) == backward;
}

static uint64_t forward_sequence(const evr_trace *t, size_t uid)
{
    return has_sequence(t, uid, false) ? (uint64_t)t->sequence[uid] + 1 : 0;
}

static uint64_t backward_sequence(const evr_trace *t, size_t uid)
{
    return has_sequence(t, uid, true) ? (uint64_t)t->sequence[uid] + 1 : 0;
}

/* key: uid of the backward operator, value: of the forward one */
static evr_status store_pairs(evr_trace *t, keyed *pairs, size_t n, evr_error **err)
{
    EVR_TRY(sort_keyed(t->ctx, pairs, n, err));
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || pairs[kept - 1].key != pairs[i].key)
            pairs[kept++] = pairs[i];
    t->pair_count = kept;
    t->forward = evr_alloc(t->ctx, kept * sizeof *t->forward);
    t->backward = evr_alloc(t->ctx, kept * sizeof *t->backward);
    t->pair_by_forward = evr_alloc(t->ctx, kept * sizeof *t->pair_by_forward);
    if (!t->forward || !t->backward || !t->pair_by_forward)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < kept; i++) {
        t->backward[i] = (uint32_t)pairs[i].key;
        t->forward[i] = pairs[i].value;
        pairs[i] = (keyed){pairs[i].value, 0, (uint32_t)i, 0};
    }
    EVR_TRY(sort_keyed(t->ctx, pairs, kept, err));
    for (size_t i = 0; i < kept; i++)
        t->pair_by_forward[i] = pairs[i].uid;
    return EVR_OK;
}

/* Turns ends[] into pairs in place: key = backward uid, value = forward uid. Returns how many have both sides. */
static size_t pair_up(const evr_trace *t, const keyed *starts, size_t start_count, keyed *ends, size_t end_count, bool arrows)
{
    size_t n = 0;
    for (size_t i = 0; i < end_count; i++) {
        const keyed *s = find_keyed(starts, start_count, ends[i].key, ends[i].start);
        if (!s)
            continue;
        uint32_t from = arrows ? op_at(t, t->track[s->uid], s->start) : s->uid;
        uint32_t to = arrows ? op_at(t, t->track[ends[i].uid], ends[i].start) : ends[i].uid;
        if (from != EVR_NONE32 && to != EVR_NONE32 && from != to)
            ends[n++] = (keyed){to, 0, from, from};
    }
    return n;
}

static evr_status link_backward(evr_trace *t, evr_error **err)
{
    if (t->explicit_parent || !t->order_count)
        return EVR_OK;
    keyed *starts, *ends = NULL;
    size_t start_count, end_count = 0, pairs = 0;
    evr_status status = collect(t, ARROWS, arrow_start, &starts, &start_count, err);
    if (status != EVR_OK)
        return status;
    bool arrows = start_count > 0;
    if (!arrows)
        status = collect(t, OPS, forward_sequence, &starts, &start_count, err);
    if (status == EVR_OK)
        status = collect(t, arrows ? ARROWS : OPS, arrows ? arrow_end : backward_sequence, &ends, &end_count, err);
    if (status == EVR_OK)
        status = sort_keyed(t->ctx, starts, start_count, err);
    if (status == EVR_OK && start_count && end_count)
        pairs = pair_up(t, starts, start_count, ends, end_count, arrows);
    if (pairs)
        status = store_pairs(t, ends, pairs, err);
    evr_release(t->ctx, starts, start_count * sizeof *starts);
    evr_release(t->ctx, ends, end_count * sizeof *ends);
    return status;
}

static evr_status index_annotations(evr_trace *t, evr_error **err)
{
    size_t *starts;
    EVR_TRY(evr_group_by_track(t, 1u << EVR_KIND_ANNOTATION, false, &t->annotation, &t->annotation_count, &starts, err));
    evr_release(t->ctx, starts, (t->track_keys.count + 1) * sizeof *starts);
    if (!t->annotation_count)
        return EVR_OK;
    t->annotation_parent = evr_alloc(t->ctx, t->annotation_count * sizeof *t->annotation_parent);
    if (!t->annotation_parent)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < t->annotation_count; i++) {
        uint32_t uid = t->annotation[i];
        uint32_t up = i && t->track[t->annotation[i - 1]] == t->track[uid] ? (uint32_t)(i - 1) : EVR_NONE32;
        while (up != EVR_NONE32 && t->start[uid] >= evr_events_end(t, t->annotation[up]))
            up = t->annotation_parent[up];
        t->annotation_parent[i] = up;
    }
    return EVR_OK;
}

evr_status evr_links_build(evr_trace *t, evr_error **err)
{
    EVR_TRY(link_launches(t, err));
    EVR_TRY(link_backward(t, err));
    return index_annotations(t, err);
}
