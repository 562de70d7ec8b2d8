#include <evreplay/perfdb.h>

#include "base/error.h"
#include "base/sized.h"
#include "perfdb/file_jobs.h"
#include "perfdb/sources.h"
#include "perfdb/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { DEFAULT_TIMEOUT_MS = 60000 };

struct evr_perfdb {
    evr_context *ctx;
    char *path;
    uint32_t lock_timeout_ms;
    uint32_t threads;
    uint64_t max_file_bytes;
};

static evr_status take_options(evr_context *ctx, const void *options, void *to, size_t size, const char *what, evr_error **err)
{
    uint32_t given = 0;
    if (!options)
        return EVR_OK;
    memcpy(&given, options, sizeof given);
    if (given < sizeof given || given > size + 4096)
        return evr_fail(ctx, err, EVR_E_INVALID, "%s: unknown struct_size %u", what, given);
    evr_sized_take(to, size, options);
    return EVR_OK;
}

evr_status evr_perfdb_open(evr_context *ctx, const char *path, const evr_perfdb_options *options, evr_perfdb **out, evr_error **err)
{
    evr_perfdb_options o = {0};
    evr_folder folder;
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !path || !path[0] || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_perfdb_open: context, path or `out` is missing");
    EVR_TRY(take_options(ctx, options, &o, sizeof o, "evr_perfdb_open", err));
    if ((o.flags & EVR_PERFDB_CREATE) && mkdir(path, 0777) != 0 && errno != EEXIST)
        return evr_fail(ctx, err, EVR_E_IO, "cannot make the folder %s: %s", path, strerror(errno));
    evr_status status = evr_folder_open(ctx, path, &folder, err);
    evr_folder_close(&folder);
    if (status == EVR_E_UNSUPPORTED)
        evr_hint(err, "a database is a folder of CSV files, one for each operator");
    EVR_TRY(status);
    evr_perfdb *db = evr_alloc_zeroed(ctx, sizeof *db);
    if (!db)
        return evr_fail_nomem(err);
    db->path = evr_strdup(ctx, evr_str_c(path));
    if (!db->path) {
        evr_release(ctx, db, sizeof *db);
        return evr_fail_nomem(err);
    }
    db->ctx = evr_context_ref(ctx);
    db->lock_timeout_ms = o.lock_timeout_ms ? o.lock_timeout_ms : DEFAULT_TIMEOUT_MS;
    db->threads = o.threads;
    db->max_file_bytes = o.max_file_bytes && o.max_file_bytes < UINT32_MAX ? o.max_file_bytes : UINT32_MAX - 1;
    *out = db;
    return EVR_OK;
}

void evr_perfdb_free(evr_perfdb *db)
{
    if (!db)
        return;
    evr_context *ctx = db->ctx;
    evr_release(ctx, db->path, strlen(db->path) + 1);
    evr_release(ctx, db, sizeof *db);
    evr_context_free(ctx);
}

int32_t evr_perfdb_format(const evr_perfdb *db)
{
    (void)db;
    return EVR_PERFDB_FORMAT_CSV;
}

evr_str evr_perfdb_path(const evr_perfdb *db) { return evr_str_c(db->path); }

/* One update from its start to its end. */
typedef struct update {
    evr_perfdb *db;
    evr_context *ctx;
    evr_perfdb_update_options o;
    evr_folder folder;
    evr_folder_entry *entries;
    size_t entry_count;
    evr_samples samples;
    evr_file_jobs jobs;
    evr_perfdb_report *report;
    evr_str ep_size;
    char ep_text[16];
    evr_buf scratch, path; /* texts for a moment; a file's path for people */
} update;

static bool selected(const update *u, evr_str op)
{
    for (size_t i = 0; i < u->o.op_count; i++)
        if (evr_glob(evr_str_c(u->o.ops[i]), op))
            return true;
    return u->o.op_count == 0;
}

static evr_str op_of(const evr_folder_entry *entry) { return evr_str_sub(entry->name, 0, entry->name.len - 4); }

static bool has_entry(const update *u, evr_str op)
{
    for (size_t low = 0, high = u->entry_count; low < high;) {
        size_t middle = (low + high) / 2;
        int order = evr_str_cmp(op_of(&u->entries[middle]), op);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static evr_status read_entry(update *u, evr_str name, char **text, size_t *size, evr_error **err)
{
    evr_file_path(&u->path, u->db->path, name);
    if (u->path.failed)
        return evr_fail_nomem(err);
    return evr_file_read(u->ctx, u->folder.fd, name.data, u->path.data, u->db->max_file_bytes, text, size, err);
}

/* Mode missing-only has nothing to do when every row of every file has a duration. */
static evr_status all_complete(update *u, bool *complete, evr_error **err)
{
    *complete = u->entry_count > 0;
    bool any = false;
    for (size_t i = 0; i < u->entry_count && *complete; i++) {
        char *text;
        size_t size;
        if (!u->entries[i].regular || !selected(u, op_of(&u->entries[i])))
            continue;
        any = true;
        EVR_TRY(read_entry(u, u->entries[i].name, &text, &size, err));
        bool good = evr_table_complete(u->ctx, (evr_str){text, size}, complete);
        evr_release(u->ctx, text, size + 1);
        if (!good)
            return evr_fail_nomem(err);
    }
    *complete = *complete && any;
    return EVR_OK;
}

static evr_status read_sources(update *u, evr_error **err)
{
    evr_source_files files;
    evr_source_files_init(&files, u->ctx);
    evr_status status = EVR_OK;
    for (size_t i = 0; status == EVR_OK && i < u->o.source_count; i++)
        status = evr_source_files_add(&files, u->o.sources[i], err);
    for (size_t i = 0; status == EVR_OK && i < files.count; i++) {
        char *text;
        size_t size;
        status = evr_file_read(u->ctx, AT_FDCWD, files.paths[i].data, files.paths[i].data, UINT32_MAX - 1, &text, &size, err);
        if (status != EVR_OK)
            break;
        status = evr_samples_add(&u->samples, files.paths[i], (evr_str){text, size}, u->db->threads, u->report, err);
        evr_release(u->ctx, text, size + 1);
        u->report->totals.source_files++;
    }
    evr_source_files_free(&files);
    return status;
}

/* Rows that were run: times to be merged, outcomes for the report. */
static evr_status take_runs(update *u, evr_error **err)
{
    bool good = true;
    for (size_t i = 0; good && i < u->o.run_count; i++) {
        const evr_perfdb_run *run = u->o.runs[i];
        const evr_call_cells cells = {.base = {[EVR_COL_INPUT_SHAPES] = run->input_shapes, [EVR_COL_OUTPUT_SHAPES] = run->output_shapes}, .ep_size = {"", 0}};
        u->scratch.len = 0;
        evr_signature_label(&u->scratch, &cells);
        good = !u->scratch.failed && evr_dbreport_add_run(u->report, run, evr_buf_view(&u->scratch)) &&
               (run->status != EVR_PERFDB_SUCCESS || evr_samples_add_run(&u->samples, run));
    }
    return good ? EVR_OK : evr_fail_nomem(err);
}

/* Whether an operator's measurements went into the file of another name. */
static bool has_other_entry(update *u, evr_str op)
{
    bool found = false;
    evr_str name;
    for (size_t i = 0; !found && (name = evr_op_alias(&u->scratch, op, i)).len; i++)
        found = has_entry(u, name) && selected(u, name);
    return found;
}

/* An entry of the report about an operator. */
static evr_status report_file(update *u, evr_str op, evr_str name, size_t *number, evr_error **err)
{
    const evr_dbreport_file *file = evr_dbreport_add_file(u->report, op, name);
    *number = file ? (size_t)(file - u->report->files) : 0;
    return file ? EVR_OK : evr_fail_nomem(err);
}

static evr_status end_with(update *u, size_t number, int32_t status, const char *format, const char *detail, evr_error **err)
{
    return evr_set_reason(&u->report->arena, &u->report->files[number].public, status, format, detail) ? EVR_OK : evr_fail_nomem(err);
}

static evr_status plan_entry(update *u, const evr_folder_entry *entry, evr_error **err)
{
    size_t number;
    EVR_TRY(report_file(u, op_of(entry), entry->name, &number, err));
    if (!entry->regular)
        return end_with(u, number, EVR_PERFDB_FAILED, "it is a link or no file%s, and was left alone", "", err);
    return evr_file_jobs_add(&u->jobs, op_of(entry), entry->name, false, number) ? EVR_OK : evr_fail_nomem(err);
}

/* A name from a profile that may become a file's name. */
static bool is_file_name(evr_str op)
{
    if (op.len == 0 || op.len > 200 || op.data[0] == '.')
        return false;
    for (size_t i = 0; i < op.len; i++)
        if (op.data[i] == '/' || (unsigned char)op.data[i] < 32)
            return false;
    return true;
}

/* An operator that was measured and has no file. It gets one when the database is new or when it was asked for by its name; else a
 * profile of a whole model would add files of operators that nobody keeps. */
static evr_status plan_absent(update *u, evr_str op, bool create, evr_error **err)
{
    size_t number;
    EVR_TRY(report_file(u, op, (evr_str){"", 0}, &number, err));
    const char *reason = !create                                    ? "it has no file in the database; name it among the operators to make one"
                         : !is_file_name(op)                        ? "its name cannot be the name of a file"
                         : u->o.mode == EVR_PERFDB_MODE_MISSING_ONLY ? "it has no file in the database, and mode missing-only adds no rows"
                                                                    : NULL;
    if (reason)
        return end_with(u, number, EVR_PERFDB_SKIPPED, "%s", reason, err);
    u->scratch.len = 0;
    evr_buf_str(&u->scratch, op);
    evr_buf_c(&u->scratch, ".csv");
    evr_perfdb_file *file = &u->report->files[number].public;
    evr_str name = u->scratch.failed ? (evr_str){NULL, 0} : evr_arena_str(&u->folder.arena, evr_buf_view(&u->scratch));
    bool good = name.data && (file->name = evr_dbreport_text(&u->report->arena, name)).data && evr_file_jobs_add(&u->jobs, op, name, true, number);
    return good ? EVR_OK : evr_fail_nomem(err);
}

/* An operator that was asked for and is nowhere to be found. */
static evr_status note_unknown(update *u, evr_str op, evr_error **err)
{
    size_t number;
    EVR_TRY(report_file(u, op, (evr_str){"", 0}, &number, err));
    return end_with(u, number, EVR_PERFDB_SKIPPED, "it has no file in the database, and %s", "the sources hold no measurement of it", err);
}

/* Whether there is a file or a measurement for what was asked for. */
static bool is_known(const update *u, evr_str pattern)
{
    for (size_t i = 0; i < u->entry_count; i++)
        if (evr_glob(pattern, op_of(&u->entries[i])))
            return true;
    for (uint32_t i = 0; i < u->samples.ops.count; i++)
        if (u->samples.by_op[i].count && evr_glob(pattern, evr_intern_text(&u->samples.ops, i)))
            return true;
    return false;
}

/* Which files there are to work on; operators without one are reported at once. */
static evr_status plan(update *u, evr_error **err)
{
    bool empty = true;
    for (size_t i = 0; i < u->entry_count; i++) {
        evr_str op = op_of(&u->entries[i]);
        empty = false;
        if (selected(u, op))
            EVR_TRY(plan_entry(u, &u->entries[i], err));
    }
    for (uint32_t i = 0; i < u->samples.ops.count; i++) {
        evr_str op = evr_intern_text(&u->samples.ops, i);
        if (u->samples.by_op[i].count && selected(u, op) && !has_entry(u, op) && (u->o.op_count || !has_other_entry(u, op)))
            EVR_TRY(plan_absent(u, op, empty || u->o.op_count, err));
        if (u->scratch.failed)
            return evr_fail_nomem(err);
    }
    for (size_t i = 0; i < u->o.op_count; i++) {
        evr_str op = evr_str_c(u->o.ops[i]);
        if (!is_known(u, op))
            EVR_TRY(note_unknown(u, op, err));
    }
    return EVR_OK;
}

static void finish_report(void *report) { evr_dbreport_finish(report); }

static evr_status run(update *u, evr_error **err)
{
    bool complete = false;
    EVR_TRY(evr_folder_open(u->ctx, u->db->path, &u->folder, err));
    u->folder.threads = u->db->threads;
    EVR_TRY(evr_folder_lock(&u->folder, u->db->lock_timeout_ms, err));
    EVR_TRY(evr_folder_list(&u->folder, &u->entries, &u->entry_count, err));
    if (u->o.mode == EVR_PERFDB_MODE_MISSING_ONLY)
        EVR_TRY(all_complete(u, &complete, err));
    u->report->totals.complete = complete;
    if (complete)
        return EVR_OK;
    EVR_TRY(read_sources(u, err));
    EVR_TRY(take_runs(u, err));
    EVR_TRY(plan(u, err));
    EVR_TRY(evr_file_jobs_run(&u->jobs, u->db->threads, err));
    if (!evr_dbreport_judge_runs(u->report))
        return evr_fail_nomem(err);
    return evr_folder_commit(&u->folder, finish_report, u->report, err);
}

static evr_status check_options(evr_context *ctx, const evr_perfdb_update_options *o, evr_error **err)
{
    if (o->mode != EVR_PERFDB_MODE_ALL && o->mode != EVR_PERFDB_MODE_MISSING_ONLY)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_perfdb_update: there is no mode %d", o->mode);
    if ((o->source_count && !o->sources) || (o->op_count && !o->ops) || (o->run_count && !o->runs))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_perfdb_update: a list is missing");
    for (size_t i = 0; i < o->source_count; i++)
        if (!o->sources[i])
            return evr_fail(ctx, err, EVR_E_INVALID, "evr_perfdb_update: source %zu is NULL", i);
    for (size_t i = 0; i < o->op_count; i++)
        if (!o->ops[i])
            return evr_fail(ctx, err, EVR_E_INVALID, "evr_perfdb_update: operator %zu is NULL", i);
    for (size_t i = 0; i < o->run_count; i++) {
        const evr_perfdb_run *run = o->runs[i];
        if (!run || run->struct_size < sizeof *run || run->status < EVR_PERFDB_SUCCESS || run->status > EVR_PERFDB_FAILED ||
            (run->status == EVR_PERFDB_SUCCESS && !evr_duration_valid(run->duration_us)))
            return evr_fail(ctx, err, EVR_E_INVALID, "evr_perfdb_update: run %zu is NULL, or has no size, status or duration", i);
    }
    return EVR_OK;
}

evr_status evr_perfdb_update(evr_perfdb *db, const evr_perfdb_update_options *options, evr_perfdb_report **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!db)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_perfdb_update: `db` is NULL");
    update u = {.db = db, .ctx = db->ctx, .folder = {.ctx = db->ctx, .fd = -1, .lock = -1}};
    EVR_TRY(take_options(db->ctx, options, &u.o, sizeof u.o, "evr_perfdb_update", err));
    EVR_TRY(check_options(db->ctx, &u.o, err));
    u.report = evr_dbreport_new(db->ctx, evr_str_c(db->path));
    if (!u.report)
        return evr_fail_nomem(err);
    evr_samples_init(&u.samples, db->ctx);
    evr_buf_init(&u.scratch, db->ctx);
    evr_buf_init(&u.path, db->ctx);
    evr_arena_init(&u.folder.arena, db->ctx);
    if (u.o.ep_size)
        snprintf(u.ep_text, sizeof u.ep_text, "%u", u.o.ep_size);
    u.ep_size = evr_str_c(u.ep_text);
    u.jobs = (evr_file_jobs){
        .ctx = db->ctx, .path = db->path, .folder = &u.folder, .samples = &u.samples, .report = u.report, .ep_size = u.ep_size,
        .mode = u.o.mode, .prune = u.o.flags & EVR_PERFDB_PRUNE, .has_sources = u.o.source_count > 0, .max_file_bytes = db->max_file_bytes};
    evr_status status = run(&u, err);
    evr_file_jobs_free(&u.jobs);
    evr_folder_close(&u.folder);
    evr_samples_free(&u.samples);
    evr_buf_free(&u.scratch);
    evr_buf_free(&u.path);
    if (status == EVR_OK && out)
        *out = u.report;
    else
        evr_perfdb_report_free(u.report);
    return status;
}
