#include "trace/store.h"

#include "trace/category.h"
#include "trace/links.h"
#include "trace/tree.h"

/* Columns from SIGNATURE on are made on first use, filled with what "not recorded" is for the rows before. */
enum { START, DURATION, NAME, TRACK, CATEGORY, PHASE, SIGNATURE, CORRELATION, EXTERNAL, SEQUENCE, FORWARD, DEVICE, STREAM, PARENT };

static const struct {
    size_t field; /* offset of the pointer in evr_trace */
    size_t item;
    int missing; /* byte every missing element is made of */
} columns[EVR_EVENT_COLUMNS] = {
    [START] = {offsetof(evr_trace, start), 8, 0},
    [DURATION] = {offsetof(evr_trace, duration), 8, 0},
    [NAME] = {offsetof(evr_trace, name), 4, 0},
    [TRACK] = {offsetof(evr_trace, track), 4, 0},
    [CATEGORY] = {offsetof(evr_trace, category), 2, 0},
    [PHASE] = {offsetof(evr_trace, phase), 1, 0},
    [SIGNATURE] = {offsetof(evr_trace, signature), 4, 0},
    [CORRELATION] = {offsetof(evr_trace, correlation), 8, 0},
    [EXTERNAL] = {offsetof(evr_trace, external), 8, 0},
    [SEQUENCE] = {offsetof(evr_trace, sequence), 8, 0xFF},
    [FORWARD] = {offsetof(evr_trace, forward_thread), 8, 0},
    [DEVICE] = {offsetof(evr_trace, device), 8, 0xFF},
    [STREAM] = {offsetof(evr_trace, stream), 8, 0xFF},
    [PARENT] = {offsetof(evr_trace, explicit_parent), 4, 0xFF},
};

static void **column_at(evr_trace *t, int which)
{
    return (void **)((char *)t + columns[which].field);
}

evr_status evr_events_new(evr_context *ctx, const evr_trace_options *options, evr_trace **out, evr_error **err)
{
    evr_trace *t = evr_alloc_zeroed(ctx, sizeof *t);
    if (!t)
        return evr_fail_nomem(err);
    t->ctx = evr_context_ref(ctx);
    t->flags = options->flags;
    t->max_events = options->max_events && options->max_events < EVR_NONE32 ? options->max_events : EVR_NONE32 - 1;
    evr_intern_init(&t->names, ctx);
    evr_intern_init(&t->texts, ctx);
    evr_intern_init(&t->signatures, ctx);
    evr_intern_init(&t->track_keys, ctx);
    evr_intern_init(&t->category_keys, ctx);
    evr_arena_init(&t->arena, ctx);
    *out = t;
    return EVR_OK;
}

void evr_trace_free(evr_trace *t)
{
    if (!t)
        return;
    evr_context *ctx = t->ctx;
    evr_events_unfinish(t);
    for (int i = 0; i < EVR_EVENT_COLUMNS; i++)
        evr_release(ctx, *column_at(t, i), t->column_cap[i] * columns[i].item);
    evr_release(ctx, t->args_uid, t->args_uid_cap * sizeof *t->args_uid);
    evr_release(ctx, t->args_text, t->args_text_cap * sizeof *t->args_text);
    evr_release(ctx, t->tracks, t->track_cap * sizeof *t->tracks);
    evr_release(ctx, t->categories, t->category_cap * sizeof *t->categories);
    evr_release(ctx, t->metadata, t->metadata_cap * sizeof *t->metadata);
    evr_intern_free(&t->names);
    evr_intern_free(&t->texts);
    evr_intern_free(&t->signatures);
    evr_intern_free(&t->track_keys);
    evr_intern_free(&t->category_keys);
    evr_arena_free(&t->arena);
    evr_error_free(t->damage);
    evr_release(ctx, t, sizeof *t);
    evr_context_free(ctx);
}

static bool resize_column(evr_trace *t, int which, size_t cap)
{
    void **at = column_at(t, which);
    size_t item = columns[which].item;
    if (*at && t->column_cap[which] >= cap)
        return true;
    void *grown = evr_resize(t->ctx, *at, t->column_cap[which] * item, cap * item);
    if (!grown)
        return false;
    *at = grown;
    t->column_cap[which] = cap;
    return true;
}

evr_status evr_events_reserve(evr_trace *t, size_t rows, evr_error **err)
{
    if (rows > t->max_events)
        rows = (size_t)t->max_events;
    if (rows <= t->cap)
        return EVR_OK;
    for (int i = 0; i < EVR_EVENT_COLUMNS; i++)
        if ((i < SIGNATURE || *column_at(t, i)) && !resize_column(t, i, rows))
            return evr_fail_nomem(err);
    t->cap = rows;
    return EVR_OK;
}

/* Makes the optional column if it is not there. */
static void *need_column(evr_trace *t, int which)
{
    void **at = column_at(t, which);
    if (!*at && resize_column(t, which, t->cap))
        memset(*at, columns[which].missing, t->count * columns[which].item);
    return *at;
}

evr_status evr_events_add_row(evr_trace *t, const evr_row *row, evr_error **err)
{
    size_t i = t->count;
    if (i == t->cap) {
        if (i >= t->max_events) {
            evr_fail(t->ctx, err, EVR_E_LIMIT, "the trace has more than %llu events", (unsigned long long)t->max_events);
            return evr_hint(err, "raise max_events, or cut the trace into parts");
        }
        EVR_TRY(evr_events_reserve(t, i < 256 ? 256 : i + i / 2, err));
    }
    t->start[i] = row->start;
    t->duration[i] = row->duration;
    t->name[i] = row->name;
    t->track[i] = row->track;
    t->category[i] = row->category;
    t->phase[i] = row->phase;
#define STORE(which, field, value, missing)                                                                          \
    do {                                                                                                             \
        if (t->field)                                                                                                \
            t->field[i] = (value);                                                                                   \
        else if ((value) != (missing)) {                                                                             \
            if (!need_column(t, which))                                                                              \
                return evr_fail_nomem(err);                                                                          \
            t->field[i] = (value);                                                                                   \
        }                                                                                                            \
    } while (0)
    STORE(SIGNATURE, signature, row->signature, 0);
    STORE(CORRELATION, correlation, row->correlation, 0);
    STORE(EXTERNAL, external, row->external, 0);
    STORE(SEQUENCE, sequence, row->sequence, -1);
    STORE(FORWARD, forward_thread, row->forward_thread, 0);
    STORE(DEVICE, device, row->device, -1);
    STORE(STREAM, stream, row->stream, -1);
#undef STORE
    t->categories[row->category].events++;
    t->count++;
    return EVR_OK;
}

evr_status evr_events_parents(evr_trace *t, evr_error **err)
{
    return need_column(t, PARENT) ? EVR_OK : evr_fail_nomem(err);
}

/* Phases that make an event something else than its category says. */
static char phase_class(char phase)
{
    return phase == 's' || phase == 'f' || phase == 't' ? 's' : phase == 'M' ? 'M' : 0;
}

/* An array whose elements are numbered by the keys of a table. */
typedef struct numbered {
    evr_intern *table;
    void **array;
    size_t *cap;
    size_t item;
    size_t limit; /* beyond so many, as only a hostile file has, the rest share the last */
} numbered;

/* The number of "first\0second"; room for a new element is made first, so that no key is ever without one. EVR_NO_ID when memory
 * is out. */
static uint32_t number_of(evr_trace *t, numbered in, evr_str first, evr_str second)
{
    char small[256];
    size_t len = first.len + 1 + second.len;
    char *key = len < sizeof small ? small : evr_alloc(t->ctx, len + 1);
    if (!key)
        return EVR_NO_ID;
    evr_str_copy(key, first);
    evr_str_copy(key + first.len + 1, second);
    uint32_t id = EVR_NO_ID;
    if (in.table->count >= in.limit) {
        id = evr_intern_find(in.table, (evr_str){key, len});
        id = id == EVR_NO_ID ? (uint32_t)in.limit - 1 : id;
    } else if (evr_grow(t->ctx, in.array, in.cap, in.table->count + 1, in.item)) {
        id = evr_intern_add(in.table, (evr_str){key, len});
    }
    if (key != small)
        evr_release(t->ctx, key, len + 1);
    return id;
}

uint32_t evr_events_category(evr_trace *t, evr_str name, char phase)
{
    char class_ = phase_class(phase);
    for (uint32_t i = 0; i < t->category_count && i < 8; i++) /* nearly always one of few */
        if (t->categories[i].phase_class == class_ && evr_str_eq(t->categories[i].name, name))
            return i;
    numbered in = {&t->category_keys, (void **)&t->categories, &t->category_cap, sizeof *t->categories, UINT16_MAX};
    uint32_t id = number_of(t, in, (evr_str){&class_, class_ != 0}, name);
    if (id == EVR_NO_ID || id < t->category_count)
        return id;
    const char *kept = evr_intern_text(&t->category_keys, id).data + (class_ != 0) + 1;
    evr_str copy = {kept, name.len};
    t->categories[id] = (evr_category){copy, evr_category_kind(copy, phase), class_, evr_category_nests(copy), 0};
    t->category_count++;
    return id;
}

uint32_t evr_events_track(evr_trace *t, evr_str pid, evr_str tid)
{
    size_t known = t->track_keys.count;
    numbered in = {&t->track_keys, (void **)&t->tracks, &t->track_cap, sizeof *t->tracks, UINT32_MAX - 1};
    uint32_t id = number_of(t, in, pid, tid);
    if (id == EVR_NO_ID || id < known)
        return id;
    const char *kept = evr_intern_text(&t->track_keys, id).data;
    t->tracks[id] = (evr_track){{kept, pid.len}, {kept + pid.len + 1, tid.len}};
    return id;
}

uint32_t evr_events_signature(evr_trace *t, const uint32_t args[EVR_EVENT_ARGS])
{
    bool any = false;
    for (int i = 0; i < EVR_EVENT_ARGS; i++)
        any |= args[i] != EVR_NO_ID;
    if (!any)
        return 0;
    uint32_t id = evr_intern_add(&t->signatures, (evr_str){(const char *)args, EVR_EVENT_ARGS * sizeof *args});
    return id == EVR_NO_ID ? id : id + 1;
}

evr_status evr_events_keep_args(evr_trace *t, evr_str json, evr_error **err)
{
    uint32_t text = evr_intern_add(&t->texts, json);
    size_t n = t->args_count + 1;
    if (text == EVR_NO_ID || !evr_grow(t->ctx, (void **)&t->args_uid, &t->args_uid_cap, n, sizeof *t->args_uid) ||
        !evr_grow(t->ctx, (void **)&t->args_text, &t->args_text_cap, n, sizeof *t->args_text))
        return evr_fail_nomem(err);
    t->args_uid[t->args_count] = (uint32_t)t->count;
    t->args_text[t->args_count++] = text;
    return EVR_OK;
}

evr_status evr_events_metadata(evr_trace *t, evr_str name, evr_str json, evr_error **err)
{
    evr_metadata m = {evr_arena_str(&t->arena, name), evr_arena_str(&t->arena, json)};
    if (!m.name.data || !m.json.data ||
        !evr_grow(t->ctx, (void **)&t->metadata, &t->metadata_cap, t->metadata_count + 1, sizeof *t->metadata))
        return evr_fail_nomem(err);
    t->metadata[t->metadata_count++] = m;
    return EVR_OK;
}

uint64_t evr_events_column_bytes(const evr_trace *t)
{
    uint64_t bytes = 0;
    for (int i = 0; i < EVR_EVENT_COLUMNS; i++)
        bytes += (uint64_t)t->column_cap[i] * columns[i].item;
    return bytes;
}

void evr_events_unfinish(evr_trace *t)
{
    evr_links_release(t); /* needs the tree's size */
    evr_tree_release(t);
}

evr_status evr_events_finish(evr_trace *t, evr_error **err)
{
    EVR_TRY(evr_tree_build(t, err));
    return evr_links_build(t, err);
}
