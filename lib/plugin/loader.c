#include "plugin/loader.h"

#include "base/error.h"
#include "plugin/search.h"

#include <dlfcn.h>

typedef struct opening {
    const evr_plugin_kind *kind;
    evr_plugin *plugin;
    void *table;
} opening;

static void host_log(void *user, int32_t level, const char *message) { evr_log(user, level, "%s", message ? message : ""); }

static evr_status host_error(void *user, evr_error **err, evr_status code, const char *message, const char *hint)
{
    return evr_error_make(user, err, code, message, hint);
}

/* The dynamic linker's reason, without the path that it often begins with. */
static const char *link_error(const char *path)
{
    const char *reason = dlerror();
    size_t len = strlen(path);
    if (!reason)
        return "it cannot be loaded";
    return strncmp(reason, path, len) == 0 && strncmp(reason + len, ": ", 2) == 0 ? reason + len + 2 : reason;
}

static evr_status try_library(void *user, const char *path, evr_buf *why)
{
    opening *o = user;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        evr_buf_c(why, link_error(path));
        return EVR_E_PLUGIN;
    }
    void *symbol = dlsym(library, o->kind->entry);
    if (!symbol) {
        evr_buf_printf(why, "it is no plug-in: it has no symbol %s", o->kind->entry);
        return EVR_E_PLUGIN;
    }
    EVR_TRY(evr_plugin_start(o->kind, symbol, &o->plugin->host, o->table, why));
    o->plugin->path = evr_strdup(o->plugin->ctx, evr_str_c(path));
    if (o->plugin->path)
        return EVR_OK;
    o->kind->stop(o->table);
    return EVR_E_NOMEM;
}

static evr_status not_found(evr_context *ctx, const evr_plugin_kind *kind, evr_status status, const evr_buf *why,
                            evr_error **err)
{
    if (status == EVR_E_NOMEM || why->failed)
        return evr_fail_nomem(err);
    if (why->len)
        evr_fail(ctx, err, status, "no usable plug-in %s was found; tried:%s", kind->file, why->data);
    else
        evr_fail(ctx, err, status, "no plug-in %s was found, and there was no folder to look in", kind->file);
    evr_hint(err, "%s, or set %s to its file or folder", kind->advice, kind->variable);
    return status; /* not evr_hint's, which knows none when nobody asked for the error */
}

static evr_plugin new_plugin(evr_context *ctx)
{
    return (evr_plugin){ctx, {EVR_INIT(evr_host), 0, ctx, host_log, host_error}, NULL};
}

evr_status evr_plugin_open(evr_context *ctx, const evr_plugin_kind *kind, const char *where, evr_plugin *plugin,
                           void *table, evr_error **err)
{
    *plugin = new_plugin(ctx);
    opening o = {kind, plugin, table};
    evr_plugin_search search = {ctx, where, kind->variable, kind->file};
    evr_buf why;
    evr_buf_init(&why, ctx);
    evr_status status = evr_plugin_find(&search, try_library, &o, &why);
    if (status == EVR_OK)
        evr_context_ref(ctx);
    else
        status = not_found(ctx, kind, status, &why, err);
    evr_buf_free(&why);
    return status;
}

evr_status evr_plugin_open_builtin(evr_context *ctx, const evr_plugin_kind *kind, void *symbol, evr_plugin *plugin,
                                   void *table, evr_error **err)
{
    *plugin = new_plugin(ctx);
    evr_buf why;
    evr_buf_init(&why, ctx);
    evr_status status = EVR_E_NOMEM;
    plugin->path = evr_strdup(ctx, EVR_STR_LITERAL(""));
    if (plugin->path)
        status = evr_plugin_start(kind, symbol, &plugin->host, table, &why);
    if (status == EVR_OK)
        evr_context_ref(ctx);
    else if (status == EVR_E_NOMEM || why.failed)
        status = evr_fail_nomem(err);
    else
        status = evr_fail(ctx, err, status, "the built-in plug-in %s did not start: %s", kind->file, why.data);
    if (status != EVR_OK && plugin->path)
        evr_release(ctx, plugin->path, 1);
    evr_buf_free(&why);
    return status;
}

void evr_plugin_close(evr_plugin *plugin)
{
    evr_release(plugin->ctx, plugin->path, strlen(plugin->path) + 1);
    evr_context_free(plugin->ctx);
}

#define SLOT(field)                                                                                                        \
    {                                                                                                                      \
#field, offsetof(evr_bridge, field)                                                                                \
    }

static const evr_plugin_slot bridge_slots[] = {
    SLOT(self),       SLOT(name),        SLOT(version),           SLOT(shutdown),     SLOT(load_library),
    SLOT(schemas),    SLOT(op_find),     SLOT(op_runs_on),        SLOT(device_check), SLOT(device_wait),
    SLOT(tensor_new), SLOT(tensor_free), SLOT(tensor_info),       SLOT(tensor_write), SLOT(tensor_read),
    SLOT(call_new),   SLOT(call_run),    SLOT(call_result_count), SLOT(call_result),  SLOT(call_free),
    SLOT(seed),
};

static evr_status enter_bridge(void *symbol, uint32_t abi, const evr_host *host, void *table, evr_error **err)
{
    evr_bridge_init_fn init;
    memcpy(&init, &symbol, sizeof init); /* C has no cast from an object's pointer to a function's */
    return init(abi, host, table, err);
}

static void stop_bridge(void *table)
{
    evr_bridge *fn = table;
    if (fn->shutdown)
        fn->shutdown(fn->self);
}

static const evr_plugin_kind bridge_kind = {
    .file = "libevreplay_torch.so",
    .variable = "EVREPLAY_BRIDGE",
    .entry = EVR_BRIDGE_ENTRY,
    .newest_abi = EVR_BRIDGE_ABI,
    .table_size = sizeof(evr_bridge),
    .required = bridge_slots,
    .required_count = sizeof bridge_slots / sizeof *bridge_slots,
    .enter = enter_bridge,
    .stop = stop_bridge,
    .advice = "build it with cmake -DEVREPLAY_TORCH=<folder of the installed torch> and install it",
};

evr_status evr_bridge_load(evr_context *ctx, const char *where, evr_loaded_bridge **out, evr_error **err)
{
    *out = NULL;
    evr_loaded_bridge *bridge = evr_alloc_zeroed(ctx, sizeof *bridge);
    if (!bridge)
        return evr_fail_nomem(err);
    evr_status status = evr_plugin_open(ctx, &bridge_kind, where, &bridge->plugin, &bridge->fn, err);
    if (status != EVR_OK) {
        evr_release(ctx, bridge, sizeof *bridge);
        return status;
    }
    if (!bridge->fn.record_begin || !bridge->fn.record_end)
        bridge->fn.record_begin = NULL, bridge->fn.record_end = NULL;
    *out = bridge;
    return EVR_OK;
}

void evr_bridge_unload(evr_loaded_bridge *bridge)
{
    if (!bridge)
        return;
    stop_bridge(&bridge->fn);
    evr_plugin plugin = bridge->plugin;
    evr_release(plugin.ctx, bridge, sizeof *bridge);
    evr_plugin_close(&plugin);
}
