/**
 * @file
 * Records: one operator call each, portable and complete enough to run again.
 *
 * An @ref evr_ir is made from an event of a trace (evr_extractor_record()) or read from a document of records or an operator-input log (evr_ir_read()). It names the operator and its overload and holds every argument with its value, or the reason why there is none, and
 * with its *provenance*: recorded in the trace, default of the schema, inferred by a rule, or synthesised by a generator.
 *
 * An @ref evr_extractor does this for one trace: it groups events into unique calls, picks overloads and makes records. It keeps what it
 * learnt about operators between calls, so a record costs microseconds.
 *
 * **Every unique call ends in exactly one status**: ok, skipped or failed, with a reason and a sentence that says what to do.
 *
 * **Values** (@ref evr_value) and tensor descriptions (@ref evr_tensor) are plain data, borrowed from the record they are in.
 *
 * **Threads.** Records are immutable and may be read from any thread. An extractor belongs to one thread at a time; any number of
 * extractors may read one trace.
 */
#ifndef EVREPLAY_IR_H
#define EVREPLAY_IR_H

#include <evreplay/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_ir evr_ir;               /**< an immutable record */
typedef struct evr_extractor evr_extractor; /**< makes records of one trace's events */

/** @name Element types
 * Numbered as PyTorch's `ScalarType`, which is how a trace records a `dtype` argument.
 * @{ */
#define EVR_DTYPE_UINT8 0           /**< unsigned, 8 bits */
#define EVR_DTYPE_INT8 1            /**< signed, 8 bits */
#define EVR_DTYPE_INT16 2           /**< signed, 16 bits */
#define EVR_DTYPE_INT32 3           /**< signed, 32 bits */
#define EVR_DTYPE_INT64 4           /**< signed, 64 bits */
#define EVR_DTYPE_FLOAT16 5         /**< IEEE 754, 16 bits */
#define EVR_DTYPE_FLOAT32 6         /**< IEEE 754, 32 bits */
#define EVR_DTYPE_FLOAT64 7         /**< IEEE 754, 64 bits */
#define EVR_DTYPE_COMPLEX32 8       /**< two of float16 */
#define EVR_DTYPE_COMPLEX64 9       /**< two of float32 */
#define EVR_DTYPE_COMPLEX128 10     /**< two of float64 */
#define EVR_DTYPE_BOOL 11           /**< a byte, 0 or 1 */
#define EVR_DTYPE_QINT8 12          /**< quantized, signed, 8 bits */
#define EVR_DTYPE_QUINT8 13         /**< quantized, unsigned, 8 bits */
#define EVR_DTYPE_QINT32 14         /**< quantized, signed, 32 bits */
#define EVR_DTYPE_BFLOAT16 15       /**< the upper half of a float32 */
#define EVR_DTYPE_FLOAT8_E5M2 23    /**< 5 bits of exponent, 2 of mantissa, with infinities */
#define EVR_DTYPE_FLOAT8_E4M3FN 24  /**< 4 bits of exponent, 3 of mantissa, no infinities */
#define EVR_DTYPE_FLOAT8_E5M2FNUZ 25/**< no infinities, one zero, bias 16 */
#define EVR_DTYPE_FLOAT8_E4M3FNUZ 26/**< no infinities, one zero, bias 8 */
#define EVR_DTYPE_UINT16 27         /**< unsigned, 16 bits */
#define EVR_DTYPE_UINT32 28         /**< unsigned, 32 bits */
#define EVR_DTYPE_UINT64 29         /**< unsigned, 64 bits */
#define EVR_DTYPE_FLOAT8_E8M0FNU 44 /**< powers of two: scales of blocks */
#define EVR_DTYPE_FLOAT4_E2M1FN_X2 45/**< two of 4 bits in a byte */
#define EVR_DTYPE_UNKNOWN (-1)      /**< a type this library does not know */
/** @} */

/** Name of an element type as PyTorch prints it without "torch.", such as "bfloat16"; "" for an unknown one. @since 0.1 */
EVR_API const char *evr_dtype_name(int32_t dtype);
/** Element type of any spelling profilers and PyTorch use: "c10::BFloat16", "long int", "float", "torch.int8"…; EVR_DTYPE_UNKNOWN. @since 0.1 */
EVR_API int32_t evr_dtype_parse(evr_str text);
/** Bytes of one element; 0 for an unknown type. @since 0.1 */
EVR_API size_t evr_dtype_size(int32_t dtype);

/** @name Kinds of values
 * @{ */
#define EVR_VALUE_MISSING 0   /**< not known; the argument's note says why */
#define EVR_VALUE_NONE 1      /**< None */
#define EVR_VALUE_BOOL 2      /**< u.i, 0 or 1 */
#define EVR_VALUE_INT 3       /**< u.i */
#define EVR_VALUE_FLOAT 4     /**< u.f */
#define EVR_VALUE_COMPLEX 5   /**< u.c */
#define EVR_VALUE_STR 6       /**< u.s */
#define EVR_VALUE_DTYPE 7     /**< u.i, EVR_DTYPE_... */
#define EVR_VALUE_LAYOUT 8    /**< u.i, PyTorch's number: 0 strided, 1 sparse, … */
#define EVR_VALUE_DEVICE 9    /**< u.s, such as "cuda:0" */
#define EVR_VALUE_MEMORY_FORMAT 10 /**< u.i, PyTorch's number: 0 contiguous, 1 preserve, 2 channels last, 3 channels last 3d */
#define EVR_VALUE_GENERATOR 11 /**< a random generator; its state is not recorded, u.i is the seed */
#define EVR_VALUE_TENSOR 12   /**< u.tensor, a description */
#define EVR_VALUE_LIST 13     /**< u.list */
#define EVR_VALUE_HANDLE 14   /**< u.handle, a live tensor of a bridge; never in a record */
/** @} */

typedef struct evr_tensor evr_tensor; /**< description of a tensor */
typedef struct evr_value evr_value;   /**< value of an argument or result */

/** Items of a list. */
typedef struct evr_list {
    const evr_value *items; /**< borrowed */
    size_t len;             /**< number of items */
} evr_list;

/** A complex number. */
typedef struct evr_complex {
    double re; /**< real part */
    double im; /**< imaginary part */
} evr_complex;

/** A value. This structure is fixed for good: it carries no struct_size. */
struct evr_value {
    uint32_t kind;     /**< EVR_VALUE_... */
    uint32_t reserved; /**< 0 */
    union {
        int64_t i;                /**< BOOL, INT, DTYPE, LAYOUT, MEMORY_FORMAT, GENERATOR */
        double f;                 /**< FLOAT */
        evr_complex c;            /**< COMPLEX */
        evr_str s;                /**< STR, DEVICE */
        const evr_tensor *tensor; /**< TENSOR */
        evr_list list;            /**< LIST */
        void *handle;             /**< HANDLE */
    } u;               /**< which member is told by `kind` */
};

#define EVR_TENSOR_STRIDES_ASSUMED 1u /**< strides were not recorded: contiguous is assumed */
#define EVR_TENSOR_DTYPE_INFERRED 2u  /**< the element type was not recorded but follows from other events or arguments */
#define EVR_TENSOR_STORAGE_RECORDED 4u /**< storage_offset and storage_elements were recorded */

/** Description of a tensor. */
struct evr_tensor {
    uint32_t struct_size;     /**< sizeof(evr_tensor) */
    int32_t dtype;            /**< EVR_DTYPE_... */
    uint32_t rank;            /**< number of dimensions */
    uint32_t flags;           /**< EVR_TENSOR_... */
    const int64_t *shape;     /**< `rank` sizes; may be NULL when rank is 0 */
    const int64_t *strides;   /**< `rank` strides in elements; 0 = expanded */
    int64_t storage_offset;   /**< in elements */
    int64_t storage_elements; /**< 0 = just what shape, strides and offset reach */
    evr_str dtype_text;       /**< as recorded, such as "c10::BFloat16" */
    evr_str device;           /**< as recorded, or empty */
    evr_str init;             /**< what it should hold: "normal", "zeros", …; empty = not said */
};

/** Where the value of an argument came from. */
#define EVR_FROM_TRACE 0       /**< recorded */
#define EVR_FROM_DEFAULT 1     /**< default of the schema */
#define EVR_FROM_RULE 2        /**< inferred; the note names the rule */
#define EVR_FROM_GENERATOR 3   /**< synthesised; the note names generator and seed */
#define EVR_FROM_NOWHERE 4     /**< missing; the note says why */

#define EVR_ARGUMENT_KWARG 1u /**< keyword-only in the schema */
#define EVR_ARGUMENT_WRITTEN 2u /**< the operator writes to it (`a!`) */

/** One argument of a record. */
typedef struct evr_argument {
    uint32_t struct_size; /**< sizeof(evr_argument) */
    uint32_t flags;       /**< EVR_ARGUMENT_... */
    evr_str name;         /**< as in the schema; "arg0"… without one */
    evr_str type;         /**< as in the schema, such as "Tensor(a!)"; inferred without one */
    evr_value value;      /**< EVR_VALUE_MISSING when there is none */
    int32_t provenance;   /**< EVR_FROM_... */
    int32_t reserved;     /**< 0 */
    evr_str note;         /**< rule, generator or reason; may be empty */
} evr_argument;

/** @name Statuses and reasons
 * @{ */
#define EVR_STATUS_OK 0      /**< it can be replayed, or was */
#define EVR_STATUS_SKIPPED 1 /**< no operator call that runs by itself; the reason says what it is */
#define EVR_STATUS_FAILED 2  /**< it cannot be replayed, or could not; the reason says why */

#define EVR_REASON_NONE 0                  /**< of a record that is ok */
#define EVR_REASON_AUTOGRAD_NODE 1         /**< skipped: wraps operators that are listed themselves */
#define EVR_REASON_ANNOTATION 2            /**< skipped */
#define EVR_REASON_PYTHON_FUNCTION 3       /**< skipped */
#define EVR_REASON_COMMUNICATION 4         /**< skipped: communication-without-group */
#define EVR_REASON_JIT_GRAPH 5             /**< skipped: a compiled graph, whose code is not in the trace */
#define EVR_REASON_TRITON_KERNEL 6         /**< skipped: a generated kernel, whose code is not in the trace */
#define EVR_REASON_RANK_LOST 28            /**< failed: a rank went away while it was run, or before it could be */
#define EVR_REASON_NEEDS_RANKS 1000        /**< skipped: this + N is needs-N-ranks, for N up to 999; by itself more */
#define EVR_REASON_NO_SUCH_OP 20           /**< failed */
#define EVR_REASON_NO_SCHEMA_MATCH 21      /**< failed */
#define EVR_REASON_MISSING_VALUES 22       /**< failed */
#define EVR_REASON_NO_KERNEL_FOR_DEVICE 23 /**< failed */
#define EVR_REASON_TOO_LARGE 24            /**< failed */
#define EVR_REASON_TIMEOUT 25              /**< failed */
#define EVR_REASON_CRASHED 26              /**< failed */
#define EVR_REASON_OP_ERROR 27             /**< failed */
/** @} */

/** "ok", "skipped", "failed"; "" for another number. @since 0.1 */
EVR_API const char *evr_outcome_name(int32_t status);
/** Such as "missing-values"; "" for EVR_REASON_NONE and unknown numbers. @since 0.1 */
EVR_API const char *evr_reason_name(int32_t reason);
/** What a user can do about it, one sentence. @since 0.1 */
EVR_API const char *evr_reason_advice(int32_t reason);

/** One kernel, copy or fill that a call launched, over all calls with the same arguments. */
typedef struct evr_kernel {
    evr_str name;         /**< of the kernel */
    uint64_t count;       /**< launches */
    int64_t total_ns;     /**< sum of durations */
} evr_kernel;

/** What an inference server said of the batch a call ran in, through an annotation around it. */
typedef struct evr_batch_context {
    uint32_t struct_size;        /**< set by the caller */
    uint32_t reserved;           /**< 0 */
    int64_t context_requests;    /**< requests whose prompts are read (prefill) */
    int64_t context_tokens;      /**< their tokens in this step */
    int64_t context_cached;      /**< length of their sequences, this step included; 0 = not said */
    int64_t generation_requests; /**< requests that write (decode) */
    int64_t generation_tokens;   /**< their tokens in this step */
    int64_t generation_cached;   /**< length of their sequences, this step included; 0 = not said */
} evr_batch_context;

/**
 * Reads an annotation of vLLM or SGLang: "execute_context_2(512)_generation_30(30)", "execute_8192_context_9(sq8155sk8430…)_generation_37(sq37sk3052…)",
 * "step[DECODE bs=8 toks=8]". @return 1 when it is one, with `*out` filled; else 0 @since 0.1
 */
EVR_API int32_t evr_batch_context_parse(evr_str annotation, evr_batch_context *out);

/** The process group that a call talked in. */
typedef struct evr_group {
    uint32_t struct_size;  /**< sizeof(evr_group) */
    int32_t size;          /**< number of ranks; 0 = not known */
    evr_str name;          /**< as PyTorch names it, such as "0"; may be empty */
    evr_str description;   /**< what it is for, such as "default_pg"; may be empty */
    evr_str backend;       /**< such as "cuda:nccl"; may be empty */
    const int64_t *ranks;  /**< numbers of its ranks among all; NULL = not known */
    size_t rank_count;     /**< `size`, or 0 */
} evr_group;

/** @name Reading a record
 * @{ */
EVR_API evr_str evr_ir_op(const evr_ir *ir);       /**< "aten::add" @since 0.1 */
EVR_API evr_str evr_ir_overload(const evr_ir *ir); /**< "Tensor"; empty for the default overload and without a schema @since 0.1 */
EVR_API evr_str evr_ir_schema(const evr_ir *ir);   /**< whole schema; empty without one @since 0.1 */
EVR_API size_t evr_ir_argument_count(const evr_ir *ir);                        /**< positional first, as in the schema @since 0.1 */
EVR_API const evr_argument *evr_ir_argument(const evr_ir *ir, size_t index);   /**< NULL beyond the last @since 0.1 */
/** The arguments in words, such as "float32[8,8], 1, dim=-1", and what autocast made of them. Free with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_ir_arguments(const evr_ir *ir, char **out, evr_error **err);
EVR_API uint64_t evr_ir_count(const evr_ir *ir);   /**< calls with the same arguments @since 0.1 */
EVR_API evr_uid evr_ir_uid(const evr_ir *ir);      /**< event it was made from; EVR_NO_UID if none @since 0.1 */
EVR_API evr_str evr_ir_device(const evr_ir *ir);   /**< "cpu", "cuda:0"…, where the call ran; empty if unknown @since 0.1 */
EVR_API size_t evr_ir_kernel_count(const evr_ir *ir);                          /**< kinds of kernels below its calls; 0 = none, or not recorded @since 0.1 */
EVR_API const evr_kernel *evr_ir_kernel(const evr_ir *ir, size_t index);       /**< NULL beyond the last @since 0.1 */
EVR_API int32_t evr_ir_status(const evr_ir *ir);   /**< EVR_STATUS_..., of the extraction @since 0.1 */
EVR_API int32_t evr_ir_reason(const evr_ir *ir);   /**< EVR_REASON_... @since 0.1 */
EVR_API evr_str evr_ir_detail(const evr_ir *ir);   /**< names what is missing or wrong; may be empty @since 0.1 */
/** Element type that autocast gave the call's arguments; EVR_DTYPE_UNKNOWN when it was off, which is how calls are replayed then. @since 0.1 */
EVR_API int32_t evr_ir_autocast(const evr_ir *ir);
/** 1 and the batch when the call ran inside an annotation that tells it; else 0. @since 0.1 */
EVR_API int32_t evr_ir_batch_context(const evr_ir *ir, evr_batch_context *out);
/** The process group of a call that talked to other ranks; NULL when there is none, or the trace does not tell. @since 0.1 */
EVR_API const evr_group *evr_ir_group(const evr_ir *ir);
EVR_API void evr_ir_free(evr_ir *ir);              /**< NULL does nothing @since 0.1 */
/** @} */

/** How records are made. All zero is a working default. */
typedef struct evr_extractor_options {
    uint32_t struct_size; /**< sizeof(evr_extractor_options) */
    uint32_t flags;       /**< 0 */
    evr_str torch_version; /**< whose schemas: "2.13"; empty = the newest known */
} evr_extractor_options;

/** All calls of one operator with the same recorded arguments. */
typedef struct evr_call {
    uint32_t struct_size; /**< sizeof(evr_call) */
    int32_t status;       /**< EVR_STATUS_... of the extraction */
    int32_t reason;       /**< EVR_REASON_... */
    uint32_t reserved;    /**< 0 */
    evr_uid uid;          /**< first event in the file */
    uint64_t count;       /**< number of events */
    int64_t cpu_ns;       /**< sum of their durations */
    int64_t device_ns;    /**< sum of the device time below them, overlaps within one call counted once */
    evr_str op;           /**< operator name */
} evr_call;

/** Receives schemas as text, such as "aten::add.Tensor(Tensor self, ...) -> Tensor". Nonzero stops the walk. */
typedef int32_t (*evr_schema_fn)(void *user, evr_str schema);

/**
 * Gives all schemas of an operator to `visit`; none is no failure. They may carry another operator's name, under which the operator is known as well.
 */
typedef evr_status (*evr_schema_source)(void *user, evr_str op, evr_schema_fn visit, void *to, evr_error **err);

/** Starts extraction from a trace, which must outlive the extractor. @since 0.1 */
EVR_API evr_status evr_extractor_new(evr_context *ctx, const evr_trace *trace, const evr_extractor_options *options,
                                     evr_extractor **out, evr_error **err);
/** Frees an extractor and the calls it lent; records live on. NULL does nothing. @since 0.1 */
EVR_API void evr_extractor_free(evr_extractor *extractor);
/** Has a source asked for each operator's schemas before the library's own are looked at, such as the tensor library in use: see evr_runtime_teach().
 *  To be set before the first record is made. @return EVR_OK · EVR_E_STATE (records were made already) @since 0.1 */
EVR_API evr_status evr_extractor_ask(evr_extractor *extractor, evr_schema_source source, void *user, evr_error **err);
/** The unique calls, by first event; borrowed, made on the first call. @since 0.1 */
EVR_API evr_status evr_extractor_calls(evr_extractor *extractor, const evr_call **out, size_t *count, evr_error **err);
/**
 * Makes the record of one event. An event that cannot be replayed gives a record too: its status and reason say why.
 * `count` and kernels cover all calls with the same arguments.
 * @return EVR_OK · EVR_E_NOT_FOUND (no such event) · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_extractor_record(evr_extractor *extractor, evr_uid uid, evr_ir **out, evr_error **err);
/** Why that overload was chosen: one line per candidate with its score; yours to free with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_extractor_explain(evr_extractor *extractor, evr_uid uid, char **out, evr_error **err);

/** @name Records as JSON
 * @{ */
#define EVR_IR_FORMAT_EVREPLAY 0  /**< docs/ir-format.md */
#define EVR_IR_FORMAT_TRACELENS 1 /**< TraceLens event-replay IR */
#define EVR_IR_FORMAT_LOG 2       /**< an operator-input log of PyTorch's benchmarks, which is no JSON: evr_ir_write_log() */

/** A list of records that were read together. */
typedef struct evr_ir_set evr_ir_set;

/**
 * Reads records: this library's IR, TraceLens' IR (array or single record), or an operator-input log as PyTorch's benchmarks keep them
 * (`Operator: aten.add.Tensor`, `cnt: 2, ((T([4], f32), 1.0), {})`); the format is detected. Calls of a log are completed from the
 * newest schemas known, with status and reason like those of a trace; they have no uid.
 * @return EVR_OK · EVR_E_FORMAT, EVR_E_TRUNCATED (with byte offset) · EVR_E_UNSUPPORTED (another format or a later version) · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_ir_read(evr_context *ctx, const void *data, size_t size, evr_ir_set **out, evr_error **err);
EVR_API size_t evr_ir_set_count(const evr_ir_set *set);                      /**< number of records @since 0.1 */
EVR_API const evr_ir *evr_ir_set_at(const evr_ir_set *set, size_t index);    /**< borrowed @since 0.1 */
/** Nanoseconds of one call, where a log has `# 5.25 us` (or ns, ms, s) behind it; negative = not known. @since 0.1 */
EVR_API double evr_ir_set_runtime(const evr_ir_set *set, size_t index);
EVR_API void evr_ir_set_free(evr_ir_set *set);                               /**< frees the list and its records; NULL does nothing @since 0.1 */
/** Writes records as one document; the same records give the same bytes. Free `*out` with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_ir_write(evr_context *ctx, const evr_ir *const *records, size_t count, int32_t format, char **out,
                                size_t *size, evr_error **err);
/**
 * Writes records as an operator-input log, which PyTorch's OperatorInputsLoader reads as well: the records of one operator together, operators in the order of their
 * first. Records that are skipped, or hold values that such logs have no notation for, are left out; so is what they do not say: offsets, devices of tensors, names.
 * @param[in] runtimes_ns  of one call of each record, written behind it; negative = not known. NULL = of none
 * @param[out] written  number of records; may be NULL
 * @return EVR_OK · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_ir_write_log(evr_context *ctx, const evr_ir *const *records, size_t count, const double *runtimes_ns, char **out, size_t *size, size_t *written,
                                    evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
