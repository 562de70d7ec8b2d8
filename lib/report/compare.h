/* Two lists of results side by side. */
#ifndef EVR_REPORT_COMPARE_H
#define EVR_REPORT_COMPARE_H

#include "report/judge.h"
#include "report/results.h"

struct evr_comparison {
    evr_context *ctx;
    evr_arena arena; /* of what the two lists do not hold themselves */
    const evr_results *base, *newer;
    double threshold, error_rate;
    uint64_t seed;
    evr_change *rows;
    size_t count, cap;
    evr_compare_summary summary;
    evr_judgement common;
};

/* match.c: all results of a list by what they call, each once, in order of that. Those that call the same are one: calls and samples together, and the
 * worst status. `*out` is the arena's. */
typedef struct evr_entry {
    const evr_result *result;
    size_t first; /* place in the list of the first of them */
} evr_entry;
evr_status evr_match_entries(evr_comparison *c, const evr_results *results, const evr_entry **out, size_t *count, evr_error **err);
/* Order of two results by what they call; 0 = the same. */
int evr_match_order(const evr_result *a, const evr_result *b);

/* comparable.c: whether something can be said of a pair, and what without times. When it takes times, the change is EVR_CHANGE_NONE and *timed is true. */
evr_status evr_compare_outcomes(evr_comparison *c, evr_change *row, bool *timed, evr_error **err);

/* Appends to the detail of a row. */
evr_status evr_change_note(evr_comparison *c, evr_change *row, evr_error **err, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Names by EVR_CHANGE_...: "regression". */
const char *evr_change_name(int32_t change);

/* Calls of a row in the workload: those of the base, or of the newer where there is no base. */
double evr_change_calls(const evr_change *row);

/* One writer for each form, as for results. */
typedef void (*evr_comparison_writer)(evr_buf *buf, const evr_comparison *c);
void evr_comparison_json(evr_buf *buf, const evr_comparison *c);
void evr_comparison_csv(evr_buf *buf, const evr_comparison *c);
void evr_comparison_markdown(evr_buf *buf, const evr_comparison *c);
void evr_comparison_junit(evr_buf *buf, const evr_comparison *c);
void evr_comparison_html(evr_buf *buf, const evr_comparison *c);
void evr_comparison_text(evr_buf *buf, const evr_comparison *c);

#endif
