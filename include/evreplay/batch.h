/**
 * @file
 * Many records in one go: replayed, timed and checked, in this process or in workers of their own, with every record ending in a result.
 *
 * evr_replay_batch() takes records and hands out an @ref evr_results (report.h) with one result for each, in their order.
 *
 * **In this process** a record that crashes takes the process with it, and one that hangs hangs it. **Isolated** (EVR_BATCH_ISOLATE), records run in worker processes:
 * a crash, an exit, a hang, or memory running out becomes that record's result, the worker is replaced, and the batch goes on. A record that failed in a worker that had run
 * others before is run once more, alone in a fresh one, before it counts as failed. Workers are started with posix_spawn() from an executable of their own
 * (`evreplay-worker`), so it does not matter what threads the calling process has. On the CPU the first such process may be a zygote: it loads what records need, keeps to one thread
 * and forks the workers. They know what evr_configuration() says of the context; initializers and hooks that are
 * functions of this process they do not have.
 *
 * **Journal.** With a journal, each result is on disk before the next record begins. After a kill at any moment, the same call with EVR_BATCH_RESUME goes on behind the last
 * whole line: nothing is run twice, nothing is lost.
 *
 * **Threads.** A batch belongs to the calling thread, on which all callbacks are called.
 */
#ifndef EVREPLAY_BATCH_H
#define EVREPLAY_BATCH_H

#include <evreplay/replay.h>
#include <evreplay/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name What is done with each record
 * @{ */
#define EVR_BATCH_TIMED 1u            /**< measured under the protocol; else run once */
#define EVR_BATCH_CHECK_FINITE 2u     /**< no NaN or infinity among the results */
#define EVR_BATCH_CHECK_REPEAT 4u     /**< a second set-up gives the same bits */
#define EVR_BATCH_CHECK_REFERENCE 8u  /**< the CPU gives the same numbers in float64, within what the element types allow */
#define EVR_BATCH_CHECK_MUTATION 16u  /**< only arguments that the schema says are written have changed */
#define EVR_BATCH_CHECK_KERNELS 32u   /**< the device runs the kernels of the trace */
#define EVR_BATCH_SAMPLES 64u         /**< keep every sample in the results */
#define EVR_BATCH_NO_AUTO_INIT 128u   /**< ask no initializer */
/** @} */

/** @name How the batch goes
 * @{ */
#define EVR_BATCH_STOP_ON_ERROR 256u  /**< end at the first record that fails */
#define EVR_BATCH_BY_COST 512u        /**< the costliest first, by the trace's times; results stay in the order of the records */
#define EVR_BATCH_ISOLATE 1024u       /**< in worker processes */
#define EVR_BATCH_RESUME 2048u        /**< go on with the journal */
/** @} */

/**
 * Told after each record; `result` is borrowed for the call, or NULL while nothing finished for a moment.
 * Nonzero ends the batch: results so far are handed out, marked EVR_RESULTS_INTERRUPTED.
 */
typedef int32_t (*evr_batch_progress_fn)(void *user, const evr_result *result, uint64_t done, uint64_t total);

/** How a batch is run. All zero is a working default: each record once, on the CPU, in this process. */
typedef struct evr_replay_batch_options {
    uint32_t struct_size;        /**< sizeof(evr_replay_batch_options) */
    uint32_t flags;              /**< EVR_BATCH_... */
    const char *bridge;          /**< path of the bridge; NULL = search */
    const char *device;          /**< devices, ','-separated, for as many workers: "cuda:0,cuda:1"; NULL = "cpu" */
    const char *backend_path;    /**< file or folder of the backend that keeps time; NULL = search */
    const evr_protocol *protocol; /**< NULL = the default one */
    int32_t threads;             /**< threads inside one CPU operator; 0 = default, divided among the workers */
    int32_t workers;             /**< worker processes; 0 = one for each device */
    uint64_t max_bytes;          /**< memory of one record's tensors; 0 = 90 % of what is free */
    uint64_t seed;               /**< of contents and generators */
    double timeout_s;            /**< for one record, isolated only; 0 = 300 */
    double budget_s;             /**< for all: records not begun then are not reached; 0 = none */
    const char *worker;          /**< path of evreplay-worker; NULL = `$EVREPLAY_WORKER`, or beside the library and the program */
    const char *journal;         /**< file; NULL = none */
    const char *input;           /**< name of what is replayed, for reports; may be NULL */
    evr_batch_progress_fn progress; /**< may be NULL */
    void *progress_user;         /**< first argument of `progress` */
    uint32_t visits;             /**< how often each record is come by: the whole list once, then again; 0 = once. Isolated, each time in new processes. One result is of all visits */
    uint32_t reserved;           /**< 0 */
} evr_replay_batch_options;

/**
 * Runs the records. A record whose own status is not ok gets a result of that status.
 * @return EVR_OK (also when records failed, or the batch was stopped) · what evr_runtime_open() returns · EVR_E_PLUGIN (no worker) · EVR_E_IO (journal) ·
 *         EVR_E_STATE (the journal is of other records or another protocol) · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_replay_batch(evr_context *ctx, const evr_ir *const *records, size_t count, const evr_replay_batch_options *options,
                                    evr_results **out, evr_error **err);

/**
 * Measures one replayer, as a batch does: what its operator writes is put back before each sample, when that is no more than 16 MiB, and the stream is held where the
 * trace of the record shows that it may be. The meter is of the replayer's device; on a GPU it stands on the device's default stream (EVR_STREAM_NATIVE, NULL).
 * @param[in] protocol  NULL = the default one
 * @return as evr_measure(), and what evr_replayer_run() returns
 * @since 0.1
 */
EVR_API evr_status evr_replayer_measure(evr_replayer *replayer, evr_meter *meter, const evr_protocol *protocol, evr_measurement **out, evr_error **err);

/**
 * The life of a worker: reads frames from one descriptor and answers on another until the first is closed. For evreplay-worker, and for
 * programs that bring initializers of their own into workers: they make a context, register, and call this. When the batch asks for it and the process has one thread, no device
 * open and no host hooks, the call forks and returns in each child as well, once the batch has closed that child's line; what follows it runs in all of them.
 * @since 0.1
 */
EVR_API evr_status evr_worker_serve(evr_context *ctx, int32_t from, int32_t to, evr_error **err);

#ifdef __cplusplus
}
#endif

#endif
