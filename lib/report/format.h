/* What reports are written with: numbers that do not depend on the host program's locale, and texts of strangers made harmless for where they go. */
#ifndef EVR_REPORT_FORMAT_H
#define EVR_REPORT_FORMAT_H

#include "report/results.h"
#include "report/summary.h"

/* With that many digits behind the point. */
void evr_put_fixed(evr_buf *buf, double value, int decimals);
/* "12.34 µs": four digits and a unit; "-" when negative. */
void evr_put_time(evr_buf *buf, double ns);
/* "1.20 %" of a part; with `sign`, "+1.20 %". */
void evr_put_percent(evr_buf *buf, double part, int decimals, bool sign);
/* "12,345" */
void evr_put_count(evr_buf *buf, uint64_t value);
/* "2023-11-14 22:13:20 UTC" */
void evr_put_date(evr_buf *buf, int64_t seconds);

/* For text and attributes of HTML and XML; what XML cannot hold becomes U+FFFD. */
void evr_put_markup(evr_buf *buf, evr_str text);
/* For a cell of a Markdown table, shown as it is. */
void evr_put_markdown(evr_buf *buf, evr_str text);
/* For a terminal: on one line, and nothing that the terminal would obey. */
void evr_put_terminal(evr_buf *buf, evr_str text);
/* For a cell of CSV: quoted where needed; what a spreadsheet would compute gets an apostrophe before it. */
void evr_put_csv(evr_buf *buf, evr_str text);

typedef void (*evr_put_fn)(evr_buf *buf, evr_str text);

/* "aten::add.Tensor", through `put`. */
void evr_put_op(evr_buf *buf, const evr_result *r, evr_put_fn put);

#endif
