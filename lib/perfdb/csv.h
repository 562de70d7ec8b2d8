/* CSV as Python's csv module writes it: commas, double quotes where needed, lines that end in CR LF; read from whatever ends its lines.
 *
 * A row is malformed when a quote is not closed, or only by one of a later line that stands before other text, or when it has not as many fields as the header. Such a row ends with its first line, so that
 * a stray quote does not take the rest of the file along, and is kept as it is. */
#ifndef EVR_PERFDB_CSV_H
#define EVR_PERFDB_CSV_H

#include "base/buf.h"

typedef enum evr_csv_result {
    EVR_CSV_END,
    EVR_CSV_ROW,
    EVR_CSV_MALFORMED, /* `raw` and `line` are set, and `problem` says what is wrong */
    EVR_CSV_NOMEM,
} evr_csv_result;

typedef struct evr_csv_field {
    size_t start, end; /* in the text, or in `unescaped` */
    size_t raw_end;    /* in the text, with its quotes */
    bool copied;
} evr_csv_field;

typedef struct evr_csv {
    evr_context *ctx;
    evr_str text;        /* borrowed */
    size_t width;        /* fields a row must have; 0 = any number */
    size_t at;           /* where the next row begins */
    uint64_t next_line;
    size_t single_until; /* no row may span lines before this offset */
    /* the current row */
    evr_str raw; /* without its line ending */
    uint64_t line;
    bool canonical; /* evr_csv_put() would write the same bytes */
    const char *problem;
    size_t count;
    evr_csv_field *fields;
    size_t field_cap;
    char *unescaped;
    size_t unescaped_cap;
} evr_csv;

/* A byte order mark at the start is skipped. */
void evr_csv_init(evr_csv *csv, evr_context *ctx, evr_str text);
void evr_csv_free(evr_csv *csv);

/* Reads the next row that is not empty. */
evr_csv_result evr_csv_next(evr_csv *csv);

/* Takes a row that evr_csv_next() has read before: where each of its `count` fields ended, as offsets in `raw`, gives the same values without
 * looking for them again. False when memory is out. */
bool evr_csv_reopen(evr_csv *csv, evr_str raw, const uint32_t *ends, size_t count);

/* Value of the field of a row that stands between these offsets of its text. False when the quotes in it ask for a copy: see evr_csv_reopen(). */
bool evr_csv_peek(evr_str raw, size_t start, size_t end, evr_str *out);

/* Value of a field, valid until the next row is read; empty beyond the last. */
static inline evr_str evr_csv_value(const evr_csv *csv, size_t index)
{
    if (index >= csv->count)
        return (evr_str){"", 0};
    const evr_csv_field *f = &csv->fields[index];
    return (evr_str){(f->copied ? csv->unescaped : csv->text.data) + f->start, f->end - f->start};
}

/* As evr_buf_add(), quicker for the short texts that fields are. */
static inline void evr_put(evr_buf *buf, const char *data, size_t len)
{
    if (len >= buf->cap || buf->len >= buf->cap - len || buf->failed) {
        evr_buf_add(buf, data, len);
        return;
    }
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = 0;
}

static inline void evr_put_char(evr_buf *buf, char c) { evr_put(buf, &c, 1); }

/* Appends a field; `first` tells that no comma goes before it. */
void evr_csv_put(evr_buf *buf, evr_str value, bool first);
void evr_csv_end_row(evr_buf *buf);

#endif
