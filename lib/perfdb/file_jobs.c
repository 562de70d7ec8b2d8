#include "perfdb/file_jobs.h"

#include "base/error.h"
#include "perfdb/parallel.h"
#include "perfdb/table.h"

#include <stdio.h>

enum { WRITE_CHUNK = 1 << 18 };

/* What a thread has of its own. */
typedef struct worker {
    evr_arena texts;
    evr_buf out, path; /* a file being written; its path for people */
    char *text; /* of the file being read */
    size_t text_cap;
    evr_table table;
} worker;

typedef struct running {
    evr_file_jobs *all;
    worker *workers;
} running;

void evr_file_jobs_free(evr_file_jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++) {
        evr_dbreport_part_free(&jobs->jobs[i].told);
        evr_error_free(jobs->jobs[i].error);
    }
    evr_release(jobs->ctx, jobs->jobs, jobs->cap * sizeof *jobs->jobs);
    jobs->jobs = NULL;
    jobs->count = jobs->cap = 0;
}

bool evr_file_jobs_add(evr_file_jobs *jobs, evr_str op, evr_str name, bool is_new, size_t reported)
{
    if (!evr_grow(jobs->ctx, (void **)&jobs->jobs, &jobs->cap, jobs->count + 1, sizeof *jobs->jobs))
        return false;
    evr_file_job *job = &jobs->jobs[jobs->count++];
    *job = (evr_file_job){.op = op, .name = name, .is_new = is_new, .reported = reported};
    evr_dbreport_part_init(&job->told, jobs->ctx, NULL);
    return true;
}

void evr_file_path(evr_buf *to, const char *database, evr_str name)
{
    to->len = 0;
    evr_buf_c(to, database);
    if (!evr_str_ends(evr_str_c(database), "/"))
        evr_buf_char(to, '/');
    evr_buf_str(to, name);
}

evr_str evr_op_alias(evr_buf *scratch, evr_str op, size_t i)
{
    evr_alias aliases[EVR_MOST_ALIASES];
    scratch->len = 0;
    if (i >= evr_op_aliases(op, aliases))
        return (evr_str){"", 0};
    evr_buf_str(scratch, aliases[i].name);
    evr_buf_c(scratch, aliases[i].suffix);
    return scratch->failed ? (evr_str){"", 0} : evr_buf_view(scratch);
}

bool evr_set_reason(evr_arena *arena, evr_perfdb_file *file, int32_t status, const char *format, const char *detail)
{
    char text[160];
    snprintf(text, sizeof text, format, detail);
    file->status = status;
    file->reason = evr_dbreport_text(arena, evr_str_c(text));
    return file->reason.data != NULL;
}

/* Whether the sources had anything for an operator, under whichever name. */
static bool has_samples(const evr_samples *samples, evr_buf *scratch, evr_str op)
{
    bool found = evr_samples_of(samples, op) != NULL;
    evr_str name;
    for (size_t i = 0; !found && (name = evr_op_alias(scratch, op, i)).len; i++)
        found = evr_samples_of(samples, name) != NULL;
    return found;
}

static evr_status write_table(evr_folder *folder, size_t number, evr_buf *out, evr_table *t, evr_error **err)
{
    out->len = 0;
    evr_table_render_header(t, out);
    for (size_t next = 0; next < t->count && !out->failed;) {
        evr_table_render(t, out, &next, WRITE_CHUNK);
        if (out->failed || next >= t->count)
            break;
        EVR_TRY(evr_folder_write(folder, number, evr_buf_view(out), err));
        out->len = 0;
    }
    if (out->failed)
        return evr_fail_nomem(err);
    EVR_TRY(evr_folder_write(folder, number, evr_buf_view(out), err));
    return evr_folder_finish(folder, number, err);
}

/* Merges, and makes the new file when something changed. */
static evr_status work_table(const evr_file_jobs *all, worker *w, evr_file_job *job, evr_table *t, evr_error **err)
{
    bool changed = false, good = evr_table_duplicates(t) && evr_table_merge(t, all->mode) && (!all->prune || evr_table_prune(t)) &&
                                 evr_table_changed(t, &changed);
    evr_perfdb_file *file = &t->file->public;
    bool measured = good && has_samples(all->samples, &w->out, job->op);
    good &= !w->out.failed;
    file->rows = t->count;
    for (size_t i = 0; i < t->count; i++)
        file->rows -= (t->rows[i].flags & EVR_ROW_DELETED) != 0;
    file->written = changed;
    if (good && measured)
        file->status = EVR_PERFDB_SUCCESS;
    else if (good)
        good = evr_set_reason(&w->texts, file, EVR_PERFDB_SKIPPED, all->has_sources ? "the sources hold no measurement of it%s" : "nothing was measured of it%s", "");
    if (!good)
        return evr_fail_nomem(err);
    if (!changed)
        return EVR_OK;
    size_t number = (size_t)(job - all->jobs);
    EVR_TRY(evr_folder_stage(all->folder, number, job->name.data, err));
    return write_table(all->folder, number, &w->out, t, err);
}

static evr_status work_text(const evr_file_jobs *all, worker *w, evr_file_job *job, evr_table *t, evr_str text, evr_error **err)
{
    const char *unusable = NULL;
    bool missing_column = false;
    if (!evr_table_read(t, evr_buf_view(&w->path), text, &unusable, &missing_column))
        return evr_fail_nomem(err);
    if (!unusable)
        return work_table(all, w, job, t, err);
    return evr_set_reason(&w->texts, &t->file->public, missing_column ? EVR_PERFDB_SKIPPED : EVR_PERFDB_FAILED,
                          missing_column ? "it is no operator file: it has no column \"%s\"" : "%s", unusable)
               ? EVR_OK
               : evr_fail_nomem(err);
}

static evr_status work_file(const evr_file_jobs *all, worker *w, evr_file_job *job, evr_table *t, evr_error **err)
{
    size_t size;
    if (job->is_new)
        return evr_table_new(t) ? work_table(all, w, job, t, err) : evr_fail_nomem(err);
    evr_file_path(&w->path, all->path, job->name);
    if (w->path.failed)
        return evr_fail_nomem(err);
    EVR_TRY(evr_file_read_into(all->ctx, all->folder->fd, job->name.data, w->path.data, all->max_file_bytes, &w->text, &w->text_cap, &size, err));
    return work_text(all, w, job, t, (evr_str){w->text, size}, err);
}

static bool run_job(void *user, size_t thread, size_t piece)
{
    running *r = user;
    worker *w = &r->workers[thread];
    evr_file_job *job = &r->all->jobs[piece];
    job->told.arena = &w->texts;
    evr_table_reuse(&w->table, &job->told, job->op);
    w->table.file = &r->all->report->files[job->reported];
    job->status = work_file(r->all, w, job, &w->table, &job->error);
    return job->status == EVR_OK;
}

/* In the order of the jobs: the first failure is what is told. */
static evr_status join(evr_file_jobs *all, evr_error **err)
{
    for (size_t i = 0; i < all->count; i++) {
        evr_file_job *job = &all->jobs[i];
        if (job->status != EVR_OK) {
            if (err)
                *err = job->error;
            else
                evr_error_free(job->error);
            job->error = NULL;
            return job->status;
        }
        if (!evr_dbreport_join(all->report, &job->told, &all->report->files[job->reported], 0))
            return evr_fail_nomem(err);
    }
    return EVR_OK;
}

static void open_worker(const evr_file_jobs *all, worker *w)
{
    evr_arena_init(&w->texts, all->ctx);
    evr_buf_init(&w->out, all->ctx);
    evr_buf_init(&w->path, all->ctx);
    evr_table_init(&w->table, all->ctx, all->samples, all->ep_size);
}

static void close_worker(const evr_file_jobs *all, worker *w)
{
    evr_arena_join(&all->report->arena, &w->texts);
    evr_buf_free(&w->out);
    evr_buf_free(&w->path);
    evr_release(all->ctx, w->text, w->text_cap);
    evr_table_free(&w->table);
}

evr_status evr_file_jobs_run(evr_file_jobs *all, uint32_t threads, evr_error **err)
{
    size_t n = evr_threads_for(threads, all->count);
    EVR_TRY(evr_folder_room(all->folder, all->count, err));
    running r = {all, evr_alloc_zeroed(all->ctx, n * sizeof *r.workers)};
    if (!r.workers)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        open_worker(all, &r.workers[i]);
    evr_parallel(n, all->count, run_job, &r);
    for (size_t i = 0; i < n; i++)
        close_worker(all, &r.workers[i]);
    evr_release(all->ctx, r.workers, n * sizeof *r.workers);
    return join(all, err);
}
