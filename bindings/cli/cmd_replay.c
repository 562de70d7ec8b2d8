/* evreplay replay: runs each record once. */
#include "commands.h"
#include "input.h"
#include "output.h"
#include "progress.h"
#include "records.h"
#include "replay_report.h"
#include "runtime.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

typedef struct replay_options {
    runtime_options runtime;
    const char *filter, *json, *csv, *junit;
    text_list uids, checks;
    uint64_t limit;
    bool stop_on_error, verbose, no_auto_init;
    bool check_finite, check_repeat;
} replay_options;

#define FIELD(member) offsetof(replay_options, member)

static const option table[] = {
    {"device", 0, OPT_TEXT, "D", "cpu (default), cuda, cuda:1 …", FIELD(runtime.device)},
    {"uid", 0, OPT_LIST, "N", "only the records of these events", FIELD(uids)},
    {"op-filter", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", FIELD(filter)},
    {"op-limit", 0, OPT_NUMBER, "N", "at most N records", FIELD(limit)},
    {"stop-on-error", 0, OPT_FLAG, NULL, "end at the first record that fails", FIELD(stop_on_error)},
    {"max-bytes", 0, OPT_NUMBER, "B", "tensor memory of one record (K, M, G); default 90 % of what is free", FIELD(runtime.max_bytes)},
    {"check", 0, OPT_LIST, "WHAT", "finite: no NaN or infinity comes out; repeat: a second run gives the same bits", FIELD(checks)},
    {"seed", 0, OPT_NUMBER, "S", "of tensor contents and random generators", FIELD(runtime.seed)},
    {"threads", 0, OPT_NUMBER, "N", "threads inside one operator on the CPU", FIELD(runtime.threads)},
    RUNTIME_SOURCES(FIELD(runtime)),
    {"init", 0, OPT_LIST, "KEY=VALUE", "an option of the initializers, such as moe_distribution=zipf", FIELD(runtime.inits)},
    {"no-auto-init", 0, OPT_FLAG, NULL, "ask no initializer: tensors hold what the rules by argument name say", FIELD(no_auto_init)},
    {"json", 0, OPT_TEXT, "FILE", "results as JSON", FIELD(json)},
    {"csv", 0, OPT_TEXT, "FILE", "results as CSV", FIELD(csv)},
    {"junit", 0, OPT_TEXT, "FILE", "results as JUnit XML, one case for each record", FIELD(junit)},
    {"verbose", 'v', OPT_FLAG, NULL, "a line for each record, not only for those that fail", FIELD(verbose)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static bool read_checks(replay_options *o)
{
    for (size_t i = 0; i < o->checks.count; i++) {
        if (strcmp(o->checks.items[i], "finite") == 0) {
            o->check_finite = true;
        } else if (strcmp(o->checks.items[i], "repeat") == 0) {
            o->check_repeat = true;
        } else {
            fprintf(stderr, "evreplay replay: --check takes finite or repeat, not \"%s\"\n", o->checks.items[i]);
            return false;
        }
    }
    return true;
}

static bool wanted(const replay_options *o, const record_source *source, size_t index)
{
    if (o->filter && !evr_glob(evr_str_c(o->filter), source->calls[index].op))
        return false;
    for (size_t i = 0; i < o->uids.count; i++)
        if (strtoull(o->uids.items[i], NULL, 10) == source->calls[index].uid)
            return true;
    return o->uids.count == 0;
}

/* What the checks find; NULL when all is well. */
static const char *check_results(const replay_options *o, const evr_ir *ir, evr_replayer *replayer)
{
    if (evr_glob(evr_str_c("*empty*"), evr_ir_op(ir))) /* their results are uninitialised, as they promise */
        return NULL;
    if (o->check_finite && !verify_finite(replayer))
        return "a result holds a NaN or an infinity";
    if (o->check_repeat) {
        uint64_t first = verify_digest(replayer);
        if (evr_replayer_run(replayer, NULL) != EVR_OK || verify_digest(replayer) != first)
            return "a second run gives other bits; operators that write their input or draw random numbers do";
    }
    return NULL;
}

static bool replay_one(const replay_options *o, evr_runtime *runtime, const evr_ir *ir, replay_report *report)
{
    evr_error *err = NULL;
    evr_replayer *replayer = NULL;
    int32_t outcome = evr_ir_status(ir), reason = evr_ir_reason(ir);
    char detail[2048];
    snprintf(detail, sizeof detail, "%.*s", EVR_STR_ARG(evr_ir_detail(ir)));
    double seconds = 0;
    if (outcome == EVR_STATUS_OK) {
        const evr_replayer_options how = {.struct_size = sizeof how, .flags = o->no_auto_init ? EVR_REPLAYER_NO_AUTO_INIT : 0};
        evr_status status = evr_replayer_new(runtime, ir, &how, &replayer, &err);
        double begun = progress_now();
        if (status == EVR_OK)
            status = evr_replayer_run(replayer, &err);
        seconds = progress_now() - begun;
        evr_replay_outcome(status, err, &outcome, &reason);
        snprintf(detail, sizeof detail, "%s", evr_error_message(err));
        const char *wrong = status == EVR_OK ? check_results(o, ir, replayer) : NULL;
        if (wrong) {
            outcome = EVR_STATUS_FAILED;
            reason = EVR_REASON_OP_ERROR;
            snprintf(detail, sizeof detail, "%s", wrong);
        }
    }
    const replay_outcome done = {.status = outcome, .reason = reason, .detail = detail, .replayer = replayer, .seconds = seconds};
    bool added = replay_report_add(report, ir, &done);
    evr_replayer_free(replayer);
    evr_error_free(err);
    return added;
}

static int replay_all(const replay_options *o, evr_runtime *runtime, record_source *source, replay_report *report)
{
    double begun = progress_now();
    for (size_t i = 0; i < source->count && (!o->limit || report->count < o->limit); i++) {
        evr_ir *owned;
        if (!wanted(o, source, i))
            continue;
        const evr_ir *ir = records_get(source, i, &owned);
        bool added = ir && replay_one(o, runtime, ir, report);
        evr_ir_free(owned);
        if (!added) {
            fprintf(stderr, "evreplay replay: stopped after %zu records\n", report->count);
            return EXIT_BAD_INPUT;
        }
        bool failed = report->items[report->count - 1].status == EVR_STATUS_FAILED;
        if (o->verbose || failed)
            replay_report_line(report);
        if (failed && o->stop_on_error)
            break;
    }
    report->seconds = progress_now() - begun;
    replay_report_summary(report);
    bool written = (!o->json || replay_report_json(report, o->json)) && (!o->csv || replay_report_csv(report, o->csv)) &&
                   (!o->junit || replay_report_junit(report, o->junit));
    if (!written)
        return EXIT_BAD_INPUT;
    return replay_report_count(report, EVR_STATUS_FAILED) ? EXIT_SOME_FAILED : EXIT_GOOD;
}

static int run(int argc, char **argv, const command *self)
{
    replay_options o = {0};
    text_list inputs = {0};
    evr_context *ctx = NULL;
    evr_runtime *runtime = NULL;
    record_source source = {0};
    replay_report report = {0};
    int code = options_parse(self, argc, argv, &o, &inputs);
    if (code >= 0)
        goto cleanup;
    code = EXIT_USAGE;
    const char *path = input_only(self, &inputs);
    if (!path || !read_checks(&o))
        goto cleanup;
    code = EXIT_BAD_INPUT;
    if (!(ctx = input_context()) || (code = runtime_open("replay", &o.runtime, ctx, &runtime)) ||
        (code = records_open(ctx, path, 0, runtime, &source)))
        goto cleanup;
    report.device = evr_runtime_device(runtime).data;
    report.torch = evr_runtime_version(runtime).data;
    report.seed = o.runtime.seed;
    code = replay_all(&o, runtime, &source, &report);
cleanup:
    replay_report_free(&report);
    records_close(&source);
    evr_runtime_free(runtime);
    evr_context_free(ctx);
    options_free(self, &o, &inputs);
    return code;
}

const command cmd_replay = {
    "replay", "INPUT", "Runs each record once and tells how that went.",
    "INPUT is a trace, whose unique calls are replayed, records as extract writes them, or an operator-input log of PyTorch's\n"
    "benchmarks. A record ends as ok, skipped or failed, with a reason and what to do about it. The time is that of the first run, allocation of results included.\n",
    table, run,
};
