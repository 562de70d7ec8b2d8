#include "trace/kineto.h"

#include <math.h>

/* Keys are compared as numbers made of their length and some of their bytes; the table is checked by a test. */
#define KEY4(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

static inline uint32_t short_key(evr_str key)
{
    const unsigned char *k = (const unsigned char *)key.data;
    switch (key.len) {
    case 1: return KEY4(k[0], 0, 0, 0);
    case 2: return KEY4(k[0], k[1], 0, 0);
    case 3: return KEY4(k[0], k[1], k[2], 0);
    case 4: return KEY4(k[0], k[1], k[2], k[3]);
    default: return 0;
    }
}

/* What of an event's arguments is kept, by the names profilers gave it over the years. */
enum arg {
    ARG_OTHER,   /* kept with the whole args text */
    ARG_SKIP,    /* of no use to a replay */
    ARG_DIMS,    /* these four in the order of EVR_ARG_... */
    ARG_TYPES,
    ARG_STRIDES,
    ARG_VALUES,
    ARG_CORRELATION,
    ARG_EXTERNAL,
    ARG_SEQUENCE,
    ARG_FORWARD,
    ARG_DEVICE,
    ARG_STREAM,
};

static const struct {
    const char *name;
    uint8_t len;
    uint8_t arg;
} arg_names[] = {
#define A(name, arg) {name, sizeof(name) - 1, arg}
    A("External id", ARG_EXTERNAL),
    A("external id", ARG_EXTERNAL),
    A("correlation", ARG_CORRELATION),
    A("Input Dims", ARG_DIMS),
    A("Input dims", ARG_DIMS),
    A("Input type", ARG_TYPES),
    A("Input types", ARG_TYPES),
    A("Input Types", ARG_TYPES),
    A("Input Strides", ARG_STRIDES),
    A("Concrete Inputs", ARG_VALUES),
    A("Sequence number", ARG_SEQUENCE),
    A("Fwd thread id", ARG_FORWARD),
    A("device", ARG_DEVICE),
    A("stream", ARG_STREAM),
    A("stream_id", ARG_STREAM),
    A("Ev Idx", ARG_SKIP),
    A("Record function id", ARG_SKIP),
    A("Python id", ARG_SKIP),
    A("Python parent id", ARG_SKIP),
    A("Python module id", ARG_SKIP),
    A("cbid", ARG_SKIP),
    A("cid", ARG_SKIP),
    A("queued", ARG_SKIP),
    A("context", ARG_SKIP),
    A("finished", ARG_SKIP),
    A("Trace name", ARG_SKIP),
    A("Trace iteration", ARG_SKIP),
    A("Profiler Event Index", ARG_SKIP),
    A("Module Hierarchy", ARG_SKIP),
    A("Call stack", ARG_SKIP),
#undef A
};

enum { ARG_NAMES = sizeof arg_names / sizeof *arg_names, ARG_SLOTS = 128 };

static unsigned arg_slot(const char *name, size_t len)
{
    return ((unsigned)len * 29 + (unsigned char)name[0] * 5 + (unsigned char)name[len - 1] * 17) & (ARG_SLOTS - 1);
}

/* Slots by a hash of length, first and last byte; what falls together lies behind. */
static void index_arg_names(uint8_t slots[ARG_SLOTS])
{
    memset(slots, 0, ARG_SLOTS);
    for (unsigned i = 0; i < ARG_NAMES; i++) {
        unsigned at = arg_slot(arg_names[i].name, arg_names[i].len);
        while (slots[at])
            at = (at + 1) & (ARG_SLOTS - 1);
        slots[at] = (uint8_t)(i + 1);
    }
}

static enum arg arg_of(const evr_kineto *r, evr_str key)
{
    if (!key.len)
        return ARG_OTHER;
    for (unsigned at = arg_slot(key.data, key.len);; at = (at + 1) & (ARG_SLOTS - 1)) {
        if (!r->arg_slots[at])
            return ARG_OTHER;
        unsigned i = r->arg_slots[at] - 1u;
        if (arg_names[i].len == key.len && evr_bytes_eq(arg_names[i].name, key.data, key.len))
            return (enum arg)arg_names[i].arg;
    }
}

void evr_kineto_init(evr_kineto *r, evr_trace *store)
{
    *r = (evr_kineto){.store = store};
    index_arg_names(r->arg_slots);
}

void evr_kineto_free(evr_kineto *r)
{
    evr_release(r->store->ctx, r->scratch, r->scratch_cap);
}

int64_t evr_kineto_time(evr_str raw)
{
    if (raw.len >= 2 && raw.data[0] == '"') {
        raw.data++;
        raw.len -= 2;
    }
    const char *p = raw.data, *end = p + raw.len;
    bool negative = p < end && *p == '-';
    p += negative;
    uint64_t whole = 0;
    const char *from = p;
    while (p < end && (unsigned char)(*p - '0') <= 9 && p - from < 16)
        whole = whole * 10 + (uint64_t)(*p++ - '0');
    if (p == from)
        return EVR_NO_TIME;
    uint64_t ns = whole * 1000; /* 16 digits: fits */
    if (p < end && *p == '.') {
        uint64_t unit = 100;
        const char *digit = ++p;
        for (; p < end && (unsigned char)(*p - '0') <= 9; p++, unit /= 10)
            ns += (uint64_t)(*p - '0') * unit;
        if (p - digit > 3 && digit[3] >= '5') /* beyond a nanosecond: the nearest */
            ns++;
    }
    if (p == end && ns > INT64_MAX)
        return EVR_NO_TIME;
    if (p == end)
        return negative ? -(int64_t)ns : (int64_t)ns;
    double us; /* exponents, and numbers out of all proportion */
    if (!evr_str_to_f64(raw, &us) || !(fabs(us) < 9.2e15))
        return EVR_NO_TIME;
    return llround(us * 1000);
}

/* A whole number, quoted or not; false for anything else. */
static bool whole_number(evr_str raw, int64_t *out)
{
    if (raw.len >= 2 && raw.data[0] == '"') {
        raw.data++;
        raw.len -= 2;
    }
    if (evr_str_to_i64(raw, out))
        return true;
    double f; /* 7.0, as some tools write after a round trip */
    if (!raw.len || !evr_str_to_f64(raw, &f) || f != floor(f) || !(fabs(f) < 9e18))
        return false;
    *out = (int64_t)f;
    return true;
}

/* Ids may use all 64 bits. */
static uint64_t id_number(evr_str raw)
{
    int64_t value;
    if (whole_number(raw, &value))
        return (uint64_t)value;
    if (raw.len >= 2 && raw.data[0] == '"') {
        raw.data++;
        raw.len -= 2;
    }
    uint64_t id = 0;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned digit = (unsigned char)raw.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(id, 10, &id) || __builtin_add_overflow(id, digit, &id))
            return 0;
    }
    return id;
}

/* The text of a string or other scalar without quotes and escapes; borrowed until the next call. data is NULL when memory is out. */
static evr_str plain_text(evr_kineto *r, evr_str raw)
{
    if (!raw.len || raw.data[0] != '"')
        return raw;
    raw = (evr_str){raw.data + 1, raw.len - 2};
    if (!raw.len || !memchr(raw.data, '\\', raw.len))
        return raw;
    if (!evr_grow(r->store->ctx, (void **)&r->scratch, &r->scratch_cap, raw.len, 1))
        return (evr_str){NULL, 0};
    return (evr_str){r->scratch, evr_json_unescape(raw, r->scratch)};
}

static uint32_t category_number(evr_kineto *r, evr_str raw, char phase)
{
    if (r->last_category.data && phase == r->last_phase && evr_str_eq(raw, r->last_category))
        return r->category;
    evr_str text = plain_text(r, raw);
    uint32_t id = text.data ? evr_events_category(r->store, text, phase) : EVR_NO_ID;
    r->last_category.data = NULL;
    if (id != EVR_NO_ID && raw.len <= sizeof r->category_text) {
        memcpy(r->category_text, raw.data, raw.len);
        r->last_category = (evr_str){r->category_text, raw.len};
        r->last_phase = phase;
        r->category = id;
    }
    return id;
}

static uint32_t track_number(evr_kineto *r, evr_str pid, evr_str tid)
{
    size_t len = pid.len + tid.len;
    if (r->track_len && r->track_len == len && r->pid_len == pid.len && evr_bytes_eq(r->track_text, pid.data, pid.len) &&
        evr_bytes_eq(r->track_text + pid.len, tid.data, tid.len))
        return r->track;
    evr_str p = plain_text(r, pid);
    char *kept = NULL;
    if (p.data && p.data == r->scratch) { /* both may need the scratch space */
        if (!(kept = evr_strdup(r->store->ctx, p)))
            return EVR_NO_ID;
        p.data = kept;
    }
    evr_str t = plain_text(r, tid);
    uint32_t id = p.data && t.data ? evr_events_track(r->store, p, t) : EVR_NO_ID;
    if (kept)
        evr_release(r->store->ctx, kept, p.len + 1);
    r->track_len = 0;
    if (id != EVR_NO_ID && len && len <= sizeof r->track_text) {
        memcpy(r->track_text, pid.data, pid.len);
        memcpy(r->track_text + pid.len, tid.data, tid.len);
        r->track_len = len;
        r->pid_len = pid.len;
        r->track = id;
    }
    return id;
}

typedef struct event_text {
    evr_str name, category, phase, pid, tid, id, args;
    evr_str inputs[4]; /* dims, types, strides, values */
    bool has_inputs, has_other;
} event_text;

static void read_args(const evr_kineto *r, evr_json *j, evr_row *row, event_text *e)
{
    if (evr_json_peek(j) != '{') {
        evr_json_skip(j);
        return;
    }
    size_t from = j->index[j->pos];
    bool first = true;
    evr_str key;
    j->pos++;
    while (evr_json_next_field(j, &first, &key)) {
        enum arg arg = arg_of(r, key);
        if (arg <= ARG_SKIP) {
            e->has_other |= arg == ARG_OTHER;
            evr_json_skip(j);
            continue;
        }
        evr_str raw = evr_json_raw_value(j);
        int64_t number;
        switch (arg) {
        case ARG_DIMS:
        case ARG_TYPES:
        case ARG_STRIDES:
        case ARG_VALUES:
            e->inputs[arg - ARG_DIMS] = raw;
            e->has_inputs = true;
            break;
        case ARG_CORRELATION: row->correlation = id_number(raw); break;
        case ARG_EXTERNAL: row->external = id_number(raw); break;
        case ARG_SEQUENCE: row->sequence = whole_number(raw, &number) ? number : -1; break;
        case ARG_FORWARD: row->forward_thread = whole_number(raw, &number) ? number : 0; break;
        case ARG_DEVICE: row->device = whole_number(raw, &number) ? number : -1; break;
        case ARG_STREAM: row->stream = whole_number(raw, &number) ? number : -1; break;
        default: break;
        }
    }
    if (!j->problem) {
        size_t end = evr_json_token_end(j, j->pos - 1);
        e->args = (evr_str){j->text + from, end - from};
    }
}

static void read_fields(const evr_kineto *r, evr_json *j, evr_row *row, event_text *e)
{
    bool first = true;
    evr_str key;
    j->pos++;
    while (evr_json_next_field(j, &first, &key)) {
        switch (short_key(key)) {
        case KEY4('p', 'h', 0, 0): e->phase = evr_json_raw_value(j); break;
        case KEY4('c', 'a', 't', 0): e->category = evr_json_raw_value(j); break;
        case KEY4('n', 'a', 'm', 'e'): e->name = evr_json_raw_value(j); break;
        case KEY4('p', 'i', 'd', 0): e->pid = evr_json_raw_value(j); break;
        case KEY4('t', 'i', 'd', 0): e->tid = evr_json_raw_value(j); break;
        case KEY4('t', 's', 0, 0): row->start = evr_kineto_time(evr_json_raw_value(j)); break;
        case KEY4('d', 'u', 'r', 0): row->duration = evr_kineto_time(evr_json_raw_value(j)); break;
        case KEY4('i', 'd', 0, 0): e->id = evr_json_raw_value(j); break;
        case KEY4('a', 'r', 'g', 's'): read_args(r, j, row, e); break;
        default: evr_json_skip(j); break;
        }
    }
}

static evr_status keep_inputs(evr_kineto *r, evr_row *row, const event_text *e, evr_error **err)
{
    uint32_t texts[EVR_EVENT_ARGS];
    for (int i = 0; i < EVR_EVENT_ARGS; i++) {
        texts[i] = EVR_NO_ID;
        if (i < 4 && e->inputs[i].len && (texts[i] = evr_intern_add(&r->store->texts, e->inputs[i])) == EVR_NO_ID)
            return evr_fail_nomem(err);
    }
    row->signature = evr_events_signature(r->store, texts);
    return row->signature == EVR_NO_ID ? evr_fail_nomem(err) : EVR_OK;
}

/* Numbers stand for the texts from here on. */
static evr_status add_row(evr_kineto *r, evr_row *row, event_text *e, evr_error **err)
{
    evr_str name = plain_text(r, e->name);
    row->name = name.data ? evr_intern_add(&r->store->names, name) : EVR_NO_ID;
    row->phase = e->phase.len >= 3 ? e->phase.data[1] : 0;
    uint32_t category = category_number(r, e->category.len ? e->category : EVR_STR_LITERAL("\"\""), row->phase);
    row->track = track_number(r, e->pid, e->tid);
    if (row->name == EVR_NO_ID || category == EVR_NO_ID || row->track == EVR_NO_ID)
        return evr_fail_nomem(err);
    row->category = (uint16_t)category;
    int32_t kind = r->store->categories[category].kind;
    if (row->duration == EVR_NO_TIME || row->duration < 0)
        row->duration = 0;
    if (kind == EVR_KIND_FLOW && e->id.len)
        row->external = id_number(e->id);
    if (e->has_inputs)
        EVR_TRY(keep_inputs(r, row, e, err));
    bool keep_args = r->store->flags & EVR_TRACE_ALL_ARGS || (e->has_other && kind == EVR_KIND_OP);
    if (keep_args && e->args.len)
        EVR_TRY(evr_events_keep_args(r->store, e->args, err));
    return evr_events_add_row(r->store, row, err);
}

evr_status evr_kineto_event(evr_kineto *r, evr_json *j, evr_error **err)
{
    const evr_str empty = {"", 0};
    event_text e = {.name = empty, .category = empty, .pid = empty, .tid = empty};
    evr_row row;
    evr_row_init(&row);
    if (evr_json_peek(j) == '{')
        read_fields(r, j, &row, &e);
    else
        evr_json_skip(j); /* an entry that is no event keeps its place in the count */
    return j->problem ? EVR_OK : add_row(r, &row, &e, err);
}
