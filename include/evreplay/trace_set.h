/**
 * @file
 * The traces of many ranks as one: loaded side by side, their clocks brought together, their collectives matched.
 *
 * A distributed run leaves one trace for each rank. An @ref evr_trace_set opens them on several threads and says which rank each is
 * (`distributedInfo`, else the number behind "rank" in the file's name). A **collective** is one operation that all ranks of a process
 * group take part in. It is found again in every trace by its group and its sequence number where the profiler wrote one ("Seq"), else by
 * the order within the group; traces that begin at different collectives are shifted until names and sizes agree.
 *
 * Who comes last keeps everybody waiting: the **skew** of a collective is the time from its first rank's arrival to its last rank's, and the
 * last one is its slowest rank.
 *
 * **Clocks.** Ranks of one host share a clock. Between hosts the difference is estimated from where synchronising collectives (all-reduce,
 * all-gather, reduce-scatter, all-to-all, barrier) end, since they end everywhere at nearly the same time; the spread of the estimates
 * says how far skews between those hosts can be trusted.
 *
 * **Threads.** A set is immutable: any number of threads may read it.
 */
#ifndef EVREPLAY_TRACE_SET_H
#define EVREPLAY_TRACE_SET_H

#include <evreplay/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_trace_set evr_trace_set; /**< traces of several ranks */

#define EVR_CLOCK_REFERENCE 0 /**< the lowest rank, whose clock the others are brought to */
#define EVR_CLOCK_SHARED 1    /**< same host: what the trace recorded holds */
#define EVR_CLOCK_ESTIMATED 2 /**< from the ends of synchronising collectives */
#define EVR_CLOCK_UNKNOWN 3   /**< no collective in common with a rank whose clock is known: as recorded */

/** How a set is loaded. All zero is a working default. */
typedef struct evr_trace_set_options {
    uint32_t struct_size;     /**< sizeof(evr_trace_set_options) */
    uint32_t flags;           /**< EVR_TRACE_..., for every trace */
    uint32_t threads;         /**< traces read at the same time; 0 = one for each processor */
    uint32_t reserved;        /**< 0 */
    evr_progress_fn progress; /**< may be NULL; bytes over all files; always called on the caller's thread */
    void *progress_user;      /**< first argument of `progress` */
} evr_trace_set_options;

/** One rank of a set. */
typedef struct evr_rank {
    uint32_t struct_size;     /**< set by the caller */
    int32_t rank;             /**< in the whole job */
    int32_t world_size;       /**< ranks of the whole job; 0 = not recorded */
    int32_t clock;            /**< EVR_CLOCK_... */
    const evr_trace *trace;   /**< borrowed */
    evr_str path;             /**< as given */
    evr_str host;             /**< empty when not recorded */
    int64_t offset_ns;        /**< to be added to the trace's times to get the set's */
    int64_t offset_spread_ns; /**< median distance of the estimates from `offset_ns`; 0 unless EVR_CLOCK_ESTIMATED */
    uint64_t collectives;     /**< collectives of this rank in the set's list */
    uint64_t unmatched;       /**< collectives that no other rank of the set took part in */
    int64_t waited_ns;        /**< sum of the times it waited for the last rank */
    int64_t awaited_ns;       /**< sum of the times from the one before it to it, where it came last: what others lost to it */
} evr_rank;

/** One collective. Times are the set's. */
typedef struct evr_collective {
    uint32_t struct_size; /**< set by the caller */
    int32_t slowest_rank; /**< the one that arrived last */
    evr_str name;         /**< as recorded, such as "allreduce" */
    evr_str group;        /**< name of the process group; empty when not recorded */
    evr_str dtype;        /**< as recorded; may be empty */
    int64_t elements;     /**< of the input on the first rank; -1 when not recorded */
    uint64_t sequence;    /**< recorded number, else the position within the group, from 0 */
    uint32_t members;     /**< ranks of the set that took part */
    uint32_t group_size;  /**< ranks of the group; 0 = not recorded */
    int64_t first_ns;     /**< first arrival */
    int64_t last_ns;      /**< last arrival */
    int64_t end_ns;       /**< last end */
    int64_t skew_ns;      /**< last_ns less first_ns */
    int64_t shortest_ns;  /**< shortest duration on any rank: what the operation takes when nobody waits */
} evr_collective;

/** One rank's part in a collective. */
typedef struct evr_participation {
    uint32_t struct_size; /**< set by the caller */
    uint32_t index;       /**< for evr_trace_set_rank() */
    evr_uid uid;          /**< event in that rank's trace */
    int64_t start_ns;     /**< on the set's clock; of the device work where there is some */
    int64_t duration_ns;  /**< as recorded */
} evr_participation;

/**
 * Loads the traces of several ranks. The allocator of the context must be callable from several threads, unless `threads` is 1.
 * @param[in] paths    files, and folders whose trace files (.json, .json.gz, .json.zst) are taken
 * @param[in] options  may be NULL
 * @return EVR_OK · EVR_E_NOT_FOUND (a folder without traces) · EVR_E_INVALID (two traces of one rank) · whatever
 *         evr_trace_open_file() returns, the file named
 * @since 0.1
 */
EVR_API evr_status evr_trace_set_open(evr_context *ctx, const char *const *paths, size_t count, const evr_trace_set_options *options,
                                      evr_trace_set **out, evr_error **err);

/** Frees a set and its traces. @since 0.1 */
EVR_API void evr_trace_set_free(evr_trace_set *set);

/** Number of ranks, and one of them in order of rank. @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API size_t evr_trace_set_rank_count(const evr_trace_set *set);
/** Fills `*out`, whose struct_size the caller has set. @since 0.1 */
EVR_API evr_status evr_trace_set_rank(const evr_trace_set *set, size_t index, evr_rank *out, evr_error **err);

/** Number of collectives that at least two ranks of the set took part in, in order of first arrival. @since 0.1 */
EVR_API size_t evr_trace_set_collective_count(const evr_trace_set *set);
/** Fills `*out`, whose struct_size the caller has set. @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_trace_set_collective(const evr_trace_set *set, size_t index, evr_collective *out, evr_error **err);
/** The part of the `member`-th participant of a collective, in order of rank. @return as above @since 0.1 */
EVR_API evr_status evr_trace_set_participation(const evr_trace_set *set, size_t collective, size_t member, evr_participation *out,
                                               evr_error **err);

#ifdef __cplusplus
}
#endif

#endif
