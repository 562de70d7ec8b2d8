#include "base/sized.h"
#include "init/rules.h"
#include "replay/overload.h"
#include "replay/preflight.h"
#include "replay/replayer.h"

#include <stdarg.h>
#include <stdio.h>

enum { DEEPEST = 16 }; /* lists of lists in an argument */

static evr_status tell(evr_replayer *r, evr_status status, evr_error **err)
{
    evr_at_event(err, r->ir->uid, r->ir->op);
    return status;
}

size_t evr_replayer_arg_of(const evr_replayer *r, size_t param)
{
    if (!r->schema)
        return param < r->ir->arg_count ? param : SIZE_MAX;
    return evr_overload_argument(r->ir, r->schema, param);
}

size_t evr_replayer_param_of(const evr_replayer *r, size_t arg)
{
    for (size_t p = 0; p < r->value_count; p++)
        if (evr_replayer_arg_of(r, p) == arg)
            return p;
    return SIZE_MAX;
}

evr_status evr_replayer_warn(evr_replayer *r, evr_error **err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = 0; i < r->warning_count; i++)
        if (evr_str_is(r->warnings[i], text))
            return EVR_OK;
    evr_str kept = evr_arena_str(&r->arena, evr_str_c(text));
    if (!kept.data || !evr_grow(r->runtime->ctx, (void **)&r->warnings, &r->warning_cap, r->warning_count + 1, sizeof *r->warnings))
        return evr_fail_nomem(err);
    r->warnings[r->warning_count++] = kept;
    return EVR_OK;
}

/* Host memory is written in place; a device's through a buffer of bounded size that holds the whole pattern. */
static evr_status fill_tensor(evr_replayer *r, evr_bridge_tensor *tensor, const evr_tensor *what, const evr_fill *fill, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(r);
    evr_tensor_info info = {.struct_size = sizeof info};
    EVR_TRY(fn->tensor_info(fn->self, tensor, &info, err));
    size_t bytes = (size_t)info.storage_bytes;
    if (!bytes)
        return EVR_OK;
    void *host = info.host_storage ? info.host_storage : evr_alloc(r->runtime->ctx, bytes);
    if (!host)
        return evr_fail_nomem(err);
    evr_status status = EVR_OK;
    if (!evr_fill_storage(fill, r->runtime->seed, r->tensor_count, what, host, bytes)) {
        status = evr_fail(r->runtime->ctx, err, EVR_E_UNSUPPORTED, "tensors of type %.*s cannot be filled", EVR_STR_ARG(what->dtype_text));
        evr_hint(err, "this element type has no numbers of its own; replay it with real data");
    } else if (!info.host_storage) {
        status = fn->tensor_write(fn->self, tensor, 0, host, bytes, err);
    }
    if (!info.host_storage)
        evr_release(r->runtime->ctx, host, bytes);
    return status;
}

static evr_status make_tensor(evr_replayer *r, size_t arg, size_t item, const evr_tensor *what, evr_value *out, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(r);
    evr_context *ctx = r->runtime->ctx;
    if (!evr_grow(ctx, (void **)&r->tensors, &r->tensor_cap, r->tensor_count + 1, sizeof *r->tensors))
        return evr_fail_nomem(err);
    EVR_TRY(fn->tensor_new(fn->self, what, r->runtime->device, &r->tensors[r->tensor_count], err));
    evr_bridge_tensor *tensor = r->tensors[r->tensor_count++];
    evr_fill fill = evr_rule_for(r->ir, arg, item, what);
    *out = (evr_value){.kind = EVR_VALUE_HANDLE, .u.handle = tensor};
    return strcmp(r->runtime->device, "meta") == 0 ? EVR_OK : fill_tensor(r, tensor, what, &fill, err);
}

/* The record's value with live tensors in place of descriptions; `item` counts the items of its lists, those that are no tensors included: rules go by their place. */
static evr_status make_value(evr_replayer *r, size_t arg, size_t *item, const evr_value *from, evr_value *out, int depth, evr_error **err)
{
    size_t place = from->kind == EVR_VALUE_LIST ? 0 : (*item)++;
    *out = *from;
    if (from->kind == EVR_VALUE_TENSOR)
        return make_tensor(r, arg, place, from->u.tensor, out, err);
    if (from->kind == EVR_VALUE_DEVICE && depth == 0) { /* the trace's device becomes the one in use */
        out->u.s = evr_str_c(r->runtime->device);
        return EVR_OK;
    }
    if (from->kind != EVR_VALUE_LIST || depth > DEEPEST)
        return EVR_OK;
    evr_value *items = evr_arena_alloc(&r->arena, from->u.list.len * sizeof *items);
    if (!items && from->u.list.len)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < from->u.list.len; i++)
        EVR_TRY(make_value(r, arg, item, &from->u.list.items[i], &items[i], depth + 1, err));
    out->u.list.items = items;
    return EVR_OK;
}

/* A text that was not recorded may decide which kernel runs. */
static evr_status warn_of_text(evr_replayer *r, const evr_argument *a, evr_error **err)
{
    if (a->value.kind != EVR_VALUE_STR || a->provenance != EVR_FROM_RULE)
        return EVR_OK;
    return evr_replayer_warn(r, err, "argument %.*s is \"%.*s\": %.*s", EVR_STR_ARG(a->name), EVR_STR_ARG(a->value.u.s), EVR_STR_ARG(a->note));
}

static evr_status make_values(evr_replayer *r, evr_error **err)
{
    r->values = evr_arena_alloc_zeroed(&r->arena, (r->value_count + 1) * sizeof *r->values);
    if (!r->values)
        return evr_fail_nomem(err);
    for (size_t p = 0; p < r->value_count; p++) {
        size_t a = evr_replayer_arg_of(r, p);
        if (a != SIZE_MAX) {
            size_t item = 0;
            EVR_TRY(make_value(r, a, &item, &r->ir->args[a].value, &r->values[p], 0, err));
            EVR_TRY(warn_of_text(r, &r->ir->args[a], err));
        }
        if (r->values[p].kind == EVR_VALUE_MISSING && !(r->schema && r->schema->params[p].has_default)) {
            evr_fail(r->runtime->ctx, err, EVR_E_MISSING_VALUE, "%.*s: argument %.*s has no value", EVR_STR_ARG(r->ir->op),
                     EVR_STR_ARG(r->schema ? r->schema->params[p].name : r->ir->args[a].name));
            return evr_hint(err, "set it with evr_replayer_set_argument(), or record the trace with record_shapes=True");
        }
    }
    return EVR_OK;
}

/* Everything that can be said without taking memory. */
static evr_status check(evr_replayer *r, evr_error **err)
{
    evr_context *ctx = r->runtime->ctx;
    const evr_bridge *fn = evr_bridge_of(r);
    if (r->ir->status != EVR_STATUS_OK) {
        evr_fail(ctx, err, EVR_E_NOT_REPLAYABLE, "%.*s is %s: %s. %.*s", EVR_STR_ARG(r->ir->op), evr_outcome_name(r->ir->status),
                 evr_reason_name(r->ir->reason), EVR_STR_ARG(r->ir->detail));
        return evr_hint(err, "%s", evr_reason_advice(r->ir->reason));
    }
    EVR_TRY(evr_overload_find(r->runtime, r->ir, &r->arena, &r->schema, &r->found, err));
    r->value_count = r->schema ? r->schema->param_count : r->ir->arg_count;
    if (r->schema)
        EVR_TRY(fn->op_find(fn->self, r->schema->name, r->schema->overload, &r->op, err));
    if (r->op && !fn->op_runs_on(fn->self, r->op, r->runtime->device)) {
        evr_fail(ctx, err, EVR_E_UNSUPPORTED, "%.*s has no kernel for %s", EVR_STR_ARG(r->ir->op), r->runtime->device);
        return evr_hint(err, "replay on the kind of device that the trace came from");
    }
    EVR_TRY(evr_record_bytes(r->ir, &r->bytes, err));
    uint64_t budget = evr_runtime_budget(r->runtime);
    if (r->bytes > budget && strcmp(r->runtime->device, "meta") != 0) {
        evr_fail(ctx, err, EVR_E_TOO_LARGE, "%.*s needs %.2f GB of tensors, and %.2f GB are allowed", EVR_STR_ARG(r->ir->op),
                 (double)r->bytes / 1e9, (double)budget / 1e9);
        return evr_hint(err, "raise max_bytes (--max-bytes), or use a machine with more memory");
    }
    return EVR_OK;
}

/* With the values as they are, under autocast if the recorded call was. */
static evr_status new_call(evr_replayer *r, evr_bridge_call **out, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(r);
    EVR_TRY(fn->call_new(fn->self, r->op, r->values, r->value_count, out, err));
    if (r->ir->autocast == EVR_DTYPE_UNKNOWN)
        return EVR_OK;
    if (fn->call_autocast && fn->call_autocast(fn->self, *out, r->ir->autocast, NULL) == EVR_OK)
        return EVR_OK;
    return evr_replayer_warn(r, err, "the call ran under autocast to %s, which is not to be had here: without it", evr_dtype_name(r->ir->autocast));
}

static evr_status set_up(evr_replayer *r, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(r);
    EVR_TRY(fn->seed(fn->self, r->runtime->seed, err));
    EVR_TRY(make_values(r, err));
    EVR_TRY(evr_replayer_initialize(r, err));
    EVR_TRY(evr_replayer_realise_symmetric(r, err));
    if (r->op)
        EVR_TRY(new_call(r, &r->call, err));
    r->ready = true;
    return EVR_OK;
}

evr_status evr_replayer_new(evr_runtime *runtime, const evr_ir *ir, const evr_replayer_options *options, evr_replayer **out,
                            evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!runtime || !ir || !out)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_replayer_new: runtime, record and `out` are needed");
    evr_replayer *r = evr_alloc_zeroed(runtime->ctx, sizeof *r);
    if (!r)
        return evr_fail_nomem(err);
    r->runtime = runtime;
    r->ir = ir;
    evr_arena_init(&r->arena, runtime->ctx);
    evr_replayer_options o = {0};
    EVR_TAKE(&o, options);
    r->flags = o.flags;
    evr_status status = check(r, err);
    if (status == EVR_OK && !(r->flags & EVR_REPLAYER_LAZY))
        status = set_up(r, err);
    if (status != EVR_OK) {
        tell(r, status, err);
        evr_replayer_free(r);
        return status;
    }
    *out = r;
    return EVR_OK;
}

void evr_replayer_free(evr_replayer *r)
{
    if (!r)
        return;
    const evr_bridge *fn = evr_bridge_of(r);
    evr_context *ctx = r->runtime->ctx;
    if (r->call)
        fn->call_free(fn->self, r->call);
    for (size_t i = 0; i < r->tensor_count; i++)
        fn->tensor_free(fn->self, r->tensors[i]);
    if (r->found.callable && r->found.host.free)
        r->found.host.free(r->found.host.self);
    evr_release(ctx, r->tensors, r->tensor_cap * sizeof *r->tensors);
    evr_release(ctx, r->warnings, r->warning_cap * sizeof *r->warnings);
    evr_arena_free(&r->arena);
    evr_release(ctx, r, sizeof *r);
}

static evr_status need_call(evr_replayer *r, evr_error **err)
{
    if (r->ready)
        return EVR_OK;
    if (r->failed)
        return evr_fail(r->runtime->ctx, err, EVR_E_STATE, "this replayer could not be set up before");
    evr_status status = set_up(r, err);
    r->failed = status != EVR_OK;
    return status == EVR_OK ? EVR_OK : tell(r, status, err);
}

static evr_status run_callable(evr_replayer *r, evr_error **err)
{
    evr_str *names = evr_alloc(r->runtime->ctx, (r->value_count + 1) * sizeof *names);
    if (!names)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < r->value_count; i++)
        names[i] = r->ir->args[i].name;
    evr_status status = r->found.host.call(r->found.host.self, r, r->values, names, r->value_count, err);
    evr_release(r->runtime->ctx, names, (r->value_count + 1) * sizeof *names);
    return status;
}

evr_status evr_replayer_run_many(evr_replayer *r, uint64_t count, evr_error **err)
{
    if (err)
        *err = NULL;
    const evr_bridge *fn = evr_bridge_of(r);
    EVR_TRY(need_call(r, err));
    for (uint64_t i = 0; i < count; i++) {
        evr_status status = r->op ? fn->call_run(fn->self, r->call, err) : run_callable(r, err);
        if (status != EVR_OK)
            return tell(r, status, err);
    }
    return EVR_OK;
}

evr_status evr_replayer_run(evr_replayer *r, evr_error **err)
{
    EVR_TRY(evr_replayer_run_many(r, 1, err));
    if (r->runtime->on_cpu) /* there the call returns when the work is done */
        return EVR_OK;
    const evr_bridge *fn = evr_bridge_of(r);
    evr_status status = fn->device_wait(fn->self, r->runtime->device, err);
    return status == EVR_OK ? EVR_OK : tell(r, status, err);
}

evr_status evr_replayer_argument(evr_replayer *r, size_t index, evr_value *out, evr_error **err)
{
    if (err)
        *err = NULL;
    EVR_TRY(need_call(r, err));
    size_t p = index < r->ir->arg_count ? evr_replayer_param_of(r, index) : SIZE_MAX;
    if (p == SIZE_MAX)
        return evr_fail(r->runtime->ctx, err, EVR_E_NOT_FOUND, "%.*s has no argument %zu", EVR_STR_ARG(r->ir->op), index);
    *out = r->values[p];
    return EVR_OK;
}

/* Texts and lists are copied into the replayer. */
static evr_status copy_plain(evr_replayer *r, const evr_value *from, evr_value *to, int depth, evr_error **err)
{
    *to = *from;
    if (from->kind == EVR_VALUE_TENSOR || from->kind == EVR_VALUE_HANDLE || depth > 8)
        return evr_fail(r->runtime->ctx, err, EVR_E_INVALID, "tensors cannot be set as arguments");
    if (from->kind == EVR_VALUE_STR || from->kind == EVR_VALUE_DEVICE) {
        to->u.s = evr_arena_str(&r->arena, from->u.s);
        return to->u.s.data ? EVR_OK : evr_fail_nomem(err);
    }
    if (from->kind != EVR_VALUE_LIST)
        return EVR_OK;
    evr_value *items = evr_arena_alloc(&r->arena, from->u.list.len * sizeof *items);
    if (!items)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < from->u.list.len; i++)
        EVR_TRY(copy_plain(r, &from->u.list.items[i], &items[i], depth + 1, err));
    to->u.list.items = items;
    return EVR_OK;
}

evr_status evr_replayer_copy_plain(evr_replayer *r, const evr_value *from, evr_value *to, evr_error **err)
{
    return copy_plain(r, from, to, 0, err);
}

evr_status evr_replayer_set_argument(evr_replayer *r, size_t index, const evr_value *value, evr_error **err)
{
    evr_value old, fresh;
    EVR_TRY(evr_replayer_argument(r, index, &old, err));
    EVR_TRY(copy_plain(r, value, &fresh, 0, err));
    const evr_bridge *fn = evr_bridge_of(r);
    size_t p = evr_replayer_param_of(r, index);
    evr_bridge_call *call = NULL;
    r->values[p] = fresh;
    if (!r->op)
        return EVR_OK;
    evr_status status = new_call(r, &call, err);
    if (status != EVR_OK) { /* the one before stays in force */
        if (call)
            fn->call_free(fn->self, call);
        r->values[p] = old;
        return tell(r, status, err);
    }
    fn->call_free(fn->self, r->call);
    r->call = call;
    return EVR_OK;
}

size_t evr_replayer_result_count(evr_replayer *r)
{
    return r->call ? evr_bridge_of(r)->call_result_count(evr_bridge_of(r)->self, r->call) : 0;
}

evr_status evr_replayer_result(evr_replayer *r, size_t index, evr_value *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (index >= evr_replayer_result_count(r))
        return evr_fail(r->runtime->ctx, err, EVR_E_NOT_FOUND, "the last run of %.*s has no result %zu", EVR_STR_ARG(r->ir->op), index);
    return evr_bridge_of(r)->call_result(evr_bridge_of(r)->self, r->call, index, out, err);
}

static evr_status need_handle(evr_replayer *r, const evr_value *v, evr_error **err)
{
    if (err)
        *err = NULL;
    return v && v->kind == EVR_VALUE_HANDLE && v->u.handle ? EVR_OK
                                                           : evr_fail(r->runtime->ctx, err, EVR_E_INVALID, "the value is no live tensor");
}

evr_status evr_replayer_describe(evr_replayer *r, const evr_value *tensor, evr_tensor *out, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(r);
    evr_tensor_info info = {.struct_size = sizeof info};
    EVR_TRY(need_handle(r, tensor, err));
    EVR_TRY(fn->tensor_info(fn->self, tensor->u.handle, &info, err));
    size_t item = evr_dtype_size(info.dtype);
    *out = (evr_tensor){
        .struct_size = sizeof *out,
        .dtype = info.dtype,
        .rank = info.rank,
        .shape = info.shape,
        .strides = info.strides,
        .storage_offset = info.storage_offset,
        .storage_elements = item ? (int64_t)(info.storage_bytes / item) : 0,
        .dtype_text = evr_str_c(evr_dtype_name(info.dtype)),
        .device = info.device,
        .init = {"", 0},
    };
    return EVR_OK;
}

evr_status evr_replayer_read(evr_replayer *r, const evr_value *tensor, uint64_t offset, void *to, uint64_t size, evr_error **err)
{
    EVR_TRY(need_handle(r, tensor, err));
    return evr_bridge_of(r)->tensor_read(evr_bridge_of(r)->self, tensor->u.handle, offset, to, size, err);
}

evr_status evr_replayer_to_dlpack(evr_replayer *r, const evr_value *tensor, void **out, evr_error **err)
{
    EVR_TRY(need_handle(r, tensor, err));
    if (!evr_bridge_of(r)->tensor_to_dlpack)
        return evr_fail(r->runtime->ctx, err, EVR_E_UNSUPPORTED, "this bridge cannot share tensors through DLPack");
    return evr_bridge_of(r)->tensor_to_dlpack(evr_bridge_of(r)->self, tensor->u.handle, out, err);
}

size_t evr_replayer_warning_count(const evr_replayer *r) { return r->warning_count; }
evr_str evr_replayer_warning(const evr_replayer *r, size_t index) { return index < r->warning_count ? r->warnings[index] : (evr_str){"", 0}; }
evr_str evr_replayer_initializer(const evr_replayer *r) { return r->initializer.data ? r->initializer : (evr_str){"", 0}; }

uint64_t evr_replayer_bytes(const evr_replayer *r) { return r->bytes; }

evr_status evr_replayer_repro(evr_replayer *r, char **out, size_t *size, evr_error **err)
{
    return evr_ir_write(r->runtime->ctx, &r->ir, 1, EVR_IR_FORMAT_EVREPLAY, out, size, err);
}
