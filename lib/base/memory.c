#include "base/context.h"

#include <string.h>

void *evr_alloc(evr_context *ctx, size_t size)
{
    return size ? ctx->allocator.alloc(ctx->allocator.user, size) : NULL;
}

void *evr_alloc_zeroed(evr_context *ctx, size_t size)
{
    void *block = evr_alloc(ctx, size);
    return block ? memset(block, 0, size) : NULL;
}

void *evr_resize(evr_context *ctx, void *block, size_t old_size, size_t new_size)
{
    if (!block)
        return evr_alloc(ctx, new_size);
    return ctx->allocator.resize(ctx->allocator.user, block, old_size, new_size);
}

void evr_release(evr_context *ctx, void *block, size_t size)
{
    if (block)
        ctx->allocator.release(ctx->allocator.user, block, size);
}

bool evr_grow(evr_context *ctx, void **array, size_t *cap, size_t need, size_t item)
{
    if (need <= *cap)
        return true;
    size_t want = *cap ? *cap + *cap / 2 : 16;
    if (want < need)
        want = need;
    if (want > SIZE_MAX / item)
        return false;
    void *grown = evr_resize(ctx, *array, *cap * item, want * item);
    if (!grown)
        return false;
    *array = grown;
    *cap = want;
    return true;
}

void evr_text_free(evr_context *ctx, char *text)
{
    if (text)
        evr_release(ctx, text, strlen(text) + 1);
}
