#include "ir/values.h"

#include <evreplay/registry.h>

evr_status evr_argument_note(evr_ir *ir, evr_argument *a, int32_t provenance, const char *text, evr_error **err)
{
    a->provenance = provenance;
    return evr_ir_text(ir, evr_str_c(text), &a->note) ? EVR_OK : evr_fail_nomem(err);
}

evr_status evr_argument_missing(evr_ir *ir, evr_argument *a, const char *why, evr_error **err)
{
    a->value = (evr_value){.kind = EVR_VALUE_MISSING};
    return evr_argument_note(ir, a, EVR_FROM_NOWHERE, why, err);
}

static evr_status tensor_value(evr_ir *ir, const evr_recorded *r, evr_value *out, evr_error **err)
{
    int64_t strides[64];
    evr_tensor t = {
        .struct_size = sizeof t,
        .dtype = r->seen.dtype,
        .rank = r->seen.rank,
        .shape = r->shape,
        .strides = r->strides,
        .dtype_text = r->dtype_text,
        .device = r->device,
        .init = {"", 0},
    };
    if (t.rank > 64)
        return evr_fail(ir->ctx, err, EVR_E_LIMIT, "a tensor of %u dimensions", t.rank);
    if (!t.strides) {
        evr_contiguous_strides(t.shape, t.rank, strides);
        t.strides = strides;
        t.flags |= EVR_TENSOR_STRIDES_ASSUMED;
    }
    if (r->has_storage) {
        t.storage_offset = r->storage_offset;
        t.flags |= EVR_TENSOR_STORAGE_RECORDED;
    }
    evr_tensor *kept = evr_ir_add_tensor(ir, &t);
    if (!kept)
        return evr_fail_nomem(err);
    *out = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = kept};
    return EVR_OK;
}

static evr_status tensor_argument(evr_ir *ir, evr_argument *a, const evr_recorded *r, evr_error **err)
{
    return r->shape ? tensor_value(ir, r, &a->value, err) : evr_argument_missing(ir, a, "the shape was not recorded", err);
}

static evr_status tensor_list(evr_ir *ir, evr_argument *a, const evr_recorded *r, evr_error **err)
{
    if (r->seen.len == SIZE_MAX && !r->item_count)
        return evr_argument_missing(ir, a, "the tensors of the list were not recorded", err);
    evr_value *items = evr_ir_add_items(ir, r->item_count);
    if (!items)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < r->item_count; i++) {
        if (!r->items[i].shape)
            return evr_argument_missing(ir, a, "the shape of a tensor in the list was not recorded", err);
        EVR_TRY(tensor_value(ir, &r->items[i], &items[i], err));
    }
    a->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, r->item_count}};
    return EVR_OK;
}

static bool truth(evr_str text, int64_t *out)
{
    *out = evr_str_is(text, "True") || evr_str_is(text, "true");
    return *out || evr_str_is(text, "False") || evr_str_is(text, "false");
}

bool evr_complex_parse(evr_str text, evr_complex *out)
{
    if (text.len > 2 && text.data[0] == '(')
        text = evr_str_sub(text, 1, text.len - 1);
    if (!text.len || text.data[text.len - 1] != 'j')
        return false;
    text.len--;
    size_t split = 0;
    for (size_t i = 1; i < text.len; i++) /* the last sign that belongs to no exponent */
        if ((text.data[i] == '+' || text.data[i] == '-') && text.data[i - 1] != 'e' && text.data[i - 1] != 'E')
            split = i;
    evr_str im = evr_str_sub(text, split && text.data[split] == '+' ? split + 1 : split, text.len);
    out->re = 0;
    return evr_str_to_f64(im, &out->im) && (!split || evr_str_to_f64(evr_str_sub(text, 0, split), &out->re));
}

/* A number of any kind: whole ones stay whole. */
static bool number(evr_str text, evr_value *out)
{
    *out = (evr_value){.kind = EVR_VALUE_INT};
    if (evr_str_to_i64(text, &out->u.i))
        return true;
    out->kind = EVR_VALUE_BOOL;
    if (truth(text, &out->u.i))
        return true;
    out->kind = EVR_VALUE_FLOAT;
    if (evr_str_to_f64(text, &out->u.f))
        return true;
    out->kind = EVR_VALUE_COMPLEX;
    return evr_complex_parse(text, &out->u.c);
}

static bool enumeration(evr_str text, uint32_t kind, evr_value *out)
{
    *out = (evr_value){.kind = kind};
    return evr_str_to_i64(text, &out->u.i);
}

/* The text of a scalar as a value for a type; false when it is none. Texts are copied. */
static bool scalar_value(evr_ir *ir, const evr_type *type, evr_str text, evr_value *out)
{
    evr_value v = {0};
    switch (type->kind) {
    case EVR_TYPE_INT:
    case EVR_TYPE_SYMINT:
    case EVR_TYPE_QSCHEME:
        if (!number(text, &v) || (v.kind != EVR_VALUE_INT && v.kind != EVR_VALUE_BOOL))
            return false;
        v.kind = EVR_VALUE_INT;
        break;
    case EVR_TYPE_FLOAT:
    case EVR_TYPE_SYMFLOAT:
        v.kind = EVR_VALUE_FLOAT;
        if (!evr_str_to_f64(text, &v.u.f))
            return false;
        break;
    case EVR_TYPE_BOOL:
    case EVR_TYPE_SYMBOOL:
        v.kind = EVR_VALUE_BOOL;
        if (!truth(text, &v.u.i) && !(evr_str_to_i64(text, &v.u.i) && (v.u.i == 0 || v.u.i == 1)))
            return false;
        break;
    case EVR_TYPE_SCALAR:
    case EVR_TYPE_COMPLEX:
        if (!number(text, &v))
            return false;
        break;
    case EVR_TYPE_DTYPE:
        if (!enumeration(text, EVR_VALUE_DTYPE, &v) && (v.u.i = evr_dtype_parse(text)) == EVR_DTYPE_UNKNOWN)
            return false;
        break;
    case EVR_TYPE_LAYOUT:
        if (!enumeration(text, EVR_VALUE_LAYOUT, &v))
            return false;
        break;
    case EVR_TYPE_MEMORY_FORMAT:
        if (!enumeration(text, EVR_VALUE_MEMORY_FORMAT, &v))
            return false;
        break;
    case EVR_TYPE_DEVICE:
        v.kind = EVR_VALUE_DEVICE;
        if (!text.len || !evr_ir_text(ir, text, &v.u.s))
            return false;
        break;
    default:
        if (!number(text, &v) || type->kind == EVR_TYPE_STR || type->kind == EVR_TYPE_DIMNAME) {
            v.kind = EVR_VALUE_STR;
            if (!evr_ir_text(ir, text, &v.u.s))
                return false;
        }
        break;
    }
    *out = v;
    return true;
}

/* "[1, 2]", or "(1, 2)", with elements of a type. Kineto marks a list it cut short with "..."; that is no value. */
static bool list_value(evr_ir *ir, const evr_type *elem, evr_str text, evr_value *out)
{
    evr_str body = evr_recorded_items(text);
    size_t n = body.len != 0, k = 0;
    if (text.len < 2 || text.data[text.len - 1] != (text.data[0] == '(' ? ')' : ']'))
        return false;
    for (size_t i = 0; i < body.len; i++)
        n += body.data[i] == ',';
    evr_value *items = evr_ir_add_items(ir, n);
    if (!items)
        return false;
    for (size_t from = 0; k < n; k++) {
        size_t to = evr_str_find(body, ',', from);
        evr_str one = evr_str_trim(evr_str_sub(body, from, to == SIZE_MAX ? body.len : to));
        if (!scalar_value(ir, evr_type_bare(elem), one, &items[k]))
            return false;
        from = to + 1;
    }
    *out = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, n}};
    return true;
}

/* kernel_size=3 stands for [3, 3]. */
static bool spread(evr_ir *ir, const evr_type *list, evr_str text, evr_value *out)
{
    evr_value one;
    if (list->list_size < 1 || list->list_size > 64 || !scalar_value(ir, evr_type_bare(list->elem), text, &one))
        return false;
    evr_value *items = evr_ir_add_items(ir, (size_t)list->list_size);
    if (!items)
        return false;
    for (int64_t i = 0; i < list->list_size; i++)
        items[i] = one;
    *out = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, (size_t)list->list_size}};
    return true;
}

evr_status evr_argument_default(evr_ir *ir, evr_argument *a, const evr_param *param, const char *why, evr_error **err)
{
    if (!param->has_default)
        return evr_argument_missing(ir, a, why, err);
    EVR_TRY(evr_ir_copy_value(ir, &param->fallback, &a->value, err));
    return evr_argument_note(ir, a, EVR_FROM_DEFAULT, why, err);
}

/* A text that was registered for arguments of this name is taken before the schema's. */
static evr_status dropped_text(evr_ir *ir, evr_argument *a, const evr_param *param, evr_error **err)
{
    evr_str text = evr_string_default_of(ir->ctx, param->name);
    if (!text.data)
        return evr_argument_default(ir, a, param, "profilers drop texts", err);
    a->value = (evr_value){.kind = EVR_VALUE_STR};
    if (!evr_ir_text(ir, text, &a->value.u.s))
        return evr_fail_nomem(err);
    return evr_argument_note(ir, a, EVR_FROM_RULE, "profilers drop texts: the one registered for arguments of this name is taken", err);
}

evr_status evr_argument_whole(evr_ir *ir, evr_argument *a, int64_t value, const char *rule, evr_error **err)
{
    a->value = (evr_value){.kind = EVR_VALUE_INT, .u.i = value};
    return evr_argument_note(ir, a, EVR_FROM_RULE, rule, err);
}

evr_status evr_argument_sizes(evr_ir *ir, evr_argument *a, const int64_t *sizes, size_t count, const char *rule, evr_error **err)
{
    evr_value *items = evr_ir_add_items(ir, count);
    if (!items)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++)
        items[i] = (evr_value){.kind = EVR_VALUE_INT, .u.i = sizes[i]};
    a->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, count}};
    return evr_argument_note(ir, a, EVR_FROM_RULE, rule, err);
}

evr_status evr_argument_stream(evr_ir *ir, evr_argument *a, evr_error **err)
{
    a->value = (evr_value){.kind = EVR_VALUE_NONE};
    return evr_argument_note(ir, a, EVR_FROM_RULE, "profilers drop streams: the one replayed on is taken", err);
}

/* Nothing was written down for this argument. */
static evr_status fill_nothing(evr_ir *ir, evr_argument *a, const evr_param *param, bool lists, bool values, evr_error **err)
{
    const evr_type *type = param->type;
    if (type->kind == EVR_TYPE_OPTIONAL && type->elem->kind == EVR_TYPE_LIST && !lists)
        return evr_argument_missing(ir, a, "this profiler wrote no lists: it may be one, or None", err);
    if (type->kind == EVR_TYPE_OPTIONAL) {
        /* kinds that no profiler writes look like None too: their default is as good, and is None nearly always */
        a->value = (evr_value){.kind = EVR_VALUE_NONE};
        return values ? EVR_OK : evr_argument_note(ir, a, EVR_FROM_RULE, "an empty type means None", err);
    }
    switch (type->kind) {
    case EVR_TYPE_TENSOR:
        a->value = (evr_value){.kind = EVR_VALUE_NONE};
        return evr_argument_note(ir, a, EVR_FROM_RULE, "an undefined tensor has an empty type", err);
    case EVR_TYPE_STR: return dropped_text(ir, a, param, err);
    case EVR_TYPE_GENERATOR:
        a->value = (evr_value){.kind = EVR_VALUE_NONE};
        return EVR_OK;
    case EVR_TYPE_STREAM: return evr_argument_stream(ir, a, err);
    case EVR_TYPE_DEVICE: /* empty: whichever device the replay runs on */
        a->value = (evr_value){.kind = EVR_VALUE_DEVICE, .u.s = {"", 0}};
        return evr_argument_note(ir, a, EVR_FROM_RULE, "profilers drop devices: the one replayed on is taken", err);
    default: return evr_argument_default(ir, a, param, "the value was not recorded", err);
    }
}

static evr_status fill_list(evr_ir *ir, evr_argument *a, const evr_param *param, const evr_type *list, const evr_recorded *r,
                            evr_error **err)
{
    if (evr_type_bare(list->elem)->kind == EVR_TYPE_TENSOR)
        return tensor_list(ir, a, r, err);
    evr_str text = r->seen.text;
    if (!text.len)
        return evr_argument_default(ir, a, param, "the values of the list were not recorded", err);
    bool good = evr_recorded_is_list(text) ? list_value(ir, list->elem, text, &a->value) : spread(ir, list, text, &a->value);
    return good ? EVR_OK : evr_argument_missing(ir, a, "the recorded list is cut short or not of this type", err);
}

evr_status evr_argument_begin(evr_ir *ir, evr_argument *a, const evr_param *param, evr_error **err)
{
    a->flags = (param->kwarg ? EVR_ARGUMENT_KWARG : 0) | (param->type->written ? EVR_ARGUMENT_WRITTEN : 0);
    return evr_ir_text(ir, param->name, &a->name) && evr_ir_text(ir, param->type->text, &a->type) ? EVR_OK : evr_fail_nomem(err);
}

evr_status evr_argument_fill(evr_ir *ir, evr_argument *a, const evr_param *param, const evr_recorded *r, bool values,
                             evr_error **err)
{
    EVR_TRY(evr_argument_begin(ir, a, param, err));
    if (!r)
        return evr_argument_default(ir, a, param, "not recorded: the profiler wrote fewer arguments", err);
    bool unwritten = r->seen.kind == EVR_SEEN_UNWRITTEN;
    if ((r->seen.kind == EVR_SEEN_NOTHING || unwritten) && !r->seen.text.len)
        return fill_nothing(ir, a, param, !unwritten, values, err);
    const evr_type *bare = evr_type_bare(param->type);
    if (bare->kind == EVR_TYPE_LIST)
        return fill_list(ir, a, param, bare, r, err);
    if (r->seen.kind == EVR_SEEN_TENSOR)
        return tensor_argument(ir, a, r, err);
    if (r->seen.kind == EVR_SEEN_NOTHING) {
        a->value = (evr_value){.kind = EVR_VALUE_NONE};
        return EVR_OK;
    }
    if (bare->kind == EVR_TYPE_STREAM)
        return evr_argument_stream(ir, a, err);
    if (r->seen.kind == EVR_SEEN_UNKNOWN)
        return evr_argument_missing(ir, a, "objects of this type are not recorded", err);
    if (!r->seen.text.len) { /* something was given, so a default of None is not it */
        bool none = param->has_default && param->fallback.kind == EVR_VALUE_NONE;
        return none ? evr_argument_missing(ir, a, "a number was given, but its value was not recorded", err)
                    : evr_argument_default(ir, a, param, "the value was not recorded", err);
    }
    return scalar_value(ir, bare, r->seen.text, &a->value) ? EVR_OK
                                                           : evr_argument_missing(ir, a, "the recorded text is no value of this type", err);
}

evr_status evr_argument_guess(evr_ir *ir, evr_argument *a, const evr_recorded *r, evr_error **err)
{
    static const evr_type any = {.kind = EVR_TYPE_ANY, .list_size = -1};
    const char *type = "Any?";
    switch (r->seen.kind) {
    case EVR_SEEN_TENSOR:
        type = "Tensor";
        EVR_TRY(tensor_argument(ir, a, r, err));
        break;
    case EVR_SEEN_TENSOR_LIST:
        type = "Tensor[]";
        EVR_TRY(tensor_list(ir, a, r, err));
        break;
    case EVR_SEEN_NOTHING:
    case EVR_SEEN_UNWRITTEN:
        a->value = (evr_value){.kind = EVR_VALUE_NONE};
        EVR_TRY(evr_argument_note(ir, a, EVR_FROM_RULE, "no schema: an empty type is taken for None", err));
        break;
    default:
        if (!r->seen.text.len) {
            EVR_TRY(evr_argument_missing(ir, a, "the value was not recorded", err));
        } else if (evr_recorded_is_list(r->seen.text)) {
            type = r->seen.kind == EVR_SEEN_FLOAT_LIST ? "float[]" : r->seen.kind == EVR_SEEN_BOOL_LIST ? "bool[]" : "int[]";
            if (!list_value(ir, &any, r->seen.text, &a->value))
                EVR_TRY(evr_argument_missing(ir, a, "the recorded list is cut short", err));
        } else if (scalar_value(ir, &any, r->seen.text, &a->value)) {
            type = a->value.kind == EVR_VALUE_INT ? "int" : a->value.kind == EVR_VALUE_FLOAT ? "float" :
                   a->value.kind == EVR_VALUE_BOOL ? "bool" : a->value.kind == EVR_VALUE_COMPLEX ? "complex" : "str";
        }
        break;
    }
    return evr_ir_text(ir, evr_str_c(type), &a->type) ? EVR_OK : evr_fail_nomem(err);
}

evr_status evr_argument_infer(evr_ir *ir, evr_argument *a, const evr_recorded *r, evr_infer_fn infer, void *user, evr_error **err)
{
    if (a->value.kind != EVR_VALUE_LIST || !r || r->seen.kind != EVR_SEEN_TENSOR_LIST)
        return EVR_OK;
    for (size_t i = 0; i < a->value.u.list.len && i < r->item_count; i++) {
        evr_tensor *t = (evr_tensor *)a->value.u.list.items[i].u.tensor;
        if (a->value.u.list.items[i].kind != EVR_VALUE_TENSOR || t->dtype != EVR_DTYPE_UNKNOWN)
            continue;
        const char *rule = NULL;
        t->dtype = infer(user, a, &r->items[i], &rule);
        if (t->dtype == EVR_DTYPE_UNKNOWN)
            return evr_argument_missing(ir, a, "the element type of a tensor in the list is not known", err);
        t->flags |= EVR_TENSOR_DTYPE_INFERRED;
        if (!evr_ir_text(ir, evr_str_c(evr_dtype_name(t->dtype)), &t->dtype_text))
            return evr_fail_nomem(err);
        EVR_TRY(evr_argument_note(ir, a, EVR_FROM_RULE, rule, err));
    }
    return EVR_OK;
}
