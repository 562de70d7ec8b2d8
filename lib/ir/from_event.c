/* A record from an event: its operator, overload, arguments and outcome. */
#include "ir/extractor.h"
#include "ir/status.h"
#include "ir/values.h"

#include <stdio.h>

/* An execution trace names its schema. */
evr_status evr_event_schema(evr_extractor *x, const operator_info *op, const evr_recorded_call *call, const evr_schema **out, evr_buf *why,
                            evr_error **err)
{
    evr_seen small[64] = {{0}}, *seen = small;
    *out = NULL;
    for (size_t i = 0; call->schema.len && i < op->count; i++)
        if (evr_str_eq(op->schemas[i]->text, call->schema)) {
            *out = op->schemas[i];
            if (why)
                evr_buf_printf(why, "%.*s\n    named by the trace\n", EVR_STR_ARG(call->schema));
            return EVR_OK;
        }
    if (call->count > 64 && !(seen = evr_alloc(x->ctx, call->count * sizeof *seen)))
        return evr_fail_nomem(err);
    for (size_t i = 0; i < call->count; i++)
        seen[i] = call->args[i].seen;
    size_t best = evr_schema_choose(op->schemas, op->count, seen, call->count, why);
    if (seen != small)
        evr_release(x->ctx, seen, call->count * sizeof *seen);
    *out = best == SIZE_MAX ? NULL : op->schemas[best];
    return EVR_OK;
}

/* as_strided reads its tensor's storage by its own sizes and strides, beyond what the tensor itself shows. */
static void widen_storage(evr_ir *ir)
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

static evr_status add_arguments(evr_extractor *x, evr_ir *ir, evr_uid uid, const evr_schema *schema, const evr_recorded_call *call,
                                evr_error **err)
{
    evr_surroundings around = {x, uid, call};
    size_t n = schema ? schema->param_count : call->count;
    for (size_t i = 0; i < n; i++) {
        const evr_recorded *r = i < call->count ? &call->args[i] : NULL;
        evr_argument *a = evr_ir_add_argument(ir);
        if (!a)
            return evr_fail_nomem(err);
        if (schema) {
            EVR_TRY(evr_argument_fill(ir, a, &schema->params[i], r, call->values, err));
        } else {
            char name[24];
            snprintf(name, sizeof name, "arg%zu", i);
            if (!evr_ir_text(ir, evr_str_c(name), &a->name))
                return evr_fail_nomem(err);
            EVR_TRY(evr_argument_guess(ir, a, r, err));
        }
        EVR_TRY(evr_argument_infer(ir, a, r, evr_infer_dtype, &around, err));
        if (r && r->device.len && !ir->device.len && !evr_ir_text(ir, r->device, &ir->device))
            return evr_fail_nomem(err);
    }
    widen_storage(ir);
    return EVR_OK;
}

static evr_status check_missing(evr_ir *ir, const evr_recorded_call *call, evr_error **err)
{
    const evr_str no_shapes = EVR_STR_LITERAL("the trace was recorded without shapes");
    for (size_t i = 0; i < ir->arg_count; i++) {
        const evr_argument *a = &ir->args[i];
        evr_str why = call->count ? a->note : no_shapes;
        if (a->value.kind == EVR_VALUE_MISSING)
            return evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, err, "argument %.*s (%.*s): %.*s",
                                      EVR_STR_ARG(a->name), EVR_STR_ARG(a->type), EVR_STR_ARG(why));
    }
    return EVR_OK;
}

evr_status evr_event_record(evr_extractor *x, evr_ir *ir, evr_uid uid, evr_error **err)
{
    const operator_info *op;
    evr_recorded_call call;
    evr_event e = {.struct_size = sizeof e};
    evr_trace_event(x->trace, uid, &e, NULL);
    EVR_TRY(evr_extractor_operator(x, uid, &op, err));
    int32_t skip = evr_skip_reason(e.kind, e.name, evr_trace_arg(x->trace, uid, EVR_ARG_ALL), op->count > 0);
    if (skip != EVR_REASON_NONE)
        EVR_TRY(evr_ir_set_outcome(ir, EVR_STATUS_SKIPPED, skip, err, "%s", evr_reason_advice(skip)));
    if (skip != EVR_REASON_NONE && skip != EVR_REASON_COMMUNICATION)
        return EVR_OK; /* a collective's arguments are of use to those who have the ranks */
    EVR_TRY(evr_recorder_read(&x->recorder, x->trace, uid, &call, err));
    const evr_schema *schema = NULL;
    if (op->count) {
        EVR_TRY(evr_event_schema(x, op, &call, &schema, NULL, err));
        if (!schema && skip != EVR_REASON_NONE)
            return EVR_OK;
        if (!schema && !e.signature)
            return evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, err, "the trace was recorded without shapes");
        if (!schema)
            return evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_NO_SCHEMA_MATCH, err,
                                      "none of %zu overloads takes the %zu recorded arguments", op->count, call.count);
        if (!evr_ir_text(ir, schema->overload, &ir->overload) || !evr_ir_text(ir, schema->text, &ir->schema))
            return evr_fail_nomem(err);
    } else if (!e.signature) {
        return skip != EVR_REASON_NONE ? EVR_OK : evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, err, "no arguments were recorded and no schema is known");
    }
    EVR_TRY(add_arguments(x, ir, uid, schema, &call, err));
    return skip != EVR_REASON_NONE ? EVR_OK : check_missing(ir, &call, err);
}
