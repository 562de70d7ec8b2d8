/* A record from an event: its operator, overload, arguments and outcome. */
#include "ir/collective.h"
#include "ir/complete.h"
#include "ir/infer.h"
#include "ir/status.h"
#include "ir/values.h"

#include <stdio.h>

/* An execution trace names its schema, which need not be one of ours. */
static evr_status schema_of_trace(evr_extractor *x, const operator_info *op, evr_recorded_call *call, const evr_schema **out, evr_error **err)
{
    const evr_schema *traced;
    for (size_t i = 0; i < op->count; i++)
        if (evr_str_eq(op->schemas[i]->text, call->schema)) {
            *out = op->schemas[i];
            return EVR_OK;
        }
    EVR_TRY(evr_traced_schema(&x->traced, call->schema, &traced, err));
    if (!traced)
        return EVR_OK;
    if (!op->count)
        *out = traced;
    for (size_t i = 0; i < op->count; i++)
        if (evr_traced_fits(traced, op->schemas[i], call->count)) {
            *out = op->schemas[i];
            return evr_traced_arguments(&x->recorder.arena, traced, *out, call, err);
        }
    return EVR_OK;
}

evr_status evr_event_schema(evr_extractor *x, const operator_info *op, evr_recorded_call *call, const evr_schema **out, evr_buf *why,
                            evr_error **err)
{
    evr_seen small[64] = {{0}}, *seen = small;
    *out = NULL;
    if (call->schema.len)
        EVR_TRY(schema_of_trace(x, op, call, out, err));
    if (*out) {
        if (why)
            evr_buf_printf(why, "%.*s\n    named by the trace\n", EVR_STR_ARG((*out)->text));
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
    evr_surroundings around = {x, uid, call, false};
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
        if (around.starved)
            return evr_fail_nomem(err);
        if (r && r->device.len && !ir->device.len && !evr_ir_text(ir, r->device, &ir->device))
            return evr_fail_nomem(err);
    }
    if (schema)
        EVR_TRY(evr_infer_values(x, ir, schema, err));
    return evr_ir_complete_storage(ir, err);
}

/* record_param_comms and "nccl:all_reduce" carry out nothing: the record is of the operator that does what it tells of. */
static evr_status target_schema(evr_extractor *x, const evr_collective *c, evr_str op, const evr_schema **out, evr_error **err)
{
    const evr_schema *const *schemas;
    size_t count;
    *out = NULL;
    bool label = evr_str_find(op, ':', 0) == SIZE_MAX || evr_collective_is_label(op);
    evr_str target = label ? evr_collective_target(c->name) : (evr_str){"", 0};
    if (!target.len)
        return EVR_OK;
    EVR_TRY(evr_extractor_named(x, target, &schemas, &count, err));
    *out = count ? schemas[0] : NULL;
    return EVR_OK;
}

/* An operator that talks to other ranks. One process cannot run it, so it is skipped; its arguments are for those who have the ranks. */
static evr_status talking_record(evr_extractor *x, evr_ir *ir, evr_uid uid, const operator_info *op, evr_error **err)
{
    evr_recorded_call call;
    evr_collective c;
    const evr_schema *schema = NULL;
    EVR_TRY(evr_ir_set_outcome(ir, EVR_STATUS_SKIPPED, EVR_REASON_COMMUNICATION, err, "%s", evr_reason_advice(EVR_REASON_COMMUNICATION)));
    EVR_TRY(evr_recorder_read(&x->recorder, x->trace, uid, &call, err));
    bool told;
    EVR_TRY(evr_collective_read(x, uid, &c, &told, err));
    if (op->count)
        EVR_TRY(evr_event_schema(x, op, &call, &schema, NULL, err));
    if (!schema && op->count) { /* recorded without shapes, or by another version: the events below tell the rest */
        schema = op->schemas[0];
        call = (evr_recorded_call){.values = call.values, .schema = {"", 0}};
    }
    if (!schema && told)
        EVR_TRY(target_schema(x, &c, ir->op, &schema, err));
    if (!schema && told && evr_str_is(ir->op, "record_param_comms"))
        return evr_ir_set_outcome(ir, EVR_STATUS_SKIPPED, EVR_REASON_ANNOTATION, err, "tells of \"%.*s\", which carries nothing", EVR_STR_ARG(c.name));
    if (schema && (!evr_ir_text(ir, schema->overload, &ir->overload) || !evr_ir_text(ir, schema->text, &ir->schema)))
        return evr_fail_nomem(err);
    if (!op->count && schema)
        call = (evr_recorded_call){.values = call.values, .schema = {"", 0}}; /* of record_param_comms itself, not of the operator */
    EVR_TRY(add_arguments(x, ir, uid, schema, &call, err));
    if (!told)
        evr_collective_clear(&c);
    return evr_collective_complete(x, ir, uid, &c, err);
}

evr_status evr_event_record(evr_extractor *x, evr_ir *ir, evr_uid uid, evr_error **err)
{
    const operator_info *op;
    evr_recorded_call call;
    evr_event e = {.struct_size = sizeof e};
    evr_trace_event(x->trace, uid, &e, NULL);
    EVR_TRY(evr_extractor_operator(x, uid, &op, err));
    int32_t skip = evr_skip_reason(e.kind, e.name, evr_trace_arg(x->trace, uid, EVR_ARG_ALL), op->count > 0);
    if (skip == EVR_REASON_COMMUNICATION)
        return talking_record(x, ir, uid, op, err);
    if (skip != EVR_REASON_NONE)
        return evr_ir_set_outcome(ir, EVR_STATUS_SKIPPED, skip, err, "%s", evr_reason_advice(skip));
    EVR_TRY(evr_recorder_read(&x->recorder, x->trace, uid, &call, err));
    const evr_schema *schema = NULL;
    if (op->count || call.schema.len)
        EVR_TRY(evr_event_schema(x, op, &call, &schema, NULL, err));
    if (!schema && !e.signature)
        return evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, err,
                                  op->count ? "the trace was recorded without shapes" : "no arguments were recorded and no schema is known");
    if (!schema && op->count)
        return evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_NO_SCHEMA_MATCH, err,
                                  "none of %zu overloads takes the %zu recorded arguments", op->count, call.count);
    if (schema && (!evr_ir_text(ir, schema->overload, &ir->overload) || !evr_ir_text(ir, schema->text, &ir->schema)))
        return evr_fail_nomem(err);
    EVR_TRY(add_arguments(x, ir, uid, schema, &call, err));
    if (!evr_infer_autocast(x, uid, &ir->autocast))
        return evr_fail_nomem(err);
    return evr_ir_check_missing(ir, call.count ? NULL : "the trace was recorded without shapes", err);
}
