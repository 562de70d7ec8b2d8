/* Rows as a list of results, for reports, comparisons and export. */
#include "store/store.h"

#include "base/str.h"
#include "report/results.h"

typedef struct selecting {
    evr_store *store;
    evr_results *results;
    evr_results_info info; /* what they have in common */
    evr_buf body;
} selecting;

static bool same_stack(const evr_results_info *info, const evr_store_row *r)
{
    return evr_str_eq(info->device_name, r->device_name) && evr_str_eq(info->runtime, r->runtime) && evr_str_eq(info->driver, r->driver);
}

static evr_status start(selecting *s, const evr_store_found *found, evr_error **err)
{
    const evr_store_row *r = &found->row;
    const evr_results_info info = {.struct_size = sizeof info, .runtime = r->runtime, .device = found->device, .device_name = r->device_name, .driver = r->driver,
                                   .input = r->input, .seed = found->seed, .started_s = r->taken_s};
    EVR_TRY(evr_results_new(s->store->ctx, &info, &s->results, err));
    s->info = *evr_results_about(s->results); /* with texts of the list's own */
    return EVR_OK;
}

/* Where runs differ in what a list says once, it says nothing; it is as old as the newest. */
static void join(evr_results_info *info, const evr_store_found *found)
{
    const evr_str no = {"", 0};
    info->device = evr_str_eq(info->device, found->device) ? info->device : no;
    info->input = evr_str_eq(info->input, found->row.input) ? info->input : no;
    info->seed = info->seed == found->seed ? info->seed : 0;
    info->started_s = info->started_s > found->row.taken_s ? info->started_s : found->row.taken_s;
}

static evr_status take(void *user, const evr_store_found *found, evr_error **err)
{
    selecting *s = user;
    evr_context *ctx = s->store->ctx;
    if (!s->results)
        EVR_TRY(start(s, found, err));
    if (!same_stack(&s->info, &found->row)) {
        evr_fail(ctx, err, EVR_E_INVALID, "%s has rows of more than one device or stack: %.*s with %.*s, %.*s with %.*s", s->store->path, EVR_STR_ARG(s->info.device_name),
                 EVR_STR_ARG(s->info.runtime), EVR_STR_ARG(found->row.device_name), EVR_STR_ARG(found->row.runtime));
        evr_hint(err, "choose one of them by device name, runtime and driver");
        return EVR_E_INVALID;
    }
    join(&s->info, found);
    EVR_TRY(evr_store_body(s->store, found, &s->body, err));
    evr_status status = evr_results_add_text(s->results, evr_buf_view(&s->body).data, s->body.len, err);
    if (status != EVR_OK && status != EVR_E_NOMEM)
        status = evr_fail_because(ctx, err, EVR_E_FORMAT, "%s is damaged: a result of %.*s cannot be read", s->store->path, EVR_STR_ARG(found->row.op));
    if (status == EVR_OK)
        s->results->items[s->results->count - 1].index = s->results->count - 1;
    return status;
}

evr_status evr_store_select(evr_store *store, const evr_store_filter *filter, evr_results **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!store || !out)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_select: a store and `out` are needed");
    selecting s = {.store = store};
    evr_buf_init(&s.body, store->ctx);
    evr_status status = evr_store_each(store, filter, take, &s, err);
    evr_buf_free(&s.body);
    if (status == EVR_OK)
        status = s.results ? evr_results_finish(s.results, &s.info, err) : evr_results_new(store->ctx, NULL, &s.results, err);
    if (status != EVR_OK) {
        evr_results_free(s.results);
        return status;
    }
    *out = s.results;
    return EVR_OK;
}

evr_status evr_store_export(evr_store *store, const evr_store_filter *filter, char **out, size_t *size, evr_error **err)
{
    evr_results *results = NULL;
    if (out)
        *out = NULL;
    if (size)
        *size = 0;
    EVR_TRY(evr_store_select(store, filter, &results, err));
    evr_status status = evr_results_write(results, EVR_REPORT_JSON, out, size, err);
    evr_results_free(results);
    return status;
}
