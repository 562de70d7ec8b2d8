/**
 * @file
 * What the library offers every plug-in, whatever its kind: see bridge.h and backend.h.
 */
#ifndef EVREPLAY_PLUGIN_H
#define EVREPLAY_PLUGIN_H

#include <evreplay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the library offers a plug-in. Lives as long as the plug-in. */
typedef struct evr_host {
    uint32_t struct_size; /**< sizeof(evr_host) */
    uint32_t abi;         /**< boundary agreed on */
    void *user;           /**< first argument of the functions */
    void (*log)(void *user, int32_t level, const char *message); /**< EVR_LOG_... */
    /** Makes an error in `*err` (nullable) and returns `code`. `hint` may be NULL. Replaces an error that is there. */
    evr_status (*error)(void *user, evr_error **err, evr_status code, const char *message, const char *hint);
} evr_host;

/** Something that ran on a device: a kernel, a copy ("Memcpy DtoD (Device -> Device)") or a fill ("Memset (Device)"), by the name that PyTorch's traces give it. */
typedef struct evr_kernel_run {
    uint32_t struct_size; /**< sizeof(evr_kernel_run) */
    uint32_t stream;      /**< number of the stream as the profiler gives it */
    evr_str name;         /**< demangled where the vendor can; borrowed for the call */
    double start_ns;      /**< on the device's clock */
    double duration_ns;   /**< of the kernel alone */
} evr_kernel_run;

/** Receives kernels in order of their start. Nonzero stops the walk. */
typedef int32_t (*evr_kernel_fn)(void *user, const evr_kernel_run *kernel);

#ifdef __cplusplus
}
#endif

#endif
