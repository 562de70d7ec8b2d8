/* CSV files in a store: what a row is told by, and files under way in and out. */
#ifndef EVR_STORE_CSV_H
#define EVR_STORE_CSV_H

#include "perfdb/signature.h"
#include "store/store.h"

/* A duration's column, and where its times come from. */
typedef struct evr_csv_duration {
    const char *column, *protocol;
} evr_csv_duration;

enum { EVR_CSV_DURATIONS = 3 };
extern const evr_csv_duration evr_csv_durations[EVR_CSV_DURATIONS];

/* A file's header, understood. */
typedef struct evr_csv_sheet {
    evr_str op;
    evr_signature_rule rule;
    evr_columns columns;
    int32_t durations[EVR_CSV_DURATIONS]; /* fields, -1 = none */
    evr_csv head;                         /* the header alone: names of the fields */
} evr_csv_sheet;

/* Reads the header from `csv`. *unusable says why this is no operator's file; then there is nothing to free. False when memory is out. */
bool evr_csv_sheet_read(evr_csv_sheet *sheet, evr_context *ctx, evr_str op, evr_csv *csv, const char **unusable);
void evr_csv_sheet_free(evr_csv_sheet *sheet);

/* The row that `csv` has just read: its key, and its call in words. Failures are those of the buffers; `scratch` is overwritten. */
void evr_csv_row_key(const evr_csv_sheet *sheet, const evr_csv *csv, evr_buf *scratch, char key[33]);
void evr_csv_row_words(const evr_csv_sheet *sheet, const evr_csv *csv, evr_buf *scratch, evr_buf *words);

/* The header's line. */
static inline evr_str evr_csv_sheet_header(const evr_csv_sheet *sheet) { return sheet->head.raw; }

/* The accelerator core of a row; may be empty. */
evr_str evr_csv_row_core(const evr_csv_sheet *sheet, const evr_csv *csv);

/* Bytes of a column, borrowed until the next step. */
static inline evr_str evr_csv_blob(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column);
    return (evr_str){data ? data : "", data ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

/* Whether an operator's name may be that of a file. */
bool evr_csv_name_is_plain(evr_str op);

/* Callers' structs, older or newer. csv_row.c */
evr_status evr_csv_options_of(evr_context *ctx, const evr_store_csv_options *given, evr_store_csv_options *out, evr_error **err);
void evr_csv_tell(evr_store_csv_changes *to, const evr_store_csv_changes *from, evr_status status);

#endif
