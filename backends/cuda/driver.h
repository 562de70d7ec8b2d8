/* The part of the CUDA driver (libcuda.so.1) that is used, declared by hand and opened at run time: neither toolkit nor
 * driver is needed to build or to load this. Streams and contexts are those of the CUDA runtime: a cudaStream_t is a
 * CUstream, and the context is the device's primary one. */
#ifndef EVR_CUDA_DRIVER_H
#define EVR_CUDA_DRIVER_H

#include "common/gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void *cu_handle; /* CUcontext, CUstream, CUevent, CUmodule, CUfunction, CUgraph, CUgraphExec */
typedef unsigned long long cu_pointer;

enum { CU_OK = 0 };
enum { CU_CLOCK_KHZ = 13, CU_PROCESSORS = 16, CU_MEMORY_CLOCK_KHZ = 36, CU_L2_BYTES = 38, CU_MAJOR = 75, CU_MINOR = 76 };
enum { CU_HOST_DEVICEMAP = 2 };

/* member of gpu_calls, symbol, required */
#define CUDA_SHARED(F)                                                                                                     \
    F(wait, "cuCtxSynchronize", 1)                                                                                         \
    F(stream_create, "cuStreamCreate", 1)                                                                                  \
    F(stream_destroy, "cuStreamDestroy_v2", 1)                                                                             \
    F(stream_wait, "cuStreamSynchronize", 1)                                                                               \
    F(event_create, "cuEventCreate", 1)                                                                                    \
    F(event_destroy, "cuEventDestroy_v2", 1)                                                                               \
    F(event_record, "cuEventRecord", 1)                                                                                    \
    F(event_wait, "cuEventSynchronize", 1)                                                                                 \
    F(event_elapsed, "cuEventElapsedTime", 1)                                                                              \
    F(module_load, "cuModuleLoadData", 1)                                                                                  \
    F(module_unload, "cuModuleUnload", 1)                                                                                  \
    F(module_function, "cuModuleGetFunction", 1)                                                                           \
    F(launch, "cuLaunchKernel", 1)                                                                                         \
    F(capture_begin, "cuStreamBeginCapture_v2", 0)                                                                         \
    F(capture_end, "cuStreamEndCapture", 0)                                                                                \
    F(graph_instantiate, "cuGraphInstantiateWithFlags", 0)                                                                 \
    F(graph_launch, "cuGraphLaunch", 0)                                                                                    \
    F(graph_destroy, "cuGraphDestroy", 0)                                                                                  \
    F(exec_destroy, "cuGraphExecDestroy", 0)

/* member, symbol, required, arguments */
#define CUDA_DRIVER(F)                                                                                                     \
    F(init, "cuInit", 1, (unsigned flags))                                                                                 \
    F(version, "cuDriverGetVersion", 1, (int *version))                                                                    \
    F(error_name, "cuGetErrorName", 1, (int error, const char **text))                                                     \
    F(count, "cuDeviceGetCount", 1, (int *count))                                                                          \
    F(device, "cuDeviceGet", 1, (int *device, int ordinal))                                                                \
    F(name, "cuDeviceGetName", 1, (char *name, int size, int device))                                                      \
    F(attribute, "cuDeviceGetAttribute", 1, (int *value, int attribute, int device))                                       \
    F(memory, "cuDeviceTotalMem_v2", 1, (size_t * bytes, int device))                                                      \
    F(pci, "cuDeviceGetPCIBusId", 1, (char *id, int size, int device))                                                     \
    F(context_retain, "cuDevicePrimaryCtxRetain", 1, (cu_handle * context, int device))                                    \
    F(context_release, "cuDevicePrimaryCtxRelease_v2", 1, (int device))                                                    \
    F(context_push, "cuCtxPushCurrent_v2", 1, (cu_handle context))                                                         \
    F(context_pop, "cuCtxPopCurrent_v2", 1, (cu_handle * context))                                                         \
    F(memory_new, "cuMemAlloc_v2", 1, (cu_pointer * at, size_t bytes))                                                     \
    F(memory_free, "cuMemFree_v2", 1, (cu_pointer at))                                                                     \
    F(memory_set, "cuMemsetD8Async", 1, (cu_pointer at, unsigned char value, size_t bytes, cu_handle stream))              \
    F(host_new, "cuMemHostAlloc", 1, (void **at, size_t bytes, unsigned flags))                                            \
    F(host_free, "cuMemFreeHost", 1, (void *at))                                                                           \
    F(host_pointer, "cuMemHostGetDevicePointer_v2", 1, (cu_pointer * device, void *host, unsigned flags))                  \
    F(wait_value, "cuStreamWaitValue32_v2", 0, (cu_handle stream, cu_pointer at, uint32_t value, unsigned flags))

typedef struct cuda_driver {
#define F(member, symbol, required, arguments) int(*member) arguments;
    CUDA_DRIVER(F)
#undef F
} cuda_driver;

/* Opens the driver and starts it. False with the reason in `why` when there is none, it is too old or finds no device. */
bool cuda_driver_open(cuda_driver *d, gpu_calls *calls, char *why, size_t size);

#endif
