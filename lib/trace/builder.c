/* Traces made event by event, for profilers that link the library. */
#include "base/sized.h"
#include "trace/store.h"

#include <inttypes.h>
#include <stdio.h>

/* What a profiler pushes is nearly always what it pushed a moment ago: few threads, few categories, few shapes, and texts that lie where they
 * lay before. These tables find it again without a hash of the bytes; each place holds what came last, and whatever is found is compared
 * whole, so a text that changed where it lies is a new one. */
enum { RECENT_TEXTS = 256, RECENT_TRACKS = 64, RECENT_CATEGORIES = 32, RECENT_CALLS = 256 }; /* powers of two */

typedef struct recent_text {
    const char *data;
    uint32_t len;
    uint32_t number; /* id + 1; 0 = nothing here, as everywhere below */
} recent_text;

typedef struct recent_track {
    int64_t pid, tid;
    uint32_t number;
} recent_track;

typedef struct recent_category {
    char phase;
    uint32_t number;
} recent_category;

typedef struct recent_call {
    uint32_t texts[4]; /* ids of dims, types, strides, values */
    uint32_t number;
} recent_call;

typedef struct recent {
    recent_text names[RECENT_TEXTS], texts[RECENT_TEXTS];
    recent_track tracks[RECENT_TRACKS];
    recent_category categories[RECENT_CATEGORIES];
    recent_call calls[RECENT_CALLS];
} recent;

struct evr_trace_builder {
    evr_context *ctx;
    evr_trace_options options;
    evr_trace *store;
    recent recent; /* of `store` */
};

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
    EVR_TAKE(&b->options, options);
    evr_status status = evr_events_new(ctx, &b->options, &b->store, err);
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

/* A place in a table of `places`, a power of two. */
static size_t place_of(uint64_t key, size_t places)
{
    return (size_t)(key * 0x9e3779b97f4a7c15u >> 40) & (places - 1);
}

static uint32_t find_text(evr_intern *table, recent_text *known, evr_str s)
{
    recent_text *r = &known[place_of((uintptr_t)s.data + s.len, RECENT_TEXTS)];
    if (r->number && r->data == s.data && r->len == s.len && evr_bytes_eq(table->entries[r->number - 1].data, s.data, s.len))
        return r->number - 1;
    uint32_t id = evr_intern_add(table, s);
    if (id != EVR_NO_ID)
        *r = (recent_text){s.data, (uint32_t)s.len, id + 1};
    return id;
}

static bool find_track(evr_trace_builder *b, int64_t pid, int64_t tid, evr_row *row)
{
    recent_track *r = &b->recent.tracks[place_of((uint64_t)pid * 31 + (uint64_t)tid, RECENT_TRACKS)];
    if (!r->number || r->pid != pid || r->tid != tid) {
        char p[24], t[24];
        int pn = snprintf(p, sizeof p, "%" PRId64, pid), tn = snprintf(t, sizeof t, "%" PRId64, tid);
        uint32_t id = evr_events_track(b->store, (evr_str){p, (size_t)pn}, (evr_str){t, (size_t)tn});
        if (id == EVR_NO_ID)
            return false;
        *r = (recent_track){pid, tid, id + 1};
    }
    row->track = r->number - 1;
    return true;
}

static bool find_category(evr_trace_builder *b, evr_str name, evr_row *row)
{
    uint64_t key = (uint64_t)name.len << 24 | (unsigned char)row->phase;
    if (name.len)
        key |= (uint64_t)(unsigned char)name.data[0] << 16 | (uint64_t)(unsigned char)name.data[name.len - 1] << 8;
    recent_category *r = &b->recent.categories[place_of(key, RECENT_CATEGORIES)];
    if (!r->number || r->phase != row->phase || !evr_str_eq(b->store->categories[r->number - 1].name, name)) {
        uint32_t id = evr_events_category(b->store, name, row->phase);
        if (id == EVR_NO_ID)
            return false;
        *r = (recent_category){row->phase, id + 1};
    }
    row->category = (uint16_t)(r->number - 1);
    return true;
}

static bool find_signature(evr_trace_builder *b, const evr_event_desc *e, evr_row *row)
{
    const evr_str given[4] = {e->dims, e->types, e->strides, e->values};
    uint32_t texts[EVR_EVENT_ARGS];
    uint64_t key = 0;
    for (int i = 0; i < EVR_EVENT_ARGS; i++) {
        texts[i] = EVR_NO_ID;
        if (i >= 4 || !given[i].len)
            continue;
        texts[i] = find_text(&b->store->texts, b->recent.texts, given[i]);
        if (texts[i] == EVR_NO_ID)
            return false;
        key = key * 0x9e3779b97f4a7c15u + texts[i];
    }
    recent_call *r = &b->recent.calls[place_of(key, RECENT_CALLS)];
    if (!r->number || memcmp(r->texts, texts, sizeof r->texts) != 0) {
        uint32_t signature = evr_events_signature(b->store, texts);
        if (signature == EVR_NO_ID)
            return false;
        memcpy(r->texts, texts, sizeof r->texts);
        r->number = signature;
    }
    row->signature = r->number;
    return true;
}

evr_status evr_trace_builder_push(evr_trace_builder *b, const evr_event_desc *event, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!event || event->struct_size < offsetof(evr_event_desc, dims) || event->struct_size > 4096) {
        evr_fail(b->ctx, err, EVR_E_INVALID, "evr_trace_builder_push: unknown struct_size");
        return evr_hint(err, "set struct_size with EVR_INIT(evr_event_desc)");
    }
    evr_event_desc whole;
    const evr_event_desc *e = event;
    if (event->struct_size < sizeof whole) { /* an older caller's, whose last fields are not there */
        whole = (evr_event_desc){0};
        EVR_TAKE(&whole, event);
        e = &whole;
    }
    evr_row row = {
        .phase = e->phase ? e->phase : 'X',
        .start = e->start_ns,
        .duration = e->duration_ns > 0 ? e->duration_ns : 0,
        .correlation = e->correlation,
        .external = e->external_id,
        .sequence = e->sequence,
        .forward_thread = e->forward_thread,
        .device = e->device,
        .stream = e->stream,
    };
    row.name = find_text(&b->store->names, b->recent.names, e->name);
    if (row.name == EVR_NO_ID || !find_category(b, e->category, &row) || !find_track(b, e->pid, e->tid, &row))
        return evr_fail_nomem(err);
    if ((e->dims.len || e->types.len || e->strides.len || e->values.len) && !find_signature(b, e, &row))
        return evr_fail_nomem(err);
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
    memset(&b->recent, 0, sizeof b->recent);
    *out = done;
    return EVR_OK;
}
