/* The kernels that a record runs now, against those of its trace. Two may record them: the backend, by the vendor's own library, or the bridge, by the tensor
 * library's profiler. The verdict says which it was. */
#include "batch/attempt.h"

#include "base/error.h"

#include <stdio.h>

enum { NEAR_PERCENT = 20 };

typedef struct seen_kernels {
    const evr_ir *ir;
    evr_str foreign; /* one that the trace does not have; borrowed from the arena */
    evr_arena *arena;
    bool *met; /* for each kernel of the record */
    double total_ns;
    size_t count;
} seen_kernels;

static int32_t see_kernel(void *user, const evr_kernel_run *kernel)
{
    seen_kernels *s = user;
    bool known = false;
    s->count++;
    s->total_ns += kernel->duration_ns;
    for (size_t i = 0; i < s->ir->kernel_count; i++)
        if (evr_str_eq(s->ir->kernels[i].name, kernel->name))
            known = s->met[i] = true;
    if (!known && !s->foreign.len)
        s->foreign = evr_arena_str(s->arena, kernel->name);
    return 0;
}

/* One that every call of the trace ran, and that did not run now. */
static const evr_kernel *missing(const seen_kernels *s)
{
    for (size_t i = 0; i < s->ir->kernel_count; i++)
        if (!s->met[i] && s->ir->kernels[i].count >= s->ir->count)
            return &s->ir->kernels[i];
    return NULL;
}

/* A run that knows whether it was come to: what fails before is the recorder's. */
typedef struct recorded_run {
    evr_replayer *r;
    bool begun;
} recorded_run;

static evr_status run_once(void *user, evr_error **err)
{
    recorded_run *run = user;
    run->begun = true;
    return evr_replayer_run_many(run->r, 1, err);
}

static evr_status by_backend(evr_attempter *a, recorded_run *run, seen_kernels *s, evr_error **err)
{
    const evr_measured what = {.struct_size = sizeof what, .run = run_once, .user = run};
    return evr_meter_kernels(a->meter, &what, see_kernel, s, err);
}

static evr_status by_bridge(evr_attempter *a, recorded_run *run, seen_kernels *s, evr_error **err)
{
    const evr_bridge *fn = &a->runtime->bridge->fn;
    EVR_TRY(fn->device_wait(fn->self, a->runtime->device, err));
    EVR_TRY(fn->record_begin(fn->self, a->runtime->device, EVR_RECORD_KERNELS, err));
    evr_status status = run_once(run, err);
    evr_status ended = fn->record_end(fn->self, status == EVR_OK ? see_kernel : NULL, s, status == EVR_OK ? err : NULL);
    return status != EVR_OK ? status : ended;
}

/* Records with what there is. `by` gets the recorder's name, or why none is there. */
static evr_status record(evr_attempter *a, recorded_run *run, seen_kernels *s, char *by, size_t size, evr_error **err)
{
    const evr_backend *backend = a->meter ? evr_meter_backend(a->meter) : NULL;
    const bool ways[] = {backend && backend->kernels_begin, a->runtime->bridge->fn.record_begin != NULL};
    evr_status status = EVR_OK;
    snprintf(by, size, "kernels are not recorded on %s", a->runtime->device);
    for (int bridge = 0; bridge < 2 && !run->begun; bridge++) {
        evr_error *refusal = NULL;
        if (!ways[bridge])
            continue;
        status = bridge ? by_bridge(a, run, s, &refusal) : by_backend(a, run, s, &refusal);
        if (status == EVR_OK)
            snprintf(by, size, bridge ? "the profiler of %s" : "the backend %s", bridge ? a->runtime->version : backend->name);
        else if (!run->begun)
            snprintf(by, size, "%s", evr_error_message(refusal));
        if (status != EVR_OK && run->begun && err) {
            *err = refusal;
            refusal = NULL;
        }
        evr_error_free(refusal);
    }
    return run->begun ? status : EVR_OK;
}

evr_status evr_check_kernels(evr_attempter *a, evr_checks *c, evr_replayer *r, double median_ns, evr_error **err)
{
    char by[256];
    recorded_run run = {.r = r};
    seen_kernels s = {.ir = r->ir, .arena = c->arena};
    if (!r->ir->kernel_count)
        return evr_checks_add(c, "kernels", EVR_VERDICT_SKIPPED, err, "the record has no kernels");
    if (!(s.met = evr_arena_alloc(c->arena, r->ir->kernel_count * sizeof *s.met)))
        return evr_fail_nomem(err);
    memset(s.met, 0, r->ir->kernel_count * sizeof *s.met);
    EVR_TRY(record(a, &run, &s, by, sizeof by, err));
    if (!run.begun)
        return evr_checks_add(c, "kernels", EVR_VERDICT_SKIPPED, err, "%s", by);
    if (!s.count) /* a profiler without the right to look at the device says no more than this */
        return evr_checks_add(c, "kernels", EVR_VERDICT_SKIPPED, err, "%s saw no kernel, and the trace has %zu", by, r->ir->kernel_count);
    double then = evr_trace_kernel_ns(r->ir), ratio = then > 0 ? s.total_ns / then : 0;
    const evr_kernel *gone = missing(&s);
    if (s.foreign.len || gone)
        return evr_checks_add(c, "kernels", EVR_VERDICT_BAD, err, "%s kernel: %.*s %s; %.3g times the trace's device time; seen by %s",
                              s.foreign.len ? "different" : "missing", EVR_STR_ARG(s.foreign.len ? s.foreign : gone->name),
                              s.foreign.len ? "is not among the trace's" : "did not run", ratio, by);
    bool close = ratio * 100 >= 100 - NEAR_PERCENT && ratio * 100 <= 100 + NEAR_PERCENT;
    return evr_checks_add(c, "kernels", EVR_VERDICT_GOOD, err, "%s: %zu kernels of the trace, %.3g times its device time%s; seen by %s",
                          close ? "faithful" : "different time", s.count, ratio, median_ns > 0 ? "" : ", not timed", by);
}
