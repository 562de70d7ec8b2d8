/**
 * @file
 * The store: measured times kept in one SQLite file, by call, device, software and protocol, with their history.
 *
 * An @ref evr_store takes the results of runs (report.h) and answers what is known of a call. A *row* is what can be measured again: the key of a record (evr_ir_key()),
 * the name of the device, the stack (runtime and driver, in words) and the protocol. Every measurement of a row is kept: samples are only ever added. The newest of a
 * row is its *current* one; the time a run began tells which that is, and where that is the same, the order they were added in.
 *
 * **Safety.** The file is written through a write-ahead log, one transaction for each call of this header: whenever the process ends, all of a call's results are in
 * the file or none. Writers come one after another, readers never wait. A file of another program, a damaged one and one of a later version are told apart, and
 * left as they are. Files of earlier versions are brought forward when they are opened for writing.
 *
 * **Memory** of SQLite is its own: outside the context's allocator. When it runs out, that is EVR_E_NOMEM too.
 *
 * **Threads.** A store and a list of rows belong to one thread at a time; two stores may be used at once, on the same file too.
 */
#ifndef EVREPLAY_STORE_H
#define EVREPLAY_STORE_H

#include <evreplay/report.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_store evr_store;           /**< an open file */
typedef struct evr_store_rows evr_store_rows; /**< an answer; immutable, outlives the store */

#define EVR_STORE_VERSION 4 /**< of the tables, as this library writes them */

/** @name Opening
 * @{ */
#define EVR_STORE_CREATE 1u    /**< make the file when there is none */
#define EVR_STORE_READ_ONLY 2u /**< change nothing. Not together with EVR_STORE_CREATE */

/** How a store is opened. All zero is a working default: a file that is there, to read and to add to. */
typedef struct evr_store_options {
    uint32_t struct_size;     /**< sizeof(evr_store_options) */
    uint32_t flags;           /**< EVR_STORE_... */
    uint32_t lock_timeout_ms; /**< how long to wait for another writer; 0 = 60,000 */
    uint32_t reserved;        /**< 0 */
} evr_store_options;

/**
 * Opens a store.
 * @param[in] options  NULL for the defaults
 * @return EVR_OK · EVR_E_NOT_FOUND (no such file) · EVR_E_FORMAT (not a store, or damaged) · EVR_E_UNSUPPORTED (a folder; of a later version; of an earlier one and
 *         EVR_STORE_READ_ONLY) · EVR_E_STATE (another writer held it too long) · EVR_E_IO · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_store_open(evr_context *ctx, const char *path, const evr_store_options *options, evr_store **out, evr_error **err);
/** Closes it. @since 0.1 */
EVR_API void evr_store_free(evr_store *store);
EVR_API evr_str evr_store_path(const evr_store *store); /**< as given @since 0.1 */
/** Reads all of the file. @return EVR_OK · EVR_E_FORMAT (damaged; the message says where) · EVR_E_IO · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_store_check(evr_store *store, evr_error **err);
/** @} */

/** @name Adding
 * What is in the store already is not added again, so that the same results may come any number of times and by any way. Nothing but the values themselves tells
 * results apart: a result with the same call, device, stack, protocol, times and samples is the same one.
 *
 * All three: @return EVR_OK · EVR_E_STATE (opened EVR_STORE_READ_ONLY, or another writer held it too long) · EVR_E_FORMAT (damaged) · EVR_E_IO (the disk is full, or
 * cannot be written) · EVR_E_LIMIT (a result is larger than SQLite takes) · EVR_E_INVALID · EVR_E_NOMEM. On failure nothing was added.
 * @{ */

/** What became of the results. */
typedef struct evr_store_changes {
    uint32_t struct_size; /**< set by the caller */
    uint32_t reserved;    /**< 0 */
    uint64_t added;       /**< new ones */
    uint64_t known;       /**< in the store already */
    uint64_t unusable;    /**< without a key, not ok, or not timed */
} evr_store_changes;

/** Adds the results of a run. `changes` may be NULL. @since 0.1 */
EVR_API evr_status evr_store_add(evr_store *store, const evr_results *results, evr_store_changes *changes, evr_error **err);
/** Adds what evr_results_write() made as EVR_REPORT_JSON. @return also what evr_results_read() returns @since 0.1 */
EVR_API evr_status evr_store_import(evr_store *store, const void *text, size_t size, evr_store_changes *changes, evr_error **err);
/** Adds everything of another store, its history included. @return also what evr_store_open() returns, for the other @since 0.1 */
EVR_API evr_status evr_store_merge(evr_store *store, const char *path, evr_store_changes *changes, evr_error **err);
/** @} */

/** @name Asking
 * @{ */
#define EVR_STORE_HISTORY 1u /**< every sample of a row, not only the current one */

/** Which rows. What is empty or zero does not count. */
typedef struct evr_store_filter {
    uint32_t struct_size; /**< sizeof(evr_store_filter) */
    uint32_t flags;       /**< EVR_STORE_HISTORY */
    evr_str key;          /**< of the record */
    evr_str op;           /**< pattern of the operator's name, with * and ? */
    evr_str device_name;  /**< exactly */
    evr_str runtime;      /**< exactly */
    evr_str driver;       /**< exactly */
    evr_str protocol;     /**< the whole line */
    uint64_t limit;       /**< most rows */
} evr_store_filter;

/** One sample of a row. Texts are borrowed from the list. */
typedef struct evr_store_row {
    uint32_t struct_size;  /**< sizeof(evr_store_row) */
    uint32_t reserved;     /**< 0 */
    evr_str key;           /**< of the record */
    evr_str op;            /**< "aten::add" */
    evr_str overload;      /**< "Tensor"; may be empty */
    evr_str arguments;     /**< in words */
    evr_str device_name;   /**< "NVIDIA H200" */
    evr_str runtime;       /**< "torch 2.13.0" */
    evr_str driver;        /**< in words; may be empty */
    evr_str protocol;      /**< the whole line */
    evr_str input;         /**< what was replayed; may be empty */
    int64_t taken_s;       /**< when the run began, seconds since 1970, UTC; 0 = not known */
    uint64_t samples;      /**< that the row has, this one included; evr_store_stacks(): rows of the stack */
    double median_ns;      /**< time of one call */
    double median_low_ns;  /**< lower end of its interval */
    double median_high_ns; /**< upper end */
    double distance;       /**< evr_store_nearest(): from what was asked for; else 0 */
} evr_store_row;

EVR_API void evr_store_rows_free(evr_store_rows *rows);                                       /**< NULL does nothing @since 0.1 */
EVR_API size_t evr_store_rows_count(const evr_store_rows *rows);                              /**< number of rows @since 0.1 */
EVR_API const evr_store_row *evr_store_rows_at(const evr_store_rows *rows, size_t index);     /**< NULL beyond the last @since 0.1 */

/** The rows that the filter (NULL = all) lets through, by operator, key, device, stack and protocol; the history of one newest first.
 *  @return EVR_OK (also when there are none) · EVR_E_FORMAT (damaged) · EVR_E_STATE · EVR_E_IO · EVR_E_INVALID · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_store_find(evr_store *store, const evr_store_filter *filter, evr_store_rows **out, evr_error **err);

/**
 * Current rows of the same operator with as many tensors of the same element types in the same places, nearest first; 10 unless the filter has a limit.
 * Its key and pattern do not count.
 *
 * The distance of two calls is the sum of |log2(a / b)| over all dimensions of all tensors: 1 for each factor of 2. A size of 0 counts as 1/2; of tensors with different
 * numbers of dimensions, the last ones stand side by side and those in front as if the other had 1 there. It is 1 more when the overload, or any argument but the
 * sizes of tensors, differs in words. Of rows as near as each other the one that was measured later comes first.
 * @return as evr_store_find()
 * @since 0.1
 */
EVR_API evr_status evr_store_nearest(evr_store *store, const evr_ir *record, const evr_store_filter *filter, evr_store_rows **out, evr_error **err);

/**
 * The same for a call in words, such as of a row: `arguments` as evr_ir_arguments() writes them. The element type `any` stands for every type; where it is used, what stands beside the
 * tensors does not count, so "any[8,128], any[128,64]" asks by shapes alone.
 * @param[in] op  pattern of the operator's name, with * and ?
 * @param[in] overload  empty = does not count
 * @return as evr_store_find()
 * @since 0.1
 */
EVR_API evr_status evr_store_nearest_to(evr_store *store, evr_str op, evr_str overload, evr_str arguments, const evr_store_filter *filter, evr_store_rows **out, evr_error **err);

/** Sets missing[i] to 1 when no row that the filter (NULL = all; its key and pattern do not count) lets through is of records[i], else to 0. @return as evr_store_find() @since 0.1 */
EVR_API evr_status evr_store_missing(evr_store *store, const evr_ir *const *records, size_t count, const evr_store_filter *filter, uint8_t *missing, evr_error **err);

/** One row for each device and stack, in the order they came: only device_name, runtime, driver, samples, and the newest taken_s are set. @return as evr_store_find() @since 0.1 */
EVR_API evr_status evr_store_stacks(evr_store *store, evr_store_rows **out, evr_error **err);

/**
 * The same rows as evr_store_find() as a list of results, for reports, comparisons and export: evr_results_write(). What a list has in common, it can have of one device and
 * stack only.
 * @return as evr_store_find() · EVR_E_INVALID (the rows are of more than one device or stack)
 * @since 0.1
 */
EVR_API evr_status evr_store_select(evr_store *store, const evr_store_filter *filter, evr_results **out, evr_error **err);
/** evr_store_select() and evr_results_write() as EVR_REPORT_JSON: what evr_store_import() takes. Free `*out` with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_store_export(evr_store *store, const evr_store_filter *filter, char **out, size_t *size, evr_error **err);
/** @} */

/** @name CSV folders
 * A store takes the files of a performance database as CSV folder (perfdb.h, `docs/perfdb.md`), and gives them back. A row becomes a call: its key is made of the operator and the
 * row's signature. Each duration in it becomes a sample, whose protocol names the column and says whether it was profiled or replayed. The rows themselves are kept too, as they
 * stand in the file and in their order, those that cannot be read included; of a file that was imported again, every version.
 * @{ */
#define EVR_STORE_CSV_REPLACE 1u /**< evr_store_export_csv() replaces files that are there */

/** How a folder is taken in or given back. All zero is a working default. */
typedef struct evr_store_csv_options {
    uint32_t struct_size; /**< sizeof(evr_store_csv_options) */
    uint32_t flags;       /**< EVR_STORE_CSV_... */
    evr_str device_name;  /**< where the times were taken; empty = of each row its accelerator core */
    evr_str runtime;      /**< and with what; may be empty */
    evr_str driver;       /**< may be empty */
    void (*problem)(void *user, evr_str path, uint64_t line, evr_str message); /**< a row, or with line 0 a file, that could not be read; may be NULL */
    void *user;           /**< for `problem` */
} evr_store_csv_options;

/** What became of the files. */
typedef struct evr_store_csv_changes {
    uint32_t struct_size; /**< set by the caller */
    uint32_t reserved;    /**< 0 */
    uint64_t files;       /**< of operators */
    uint64_t unchanged;   /**< of them: their newest version is in the store already */
    uint64_t foreign;     /**< other files, which were left alone */
    uint64_t rows;        /**< in the files that were not unchanged; exported: all */
    uint64_t malformed;   /**< of them: cannot be read; kept as they are */
    uint64_t untimed;     /**< of them: without any valid duration */
    uint64_t added;       /**< samples */
    uint64_t known;       /**< samples that are in the store already */
} evr_store_csv_changes;

/**
 * Adds a folder of CSV files, or one such file; its operator goes by the file's name.
 * @param[in] options      may be NULL
 * @param[in,out] changes  may be NULL
 * @return as evr_store_add() · EVR_E_NOT_FOUND · EVR_E_FORMAT (a single file that is none of an operator, or a folder without any) · EVR_E_LIMIT (a file of 4 GiB or more)
 * @since 0.1
 */
EVR_API evr_status evr_store_import_csv(evr_store *store, const char *path, const evr_store_csv_options *options, evr_store_csv_changes *changes, evr_error **err);

/**
 * Writes the newest version of each file into a folder, which is made when there is none. Lines end in CR LF and there is no byte order mark; else the files are as they were. Either all
 * files are complete before the first is in its place, or none appears.
 * @param[in] filter       operator's pattern, device, runtime and driver as they were imported with; NULL = all
 * @return as evr_store_find() · EVR_E_NOT_FOUND (the store has no such files) · EVR_E_INVALID (they are of several devices or stacks) · EVR_E_STATE (a file is there already)
 * @since 0.1
 */
EVR_API evr_status evr_store_export_csv(evr_store *store, const char *folder, const evr_store_filter *filter, const evr_store_csv_options *options, evr_store_csv_changes *changes, evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
