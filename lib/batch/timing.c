/* Times of a record. */
#include "batch/attempt.h"

#include "base/error.h"

enum { RESTORED = 16 << 20 }; /* bytes of written arguments that are put back before each run */

/* Arguments that the operator writes, as they were: run after run they would drift to where numbers are slow or infinite. */
typedef struct snapshot {
    evr_replayer *r;
    struct {
        evr_bridge_tensor *tensor;
        void *storage, *copy;
        size_t bytes;
    } items[16];
    size_t count, bytes;
    evr_together *with; /* NULL = alone */
} snapshot;

static evr_status run_once(void *user, evr_error **err) { return evr_replayer_run_many(((snapshot *)user)->r, 1, err); }

/* A run that fails is told to the other ranks where all of them next meet. */
static evr_status run_together(void *user, evr_error **err)
{
    snapshot *s = user;
    (void)err;
    if (s->with->failed == EVR_OK)
        s->with->failed = evr_replayer_run_many(s->r, 1, &s->with->failure);
    return EVR_OK;
}

static evr_status agree(void *user, double *values, size_t count, evr_error **err) { return evr_together_values(((snapshot *)user)->with, values, count, err); }

static evr_status restore(void *user, evr_error **err)
{
    const snapshot *s = user;
    const evr_bridge *fn = evr_bridge_of(s->r);
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].storage)
            memcpy(s->items[i].storage, s->items[i].copy, s->items[i].bytes);
        else
            EVR_TRY(fn->tensor_write(fn->self, s->items[i].tensor, 0, s->items[i].copy, s->items[i].bytes, err));
    }
    return s->with ? evr_together_start(s->with, err) : EVR_OK;
}

static evr_status keep(evr_context *ctx, snapshot *s, const evr_value *v, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(s->r);
    evr_tensor_info info = {.struct_size = sizeof info};
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        EVR_TRY(keep(ctx, s, &v->u.list.items[i], err));
    if (v->kind != EVR_VALUE_HANDLE || s->count == sizeof s->items / sizeof *s->items)
        return EVR_OK;
    EVR_TRY(fn->tensor_info(fn->self, v->u.handle, &info, err));
    if (!info.storage_bytes || info.storage_bytes > RESTORED - s->bytes)
        return EVR_OK;
    void *copy = evr_alloc(ctx, (size_t)info.storage_bytes);
    if (!copy)
        return evr_fail_nomem(err);
    s->items[s->count].tensor = v->u.handle;
    s->items[s->count].storage = info.host_storage;
    s->items[s->count].copy = copy;
    s->items[s->count++].bytes = (size_t)info.storage_bytes;
    s->bytes += (size_t)info.storage_bytes;
    return fn->tensor_read(fn->self, v->u.handle, 0, copy, info.storage_bytes, err);
}

static bool is_written(const evr_type *type)
{
    const evr_type *t = evr_type_bare(type);
    return type->written || t->written || (t->kind == EVR_TYPE_LIST && is_written(t->elem));
}

/* The trace shows few kernels and no copy back to the host, which the operator would wait for. */
static bool is_gateable(const evr_ir *ir)
{
    uint64_t launches = 0;
    for (size_t i = 0; i < ir->kernel_count; i++) {
        if (evr_str_has(ir->kernels[i].name, "DtoH") || evr_str_has(ir->kernels[i].name, "Device -> Pageable") || evr_str_has(ir->kernels[i].name, "DeviceToHost"))
            return false;
        launches += ir->kernels[i].count;
    }
    return launches && launches <= 16 * (ir->count ? ir->count : 1);
}

static void forget(evr_context *ctx, snapshot *s)
{
    for (size_t i = 0; i < s->count; i++)
        evr_release(ctx, s->items[i].copy, s->items[i].bytes);
}

static int32_t threads_of(evr_replayer *r)
{
    const evr_bridge *fn = evr_bridge_of(r);
    return fn->threads ? fn->threads(fn->self, 0) : 1;
}

static evr_status measure(evr_replayer *r, evr_meter *meter, const evr_protocol *protocol, evr_together *with, evr_measurement **out, evr_error **err)
{
    evr_context *ctx = r->runtime->ctx;
    snapshot s = {.r = r, .with = with};
    evr_status status = evr_replayer_run_many(r, 0, err); /* a lazy one has no tensors before */
    for (size_t p = 0; r->schema && p < r->value_count && status == EVR_OK; p++)
        if (is_written(r->schema->params[p].type))
            status = keep(ctx, &s, &r->values[p], err);
    uint32_t flags = is_gateable(r->ir) && !with ? EVR_MEASURED_GATEABLE : 0; /* ranks that wait for each other must not be held */
    if (with || (r->runtime->on_cpu && threads_of(r) > 1))
        flags |= EVR_MEASURED_PARALLEL;
    const evr_measured what = {
        .struct_size = sizeof what,
        .flags = flags,
        .run = with ? run_together : run_once,
        .prepare = s.count || with ? restore : NULL,
        .user = &s,
        .agree = with ? agree : NULL,
    };
    if (status == EVR_OK)
        status = evr_measure(meter, protocol, &what, out, err);
    forget(ctx, &s);
    return status;
}

evr_status evr_replayer_measure(evr_replayer *r, evr_meter *meter, const evr_protocol *protocol, evr_measurement **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!r || !meter || !out)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_replayer_measure: a replayer, a meter and `out` are needed");
    return measure(r, meter, protocol, NULL, out, err);
}

evr_status evr_attempt_time(evr_attempter *a, evr_replayer *r, evr_together *with, evr_measurement **out, evr_error **err)
{
    return measure(r, a->meter, &a->protocol, with, out, err);
}
