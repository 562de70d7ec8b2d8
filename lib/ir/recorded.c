#include "ir/recorded.h"

#include "base/error.h"

enum { MOST_ARGS = 4096, MOST_DIMS = 64, MOST_ITEMS = 1 << 20 };

void evr_recorder_init(evr_recorder *r, evr_context *ctx)
{
    *r = (evr_recorder){.ctx = ctx};
    evr_arena_init(&r->arena, ctx);
    evr_buf_init(&r->text, ctx);
}

void evr_recorder_free(evr_recorder *r)
{
    evr_arena_free(&r->arena);
    evr_buf_free(&r->text);
    evr_json_doc_close(&r->doc);
}

/* Array of numbers at the cursor into the arena. */
static const int64_t *read_sizes(evr_recorder *r, evr_json *j, uint32_t *rank)
{
    int64_t sizes[MOST_DIMS];
    size_t n = 0;
    bool first = true;
    if (!evr_json_enter(j, '['))
        return NULL;
    while (evr_json_next_item(j, &first)) {
        if (n == MOST_DIMS || !evr_json_to_i64(evr_json_raw_value(j), &sizes[n])) {
            evr_json_fail(j, "a list of at most 64 whole numbers was expected");
            return NULL;
        }
        n++;
    }
    int64_t *kept = evr_arena_alloc(&r->arena, n * sizeof *kept);
    if (!kept) {
        evr_json_fail(j, evr_json_no_memory);
        return NULL;
    }
    memcpy(kept, sizes, n * sizeof *kept);
    *rank = (uint32_t)n;
    return kept;
}

/* An array of arrays is the shape of a list of tensors. */
static bool is_nested(const evr_json *j)
{
    return j->pos + 1 < j->count && j->text[j->index[j->pos]] == '[' && j->text[j->index[j->pos + 1]] == '[';
}

static size_t count_items(evr_json j)
{
    size_t n = 0;
    bool first = true;
    if (evr_json_enter(&j, '['))
        while (evr_json_next_item(&j, &first) && n <= MOST_ITEMS) {
            evr_json_skip(&j);
            n++;
        }
    return n;
}

static void read_item_sizes(evr_recorder *r, evr_json *j, evr_recorded *a, bool strides)
{
    size_t n = count_items(*j), i = 0;
    evr_recorded *items = (evr_recorded *)a->items;
    if (!strides) {
        items = n > MOST_ITEMS ? NULL : evr_arena_alloc_zeroed(&r->arena, n * sizeof *items);
        if (!items) {
            evr_json_fail(j, n > MOST_ITEMS ? "a list of fewer tensors was expected" : evr_json_no_memory);
            return;
        }
        a->items = items;
        a->item_count = n;
    }
    bool first = true;
    evr_json_enter(j, '[');
    while (evr_json_next_item(j, &first)) {
        uint32_t rank = 0;
        if (evr_json_peek(j) != '[') {
            evr_json_skip(j);
            i++;
            continue;
        }
        const int64_t *sizes = read_sizes(r, j, &rank);
        if (!strides && i < n) {
            items[i].shape = sizes;
            items[i].seen = (evr_seen){EVR_SEEN_TENSOR, EVR_DTYPE_UNKNOWN, rank, SIZE_MAX, {"", 0}};
            items[i].dtype_text = items[i].device = items[i].type = (evr_str){"", 0};
        } else if (strides && i < a->item_count && rank == items[i].seen.rank) {
            items[i].strides = sizes;
        }
        i++;
    }
}

static void read_dims(evr_recorder *r, evr_json *j, evr_recorded *a, bool strides)
{
    if (evr_json_peek(j) != '[') {
        evr_json_skip(j);
    } else if (is_nested(j)) {
        read_item_sizes(r, j, a, strides);
    } else {
        uint32_t rank = 0;
        const int64_t *sizes = read_sizes(r, j, &rank);
        if (!strides) {
            a->shape = sizes;
            a->seen.rank = rank;
        } else if (rank == a->seen.rank) {
            a->strides = sizes;
        }
    }
}

static evr_str without_escapes(evr_recorder *r, evr_str raw)
{
    if (!raw.len || !memchr(raw.data, '\\', raw.len))
        return raw;
    char *text = evr_arena_alloc(&r->arena, raw.len + 1);
    r->starved |= !text;
    if (!text)
        return (evr_str){"", 0};
    size_t len = evr_json_unescape(raw, text);
    text[len] = 0;
    return (evr_str){text, len};
}

/* A string's text, or the JSON of anything else. */
static evr_str read_text(evr_recorder *r, evr_json *j)
{
    evr_str raw = evr_json_raw_value(j);
    return raw.len && raw.data[0] == '"' ? without_escapes(r, (evr_str){raw.data + 1, raw.len - 2}) : raw;
}

/* [0, 0, offset, elements, element size, device], as the reader leaves a tensor of an execution trace. */
static bool read_storage(evr_recorder *r, evr_str json, evr_recorded *a)
{
    size_t commas[5], n = 0;
    if (json.len < 2 || json.data[0] != '[')
        return false;
    for (size_t i = 0; i < json.len && n < 5; i++)
        if (json.data[i] == ',')
            commas[n++] = i;
    if (n != 5)
        return false;
    evr_str offset = evr_str_trim(evr_str_sub(json, commas[1] + 1, commas[2]));
    evr_str elements = evr_str_trim(evr_str_sub(json, commas[2] + 1, commas[3]));
    evr_str device = evr_str_trim(evr_str_sub(json, commas[4] + 1, json.len - 1));
    if (!evr_str_to_i64(offset, &a->storage_offset) || !evr_str_to_i64(elements, &a->elements))
        return false;
    if (device.len >= 2 && device.data[0] == '"')
        a->device = evr_arena_str(&r->arena, evr_str_sub(device, 1, device.len - 1));
    r->starved |= !a->device.data;
    a->has_storage = a->device.data != NULL;
    return a->has_storage;
}

/* "Tensor(float)" → "float" */
static evr_str inside(evr_str type, const char *prefix)
{
    size_t len = strlen(prefix);
    return evr_str_sub(type, len, type.len ? type.len - 1 : 0);
}

bool evr_recorded_is_list(evr_str text)
{
    return text.len && (text.data[0] == '[' || (text.data[0] == '(' && (memchr(text.data, ',', text.len) || evr_str_is(text, "()"))));
}

evr_str evr_recorded_items(evr_str list)
{
    evr_str body = evr_str_trim(evr_str_sub(list, 1, list.len > 1 ? list.len - 1 : 1));
    if (list.data[0] == '(' && body.len && body.data[body.len - 1] == ',') /* of one: "(1,)" */
        body.len--;
    return body;
}

static evr_seen_kind seen_value(evr_str text)
{
    int64_t i;
    double f;
    if (evr_str_to_i64(text, &i))
        return EVR_SEEN_INT;
    if (evr_str_is(text, "True") || evr_str_is(text, "False") || evr_str_is(text, "true") || evr_str_is(text, "false"))
        return EVR_SEEN_BOOL;
    if (evr_str_to_f64(text, &f))
        return EVR_SEEN_FLOAT;
    if (text.len > 1 && (text.data[text.len - 1] == 'j' || evr_str_ends(text, "j)")))
        return EVR_SEEN_COMPLEX;
    return evr_str_is(text, "None") || evr_str_is(text, "<None>") ? EVR_SEEN_NOTHING : EVR_SEEN_STR;
}

/* "[1, 2]" by its elements. */
static evr_seen_kind seen_list(evr_str text, size_t *len)
{
    evr_str body = evr_recorded_items(text);
    *len = 0;
    if (!body.len)
        return EVR_SEEN_EMPTY_LIST;
    bool floats = false, bools = false, others = false;
    for (size_t from = 0; from <= body.len; (*len)++) {
        size_t to = evr_str_find(body, ',', from);
        if (to == SIZE_MAX)
            to = body.len;
        evr_seen_kind kind = seen_value(evr_str_trim(evr_str_sub(body, from, to)));
        floats |= kind == EVR_SEEN_FLOAT;
        bools |= kind == EVR_SEEN_BOOL;
        others |= kind != EVR_SEEN_INT && kind != EVR_SEEN_FLOAT && kind != EVR_SEEN_BOOL;
        from = to + 1;
    }
    return others ? EVR_SEEN_LIST : floats ? EVR_SEEN_FLOAT_LIST : bools ? EVR_SEEN_BOOL_LIST : EVR_SEEN_INT_LIST;
}

static void classify_tensor_list(evr_recorded *a, evr_str elements)
{
    a->seen.kind = EVR_SEEN_TENSOR_LIST;
    evr_recorded *items = (evr_recorded *)a->items;
    size_t from = 0;
    for (size_t i = 0; i < a->item_count && elements.len; i++) { /* "Tensor(float),Tensor(long)" names each */
        size_t to = evr_str_find(elements, ',', from);
        evr_str one = evr_str_trim(evr_str_sub(elements, from, to == SIZE_MAX ? elements.len : to));
        if (evr_str_starts(one, "Tensor(")) {
            items[i].dtype_text = inside(one, "Tensor(");
            items[i].seen.dtype = evr_dtype_parse(items[i].dtype_text);
        }
        if (to == SIZE_MAX)
            break;
        from = to + 1;
    }
    a->seen.len = a->item_count || a->has_value ? a->item_count : SIZE_MAX;
}

/* Type names of execution traces and of the first profilers that had any. */
static const struct {
    const char *type;
    evr_seen_kind kind;
} named_types[] = {
    {"Scalar", EVR_SEEN_SCALAR}, {"Int", EVR_SEEN_SCALAR},     {"Double", EVR_SEEN_SCALAR},
    {"Bool", EVR_SEEN_SCALAR},   {"String", EVR_SEEN_STR},     {"Device", EVR_SEEN_DEVICE},
    {"None", EVR_SEEN_NOTHING},  {"Generator", EVR_SEEN_NOTHING}, {"ScalarList", EVR_SEEN_SCALAR_LIST},
    {"ComplexDouble", EVR_SEEN_COMPLEX}, {"SymInt", EVR_SEEN_SCALAR},
};

static void classify_generic_list(evr_recorder *r, evr_recorded *a, evr_str value)
{
    evr_str elements = evr_str_starts(a->type, "GenericList[") ? inside(a->type, "GenericList[") : (evr_str){"", 0};
    if (evr_str_starts(elements, "Tensor(") || (a->item_count && a->items[0].seen.rank)) {
        classify_tensor_list(a, elements);
        evr_recorded *items = (evr_recorded *)a->items;
        size_t depth = 0, from = 0, n = 0; /* [[0,0,…],[0,0,…]] */
        for (size_t i = 0; i < value.len && n < a->item_count; i++) {
            if (value.data[i] == '[' && ++depth == 2)
                from = i;
            if (value.data[i] == ']' && depth && depth-- == 2)
                read_storage(r, evr_str_sub(value, from, i + 1), &items[n++]);
        }
        return;
    }
    a->items = NULL;
    a->item_count = 0;
    a->seen.kind = evr_recorded_is_list(value) ? seen_list(value, &a->seen.len) : EVR_SEEN_LIST;
}

/* Profilers learnt to write lists of numbers after plain numbers, and before strides; until then lists look like None. */
static bool lists_are_written(evr_recorder *r, const evr_trace *trace)
{
    static const char type[] = "ScalarList";
    if (r->trace != trace) {
        evr_uid count = evr_trace_event_count(trace);
        r->lists = false;
        for (evr_uid uid = 0; uid < count && !r->lists; uid++) {
            evr_str types = evr_trace_arg(trace, uid, EVR_ARG_TYPES);
            r->lists = (types.len && memmem(types.data, types.len, type, sizeof type - 1)) || evr_trace_arg(trace, uid, EVR_ARG_STRIDES).len;
        }
        r->trace = trace;
    }
    return r->lists;
}

static void classify(evr_recorder *r, evr_recorded *a, evr_str value, const evr_trace *trace)
{
    a->seen.text = value;
    a->seen.dtype = EVR_DTYPE_UNKNOWN;
    a->seen.len = SIZE_MAX;
    if (evr_str_starts(a->type, "Tensor(")) {
        a->dtype_text = inside(a->type, "Tensor(");
        a->seen.kind = evr_str_starts(a->dtype_text, "nullptr") ? EVR_SEEN_NOTHING : EVR_SEEN_TENSOR;
        a->seen.dtype = evr_dtype_parse(a->dtype_text);
        a->seen.text = (evr_str){"", 0};
        read_storage(r, value, a);
        return;
    }
    if (evr_str_starts(a->type, "TensorList")) {
        classify_tensor_list(a, (evr_str){"", 0});
        if (!a->item_count) /* profilers write this for lists beyond some length, too */
            a->seen.len = SIZE_MAX;
        return;
    }
    if (evr_str_starts(a->type, "GenericList")) {
        classify_generic_list(r, a, value);
        return;
    }
    int32_t dtype = a->type.len ? evr_dtype_parse(a->type) : EVR_DTYPE_UNKNOWN;
    bool sure_tensor = dtype != EVR_DTYPE_UNKNOWN && !evr_str_is(a->type, "Int") && !evr_str_is(a->type, "Double") && !evr_str_is(a->type, "Bool");
    if (sure_tensor) {
        a->seen.kind = EVR_SEEN_TENSOR;
        a->seen.dtype = dtype;
        a->dtype_text = a->type;
        return;
    }
    a->seen.kind = a->type.len ? EVR_SEEN_UNKNOWN : value.len || lists_are_written(r, trace) ? EVR_SEEN_NOTHING : EVR_SEEN_UNWRITTEN;
    for (size_t i = 0; i < sizeof named_types / sizeof *named_types; i++)
        if (evr_str_is(a->type, named_types[i].type))
            a->seen.kind = named_types[i].kind;
    if (evr_str_is(value, "<None>") || evr_str_is(value, "None"))
        a->seen.kind = EVR_SEEN_NOTHING;
    else if (evr_recorded_is_list(value) && a->seen.kind != EVR_SEEN_STR)
        a->seen.kind = seen_list(value, &a->seen.len);
    else if (value.len && (a->seen.kind == EVR_SEEN_SCALAR || a->seen.kind == EVR_SEEN_NOTHING))
        a->seen.kind = seen_value(value);
}

enum { DIMS, TYPES, STRIDES, VALUES, TEXTS };

/* One document of all the texts: [dims, types, strides, values], so that they are indexed once. */
static evr_status open_texts(evr_recorder *r, const evr_trace *trace, evr_uid uid, evr_error **err)
{
    static const int32_t which[TEXTS] = {EVR_ARG_DIMS, EVR_ARG_TYPES, EVR_ARG_STRIDES, EVR_ARG_VALUES};
    r->text.len = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        evr_str text = evr_trace_arg(trace, uid, which[i]);
        evr_buf_char(&r->text, i ? ',' : '[');
        evr_buf_str(&r->text, text.len && text.data[0] == '[' ? text : EVR_STR_LITERAL("[]"));
    }
    evr_buf_char(&r->text, ']');
    if (r->text.failed)
        return evr_fail_nomem(err);
    return evr_json_doc_open(r->ctx, &r->doc, evr_buf_view(&r->text), err);
}

typedef struct texts {
    evr_json at[TEXTS]; /* within the list, before its next item */
    size_t count[TEXTS];
    bool first[TEXTS];
} texts;

static texts enter_texts(evr_json cursor)
{
    texts t;
    for (size_t i = 0; i < TEXTS; i++) {
        cursor.pos++; /* the bracket or comma before */
        t.at[i] = cursor;
        t.count[i] = count_items(cursor);
        t.first[i] = true;
        evr_json_skip(&cursor);
        evr_json_enter(&t.at[i], '[');
    }
    return t;
}

/* Goes to the item of a list, if it has that many: lists are of one length in what profilers write. */
static evr_json *item(texts *t, size_t which, size_t i)
{
    return i < t->count[which] && evr_json_next_item(&t->at[which], &t->first[which]) ? &t->at[which] : NULL;
}

static void read_argument(evr_recorder *r, const evr_trace *trace, texts *t, size_t i, evr_recorded *a)
{
    evr_str value = {"", 0};
    evr_json *j;
    a->device = a->dtype_text = a->type = (evr_str){"", 0};
    if ((j = item(t, TYPES, i)))
        a->type = read_text(r, j);
    if ((j = item(t, DIMS, i)))
        read_dims(r, j, a, false);
    if ((j = item(t, STRIDES, i)))
        read_dims(r, j, a, true);
    if ((j = item(t, VALUES, i))) {
        value = read_text(r, j);
        a->has_value = true;
    }
    classify(r, a, value, trace);
}

/* Profilers write a list of more than some length as an empty one. The lists of a call are of one length or empty: where one was
 * written, the others are what they seem. */
static void settle_lists(evr_recorded *args, size_t count)
{
    bool written = false;
    for (size_t i = 0; i < count; i++)
        written |= args[i].seen.kind == EVR_SEEN_TENSOR_LIST && args[i].item_count;
    for (size_t i = 0; i < count && written; i++)
        if (args[i].seen.kind == EVR_SEEN_TENSOR_LIST && !args[i].item_count)
            args[i].seen.len = 0;
}

evr_status evr_recorder_read(evr_recorder *r, const evr_trace *trace, evr_uid uid, evr_recorded_call *out, evr_error **err)
{
    evr_arena_free(&r->arena);
    r->starved = false;
    *out = (evr_recorded_call){.schema = without_escapes(r, evr_trace_arg(trace, uid, EVR_ARG_SCHEMA))};
    EVR_TRY(open_texts(r, trace, uid, err));
    texts t = enter_texts(r->doc.cursor);
    size_t n = t.count[TYPES] > t.count[VALUES] ? t.count[TYPES] : t.count[VALUES];
    if (n > MOST_ARGS)
        return evr_fail(r->ctx, err, EVR_E_LIMIT, "event %llu records %zu arguments", (unsigned long long)uid, n);
    evr_recorded *args = evr_arena_alloc_zeroed(&r->arena, (n + 1) * sizeof *args);
    if (!args)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        read_argument(r, trace, &t, i, &args[i]);
    settle_lists(args, n);
    for (size_t i = 0; i < TEXTS; i++)
        EVR_TRY(evr_json_check(r->ctx, &t.at[i], "recorded arguments", err));
    if (r->starved)
        return evr_fail_nomem(err);
    out->args = args;
    out->count = n;
    out->values = t.count[VALUES] > 0;
    return EVR_OK;
}
