/* Streams, spans, gates and graphs of a device that is driven as CUDA and HIP are. */
#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct evr_backend_span {
    gpu_device *device;
    gpu_handle begin, end;
    int state; /* 0 new, 1 begun, 2 ended, 3 read */
    double ns;
};

struct evr_backend_graph {
    gpu_device *device;
    gpu_handle exec;
};

evr_status gpu_refuse(gpu *g, evr_error **err, evr_status status, const char *message)
{
    return g->host->error(g->host->user, err, status, message, NULL);
}

evr_status gpu_fail(gpu *g, evr_error **err, int code, const char *doing)
{
    char text[GPU_TEXT];
    const char *name = g->ops.error_name(g, code);
    snprintf(text, sizeof text, "%s: %s: %s (%d)", g->ops.vendor, doing, name ? name : "unknown error", code);
    bool capture = code >= GPU_CAPTURE_FIRST && code <= GPU_CAPTURE_LAST;
    evr_status status = code == GPU_OUT_OF_MEMORY              ? EVR_E_NOMEM
                        : code == GPU_NO_DEVICE                ? EVR_E_NO_DEVICE
                        : capture || code == GPU_NOT_SUPPORTED ? EVR_E_UNSUPPORTED
                                                               : EVR_E_OP;
    return gpu_refuse(g, err, status, text);
}

static evr_status known(gpu *g, int32_t device, evr_error **err)
{
    char text[GPU_TEXT];
    if (device >= 0 && device < g->count)
        return EVR_OK;
    snprintf(text, sizeof text, "there is no %s device of that number", g->ops.vendor);
    return gpu_refuse(g, err, EVR_E_NO_DEVICE, g->count ? text : g->why);
}

evr_status gpu_enter(gpu *g, gpu_device *device, evr_error **err)
{
    int error = g->ops.enter(g, device);
    if (error != GPU_OK)
        return gpu_fail(g, err, error, "entering the device");
    device->used = true;
    return EVR_OK;
}

void gpu_leave(gpu *g) { g->ops.leave(g); }

/* Asking for its name also takes an error out of the thread's memory, where the vendor keeps it there. */
static void forget(gpu *g, int error)
{
    if (error != GPU_OK)
        g->ops.error_name(g, error);
}

static void shut_down(void *self)
{
    gpu *g = self;
    for (int i = 0; i < g->count; i++) {
        if (!g->devices[i]->used || gpu_enter(g, g->devices[i], NULL) != EVR_OK)
            continue;
        forget(g, g->calls.wait());
        gpu_flush_free(g, g->devices[i]);
        gpu_leave(g);
    }
    g->ops.close(g);
}

static int32_t device_count(void *self) { return ((gpu *)self)->count; }
static const char *why(void *self) { return ((gpu *)self)->why; }

static double now_ns(void *self)
{
    struct timespec t;
    (void)self;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static evr_str text_of(const char *s) { return (evr_str){s, strlen(s)}; }

static evr_status device_describe(void *self, int32_t number, evr_device_desc *out, evr_error **err)
{
    gpu *g = self;
    evr_status status = known(g, number, err);
    if (status != EVR_OK)
        return status;
    const gpu_device *device = g->devices[number];
    evr_device_desc all = {
        .struct_size = out->struct_size,
        .flags = EVR_DEVICE_ASYNC,
        .name = text_of(device->name),
        .driver = text_of(device->driver),
        .clock = text_of(g->ops.clock),
        .settings = text_of(device->settings),
        .memory_bytes = device->memory_bytes,
        .cache_bytes = device->cache_bytes,
        .clock_mhz = device->clock_mhz,
        .memory_clock_mhz = device->memory_clock_mhz,
    };
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

evr_status gpu_device_wait(void *self, int32_t number, evr_error **err)
{
    gpu *g = self;
    evr_status status = known(g, number, err);
    if (status == EVR_OK)
        status = gpu_enter(g, g->devices[number], err);
    if (status != EVR_OK)
        return status;
    int error = g->calls.wait();
    gpu_leave(g);
    return error == GPU_OK ? EVR_OK : gpu_fail(g, err, error, "waiting for the device");
}

static evr_status stream_open(void *self, int32_t number, int32_t kind, void *native, evr_backend_stream **out,
                              evr_error **err)
{
    gpu *g = self;
    *out = NULL;
    evr_status status = known(g, number, err);
    if (status != EVR_OK)
        return status;
    if (kind != EVR_STREAM_NEW && kind != EVR_STREAM_NATIVE)
        return gpu_refuse(g, err, EVR_E_UNSUPPORTED, "this kind of stream is not known");
    evr_backend_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return gpu_refuse(g, err, EVR_E_NOMEM, "out of memory");
    stream->device = g->devices[number];
    stream->handle = native;
    stream->owned = kind == EVR_STREAM_NEW;
    status = gpu_enter(g, stream->device, err);
    if (status == EVR_OK) {
        int error = stream->owned ? g->calls.stream_create(&stream->handle, GPU_STREAM_NON_BLOCKING) : GPU_OK;
        gpu_leave(g);
        if (error != GPU_OK)
            status = gpu_fail(g, err, error, "making a stream");
    }
    if (status == EVR_OK)
        *out = stream;
    else
        free(stream);
    return status;
}

static void drop_gate(gpu *g, evr_backend_stream *stream)
{
    if (!stream->gate)
        return;
    gate_stop(stream->gate);
    forget(g, g->calls.stream_wait(stream->handle)); /* it may still read the word */
    g->ops.word_free(g, stream->gate->word);
    free(stream->gate);
}

static void stream_close(void *self, evr_backend_stream *stream)
{
    gpu *g = self;
    if (!stream)
        return;
    if (gpu_enter(g, stream->device, NULL) == EVR_OK) {
        drop_gate(g, stream);
        if (stream->owned)
            g->calls.stream_destroy(stream->handle);
        gpu_leave(g);
    }
    free(stream);
}

/* Calls the driver within the context of the device. */
#define WITHIN(device, doing, call)                                                                                        \
    do {                                                                                                                   \
        evr_status entered_ = gpu_enter(g, (device), err);                                                                 \
        if (entered_ != EVR_OK)                                                                                            \
            return entered_;                                                                                               \
        int error_ = (call);                                                                                               \
        gpu_leave(g);                                                                                                      \
        if (error_ != GPU_OK)                                                                                              \
            return gpu_fail(g, err, error_, doing);                                                                        \
    } while (0)

static evr_status stream_wait(void *self, evr_backend_stream *stream, evr_error **err)
{
    gpu *g = self;
    WITHIN(stream->device, "waiting for the stream", g->calls.stream_wait(stream->handle));
    return EVR_OK;
}

static void *stream_native(void *self, evr_backend_stream *stream)
{
    (void)self;
    return stream->handle;
}

static evr_status span_new(void *self, int32_t number, evr_backend_span **out, evr_error **err)
{
    gpu *g = self;
    *out = NULL;
    evr_status status = known(g, number, err);
    if (status != EVR_OK)
        return status;
    evr_backend_span *span = calloc(1, sizeof *span);
    if (!span)
        return gpu_refuse(g, err, EVR_E_NOMEM, "out of memory");
    span->device = g->devices[number];
    status = gpu_enter(g, span->device, err);
    if (status == EVR_OK) {
        int error = g->calls.event_create(&span->begin, g->ops.event_flags);
        if (error == GPU_OK && (error = g->calls.event_create(&span->end, g->ops.event_flags)) != GPU_OK)
            g->calls.event_destroy(span->begin);
        gpu_leave(g);
        if (error != GPU_OK)
            status = gpu_fail(g, err, error, "making events");
    }
    if (status == EVR_OK)
        *out = span;
    else
        free(span);
    return status;
}

static void span_free(void *self, evr_backend_span *span)
{
    gpu *g = self;
    if (!span)
        return;
    if (gpu_enter(g, span->device, NULL) == EVR_OK) {
        g->calls.event_destroy(span->begin);
        g->calls.event_destroy(span->end);
        gpu_leave(g);
    }
    free(span);
}

static evr_status span_begin(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    gpu *g = self;
    span->state = 0;
    WITHIN(span->device, "recording an event", g->calls.event_record(span->begin, stream->handle));
    span->state = 1;
    return EVR_OK;
}

static evr_status span_end(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    gpu *g = self;
    if (span->state != 1)
        return gpu_refuse(g, err, EVR_E_STATE, "this span was not begun");
    WITHIN(span->device, "recording an event", g->calls.event_record(span->end, stream->handle));
    span->state = 2;
    return EVR_OK;
}

static evr_status span_ns(void *self, evr_backend_span *span, double *ns, evr_error **err)
{
    gpu *g = self;
    float ms = 0;
    *ns = 0;
    if (span->state < 2)
        return gpu_refuse(g, err, EVR_E_STATE, "this span was not begun and ended");
    if (span->state == 2) {
        WITHIN(span->device, "waiting for the end of a span", g->calls.event_wait(span->end));
        WITHIN(span->device, "reading a span", g->calls.event_elapsed(&ms, span->begin, span->end));
        span->ns = (double)ms * 1e6;
        span->state = 3;
    }
    *ns = span->ns;
    return EVR_OK;
}

static evr_status make_gate(gpu *g, evr_backend_stream *stream, evr_error **err)
{
    volatile uint64_t *word = NULL;
    gate *made = calloc(1, sizeof *made);
    if (!made)
        return gpu_refuse(g, err, EVR_E_NOMEM, "out of memory");
    evr_status status = gpu_enter(g, stream->device, err);
    if (status == EVR_OK) {
        int error = g->ops.word_new(g, &word);
        if (error != GPU_OK)
            status = gpu_fail(g, err, error, "taking memory for the gate");
        else if (!gate_start(made, word)) {
            g->ops.word_free(g, word);
            status = gpu_refuse(g, err, EVR_E_NOMEM, "the gate's watchdog cannot be started");
        }
        gpu_leave(g);
    }
    if (status == EVR_OK)
        stream->gate = made;
    else
        free(made);
    return status;
}

static evr_status gate_close(void *self, evr_backend_stream *stream, double timeout_ns, evr_error **err)
{
    gpu *g = self;
    evr_status status = stream->gate ? EVR_OK : make_gate(g, stream, err);
    if (status != EVR_OK)
        return status;
    uint32_t turn = gate_shut(stream->gate, timeout_ns);
    if (!turn)
        return gpu_refuse(g, err, EVR_E_STATE, "the gate is closed already");
    status = gpu_enter(g, stream->device, err);
    if (status == EVR_OK) {
        int error = g->ops.word_wait(g, stream->gate->word, turn, stream->handle);
        gpu_leave(g);
        if (error != GPU_OK)
            status = gpu_fail(g, err, error, "closing the gate");
    }
    if (status != EVR_OK)
        gate_release(stream->gate);
    return status;
}

static evr_status gate_open(void *self, evr_backend_stream *stream, evr_error **err)
{
    int result = stream->gate ? gate_release(stream->gate) : 0;
    if (result == 2)
        return gpu_refuse(self, err, EVR_E_CANCELLED, "the watchdog opened the gate");
    return result == 1 ? EVR_OK : gpu_refuse(self, err, EVR_E_STATE, "the gate is open already");
}

static evr_status graph_begin(void *self, evr_backend_stream *stream, evr_error **err)
{
    gpu *g = self;
    WITHIN(stream->device, "beginning a capture", g->calls.capture_begin(stream->handle, GPU_CAPTURE_RELAXED));
    return EVR_OK;
}

static evr_status graph_end(void *self, evr_backend_stream *stream, evr_backend_graph **out, evr_error **err)
{
    gpu *g = self;
    gpu_handle captured = NULL;
    *out = NULL;
    WITHIN(stream->device, "ending a capture", g->calls.capture_end(stream->handle, &captured));
    evr_backend_graph *graph = calloc(1, sizeof *graph);
    evr_status status = graph ? gpu_enter(g, stream->device, err) : gpu_refuse(g, err, EVR_E_NOMEM, "out of memory");
    if (status == EVR_OK) {
        graph->device = stream->device;
        int error = g->calls.graph_instantiate(&graph->exec, captured, 0);
        g->calls.graph_destroy(captured);
        gpu_leave(g);
        if (error == GPU_OK) {
            *out = graph;
            return EVR_OK;
        }
        status = gpu_fail(g, err, error, "making a graph runnable");
    }
    free(graph);
    return status;
}

static evr_status graph_launch(void *self, evr_backend_graph *graph, evr_backend_stream *stream, evr_error **err)
{
    gpu *g = self;
    WITHIN(graph->device, "launching a graph", g->calls.graph_launch(graph->exec, stream->handle));
    return EVR_OK;
}

static void graph_free(void *self, evr_backend_graph *graph)
{
    gpu *g = self;
    if (!graph)
        return;
    if (gpu_enter(g, graph->device, NULL) == EVR_OK) {
        g->calls.exec_destroy(graph->exec);
        gpu_leave(g);
    }
    free(graph);
}

static evr_status device_state(void *self, int32_t number, evr_device_state *out, evr_error **err)
{
    gpu *g = self;
    evr_status status = known(g, number, err);
    if (status != EVR_OK)
        return status;
    gpu_device *device = g->devices[number];
    evr_device_state all = {.struct_size = out->struct_size};
    g->ops.state(g, device, &all);
    device->throttled += (all.throttle & ~EVR_THROTTLE_USER) != 0;
    all.throttle_count += device->throttled;
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

void gpu_fill(gpu *g, uint32_t abi, evr_backend *out)
{
    const gpu_calls *c = &g->calls;
    bool graphs = c->capture_begin && c->capture_end && c->graph_instantiate && c->graph_launch && c->graph_destroy &&
                  c->exec_destroy;
    *out = (evr_backend){
        .struct_size = EVR_INIT(evr_backend),
        .abi = abi,
        .self = g,
        .shutdown = shut_down,
        .device_count = device_count,
        .why = why,
        .device_describe = device_describe,
        .device_wait = gpu_device_wait,
        .now_ns = now_ns,
        .stream_open = stream_open,
        .stream_close = stream_close,
        .stream_wait = stream_wait,
        .span_new = span_new,
        .span_free = span_free,
        .span_begin = span_begin,
        .span_end = span_end,
        .span_ns = span_ns,
        .flush = gpu_flush,
        .stream_native = stream_native,
        .gate_close = g->ops.word_new ? gate_close : NULL,
        .gate_open = g->ops.word_new ? gate_open : NULL,
        .graph_begin = graphs ? graph_begin : NULL,
        .graph_end = graphs ? graph_end : NULL,
        .graph_launch = graphs ? graph_launch : NULL,
        .graph_free = graphs ? graph_free : NULL,
        .device_state = g->ops.state ? device_state : NULL,
    };
}
