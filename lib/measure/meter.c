#include "measure/meter.h"

#include "base/error.h"
#include "base/sized.h"
#include "measure/statistics.h"

#include <math.h>

enum { EMPTY_SPANS = 101, UNCOUNTED = 10 };

static evr_status empty_span(evr_meter *meter, double *ns, evr_error **err)
{
    const evr_backend *fn = meter->fn;
    EVR_TRY(fn->span_begin(fn->self, meter->span, meter->stream, err));
    EVR_TRY(fn->span_end(fn->self, meter->span, meter->stream, err));
    return fn->span_ns(fn->self, meter->span, ns, err);
}

/* What a sample costs that measures nothing, and in what steps the clock goes. */
static evr_status calibrate(evr_meter *meter, evr_error **err)
{
    double spans[EMPTY_SPANS];
    for (int i = 0; i < UNCOUNTED + EMPTY_SPANS; i++)
        EVR_TRY(empty_span(meter, &spans[i < UNCOUNTED ? 0 : i - UNCOUNTED], err));
    evr_sort_f64(spans, EMPTY_SPANS);
    meter->harness_ns = fmax(0, evr_median_of_sorted(spans, EMPTY_SPANS));
    meter->tick_ns = meter->desc.tick_ns;
    for (int i = 1; i < EMPTY_SPANS && !(meter->desc.tick_ns > 0); i++) {
        double step = spans[i] - spans[i - 1];
        if (step > 0 && (meter->tick_ns <= 0 || step < meter->tick_ns))
            meter->tick_ns = step;
    }
    return EVR_OK;
}

static evr_status find_device(evr_meter *meter, const evr_meter_options *o, evr_error **err)
{
    const evr_backend *fn = meter->fn;
    int32_t count = fn->device_count(fn->self);
    if (count <= 0) {
        evr_fail(meter->ctx, err, EVR_E_NO_DEVICE, "the backend %s has no device: %s", fn->name, fn->why(fn->self));
        evr_hint(err, "run on a machine that has one, or measure on the CPU");
        return EVR_E_NO_DEVICE;
    }
    if (o->device < 0 || o->device >= count)
        return evr_fail(meter->ctx, err, EVR_E_NO_DEVICE, "the backend %s has %d device%s, and no number %d", fn->name,
                        (int)count, count == 1 ? "" : "s", (int)o->device);
    meter->device = o->device;
    meter->patience = 1;
    meter->desc.struct_size = EVR_INIT(evr_device_desc);
    EVR_TRY(fn->device_describe(fn->self, meter->device, &meter->desc, err));
    EVR_TRY(fn->stream_open(fn->self, meter->device, o->stream ? o->stream : EVR_STREAM_NEW, o->native_stream,
                            &meter->stream, err));
    EVR_TRY(fn->span_new(fn->self, meter->device, &meter->span, err));
    return calibrate(meter, err);
}

evr_status evr_meter_open(evr_context *ctx, const evr_meter_options *options, evr_meter **out, evr_error **err)
{
    evr_meter_options o = {EVR_INIT(evr_meter_options)};
    *out = NULL;
    if (options && options->struct_size < sizeof(uint32_t))
        return evr_fail(ctx, err, EVR_E_INVALID, "meter: struct_size is not set");
    EVR_TAKE(&o, options);
    if (o.flags)
        return evr_fail(ctx, err, EVR_E_INVALID, "meter: flags 0x%x are not known to this version", (unsigned)o.flags);
    evr_meter *meter = evr_alloc_zeroed(ctx, sizeof *meter);
    if (!meter)
        return evr_fail_nomem(err);
    meter->ctx = evr_context_ref(ctx);
    evr_status status = evr_backend_load(ctx, o.backend ? o.backend : "cpu", o.backend_path, &meter->backend, err);
    if (status == EVR_OK) {
        meter->fn = &meter->backend->fn;
        status = find_device(meter, &o, err);
    }
    if (status != EVR_OK) {
        evr_meter_free(meter);
        return status;
    }
    *out = meter;
    return EVR_OK;
}

void evr_meter_free(evr_meter *meter)
{
    if (!meter)
        return;
    evr_context *ctx = meter->ctx;
    if (meter->span)
        meter->fn->span_free(meter->fn->self, meter->span);
    if (meter->stream)
        meter->fn->stream_close(meter->fn->self, meter->stream);
    evr_backend_unload(meter->backend);
    evr_release(ctx, meter, sizeof *meter);
    evr_context_free(ctx);
}

const evr_backend *evr_meter_backend(const evr_meter *meter) { return meter->fn; }
double evr_meter_harness_ns(const evr_meter *meter) { return meter->harness_ns; }
evr_str evr_meter_backend_path(const evr_meter *meter) { return evr_str_c(meter->backend->plugin.path); }

evr_status evr_meter_device(const evr_meter *meter, evr_device_desc *out, evr_error **err)
{
    if (out->struct_size < sizeof(uint32_t))
        return evr_fail(meter->ctx, err, EVR_E_INVALID, "device: struct_size is not set");
    EVR_GIVE(out, &meter->desc);
    return EVR_OK;
}

evr_status evr_meter_kernels(evr_meter *meter, const evr_measured *what, evr_kernel_fn visit, void *user, evr_error **err)
{
    const evr_backend *fn = meter->fn;
    evr_measured w = {EVR_INIT(evr_measured)};
    EVR_TAKE(&w, what);
    if (!fn->kernels_begin)
        return evr_fail(meter->ctx, err, EVR_E_UNSUPPORTED, "the backend %s does not record kernels", fn->name);
    if (!w.run)
        return evr_fail(meter->ctx, err, EVR_E_INVALID, "there is nothing to run: the callback is NULL");
    if (w.prepare)
        EVR_TRY(w.prepare(w.user, err));
    EVR_TRY(fn->device_wait(fn->self, meter->device, err));
    EVR_TRY(fn->kernels_begin(fn->self, meter->device, err));
    evr_status status = w.run(w.user, err);
    evr_status ended =
        fn->kernels_end(fn->self, meter->device, status == EVR_OK ? visit : NULL, user, status == EVR_OK ? err : NULL);
    return status != EVR_OK ? status : ended;
}
