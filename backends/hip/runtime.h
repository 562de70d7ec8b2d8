/* The part of the HIP runtime (libamdhip64) that is used, declared by hand and opened at run time: neither ROCm nor a
 * driver is needed to build or to load this. tests/backend/hip_headers.cpp compares it with AMD's own headers where they
 * are installed. */
#ifndef EVR_HIP_RUNTIME_H
#define EVR_HIP_RUNTIME_H

#include "common/gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of device attributes HIP keeps the numbers since ROCm 5. */
enum {
    HIP_CLOCK_KHZ = 5,
    HIP_L2_BYTES = 19,
    HIP_MAJOR = 23,
    HIP_MEMORY_CLOCK_KHZ = 60,
    HIP_MINOR = 61,
    HIP_PROCESSORS = 63,
    HIP_CAN_WAIT_VALUE = 10013
};
enum { HIP_MALLOC_DEFAULT = 0, HIP_MALLOC_SIGNAL = 2 };

/* The end of a span need not push the caches out to the host: it would be time of the span, and the operator after it would
 * find them empty. */
enum { HIP_EVENT_RELEASE_TO_DEVICE = 0x40000000 };

/* member of gpu_calls, function, required */
#define HIP_SHARED(F)                                                                                                      \
    F(wait, hipDeviceSynchronize, 1)                                                                                       \
    F(stream_create, hipStreamCreateWithFlags, 1)                                                                          \
    F(stream_destroy, hipStreamDestroy, 1)                                                                                 \
    F(stream_wait, hipStreamSynchronize, 1)                                                                                \
    F(event_create, hipEventCreateWithFlags, 1)                                                                            \
    F(event_destroy, hipEventDestroy, 1)                                                                                   \
    F(event_record, hipEventRecord, 1)                                                                                     \
    F(event_wait, hipEventSynchronize, 1)                                                                                  \
    F(event_elapsed, hipEventElapsedTime, 1)                                                                               \
    F(module_load, hipModuleLoadData, 1)                                                                                   \
    F(module_unload, hipModuleUnload, 1)                                                                                   \
    F(module_function, hipModuleGetFunction, 1)                                                                            \
    F(launch, hipModuleLaunchKernel, 1)                                                                                    \
    F(capture_begin, hipStreamBeginCapture, 0)                                                                             \
    F(capture_end, hipStreamEndCapture, 0)                                                                                 \
    F(graph_instantiate, hipGraphInstantiateWithFlags, 0)                                                                  \
    F(graph_launch, hipGraphLaunch, 0)                                                                                     \
    F(graph_destroy, hipGraphDestroy, 0)                                                                                   \
    F(exec_destroy, hipGraphExecDestroy, 0)

/* member, function, required, result, arguments */
#define HIP_RUNTIME(F)                                                                                                     \
    F(init, hipInit, 1, int, (unsigned flags))                                                                             \
    F(version, hipRuntimeGetVersion, 1, int, (int *version))                                                               \
    F(error_name, hipGetErrorName, 1, const char *, (int error))                                                           \
    F(last_error, hipGetLastError, 1, int, (void))                                                                         \
    F(count, hipGetDeviceCount, 1, int, (int *count))                                                                      \
    F(device_set, hipSetDevice, 1, int, (int device))                                                                      \
    F(device_get, hipGetDevice, 1, int, (int *device))                                                                     \
    F(name, hipDeviceGetName, 1, int, (char *name, int size, int device))                                                  \
    F(attribute, hipDeviceGetAttribute, 1, int, (int *value, int attribute, int device))                                   \
    F(memory, hipDeviceTotalMem, 1, int, (size_t * bytes, int device))                                                     \
    F(pci, hipDeviceGetPCIBusId, 1, int, (char *id, int size, int device))                                                 \
    F(memory_new, hipExtMallocWithFlags, 1, int, (void **at, size_t bytes, unsigned flags))                                \
    F(memory_free, hipFree, 1, int, (void *at))                                                                            \
    F(memory_set, hipMemsetAsync, 1, int, (void *at, int value, size_t bytes, gpu_handle stream))                          \
    F(wait_value, hipStreamWaitValue64, 0, int,                                                                            \
      (gpu_handle stream, void *at, uint64_t value, unsigned flags, uint64_t mask))

/* hiprtc, which is a library beside the runtime or, in some releases, part of it. */
#define HIP_COMPILER(F)                                                                                                    \
    F(create, hiprtcCreateProgram, 1, int,                                                                                 \
      (gpu_handle * program, const char *source, const char *name, int headers, const char **texts, const char **names))   \
    F(compile, hiprtcCompileProgram, 1, int, (gpu_handle program, int count, const char **options))                        \
    F(code_size, hiprtcGetCodeSize, 1, int, (gpu_handle program, size_t * size))                                           \
    F(code, hiprtcGetCode, 1, int, (gpu_handle program, char *code))                                                       \
    F(destroy, hiprtcDestroyProgram, 1, int, (gpu_handle * program))

typedef struct hip_runtime {
#define F(member, function, required, result, arguments) result(*member) arguments;
    HIP_RUNTIME(F)
#undef F
} hip_runtime;

typedef struct hip_compiler {
#define F(member, function, required, result, arguments) result(*member) arguments;
    HIP_COMPILER(F)
#undef F
} hip_compiler;

/* Opens the runtime, the one of the process if it has one. False with the reason in `why` when there is none, it is too old
 * or finds no device. */
bool hip_runtime_open(hip_runtime *r, gpu_calls *calls, char *why, size_t size);
bool hip_compiler_open(hip_compiler *c);

/* The kernel of the read pass, compiled for the current device; to be freed. The compiler's number for what went wrong. */
int hip_read_compile(const hip_compiler *c, void **code);

#endif
