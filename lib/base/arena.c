#include "base/arena.h"

#include <string.h>

struct evr_arena_block {
    evr_arena_block *below;
    size_t size; /* with this header */
};

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 1 << 20 };

void evr_arena_init(evr_arena *arena, evr_context *ctx)
{
    *arena = (evr_arena){.ctx = ctx, .block_size = FIRST_BLOCK};
}

void evr_arena_free(evr_arena *arena)
{
    for (evr_arena_block *b = arena->blocks, *below; b; b = below) {
        below = b->below;
        evr_release(arena->ctx, b, b->size);
    }
    evr_arena_init(arena, arena->ctx);
}

void evr_arena_join(evr_arena *arena, evr_arena *other)
{
    evr_arena_block *last = other->blocks;
    if (!last)
        return;
    while (last->below)
        last = last->below;
    if (arena->blocks) { /* the open block stays on top */
        last->below = arena->blocks->below;
        arena->blocks->below = other->blocks;
        arena->total += other->total;
    } else {
        *arena = *other;
    }
    evr_arena_init(other, other->ctx);
}

void *evr_arena_alloc(evr_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 7) & ~(size_t)7;
    if (size > arena->left || !arena->blocks) {
        size_t want = sizeof(evr_arena_block) + size;
        bool own_block = want > arena->block_size / 4 && arena->blocks; /* keep the open block open */
        size_t block_size = want > arena->block_size ? want : arena->block_size;
        if (own_block)
            block_size = want;
        evr_arena_block *b = evr_alloc(arena->ctx, block_size);
        if (!b)
            return NULL;
        b->size = block_size;
        arena->total += block_size;
        if (own_block) {
            b->below = arena->blocks->below;
            arena->blocks->below = b;
            return b + 1;
        }
        b->below = arena->blocks;
        arena->blocks = b;
        arena->next = (char *)(b + 1);
        arena->left = block_size - sizeof *b;
        if (arena->block_size < LARGEST_BLOCK)
            arena->block_size *= 2;
    }
    void *result = arena->next;
    arena->next += size;
    arena->left -= size;
    return result;
}

void *evr_arena_alloc_zeroed(evr_arena *arena, size_t size)
{
    void *block = evr_arena_alloc(arena, size);
    return block ? memset(block, 0, size) : NULL;
}

evr_str evr_arena_str(evr_arena *arena, evr_str s)
{
    char *copy = evr_arena_alloc(arena, s.len + 1);
    if (!copy)
        return (evr_str){NULL, 0};
    evr_str_copy(copy, s);
    return (evr_str){copy, s.len};
}
