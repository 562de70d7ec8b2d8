/* Traces made event by event, for profilers that link the library. */
#include "trace/store.h"

#include <inttypes.h>
#include <stdio.h>

struct evr_trace_builder {
    evr_context *ctx;
    evr_trace_options options;
    evr_trace *store;
    /* the thread and category of the event before */
    int64_t pid, tid;
    uint32_t track;
    bool have_track;
    uint32_t category;
    char category_text[32];
    size_t category_len;
    char phase;
};

static evr_status begin(evr_trace_builder *b, evr_error **err)
{
    b->have_track = false;
    b->category_len = 0;
    return evr_events_new(b->ctx, &b->options, &b->store, err);
}

evr_status evr_trace_builder_new(evr_context *ctx, const evr_trace_options *options, evr_trace_builder **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out || (options && options->struct_size < offsetof(evr_trace_options, threads)))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_trace_builder_new: context and `out` are needed, and struct_size in options");
    evr_trace_builder *b = evr_alloc_zeroed(ctx, sizeof *b);
    if (!b)
        return evr_fail_nomem(err);
    b->ctx = evr_context_ref(ctx);
    if (options)
        memcpy(&b->options, options, options->struct_size < sizeof b->options ? options->struct_size : sizeof b->options);
    evr_status status = begin(b, err);
    if (status != EVR_OK) {
        evr_trace_builder_free(b);
        return status;
    }
    *out = b;
    return EVR_OK;
}

void evr_trace_builder_free(evr_trace_builder *b)
{
    if (!b)
        return;
    evr_context *ctx = b->ctx;
    evr_trace_free(b->store);
    evr_release(ctx, b, sizeof *b);
    evr_context_free(ctx);
}

evr_status evr_trace_builder_reserve(evr_trace_builder *b, uint64_t events, evr_error **err)
{
    if (err)
        *err = NULL;
    if (events > b->store->max_events)
        return evr_fail(b->ctx, err, EVR_E_LIMIT, "a trace can hold %llu events", (unsigned long long)b->store->max_events);
    return evr_events_reserve(b->store, (size_t)events, err);
}

static bool find_track(evr_trace_builder *b, int64_t pid, int64_t tid)
{
    if (b->have_track && b->pid == pid && b->tid == tid)
        return true;
    char p[24], t[24];
    int pn = snprintf(p, sizeof p, "%" PRId64, pid), tn = snprintf(t, sizeof t, "%" PRId64, tid);
    b->track = evr_events_track(b->store, (evr_str){p, (size_t)pn}, (evr_str){t, (size_t)tn});
    b->have_track = b->track != EVR_NO_ID;
    b->pid = pid;
    b->tid = tid;
    return b->have_track;
}

static bool find_category(evr_trace_builder *b, evr_str name, char phase)
{
    if (b->category_len && b->phase == phase && b->category_len == name.len &&
        memcmp(b->category_text, name.data, name.len) == 0)
        return true;
    b->category = evr_events_category(b->store, name, phase);
    b->category_len = 0;
    if (b->category != EVR_NO_ID && name.len && name.len <= sizeof b->category_text) {
        memcpy(b->category_text, name.data, name.len);
        b->category_len = name.len;
        b->phase = phase;
    }
    return b->category != EVR_NO_ID;
}

static evr_status push_args(evr_trace_builder *b, const evr_event_desc *e, evr_row *row, evr_error **err)
{
    const evr_str given[EVR_EVENT_ARGS] = {e->dims, e->types, e->strides, e->values, {"", 0}, {"", 0}};
    uint32_t texts[EVR_EVENT_ARGS];
    for (int i = 0; i < EVR_EVENT_ARGS; i++) {
        texts[i] = given[i].len ? evr_intern_add(&b->store->texts, given[i]) : EVR_NO_ID;
        if (given[i].len && texts[i] == EVR_NO_ID)
            return evr_fail_nomem(err);
    }
    row->signature = evr_events_signature(b->store, texts);
    return row->signature == EVR_NO_ID ? evr_fail_nomem(err) : EVR_OK;
}

evr_status evr_trace_builder_push(evr_trace_builder *b, const evr_event_desc *event, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!event || event->struct_size < offsetof(evr_event_desc, dims) || event->struct_size > 4096) {
        evr_fail(b->ctx, err, EVR_E_INVALID, "evr_trace_builder_push: unknown struct_size");
        return evr_hint(err, "set struct_size with EVR_INIT(evr_event_desc)");
    }
    evr_event_desc e = {0};
    memcpy(&e, event, event->struct_size < sizeof e ? event->struct_size : sizeof e);
    evr_row row = {
        .phase = e.phase ? e.phase : 'X',
        .start = e.start_ns,
        .duration = e.duration_ns > 0 ? e.duration_ns : 0,
        .correlation = e.correlation,
        .external = e.external_id,
        .sequence = e.sequence,
        .forward_thread = e.forward_thread,
        .device = e.device,
        .stream = e.stream,
    };
    row.name = evr_intern_add(&b->store->names, e.name);
    if (row.name == EVR_NO_ID || !find_category(b, e.category, row.phase) || !find_track(b, e.pid, e.tid))
        return evr_fail_nomem(err);
    row.category = (uint16_t)b->category;
    row.track = b->track;
    if (e.dims.len || e.types.len || e.strides.len || e.values.len)
        EVR_TRY(push_args(b, &e, &row, err));
    return evr_events_add_row(b->store, &row, err);
}

evr_status evr_trace_builder_finish(evr_trace_builder *b, evr_trace **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!out)
        return evr_fail(b->ctx, err, EVR_E_INVALID, "evr_trace_builder_finish: `out` is NULL");
    *out = NULL;
    evr_trace *done = b->store;
    evr_trace *next = NULL;
    EVR_TRY(evr_events_new(b->ctx, &b->options, &next, err)); /* first, so that a failure leaves what was pushed */
    done->format = EVR_FORMAT_BUILT;
    evr_status status = evr_events_finish(done, err);
    if (status != EVR_OK) {
        evr_trace_free(next);
        evr_events_unfinish(done);
        return status;
    }
    b->store = next;
    b->have_track = false;
    b->category_len = 0;
    *out = done;
    return EVR_OK;
}
