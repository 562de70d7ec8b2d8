#include "base/intern.h"

#include "base/hash.h"

void evr_intern_init(evr_intern *table, evr_context *ctx)
{
    *table = (evr_intern){0};
    evr_arena_init(&table->arena, ctx);
}

void evr_intern_free(evr_intern *table)
{
    evr_context *ctx = table->arena.ctx;
    evr_release(ctx, table->entries, table->cap * sizeof *table->entries);
    evr_release(ctx, table->slots, table->slot_count * sizeof *table->slots);
    evr_arena_free(&table->arena);
    evr_intern_init(table, ctx);
}

/* The slot that holds `s`, or the empty one where it belongs. */
static size_t find_slot(const evr_intern *table, evr_str s, uint64_t hash)
{
    const size_t mask = table->slot_count - 1;
    const uint32_t high = (uint32_t)(hash >> 32);
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t id = table->slots[i];
        if (!id)
            return i;
        const evr_intern_entry *e = &table->entries[id - 1];
        if (e->hash == high && e->len == s.len && evr_bytes_eq(e->data, s.data, s.len))
            return i;
    }
}

static bool grow_slots(evr_intern *table)
{
    evr_context *ctx = table->arena.ctx;
    size_t count = table->slot_count ? table->slot_count * 2 : 256;
    uint32_t *slots = evr_alloc_zeroed(ctx, count * sizeof *slots);
    if (!slots)
        return false;
    for (size_t id = 0; id < table->count; id++) {
        uint64_t hash = evr_hash(table->entries[id].data, table->entries[id].len);
        size_t i = (size_t)hash & (count - 1);
        while (slots[i])
            i = (i + 1) & (count - 1);
        slots[i] = (uint32_t)id + 1;
    }
    evr_release(ctx, table->slots, table->slot_count * sizeof *table->slots);
    table->slots = slots;
    table->slot_count = count;
    return true;
}

uint32_t evr_intern_add(evr_intern *table, evr_str s)
{
    if (s.len > UINT32_MAX || (table->count * 4 >= table->slot_count * 3 && !grow_slots(table)))
        return EVR_NO_ID;
    uint64_t hash = evr_hash(s.data, s.len);
    size_t slot = find_slot(table, s, hash);
    if (table->slots[slot])
        return table->slots[slot] - 1;
    if (table->count >= UINT32_MAX - 1 ||
        !evr_grow(table->arena.ctx, (void **)&table->entries, &table->cap, table->count + 1, sizeof *table->entries))
        return EVR_NO_ID;
    evr_str copy = evr_arena_str(&table->arena, s);
    if (!copy.data)
        return EVR_NO_ID;
    uint32_t id = (uint32_t)table->count++;
    table->entries[id] = (evr_intern_entry){copy.data, (uint32_t)copy.len, (uint32_t)(hash >> 32)};
    table->slots[slot] = id + 1;
    return id;
}

uint32_t evr_intern_find(const evr_intern *table, evr_str s)
{
    if (!table->slot_count)
        return EVR_NO_ID;
    uint32_t id = table->slots[find_slot(table, s, evr_hash(s.data, s.len))];
    return id ? id - 1 : EVR_NO_ID;
}

size_t evr_intern_memory(const evr_intern *table)
{
    return table->arena.total + table->cap * sizeof *table->entries +
           table->slot_count * sizeof *table->slots;
}
