/**
 * @file
 * The plug-in boundary between libevreplay and what keeps time on a device: the CPU, CUDA, HIP, or a clock made of numbers.
 *
 * A backend is a shared library with one entry symbol, evr_backend_init(). It knows the device's clock, its queues ("streams"), its caches and what the
 * driver tells; it decides nothing. When a sample is taken, how many, and which of them count is decided on this side of the boundary.
 *
 * **Negotiation** is that of bridge.h: boundaries are offered from the newest down, required slots are checked, slots marked optional may be NULL and are
 * then never called. What a backend cannot do it leaves NULL rather than answering with a failure.
 *
 * **No device is an answer.** A backend starts on a machine without its device or driver: device_count() is then 0, and why() says what was missing.
 * It opens the vendor's libraries itself when it is started, and needs none of them to be loaded.
 *
 * **Order.** What is put on a stream happens in the order of the calls. On a device that is not asynchronous a call may do its work before it returns.
 *
 * **Errors.** No exception leaves a backend. Errors are made with evr_host::error. **Threads.** A backend is called from one thread at a time.
 *
 * **Handles** are opaque to the library, which frees them before evr_backend::shutdown. Texts handed out live as long as the backend. The shared library
 * is never closed.
 */
#ifndef EVREPLAY_BACKEND_H
#define EVREPLAY_BACKEND_H

#include <evreplay/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVR_BACKEND_ABI 1u /**< newest boundary this header describes */

typedef struct evr_backend_stream evr_backend_stream; /**< a queue of a device */
typedef struct evr_backend_span evr_backend_span;     /**< a stretch of time on a stream */
typedef struct evr_backend_graph evr_backend_graph;   /**< work captured from a stream, to be launched as one */

/** @name Flags of a device
 * @{ */
#define EVR_DEVICE_ASYNC 1u          /**< work runs after the call that starts it has returned */
#define EVR_DEVICE_UNSTABLE_CLOCK 2u /**< spans may be wrong: the clock can change its rate or jump; `clock` says why */
#define EVR_DEVICE_VIRTUAL 4u        /**< no real time passes: for tests */
/** @} */

/** What a device is. */
typedef struct evr_device_desc {
    uint32_t struct_size;    /**< set by the caller */
    uint32_t flags;          /**< EVR_DEVICE_... */
    evr_str name;            /**< of the product */
    evr_str driver;          /**< versions of driver and run time, "driver 570.124.06, CUDA 12.8"; of the kernel on the CPU */
    evr_str clock;           /**< what a span is read from, and how far it may be believed */
    evr_str settings;        /**< what else times depend on: threads, pinning, governor, persistence mode… */
    uint64_t memory_bytes;   /**< 0 = not known */
    uint64_t cache_bytes;    /**< last level of cache as far as one process can use it: what a flush must go over; 0 = not known */
    double tick_ns;          /**< smallest difference of two spans that means something; 0 = not known */
    double clock_mhz;        /**< highest clock of the cores; 0 = not known */
    double memory_clock_mhz; /**< 0 = not known */
    double look_ns;          /**< how long its state may go unlooked at while samples are taken; 0 = 20 ms */
} evr_device_desc;

/** @name Reasons why a device is slower than it could be
 * @{ */
#define EVR_THROTTLE_THERMAL 1u  /**< too hot */
#define EVR_THROTTLE_POWER 2u    /**< power cap or power brake */
#define EVR_THROTTLE_HARDWARE 4u /**< another slow-down by the hardware */
#define EVR_THROTTLE_USER 8u     /**< clocks are limited by a setting; not a reason to discard */
#define EVR_THROTTLE_SHARED 16u  /**< somebody else uses the core: its other hardware thread, another guest of the machine */
/** @} */

/** What a device is doing at this moment. Counters only grow. */
typedef struct evr_device_state {
    uint32_t struct_size;    /**< set by the caller */
    uint32_t throttle;       /**< EVR_THROTTLE_..., in force now */
    uint64_t throttle_count; /**< times it was throttled so far, where the device counts; else 0 */
    double clock_mhz;        /**< of the cores; 0 = not known */
    double memory_clock_mhz; /**< 0 = not known */
    double temperature_c;    /**< 0 = not known */
    double power_w;          /**< 0 = not known */
} evr_device_state;

/** @name How a cache is emptied before a sample
 * @{ */
#define EVR_FLUSH_NONE 1       /**< not at all: the operator finds its inputs where the run before left them */
#define EVR_FLUSH_WRITE 2      /**< a buffer is written */
#define EVR_FLUSH_WRITE_READ 3 /**< a buffer is written, then another one is read, so that what the operator pushes out of the cache is clean */
/** @} */

/** @name Which stream
 * @{ */
#define EVR_STREAM_NEW 1    /**< one of its own */
#define EVR_STREAM_NATIVE 2 /**< the one whose handle is given (cudaStream_t, hipStream_t; NULL is the device's default) */
/** @} */

/** The functions of a backend. `self` is always the first argument. Slots marked optional may be NULL. */
typedef struct evr_backend {
    uint32_t struct_size; /**< sizeof(evr_backend) as the backend was compiled */
    uint32_t abi;         /**< boundary agreed on */
    void *self;           /**< first argument of the functions */
    const char *name;     /**< "cpu", "cuda"… */
    const char *version;  /**< of the backend */

    /** The last call: frees `self`. */
    void (*shutdown)(void *self);

    /** Number of devices; 0 is no failure. */
    int32_t (*device_count)(void *self);
    /** When there is no device: what was looked for and not found, in a sentence; else "". */
    const char *(*why)(void *self);
    /** @return EVR_OK · EVR_E_NO_DEVICE (no such index) */
    evr_status (*device_describe)(void *self, int32_t device, evr_device_desc *out, evr_error **err);
    /** Waits for all work of the device. */
    evr_status (*device_wait)(void *self, int32_t device, evr_error **err);
    /** Nanoseconds of the host's clock, from any start; never goes back. Budgets and the cost of launching are counted on it. */
    double (*now_ns)(void *self);

    /** `kind` is EVR_STREAM_…; `native` is read for EVR_STREAM_NATIVE. @return EVR_OK · EVR_E_NO_DEVICE · EVR_E_NOMEM · EVR_E_UNSUPPORTED (the kind) */
    evr_status (*stream_open)(void *self, int32_t device, int32_t kind, void *native, evr_backend_stream **out, evr_error **err);
    /** Waits for nothing; no span or graph uses the stream any more. */
    void (*stream_close)(void *self, evr_backend_stream *stream);
    /** Waits for all work of the stream. What failed on it is reported here. */
    evr_status (*stream_wait)(void *self, evr_backend_stream *stream, evr_error **err);

    /** A span is used again and again: begin, end, ns, begin… */
    evr_status (*span_new)(void *self, int32_t device, evr_backend_span **out, evr_error **err);
    /** Frees a span. */
    void (*span_free)(void *self, evr_backend_span *span);
    /** Puts the beginning of the span on the stream; a span that was ended begins anew. */
    evr_status (*span_begin)(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err);
    /** Puts the end of the span on the stream. @return EVR_OK · EVR_E_STATE (it was not begun) */
    evr_status (*span_end)(void *self, evr_backend_span *span, evr_backend_stream *stream, evr_error **err);
    /** Waits for the end of the span and says how long it was. @return EVR_OK · EVR_E_STATE (it was not begun and ended) */
    evr_status (*span_ns)(void *self, evr_backend_span *span, double *ns, evr_error **err);

    /** Puts a flush of `bytes` (0 = evr_device_desc::cache_bytes) on the stream. @return EVR_OK · EVR_E_NOMEM · EVR_E_INVALID (`how`) */
    evr_status (*flush)(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err);

    /** Optional. Passes time without work, to cool down. NULL: the library sleeps by itself. */
    void (*rest)(void *self, double ns);
    /** Optional. Handle of the stream, for EVR_STREAM_NATIVE elsewhere. */
    void *(*stream_native)(void *self, evr_backend_stream *stream);
    /** Optional, together with gate_open. Holds the stream until gate_open(), so that what is put on it starts without gaps. A watchdog opens it after
     *  `timeout_ns`, for work that waits for its own results. */
    evr_status (*gate_close)(void *self, evr_backend_stream *stream, double timeout_ns, evr_error **err);
    /** Lets the stream go on. @return EVR_OK · EVR_E_CANCELLED (the watchdog was first: the span means nothing) */
    evr_status (*gate_open)(void *self, evr_backend_stream *stream, evr_error **err);
    /** Optional, all four together. What is put on the stream between begin and end is kept instead of run.
     *  graph_end() ends the capture even when it fails. @return EVR_OK · EVR_E_UNSUPPORTED (something that cannot be captured) */
    evr_status (*graph_begin)(void *self, evr_backend_stream *stream, evr_error **err);
    /** Ends the capture and hands out what was captured. @see graph_begin */
    evr_status (*graph_end)(void *self, evr_backend_stream *stream, evr_backend_graph **out, evr_error **err);
    /** Puts all of the graph on the stream, as one. @see graph_begin */
    evr_status (*graph_launch)(void *self, evr_backend_graph *graph, evr_backend_stream *stream, evr_error **err);
    /** Frees a graph that is no longer running. @see graph_begin */
    void (*graph_free)(void *self, evr_backend_graph *graph);
    /** Optional. Clocks, temperature and whether the device is slowed. */
    evr_status (*device_state)(void *self, int32_t device, evr_device_state *out, evr_error **err);
    /** Optional, together with kernels_end. From here on kernels of the device are recorded; slows the device, so never while time is taken. */
    evr_status (*kernels_begin)(void *self, int32_t device, evr_error **err);
    /** Waits for the device, ends the recording and hands out what ran. `visit` may be NULL. */
    evr_status (*kernels_end)(void *self, int32_t device, evr_kernel_fn visit, void *user, evr_error **err);
    /** Optional. A table of further functions by name, or NULL: for what only one backend has. */
    const void *(*extension)(void *self, const char *name);
} evr_backend;

/**
 * Entry of a backend. Fills `*out`, whose struct_size the library has set to the room there is.
 * @return EVR_OK, EVR_E_ABI (that number is not spoken here: a lower one is tried next) or another failure
 */
typedef evr_status (*evr_backend_init_fn)(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err);

#define EVR_BACKEND_ENTRY "evr_backend_init" /**< name of the entry symbol */

#ifdef __cplusplus
}
#endif

#endif
