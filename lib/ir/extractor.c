/* Unique calls of a trace, and records of its events. */
#include "ir/infer.h"

#include "base/hash.h"
#include "ir/batch.h"
#include "ir/collective.h"

#include <stdio.h>

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
    evr_intern_init(&x->collectives, ctx);
    evr_traced_init(&x->traced, ctx);
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
    evr_traced_free(&x->traced);
    evr_intern_free(&x->collectives);
    evr_release(ctx, x->operators, x->operator_count * sizeof *x->operators);
    evr_release(ctx, x->calls, x->call_cap * sizeof *x->calls);
    evr_release(ctx, x->keys, x->key_cap * sizeof *x->keys);
    evr_release(ctx, x->slots, x->slot_count * sizeof *x->slots);
    evr_release(ctx, x->members, x->member_count * sizeof *x->members);
    evr_release(ctx, x->member_start, (x->call_count + 1) * sizeof *x->member_start);
    evr_release(ctx, x, sizeof *x);
    evr_context_free(ctx);
}

/* Schemas of one operator on their way into the catalogue. */
typedef struct learning {
    evr_extractor *x;
    evr_str name; /* that the last of them carries */
    evr_status status;
    evr_error **err;
} learning;

static int32_t learn(void *user, evr_str schema)
{
    learning *l = user;
    evr_error *damage = NULL;
    evr_status status = evr_catalogue_add(l->x->catalogue, schema, &l->name, &damage);
    if (status == EVR_E_NOMEM)
        l->status = evr_fail_nomem(l->err);
    else if (status != EVR_OK) /* one that this version cannot read is no candidate */
        evr_log(l->x->ctx, EVR_LOG_DEBUG, "%s", evr_error_message(damage));
    evr_error_free(damage);
    return l->status != EVR_OK;
}

/* The source's schemas replace the catalogue's; *name becomes the one they go by. */
static evr_status ask_source(evr_extractor *x, evr_str *name, evr_error **err)
{
    learning l = {x, *name, EVR_OK, err};
    EVR_TRY(x->source(x->source_user, *name, learn, &l, err));
    *name = l.name;
    return l.status;
}

evr_status evr_extractor_ask(evr_extractor *x, evr_schema_source source, void *user, evr_error **err)
{
    if (err)
        *err = NULL;
    if (x->asked) {
        evr_fail(x->ctx, err, EVR_E_STATE, "records were made before the source of schemas was set");
        return evr_hint(err, "call evr_extractor_ask() right after evr_extractor_new()");
    }
    x->source = source;
    x->source_user = user;
    return EVR_OK;
}

evr_status evr_extractor_named(evr_extractor *x, evr_str name, const evr_schema *const **schemas, size_t *count, evr_error **err)
{
    if (x->source)
        EVR_TRY(ask_source(x, &name, err));
    return evr_catalogue_find(x->catalogue, name, schemas, count, err);
}

evr_status evr_extractor_operator(evr_extractor *x, evr_uid uid, const operator_info **out, evr_error **err)
{
    uint32_t id = evr_trace_name_ids(x->trace)[uid];
    operator_info *info = &x->operators[id];
    if (!info->asked) {
        evr_str name = evr_trace_name(x->trace, id);
        EVR_TRY(evr_extractor_named(x, name, &info->schemas, &info->count, err));
        x->asked = true;
        info->asked = true;
    }
    *out = info;
    return EVR_OK;
}

/* Calls are alike by name and recorded arguments; those that talk to other ranks by what they said, too, and those that index by
 * what with, and all by whether autocast was on. */
static bool call_key(evr_extractor *x, evr_uid uid, const evr_event *e, uint64_t *key)
{
    uint32_t said = 0;
    uint64_t indexed = 0;
    int32_t autocast = EVR_DTYPE_UNKNOWN;
    if (evr_collective_op(e->name) && !evr_collective_signature(x, uid, &said))
        return false;
    if (e->signature && evr_infer_takes_indices(e->name) && !evr_infer_indices_hash(x, uid, &indexed))
        return false;
    if (e->signature && !evr_infer_autocast(x, uid, &autocast))
        return false;
    *key = (uint64_t)evr_trace_name_ids(x->trace)[uid] << 32 | e->signature;
    if (said || indexed || autocast != EVR_DTYPE_UNKNOWN)
        *key = evr_hash(&(uint64_t[]){*key, said, indexed, (uint64_t)autocast}, 4 * sizeof *key) | (uint64_t)1 << 63; /* names are fewer than 2^31 */
    return true;
}

static bool grow_slots(evr_extractor *x)
{
    size_t count = x->slot_count ? x->slot_count * 2 : 1024;
    uint32_t *slots = evr_alloc_zeroed(x->ctx, count * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < x->call_count; i++) {
        size_t at = (size_t)evr_hash(&x->keys[i], sizeof *x->keys) & (count - 1);
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
    uint64_t key;
    if (make && x->call_count * 2 >= x->slot_count && !grow_slots(x))
        return UINT32_MAX;
    if (!x->slot_count || !call_key(x, uid, e, &key))
        return UINT32_MAX;
    size_t at = (size_t)evr_hash(&key, sizeof key) & (x->slot_count - 1);
    for (; x->slots[at]; at = (at + 1) & (x->slot_count - 1))
        if (x->keys[x->slots[at] - 1] == key)
            return x->slots[at] - 1;
    /* one more than needed, so that member_start[] has its end */
    if (!make || !evr_grow(x->ctx, (void **)&x->calls, &x->call_cap, x->call_count + 1, sizeof *x->calls) ||
        !evr_grow(x->ctx, (void **)&x->keys, &x->key_cap, x->call_count + 1, sizeof *x->keys))
        return UINT32_MAX;
    x->calls[x->call_count] = (evr_call){.struct_size = sizeof(evr_call), .uid = uid, .op = e->name};
    x->keys[x->call_count] = key;
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
        uint32_t call = find_call(x, uid, &e, false);
        if (call == UINT32_MAX)
            return evr_fail_nomem(err);
        x->members[x->member_start[call]++] = (uint32_t)uid;
    }
    for (size_t i = x->call_count; i; i--)
        x->member_start[i] = x->member_start[i - 1];
    x->member_start[0] = 0;
    return EVR_OK;
}

static void forget_calls(evr_extractor *x)
{
    evr_release(x->ctx, x->calls, x->call_cap * sizeof *x->calls);
    evr_release(x->ctx, x->keys, x->key_cap * sizeof *x->keys);
    evr_release(x->ctx, x->slots, x->slot_count * sizeof *x->slots);
    evr_release(x->ctx, x->members, x->member_count * sizeof *x->members);
    evr_release(x->ctx, x->member_start, (x->call_count + 1) * sizeof *x->member_start);
    x->calls = NULL;
    x->keys = NULL;
    x->slots = x->members = x->member_start = NULL;
    x->call_count = x->call_cap = x->key_cap = x->slot_count = x->member_count = 0;
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
    if (!evr_ir_text(ir, e.name.len ? e.name : EVR_STR_LITERAL("(no name)"), &ir->op)) /* a record without a name could not be read again */
        return evr_fail_nomem(err);
    evr_status status = evr_event_record(x, ir, uid, err);
    if (status == EVR_E_FORMAT || status == EVR_E_LIMIT || status == EVR_E_TRUNCATED) { /* damaged texts cost this record only */
        evr_error *damage = err ? *err : NULL;
        status = evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, NULL, "%s", evr_error_message(damage));
        evr_error_free(damage);
        if (err)
            *err = NULL;
    }
    if (status != EVR_OK || e.kind != EVR_KIND_OP)
        return status;
    evr_event_batch(x->trace, uid, ir);
    EVR_TRY(need_groups(x, err));
    uint32_t call = find_call(x, uid, &e, false);
    if (call == UINT32_MAX)
        return evr_fail_nomem(err);
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
    EVR_TRY(need_groups(x, err));
    for (size_t i = 0; !x->judged && i < x->call_count; i++) {
        evr_ir *ir;
        evr_status status = evr_extractor_record(x, x->calls[i].uid, &ir, err);
        if (status != EVR_OK)
            return status;
        x->calls[i].status = ir->status;
        x->calls[i].reason = ir->reason;
        evr_ir_free(ir);
    }
    x->judged = true;
    *out = x->calls;
    *count = x->call_count;
    return EVR_OK;
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
    EVR_TRY(evr_extractor_operator(x, uid, &op, err));
    EVR_TRY(evr_recorder_read(&x->recorder, x->trace, uid, &call, err));
    evr_buf why;
    evr_buf_init(&why, x->ctx);
    evr_status status = evr_event_schema(x, op, &call, &schema, &why, err);
    if (status == EVR_OK && (why.failed || !(*out = evr_strdup(x->ctx, evr_buf_view(&why)))))
        status = evr_fail_nomem(err);
    evr_buf_free(&why);
    return status;
}
