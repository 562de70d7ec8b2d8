/* Memory that is freed together. Blocks grow geometrically; nothing is moved once handed out. */
#ifndef EVR_BASE_ARENA_H
#define EVR_BASE_ARENA_H

#include "base/context.h"
#include "base/str.h"

typedef struct evr_arena_block evr_arena_block;

typedef struct evr_arena {
    evr_context *ctx;
    evr_arena_block *blocks;
    char *next;
    size_t left;
    size_t block_size;
    size_t total; /* bytes taken from the allocator */
} evr_arena;

void evr_arena_init(evr_arena *arena, evr_context *ctx);
void evr_arena_free(evr_arena *arena);

/* Takes over all that the other arena, of the same context, has handed out; it is empty afterwards. */
void evr_arena_join(evr_arena *arena, evr_arena *other);

/* Eight-byte aligned, uninitialised; NULL when memory is out. Zero bytes give a valid pointer. */
void *evr_arena_alloc(evr_arena *arena, size_t size);
void *evr_arena_alloc_zeroed(evr_arena *arena, size_t size);

/* NUL-terminated copy; .data is NULL when memory is out. */
evr_str evr_arena_str(evr_arena *arena, evr_str s);

#endif
