#include "batch_run.h"

#include "input.h"
#include "output.h"
#include "progress.h"
#include "records.h"
#include "result_line.h"
#include "select.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set by the terminal's interrupt: the batch ends with the results so far. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* The records that were asked for. */
typedef struct record_list {
    const evr_ir **items;
    evr_ir **owned;
    size_t count;
} record_list;

typedef struct watching {
    const batch_options *o;
    double begun;
    bool bar; /* on a terminal */
    bool quiet; /* another rank tells */
} watching;

static bool is_wanted(const batch_options *o, const evr_call *call)
{
    size_t space = o->space ? strlen(o->space) : 0;
    if (o->filter && !evr_glob(evr_str_c(o->filter), call->op))
        return false;
    if (o->space && !(call->op.len > space + 2 && memcmp(call->op.data, o->space, space) == 0 && memcmp(call->op.data + space, "::", 2) == 0))
        return false;
    if (o->status && strcmp(o->status, evr_outcome_name(call->status)) != 0)
        return false;
    for (size_t i = 0; i < o->uids.count; i++)
        if (call->uid != EVR_NO_UID && strtoull(o->uids.items[i], NULL, 10) == call->uid)
            return true;
    return o->uids.count == 0;
}

static size_t most(const batch_options *o)
{
    uint64_t limit = o->limit ? o->limit : UINT64_MAX, top = o->top ? o->top : UINT64_MAX;
    return (size_t)(limit < top ? limit : top);
}

/* In the order of the input, but for --top, which takes the costliest. */
static bool gather(const batch_options *o, record_source *source, record_list *list)
{
    size_t n;
    const evr_call **calls = select_calls(source->calls, source->count, NULL, o->top ? SORT_KERNEL_TIME : SORT_FILE, 0, &n);
    list->items = calloc(n + 1, sizeof *list->items);
    list->owned = calloc(n + 1, sizeof *list->owned);
    bool good = calls && list->items && list->owned;
    for (size_t i = 0; good && i < n; i++) {
        if (!is_wanted(o, calls[i]))
            continue;
        if (!o->around && list->count == most(o))
            break;
        list->items[list->count] = records_get(source, (size_t)(calls[i] - source->calls), &list->owned[list->count]);
        good = list->items[list->count++] != NULL;
    }
    free(calls);
    return good;
}

static void release(record_list *list)
{
    for (size_t i = 0; list->owned && i < list->count; i++)
        evr_ir_free(list->owned[i]);
    free(list->items);
    free(list->owned);
}

/* What a form writes to standard output has it to itself. */
static FILE *told_to(const batch_options *o)
{
    const char *const files[] = {o->json, o->csv, o->junit, o->html, o->markdown};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && strcmp(files[i], "-") == 0)
            return stderr;
    return stdout;
}

/* Where times are what was asked for, each that was taken is told. */
static bool is_told(const batch_options *o, const evr_result *r)
{
    return o->verbose || r->status == EVR_STATUS_FAILED || (o->timed && r->status == EVR_STATUS_OK);
}

static int32_t watch(void *user, const evr_result *result, uint64_t done, uint64_t total)
{
    const watching *w = user;
    double spent = progress_now() - w->begun;
    if (w->bar)
        fprintf(stderr, "\r\033[K");
    if (w->quiet)
        return interrupted;
    if (result && !result->visit && is_told(w->o, result)) {
        result_line(told_to(w->o), result);
        fflush(told_to(w->o));
    }
    if (w->bar && done < total && spent > 1)
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 "%s, %.0f s left", done, total, w->o->visits > 1 ? " visits" : "", done ? spent / (double)done * (double)(total - done) : 0.0);
    return interrupted;
}

static const struct {
    const char *name;
    uint32_t flags;
} checks[] = {
    {"finite", EVR_BATCH_CHECK_FINITE},       {"repeat", EVR_BATCH_CHECK_REPEAT},   {"reference", EVR_BATCH_CHECK_REFERENCE},
    {"cpu", EVR_BATCH_CHECK_REFERENCE},       {"mutation", EVR_BATCH_CHECK_MUTATION}, {"kernels", EVR_BATCH_CHECK_KERNELS},
    {"all", EVR_BATCH_CHECK_FINITE | EVR_BATCH_CHECK_REPEAT | EVR_BATCH_CHECK_REFERENCE | EVR_BATCH_CHECK_MUTATION | EVR_BATCH_CHECK_KERNELS},
};

static bool read_checks(const command *self, const batch_options *o, uint32_t *flags)
{
    for (size_t i = 0; i < o->checks.count; i++) {
        uint32_t found = 0;
        for (size_t k = 0; k < sizeof checks / sizeof *checks; k++)
            if (strcmp(o->checks.items[i], checks[k].name) == 0)
                found = checks[k].flags;
        if (!found) {
            fprintf(stderr, "evreplay %s: --check takes finite, repeat, reference, mutation, kernels or all, not \"%s\"\n", self->name, o->checks.items[i]);
            return false;
        }
        *flags |= found;
    }
    return true;
}

static bool read_real(const command *self, const char *option_name, const char *text, double *out)
{
    char *end;
    if (!text)
        return true;
    *out = strtod(text, &end);
    if (*end == 0 && end != text && *out > 0 && *out < 1e12)
        return true;
    fprintf(stderr, "evreplay %s: --%s takes a number above 0, not \"%s\"\n", self->name, option_name, text);
    return false;
}

static bool read_flush(const command *self, const char *text, evr_protocol *p)
{
    if (!text)
        return true;
    p->flush = strcmp(text, "none") == 0 ? EVR_FLUSH_NONE : strcmp(text, "write") == 0 ? EVR_FLUSH_WRITE : strcmp(text, "read") == 0 ? EVR_FLUSH_WRITE_READ : 0;
    if (!p->flush)
        fprintf(stderr, "evreplay %s: --flush takes none, write or read, not \"%s\"\n", self->name, text);
    return p->flush != 0;
}

static bool read_launch(const command *self, const char *text, evr_protocol *p)
{
    static const char *const names[] = {NULL, "auto", "single", "batch", "graph"}; /* by EVR_LAUNCH_... */
    for (int32_t i = EVR_LAUNCH_AUTO; text && i <= EVR_LAUNCH_GRAPH; i++)
        if (strcmp(text, names[i]) == 0) {
            p->launch = i;
            return true;
        }
    if (text)
        fprintf(stderr, "evreplay %s: --launch takes auto, single, batch or graph, not \"%s\"\n", self->name, text);
    return text == NULL;
}

/* A preset or a whole line, changed by the single options. */
static int read_protocol(const command *self, const batch_options *o, evr_context *ctx, evr_protocol *p)
{
    static const char *const names[] = {"default", "fixed", "nvbench"};
    evr_error *err = NULL;
    int32_t preset = EVR_PROTOCOL_DEFAULT;
    evr_status status;
    for (int32_t i = 0; o->protocol && i < 3; i++)
        if (strcmp(o->protocol, names[i]) == 0)
            preset = i;
    bool line = o->protocol && strchr(o->protocol, '/');
    if (o->protocol && !line && strcmp(o->protocol, names[preset]) != 0) {
        fprintf(stderr, "evreplay %s: --protocol takes default, fixed, nvbench or the line of a result, not \"%s\"\n", self->name, o->protocol);
        return EXIT_USAGE;
    }
    status = line ? evr_protocol_parse(ctx, evr_str_c(o->protocol), p, &err) : evr_protocol_preset(preset, p, &err);
    if (status != EVR_OK)
        return input_error(self->name, status, err);
    if (!read_real(self, "precision", o->precision, &p->precision) || !read_flush(self, o->flush, p) || !read_launch(self, o->launch, p))
        return EXIT_USAGE;
    if (o->iterations) {
        p->stop = EVR_STOP_COUNT;
        p->samples = o->iterations;
    }
    if (o->warmup) {
        p->warmup = EVR_WARMUP_COUNT;
        p->warmup_calls = o->warmup;
    }
    if (o->graph)
        p->launch = EVR_LAUNCH_GRAPH;
    return 0;
}

/* The lines of single records were shown as they came, but for those that are of several visits. */
static bool print_summary(const batch_options *o, const evr_results *results, evr_context *ctx, FILE *to)
{
    for (size_t i = 0; o->visits > 1 && i < evr_results_count(results); i++)
        if (is_told(o, evr_results_at(results, i)))
            result_line(to, evr_results_at(results, i));
    char *text = NULL;
    size_t size = 0;
    evr_error *err = NULL;
    evr_status status = evr_results_write(results, EVR_REPORT_TEXT, &text, &size, &err);
    if (status != EVR_OK)
        return input_error("", status, err), false;
    const char *from = strstr(text, "--- ");
    fputs(from ? from : text, to);
    evr_text_free(ctx, text);
    return true;
}

static bool write_file(const evr_results *results, evr_context *ctx, int32_t format, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    evr_error *err = NULL;
    if (!path)
        return true;
    evr_status status = evr_results_write(results, format, &text, &size, &err);
    if (status != EVR_OK)
        return input_error("", status, err), false;
    bool good = output_whole(path, (evr_str){text, size}, EXIT_GOOD) == EXIT_GOOD;
    evr_text_free(ctx, text);
    return good;
}

static int report(const batch_options *o, evr_context *ctx, const evr_results *results, bool quiet)
{
    const struct {
        int32_t format;
        const char *path;
    } files[] = {{EVR_REPORT_JSON, o->json}, {EVR_REPORT_CSV, o->csv}, {EVR_REPORT_JUNIT, o->junit}, {EVR_REPORT_HTML, o->html}, {EVR_REPORT_MARKDOWN, o->markdown}};
    bool good = quiet || print_summary(o, results, ctx, told_to(o));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        good &= write_file(results, ctx, files[i].format, files[i].path);
    size_t failed = 0;
    for (size_t i = 0; i < evr_results_count(results); i++)
        failed += evr_results_at(results, i)->status == EVR_STATUS_FAILED;
    return !good ? EXIT_BAD_INPUT : failed || evr_results_about(results)->flags & EVR_RESULTS_INTERRUPTED ? EXIT_SOME_FAILED : EXIT_GOOD;
}

/* Puts the records that are to run to the front, and says how many they are. */
static int choose(const batch_options *o, evr_context *ctx, const evr_replay_batch_options *options, record_list *list, size_t *count)
{
    *count = list->count;
    if (!o->around)
        return 0;
    uint8_t *drop = calloc(list->count + 1, 1);
    int code = drop ? o->around->choose(o->around->user, ctx, options, list->items, list->count, drop) : EXIT_BAD_INPUT;
    *count = 0;
    for (size_t i = 0; !code && i < list->count && *count < most(o); i++)
        if (!drop[i])
            list->items[(*count)++] = list->items[i];
    free(drop);
    return code;
}

/* A size that groups are to have can be met by the ranks that there are. Rank 0 tells when not. */
static bool can_have_size(const command *self, const char *name, uint64_t size, const evr_ranks *ranks)
{
    if (!size || (ranks->count && size <= (uint64_t)ranks->count))
        return true;
    if (!ranks->count)
        fprintf(stderr, "evreplay %s: --%s is for several ranks: start them with evreplay launch\n", self->name, name);
    else if (ranks->rank == 0)
        fprintf(stderr, "evreplay %s: --%s=%" PRIu64 " is more than the %d ranks that there are: start as many with evreplay launch, or ask for a smaller size\n",
                self->name, name, size, ranks->count);
    return false;
}

/* One of several ranks: what is asked for of the groups is told to the library, and rank 0 alone tells how it goes. Ranks are processes of their own already. */
static bool join_ranks(const command *self, const batch_options *o, evr_context *ctx, evr_replay_batch_options *options, watching *w)
{
    evr_ranks ranks = {.struct_size = sizeof ranks};
    evr_get_ranks(ctx, &ranks);
    if (!can_have_size(self, "group-size", o->group_size, &ranks) || !can_have_size(self, "ep-size", o->expert_size, &ranks))
        return false;
    if (!ranks.count)
        return true;
    ranks.group_size = (int32_t)o->group_size;
    ranks.expert_size = (int32_t)o->expert_size;
    options->flags &= ~EVR_BATCH_ISOLATE;
    w->quiet = ranks.rank != 0;
    w->bar &= !w->quiet;
    return evr_set_ranks(ctx, &ranks, NULL) == EVR_OK;
}

static int run_records(const command *self, const batch_options *o, evr_context *ctx, record_list *list, const char *path)
{
    evr_protocol protocol = {.struct_size = sizeof protocol};
    watching w = {o, progress_now(), isatty(STDERR_FILENO), false};
    evr_replay_batch_options options = {
        .struct_size = sizeof options,
        .flags = (o->timed ? EVR_BATCH_TIMED : 0) | (o->samples ? EVR_BATCH_SAMPLES : 0) | (o->no_auto_init ? EVR_BATCH_NO_AUTO_INIT : 0) |
                 (o->stop_on_error ? EVR_BATCH_STOP_ON_ERROR : 0) | (o->by_cost ? EVR_BATCH_BY_COST : 0) | (o->isolate ? EVR_BATCH_ISOLATE : 0) |
                 (o->resume ? EVR_BATCH_RESUME : 0),
        .bridge = o->runtime.bridge,
        .device = o->runtime.device,
        .backend_path = o->backend,
        .threads = (int32_t)o->runtime.threads,
        .workers = (int32_t)o->workers,
        .max_bytes = o->runtime.max_bytes,
        .seed = o->runtime.seed,
        .worker = o->worker,
        .journal = o->journal,
        .input = strcmp(path, "-") == 0 ? "standard input" : path,
        .progress = watch,
        .progress_user = &w,
        .visits = o->visits < UINT32_MAX ? (uint32_t)o->visits : UINT32_MAX,
    };
    if (!join_ranks(self, o, ctx, &options, &w))
        return EXIT_USAGE;
    if (!read_checks(self, o, &options.flags) || !read_real(self, "timeout", o->timeout, &options.timeout_s) ||
        !read_real(self, "budget", o->budget, &options.budget_s))
        return EXIT_USAGE;
    int code = o->timed ? read_protocol(self, o, ctx, &protocol) : 0;
    if (code)
        return code;
    options.protocol = o->timed ? &protocol : NULL;
    size_t count;
    if ((code = choose(o, ctx, &options, list, &count)))
        return code;
    evr_results *results = NULL;
    evr_error *err = NULL;
    signal(SIGINT, on_interrupt);
    evr_status status = evr_replay_batch(ctx, list->items, count, &options, &results, &err);
    signal(SIGINT, SIG_DFL);
    if (status != EVR_OK)
        return runtime_error(self->name, status, err);
    code = report(o, ctx, results, w.quiet);
    int done = o->around ? o->around->done(o->around->user, results) : 0;
    evr_results_free(results);
    return done ? done : code;
}

/* What an artifact says of seed and protocol holds unless something else was asked for; its protocol only where there are times taken by it. `line` keeps the text. */
static int follow_artifact(batch_options *o, const evr_artifact *artifact, char **line)
{
    evr_artifact_info about = {.struct_size = sizeof about};
    bool timed = false;
    const evr_expected *e;
    if (!artifact)
        return 0;
    evr_artifact_about(artifact, &about);
    if (!o->runtime.seed)
        o->runtime.seed = about.seed;
    for (size_t i = 0; (e = evr_artifact_expected(artifact, i)); i++)
        timed |= e->median_ns >= 0;
    if (!timed || o->protocol)
        return 0;
    if (!(*line = strndup(about.protocol.data, about.protocol.len)))
        return EXIT_BAD_INPUT;
    o->protocol = *line;
    return 0;
}

int batch_run(const command *self, batch_options *o, int argc, char **argv)
{
    text_list inputs = {0};
    evr_context *ctx = NULL;
    evr_runtime *runtime = NULL;
    record_source source = {0};
    record_list list = {0};
    char *line = NULL;
    int code = options_parse(self, argc, argv, o, &inputs);
    if (code >= 0)
        goto cleanup;
    code = EXIT_USAGE;
    const char *path = o->around ? o->around->input(o->around->user, self, &inputs) : input_only(self, &inputs);
    uint32_t unused = 0;
    if (!path || !read_checks(self, o, &unused))
        goto cleanup;
    code = EXIT_BAD_INPUT;
    runtime_options schemas = o->runtime; /* the tensor library, for its schemas: devices are the batch's */
    schemas.device = NULL;
    if (!(ctx = input_context()) || (code = runtime_open(self->name, &schemas, ctx, &runtime)) || (code = records_open(ctx, path, 0, runtime, &source)))
        goto cleanup;
    if ((code = follow_artifact(o, source.artifact, &line)))
        goto cleanup;
    code = gather(o, &source, &list) ? run_records(self, o, ctx, &list, path) : EXIT_BAD_INPUT;
cleanup:
    release(&list);
    records_close(&source);
    evr_runtime_free(runtime);
    evr_context_free(ctx);
    options_free(self, o, &inputs);
    free(line);
    return code;
}
