/* The backend of the CPU. Work happens inside the call that starts it, so a stream is a place to ask for, and a span is two
 * looks at the clock. */
#include "clock.h"
#include "machine.h"
#include "neighbour.h"

#include <evreplay/backend.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Also declared by the loader, which this file may not include. */
evr_status evr_cpu_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err);

enum { LINE = 64, FIRST_PROBES = 10 };

#define LOOK_EVERY 1e6 /* ns: neighbours come and go within milliseconds */

typedef struct cpu {
    const evr_host *host;
    machine machine;
    neighbour neighbour;
    double tick_ns;
    char *swept;          /* what a flush goes over: half of it is written, the other half only read */
    uint64_t swept_bytes; /* of each half */
    unsigned turn;        /* of flushes, so that every one writes something new */
    uint64_t sink;        /* keeps reads from being optimised away */
} cpu;

struct evr_backend_stream {
    cpu *owner;
};

struct evr_backend_span {
    double begin, end;
    int state; /* 0 new, 1 begun, 2 ended */
};

static evr_status fail(cpu *c, evr_error **err, evr_status code, const char *message)
{
    return c->host->error(c->host->user, err, code, message, NULL);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest step between two lengths of time that the clock was seen to tell apart. */
static double measure_tick(void)
{
    enum { LOOKS = 2000 };
    double steps[LOOKS], least = 1e9;
    for (int i = 0; i < LOOKS; i++) {
        double from = clock_ns();
        steps[i] = clock_ns() - from;
    }
    qsort(steps, LOOKS, sizeof *steps, by_value);
    for (int i = 1; i < LOOKS; i++)
        if (steps[i] > steps[i - 1] && steps[i] - steps[i - 1] < least)
            least = steps[i] - steps[i - 1];
    struct timespec t;
    double said = clock_getres(CLOCK_MONOTONIC_RAW, &t) == 0 ? (double)t.tv_sec * 1e9 + (double)t.tv_nsec : 1;
    return least < 1e9 && least > said ? least : said;
}

static void shut_down(void *self)
{
    cpu *c = self;
    if (c->swept)
        munmap(c->swept, 2 * c->swept_bytes);
    free(c);
}

static int32_t device_count(void *self)
{
    (void)self;
    return 1;
}

static const char *why(void *self)
{
    (void)self;
    return "";
}

static evr_str text(const char *s) { return (evr_str){s, strlen(s)}; }

static evr_status device_describe(void *self, int32_t device, evr_device_desc *out, evr_error **err)
{
    cpu *c = self;
    const machine *m = &c->machine;
    if (device != 0)
        return fail(c, err, EVR_E_NO_DEVICE, "the CPU is one device, number 0");
    evr_device_desc all = {
        .struct_size = out->struct_size,
        .flags = m->unstable_clock ? EVR_DEVICE_UNSTABLE_CLOCK : 0,
        .name = text(m->name),
        .driver = text(m->driver),
        .clock = text(m->clock),
        .settings = text(m->settings),
        .memory_bytes = m->memory_bytes,
        .cache_bytes = m->cache_bytes,
        .tick_ns = c->tick_ns,
        .clock_mhz = m->max_mhz,
        .look_ns = LOOK_EVERY,
    };
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

static evr_status device_wait(void *self, int32_t device, evr_error **err)
{
    return device == 0 ? EVR_OK : fail(self, err, EVR_E_NO_DEVICE, "the CPU is one device, number 0");
}

static double now_ns(void *self)
{
    (void)self;
    return clock_ns();
}

static evr_status stream_open(void *self, int32_t device, int32_t kind, void *native, evr_backend_stream **out,
                              evr_error **err)
{
    (void)native;
    *out = NULL;
    if (device != 0)
        return fail(self, err, EVR_E_NO_DEVICE, "the CPU is one device, number 0");
    if (kind != EVR_STREAM_NEW && kind != EVR_STREAM_NATIVE)
        return fail(self, err, EVR_E_UNSUPPORTED, "this kind of stream is not known");
    *out = malloc(sizeof **out);
    if (!*out)
        return fail(self, err, EVR_E_NOMEM, "out of memory");
    (*out)->owner = self;
    return EVR_OK;
}

static void stream_close(void *self, evr_backend_stream *stream)
{
    (void)self;
    free(stream);
}

static evr_status stream_wait(void *self, evr_backend_stream *stream, evr_error **err)
{
    (void)self, (void)stream, (void)err;
    return EVR_OK;
}

static evr_status span_new(void *self, int32_t device, evr_backend_span **out, evr_error **err)
{
    *out = NULL;
    if (device != 0)
        return fail(self, err, EVR_E_NO_DEVICE, "the CPU is one device, number 0");
    *out = calloc(1, sizeof **out);
    return *out ? EVR_OK : fail(self, err, EVR_E_NOMEM, "out of memory");
}

static void span_free(void *self, evr_backend_span *span)
{
    (void)self;
    free(span);
}

static evr_status span_begin(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    (void)self, (void)stream, (void)err;
    span->state = 1;
    span->begin = clock_ns();
    return EVR_OK;
}

static evr_status span_end(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    double end = clock_ns();
    (void)stream;
    if (span->state != 1)
        return fail(self, err, EVR_E_STATE, "this span was not begun");
    span->end = end;
    span->state = 2;
    return EVR_OK;
}

static evr_status span_ns(void *self, evr_backend_span *span, double *ns, evr_error **err)
{
    *ns = 0;
    if (span->state != 2)
        return fail(self, err, EVR_E_STATE, "this span was not begun and ended");
    *ns = span->end - span->begin;
    return EVR_OK;
}

static bool make_room(cpu *c, uint64_t bytes)
{
    if (c->swept_bytes >= bytes)
        return true;
    if (bytes > SIZE_MAX / 2)
        return false;
    if (c->swept)
        munmap(c->swept, 2 * c->swept_bytes);
    c->swept = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    c->swept_bytes = bytes;
    if (c->swept == MAP_FAILED) {
        c->swept = NULL;
        c->swept_bytes = 0;
    }
    return c->swept != NULL;
}

static void sweep(cpu *c, uint64_t bytes, int32_t how)
{
    memset(c->swept, (int)(++c->turn & 0xff), bytes);
    if (how != EVR_FLUSH_WRITE_READ)
        return;
    const char *clean = c->swept + c->swept_bytes;
    uint64_t sum = 0;
    for (uint64_t i = 0; i + sizeof sum <= bytes; i += LINE) {
        uint64_t word;
        memcpy(&word, clean + i, sizeof word);
        sum += word;
    }
    c->sink += sum;
}

/* A thread empties the cache it runs on. Where the process may use several last-level caches, it visits each of them. */
static void sweep_all(cpu *c, uint64_t bytes, int32_t how)
{
    const machine *m = &c->machine;
    cpu_set_t before;
    if (m->cache_count < 2 || sched_getaffinity(0, sizeof before, &before) != 0) {
        sweep(c, bytes, how);
        return;
    }
    for (int i = 0; i < m->cache_count; i++) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(m->caches[i].cpu, &one);
        uint64_t share = (uint64_t)((double)bytes * ((double)m->caches[i].bytes / (double)m->cache_bytes));
        if (sched_setaffinity(0, sizeof one, &one) == 0)
            sweep(c, share, how);
    }
    sched_setaffinity(0, sizeof before, &before);
}

static evr_status flush(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    cpu *c = self;
    (void)stream;
    if (how == EVR_FLUSH_NONE)
        return EVR_OK;
    if (how != EVR_FLUSH_WRITE && how != EVR_FLUSH_WRITE_READ)
        return fail(c, err, EVR_E_INVALID, "this way to flush is not known");
    if (bytes == 0)
        bytes = c->machine.cache_bytes;
    if (bytes == 0)
        return fail(c, err, EVR_E_UNSUPPORTED, "the size of this CPU's cache is not known: say how many bytes to flush");
    if (!make_room(c, bytes))
        return fail(c, err, EVR_E_NOMEM, "there is no memory for a flush of that size");
    sweep_all(c, bytes, how);
    return EVR_OK;
}

static evr_status device_state(void *self, int32_t device, evr_device_state *out, evr_error **err)
{
    cpu *c = self;
    if (device != 0)
        return fail(c, err, EVR_E_NO_DEVICE, "the CPU is one device, number 0");
    evr_device_state all = {.struct_size = out->struct_size,
                            .throttle = neighbour_judge(&c->neighbour, neighbour_probe()) ? EVR_THROTTLE_SHARED : 0,
                            .throttle_count = machine_throttle_count(&c->machine),
                            .clock_mhz = c->machine.has_frequency ? machine_mhz(&c->machine) : 0};
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}

/* A core that sleeps is slower for a while when it wakes up. */
static void rest(void *self, double ns)
{
    cpu *c = self;
    for (double end = clock_ns() + ns; clock_ns() < end;)
        neighbour_judge(&c->neighbour, neighbour_probe());
}

evr_status evr_cpu_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err)
{
    if (abi != EVR_BACKEND_ABI)
        return host->error(host->user, err, EVR_E_ABI, "the CPU's backend speaks boundary 1", NULL);
    cpu *c = calloc(1, sizeof *c);
    if (!c)
        return host->error(host->user, err, EVR_E_NOMEM, "out of memory", NULL);
    c->host = host;
    machine_read(&c->machine);
    c->tick_ns = measure_tick();
    for (int i = 0; i < FIRST_PROBES; i++)
        neighbour_judge(&c->neighbour, neighbour_probe());
    *out = (evr_backend){
        .struct_size = EVR_INIT(evr_backend),
        .abi = abi,
        .self = c,
        .name = "cpu",
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
        .device_state = device_state,
    };
    return EVR_OK;
}
