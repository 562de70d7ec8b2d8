#include "batch/attempt.h"

#include "base/error.h"
#include "base/sized.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ROCm's PyTorch calls its devices "cuda" too: whichever backend has a device keeps the time. */
static evr_status open_meter(evr_attempter *a, const char *device, const char *path, evr_error **err)
{
    static const char *const of_cuda[] = {"cuda", "hip", NULL};
    char name[32];
    const char *const plain[] = {name, NULL}, *colon = strchr(device, ':');
    snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - device) : (int)strlen(device), device);
    const char *const *names = strcmp(name, "cuda") == 0 ? of_cuda : plain;
    const evr_bridge *bridge = &a->runtime->bridge->fn;
    bool cpu = strcmp(name, "cpu") == 0;
    void *native = NULL; /* the default stream, where PyTorch works unless it is told otherwise */
    evr_status status = EVR_E_NO_DEVICE;
    if (!cpu && bridge->stream_own)
        bridge->stream_own(bridge->self, device, &native, NULL);
    for (size_t i = 0; names[i] && status != EVR_OK; i++) {
        const evr_meter_options o = {
            .struct_size = sizeof o,
            .device = colon ? atoi(colon + 1) : 0,
            .backend = names[i],
            .backend_path = path,
            .stream = cpu ? EVR_STREAM_NEW : EVR_STREAM_NATIVE,
            .native_stream = native,
        };
        if (i && err) {
            evr_error_free(*err);
            *err = NULL;
        }
        status = evr_meter_open(a->ctx, &o, &a->meter, err);
    }
    return status;
}

/* A rank has a device of its own, a share of the machine's memory, and tensors that hold something else than those of other ranks. */
static void join(evr_attempter *a, evr_runtime_options *o, char *device, size_t size)
{
    const char *asked = o->device ? o->device : "cpu";
    if (strcmp(asked, "cpu") != 0 && strcmp(asked, "meta") != 0 && !strchr(asked, ':') && !strchr(asked, ',')) {
        snprintf(device, size, "%s:%d", asked, a->ranks.local_rank);
        o->device = device;
    }
    if (!o->max_bytes && a->ranks.local_count > 1 && strcmp(asked, "cpu") == 0)
        o->max_bytes = evr_memory_free() / 10 * 9 / (uint64_t)a->ranks.local_count;
    o->seed ^= (uint64_t)a->ranks.rank * UINT64_C(0x9E3779B97F4A7C15);
}

/* What no record could be timed with is said once, and not of each. */
static evr_status check_protocol(const evr_attempter *a, evr_error **err)
{
    const evr_backend *fn = evr_meter_backend(a->meter);
    bool graph = a->protocol.launch == EVR_LAUNCH_GRAPH && !fn->graph_begin, gate = a->protocol.gate == EVR_GATE_ON && !fn->gate_close;
    if (!(a->flags & EVR_BATCH_TIMED) || (!graph && !gate))
        return EVR_OK;
    evr_fail(a->ctx, err, EVR_E_UNSUPPORTED, "the backend %s has no %s, and the protocol asks for one", fn->name, graph ? "graphs" : "gate");
    evr_hint(err, graph ? "launch single calls or a batch, or time on a device that has graphs" : "use gate=auto or gate=off");
    return EVR_E_UNSUPPORTED;
}

evr_status evr_attempter_open(evr_context *ctx, const evr_replay_batch_options *o, const char *device, evr_attempter **out, evr_error **err)
{
    evr_attempter *a = evr_alloc_zeroed(ctx, sizeof *a);
    *out = NULL;
    if (!a)
        return evr_fail_nomem(err);
    a->ctx = evr_context_ref(ctx);
    a->flags = o->flags;
    EVR_TAKE(&a->protocol, o->protocol);
    a->protocol.seed = o->seed;
    char own[48];
    evr_runtime_options runtime = {
        .struct_size = sizeof runtime, .threads = o->threads, .bridge = o->bridge, .device = device, .max_bytes = o->max_bytes, .seed = o->seed};
    a->ranks.struct_size = sizeof a->ranks;
    evr_get_ranks(ctx, &a->ranks);
    if (a->ranks.count)
        join(a, &runtime, own, sizeof own);
    evr_status status = evr_runtime_open(ctx, &runtime, &a->runtime, err);
    size_t size;
    if (status == EVR_OK && o->bridge && !(a->bridge = evr_strdup(ctx, evr_str_c(o->bridge))))
        status = evr_fail_nomem(err);
    if (status == EVR_OK && o->flags & EVR_BATCH_TIMED)
        status = evr_protocol_text(ctx, &a->protocol, &a->protocol_text, &size, err);
    bool meta = status == EVR_OK && strcmp(a->runtime->device, "meta") == 0;
    if (status == EVR_OK && !meta && o->flags & (EVR_BATCH_TIMED | EVR_BATCH_CHECK_KERNELS))
        status = open_meter(a, a->runtime->device, o->backend_path, err);
    a->device.struct_size = sizeof a->device;
    if (status == EVR_OK && a->meter)
        status = evr_meter_device(a->meter, &a->device, err);
    if (status == EVR_OK && a->meter)
        status = check_protocol(a, err);
    if (status != EVR_OK) {
        evr_attempter_free(a);
        return status;
    }
    *out = a;
    return EVR_OK;
}

void evr_attempter_free(evr_attempter *a)
{
    if (!a)
        return;
    evr_context *ctx = a->ctx;
    evr_meter_free(a->meter);
    if (a->cpu != a->runtime)
        evr_runtime_free(a->cpu);
    evr_runtime_free(a->runtime);
    evr_text_free(ctx, a->protocol_text);
    if (a->bridge)
        evr_release(ctx, a->bridge, strlen(a->bridge) + 1);
    evr_release(ctx, a, sizeof *a);
    evr_context_free(ctx);
}

double evr_trace_kernel_ns(const evr_ir *ir)
{
    double total = 0;
    for (size_t i = 0; i < ir->kernel_count; i++)
        total += (double)ir->kernels[i].total_ns;
    return ir->kernel_count && ir->count ? total / (double)ir->count : -1;
}

/* The runtime that references run on. */
static evr_status need_cpu(evr_attempter *a, evr_error **err)
{
    if (a->cpu)
        return EVR_OK;
    if (a->runtime->on_cpu) {
        a->cpu = a->runtime;
        return EVR_OK;
    }
    const evr_runtime_options o = {.struct_size = sizeof o, .bridge = a->bridge, .seed = a->runtime->seed};
    return evr_runtime_open(a->ctx, &o, &a->cpu, err);
}

/* All that is found out of one record. */
typedef struct attempt {
    evr_attempter *a;
    evr_replayer *replayer;
    evr_checks checks;
    evr_measurement *measurement;
    double first_run_ns;
    evr_together *with; /* NULL = alone */
    bool timing; /* set up and run: what fails now is how it was timed */
} attempt;

/* All ranks go on, or none does. */
static evr_status agree(attempt *t, evr_status mine, evr_error **err) { return t->with ? evr_together_agree(t->with, mine, err) : mine; }

/* The first run, with the checks around it. */
static evr_status run_checked(attempt *t, evr_error **err)
{
    uint32_t flags = t->a->flags;
    evr_replayer *r = t->replayer;
    evr_reference *reference = NULL;
    uint64_t *before = evr_arena_alloc(t->checks.arena, (r->value_count + 1) * sizeof *before);
    evr_status status = before ? EVR_OK : evr_fail_nomem(err);
    if (status == EVR_OK && flags & EVR_BATCH_CHECK_REFERENCE && (status = need_cpu(t->a, err)) == EVR_OK)
        status = evr_reference_new(&t->checks, r, t->a->cpu, &reference, err);
    if (status == EVR_OK && flags & EVR_BATCH_CHECK_MUTATION)
        status = evr_check_arguments(&t->checks, r, before, err);
    if (status == EVR_OK) {
        double begun = now_ns();
        status = evr_replayer_run(r, err);
        t->first_run_ns = now_ns() - begun;
    }
    if (status == EVR_OK && flags & EVR_BATCH_CHECK_MUTATION)
        status = evr_check_mutation(&t->checks, r, before, err);
    if (status == EVR_OK && flags & EVR_BATCH_CHECK_FINITE)
        status = evr_check_finite(&t->checks, r, err);
    if (status == EVR_OK && reference)
        status = evr_check_reference(&t->checks, r, reference, err);
    if (status == EVR_OK && flags & EVR_BATCH_CHECK_REPEAT)
        status = evr_check_repeat(&t->checks, r, err);
    evr_reference_free(reference);
    return status;
}

/* Sizes that are not the recorded ones, because the ranks are others. Of texts a replayer tells itself. */
static evr_status tell_changes(attempt *t, const evr_ir *ir, evr_error **err)
{
    for (size_t i = 0; t->with && t->with->fitted && i < ir->arg_count; i++) {
        const evr_argument *a = &ir->args[i];
        if (a->provenance == EVR_FROM_RULE && a->note.len && a->value.kind != EVR_VALUE_STR && a->value.kind != EVR_VALUE_NONE)
            EVR_TRY(evr_replayer_warn(t->replayer, err, "argument %.*s: %.*s", EVR_STR_ARG(a->name), EVR_STR_ARG(a->note)));
    }
    return EVR_OK;
}

static evr_status run(attempt *t, const evr_ir *ir, evr_error **err)
{
    const evr_replayer_options how = {.struct_size = sizeof how, .flags = t->a->flags & EVR_BATCH_NO_AUTO_INIT ? EVR_REPLAYER_NO_AUTO_INIT : 0};
    evr_statistics s = {.struct_size = sizeof s};
    evr_status made = evr_replayer_new(t->a->runtime, ir, &how, &t->replayer, err);
    EVR_TRY(agree(t, made == EVR_OK ? tell_changes(t, ir, err) : made, err));
    EVR_TRY(agree(t, run_checked(t, err), err));
    if (t->a->flags & EVR_BATCH_TIMED && t->a->meter) {
        t->timing = true;
        EVR_TRY(evr_attempt_time(t->a, t->replayer, t->with, &t->measurement, err));
        evr_measurement_statistics(t->measurement, &s);
    }
    if (t->a->flags & EVR_BATCH_CHECK_KERNELS)
        EVR_TRY(evr_check_kernels(t->a, &t->checks, t->replayer, s.count ? s.median : -1, err));
    return EVR_OK;
}

/* What a result says of its record, run or not. */
static evr_status describe(evr_context *ctx, const evr_ir *ir, uint64_t index, evr_result *out, char key[33], char **arguments, evr_error **err)
{
    EVR_TRY(evr_ir_key(ir, key, err));
    EVR_TRY(evr_ir_arguments(ir, arguments, err));
    (void)ctx;
    *out = (evr_result){
        .struct_size = sizeof *out,
        .status = ir->status,
        .reason = ir->reason,
        .index = index,
        .uid = ir->uid,
        .count = ir->count,
        .key = {key, 32},
        .op = ir->op,
        .overload = ir->overload,
        .arguments = evr_str_c(*arguments),
        .detail = ir->detail,
        .initializer = {"", 0},
        .device = {"", 0},
        .protocol = {"", 0},
        .trace_kernel_ns = evr_trace_kernel_ns(ir),
        .trace_cpu_ns = -1,
        .first_run_ns = -1,
        .slowest_rank = -1,
    };
    return EVR_OK;
}

evr_status evr_attempt_none(evr_context *ctx, const evr_ir *ir, uint64_t index, int32_t status, int32_t reason, const char *detail, evr_result_fn receive,
                            void *user, evr_error **err)
{
    evr_result result;
    char key[33], *arguments = NULL;
    evr_status made = describe(ctx, ir, index, &result, key, &arguments, err);
    if (made == EVR_OK && detail) {
        result.status = status;
        result.reason = reason;
        result.detail = evr_str_c(detail);
    }
    if (made == EVR_OK)
        made = receive(user, &result, err);
    evr_text_free(ctx, arguments);
    return made;
}

/* Adds to a result what the run found. */
static void fill(const attempt *t, evr_result *result, evr_statistics *s, evr_conditions *c)
{
    const evr_replayer *r = t->replayer;
    result->device = evr_str_c(t->a->runtime->device);
    result->first_run_ns = t->first_run_ns;
    result->checks = t->checks.items;
    result->check_count = t->checks.count;
    if (r) {
        result->initializer = evr_replayer_initializer(r);
        result->tensor_bytes = r->bytes;
        result->warnings = r->warnings;
        result->warning_count = r->warning_count;
    }
    if (!t->measurement)
        return;
    evr_measurement_statistics(t->measurement, s);
    evr_measurement_conditions(t->measurement, c);
    result->statistics = s;
    result->conditions = c;
    result->protocol = evr_str_c(t->a->protocol_text);
    if (t->a->flags & EVR_BATCH_SAMPLES)
        result->samples = evr_measurement_samples(t->measurement, &result->sample_count);
}

/* The result of a run here. */
static void conclude(attempt *t, evr_status ran, evr_error *failure, evr_result *result, evr_statistics *s, evr_conditions *c)
{
    const evr_check *bad = NULL;
    evr_replay_outcome(ran == EVR_E_UNSUPPORTED && t->timing ? EVR_E_OP : ran, failure, &result->status, &result->reason);
    result->detail = evr_str_c(evr_error_message(failure));
    if (ran == EVR_OK && !evr_checks_good(&t->checks, &bad)) {
        char *text = evr_arena_alloc(t->checks.arena, bad->detail.len + 64);
        result->status = EVR_STATUS_FAILED;
        result->reason = EVR_REASON_OP_ERROR;
        result->detail = bad->detail;
        if (text)
            result->detail = (evr_str){text, (size_t)snprintf(text, bad->detail.len + 64, "check %.*s: %.*s", EVR_STR_ARG(bad->name), EVR_STR_ARG(bad->detail))};
    }
    fill(t, result, s, c);
}

/* Runs the record, here or here and on all other ranks at once. */
static evr_status run_record(attempt *t, const evr_ir *ir, evr_result *result, evr_statistics *s, evr_conditions *c, evr_error **failure, evr_error **err)
{
    evr_together *with = t->with;
    if (with && with->status != EVR_STATUS_OK) {
        result->status = with->status;
        result->reason = with->reason;
        result->detail = with->detail[0] ? evr_str_c(with->detail) : result->detail;
        return EVR_OK;
    }
    evr_status ran = EVR_OK;
    if (!with || with->member)
        ran = run(t, with && with->fitted ? with->fitted : ir, failure);
    if (with && with->lost) {
        if (err) {
            *err = *failure;
            *failure = NULL;
        }
        return ran;
    }
    conclude(t, ran, *failure, result, s, c);
    size_t samples = t->measurement ? s->count : 0;
    return with ? evr_together_close(with, result, samples, s, c, err) : EVR_OK;
}

static evr_status attempt_record(attempt *t, const evr_ir *ir, uint64_t index, evr_result_fn receive, void *user, evr_error **err)
{
    evr_context *ctx = t->a->ctx;
    evr_result result;
    evr_error *failure = NULL;
    char key[33], *arguments = NULL;
    evr_statistics s = {.struct_size = sizeof s};
    evr_conditions c = {.struct_size = sizeof c};
    evr_status status = describe(ctx, ir, index, &result, key, &arguments, err);
    if (status == EVR_OK)
        status = run_record(t, ir, &result, &s, &c, &failure, err);
    if (status == EVR_OK)
        status = receive(user, &result, err);
    evr_measurement_free(t->measurement);
    evr_replayer_free(t->replayer);
    evr_error_free(failure);
    evr_text_free(ctx, arguments);
    return status;
}

/* In step with the other ranks. */
static evr_status attempt_together(attempt *t, const evr_ir *ir, uint64_t index, evr_result_fn receive, void *user, evr_error **err)
{
    evr_ranks *all = &t->a->ranks;
    evr_together with;
    char op[256];
    evr_str_copy(op, evr_str_sub(ir->op, 0, ir->op.len < sizeof op ? ir->op.len : sizeof op - 1));
    if (all->record)
        EVR_TRY(all->record(all->user, index, op, err));
    t->with = &with;
    evr_status status = evr_together_open(&with, t->a->ctx, t->checks.arena, all, ir, err);
    if (status == EVR_OK)
        status = attempt_record(t, ir, index, receive, user, err);
    evr_together_free(&with);
    return status == EVR_OK && all->record ? all->record(all->user, UINT64_MAX, op, err) : status;
}

evr_status evr_attempt(evr_attempter *a, const evr_ir *ir, uint64_t index, evr_result_fn receive, void *user, evr_error **err)
{
    if (ir->status != EVR_STATUS_OK && !a->ranks.count)
        return evr_attempt_none(a->ctx, ir, index, 0, 0, NULL, receive, user, err);
    evr_arena arena;
    evr_arena_init(&arena, a->ctx);
    attempt t = {.a = a, .checks = {.ctx = a->ctx, .arena = &arena}, .first_run_ns = -1};
    evr_status status = a->ranks.count ? attempt_together(&t, ir, index, receive, user, err) : attempt_record(&t, ir, index, receive, user, err);
    evr_arena_free(&arena);
    return status;
}
