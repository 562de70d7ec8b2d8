/* One number for each different text. Numbers count up from 0 in order of first sight; texts never move. */
#ifndef EVR_BASE_INTERN_H
#define EVR_BASE_INTERN_H

#include "base/arena.h"

#define EVR_NO_ID UINT32_MAX

typedef struct evr_intern_entry {
    const char *data;
    uint32_t len;
    uint32_t hash; /* upper half, to skip most comparisons */
} evr_intern_entry;

typedef struct evr_intern {
    evr_arena arena;
    evr_intern_entry *entries;
    size_t count, cap;
    uint32_t *slots; /* id + 1, 0 = empty */
    size_t slot_count; /* a power of two, or 0 */
} evr_intern;

void evr_intern_init(evr_intern *table, evr_context *ctx);
void evr_intern_free(evr_intern *table);

/* The number of `s`, given now if it is new; EVR_NO_ID when memory or numbers are out, or `s` is longer than 4 GiB. */
uint32_t evr_intern_add(evr_intern *table, evr_str s);

/* The number of `s`, or EVR_NO_ID. */
uint32_t evr_intern_find(const evr_intern *table, evr_str s);

static inline evr_str evr_intern_text(const evr_intern *table, uint32_t id)
{
    return id < table->count ? (evr_str){table->entries[id].data, table->entries[id].len} : (evr_str){"", 0};
}

/* Bytes taken from the allocator. */
size_t evr_intern_memory(const evr_intern *table);

#endif
