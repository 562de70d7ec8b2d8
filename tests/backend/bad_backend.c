/* A backend that does next to nothing, compiled several times; WAY tells how it goes wrong, if at all. */
#include <evreplay/backend.h>

#define WAY_GOOD 0
#define WAY_NONE 1         /* refuses every boundary */
#define WAY_MISSING_SLOT 2 /* leaves two required functions out */
#define WAY_LIES 3         /* accepts, and fills the table for another boundary */
#define WAY_FAILS 4        /* fails with an error of its own */
#define WAY_HALVES 5       /* gives one function of each pair */
#define WAY_NO_DEVICE 6    /* starts, and has no device */
#define WAY_SHORT 7        /* knows a table without the optional functions */

/* Read by the test through dlsym. */
__attribute__((visibility("default"))) int bad_shutdowns = 0;

static double now;

static void shut_down(void *self)
{
    (void)self;
    bad_shutdowns++;
}
static int32_t device_count(void *self)
{
    (void)self;
    return WAY == WAY_NO_DEVICE ? 0 : 1;
}
static const char *why(void *self)
{
    (void)self;
    return WAY == WAY_NO_DEVICE ? "libmoon.so.1 is not installed" : "";
}
static evr_status device_describe(void *self, int32_t device, evr_device_desc *out, evr_error **err)
{
    (void)self, (void)device, (void)err;
    out->name = (evr_str){"bad", 3};
    return EVR_OK;
}
static evr_status device_wait(void *self, int32_t device, evr_error **err)
{
    (void)self, (void)device, (void)err;
    return EVR_OK;
}
static double now_ns(void *self)
{
    (void)self;
    return now += 10;
}
static evr_status stream_open(void *self, int32_t device, int32_t kind, void *native, evr_backend_stream **out,
                              evr_error **err)
{
    (void)device, (void)kind, (void)native, (void)err;
    *out = self;
    return EVR_OK;
}
static void stream_close(void *self, evr_backend_stream *stream) { (void)self, (void)stream; }
static evr_status stream_wait(void *self, evr_backend_stream *stream, evr_error **err)
{
    (void)self, (void)stream, (void)err;
    return EVR_OK;
}
static evr_status span_new(void *self, int32_t device, evr_backend_span **out, evr_error **err)
{
    (void)device, (void)err;
    *out = self;
    return EVR_OK;
}
static void span_free(void *self, evr_backend_span *span) { (void)self, (void)span; }
static evr_status span_mark(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err)
{
    (void)self, (void)span, (void)stream, (void)err;
    return EVR_OK;
}
static evr_status span_ns(void *self, evr_backend_span *span, double *ns, evr_error **err)
{
    (void)self, (void)span, (void)err;
    *ns = 100;
    return EVR_OK;
}
static evr_status flush(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    (void)self, (void)stream, (void)how, (void)bytes, (void)err;
    return EVR_OK;
}
static evr_status gate_close(void *self, evr_backend_stream *stream, double timeout_ns, evr_error **err)
{
    (void)self, (void)stream, (void)timeout_ns, (void)err;
    return EVR_OK;
}
static evr_status one(void *self, int32_t device, evr_error **err)
{
    (void)self, (void)device, (void)err;
    return EVR_OK;
}

evr_status ENTRY(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err);

__attribute__((visibility("default"))) evr_status ENTRY(uint32_t abi, const evr_host *host, evr_backend *out,
                                                        evr_error **err)
{
    if (WAY == WAY_NONE)
        return host->error(host->user, err, EVR_E_ABI, "not spoken here", NULL);
    if (WAY == WAY_FAILS)
        return host->error(host->user, err, EVR_E_UNSUPPORTED, "the moon is in the wrong phase", "wait a week");
    *out = (evr_backend){
        .struct_size = WAY == WAY_SHORT ? (uint32_t)offsetof(evr_backend, rest) : (uint32_t)sizeof *out,
        .abi = WAY == WAY_LIES ? abi + 1 : abi,
        .self = (void *)host,
        .name = "bad",
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
        .span_begin = span_mark,
        .span_end = span_mark,
        .span_ns = span_ns,
        .flush = flush,
        .gate_close = gate_close,
        .kernels_begin = one,
    };
    if (WAY == WAY_MISSING_SLOT) {
        out->now_ns = NULL;
        out->flush = NULL;
    }
    if (WAY == WAY_HALVES)
        out->graph_begin = (evr_status(*)(void *, evr_backend_stream *, evr_error **))stream_wait;
    return EVR_OK;
}
