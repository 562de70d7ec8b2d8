/* TraceLens' event-replay IR, in. */
#include "ir/form.h"
#include "schema/schema.h"

/* A value means what its argument's type says. */
static void read_plain(evr_ir *ir, const evr_type *type, evr_json *j, evr_value *out, int depth);

static void read_tensor(evr_ir *ir, evr_json *j, evr_value *out)
{
    evr_tensor t = {.struct_size = sizeof t, .dtype = EVR_DTYPE_UNKNOWN, .dtype_text = {"", 0}, .device = {"", 0}, .init = {"", 0}};
    int64_t strides[64];
    uint32_t stride_rank = 0;
    evr_str key;
    bool first = true;
    evr_json start = *j;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        char c = evr_json_peek(j);
        if (evr_str_is(key, "shape"))
            t.shape = evr_form_sizes(ir, j, &t.rank);
        else if (evr_str_is(key, "strides") && c == '[')
            t.strides = evr_form_sizes(ir, j, &stride_rank);
        else if (evr_str_is(key, "dtype") && c == '"')
            t.dtype = evr_dtype_parse(t.dtype_text = evr_form_text(ir, j));
        else if (evr_str_is(key, "init") && c == '"')
            t.init = evr_form_text(ir, j);
        else
            evr_json_skip(j);
    }
    if (j->problem)
        return;
    if (!t.shape) {
        evr_json_fail_at(j, &start, "a tensor with a shape was expected");
        return;
    }
    if (!t.strides || stride_rank != t.rank) {
        evr_contiguous_strides(t.shape, t.rank, strides);
        t.strides = strides;
        t.flags |= EVR_TENSOR_STRIDES_ASSUMED;
    }
    evr_tensor *kept = evr_ir_add_tensor(ir, &t);
    if (!kept)
        evr_json_fail(j, evr_json_no_memory);
    *out = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = kept};
}

static void read_number(const evr_type *type, evr_json *j, evr_value *out)
{
    evr_json at = *j;
    evr_str raw = evr_json_raw_value(j);
    int64_t whole;
    double number;
    if (evr_json_to_i64(raw, &whole)) {
        uint32_t kind = type->kind == EVR_TYPE_DTYPE           ? EVR_VALUE_DTYPE
                        : type->kind == EVR_TYPE_LAYOUT        ? EVR_VALUE_LAYOUT
                        : type->kind == EVR_TYPE_MEMORY_FORMAT ? EVR_VALUE_MEMORY_FORMAT
                                                               : EVR_VALUE_INT;
        *out = (evr_value){.kind = kind, .u.i = whole};
        if (type->kind == EVR_TYPE_FLOAT)
            *out = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = (double)whole};
    } else if (evr_json_to_f64(raw, &number)) {
        *out = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = number};
    } else {
        evr_json_fail_at(j, &at, "a value was expected");
    }
}

static void read_items(evr_ir *ir, const evr_type *type, evr_json *j, evr_value *out, int depth)
{
    const evr_type *elem = type->kind == EVR_TYPE_LIST ? evr_type_bare(type->elem) : type;
    size_t n;
    bool first = true;
    evr_value *items = evr_form_items(ir, j, &n);
    for (size_t i = 0; items && evr_json_next_item(j, &first); i++)
        read_plain(ir, elem, j, &items[i], depth + 1);
    *out = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, n}};
}

static void read_plain(evr_ir *ir, const evr_type *type, evr_json *j, evr_value *out, int depth)
{
    char c = evr_json_peek(j);
    *out = (evr_value){.kind = EVR_VALUE_NONE};
    if (depth > 8) {
        evr_json_fail(j, "lists less nested were expected");
    } else if (c == '{') {
        read_tensor(ir, j, out);
    } else if (c == '[') {
        read_items(ir, type, j, out, depth);
    } else if (c == '"') {
        *out = (evr_value){.kind = type->kind == EVR_TYPE_DEVICE ? EVR_VALUE_DEVICE : EVR_VALUE_STR, .u.s = evr_form_text(ir, j)};
    } else if (c == 't' || c == 'f') {
        *out = (evr_value){.kind = EVR_VALUE_BOOL, .u.i = c == 't'};
        evr_json_skip(j);
    } else if (c == 'n') {
        evr_json_skip(j);
    } else {
        read_number(type, j, out);
    }
}

static evr_status read_argument(evr_ir *ir, evr_json *j, uint32_t flags, evr_error **err)
{
    static const evr_type any = {.kind = EVR_TYPE_ANY, .list_size = -1};
    evr_argument *a = evr_ir_add_argument(ir);
    evr_json value = {0};
    evr_str key;
    bool first = true;
    if (!a)
        return evr_fail_nomem(err);
    a->flags = flags;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "arg_name")) {
            a->name = evr_form_text(ir, j);
        } else if (evr_str_is(key, "arg_type") && evr_json_peek(j) == '"') {
            a->type = evr_form_text(ir, j);
        } else {
            if (evr_str_is(key, "value"))
                value = *j;
            evr_json_skip(j);
        }
    }
    if (j->problem || !value.text)
        return EVR_OK;
    const evr_type *type = NULL;
    if (a->type.len && evr_type_parse(&ir->arena, a->type, &type, NULL) == EVR_OK)
        a->flags |= type->written ? EVR_ARGUMENT_WRITTEN : 0;
    read_plain(ir, type ? evr_type_bare(type) : &any, &value, &a->value, 0);
    if (value.problem)
        *j = value;
    return EVR_OK;
}

static evr_status read_arguments(evr_ir *ir, evr_json *j, uint32_t flags, evr_error **err)
{
    bool first = true;
    evr_json_enter(j, '[');
    while (evr_json_next_item(j, &first))
        EVR_TRY(read_argument(ir, j, flags, err));
    return EVR_OK;
}

evr_status evr_tracelens_read(evr_ir *ir, evr_json *j, evr_error **err)
{
    evr_str key;
    bool first = true;
    evr_json start = *j;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "op_name")) {
            ir->op = evr_form_text(ir, j);
        } else if (evr_str_is(key, "uid") && evr_json_peek(j) != 'n') {
            ir->uid = (evr_uid)evr_form_count(j);
        } else if (evr_str_is(key, "count") && evr_json_peek(j) != 'n') {
            ir->count = evr_form_count(j);
        } else if (evr_str_is(key, "replay_ir")) {
            bool inner = true;
            evr_json_enter(j, '{');
            while (evr_json_next_field(j, &inner, &key)) {
                if (evr_str_is(key, "list_pos_args"))
                    EVR_TRY(read_arguments(ir, j, 0, err));
                else if (evr_str_is(key, "list_kwargs"))
                    EVR_TRY(read_arguments(ir, j, EVR_ARGUMENT_KWARG, err));
                else
                    evr_json_skip(j);
            }
        } else {
            evr_json_skip(j);
        }
    }
    if (!j->problem && !ir->op.len) {
        evr_json_fail_at(j, &start, "a record with an \"op_name\" was expected");
    }
    return evr_json_check(ir->ctx, j, "record", err);
}
