#include "result_line.h"

#include "output.h"

#include <inttypes.h>

/* printf() pads by bytes, and the µ of µs has two. */
static int columns_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void pad(FILE *to, const char *text, int width)
{
    fprintf(to, "%*s", width - columns_of(text) > 0 ? width - columns_of(text) : 0, "");
}

static void time_column(FILE *to, double ns, bool known)
{
    char text[32] = "-";
    if (known)
        output_time((int64_t)(ns + 0.5), text);
    pad(to, text, 12);
    fputs(text, to);
}

/* The median and what it is worth; of a record that is not timed, its first run. */
static void print_time(FILE *to, const evr_result *r)
{
    char low[32], high[32], interval[80];
    const evr_statistics *s = r->status == EVR_STATUS_OK ? r->statistics : NULL;
    time_column(to, s ? s->median : r->first_run_ns, r->status == EVR_STATUS_OK);
    if (!s)
        return;
    snprintf(interval, sizeof interval, "[%s, %s]", output_time((int64_t)(s->median_low + 0.5), low), output_time((int64_t)(s->median_high + 0.5), high));
    fprintf(to, "  %s", interval);
    pad(to, interval, 24);
    if (r->trace_kernel_ns > 0)
        fprintf(to, "  %.2f of the trace", s->median / r->trace_kernel_ns);
    if (r->visit_count > 1)
        fprintf(to, "  of %zu visits", r->visit_count);
    if (s->flags & EVR_STATISTICS_DRIFT)
        fputs("  drifts", to);
    if (s->flags & EVR_STATISTICS_BIMODAL)
        fputs("  two speeds", to);
}

void result_line(FILE *to, const evr_result *r)
{
    char uid[24] = "-";
    if (r->uid != EVR_NO_UID)
        snprintf(uid, sizeof uid, "%" PRIu64, r->uid);
    fprintf(to, "%8s  %-7s ", uid, evr_outcome_name(r->status));
    print_time(to, r);
    fprintf(to, "  %.*s%s%.*s", EVR_STR_ARG(r->op), r->overload.len ? "." : "", EVR_STR_ARG(r->overload));
    if (r->status == EVR_STATUS_OK)
        fprintf(to, "(%.*s)\n", EVR_STR_ARG(r->arguments));
    else
        fprintf(to, "  %s: %.*s\n", evr_reason_name(r->reason), EVR_STR_ARG(r->detail));
    for (size_t i = 0; i < r->check_count; i++)
        if (r->checks[i].verdict != EVR_VERDICT_GOOD)
            fprintf(to, "%31s check %.*s%s: %.*s\n", "", EVR_STR_ARG(r->checks[i].name), r->checks[i].verdict == EVR_VERDICT_SKIPPED ? " skipped" : "",
                    EVR_STR_ARG(r->checks[i].detail));
    for (size_t i = 0; i < r->warning_count; i++)
        fprintf(to, "%31s warning: %.*s\n", "", EVR_STR_ARG(r->warnings[i]));
}
