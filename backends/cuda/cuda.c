/* The backend of CUDA: events for spans, a word in host memory for the gate, capture for graphs, and NVML and CUPTI for the
 * rest. */
#include "cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

evr_status cuda_refuse(cuda *c, evr_error **err, evr_status status, const char *message)
{
    return c->host->error(c->host->user, err, status, message, NULL);
}

evr_status cuda_fail(cuda *c, evr_error **err, int code, const char *doing)
{
    char text[CUDA_TEXT];
    const char *name = NULL;
    if (c->d.error_name(code, &name) != CU_OK || !name)
        name = "unknown error";
    snprintf(text, sizeof text, "CUDA: %s: %s (%d)", doing, name, code);
    bool capture = code >= CU_CAPTURE_FIRST && code <= CU_CAPTURE_LAST;
    evr_status status = code == CU_OUT_OF_MEMORY              ? EVR_E_NOMEM
                        : code == CU_NO_DEVICE                ? EVR_E_NO_DEVICE
                        : capture || code == CU_NOT_SUPPORTED ? EVR_E_UNSUPPORTED
                                                              : EVR_E_OP;
    return cuda_refuse(c, err, status, text);
}

static evr_status known(cuda *c, int32_t device, evr_error **err)
{
    if (device >= 0 && device < c->count)
        return EVR_OK;
    return cuda_refuse(c, err, EVR_E_NO_DEVICE, c->count ? "there is no CUDA device of that number" : c->why);
}

evr_status cuda_enter(cuda *c, cuda_device *device, evr_error **err)
{
    int error = CU_OK;
    if (!device->context)
        error = c->d.context_retain(&device->context, device->number);
    if (error == CU_OK)
        error = c->d.context_push(device->context);
    return error == CU_OK ? EVR_OK : cuda_fail(c, err, error, "entering the device's context");
}

void cuda_leave(cuda *c)
{
    cu_handle popped;
    c->d.context_pop(&popped);
}

static void shut_down(void *self)
{
    cuda *c = self;
    for (int i = 0; i < c->count; i++) {
        cuda_device *device = &c->devices[i];
        if (!device->context)
            continue;
        if (cuda_enter(c, device, NULL) == EVR_OK) {
            c->d.context_wait();
            cuda_flush_free(c, device);
            cuda_leave(c);
        }
        c->d.context_release(device->number);
    }
    management_close(&c->management);
    free(c);
}

static int32_t device_count(void *self) { return ((cuda *)self)->count; }
static const char *why(void *self) { return ((cuda *)self)->why; }

static double now_ns(void *self)
{
    struct timespec t;
    (void)self;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static evr_str text_of(const char *s) { return (evr_str){s, strlen(s)}; }

static int attribute(cuda *c, const cuda_device *device, int which)
{
    int value = 0;
    return c->d.attribute(&value, which, device->number) == CU_OK ? value : 0;
}

static evr_status device_describe(void *self, int32_t number, evr_device_desc *out, evr_error **err)
{
    cuda *c = self;
    size_t bytes = 0;
    evr_status status = known(c, number, err);
    if (status != EVR_OK)
        return status;
    cuda_device *device = &c->devices[number];
    if (c->d.memory(&bytes, device->number) != CU_OK)
        bytes = 0;
    evr_device_desc all = {
        .struct_size = out->struct_size,
        .flags = EVR_DEVICE_ASYNC,
        .name = text_of(device->name),
        .driver = text_of(device->driver),
        .clock = text_of("CUDA events: steps of about 0.5 us, as the driver documents"),
        .settings = text_of(device->settings),
        .memory_bytes = bytes,
        .cache_bytes = device->l2_bytes,
        .clock_mhz = attribute(c, device, CU_CLOCK_KHZ) / 1000.0,
        .memory_clock_mhz = attribute(c, device, CU_MEMORY_CLOCK_KHZ) / 1000.0,
    };
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

static evr_status device_wait(void *self, int32_t number, evr_error **err)
{
    cuda *c = self;
    evr_status status = known(c, number, err);
    if (status == EVR_OK)
        status = cuda_enter(c, &c->devices[number], err);
    if (status != EVR_OK)
        return status;
    int error = c->d.context_wait();
    cuda_leave(c);
    return error == CU_OK ? EVR_OK : cuda_fail(c, err, error, "waiting for the device");
}

static evr_status stream_open(void *self, int32_t number, int32_t kind, void *native, evr_backend_stream **out,
                              evr_error **err)
{
    cuda *c = self;
    *out = NULL;
    evr_status status = known(c, number, err);
    if (status != EVR_OK)
        return status;
    if (kind != EVR_STREAM_NEW && kind != EVR_STREAM_NATIVE)
        return cuda_refuse(c, err, EVR_E_UNSUPPORTED, "this kind of stream is not known");
    evr_backend_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return cuda_refuse(c, err, EVR_E_NOMEM, "out of memory");
    stream->device = &c->devices[number];
    stream->handle = native;
    stream->owned = kind == EVR_STREAM_NEW;
    status = cuda_enter(c, stream->device, err);
    if (status == EVR_OK) {
        int error = stream->owned ? c->d.stream_create(&stream->handle, CU_STREAM_NON_BLOCKING) : CU_OK;
        cuda_leave(c);
        if (error != CU_OK)
            status = cuda_fail(c, err, error, "making a stream");
    }
    if (status == EVR_OK)
        *out = stream;
    else
        free(stream);
    return status;
}

static void drop_gate(cuda *c, evr_backend_stream *stream)
{
    if (!stream->gate)
        return;
    gate_stop(stream->gate);
    c->d.stream_wait(stream->handle); /* it may still read the word */
    c->d.host_free((void *)stream->gate->word);
    free(stream->gate);
}

static void stream_close(void *self, evr_backend_stream *stream)
{
    cuda *c = self;
    if (!stream)
        return;
    if (cuda_enter(c, stream->device, NULL) == EVR_OK) {
        drop_gate(c, stream);
        if (stream->owned)
            c->d.stream_destroy(stream->handle);
        cuda_leave(c);
    }
    free(stream);
}

/* Calls the driver within the context of the device. */
#define WITHIN(device, doing, call)                                                                                        \
    do {                                                                                                                   \
        evr_status entered_ = cuda_enter(c, (device), err);                                                                \
        if (entered_ != EVR_OK)                                                                                            \
            return entered_;                                                                                               \
        int error_ = (call);                                                                                               \
        cuda_leave(c);                                                                                                     \
        if (error_ != CU_OK)                                                                                               \
            return cuda_fail(c, err, error_, doing);                                                                       \
    } while (0)

static evr_status stream_wait(void *self, evr_backend_stream *stream, evr_error **err)
{
    cuda *c = self;
    WITHIN(stream->device, "waiting for the stream", c->d.stream_wait(stream->handle));
    return EVR_OK;
}

static void *stream_native(void *self, evr_backend_stream *stream)
{
    (void)self;
    return stream->handle;
}

static evr_status span_new(void *self, int32_t number, evr_backend_span **out, evr_error **err)
{
    cuda *c = self;
    *out = NULL;
    evr_status status = known(c, number, err);
    if (status != EVR_OK)
        return status;
    evr_backend_span *span = calloc(1, sizeof *span);
    if (!span)
        return cuda_refuse(c, err, EVR_E_NOMEM, "out of memory");
    span->device = &c->devices[number];
    status = cuda_enter(c, span->device, err);
    if (status == EVR_OK) {
        int error = c->d.event_create(&span->begin, 0);
        if (error == CU_OK && (error = c->d.event_create(&span->end, 0)) != CU_OK)
            c->d.event_destroy(span->begin);
        cuda_leave(c);
        if (error != CU_OK)
            status = cuda_fail(c, err, error, "making events");
    }
    if (status == EVR_OK)
        *out = span;
    else
        free(span);
    return status;
}

static void span_free(void *self, evr_backend_span *span)
{
    cuda *c = self;
    if (!span)
        return;
    if (cuda_enter(c, span->device, NULL) == EVR_OK) {
        c->d.event_destroy(span->begin);
        c->d.event_destroy(span->end);
        cuda_leave(c);
    }
    free(span);
}

static evr_status span_begin(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    cuda *c = self;
    span->state = 0;
    WITHIN(span->device, "recording an event", c->d.event_record(span->begin, stream->handle));
    span->state = 1;
    return EVR_OK;
}

static evr_status span_end(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    cuda *c = self;
    if (span->state != 1)
        return cuda_refuse(c, err, EVR_E_STATE, "this span was not begun");
    WITHIN(span->device, "recording an event", c->d.event_record(span->end, stream->handle));
    span->state = 2;
    return EVR_OK;
}

static evr_status span_ns(void *self, evr_backend_span *span, double *ns, evr_error **err)
{
    cuda *c = self;
    float ms = 0;
    *ns = 0;
    if (span->state < 2)
        return cuda_refuse(c, err, EVR_E_STATE, "this span was not begun and ended");
    if (span->state == 2) {
        WITHIN(span->device, "waiting for the end of a span", c->d.event_wait(span->end));
        WITHIN(span->device, "reading a span", c->d.event_elapsed(&ms, span->begin, span->end));
        span->ns = (double)ms * 1e6;
        span->state = 3;
    }
    *ns = span->ns;
    return EVR_OK;
}

static evr_status flush(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    return cuda_flush(self, stream, how, bytes, err);
}

static evr_status make_gate(cuda *c, evr_backend_stream *stream, evr_error **err)
{
    void *word = NULL;
    gate *g = calloc(1, sizeof *g);
    if (!g)
        return cuda_refuse(c, err, EVR_E_NOMEM, "out of memory");
    evr_status status = cuda_enter(c, stream->device, err);
    if (status == EVR_OK) {
        int error = c->d.host_new(&word, sizeof(uint32_t), CU_HOST_DEVICEMAP);
        cuda_leave(c);
        if (error != CU_OK)
            status = cuda_fail(c, err, error, "taking memory for the gate");
        else if (!gate_start(g, word))
            status = cuda_refuse(c, err, EVR_E_NOMEM, "the gate's watchdog cannot be started");
    }
    if (status == EVR_OK) {
        stream->gate = g;
        return EVR_OK;
    }
    if (word && cuda_enter(c, stream->device, NULL) == EVR_OK) {
        c->d.host_free(word);
        cuda_leave(c);
    }
    free(g);
    return status;
}

static evr_status gate_close(void *self, evr_backend_stream *stream, double timeout_ns, evr_error **err)
{
    cuda *c = self;
    cu_pointer at = 0;
    evr_status status = stream->gate ? EVR_OK : make_gate(c, stream, err);
    if (status != EVR_OK)
        return status;
    WITHIN(stream->device, "mapping the gate", c->d.host_pointer(&at, (void *)stream->gate->word, 0));
    uint32_t turn = gate_shut(stream->gate, timeout_ns);
    if (!turn)
        return cuda_refuse(c, err, EVR_E_STATE, "the gate is closed already");
    status = cuda_enter(c, stream->device, err);
    if (status == EVR_OK) {
        int error = c->d.wait_value(stream->handle, at, turn, CU_WAIT_GEQ);
        cuda_leave(c);
        if (error != CU_OK)
            status = cuda_fail(c, err, error, "closing the gate");
    }
    if (status != EVR_OK)
        gate_release(stream->gate);
    return status;
}

static evr_status gate_open(void *self, evr_backend_stream *stream, evr_error **err)
{
    int result = stream->gate ? gate_release(stream->gate) : 0;
    if (result == 2)
        return cuda_refuse(self, err, EVR_E_CANCELLED, "the watchdog opened the gate");
    return result == 1 ? EVR_OK : cuda_refuse(self, err, EVR_E_STATE, "the gate is open already");
}

static evr_status graph_begin(void *self, evr_backend_stream *stream, evr_error **err)
{
    cuda *c = self;
    WITHIN(stream->device, "beginning a capture", c->d.capture_begin(stream->handle, CU_CAPTURE_RELAXED));
    return EVR_OK;
}

static evr_status graph_end(void *self, evr_backend_stream *stream, evr_backend_graph **out, evr_error **err)
{
    cuda *c = self;
    cu_handle captured = NULL;
    *out = NULL;
    WITHIN(stream->device, "ending a capture", c->d.capture_end(stream->handle, &captured));
    evr_backend_graph *graph = calloc(1, sizeof *graph);
    evr_status status = graph ? cuda_enter(c, stream->device, err) : cuda_refuse(c, err, EVR_E_NOMEM, "out of memory");
    if (status == EVR_OK) {
        graph->device = stream->device;
        int error = c->d.graph_instantiate(&graph->exec, captured, 0);
        c->d.graph_destroy(captured);
        cuda_leave(c);
        if (error == CU_OK) {
            *out = graph;
            return EVR_OK;
        }
        status = cuda_fail(c, err, error, "making a graph runnable");
    }
    free(graph);
    return status;
}

static evr_status graph_launch(void *self, evr_backend_graph *graph, evr_backend_stream *stream, evr_error **err)
{
    cuda *c = self;
    WITHIN(graph->device, "launching a graph", c->d.graph_launch(graph->exec, stream->handle));
    return EVR_OK;
}

static void graph_free(void *self, evr_backend_graph *graph)
{
    cuda *c = self;
    if (!graph)
        return;
    if (cuda_enter(c, graph->device, NULL) == EVR_OK) {
        c->d.exec_destroy(graph->exec);
        cuda_leave(c);
    }
    free(graph);
}

static evr_status device_state(void *self, int32_t number, evr_device_state *out, evr_error **err)
{
    cuda *c = self;
    evr_status status = known(c, number, err);
    if (status != EVR_OK)
        return status;
    cuda_device *device = &c->devices[number];
    evr_device_state all = {.struct_size = out->struct_size};
    management_state(&c->management, &device->managed, &all);
    device->throttled += (all.throttle & ~EVR_THROTTLE_USER) != 0;
    all.throttle_count = device->throttled;
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

static evr_status kernels_begin(void *self, int32_t number, evr_error **err)
{
    cuda *c = self;
    evr_status status = device_wait(c, number, err);
    if (status != EVR_OK)
        return status;
    if (c->kernels.recording || !kernels_start(&c->kernels))
        return cuda_refuse(c, err, EVR_E_STATE,
                           "kernels cannot be recorded now: CUPTI is in use, or not allowed to this user");
    return EVR_OK;
}

static evr_status kernels_end(void *self, int32_t number, evr_kernel_fn visit, void *user, evr_error **err)
{
    cuda *c = self;
    if (!c->kernels.recording)
        return cuda_refuse(c, err, EVR_E_STATE, "no kernels are being recorded");
    evr_status status = device_wait(c, number, err);
    bool whole = kernels_finish(&c->kernels, (uint32_t)number, status == EVR_OK ? visit : NULL, user);
    if (status == EVR_OK && !whole)
        status = cuda_refuse(c, err, EVR_E_NOMEM, "out of memory");
    return status;
}

/* What does not change. Needs no context. */
static bool read_device(cuda *c, int ordinal)
{
    cuda_device *device = &c->devices[ordinal];
    char pci[32] = "", managed[64];
    int version = 0;
    if (c->d.device(&device->number, ordinal) != CU_OK ||
        c->d.name(device->name, sizeof device->name, device->number) != CU_OK)
        return false;
    if (c->d.pci(pci, sizeof pci, device->number) == CU_OK)
        management_find(&c->management, pci, &device->managed);
    c->d.version(&version);
    management_driver(&c->management, managed, sizeof managed);
    snprintf(device->driver, sizeof device->driver, "driver %s, CUDA %d.%d", managed[0] ? managed : "unknown",
             version / 1000, version % 1000 / 10);
    device->l2_bytes = (uint64_t)attribute(c, device, CU_L2_BYTES);
    device->processors = attribute(c, device, CU_PROCESSORS);
    if (device->processors < 1)
        device->processors = 1;
    int persistence = management_persistence(&c->management, &device->managed);
    snprintf(device->settings, sizeof device->settings, "sm_%d%d, %d processors, PCI %s, persistence mode %s",
             attribute(c, device, CU_MAJOR), attribute(c, device, CU_MINOR), device->processors, pci,
             persistence < 0 ? "not known"
             : persistence   ? "on"
                             : "off");
    return true;
}

static void find_devices(cuda *c)
{
    int count = 0;
    if (!cuda_driver_open(&c->d, c->why, sizeof c->why))
        return;
    management_open(&c->management);
    kernels_open(&c->kernels);
    c->d.count(&count);
    for (int i = 0; i < count && i < CUDA_DEVICES && read_device(c, i); i++)
        c->count = i + 1;
    if (c->count == 0)
        snprintf(c->why, sizeof c->why, "the CUDA driver does not describe its devices");
}

__attribute__((visibility("default"))) evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out,
                                                                   evr_error **err);

evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err)
{
    if (abi != EVR_BACKEND_ABI)
        return host->error(host->user, err, EVR_E_ABI, "the CUDA backend speaks boundary 1", NULL);
    cuda *c = calloc(1, sizeof *c);
    if (!c)
        return host->error(host->user, err, EVR_E_NOMEM, "out of memory", NULL);
    c->host = host;
    find_devices(c);
    bool graphs = c->d.capture_begin && c->d.capture_end && c->d.graph_instantiate && c->d.graph_launch &&
                  c->d.graph_destroy && c->d.exec_destroy;
    *out = (evr_backend){
        .struct_size = EVR_INIT(evr_backend),
        .abi = abi,
        .self = c,
        .name = "cuda",
        .version = "1",
        .shutdown = shut_down,
        .device_count = device_count,
        .why = why,
        .device_describe = device_describe,
        .device_wait = device_wait,
        .now_ns = now_ns,
        .stream_open = stream_open,
        .stream_close = stream_close,
        .stream_wait = stream_wait,
        .span_new = span_new,
        .span_free = span_free,
        .span_begin = span_begin,
        .span_end = span_end,
        .span_ns = span_ns,
        .flush = flush,
        .stream_native = stream_native,
        .gate_close = c->d.wait_value ? gate_close : NULL,
        .gate_open = c->d.wait_value ? gate_open : NULL,
        .graph_begin = graphs ? graph_begin : NULL,
        .graph_end = graphs ? graph_end : NULL,
        .graph_launch = graphs ? graph_launch : NULL,
        .graph_free = graphs ? graph_free : NULL,
        .device_state = c->management.works ? device_state : NULL,
        .kernels_begin = c->kernels.works ? kernels_begin : NULL,
        .kernels_end = c->kernels.works ? kernels_end : NULL,
    };
    return EVR_OK;
}
