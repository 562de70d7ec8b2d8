#include "ir/complete.h"

void evr_ir_widen_storage(evr_ir *ir)
{
    const evr_value *size = NULL, *stride = NULL, *offset = NULL;
    evr_tensor *self = NULL;
    for (size_t i = 0; i < ir->arg_count; i++) {
        const evr_argument *a = &ir->args[i];
        if (evr_str_is(a->name, "size") && a->value.kind == EVR_VALUE_LIST)
            size = &a->value;
        else if (evr_str_is(a->name, "stride") && a->value.kind == EVR_VALUE_LIST)
            stride = &a->value;
        else if (evr_str_is(a->name, "storage_offset") && a->value.kind == EVR_VALUE_INT)
            offset = &a->value;
        else if (a->value.kind == EVR_VALUE_TENSOR && !self)
            self = (evr_tensor *)a->value.u.tensor;
    }
    if (!self || !size || !stride || size->u.list.len != stride->u.list.len || size->u.list.len > 64)
        return;
    int64_t shape[64], strides[64], reach, own;
    for (size_t i = 0; i < size->u.list.len; i++) {
        shape[i] = size->u.list.items[i].u.i;
        strides[i] = stride->u.list.items[i].u.i;
    }
    evr_tensor seen = {.rank = (uint32_t)size->u.list.len, .shape = shape, .strides = strides,
                       .storage_offset = offset ? offset->u.i : self->storage_offset};
    if (evr_tensor_extent(&seen, &reach) && evr_tensor_extent(self, &own) && reach > own)
        self->storage_elements = reach;
}

evr_status evr_ir_check_missing(evr_ir *ir, const char *why, evr_error **err)
{
    for (size_t i = 0; i < ir->arg_count; i++) {
        const evr_argument *a = &ir->args[i];
        if (a->value.kind == EVR_VALUE_MISSING)
            return evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, err, "argument %.*s (%.*s): %.*s",
                                      EVR_STR_ARG(a->name), EVR_STR_ARG(a->type), EVR_STR_ARG(why ? evr_str_c(why) : a->note));
    }
    return EVR_OK;
}
