/**
 * @file
 * Tables for other programs: columns handed over through the Arrow C stream interface (https://arrow.apache.org/docs/format/CStreamInterface.html), which
 * pandas, Polars, DuckDB, R and many others take.
 *
 * evr_arrow_export() copies columns and fills a `struct ArrowArrayStream` with one batch. What the receiver holds stands on nothing but the context, which it keeps
 * alive: the columns may go at once.
 *
 * **Threads.** A stream belongs to one thread at a time; what came out of it may be released on any thread, so the context's allocator must be one that any thread may
 * call.
 */
#ifndef EVREPLAY_ARROW_H
#define EVREPLAY_ARROW_H

#include <evreplay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One column of a table. */
typedef struct evr_arrow_column {
    uint32_t struct_size;  /**< sizeof(evr_arrow_column) */
    uint32_t flags;        /**< 0 */
    const char *name;      /**< UTF-8 */
    const char *format;    /**< of the values, as Arrow writes it: "c", "C", "s", "S", "i", "I", "l", "L", "f", "g", or "U" for UTF-8 texts with 64-bit offsets */
    const uint8_t *valid;  /**< a bit for each row, the lowest first: 1 = there is a value. NULL = everywhere */
    const void *values;    /**< one for each row; texts one after the other */
    const int64_t *offsets; /**< "U": where each text begins, and where the last one ends: one more than rows */
    uint64_t nulls;        /**< rows without a value; the bits are not counted */
    const struct evr_arrow_column *dictionary; /**< what the values, which are integers then, are numbers of; NULL = they are values themselves */
    uint64_t dictionary_rows; /**< number of entries */
} evr_arrow_column;

/**
 * Fills a stream with a table of the columns.
 * @param[out] stream  a `struct ArrowArrayStream`, whose content does not matter; its `release` is yours to call. NULL there on failure
 * @return EVR_OK · EVR_E_INVALID (a format, or offsets that fall) · EVR_E_LIMIT · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_arrow_export(evr_context *ctx, const evr_arrow_column *columns, size_t count, uint64_t rows, void *stream, evr_error **err);

#ifdef __cplusplus
}
#endif

#endif
