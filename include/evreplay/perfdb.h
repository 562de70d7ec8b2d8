/**
 * @file
 * The performance database: measured times of operators, by shape, type and format.
 *
 * An @ref evr_perfdb is a folder of CSV files, one for each operator, in the format described in `docs/perfdb.md`. evr_perfdb_update() merges what
 * a profiler measured into it and hands out an @ref evr_perfdb_report of what was updated, added, left alone, deleted, missing or found
 * twice, which rows could not be read, and where measured and profiled times lie apart.
 *
 * **Safety.** An update takes a lock on the folder, so writers come one after another. Every file is written beside the old one, brought to the
 * disk, and put in its place in one step once all of them are complete: whenever the process ends, each file is whole, old or new. Files in which
 * nothing changes are not touched. A row that cannot be read is reported with its line and kept as it is.
 *
 * **Threads.** A database and a report belong to one thread at a time; two databases may be used at once, on the same folder too. An update works on
 * several threads, from which the context's allocator must be callable; evr_perfdb_options.threads = 1 keeps to the caller's. What comes out is the same
 * for any number of them.
 *
 * **Texts** of a report are UTF-8; what is not in a file shows as '?' here. Files keep every byte.
 */
#ifndef EVREPLAY_PERFDB_H
#define EVREPLAY_PERFDB_H

#include <evreplay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_perfdb evr_perfdb;               /**< an open database */
typedef struct evr_perfdb_report evr_perfdb_report; /**< what an update did; immutable */

#define EVR_PERFDB_CREATE 1u /**< evr_perfdb_open() makes the folder when there is none */

#define EVR_PERFDB_FORMAT_CSV 1 /**< a folder of CSV files */

/** How a database is opened. All zero is a working default. */
typedef struct evr_perfdb_options {
    uint32_t struct_size;     /**< sizeof(evr_perfdb_options) */
    uint32_t flags;           /**< EVR_PERFDB_CREATE */
    uint32_t lock_timeout_ms; /**< how long an update waits for another writer; 0 = 60,000 */
    uint32_t threads;         /**< that an update works on; 0 = as many as there are processors */
    uint64_t max_file_bytes;  /**< EVR_E_LIMIT for a larger file; 0 = 4,294,967,295, which is the most */
} evr_perfdb_options;

/**
 * Opens a database. Nothing is read yet.
 * @param[in] path  the folder
 * @return EVR_OK · EVR_E_NOT_FOUND (no such folder) · EVR_E_UNSUPPORTED (a file) · EVR_E_IO · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_perfdb_open(evr_context *ctx, const char *path, const evr_perfdb_options *options, evr_perfdb **out,
                                   evr_error **err);
/** Closes a database; reports live on. NULL does nothing. @since 0.1 */
EVR_API void evr_perfdb_free(evr_perfdb *db);
EVR_API int32_t evr_perfdb_format(const evr_perfdb *db); /**< EVR_PERFDB_FORMAT_... @since 0.1 */
EVR_API evr_str evr_perfdb_path(const evr_perfdb *db);   /**< as given @since 0.1 */

#define EVR_PERFDB_MODE_ALL 0          /**< every row that was measured again is updated, rows not seen before are added */
#define EVR_PERFDB_MODE_MISSING_ONLY 1 /**< only rows without any valid duration are filled; nothing is added */

#define EVR_PERFDB_PRUNE 1u /**< rows without any valid duration are removed afterwards */

/** A row of the database that was run, and what became of it. Texts are as they stand in the row's cells. */
typedef struct evr_perfdb_run {
    uint32_t struct_size;   /**< sizeof(evr_perfdb_run), or set by the caller of evr_perfdb_report_run() */
    int32_t status;         /**< EVR_PERFDB_SUCCESS, _SKIPPED or _FAILED */
    evr_str op;             /**< operator whose file has the row */
    evr_str state;          /**< "OP State" */
    evr_str core;           /**< "Accelerator Core" */
    evr_str input_shapes;   /**< "Input Shapes" */
    evr_str input_types;    /**< "Input Data Types" */
    evr_str input_formats;  /**< "Input Formats" */
    evr_str output_shapes;  /**< "Output Shapes" */
    evr_str output_types;   /**< "Output Data Types" */
    evr_str output_formats; /**< "Output Formats" */
    evr_str reason;         /**< why it was skipped or failed; empty on success */
    uint64_t line;          /**< on which the row begins, from 1; 0 = not known */
    double duration_us;     /**< measured; above 0 on success */
    evr_str ep_size;        /**< "EP Size"; empty = that of the update */
} evr_perfdb_run;

/** What an update does. All zero but the sources is a working default. */
typedef struct evr_perfdb_update_options {
    uint32_t struct_size;       /**< sizeof(evr_perfdb_update_options) */
    int32_t mode;               /**< EVR_PERFDB_MODE_... */
    uint32_t flags;             /**< EVR_PERFDB_PRUNE */
    uint32_t ep_size;           /**< ranks of expert parallelism the sources were measured with; 0 = not known */
    const char *const *sources; /**< op_summary CSV files, or folders in which `op_summary_*.csv` are looked for at any depth */
    const char *const *ops;     /**< operators whose files are updated, with * and ? */
    size_t source_count;        /**< 0 = nothing new, for pruning and reporting alone */
    size_t op_count;            /**< 0 = every operator */
    const evr_perfdb_run *const *runs; /**< rows that were run: their times update the rows of their own operator, their outcomes go to the report */
    size_t run_count;           /**< number of them */
} evr_perfdb_update_options;

/**
 * Merges measured times into the database.
 *
 * On failure no file has changed, unless the error says otherwise (the system failed while finished files were put in their place).
 * @param[in] options  may be NULL
 * @param[out] out     yours to free; may be NULL
 * @return EVR_OK · EVR_E_NOT_FOUND (a source, or no op_summary file in it) · EVR_E_FORMAT (a source is no op_summary file) ·
 *         EVR_E_STATE (another writer held the lock too long) · EVR_E_IO (the disk is full, a file cannot be read or written) ·
 *         EVR_E_LIMIT · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_perfdb_update(evr_perfdb *db, const evr_perfdb_update_options *options, evr_perfdb_report **out,
                                     evr_error **err);

/** Frees a report and all it lent. NULL does nothing. @since 0.1 */
EVR_API void evr_perfdb_report_free(evr_perfdb_report *report);

/** Sums over all files of a report. */
typedef struct evr_perfdb_totals {
    uint32_t struct_size;  /**< set by the caller */
    int32_t complete;      /**< 1: in mode missing-only every row had a valid duration, so the sources were not read */
    uint64_t files;        /**< operators with a file that was looked at */
    uint64_t written;      /**< files that changed */
    uint64_t rows;         /**< rows afterwards */
    uint64_t updated;      /**< times a duration was replaced by another one */
    uint64_t added;        /**< rows added */
    uint64_t unchanged;    /**< measured calls whose row was valid already and kept (mode missing-only) */
    uint64_t missing;      /**< measured calls without a row; in mode all they are added */
    uint64_t unmatched;    /**< measured calls of another name of the operator's family without a row; never added */
    uint64_t deleted;      /**< rows pruned */
    uint64_t duplicates;   /**< signatures with more than one row; only the first one is used */
    uint64_t malformed;    /**< rows that could not be read, of the database and of the sources */
    uint64_t gaps;         /**< see evr_perfdb_report_gap() */
    uint64_t source_files; /**< op_summary files read */
    uint64_t source_rows;  /**< rows in them */
} evr_perfdb_totals;

/** Fills `*out`, whose struct_size the caller has set. @return EVR_OK or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_perfdb_report_totals(const evr_perfdb_report *report, evr_perfdb_totals *out, evr_error **err);

#define EVR_PERFDB_SUCCESS 1 /**< measured calls of the operator were merged; of a row: it was measured */
#define EVR_PERFDB_SKIPPED 2 /**< nothing to do, for the reason given */
#define EVR_PERFDB_FAILED 3  /**< the file could not be used, for the reason given; it was left alone */

/** What happened to one operator. */
typedef struct evr_perfdb_file {
    uint32_t struct_size; /**< set by the caller */
    int32_t status;       /**< EVR_PERFDB_SUCCESS, _SKIPPED or _FAILED */
    evr_str op;           /**< name of the operator */
    evr_str name;         /**< name of its file in the folder; empty when it has none */
    evr_str reason;       /**< why it was skipped or failed; empty on success */
    int32_t written;      /**< 1: the file changed */
    int32_t reserved;     /**< 0 */
    uint64_t rows;        /**< as in @ref evr_perfdb_totals, of this file */
    uint64_t updated;     /**< durations replaced */
    uint64_t added;       /**< rows added */
    uint64_t unchanged;   /**< rows kept */
    uint64_t missing;     /**< calls without a row */
    uint64_t unmatched;   /**< calls of another name without a row */
    uint64_t deleted;     /**< rows pruned */
    uint64_t duplicates;  /**< signatures with more than one row */
    uint64_t malformed;   /**< rows that could not be read */
} evr_perfdb_file;

EVR_API size_t evr_perfdb_report_file_count(const evr_perfdb_report *report); /**< operators in the report @since 0.1 */
/** The i-th operator, by name; operators that were measured and have no file are the last. @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_perfdb_report_file(const evr_perfdb_report *report, size_t index, evr_perfdb_file *out, evr_error **err);

#define EVR_PERFDB_MISSING 1   /**< a measured call without a row */
#define EVR_PERFDB_DELETED 2   /**< a pruned row */
#define EVR_PERFDB_DUPLICATE 3 /**< a signature with several rows; `count` tells how many */

/** Number of things of a kind (EVR_PERFDB_MISSING…) listed for the i-th operator. @since 0.1 */
EVR_API size_t evr_perfdb_report_item_count(const evr_perfdb_report *report, size_t file, int32_t kind);
/** Shapes of one of them, "inputs -> outputs"; empty when there is none. @param[out] count  rows with it; may be NULL @since 0.1 */
EVR_API evr_str evr_perfdb_report_item(const evr_perfdb_report *report, size_t file, int32_t kind, size_t index, uint64_t *count);

/** A row that was measured again and whose measured and profiled times lie apart: their ratio is outside [0.80, 1.20]. */
typedef struct evr_perfdb_gap {
    uint32_t struct_size; /**< set by the caller */
    uint32_t reserved;    /**< 0 */
    evr_str op;           /**< operator */
    evr_str name;         /**< its file */
    evr_str signature;    /**< shapes of the row, "inputs -> outputs" */
    double measured_us;   /**< the row's duration; of a row merged several times, of one of these */
    double profiled_us;   /**< "Profiling Average Duration(us)" of the row */
    double ratio;         /**< measured / profiled */
} evr_perfdb_gap;

EVR_API size_t evr_perfdb_report_gap_count(const evr_perfdb_report *report); /**< gaps between measured and profiled times @since 0.1 */
/** The i-th, the widest by max(ratio, 1/ratio) first. @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_perfdb_report_gap(const evr_perfdb_report *report, size_t index, evr_perfdb_gap *out, evr_error **err);

/** A row that could not be read. */
typedef struct evr_perfdb_problem {
    uint32_t struct_size; /**< set by the caller */
    uint32_t reserved;    /**< 0 */
    evr_str path;         /**< file */
    uint64_t line;        /**< line on which the row begins, from 1 */
    evr_str message;      /**< what is wrong, and what was done with the row */
} evr_perfdb_problem;

/** Problems listed: the first 1,000; the totals count all of them. @since 0.1 */
EVR_API size_t evr_perfdb_report_problem_count(const evr_perfdb_report *report);
/** @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_perfdb_report_problem(const evr_perfdb_report *report, size_t index, evr_perfdb_problem *out, evr_error **err);

/** Rows that were run, in the order given to the update. @since 0.1 */
EVR_API size_t evr_perfdb_report_run_count(const evr_perfdb_report *report);
/** The i-th. @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_perfdb_report_run(const evr_perfdb_report *report, size_t index, evr_perfdb_run *out, evr_error **err);

#define EVR_PERFDB_TEXT_MARKDOWN 1 /**< the whole report for readers */
#define EVR_PERFDB_TEXT_GAPS_CSV 2 /**< every gap, as CSV */
#define EVR_PERFDB_TEXT_JSON 3     /**< everything, for programs; carries a version */

/** The report as text. Free `*out` with evr_text_free() of ir.h. @return EVR_OK, EVR_E_INVALID or EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_perfdb_report_text(const evr_perfdb_report *report, int32_t format, char **out, size_t *size, evr_error **err);

/**
 * Writes `profile_update_report_STAMP.md` and `duration_gap_hotspots_full_STAMP.csv` into a folder, which is made when there is none. Existing
 * reports are never overwritten: a number is added to the stamp instead.
 * @param[in] stamp    such as "20260131_235959"; NULL = the time now. No '/' in it.
 * @param[out] path    of the first file, free with evr_text_free(); may be NULL
 * @return EVR_OK · EVR_E_IO · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_perfdb_report_write(const evr_perfdb_report *report, const char *folder, const char *stamp, char **path,
                                           evr_error **err);

#ifdef __cplusplus
}
#endif

#endif
