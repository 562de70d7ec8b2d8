/* The order of a measurement: warm-up, choice of how to launch, samples until the rule is content, and a look at the
 * device's state now and then that may take samples away again. */
#include "base/error.h"
#include "base/sized.h"
#include "measure/protocol.h"
#include "measure/sample.h"
#include "measure/stop.h"

#include <math.h>
#include <time.h>

enum { GROUP = 3, TIMEOUTS_ALLOWED = 3, BATCH_TRIES = 12 };

#define SAME_SPEED 0.02   /* two groups of the warm-up differ by less */
#define WARMUP_SHARE 0.25 /* of the budget */
#define COOLING_SHARE 0.5 /* of the budget may have gone by when samples are still thrown away */
#define QUIET_SHARE 0.1   /* of the budget may be lost to others who use the device */
#define LOOK_EVERY 20e6   /* ns of the host's clock between looks at the state of a device that does not say itself */
#define FIRST_REST 2.5  /* times that, for a device that was slowed; twice as long each time it still is hot */
#define LAST_REST 50    /* times that, at most */
#define LEAST_PATIENCE 0.1
#define TELL_EVERY 50e6   /* ns between two calls of progress */
#define TICKS_WANTED 200
#define HARNESS_WANTED 50 /* times the harness */
#define HARNESS_WANTED_HERE                                                                                                \
    1000 /* where the call runs on the thread that takes the samples, and finds its caches and branches disturbed by that  \
          */
#define LAUNCHES_WANTED 100
#define LAUNCH_SHOWS 0.05 /* of a sample of one call */
#define MOST_CALLS 10000000.0
#define MOST_HELD 100.0 /* calls behind a gate: queues of devices are short, and a full one would wait for the gate */
#define NOT_DISCARDED_FOR EVR_THROTTLE_USER

typedef struct session {
    evr_sampler sampler;
    const evr_backend *fn;
    evr_context *ctx;
    evr_protocol p;
    evr_measurement *m;
    evr_stop stop;
    double *host; /* host time of each sample that counts */
    size_t host_cap;
    double call_ns;   /* guess after warm-up */
    double launch_ns; /* the host's share of a call, as the warm-up saw it */
    double flush_ns;  /* of one flush, as the device sees it */
    double started_ns, sampling_ns, looked_ns, told_ns;
    double look_ns; /* between looks at the device's state */
    double rest_ns; /* the next time it is slowed */
    double lost_ns; /* in samples that were taken away, and in rests */
    double patience;
    size_t safe;    /* samples before the last look that found nothing */
    uint64_t throttle_count;
    double origin_ns;  /* the start on this process's clock; started_ns is the same number for all that measure together */
    double done_ns;    /* of the last sample */
    double tick_ns;    /* of the clock; among several, of the coarsest */
    bool looked;       /* throttle_count is known */
    bool cut_short;    /* what was taken in peace has to do */
    unsigned timeouts; /* in a row */
} session;

static double elapsed(const session *s, double now) { return (now - s->started_ns) / 1e9; }

static evr_status unsupported(session *s, evr_error **err, const char *what, const char *hint)
{
    evr_fail(s->ctx, err, EVR_E_UNSUPPORTED, "the backend %s cannot do what the protocol asks for: %s", s->fn->name, what);
    evr_hint(err, "%s", hint);
    return EVR_E_UNSUPPORTED;
}

static evr_status choose_gate(session *s, evr_error **err)
{
    bool can = s->fn->gate_close != NULL;
    if (s->p.gate == EVR_GATE_ON && !can)
        return unsupported(s, err, "it has no gate", "use gate=auto or gate=off");
    s->sampler.gated = can && (s->p.gate == EVR_GATE_ON ||
                               (s->p.gate == EVR_GATE_AUTO && (s->sampler.what.flags & EVR_MEASURED_GATEABLE)));
    if (s->p.launch == EVR_LAUNCH_GRAPH && !s->fn->graph_begin)
        return unsupported(s, err, "it has no graphs", "use launch=single or launch=batch");
    return EVR_OK;
}

/* What waits for the device cannot be held. Without a gate the samples so far are of another kind, so they go. */
static evr_status gate_failed(session *s, evr_error **err)
{
    s->m->conditions.gate_timeouts++;
    if (++s->timeouts < TIMEOUTS_ALLOWED)
        return EVR_OK;
    if (s->p.gate == EVR_GATE_ON)
        return unsupported(s, err, "what is measured waits for the device while its stream is held", "use gate=off");
    s->sampler.gated = false;
    s->m->conditions.discarded += s->m->count;
    s->m->count = s->safe = 0;
    evr_stop_reset(&s->stop);
    return EVR_OK;
}

static evr_status agree(session *s, double *values, size_t count, evr_error **err)
{
    const evr_measured *what = &s->sampler.what;
    return what->agree ? what->agree(what->user, values, count, err) : EVR_OK;
}

/* A sample is that of the slowest, and all that follows from it is the same for all. */
static evr_status take(session *s, evr_sample *sample, evr_error **err)
{
    EVR_TRY(evr_sampler_take(&s->sampler, sample, err));
    double values[EVR_SAMPLE_AGREED] = {sample->call_ns, sample->host_ns, sample->span_ns, sample->done_ns - s->origin_ns, sample->timed_out};
    EVR_TRY(agree(s, values, EVR_SAMPLE_AGREED, err));
    sample->call_ns = values[0];
    sample->host_ns = values[1];
    sample->span_ns = values[2];
    s->done_ns = sample->done_ns = s->started_ns + values[3];
    sample->timed_out = values[4] > 0;
    if (sample->timed_out)
        return gate_failed(s, err);
    s->timeouts = 0;
    return EVR_OK;
}

static double median_of(double *values, size_t count)
{
    evr_sort_f64(values, count);
    return evr_median_of_sorted(values, count);
}

/* Until two consecutive groups agree, or a number of calls; a budget ends both. */
static evr_status warm_up(session *s, evr_error **err)
{
    evr_conditions *c = &s->m->conditions;
    double group[GROUP], before = NAN, least = INFINITY;
    bool stable = false;
    uint64_t i = 0;
    while (i < s->p.warmup_calls && !stable) {
        evr_sample sample;
        EVR_TRY(take(s, &sample, err));
        i++;
        group[(i - 1) % GROUP] = sample.call_ns;
        least = fmin(least, sample.call_ns);
        s->launch_ns = i == 1 ? sample.host_ns : fmin(s->launch_ns, sample.host_ns);
        double share = elapsed(s, sample.done_ns) / s->p.seconds;
        if (s->p.warmup == EVR_WARMUP_STABLE && i % GROUP == 0) {
            double now = median_of(group, GROUP);
            stable = fabs(now - before) <= fmax(SAME_SPEED * now, s->tick_ns);
            s->call_ns = before = now;
        } else if (s->p.warmup == EVR_WARMUP_COUNT || i < GROUP) {
            s->call_ns = least;
        }
        if (share > (s->p.warmup == EVR_WARMUP_STABLE ? WARMUP_SHARE : 1))
            break;
    }
    if (s->p.warmup == EVR_WARMUP_STABLE ? !stable : i < s->p.warmup_calls)
        c->flags |= EVR_MEASUREMENT_UNWARMED;
    return EVR_OK;
}

static bool waits_for_host(const session *s)
{
    return (s->sampler.meter->desc.flags & EVR_DEVICE_ASYNC) && !s->sampler.gated;
}

/* Length of a span that the clock resolves well, and that neither the harness nor the launch of its first call blurs. */
static double wanted_ns(const session *s)
{
    const evr_conditions *c = &s->m->conditions;
    bool elsewhere = s->sampler.meter->desc.flags & EVR_DEVICE_ASYNC;
    double want = fmax(TICKS_WANTED * c->tick_ns, (elsewhere ? HARNESS_WANTED : HARNESS_WANTED_HERE) * c->harness_ns);
    return waits_for_host(s) ? fmax(want, LAUNCHES_WANTED * s->launch_ns) : want;
}

static evr_status size_batch(session *s, evr_error **err)
{
    double want = wanted_ns(s), calls = s->call_ns > 0 ? ceil(want / s->call_ns) : 10;
    double most = s->sampler.gated ? MOST_HELD : MOST_CALLS;
    for (int i = 0; i < BATCH_TRIES; i++) {
        evr_sample sample;
        s->sampler.batch = calls < 1 ? 1 : (uint64_t)fmin(calls, most);
        EVR_TRY(take(s, &sample, err));
        double net = sample.call_ns * (double)s->sampler.batch;
        if (net >= 0.7 * want || calls >= most || elapsed(s, sample.done_ns) > WARMUP_SHARE * s->p.seconds)
            break;
        calls *= net > want / 10 ? 1.1 * want / net : 10;
    }
    return EVR_OK;
}

static evr_status choose_launch(session *s, evr_error **err)
{
    evr_conditions *c = &s->m->conditions;
    bool alone = s->sampler.what.prepare != NULL;
    bool too_short = s->p.launch == EVR_LAUNCH_AUTO && s->p.flush == EVR_FLUSH_NONE && !alone && s->call_ns < wanted_ns(s);
    if (alone && (s->p.launch == EVR_LAUNCH_BATCH || s->p.batch > 1))
        return evr_fail(
            s->ctx, err, EVR_E_INVALID,
            "a thing that is prepared before each call is measured one call a sample, and the protocol asks for more");
    if (s->p.launch == EVR_LAUNCH_GRAPH) {
        s->sampler.batch = s->p.batch ? s->p.batch : 1;
        EVR_TRY(evr_sampler_capture(&s->sampler, err));
        evr_sample first; /* uploads the graph */
        EVR_TRY(take(s, &first, err));
        c->launch = EVR_LAUNCH_GRAPH;
    } else if (too_short || s->p.launch == EVR_LAUNCH_BATCH) {
        if (s->p.batch)
            s->sampler.batch = s->p.batch;
        else
            EVR_TRY(size_batch(s, err));
        c->launch = s->sampler.batch > 1 || s->p.launch == EVR_LAUNCH_BATCH ? EVR_LAUNCH_BATCH : EVR_LAUNCH_SINGLE;
    }
    c->batch = s->sampler.batch;
    c->warmup_calls = c->calls;
    return EVR_OK;
}

/* How long a flush keeps the device busy: launching hides behind it. */
static evr_status time_flush(session *s, evr_error **err)
{
    evr_meter *meter = s->sampler.meter;
    if (s->p.flush == EVR_FLUSH_NONE || !(meter->desc.flags & EVR_DEVICE_ASYNC))
        return EVR_OK;
    EVR_TRY(s->fn->span_begin(s->fn->self, meter->span, meter->stream, err));
    EVR_TRY(s->fn->flush(s->fn->self, meter->stream, s->p.flush, s->p.flush_bytes, err));
    EVR_TRY(s->fn->span_end(s->fn->self, meter->span, meter->stream, err));
    return s->fn->span_ns(s->fn->self, meter->span, &s->flush_ns, err);
}

static void pause_for(session *s, double ns)
{
    if (s->fn->rest) {
        s->fn->rest(s->fn->self, ns);
        return;
    }
    struct timespec t = {(time_t)(ns / 1e9), (long)fmod(ns, 1e9)};
    nanosleep(&t, NULL);
}

/* Why the device was slowed since the last look, 0 when it was not. Of several devices it is what any of them says. */
static evr_status ask_device(session *s, uint32_t *why, evr_error **err)
{
    evr_conditions *c = &s->m->conditions;
    evr_device_state state = {.struct_size = EVR_INIT(evr_device_state)};
    EVR_TRY(s->fn->device_state(s->fn->self, s->sampler.meter->device, &state, err));
    if (s->sampler.what.flags & EVR_MEASURED_PARALLEL)
        state.throttle &= ~EVR_THROTTLE_SHARED;
    bool counted = s->looked && state.throttle_count > s->throttle_count;
    double told[] = {counted || (state.throttle & ~(NOT_DISCARDED_FOR | EVR_THROTTLE_SHARED)), (state.throttle & EVR_THROTTLE_SHARED) != 0};
    EVR_TRY(agree(s, told, sizeof told / sizeof *told, err));
    *why = (told[0] > 0 ? EVR_THROTTLE_HARDWARE : 0) | (told[1] > 0 ? EVR_THROTTLE_SHARED : 0);
    s->throttle_count = state.throttle_count;
    s->looked = true;
    c->clock_mhz = state.clock_mhz;
    c->temperature_c = state.temperature_c;
    return EVR_OK;
}

/* A device that is hot cools down sooner or later; others who use it may stay for good. */
static bool waits_no_longer(const session *s, uint32_t why, double now)
{
    return why == EVR_THROTTLE_SHARED ? s->lost_ns > QUIET_SHARE * s->patience * s->p.seconds * 1e9 : elapsed(s, now) > COOLING_SHARE * s->p.seconds;
}

/* Time in which nothing was taken that counts. */
static void lose(session *s, double ns)
{
    s->lost_ns += ns;
    s->sampling_ns += ns;
}

/* A few samples taken in peace tell more than many of which some were not. A number that was asked for is another matter. */
static bool can_do_with_less(const session *s, uint32_t why)
{
    return why == EVR_THROTTLE_SHARED && s->p.throttle == EVR_THROTTLED_DISCARD && s->p.stop == EVR_STOP_PRECISION && s->safe >= s->p.min_samples;
}

/* Samples since a look that found nothing go if the device was slowed meanwhile, or are flagged. */
static evr_status look_at_device(session *s, double now, evr_error **err)
{
    evr_conditions *c = &s->m->conditions;
    uint32_t why = 0;
    double since_ns = now - s->looked_ns;
    s->looked_ns = now;
    if (!s->fn->device_state)
        return EVR_OK;
    EVR_TRY(ask_device(s, &why, err));
    if (!why) {
        s->safe = s->m->count;
        s->rest_ns = FIRST_REST * s->look_ns;
        return EVR_OK;
    }
    bool give_up = s->p.throttle == EVR_THROTTLED_KEEP || waits_no_longer(s, why, now);
    s->cut_short = give_up && can_do_with_less(s, why);
    if (give_up && !s->cut_short) {
        if (s->m->count > s->safe)
            c->flags |= EVR_MEASUREMENT_THROTTLED;
        return EVR_OK;
    }
    c->discarded += s->m->count - s->safe;
    s->m->count = s->safe;
    lose(s, since_ns);
    evr_stop_reset(&s->stop);
    if (s->cut_short)
        return evr_stop_look(&s->stop, s->m->samples, s->m->count, err);
    while (why && !waits_no_longer(s, why, now)) {
        pause_for(s, s->rest_ns);
        now += s->rest_ns; /* not by the clock: all that measure together have to agree */
        lose(s, s->rest_ns);
        if (why != EVR_THROTTLE_SHARED)
            s->rest_ns = fmin(2 * s->rest_ns, LAST_REST * s->look_ns);
        EVR_TRY(ask_device(s, &why, err));
    }
    s->looked_ns = now;
    return evr_stop_look(&s->stop, s->m->samples, s->m->count, err);
}

static evr_status tell(session *s, double now, evr_error **err)
{
    const evr_measured *what = &s->sampler.what;
    if (!what->progress || now - s->told_ns < TELL_EVERY)
        return EVR_OK;
    s->told_ns = now;
    double part = fmax(s->stop.part, fmin(1, elapsed(s, now) / s->p.seconds));
    if (what->progress(what->progress_user, s->m->count, part))
        return evr_fail(s->ctx, err, EVR_E_CANCELLED, "the measurement was cancelled after %zu samples", s->m->count);
    return EVR_OK;
}

static evr_status keep(session *s, const evr_sample *sample, evr_error **err)
{
    void *array = s->host;
    if (!evr_grow(s->ctx, &array, &s->host_cap, s->m->count + 1, sizeof *s->host))
        return evr_fail_nomem(err);
    s->host = array;
    s->host[s->m->count] = sample->host_ns;
    EVR_TRY(evr_measurement_add(s->m, sample->call_ns, err));
    return evr_stop_look(&s->stop, s->m->samples, s->m->count, err);
}

/* The rule is content, and enough time has passed that what it saw was no passing mood of the machine. */
static bool has_enough(const session *s, double now)
{
    bool long_enough = s->p.stop != EVR_STOP_PRECISION || now - s->sampling_ns >= s->p.min_seconds * 1e9;
    uint64_t most = s->p.stop == EVR_STOP_COUNT ? s->p.samples : s->p.max_samples;
    return (s->stop.done && long_enough) || s->m->count >= most;
}

static evr_status take_samples(session *s, evr_error **err)
{
    s->sampling_ns = s->sampler.what.agree && s->done_ns > 0 ? s->done_ns : s->fn->now_ns(s->fn->self);
    for (;;) {
        evr_sample sample;
        EVR_TRY(take(s, &sample, err));
        if (!sample.timed_out)
            EVR_TRY(keep(s, &sample, err));
        bool enough = has_enough(s, sample.done_ns);
        bool late = elapsed(s, sample.done_ns) > s->p.seconds && s->m->count > 0;
        EVR_TRY(tell(s, sample.done_ns, err));
        if (!enough && !late && sample.done_ns - s->looked_ns < s->look_ns)
            continue;
        EVR_TRY(look_at_device(s, sample.done_ns, err)); /* may take samples away: then there are not enough */
        if ((has_enough(s, sample.done_ns) || late || s->cut_short) && s->m->count > 0)
            return EVR_OK;
    }
}

static evr_status conclude(session *s, evr_error **err)
{
    evr_measurement *m = s->m;
    evr_conditions *c = &m->conditions;
    uint32_t device = s->sampler.meter->desc.flags;
    EVR_TRY(evr_statistics_room_for(s->ctx, &s->stop.room, m->count, err));
    evr_statistics_compute(m->samples, m->count, evr_stop_widening(&s->p, s->stop.count, m->count), &s->stop.room,
                           &m->statistics);
    c->gate = s->sampler.gated ? EVR_GATE_ON : EVR_GATE_OFF;
    c->flush_bytes = s->p.flush == EVR_FLUSH_NONE ? 0 : s->p.flush_bytes ? s->p.flush_bytes : m->device.cache_bytes;
    c->host_ns = median_of(s->host, m->count);
    c->wall_ns = s->fn->now_ns(s->fn->self) - s->origin_ns;
    c->precision = evr_relative_precision(&m->statistics);
    double span = m->statistics.median * (double)c->batch;
    if (!s->stop.done)
        c->flags |= EVR_MEASUREMENT_IMPRECISE;
    if (span < 100 * c->tick_ns || span < 10 * c->harness_ns)
        c->flags |= EVR_MEASUREMENT_COARSE;
    if (device & EVR_DEVICE_UNSTABLE_CLOCK)
        c->flags |= EVR_MEASUREMENT_UNSTABLE_CLOCK;
    double shown = c->launch == EVR_LAUNCH_SINGLE ? LAUNCH_SHOWS : 1 - LAUNCH_SHOWS;
    if (waits_for_host(s) && c->launch != EVR_LAUNCH_GRAPH && c->host_ns > s->flush_ns + shown * m->statistics.median)
        c->flags |= EVR_MEASUREMENT_LAUNCH_BOUND;
    return EVR_OK;
}

static evr_status measure(session *s, evr_error **err)
{
    EVR_TRY(choose_gate(s, err));
    s->tick_ns = s->m->conditions.tick_ns;
    EVR_TRY(agree(s, &s->tick_ns, 1, err));
    s->origin_ns = s->started_ns = s->fn->now_ns(s->fn->self);
    EVR_TRY(agree(s, &s->started_ns, 1, err));
    s->looked_ns = s->told_ns = s->started_ns;
    s->rest_ns = FIRST_REST * s->look_ns;
    s->patience = s->sampler.meter->patience;
    EVR_TRY(agree(s, &s->patience, 1, err));
    EVR_TRY(look_at_device(s, s->started_ns, err));
    EVR_TRY(warm_up(s, err));
    EVR_TRY(choose_launch(s, err));
    EVR_TRY(time_flush(s, err));
    EVR_TRY(take_samples(s, err));
    bool in_vain = s->cut_short || s->m->conditions.flags & EVR_MEASUREMENT_THROTTLED;
    s->sampler.meter->patience = in_vain ? fmax(s->patience / 2, LEAST_PATIENCE) : 1; /* who found no peace this time expects less the next time */
    return conclude(s, err);
}

evr_status evr_measure(evr_meter *meter, const evr_protocol *protocol, const evr_measured *what, evr_measurement **out,
                       evr_error **err)
{
    session s = {.fn = meter->fn, .ctx = meter->ctx, .look_ns = meter->desc.look_ns > 0 ? meter->desc.look_ns : LOOK_EVERY};
    *out = NULL;
    if (!what || what->struct_size < offsetof(evr_measured, prepare) || !what->run)
        return evr_fail(s.ctx, err, EVR_E_INVALID, "there is nothing to measure: the callback is missing");
    EVR_TRY(evr_protocol_resolve(s.ctx, protocol, &s.p, err));
    EVR_TRY(evr_measurement_new(meter, &s.p, &s.m, err));
    s.sampler = (evr_sampler){.meter = meter, .fn = meter->fn, .p = &s.p, .c = &s.m->conditions, .batch = 1};
    EVR_TAKE(&s.sampler.what, what);
    evr_stop_init(&s.stop, s.ctx, &s.p);
    evr_status status = measure(&s, err);
    if (status != EVR_OK)
        s.fn->stream_wait(s.fn->self, meter->stream,
                          NULL); /* nothing of it may still run when the caller takes its inputs away */
    evr_sampler_free(&s.sampler);
    evr_stop_free(&s.stop);
    if (s.host)
        evr_release(s.ctx, s.host, s.host_cap * sizeof *s.host);
    if (status != EVR_OK) {
        evr_measurement_free(s.m);
        return status;
    }
    *out = s.m;
    return EVR_OK;
}
