#include "base/context.h"

#include "base/error.h"
#include "base/sized.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *libc_alloc(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void *libc_resize(void *user, void *block, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    return realloc(block, new_size);
}

static void libc_release(void *user, void *block, size_t size)
{
    (void)user;
    (void)size;
    free(block);
}

static const evr_allocator libc_allocator = {
    EVR_INIT(evr_allocator), 0, NULL, libc_alloc, libc_resize, libc_release,
};

static bool allocator_complete(const evr_context_options *o)
{
    const evr_allocator *a = o->allocator;
    return !a || (a->struct_size >= sizeof *a && a->alloc && a->resize && a->release);
}

evr_status evr_context_new(const evr_context_options *options, evr_context **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!out)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_context_new: `out` is NULL");
    *out = NULL;
    evr_context_options o = {0};
    bool sized = !options || (options->struct_size >= offsetof(evr_context_options, allocator) &&
                              options->struct_size <= sizeof o + 4096);
    if (options && sized) /* what an older caller's structure lacks stays zero */
        EVR_TAKE(&o, options);
    if (!sized || !allocator_complete(&o)) {
        evr_fail(NULL, err, EVR_E_INVALID, "evr_context_new: unknown struct_size or incomplete allocator");
        return evr_hint(err, "set struct_size with EVR_INIT and give alloc, resize and release together");
    }
    const evr_allocator *a = o.allocator ? o.allocator : &libc_allocator;
    evr_context *ctx = a->alloc(a->user, sizeof *ctx);
    if (!ctx)
        return evr_fail_nomem(err);
    memset(ctx, 0, sizeof *ctx);
    atomic_init(&ctx->refs, 1);
    atomic_init(&ctx->registry, NULL);
    atomic_init(&ctx->registry_free, NULL);
    ctx->allocator = *a;
    ctx->log = o.log;
    ctx->log_user = o.log_user;
    ctx->log_level = o.log_level ? o.log_level : EVR_LOG_WARNING;
    if (o.plugin_path && o.plugin_path[0]) {
        ctx->plugin_path = evr_strdup(ctx, evr_str_c(o.plugin_path));
        if (!ctx->plugin_path) {
            evr_context_free(ctx);
            return evr_fail_nomem(err);
        }
    }
    *out = ctx;
    return EVR_OK;
}

evr_context *evr_context_ref(evr_context *ctx)
{
    atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    return ctx;
}

void evr_context_free(evr_context *ctx)
{
    if (!ctx || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1)
        return;
    void *registry = atomic_load(&ctx->registry);
    if (registry)
        atomic_load(&ctx->registry_free)(registry);
    if (ctx->plugin_path)
        evr_release(ctx, ctx->plugin_path, strlen(ctx->plugin_path) + 1);
    evr_allocator a = ctx->allocator;
    a.release(a.user, ctx, sizeof *ctx);
}

evr_str evr_context_plugin_path(const evr_context *ctx)
{
    return evr_str_c(ctx && ctx->plugin_path ? ctx->plugin_path : "");
}

void evr_log(evr_context *ctx, int32_t level, const char *format, ...)
{
    if (!ctx->log || level > ctx->log_level)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return;
    size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    ctx->log(ctx->log_user, level, (evr_str){text, len});
}
