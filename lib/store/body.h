/* Results as the tables keep them. What many have in common, a form, is there once: a whole result as JSON in which marks stand for what the columns of a sample say. A sample keeps
 * the values in which it differs from its form, as pieces one after the other:
 *
 *     how many values are as in the form, how long the value is and how it is kept (one number: length * 4 + way), the value
 *
 * Numbers are kept with two of their characters in a byte (way 1), so are lists of them, without their brackets (way 3); all else as it is (way 0). Lengths and counts have seven bits in a byte, the lowest first, and the eighth where more
 * follow. What is kept so gives the same bytes again, which is tried before it is kept; a result of which that is not true is kept as it stands. */
#ifndef EVR_STORE_BODY_H
#define EVR_STORE_BODY_H

#include "base/buf.h"
#include "base/str.h"

/* What the columns say of a sample, as it stands in the JSON. */
enum { EVR_BODY_COLUMNS = 8 };
typedef struct evr_body_columns {
    evr_buf text;
    evr_str values[EVR_BODY_COLUMNS]; /* in `text` */
} evr_body_columns;

void evr_body_columns_init(evr_body_columns *columns, evr_context *ctx);
void evr_body_columns_free(evr_body_columns *columns);

/* False when memory is out. */
bool evr_body_columns_set(evr_body_columns *columns, const evr_str texts[5], const double times[3]);

/* The form of a result: `form` in whole, `shape` what all results of that form share. False when it is not JSON as the library writes it, or memory is out (then the buffers say so). */
bool evr_body_form(evr_str body, const evr_body_columns *columns, evr_buf *form, evr_buf *shape);

/* What a result has beside its form; with nothing, it is its form. False when they do not belong together. */
bool evr_body_pack(evr_str body, evr_str form, const evr_body_columns *columns, evr_buf *rest);

/* The result again. False when that gives none: the tables are damaged; or when memory is out. */
bool evr_body_unpack(evr_str form, evr_str rest, const evr_body_columns *columns, evr_buf *body);

#endif
