/* A row for each result. A column that is not known is empty. */
#include "report/format.h"
#include "report/json.h"

#include <inttypes.h>

typedef enum kind { TEXT, COUNT, UID, TIME, NUMBER, SAMPLES, STATUS, REASON, FLAG, WARNINGS, CHECKS, WORKLOAD } kind;

static const struct {
    const char *name;
    size_t offset;
    kind kind; /* NUMBER and SAMPLES: of the statistics */
    uint32_t bit;
} columns[] = {
#define R(member, as) {#member, offsetof(evr_result, member), as, 0}
#define S(name, member, as) {name, offsetof(evr_statistics, member), as, 0}
    R(index, COUNT),
    R(uid, UID),
    R(key, TEXT),
    R(op, TEXT),
    R(overload, TEXT),
    R(arguments, TEXT),
    R(count, COUNT),
    R(status, STATUS),
    R(reason, REASON),
    R(detail, TEXT),
    R(device, TEXT),
    R(initializer, TEXT),
    {"isolated", offsetof(evr_result, flags), FLAG, EVR_RESULT_ISOLATED},
    {"retried", offsetof(evr_result, flags), FLAG, EVR_RESULT_RETRIED},
    R(warnings, WARNINGS),
    R(checks, CHECKS),
    R(tensor_bytes, COUNT),
    R(trace_kernel_ns, TIME),
    R(trace_cpu_ns, TIME),
    R(first_run_ns, TIME),
    S("samples", count, SAMPLES),
    S("median_ns", median, NUMBER),
    S("median_low_ns", median_low, NUMBER),
    S("median_high_ns", median_high, NUMBER),
    S("mad_ns", mad, NUMBER),
    S("iqr_ns", iqr, NUMBER),
    S("min_ns", min, NUMBER),
    S("max_ns", max, NUMBER),
    S("mean_ns", mean, NUMBER),
    S("std_ns", std, NUMBER),
    {"workload_ns", 0, WORKLOAD, 0},
    R(protocol, TEXT),
#undef R
#undef S
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static void put_number(evr_buf *buf, double value)
{
    evr_json_writer w;
    evr_json_init(&w, buf);
    evr_json_f64(&w, value);
}

/* Several texts in one cell. */
static void put_joined(evr_buf *buf, const evr_result *r, kind which)
{
    evr_buf all;
    evr_buf_init(&all, buf->ctx);
    for (size_t i = 0; which == WARNINGS && i < r->warning_count; i++) {
        evr_buf_c(&all, i ? "; " : "");
        evr_buf_str(&all, r->warnings[i]);
    }
    for (size_t i = 0; which == CHECKS && i < r->check_count; i++) {
        evr_buf_c(&all, i ? "; " : "");
        evr_buf_str(&all, r->checks[i].name);
        evr_buf_printf(&all, "=%s", evr_verdict_name(r->checks[i].verdict));
    }
    buf->failed |= all.failed;
    evr_put_csv(buf, evr_buf_view(&all));
    evr_buf_free(&all);
}

static void put_cell(evr_buf *buf, const evr_result *r, size_t column)
{
    kind as = columns[column].kind;
    const void *of = as == NUMBER || as == SAMPLES ? (const void *)r->statistics : r;
    const void *at = of ? (const char *)of + columns[column].offset : NULL;
    if (!at)
        return;
    switch (as) {
    case TEXT: evr_put_csv(buf, *(const evr_str *)at); return;
    case COUNT:
    case SAMPLES: evr_buf_printf(buf, "%" PRIu64, *(const uint64_t *)at); return;
    case UID:
        if (*(const uint64_t *)at != EVR_NO_UID)
            evr_buf_printf(buf, "%" PRIu64, *(const uint64_t *)at);
        return;
    case TIME:
        if (*(const double *)at >= 0)
            put_number(buf, *(const double *)at);
        return;
    case NUMBER: put_number(buf, *(const double *)at); return;
    case STATUS: evr_buf_c(buf, evr_outcome_name(*(const int32_t *)at)); return;
    case REASON: evr_buf_c(buf, evr_reason_name(*(const int32_t *)at)); return;
    case FLAG: evr_buf_c(buf, *(const uint32_t *)at & columns[column].bit ? "1" : "0"); return;
    case WARNINGS:
    case CHECKS: put_joined(buf, r, as); return;
    case WORKLOAD:
        if (evr_result_time(r) >= 0)
            put_number(buf, evr_result_time(r) * (double)r->count);
        return;
    }
}

void evr_results_csv(evr_buf *buf, const evr_results *results)
{
    for (size_t c = 0; c < COLUMNS; c++)
        evr_buf_printf(buf, "%s%s", c ? "," : "", columns[c].name);
    evr_buf_char(buf, '\n');
    for (size_t i = 0; i < results->count; i++)
        for (size_t c = 0; c < COLUMNS; c++) {
            put_cell(buf, &results->items[i], c);
            evr_buf_char(buf, c + 1 < COLUMNS ? ',' : '\n');
        }
}
