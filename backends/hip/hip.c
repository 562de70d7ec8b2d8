/* The backend of HIP: what is its own beside common/gpu.c – devices, memory, and what runtime and kernel tell of them.
 * Names of kernels are left to the profiler of the bridge: ROCm's profilers want to be there before the runtime is. */
#include "runtime.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct hip_device {
    gpu_device gpu;
    system_place place;
    bool placed;
} hip_device;

typedef struct hip {
    gpu gpu;
    hip_runtime r;
    hip_compiler compiler;
    bool compiles;
    int before; /* the thread's device, which is put back */
    hip_device devices[GPU_DEVICES];
} hip;

#ifndef SYSTEM
#define SYSTEM "/sys"
#endif

static int enter(gpu *g, gpu_device *device)
{
    hip *h = (hip *)g;
    int error = h->r.device_get(&h->before);
    return error == GPU_OK ? h->r.device_set(device->number) : error;
}

static void leave(gpu *g)
{
    hip *h = (hip *)g;
    h->r.device_set(h->before);
}

/* A thread's last error stays until it is asked for, and PyTorch, which asks after its launches, would take ours for its
 * own. */
static const char *error_name(gpu *g, int error)
{
    hip *h = (hip *)g;
    h->r.last_error();
    return h->r.error_name(error);
}

static int memory_new(gpu *g, gpu_address *at, size_t bytes)
{
    void *pointer = NULL;
    int error = ((hip *)g)->r.memory_new(&pointer, bytes, HIP_MALLOC_DEFAULT);
    *at = (uintptr_t)pointer;
    return error;
}

static int memory_free(gpu *g, gpu_address at) { return ((hip *)g)->r.memory_free((void *)(uintptr_t)at); }

static int memory_set(gpu *g, gpu_address at, unsigned char value, size_t bytes, gpu_handle stream)
{
    return ((hip *)g)->r.memory_set((void *)(uintptr_t)at, value, bytes, stream);
}

/* Signal memory: the only kind that all releases let a stream wait for. */
static int word_new(gpu *g, volatile uint64_t **word)
{
    void *at = NULL;
    int error = ((hip *)g)->r.memory_new(&at, sizeof **word, HIP_MALLOC_SIGNAL);
    *word = at;
    return error;
}

static int word_free(gpu *g, volatile uint64_t *word) { return ((hip *)g)->r.memory_free((void *)word); }

static int word_wait(gpu *g, volatile uint64_t *word, uint32_t least, gpu_handle stream)
{
    return ((hip *)g)->r.wait_value(stream, (void *)word, least, GPU_WAIT_GEQ, UINT64_MAX);
}

static evr_status image(gpu *g, gpu_device *device, const void **out, evr_error **err)
{
    hip *h = (hip *)g;
    void *code = NULL;
    char text[GPU_TEXT];
    (void)device;
    if (!h->compiles)
        return gpu_refuse(g, err, EVR_E_UNSUPPORTED,
                          "HIP: reading the flush buffer takes libhiprtc, which is not there: flush by writing alone");
    int error = hip_read_compile(&h->compiler, &code);
    *out = code;
    if (error == GPU_OK)
        return EVR_OK;
    snprintf(text, sizeof text, "HIP: libhiprtc did not compile the kernel that reads the flush buffer (%d)", error);
    return gpu_refuse(g, err, error == GPU_OUT_OF_MEMORY ? EVR_E_NOMEM : EVR_E_OP, text);
}

static void image_free(const void *code) { free((void *)code); }

static void state(gpu *g, gpu_device *device, evr_device_state *out)
{
    const hip_device *d = (hip_device *)device;
    (void)g;
    if (d->placed)
        system_state(SYSTEM, &d->place, out);
}

static void close_all(gpu *g) { free(g); }

static int attribute(hip *h, int device, int which)
{
    int value = 0;
    return h->r.attribute(&value, which, device) == GPU_OK ? value : 0;
}

static uint64_t positive(int value) { return value > 0 ? (uint64_t)value : 0; }

/* The runtime tells of the L2 alone, and of one die's; what lies behind it the kernel tells. */
static uint64_t cache_of(const hip_device *device, int l2)
{
    uint64_t far = device->placed ? system_cache_bytes(SYSTEM, &device->place) : 0, near = positive(l2);
    return far > near ? far : near;
}

static bool read_device(hip *h, int number)
{
    hip_device *own = &h->devices[number];
    gpu_device *device = &own->gpu;
    char pci[32] = "", level[32] = "", driver[64];
    int version = 0;
    size_t bytes = 0;
    device->number = number;
    if (h->r.name(device->name, sizeof device->name, number) != GPU_OK)
        return false;
    own->placed = h->r.pci(pci, sizeof pci, number) == GPU_OK && system_place_read(pci, &own->place);
    if (own->placed)
        system_level(SYSTEM, &own->place, level, sizeof level);
    h->r.version(&version);
    system_driver(SYSTEM, driver, sizeof driver);
    snprintf(device->driver, sizeof device->driver, "driver amdgpu %s, HIP %d.%d", driver[0] ? driver : "of the kernel",
             version / 10000000, version / 100000 % 100);
    int processors = attribute(h, number, HIP_PROCESSORS);
    device->processors = processors > 0 ? processors : 1;
    device->memory_bytes = h->r.memory(&bytes, number) == GPU_OK ? bytes : 0;
    device->cache_bytes = cache_of(own, attribute(h, number, HIP_L2_BYTES));
    device->clock_mhz = (double)positive(attribute(h, number, HIP_CLOCK_KHZ)) / 1000.0;
    device->memory_clock_mhz = (double)positive(attribute(h, number, HIP_MEMORY_CLOCK_KHZ)) / 1000.0;
    snprintf(device->settings, sizeof device->settings, "compute %d.%d, %d processors, PCI %s, performance level %s",
             attribute(h, number, HIP_MAJOR), attribute(h, number, HIP_MINOR), device->processors, pci,
             level[0] ? level : "not known");
    return true;
}

static void find_devices(hip *h)
{
    int count = 0;
    if (!hip_runtime_open(&h->r, &h->gpu.calls, h->gpu.why, sizeof h->gpu.why))
        return; /* and nothing of the runtime is called from here on */
    h->compiles = hip_compiler_open(&h->compiler);
    h->r.count(&count);
    for (int i = 0; i < count && i < GPU_DEVICES && read_device(h, i); i++) {
        h->gpu.devices[i] = &h->devices[i].gpu;
        h->gpu.count = i + 1;
    }
    if (h->gpu.count == 0)
        snprintf(h->gpu.why, sizeof h->gpu.why, "the HIP runtime does not describe its devices");
}

/* Not every device can wait for a word, and the boundary asks all of them at once. */
static bool all_wait(hip *h)
{
    bool all = h->r.wait_value != NULL;
    for (int i = 0; i < h->gpu.count; i++)
        all = all && attribute(h, i, HIP_CAN_WAIT_VALUE) > 0;
    if (h->gpu.count)
        h->r.last_error(); /* of attributes that an older runtime does not know */
    return all;
}

static bool any_state(hip *h)
{
    for (int i = 0; i < h->gpu.count; i++) {
        evr_device_state s = {.struct_size = sizeof s};
        if (h->devices[i].placed && system_state(SYSTEM, &h->devices[i].place, &s))
            return true;
    }
    return false;
}

__attribute__((visibility("default"))) evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out,
                                                                   evr_error **err);

evr_status evr_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err)
{
    if (abi != EVR_BACKEND_ABI)
        return host->error(host->user, err, EVR_E_ABI, "the HIP backend speaks boundary 1", NULL);
    hip *h = calloc(1, sizeof *h);
    if (!h)
        return host->error(host->user, err, EVR_E_NOMEM, "out of memory", NULL);
    h->gpu.host = host;
    find_devices(h);
    h->gpu.ops = (gpu_ops){
        .vendor = "HIP",
        .clock = "HIP events: the runtime does not tell their steps",
        .event_flags = HIP_EVENT_RELEASE_TO_DEVICE,
        .enter = enter,
        .leave = leave,
        .error_name = error_name,
        .memory_new = memory_new,
        .memory_free = memory_free,
        .memory_set = memory_set,
        .word_new = all_wait(h) ? word_new : NULL,
        .word_free = word_free,
        .word_wait = word_wait,
        .image = image,
        .image_free = image_free,
        .state = any_state(h) ? state : NULL,
        .close = close_all,
    };
    gpu_fill(&h->gpu, abi, out);
    out->name = "hip";
    out->version = "1";
    return EVR_OK;
}
