/**
 * @file
 * The plug-in boundary between libevreplay and a tensor library: libtorch, in practice.
 *
 * A bridge is a shared library with one entry symbol, evr_bridge_init(). It does three mechanical things: list operator schemas, make
 * tensors, and call an operator through the dispatcher. Every decision is on this side of the boundary.
 *
 * **Negotiation.** The library calls evr_bridge_init() with its newest ABI number and counts down until the bridge accepts one. Required slots are
 * checked; optional ones left NULL are never called.
 *
 * **Errors.** No exception leaves a bridge. Errors are made with evr_host::error and handed out through `evr_error **`.
 *
 * **Threads.** A bridge is called from one thread at a time.
 *
 * **Handles** are opaque to the library. Tensors and calls are freed before evr_bridge::shutdown. The shared library is never closed.
 */
#ifndef EVREPLAY_BRIDGE_H
#define EVREPLAY_BRIDGE_H

#include <evreplay/ir.h>
#include <evreplay/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVR_BRIDGE_ABI 1u /**< newest boundary this header describes */

typedef struct evr_bridge_tensor evr_bridge_tensor; /**< a live tensor */
typedef struct evr_bridge_op evr_bridge_op;         /**< an operator overload; lives as long as the bridge */
typedef struct evr_bridge_call evr_bridge_call;     /**< an operator with its arguments in place */

/** What a live tensor is. */
typedef struct evr_tensor_info {
    uint32_t struct_size;     /**< set by the caller */
    int32_t dtype;            /**< EVR_DTYPE_... */
    uint32_t rank;            /**< number of dimensions */
    uint32_t flags;           /**< 0 */
    const int64_t *shape;     /**< borrowed from the tensor */
    const int64_t *strides;   /**< borrowed from the tensor; contiguous for layouts without strides */
    int64_t storage_offset;   /**< in elements */
    uint64_t storage_bytes;   /**< whole storage */
    void *host_storage;       /**< start of the storage when the CPU can read and write it, else NULL */
    evr_str device;           /**< "cpu", "cuda:0"… borrowed from the tensor */
} evr_tensor_info;

/** A device as PyTorch writes it: "cpu", "cuda:1", "meta"; NUL-terminated. */
typedef const char *evr_device;

/** @name What is recorded
 * @{ */
#define EVR_RECORD_KERNELS 1   /**< what runs on the device */
#define EVR_RECORD_OPERATORS 2 /**< operators, as the host calls them: names and times of their calls, those within others too */
/** @} */

/** The functions of a bridge. `self` is always the first argument. Slots marked optional may be NULL. */
typedef struct evr_bridge {
    uint32_t struct_size; /**< sizeof(evr_bridge) as the bridge was compiled */
    uint32_t abi;         /**< boundary agreed on */
    void *self;           /**< first argument of the functions */
    const char *name;     /**< "torch" */
    const char *version;  /**< of the tensor library, such as "2.13.0" */

    /** The last call: frees `self`. */
    void (*shutdown)(void *self);

    /** Loads a library of custom operators by path. The library calls this for paths the user registered or allowed only. */
    evr_status (*load_library)(void *self, const char *path, evr_error **err);

    /** All overloads of `op` ("aten::add"), or every schema there is when `op` is empty. None is no error. */
    evr_status (*schemas)(void *self, evr_str op, evr_schema_fn visit, void *user, evr_error **err);

    /** @return EVR_OK or EVR_E_NOT_FOUND */
    evr_status (*op_find)(void *self, evr_str op, evr_str overload, evr_bridge_op **out, evr_error **err);
    /** 1 when the operator can run on the device (a kernel of its own, a composite one or a fallback), else 0. */
    int32_t (*op_runs_on)(void *self, evr_bridge_op *op, evr_device device);

    /** EVR_OK when tensors can be made there; EVR_E_NO_DEVICE with the reason otherwise. Loads device libraries when needed. */
    evr_status (*device_check)(void *self, evr_device device, evr_error **err);
    /** Waits for all work on the device. */
    evr_status (*device_wait)(void *self, evr_device device, evr_error **err);

    /** Makes a tensor with a storage of its own that shape, strides and offset fit in. Contents undefined.
     *  @return EVR_OK, EVR_E_NOMEM, EVR_E_NO_DEVICE, EVR_E_UNSUPPORTED (element type) or EVR_E_INVALID (shape) */
    evr_status (*tensor_new)(void *self, const evr_tensor *what, evr_device device, evr_bridge_tensor **out, evr_error **err);
    /** Frees a tensor; its storage goes when nobody shares it. */
    void (*tensor_free)(void *self, evr_bridge_tensor *tensor);
    /** Fills `*out`, whose struct_size the caller has set. */
    evr_status (*tensor_info)(void *self, evr_bridge_tensor *tensor, evr_tensor_info *out, evr_error **err);
    /** Copies `size` bytes between host memory and the storage at byte `offset`. */
    evr_status (*tensor_write)(void *self, evr_bridge_tensor *tensor, uint64_t offset, const void *from, uint64_t size,
                               evr_error **err);
    /** As tensor_write(), the other way. */
    evr_status (*tensor_read)(void *self, evr_bridge_tensor *tensor, uint64_t offset, void *to, uint64_t size,
                              evr_error **err);
    /** Optional. A copy with its own storage, same shape and strides. */
    evr_status (*tensor_clone)(void *self, evr_bridge_tensor *tensor, evr_bridge_tensor **out, evr_error **err);
    /** Optional. A DLManagedTensor the receiver calls the deleter of; shares memory. */
    evr_status (*tensor_to_dlpack)(void *self, evr_bridge_tensor *tensor, void **out, evr_error **err);
    /** Optional. Takes over a DLManagedTensor. */
    evr_status (*tensor_from_dlpack)(void *self, void *managed, evr_bridge_tensor **out, evr_error **err);

    /** Puts arguments in place: one value per argument of the schema, in its order, tensors as EVR_VALUE_HANDLE (shared, not copied).
     *  EVR_VALUE_MISSING takes the schema's default. @return EVR_OK, EVR_E_INVALID (a value does not fit its argument: the message names it) */
    evr_status (*call_new)(void *self, evr_bridge_op *op, const evr_value *args, size_t count, evr_bridge_call **out,
                           evr_error **err);
    /** Runs the operator once and keeps the results, dropping those of the run before. Never records autograd history.
     *  @return EVR_OK, EVR_E_OP (the operator raised: message without backtrace), EVR_E_NOMEM (device or host out of memory) */
    evr_status (*call_run)(void *self, evr_bridge_call *call, evr_error **err);
    /** Number of results of the last run; 0 before one. */
    size_t (*call_result_count)(void *self, evr_bridge_call *call);
    /** The i-th result. Tensors are EVR_VALUE_HANDLE, borrowed until the next run or call_free; lists likewise. */
    evr_status (*call_result)(void *self, evr_bridge_call *call, size_t index, evr_value *out, evr_error **err);
    /** Frees a call with its arguments and results. */
    void (*call_free)(void *self, evr_bridge_call *call);

    /** Seeds every random generator, of all devices in use. */
    evr_status (*seed)(void *self, uint64_t seed, evr_error **err);
    /** Optional. Threads inside one operator on the CPU; 0 asks only. Returns the number in force. */
    int32_t (*threads)(void *self, int32_t count);
    /** Optional. Text of the build configuration, for reports. */
    const char *(*describe)(void *self);
    /** Optional. Seconds per empty boxed call loop of `iterations` runs of a call, everything but the call stripped: the floor
     *  against which replay overhead is measured. */
    evr_status (*call_floor)(void *self, evr_bridge_call *call, uint64_t iterations, double *seconds, evr_error **err);
    /** Optional. Folder that the tensor library's package is installed in: modules that bring operators stand beside it. */
    const char *(*folder)(void *self);
    /** Optional. A copy in memory that all ranks of the process group see. @return EVR_OK, EVR_E_STATE (no such group), EVR_E_UNSUPPORTED (not on this device) */
    evr_status (*tensor_symmetric)(void *self, evr_bridge_tensor *tensor, const char *group, evr_bridge_tensor **out, evr_error **err);
    /** Optional, together with record_end. From here on the tensor library's own profiler records what the calling thread causes; `what` is EVR_RECORD_….
     *  Slows everything, so never while time is taken.
     *  @return EVR_OK, EVR_E_UNSUPPORTED (there is nothing of this kind to record on the device), EVR_E_STATE (a profiler is at work), EVR_E_NO_DEVICE */
    evr_status (*record_begin)(void *self, evr_device device, int32_t what, evr_error **err);
    /** Waits for the device, ends the recording and hands out what ran. `visit` may be NULL.
     *  @return EVR_OK, EVR_E_STATE (this thread has begun none) */
    evr_status (*record_end)(void *self, evr_kernel_fn visit, void *user, evr_error **err);
    /** Optional. From here on all the bridge does on the device goes to a stream of its own, and `*native` is its handle, to be given to a backend
     *  (EVR_STREAM_NATIVE). Without this it goes to the calling thread's current stream, which is the device's default one as a rule and cannot be captured.
     *  @return EVR_OK, EVR_E_UNSUPPORTED (a device without streams, or a tensor library that does not tell their handles), EVR_E_NO_DEVICE */
    evr_status (*stream_own)(void *self, evr_device device, void **native, evr_error **err);
    /** Optional. From here on the call runs under autocast to an element type, EVR_DTYPE_…; before, and without this, autocast is off.
     *  @return EVR_OK, EVR_E_UNSUPPORTED (not for this device, or not to this type) */
    evr_status (*call_autocast)(void *self, evr_bridge_call *call, int32_t dtype, evr_error **err);
} evr_bridge;

/**
 * Entry of a bridge. Fills `*out`, whose struct_size the library has set to the room there is.
 * @return EVR_OK, EVR_E_ABI (that number is not spoken here: a lower one is tried next) or another failure
 */
typedef evr_status (*evr_bridge_init_fn)(uint32_t abi, const evr_host *host, evr_bridge *out, evr_error **err);

#define EVR_BRIDGE_ENTRY "evr_bridge_init" /**< name of the entry symbol */

#ifdef __cplusplus
}
#endif

#endif
