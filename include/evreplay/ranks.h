/**
 * @file
 * Several processes that replay together: ranks of a process group, as torchrun starts them.
 *
 * The library starts no processes and opens no connections between them. A program that has ranks tells a context of them with evr_set_ranks(), and
 * evr_replay_batch() then runs the same records on all of them in step: operators that talk to other ranks get a group, every sample starts at the same moment
 * everywhere, and each result keeps the time of each rank and of the slowest. The Python package does all this on top of `torch.distributed`;
 * docs/ranks.md says how.
 *
 * **Threads.** The functions are called from the thread of the batch.
 */
#ifndef EVREPLAY_RANKS_H
#define EVREPLAY_RANKS_H

#include <evreplay/ir.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Told by evr_ranks::begin of a record that was in flight, or waited for, when a rank went away. `detail` is copied. */
typedef evr_status (*evr_lost_fn)(void *to, uint64_t index, int32_t reason, const char *detail, evr_error **err);

#define EVR_RANKS_OWN_RECORDS 1u /**< each rank has records of its own, from its own trace: they are paired by place */

/**
 * The ranks, and what they do for each other. Functions that talk to other ranks return EVR_E_CANCELLED when one of them is gone: the batch ends with that
 * status, with what it has in the journal.
 */
typedef struct evr_ranks {
    uint32_t struct_size; /**< sizeof(evr_ranks) */
    uint32_t flags;       /**< EVR_RANKS_... */
    int32_t rank;         /**< of this process, from 0 */
    int32_t count;        /**< of ranks; 0 = there are none */
    int32_t local_rank;   /**< among those of this machine: the device it uses */
    int32_t local_count;  /**< ranks of this machine: they share its memory */
    int32_t group_size;   /**< size that every group is made to have; 0 = as recorded */
    int32_t expert_size;  /**< size of the groups of all-to-all exchanges: expert parallelism; 0 = as `group_size` */
    double clock_offset_ns; /**< what is added to CLOCK_MONOTONIC here to have rank 0's */
    void *user;           /**< first argument of the functions */
    /** Before the first record: done[i] is 1 for those the journal has. Tells of lost ones through `lost`. Talks to all ranks. May be NULL. */
    evr_status (*begin)(void *user, const uint8_t *done, size_t count, evr_lost_fn lost, void *to, evr_error **err);
    /** A record is begun; with UINT64_MAX, the one before is over and its result kept. May be NULL. */
    evr_status (*record)(void *user, uint64_t index, const char *op, evr_error **err);
    /** Makes sure that the process group of that name exists. Only its members call, all of them. */
    evr_status (*group)(void *user, const char *name, const int64_t *ranks, size_t count, evr_error **err);
    /** Takes down a group in which an operator failed, so that the next evr_ranks::group makes it anew. All its members call. May be NULL. */
    evr_status (*drop)(void *user, const char *name, evr_error **err);
    /** Each value becomes the largest of all ranks' of that group; NULL = of all ranks. */
    evr_status (*largest)(void *user, const char *group, double *values, size_t count, evr_error **err);
    /** `bytes` of rank `from` on all ranks. */
    evr_status (*share)(void *user, int32_t from, void *bytes, size_t size, evr_error **err);
    /** All records are done on all ranks. May be NULL. */
    evr_status (*end)(void *user, evr_error **err);
} evr_ranks;

/** Tells the context of the ranks; what `user` stands for must live as long as batches run. NULL takes them out. @return EVR_OK · EVR_E_INVALID · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_set_ranks(evr_context *ctx, const evr_ranks *ranks, evr_error **err);
/** Fills `*out`, whose struct_size the caller has set; `count` is 0 when there are none. @since 0.1 */
EVR_API void evr_get_ranks(evr_context *ctx, evr_ranks *out);

/** 1 for operators that talk to other ranks, by their names: c10d::…, _c10d_functional::…, symm_mem::…, record_param_comms; else 0. @since 0.1 */
EVR_API int32_t evr_ir_communicates(const evr_ir *ir);

/**
 * Makes the record that this rank runs of one that talks to others: the group takes the name and the ranks that it has here, sizes follow it where they
 * depend on its size, and every change has a note. Free the record with evr_ir_free().
 * @param[out] ranks  numbers of the ranks of the group; *ranks has room for evr_ranks::count
 * @return EVR_OK · EVR_E_NOT_REPLAYABLE (more ranks are needed than there are: *needed says how many) · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_ir_fit_ranks(const evr_ir *ir, const evr_ranks *how, evr_ir **out, int64_t *ranks, size_t *rank_count, int32_t *needed, evr_error **err);

#ifdef __cplusplus
}
#endif

#endif
