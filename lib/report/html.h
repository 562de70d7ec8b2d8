/* Pages that need nothing else: no network, no other file, and only their own script. */
#ifndef EVR_REPORT_HTML_H
#define EVR_REPORT_HTML_H

#include "report/format.h"

/* From the doctype to the opened main part, with a heading; and what closes it. */
void evr_html_begin(evr_buf *buf, const char *title, evr_str subject);
void evr_html_end(evr_buf *buf);

/* A number with a name below it; `tone` is "", "good" or "bad". */
void evr_html_tile_open(evr_buf *buf, const char *tone);
void evr_html_tile_close(evr_buf *buf, const char *name);

/* A column of a table that can be sorted: by number ("n"), by text ("t"), or not (""). */
typedef struct evr_html_column {
    const char *name;
    const char *sort;
} evr_html_column;

/* The controls above a table, its head, and the opened body. `choices` are the values of the rows' data-k, separated by spaces. */
void evr_html_table_open(evr_buf *buf, const evr_html_column *columns, size_t count, const char *choices);
void evr_html_table_close(evr_buf *buf);

/* A cell with a time or a number, with the value it is sorted by; empty when negative. */
void evr_html_time_cell(evr_buf *buf, double ns);
void evr_html_count_cell(evr_buf *buf, uint64_t value);

/* "<dt>name</dt><dd>text</dd>", nothing when the text is empty. */
void evr_html_fact(evr_buf *buf, const char *name, evr_str text);

/* html_plot.c: the distribution of a result's time; where replays stand against the trace; times as parts of a whole. */
void evr_html_distribution(evr_buf *buf, const evr_result *r);
void evr_html_scatter(evr_buf *buf, const evr_results *results);
void evr_html_shares(evr_buf *buf, const evr_results *results);

#endif
