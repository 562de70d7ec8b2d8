/**
 * @file
 * Rows that run: calls of a performance database as records.
 *
 * A row of a database (perfdb.h) says an operator's name, shapes, types and formats, and no arguments. An @ref evr_row_map says, as data, which call of PyTorch such a row stands
 * for; the language is described in `docs/perfdb.md`. An @ref evr_rows holds the rows of a database that were chosen, each with its records or with the reason why it
 * has none. Their records run as any others (batch.h); evr_rows_take() gives the results back to the rows, and evr_rows_update() puts the times into the database.
 *
 * A row that stands for several calls (a *composite*) takes the sum of their times.
 *
 * **Untrusted input.** A row names an operator, and only the map says which call that is: a database makes nothing run that the map does not have. Namespaces are imported
 * only as registry.h says.
 *
 * **Threads.** A map that is complete may be read from any thread; rows belong to one thread at a time.
 */
#ifndef EVREPLAY_ROWS_H
#define EVREPLAY_ROWS_H

#include <evreplay/ir.h>
#include <evreplay/perfdb.h>
#include <evreplay/report.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_row_map evr_row_map; /**< which calls the operators of a database stand for */
typedef struct evr_rows evr_rows;       /**< rows of a database, with records */

/** @name The map
 * @{ */
/** The map that comes with the library. @return EVR_OK · EVR_E_INVALID · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_row_map_new(evr_context *ctx, evr_row_map **out, evr_error **err);
EVR_API void evr_row_map_free(evr_row_map *map); /**< NULL does nothing @since 0.1 */
/**
 * Adds what a text says. Operators it names replace those of the same name, types and formats come before those known.
 * @param[in] name  of the file, for errors
 * @return EVR_OK · EVR_E_FORMAT (the message begins with "NAME:LINE: "; the map is as it was before) · EVR_E_LIMIT · EVR_E_INVALID · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_row_map_add(evr_row_map *map, const void *text, size_t size, const char *name, evr_error **err);
/** As evr_row_map_add(), from a file of at most 16 MiB. @return as there, and EVR_E_IO @since 0.1 */
EVR_API evr_status evr_row_map_add_file(evr_row_map *map, const char *path, evr_error **err);
EVR_API int32_t evr_row_map_has(const evr_row_map *map, evr_str op); /**< 1 when the operator has an entry @since 0.1 */
/** @} */

/** Which rows of a database become records. All zero but the map is a working default. */
typedef struct evr_rows_options {
    uint32_t struct_size;      /**< sizeof(evr_rows_options) */
    int32_t mode;              /**< EVR_PERFDB_MODE_...; missing-only leaves out rows with a valid duration */
    const evr_row_map *map;    /**< must outlive the rows */
    const char *const *ops;    /**< patterns of operator names, with * and ? */
    size_t op_count;           /**< 0 = every operator */
    evr_schema_source source;  /**< asked for schemas first: those of the tensor library in use, see evr_runtime_schemas(); NULL = the library's own count, and namespaces that are registered */
    void *source_user;         /**< first argument of `source` */
    uint64_t max_file_bytes;   /**< EVR_E_LIMIT for a larger file; 0 = 4,294,967,295 */
    const evr_results *const *like; /**< calls are only of operators that these results have, so that rows become the records they were made of */
    size_t like_count;         /**< number of them; 0 = any operator */
} evr_rows_options;

/** @name Rows
 * @{ */
/** Reads the chosen rows of a database and makes their records. Files are read one after the other, each whole, without a lock.
 *  @return EVR_OK · what evr_perfdb_update() returns for files that cannot be read @since 0.1 */
EVR_API evr_status evr_rows_open(evr_context *ctx, const evr_perfdb *db, const evr_rows_options *options, evr_rows **out, evr_error **err);
EVR_API void evr_rows_free(evr_rows *rows); /**< NULL does nothing @since 0.1 */

/** One row. */
typedef struct evr_row_info {
    uint32_t struct_size;   /**< set by the caller */
    int32_t status;         /**< EVR_STATUS_OK: it has records, and once results are in, it ran; _SKIPPED, _FAILED: see `reason` */
    evr_str op;             /**< the database's operator */
    evr_str file;           /**< its file in the folder */
    uint64_t line;          /**< on which the row begins, from 1 */
    evr_str shapes;         /**< "inputs -> outputs" */
    evr_str reason;         /**< such as "needs-namespace: npu …"; empty when ok */
    evr_str composite;      /**< name of what several calls do together; empty for one call */
    const size_t *records;  /**< which of evr_rows_records() stand for it; borrowed */
    size_t record_count;    /**< number of them; 0 when the row cannot run */
    double measured_us;     /**< by the results taken; 0 = not measured */
} evr_row_info;

EVR_API size_t evr_rows_count(const evr_rows *rows); /**< rows chosen @since 0.1 */
/** The i-th, in the order of files and lines. @return EVR_OK, EVR_E_NOT_FOUND or EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_rows_at(const evr_rows *rows, size_t index, evr_row_info *out, evr_error **err);
/** The records of all rows, each call once; borrowed. @since 0.1 */
EVR_API const evr_ir *const *evr_rows_records(const evr_rows *rows, size_t *count);
/**
 * Gives results to the rows, which are found by their records' keys. Later results of the same call replace earlier ones, but none that ran and was timed is replaced by one that was not.
 * @param[out] taken  results that belong to a row; may be NULL
 * @since 0.1
 */
EVR_API evr_status evr_rows_take(evr_rows *rows, const evr_results *results, uint64_t *taken, evr_error **err);
/**
 * evr_perfdb_update() with what was measured of the rows, besides the sources of `options`. Rows that no result was taken for are left out when `only_taken` is not 0, else they
 * are reported as skipped: not run.
 * @return as evr_perfdb_update() @since 0.1
 */
EVR_API evr_status evr_rows_update(const evr_rows *rows, evr_perfdb *db, const evr_perfdb_update_options *options, int32_t only_taken, evr_perfdb_report **out,
                                   evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
