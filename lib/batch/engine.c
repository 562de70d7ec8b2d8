#include "batch/engine.h"

#include "base/sized.h"
#include "report/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double evr_engine_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

bool evr_engine_next(evr_engine *e, size_t *visit)
{
    while (e->next < e->total && e->have[e->order[e->next]])
        e->next++;
    if (e->next == e->total || e->stopped)
        return false;
    if (e->options.budget_s > 0 && evr_engine_now() - e->begun_ns > e->options.budget_s * 1e9) {
        e->stopped = true;
        return false;
    }
    *visit = (size_t)e->order[e->next++];
    return true;
}

void evr_engine_tick(evr_engine *e)
{
    if (e->options.progress && e->options.progress(e->options.progress_user, NULL, e->done, e->total))
        e->stopped = true;
}

evr_status evr_engine_accept(void *engine, const evr_result *result, evr_error **err)
{
    evr_engine *e = engine;
    size_t visit = (size_t)result->index;
    evr_result of_record = *result;
    of_record.index = visit % e->count;
    of_record.visit = e->visits > 1 ? (int32_t)evr_engine_round(e, visit) + 1 : 0;
    EVR_TRY(evr_journal_add(&e->journal, &of_record, err));
    EVR_TRY(evr_results_add(e->results, &of_record, err));
    e->have[visit] = true;
    e->done++;
    if (e->options.progress && e->options.progress(e->options.progress_user, &of_record, e->done, e->total))
        e->stopped = true;
    if (e->options.flags & EVR_BATCH_STOP_ON_ERROR && result->status == EVR_STATUS_FAILED)
        e->stopped = true;
    return EVR_OK;
}

static void set_info(evr_engine *e, const evr_attempter *a)
{
    snprintf(e->runtime, sizeof e->runtime, "%s", a->runtime->version);
    snprintf(e->device, sizeof e->device, "%s", a->runtime->device);
    snprintf(e->device_name, sizeof e->device_name, "%.*s", EVR_STR_ARG(a->device.name));
    snprintf(e->driver, sizeof e->driver, "%.*s", EVR_STR_ARG(a->device.driver));
}

/* An evr_lost_fn: a record that another run of this rank did not come back from. */
static evr_status accept_lost(void *engine, uint64_t index, int32_t reason, const char *detail, evr_error **err)
{
    evr_engine *e = engine;
    if (index >= e->total || e->have[index])
        return EVR_OK;
    return evr_attempt_none(e->ctx, evr_engine_record(e, index), index, EVR_STATUS_FAILED, reason, detail, evr_engine_accept, e, err);
}

/* Ranks begin and end together. */
static evr_status begin_ranks(evr_engine *e, const evr_ranks *ranks, evr_error **err)
{
    uint8_t *done = evr_alloc_zeroed(e->ctx, e->total + 1);
    if (!done)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < e->total; i++)
        done[i] = e->have[i];
    evr_status status = ranks->begin ? ranks->begin(ranks->user, done, e->total, accept_lost, e, err) : EVR_OK;
    evr_release(e->ctx, done, e->total + 1);
    return status;
}

/* A budget that ran out on one rank has run out for all. */
static evr_status agree_to_stop(const evr_ranks *ranks, bool *more, evr_error **err)
{
    double stop = !*more;
    EVR_TRY(ranks->largest(ranks->user, NULL, &stop, 1, err));
    *more = stop <= 0;
    return EVR_OK;
}

/* One device, one process: this one. */
static evr_status run_here(evr_engine *e, evr_error **err)
{
    evr_attempter *a;
    size_t visit;
    EVR_TRY(evr_attempter_open(e->ctx, &e->options, e->options.device, &a, err));
    set_info(e, a);
    evr_status status = a->ranks.count ? begin_ranks(e, &a->ranks, err) : EVR_OK;
    for (bool more = true; status == EVR_OK && more;) {
        more = evr_engine_next(e, &visit);
        if (a->ranks.count)
            status = agree_to_stop(&a->ranks, &more, err);
        if (status == EVR_OK && more)
            status = evr_attempt(a, evr_engine_record(e, visit), visit, evr_engine_accept, e, err);
    }
    if (status == EVR_OK && a->ranks.end)
        status = a->ranks.end(a->ranks.user, err);
    evr_attempter_free(a);
    return status;
}

/* Device time of all calls; where the trace has none, nothing. */
static double cost(const evr_ir *ir)
{
    double ns = evr_trace_kernel_ns(ir);
    return ns > 0 ? ns * (double)ir->count : 0;
}

/* Within each round. */
static int by_cost(const void *a, const void *b, void *engine)
{
    const evr_engine *e = engine;
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    size_t one = evr_engine_round(e, x), other = evr_engine_round(e, y);
    if (one != other)
        return one < other ? -1 : 1;
    double first = cost(evr_engine_record(e, x)), second = cost(evr_engine_record(e, y));
    return first != second ? (first < second ? 1 : -1) : x < y ? -1 : x > y;
}

/* What a batch is, for its journal: the records' keys in order, and what changes their results. */
static evr_status digest(const evr_engine *e, char out[33], evr_error **err)
{
    enum { WHAT = EVR_BATCH_TIMED | EVR_BATCH_CHECK_FINITE | EVR_BATCH_CHECK_REPEAT | EVR_BATCH_CHECK_REFERENCE | EVR_BATCH_CHECK_MUTATION |
                  EVR_BATCH_CHECK_KERNELS | EVR_BATCH_NO_AUTO_INIT };
    uint64_t a = 0xCBF29CE484222325u, b = 0x84222325CBF29CE4u;
    char text[64], key[33];
    char *protocol = NULL;
    size_t size = 0;
    if (e->options.protocol)
        EVR_TRY(evr_protocol_text(e->ctx, e->options.protocol, &protocol, &size, err));
    evr_status status = EVR_OK;
    for (size_t i = 0; i <= e->count && status == EVR_OK; i++) {
        int n = snprintf(text, sizeof text, "%u %llu", e->options.flags & WHAT, (unsigned long long)e->options.seed);
        if (e->visits > 1)
            n += snprintf(text + n, sizeof text - (size_t)n, " %zu", e->visits);
        const char *part = i < e->count ? key : text;
        size_t len = i < e->count ? 32 : (size_t)n;
        if (i < e->count)
            status = evr_ir_key(e->records[i], key, err);
        for (size_t k = 0; k < len + (i == e->count ? size : 0); k++) {
            unsigned char c = (unsigned char)(k < len ? part[k] : protocol[k - len]);
            a = (a ^ c) * 0x100000001B3u;
            b = (b ^ c ^ (a >> 32)) * 0x100000001B3u;
        }
    }
    evr_text_free(e->ctx, protocol);
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
    return status;
}

/* Results that the journal had already. */
static evr_status take_journal(evr_engine *e, evr_error **err)
{
    char name[33];
    EVR_TRY(digest(e, name, err));
    EVR_TRY(evr_journal_open(e->ctx, e->options.journal, name, e->options.flags & EVR_BATCH_RESUME, e->results, &e->journal, err));
    for (size_t i = 0; i < evr_results_count(e->results); i++) {
        const evr_result *r = evr_results_at(e->results, i);
        uint64_t round = r->visit > 0 ? (uint64_t)r->visit - 1 : 0;
        if (r->index < e->count && round < e->visits && !e->have[round * e->count + r->index]) {
            e->have[round * e->count + r->index] = true;
            e->done++;
        }
    }
    return EVR_OK;
}

static evr_status prepare(evr_engine *e, evr_error **err)
{
    e->visits = e->options.visits ? e->options.visits : 1;
    if (__builtin_mul_overflow(e->count, e->visits, &e->total) || e->total > EVR_RESULTS_MOST) {
        evr_fail(e->ctx, err, EVR_E_LIMIT, "%zu visits to %zu records are more than a list of results holds, %d", e->visits, e->count, EVR_RESULTS_MOST);
        return evr_hint(err, "ask for fewer visits, or for fewer records at a time");
    }
    if (e->visits > 1)
        e->options.flags |= EVR_BATCH_SAMPLES; /* what is joined is joined of samples */
    e->order = evr_alloc(e->ctx, e->total * sizeof *e->order);
    e->have = evr_alloc_zeroed(e->ctx, e->total * sizeof *e->have);
    if (e->total && (!e->order || !e->have))
        return evr_fail_nomem(err);
    for (size_t i = 0; i < e->total; i++)
        e->order[i] = i;
    if (e->options.flags & EVR_BATCH_BY_COST)
        qsort_r(e->order, e->total, sizeof *e->order, by_cost, e);
    const evr_results_info none = {.struct_size = sizeof none};
    EVR_TRY(evr_results_new(e->ctx, &none, &e->results, err));
    return take_journal(e, err);
}

static evr_status finish(evr_engine *e, bool samples, evr_error **err)
{
    time_t now = time(NULL);
    double wall = (evr_engine_now() - e->begun_ns) / 1e9;
    const evr_results_info info = {
        .struct_size = sizeof info,
        .flags = e->done < e->total ? EVR_RESULTS_INTERRUPTED : 0,
        .runtime = evr_str_c(e->runtime),
        .device = evr_str_c(e->device),
        .device_name = evr_str_c(e->device_name),
        .driver = evr_str_c(e->driver),
        .input = evr_str_c(e->options.input ? e->options.input : ""),
        .seed = e->options.seed,
        .started_s = (int64_t)now - (int64_t)wall,
        .wall_s = wall,
    };
    EVR_TRY(evr_results_finish(e->results, &info, err));
    return e->visits > 1 ? evr_join_visits(e->results, samples, err) : EVR_OK;
}

evr_status evr_replay_batch(evr_context *ctx, const evr_ir *const *records, size_t count, const evr_replay_batch_options *options, evr_results **out,
                            evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out || (count && !records) || (options && options->struct_size < offsetof(evr_replay_batch_options, bridge)))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_replay_batch: context, records, `out` and the options' struct_size are needed");
    evr_engine e = {.ctx = ctx, .records = records, .count = count, .journal = {ctx, -1}, .begun_ns = evr_engine_now()};
    EVR_TAKE(&e.options, options);
    bool samples = e.options.flags & EVR_BATCH_SAMPLES;
    if (e.options.protocol && e.options.protocol->struct_size < sizeof(uint32_t))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_replay_batch: the protocol's struct_size is not set");
    evr_status status = prepare(&e, err);
    if (status == EVR_OK)
        status = e.options.flags & EVR_BATCH_ISOLATE ? evr_engine_isolated(&e, err) : run_here(&e, err);
    evr_status closed = evr_journal_close(&e.journal, status == EVR_OK ? err : NULL);
    if (status == EVR_OK)
        status = closed;
    if (status == EVR_OK)
        status = finish(&e, samples, err);
    evr_release(ctx, e.order, e.order ? e.total * sizeof *e.order : 0);
    evr_release(ctx, e.have, e.have ? e.total * sizeof *e.have : 0);
    if (status != EVR_OK)
        evr_results_free(e.results);
    else
        *out = e.results;
    return status;
}
