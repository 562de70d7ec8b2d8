/* A list of results and how it is made. Everything in a list lives in its one arena. */
#ifndef EVR_REPORT_RESULTS_H
#define EVR_REPORT_RESULTS_H

#include <evreplay/report.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json_write.h"

struct evr_results {
    evr_context *ctx;
    evr_arena arena;
    evr_results_info info;
    evr_result *items;
    size_t count, cap;
};

/* Most results of a list: what reads or counts them need not fear for overflow. */
enum { EVR_RESULTS_MOST = 1 << 24 };

/* A result with nothing in it: every text empty, every time not known. */
evr_result evr_result_none(void);

/* Takes what the list's arena holds already to the end of the list. */
evr_status evr_results_append(evr_results *results, const evr_result *result, evr_error **err);

/* json.c: one result as an object. */
void evr_result_write_json(evr_json_writer *w, const evr_result *r);

/* Moves the text of a writer to the caller's allocator, and frees the buffer. */
evr_status evr_report_hand_out(evr_buf *buf, char **out, size_t *size, evr_error **err);

/* One writer for each form. They say failure by buf->failed. */
typedef void (*evr_results_writer)(evr_buf *buf, const evr_results *results);
void evr_results_json(evr_buf *buf, const evr_results *results);
void evr_results_csv(evr_buf *buf, const evr_results *results);
void evr_results_markdown(evr_buf *buf, const evr_results *results);
void evr_results_junit(evr_buf *buf, const evr_results *results);
void evr_results_html(evr_buf *buf, const evr_results *results);
void evr_results_text(evr_buf *buf, const evr_results *results);

#endif
