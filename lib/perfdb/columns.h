/* Names of the columns, and how the columns of a file map onto what is written. */
#ifndef EVR_PERFDB_COLUMNS_H
#define EVR_PERFDB_COLUMNS_H

#include "perfdb/csv.h"

/* The columns that every operator file has; the first eight describe the call. */
typedef enum evr_base_column {
    EVR_COL_STATE,
    EVR_COL_CORE,
    EVR_COL_INPUT_SHAPES,
    EVR_COL_INPUT_TYPES,
    EVR_COL_INPUT_FORMATS,
    EVR_COL_OUTPUT_SHAPES,
    EVR_COL_OUTPUT_TYPES,
    EVR_COL_OUTPUT_FORMATS,
    EVR_BASE_COLUMNS,
} evr_base_column;

enum { EVR_COUNTERS = 25, EVR_MOST_COLUMNS = 4096 };

extern const char *const evr_base_names[EVR_BASE_COLUMNS];
extern const char *const evr_counter_names[EVR_COUNTERS]; /* as the profiler calls them */

#define EVR_NAME_MEASURED "Average Duration(us)"
#define EVR_NAME_PROFILED "Profiling Average Duration(us)"
#define EVR_NAME_EP_SIZE "EP Size"

/* Where a written column's text comes from. */
typedef enum evr_cell_kind {
    EVR_CELL_KEPT,     /* only from the file itself */
    EVR_CELL_BASE,     /* index: evr_base_column */
    EVR_CELL_MEASURED, /* the duration that updates write */
    EVR_CELL_COUNTER,  /* index: which counter */
    EVR_CELL_EP_SIZE,
} evr_cell_kind;

typedef struct evr_cell {
    evr_cell_kind kind;
    uint32_t index;
    int32_t from; /* field in the file, -1 = none */
    evr_str name;
} evr_cell;

/* Columns of one operator file. Names point into the file's text or into constants. */
typedef struct evr_columns {
    evr_context *ctx;
    evr_cell *cells; /* in the order they are written */
    size_t count, cap;
    size_t width;   /* fields of the file's header */
    bool same;      /* the file has just these columns in this order */
    int32_t base[EVR_BASE_COLUMNS]; /* fields of the file, -1 = none */
    int32_t measured, profiled, ep_size;
    evr_buf names; /* header fields that were unescaped */
} evr_columns;

void evr_columns_init(evr_columns *columns, evr_context *ctx);
void evr_columns_free(evr_columns *columns);

/* From the header that `csv` has just read. `with_ep_size` asks for that column in any case. False when memory is out. */
bool evr_columns_read(evr_columns *columns, const evr_csv *header, bool with_ep_size);

/* Columns of a new file. */
bool evr_columns_new(evr_columns *columns, bool with_ep_size);

/* What an operator file must have that this one has not; NULL when it has all. */
const char *evr_columns_lack(const evr_columns *columns);

/* Position of a name among fields, -1 when it is not there. Names are compared without white space around them. */
int32_t evr_columns_find(const evr_csv *header, const char *name);

/* Without white space at both ends. */
static inline evr_str evr_cell_trim(evr_str cell)
{
    while (cell.len && (cell.data[0] == ' ' || (cell.data[0] >= '\t' && cell.data[0] <= '\r')))
        cell.data++, cell.len--;
    while (cell.len && (cell.data[cell.len - 1] == ' ' || (cell.data[cell.len - 1] >= '\t' && cell.data[cell.len - 1] <= '\r')))
        cell.len--;
    return cell;
}

/* "12.345000", as durations and counters are written: what printf's "%.6f" gives. */
enum { EVR_NUMBER_TEXT = 64 };
evr_str evr_number_text(double value, char text[EVR_NUMBER_TEXT]);

/* A number in a cell, 0 when there is none; and whether it is a duration that counts: finite and above 0. */
double evr_cell_number(evr_str cell);
bool evr_duration_valid(double us);

#endif
