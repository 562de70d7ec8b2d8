/* Values that have a kind already, and the types of parameters. */
#include "ir/values.h"

static evr_seen_kind list_kind(const evr_value *v)
{
    if (!v->u.list.len)
        return EVR_SEEN_EMPTY_LIST;
    for (size_t i = 0; i < v->u.list.len; i++)
        switch (v->u.list.items[i].kind) {
        case EVR_VALUE_TENSOR: return EVR_SEEN_TENSOR_LIST;
        case EVR_VALUE_FLOAT: return EVR_SEEN_FLOAT_LIST;
        case EVR_VALUE_BOOL: return EVR_SEEN_BOOL_LIST;
        case EVR_VALUE_INT: return EVR_SEEN_INT_LIST;
        default: break;
        }
    return EVR_SEEN_LIST;
}

evr_seen evr_value_seen(const evr_value *v)
{
    static const evr_seen_kind kinds[] = {
        [EVR_VALUE_MISSING] = EVR_SEEN_NOTHING, [EVR_VALUE_NONE] = EVR_SEEN_NOTHING,    [EVR_VALUE_BOOL] = EVR_SEEN_BOOL,
        [EVR_VALUE_INT] = EVR_SEEN_INT,         [EVR_VALUE_FLOAT] = EVR_SEEN_FLOAT,     [EVR_VALUE_COMPLEX] = EVR_SEEN_COMPLEX,
        [EVR_VALUE_STR] = EVR_SEEN_STR,         [EVR_VALUE_DTYPE] = EVR_SEEN_INT,       [EVR_VALUE_LAYOUT] = EVR_SEEN_INT,
        [EVR_VALUE_DEVICE] = EVR_SEEN_DEVICE,   [EVR_VALUE_MEMORY_FORMAT] = EVR_SEEN_INT, [EVR_VALUE_GENERATOR] = EVR_SEEN_NOTHING,
        [EVR_VALUE_TENSOR] = EVR_SEEN_TENSOR,
    };
    evr_seen seen = {.kind = EVR_SEEN_UNKNOWN, .dtype = EVR_DTYPE_UNKNOWN, .len = SIZE_MAX, .text = {"", 0}};
    if (v->kind == EVR_VALUE_LIST) {
        seen.kind = list_kind(v);
        seen.len = v->u.list.len;
    } else if (v->kind < sizeof kinds / sizeof *kinds) {
        seen.kind = kinds[v->kind];
    }
    if (v->kind == EVR_VALUE_TENSOR) {
        seen.dtype = v->u.tensor->dtype;
        seen.rank = v->u.tensor->rank;
    }
    return seen;
}

static bool to_whole(evr_value *v)
{
    if (v->kind == EVR_VALUE_BOOL)
        v->kind = EVR_VALUE_INT;
    return v->kind == EVR_VALUE_INT;
}

static bool to_float(evr_value *v)
{
    if (to_whole(v))
        *v = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = (double)v->u.i};
    return v->kind == EVR_VALUE_FLOAT;
}

static bool to_bool(evr_value *v)
{
    if (v->kind == EVR_VALUE_INT && (v->u.i == 0 || v->u.i == 1))
        v->kind = EVR_VALUE_BOOL;
    return v->kind == EVR_VALUE_BOOL;
}

static bool is_number(const evr_value *v)
{
    return v->kind == EVR_VALUE_BOOL || v->kind == EVR_VALUE_INT || v->kind == EVR_VALUE_FLOAT || v->kind == EVR_VALUE_COMPLEX;
}

/* Enumerations come as such or as their number. */
static bool to_number_of(evr_value *v, uint32_t kind)
{
    if (v->kind == EVR_VALUE_INT)
        v->kind = kind;
    return v->kind == kind;
}

static bool to_dtype(evr_value *v)
{
    int32_t dtype = v->kind == EVR_VALUE_STR ? evr_dtype_parse(v->u.s) : EVR_DTYPE_UNKNOWN;
    if (dtype != EVR_DTYPE_UNKNOWN)
        *v = (evr_value){.kind = EVR_VALUE_DTYPE, .u.i = dtype};
    return to_number_of(v, EVR_VALUE_DTYPE);
}

static bool fit_one(const evr_type *type, evr_value *v)
{
    bool tensor = v->kind == EVR_VALUE_TENSOR;
    switch (type->kind) {
    case EVR_TYPE_TENSOR: return tensor || is_number(v); /* numbers are wrapped */
    case EVR_TYPE_INT:
    case EVR_TYPE_SYMINT:
    case EVR_TYPE_QSCHEME: return (tensor && v->u.tensor->rank == 0) || to_whole(v);
    case EVR_TYPE_FLOAT:
    case EVR_TYPE_SYMFLOAT: return (tensor && v->u.tensor->rank == 0) || to_float(v);
    case EVR_TYPE_BOOL:
    case EVR_TYPE_SYMBOOL: return to_bool(v);
    case EVR_TYPE_SCALAR:
    case EVR_TYPE_COMPLEX: return (tensor && v->u.tensor->rank == 0) || is_number(v);
    case EVR_TYPE_DTYPE: return to_dtype(v);
    case EVR_TYPE_LAYOUT: return to_number_of(v, EVR_VALUE_LAYOUT);
    case EVR_TYPE_MEMORY_FORMAT: return to_number_of(v, EVR_VALUE_MEMORY_FORMAT);
    case EVR_TYPE_DEVICE:
        if (v->kind == EVR_VALUE_STR && v->u.s.len)
            v->kind = EVR_VALUE_DEVICE;
        return v->kind == EVR_VALUE_DEVICE;
    case EVR_TYPE_STR:
    case EVR_TYPE_DIMNAME: return v->kind == EVR_VALUE_STR;
    case EVR_TYPE_GENERATOR: return v->kind == EVR_VALUE_GENERATOR;
    case EVR_TYPE_STORAGE: return tensor; /* described as one */
    case EVR_TYPE_STREAM: return false; /* None: the one replayed on */
    default: return true;
    }
}

/* 3 for int[2] stands for [3, 3]. */
static evr_status spread(evr_ir *ir, const evr_type *list, evr_value *v)
{
    evr_value one = *v;
    if (list->list_size < 1 || list->list_size > 64 || one.kind == EVR_VALUE_NONE || !fit_one(evr_type_bare(list->elem), &one))
        return EVR_E_FORMAT;
    evr_value *items = evr_ir_add_items(ir, (size_t)list->list_size);
    if (!items)
        return EVR_E_NOMEM;
    for (int64_t i = 0; i < list->list_size; i++)
        items[i] = one;
    *v = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, (size_t)list->list_size}};
    return EVR_OK;
}

evr_status evr_value_fit(evr_ir *ir, const evr_type *type, evr_value *v)
{
    const evr_type *bare = evr_type_bare(type);
    bool any = bare->kind == EVR_TYPE_ANY || bare->kind == EVR_TYPE_VARIABLE || bare->kind == EVR_TYPE_UNION;
    if (v->kind == EVR_VALUE_NONE) /* an undefined tensor, no generator, or the stream replayed on is None too */
        return type->kind == EVR_TYPE_OPTIONAL || type->kind == EVR_TYPE_TENSOR || type->kind == EVR_TYPE_GENERATOR ||
                       type->kind == EVR_TYPE_STREAM || type->kind == EVR_TYPE_NONE || any
                   ? EVR_OK
                   : EVR_E_FORMAT;
    if (bare->kind != EVR_TYPE_LIST)
        return (v->kind != EVR_VALUE_LIST || any || bare->kind == EVR_TYPE_TUPLE) && fit_one(bare, v) ? EVR_OK : EVR_E_FORMAT;
    if (v->kind != EVR_VALUE_LIST)
        return spread(ir, bare, v);
    evr_value *items = (evr_value *)v->u.list.items; /* of this record */
    for (size_t i = 0; i < v->u.list.len; i++)
        EVR_TRY(evr_value_fit(ir, bare->elem, &items[i]));
    return EVR_OK;
}

static const char *list_type(const evr_value *v)
{
    switch (evr_value_seen(v).kind) {
    case EVR_SEEN_TENSOR_LIST: return "Tensor[]";
    case EVR_SEEN_FLOAT_LIST: return "float[]";
    case EVR_SEEN_BOOL_LIST: return "bool[]";
    case EVR_SEEN_INT_LIST: return "int[]";
    default: return "Any[]";
    }
}

const char *evr_value_type(const evr_value *v)
{
    static const char *const types[] = {
        [EVR_VALUE_MISSING] = "Any?",     [EVR_VALUE_NONE] = "Any?",      [EVR_VALUE_BOOL] = "bool",
        [EVR_VALUE_INT] = "int",          [EVR_VALUE_FLOAT] = "float",    [EVR_VALUE_COMPLEX] = "complex",
        [EVR_VALUE_STR] = "str",          [EVR_VALUE_DTYPE] = "ScalarType", [EVR_VALUE_LAYOUT] = "Layout",
        [EVR_VALUE_DEVICE] = "Device",    [EVR_VALUE_MEMORY_FORMAT] = "MemoryFormat", [EVR_VALUE_GENERATOR] = "Generator",
        [EVR_VALUE_TENSOR] = "Tensor",
    };
    if (v->kind == EVR_VALUE_LIST)
        return list_type(v);
    return v->kind < sizeof types / sizeof *types ? types[v->kind] : "Any?";
}
