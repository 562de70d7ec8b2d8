#include "replay/runtime.h"

#include "base/error.h"
#include "base/sized.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static evr_status set_device(evr_runtime *r, const char *device, evr_error **err)
{
    if (!device || !device[0])
        device = "cpu";
    bool indexed = strchr(device, ':') || strcmp(device, "cpu") == 0 || strcmp(device, "meta") == 0;
    int n = snprintf(r->device, sizeof r->device, indexed ? "%s" : "%s:0", device);
    if (n < 0 || (size_t)n >= sizeof r->device)
        return evr_fail(r->ctx, err, EVR_E_INVALID, "\"%.40s…\" is no device", device);
    r->on_cpu = strcmp(r->device, "cpu") == 0;
    return r->bridge->fn.device_check(r->bridge->fn.self, r->device, err);
}

evr_status evr_runtime_open(evr_context *ctx, const evr_runtime_options *options, evr_runtime **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    evr_runtime_options o = {0};
    EVR_TAKE(&o, options);
    if (!ctx || !out || (options && options->struct_size < offsetof(evr_runtime_options, bridge)))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_runtime_open: context, `out` and the options' struct_size are needed");
    evr_runtime *r = evr_alloc_zeroed(ctx, sizeof *r);
    if (!r)
        return evr_fail_nomem(err);
    r->ctx = evr_context_ref(ctx);
    evr_arena_init(&r->arena, ctx);
    r->max_bytes = o.max_bytes;
    r->seed = o.seed;
    evr_status status = evr_bridge_load(ctx, o.bridge, &r->bridge, err);
    if (status == EVR_OK)
        status = set_device(r, o.device, err);
    if (status != EVR_OK) {
        evr_runtime_free(r);
        return status;
    }
    if (o.threads && r->bridge->fn.threads)
        r->bridge->fn.threads(r->bridge->fn.self, o.threads);
    snprintf(r->version, sizeof r->version, "%s %s", r->bridge->fn.name, r->bridge->fn.version);
    *out = r;
    return EVR_OK;
}

void evr_runtime_free(evr_runtime *r)
{
    if (!r)
        return;
    evr_context *ctx = r->ctx;
    evr_bridge_unload(r->bridge);
    evr_release(ctx, r->imports, r->import_cap * sizeof *r->imports);
    evr_arena_free(&r->arena);
    evr_release(ctx, r, sizeof *r);
    evr_context_free(ctx);
}

evr_str evr_runtime_device(const evr_runtime *r) { return evr_str_c(r->device); }
evr_str evr_runtime_version(const evr_runtime *r) { return evr_str_c(r->version); }
evr_str evr_runtime_bridge_path(const evr_runtime *r) { return evr_str_c(r->bridge->plugin.path); }

evr_status evr_runtime_load_library(evr_runtime *r, const char *path, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!path || !path[0])
        return evr_fail(r->ctx, err, EVR_E_INVALID, "evr_runtime_load_library: a path is needed");
    return r->bridge->fn.load_library(r->bridge->fn.self, path, err);
}

/* A number in a file, behind `key` if that is given; `missing` when it is not there. */
static uint64_t number_in(const char *path, const char *key, uint64_t missing)
{
    FILE *f = fopen(path, "re");
    char line[256];
    uint64_t value = missing;
    if (!f)
        return missing;
    while (fgets(line, sizeof line, f)) {
        size_t skip = key ? strlen(key) : 0;
        if (key && strncmp(line, key, skip) != 0)
            continue;
        char *end;
        unsigned long long number = strtoull(line + skip, &end, 10);
        value = end == line + skip ? missing : number;
        break;
    }
    fclose(f);
    return value;
}

uint64_t evr_memory_free(void)
{
    uint64_t free_kb = number_in("/proc/meminfo", "MemAvailable:", UINT64_MAX / 1024);
    uint64_t bytes = free_kb * 1024;
    uint64_t limit = number_in("/sys/fs/cgroup/memory.max", NULL, UINT64_MAX), used = number_in("/sys/fs/cgroup/memory.current", NULL, 0);
    uint64_t allowed = limit > used ? limit - used : 0;
    return limit != UINT64_MAX && allowed < bytes ? allowed : bytes;
}

uint64_t evr_runtime_budget(const evr_runtime *r)
{
    return r->max_bytes ? r->max_bytes : evr_memory_free() / 10 * 9;
}
