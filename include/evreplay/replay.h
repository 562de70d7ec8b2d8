/**
 * @file
 * Replaying: a record becomes live tensors and a call that runs.
 *
 * A @ref evr_runtime is a loaded bridge (libtorch) and the device in use. A @ref evr_replayer is one record set up on it: its tensors are made and filled
 * (see init.h for what they hold), and evr_replayer_run() runs the operator as often as asked.
 *
 * **Memory** is counted before it is taken: a record whose tensors would need more than `max_bytes` is refused with EVR_E_TOO_LARGE.
 *
 * **Threads.** A runtime and its replayers belong to one thread at a time.
 *
 * **Environment.** The bridge is a shared library `libevreplay_torch.so`, looked for in: the option `bridge`, `$EVREPLAY_BRIDGE`, the context's
 * plug-in path, the folder of the library itself and its `evreplay` sub-folder. Each of the first two may name a file or a folder.
 */
#ifndef EVREPLAY_REPLAY_H
#define EVREPLAY_REPLAY_H

#include <evreplay/init.h>
#include <evreplay/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_runtime evr_runtime;   /**< a bridge and a device */
typedef struct evr_replayer evr_replayer; /**< one record, set up to run */

/** How a runtime is opened. All zero is a working default. */
typedef struct evr_runtime_options {
    uint32_t struct_size; /**< sizeof(evr_runtime_options) */
    int32_t threads;      /**< threads inside one CPU operator; 0 = the bridge's default */
    const char *bridge;   /**< path of the bridge; NULL = search */
    const char *device;   /**< "cpu", "cuda", "cuda:1"…; NULL = "cpu" */
    uint64_t max_bytes;   /**< memory one record may need; 0 = 90 % of what is free when the record is set up */
    uint64_t seed;        /**< of tensor contents and random generators */
} evr_runtime_options;

/** Opens the bridge and checks the device. @return EVR_OK · EVR_E_PLUGIN (no bridge: the hint says how to build one) · EVR_E_ABI · EVR_E_NO_DEVICE @since 0.1 */
EVR_API evr_status evr_runtime_open(evr_context *ctx, const evr_runtime_options *options, evr_runtime **out, evr_error **err);
/** Closes a runtime whose replayers are freed. NULL does nothing. @since 0.1 */
EVR_API void evr_runtime_free(evr_runtime *runtime);
EVR_API evr_str evr_runtime_device(const evr_runtime *runtime);        /**< with its index @since 0.1 */
EVR_API evr_str evr_runtime_version(const evr_runtime *runtime);       /**< "torch 2.13.0" @since 0.1 */
EVR_API evr_str evr_runtime_bridge_path(const evr_runtime *runtime);   /**< file that was loaded @since 0.1 */
/**
 * As evr_register_symm_mem_args() of registry.h, but the operator and the names are checked first.
 * @return EVR_OK · EVR_E_NOT_FOUND (no such operator) · EVR_E_INVALID (no such argument, or it holds no tensors: the message lists the real ones) · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_runtime_register_symm_mem_args(evr_runtime *runtime, evr_str op, const evr_str *names, size_t count, evr_error **err);
/** Loads a library of custom operators. Never called by the library on its own. @since 0.1 */
EVR_API evr_status evr_runtime_load_library(evr_runtime *runtime, const char *path, evr_error **err);

/**
 * All schemas of an operator, looked for as registry.h says, imports included.
 * @return EVR_OK · EVR_E_NOT_FOUND (the message has every import that was tried)
 * @since 0.1
 */
EVR_API evr_status evr_runtime_schemas(evr_runtime *runtime, evr_str op, evr_schema_fn visit, void *user, evr_error **err);
/** Has an extractor ask the runtime for schemas first. The runtime must outlive it. @return as evr_extractor_ask() @since 0.1 */
EVR_API evr_status evr_runtime_teach(evr_runtime *runtime, evr_extractor *extractor, evr_error **err);

#define EVR_REPLAYER_LAZY 1u /**< tensors are made by the first run */
#define EVR_REPLAYER_NO_AUTO_INIT 2u /**< no initializer is asked: tensors hold what the table of rules says */

/** How a record is set up. */
typedef struct evr_replayer_options {
    uint32_t struct_size; /**< sizeof(evr_replayer_options) */
    uint32_t flags;       /**< EVR_REPLAYER_... */
} evr_replayer_options;

/**
 * Sets a record up. The record must outlive the replayer.
 * @return EVR_OK · EVR_E_NOT_REPLAYABLE (the record's own status is not ok) · EVR_E_NOT_FOUND (no such operator) · EVR_E_NO_SCHEMA ·
 *         EVR_E_MISSING_VALUE · EVR_E_UNSUPPORTED (no kernel for the device, element type) · EVR_E_TOO_LARGE · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_replayer_new(evr_runtime *runtime, const evr_ir *ir, const evr_replayer_options *options,
                                    evr_replayer **out, evr_error **err);
/** Frees a replayer, its tensors and results. NULL does nothing. @since 0.1 */
EVR_API void evr_replayer_free(evr_replayer *replayer);
/** Runs the operator once and waits for it. @return EVR_OK · EVR_E_OP · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_replayer_run(evr_replayer *replayer, evr_error **err);
/** Runs the operator `count` times without waiting in between. @since 0.1 */
EVR_API evr_status evr_replayer_run_many(evr_replayer *replayer, uint64_t count, evr_error **err);
/** Status and reason that a failure of evr_replayer_new() or evr_replayer_run() counts as. @since 0.1 */
EVR_API void evr_replay_outcome(evr_status status, const evr_error *err, int32_t *outcome, int32_t *reason);

/** @name Looking inside
 * @{ */
/** Value of an argument as it will be passed: tensors are EVR_VALUE_HANDLE. @since 0.1 */
EVR_API evr_status evr_replayer_argument(evr_replayer *replayer, size_t index, evr_value *out, evr_error **err);
/** Replaces an argument that is no tensor; texts and lists are copied. @since 0.1 */
EVR_API evr_status evr_replayer_set_argument(evr_replayer *replayer, size_t index, const evr_value *value, evr_error **err);
EVR_API size_t evr_replayer_result_count(evr_replayer *replayer);      /**< of the last run @since 0.1 */
/** A result of the last run; tensors are EVR_VALUE_HANDLE, borrowed until the next run. @since 0.1 */
EVR_API evr_status evr_replayer_result(evr_replayer *replayer, size_t index, evr_value *out, evr_error **err);
/** Shape, element type and device of a tensor handle; its pointers live as long as the tensor. @since 0.1 */
EVR_API evr_status evr_replayer_describe(evr_replayer *replayer, const evr_value *tensor, evr_tensor *out, evr_error **err);
/** Copies a tensor's storage to the host, from byte `offset`. @since 0.1 */
EVR_API evr_status evr_replayer_read(evr_replayer *replayer, const evr_value *tensor, uint64_t offset, void *to, uint64_t size,
                                     evr_error **err);
/** A DLManagedTensor that shares the tensor's memory; its deleter is yours to call. @since 0.1 */
EVR_API evr_status evr_replayer_to_dlpack(evr_replayer *replayer, const evr_value *tensor, void **out, evr_error **err);
/** What whoever reads the result should know: values that were guessed, initializers that failed. Complete once the record is set up. @since 0.1 */
EVR_API size_t evr_replayer_warning_count(const evr_replayer *replayer);
EVR_API evr_str evr_replayer_warning(const evr_replayer *replayer, size_t index); /**< empty beyond the last @since 0.1 */
EVR_API evr_str evr_replayer_initializer(const evr_replayer *replayer); /**< name of the initializer that filled tensors; empty for none @since 0.1 */
/** Bytes of tensors the record needs, counted before they are taken. @since 0.1 */
EVR_API uint64_t evr_replayer_bytes(const evr_replayer *replayer);
/** Everything needed to run the same again, as one JSON record; asking twice gives the same text. Free with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_replayer_repro(evr_replayer *replayer, char **out, size_t *size, evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
