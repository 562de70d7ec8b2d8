#include "artifact/artifact.h"
#include "artifact/fills.h"

#include "base/error.h"

#include <stdlib.h>

typedef struct by_key {
    const evr_result **items;
    size_t count;
} by_key;

static int compare_keys(const void *a, const void *b)
{
    evr_str x = (*(const evr_result *const *)a)->key, y = (*(const evr_result *const *)b)->key;
    int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    return order ? order : x.len < y.len ? -1 : x.len > y.len;
}

static evr_status sort_results(evr_context *ctx, const evr_results *results, by_key *out, evr_error **err)
{
    size_t n = results ? evr_results_count(results) : 0;
    *out = (by_key){evr_alloc(ctx, (n + 1) * sizeof *out->items), n};
    if (!out->items)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        out->items[i] = evr_results_at(results, i);
    qsort(out->items, n, sizeof *out->items, compare_keys);
    return EVR_OK;
}

/* The one that was timed, if there are several of that key. */
static const evr_result *find(const by_key *sorted, const char *key)
{
    size_t low = 0, high = sorted->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        evr_str k = sorted->items[middle]->key;
        int order = k.len == 32 ? memcmp(k.data, key, 32) : k.len < 32 ? -1 : 1;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const evr_result *found = NULL;
    for (; low < sorted->count && evr_str_is(sorted->items[low]->key, key); low++)
        if (!found || (!found->statistics && sorted->items[low]->statistics))
            found = sorted->items[low];
    return found;
}

static void text_field(evr_json_writer *w, const char *name, evr_str text)
{
    if (!text.len)
        return;
    evr_json_key(w, name);
    evr_json_str(w, text);
}

static void time_field(evr_json_writer *w, const char *name, double value)
{
    evr_json_key(w, name);
    evr_json_f64(w, value);
}

static void write_times(evr_json_writer *w, const evr_ir *ir, const evr_result *result)
{
    uint64_t launches = 0;
    int64_t total = 0;
    double calls = ir->count ? (double)ir->count : 1;
    for (size_t i = 0; i < ir->kernel_count; i++) {
        launches += ir->kernels[i].count;
        total += ir->kernels[i].total_ns;
    }
    if (ir->kernel_count) {
        evr_json_key(w, "kernels");
        evr_json_u64(w, (uint64_t)((double)launches / calls + 0.5));
        time_field(w, "kernel_ns", (double)total / calls);
    }
    if (!result || !result->statistics)
        return;
    time_field(w, "median_ns", result->statistics->median);
    time_field(w, "median_low_ns", result->statistics->median_low);
    time_field(w, "median_high_ns", result->statistics->median_high);
}

static evr_status write_expected(evr_context *ctx, evr_json_writer *w, const evr_manifest *m, size_t index, const by_key *sorted, evr_error **err)
{
    const evr_ir *ir = m->records[index];
    char key[33], original[33], inputs[33];
    EVR_TRY(evr_ir_key(ir, key, err));
    EVR_TRY(evr_ir_key(m->originals[index], original, err));
    EVR_TRY(evr_fills_digest(ctx, ir, m->info.seed, inputs, err));
    const evr_result *result = find(sorted, original);
    evr_json_open(w, '{');
    text_field(w, "key", (evr_str){key, 32});
    text_field(w, "status", evr_str_c(evr_outcome_name(result ? result->status : ir->status)));
    write_times(w, ir, result);
    evr_json_key(w, "fills");
    evr_fills_write(w, ir);
    text_field(w, "inputs", evr_str_c(inputs));
    text_field(w, "initializer", evr_fills_initializer(ctx, ir));
    evr_json_close(w, '}');
    return EVR_OK;
}

evr_status evr_manifest_write(evr_context *ctx, const evr_manifest *m, evr_buf *buf, evr_error **err)
{
    evr_json_writer w;
    by_key sorted = {0};
    evr_json_init(&w, buf);
    evr_json_open(&w, '{');
    evr_json_key(&w, "evreplay_artifact");
    evr_json_u64(&w, EVR_ARTIFACT_VERSION);
    text_field(&w, "library", m->info.library);
    text_field(&w, "input", m->info.input);
    text_field(&w, "runtime", m->info.runtime);
    text_field(&w, "device", m->info.device);
    text_field(&w, "device_name", m->info.device_name);
    text_field(&w, "driver", m->info.driver);
    text_field(&w, "protocol", m->info.protocol);
    evr_json_key(&w, "seed");
    evr_json_u64(&w, m->info.seed);
    if (m->measured_s) {
        evr_json_key(&w, "measured_s");
        evr_json_i64(&w, m->measured_s);
    }
    if (m->info.flags) {
        evr_json_key(&w, "redacted");
        evr_json_str(&w, evr_str_c(m->info.flags & EVR_ARTIFACT_REDACT_OPERATORS ? "operators" : "names"));
    }
    evr_json_key(&w, "expected");
    evr_json_open(&w, '[');
    evr_status status = sort_results(ctx, m->results, &sorted, err);
    for (size_t i = 0; status == EVR_OK && i < m->count; i++) {
        evr_buf_char(buf, '\n');
        status = write_expected(ctx, &w, m, i, &sorted, err);
    }
    evr_release(ctx, sorted.items, (sorted.count + 1) * sizeof *sorted.items);
    evr_json_close(&w, ']');
    evr_json_close(&w, '}');
    evr_buf_char(buf, '\n');
    return status != EVR_OK ? status : buf->failed ? evr_fail_nomem(err) : EVR_OK;
}
