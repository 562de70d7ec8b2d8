/* A backend whose device is made of numbers. Time passes on two virtual clocks, the host's and the device's: a call costs
 * the host its launch, and the device its own time once the host has launched it and the work before it is done. A closed
 * gate keeps the device's clock at a point that is known only when it opens, so spans inside it are kept relative to that
 * point. */
#include "noise.h"

#include <stdlib.h>
#include <string.h>

typedef struct fake {
    const evr_host *host;
    fake_program program;
    fake_counters count;
    noise noise;
    double now;      /* of the host */
    double free_at;  /* when the device has done everything, on the host's clock */
    double held;     /* work behind the closed gate */
    double gate_at;  /* where the last gate opened */
    double watchdog; /* the host's time at which the gate opens by itself */
    bool gated, timed_out, cold, capturing;
    uint64_t captured;
    bool recording;
    struct {
        double start, ns;
    } kernels[256];
    size_t kernel_count;
} fake;

struct evr_backend_stream {
    fake *owner;
};

typedef struct moment {
    double at;
    bool held; /* `at` is relative to where the gate opens */
} moment;

struct evr_backend_span {
    moment begin, end;
    int state;
};

struct evr_backend_graph {
    uint64_t calls;
};

static evr_status fail(fake *f, evr_error **err, evr_status code, const char *message)
{
    return f->host->error(f->host->user, err, code, message, NULL);
}

static void shut_down(void *self) { free(self); }
static int32_t device_count(void *self) { return ((fake *)self)->program.no_device ? 0 : 1; }
static const char *why(void *self)
{
    return ((fake *)self)->program.no_device ? "the program says that there is none" : "";
}
static double now_ns(void *self) { return ((fake *)self)->now; }

static evr_status known(fake *f, int32_t device, evr_error **err)
{
    return device == 0 && !f->program.no_device
               ? EVR_OK
               : fail(f, err, EVR_E_NO_DEVICE, "the fake backend has one device, number 0");
}

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

static evr_status device_describe(void *self, int32_t device, evr_device_desc *out, evr_error **err)
{
    fake *f = self;
    evr_status status = known(f, device, err);
    if (status != EVR_OK)
        return status;
    evr_device_desc all = {
        .struct_size = out->struct_size,
        .flags = EVR_DEVICE_ASYNC | EVR_DEVICE_VIRTUAL,
        .name = TEXT("a device made of numbers"),
        .driver = TEXT("fake 1"),
        .clock = TEXT("a virtual clock, exact"),
        .settings = TEXT(""),
        .memory_bytes = 1ull << 34,
        .cache_bytes = 50u << 20,
        .tick_ns = f->program.tick_ns,
        .clock_mhz = 1000,
        .memory_clock_mhz = 2000,
    };
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

/* The watchdog is the only one who can open a gate that the host is waiting behind. */
static void wait_all(fake *f)
{
    if (f->gated) {
        f->timed_out = true;
        f->gated = false;
        f->count.timeouts++;
        f->now = f->now > f->watchdog ? f->now : f->watchdog;
        f->gate_at = f->free_at > f->now ? f->free_at : f->now;
        f->free_at = f->gate_at + f->held;
    }
    if (f->free_at > f->now)
        f->now = f->free_at;
}

static evr_status device_wait(void *self, int32_t device, evr_error **err)
{
    evr_status status = known(self, device, err);
    if (status == EVR_OK)
        wait_all(self);
    return status;
}

static evr_status stream_open(void *self, int32_t device, int32_t kind, void *native, evr_backend_stream **out,
                              evr_error **err)
{
    fake *f = self;
    *out = NULL;
    (void)native;
    evr_status status = known(f, device, err);
    if (status != EVR_OK)
        return status;
    if (kind != EVR_STREAM_NEW && kind != EVR_STREAM_NATIVE)
        return fail(f, err, EVR_E_UNSUPPORTED, "this kind of stream is not known");
    *out = malloc(sizeof **out);
    if (!*out)
        return fail(f, err, EVR_E_NOMEM, "out of memory");
    (*out)->owner = f;
    f->count.open_streams++;
    return EVR_OK;
}

static void stream_close(void *self, evr_backend_stream *stream)
{
    ((fake *)self)->count.open_streams -= stream != NULL;
    free(stream);
}

static evr_status stream_wait(void *self, evr_backend_stream *stream, evr_error **err)
{
    (void)stream, (void)err;
    wait_all(self);
    return EVR_OK;
}

static evr_status span_new(void *self, int32_t device, evr_backend_span **out, evr_error **err)
{
    fake *f = self;
    *out = NULL;
    evr_status status = known(f, device, err);
    if (status != EVR_OK)
        return status;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return fail(f, err, EVR_E_NOMEM, "out of memory");
    f->count.open_spans++;
    return EVR_OK;
}

static void span_free(void *self, evr_backend_span *span)
{
    ((fake *)self)->count.open_spans -= span != NULL;
    free(span);
}

/* Where on the device's clock something put on it now will happen. */
static moment here(fake *f)
{
    if (f->gated)
        return (moment){f->held, true};
    if (f->free_at < f->now)
        f->free_at = f->now;
    return (moment){f->free_at, false};
}

static double resolve(const fake *f, moment m) { return m.held ? f->gate_at + m.at : m.at; }

static void work(fake *f, double ns)
{
    (void)here(f);
    f->count.device_busy_ns += ns;
    if (f->gated)
        f->held += ns;
    else
        f->free_at += ns;
}

static evr_status span_begin(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    fake *f = self;
    (void)stream, (void)err;
    span->begin = here(f);
    span->state = 1;
    return EVR_OK;
}

static evr_status span_end(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    fake *f = self;
    (void)stream;
    if (span->state != 1)
        return fail(f, err, EVR_E_STATE, "this span was not begun");
    span->end = here(f);
    span->state = 2;
    return EVR_OK;
}

static evr_status span_ns(void *self, evr_backend_span *span, double *ns, evr_error **err)
{
    fake *f = self;
    *ns = 0;
    if (span->state != 2)
        return fail(f, err, EVR_E_STATE, "this span was not begun and ended");
    wait_all(f);
    *ns = resolve(f, span->end) - resolve(f, span->begin) + f->program.empty_span_ns;
    if (f->program.tick_ns > 0)
        *ns = floor(*ns / f->program.tick_ns + 0.5) * f->program.tick_ns;
    return EVR_OK;
}

static evr_status flush(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    fake *f = self;
    (void)stream;
    if (how == EVR_FLUSH_NONE)
        return EVR_OK;
    if (how != EVR_FLUSH_WRITE && how != EVR_FLUSH_WRITE_READ)
        return fail(f, err, EVR_E_INVALID, "this way to flush is not known");
    bytes = bytes ? bytes : 50u << 20;
    f->cold = true;
    f->count.flushes++;
    f->count.bytes_flushed += bytes;
    work(f, (double)bytes / 2000 * how); /* 2 TB/s for each pass */
    return EVR_OK;
}

static void rest(void *self, double ns)
{
    fake *f = self;
    f->now += ns;
    f->count.rests++;
}

static void *stream_native(void *self, evr_backend_stream *stream)
{
    (void)self;
    return stream;
}

static evr_status gate_close(void *self, evr_backend_stream *stream, double timeout_ns, evr_error **err)
{
    fake *f = self;
    (void)stream;
    if (f->gated)
        return fail(f, err, EVR_E_STATE, "the gate is closed already");
    f->gated = true;
    f->timed_out = false;
    f->held = 0;
    f->watchdog = f->now + timeout_ns;
    f->count.gates++;
    return EVR_OK;
}

static evr_status gate_open(void *self, evr_backend_stream *stream, evr_error **err)
{
    fake *f = self;
    (void)stream;
    if (f->timed_out) {
        f->timed_out = false;
        return fail(f, err, EVR_E_CANCELLED, "the watchdog opened the gate");
    }
    if (!f->gated)
        return fail(f, err, EVR_E_STATE, "the gate is open already");
    f->gated = false;
    f->gate_at = f->free_at > f->now ? f->free_at : f->now;
    f->free_at = f->gate_at + f->held;
    return EVR_OK;
}

static bool slowed(const fake *f) { return f->now >= f->program.slow_from_ns && f->now < f->program.slow_until_ns; }

static void run_one(fake *f)
{
    double ns = noise_call(&f->noise, &f->program, f->count.calls++);
    if (slowed(f))
        ns *= f->program.slow_factor;
    if (f->cold && f->program.cold_factor > 0)
        ns *= f->program.cold_factor;
    f->cold = false;
    if (f->recording && f->kernel_count < sizeof f->kernels / sizeof *f->kernels) {
        f->kernels[f->kernel_count].start = here(f).at;
        f->kernels[f->kernel_count++].ns = ns;
    }
    work(f, ns);
}

static evr_status call(void *self, evr_error **err)
{
    fake *f = self;
    if (f->program.fail_call && f->count.calls + 1 == (uint64_t)f->program.fail_call) {
        f->count.calls++;
        return fail(f, err, EVR_E_OP, "the program says that this call fails");
    }
    if (f->capturing) {
        f->captured++;
        return EVR_OK;
    }
    f->now += f->program.launch_ns;
    run_one(f);
    if (f->program.waits)
        wait_all(f);
    return EVR_OK;
}

static evr_status graph_begin(void *self, evr_backend_stream *stream, evr_error **err)
{
    fake *f = self;
    (void)stream;
    if (f->capturing)
        return fail(f, err, EVR_E_STATE, "a capture is going on already");
    f->capturing = true;
    f->captured = 0;
    return EVR_OK;
}

static evr_status graph_end(void *self, evr_backend_stream *stream, evr_backend_graph **out, evr_error **err)
{
    fake *f = self;
    (void)stream;
    *out = NULL;
    if (!f->capturing)
        return fail(f, err, EVR_E_STATE, "nothing is being captured");
    f->capturing = false;
    if (f->program.waits)
        return fail(f, err, EVR_E_UNSUPPORTED, "work that waits for the device cannot be captured");
    *out = malloc(sizeof **out);
    if (!*out)
        return fail(f, err, EVR_E_NOMEM, "out of memory");
    (*out)->calls = f->captured;
    f->count.captures++;
    f->count.open_graphs++;
    return EVR_OK;
}

static evr_status graph_launch(void *self, evr_backend_graph *graph, evr_backend_stream *stream, evr_error **err)
{
    fake *f = self;
    (void)stream, (void)err;
    f->now += f->program.launch_ns;
    f->count.launches++;
    for (uint64_t i = 0; i < graph->calls; i++)
        run_one(f);
    return EVR_OK;
}

static void graph_free(void *self, evr_backend_graph *graph)
{
    ((fake *)self)->count.open_graphs -= graph != NULL;
    free(graph);
}

static evr_status device_state(void *self, int32_t device, evr_device_state *out, evr_error **err)
{
    fake *f = self;
    evr_status status = known(f, device, err);
    if (status != EVR_OK)
        return status;
    evr_device_state all = {.struct_size = out->struct_size,
                            .throttle = !slowed(f) ? 0 : f->program.slow_reason ? f->program.slow_reason : EVR_THROTTLE_THERMAL,
                            .throttle_count = !f->program.slow_reason && f->program.slow_until_ns > 0 && f->now >= f->program.slow_from_ns,
                            .clock_mhz = slowed(f) ? 1000 / f->program.slow_factor : 1000,
                            .memory_clock_mhz = 2000,
                            .temperature_c = slowed(f) ? 95 : 50,
                            .power_w = 300};
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

static evr_status kernels_begin(void *self, int32_t device, evr_error **err)
{
    fake *f = self;
    evr_status status = known(f, device, err);
    if (status == EVR_OK && getenv("EVR_FAKE_KERNELS_BUSY"))
        status = fail(f, err, EVR_E_STATE, "another program records kernels");
    f->recording = status == EVR_OK;
    f->kernel_count = 0;
    return status;
}

static evr_status kernels_end(void *self, int32_t device, evr_kernel_fn visit, void *user, evr_error **err)
{
    fake *f = self;
    evr_status status = known(f, device, err);
    if (status == EVR_OK && !f->recording)
        status = fail(f, err, EVR_E_STATE, "no kernels are being recorded");
    f->recording = false;
    for (size_t i = 0; status == EVR_OK && visit && i < f->kernel_count; i++) {
        evr_kernel_run kernel = {EVR_INIT(evr_kernel_run), 0, TEXT("made_up_kernel"), f->kernels[i].start,
                                 f->kernels[i].ns};
        if (visit(user, &kernel))
            break;
    }
    if (status == EVR_OK)
        wait_all(f);
    return status;
}

static void set_program(void *self, const fake_program *program)
{
    fake *f = self;
    f->program = *program;
    f->noise = (noise){program->seed, 0};
    f->count.calls = 0;
}

static void counters(void *self, fake_counters *out)
{
    fake *f = self;
    f->count.now_ns = f->now;
    *out = f->count;
}

static fake_program preset;

static void set_preset(const fake_program *program) { preset = program ? *program : (fake_program){0}; }

static const void *extension(void *self, const char *name)
{
    static const fake_control control = {sizeof control, set_program, call, counters, set_preset};
    (void)self;
    return strcmp(name, FAKE_CONTROL) == 0 ? &control : NULL;
}

__attribute__((visibility("default"))) evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out,
                                                                   evr_error **err);

evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err)
{
    if (abi != EVR_BACKEND_ABI)
        return host->error(host->user, err, EVR_E_ABI, "the fake backend speaks boundary 1", NULL);
    fake *f = calloc(1, sizeof *f);
    if (!f)
        return host->error(host->user, err, EVR_E_NOMEM, "out of memory", NULL);
    f->host = host;
    set_program(f, &preset);
    *out = (evr_backend){
        .struct_size = EVR_INIT(evr_backend),
        .abi = abi,
        .self = f,
        .name = "fake",
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
        .rest = rest,
        .stream_native = stream_native,
        .gate_close = gate_close,
        .gate_open = gate_open,
        .graph_begin = graph_begin,
        .graph_end = graph_end,
        .graph_launch = graph_launch,
        .graph_free = graph_free,
        .device_state = device_state,
        .kernels_begin = kernels_begin,
        .kernels_end = kernels_end,
        .extension = extension,
    };
    return EVR_OK;
}
