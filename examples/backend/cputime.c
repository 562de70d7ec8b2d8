/* A backend outside of the library: the CPU, timed by what the thread used of it rather than by what went by. On a machine that others use as well such times vary
 * less; time spent waiting is not in them. It needs the library's headers and nothing else. */
#include <evreplay/backend.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

/* region state */
typedef struct cputime {
    const evr_host *host; /* lives as long as the backend */
    unsigned char *cache; /* what a flush goes over */
    uint64_t cache_bytes;
} cputime;

struct evr_backend_stream {
    int32_t device;
};

struct evr_backend_span {
    double begin, end;
    int32_t state; /* 1 = begun, 2 = ended */
};
/* endregion state */

static double clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* region errors */
static evr_status fail(cputime *b, evr_error **err, evr_status code, const char *message) { return b->host->error(b->host->user, err, code, message, NULL); }

static evr_status known(cputime *b, int32_t device, evr_error **err)
{
    return device == 0 ? EVR_OK : fail(b, err, EVR_E_NO_DEVICE, "there is one device, number 0");
}
/* endregion errors */

/* region device */
static int32_t device_count(void *self) { return (void)self, 1; }
static const char *why(void *self) { return (void)self, ""; }
static double now_ns(void *self) { return (void)self, clock_ns(CLOCK_MONOTONIC); }

/* The caller may know less of the structure than this file does: no more than it has room for is written. */
static evr_status device_describe(void *self, int32_t device, evr_device_desc *out, evr_error **err)
{
    evr_status status = known(self, device, err);
    if (status != EVR_OK)
        return status;
    const evr_device_desc all = {
        .struct_size = out->struct_size,
        .name = TEXT("processor time"),
        .driver = TEXT("cputime 1"),
        .clock = TEXT("CLOCK_THREAD_CPUTIME_ID"),
        .settings = TEXT(""),
        .cache_bytes = 32u << 20,
        .tick_ns = 1,
    };
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}
/* endregion device */

static evr_status device_wait(void *self, int32_t device, evr_error **err) { return known(self, device, err); }

static evr_status stream_open(void *self, int32_t device, int32_t kind, void *native, evr_backend_stream **out, evr_error **err)
{
    (void)native;
    *out = NULL;
    evr_status status = known(self, device, err);
    if (status != EVR_OK)
        return status;
    if (kind != EVR_STREAM_NEW && kind != EVR_STREAM_NATIVE)
        return fail(self, err, EVR_E_UNSUPPORTED, "this kind of stream is not known");
    *out = calloc(1, sizeof **out);
    return *out ? EVR_OK : fail(self, err, EVR_E_NOMEM, "out of memory");
}

static void stream_close(void *self, evr_backend_stream *stream) { (void)self, free(stream); }
static evr_status stream_wait(void *self, evr_backend_stream *stream, evr_error **err) { return (void)self, (void)stream, (void)err, EVR_OK; }

static evr_status span_new(void *self, int32_t device, evr_backend_span **out, evr_error **err)
{
    *out = NULL;
    evr_status status = known(self, device, err);
    if (status != EVR_OK)
        return status;
    *out = calloc(1, sizeof **out);
    return *out ? EVR_OK : fail(self, err, EVR_E_NOMEM, "out of memory");
}

static void span_free(void *self, evr_backend_span *span) { (void)self, free(span); }

/* region span */
static evr_status span_begin(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    (void)self, (void)stream, (void)err;
    span->state = 1;
    span->begin = clock_ns(CLOCK_THREAD_CPUTIME_ID); /* last, so that nothing else is timed */
    return EVR_OK;
}

static evr_status span_end(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    double now = clock_ns(CLOCK_THREAD_CPUTIME_ID); /* first */
    (void)stream;
    if (span->state != 1)
        return fail(self, err, EVR_E_STATE, "this span was not begun");
    span->end = now;
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
/* endregion span */

static evr_status flush(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    cputime *b = self;
    (void)stream;
    if (how == EVR_FLUSH_NONE)
        return EVR_OK;
    if (how != EVR_FLUSH_WRITE && how != EVR_FLUSH_WRITE_READ)
        return fail(b, err, EVR_E_INVALID, "this way to flush is not known");
    bytes = bytes ? bytes : 32u << 20;
    if (bytes > b->cache_bytes) {
        unsigned char *grown = realloc(b->cache, bytes);
        if (!grown)
            return fail(b, err, EVR_E_NOMEM, "no memory for the flush");
        b->cache = grown;
        b->cache_bytes = bytes;
    }
    memset(b->cache, how, bytes);
    for (volatile uint64_t i = 0; how == EVR_FLUSH_WRITE_READ && i < bytes; i += 64)
        (void)((volatile unsigned char *)b->cache)[i];
    return EVR_OK;
}

static void shut_down(void *self)
{
    free(((cputime *)self)->cache);
    free(self);
}

/* region entry */
__attribute__((visibility("default"))) evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err);

evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err)
{
    if (abi != 1)
        return host->error(host->user, err, EVR_E_ABI, "cputime speaks boundary 1", NULL); /* the library tries the next lower number */
    cputime *self = calloc(1, sizeof *self);
    if (!self)
        return host->error(host->user, err, EVR_E_NOMEM, "out of memory", NULL);
    self->host = host;
    const evr_backend all = {
        EVR_INIT(evr_backend),
        .abi = abi,
        .self = self,
        .name = "cputime",
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
    }; /* the optional functions stay NULL: what a backend cannot do it leaves out */
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return EVR_OK;
}
/* endregion entry */
