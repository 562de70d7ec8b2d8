#include "ir/form.h"

#include <math.h>

enum { DEPTH = 16 };

static void read_value(evr_ir *ir, evr_json *j, evr_value *out, int depth);

static bool read_flag(evr_json *j)
{
    evr_json at = *j;
    evr_str raw = evr_json_raw_value(j);
    if (!evr_str_is(raw, "true") && !evr_str_is(raw, "false")) {
        evr_json_fail_at(j, &at, "true or false was expected");
    }
    return evr_str_is(raw, "true");
}

static double read_float(evr_json *j)
{
    double value = 0;
    evr_json at = *j;
    evr_str key, raw = evr_json_raw_value(j);
    if (raw.len && raw.data[0] == '{') { /* {"float": "nan"} */
        evr_json inside = at;
        bool first = true;
        inside.pos++;
        if (evr_json_next_field(&inside, &first, &key) && evr_str_is(key, "float")) {
            raw = evr_json_raw_value(&inside);
            if (raw.len > 2 && evr_str_to_f64(evr_str_sub(raw, 1, raw.len - 1), &value))
                return value;
        }
    } else if (evr_json_to_f64(raw, &value)) {
        return value;
    }
    evr_json_fail_at(j, &at, "a number was expected");
    return 0;
}

static void read_tensor(evr_ir *ir, evr_json *j, evr_value *out)
{
    evr_tensor *t = evr_arena_alloc_zeroed(&ir->arena, sizeof *t);
    evr_str key;
    bool first = true;
    uint32_t stride_rank = 0;
    evr_str dtype = {"", 0};
    if (!t) {
        evr_json_fail(j, evr_json_no_memory);
        return;
    }
    *t = (evr_tensor){.struct_size = sizeof *t, .dtype = EVR_DTYPE_UNKNOWN, .dtype_text = {"", 0}, .device = {"", 0}, .init = {"", 0}};
    evr_json start = *j;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "shape"))
            t->shape = evr_form_sizes(ir, j, &t->rank);
        else if (evr_str_is(key, "strides"))
            t->strides = evr_form_sizes(ir, j, &stride_rank);
        else if (evr_str_is(key, "dtype"))
            t->dtype = evr_dtype_parse(dtype = evr_form_text(ir, j));
        else if (evr_str_is(key, "dtype_text"))
            t->dtype_text = evr_form_text(ir, j);
        else if (evr_str_is(key, "device"))
            t->device = evr_form_text(ir, j);
        else if (evr_str_is(key, "init"))
            t->init = evr_form_text(ir, j);
        else if (evr_str_is(key, "storage_offset"))
            t->storage_offset = evr_form_whole(j);
        else if (evr_str_is(key, "storage_elements"))
            t->storage_elements = evr_form_whole(j);
        else if (evr_str_is(key, "strides_assumed"))
            t->flags |= read_flag(j) ? EVR_TENSOR_STRIDES_ASSUMED : 0;
        else if (evr_str_is(key, "dtype_inferred"))
            t->flags |= read_flag(j) ? EVR_TENSOR_DTYPE_INFERRED : 0;
        else if (evr_str_is(key, "storage_recorded"))
            t->flags |= read_flag(j) ? EVR_TENSOR_STORAGE_RECORDED : 0;
        else
            evr_json_skip(j);
    }
    if (j->problem)
        return;
    if (!t->shape || !t->strides || stride_rank != t->rank || t->storage_offset < 0 || t->storage_elements < 0) {
        evr_json_fail_at(j, &start, "a tensor with a shape and as many strides was expected");
        return;
    }
    if (!t->dtype_text.len)
        t->dtype_text = t->dtype == EVR_DTYPE_UNKNOWN ? dtype : evr_str_c(evr_dtype_name(t->dtype));
    *out = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = t};
}

static void read_list(evr_ir *ir, evr_json *j, evr_value *out, int depth)
{
    size_t n;
    bool first = true;
    evr_value *items = evr_form_items(ir, j, &n);
    for (size_t i = 0; items && evr_json_next_item(j, &first); i++)
        read_value(ir, j, &items[i], depth + 1);
    *out = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, n}};
}

static evr_complex read_complex(evr_json *j)
{
    double parts[2] = {0};
    int n = 0;
    bool first = true;
    evr_json start = *j;
    evr_json_enter(j, '[');
    for (; n < 3 && evr_json_next_item(j, &first); n++)
        parts[n < 2 ? n : 1] = read_float(j);
    if (n != 2) {
        evr_json_fail_at(j, &start, "two parts of a complex number were expected");
    }
    return (evr_complex){parts[0], parts[1]};
}

static int32_t read_dtype(evr_ir *ir, evr_json *j)
{
    evr_json at = *j;
    int32_t dtype = evr_dtype_parse(evr_form_text(ir, j));
    if (dtype == EVR_DTYPE_UNKNOWN) {
        evr_json_fail_at(j, &at, "a known element type was expected");
    }
    return dtype;
}

/* {"tag": …}: what JSON has no notation for. */
static void read_tagged(evr_ir *ir, evr_json *j, evr_value *out)
{
    static const struct {
        const char *tag;
        uint32_t kind;
    } whole[] = {{"layout", EVR_VALUE_LAYOUT}, {"memory_format", EVR_VALUE_MEMORY_FORMAT}, {"generator", EVR_VALUE_GENERATOR}};
    evr_json start = *j;
    evr_str tag;
    bool first = true;
    j->pos++;
    if (!evr_json_next_field(j, &first, &tag)) {
        evr_json_fail_at(j, &start, "a value was expected, not {}");
        return;
    }
    *out = (evr_value){.kind = EVR_VALUE_MISSING};
    for (size_t i = 0; i < 3; i++)
        if (evr_str_is(tag, whole[i].tag))
            *out = (evr_value){.kind = whole[i].kind, .u.i = evr_form_whole(j)};
    if (out->kind != EVR_VALUE_MISSING) {
    } else if (evr_str_is(tag, "tensor")) {
        read_tensor(ir, j, out);
    } else if (evr_str_is(tag, "float")) {
        *j = start;
        *out = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = read_float(j)};
        return;
    } else if (evr_str_is(tag, "complex")) {
        *out = (evr_value){.kind = EVR_VALUE_COMPLEX, .u.c = read_complex(j)};
    } else if (evr_str_is(tag, "dtype")) {
        *out = (evr_value){.kind = EVR_VALUE_DTYPE};
        out->u.i = evr_json_peek(j) == '"' ? read_dtype(ir, j) : evr_form_whole(j);
    } else if (evr_str_is(tag, "device")) {
        *out = (evr_value){.kind = EVR_VALUE_DEVICE, .u.s = evr_form_text(ir, j)};
    } else if (evr_str_is(tag, "missing")) {
        evr_json_skip(j);
    } else {
        evr_json_fail_at(j, &start, "a value of a kind this version does not know");
        return;
    }
    while (evr_json_next_field(j, &first, &tag)) /* later versions may say more */
        evr_json_skip(j);
}

static void read_value(evr_ir *ir, evr_json *j, evr_value *out, int depth)
{
    char c = evr_json_peek(j);
    *out = (evr_value){.kind = EVR_VALUE_NONE};
    if (depth > DEPTH) {
        evr_json_fail(j, "lists less nested were expected");
    } else if (c == '"') {
        *out = (evr_value){.kind = EVR_VALUE_STR, .u.s = evr_form_text(ir, j)};
    } else if (c == '[') {
        read_list(ir, j, out, depth);
    } else if (c == '{') {
        read_tagged(ir, j, out);
    } else if (c == 't' || c == 'f') {
        *out = (evr_value){.kind = EVR_VALUE_BOOL, .u.i = read_flag(j)};
    } else if (c == 'n') {
        evr_json_skip(j);
    } else {
        evr_json at = *j;
        evr_str raw = evr_json_raw_value(j);
        *out = (evr_value){.kind = EVR_VALUE_INT};
        if (evr_json_to_i64(raw, &out->u.i))
            return;
        *j = at;
        *out = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = read_float(j)};
    }
}

static int32_t read_source(evr_ir *ir, evr_json *j)
{
    evr_json at = *j;
    evr_str text = evr_form_text(ir, j);
    for (int32_t i = 0; i < 5; i++)
        if (evr_str_is(text, evr_form_sources[i]))
            return i;
    evr_json_fail_at(j, &at, "a known source of a value was expected");
    return EVR_FROM_NOWHERE;
}

static void read_argument(evr_ir *ir, evr_json *j)
{
    evr_argument *a = evr_ir_add_argument(ir);
    evr_str key;
    bool first = true;
    if (!a) {
        evr_json_fail(j, evr_json_no_memory);
        return;
    }
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "name"))
            a->name = evr_form_text(ir, j);
        else if (evr_str_is(key, "type"))
            a->type = evr_form_text(ir, j);
        else if (evr_str_is(key, "value"))
            read_value(ir, j, &a->value, 0);
        else if (evr_str_is(key, "from"))
            a->provenance = read_source(ir, j);
        else if (evr_str_is(key, "note"))
            a->note = evr_form_text(ir, j);
        else if (evr_str_is(key, "kwarg"))
            a->flags |= read_flag(j) ? EVR_ARGUMENT_KWARG : 0;
        else if (evr_str_is(key, "written"))
            a->flags |= read_flag(j) ? EVR_ARGUMENT_WRITTEN : 0;
        else
            evr_json_skip(j);
    }
}

static void read_kernel(evr_ir *ir, evr_json *j)
{
    evr_kernel *k = evr_ir_add_kernel(ir);
    evr_str key;
    bool first = true;
    if (!k) {
        evr_json_fail(j, evr_json_no_memory);
        return;
    }
    k->name = (evr_str){"", 0};
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "name"))
            k->name = evr_form_text(ir, j);
        else if (evr_str_is(key, "count"))
            k->count = evr_form_count(j);
        else if (evr_str_is(key, "total_ns"))
            k->total_ns = evr_form_whole(j);
        else
            evr_json_skip(j);
    }
}

static void read_all(evr_ir *ir, evr_json *j, void (*read)(evr_ir *, evr_json *))
{
    bool first = true;
    evr_json_enter(j, '[');
    while (evr_json_next_item(j, &first))
        read(ir, j);
}

/* The number behind a name, by trying: the tables of names are short. */
static int32_t find_name(evr_str text, const char *(*name_of)(int32_t), int32_t most)
{
    for (int32_t i = 0; i <= most; i++)
        if (name_of(i)[0] && evr_str_is(text, name_of(i)))
            return i;
    return -1;
}

evr_status evr_form_read(evr_ir *ir, evr_json *j, evr_error **err)
{
    evr_str key;
    bool first = true;
    evr_json start = *j;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "op"))
            ir->op = evr_form_text(ir, j);
        else if (evr_str_is(key, "overload"))
            ir->overload = evr_form_text(ir, j);
        else if (evr_str_is(key, "schema"))
            ir->schema = evr_form_text(ir, j);
        else if (evr_str_is(key, "uid"))
            ir->uid = (evr_uid)evr_form_count(j);
        else if (evr_str_is(key, "count"))
            ir->count = evr_form_count(j);
        else if (evr_str_is(key, "device"))
            ir->device = evr_form_text(ir, j);
        else if (evr_str_is(key, "autocast"))
            ir->autocast = evr_dtype_parse(evr_form_text(ir, j));
        else if (evr_str_is(key, "status"))
            ir->status = find_name(evr_form_text(ir, j), evr_outcome_name, EVR_STATUS_FAILED);
        else if (evr_str_is(key, "reason"))
            ir->reason = find_name(evr_form_text(ir, j), evr_reason_name, EVR_REASON_OP_ERROR);
        else if (evr_str_is(key, "detail"))
            ir->detail = evr_form_text(ir, j);
        else if (evr_str_is(key, "args"))
            read_all(ir, j, read_argument);
        else if (evr_str_is(key, "kernels"))
            read_all(ir, j, read_kernel);
        else if (evr_str_is(key, "batch"))
            evr_form_read_batch(ir, j);
        else if (evr_str_is(key, "group"))
            evr_form_read_group(ir, j);
        else
            evr_json_skip(j);
    }
    if (!j->problem && (!ir->op.len || ir->status < 0 || ir->reason < 0))
        evr_json_fail_at(j, &start, ir->op.len ? "a known status and reason were expected" : "a record with an \"op\" was expected");
    return evr_json_check(ir->ctx, j, "record", err);
}
