#include "plugin/backend.h"

#include "base/error.h"

#include <stdio.h>

#define SLOT(field)                                                                                                        \
    {                                                                                                                      \
#field, offsetof(evr_backend, field)                                                                               \
    }

static const evr_plugin_slot slots[] = {
    SLOT(self),         SLOT(name),        SLOT(version),         SLOT(shutdown),
    SLOT(device_count), SLOT(why),         SLOT(device_describe), SLOT(device_wait),
    SLOT(now_ns),       SLOT(stream_open), SLOT(stream_close),    SLOT(stream_wait),
    SLOT(span_new),     SLOT(span_free),   SLOT(span_begin),      SLOT(span_end),
    SLOT(span_ns),      SLOT(flush),
};

static evr_status enter(void *symbol, uint32_t abi, const evr_host *host, void *table, evr_error **err)
{
    evr_backend_init_fn init;
    memcpy(&init, &symbol, sizeof init); /* C has no cast from an object's pointer to a function's */
    return init(abi, host, table, err);
}

static void stop(void *table)
{
    evr_backend *fn = table;
    if (fn->shutdown)
        fn->shutdown(fn->self);
}

/* Slots that make sense together only: half of a pair is as good as none. */
static void drop_halves(evr_backend *fn)
{
    if (!fn->gate_close || !fn->gate_open) {
        fn->gate_close = NULL;
        fn->gate_open = NULL;
    }
    if (!fn->graph_begin || !fn->graph_end || !fn->graph_launch || !fn->graph_free) {
        fn->graph_begin = NULL;
        fn->graph_end = NULL;
        fn->graph_launch = NULL;
        fn->graph_free = NULL;
    }
    if (!fn->kernels_begin || !fn->kernels_end) {
        fn->kernels_begin = NULL;
        fn->kernels_end = NULL;
    }
}

/* A name becomes part of a file name: nothing that could leave the folder. */
static bool is_name(const char *name)
{
    size_t n = strnlen(name, 32);
    if (n == 0 || n == 32)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9')))
            return false;
    return true;
}

static evr_status open_backend(evr_context *ctx, const char *name, const char *where, evr_loaded_backend *backend,
                               evr_error **err)
{
    char file[64];
    snprintf(file, sizeof file, "libevreplay_%s.so", name);
    evr_plugin_kind kind = {
        .file = file,
        .variable = "EVREPLAY_BACKEND_PATH",
        .entry = EVR_BACKEND_ENTRY,
        .newest_abi = EVR_BACKEND_ABI,
        .table_size = sizeof(evr_backend),
        .required = slots,
        .required_count = sizeof slots / sizeof *slots,
        .enter = enter,
        .stop = stop,
        .advice = "install libevreplay with this backend, or use the backend cpu, which is part of the library",
    };
    bool builtin = strcmp(name, "cpu") == 0 && !(where && where[0]);
    if (!builtin)
        return evr_plugin_open(ctx, &kind, where, &backend->plugin, &backend->fn, err);
    evr_backend_init_fn init = evr_cpu_backend_init;
    void *symbol;
    memcpy(&symbol, &init, sizeof symbol);
    return evr_plugin_open_builtin(ctx, &kind, symbol, &backend->plugin, &backend->fn, err);
}

evr_status evr_backend_load(evr_context *ctx, const char *name, const char *where, evr_loaded_backend **out,
                            evr_error **err)
{
    *out = NULL;
    if (!is_name(name))
        return evr_fail(ctx, err, EVR_E_INVALID, "\"%.40s\" is no name of a backend: small letters and digits only", name);
    evr_loaded_backend *backend = evr_alloc_zeroed(ctx, sizeof *backend);
    if (!backend)
        return evr_fail_nomem(err);
    evr_status status = open_backend(ctx, name, where, backend, err);
    if (status != EVR_OK) {
        evr_release(ctx, backend, sizeof *backend);
        return status;
    }
    drop_halves(&backend->fn);
    *out = backend;
    return EVR_OK;
}

void evr_backend_unload(evr_loaded_backend *backend)
{
    if (!backend)
        return;
    stop(&backend->fn);
    evr_plugin plugin = backend->plugin;
    evr_release(plugin.ctx, backend, sizeof *backend);
    evr_plugin_close(&plugin);
}
