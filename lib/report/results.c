#include "report/results.h"

#include "base/sized.h"
#include "measure/columns.h"
#include "trace/json.h"

#include <math.h>
#include <stdlib.h>

evr_result evr_result_none(void)
{
    const evr_str no = {"", 0};
    return (evr_result){.struct_size = EVR_INIT(evr_result),
                        .uid = EVR_NO_UID,
                        .count = 1,
                        .key = no, .op = no, .overload = no, .arguments = no, .detail = no, .initializer = no, .device = no, .protocol = no,
                        .trace_kernel_ns = -1,
                        .trace_cpu_ns = -1,
                        .first_run_ns = -1,
                        .slowest_rank = -1};
}

/* A copy as a text of UTF-8 without NUL; bytes that are neither become U+FFFD. False when memory is out. */
static bool keep_text(evr_arena *arena, evr_str *text)
{
    size_t bad = 0;
    const unsigned char *p = (const unsigned char *)text->data;
    for (size_t i = 0, n; i < text->len; i += n ? n : 1)
        bad += !(n = p[i] ? evr_utf8_length(p + i, text->len - i) : 0);
    if (bad > (SIZE_MAX - text->len) / 3)
        return false;
    char *copy = evr_arena_alloc(arena, text->len + 2 * bad + 1);
    if (!copy)
        return false;
    size_t len = 0;
    for (size_t i = 0, n; i < text->len; i += n ? n : 1) {
        n = p[i] ? evr_utf8_length(p + i, text->len - i) : 0;
        memcpy(copy + len, n ? (const char *)p + i : "\xEF\xBF\xBD", n ? n : 3);
        len += n ? n : 3;
    }
    copy[len] = 0;
    *text = (evr_str){copy, len};
    return true;
}

static bool keep_texts(evr_arena *arena, evr_str *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!keep_text(arena, texts[i]))
            return false;
    return true;
}

static evr_status keep_info(evr_results *results, const evr_results_info *info, evr_error **err)
{
    const evr_str no = {"", 0};
    evr_results_info kept = {.runtime = no, .device = no, .device_name = no, .driver = no, .input = no};
    if (info)
        EVR_TAKE(&kept, info);
    kept.wall_s = isfinite(kept.wall_s) && kept.wall_s > 0 ? kept.wall_s : 0;
    evr_str *texts[] = {&kept.runtime, &kept.device, &kept.device_name, &kept.driver, &kept.input};
    if (!keep_texts(&results->arena, texts, sizeof texts / sizeof *texts))
        return evr_fail_nomem(err);
    results->info = kept;
    return EVR_OK;
}

evr_status evr_results_new(evr_context *ctx, const evr_results_info *info, evr_results **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_results_new: a context and `out` are needed");
    evr_results *results = evr_alloc_zeroed(ctx, sizeof *results);
    if (!results)
        return evr_fail_nomem(err);
    results->ctx = evr_context_ref(ctx);
    evr_arena_init(&results->arena, ctx);
    evr_status status = keep_info(results, info, err);
    if (status != EVR_OK) {
        evr_results_free(results);
        return status;
    }
    *out = results;
    return EVR_OK;
}

void evr_results_free(evr_results *results)
{
    if (!results)
        return;
    evr_context *ctx = results->ctx;
    evr_release(ctx, results->items, results->cap * sizeof *results->items);
    evr_arena_free(&results->arena);
    evr_release(ctx, results, sizeof *results);
    evr_context_free(ctx);
}

static double time_or_unknown(double ns) { return isfinite(ns) && ns >= 0 ? ns : -1; }

static bool keep_warnings(evr_arena *arena, evr_result *r)
{
    evr_str *kept = r->warning_count > SIZE_MAX / 2 / sizeof *kept ? NULL : evr_arena_alloc(arena, r->warning_count * sizeof *kept);
    for (size_t i = 0; kept && i < r->warning_count; i++) {
        kept[i] = r->warnings[i];
        if (!keep_text(arena, &kept[i]))
            return false;
    }
    r->warnings = kept;
    return kept != NULL;
}

/* The caller's elements are as far apart as they are large. */
static bool keep_checks(evr_arena *arena, evr_result *r)
{
    evr_check *kept = r->check_count > SIZE_MAX / 2 / sizeof *kept ? NULL : evr_arena_alloc(arena, r->check_count * sizeof *kept);
    const char *from = (const char *)r->checks;
    for (size_t i = 0; kept && i < r->check_count; i++) {
        kept[i] = (evr_check){.struct_size = EVR_INIT(evr_check), .name = {"", 0}, .detail = {"", 0}};
        EVR_TAKE(&kept[i], from + i * r->checks->struct_size);
        if (!keep_text(arena, &kept[i].name) || !keep_text(arena, &kept[i].detail))
            return false;
    }
    r->checks = kept;
    return kept != NULL;
}

static bool keep_ranks(evr_arena *arena, evr_result *r)
{
    evr_rank_result *kept = r->rank_count > SIZE_MAX / 2 / sizeof *kept ? NULL : evr_arena_alloc(arena, r->rank_count * sizeof *kept);
    const char *from = (const char *)r->ranks;
    for (size_t i = 0; kept && i < r->rank_count; i++) {
        kept[i] = (evr_rank_result){.struct_size = EVR_INIT(evr_rank_result)};
        EVR_TAKE(&kept[i], from + i * r->ranks->struct_size);
        kept[i].median_ns = time_or_unknown(kept[i].median_ns);
        kept[i].first_run_ns = time_or_unknown(kept[i].first_run_ns);
    }
    r->ranks = r->rank_count ? kept : NULL;
    return kept != NULL;
}

/* Numbers that are none, and those that stand for one not known, become the one that does. */
static void tidy(void *of, const evr_columns *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const evr_column *c = &table->columns[i];
        double *number = (double *)((char *)of + c->offset);
        if (c->kind == EVR_COLUMN_NUMBER && !isfinite(*number))
            *number = 0;
        else if (c->kind == EVR_COLUMN_POSITIVE && !(isfinite(*number) && *number > c->not_known && *number >= 0))
            *number = c->not_known;
    }
}

static bool keep_numbers(evr_arena *arena, const double **numbers, size_t count)
{
    double *kept = count ? evr_arena_alloc(arena, count * sizeof *kept) : NULL;
    if (kept)
        memcpy(kept, *numbers, count * sizeof *kept);
    *numbers = kept;
    return kept || !count;
}

static bool keep_measured(evr_arena *arena, evr_result *r)
{
    evr_statistics *statistics = r->statistics ? evr_arena_alloc_zeroed(arena, sizeof *statistics) : NULL;
    evr_conditions *conditions = r->conditions ? evr_arena_alloc_zeroed(arena, sizeof *conditions) : NULL;
    if ((r->statistics && !statistics) || (r->conditions && !conditions))
        return false;
    if (statistics) {
        EVR_TAKE(statistics, r->statistics);
        tidy(statistics, &evr_statistics_columns);
    }
    if (conditions) {
        EVR_TAKE(conditions, r->conditions);
        tidy(conditions, &evr_conditions_columns);
    }
    r->statistics = statistics;
    r->conditions = conditions;
    return keep_numbers(arena, &r->samples, r->sample_count) && keep_numbers(arena, &r->visits, r->visit_count);
}

static evr_status check_numbers(evr_context *ctx, const double *numbers, size_t count, const char *name, evr_error **err)
{
    if ((count && !numbers) || count > SIZE_MAX / 2 / sizeof *numbers)
        return evr_fail(ctx, err, EVR_E_INVALID, "the %ss of a result have a number but no items", name);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i]))
            return evr_fail(ctx, err, EVR_E_INVALID, "%s %zu of %zu is not a finite number", name, i, count);
    return EVR_OK;
}

static evr_status check_result(evr_context *ctx, const evr_result *r, evr_error **err)
{
    if (!r->op.len || r->status < EVR_STATUS_OK || r->status > EVR_STATUS_FAILED)
        return evr_fail(ctx, err, EVR_E_INVALID, "a result needs an operator and a known status, not %d", (int)r->status);
    if (r->reason != EVR_REASON_NONE && !evr_reason_name(r->reason)[0])
        return evr_fail(ctx, err, EVR_E_INVALID, "there is no reason %d", (int)r->reason);
    if ((r->warning_count && !r->warnings) || (r->check_count && !r->checks))
        return evr_fail(ctx, err, EVR_E_INVALID, "a list of a result has a length but no items");
    EVR_TRY(check_numbers(ctx, r->samples, r->sample_count, "sample", err));
    EVR_TRY(check_numbers(ctx, r->visits, r->visit_count, "visit", err));
    if (r->rank_count && (!r->ranks || r->ranks->struct_size < offsetof(evr_rank_result, median_ns)))
        return evr_fail(ctx, err, EVR_E_INVALID, "the ranks of a result need their struct_size");
    for (size_t i = 0; i < r->rank_count; i++) {
        const evr_rank_result *rank = (const evr_rank_result *)((const char *)r->ranks + i * r->ranks->struct_size);
        if (rank->status < EVR_STATUS_OK || rank->status > EVR_STATUS_FAILED || (rank->reason != EVR_REASON_NONE && !evr_reason_name(rank->reason)[0]))
            return evr_fail(ctx, err, EVR_E_INVALID, "rank %d of a result has no known status", (int)rank->rank);
    }
    if (r->check_count && r->checks->struct_size < sizeof(uint32_t) + sizeof(int32_t))
        return evr_fail(ctx, err, EVR_E_INVALID, "the checks of a result need their struct_size");
    return EVR_OK;
}

evr_status evr_results_append(evr_results *results, const evr_result *result, evr_error **err)
{
    if (results->count == EVR_RESULTS_MOST)
        return evr_fail(results->ctx, err, EVR_E_LIMIT, "a list has at most %d results", EVR_RESULTS_MOST);
    void *items = results->items;
    if (!evr_grow(results->ctx, &items, &results->cap, results->count + 1, sizeof *results->items))
        return evr_fail_nomem(err);
    results->items = items;
    results->items[results->count++] = *result;
    return EVR_OK;
}

evr_status evr_results_add(evr_results *results, const evr_result *result, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!results || !result || result->struct_size < sizeof(uint32_t))
        return evr_fail(results ? results->ctx : NULL, err, EVR_E_INVALID, "evr_results_add: a list and a result are needed");
    evr_result r = evr_result_none();
    EVR_TAKE(&r, result);
    EVR_TRY(check_result(results->ctx, &r, err));
    evr_str *texts[] = {&r.key, &r.op, &r.overload, &r.arguments, &r.detail, &r.initializer, &r.device, &r.protocol};
    if (!keep_texts(&results->arena, texts, sizeof texts / sizeof *texts) || !keep_warnings(&results->arena, &r) ||
        !keep_checks(&results->arena, &r) || !keep_ranks(&results->arena, &r) || !keep_measured(&results->arena, &r))
        return evr_fail_nomem(err);
    r.trace_kernel_ns = time_or_unknown(r.trace_kernel_ns);
    r.trace_cpu_ns = time_or_unknown(r.trace_cpu_ns);
    r.first_run_ns = time_or_unknown(r.first_run_ns);
    return evr_results_append(results, &r, err);
}

/* Equal places keep the order they were added in: `start` is sorted stably by merging. */
static void merge(evr_result *to, const evr_result *a, size_t a_count, const evr_result *b, size_t b_count)
{
    while (a_count || b_count) {
        bool first = a_count && (!b_count || a->index <= b->index);
        *to++ = first ? *a++ : *b++;
        *(first ? &a_count : &b_count) -= 1;
    }
}

static bool in_order(const evr_results *results)
{
    for (size_t i = 1; i < results->count; i++)
        if (results->items[i - 1].index > results->items[i].index)
            return false;
    return true;
}

static evr_status sort(evr_results *results, evr_error **err)
{
    if (in_order(results))
        return EVR_OK;
    size_t n = results->count, size = results->cap * sizeof *results->items;
    evr_result *from = results->items, *to = evr_alloc(results->ctx, size);
    if (!to)
        return evr_fail_nomem(err);
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t a = n - i < width ? n - i : width, b = n - i - a < width ? n - i - a : width;
            merge(to + i, from + i, a, from + i + a, b);
        }
        evr_result *turned = from;
        from = to;
        to = turned;
    }
    results->items = from;
    evr_release(results->ctx, to, size);
    return EVR_OK;
}

evr_status evr_results_finish(evr_results *results, const evr_results_info *info, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!results)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_results_finish: a list is needed");
    EVR_TRY(sort(results, err));
    return info ? keep_info(results, info, err) : EVR_OK;
}

const evr_results_info *evr_results_about(const evr_results *results) { return &results->info; }
size_t evr_results_count(const evr_results *results) { return results->count; }
const evr_result *evr_results_at(const evr_results *results, size_t i) { return i < results->count ? &results->items[i] : NULL; }

evr_status evr_report_hand_out(evr_buf *buf, char **out, size_t *size, evr_error **err)
{
    *out = buf->failed ? NULL : evr_strdup(buf->ctx, evr_buf_view(buf));
    if (size)
        *size = *out ? buf->len : 0;
    evr_buf_free(buf);
    return *out ? EVR_OK : evr_fail_nomem(err);
}

evr_status evr_results_write(const evr_results *results, int32_t format, char **out, size_t *size, evr_error **err)
{
    static const evr_results_writer writers[] = {
        [EVR_REPORT_JSON] = evr_results_json,   [EVR_REPORT_CSV] = evr_results_csv,   [EVR_REPORT_MARKDOWN] = evr_results_markdown,
        [EVR_REPORT_JUNIT] = evr_results_junit, [EVR_REPORT_HTML] = evr_results_html, [EVR_REPORT_TEXT] = evr_results_text,
    };
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!results || !out || format < 0 || (size_t)format >= sizeof writers / sizeof *writers)
        return evr_fail(results ? results->ctx : NULL, err, EVR_E_INVALID, "evr_results_write: a list, a known form and `out` are needed");
    evr_buf buf;
    evr_buf_init(&buf, results->ctx);
    writers[format](&buf, results);
    return evr_report_hand_out(&buf, out, size, err);
}
