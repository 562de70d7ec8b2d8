/* A record from an event: its operator, overload, arguments and outcome. */
#include "ir/complete.h"
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
    evr_ir_widen_storage(ir);
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
    return skip != EVR_REASON_NONE ? EVR_OK : evr_ir_check_missing(ir, call.count ? NULL : "the trace was recorded without shapes", err);
}
