/* Unique calls of a trace, and records of its events. */
#include "ir/record.h"
#include "ir/recorded.h"
#include "ir/status.h"
#include "ir/values.h"

#include "base/hash.h"
#include "schema/catalogue.h"

#include <stdio.h>

/* What is known of one operator name. */
typedef struct operator_info {
    const evr_schema *const *schemas;
    size_t count;
    bool asked;
} operator_info;

struct evr_extractor {
    evr_context *ctx;
    const evr_trace *trace;
    evr_catalogue *catalogue;
    evr_recorder recorder;
    evr_recorder neighbour; /* for what events around one record */
    operator_info *operators; /* by name id */
    size_t operator_count;
    evr_call *calls;
    size_t call_count, call_cap;
    uint32_t *slots; /* call + 1, by hash of name and signature */
    size_t slot_count;
    uint32_t *members;      /* uids of operator events, call by call */
    uint32_t *member_start; /* call_count + 1 */
    size_t member_count;
};

evr_status evr_extractor_new(evr_context *ctx, const evr_trace *trace, const evr_extractor_options *options, evr_extractor **out,
                             evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !trace || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_extractor_new: context, trace and `out` are needed");
    evr_extractor *x = evr_alloc_zeroed(ctx, sizeof *x);
    if (!x)
        return evr_fail_nomem(err);
    x->ctx = evr_context_ref(ctx);
    x->trace = trace;
    evr_recorder_init(&x->recorder, ctx);
    evr_recorder_init(&x->neighbour, ctx);
    evr_str version = {"", 0};
    if (options && options->struct_size >= sizeof *options)
        version = options->torch_version;
    evr_status status = evr_catalogue_open(ctx, version, &x->catalogue, err);
    x->operator_count = evr_trace_name_count(trace);
    if (status == EVR_OK && x->operator_count &&
        !(x->operators = evr_alloc_zeroed(ctx, x->operator_count * sizeof *x->operators)))
        status = evr_fail_nomem(err);
    if (status != EVR_OK) {
        evr_extractor_free(x);
        return status;
    }
    *out = x;
    return EVR_OK;
}

void evr_extractor_free(evr_extractor *x)
{
    if (!x)
        return;
    evr_context *ctx = x->ctx;
    evr_catalogue_free(x->catalogue);
    evr_recorder_free(&x->recorder);
    evr_recorder_free(&x->neighbour);
    evr_release(ctx, x->operators, x->operator_count * sizeof *x->operators);
    evr_release(ctx, x->calls, x->call_cap * sizeof *x->calls);
    evr_release(ctx, x->slots, x->slot_count * sizeof *x->slots);
    evr_release(ctx, x->members, x->member_count * sizeof *x->members);
    evr_release(ctx, x->member_start, (x->call_count + 1) * sizeof *x->member_start);
    evr_release(ctx, x, sizeof *x);
    evr_context_free(ctx);
}

static evr_status find_operator(evr_extractor *x, evr_uid uid, const operator_info **out, evr_error **err)
{
    uint32_t id = evr_trace_name_ids(x->trace)[uid];
    operator_info *info = &x->operators[id];
    if (!info->asked) {
        EVR_TRY(evr_catalogue_find(x->catalogue, evr_trace_name(x->trace, id), &info->schemas, &info->count, err));
        info->asked = true;
    }
    *out = info;
    return EVR_OK;
}

static uint64_t call_key(const evr_trace *trace, evr_uid uid, uint32_t signature)
{
    return (uint64_t)evr_trace_name_ids(trace)[uid] << 32 | signature;
}

static bool grow_slots(evr_extractor *x)
{
    size_t count = x->slot_count ? x->slot_count * 2 : 1024;
    uint32_t *slots = evr_alloc_zeroed(x->ctx, count * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < x->call_count; i++) {
        evr_event e = {.struct_size = sizeof e};
        evr_trace_event(x->trace, x->calls[i].uid, &e, NULL);
        uint64_t key = call_key(x->trace, x->calls[i].uid, e.signature);
        size_t at = (size_t)evr_hash(&key, sizeof key) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    evr_release(x->ctx, x->slots, x->slot_count * sizeof *x->slots);
    x->slots = slots;
    x->slot_count = count;
    return true;
}

/* The call that an event belongs to; UINT32_MAX when there is none or, with `make`, no memory. */
static uint32_t find_call(evr_extractor *x, evr_uid uid, const evr_event *e, bool make)
{
    if (make && x->call_count * 2 >= x->slot_count && !grow_slots(x))
        return UINT32_MAX;
    if (!x->slot_count)
        return UINT32_MAX;
    uint64_t key = call_key(x->trace, uid, e->signature);
    size_t at = (size_t)evr_hash(&key, sizeof key) & (x->slot_count - 1);
    for (; x->slots[at]; at = (at + 1) & (x->slot_count - 1)) {
        evr_event other = {.struct_size = sizeof other};
        evr_uid first = x->calls[x->slots[at] - 1].uid;
        evr_trace_event(x->trace, first, &other, NULL);
        if (call_key(x->trace, first, other.signature) == key)
            return x->slots[at] - 1;
    }
    /* one more than needed, so that member_start[] has its end */
    if (!make || !evr_grow(x->ctx, (void **)&x->calls, &x->call_cap, x->call_count + 1, sizeof *x->calls))
        return UINT32_MAX;
    x->calls[x->call_count] = (evr_call){.struct_size = sizeof(evr_call), .uid = uid, .op = e->name};
    x->slots[at] = (uint32_t)++x->call_count;
    return (uint32_t)x->call_count - 1;
}

/* Groups the operator events: counts first, then the members of each call in order of uid. */
static evr_status group_calls(evr_extractor *x, evr_error **err)
{
    evr_event_filter ops = {.struct_size = sizeof ops, .kind = EVR_KIND_OP};
    size_t n = 0;
    for (evr_uid uid = 0; (uid = evr_trace_next(x->trace, &ops, uid)) != EVR_NO_UID; uid++, n++) {
        evr_event e = {.struct_size = sizeof e};
        evr_trace_event(x->trace, uid, &e, NULL);
        uint32_t call = find_call(x, uid, &e, true);
        if (call == UINT32_MAX)
            return evr_fail_nomem(err);
        x->calls[call].count++;
        x->calls[call].cpu_ns += e.duration_ns;
        x->calls[call].device_ns += evr_trace_device_time(x->trace, uid);
    }
    x->member_count = n;
    x->member_start = evr_alloc_zeroed(x->ctx, (x->call_count + 1) * sizeof *x->member_start);
    x->members = n ? evr_alloc(x->ctx, n * sizeof *x->members) : NULL;
    if (!x->member_start || (n && !x->members))
        return evr_fail_nomem(err);
    for (size_t i = 0; i < x->call_count; i++)
        x->member_start[i + 1] = x->member_start[i] + (uint32_t)x->calls[i].count;
    for (evr_uid uid = 0; (uid = evr_trace_next(x->trace, &ops, uid)) != EVR_NO_UID; uid++) {
        evr_event e = {.struct_size = sizeof e};
        evr_trace_event(x->trace, uid, &e, NULL);
        x->members[x->member_start[find_call(x, uid, &e, false)]++] = (uint32_t)uid;
    }
    for (size_t i = x->call_count; i; i--)
        x->member_start[i] = x->member_start[i - 1];
    x->member_start[0] = 0;
    return EVR_OK;
}

static void forget_calls(evr_extractor *x)
{
    evr_release(x->ctx, x->calls, x->call_cap * sizeof *x->calls);
    evr_release(x->ctx, x->slots, x->slot_count * sizeof *x->slots);
    evr_release(x->ctx, x->members, x->member_count * sizeof *x->members);
    evr_release(x->ctx, x->member_start, (x->call_count + 1) * sizeof *x->member_start);
    x->calls = NULL;
    x->slots = x->members = x->member_start = NULL;
    x->call_count = x->call_cap = x->slot_count = x->member_count = 0;
}

static evr_status need_groups(evr_extractor *x, evr_error **err)
{
    if (x->member_start)
        return EVR_OK;
    evr_status status = group_calls(x, err);
    if (status != EVR_OK)
        forget_calls(x);
    return status;
}

/* The schema that a call used. An execution trace names it. NULL when none fits. */
static evr_status choose_schema(evr_extractor *x, const operator_info *op, const evr_recorded_call *call, const evr_schema **out,
                                evr_buf *why, evr_error **err)
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

/* Looking for the element type of a tensor whose shape is known, in what surrounds the event. */
typedef struct surroundings {
    evr_extractor *x;
    evr_uid uid;
    const evr_recorded_call *call;
} surroundings;

static bool same_shape(const evr_recorded *a, const evr_recorded *b)
{
    return a->seen.rank == b->seen.rank && a->seen.rank && memcmp(a->shape, b->shape, a->seen.rank * sizeof *a->shape) == 0;
}

static int32_t dtype_in_event(surroundings *s, evr_uid uid, const evr_recorded *item)
{
    evr_recorded_call call;
    if (evr_recorder_read(&s->x->neighbour, s->x->trace, uid, &call, NULL) != EVR_OK)
        return EVR_DTYPE_UNKNOWN;
    for (size_t i = 0; i < call.count; i++)
        if (call.args[i].seen.kind == EVR_SEEN_TENSOR && same_shape(&call.args[i], item))
            return call.args[i].seen.dtype;
    return EVR_DTYPE_UNKNOWN;
}

static int32_t dtype_below(surroundings *s, evr_uid uid, const evr_recorded *item, int *budget)
{
    for (evr_uid child = evr_trace_first_child(s->x->trace, uid); child != EVR_NO_UID && (*budget)-- > 0;
         child = evr_trace_next_sibling(s->x->trace, child)) {
        int32_t dtype = dtype_in_event(s, child, item);
        if (dtype == EVR_DTYPE_UNKNOWN)
            dtype = dtype_below(s, child, item, budget);
        if (dtype != EVR_DTYPE_UNKNOWN)
            return dtype;
    }
    return EVR_DTYPE_UNKNOWN;
}

/* Operator events before and after on the same thread, nearest first. */
static int32_t dtype_nearby(surroundings *s, const evr_recorded *item)
{
    const evr_trace *t = s->x->trace;
    const uint32_t *tracks = evr_trace_tracks(t);
    evr_uid low = s->uid, high = s->uid, end = evr_trace_event_count(t);
    evr_event e = {.struct_size = sizeof e};
    for (int asked = 0, step = 0; asked < 48 && step < 4096; step++) {
        evr_uid uid = EVR_NO_UID;
        if (step % 2 == 0 && low > 0)
            uid = --low;
        else if (high + 1 < end)
            uid = ++high;
        else if (low > 0)
            uid = --low;
        if (uid == EVR_NO_UID)
            break;
        evr_trace_event(t, uid, &e, NULL);
        if (e.kind != EVR_KIND_OP || !e.signature || tracks[uid] != tracks[s->uid])
            continue;
        asked++;
        int32_t dtype = dtype_in_event(s, uid, item);
        if (dtype != EVR_DTYPE_UNKNOWN)
            return dtype;
    }
    return EVR_DTYPE_UNKNOWN;
}

static int32_t infer_dtype(void *user, const evr_argument *a, const evr_recorded *item, const char **rule)
{
    surroundings *s = user;
    int budget = 32;
    if (evr_str_is(a->name, "indices") || evr_str_ends(a->name, "_indices")) {
        *rule = "element type: indices are int64";
        return EVR_DTYPE_INT64;
    }
    *rule = "element type: of a tensor of the same shape in an operator below";
    int32_t dtype = dtype_below(s, s->uid, item, &budget);
    if (dtype != EVR_DTYPE_UNKNOWN)
        return dtype;
    *rule = "element type: of a tensor of the same shape in an operator nearby";
    dtype = dtype_nearby(s, item);
    if (dtype != EVR_DTYPE_UNKNOWN)
        return dtype;
    *rule = "element type: of another argument";
    for (size_t i = 0; i < s->call->count; i++)
        if (s->call->args[i].seen.kind == EVR_SEEN_TENSOR && s->call->args[i].seen.dtype != EVR_DTYPE_UNKNOWN)
            return s->call->args[i].seen.dtype;
    *rule = "element type: nothing tells it, float32 is assumed";
    return EVR_DTYPE_FLOAT32;
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
    surroundings around = {x, uid, call};
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
        EVR_TRY(evr_argument_infer(ir, a, r, infer_dtype, &around, err));
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

/* Arguments and outcome of an operator event. */
static evr_status fill_record(evr_extractor *x, evr_ir *ir, evr_uid uid, evr_error **err)
{
    const operator_info *op;
    evr_recorded_call call;
    evr_event e = {.struct_size = sizeof e};
    evr_trace_event(x->trace, uid, &e, NULL);
    EVR_TRY(find_operator(x, uid, &op, err));
    int32_t skip = evr_skip_reason(e.kind, e.name, evr_trace_arg(x->trace, uid, EVR_ARG_ALL), op->count > 0);
    if (skip != EVR_REASON_NONE)
        EVR_TRY(evr_ir_set_outcome(ir, EVR_STATUS_SKIPPED, skip, err, "%s", evr_reason_advice(skip)));
    if (skip != EVR_REASON_NONE && skip != EVR_REASON_COMMUNICATION)
        return EVR_OK; /* a collective's arguments are of use to those who have the ranks */
    EVR_TRY(evr_recorder_read(&x->recorder, x->trace, uid, &call, err));
    const evr_schema *schema = NULL;
    if (op->count) {
        EVR_TRY(choose_schema(x, op, &call, &schema, NULL, err));
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

/* Kernels of all calls with the same arguments, by name. */
static evr_status add_kernels(evr_extractor *x, evr_ir *ir, uint32_t call, evr_error **err)
{
    int64_t device = -1;
    for (uint32_t m = x->member_start[call]; m < x->member_start[call + 1]; m++) {
        size_t n;
        const evr_uid *uids = evr_trace_device_events(x->trace, x->members[m], &n);
        for (size_t i = 0; i < n; i++) {
            evr_event e = {.struct_size = sizeof e};
            evr_trace_event(x->trace, uids[i], &e, NULL);
            size_t k = 0;
            while (k < ir->kernel_count && !evr_str_eq(ir->kernels[k].name, e.name))
                k++;
            if (k == ir->kernel_count) {
                evr_kernel *kernel = evr_ir_add_kernel(ir);
                if (!kernel || !evr_ir_text(ir, e.name, &kernel->name))
                    return evr_fail_nomem(err);
            }
            ir->kernels[k].count++;
            ir->kernels[k].total_ns += e.duration_ns;
            device = device < 0 ? e.device : device;
        }
    }
    if (device >= 0 && !ir->device.len) {
        char text[40];
        snprintf(text, sizeof text, "cuda:%lld", (long long)device);
        if (!evr_ir_text(ir, evr_str_c(text), &ir->device))
            return evr_fail_nomem(err);
    }
    return EVR_OK;
}

static evr_status make_record(evr_extractor *x, evr_uid uid, evr_ir *ir, evr_error **err)
{
    evr_event e = {.struct_size = sizeof e};
    evr_trace_event(x->trace, uid, &e, NULL);
    ir->uid = uid;
    if (!evr_ir_text(ir, e.name, &ir->op))
        return evr_fail_nomem(err);
    evr_status status = fill_record(x, ir, uid, err);
    if (status == EVR_E_FORMAT || status == EVR_E_LIMIT || status == EVR_E_TRUNCATED) { /* damaged texts cost this record only */
        evr_error *damage = err ? *err : NULL;
        status = evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, NULL, "%s", evr_error_message(damage));
        evr_error_free(damage);
        if (err)
            *err = NULL;
    }
    if (status != EVR_OK || e.kind != EVR_KIND_OP)
        return status;
    EVR_TRY(need_groups(x, err));
    uint32_t call = find_call(x, uid, &e, false);
    ir->count = x->calls[call].count;
    return add_kernels(x, ir, call, err);
}

evr_status evr_extractor_record(evr_extractor *x, evr_uid uid, evr_ir **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!out)
        return evr_fail(x->ctx, err, EVR_E_INVALID, "evr_extractor_record: `out` is NULL");
    *out = NULL;
    if (uid >= evr_trace_event_count(x->trace)) {
        evr_fail(x->ctx, err, EVR_E_NOT_FOUND, "there is no event %llu: the trace has %llu events", (unsigned long long)uid,
                 (unsigned long long)evr_trace_event_count(x->trace));
        return evr_hint(err, "uids are indexes into the list of events, from 0");
    }
    evr_ir *ir;
    EVR_TRY(evr_ir_new(x->ctx, &ir, err));
    evr_status status = make_record(x, uid, ir, err);
    if (status != EVR_OK) {
        evr_ir_free(ir);
        return status;
    }
    *out = ir;
    return EVR_OK;
}

evr_status evr_extractor_calls(evr_extractor *x, const evr_call **out, size_t *count, evr_error **err)
{
    if (err)
        *err = NULL;
    *out = NULL;
    *count = 0;
    bool fresh = !x->member_start;
    EVR_TRY(need_groups(x, err));
    for (size_t i = 0; fresh && i < x->call_count; i++) {
        evr_ir *ir;
        evr_status status = evr_extractor_record(x, x->calls[i].uid, &ir, err);
        if (status != EVR_OK) {
            forget_calls(x);
            return status;
        }
        x->calls[i].status = ir->status;
        x->calls[i].reason = ir->reason;
        evr_ir_free(ir);
    }
    *out = x->calls;
    *count = x->call_count;
    return EVR_OK;
}

void evr_text_free(evr_context *ctx, char *text)
{
    if (text)
        evr_release(ctx, text, strlen(text) + 1);
}

evr_status evr_extractor_explain(evr_extractor *x, evr_uid uid, char **out, evr_error **err)
{
    if (err)
        *err = NULL;
    *out = NULL;
    if (uid >= evr_trace_event_count(x->trace))
        return evr_fail(x->ctx, err, EVR_E_NOT_FOUND, "there is no event %llu", (unsigned long long)uid);
    const operator_info *op;
    evr_recorded_call call;
    const evr_schema *schema;
    EVR_TRY(find_operator(x, uid, &op, err));
    EVR_TRY(evr_recorder_read(&x->recorder, x->trace, uid, &call, err));
    evr_buf why;
    evr_buf_init(&why, x->ctx);
    evr_status status = choose_schema(x, op, &call, &schema, &why, err);
    if (status == EVR_OK && (why.failed || !(*out = evr_strdup(x->ctx, evr_buf_view(&why)))))
        status = evr_fail_nomem(err);
    evr_buf_free(&why);
    return status;
}
