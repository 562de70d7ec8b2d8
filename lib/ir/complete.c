#include "ir/complete.h"

#include "ir/values.h"

typedef struct reading {
    const evr_value *size, *stride, *offset;
    evr_tensor *self;
    evr_argument *storage; /* of type Storage, without a value */
} reading;

static reading find_reading(evr_ir *ir)
{
    reading r = {NULL};
    for (size_t i = 0; i < ir->arg_count; i++) {
        evr_argument *a = &ir->args[i];
        if (evr_str_is(a->name, "size") && a->value.kind == EVR_VALUE_LIST)
            r.size = &a->value;
        else if (evr_str_is(a->name, "stride") && a->value.kind == EVR_VALUE_LIST)
            r.stride = &a->value;
        else if (evr_str_is(a->name, "storage_offset") && a->value.kind == EVR_VALUE_INT)
            r.offset = &a->value;
        else if (evr_str_is(a->type, "Storage") && a->value.kind == EVR_VALUE_MISSING)
            r.storage = a;
        else if (a->value.kind == EVR_VALUE_TENSOR && !r.self)
            r.self = (evr_tensor *)a->value.u.tensor;
    }
    return r;
}

/* Elements from the storage's first to the last that is read. */
static bool reach_of(const reading *r, int64_t *reach)
{
    enum { MOST = 64 };
    int64_t shape[MOST], strides[MOST];
    if (!r->self || !r->size || !r->stride || r->size->u.list.len > MOST)
        return false;
    uint32_t rank = (uint32_t)r->size->u.list.len;
    bool contiguous = r->storage && !r->stride->u.list.len; /* set_ without strides */
    if (!contiguous && r->stride->u.list.len != rank)
        return false;
    for (size_t i = 0; i < rank; i++) {
        shape[i] = r->size->u.list.items[i].u.i;
        strides[i] = contiguous ? 0 : r->stride->u.list.items[i].u.i;
    }
    if (contiguous)
        evr_contiguous_strides(shape, rank, strides);
    evr_tensor seen = {.rank = rank, .shape = shape, .strides = strides,
                       .storage_offset = r->offset ? r->offset->u.i : r->self->storage_offset};
    return evr_tensor_extent(&seen, reach);
}

static evr_status describe_storage(evr_ir *ir, evr_argument *a, const evr_tensor *self, int64_t elements, evr_error **err)
{
    static const int64_t one = 1;
    evr_tensor t = {.struct_size = sizeof t, .dtype = self->dtype, .rank = 1, .shape = &elements, .strides = &one,
                    .dtype_text = self->dtype_text, .device = self->device, .init = {"", 0}};
    evr_tensor *kept = evr_ir_add_tensor(ir, &t);
    if (!kept)
        return evr_fail_nomem(err);
    a->value = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = kept};
    return evr_argument_note(ir, a, EVR_FROM_RULE, "profilers drop storages: as large as size, stride and storage_offset reach", err);
}

evr_status evr_ir_complete_storage(evr_ir *ir, evr_error **err)
{
    reading r = find_reading(ir);
    int64_t reach, own;
    if (!reach_of(&r, &reach))
        return EVR_OK;
    if (r.storage)
        return describe_storage(ir, r.storage, r.self, reach, err);
    if (evr_tensor_extent(r.self, &own) && reach > own)
        r.self->storage_elements = reach;
    return EVR_OK;
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
