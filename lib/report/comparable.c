/* What can be said of a pair before its times are looked at. */
#include "report/compare.h"

#include "measure/protocol.h"
#include "report/summary.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { ENOUGH = 5 }; /* samples: fewer do not tell noise */

evr_status evr_change_note(evr_comparison *c, evr_change *row, evr_error **err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    while (len && n >= (int)sizeof text && (text[len] & 0xC0) == 0x80) /* not in the middle of a character */
        text[--len] = 0;
    size_t before = row->detail.len;
    char *whole = evr_arena_alloc(&c->arena, before + len + 3);
    if (!whole)
        return evr_fail_nomem(err);
    memcpy(whole, row->detail.data, before);
    memcpy(whole + before, "; ", 2);
    evr_str_copy(whole + before + (before ? 2 : 0), (evr_str){text, len});
    row->detail = (evr_str){whole, before + (before ? 2 : 0) + len};
    return EVR_OK;
}

/* "failed: timeout: no answer" */
static evr_status say_outcome(evr_comparison *c, evr_change *row, const char *before, const evr_result *r, const char *after, evr_error **err)
{
    const char *reason = evr_reason_name(r->reason);
    return evr_change_note(c, row, err, "%s%s%s%s%s%.*s%s", before, evr_outcome_name(r->status), reason[0] ? ": " : "", reason, r->detail.len ? ": " : "",
                           (int)(r->detail.len < 300 ? r->detail.len : 300), r->detail.data, after);
}

/* Takes the message of an error as the reason why times do not compare. Lack of memory stays an error. */
static evr_status explain(evr_comparison *c, evr_change *row, evr_status status, evr_error *why, evr_error **err)
{
    if (status == EVR_E_NOMEM || evr_error_code(why) == EVR_E_NOMEM) {
        evr_error_free(why);
        return evr_fail_nomem(err);
    }
    row->change = EVR_CHANGE_UNKNOWN;
    status = evr_change_note(c, row, err, "%s", evr_error_message(why));
    evr_error_free(why);
    return status;
}

static evr_status compare_protocols(evr_comparison *c, evr_change *row, evr_error **err)
{
    evr_str a = row->base->protocol, b = row->newer->protocol;
    evr_protocol x = {EVR_INIT(evr_protocol)}, y = {EVR_INIT(evr_protocol)};
    evr_error *why = NULL;
    if (evr_str_eq(a, b))
        return EVR_OK;
    if (!a.len || !b.len) {
        row->change = EVR_CHANGE_UNKNOWN;
        return evr_change_note(c, row, err, "the protocol of the %s is not known", a.len ? "newer" : "base");
    }
    evr_status status = evr_protocol_parse(c->ctx, a, &x, &why);
    if (status == EVR_OK)
        status = evr_protocol_parse(c->ctx, b, &y, &why);
    if (status == EVR_OK)
        status = evr_protocol_same(c->ctx, &x, &y, &why);
    return status == EVR_OK ? EVR_OK : explain(c, row, status, why, err);
}

static evr_status compare_conditions(evr_comparison *c, evr_change *row, evr_error **err)
{
    const evr_conditions *a = row->base->conditions, *b = row->newer->conditions;
    if (!a || !b || row->change == EVR_CHANGE_UNKNOWN)
        return EVR_OK;
    if (a->launch != b->launch) {
        row->change = EVR_CHANGE_UNKNOWN;
        return evr_change_note(c, row, err, "times taken with launch %s and launch %s do not compare: name the launch in the protocol", evr_launch_name(a->launch),
                               evr_launch_name(b->launch));
    }
    if (a->gate != b->gate) {
        row->change = EVR_CHANGE_UNKNOWN;
        return evr_change_note(c, row, err, "times taken with gate %s and gate %s do not compare: measure with gate=off", evr_gate_name(a->gate), evr_gate_name(b->gate));
    }
    return EVR_OK;
}

static bool is_timed(const evr_result *r) { return evr_result_time(r) >= 0; }

static size_t samples_of(const evr_result *r) { return r->sample_count ? r->sample_count : (size_t)r->statistics->count; }

static evr_status compare_timed(evr_comparison *c, evr_change *row, bool *timed, evr_error **err)
{
    const evr_result *a = row->base, *b = row->newer;
    row->change = EVR_CHANGE_UNKNOWN;
    if (!is_timed(a) || !is_timed(b))
        return evr_change_note(c, row, err, "not timed in %s", is_timed(a) ? "the newer" : is_timed(b) ? "the base" : "either");
    if (!(a->statistics->median > 0) || !(b->statistics->median > 0))
        return evr_change_note(c, row, err, "the median is 0 in %s: the clock is too coarse for it", a->statistics->median > 0 ? "the newer" : "the base");
    size_t few = samples_of(a) < samples_of(b) ? samples_of(a) : samples_of(b);
    if (few < ENOUGH)
        return evr_change_note(c, row, err, "%zu samples tell no noise: take at least %d", few, ENOUGH);
    row->change = EVR_CHANGE_NONE;
    EVR_TRY(compare_protocols(c, row, err));
    EVR_TRY(compare_conditions(c, row, err));
    *timed = row->change == EVR_CHANGE_NONE;
    return EVR_OK;
}

evr_status evr_compare_outcomes(evr_comparison *c, evr_change *row, bool *timed, evr_error **err)
{
    const evr_result *a = row->base, *b = row->newer;
    bool ran = a->status == EVR_STATUS_OK, runs = b->status == EVR_STATUS_OK;
    *timed = false;
    if (ran && runs)
        return compare_timed(c, row, timed, err);
    if (ran) {
        row->change = EVR_CHANGE_REGRESSION;
        return say_outcome(c, row, "ran before, now ", b, "", err);
    }
    if (runs) {
        row->change = EVR_CHANGE_IMPROVEMENT;
        return say_outcome(c, row, "runs now, before ", a, "", err);
    }
    row->change = EVR_CHANGE_UNKNOWN;
    EVR_TRY(say_outcome(c, row, "ran in neither: before ", a, "", err));
    return say_outcome(c, row, "now ", b, "", err);
}
