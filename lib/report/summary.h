/* What a list of results comes to. */
#ifndef EVR_REPORT_SUMMARY_H
#define EVR_REPORT_SUMMARY_H

#include "report/results.h"

typedef struct evr_report_summary {
    uint64_t total, attempted, ok, failed, skipped;
    uint64_t calls;  /* of all results in the workload */
    uint64_t timed;  /* results with a time */
    uint64_t traced; /* of these, those with a time in the trace too */
    double replay_ns;       /* medians, each times its calls */
    double replay_traced_ns; /* of those that have a time in the trace */
    double trace_ns;        /* the same from the trace, of those that are timed */
    double trace_all_ns;    /* of all results */
} evr_report_summary;

evr_report_summary evr_report_summarize(const evr_results *results);

/* Median of one call; negative when it was not timed. */
double evr_result_time(const evr_result *r);
/* Of one call in the trace: on the device, or on the CPU when it ran there; negative when not known. */
double evr_result_trace_time(const evr_result *r);

/* Most reasons there can be, by number. */
enum { EVR_REPORT_REASONS = EVR_REASON_NEEDS_RANKS + 1000 };
/* How many results have each reason. */
void evr_report_reasons(const evr_results *results, size_t counts[EVR_REPORT_REASONS]);

#endif
