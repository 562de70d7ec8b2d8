/**
 * @file
 * Reading profiler traces and asking them questions.
 *
 * An @ref evr_trace holds the events of one trace as columns, their names as interned strings, and the tree of calls.
 * It is read from a Kineto trace (JSON, plain, gzip or zstd; an object with `traceEvents` or a bare array), from a
 * PyTorch or Chakra execution trace, or is built event by event with an @ref evr_trace_builder. The text of the input is
 * streamed and never held whole.
 *
 * **Events.** The *uid* of an event is its index in the list of events of the file, metadata and flow events included, so
 * it can be found again with any other tool. Every entry of the list has a uid, even one that is no usable event.
 *
 * **The tree.** Operators and runtime calls of one thread nest by time: the parent of an event is the innermost event that
 * has not ended when it starts; calls into runtimes other than CUDA's and HIP's are leaves. Device work (kernels, copies, fills) hangs below the runtime call that launched it, found by correlation
 * id. Python functions join the tree only when asked for (@ref EVR_TRACE_PYTHON).
 *
 * **Times** are nanoseconds on the trace's own clock, exact: fractions of a microsecond are kept as recorded.
 *
 * **Threads.** A trace is immutable: any number of threads may read it. A builder belongs to one thread at a time.
 */
#ifndef EVREPLAY_TRACE_H
#define EVREPLAY_TRACE_H

#include <evreplay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_trace evr_trace;                 /**< an immutable trace */
typedef struct evr_trace_builder evr_trace_builder; /**< a trace under construction */

#define EVR_TRACE_RECOVER 1u   /**< keep every whole event before damage instead of failing; see evr_trace_damage() */
#define EVR_TRACE_PYTHON 2u    /**< python functions join the tree */
#define EVR_TRACE_ALL_ARGS 4u  /**< keep every argument of every event as JSON text, at the price of memory */

/** What an event is, whichever spelling the profiler used for its category. */
#define EVR_KIND_OTHER 0        /**< metadata, flow arrows, overhead and whatever else there is */
#define EVR_KIND_OP 1           /**< operator on the CPU: cpu_op, Operator */
#define EVR_KIND_RUNTIME 2      /**< call of a device runtime or driver */
#define EVR_KIND_KERNEL 3       /**< kernel on a device */
#define EVR_KIND_MEMCPY 4       /**< copy on a device */
#define EVR_KIND_MEMSET 5       /**< fill on a device */
#define EVR_KIND_PYTHON 6       /**< python function */
#define EVR_KIND_ANNOTATION 7   /**< user annotation on the CPU's side */
#define EVR_KIND_GPU_ANNOTATION 8 /**< user annotation on the device's side */
#define EVR_KIND_MEMORY 9       /**< allocation or release */
#define EVR_KIND_FLOW 10        /**< end of a flow arrow */
#define EVR_KIND_METADATA 11    /**< name of a process or thread */

/** Which argument of an event, for evr_trace_arg(). The text is JSON as recorded. */
#define EVR_ARG_DIMS 1     /**< "Input Dims" */
#define EVR_ARG_TYPES 2    /**< "Input type" */
#define EVR_ARG_STRIDES 3  /**< "Input Strides" */
#define EVR_ARG_VALUES 4   /**< "Concrete Inputs"; in an execution trace the input values, see evr_trace_format() */
#define EVR_ARG_SCHEMA 5   /**< the operator's schema, execution traces only; plain text, not JSON */
#define EVR_ARG_OUTPUTS 6  /**< execution traces only: `[shapes, types]` of the outputs */
#define EVR_ARG_ALL 7      /**< the whole args object: of events with arguments beyond the well-known ones, of all with
                                EVR_TRACE_ALL_ARGS */

#define EVR_FORMAT_BUILT 0     /**< made with a builder */
#define EVR_FORMAT_KINETO 1    /**< Kineto, `traceEvents` */
#define EVR_FORMAT_EXECUTION 2 /**< PyTorch or Chakra execution trace, `nodes` */

/** One event. Times and ids that were not recorded hold the constant named beside them. */
typedef struct evr_event {
    uint32_t struct_size;   /**< set by the caller */
    int32_t kind;           /**< EVR_KIND_... */
    evr_str name;           /**< unescaped */
    evr_str category;       /**< as recorded; empty when there was none */
    evr_str pid;            /**< process as recorded, number or text */
    evr_str tid;            /**< thread as recorded, number or text */
    int64_t start_ns;       /**< EVR_NO_TIME when missing */
    int64_t duration_ns;    /**< 0 when missing */
    evr_uid parent;         /**< EVR_NO_UID at the top and outside the tree */
    uint64_t correlation;   /**< 0 when missing */
    uint64_t external_id;   /**< 0 when missing; the node's id in an execution trace */
    int64_t sequence;       /**< forward-backward sequence number; -1 when missing */
    int64_t forward_thread; /**< thread of the forward call, on backward operators; 0 when missing */
    int64_t device;         /**< -1 when missing */
    int64_t stream;         /**< -1 when missing */
    uint32_t track;         /**< number of its (pid, tid) pair */
    uint32_t signature;     /**< equal for events of equal recorded arguments; 0 = no arguments recorded */
    char phase;             /**< the trace format's `ph`; 0 when missing */
    char reserved[7];       /**< 0 */
} evr_event;

#define EVR_NO_TIME INT64_MIN /**< a time that was not recorded */

/**
 * Told now and then while a trace is read.
 * @param read   bytes of the input (compressed as they are) so far
 * @param total  size of the input, 0 when unknown
 * @return nonzero to stop; the call then fails with EVR_E_CANCELLED
 */
typedef int32_t (*evr_progress_fn)(void *user, uint64_t read, uint64_t total);

/** How a trace is read. All zero is a working default. */
typedef struct evr_trace_options {
    uint32_t struct_size;     /**< sizeof(evr_trace_options) */
    uint32_t flags;           /**< EVR_TRACE_... */
    uint32_t threads;         /**< 1 = only the caller's thread; 0 = a second one for unpacking where it helps */
    uint32_t reserved;        /**< 0 */
    evr_progress_fn progress; /**< may be NULL; always called on the caller's thread */
    void *progress_user;      /**< first argument of `progress` */
    uint64_t max_events;      /**< EVR_E_LIMIT beyond this many; 0 = 4,294,967,294 */
    uint64_t window_bytes;    /**< size of the window over the JSON text; 0 = chosen by the input's size */
} evr_trace_options;

/**
 * A source of bytes. `read` fills up to `cap` bytes, stores the number in `*got` (0 = end) and returns EVR_OK, or
 * returns a failure that the open call passes on. Called on one thread at a time, which may be a helper thread of the reader
 * unless `threads` is 1.
 */
typedef struct evr_source {
    uint32_t struct_size; /**< sizeof(evr_source) */
    uint32_t reserved;    /**< 0 */
    void *user;           /**< first argument of `read` */
    evr_status (*read)(void *user, void *buffer, size_t cap, size_t *got); /**< required */
    uint64_t size;        /**< bytes in all, for progress; 0 = unknown */
} evr_source;

/**
 * Reads a trace from a file. Compression and format are detected from the content, not the name.
 * @param[in] options  may be NULL
 * @return EVR_OK · EVR_E_IO (cannot open or read) · EVR_E_FORMAT, EVR_E_TRUNCATED (with byte offset in the inflated text; not with
 *         EVR_TRACE_RECOVER once events were found) · EVR_E_UNSUPPORTED (not a trace) · EVR_E_LIMIT · EVR_E_CANCELLED · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_trace_open_file(evr_context *ctx, const char *path, const evr_trace_options *options,
                                       evr_trace **out, evr_error **err);

/** As evr_trace_open_file(), from memory that need only live for the call. @since 0.1 */
EVR_API evr_status evr_trace_open_memory(evr_context *ctx, const void *data, size_t size,
                                         const evr_trace_options *options, evr_trace **out, evr_error **err);

/** As evr_trace_open_file(), from a callback. @since 0.1 */
EVR_API evr_status evr_trace_open_source(evr_context *ctx, const evr_source *source,
                                         const evr_trace_options *options, evr_trace **out, evr_error **err);

/** Frees a trace. No other thread may still be reading it. @since 0.1 */
EVR_API void evr_trace_free(evr_trace *trace);

/** @name What the trace is
 * @{ */
EVR_API int32_t evr_trace_format(const evr_trace *trace);       /**< EVR_FORMAT_... @since 0.1 */
EVR_API uint64_t evr_trace_event_count(const evr_trace *trace); /**< uids run from 0 to this less one @since 0.1 */
EVR_API uint64_t evr_trace_json_bytes(const evr_trace *trace);  /**< size of the inflated text @since 0.1 */
EVR_API uint64_t evr_trace_memory(const evr_trace *trace);      /**< bytes the trace holds @since 0.1 */

/** Why reading stopped early under EVR_TRACE_RECOVER, borrowed; NULL when the input was whole. @since 0.1 */
EVR_API const evr_error *evr_trace_damage(const evr_trace *trace);

/** Number of top-level fields besides the events, such as "deviceProperties". @since 0.1 */
EVR_API size_t evr_trace_metadata_count(const evr_trace *trace);
/** Name and JSON text of the i-th; both empty when there is none. @since 0.1 */
EVR_API void evr_trace_metadata_at(const evr_trace *trace, size_t index, evr_str *name, evr_str *json);
/** JSON text of the top-level field; empty when there is none. @since 0.1 */
EVR_API evr_str evr_trace_metadata(const evr_trace *trace, evr_str name);

/** The earliest start and the latest end of all timed events; both EVR_NO_TIME when there are none. @since 0.1 */
EVR_API void evr_trace_span(const evr_trace *trace, int64_t *start_ns, int64_t *end_ns);

/** Number of different categories. @since 0.1 */
EVR_API size_t evr_trace_category_count(const evr_trace *trace);
/** Name, kind and number of events of the i-th category, in order of first sight. @since 0.1 */
EVR_API void evr_trace_category_at(const evr_trace *trace, size_t index, evr_str *name, int32_t *kind, uint64_t *events);
/** @} */

/** @name Events
 * @{ */
/** Fills `*out`, whose struct_size the caller has set. @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_trace_event(const evr_trace *trace, evr_uid uid, evr_event *out, evr_error **err);

/** Text of a recorded argument (EVR_ARG_...); empty when it was not recorded. @since 0.1 */
EVR_API evr_str evr_trace_arg(const evr_trace *trace, evr_uid uid, int32_t which);

/** First child in the tree (operators and runtime calls), or EVR_NO_UID. @since 0.1 */
EVR_API evr_uid evr_trace_first_child(const evr_trace *trace, evr_uid uid);
/** Next event below the same parent, by start; or EVR_NO_UID. @since 0.1 */
EVR_API evr_uid evr_trace_next_sibling(const evr_trace *trace, evr_uid uid);

/**
 * Device work launched by an event or anything below it, in order of launch.
 * @param[out] count  number of uids
 * @return borrowed array, NULL when there are none
 * @since 0.1
 */
EVR_API const evr_uid *evr_trace_device_events(const evr_trace *trace, evr_uid uid, size_t *count);

/** Time during which at least one kernel, copy or fill below the event ran, overlaps counted once. @since 0.1 */
EVR_API int64_t evr_trace_device_time(const evr_trace *trace, evr_uid uid);

/** The runtime call that launched a device event; EVR_NO_UID when unknown. @since 0.1 */
EVR_API evr_uid evr_trace_launcher(const evr_trace *trace, evr_uid uid);

/** The forward operator of a backward one, and the other way round; EVR_NO_UID when there is no link. @since 0.1 */
EVR_API evr_uid evr_trace_forward_of(const evr_trace *trace, evr_uid uid);
/** The first backward operator of a forward one. @since 0.1 */
EVR_API evr_uid evr_trace_backward_of(const evr_trace *trace, evr_uid uid);

/** The innermost user annotation on the same thread that is open when the event starts; EVR_NO_UID if none. @since 0.1 */
EVR_API evr_uid evr_trace_annotation_of(const evr_trace *trace, evr_uid uid);

/** Which events evr_trace_next() stops at. Zero fields do not restrict. */
typedef struct evr_event_filter {
    uint32_t struct_size; /**< sizeof(evr_event_filter) */
    int32_t kind;         /**< EVR_KIND_..., 0 = any */
    evr_str category;     /**< exact, empty = any */
    evr_str name;         /**< shell pattern with * and ?, empty = any */
    int64_t from_ns;      /**< events that end after this; 0 with to_ns 0 = any time */
    int64_t to_ns;        /**< and start before this */
} evr_event_filter;

/** First event at or after uid `from` that passes the filter, or EVR_NO_UID. @since 0.1 */
EVR_API evr_uid evr_trace_next(const evr_trace *trace, const evr_event_filter *filter, evr_uid from);
/** @} */

/** @name Columns
 * For bulk readers: arrays of evr_trace_event_count() elements, borrowed, indexed by uid.
 * @{ */
EVR_API const int64_t *evr_trace_starts(const evr_trace *trace);     /**< start_ns @since 0.1 */
EVR_API const int64_t *evr_trace_durations(const evr_trace *trace);  /**< duration_ns @since 0.1 */
EVR_API const uint32_t *evr_trace_name_ids(const evr_trace *trace);  /**< for evr_trace_name() @since 0.1 */
EVR_API const uint32_t *evr_trace_tracks(const evr_trace *trace);    /**< number of the (pid, tid) pair @since 0.1 */
EVR_API size_t evr_trace_name_count(const evr_trace *trace);         /**< number of different names @since 0.1 */
EVR_API evr_str evr_trace_name(const evr_trace *trace, uint32_t id); /**< text of a name id @since 0.1 */
EVR_API const uint16_t *evr_trace_category_ids(const evr_trace *trace); /**< for evr_trace_category_at() @since 0.1 */

#define EVR_COLUMN_PARENT 1         /**< uid of the innermost event around it */
#define EVR_COLUMN_CORRELATION 2    /**< links a runtime call to its device work */
#define EVR_COLUMN_EXTERNAL_ID 3    /**< profiler's own id */
#define EVR_COLUMN_SEQUENCE 4       /**< forward-backward sequence number */
#define EVR_COLUMN_FORWARD_THREAD 5 /**< thread of the forward call, on backward operators */
#define EVR_COLUMN_DEVICE 6         /**< device index */
#define EVR_COLUMN_STREAM 7         /**< stream */

/**
 * Copies what only some events have: evr_trace_event_count() numbers go to `out`, -1 where nothing was recorded.
 * @return EVR_OK or EVR_E_INVALID (no such column)
 * @since 0.1
 */
EVR_API evr_status evr_trace_copy_column(const evr_trace *trace, int32_t column, int64_t *out, evr_error **err);
/** @} */

/** What a builder is told about one event. Zero fields are "not recorded", but for sequence, device and stream, which are -1. */
typedef struct evr_event_desc {
    uint32_t struct_size;   /**< sizeof(evr_event_desc) */
    char phase;             /**< 0 = 'X', a complete event */
    char reserved[3];       /**< 0 */
    evr_str name;           /**< copied */
    evr_str category;       /**< "cpu_op", "cuda_runtime", "kernel"…; copied */
    int64_t pid;            /**< process */
    int64_t tid;            /**< thread */
    int64_t start_ns;       /**< start */
    int64_t duration_ns;    /**< duration */
    uint64_t correlation;   /**< links a runtime call to its device work */
    uint64_t external_id;   /**< profiler's own id */
    int64_t sequence;       /**< forward-backward sequence number */
    int64_t forward_thread; /**< thread of the forward call, on backward operators */
    int64_t device;         /**< device index */
    int64_t stream;         /**< stream */
    evr_str dims;           /**< JSON as in "Input Dims"; copied, empty = not recorded */
    evr_str types;          /**< JSON as in "Input type" */
    evr_str strides;        /**< JSON as in "Input Strides" */
    evr_str values;         /**< JSON as in "Concrete Inputs" */
} evr_event_desc;

/** @name Building a trace without JSON
 * @{ */
/** Starts an empty trace. Only `flags` and `max_events` of the options matter. @since 0.1 */
EVR_API evr_status evr_trace_builder_new(evr_context *ctx, const evr_trace_options *options, evr_trace_builder **out,
                                         evr_error **err);
/** Makes room beforehand, so that pushing needs no memory but for names not seen before. @since 0.1 */
EVR_API evr_status evr_trace_builder_reserve(evr_trace_builder *builder, uint64_t events, evr_error **err);
/** Adds an event; its uid is the number of events pushed before. @return EVR_OK, EVR_E_INVALID, EVR_E_LIMIT, EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_trace_builder_push(evr_trace_builder *builder, const evr_event_desc *event, evr_error **err);
/** Makes the trace and empties the builder, which can be used again or freed. @since 0.1 */
EVR_API evr_status evr_trace_builder_finish(evr_trace_builder *builder, evr_trace **out, evr_error **err);
/** Frees a builder and what was pushed. @since 0.1 */
EVR_API void evr_trace_builder_free(evr_trace_builder *builder);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
