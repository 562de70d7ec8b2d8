#include "measure/sample.h"

#include "base/error.h"

static evr_status run_calls(evr_sampler *s, evr_error **err)
{
    if (s->graph) {
        s->c->calls += s->batch;
        return s->fn->graph_launch(s->fn->self, s->graph, s->meter->stream, err);
    }
    evr_run_fn run = s->what.run; /* this loop is inside the time */
    void *user = s->what.user;
    for (uint64_t i = 0, batch = s->batch; i < batch; i++) {
        evr_status status = run(user, err);
        if (status != EVR_OK) {
            s->c->calls += i + 1;
            return status;
        }
    }
    s->c->calls += s->batch;
    return EVR_OK;
}

static evr_status run_in_span(evr_sampler *s, evr_error **err)
{
    const evr_backend *fn = s->fn;
    EVR_TRY(fn->span_begin(fn->self, s->meter->span, s->meter->stream, err));
    EVR_TRY(run_calls(s, err));
    return fn->span_end(fn->self, s->meter->span, s->meter->stream, err);
}

static evr_status run_gated(evr_sampler *s, bool *timed_out, evr_error **err)
{
    const evr_backend *fn = s->fn;
    *timed_out = false;
    if (!s->gated)
        return run_in_span(s, err);
    EVR_TRY(fn->gate_close(fn->self, s->meter->stream, s->p->gate_seconds * 1e9, err));
    evr_status status = run_in_span(s, err);
    evr_status opened =
        fn->gate_open(fn->self, s->meter->stream, NULL); /* in any case: whatever waits behind it must go on */
    *timed_out = opened == EVR_E_CANCELLED;
    if (status == EVR_OK && opened != EVR_OK && opened != EVR_E_CANCELLED)
        status = evr_fail(s->meter->ctx, err, opened, "the gate of the backend %s did not open", fn->name);
    return status;
}

evr_status evr_sampler_take(evr_sampler *s, evr_sample *out, evr_error **err)
{
    const evr_backend *fn = s->fn;
    *out = (evr_sample){0};
    if (s->what.prepare)
        EVR_TRY(s->what.prepare(s->what.user, err));
    if (s->p->flush != EVR_FLUSH_NONE)
        EVR_TRY(fn->flush(fn->self, s->meter->stream, s->p->flush, s->p->flush_bytes, err));
    double from = fn->now_ns(fn->self);
    EVR_TRY(run_gated(s, &out->timed_out, err));
    double launched = fn->now_ns(fn->self);
    EVR_TRY(fn->span_ns(fn->self, s->meter->span, &out->span_ns, err));
    out->done_ns = fn->now_ns(fn->self);
    out->host_ns = (launched - from) / (double)s->batch;
    out->call_ns = (out->span_ns - s->meter->harness_ns) / (double)s->batch;
    s->c->device_ns += out->span_ns;
    return EVR_OK;
}

evr_status evr_sampler_capture(evr_sampler *s, evr_error **err)
{
    const evr_backend *fn = s->fn;
    evr_backend_graph *graph = NULL;
    EVR_TRY(fn->stream_wait(fn->self, s->meter->stream, err));
    EVR_TRY(fn->graph_begin(fn->self, s->meter->stream, err));
    evr_status status = run_calls(s, err);
    evr_status ended = fn->graph_end(fn->self, s->meter->stream, &graph, status == EVR_OK ? err : NULL);
    s->c->calls -= s->batch; /* kept, not run */
    if (status == EVR_OK)
        status = ended;
    if (status != EVR_OK) {
        if (graph)
            fn->graph_free(fn->self, graph);
        return status;
    }
    s->graph = graph;
    return EVR_OK;
}

void evr_sampler_free(evr_sampler *s)
{
    if (s->graph)
        s->fn->graph_free(s->fn->self, s->graph);
    s->graph = NULL;
}
