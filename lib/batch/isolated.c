/* Records in worker processes: what happens to one of them happens to no other. */
#include "batch/engine.h"
#include "batch/options.h"
#include "batch/zygote.h"

#include "base/json_write.h"
#include "trace/json.h"

#include <evreplay/registry.h>

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_WORKERS = 256, TICK_MS = 100, MOST_LOSSES = 3 };

typedef struct pool {
    evr_engine *e;
    char *path, *configuration;
    size_t configuration_size;
    evr_worker *workers;
    size_t count;
    size_t *again; /* records to be run alone */
    size_t again_count, again_cap;
    char **devices; /* one for each worker, in turn */
    size_t device_count;
    int failed_starts; /* in a row */
    evr_zygote zygote;
    size_t round; /* of visits, that the zygote is of */
    int losses;   /* of zygotes, since something came of a worker */
    bool careful; /* a record takes down who started it: what is run again is run while nothing else runs */
} pool;

static double timeout_ns(const pool *p) { return (p->e->options.timeout_s > 0 ? p->e->options.timeout_s : 300) * 1e9; }

/* Loading a tensor library and waking a device takes its time, whatever a record is allowed. */
static double start_ns(const pool *p) { return timeout_ns(p) > 60e9 ? timeout_ns(p) : 60e9; }

/* "cuda:0,cuda:1" */
static evr_status split_devices(pool *p, evr_error **err)
{
    const char *text = p->e->options.device ? p->e->options.device : "cpu";
    if (!(p->devices = evr_alloc_zeroed(p->e->ctx, MOST_WORKERS * sizeof *p->devices)))
        return evr_fail_nomem(err);
    for (const char *from = text; *from;) {
        size_t len = strcspn(from, ",");
        if (len && !(p->devices[p->device_count++] = evr_strdup(p->e->ctx, (evr_str){from, len})))
            return evr_fail_nomem(err);
        if (p->device_count == MOST_WORKERS)
            return evr_fail(p->e->ctx, err, EVR_E_LIMIT, "more than %d devices", MOST_WORKERS - 1);
        from += len + (from[len] == ',');
    }
    return p->device_count ? EVR_OK : evr_fail(p->e->ctx, err, EVR_E_INVALID, "\"%s\" names no device", text);
}

/* Memory that one worker's data may take on the CPU; 0 where device libraries reserve more than they use. */
static uint64_t memory_bound(const pool *p, const char *device)
{
    uint64_t most = p->e->options.max_bytes ? p->e->options.max_bytes * 2 + (UINT64_C(4) << 30) : evr_memory_free() / 10 * 9 / p->count;
    return strncmp(device, "cpu", 3) == 0 ? most : 0;
}

static evr_status greet(pool *p, evr_worker *w, const char *device, evr_error **err)
{
    evr_replay_batch_options o = p->e->options;
    evr_buf text;
    if (!o.threads && p->count > 1 && strncmp(device, "cpu", 3) == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN) / (long)p->count;
        o.threads = cores > 1 ? (int32_t)cores : 1;
    }
    evr_buf_init(&text, p->e->ctx);
    evr_status status = evr_batch_options_write(p->e->ctx, &o, device, memory_bound(p, device), &text, err);
    if (status == EVR_OK && !w->zygote) /* a fork knows it */
        status = evr_frame_write(p->e->ctx, w->line, EVR_FRAME_CONFIGURATION, p->configuration, p->configuration_size, err);
    if (status == EVR_OK)
        status = evr_frame_write(p->e->ctx, w->line, EVR_FRAME_OPTIONS, text.data, text.len, err);
    evr_buf_free(&text);
    return status;
}

static void forget(evr_error **err)
{
    if (!err)
        return;
    evr_error_free(*err);
    *err = NULL;
}

/* "a::b" has "a"; empty without one, and for what is always there. */
static evr_str namespace_of(evr_str op)
{
    size_t colon = evr_str_find(op, ':', 0);
    evr_str space = colon == SIZE_MAX ? (evr_str){"", 0} : evr_str_sub(op, 0, colon);
    return evr_str_is(space, "aten") || evr_str_is(space, "prim") ? (evr_str){"", 0} : space;
}

/* All visits to a record. */
static bool is_done(const evr_engine *e, size_t record)
{
    size_t visit = record;
    while (visit < e->total && e->have[visit])
        visit += e->count;
    return visit >= e->total;
}

/* An operator of each namespace that records to be run have, so that the zygote loads what brings them; what is beyond the room workers load themselves. */
static void name_operators(const pool *p, evr_buf *out)
{
    enum { MOST = 64 };
    evr_str seen[MOST];
    size_t count = 0;
    for (size_t i = 0; i < p->e->count && count < MOST; i++) {
        const evr_ir *ir = p->e->records[i];
        evr_str space = namespace_of(ir->op);
        size_t k = 0;
        while (k < count && !evr_str_eq(seen[k], space))
            k++;
        if (!space.len || ir->status != EVR_STATUS_OK || is_done(p->e, i) || k < count)
            continue;
        seen[count++] = space;
        evr_buf_add(out, ir->op.data, ir->op.len);
        evr_buf_add(out, "", 1);
    }
}

static void without_zygote(pool *p, const char *why)
{
    p->zygote.state = EVR_ZYGOTE_OFF;
    evr_log(p->e->ctx, EVR_LOG_INFO, "each worker loads everything itself: %s", why);
}

static evr_status start_zygote(pool *p, evr_error **err)
{
    evr_buf ops;
    evr_buf_init(&ops, p->e->ctx);
    name_operators(p, &ops);
    evr_status status = ops.failed ? evr_fail_nomem(err)
                                   : evr_zygote_start(p->e->ctx, p->path, p->configuration, p->configuration_size, p->e->options.bridge, evr_buf_view(&ops),
                                                      &p->zygote, err);
    evr_buf_free(&ops);
    p->zygote.process.deadline_ns = evr_engine_now() + start_ns(p);
    if (status == EVR_E_NOMEM)
        return status;
    if (status != EVR_OK) { /* what is wrong with the program, a plain start will tell */
        without_zygote(p, "it cannot be done once for all");
        forget(err);
    }
    return EVR_OK;
}

/* A record may take away the process that started its worker: better that than the batch. Then there is another, unless that leads nowhere. */
static void notice_loss(pool *p)
{
    if (p->zygote.state != EVR_ZYGOTE_READY || evr_zygote_lives(&p->zygote))
        return;
    evr_zygote_stop(&p->zygote);
    p->zygote.state = EVR_ZYGOTE_NONE;
    for (size_t i = 0; i < p->count; i++)
        if (p->workers[i].zygote) {
            evr_worker_kill(&p->workers[i]); /* it is, by now, but what it started is not; a moment later its number may mean another */
            p->workers[i].zygote = NULL;
            p->workers[i].orphan = true;
        }
    if (++p->losses >= MOST_LOSSES)
        without_zygote(p, "the process that had loaded it goes again and again");
}

/* Devices do not survive a fork, so only what runs on the CPU is forked. */
static bool may_fork(const char *device) { return strncmp(device, "cpu", 3) == 0 || strncmp(device, "meta", 4) == 0; }

static evr_status start(pool *p, size_t i, evr_error **err)
{
    evr_worker *w = &p->workers[i];
    const char *device = p->devices[i % p->device_count];
    notice_loss(p);
    if (p->zygote.state == EVR_ZYGOTE_NONE && may_fork(device))
        EVR_TRY(start_zygote(p, err));
    if (p->zygote.state == EVR_ZYGOTE_LOADING && may_fork(device))
        return EVR_OK; /* it starts when that is done */
    if (p->zygote.state == EVR_ZYGOTE_READY && may_fork(device) && evr_worker_fork(p->e->ctx, &p->zygote, w, err) != EVR_OK) {
        forget(err);
        notice_loss(p);
        if (p->zygote.state != EVR_ZYGOTE_READY)
            return EVR_OK; /* it is asked for again */
        without_zygote(p, "the process that had loaded it cannot be forked any more");
    }
    if (!w->pid)
        EVR_TRY(evr_worker_start(p->e->ctx, p->path, w, err));
    w->deadline_ns = evr_engine_now() + start_ns(p);
    evr_status status = greet(p, w, device, err);
    if (status != EVR_E_IO) /* one that is gone already is met when its line is read */
        return status;
    forget(err);
    return EVR_OK;
}

static evr_status give(pool *p, evr_worker *w, size_t index, bool alone, evr_error **err)
{
    evr_context *ctx = p->e->ctx;
    char *text = NULL;
    size_t size;
    uint64_t number = index;
    const evr_ir *record = evr_engine_record(p->e, index);
    EVR_TRY(evr_ir_write(ctx, &record, 1, EVR_IR_FORMAT_EVREPLAY, &text, &size, err));
    evr_buf payload;
    evr_buf_init(&payload, ctx);
    evr_buf_add(&payload, (const char *)&number, 8);
    evr_buf_add(&payload, text, size);
    evr_text_free(ctx, text);
    evr_status status = payload.failed ? evr_fail_nomem(err) : EVR_OK;
    w->job = index;
    w->round = evr_engine_round(p->e, index);
    w->retry = alone;
    w->sole = alone && p->careful;
    w->alone = alone || w->handled == 0;
    w->deadline_ns = evr_engine_now() + timeout_ns(p);
    if (status == EVR_OK && evr_frame_write(ctx, w->line, EVR_FRAME_RECORD, payload.data, payload.len, NULL) == EVR_E_LIMIT)
        status = evr_fail(ctx, err, EVR_E_LIMIT, "record %zu is too large for a worker", index);
    evr_buf_free(&payload);
    return status; /* a line that is gone is met when it is read */
}

static evr_status queue_again(pool *p, size_t index, evr_error **err)
{
    if (!evr_grow(p->e->ctx, (void **)&p->again, &p->again_cap, p->again_count + 1, sizeof *p->again))
        return evr_fail_nomem(err);
    p->again[p->again_count++] = index;
    return EVR_OK;
}

static bool others_work(const pool *p, const evr_worker *w, bool again_only)
{
    for (size_t i = 0; i < p->count; i++) {
        const evr_worker *other = &p->workers[i];
        if (other != w && other->pid && other->job != SIZE_MAX && (other->retry || !again_only))
            return true;
    }
    return false;
}

/* What is run again begins when nothing else runs, and nothing begins beside it. */
static bool may_begin(const pool *p, size_t i) { return !others_work(p, &p->workers[i], p->again_count == 0); }

/* Processes that one process forked have everything where that one has it. A round of visits is to see other places, so it begins with a zygote of its own, once all that the last one's
 * children have to do is done. False: not yet. */
static bool begin_round(pool *p, evr_worker *w, size_t round)
{
    if (p->round != round && p->zygote.state == EVR_ZYGOTE_READY) {
        if (others_work(p, NULL, false))
            return false;
        for (size_t i = 0; i < p->count; i++)
            evr_worker_stop(&p->workers[i], false);
        evr_zygote_stop(&p->zygote);
        p->zygote.state = EVR_ZYGOTE_NONE;
    }
    p->round = round;
    if (w->pid && w->handled && w->round != round)
        evr_worker_stop(w, false); /* one that was not forked: its memory lies where it lies, too */
    return true;
}

/* A record that is to be alone waits for a worker that has done nothing yet. */
static evr_status assign(pool *p, size_t i, evr_error **err)
{
    evr_worker *w = &p->workers[i];
    size_t index;
    if (w->job != SIZE_MAX || p->e->stopped || (p->careful && !may_begin(p, i)))
        return EVR_OK;
    notice_loss(p);
    if (w->orphan)
        evr_worker_stop(w, true);
    if (p->again_count) {
        if (w->pid && w->handled)
            evr_worker_stop(w, false);
        if (!w->pid)
            return start(p, i, err);
        return w->ready ? give(p, w, p->again[--p->again_count], true, err) : EVR_OK;
    }
    if (w->pid && !w->ready)
        return EVR_OK;
    size_t next = p->e->next;
    if (!evr_engine_next(p->e, &index))
        return EVR_OK;
    if (evr_engine_record(p->e, index)->status != EVR_STATUS_OK) /* nothing to run */
        return evr_attempt_none(p->e->ctx, evr_engine_record(p->e, index), index, 0, 0, NULL, evr_engine_accept, p->e, err);
    bool begun = begin_round(p, w, evr_engine_round(p->e, index));
    if (begun && w->pid)
        return give(p, w, index, false, err);
    p->e->next = next;
    return begun ? start(p, i, err) : EVR_OK;
}

/* Its zygote is gone, and it with it. That is its record's doing when nothing else ran; else it is found out by running it again, alone. */
static evr_status bury_orphan(pool *p, const evr_worker *w, size_t job, evr_error **err)
{
    p->careful = true;
    if (job == SIZE_MAX)
        return EVR_OK;
    if (!w->sole)
        return queue_again(p, job, err);
    p->losses = 0;
    return evr_attempt_none(p->e->ctx, evr_engine_record(p->e, job), job, EVR_STATUS_FAILED, EVR_REASON_CRASHED, "the process went together with the one that had started it",
                            evr_engine_accept, p->e, err);
}

/* A worker that ended. Its record is run again alone when others were before it; a fresh worker's record is to blame itself. */
static evr_status bury(pool *p, evr_worker *w, evr_error **err)
{
    char text[EVR_WORKER_TAIL + 128];
    size_t job = w->job;
    bool timed_out = w->timed_out, alone = w->alone, ready = w->ready;
    notice_loss(p);
    evr_worker_obituary(w, text, sizeof text);
    notice_loss(p);
    w->job = SIZE_MAX;
    if (w->orphan && !timed_out)
        return bury_orphan(p, w, job, err);
    if (!ready) {
        if (++p->failed_starts < 3)
            return EVR_OK;
        evr_fail(p->e->ctx, err, EVR_E_PLUGIN, "workers end before they begin: %s", text);
        return evr_hint(err, "run `%s` by hand, and `evreplay doctor`", p->path);
    }
    if (job == SIZE_MAX)
        return EVR_OK;
    if (!alone && !timed_out)
        return queue_again(p, job, err);
    return evr_attempt_none(p->e->ctx, evr_engine_record(p->e, job), job, EVR_STATUS_FAILED, timed_out ? EVR_REASON_TIMEOUT : EVR_REASON_CRASHED, text,
                            evr_engine_accept, p->e, err);
}

static evr_str json_text(evr_arena *arena, evr_str object, const char *name)
{
    evr_json_doc doc = {0};
    evr_str key, found = {"", 0};
    bool first = true;
    if (evr_json_doc_open(arena->ctx, &doc, object, NULL) != EVR_OK)
        return found;
    evr_json j = doc.cursor;
    evr_json_enter(&j, '{');
    while (evr_json_next_field(&j, &first, &key)) {
        evr_str raw = evr_json_raw_value(&j);
        char *text = evr_str_is(key, name) ? evr_arena_alloc(arena, raw.len + 1) : NULL;
        if (text && raw.len >= 2 && raw.data[0] == '"')
            found = (evr_str){text, evr_json_unescape(evr_str_sub(raw, 1, raw.len - 1), text)};
        else if (text)
            found = raw;
    }
    evr_json_doc_close(&doc);
    if (found.len && found.data >= object.data && found.data < object.data + object.len)
        found = evr_arena_str(arena, found);
    return found;
}

static void meet(pool *p, evr_worker *w, evr_str hello)
{
    evr_arena arena;
    evr_arena_init(&arena, p->e->ctx);
    const struct {
        const char *name;
        char *to;
        size_t size;
    } texts[] = {
        {"runtime", p->e->runtime, sizeof p->e->runtime},
        {"device", p->e->device, sizeof p->e->device},
        {"device_name", p->e->device_name, sizeof p->e->device_name},
        {"driver", p->e->driver, sizeof p->e->driver},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts && (i || !p->e->runtime[0]); i++) {
        evr_str text = json_text(&arena, hello, texts[i].name);
        snprintf(texts[i].to, texts[i].size, "%.*s", EVR_STR_ARG(text));
    }
    evr_arena_free(&arena);
    w->ready = true;
    p->failed_starts = 0;
}

/* No worker will do better: the batch fails with what this one said. */
static evr_status give_up(pool *p, evr_str failure, evr_error **err)
{
    evr_arena arena;
    evr_arena_init(&arena, p->e->ctx);
    evr_str message = json_text(&arena, failure, "message"), hint = json_text(&arena, failure, "hint"), number = json_text(&arena, failure, "status");
    int64_t status;
    if (!evr_str_to_i64(number, &status) || status >= 0)
        status = EVR_E_PLUGIN;
    evr_fail(p->e->ctx, err, (evr_status)status, "a worker cannot begin: %.*s", EVR_STR_ARG(message));
    evr_hint(err, "%.*s", EVR_STR_ARG(hint));
    evr_arena_free(&arena);
    return (evr_status)status;
}

/* A failed operator may leave a device that fails everything after it: the worker goes, and a record that was not its first is run again. */
static evr_status take_result(pool *p, evr_worker *w, evr_str text, bool *replace, evr_error **err)
{
    evr_results *one = NULL;
    const evr_results_info none = {.struct_size = sizeof none};
    EVR_TRY(evr_results_new(p->e->ctx, &none, &one, err));
    evr_status status = evr_results_add_text(one, text.data, text.len, err);
    const evr_result *received = status == EVR_OK ? evr_results_at(one, 0) : NULL;
    size_t job = w->job;
    w->job = SIZE_MAX;
    w->handled++;
    p->losses = 0;
    if (received && (job == SIZE_MAX || received->index != job))
        status = evr_fail(p->e->ctx, err, EVR_E_INTERNAL, "a worker answered for record %llu, which it was not given", (unsigned long long)received->index);
    if (status == EVR_OK) {
        bool suspect = received->status == EVR_STATUS_FAILED && received->reason == EVR_REASON_OP_ERROR && !evr_str_starts(received->device, "cpu") &&
                       !received->check_count;
        evr_result result = *received;
        result.flags |= EVR_RESULT_ISOLATED | (w->retry ? EVR_RESULT_RETRIED : 0);
        *replace = suspect;
        status = suspect && !w->alone ? queue_again(p, job, err) : evr_engine_accept(p->e, &result, err);
    }
    evr_results_free(one);
    return status;
}

static evr_status hear(pool *p, evr_worker *w, bool dead, evr_error **err)
{
    bool open = evr_worker_receive(w) && !dead, replace = false;
    uint8_t kind;
    evr_str payload;
    size_t size;
    evr_status status = w->received.failed ? evr_fail_nomem(err) : EVR_OK;
    while (status == EVR_OK && evr_frame_peek(&w->received, &kind, &payload, &size)) {
        if (kind == EVR_FRAME_HELLO)
            meet(p, w, payload);
        else if (kind == EVR_FRAME_ERROR)
            status = give_up(p, payload, err);
        else if (kind == EVR_FRAME_RESULT)
            status = take_result(p, w, payload, &replace, err);
        evr_frame_drop(&w->received, size);
    }
    if (status != EVR_OK)
        return status;
    if (!open)
        return bury(p, w, err);
    if (replace)
        evr_worker_stop(w, false);
    return EVR_OK;
}

/* A process that is not fit to be forked has begun all the same: it becomes the first worker that is needed. */
static evr_status take_over(pool *p, evr_str failure, evr_error **err)
{
    evr_arena arena;
    evr_arena_init(&arena, p->e->ctx);
    char why[512];
    snprintf(why, sizeof why, "%.*s", EVR_STR_ARG(json_text(&arena, failure, "message")));
    evr_arena_free(&arena);
    without_zygote(p, why);
    for (size_t i = 0; i < p->count; i++) {
        evr_worker *w = &p->workers[i];
        const char *device = p->devices[i % p->device_count];
        if (w->pid || !may_fork(device))
            continue;
        evr_buf_free(&p->zygote.process.received);
        *w = p->zygote.process;
        p->zygote.process = (evr_worker){.line = -1, .noise = -1, .life = -1};
        evr_buf_init(&w->received, p->e->ctx);
        w->deadline_ns = evr_engine_now() + start_ns(p);
        evr_status status = greet(p, w, device, err);
        if (status == EVR_E_IO)
            forget(err);
        return status == EVR_E_IO ? EVR_OK : status;
    }
    evr_zygote_stop(&p->zygote);
    return EVR_OK;
}

/* Says something only once, after it has loaded; later, its line closes when it is gone. Its answers are read where they are asked for. */
static evr_status hear_zygote(pool *p, evr_error **err)
{
    evr_worker *w = &p->zygote.process;
    char failure[1024], text[EVR_WORKER_TAIL + 128];
    bool open = evr_worker_receive(w);
    uint8_t kind;
    evr_str payload;
    size_t size;
    if (w->received.failed)
        return evr_fail_nomem(err);
    if (evr_frame_peek(&w->received, &kind, &payload, &size)) {
        snprintf(failure, sizeof failure, "%.*s", EVR_STR_ARG(payload));
        evr_frame_drop(&w->received, size);
        if (kind == EVR_FRAME_HELLO && open)
            p->zygote.state = EVR_ZYGOTE_READY;
        else if (kind == EVR_FRAME_ERROR && open)
            return take_over(p, evr_str_c(failure), err);
    }
    if (open)
        return EVR_OK;
    bool loading = p->zygote.state == EVR_ZYGOTE_LOADING;
    evr_worker_obituary(w, text, sizeof text);
    if (loading)
        without_zygote(p, text);
    else
        notice_loss(p);
    return EVR_OK;
}

static bool is_busy(const pool *p)
{
    if (p->zygote.state == EVR_ZYGOTE_LOADING)
        return true;
    for (size_t i = 0; i < p->count; i++)
        if (p->workers[i].pid && (p->workers[i].job != SIZE_MAX || !p->workers[i].ready))
            return true;
    return false;
}

static void stop_late_ones(pool *p)
{
    double now = evr_engine_now();
    if (p->zygote.state == EVR_ZYGOTE_LOADING && now > p->zygote.process.deadline_ns) {
        evr_zygote_stop(&p->zygote);
        without_zygote(p, "loading it did not end in time");
    }
    for (size_t i = 0; i < p->count; i++) {
        evr_worker *w = &p->workers[i];
        if (w->pid && !w->timed_out && (w->job != SIZE_MAX || !w->ready) && now > w->deadline_ns) {
            w->timed_out = true;
            evr_worker_kill(w); /* it is buried when its line closes */
        }
    }
}

static evr_status wait_and_hear(pool *p, evr_error **err)
{
    enum { LINE, NOISE, LIFE, FDS };
    struct pollfd fds[(MOST_WORKERS + 1) * FDS], *f = fds;
    for (size_t i = 0; i <= p->count; i++, f += FDS) {
        const evr_worker *w = i < p->count ? &p->workers[i] : &p->zygote.process;
        f[LINE] = (struct pollfd){.fd = w->pid ? w->line : -1, .events = POLLIN};
        f[NOISE] = (struct pollfd){.fd = w->pid ? w->noise : -1, .events = POLLIN};
        f[LIFE] = (struct pollfd){.fd = w->pid ? w->life : -1, .events = POLLIN};
    }
    int ready = poll(fds, (nfds_t)((p->count + 1) * FDS), TICK_MS);
    if (ready < 0 && errno != EINTR)
        return evr_fail(p->e->ctx, err, EVR_E_IO, "cannot wait for workers");
    for (size_t i = 0; i <= p->count && ready > 0; i++) {
        evr_worker *w = i < p->count ? &p->workers[i] : &p->zygote.process;
        f = fds + i * FDS;
        if (f[NOISE].revents && w->pid)
            evr_worker_listen(w);
        if ((f[LINE].revents || f[LIFE].revents) && w->pid)
            EVR_TRY(i < p->count ? hear(p, w, f[LIFE].revents != 0, err) : hear_zygote(p, err));
    }
    if (ready <= 0)
        evr_engine_tick(p->e);
    return EVR_OK;
}

static evr_status run(pool *p, evr_error **err)
{
    do {
        for (size_t i = 0; i < p->count; i++) {
            size_t before;
            do { /* records that need no run are done at once */
                before = p->e->done;
                EVR_TRY(assign(p, i, err));
            } while (p->e->done != before);
        }
        stop_late_ones(p);
        if (is_busy(p))
            EVR_TRY(wait_and_hear(p, err));
    } while (!p->e->stopped && (is_busy(p) || p->again_count || p->e->next < p->e->total));
    return EVR_OK;
}

evr_status evr_engine_isolated(evr_engine *e, evr_error **err)
{
    pool p = {.e = e};
    evr_status status = split_devices(&p, err);
    p.count = e->options.workers > 0 ? (size_t)e->options.workers : p.device_count;
    p.count = p.count > MOST_WORKERS ? MOST_WORKERS : p.count;
    if (status == EVR_OK)
        status = evr_worker_find(e->ctx, e->options.worker, &p.path, err);
    if (status == EVR_OK)
        status = evr_configuration(e->ctx, &p.configuration, &p.configuration_size, err);
    if (status == EVR_OK && !(p.workers = evr_alloc_zeroed(e->ctx, p.count * sizeof *p.workers)))
        status = evr_fail_nomem(err);
    for (size_t i = 0; status == EVR_OK && i < p.count; i++)
        p.workers[i].job = SIZE_MAX;
    if (status == EVR_OK)
        status = run(&p, err);
    for (size_t i = 0; p.workers && i < p.count; i++)
        evr_worker_stop(&p.workers[i], status != EVR_OK || e->stopped);
    evr_zygote_stop(&p.zygote);
    evr_release(e->ctx, p.workers, p.count * sizeof *p.workers);
    evr_release(e->ctx, p.again, p.again_cap * sizeof *p.again);
    for (size_t i = 0; i < p.device_count; i++)
        evr_text_free(e->ctx, p.devices[i]);
    evr_release(e->ctx, p.devices, p.devices ? MOST_WORKERS * sizeof *p.devices : 0);
    evr_text_free(e->ctx, p.path);
    evr_text_free(e->ctx, p.configuration);
    return status;
}
