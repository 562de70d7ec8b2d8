#include "batch/together.h"

#include "base/hash.h"
#include "ir/record.h"
#include "measure/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TEXT = 1024 };

#define LEAST_MARGIN 20e3 /* ns from the moment all know when to start to that start */
#define MOST_MARGIN 5e6
#define OUTCOME 1e6       /* status * OUTCOME + reason + 1: more than nothing, for a rank that took part */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static evr_status largest(evr_together *t, const char *group, double *values, size_t count, evr_error **err)
{
    double from = now_ns();
    evr_status status = t->all.largest(t->all.user, group, values, count, err);
    t->latency_ns = now_ns() - from;
    t->lost |= status != EVR_OK;
    return status;
}

static void settle(evr_together *t, int32_t status, int32_t reason, const char *text)
{
    t->status = status;
    t->reason = reason;
    snprintf(t->detail, sizeof t->detail, "%s", text);
}

static evr_status everyone(evr_together *t, evr_error **err)
{
    t->member_count = (size_t)t->all.count;
    for (size_t i = 0; i < t->member_count; i++)
        t->members[i] = (int64_t)i;
    (void)err;
    return EVR_OK;
}

/* One end of a message; the rank at the other end has an operator of another name. */
static bool is_message(const evr_ir *ir)
{
    static const char *const ends[] = {"c10d::send(", "c10d::recv_", "_c10d_functional::isend(", "_c10d_functional::irecv(", "_c10d_functional::batch_p2p_ops("};
    bool found = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        found |= evr_str_starts(ir->schema, ends[i]);
    return found;
}

/* The record for this rank; what stands in its way is the record's outcome. */
static evr_status fit(evr_together *t, const evr_ir *ir, evr_error **err)
{
    evr_error *why = NULL;
    int32_t needed;
    t->talks = evr_ir_communicates(ir);
    if (ir->status != EVR_STATUS_OK && !(t->talks && ir->reason == EVR_REASON_COMMUNICATION)) {
        settle(t, ir->status, ir->reason, "");
        return EVR_OK;
    }
    if (!t->talks)
        return everyone(t, err);
    if (!ir->schema.len && evr_str_is(ir->op, "record_param_comms")) {
        settle(t, EVR_STATUS_SKIPPED, EVR_REASON_COMMUNICATION, "the trace does not tell what was sent");
        return EVR_OK;
    }
    if (!(t->all.flags & EVR_RANKS_OWN_RECORDS) && is_message(ir)) {
        settle(t, EVR_STATUS_SKIPPED, EVR_REASON_COMMUNICATION, "a message needs its other end: give each rank its own trace, with {rank} in the path");
        return EVR_OK;
    }
    evr_status status = evr_ir_fit_ranks(ir, &t->all, &t->fitted, t->members, &t->member_count, &needed, &why);
    if (needed > 0)
        settle(t, EVR_STATUS_SKIPPED, EVR_REASON_NEEDS_RANKS + (needed < 1000 ? needed : 0), evr_error_message(why));
    else if (status != EVR_OK && status != EVR_E_NOMEM)
        settle(t, EVR_STATUS_FAILED, EVR_REASON_NO_SCHEMA_MATCH, evr_error_message(why));
    evr_error_free(why);
    return status == EVR_E_NOMEM ? evr_fail_nomem(err) : EVR_OK;
}

/* What must be the same on all ranks for the record to be run: the operator, and that it can be. */
static evr_status compare(evr_together *t, const evr_ir *ir, evr_error **err)
{
    evr_str what = is_message(ir) ? evr_str_c("a message") : ir->op;
    double id = t->talks ? 1 + (double)(evr_hash(what.data, what.len) >> 16) : 0;
    double values[] = {t->status != EVR_STATUS_OK, id, -id};
    EVR_TRY(largest(t, NULL, values, 3, err));
    if (values[1] != -values[2])
        settle(t, EVR_STATUS_FAILED, EVR_REASON_NO_SCHEMA_MATCH, "the ranks have different operators at this place, of which at least one talks to others");
    else if (values[0] > 0 && t->status == EVR_STATUS_OK)
        settle(t, EVR_STATUS_SKIPPED, EVR_REASON_COMMUNICATION, "another rank does not run it");
    return EVR_OK;
}

evr_status evr_together_open(evr_together *t, evr_context *ctx, evr_arena *arena, const evr_ranks *all, const evr_ir *ir, evr_error **err)
{
    *t = (evr_together){.ctx = ctx, .arena = arena, .all = *all};
    t->members = evr_arena_alloc(arena, (size_t)all->count * sizeof *t->members);
    if (!t->members)
        return evr_fail_nomem(err);
    EVR_TRY(fit(t, ir, err));
    EVR_TRY(compare(t, ir, err));
    for (size_t i = 0; i < t->member_count; i++)
        t->member |= t->members[i] == all->rank;
    if (t->status != EVR_STATUS_OK || !t->fitted)
        return EVR_OK;
    const evr_group *g = evr_ir_group(t->fitted);
    t->group = g->name.data;
    evr_status status = t->member ? all->group(all->user, t->group, t->members, t->member_count, err) : EVR_OK;
    t->lost |= status != EVR_OK;
    return status;
}

void evr_together_free(evr_together *t)
{
    evr_ir_free(t->fitted);
    evr_error_free(t->failure);
    evr_release(t->ctx, t->own, t->own_cap * sizeof *t->own);
}

/* In place of an error of one's own: what a rank says for whom it went well. */
static evr_status failed_elsewhere(evr_together *t, evr_error **err)
{
    t->elsewhere = true;
    return evr_fail(t->ctx, err, EVR_E_OP, "another rank failed");
}

evr_status evr_together_agree(evr_together *t, evr_status mine, evr_error **err)
{
    double failed = mine != EVR_OK;
    evr_error *why = NULL;
    if (t->lost)
        return mine;
    evr_status status = largest(t, t->group, &failed, 1, &why);
    if (status != EVR_OK && err) {
        evr_error_free(*err);
        *err = why;
        return status;
    }
    evr_error_free(why);
    if (status != EVR_OK || mine != EVR_OK)
        return status != EVR_OK ? status : mine;
    return failed > 0 ? failed_elsewhere(t, err) : EVR_OK;
}

evr_status evr_together_values(evr_together *t, double *values, size_t count, evr_error **err)
{
    double all[16];
    if (count + 1 > sizeof all / sizeof *all)
        return evr_fail(t->ctx, err, EVR_E_INTERNAL, "too much to agree on at once");
    if (count == EVR_SAMPLE_AGREED) {
        if (!evr_grow(t->ctx, (void **)&t->own, &t->own_cap, t->own_count + 1, sizeof *t->own))
            return evr_fail_nomem(err);
        t->own[t->own_count++] = values[0];
    }
    memcpy(all, values, count * sizeof *all);
    all[count] = t->failed != EVR_OK;
    EVR_TRY(largest(t, t->group, all, count + 1, err));
    memcpy(values, all, count * sizeof *all);
    if (all[count] <= 0)
        return EVR_OK;
    if (t->failed == EVR_OK)
        return failed_elsewhere(t, err);
    if (err)
        *err = t->failure;
    else
        evr_error_free(t->failure);
    t->failure = NULL;
    return t->failed;
}

/* All learn when the last of them is ready, on rank 0's clock, and wait until a little after that: as long as it took to learn it. */
evr_status evr_together_start(evr_together *t, evr_error **err)
{
    double margin = fmin(fmax(t->latency_ns, LEAST_MARGIN), MOST_MARGIN);
    double values[] = {now_ns() + t->all.clock_offset_ns, margin};
    EVR_TRY(largest(t, t->group, values, 2, err));
    double at = values[0] + values[1] - t->all.clock_offset_ns, left;
    while ((left = at - now_ns()) > 0 && left < 2 * MOST_MARGIN)
        ;
    return EVR_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double own_median(evr_together *t, size_t samples)
{
    if (!samples || samples > t->own_count)
        return -1;
    double *last = t->own + (t->own_count - samples);
    qsort(last, samples, sizeof *last, by_value);
    return samples % 2 ? last[samples / 2] : (last[samples / 2 - 1] + last[samples / 2]) / 2;
}

/* Text of the rank that failed first, with its number. */
static evr_status tell_failure(evr_together *t, int32_t rank, evr_result *result, evr_error **err)
{
    char text[TEXT];
    memset(text, 0, sizeof text);
    if (rank == t->all.rank)
        snprintf(text, sizeof text, "%.*s", EVR_STR_ARG(result->detail));
    evr_status status = t->all.share(t->all.user, rank, text, sizeof text, err);
    t->lost |= status != EVR_OK;
    EVR_TRY(status);
    text[sizeof text - 1] = 0;
    char *kept = evr_arena_alloc(t->arena, TEXT + 32);
    if (!kept)
        return evr_fail_nomem(err);
    result->detail = (evr_str){kept, (size_t)snprintf(kept, TEXT + 32, "rank %d: %s", rank, text)};
    return EVR_OK;
}

/* Times for ranks that were not in the group, the first of which may be the one that writes the report. */
static evr_status tell_times(evr_together *t, evr_result *result, evr_statistics *s, evr_conditions *c, evr_error **err)
{
    struct {
        evr_statistics s;
        evr_conditions c;
    } times;
    if (t->member_count == (size_t)t->all.count)
        return EVR_OK;
    memset(&times, 0, sizeof times);
    if (result->statistics) {
        times.s = *result->statistics;
        times.c = *result->conditions;
    }
    evr_status status = t->all.share(t->all.user, (int32_t)t->members[0], &times, sizeof times, err);
    t->lost |= status != EVR_OK;
    EVR_TRY(status);
    if (!t->member && times.s.count) {
        *s = times.s;
        *c = times.c;
        result->statistics = s;
        result->conditions = c;
    }
    return EVR_OK;
}

evr_status evr_together_close(evr_together *t, evr_result *result, size_t samples, evr_statistics *s, evr_conditions *c, evr_error **err)
{
    enum { SLOTS = 3 };
    size_t n = (size_t)t->all.count;
    double *slots = evr_arena_alloc(t->arena, n * SLOTS * sizeof *slots), slowest = -1;
    evr_rank_result *ranks = evr_arena_alloc_zeroed(t->arena, n * sizeof *ranks);
    int32_t failed = -1;
    if (!slots || !ranks)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n * SLOTS; i++)
        slots[i] = -1;
    if (t->member) {
        double *mine = slots + (size_t)t->all.rank * SLOTS;
        mine[0] = t->elsewhere ? 0 : result->status * OUTCOME + result->reason + 1;
        mine[1] = own_median(t, samples);
        mine[2] = result->first_run_ns;
    }
    EVR_TRY(largest(t, NULL, slots, n * SLOTS, err));
    result->ranks = ranks;
    result->rank_count = n;
    result->slowest_rank = -1;
    for (size_t i = 0; i < n; i++) {
        const double *slot = slots + i * SLOTS;
        ranks[i] = (evr_rank_result){.struct_size = sizeof *ranks, .rank = (int32_t)i, .status = EVR_STATUS_SKIPPED, .median_ns = slot[1], .first_run_ns = slot[2]};
        if (slot[0] >= 1) {
            ranks[i].status = (int32_t)(slot[0] / OUTCOME);
            ranks[i].reason = (int32_t)(slot[0] - ranks[i].status * OUTCOME - 1);
        } else if (slot[0] == 0) { /* it could do no more, as another had failed */
            ranks[i].status = EVR_STATUS_FAILED;
            ranks[i].reason = EVR_REASON_OP_ERROR;
        }
        if (slot[0] >= 1 && ranks[i].status == EVR_STATUS_FAILED && failed < 0)
            failed = (int32_t)i;
        if (slot[1] > slowest) {
            slowest = slot[1];
            result->slowest_rank = (int32_t)i;
        }
    }
    if (failed >= 0) {
        result->status = EVR_STATUS_FAILED;
        result->reason = ranks[failed].reason;
        EVR_TRY(tell_failure(t, failed, result, err));
        if (t->group && t->member && t->all.drop)
            return t->all.drop(t->all.user, t->group, err);
        return EVR_OK;
    }
    result->status = EVR_STATUS_OK;
    result->reason = EVR_REASON_NONE;
    result->detail = (evr_str){"", 0};
    result->device = result->device.len ? result->device : (evr_str){"", 0};
    return tell_times(t, result, s, c, err);
}
