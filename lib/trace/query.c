/* Questions to a finished trace. */
#include "trace/store.h"

#include "base/sized.h"
#include "trace/tree.h"

int32_t evr_trace_format(const evr_trace *t) { return t->format; }
uint64_t evr_trace_event_count(const evr_trace *t) { return t->count; }
uint64_t evr_trace_json_bytes(const evr_trace *t) { return t->json_bytes; }
const evr_error *evr_trace_damage(const evr_trace *t) { return t->damage; }
size_t evr_trace_metadata_count(const evr_trace *t) { return t->metadata_count; }
size_t evr_trace_category_count(const evr_trace *t) { return t->category_count; }
const int64_t *evr_trace_starts(const evr_trace *t) { return t->start; }
const int64_t *evr_trace_durations(const evr_trace *t) { return t->duration; }
const uint32_t *evr_trace_name_ids(const evr_trace *t) { return t->name; }
const uint32_t *evr_trace_tracks(const evr_trace *t) { return t->track; }
const uint16_t *evr_trace_category_ids(const evr_trace *t) { return t->category; }
size_t evr_trace_name_count(const evr_trace *t) { return t->names.count; }
evr_str evr_trace_name(const evr_trace *t, uint32_t id) { return evr_intern_text(&t->names, id); }

uint64_t evr_trace_memory(const evr_trace *t)
{
    const evr_intern *tables[] = {&t->names, &t->texts, &t->signatures, &t->track_keys, &t->category_keys};
    uint64_t bytes = sizeof *t + t->arena.total;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        bytes += evr_intern_memory(tables[i]);
    bytes += evr_events_column_bytes(t);
    bytes += (uint64_t)t->order_count * 16 + (t->position ? (uint64_t)t->count * 4 : 0);
    bytes += (uint64_t)t->launched_count * 16 + (uint64_t)t->pair_count * 12 + (uint64_t)t->annotation_count * 8;
    bytes += (uint64_t)t->track_cap * sizeof *t->tracks + (uint64_t)t->category_cap * sizeof *t->categories;
    return bytes + (uint64_t)t->args_uid_cap * 4 + (uint64_t)t->args_text_cap * 4;
}

void evr_trace_metadata_at(const evr_trace *t, size_t index, evr_str *name, evr_str *json)
{
    bool found = index < t->metadata_count;
    *name = found ? t->metadata[index].name : EVR_STR_LITERAL("");
    *json = found ? t->metadata[index].json : EVR_STR_LITERAL("");
}

evr_str evr_trace_metadata(const evr_trace *t, evr_str name)
{
    for (size_t i = t->metadata_count; i--;) /* the last of duplicates counts */
        if (evr_str_eq(t->metadata[i].name, name))
            return t->metadata[i].json;
    return EVR_STR_LITERAL("");
}

void evr_trace_span(const evr_trace *t, int64_t *start_ns, int64_t *end_ns)
{
    *start_ns = *end_ns = EVR_NO_TIME;
    for (size_t i = 0; i < t->count; i++) {
        if (t->start[i] == EVR_NO_TIME || t->phase[i] != 'X')
            continue;
        int64_t end = evr_events_end(t, i);
        if (*start_ns == EVR_NO_TIME || t->start[i] < *start_ns)
            *start_ns = t->start[i];
        if (*end_ns == EVR_NO_TIME || end > *end_ns)
            *end_ns = end;
    }
}

void evr_trace_category_at(const evr_trace *t, size_t index, evr_str *name, int32_t *kind, uint64_t *events)
{
    bool found = index < t->category_count;
    *name = found ? t->categories[index].name : EVR_STR_LITERAL("");
    *kind = found ? t->categories[index].kind : EVR_KIND_OTHER;
    *events = found ? t->categories[index].events : 0;
}

static evr_uid widen(uint32_t uid)
{
    return uid == EVR_NONE32 ? EVR_NO_UID : uid;
}

evr_status evr_trace_event(const evr_trace *t, evr_uid uid, evr_event *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!t || !out || out->struct_size < offsetof(evr_event, kind) + sizeof out->kind || out->struct_size > 4096)
        return evr_fail(t ? t->ctx : NULL, err, EVR_E_INVALID, "evr_trace_event: `out` needs its struct_size set");
    uint32_t size = out->struct_size;
    memset((char *)out + sizeof size, 0, size - sizeof size);
    if (uid >= t->count) {
        evr_fail(t->ctx, err, EVR_E_NOT_FOUND, "there is no event %llu: the trace has %zu events",
                 (unsigned long long)uid, t->count);
        return evr_hint(err, "uids are indexes into the list of events, from 0");
    }
    uint32_t position = evr_tree_position(t, uid);
    evr_event e = {
        .struct_size = size,
        .kind = evr_events_kind(t, uid),
        .name = evr_intern_text(&t->names, t->name[uid]),
        .category = t->categories[t->category[uid]].name,
        .pid = t->tracks[t->track[uid]].pid,
        .tid = t->tracks[t->track[uid]].tid,
        .start_ns = t->start[uid],
        .duration_ns = t->duration[uid],
        .parent = position == EVR_NONE32 ? EVR_NO_UID : widen(t->parent[position]),
        .correlation = t->correlation ? t->correlation[uid] : 0,
        .external_id = t->external ? t->external[uid] : 0,
        .sequence = t->sequence ? t->sequence[uid] : -1,
        .forward_thread = t->forward_thread ? t->forward_thread[uid] : 0,
        .device = t->device ? t->device[uid] : -1,
        .stream = t->stream ? t->stream[uid] : -1,
        .track = t->track[uid],
        .signature = t->signature ? t->signature[uid] : 0,
        .phase = t->phase[uid],
    };
    memcpy(out, &e, size < sizeof e ? size : sizeof e);
    return EVR_OK;
}

/* Index in args_uid[] of an event, or SIZE_MAX. */
static size_t find_args(const evr_trace *t, evr_uid uid)
{
    size_t low = 0, high = t->args_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->args_uid[mid] < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->args_count && t->args_uid[low] == uid ? low : SIZE_MAX;
}

evr_str evr_trace_arg(const evr_trace *t, evr_uid uid, int32_t which)
{
    const evr_str none = {"", 0};
    if (uid >= t->count)
        return none;
    if (which == EVR_ARG_ALL) {
        size_t at = find_args(t, uid);
        return at == SIZE_MAX ? none : evr_intern_text(&t->texts, t->args_text[at]);
    }
    if (which < EVR_ARG_DIMS || which > EVR_EVENT_ARGS || !t->signature || !t->signature[uid])
        return none;
    uint32_t texts[EVR_EVENT_ARGS];
    memcpy(texts, evr_intern_text(&t->signatures, t->signature[uid] - 1).data, sizeof texts);
    return evr_intern_text(&t->texts, texts[which - EVR_ARG_DIMS]);
}

evr_uid evr_trace_first_child(const evr_trace *t, evr_uid uid)
{
    uint32_t at = evr_tree_position(t, uid);
    return at != EVR_NONE32 && at + 1 < t->subtree[at] ? t->order[at + 1] : EVR_NO_UID;
}

evr_uid evr_trace_next_sibling(const evr_trace *t, evr_uid uid)
{
    uint32_t at = evr_tree_position(t, uid);
    if (at == EVR_NONE32 || t->parent[at] == EVR_NONE32)
        return EVR_NO_UID;
    uint32_t next = t->subtree[at];
    return next < t->subtree[t->position[t->parent[at]]] ? t->order[next] : EVR_NO_UID;
}

const evr_uid *evr_trace_device_events(const evr_trace *t, evr_uid uid, size_t *count)
{
    uint32_t at = evr_tree_position(t, uid);
    *count = 0;
    if (at == EVR_NONE32 || !t->launched_from)
        return NULL;
    uint32_t from = t->launched_from[at], to = t->launched_from[t->subtree[at]];
    *count = to - from;
    return to > from ? t->launched + from : NULL;
}

int64_t evr_trace_device_time(const evr_trace *t, evr_uid uid)
{
    size_t n;
    const evr_uid *uids = evr_trace_device_events(t, uid, &n);
    /* Launch order is start order but where streams overlap: intervals are merged into one that grows at either end, and only
     * when that fails (a gap, then an earlier interval) is the slow exact count needed. */
    int64_t from = 0, to = 0;
    uint64_t total = 0; /* any times at all come from a file: their differences need all 64 bits */
    for (size_t i = 0; i < n; i++) {
        int64_t start = t->start[uids[i]], end = evr_events_end(t, uids[i]);
        if (i == 0) {
            from = start;
            to = end;
        } else if (start > to) {
            total += (uint64_t)to - (uint64_t)from;
            from = start;
            to = end;
        } else if (start >= from) {
            to = end > to ? end : to;
        } else {
            return evr_union_time(t, uids, n);
        }
    }
    total += (uint64_t)to - (uint64_t)from;
    return total > INT64_MAX ? INT64_MAX : (int64_t)total;
}

evr_uid evr_trace_launcher(const evr_trace *t, evr_uid uid)
{
    size_t low = 0, high = t->launched_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->launched[t->device_sorted[mid]] < uid)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == t->launched_count || t->launched[t->device_sorted[low]] != uid)
        return EVR_NO_UID;
    return t->launcher[t->device_sorted[low]];
}

evr_uid evr_trace_forward_of(const evr_trace *t, evr_uid uid)
{
    size_t low = 0, high = t->pair_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->backward[mid] < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->pair_count && t->backward[low] == uid ? t->forward[low] : EVR_NO_UID;
}

evr_uid evr_trace_backward_of(const evr_trace *t, evr_uid uid)
{
    size_t low = 0, high = t->pair_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->forward[t->pair_by_forward[mid]] < uid)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == t->pair_count || t->forward[t->pair_by_forward[low]] != uid)
        return EVR_NO_UID;
    return t->backward[t->pair_by_forward[low]];
}

evr_uid evr_trace_annotation_of(const evr_trace *t, evr_uid uid)
{
    if (uid >= t->count || t->start[uid] == EVR_NO_TIME)
        return EVR_NO_UID;
    size_t low = 0, high = t->annotation_count; /* the last that starts no later on this track */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        uint32_t other = t->annotation[mid];
        if (t->track[other] < t->track[uid] || (t->track[other] == t->track[uid] && t->start[other] <= t->start[uid]))
            low = mid + 1;
        else
            high = mid;
    }
    uint32_t at = low ? (uint32_t)(low - 1) : EVR_NONE32;
    if (at != EVR_NONE32 && t->track[t->annotation[at]] != t->track[uid])
        return EVR_NO_UID;
    while (at != EVR_NONE32 && (t->annotation[at] == uid || t->start[uid] >= evr_events_end(t, t->annotation[at])))
        at = t->annotation_parent[at];
    return at == EVR_NONE32 ? EVR_NO_UID : t->annotation[at];
}

static bool passes(const evr_trace *t, const evr_event_filter *f, size_t uid)
{
    const evr_category *category = &t->categories[t->category[uid]];
    if ((f->kind && category->kind != f->kind) || (f->category.len && !evr_str_eq(category->name, f->category)))
        return false;
    if ((f->from_ns || f->to_ns) && (t->start[uid] == EVR_NO_TIME || t->start[uid] >= f->to_ns ||
                                     (evr_events_end(t, uid) <= f->from_ns && t->start[uid] < f->from_ns)))
        return false;
    return !f->name.len || evr_glob(f->name, evr_intern_text(&t->names, t->name[uid]));
}

evr_uid evr_trace_next(const evr_trace *t, const evr_event_filter *filter, evr_uid from)
{
    evr_event_filter f = {0};
    EVR_TAKE(&f, filter);
    for (evr_uid uid = from; uid < t->count; uid++)
        if (passes(t, &f, (size_t)uid))
            return uid;
    return EVR_NO_UID;
}
