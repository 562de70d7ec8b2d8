/* The element type of a tensor of which only the shape was recorded, from operators below and around it. */
#include "ir/infer.h"

#include <stdio.h>

static bool same_shape(const evr_recorded *a, const evr_recorded *b)
{
    return a->seen.rank == b->seen.rank && a->seen.rank && memcmp(a->shape, b->shape, a->seen.rank * sizeof *a->shape) == 0;
}

/* A shape's largest size has to stand in the text of another call's shapes, which is much faster to see than to parse. */
static bool may_have_shape(const evr_trace *trace, evr_uid uid, const evr_recorded *item)
{
    int64_t largest = 0;
    char text[24];
    for (uint32_t i = 0; i < item->seen.rank; i++)
        largest = item->shape[i] > largest ? item->shape[i] : largest;
    int len = snprintf(text, sizeof text, "%lld", (long long)largest);
    evr_str dims = evr_trace_arg(trace, uid, EVR_ARG_DIMS);
    return item->seen.rank && memmem(dims.data, dims.len, text, (size_t)len) != NULL;
}

static int32_t dtype_in_event(evr_surroundings *s, evr_uid uid, const evr_recorded *item)
{
    evr_recorded_call call;
    if (!may_have_shape(s->x->trace, uid, item))
        return EVR_DTYPE_UNKNOWN;
    evr_status status = evr_recorder_read(&s->x->neighbour, s->x->trace, uid, &call, NULL);
    s->starved |= status == EVR_E_NOMEM;
    if (status != EVR_OK)
        return EVR_DTYPE_UNKNOWN;
    for (size_t i = 0; i < call.count; i++)
        if (call.args[i].seen.kind == EVR_SEEN_TENSOR && same_shape(&call.args[i], item))
            return call.args[i].seen.dtype;
    return EVR_DTYPE_UNKNOWN;
}

static int32_t dtype_below(evr_surroundings *s, evr_uid uid, const evr_recorded *item, int *budget)
{
    for (evr_uid child = evr_trace_first_child(s->x->trace, uid); child != EVR_NO_UID && (*budget)-- > 0;
         child = evr_trace_next_sibling(s->x->trace, child)) {
        int32_t dtype = dtype_in_event(s, child, item);
        if (dtype == EVR_DTYPE_UNKNOWN)
            dtype = dtype_below(s, child, item, budget);
        if (dtype != EVR_DTYPE_UNKNOWN)
            return dtype;
    }
    return EVR_DTYPE_UNKNOWN;
}

/* Operator events before and after on the same thread, nearest first. */
static int32_t dtype_nearby(evr_surroundings *s, const evr_recorded *item)
{
    const evr_trace *t = s->x->trace;
    const uint32_t *tracks = evr_trace_tracks(t);
    evr_uid low = s->uid, high = s->uid, end = evr_trace_event_count(t);
    evr_event e = {.struct_size = sizeof e};
    for (int asked = 0, step = 0; asked < 48 && step < 4096; step++) {
        evr_uid uid = EVR_NO_UID;
        if (step % 2 == 0 && low > 0)
            uid = --low;
        else if (high + 1 < end)
            uid = ++high;
        else if (low > 0)
            uid = --low;
        if (uid == EVR_NO_UID)
            break;
        evr_trace_event(t, uid, &e, NULL);
        if (e.kind != EVR_KIND_OP || !e.signature || tracks[uid] != tracks[s->uid])
            continue;
        asked++;
        int32_t dtype = dtype_in_event(s, uid, item);
        if (dtype != EVR_DTYPE_UNKNOWN)
            return dtype;
    }
    return EVR_DTYPE_UNKNOWN;
}

int32_t evr_infer_dtype(void *user, const evr_argument *a, const evr_recorded *item, const char **rule)
{
    evr_surroundings *s = user;
    int budget = 32;
    if (evr_str_is(a->name, "indices") || evr_str_ends(a->name, "_indices")) {
        *rule = "element type: indices are int64";
        return EVR_DTYPE_INT64;
    }
    *rule = "element type: of a tensor of the same shape in an operator below";
    int32_t dtype = dtype_below(s, s->uid, item, &budget);
    if (dtype != EVR_DTYPE_UNKNOWN)
        return dtype;
    *rule = "element type: of a tensor of the same shape in an operator nearby";
    dtype = dtype_nearby(s, item);
    if (dtype != EVR_DTYPE_UNKNOWN)
        return dtype;
    *rule = "element type: of another argument";
    for (size_t i = 0; i < s->call->count; i++)
        if (s->call->args[i].seen.kind == EVR_SEEN_TENSOR && s->call->args[i].seen.dtype != EVR_DTYPE_UNKNOWN)
            return s->call->args[i].seen.dtype;
    *rule = "element type: nothing tells it, float32 is assumed";
    return EVR_DTYPE_FLOAT32;
}
