/* Results as JSON: one table says of every field what it is called, where it is and how it is written and read. docs/results.schema.json describes it. */
#include "report/json.h"

#include "measure/columns.h"
#include "measure/protocol.h"

#include <math.h>

enum { VERSION = 1, REASONS = EVR_REPORT_REASONS, LAUNCHES = 4, GATES = 3 };

static const char document[] = "evreplay-results";

typedef enum kind {
    TEXT,
    WHOLE,   /* uint64_t */
    SIGNED,  /* int64_t */
    UID,     /* uint64_t; null = none */
    TIME,    /* nanoseconds; null = not known */
    SECONDS, /* double */
    STATUS,
    REASON,
    ADVICE, /* written only: it follows from the reason */
    FLAG,
    WARNINGS,
    CHECKS,
    STATISTICS,
    CONDITIONS,
    SAMPLES,
    RANKS,
    VISIT,
    VISITS,
} kind;

typedef struct field {
    const char *name;
    size_t offset;
    kind kind;
    uint32_t bit; /* FLAG */
} field;

#define R(member, as) {#member, offsetof(evr_result, member), as, 0}
#define I(member, as) {#member, offsetof(evr_results_info, member), as, 0}

static const field result_fields[] = {
    R(index, WHOLE),
    R(uid, UID),
    R(key, TEXT),
    R(op, TEXT),
    R(overload, TEXT),
    R(arguments, TEXT),
    R(count, WHOLE),
    R(status, STATUS),
    R(reason, REASON),
    R(detail, TEXT),
    {"advice", offsetof(evr_result, reason), ADVICE, 0},
    R(device, TEXT),
    R(initializer, TEXT),
    {"isolated", offsetof(evr_result, flags), FLAG, EVR_RESULT_ISOLATED},
    {"retried", offsetof(evr_result, flags), FLAG, EVR_RESULT_RETRIED},
    R(warnings, WARNINGS),
    R(checks, CHECKS),
    R(tensor_bytes, WHOLE),
    R(trace_kernel_ns, TIME),
    R(trace_cpu_ns, TIME),
    R(first_run_ns, TIME),
    R(protocol, TEXT),
    R(statistics, STATISTICS),
    R(conditions, CONDITIONS),
    R(samples, SAMPLES),
    R(ranks, RANKS), /* with the slowest; these three are written only where there are some */
    R(visit, VISIT),
    R(visits, VISITS),
};

static const field info_fields[] = {
    I(runtime, TEXT),   I(device, TEXT), I(device_name, TEXT),  I(driver, TEXT),
    I(input, TEXT),     I(seed, WHOLE),  I(started_s, SIGNED),  I(wall_s, SECONDS),
    {"interrupted", offsetof(evr_results_info, flags), FLAG, EVR_RESULTS_INTERRUPTED},
};

enum { RESULT_FIELDS = sizeof result_fields / sizeof *result_fields, INFO_FIELDS = sizeof info_fields / sizeof *info_fields };

static const char *const verdicts[] = {"good", "bad", "skipped"}; /* by EVR_VERDICT_... */

const char *evr_verdict_name(int32_t verdict) { return verdict >= 0 && verdict <= EVR_VERDICT_SKIPPED ? verdicts[verdict] : "?"; }

/* Writing. */

static void write_warnings(evr_json_writer *w, const evr_result *r)
{
    evr_json_open(w, '[');
    for (size_t i = 0; i < r->warning_count; i++)
        evr_json_str(w, r->warnings[i]);
    evr_json_close(w, ']');
}

static void write_checks(evr_json_writer *w, const evr_result *r)
{
    evr_json_open(w, '[');
    for (size_t i = 0; i < r->check_count; i++) {
        evr_json_open(w, '{');
        evr_json_key(w, "name");
        evr_json_str(w, r->checks[i].name);
        evr_json_key(w, "verdict");
        evr_json_str(w, evr_str_c(evr_verdict_name(r->checks[i].verdict)));
        evr_json_key(w, "detail");
        evr_json_str(w, r->checks[i].detail);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
}

static void write_numbers(evr_json_writer *w, const double *numbers, size_t count)
{
    if (!count) {
        evr_json_null(w);
        return;
    }
    evr_json_open(w, '[');
    for (size_t i = 0; i < count; i++)
        evr_json_f64(w, numbers[i]);
    evr_json_close(w, ']');
}

static void write_time(evr_json_writer *w, double ns)
{
    if (!(ns >= 0 && isfinite(ns)))
        evr_json_null(w);
    else
        evr_json_f64(w, ns);
}

static void write_ranks(evr_json_writer *w, const evr_result *r)
{
    evr_json_open(w, '{');
    evr_json_key(w, "slowest");
    if (r->slowest_rank >= 0)
        evr_json_i64(w, r->slowest_rank);
    else
        evr_json_null(w);
    evr_json_key(w, "each");
    evr_json_open(w, '[');
    for (size_t i = 0; i < r->rank_count; i++) {
        const evr_rank_result *rank = &r->ranks[i];
        evr_json_open(w, '{');
        evr_json_key(w, "rank");
        evr_json_i64(w, rank->rank);
        evr_json_key(w, "status");
        evr_json_str(w, evr_str_c(evr_outcome_name(rank->status)));
        evr_json_key(w, "reason");
        evr_json_str(w, evr_str_c(evr_reason_name(rank->reason)));
        evr_json_key(w, "median_ns");
        write_time(w, rank->median_ns);
        evr_json_key(w, "first_run_ns");
        write_time(w, rank->first_run_ns);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
    evr_json_close(w, '}');
}

static void write_field(evr_json_writer *w, const field *f, const void *of)
{
    const void *at = (const char *)of + f->offset;
    evr_json_key(w, f->name);
    switch (f->kind) {
    case TEXT: evr_json_str(w, *(const evr_str *)at); return;
    case WHOLE: evr_json_u64(w, *(const uint64_t *)at); return;
    case SIGNED: evr_json_i64(w, *(const int64_t *)at); return;
    case TIME: write_time(w, *(const double *)at); return;
    case SECONDS: evr_json_f64(w, *(const double *)at); return;
    case STATUS: evr_json_str(w, evr_str_c(evr_outcome_name(*(const int32_t *)at))); return;
    case REASON: evr_json_str(w, evr_str_c(evr_reason_name(*(const int32_t *)at))); return;
    case ADVICE: evr_json_str(w, evr_str_c(evr_reason_advice(*(const int32_t *)at))); return;
    case FLAG: evr_json_bool(w, (*(const uint32_t *)at & f->bit) != 0); return;
    case WARNINGS: write_warnings(w, of); return;
    case CHECKS: write_checks(w, of); return;
    case SAMPLES: write_numbers(w, ((const evr_result *)of)->samples, ((const evr_result *)of)->sample_count); return;
    case RANKS: write_ranks(w, of); return;
    case VISIT: evr_json_i64(w, *(const int32_t *)at); return;
    case VISITS: write_numbers(w, ((const evr_result *)of)->visits, ((const evr_result *)of)->visit_count); return;
    case UID:
        if (*(const uint64_t *)at != EVR_NO_UID)
            evr_json_u64(w, *(const uint64_t *)at);
        else
            evr_json_null(w);
        return;
    case STATISTICS:
        if (*(const evr_statistics *const *)at)
            evr_statistics_write(w, *(const evr_statistics *const *)at);
        else
            evr_json_null(w);
        return;
    case CONDITIONS:
        if (*(const evr_conditions *const *)at)
            evr_conditions_write(w, *(const evr_conditions *const *)at);
        else
            evr_json_null(w);
        return;
    }
}

/* Most results are of one rank and one visit. */
static bool is_there(const field *f, const evr_result *r)
{
    return f->kind == RANKS ? r->rank_count != 0 : f->kind == VISIT ? r->visit != 0 : f->kind != VISITS || r->visit_count;
}

void evr_result_write_json(evr_json_writer *w, const evr_result *r)
{
    evr_json_open(w, '{');
    for (size_t i = 0; i < RESULT_FIELDS; i++)
        if (is_there(&result_fields[i], r))
            write_field(w, &result_fields[i], r);
    evr_json_close(w, '}');
}

static void write_summary(evr_json_writer *w, const evr_results *results)
{
    const evr_report_summary s = evr_report_summarize(results);
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"total", s.total}, {"attempted", s.attempted}, {"ok", s.ok}, {"failed", s.failed}, {"skipped", s.skipped},
                  {"timed", s.timed}, {"calls", s.calls}};
    evr_json_key(w, "summary");
    evr_json_open(w, '{');
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        evr_json_key(w, counts[i].name);
        evr_json_u64(w, counts[i].value);
    }
    evr_json_key(w, "workload_ns");
    write_time(w, s.timed ? s.replay_ns : -1);
    evr_json_key(w, "trace_ns");
    write_time(w, s.traced ? s.trace_ns : -1);
    evr_json_close(w, '}');
}

/* A line for each result, so that line tools work. */
void evr_results_json(evr_buf *buf, const evr_results *results)
{
    evr_json_writer w;
    evr_json_init(&w, buf);
    evr_json_open(&w, '{');
    evr_json_key(&w, "document");
    evr_json_str(&w, evr_str_c(document));
    evr_json_key(&w, "version");
    evr_json_i64(&w, VERSION);
    evr_json_key(&w, "library");
    evr_json_str(&w, evr_str_c(evr_version_string()));
    for (size_t i = 0; i < INFO_FIELDS; i++)
        write_field(&w, &info_fields[i], &results->info);
    write_summary(&w, results);
    evr_json_key(&w, "results");
    evr_buf_char(buf, '[');
    for (size_t i = 0; i < results->count; i++) {
        evr_json_writer line;
        evr_buf_c(buf, i ? ",\n" : "\n");
        evr_json_init(&line, buf);
        evr_result_write_json(&line, &results->items[i]);
    }
    evr_buf_c(buf, "\n]}\n");
}

evr_status evr_result_write(evr_context *ctx, const evr_result *result, char **out, size_t *size, evr_error **err)
{
    evr_results *one = NULL;
    evr_json_writer w;
    evr_buf buf;
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !result || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_result_write: a context, a result and `out` are needed");
    evr_status status = evr_results_new(ctx, NULL, &one, err);
    if (status == EVR_OK && (status = evr_results_add(one, result, err)) == EVR_OK) {
        evr_buf_init(&buf, ctx);
        evr_json_init(&w, &buf);
        evr_result_write_json(&w, &one->items[0]);
        status = evr_report_hand_out(&buf, out, size, err);
    }
    evr_results_free(one);
    return status;
}

/* Reading. Problems go to the cursor. What is read lies in a scratch arena until evr_results_add() has checked and copied it. */

static evr_str read_text(evr_arena *arena, evr_json *j)
{
    evr_str raw = evr_json_peek(j) == '"' ? evr_json_raw_value(j) : (evr_str){"", 0};
    if (raw.len < 2) {
        evr_json_fail(j, "a string was expected");
        return (evr_str){"", 0};
    }
    raw = (evr_str){raw.data + 1, raw.len - 2};
    if (!memchr(raw.data, '\\', raw.len))
        return raw;
    char *text = evr_arena_alloc(arena, raw.len);
    if (!text) {
        evr_json_fail(j, evr_json_no_memory);
        return (evr_str){"", 0};
    }
    return (evr_str){text, evr_json_unescape(raw, text)};
}

static uint64_t read_whole(evr_json *j)
{
    evr_json at = *j;
    evr_str raw = evr_json_raw_value(j);
    uint64_t value = 0;
    bool good = raw.len > 0 && raw.len <= 20;
    for (size_t i = 0; good && i < raw.len; i++) {
        unsigned digit = (unsigned)(unsigned char)raw.data[i] - '0';
        good = digit <= 9 && !__builtin_mul_overflow(value, 10, &value) && !__builtin_add_overflow(value, digit, &value);
    }
    if (!good)
        evr_json_fail_at(j, &at, "a whole number that is not negative was expected");
    return good ? value : 0;
}

static double read_number(evr_json *j)
{
    evr_json at = *j;
    double value = 0;
    if (!evr_json_to_f64(evr_json_raw_value(j), &value) || !isfinite(value)) {
        evr_json_fail_at(j, &at, "a finite number was expected");
        return 0;
    }
    return value;
}

static bool read_bool(evr_json *j)
{
    evr_json at = *j;
    evr_str raw = evr_json_raw_value(j);
    bool yes = evr_str_is(raw, "true");
    if (!yes && !evr_str_is(raw, "false"))
        evr_json_fail_at(j, &at, "true or false was expected");
    return yes;
}

/* The number of a name, from `first` on. Where that is 1, the empty text is 0; without a problem to tell so is any other. */
static int32_t read_name(evr_arena *arena, evr_json *j, const char *(*name_of)(int32_t), int32_t first, int32_t count, const char *problem)
{
    evr_json at = *j;
    evr_str text = read_text(arena, j);
    for (int32_t i = first; i < first + count; i++)
        if (text.len && evr_str_is(text, name_of(i)))
            return i;
    if (problem && (text.len || first == 0))
        evr_json_fail_at(j, &at, problem);
    return 0;
}

/* Items of the array at the cursor, which is entered; room of `size` for each. NULL on a problem. */
static void *read_items(evr_arena *arena, evr_json *j, size_t size, size_t *count)
{
    evr_json ahead = *j;
    size_t n = 0;
    bool first = true;
    evr_json_enter(&ahead, '[');
    for (; evr_json_next_item(&ahead, &first); n++)
        evr_json_skip(&ahead);
    *count = 0;
    if (ahead.problem) {
        *j = ahead;
        return NULL;
    }
    void *items = n > SIZE_MAX / 2 / size ? NULL : evr_arena_alloc_zeroed(arena, n * size);
    if (!items) {
        evr_json_fail(j, evr_json_no_memory);
        return NULL;
    }
    *count = n;
    evr_json_enter(j, '[');
    return items;
}

static void read_warnings(evr_arena *arena, evr_json *j, evr_result *r)
{
    bool first = true;
    evr_str *items = read_items(arena, j, sizeof *items, &r->warning_count);
    for (size_t i = 0; items && evr_json_next_item(j, &first); i++)
        items[i] = read_text(arena, j);
    r->warnings = items;
}

static void read_check(evr_arena *arena, evr_json *j, evr_check *check)
{
    bool first = true;
    evr_str key;
    evr_json start = *j;
    *check = (evr_check){.struct_size = EVR_INIT(evr_check), .name = {"", 0}, .detail = {"", 0}};
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "name"))
            check->name = read_text(arena, j);
        else if (evr_str_is(key, "detail"))
            check->detail = read_text(arena, j);
        else if (evr_str_is(key, "verdict"))
            check->verdict = read_name(arena, j, evr_verdict_name, 0, 3, "a verdict was expected: good, bad or skipped");
        else
            evr_json_skip(j);
    }
    if (!j->problem && !check->name.len)
        evr_json_fail_at(j, &start, "a check with a name was expected");
}

static void read_checks(evr_arena *arena, evr_json *j, evr_result *r)
{
    bool first = true;
    evr_check *items = read_items(arena, j, sizeof *items, &r->check_count);
    for (size_t i = 0; items && evr_json_next_item(j, &first); i++)
        read_check(arena, j, &items[i]);
    r->checks = items;
}

static const double *read_numbers(evr_arena *arena, evr_json *j, size_t *count)
{
    bool first = true;
    double *items = read_items(arena, j, sizeof *items, count);
    for (size_t i = 0; items && evr_json_next_item(j, &first); i++)
        items[i] = read_number(j);
    return items;
}

static void read_rank(evr_arena *arena, evr_json *j, evr_rank_result *rank)
{
    bool first = true;
    evr_str key;
    *rank = (evr_rank_result){.struct_size = EVR_INIT(evr_rank_result), .median_ns = -1, .first_run_ns = -1};
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_json_peek(j) == 'n')
            evr_json_skip(j);
        else if (evr_str_is(key, "rank"))
            rank->rank = (int32_t)(read_whole(j) & INT32_MAX);
        else if (evr_str_is(key, "status"))
            rank->status = read_name(arena, j, evr_outcome_name, 0, 3, "a status was expected: ok, skipped or failed");
        else if (evr_str_is(key, "reason"))
            rank->reason = read_name(arena, j, evr_reason_name, 1, REASONS, "a known reason was expected");
        else if (evr_str_is(key, "median_ns"))
            rank->median_ns = read_number(j);
        else if (evr_str_is(key, "first_run_ns"))
            rank->first_run_ns = read_number(j);
        else
            evr_json_skip(j);
    }
}

static void read_ranks(evr_arena *arena, evr_json *j, evr_result *r)
{
    bool first = true, item = true;
    evr_str key;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_json_peek(j) == 'n' || (!evr_str_is(key, "slowest") && !evr_str_is(key, "each"))) {
            evr_json_skip(j);
        } else if (evr_str_is(key, "slowest")) {
            r->slowest_rank = (int32_t)(read_whole(j) & INT32_MAX);
        } else {
            evr_rank_result *items = read_items(arena, j, sizeof *items, &r->rank_count);
            for (size_t i = 0; items && evr_json_next_item(j, &item); i++)
                read_rank(arena, j, &items[i]);
            r->ranks = items;
        }
    }
}

static void read_column(evr_json *j, const evr_column *c, void *of)
{
    void *at = (char *)of + c->offset;
    bool null = evr_json_peek(j) == 'n';
    if (null && (evr_json_skip(j), c->kind == EVR_COLUMN_POSITIVE))
        *(double *)at = c->not_known;
    if (null)
        return;
    if (c->kind == EVR_COLUMN_FLAG)
        *(uint32_t *)at = read_bool(j) ? *(uint32_t *)at | c->bit : *(uint32_t *)at & ~c->bit;
    else if (c->kind == EVR_COLUMN_COUNT)
        *(uint64_t *)at = read_whole(j);
    else
        *(double *)at = read_number(j);
}

static bool read_columns(evr_json *j, evr_str key, const evr_columns *table, void *of)
{
    for (size_t i = 0; i < table->count; i++)
        if (evr_str_is(key, table->columns[i].name)) {
            read_column(j, &table->columns[i], of);
            return true;
        }
    return false;
}

static const evr_statistics *read_statistics(evr_arena *arena, evr_json *j)
{
    bool first = true;
    evr_str key;
    evr_statistics *s = evr_arena_alloc_zeroed(arena, sizeof *s);
    if (!s) {
        evr_json_fail(j, evr_json_no_memory);
        return NULL;
    }
    s->struct_size = EVR_INIT(evr_statistics);
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key))
        if (!read_columns(j, key, &evr_statistics_columns, s))
            evr_json_skip(j);
    return s;
}

static const evr_conditions *read_conditions(evr_arena *arena, evr_json *j)
{
    bool first = true;
    evr_str key;
    evr_conditions *c = evr_arena_alloc_zeroed(arena, sizeof *c);
    if (!c) {
        evr_json_fail(j, evr_json_no_memory);
        return NULL;
    }
    *c = (evr_conditions){.struct_size = EVR_INIT(evr_conditions), .precision = -1};
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "launch"))
            c->launch = read_name(arena, j, evr_launch_name, 1, LAUNCHES, NULL);
        else if (evr_str_is(key, "gate"))
            c->gate = read_name(arena, j, evr_gate_name, 1, GATES, NULL);
        else if (!read_columns(j, key, &evr_conditions_columns, c))
            evr_json_skip(j);
    }
    return c;
}

static int64_t read_signed(evr_json *j)
{
    evr_json at = *j;
    int64_t value = 0;
    if (!evr_json_to_i64(evr_json_raw_value(j), &value))
        evr_json_fail_at(j, &at, "a whole number was expected");
    return value;
}

static void read_field(evr_arena *arena, evr_json *j, const field *f, void *of)
{
    void *at = (char *)of + f->offset;
    switch (f->kind) {
    case TEXT: *(evr_str *)at = read_text(arena, j); return;
    case WHOLE:
    case UID: *(uint64_t *)at = read_whole(j); return;
    case SIGNED: *(int64_t *)at = read_signed(j); return;
    case TIME:
    case SECONDS: *(double *)at = read_number(j); return;
    case STATUS: *(int32_t *)at = read_name(arena, j, evr_outcome_name, 0, 3, "a status was expected: ok, skipped or failed"); return;
    case REASON: *(int32_t *)at = read_name(arena, j, evr_reason_name, 1, REASONS, "a known reason was expected"); return;
    case FLAG: *(uint32_t *)at = read_bool(j) ? *(uint32_t *)at | f->bit : *(uint32_t *)at & ~f->bit; return;
    case WARNINGS: read_warnings(arena, j, of); return;
    case CHECKS: read_checks(arena, j, of); return;
    case SAMPLES: ((evr_result *)of)->samples = read_numbers(arena, j, &((evr_result *)of)->sample_count); return;
    case RANKS: read_ranks(arena, j, of); return;
    case VISIT: *(int32_t *)at = (int32_t)(read_whole(j) & INT32_MAX); return;
    case VISITS: ((evr_result *)of)->visits = read_numbers(arena, j, &((evr_result *)of)->visit_count); return;
    case STATISTICS: *(const evr_statistics **)at = read_statistics(arena, j); return;
    case CONDITIONS: *(const evr_conditions **)at = read_conditions(arena, j); return;
    case ADVICE: evr_json_skip(j); return;
    }
}

/* The field of that name, or passes over what no field is called; null is the same as no field. */
static void read_named(evr_arena *arena, evr_json *j, evr_str key, const field *fields, size_t count, void *of)
{
    for (size_t i = 0; i < count && evr_json_peek(j) != 'n'; i++)
        if (evr_str_is(key, fields[i].name)) {
            read_field(arena, j, &fields[i], of);
            return;
        }
    evr_json_skip(j);
}

static evr_status read_result(evr_results *results, evr_json *j, evr_error **err)
{
    evr_arena scratch;
    evr_result r = evr_result_none();
    evr_json start = *j;
    evr_str key;
    bool first = true;
    r.status = -1;
    evr_arena_init(&scratch, results->ctx);
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key))
        read_named(&scratch, j, key, result_fields, RESULT_FIELDS, &r);
    if (!j->problem && (!r.op.len || r.status < 0))
        evr_json_fail_at(j, &start, "a result with an operator and a status was expected");
    evr_status status = evr_json_check(results->ctx, j, "results", err);
    if (status == EVR_OK)
        status = evr_results_add(results, &r, err);
    evr_arena_free(&scratch);
    return status;
}

static evr_status read_end(evr_context *ctx, evr_json *j, evr_error **err)
{
    if (evr_json_peek(j))
        evr_json_fail(j, "the end of the text was expected");
    return evr_json_check(ctx, j, "results", err);
}

evr_status evr_results_add_text(evr_results *results, const void *text, size_t size, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!results || (!text && size))
        return evr_fail(results ? results->ctx : NULL, err, EVR_E_INVALID, "evr_results_add_text: a list and a text are needed");
    evr_json_doc doc = {0};
    size_t before = results->count;
    evr_status status = evr_json_doc_open(results->ctx, &doc, (evr_str){text, size}, err);
    if (status == EVR_OK)
        status = read_result(results, &doc.cursor, err);
    if (status == EVR_OK && (status = read_end(results->ctx, &doc.cursor, err)) != EVR_OK)
        results->count = before;
    evr_json_doc_close(&doc);
    return status;
}

static evr_status not_results(evr_context *ctx, evr_error **err)
{
    evr_fail(ctx, err, EVR_E_UNSUPPORTED, "this is no document of results");
    evr_hint(err, "give what `evreplay replay --json FILE` or `evreplay bench --json FILE` wrote");
    return EVR_E_UNSUPPORTED;
}

/* The whole outermost object is walked before any of it is believed, so that a cut or continued document is never taken for one. */
static evr_status find_results(evr_context *ctx, evr_arena *arena, evr_json *j, evr_json *found, evr_error **err)
{
    evr_json version = {0}, kind_of = {0};
    evr_str key;
    bool first = true;
    if (evr_json_peek(j) != '{')
        return not_results(ctx, err);
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "version"))
            version = *j;
        else if (evr_str_is(key, "document"))
            kind_of = *j;
        else if (evr_str_is(key, "results"))
            *found = *j;
        evr_json_skip(j);
    }
    EVR_TRY(read_end(ctx, j, err));
    if (!version.text || !kind_of.text || !evr_str_is(read_text(arena, &kind_of), document))
        return not_results(ctx, err);
    uint64_t number = read_whole(&version);
    EVR_TRY(evr_json_check(ctx, &version, "results", err));
    if (number != VERSION) {
        evr_fail(ctx, err, EVR_E_UNSUPPORTED, "results of version %llu; this library reads version %d", (unsigned long long)number, VERSION);
        evr_hint(err, "update libevreplay, or make the results again with this version");
        return EVR_E_UNSUPPORTED;
    }
    return found->text ? EVR_OK : evr_fail(ctx, err, EVR_E_FORMAT, "a document of results without \"results\"");
}

static evr_status read_document(evr_context *ctx, evr_arena *scratch, evr_json *j, evr_results **out, evr_error **err)
{
    const evr_str no = {"", 0};
    evr_results_info info = {EVR_INIT(evr_results_info), .runtime = no, .device = no, .device_name = no, .driver = no, .input = no};
    evr_json start = *j, list = {0};
    evr_str key;
    bool first = true;
    EVR_TRY(find_results(ctx, scratch, j, &list, err));
    evr_json_enter(&start, '{');
    while (evr_json_next_field(&start, &first, &key))
        read_named(scratch, &start, key, info_fields, INFO_FIELDS, &info);
    EVR_TRY(evr_json_check(ctx, &start, "results", err));
    EVR_TRY(evr_results_new(ctx, &info, out, err));
    first = true;
    evr_json_enter(&list, '[');
    while (evr_json_next_item(&list, &first))
        EVR_TRY(read_result(*out, &list, err));
    return evr_json_check(ctx, &list, "results", err);
}

evr_status evr_results_read(evr_context *ctx, const void *text, size_t size, evr_results **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out || (!text && size))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_results_read: a context, a text and `out` are needed");
    evr_json_doc doc = {0};
    evr_arena scratch;
    evr_arena_init(&scratch, ctx);
    evr_status status = evr_json_doc_open(ctx, &doc, (evr_str){text, size}, err);
    if (status == EVR_OK)
        status = read_document(ctx, &scratch, &doc.cursor, out, err);
    if (status != EVR_OK) {
        evr_results_free(*out);
        *out = NULL;
    }
    evr_json_doc_close(&doc);
    evr_arena_free(&scratch);
    return status;
}
