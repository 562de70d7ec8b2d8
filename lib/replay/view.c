/* A record being set up, as initializers see it, and the order they are asked in. */
#include "base/buf.h"
#include "base/sized.h"
#include "init/builtin.h"
#include "init/fill.h"
#include "init/philox.h"
#include "registry/inits.h"
#include "replay/replayer.h"

/* Storage of a device's tensor while an initializer writes it. */
typedef struct staged {
    evr_bridge_tensor *tensor;
    void *host;
    uint64_t bytes;
} staged;

struct evr_init_view {
    evr_replayer *r;
    staged *staged;
    size_t staged_count, staged_cap;
};

evr_context *evr_init_context(const evr_init_view *view) { return view->r->runtime->ctx; }
const evr_ir *evr_init_record(const evr_init_view *view) { return view->r->ir; }
uint64_t evr_init_seed(const evr_init_view *view) { return view->r->runtime->seed; }

size_t evr_init_find(const evr_init_view *view, const char *name)
{
    const evr_replayer *r = view->r;
    for (size_t p = 0; r->schema && p < r->value_count; p++)
        if (evr_str_is(r->schema->params[p].name, name))
            return evr_replayer_arg_of(r, p);
    for (size_t a = 0; a < r->ir->arg_count; a++)
        if (evr_str_is(r->ir->args[a].name, name))
            return a;
    return SIZE_MAX;
}

evr_str evr_init_option(const evr_init_view *view, const char *key) { return evr_init_option_of(view->r->runtime->ctx, evr_str_c(key)); }

uint32_t evr_init_random(const evr_init_view *view, uint32_t stream, uint64_t index)
{
    uint32_t words[4];
    /* tensors take streams from 0 up: these have the upper half to themselves */
    evr_philox(view->r->runtime->seed, UINT64_C(1) << 63 | stream, index / 4, words);
    return words[index % 4];
}

static evr_status find_tensor(const evr_init_view *view, size_t arg, size_t item, evr_bridge_tensor **out, evr_error **err)
{
    const evr_replayer *r = view->r;
    size_t p = evr_replayer_param_of(r, arg);
    const evr_value *v = p == SIZE_MAX ? NULL : &r->values[p];
    if (v && v->kind == EVR_VALUE_LIST)
        v = item < v->u.list.len ? &v->u.list.items[item] : NULL;
    else if (item)
        v = NULL;
    if (!v || v->kind != EVR_VALUE_HANDLE)
        return evr_fail(r->runtime->ctx, err, EVR_E_NOT_FOUND, "argument %zu of %.*s holds no tensor %zu", arg, EVR_STR_ARG(r->ir->op), item);
    *out = v->u.handle;
    return EVR_OK;
}

/* Host memory with what the device's storage holds; kept until the initializer is done. */
static evr_status stage(evr_init_view *view, evr_bridge_tensor *tensor, uint64_t bytes, void **out, evr_error **err)
{
    evr_replayer *r = view->r;
    const evr_bridge *fn = evr_bridge_of(r);
    for (size_t i = 0; i < view->staged_count; i++)
        if (view->staged[i].tensor == tensor) {
            *out = view->staged[i].host;
            return EVR_OK;
        }
    if (!evr_grow(r->runtime->ctx, (void **)&view->staged, &view->staged_cap, view->staged_count + 1, sizeof *view->staged))
        return evr_fail_nomem(err);
    void *host = evr_alloc(r->runtime->ctx, (size_t)bytes);
    if (!host)
        return evr_fail_nomem(err);
    view->staged[view->staged_count++] = (staged){tensor, host, bytes};
    *out = host;
    return fn->tensor_read(fn->self, tensor, 0, host, bytes, err);
}

evr_status evr_init_tensor_at(evr_init_view *view, size_t arg, size_t item, evr_init_tensor *out, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(view->r);
    evr_bridge_tensor *tensor = NULL;
    evr_tensor_info info = {.struct_size = sizeof info};
    if (err)
        *err = NULL;
    EVR_TRY(find_tensor(view, arg, item, &tensor, err));
    EVR_TRY(fn->tensor_info(fn->self, tensor, &info, err));
    void *storage = info.host_storage;
    if (!storage && info.storage_bytes)
        EVR_TRY(stage(view, tensor, info.storage_bytes, &storage, err));
    evr_init_tensor full = {
        .struct_size = out->struct_size,
        .dtype = info.dtype,
        .rank = info.rank,
        .shape = info.shape,
        .strides = info.strides,
        .storage_offset = info.storage_offset,
        .storage = storage,
        .storage_bytes = info.storage_bytes,
    };
    EVR_GIVE(out, &full);
    return EVR_OK;
}

/* Numbers through the tensor's strides, in row-major order. */
static evr_status write_numbers(evr_init_view *view, size_t arg, size_t item, const int64_t *whole, const double *real, size_t count, evr_error **err)
{
    evr_init_tensor t = {.struct_size = sizeof t};
    EVR_TRY(evr_init_tensor_at(view, arg, item, &t, err));
    size_t elements = 1, size = evr_dtype_size(t.dtype);
    for (uint32_t d = 0; d < t.rank; d++)
        elements *= (size_t)t.shape[d];
    evr_context *ctx = view->r->runtime->ctx;
    if (count != elements || t.rank > 64)
        return evr_fail(ctx, err, EVR_E_INVALID, "%zu numbers were given for the %zu elements of argument %zu", count, elements, arg);
    int64_t at[64] = {0}, offset = t.storage_offset;
    for (size_t i = 0; i < count; i++) {
        uint64_t byte = (uint64_t)offset * size;
        if (offset < 0 || byte + size > t.storage_bytes)
            return evr_fail(ctx, err, EVR_E_INTERNAL, "argument %zu reaches beyond its storage", arg);
        if (!evr_fill_number(t.dtype, whole ? (double)whole[i] : real[i], whole ? whole[i] : (int64_t)real[i], (char *)t.storage + byte))
            return evr_fail(ctx, err, EVR_E_UNSUPPORTED, "tensors of type %s cannot be written", evr_dtype_name(t.dtype));
        for (uint32_t d = t.rank; d-- > 0;) {
            offset += t.strides[d];
            if (++at[d] < t.shape[d])
                break;
            offset -= t.strides[d] * t.shape[d];
            at[d] = 0;
        }
    }
    return EVR_OK;
}

evr_status evr_init_write_i64(evr_init_view *view, size_t arg, size_t item, const int64_t *values, size_t count, evr_error **err)
{
    return write_numbers(view, arg, item, values, NULL, count, err);
}

evr_status evr_init_write_f64(evr_init_view *view, size_t arg, size_t item, const double *values, size_t count, evr_error **err)
{
    return write_numbers(view, arg, item, NULL, values, count, err);
}

evr_status evr_init_set_value(evr_init_view *view, size_t arg, const evr_value *value, evr_error **err)
{
    evr_replayer *r = view->r;
    size_t p = evr_replayer_param_of(r, arg);
    evr_value fresh;
    if (err)
        *err = NULL;
    if (p == SIZE_MAX || r->values[p].kind == EVR_VALUE_HANDLE)
        return evr_fail(r->runtime->ctx, err, EVR_E_NOT_FOUND, "%.*s has no argument %zu that is no tensor", EVR_STR_ARG(r->ir->op), arg);
    EVR_TRY(evr_replayer_copy_plain(r, value, &fresh, err));
    r->values[p] = fresh;
    return EVR_OK;
}

evr_status evr_init_warn(evr_init_view *view, const char *message) { return evr_replayer_warn(view->r, NULL, "%s", message ? message : ""); }

/* Brings what was written to the device. */
static evr_status finish(evr_init_view *view, bool write, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(view->r);
    evr_context *ctx = view->r->runtime->ctx;
    evr_status status = EVR_OK;
    for (size_t i = 0; i < view->staged_count; i++) {
        const staged *s = &view->staged[i];
        if (write && status == EVR_OK)
            status = fn->tensor_write(fn->self, s->tensor, 0, s->host, s->bytes, err);
        evr_release(ctx, s->host, (size_t)s->bytes);
    }
    evr_release(ctx, view->staged, view->staged_cap * sizeof *view->staged);
    return status;
}

/* True when the initializer had its say, well or badly. */
static evr_status ask(evr_replayer *r, const evr_custom_init *init, bool *done, evr_error **err)
{
    *done = false;
    if (init->applies && !init->applies(init->user, r->ir))
        return EVR_OK;
    evr_init_view view = {.r = r};
    evr_error *failure = NULL;
    evr_status status = init->init(init->user, &view, &failure);
    evr_status written = finish(&view, status == EVR_OK, err);
    *done = status != EVR_PASSTHROUGH;
    if (written == EVR_OK && status == EVR_OK) {
        r->initializer = evr_arena_str(&r->arena, evr_str_c(init->name));
        written = r->initializer.data ? EVR_OK : evr_fail_nomem(err);
    } else if (written == EVR_OK && *done) {
        written = evr_replayer_warn(r, err, "initializer %s failed, so the tensors hold what the rules say: %s", init->name,
                                    failure ? evr_error_message(failure) : evr_status_name(status));
    }
    evr_error_free(failure);
    return written;
}

evr_status evr_replayer_initialize(evr_replayer *r, evr_error **err)
{
    evr_init_cursor cursor = {0};
    evr_custom_init init;
    bool done = r->flags & EVR_REPLAYER_NO_AUTO_INIT || strcmp(r->runtime->device, "meta") == 0;
    while (!done && evr_registry_next_init(r->runtime->ctx, r->ir->op, &cursor, &init))
        EVR_TRY(ask(r, &init, &done, err));
    for (size_t i = 0; !done && i < evr_builtin_init_count; i++)
        EVR_TRY(ask(r, &evr_builtin_inits[i], &done, err));
    return EVR_OK;
}
