/* evreplay db update: merges measured times into a folder of CSV files. */
#include "db.h"
#include "db_run.h"
#include "input.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct update_options {
    const char *mode, *report;
    text_list from, ops;
    text_list csv, results; /* --from, by kind */
    run_options run;
    uint64_t ep_size, lock_timeout;
    bool prune, create, json;
    int32_t perfdb_mode;
} update_options;

#define NOT_GIVEN UINT64_MAX /* --ep-size */

#define FIELD(member) offsetof(update_options, member)

static const option update_table[] = {
    {"from", 0, OPT_LIST, "PATH", "op_summary files of the profiler, folders with such files at any depth, or results (.json) of replay and bench", FIELD(from)},
    {"mode", 0, OPT_TEXT, "MODE", "all (default): update and add rows; missing-only: fill rows without any duration", FIELD(mode)},
    {"prune", 0, OPT_FLAG, NULL, "remove rows that have no valid duration afterwards", FIELD(prune)},
    {"ep-size", 0, OPT_NUMBER, "N", "ranks of expert parallelism that the measurements were taken with", FIELD(ep_size)},
    {"ops", 0, OPT_LIST, "OP", "only these operators, with * and ?; one that was measured and has no file gets one", FIELD(ops)},
    {"create", 0, OPT_FLAG, NULL, "make the folder when there is none", FIELD(create)},
    {"report", 0, OPT_TEXT, "DIR", "write a report and all gaps into this folder", FIELD(report)},
    {"json", 0, OPT_FLAG, NULL, "everything as one JSON document", FIELD(json)},
    {"lock-timeout", 0, OPT_NUMBER, "S", "seconds to wait for another writer, 60 by default", FIELD(lock_timeout)},
    RUN_OPTIONS(FIELD(run)),
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static const char *const status_names[] = {"", "success", "skipped", "failed"};

/* "--from A B" is "--from A --from B": the words behind the value of a list belong to the list until the next option. */
static char **spread_lists(int argc, char **argv, int *count)
{
    static char from[] = "--from", ops[] = "--ops", map[] = "--map";
    char **spread = calloc((size_t)argc * 2 + 1, sizeof *spread), *list = NULL;
    bool has_value = false;
    *count = 0;
    for (int i = 0; spread && i < argc; i++) {
        bool is_option = argv[i][0] == '-' && argv[i][1];
        if (is_option) {
            list = strcmp(argv[i], from) == 0 ? from : strcmp(argv[i], ops) == 0 ? ops : strcmp(argv[i], map) == 0 ? map : NULL;
            has_value = false;
        } else if (list && has_value) {
            spread[(*count)++] = list;
        } else {
            has_value = true;
        }
        spread[(*count)++] = argv[i];
    }
    return spread;
}

static bool check_run(const run_options *o)
{
    char *end = NULL;
    const char *needless = o->on ? NULL : o->repeat_count ? "repeat-count" : o->fail_fast ? "fail-fast" : o->work ? "work" : o->timeout ? "timeout" : o->runtime.device ? "device" : NULL;
    if (needless) {
        fprintf(stderr, "evreplay db update: --%s belongs to --run\n", needless);
        return false;
    }
    if (o->timeout && (!(strtod(o->timeout, &end) > 0) || *end)) {
        fprintf(stderr, "evreplay db update: --timeout takes a number above 0, not \"%s\"\n", o->timeout);
        return false;
    }
    return true;
}

/* Results of replays are told by the ends of their names; they are no lists of a profiler. */
static bool split_sources(update_options *o)
{
    o->csv.items = calloc(o->from.count + 1, sizeof *o->csv.items);
    o->results.items = calloc(o->from.count + 1, sizeof *o->results.items);
    for (size_t i = 0; o->csv.items && o->results.items && i < o->from.count; i++) {
        size_t len = strlen(o->from.items[i]);
        text_list *list = len > 5 && strcmp(o->from.items[i] + len - 5, ".json") == 0 ? &o->results : &o->csv;
        list->items[list->count++] = o->from.items[i];
    }
    return o->csv.items && o->results.items;
}

static bool check_update(update_options *o)
{
    if (!o->mode || strcmp(o->mode, "all") == 0 || strcmp(o->mode, "missing-only") == 0) {
        o->perfdb_mode = o->mode && o->mode[0] == 'm' ? EVR_PERFDB_MODE_MISSING_ONLY : EVR_PERFDB_MODE_ALL;
    } else {
        fprintf(stderr, "evreplay db update: --mode takes all or missing-only, not \"%s\"\n", o->mode);
        return false;
    }
    if (o->ep_size == NOT_GIVEN) {
        o->ep_size = 0;
    } else if (!o->ep_size || o->ep_size > UINT32_MAX) {
        fprintf(stderr, "evreplay db update: --ep-size takes a number of ranks, from 1 on; %" PRIu64 " is too %s. Leave it out where it is not known\n", o->ep_size,
                o->ep_size ? "large" : "small");
        return false;
    }
    if (o->lock_timeout > UINT32_MAX / 1000) {
        fprintf(stderr, "evreplay db update: --lock-timeout is too large: it takes seconds, at most %u\n", UINT32_MAX / 1000);
        return false;
    }
    if (!check_run(&o->run))
        return false;
    if (o->from.count || o->prune || o->run.on)
        return true;
    fprintf(stderr, "evreplay db update: say with --from PATH where the measurements are, or --run to take them\n");
    return false;
}

static void print_files(const evr_perfdb_report *report)
{
    printf("%-28s %-8s %8s %8s %8s %8s %9s %8s %10s\n", "operator", "status", "rows", "updated", "added", "deleted", "unchanged", "missing",
           "duplicates");
    for (size_t i = 0; i < evr_perfdb_report_file_count(report); i++) {
        evr_perfdb_file f = {.struct_size = sizeof f};
        if (evr_perfdb_report_file(report, i, &f, NULL) != EVR_OK || (f.name.len == 0 && f.status != EVR_PERFDB_FAILED))
            continue;
        printf("%-28.*s %-8s %8llu %8llu %8llu %8llu %9llu %8llu %10llu\n", (int)f.op.len, f.op.data, status_names[f.status],
               (unsigned long long)f.rows, (unsigned long long)f.updated, (unsigned long long)f.added, (unsigned long long)f.deleted,
               (unsigned long long)f.unchanged, (unsigned long long)f.missing, (unsigned long long)f.duplicates);
    }
}

static void print_totals(const evr_perfdb_totals *t)
{
    if (t->complete) {
        printf("Every row has a valid duration already; nothing was read and nothing changed.\n");
        return;
    }
    printf("\n%llu rows of %llu profiler files: %llu updated, %llu added, %llu deleted, %llu unchanged; %llu of %llu files changed, %llu gaps\n",
           (unsigned long long)t->source_rows, (unsigned long long)t->source_files, (unsigned long long)t->updated,
           (unsigned long long)t->added, (unsigned long long)t->deleted, (unsigned long long)t->unchanged, (unsigned long long)t->written,
           (unsigned long long)t->files, (unsigned long long)t->gaps);
}

/* What went wrong, on stderr. Returns the exit code. */
static int tell_problems(const evr_perfdb_report *report, const evr_perfdb_totals *t)
{
    int code = t->malformed ? EXIT_SOME_FAILED : EXIT_GOOD;
    for (size_t i = 0; i < evr_perfdb_report_problem_count(report); i++) {
        evr_perfdb_problem p = {.struct_size = sizeof p};
        if (evr_perfdb_report_problem(report, i, &p, NULL) == EVR_OK)
            fprintf(stderr, "%.*s:%llu: %.*s\n", (int)p.path.len, p.path.data, (unsigned long long)p.line, (int)p.message.len, p.message.data);
    }
    for (size_t i = 0; i < evr_perfdb_report_file_count(report); i++) {
        evr_perfdb_file f = {.struct_size = sizeof f};
        if (evr_perfdb_report_file(report, i, &f, NULL) != EVR_OK || f.status == EVR_PERFDB_SUCCESS)
            continue;
        fprintf(stderr, "%s: %.*s: %.*s\n", status_names[f.status], (int)f.op.len, f.op.data, (int)f.reason.len, f.reason.data);
        if (f.status == EVR_PERFDB_FAILED)
            code = EXIT_SOME_FAILED;
    }
    return code;
}

static int print_json(evr_context *ctx, const evr_perfdb_report *report)
{
    char *text = NULL;
    size_t size;
    evr_error *err = NULL;
    output out;
    evr_status status = evr_perfdb_report_text(report, EVR_PERFDB_TEXT_JSON, &text, &size, &err);
    if (status != EVR_OK)
        return input_error("db update", status, err);
    if (!output_open(&out, NULL))
        return EXIT_BAD_INPUT;
    output_str(&out, (evr_str){text, size});
    output_str(&out, (evr_str){"\n", 1});
    evr_text_free(ctx, text);
    return output_close(&out, EXIT_GOOD);
}

static int tell_report(evr_context *ctx, const update_options *o, const evr_perfdb_report *report)
{
    evr_perfdb_totals totals = {.struct_size = sizeof totals};
    evr_error *err = NULL;
    char *path = NULL;
    evr_perfdb_report_totals(report, &totals, NULL);
    int code = tell_problems(report, &totals);
    if (o->json) {
        int printed = print_json(ctx, report);
        code = printed ? printed : code;
    } else {
        if (!totals.complete)
            print_files(report);
        print_totals(&totals);
    }
    if (!o->report)
        return code;
    evr_status status = evr_perfdb_report_write(report, o->report, NULL, &path, &err);
    if (status != EVR_OK)
        return input_error("db update", status, err);
    fprintf(stderr, "report: %s\n", path);
    evr_text_free(ctx, path);
    return code;
}

static int update_database(evr_context *ctx, const char *path, const update_options *o)
{
    evr_perfdb *db = NULL;
    evr_perfdb_report *report = NULL;
    evr_error *err = NULL;
    evr_perfdb_options options = {.struct_size = sizeof options,
                                  .flags = o->create ? EVR_PERFDB_CREATE : 0,
                                  .lock_timeout_ms = (uint32_t)o->lock_timeout * 1000};
    evr_perfdb_update_options update = {.struct_size = sizeof update,
                                        .mode = o->perfdb_mode,
                                        .flags = o->prune ? EVR_PERFDB_PRUNE : 0,
                                        .ep_size = (uint32_t)o->ep_size,
                                        .sources = o->csv.items,
                                        .source_count = o->csv.count,
                                        .ops = o->ops.items,
                                        .op_count = o->ops.count};
    evr_status status = evr_perfdb_open(ctx, path, &options, &db, &err);
    bool rows = o->run.on || o->results.count;
    if (status == EVR_OK && !rows)
        status = evr_perfdb_update(db, &update, &report, &err);
    int code = status != EVR_OK ? input_error("db update", status, err) : rows ? db_run_rows(&db_update, ctx, db, &o->run, &o->results, &update, &report) : 0;
    if (report)
        code = tell_report(ctx, o, report);
    evr_perfdb_report_free(report);
    evr_perfdb_free(db);
    return code;
}

static int run_update(int argc, char **argv, const command *self)
{
    update_options o = {.ep_size = NOT_GIVEN};
    text_list inputs = {0};
    evr_context *ctx = NULL;
    int count;
    char **spread = spread_lists(argc, argv, &count);
    if (!spread)
        return EXIT_BAD_INPUT;
    int code = options_parse(self, count, spread, &o, &inputs);
    if (code < 0) {
        const char *path = input_only(self, &inputs);
        code = path && check_update(&o) ? -1 : EXIT_USAGE;
        if (code < 0 && !split_sources(&o))
            code = EXIT_BAD_INPUT;
        if (code < 0)
            code = (ctx = input_context()) ? (code = runtime_configure(self->name, &o.run.runtime, ctx)) ? code : update_database(ctx, path, &o) : EXIT_BAD_INPUT;
    }
    evr_context_free(ctx);
    options_free(self, &o, &inputs);
    free(o.csv.items);
    free(o.results.items);
    free(spread);
    return code;
}

const command db_update = {
    "db update", "DB --from PATH… | DB --run", "Merges what a profiler measured, or replays of its rows, into a database.",
    "DB is a folder with one CSV file for each operator. A call that was measured several times counts with its shortest duration.\n"
    "Files change in one step each, or not at all; rows that cannot be read are told with their line and kept.\n"
    "In mode missing-only nothing is read when every row has a duration already.\n"
    "With --run the rows themselves are replayed: all in one batch of isolated workers first, then each operator that failed once more, alone. Rows that have no call\n"
    "(of a namespace that is not there, of several ranks) are skipped with the reason. What is intermediate stays when something failed; the place is told.\n"
    "The exit code is 1 when rows or files could not be read, or rows failed.\n",
    update_table, run_update,
};
