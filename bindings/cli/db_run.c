#include "db_run.h"

#include "db_work.h"
#include "input.h"
#include "progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

typedef struct live_run {
    const command *self;
    evr_context *ctx;
    const run_options *o;
    evr_runtime *runtime;
    evr_row_map *map;
    evr_rows *rows;
    const evr_ir *const *records;
    size_t count;
    uint8_t *failed;         /* by record: it has no time after the batch */
    const evr_ir **chosen;   /* records of one operator */
    size_t *places;          /* of these among all */
    evr_protocol protocol;
    db_work work;
    bool any_failed;
} live_run;

static evr_status open_map(live_run *r, evr_error **err)
{
    evr_status status = evr_row_map_new(r->ctx, &r->map, err);
    for (size_t i = 0; status == EVR_OK && i < r->o->maps.count; i++)
        status = evr_row_map_add_file(r->map, r->o->maps.items[i], err);
    return status;
}

/* What the tensor library does not have is no failure here. */
static evr_status ask_runtime(void *user, evr_str op, evr_schema_fn visit, void *to, evr_error **err)
{
    evr_status status = evr_runtime_schemas(user, op, visit, to, err);
    if (status != EVR_E_NOT_FOUND)
        return status;
    if (err) {
        evr_error_free(*err);
        *err = NULL;
    }
    return EVR_OK;
}

static evr_rows_options rows_options(const live_run *r, const evr_perfdb_update_options *update)
{
    return (evr_rows_options){.struct_size = sizeof(evr_rows_options), .mode = update->mode, .map = r->map, .ops = update->ops, .op_count = update->op_count};
}

/* In mode missing-only there may be nothing to run, and then no tensor library is needed. */
static int open_rows(live_run *r, evr_perfdb *db, const evr_perfdb_update_options *update)
{
    evr_error *err = NULL;
    evr_rows_options options = rows_options(r, update);
    evr_status status = EVR_OK;
    if (update->mode == EVR_PERFDB_MODE_MISSING_ONLY) {
        status = evr_rows_open(r->ctx, db, &options, &r->rows, &err);
        if (status == EVR_OK && evr_rows_count(r->rows) == 0)
            return 0;
        evr_rows_free(r->rows);
        r->rows = NULL;
    }
    if (status == EVR_OK) {
        runtime_options schemas = r->o->runtime;
        schemas.device = NULL;
        int code = runtime_open(r->self->name, &schemas, r->ctx, &r->runtime);
        if (code)
            return code;
        options.source = ask_runtime;
        options.source_user = r->runtime;
        status = evr_rows_open(r->ctx, db, &options, &r->rows, &err);
    }
    return status == EVR_OK ? 0 : input_error(r->self->name, status, err);
}

static int32_t watch(void *user, const evr_result *result, uint64_t done, uint64_t total)
{
    (void)user;
    if (result && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s%" PRIu64 " of %" PRIu64 "%s", done < total ? "" : "\r", done, total, done < total ? "" : "\r\033[K");
    return interrupted;
}

/* One batch of isolated workers, taken by the rows. *went: it came to an end, whatever became of its records. */
static int run_batch(live_run *r, const evr_ir *const *records, size_t count, const char *name, const size_t *places, bool combined, bool *went)
{
    char file[96];
    evr_error *err = NULL;
    evr_results *results = NULL;
    evr_replay_batch_options options = {
        .struct_size = sizeof options,
        .flags = EVR_BATCH_TIMED | EVR_BATCH_ISOLATE | (r->o->fail_fast ? EVR_BATCH_STOP_ON_ERROR : 0),
        .bridge = r->o->runtime.bridge,
        .device = r->o->runtime.device,
        .backend_path = r->o->backend,
        .protocol = &r->protocol,
        .threads = (int32_t)r->o->runtime.threads,
        .workers = combined ? 0 : 1,
        .max_bytes = r->o->runtime.max_bytes,
        .seed = r->o->runtime.seed,
        .timeout_s = r->o->timeout ? strtod(r->o->timeout, NULL) : 0,
        .worker = r->o->worker,
        .input = name,
        .progress = watch,
    };
    snprintf(file, sizeof file, "%s.journal", name);
    options.journal = combined ? db_work_file(&r->work, file) : NULL;
    evr_status status = evr_replay_batch(r->ctx, records, count, &options, &results, &err);
    if (!(*went = status == EVR_OK)) {
        int code = runtime_error(r->self->name, status, err);
        bool hopeless = code == EXIT_MISSING || status == EVR_E_INVALID || status == EVR_E_NOMEM;
        return hopeless || !combined ? code : 0;
    }
    uint64_t taken;
    status = evr_rows_take(r->rows, results, &taken, &err);
    int code = status == EVR_OK ? 0 : input_error(r->self->name, status, err);
    for (size_t i = 0; i < evr_results_count(results); i++) {
        const evr_result *result = evr_results_at(results, i);
        if (result->index < count)
            r->failed[places ? places[result->index] : result->index] = result->status == EVR_STATUS_FAILED;
    }
    snprintf(file, sizeof file, "%s.json", name);
    if (!code && !db_work_results(&r->work, r->ctx, file, results))
        code = EXIT_BAD_INPUT;
    evr_results_free(results);
    return code;
}

/* Records of an operator's rows, from row *next on, that failed; *next becomes the first row of the next operator. */
static size_t failed_of(live_run *r, size_t *next, evr_row_info *first)
{
    size_t n = 0;
    *first = (evr_row_info){.struct_size = sizeof *first};
    evr_rows_at(r->rows, *next, first, NULL);
    for (; *next < evr_rows_count(r->rows); ++*next) {
        evr_row_info row = {.struct_size = sizeof row};
        evr_rows_at(r->rows, *next, &row, NULL);
        if (row.op.len != first->op.len || memcmp(row.op.data, first->op.data, row.op.len) != 0)
            break;
        for (size_t i = 0; i < row.record_count; i++) {
            size_t record = row.records[i];
            if (r->failed[record] != 1)
                continue;
            r->failed[record] = 2; /* chosen */
            r->places[n] = record;
            r->chosen[n++] = r->records[record];
        }
    }
    return n;
}

static bool still_failed(const live_run *r, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= r->failed[r->places[i]] != 0;
    return any;
}

/* What failed together is run again, each operator by itself in a process of its own. */
static int run_alone(live_run *r)
{
    int code = 0;
    size_t number = 0;
    for (size_t next = 0; !code && !interrupted && next < evr_rows_count(r->rows);) {
        evr_row_info row;
        char name[64];
        bool went;
        size_t n = failed_of(r, &next, &row);
        if (!n)
            continue;
        fprintf(stderr, "%.*s: %zu calls failed in the run of all, and are run again alone\n", (int)row.op.len, row.op.data, n);
        snprintf(name, sizeof name, "alone-%zu", ++number);
        code = run_batch(r, r->chosen, n, name, r->places, false, &went);
        r->any_failed |= still_failed(r, n);
        if (r->o->fail_fast && still_failed(r, n))
            break;
    }
    return code;
}

static bool write_records(live_run *r)
{
    char *text = NULL;
    size_t size = 0;
    evr_error *err = NULL;
    evr_status status = evr_ir_write(r->ctx, r->records, r->count, EVR_IR_FORMAT_EVREPLAY, &text, &size, &err);
    if (status == EVR_OK)
        return db_work_write(&r->work, r->ctx, "records.ir", text, size);
    input_error(r->self->name, status, err);
    return false;
}

static int run_all(live_run *r)
{
    bool went, failed = false;
    if (!write_records(r))
        return EXIT_BAD_INPUT;
    memset(r->failed, 0, r->count);
    int code = run_batch(r, r->records, r->count, "combined", NULL, true, &went);
    if (code)
        return code;
    if (!went)
        memset(r->failed, 1, r->count);
    for (size_t i = 0; i < r->count; i++)
        failed |= r->failed[i] != 0;
    if (failed && (!r->o->fail_fast || !went) && !interrupted)
        return run_alone(r);
    r->any_failed = failed;
    return 0;
}

static int run_records(live_run *r)
{
    evr_error *err = NULL;
    r->protocol.struct_size = sizeof r->protocol;
    evr_status status = evr_protocol_preset(EVR_PROTOCOL_DEFAULT, &r->protocol, &err);
    if (status != EVR_OK)
        return input_error(r->self->name, status, err);
    if (r->o->repeat_count) {
        r->protocol.stop = EVR_STOP_COUNT;
        r->protocol.samples = r->o->repeat_count;
    }
    r->records = evr_rows_records(r->rows, &r->count);
    if (!r->count)
        return 0;
    r->failed = calloc(r->count, sizeof *r->failed);
    r->chosen = calloc(r->count, sizeof *r->chosen);
    r->places = calloc(r->count, sizeof *r->places);
    if (!r->failed || !r->chosen || !r->places || !db_work_open(&r->work, r->o->work))
        return EXIT_BAD_INPUT;
    interrupted = 0;
    signal(SIGINT, on_interrupt);
    int code = run_all(r);
    signal(SIGINT, SIG_DFL);
    return code;
}

static void release(live_run *r)
{
    free(r->failed);
    free(r->chosen);
    free(r->places);
    evr_rows_free(r->rows);
    evr_runtime_free(r->runtime);
    evr_row_map_free(r->map);
}

static int give_back(live_run *r, evr_perfdb *db, const evr_perfdb_update_options *update, bool only_taken, evr_perfdb_report **report)
{
    evr_error *err = NULL;
    evr_status status = evr_rows_update(r->rows, db, update, only_taken, report, &err);
    return status == EVR_OK ? 0 : input_error(r->self->name, status, err);
}

/* Rows are the variants that the results are of, and only those that the results have. */
static int take_results(live_run *r, evr_perfdb *db, const text_list *paths, const evr_perfdb_update_options *update, evr_perfdb_report **report)
{
    evr_error *err = NULL;
    evr_status status = EVR_OK;
    evr_results **all = calloc(paths->count + 1, sizeof *all);
    int code = all ? 0 : EXIT_BAD_INPUT;
    for (size_t i = 0; !code && i < paths->count; i++) {
        size_t size;
        char *text = input_read_all(paths->items[i], (evr_str){"", 0}, &size);
        if (!text) {
            code = EXIT_BAD_INPUT;
            break;
        }
        status = evr_results_read(r->ctx, text, size, &all[i], &err);
        free(text);
        if (status != EVR_OK)
            code = input_error(paths->items[i], status, err);
    }
    if (!code) {
        evr_rows_options options = rows_options(r, update);
        options.like = (const evr_results *const *)all;
        options.like_count = paths->count;
        status = evr_rows_open(r->ctx, db, &options, &r->rows, &err);
    }
    for (size_t i = 0; !code && status == EVR_OK && i < paths->count; i++) {
        uint64_t taken;
        status = evr_rows_take(r->rows, all[i], &taken, &err);
        fprintf(stderr, "%s: %" PRIu64 " of %zu results are of rows of the database\n", paths->items[i], taken, evr_results_count(all[i]));
    }
    if (!code)
        code = status == EVR_OK ? give_back(r, db, update, true, report) : input_error(r->self->name, status, err);
    for (size_t i = 0; all && i < paths->count; i++)
        evr_results_free(all[i]);
    free(all);
    return code;
}

int db_run_rows(const command *self, evr_context *ctx, evr_perfdb *db, const run_options *o, const text_list *results, const evr_perfdb_update_options *update,
                evr_perfdb_report **report)
{
    live_run r = {.self = self, .ctx = ctx, .o = o};
    evr_error *err = NULL;
    evr_status status = open_map(&r, &err);
    int code = status == EVR_OK ? 0 : input_error(self->name, status, err);
    if (!code && !o->on)
        code = take_results(&r, db, results, update, report);
    else if (!code && !(code = open_rows(&r, db, update)) && !(code = run_records(&r)))
        code = give_back(&r, db, update, false, report);
    if (interrupted)
        fprintf(stderr, "interrupted: rows that were not reached were not run\n");
    db_work_close(&r.work, code || r.any_failed || interrupted || o->work);
    release(&r);
    return code;
}
