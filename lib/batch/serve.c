/* The worker's end: one record after the other, until the batch closes the pipe. */
#include "batch/attempt.h"
#include "batch/frames.h"
#include "batch/options.h"
#include "batch/zygote.h"

#include "base/json_write.h"

#include <evreplay/registry.h>

#include <stdio.h>
#include <sys/resource.h>

typedef struct serving {
    evr_context *ctx;
    evr_arena arena; /* of the options */
    evr_attempter *attempter;
    evr_runtime *loaded; /* by a zygote */
    int from, to;
    bool ended;
} serving;

static evr_status answer(serving *s, uint8_t kind, evr_buf *text, evr_error **err)
{
    return text->failed ? evr_fail_nomem(err) : evr_frame_write(s->ctx, s->to, kind, text->data ? text->data : "", text->len, err);
}

/* Tells the batch why nothing can begin. */
static evr_status tell_failure(serving *s, evr_status status, const evr_error *failure, evr_error **err)
{
    evr_buf text;
    evr_json_writer w;
    evr_buf_init(&text, s->ctx);
    evr_json_init(&w, &text);
    evr_json_open(&w, '{');
    evr_json_key(&w, "status");
    evr_json_i64(&w, status);
    evr_json_key(&w, "message");
    evr_json_str(&w, evr_str_c(evr_error_message(failure)));
    evr_json_key(&w, "hint");
    evr_json_str(&w, evr_str_c(evr_error_hint(failure)));
    evr_json_close(&w, '}');
    evr_status sent = answer(s, EVR_FRAME_ERROR, &text, err);
    evr_buf_free(&text);
    return sent;
}

static evr_status tell_ready(serving *s, evr_error **err)
{
    const evr_attempter *a = s->attempter;
    const struct {
        const char *name;
        evr_str text;
    } texts[] = {
        {"runtime", evr_runtime_version(a->runtime)}, {"device", evr_runtime_device(a->runtime)},
        {"device_name", a->device.name},              {"driver", a->device.driver},
    };
    evr_buf text;
    evr_json_writer w;
    evr_buf_init(&text, s->ctx);
    evr_json_init(&w, &text);
    evr_json_open(&w, '{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_json_key(&w, texts[i].name);
        evr_json_str(&w, texts[i].text.data ? texts[i].text : (evr_str){"", 0});
    }
    evr_json_close(&w, '}');
    evr_status sent = answer(s, EVR_FRAME_HELLO, &text, err);
    evr_buf_free(&text);
    return sent;
}

/* So that an operator that takes all memory fails here, before the system picks a process to kill. */
static void bound_memory(uint64_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    if (bytes)
        setrlimit(RLIMIT_DATA, &limit); /* where that cannot be, the system decides */
}

static evr_status begin(serving *s, evr_str options, evr_error **err)
{
    evr_replay_batch_options o;
    evr_error *failure = NULL;
    uint64_t memory;
    evr_status status = evr_batch_options_read(&s->arena, options, &o, &memory, &failure);
    if (status == EVR_OK)
        status = evr_attempter_open(s->ctx, &o, o.device, &s->attempter, &failure);
    if (status == EVR_OK)
        bound_memory(memory);
    evr_status sent = status == EVR_OK ? tell_ready(s, err) : tell_failure(s, status, failure, err);
    evr_error_free(failure);
    return sent;
}

static evr_status send_result(void *user, const evr_result *result, evr_error **err)
{
    serving *s = user;
    char *text = NULL;
    size_t size;
    EVR_TRY(evr_result_write(s->ctx, result, &text, &size, err));
    evr_status status = evr_frame_write(s->ctx, s->to, EVR_FRAME_RESULT, text, size, err);
    evr_text_free(s->ctx, text);
    return status;
}

static evr_status try_record(serving *s, evr_str payload, evr_error **err)
{
    uint64_t index = 0;
    evr_ir_set *set = NULL;
    if (payload.len < 8 || !s->attempter)
        return evr_fail(s->ctx, err, EVR_E_FORMAT, "a worker was given a record before its options, or half a record");
    memcpy(&index, payload.data, 8);
    EVR_TRY(evr_ir_read(s->ctx, payload.data + 8, payload.len - 8, &set, err));
    evr_status status = evr_ir_set_count(set) == 1 ? evr_attempt(s->attempter, evr_ir_set_at(set, 0), index, send_result, s, err)
                                                   : evr_fail(s->ctx, err, EVR_E_FORMAT, "a worker takes one record at a time");
    evr_ir_set_free(set);
    return status;
}

/* Loads and forks until the batch has enough; a child comes out of it as a worker that was told nothing yet. One that is not fit says so and remains a worker. */
static evr_status be_zygote(serving *s, evr_str what, evr_error **err)
{
    evr_error *failure = NULL;
    evr_zygote_end end;
    evr_status status = evr_zygote_load(s->ctx, what, &s->loaded, &failure);
    if (status != EVR_OK) {
        evr_status sent = tell_failure(s, status, failure, err);
        evr_error_free(failure);
        return sent;
    }
    EVR_TRY(evr_frame_write(s->ctx, s->to, EVR_FRAME_HELLO, "{}", 2, err));
    EVR_TRY(evr_zygote_serve(s->ctx, s->from, s->to, &end, err));
    s->ended = end == EVR_ZYGOTE_ENDED;
    return EVR_OK;
}

evr_status evr_worker_serve(evr_context *ctx, int32_t from, int32_t to, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!ctx)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_worker_serve: a context is needed");
    serving s = {.ctx = ctx, .from = from, .to = to};
    evr_buf buf;
    evr_buf_init(&buf, ctx);
    evr_arena_init(&s.arena, ctx);
    evr_status status;
    do {
        uint8_t kind;
        evr_str payload;
        status = evr_frame_read(ctx, from, &buf, &kind, &payload, err);
        if (status != EVR_OK || !kind)
            break;
        if (kind == EVR_FRAME_CONFIGURATION)
            status = evr_configure(ctx, payload.data, payload.len, err);
        else if (kind == EVR_FRAME_ZYGOTE && !s.attempter && !s.loaded)
            status = be_zygote(&s, payload, err);
        else if (kind == EVR_FRAME_OPTIONS && !s.attempter)
            status = begin(&s, payload, err);
        else if (kind == EVR_FRAME_RECORD)
            status = try_record(&s, payload, err);
        else
            status = evr_fail(ctx, err, EVR_E_FORMAT, "a worker was sent a message of unknown kind %d", kind);
    } while (status == EVR_OK && !s.ended);
    evr_attempter_free(s.attempter);
    evr_runtime_free(s.loaded);
    evr_arena_free(&s.arena);
    evr_buf_free(&buf);
    return status;
}
