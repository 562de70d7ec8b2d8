#include "trace/execution.h"

#include "trace/kineto.h"

#include <stdlib.h>

void evr_execution_init(evr_execution *r, evr_trace *store)
{
    *r = (evr_execution){.store = store};
    evr_buf_init(&r->text, store->ctx);
}

void evr_execution_free(evr_execution *r)
{
    evr_buf_free(&r->text);
    evr_release(r->store->ctx, r->parents, r->parent_cap * sizeof *r->parents);
}

/* A node in either layout: flat fields (schema 1.0.1), or groups `inputs`/`outputs` and a list of attributes (1.0.2 and later). */
typedef struct node {
    evr_str name, id, parent, tid, scope, sequence, schema, kernel;
    evr_str in_values, in_shapes, in_strides, in_types, out_shapes, out_types;
    evr_str ts, dur;
} node;

typedef struct field {
    const char *name;
    size_t at;
} field;

#define FIELD(text, member) {text, offsetof(node, member)}

static const field node_fields[] = {
    FIELD("name", name), FIELD("id", id), FIELD("parent", parent), FIELD("ctrl_deps", parent), FIELD("tid", tid),
    FIELD("scope", scope), FIELD("seq_id", sequence), FIELD("op_schema", schema), FIELD("input_shapes", in_shapes),
    FIELD("input_types", in_types), FIELD("input_strides", in_strides), FIELD("output_shapes", out_shapes),
    FIELD("output_types", out_types), FIELD("ts", ts), FIELD("dur", dur), FIELD("kernel_backend", kernel), {NULL, 0},
};
static const field input_fields[] = {FIELD("values", in_values), FIELD("shapes", in_shapes), FIELD("types", in_types),
                                     FIELD("strides", in_strides), {NULL, 0}};
static const field output_fields[] = {FIELD("shapes", out_shapes), FIELD("types", out_types), {NULL, 0}};

static bool take_field(const field *fields, evr_str key, evr_json *j, node *n)
{
    for (; fields->name; fields++)
        if (evr_str_is(key, fields->name)) {
            *(evr_str *)((char *)n + fields->at) = evr_json_raw_value(j);
            return true;
        }
    return false;
}

static void read_group(evr_json *j, const field *fields, node *n)
{
    evr_str key;
    bool first = true;
    j->pos++;
    while (evr_json_next_field(j, &first, &key))
        if (!take_field(fields, key, j, n))
            evr_json_skip(j);
}

static evr_str unquoted(evr_str raw)
{
    return raw.len >= 2 && raw.data[0] == '"' ? (evr_str){raw.data + 1, raw.len - 2} : raw;
}

/* {"name": "rf_id", "type": "uint64", "value": 9}: the value counts as a field of that name. */
static void read_attributes(evr_json *j, node *n)
{
    bool first_item = true;
    j->pos++;
    while (evr_json_next_item(j, &first_item)) {
        if (!evr_json_enter(j, '{'))
            return;
        evr_str key, name = {"", 0};
        evr_json value = {0};
        bool first = true;
        while (evr_json_next_field(j, &first, &key)) {
            if (evr_str_is(key, "name")) {
                name = unquoted(evr_json_raw_value(j));
                continue;
            }
            if (evr_str_is(key, "value"))
                value = *j;
            evr_json_skip(j);
        }
        if (!j->problem && value.text)
            take_field(node_fields, name, &value, n);
    }
}

static void read_node(evr_json *j, node *n)
{
    evr_str key;
    bool first = true;
    j->pos++;
    while (evr_json_next_field(j, &first, &key)) {
        char c = evr_json_peek(j);
        if (evr_str_is(key, "inputs") && c == '{')
            read_group(j, input_fields, n);
        else if (evr_str_is(key, "outputs") && c == '{')
            read_group(j, output_fields, n);
        else if (evr_str_is(key, "attrs") && c == '[')
            read_attributes(j, n);
        else if (evr_str_is(key, "inputs"))
            n->in_values = evr_json_raw_value(j);
        else if (!take_field(node_fields, key, j, n))
            evr_json_skip(j);
    }
}

/* Tensors are written as [tensor id, storage id, offset, elements, element size, device]; the two ids differ from call to call and
 * say nothing about the arguments, so they become 0 and equal calls have equal texts. Works on text because nothing else is
 * known here: a list of six that ends in a quoted device. */
static void without_ids(evr_buf *out, evr_str json)
{
    out->len = 0;
    size_t open = SIZE_MAX, commas = 0, second = 0;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i];
        if (c == '"') { /* strings as they are */
            size_t from = i++;
            while (i < json.len && json.data[i] != '"')
                i += json.data[i] == '\\' ? 2 : 1;
            evr_buf_add(out, json.data + from, (i < json.len ? i + 1 : json.len) - from);
            continue;
        }
        evr_buf_char(out, c);
        if (c == '[') {
            open = out->len;
            commas = 0;
        } else if (c == ',' && open != SIZE_MAX) {
            if (++commas == 2)
                second = out->len - 1;
        } else if (c == ']') {
            bool device = out->len >= 2 && out->data && out->data[out->len - 2] == '"';
            if (open != SIZE_MAX && commas == 5 && device && !out->failed) {
                size_t tail = out->len - second;
                memmove(out->data + open + 3, out->data + second, tail); /* "0,0" is never longer than two ids */
                memcpy(out->data + open, "0,0", 3);
                out->len = open + 3 + tail;
            }
            open = SIZE_MAX;
        }
    }
}

static uint32_t text_number(evr_execution *r, evr_str raw)
{
    return raw.len ? evr_intern_add(&r->store->texts, raw) : EVR_NO_ID;
}

static evr_status intern_args(evr_execution *r, const node *n, evr_row *row, evr_error **err)
{
    uint32_t texts[EVR_EVENT_ARGS];
    evr_str raw[EVR_EVENT_ARGS] = {n->in_shapes, n->in_types, n->in_strides, {"", 0}, unquoted(n->schema), {"", 0}};
    for (int i = 0; i < EVR_EVENT_ARGS; i++) {
        evr_str text = raw[i];
        if (i == EVR_ARG_VALUES - 1 && n->in_values.len) {
            without_ids(&r->text, n->in_values);
            text = evr_buf_view(&r->text);
        } else if (i == EVR_ARG_OUTPUTS - 1 && n->out_shapes.len && n->out_types.len) {
            r->text.len = 0;
            evr_buf_printf(&r->text, "[%.*s,%.*s]", EVR_STR_ARG(n->out_shapes), EVR_STR_ARG(n->out_types));
            text = evr_buf_view(&r->text);
        }
        texts[i] = text_number(r, text);
        if (r->text.failed || (text.len && texts[i] == EVR_NO_ID))
            return evr_fail_nomem(err);
    }
    row->signature = evr_events_signature(r->store, texts);
    return row->signature == EVR_NO_ID ? evr_fail_nomem(err) : EVR_OK;
}

static uint64_t number_of(evr_str raw)
{
    int64_t value;
    return evr_str_to_i64(unquoted(raw), &value) && value > 0 ? (uint64_t)value : 0;
}

/* Operators have a schema, or come from the dispatcher (scope 0); the rest are threads, annotations and autograd's own. */
static const char *category_of(const node *n)
{
    if (unquoted(n->schema).len || unquoted(n->kernel).len)
        return "cpu_op";
    return number_of(n->scope) == 0 && n->scope.len && !evr_str_starts(unquoted(n->name), "[") ? "cpu_op" : "user_annotation";
}

evr_status evr_execution_node(evr_execution *r, evr_json *j, evr_error **err)
{
    const evr_str empty = {"", 0};
    node n = {0};
    evr_row row;
    evr_row_init(&row);
    if (evr_json_peek(j) == '{')
        read_node(j, &n);
    else
        evr_json_skip(j);
    if (j->problem)
        return EVR_OK;
    evr_str name = unquoted(n.name.len ? n.name : empty);
    r->text.len = 0;
    if (memchr(name.data, '\\', name.len)) {
        evr_buf_str(&r->text, name);
        if (r->text.failed)
            return evr_fail_nomem(err);
        name = (evr_str){r->text.data, evr_json_unescape(name, r->text.data)};
    }
    row.name = evr_intern_add(&r->store->names, name);
    uint32_t category = evr_events_category(r->store, evr_str_c(category_of(&n)), 'X');
    row.track = evr_events_track(r->store, empty, unquoted(n.tid.len ? n.tid : empty));
    if (row.name == EVR_NO_ID || category == EVR_NO_ID || row.track == EVR_NO_ID)
        return evr_fail_nomem(err);
    row.category = (uint16_t)category;
    row.phase = 'X';
    row.external = number_of(n.id);
    int64_t sequence;
    if (evr_str_to_i64(unquoted(n.sequence), &sequence))
        row.sequence = sequence;
    if (n.ts.len)
        row.start = evr_kineto_time(n.ts);
    int64_t duration = n.dur.len ? evr_kineto_time(n.dur) : 0;
    row.duration = duration > 0 ? duration : 0;
    EVR_TRY(intern_args(r, &n, &row, err));
    size_t at = r->store->count;
    if (!evr_grow(r->store->ctx, (void **)&r->parents, &r->parent_cap, at + 1, sizeof *r->parents))
        return evr_fail_nomem(err);
    r->parents[at] = number_of(n.parent);
    return evr_events_add_row(r->store, &row, err);
}

typedef struct id_uid {
    uint64_t id;
    uint32_t uid;
} id_uid;

static int by_id(const void *a, const void *b)
{
    const id_uid *x = a, *y = b;
    return x->id != y->id ? (x->id < y->id ? -1 : 1) : (x->uid > y->uid) - (x->uid < y->uid);
}

static uint32_t uid_of(const id_uid *ids, size_t n, uint64_t id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ids[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return id && low < n && ids[low].id == id ? ids[low].uid : EVR_NONE32;
}

/* Threads and annotations are not in the tree, so an operator's parent is the nearest operator above. */
evr_status evr_execution_finish(evr_execution *r, evr_error **err)
{
    evr_trace *t = r->store;
    size_t n = t->count;
    if (!n)
        return EVR_OK;
    id_uid *ids = evr_alloc(t->ctx, n * sizeof *ids);
    if (!ids)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        ids[i] = (id_uid){t->external ? t->external[i] : 0, (uint32_t)i};
    qsort(ids, n, sizeof *ids, by_id);
    evr_status status = evr_events_parents(t, err);
    for (size_t i = 0; i < n && status == EVR_OK; i++) {
        uint32_t up = uid_of(ids, n, r->parents[i]);
        for (size_t hops = 0; up != EVR_NONE32 && evr_events_kind(t, up) != EVR_KIND_OP; hops++)
            up = hops < 64 ? uid_of(ids, n, r->parents[up]) : EVR_NONE32;
        t->explicit_parent[i] = up;
    }
    evr_release(t->ctx, ids, n * sizeof *ids);
    return status;
}
