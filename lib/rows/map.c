#include "rows/map.h"

#include "base/error.h"

#include <ctype.h>

evr_status evr_row_map_new(evr_context *ctx, evr_row_map **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_row_map_new: context or `out` is missing");
    evr_row_map *map = evr_alloc_zeroed(ctx, sizeof *map);
    if (!map)
        return evr_fail_nomem(err);
    map->ctx = evr_context_ref(ctx);
    evr_arena_init(&map->arena, ctx);
    evr_intern_init(&map->ops, ctx);
    evr_status status = evr_row_map_add(map, evr_rows_shipped, evr_rows_shipped_size, "shipped.rows", err);
    if (status == EVR_OK)
        *out = map;
    else
        evr_row_map_free(map);
    return status;
}

void evr_row_map_free(evr_row_map *map)
{
    if (!map)
        return;
    evr_context *ctx = map->ctx;
    evr_release(ctx, map->entries, map->entry_cap * sizeof *map->entries);
    evr_release(ctx, map->types.items, map->types.cap * sizeof *map->types.items);
    evr_release(ctx, map->formats.items, map->formats.cap * sizeof *map->formats.items);
    evr_release(ctx, map->namespaces.items, map->namespaces.cap * sizeof *map->namespaces.items);
    evr_release(ctx, map->schemas.items, map->schemas.cap * sizeof *map->schemas.items);
    evr_intern_free(&map->ops);
    evr_arena_free(&map->arena);
    evr_release(ctx, map, sizeof *map);
    evr_context_free(ctx);
}

const evr_row_entry *evr_row_map_find(const evr_row_map *map, evr_str op)
{
    uint32_t id = evr_intern_find(&map->ops, op);
    return id == EVR_NO_ID || id >= map->entry_cap ? NULL : map->entries[id];
}

int32_t evr_row_map_has(const evr_row_map *map, evr_str op) { return map && evr_row_map_find(map, op) != NULL; }

static bool same_name(evr_str a, evr_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (toupper((unsigned char)a.data[i]) != toupper((unsigned char)b.data[i]))
            return false;
    return true;
}

/* What was said last counts. */
static int32_t find(const evr_named_list *list, evr_str name, int32_t otherwise)
{
    for (size_t i = list->count; i--;)
        if (same_name(list->items[i].name, name))
            return list->items[i].number;
    return otherwise;
}

int32_t evr_row_map_type(const evr_row_map *map, evr_str name)
{
    if (name.len > 3 && same_name(evr_str_sub(name, 0, 3), EVR_STR_LITERAL("DT_")))
        name = evr_str_sub(name, 3, name.len);
    return find(&map->types, name, EVR_DTYPE_UNKNOWN);
}

evr_format_kind evr_row_map_format(const evr_row_map *map, evr_str name)
{
    return (evr_format_kind)find(&map->formats, name, EVR_FORMAT_UNKNOWN);
}

evr_str evr_row_map_module(const evr_row_map *map, evr_str space)
{
    for (size_t i = map->namespaces.count; i--;)
        if (evr_str_eq(map->namespaces.items[i].name, space))
            return map->namespaces.items[i].text;
    return (evr_str){"", 0};
}

size_t evr_variant_name(const evr_variant *variant, evr_str name)
{
    size_t i = 0;
    while (i < variant->name_count && !evr_str_eq(variant->names[i], name))
        i++;
    return i < variant->name_count ? i : EVR_ROW_NAMES;
}
