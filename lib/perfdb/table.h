/* One operator's file while samples are merged into it. The rows stay the text they are; what changes is kept beside them. */
#ifndef EVR_PERFDB_TABLE_H
#define EVR_PERFDB_TABLE_H

#include "perfdb/samples.h"

typedef enum evr_row_flags {
    EVR_ROW_MALFORMED = 1,
    EVR_ROW_CANONICAL = 2, /* written again, its text would be the same */
    EVR_ROW_DELETED = 4,
} evr_row_flags;

typedef struct evr_row {
    uint32_t start, len; /* in the text; of a row added, the number of its sample and UINT32_MAX */
    uint32_t patch;      /* number of the sample whose duration and counters it got, EVR_NO_ID = none */
    uint32_t flags;
} evr_row;

typedef struct evr_row_slot {
    uint64_t hash;
    uint32_t row;   /* the first with this signature */
    uint32_t count; /* rows with it, 0 = empty slot */
} evr_row_slot;

typedef struct evr_table {
    evr_context *ctx;
    evr_str op;
    evr_str text;
    evr_str path; /* for problems */
    evr_str ep_size; /* of the samples; empty = not known */
    evr_signature_rule rule;
    bool is_new;
    bool has_ep_size; /* the file has that column; else its rows are taken to have the samples' */
    evr_columns columns;
    evr_row *rows;
    size_t count, cap;
    uint32_t *ends; /* where the fields of the file's rows end, columns.width for each row, as offsets in the row */
    size_t ends_cap;
    evr_row_slot *slots;
    size_t slot_count, slot_used;
    evr_csv cells; /* for looking into single rows */
    size_t opened; /* offset of the row whose fields are in `cells`, SIZE_MAX = none */
    evr_buf scratch, other;
    const evr_samples *samples;
    evr_dbreport_part *report;
    evr_dbreport_file *file; /* its part of the report */
} evr_table;

/* evr_table_reuse() says of which operator it is. */
void evr_table_init(evr_table *table, evr_context *ctx, const evr_samples *samples, evr_str ep_size);
void evr_table_free(evr_table *table);

/* Empties a table for an operator; the memory stays for its rows. */
void evr_table_reuse(evr_table *table, evr_dbreport_part *report, evr_str op);

/* Why a text is no operator file, for people, or the name of the column it lacks; NULL when it is one. The text must outlive the table,
 * whose `file` must be set. False when memory is out. */
bool evr_table_read(evr_table *table, evr_str path, evr_str text, const char **unusable, bool *missing_column);

/* An empty table with the columns of a new file. */
bool evr_table_new(evr_table *table);

/* Whether every row that can be read has a valid duration, and there is at least one row. Stops at the first that has none. */
bool evr_table_complete(evr_context *ctx, evr_str text, bool *complete);

/* Lists duplicates. False when memory is out. */
bool evr_table_duplicates(evr_table *table);

/* Merges the samples of the operator and of its other names. False when memory is out. */
bool evr_table_merge(evr_table *table, int32_t mode);
bool evr_table_prune(evr_table *table);

/* Whether the file must be written. False when memory is out. */
bool evr_table_changed(evr_table *table, bool *changed);

/* Appends the header, then rows from number *next on until `buf` is longer than `enough`. Failures are those of the buffer. */
void evr_table_render_header(const evr_table *table, evr_buf *buf);
void evr_table_render(evr_table *table, evr_buf *buf, size_t *next, size_t enough);

#endif
