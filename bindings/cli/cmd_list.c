/* evreplay list: the unique calls of a trace, or the records of a document or log. */
#include "commands.h"
#include "input.h"
#include "list_ranks.h"
#include "output.h"
#include "records.h"
#include "select.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct list_options {
    const char *sort, *op, *out;
    uint64_t top;
    bool json, csv, recover;
    sort_order order;
    live_options live;
} list_options;

#define FIELD(member) offsetof(list_options, member)

static const option table[] = {
    {"top", 0, OPT_NUMBER, "N", "only the first N rows", FIELD(top)},
    {"sort", 0, OPT_TEXT, "ORDER", "kernel-time (default), cpu-time, count, name or file", FIELD(sort)},
    {"op", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", FIELD(op)},
    {"json", 0, OPT_FLAG, NULL, "as JSON", FIELD(json)},
    {"csv", 0, OPT_FLAG, NULL, "as CSV", FIELD(csv)},
    {"recover", 0, OPT_FLAG, NULL, "keep what comes before damage in the file", FIELD(recover)},
    LIVE_OPTIONS(FIELD(live)),
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

typedef struct listing {
    output out;
    const list_options *options;
    evr_json_writer json;
    evr_buf buf;
    double kernel_total;
} listing;

static void begin(listing *l)
{
    if (l->options->csv) {
        fprintf(l->out.file, "uid,count,kernel_ns,kernel_share,cpu_ns,op,overload,arguments,status,reason,detail\n");
    } else if (l->options->json) {
        evr_json_init(&l->json, &l->buf);
        l->json.indent = 1;
        evr_json_open(&l->json, '{');
        evr_json_key(&l->json, "version");
        evr_json_i64(&l->json, 1);
        evr_json_key(&l->json, "results");
        evr_json_open(&l->json, '[');
    } else {
        fprintf(l->out.file, "%8s %7s %12s %7s %12s  %-8s operator and arguments\n", "uid", "calls", "kernel time", "share", "CPU time", "status");
    }
}

/* The uid in digits, or what stands for none. */
static const char *uid_text(evr_uid uid, const char *none, char text[24])
{
    if (uid == EVR_NO_UID)
        return none;
    snprintf(text, 24, "%" PRIu64, uid);
    return text;
}

static void json_row(listing *l, const evr_call *c, const evr_ir *ir, evr_str arguments)
{
    evr_json_writer *w = &l->json;
    evr_json_open(w, '{');
    const struct {
        const char *name;
        evr_str text;
    } texts[] = {
        {"op", c->op},
        {"overload", evr_ir_overload(ir)},
        {"arguments", arguments},
        {"status", evr_str_c(evr_outcome_name(c->status))},
        {"reason", evr_str_c(evr_reason_name(c->reason))},
        {"detail", evr_ir_detail(ir)},
        {"advice", evr_str_c(evr_reason_advice(c->reason))},
    };
    evr_json_key(w, "uid");
    if (c->uid == EVR_NO_UID)
        evr_json_null(w);
    else
        evr_json_u64(w, c->uid);
    evr_json_key(w, "count");
    evr_json_u64(w, c->count);
    evr_json_key(w, "kernel_ns");
    evr_json_i64(w, c->device_ns);
    evr_json_key(w, "cpu_ns");
    evr_json_i64(w, c->cpu_ns);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_json_key(w, texts[i].name);
        evr_json_str(w, texts[i].text);
    }
    evr_json_close(w, '}');
}

static void csv_row(listing *l, const evr_call *c, const evr_ir *ir, evr_str arguments)
{
    const evr_str texts[] = {c->op, evr_ir_overload(ir), arguments, evr_str_c(evr_outcome_name(c->status)),
                             evr_str_c(evr_reason_name(c->reason)), evr_ir_detail(ir)};
    char uid[24];
    fprintf(l->out.file, "%s,%" PRIu64 ",%" PRId64 ",%.6f,%" PRId64, uid_text(c->uid, "", uid), c->count, c->device_ns,
            l->kernel_total > 0 ? (double)c->device_ns / l->kernel_total : 0, c->cpu_ns);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        putc(',', l->out.file);
        output_csv(&l->out, texts[i]);
    }
    putc('\n', l->out.file);
}

static void text_row(listing *l, const evr_call *c, const evr_ir *ir, evr_str arguments)
{
    char kernel[32], cpu[32], uid[24];
    fprintf(l->out.file, "%8s %7" PRIu64 " %12s %5.1f %% %12s  %-8s %.*s", uid_text(c->uid, "-", uid), c->count,
            c->device_ns ? output_time(c->device_ns, kernel) : "-", l->kernel_total > 0 ? 100 * (double)c->device_ns / l->kernel_total : 0,
            c->cpu_ns ? output_time(c->cpu_ns, cpu) : "-", evr_outcome_name(c->status), EVR_STR_ARG(c->op));
    evr_str overload = evr_ir_overload(ir);
    if (overload.len)
        fprintf(l->out.file, ".%.*s", EVR_STR_ARG(overload));
    if (c->status == EVR_STATUS_OK)
        fprintf(l->out.file, "(%.*s)\n", EVR_STR_ARG(arguments));
    else
        fprintf(l->out.file, "  %s: %.*s\n", evr_reason_name(c->reason), EVR_STR_ARG(evr_ir_detail(ir)));
}

static int list_rows(listing *l, record_source *source, const evr_call **rows, size_t n)
{
    begin(l);
    for (size_t i = 0; i < n; i++) {
        evr_ir *owned;
        const evr_ir *ir = records_get(source, (size_t)(rows[i] - source->calls), &owned);
        if (!ir)
            return EXIT_BAD_INPUT;
        char *arguments;
        evr_error *err = NULL;
        evr_status status = evr_ir_arguments(ir, &arguments, &err);
        if (status == EVR_OK)
            (l->options->csv ? csv_row : l->options->json ? json_row : text_row)(l, rows[i], ir, evr_str_c(arguments));
        evr_text_free(source->ctx, arguments);
        evr_ir_free(owned);
        if (status != EVR_OK)
            return input_error("list", status, err);
    }
    if (l->options->json) {
        evr_json_close(&l->json, ']');
        evr_json_close(&l->json, '}');
        output_json(&l->out, &l->buf);
    }
    return EXIT_GOOD;
}

/* All device work of the trace, launched by operators or not; of records, that of their kernels. */
static double device_total(const record_source *source)
{
    const evr_trace *trace = source->trace;
    static const int32_t kinds[] = {EVR_KIND_KERNEL, EVR_KIND_MEMCPY, EVR_KIND_MEMSET};
    const int64_t *durations = trace ? evr_trace_durations(trace) : NULL;
    double total = 0;
    for (size_t i = 0; !trace && i < source->count; i++)
        total += (double)source->calls[i].device_ns;
    for (size_t k = 0; trace && k < 3; k++) {
        evr_event_filter filter = {.struct_size = sizeof filter, .kind = kinds[k]};
        for (evr_uid uid = 0; (uid = evr_trace_next(trace, &filter, uid)) != EVR_NO_UID; uid++)
            total += (double)durations[uid];
    }
    return total;
}

static int list_source(void *values, record_source *source)
{
    const list_options *o = values;
    size_t count;
    listing l = {.options = o};
    l.kernel_total = device_total(source);
    const evr_call **rows = select_calls(source->calls, source->count, o->op, o->order, o->top, &count);
    int code = EXIT_BAD_INPUT;
    output_buf(&l.buf);
    if (rows && output_open(&l.out, o->out))
        code = output_close(&l.out, list_rows(&l, source, rows, count));
    free(rows);
    return code;
}

static bool check(void *values)
{
    list_options *o = values;
    return select_order(o->sort, &o->order);
}

static uint32_t flags(const void *values)
{
    return ((const list_options *)values)->recover ? EVR_TRACE_RECOVER : 0;
}

static int ranks(void *values, evr_context *ctx, const text_list *inputs)
{
    const list_options *o = values;
    rank_listing what = {.out = o->out, .name = o->op, .flags = flags(o), .top = o->top, .by_time = o->order == SORT_FILE, .json = o->json, .csv = o->csv};
    return list_ranks(&what, ctx, inputs);
}

static int run(int argc, char **argv, const command *self)
{
    list_options o = {.order = SORT_KERNEL_TIME};
    return records_run(&(records_command){self, &o, check, flags, list_source, &o.live, .ranks = ranks}, argc, argv);
}

const command cmd_list = {
    "list", "INPUT...", "Lists the unique operator calls of a trace, the costliest first; of many ranks' traces, their collectives.",
    "INPUT is a trace, records as extract writes them, an operator-input log of PyTorch's benchmarks, or an artifact.\n"
    "One row for each operator with the same recorded arguments: uid of its first event, number of calls, kernel time (overlaps\n"
    "within a call counted once) and its share of all kernel time, CPU time, status, operator, arguments.\n"
    "The status tells whether a record can be made: ok, or skipped or failed with the reason. Operators that run inside others\n"
    "have their time counted in both, so shares do not add up to 100 %.\n"
    "\n"
    "Several traces, or a folder of them, are those of the ranks of one run. Listed are the ranks, with what each waited for others and\n"
    "kept others waiting, and their collectives: skew (last arrival less first), slowest rank (the last), shortest duration on any rank,\n"
    "ranks found of ranks in the group. The largest skew comes first, with --sort file the earliest; --op takes the collective's name.\n",
    table, run,
};
