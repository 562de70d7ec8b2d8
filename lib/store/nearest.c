/* The nearest shapes of a call that are known. */
#include "store/store.h"

#include "base/str.h"

#include <stdlib.h>

enum { NEAREST = 10 };

typedef struct nearing {
    evr_store_rows *rows;
    evr_str arguments, overload;
    bool any_overload;
} nearing;

static evr_status consider(void *user, const evr_store_found *found, evr_error **err)
{
    const nearing *n = user;
    evr_store_row near = found->row;
    near.distance = evr_store_distance(n->arguments, near.arguments, n->any_overload || evr_str_eq(n->overload, near.overload));
    return near.distance < 0 ? EVR_OK : evr_store_rows_add(n->rows, &near, err);
}

static int by_distance(const void *a, const void *b)
{
    const evr_store_row *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    if (x->taken_s != y->taken_s)
        return x->taken_s > y->taken_s ? -1 : 1;
    int order = evr_str_cmp(x->key, y->key);
    order = order ? order : evr_str_cmp(x->device_name, y->device_name);
    order = order ? order : evr_str_cmp(x->runtime, y->runtime);
    order = order ? order : evr_str_cmp(x->driver, y->driver);
    return order ? order : evr_str_cmp(x->protocol, y->protocol);
}

/* The list goes on owning what is cut off. */
static void keep_first(evr_store_rows *rows, uint64_t most)
{
    if (rows->count)
        qsort(rows->items, rows->count, sizeof *rows->items, by_distance);
    rows->count = rows->count < most ? rows->count : (size_t)most;
}

evr_status evr_store_nearest(evr_store *store, const evr_ir *record, const evr_store_filter *filter, evr_store_rows **out, evr_error **err)
{
    evr_store_filter f;
    char *words = NULL;
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!store || !record || !out)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_nearest: a store, a record and `out` are needed");
    EVR_TRY(evr_store_filter_of(store, filter, &f, err));
    EVR_TRY(evr_ir_arguments(record, &words, err));
    nearing n = {evr_store_rows_new(store->ctx), evr_str_c(words), evr_ir_overload(record), false};
    evr_status status = n.rows ? evr_store_each_of_op(store, evr_ir_op(record), &f, consider, &n, err) : evr_fail_nomem(err);
    evr_text_free(store->ctx, words);
    if (status != EVR_OK) {
        evr_store_rows_free(n.rows);
        return status;
    }
    keep_first(n.rows, f.limit ? f.limit : NEAREST);
    *out = n.rows;
    return EVR_OK;
}

evr_status evr_store_nearest_to(evr_store *store, evr_str op, evr_str overload, evr_str arguments, const evr_store_filter *filter, evr_store_rows **out, evr_error **err)
{
    evr_store_filter f;
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!store || !op.len || !out)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_nearest_to: a store, an operator and `out` are needed");
    EVR_TRY(evr_store_filter_of(store, filter, &f, err));
    uint64_t most = f.limit ? f.limit : NEAREST;
    f.op = op;
    f.key = (evr_str){"", 0};
    f.flags = 0;
    f.limit = 0;
    nearing n = {evr_store_rows_new(store->ctx), arguments, overload, overload.len == 0};
    evr_status status = n.rows ? evr_store_each(store, &f, consider, &n, err) : evr_fail_nomem(err);
    if (status != EVR_OK) {
        evr_store_rows_free(n.rows);
        return status;
    }
    keep_first(n.rows, most);
    *out = n.rows;
    return EVR_OK;
}
