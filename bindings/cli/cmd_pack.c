/* evreplay pack: records in one zip file that can be sent, with all it takes to run them. */
#include "commands.h"
#include "input.h"
#include "output.h"
#include "records.h"
#include "select.h"

#include <stdlib.h>
#include <string.h>

typedef struct pack_options {
    const char *out, *filter, *results, *path;
    text_list uids;
    uint64_t top, seed;
    bool redact, redact_operators, recover;
    live_options live;
} pack_options;

#define FIELD(member) offsetof(pack_options, member)

static const option table[] = {
    {"output", 'o', OPT_TEXT, "X.zip", "the artifact to write", FIELD(out)},
    {"uid", 0, OPT_LIST, "N", "only the records of these events", FIELD(uids)},
    {"op-filter", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", FIELD(filter)},
    {"top", 0, OPT_NUMBER, "N", "only the N with the most kernel time", FIELD(top)},
    {"results", 0, OPT_TEXT, "R.json", "results of `evreplay bench --json`: the times that a replay should give", FIELD(results)},
    {"seed", 0, OPT_NUMBER, "S", "of tensor contents, when there are no results to take it from", FIELD(seed)},
    {"redact", 0, OPT_FLAG, NULL, "leave out the input's name and texts in arguments", FIELD(redact)},
    {"redact-operators", 0, OPT_FLAG, NULL, "and the names of kernels and of operators that are not PyTorch's: those cannot be replayed then", FIELD(redact_operators)},
    {"recover", 0, OPT_FLAG, NULL, "keep what comes before damage in the trace", FIELD(recover)},
    LIVE_OPTIONS(FIELD(live)),
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

/* The records that go in. */
typedef struct picked {
    const evr_ir **items;
    evr_ir **owned;
    size_t count;
} picked;

/* Calls that wrap others are no use to the receiver, unless they were asked for by name. */
static bool is_wanted(const pack_options *o, const evr_call *call)
{
    for (size_t i = 0; i < o->uids.count; i++)
        if (call->uid != EVR_NO_UID && strtoull(o->uids.items[i], NULL, 10) == call->uid)
            return true;
    return !o->uids.count && call->status != EVR_STATUS_SKIPPED;
}

static int pick(const pack_options *o, record_source *source, picked *list)
{
    size_t n = 0;
    const evr_call **calls = select_calls(source->calls, source->count, o->filter, o->top ? SORT_KERNEL_TIME : SORT_FILE, 0, &n);
    list->items = calloc(n + 1, sizeof *list->items);
    list->owned = calloc(n + 1, sizeof *list->owned);
    bool good = calls && list->items && list->owned;
    for (size_t i = 0; good && i < n && !(o->top && list->count == o->top); i++) {
        if (!is_wanted(o, calls[i]))
            continue;
        list->items[list->count] = records_get(source, (size_t)(calls[i] - source->calls), &list->owned[list->count]);
        good = list->items[list->count++] != NULL;
    }
    free(calls);
    if (!good)
        return EXIT_BAD_INPUT;
    if (list->count)
        return EXIT_GOOD;
    fprintf(stderr, "evreplay pack: there is no record to pack\n  what to do: see `evreplay list` for what there is\n");
    return EXIT_BAD_INPUT;
}

static int read_results(const char *path, evr_context *ctx, evr_results **out)
{
    size_t size;
    evr_error *err = NULL;
    if (!path)
        return EXIT_GOOD;
    char *text = input_read_all(path, (evr_str){"", 0}, &size);
    if (!text)
        return EXIT_BAD_INPUT;
    evr_status status = evr_results_read(ctx, text, size, out, &err);
    free(text);
    return status == EVR_OK ? EXIT_GOOD : input_error("pack", status, err);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(path, "-") == 0 ? "standard input" : slash ? slash + 1 : path;
}

static int write_artifact(const pack_options *o, evr_context *ctx, const picked *list, const evr_results *results)
{
    void *bytes = NULL;
    size_t size = 0, bad = 0;
    evr_error *err = NULL;
    evr_artifact_options options = {
        .struct_size = sizeof options,
        .flags = (o->redact ? EVR_ARTIFACT_REDACT : 0) | (o->redact_operators ? EVR_ARTIFACT_REDACT_OPERATORS : 0),
        .results = results,
        .input = evr_str_c(base_name(o->path)),
        .seed = o->seed,
    };
    evr_status status = evr_artifact_write(ctx, list->items, list->count, &options, &bytes, &size, &err);
    if (status != EVR_OK)
        return input_error("pack", status, err);
    int code = output_whole(o->out, (evr_str){bytes, size}, EXIT_GOOD);
    evr_artifact_bytes_free(ctx, bytes, size);
    for (size_t i = 0; i < list->count; i++)
        bad += evr_ir_status(list->items[i]) != EVR_STATUS_OK;
    if (code == EXIT_GOOD)
        fprintf(stderr, "%s: %zu records, %zu of which cannot be replayed; %.1f KB\n", o->out, list->count, bad, (double)size / 1e3);
    return code;
}

static int pack(void *values, record_source *source)
{
    const pack_options *o = values;
    picked list = {0};
    evr_results *results = NULL;
    int code = pick(o, source, &list);
    if (code == EXIT_GOOD)
        code = read_results(o->results, source->ctx, &results);
    if (code == EXIT_GOOD)
        code = write_artifact(o, source->ctx, &list, results);
    evr_results_free(results);
    for (size_t i = 0; list.owned && i < list.count; i++)
        evr_ir_free(list.owned[i]);
    free(list.items);
    free(list.owned);
    return code;
}

static bool check(void *values)
{
    const pack_options *o = values;
    for (size_t i = 0; i < o->uids.count; i++)
        if (!o->uids.items[i][0] || o->uids.items[i][strspn(o->uids.items[i], "0123456789")]) {
            fprintf(stderr, "evreplay pack: --uid takes the index of an event, not \"%s\"\n", o->uids.items[i]);
            return false;
        }
    if (!o->out)
        fprintf(stderr, "evreplay pack: where to? Name the artifact with -o X.zip\n");
    return o->out != NULL;
}

static uint32_t flags(const void *values) { return ((const pack_options *)values)->recover ? EVR_TRACE_RECOVER : 0; }

static int run(int argc, char **argv, const command *self)
{
    pack_options o = {0};
    return records_run(&(records_command){self, &o, check, flags, pack, &o.live, &o.path}, argc, argv);
}

const command cmd_pack = {
    "pack", "INPUT -o X.zip", "Packs records into one file that can be sent and run with torch alone.",
    "INPUT is a trace, records, an operator-input log or another artifact. X.zip holds the records, what running them should give, and\n"
    "a replayer in Python: `python3 X.zip` needs torch and nothing else; every evreplay command that takes records takes X.zip too.\n"
    "Without --uid, calls that wrap others or are none of operators stay out. The same input and options give the same bytes.\n",
    table, run,
};
