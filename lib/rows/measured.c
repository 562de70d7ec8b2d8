/* What became of rows, and how it gets into the database. */
#include "rows/rows.h"

#include "base/error.h"
#include "base/sized.h"

#include <stdio.h>

static evr_status take_one(evr_rows *r, const evr_result *result, evr_row_outcome *o, evr_error **err)
{
    bool timed = result->status == EVR_STATUS_OK && result->statistics;
    if (o->taken && o->median_ns >= 0 && !timed)
        return EVR_OK;
    char text[1100] = "";
    if (result->status != EVR_STATUS_OK)
        snprintf(text, sizeof text, "%s%s%.*s", evr_reason_name(result->reason), result->detail.len ? ": " : "", (int)(result->detail.len < 1000 ? result->detail.len : 1000),
                 result->detail.data ? result->detail.data : "");
    else if (!timed)
        snprintf(text, sizeof text, "not-timed: it ran, and the results have no times; take them with `evreplay bench`");
    evr_str reason = evr_arena_str(&r->arena, evr_str_c(text));
    if (!reason.data)
        return evr_fail_nomem(err);
    *o = (evr_row_outcome){true, result->status, timed ? result->statistics->median : -1, reason};
    return EVR_OK;
}

evr_status evr_rows_take(evr_rows *r, const evr_results *results, uint64_t *taken, evr_error **err)
{
    if (err)
        *err = NULL;
    if (taken)
        *taken = 0;
    if (!r || !results)
        return evr_fail(r ? r->ctx : NULL, err, EVR_E_INVALID, "evr_rows_take: rows or results are missing");
    for (size_t i = 0; i < evr_results_count(results); i++) {
        const evr_result *result = evr_results_at(results, i);
        uint32_t id = evr_intern_find(&r->keys, result->key);
        if (id == EVR_NO_ID)
            continue;
        EVR_TRY(take_one(r, result, &r->outcomes[id], err));
        if (taken)
            ++*taken;
    }
    return EVR_OK;
}

/* Status, reason and time of a row. */
typedef struct verdict {
    int32_t status;
    evr_str reason;
    double us;
    bool taken; /* results of all its records are in */
} verdict;

static verdict judge(const evr_rows *r, const evr_row_item *item)
{
    verdict v = {.status = EVR_STATUS_OK, .reason = {"", 0}, .taken = true};
    if (!item->record_count)
        return (verdict){EVR_STATUS_SKIPPED, item->why, 0, false};
    for (size_t i = 0; i < item->record_count; i++) {
        const evr_row_outcome *o = &r->outcomes[item->records[i]];
        int32_t status = !o->taken ? EVR_STATUS_OK : o->status != EVR_STATUS_OK ? o->status : o->median_ns < 0 ? EVR_STATUS_SKIPPED : EVR_STATUS_OK;
        v.taken &= o->taken;
        v.us += o->taken && o->median_ns > 0 ? o->median_ns / 1000 : 0;
        if (status > v.status) { /* failed counts more than skipped */
            v.status = status;
            v.reason = o->reason;
        }
    }
    if (v.status != EVR_STATUS_OK || !v.taken)
        v.us = 0;
    return v;
}

evr_status evr_rows_at(const evr_rows *r, size_t index, evr_row_info *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!r || !out || out->struct_size < sizeof out->struct_size)
        return evr_fail(r ? r->ctx : NULL, err, EVR_E_INVALID, "evr_rows_at: rows or `out` is missing, or its struct_size is not set");
    if (index >= r->count)
        return evr_fail(r->ctx, err, EVR_E_NOT_FOUND, "there is no row %zu", index);
    const evr_row_item *item = &r->items[index];
    verdict v = judge(r, item);
    evr_row_info info = {out->struct_size, v.status, item->op, item->file, item->line, item->shapes, v.reason, item->composite, item->records, item->record_count, v.us};
    EVR_GIVE(out, &info);
    return EVR_OK;
}

static evr_perfdb_run run_of(const evr_rows *r, const evr_row_item *item, bool *left_out, bool only_taken)
{
    const evr_str *b = item->cells.base;
    verdict v = judge(r, item);
    evr_perfdb_run run = {
        .struct_size = sizeof run,
        .status = v.status == EVR_STATUS_FAILED ? EVR_PERFDB_FAILED : v.status == EVR_STATUS_OK && v.us > 0 ? EVR_PERFDB_SUCCESS : EVR_PERFDB_SKIPPED,
        .op = item->op,
        .line = item->line,
        .state = b[EVR_COL_STATE],
        .core = b[EVR_COL_CORE],
        .input_shapes = b[EVR_COL_INPUT_SHAPES],
        .input_types = b[EVR_COL_INPUT_TYPES],
        .input_formats = b[EVR_COL_INPUT_FORMATS],
        .output_shapes = b[EVR_COL_OUTPUT_SHAPES],
        .output_types = b[EVR_COL_OUTPUT_TYPES],
        .output_formats = b[EVR_COL_OUTPUT_FORMATS],
        .duration_us = v.us,
        .ep_size = item->cells.ep_size,
        .reason = v.status == EVR_STATUS_OK && !v.taken ? EVR_STR_LITERAL("not-run: the run ended before it") : v.reason,
    };
    *left_out = only_taken && !v.taken && v.status != EVR_STATUS_FAILED;
    return run;
}

evr_status evr_rows_update(const evr_rows *r, evr_perfdb *db, const evr_perfdb_update_options *options, int32_t only_taken, evr_perfdb_report **out, evr_error **err)
{
    evr_perfdb_update_options o = {.struct_size = sizeof o};
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!r || !db || (options && (options->struct_size < sizeof o.struct_size || options->struct_size > sizeof o + 4096)))
        return evr_fail(r ? r->ctx : NULL, err, EVR_E_INVALID, "evr_rows_update: rows or database are missing, or the options have an unknown struct_size");
    EVR_TAKE(&o, options);
    evr_perfdb_run *runs = evr_alloc(r->ctx, (r->count + 1) * sizeof *runs);
    const evr_perfdb_run **list = evr_alloc(r->ctx, (r->count + 1) * sizeof *list);
    evr_status status = runs && list ? EVR_OK : evr_fail_nomem(err);
    o.run_count = 0;
    for (size_t i = 0; status == EVR_OK && i < r->count; i++) {
        bool left_out;
        runs[i] = run_of(r, &r->items[i], &left_out, only_taken);
        if (!left_out)
            list[o.run_count++] = &runs[i];
    }
    o.runs = list;
    if (status == EVR_OK)
        status = evr_perfdb_update(db, &o, out, err);
    evr_release(r->ctx, runs, (r->count + 1) * sizeof *runs);
    evr_release(r->ctx, list, (r->count + 1) * sizeof *list);
    return status;
}
