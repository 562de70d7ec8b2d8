/* A look-alike of the CUDA driver on a device of our own, so that the CUDA backend can be run where there is none. */
#include "device.h"

#include <stdlib.h>
#include <string.h>

static int contexts, depth;

API int look_alike_live(void) { return device_live() + contexts + depth; }
API unsigned look_alike_launches(void) { return device_launches(); }
int look_alike_refuses(void) { return depth ? OK : NO_CONTEXT; }

API int cuInit(unsigned flags) { return flags ? INVALID : OK; }
API int cuDriverGetVersion(int *version) { return *version = 13000, OK; }
API int cuGetErrorName(int error, const char **text)
{
    *text = error == INVALID_HANDLE ? "CUDA_ERROR_INVALID_HANDLE"
            : error == NO_CONTEXT   ? "CUDA_ERROR_INVALID_CONTEXT"
                                    : "CUDA_ERROR_LOOK_ALIKE";
    return OK;
}
API int cuDeviceGetCount(int *count) { return *count = getenv("LOOK_ALIKE_NO_DEVICE") ? 0 : 1, OK; }
API int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, ordinal ? 101 : OK; }
API int cuDeviceGetName(char *name, int size, int device)
{
    strncpy(name, "a look-alike", (size_t)size - 1);
    return name[size - 1] = 0, device ? 101 : OK;
}
API int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    *value = attribute == 38 ? 4 << 20 : attribute == 16 ? 2 : attribute == 75 ? 9 : attribute == 76 ? 0 : 1000000;
    return device ? 101 : OK;
}
API int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = 1u << 30, device ? 101 : OK; }
API int cuDeviceGetPCIBusId(char *id, int size, int device)
{
    strncpy(id, "0000:00:01.0", (size_t)size);
    return device ? 101 : OK;
}
API int cuDevicePrimaryCtxRetain(void **context, int device) { return contexts++, *context = &contexts, device ? 101 : OK; }
API int cuDevicePrimaryCtxRelease_v2(int device) { return contexts--, device ? 101 : OK; }
API int cuCtxPushCurrent_v2(void *context) { return context == &contexts ? (depth++, OK) : NO_CONTEXT; }
API int cuCtxPopCurrent_v2(void **context) { return *context = &contexts, depth > 0 ? (depth--, OK) : NO_CONTEXT; }

API int cuStreamCreate(void **out, unsigned flags) { return device_stream_create(out, flags); }
API int cuStreamDestroy_v2(void *handle) { return device_stream_destroy(handle); }
API int cuStreamSynchronize(void *handle) { return device_stream_wait(handle); }
API int cuCtxSynchronize(void) { return device_wait(); }

API int cuEventCreate(void **out, unsigned flags) { return device_event_create(out, flags); }
API int cuEventDestroy_v2(void *e) { return device_event_destroy(e); }
API int cuEventRecord(void *e, void *handle) { return device_event_record(e, handle); }
API int cuEventSynchronize(void *handle) { return device_event_wait(handle); }
API int cuEventElapsedTime(float *ms, void *from, void *to) { return device_event_elapsed(ms, from, to); }

API int cuMemAlloc_v2(unsigned long long *at, size_t bytes)
{
    void *block = depth ? malloc(bytes) : NULL;
    if (!block)
        return depth ? NO_MEMORY : NO_CONTEXT;
    memset(block, 1, bytes);
    device_add_live(1);
    *at = (uintptr_t)block;
    return OK;
}
API int cuMemFree_v2(unsigned long long at)
{
    device_add_live(-1);
    free((void *)(uintptr_t)at);
    return OK;
}
API int cuMemsetD8Async(unsigned long long at, unsigned char value, size_t bytes, void *handle)
{
    return device_put(handle, (command){.kind = SET, .at = (void *)(uintptr_t)at, .bytes = bytes, .value = value});
}
API int cuMemHostAlloc(void **at, size_t bytes, unsigned flags)
{
    (void)flags;
    *at = depth ? calloc(1, bytes) : NULL;
    device_add_live(*at != NULL);
    return *at ? OK : NO_CONTEXT;
}
API int cuMemFreeHost(void *at)
{
    device_add_live(-1);
    free(at);
    return OK;
}
API int cuMemHostGetDevicePointer_v2(unsigned long long *device, void *host, unsigned flags)
{
    *device = (uintptr_t)host;
    return flags ? INVALID : OK;
}
API int cuModuleLoadData(void **module, const void *image)
{
    *module = (void *)1;
    device_add_live(1);
    return depth && strncmp(image, ".version", 8) == 0 ? OK : INVALID;
}
API int cuModuleUnload(void *module)
{
    device_add_live(-1);
    return module == (void *)1 ? OK : INVALID_HANDLE;
}
API int cuModuleGetFunction(void **function, void *module, const char *name)
{
    *function = (void *)2;
    return module == (void *)1 && strcmp(name, "evr_flush_read") == 0 ? OK : 500;
}
API int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                       unsigned shared, void *handle, void **arguments, void **extra)
{
    (void)gy, (void)gz, (void)by, (void)bz, (void)shared, (void)extra;
    if (function != (void *)2 || gx == 0 || bx == 0 || bx > 1024)
        return INVALID;
    return device_put(handle,
                      (command){.kind = LAUNCH, .at = *(void **)arguments[0], .bytes = *(uint64_t *)arguments[1] * 8});
}

API int cuStreamBeginCapture_v2(void *handle, int mode) { return device_capture_begin(handle, mode); }
API int cuStreamEndCapture(void *handle, void **graph) { return device_capture_end(handle, graph); }
API int cuGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long flags)
{
    return device_graph_instantiate(exec, graph, flags);
}
API int cuGraphLaunch(void *exec, void *handle) { return device_graph_launch(exec, handle); }
API int cuGraphDestroy(void *graph) { return device_graph_destroy(graph); }
API int cuGraphExecDestroy(void *exec) { return device_exec_destroy(exec); }
API int cuStreamWaitValue32_v2(void *handle, unsigned long long at, uint32_t value, unsigned flags)
{
    return flags ? INVALID : device_put(handle, (command){.kind = WAIT, .at = (void *)(uintptr_t)at, .value = value});
}
