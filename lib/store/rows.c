/* Lists of rows. */
#include "store/store.h"

#include "base/str.h"

evr_store_rows *evr_store_rows_new(evr_context *ctx)
{
    evr_store_rows *rows = evr_alloc_zeroed(ctx, sizeof *rows);
    if (!rows)
        return NULL;
    rows->ctx = evr_context_ref(ctx);
    evr_arena_init(&rows->arena, ctx);
    return rows;
}

evr_status evr_store_rows_add(evr_store_rows *rows, const evr_store_row *row, evr_error **err)
{
    evr_store_row kept = *row;
    evr_str *const texts[] = {&kept.key,     &kept.op,     &kept.overload, &kept.arguments, &kept.device_name,
                              &kept.runtime, &kept.driver, &kept.protocol, &kept.input};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = evr_arena_str(&rows->arena, *texts[i]);
        if (!texts[i]->data)
            return evr_fail_nomem(err);
    }
    void *items = rows->items;
    if (!evr_grow(rows->ctx, &items, &rows->cap, rows->count + 1, sizeof kept))
        return evr_fail_nomem(err);
    rows->items = items;
    rows->items[rows->count++] = kept;
    return EVR_OK;
}

void evr_store_rows_free(evr_store_rows *rows)
{
    if (!rows)
        return;
    evr_context *ctx = rows->ctx;
    evr_release(ctx, rows->items, rows->cap * sizeof *rows->items);
    evr_arena_free(&rows->arena);
    evr_release(ctx, rows, sizeof *rows);
    evr_context_free(ctx);
}

size_t evr_store_rows_count(const evr_store_rows *rows) { return rows ? rows->count : 0; }
const evr_store_row *evr_store_rows_at(const evr_store_rows *rows, size_t i) { return rows && i < rows->count ? &rows->items[i] : NULL; }
