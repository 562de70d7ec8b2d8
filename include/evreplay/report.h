/**
 * @file
 * Results: what became of each record of a run, kept, written for people and programs, read again, and compared.
 *
 * An @ref evr_results is a list of results with what they have in common: runtime, device, seed. evr_results_write() makes a JSON document (docs/results.schema.json,
 * which evr_results_read() takes back), CSV, Markdown, JUnit XML, one self-contained HTML page, or a block of text for a terminal.
 *
 * evr_compare() sets two of them side by side. Results are matched by the key of their records (evr_ir_key()): operator, overload, shapes, types and values, not names of
 * files or order. A difference is a regression only when it is larger than the threshold and larger than the noise of both.
 *
 * **Threads.** A list belongs to one thread at a time while it grows; after that it may be read from any thread.
 */
#ifndef EVREPLAY_REPORT_H
#define EVREPLAY_REPORT_H

#include <evreplay/ir.h>
#include <evreplay/measure.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_results evr_results;       /**< results of a run */
typedef struct evr_comparison evr_comparison; /**< two runs side by side */

/** Writes the key of a record: 32 hexadecimal digits and a NUL, made of operator, overload and arguments and of nothing else. The same in every version of the library. @since 0.1 */
EVR_API evr_status evr_ir_key(const evr_ir *ir, char out[33], evr_error **err);

/** @name Verdicts of checks
 * @{ */
#define EVR_VERDICT_GOOD 0    /**< as it should be */
#define EVR_VERDICT_BAD 1     /**< not as it should be: the record failed */
#define EVR_VERDICT_SKIPPED 2 /**< the check does not apply, or could not be made; the detail says why */
/** @} */

/** One check of a result. */
typedef struct evr_check {
    uint32_t struct_size; /**< sizeof(evr_check) */
    int32_t verdict;      /**< EVR_VERDICT_... */
    evr_str name;         /**< "finite", "repeat", "reference", "mutation", "kernels" */
    evr_str detail;       /**< what was found; may be empty */
} evr_check;

/** What became of a record on one of several ranks. */
typedef struct evr_rank_result {
    uint32_t struct_size; /**< sizeof(evr_rank_result) */
    int32_t rank;         /**< from 0 */
    int32_t status;       /**< EVR_STATUS_...; skipped, without a reason, on ranks outside of the record's group */
    int32_t reason;       /**< EVR_REASON_... */
    double median_ns;     /**< of its own samples; negative = not timed */
    double first_run_ns;  /**< negative = it did not run */
} evr_rank_result;

#define EVR_RESULT_ISOLATED 1u /**< ran in a process of its own kind */
#define EVR_RESULT_RETRIED 2u  /**< failed together with others and was run again alone */

/** What became of one record. Texts and arrays are borrowed: from the caller for evr_results_add(), from the list for evr_results_at(). */
typedef struct evr_result {
    uint32_t struct_size;     /**< sizeof(evr_result) */
    uint32_t flags;           /**< EVR_RESULT_... */
    int32_t status;           /**< EVR_STATUS_... */
    int32_t reason;           /**< EVR_REASON_... */
    uint64_t index;           /**< place of the record in its input, from 0 */
    evr_uid uid;              /**< event it was made from; EVR_NO_UID if none */
    uint64_t count;           /**< calls with the same arguments: the weight of the result */
    evr_str key;              /**< of the record */
    evr_str op;               /**< "aten::add" */
    evr_str overload;         /**< "Tensor"; may be empty */
    evr_str arguments;        /**< in words: "float32[8,8], float32[8,8], 1" */
    evr_str detail;           /**< names what is missing or wrong; empty when ok */
    evr_str initializer;      /**< that filled tensors; may be empty */
    evr_str device;           /**< where it ran; may be empty */
    const evr_str *warnings;  /**< what whoever reads the result should know */
    size_t warning_count;     /**< number of warnings */
    const evr_check *checks;  /**< that were asked for */
    size_t check_count;       /**< number of checks */
    uint64_t tensor_bytes;    /**< memory of its tensors */
    double trace_kernel_ns;   /**< device time of one call in the trace, mean of all; negative = not known */
    double trace_cpu_ns;      /**< duration of one call on the CPU in the trace; negative = not known */
    double first_run_ns;      /**< of the first run, results allocated; negative = it did not run */
    const evr_statistics *statistics; /**< NULL = not timed */
    const evr_conditions *conditions; /**< NULL = not timed */
    evr_str protocol;         /**< as evr_protocol_text() writes it; empty = not timed */
    const double *samples;    /**< nanoseconds of one call; may be NULL */
    size_t sample_count;      /**< number of samples */
    const evr_rank_result *ranks; /**< when several ran it together; the times above are then of the slowest rank in each sample. May be NULL */
    size_t rank_count;        /**< number of ranks */
    int32_t slowest_rank;     /**< whose median is the longest; -1 = not known */
    int32_t visit;            /**< which of several visits to its record this is, from 1; 0 = the only one, or all of them together */
    const double *visits;     /**< medians, in nanoseconds, of the visits that `statistics` are of: their median is the median of these. May be NULL */
    size_t visit_count;       /**< number of these; 0 where the record was timed once */
} evr_result;

/** What the results have in common. */
typedef struct evr_results_info {
    uint32_t struct_size;  /**< sizeof(evr_results_info) */
    uint32_t flags;        /**< EVR_RESULTS_... */
    evr_str runtime;       /**< "torch 2.13.0" */
    evr_str device;        /**< "cuda:0" */
    evr_str device_name;   /**< "NVIDIA H200"; may be empty */
    evr_str driver;        /**< versions of driver and device libraries, in words; may be empty */
    evr_str input;         /**< name of what was replayed; may be empty */
    uint64_t seed;         /**< of contents and generators */
    int64_t started_s;     /**< seconds since 1970, UTC; 0 = not known */
    double wall_s;         /**< time it took */
} evr_results_info;

#define EVR_RESULTS_INTERRUPTED 1u /**< the run was stopped: what is missing was not reached */

/** @name Lists of results
 * @{ */
EVR_API evr_status evr_results_new(evr_context *ctx, const evr_results_info *info, evr_results **out, evr_error **err); /**< starts an empty list; `info` is copied and may be NULL @since 0.1 */
/** Copies a result to the end of the list. @since 0.1 */
EVR_API evr_status evr_results_add(evr_results *results, const evr_result *result, evr_error **err);
/** Puts the results in the order of their `index`, and replaces what they have in common. @since 0.1 */
EVR_API evr_status evr_results_finish(evr_results *results, const evr_results_info *info, evr_error **err);
EVR_API void evr_results_free(evr_results *results);                                                       /**< frees the list and all it lent; NULL does nothing @since 0.1 */
EVR_API const evr_results_info *evr_results_about(const evr_results *results);                             /**< what the results have in common, borrowed @since 0.1 */
EVR_API size_t evr_results_count(const evr_results *results);                                              /**< number of results @since 0.1 */
EVR_API const evr_result *evr_results_at(const evr_results *results, size_t index);                        /**< NULL beyond the last @since 0.1 */

#define EVR_REPORT_JSON 0     /**< everything; docs/results.schema.json */
#define EVR_REPORT_CSV 1      /**< a row for each result, without samples */
#define EVR_REPORT_MARKDOWN 2 /**< summary and table */
#define EVR_REPORT_JUNIT 3    /**< a case for each result; comparisons: a case for each match */
#define EVR_REPORT_HTML 4     /**< one page that needs nothing else */
#define EVR_REPORT_TEXT 5     /**< a summary for a terminal */

/** Writes the results in one of these forms; the same results give the same bytes. Free `*out` with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_results_write(const evr_results *results, int32_t format, char **out, size_t *size, evr_error **err);
/** Writes one result as the JSON object that stands for it in EVR_REPORT_JSON, on one line: for journals and between processes. @since 0.1 */
EVR_API evr_status evr_result_write(evr_context *ctx, const evr_result *result, char **out, size_t *size, evr_error **err);
/** Reads such an object and adds it. @return EVR_OK · EVR_E_FORMAT, EVR_E_TRUNCATED (with byte offset) · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_results_add_text(evr_results *results, const void *text, size_t size, evr_error **err);
/** Reads what EVR_REPORT_JSON wrote. @return EVR_OK · EVR_E_FORMAT, EVR_E_TRUNCATED (with byte offset) · EVR_E_UNSUPPORTED (another document or a later version) · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_results_read(evr_context *ctx, const void *text, size_t size, evr_results **out, evr_error **err);
/** @} */

/** @name Comparing
 * @{ */
#define EVR_CHANGE_NONE 0       /**< no difference beyond threshold and noise */
#define EVR_CHANGE_REGRESSION 1 /**< slower, or it ran before and does not now */
#define EVR_CHANGE_IMPROVEMENT 2 /**< faster, or it runs now and did not before */
#define EVR_CHANGE_NEW 3        /**< only in the newer */
#define EVR_CHANGE_GONE 4       /**< only in the base */
#define EVR_CHANGE_UNKNOWN 5    /**< not timed in both, or taken in ways that do not compare: the detail says which */

/** How a comparison is made. All zero is a working default. */
typedef struct evr_compare_options {
    uint32_t struct_size; /**< sizeof(evr_compare_options) */
    uint32_t flags;       /**< 0 */
    double threshold;     /**< least change that matters, as a part; 0 = 0.03 */
    double error_rate;    /**< of calling anything a change where there is none, over all matches together; 0 = 0.05 */
    uint64_t seed;        /**< of the resampling */
} evr_compare_options;

/** One match. */
typedef struct evr_change {
    uint32_t struct_size;    /**< sizeof(evr_change) */
    int32_t change;          /**< EVR_CHANGE_... */
    const evr_result *base;  /**< NULL for EVR_CHANGE_NEW */
    const evr_result *newer; /**< NULL for EVR_CHANGE_GONE */
    double ratio;            /**< median now over median then, of several visits by their trimmed means; 0 = not known */
    double ratio_low;        /**< interval of the ratio */
    double ratio_high;       /**< other end */
    double p_value;          /**< corrected for the number of matches; 1 when not known */
    evr_str detail;          /**< why nothing can be said, or what changed besides time; may be empty */
} evr_change;

/** What a comparison comes to. */
typedef struct evr_compare_summary {
    uint32_t struct_size;   /**< set by the caller */
    uint32_t flags;         /**< 0 */
    uint64_t matched;       /**< in both */
    uint64_t regressions;   /**< EVR_CHANGE_REGRESSION */
    uint64_t improvements;  /**< EVR_CHANGE_IMPROVEMENT */
    uint64_t added;         /**< EVR_CHANGE_NEW */
    uint64_t gone;          /**< EVR_CHANGE_GONE */
    uint64_t unknown;       /**< EVR_CHANGE_UNKNOWN */
    double base_ns;         /**< median times of matches timed in both, each times its calls */
    double newer_ns;        /**< the same, now */
    double ratio;           /**< of the two; 0 = nothing was timed in both */
    double ratio_low;       /**< interval */
    double ratio_high;      /**< other end */
} evr_compare_summary;

/** Compares; both lists must outlive the comparison. Rows are in order of weight: the largest change of time in the workload first. @since 0.1 */
EVR_API evr_status evr_compare(evr_context *ctx, const evr_results *base, const evr_results *newer, const evr_compare_options *options,
                               evr_comparison **out, evr_error **err);
EVR_API void evr_comparison_free(evr_comparison *comparison);                                              /**< frees the comparison, not the lists; NULL does nothing @since 0.1 */
EVR_API size_t evr_comparison_count(const evr_comparison *comparison);                                     /**< number of rows @since 0.1 */
EVR_API const evr_change *evr_comparison_at(const evr_comparison *comparison, size_t index);               /**< NULL beyond the last @since 0.1 */
EVR_API void evr_comparison_summary(const evr_comparison *comparison, evr_compare_summary *out);           /**< fills `*out`, whose struct_size the caller has set @since 0.1 */
/** As evr_results_write(). @since 0.1 */
EVR_API evr_status evr_comparison_write(const evr_comparison *comparison, int32_t format, char **out, size_t *size, evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
