/* The backend of CUDA: what is its own beside common/gpu.c – contexts, memory, and what the driver, NVML and CUPTI tell. */
#include "cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int enter(gpu *g, gpu_device *device)
{
    cuda *c = (cuda *)g;
    cuda_device *d = (cuda_device *)device;
    int error = d->context ? CU_OK : c->d.context_retain(&d->context, device->number);
    return error == CU_OK ? c->d.context_push(d->context) : error;
}

static void leave(gpu *g)
{
    cu_handle popped;
    ((cuda *)g)->d.context_pop(&popped);
}

static const char *error_name(gpu *g, int error)
{
    const char *name = NULL;
    return ((cuda *)g)->d.error_name(error, &name) == CU_OK ? name : NULL;
}

static int memory_new(gpu *g, gpu_address *at, size_t bytes)
{
    cu_pointer pointer = 0;
    int error = ((cuda *)g)->d.memory_new(&pointer, bytes);
    *at = pointer;
    return error;
}

static int memory_free(gpu *g, gpu_address at) { return ((cuda *)g)->d.memory_free(at); }

static int memory_set(gpu *g, gpu_address at, unsigned char value, size_t bytes, gpu_handle stream)
{
    return ((cuda *)g)->d.memory_set(at, value, bytes, stream);
}

static int word_new(gpu *g, volatile uint64_t **word)
{
    void *at = NULL;
    int error = ((cuda *)g)->d.host_new(&at, sizeof **word, CU_HOST_DEVICEMAP);
    *word = at;
    return error;
}

static int word_free(gpu *g, volatile uint64_t *word) { return ((cuda *)g)->d.host_free((void *)word); }

/* Looks at the lower half, which every device can. */
static int word_wait(gpu *g, volatile uint64_t *word, uint32_t least, gpu_handle stream)
{
    cuda *c = (cuda *)g;
    cu_pointer at = 0;
    int error = c->d.host_pointer(&at, (void *)word, 0);
    return error == CU_OK ? c->d.wait_value(stream, at, least, GPU_WAIT_GEQ) : error;
}

static evr_status image(gpu *g, gpu_device *device, const void **out, evr_error **err)
{
    (void)g, (void)device, (void)err;
    *out = cuda_read_ptx;
    return EVR_OK;
}

static void state(gpu *g, gpu_device *device, evr_device_state *out)
{
    management_state(&((cuda *)g)->management, &((cuda_device *)device)->managed, out);
}

static void close_all(gpu *g)
{
    cuda *c = (cuda *)g;
    for (int i = 0; i < g->count; i++)
        if (c->devices[i].context)
            c->d.context_release(g->devices[i]->number);
    management_close(&c->management);
    free(c);
}

static int attribute(cuda *c, int device, int which)
{
    int value = 0;
    return c->d.attribute(&value, which, device) == CU_OK ? value : 0;
}

static evr_status kernels_begin(void *self, int32_t number, evr_error **err)
{
    cuda *c = self;
    evr_status status = gpu_device_wait(c, number, err);
    if (status != EVR_OK)
        return status;
    if (c->kernels.recording || !kernels_start(&c->kernels))
        return gpu_refuse(&c->gpu, err, EVR_E_STATE,
                          "kernels cannot be recorded now: CUPTI is in use, or not allowed to this user");
    return EVR_OK;
}

static evr_status kernels_end(void *self, int32_t number, evr_kernel_fn visit, void *user, evr_error **err)
{
    cuda *c = self;
    if (!c->kernels.recording)
        return gpu_refuse(&c->gpu, err, EVR_E_STATE, "no kernels are being recorded");
    evr_status status = gpu_device_wait(c, number, err);
    bool whole = kernels_finish(&c->kernels, (uint32_t)number, status == EVR_OK ? visit : NULL, user);
    if (status == EVR_OK && !whole)
        status = gpu_refuse(&c->gpu, err, EVR_E_NOMEM, "out of memory");
    return status;
}

/* What does not change. Needs no context. */
static bool read_device(cuda *c, int ordinal)
{
    cuda_device *own = &c->devices[ordinal];
    gpu_device *device = &own->gpu;
    char pci[32] = "", managed[64];
    int version = 0;
    size_t bytes = 0;
    if (c->d.device(&device->number, ordinal) != CU_OK ||
        c->d.name(device->name, sizeof device->name, device->number) != CU_OK)
        return false;
    if (c->d.pci(pci, sizeof pci, device->number) == CU_OK)
        management_find(&c->management, pci, &own->managed);
    c->d.version(&version);
    management_driver(&c->management, managed, sizeof managed);
    snprintf(device->driver, sizeof device->driver, "driver %s, CUDA %d.%d", managed[0] ? managed : "unknown",
             version / 1000, version % 1000 / 10);
    int number = device->number, processors = attribute(c, number, CU_PROCESSORS);
    device->processors = processors > 0 ? processors : 1;
    device->memory_bytes = c->d.memory(&bytes, number) == CU_OK ? bytes : 0;
    device->cache_bytes = (uint64_t)attribute(c, number, CU_L2_BYTES);
    device->clock_mhz = attribute(c, number, CU_CLOCK_KHZ) / 1000.0;
    device->memory_clock_mhz = attribute(c, number, CU_MEMORY_CLOCK_KHZ) / 1000.0;
    int persistence = management_persistence(&c->management, &own->managed);
    snprintf(device->settings, sizeof device->settings, "sm_%d%d, %d processors, PCI %s, persistence mode %s",
             attribute(c, number, CU_MAJOR), attribute(c, number, CU_MINOR), device->processors, pci,
             persistence < 0 ? "not known"
             : persistence   ? "on"
                             : "off");
    return true;
}

static void find_devices(cuda *c)
{
    int count = 0;
    if (!cuda_driver_open(&c->d, &c->gpu.calls, c->gpu.why, sizeof c->gpu.why))
        return;
    management_open(&c->management);
    kernels_open(&c->kernels);
    c->d.count(&count);
    for (int i = 0; i < count && i < GPU_DEVICES && read_device(c, i); i++) {
        c->gpu.devices[i] = &c->devices[i].gpu;
        c->gpu.count = i + 1;
    }
    if (c->gpu.count == 0)
        snprintf(c->gpu.why, sizeof c->gpu.why, "the CUDA driver does not describe its devices");
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
    c->gpu.host = host;
    find_devices(c);
    c->gpu.ops = (gpu_ops){
        .vendor = "CUDA",
        .clock = "CUDA events: steps of about 0.5 us, as the driver documents",
        .enter = enter,
        .leave = leave,
        .error_name = error_name,
        .memory_new = memory_new,
        .memory_free = memory_free,
        .memory_set = memory_set,
        .word_new = c->d.wait_value ? word_new : NULL,
        .word_free = word_free,
        .word_wait = word_wait,
        .image = image,
        .state = c->management.works ? state : NULL,
        .close = close_all,
    };
    gpu_fill(&c->gpu, abi, out);
    out->name = "cuda";
    out->version = "1";
    if (c->kernels.works) {
        out->kernels_begin = kernels_begin;
        out->kernels_end = kernels_end;
    }
    return EVR_OK;
}
