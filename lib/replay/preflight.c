#include "replay/preflight.h"

bool evr_tensor_bytes(const evr_tensor *t, uint64_t *bytes)
{
    int64_t elements;
    if (!evr_tensor_extent(t, &elements))
        return false;
    if (t->storage_elements > elements)
        elements = t->storage_elements;
    return !__builtin_mul_overflow((uint64_t)elements, (uint64_t)evr_dtype_size(t->dtype), bytes);
}

static bool add_value(const evr_value *v, uint64_t *total)
{
    uint64_t bytes;
    if (v->kind == EVR_VALUE_TENSOR)
        return evr_tensor_bytes(v->u.tensor, &bytes) && !__builtin_add_overflow(*total, bytes, total);
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        if (!add_value(&v->u.list.items[i], total))
            return false;
    return true;
}

evr_status evr_record_bytes(const evr_ir *ir, uint64_t *bytes, evr_error **err)
{
    *bytes = 0;
    for (size_t i = 0; i < ir->arg_count; i++)
        if (!add_value(&ir->args[i].value, bytes)) {
            evr_fail(ir->ctx, err, EVR_E_TOO_LARGE, "%.*s: argument %.*s has a size beyond any memory, or a negative one",
                     EVR_STR_ARG(ir->op), EVR_STR_ARG(ir->args[i].name));
            return evr_at_event(err, ir->uid, ir->op), EVR_E_TOO_LARGE;
        }
    return EVR_OK;
}
