/* evreplay db missing and report: a trace or records beside what a store knows. */
#include "db.h"
#include "db_survey.h"
#include "input.h"
#include "output.h"
#include "runtime.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Times as far apart as this are gaps. */
#define GAP_LOW 0.80
#define GAP_HIGH 1.20

typedef struct trace_options {
    place_options place;
    live_options live;
    const char *op, *out, *protocol;
    uint64_t top;
    bool json;
} trace_options;

#define FIELD(member) offsetof(trace_options, member)

#define OPTIONS                                                                                                           \
    {"op", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", FIELD(op)}, PLACE_OPTIONS(FIELD(place)),    \
    {"protocol", 0, OPT_TEXT, "LINE", "only times taken so: the whole line", FIELD(protocol)},                             \
    {"top", 0, OPT_NUMBER, "N", "only the first N rows", FIELD(top)},                                                      \
    {"json", 0, OPT_FLAG, NULL, "as JSON", FIELD(json)},                                                                  \
    LIVE_OPTIONS(FIELD(live)),                                                                                            \
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},                               \
    {NULL, 0, OPT_FLAG, NULL, NULL, 0}

static const option table[] = {OPTIONS};

/* One printing: of a survey, those of its calls that are shown. */
typedef struct listing {
    evr_context *ctx;
    const trace_options *o;
    const survey *s;
    const survey_call **shown;
    size_t count;
    output out;
} listing;

/* The stored median over the trace's time of one call; 0 where either is not known. */
static double ratio_of(const survey_call *c)
{
    double once = c->call->count ? (double)c->call->device_ns / (double)c->call->count : 0;
    return c->row && once > 0 ? c->row->median_ns / once : 0;
}

static bool is_missing(const survey_call *c) { return !c->row; }

static bool is_gap(const survey_call *c)
{
    double ratio = ratio_of(c);
    return ratio > 0 && (ratio < GAP_LOW || ratio > GAP_HIGH);
}

static double apart(const survey_call *c)
{
    double ratio = ratio_of(c);
    return ratio < 1 ? 1 / ratio : ratio;
}

static int by_gap(const void *a, const void *b)
{
    const survey_call *x = *(const survey_call *const *)a, *y = *(const survey_call *const *)b;
    double p = apart(x), q = apart(y);
    return p != q ? (p > q ? -1 : 1) : (x > y) - (x < y);
}

static double share(double part, double all) { return all > 0 ? 100 * part / all : 0; }

static void print_call(const listing *l, const survey_call *c)
{
    char uid[24] = "-", time[32], stored[32];
    char *words = NULL;
    evr_str op = evr_ir_op(c->record), overload = evr_ir_overload(c->record);
    if (c->call->uid != EVR_NO_UID)
        snprintf(uid, sizeof uid, "%" PRIu64, c->call->uid);
    fprintf(l->out.file, "%8s %7" PRIu64 " %12s %6.2f%%", uid, c->call->count, output_time(c->call->device_ns, time),
            share((double)c->call->device_ns, l->s->all.kernel_ns));
    if (c->row)
        fprintf(l->out.file, " %12s %12s %7.3f", output_time((int64_t)(c->row->median_ns + 0.5), stored), output_time(c->call->device_ns / (int64_t)c->call->count, time),
                ratio_of(c));
    fprintf(l->out.file, "  %.*s%s%.*s(%s)\n", EVR_STR_ARG(op), overload.len ? "." : "", EVR_STR_ARG(overload),
            evr_ir_arguments(c->record, &words, NULL) == EVR_OK ? words : "…");
    evr_text_free(l->ctx, words);
}

static void write_part(evr_json_writer *w, const char *name, const survey_part *p)
{
    evr_json_key(w, name);
    evr_json_open(w, '{');
    evr_json_key(w, "kinds");
    evr_json_u64(w, p->kinds);
    evr_json_key(w, "calls");
    evr_json_u64(w, p->calls);
    evr_json_key(w, "kernel_ns");
    evr_json_f64(w, p->kernel_ns);
    evr_json_close(w, '}');
}

static void write_text(evr_json_writer *w, const char *name, evr_str text)
{
    evr_json_key(w, name);
    evr_json_str(w, text);
}

static void write_call(const listing *l, evr_json_writer *w, const survey_call *c)
{
    char key[33] = "", *words = NULL;
    evr_json_open(w, '{');
    evr_json_key(w, "uid");
    if (c->call->uid == EVR_NO_UID)
        evr_json_null(w);
    else
        evr_json_u64(w, c->call->uid);
    evr_ir_key(c->record, key, NULL);
    write_text(w, "key", evr_str_c(key));
    write_text(w, "op", evr_ir_op(c->record));
    write_text(w, "overload", evr_ir_overload(c->record));
    if (evr_ir_arguments(c->record, &words, NULL) == EVR_OK)
        write_text(w, "arguments", evr_str_c(words));
    evr_text_free(l->ctx, words);
    evr_json_key(w, "count");
    evr_json_u64(w, c->call->count);
    evr_json_key(w, "kernel_ns");
    evr_json_i64(w, c->call->device_ns);
    if (c->row) {
        evr_json_key(w, "median_ns");
        evr_json_f64(w, c->row->median_ns);
        evr_json_key(w, "ratio");
        evr_json_f64(w, ratio_of(c));
        write_text(w, "device_name", c->row->device_name);
        write_text(w, "runtime", c->row->runtime);
        write_text(w, "protocol", c->row->protocol);
    }
    evr_json_close(w, '}');
}

static void write_json(listing *l, const char *name)
{
    evr_buf buf;
    evr_json_writer w;
    output_buf(&buf);
    evr_json_init(&w, &buf);
    evr_json_open(&w, '{');
    evr_json_key(&w, "version");
    evr_json_i64(&w, 1);
    write_part(&w, "all", &l->s->all);
    write_part(&w, "known", &l->s->known);
    write_part(&w, "not_replayable", &l->s->left_out);
    evr_json_key(&w, name);
    evr_json_open(&w, '[');
    for (size_t i = 0; i < l->count; i++)
        write_call(l, &w, l->shown[i]);
    evr_json_close(&w, ']');
    evr_json_close(&w, '}');
    output_json(&l->out, &buf);
}

static void print_missing(const listing *l)
{
    const survey *s = l->s;
    char missing[32], all[32];
    if (l->count)
        fprintf(l->out.file, "%8s %7s %12s %7s  operator and arguments\n", "uid", "calls", "kernel time", "share");
    for (size_t i = 0; i < l->count; i++)
        print_call(l, l->shown[i]);
    fprintf(l->out.file, "%s%" PRIu64 " of %" PRIu64 " unique calls have no entry: %" PRIu64 " of %" PRIu64 " calls, %s of %s kernel time\n", l->count ? "\n" : "",
            s->all.kinds - s->known.kinds, s->all.kinds, s->all.calls - s->known.calls, s->all.calls,
            output_time((int64_t)(s->all.kernel_ns - s->known.kernel_ns), missing), output_time((int64_t)s->all.kernel_ns, all));
}

static void print_report(const listing *l)
{
    const survey *s = l->s;
    char known[32], all[32];
    size_t gaps = 0;
    for (size_t i = 0; i < s->count; i++)
        gaps += is_gap(&s->calls[i]);
    fprintf(l->out.file, "unique calls with an entry  %" PRIu64 " of %" PRIu64 ", %.1f %%\ncalls                       %" PRIu64 " of %" PRIu64 ", %.1f %%\n", s->known.kinds,
            s->all.kinds, share((double)s->known.kinds, (double)s->all.kinds), s->known.calls, s->all.calls, share((double)s->known.calls, (double)s->all.calls));
    if (s->all.kernel_ns > 0)
        fprintf(l->out.file, "kernel time                 %s of %s, %.1f %%\n", output_time((int64_t)s->known.kernel_ns, known), output_time((int64_t)s->all.kernel_ns, all),
                share(s->known.kernel_ns, s->all.kernel_ns));
    else
        fprintf(l->out.file, "kernel time                 none is recorded\n");
    fprintf(l->out.file, "gaps outside [%.2f, %.2f]    %zu\n", GAP_LOW, GAP_HIGH, gaps);
    if (l->count)
        fprintf(l->out.file, "\n%8s %7s %12s %7s %12s %12s %7s  operator and arguments\n", "uid", "calls", "kernel time", "share", "stored", "in the trace", "ratio");
    for (size_t i = 0; i < l->count; i++)
        print_call(l, l->shown[i]);
}

/* What of a survey a command shows, and how. */
typedef struct view {
    const char *name; /* of the list in JSON */
    bool (*shows)(const survey_call *c);
    int (*order)(const void *a, const void *b); /* NULL = the costliest first */
    void (*print)(const listing *l);
} view;

static const view missing_view = {"missing", is_missing, NULL, print_missing}, report_view = {"gaps", is_gap, by_gap, print_report};

static int show(const trace_options *o, evr_context *ctx, const survey *s, const view *v)
{
    listing l = {.ctx = ctx, .o = o, .s = s, .shown = malloc((s->count + 1) * sizeof *l.shown)};
    if (!l.shown || !output_open(&l.out, o->out)) {
        free(l.shown);
        return EXIT_BAD_INPUT;
    }
    for (size_t i = 0; i < s->count; i++)
        if (v->shows(&s->calls[i]))
            l.shown[l.count++] = &s->calls[i];
    if (v->order)
        qsort(l.shown, l.count, sizeof *l.shown, v->order);
    l.count = o->top && o->top < l.count ? (size_t)o->top : l.count;
    if (o->json)
        write_json(&l, v->name);
    else
        v->print(&l);
    free(l.shown);
    if (s->left_out.kinds)
        fprintf(stderr, "%" PRIu64 " unique calls cannot be replayed and are not counted; `evreplay list` says why\n", s->left_out.kinds);
    return output_close(&l.out, EXIT_GOOD);
}

static int survey_and_show(const command *self, const trace_options *o, evr_context *ctx, evr_store *store, record_source *source, const view *v)
{
    survey s = {0};
    evr_store_filter filter = db_filter(&o->place);
    int code = survey_make(self, store, source, o->op, &filter, &s);
    if (code == EXIT_GOOD)
        code = show(o, ctx, &s, v);
    survey_free(&s);
    return code;
}

static int run(int argc, char **argv, const command *self, const view *v)
{
    trace_options o = {0};
    text_list inputs = {0};
    evr_context *ctx = NULL;
    evr_runtime *runtime = NULL;
    evr_store *store = NULL;
    record_source source = {0};
    int code = options_parse(self, argc, argv, &o, &inputs);
    if (code >= 0)
        goto cleanup;
    code = EXIT_USAGE;
    if (!db_arguments(self, &inputs, 2, 2))
        goto cleanup;
    o.place.protocol = o.protocol;
    code = EXIT_BAD_INPUT;
    if (!(ctx = input_context()) || (code = db_open(self, ctx, inputs.items[0], EVR_STORE_READ_ONLY, &store)))
        goto cleanup;
    code = o.live.on ? runtime_open(self->name, &o.live.runtime, ctx, &runtime) : runtime_configure(self->name, &o.live.runtime, ctx);
    if (code == EXIT_GOOD && (code = records_open(ctx, inputs.items[1], 0, runtime, &source)) == EXIT_GOOD)
        code = survey_and_show(self, &o, ctx, store, &source, v);
cleanup:
    records_close(&source);
    evr_runtime_free(runtime);
    evr_store_free(store);
    evr_context_free(ctx);
    options_free(self, &o, &inputs);
    return code;
}

static int run_missing(int argc, char **argv, const command *self) { return run(argc, argv, self, &missing_view); }
static int run_report(int argc, char **argv, const command *self) { return run(argc, argv, self, &report_view); }

const command db_missing = {
    "db missing", "STORE INPUT", "Lists the calls of a trace or of records that have no entry, the costliest first.",
    "Without options an entry of any device and stack counts. The kernel time is that of all calls with the same arguments; what an operator calls in turn counts for both, so\n"
    "sums may be above the trace's.\n", table, run_missing,
};
const command db_report = {
    "db report", "STORE INPUT", "Says how much of a trace is known, and where stored times and the trace's lie apart.",
    "A gap is a stored median that is less than 0.80 or more than 1.20 times the trace's mean kernel time of one call; the widest come first. Of several entries\n"
    "of a call the one that was measured last counts: choose a device and a stack to compare with one. Kernel time of what an operator calls in turn counts for both.\n",
    table, run_report,
};
