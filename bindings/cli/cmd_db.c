/* evreplay db: the performance database. */
#include "commands.h"
#include "db.h"
#include "input.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

typedef struct update_options {
    const char *mode, *report;
    text_list from, ops;
    uint64_t ep_size, lock_timeout;
    bool prune, create, json;
    int32_t perfdb_mode;
} update_options;

#define FIELD(member) offsetof(update_options, member)

static const option update_table[] = {
    {"from", 0, OPT_LIST, "PATH", "op_summary files of the profiler, or folders with such files at any depth", FIELD(from)},
    {"mode", 0, OPT_TEXT, "MODE", "all (default): update and add rows; missing-only: fill rows without any duration", FIELD(mode)},
    {"prune", 0, OPT_FLAG, NULL, "remove rows that have no valid duration afterwards", FIELD(prune)},
    {"ep-size", 0, OPT_NUMBER, "N", "ranks of expert parallelism that the measurements were taken with", FIELD(ep_size)},
    {"ops", 0, OPT_LIST, "OP", "only these operators; one that has no file gets one", FIELD(ops)},
    {"create", 0, OPT_FLAG, NULL, "make the folder when there is none", FIELD(create)},
    {"report", 0, OPT_TEXT, "DIR", "write a report and all gaps into this folder", FIELD(report)},
    {"json", 0, OPT_FLAG, NULL, "everything as one JSON document", FIELD(json)},
    {"lock-timeout", 0, OPT_NUMBER, "S", "seconds to wait for another writer, 60 by default", FIELD(lock_timeout)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static const char *const status_names[] = {"", "success", "skipped", "failed"};

/* "--from A B" is "--from A --from B": the words behind the value of a list belong to the list until the next option. */
static char **spread_lists(int argc, char **argv, int *count)
{
    static char from[] = "--from", ops[] = "--ops";
    char **spread = calloc((size_t)argc * 2 + 1, sizeof *spread), *list = NULL;
    bool has_value = false;
    *count = 0;
    for (int i = 0; spread && i < argc; i++) {
        bool is_option = argv[i][0] == '-' && argv[i][1];
        if (is_option) {
            list = strcmp(argv[i], from) == 0 ? from : strcmp(argv[i], ops) == 0 ? ops : NULL;
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

static bool check_update(update_options *o)
{
    if (!o->mode || strcmp(o->mode, "all") == 0 || strcmp(o->mode, "missing-only") == 0) {
        o->perfdb_mode = o->mode && o->mode[0] == 'm' ? EVR_PERFDB_MODE_MISSING_ONLY : EVR_PERFDB_MODE_ALL;
    } else {
        fprintf(stderr, "evreplay db update: --mode takes all or missing-only, not \"%s\"\n", o->mode);
        return false;
    }
    if (o->ep_size > UINT32_MAX || o->lock_timeout > UINT32_MAX / 1000) {
        fprintf(stderr, "evreplay db update: --ep-size or --lock-timeout is too large\n");
        return false;
    }
    if (o->from.count || o->prune)
        return true;
    fprintf(stderr, "evreplay db update: say with --from PATH where the measurements are\n");
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
                                        .sources = o->from.items,
                                        .source_count = o->from.count,
                                        .ops = o->ops.items,
                                        .op_count = o->ops.count};
    evr_status status = evr_perfdb_open(ctx, path, &options, &db, &err);
    if (status == EVR_OK)
        status = evr_perfdb_update(db, &update, &report, &err);
    int code = status == EVR_OK ? tell_report(ctx, o, report) : input_error("db update", status, err);
    evr_perfdb_report_free(report);
    evr_perfdb_free(db);
    return code;
}

static int run_update(int argc, char **argv, const command *self)
{
    update_options o = {0};
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
        if (code < 0)
            code = (ctx = input_context()) ? update_database(ctx, path, &o) : EXIT_BAD_INPUT;
    }
    evr_context_free(ctx);
    options_free(self, &o, &inputs);
    free(spread);
    return code;
}

static const command update = {
    "db update", "DB --from PATH…", "Merges what a profiler measured into a database.",
    "DB is a folder with one CSV file for each operator. A call that was measured several times counts with its shortest duration.\n"
    "Files change in one step each, or not at all; rows that cannot be read are told with their line and kept.\n"
    "In mode missing-only nothing is read when every row has a duration already.\n"
    "The exit code is 1 when rows or files could not be read.\n",
    update_table, run_update,
};

static const command *const subcommands[] = {&update, &db_add, &db_merge, &db_import, &db_export, &db_history, &db_nearest, &db_check, &db_missing, &db_fill, &db_report};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static const char *short_name(const command *c) { return strchr(c->name, ' ') + 1; }

static void help(FILE *to)
{
    fprintf(to, "usage: evreplay db COMMAND DB [ARGUMENTS]\n\nKeeps measured times of operators.\nDB is a folder of CSV files for update, a store (one SQLite file) for all others.\n\ncommands:\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(to, "  %-9s %s\n", short_name(subcommands[i]), subcommands[i]->summary);
    fprintf(to, "\n  evreplay db COMMAND --help   what a command takes\n");
}

static int run(int argc, char **argv, const command *self)
{
    const char *names[SUBCOMMANDS];
    if (argc < 1) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        help(stdout);
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        names[i] = short_name(subcommands[i]);
        if (strcmp(argv[0], names[i]) == 0)
            return subcommands[i]->run(argc - 1, argv + 1, subcommands[i]);
    }
    const char *near = options_suggest(argv[0], names, SUBCOMMANDS);
    fprintf(stderr, "evreplay %s: there is no command \"%s\"", self->name, argv[0]);
    if (near)
        fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, "\nsee evreplay db --help\n");
    return EXIT_USAGE;
}

const command cmd_db = {
    "db", "COMMAND DB", "Keeps measured times of operators: add, merge, history, missing, fill, report, update…", NULL, NULL, run,
};
