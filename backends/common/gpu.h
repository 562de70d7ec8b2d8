/* What the backends of CUDA and HIP have in common: HIP's streams, events, graphs and modules are CUDA's under other names,
 * with the same arguments and the same numbers. A backend adds how a device is entered, its memory, and what is known of
 * it. */
#ifndef EVR_COMMON_GPU_H
#define EVR_COMMON_GPU_H

#include "gate.h"

#include <evreplay/backend.h>

#include <stdbool.h>

enum { GPU_DEVICES = 64, GPU_TEXT = 256 };
enum {
    GPU_OK = 0,
    GPU_OUT_OF_MEMORY = 2,
    GPU_NO_DEVICE = 100,
    GPU_NOT_SUPPORTED = 801,
    GPU_CAPTURE_FIRST = 900,
    GPU_CAPTURE_LAST = 908
};
enum { GPU_STREAM_NON_BLOCKING = 1, GPU_CAPTURE_RELAXED = 2, GPU_WAIT_GEQ = 0 };

typedef void *gpu_handle;     /* a stream, event, module, function, graph or executable graph */
typedef uint64_t gpu_address; /* in the device's memory */

/* member, arguments; those from capture_begin on may be NULL. All answer GPU_OK or the number of an error. */
#define GPU_CALLS(F)                                                                                                       \
    F(wait, (void))                                                                                                        \
    F(stream_create, (gpu_handle * stream, unsigned flags))                                                                \
    F(stream_destroy, (gpu_handle stream))                                                                                 \
    F(stream_wait, (gpu_handle stream))                                                                                    \
    F(event_create, (gpu_handle * event, unsigned flags))                                                                  \
    F(event_destroy, (gpu_handle event))                                                                                   \
    F(event_record, (gpu_handle event, gpu_handle stream))                                                                 \
    F(event_wait, (gpu_handle event))                                                                                      \
    F(event_elapsed, (float *ms, gpu_handle from, gpu_handle to))                                                          \
    F(module_load, (gpu_handle * module, const void *image))                                                               \
    F(module_unload, (gpu_handle module))                                                                                  \
    F(module_function, (gpu_handle * function, gpu_handle module, const char *name))                                       \
    F(launch, (gpu_handle function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,          \
               unsigned shared, gpu_handle stream, void **arguments, void **extra))                                        \
    F(capture_begin, (gpu_handle stream, int mode))                                                                        \
    F(capture_end, (gpu_handle stream, gpu_handle * graph))                                                                \
    F(graph_instantiate, (gpu_handle * exec, gpu_handle graph, unsigned long long flags))                                  \
    F(graph_launch, (gpu_handle exec, gpu_handle stream))                                                                  \
    F(graph_destroy, (gpu_handle graph))                                                                                   \
    F(exec_destroy, (gpu_handle exec))

typedef struct gpu_calls {
#define F(member, arguments) int(*member) arguments;
    GPU_CALLS(F)
#undef F
} gpu_calls;

/* One device. What is known of it is read when the backend starts; what needs memory is made when it is first used. */
typedef struct gpu_device {
    int number; /* as the vendor gives it */
    bool used;
    int processors;
    uint64_t memory_bytes, cache_bytes;
    double clock_mhz, memory_clock_mhz;
    char name[GPU_TEXT], driver[GPU_TEXT], settings[GPU_TEXT];
    uint64_t throttled; /* looks that found the device slowed */

    gpu_handle module, read; /* the kernel of the read pass */
    gpu_address written, unwritten, sink;
    uint64_t flush_bytes; /* of each of the two buffers */
    unsigned turn;
} gpu_device;

typedef struct gpu gpu;

/* What a backend adds. Numbers are those of errors; memory functions and those of the gate are called within the device. */
typedef struct gpu_ops {
    const char *vendor, *clock;
    unsigned event_flags;
    int (*enter)(gpu *g, gpu_device *device);
    void (*leave)(gpu *g);
    const char *(*error_name)(gpu *g, int error); /* NULL = not known */
    int (*memory_new)(gpu *g, gpu_address *at, size_t bytes);
    int (*memory_free)(gpu *g, gpu_address at);
    int (*memory_set)(gpu *g, gpu_address at, unsigned char value, size_t bytes, gpu_handle stream);
    /* A word that host and stream see, zeroed or not; NULL where there is no gate, and then the next two are not called. */
    int (*word_new)(gpu *g, volatile uint64_t **word);
    int (*word_free)(gpu *g, volatile uint64_t *word);
    int (*word_wait)(gpu *g, volatile uint64_t *word, uint32_t least, gpu_handle stream);
    /* The module with `evr_flush_read(from, words, sink)` for the device, which is entered; `*image` lives until
     * image_free(). */
    evr_status (*image)(gpu *g, gpu_device *device, const void **image, evr_error **err);
    void (*image_free)(const void *image);                            /* NULL = not needed */
    void (*state)(gpu *g, gpu_device *device, evr_device_state *out); /* NULL = not known */
    void (*close)(gpu *g);                                            /* frees `g` and what it is part of */
} gpu_ops;

/* The first member of a backend. */
struct gpu {
    const evr_host *host;
    gpu_ops ops;
    gpu_calls calls;
    int count;
    char why[GPU_TEXT];
    gpu_device *devices[GPU_DEVICES];
};

/* The kernel of the read pass takes this many threads in a block. */
enum { GPU_READ_THREADS = 256 };

/* Fills the functions that all devices have. Name, version and kernels are left to the backend. */
void gpu_fill(gpu *g, uint32_t abi, evr_backend *out);

/* An error with the vendor's name for `code`; the status that fits it. */
evr_status gpu_fail(gpu *g, evr_error **err, int code, const char *doing);
evr_status gpu_refuse(gpu *g, evr_error **err, evr_status status, const char *message);

evr_status gpu_enter(gpu *g, gpu_device *device, evr_error **err);
void gpu_leave(gpu *g);
evr_status gpu_device_wait(void *self, int32_t number, evr_error **err);

evr_status gpu_flush(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err);
void gpu_flush_free(gpu *g, gpu_device *device); /* within the device */

struct evr_backend_stream {
    gpu_device *device;
    gpu_handle handle;
    bool owned;
    gate *gate;
};

#endif
