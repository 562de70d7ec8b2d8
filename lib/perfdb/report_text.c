#include "perfdb/report_text.h"

#include "base/error.h"
#include "base/json_write.h"
#include "perfdb/csv.h"

#include <math.h>

enum { MOST_GAPS = 20, MOST_EXAMPLES = 3, JSON_VERSION = 1 };

static const char *const status_names[] = {"", "success", "skipped", "failed"};

/* A table's row is "| a | b |"; bars inside a cell would end it. */
static void put_cell(evr_buf *to, evr_str text)
{
    evr_buf_c(to, " ");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '|')
            evr_buf_char(to, '\\');
        evr_buf_char(to, c == '\n' || c == '\r' ? ' ' : c);
    }
    evr_buf_c(to, " |");
}

static void put_number(evr_buf *to, uint64_t n) { evr_buf_printf(to, " %llu |", (unsigned long long)n); }

static void begin_table(evr_buf *to, const char *title, const char *const *columns, size_t count)
{
    evr_buf_printf(to, "\n## %s\n\n|", title);
    for (size_t i = 0; i < count; i++)
        put_cell(to, evr_str_c(columns[i]));
    evr_buf_c(to, "\n|");
    for (size_t i = 0; i < count; i++)
        evr_buf_c(to, " --- |");
    evr_buf_c(to, "\n");
}

#define BEGIN_TABLE(to, title, ...)                                                                                  \
    begin_table(to, title, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void put_overview(evr_buf *to, const evr_perfdb_totals *t)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"Profiler files read", t->source_files}, {"Rows in them", t->source_rows},
        {"CSV files looked at", t->files},        {"CSV files changed", t->written},
        {"Rows afterwards", t->rows},             {"Rows updated", t->updated},
        {"Rows added", t->added},                 {"Rows deleted", t->deleted},
        {"Rows unchanged", t->unchanged},         {"Duplicate signatures", t->duplicates},
        {"Missing calls", t->missing},            {"Calls of other names without a row", t->unmatched},
        {"Malformed rows", t->malformed},         {"Gaps", t->gaps},
    };
    BEGIN_TABLE(to, "Overview", "What", "Count");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        evr_buf_c(to, "|");
        put_cell(to, evr_str_c(rows[i].name));
        put_number(to, rows[i].value);
        evr_buf_c(to, "\n");
    }
    evr_buf_printf(to, "\nA gap is a measured time outside [%.2f, %.2f] of the profiled one.\n", EVR_GAP_LOW, EVR_GAP_HIGH);
}

static void put_status(evr_buf *to, const evr_perfdb_report *r)
{
    uint64_t counts[4] = {0};
    for (size_t i = 0; i < r->file_count; i++)
        counts[r->files[i].public.status]++;
    evr_buf_printf(to, "\n## Execution status\n\n- success: %llu\n- failed: %llu\n- skipped: %llu\n",
                   (unsigned long long)counts[EVR_PERFDB_SUCCESS], (unsigned long long)counts[EVR_PERFDB_FAILED],
                   (unsigned long long)counts[EVR_PERFDB_SKIPPED]);
    if (counts[EVR_PERFDB_SKIPPED] + counts[EVR_PERFDB_FAILED] == 0)
        return;
    BEGIN_TABLE(to, "Skipped and failed", "Operator", "Status", "Reason");
    for (size_t i = 0; i < r->file_count; i++) {
        const evr_perfdb_file *f = &r->files[i].public;
        if (f->status == EVR_PERFDB_SUCCESS)
            continue;
        evr_buf_c(to, "|");
        put_cell(to, f->op);
        put_cell(to, evr_str_c(status_names[f->status]));
        put_cell(to, f->reason);
        evr_buf_c(to, "\n");
    }
}

static void put_updates(evr_buf *to, const evr_perfdb_report *r)
{
    BEGIN_TABLE(to, "Updates", "Operator", "Rows", "Updated", "Added", "Deleted", "Unchanged", "Missing", "Duplicates", "Malformed");
    for (size_t i = 0; i < r->file_count; i++) {
        const evr_perfdb_file *f = &r->files[i].public;
        if (f->name.len == 0)
            continue;
        const uint64_t numbers[] = {f->rows, f->updated, f->added, f->deleted, f->unchanged, f->missing, f->duplicates, f->malformed};
        evr_buf_c(to, "|");
        put_cell(to, f->op);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            put_number(to, numbers[k]);
        evr_buf_c(to, "\n");
    }
}

static void put_examples(evr_buf *to, const evr_item_list *list, bool counts, evr_buf *scratch)
{
    scratch->len = 0;
    for (size_t i = 0; i < list->count && i < MOST_EXAMPLES; i++) {
        evr_buf_c(scratch, i ? "; " : "");
        evr_buf_str(scratch, list->items[i].label);
        if (counts)
            evr_buf_printf(scratch, " (%llu rows)", (unsigned long long)list->items[i].count);
    }
    if (list->count > MOST_EXAMPLES)
        evr_buf_printf(scratch, "; %zu more", list->count - MOST_EXAMPLES);
    to->failed |= scratch->failed;
    put_cell(to, evr_buf_view(scratch));
}

static void put_lists(evr_buf *to, const evr_perfdb_report *r, int32_t kind, const char *title)
{
    evr_buf scratch;
    bool any = false;
    evr_buf_init(&scratch, r->ctx);
    for (size_t i = 0; i < r->file_count; i++) {
        const evr_item_list *list = &r->files[i].lists[kind];
        if (list->count == 0)
            continue;
        if (!any)
            BEGIN_TABLE(to, title, "Operator", "Count", "Examples");
        any = true;
        evr_buf_c(to, "|");
        put_cell(to, r->files[i].public.op);
        put_number(to, list->count);
        put_examples(to, list, kind == EVR_PERFDB_DUPLICATE, &scratch);
        evr_buf_c(to, "\n");
    }
    evr_buf_free(&scratch);
}

static void put_gaps(evr_buf *to, const evr_perfdb_report *r)
{
    if (r->gap_count == 0)
        return;
    BEGIN_TABLE(to, "Gaps", "Operator", "Measured (us)", "Profiled (us)", "Difference (us)", "Measured / profiled", "Shapes");
    for (size_t i = 0; i < r->gap_count && i < MOST_GAPS; i++) {
        const evr_dbreport_gap *g = &r->gaps[i];
        evr_buf_c(to, "|");
        put_cell(to, r->files[g->file].public.op);
        evr_buf_printf(to, " %.6f | %.6f | %.6f | %.2f |", g->measured, g->profiled, fabs(g->measured - g->profiled),
                       g->measured / g->profiled);
        put_cell(to, g->label);
        evr_buf_c(to, "\n");
    }
    if (r->gap_count > MOST_GAPS)
        evr_buf_printf(to, "\nThese are the %d widest of %zu; the CSV file beside this report has all of them.\n", MOST_GAPS, r->gap_count);
}

/* Rows that were run and have no time. */
static void put_runs(evr_buf *to, const evr_perfdb_report *r)
{
    size_t counts[EVR_PERFDB_FAILED + 1] = {0};
    for (size_t i = 0; i < r->run_count; i++)
        counts[r->runs[i].status]++;
    if (r->run_count == 0)
        return;
    BEGIN_TABLE(to, "Rows that were run", "Operator", "Line", "Status", "Reason", "Shapes");
    for (size_t i = 0; i < r->run_count; i++) {
        const evr_dbreport_run *run = &r->runs[i];
        if (run->status == EVR_PERFDB_SUCCESS)
            continue;
        evr_buf_char(to, '|');
        put_cell(to, run->op);
        put_number(to, run->line);
        put_cell(to, evr_str_c(status_names[run->status]));
        put_cell(to, run->reason);
        put_cell(to, run->shapes);
        evr_buf_char(to, '\n');
    }
    evr_buf_printf(to, "\n%zu rows were measured, %zu skipped, %zu failed.\n", counts[EVR_PERFDB_SUCCESS], counts[EVR_PERFDB_SKIPPED], counts[EVR_PERFDB_FAILED]);
}

static void put_problems(evr_buf *to, const evr_perfdb_report *r)
{
    if (r->problem_count == 0)
        return;
    BEGIN_TABLE(to, "Malformed rows", "File", "Line", "What");
    for (size_t i = 0; i < r->problem_count; i++) {
        evr_buf_c(to, "|");
        put_cell(to, r->problems[i].path);
        put_number(to, r->problems[i].line);
        put_cell(to, r->problems[i].message);
        evr_buf_c(to, "\n");
    }
    if (r->totals.malformed > r->problem_count)
        evr_buf_printf(to, "\nThese are the first %zu of %llu.\n", r->problem_count, (unsigned long long)r->totals.malformed);
}

void evr_dbreport_markdown(evr_buf *to, const evr_perfdb_report *r)
{
    evr_buf_c(to, "# Update of a performance database\n\nDatabase: ");
    evr_buf_str(to, r->db_path);
    evr_buf_c(to, "\n");
    if (r->totals.complete) {
        evr_buf_c(to, "\nEvery row has a valid duration already, so nothing was read and nothing changed.\n");
        return;
    }
    put_status(to, r);
    put_overview(to, &r->totals);
    put_updates(to, r);
    put_lists(to, r, EVR_PERFDB_MISSING, "Missing calls");
    put_lists(to, r, EVR_PERFDB_DELETED, "Deleted rows");
    put_lists(to, r, EVR_PERFDB_DUPLICATE, "Duplicate signatures");
    put_gaps(to, r);
    put_runs(to, r);
    put_problems(to, r);
}

void evr_dbreport_gaps_csv(evr_buf *to, const evr_perfdb_report *r)
{
    evr_buf_c(to, "Operator,CSV Name,MicroBench(us),Profiling(us),Abs Diff(us),MB/Profile,Shape\r\n");
    for (size_t i = 0; i < r->gap_count; i++) {
        const evr_dbreport_gap *g = &r->gaps[i];
        evr_csv_put(to, r->files[g->file].public.op, true);
        evr_csv_put(to, r->files[g->file].public.name, false);
        evr_buf_printf(to, ",%.6f,%.6f,%.6f,%.6f", g->measured, g->profiled, fabs(g->measured - g->profiled), g->measured / g->profiled);
        evr_csv_put(to, g->label, false);
        evr_csv_end_row(to);
    }
}

static void json_count(evr_json_writer *w, const char *key, uint64_t value)
{
    evr_json_key(w, key);
    evr_json_u64(w, value);
}

static void json_text(evr_json_writer *w, const char *key, evr_str value)
{
    evr_json_key(w, key);
    evr_json_str(w, value);
}

static void json_list(evr_json_writer *w, const char *key, const evr_item_list *list, bool counts)
{
    evr_json_key(w, key);
    evr_json_open(w, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (counts)
            evr_json_open(w, '[');
        evr_json_str(w, list->items[i].label);
        if (counts) {
            evr_json_u64(w, list->items[i].count);
            evr_json_close(w, ']');
        }
    }
    evr_json_close(w, ']');
}

static void json_file(evr_json_writer *w, const evr_dbreport_file *file)
{
    const evr_perfdb_file *f = &file->public;
    evr_json_open(w, '{');
    json_text(w, "op", f->op);
    json_text(w, "csv", f->name);
    json_text(w, "status", evr_str_c(status_names[f->status]));
    json_text(w, "reason", f->reason);
    evr_json_key(w, "written");
    evr_json_bool(w, f->written);
    json_count(w, "rows", f->rows);
    json_count(w, "updated", f->updated);
    json_count(w, "added", f->added);
    json_count(w, "unchanged", f->unchanged);
    json_count(w, "unmatched", f->unmatched);
    json_count(w, "malformed", f->malformed);
    json_list(w, "deleted", &file->lists[EVR_PERFDB_DELETED], false);
    json_list(w, "missing", &file->lists[EVR_PERFDB_MISSING], false);
    json_list(w, "duplicates", &file->lists[EVR_PERFDB_DUPLICATE], true);
    evr_json_close(w, '}');
}

static void json_runs(evr_json_writer *w, const evr_perfdb_report *r)
{
    evr_json_key(w, "runs");
    evr_json_open(w, '[');
    for (size_t i = 0; i < r->run_count; i++) {
        const evr_dbreport_run *run = &r->runs[i];
        evr_json_open(w, '{');
        json_text(w, "op", run->op);
        json_count(w, "line", run->line);
        json_text(w, "status", evr_str_c(status_names[run->status]));
        json_text(w, "reason", run->reason);
        json_text(w, "signature", run->shapes);
        evr_json_key(w, "measured_us");
        evr_json_f64(w, run->duration_us);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
}

static void json_totals(evr_json_writer *w, const evr_perfdb_totals *t)
{
    evr_json_key(w, "totals");
    evr_json_open(w, '{');
    json_count(w, "files", t->files);
    json_count(w, "written", t->written);
    json_count(w, "rows", t->rows);
    json_count(w, "updated", t->updated);
    json_count(w, "added", t->added);
    json_count(w, "unchanged", t->unchanged);
    json_count(w, "missing", t->missing);
    json_count(w, "unmatched", t->unmatched);
    json_count(w, "deleted", t->deleted);
    json_count(w, "duplicates", t->duplicates);
    json_count(w, "malformed", t->malformed);
    json_count(w, "gaps", t->gaps);
    json_count(w, "source_files", t->source_files);
    json_count(w, "source_rows", t->source_rows);
    evr_json_close(w, '}');
}

void evr_dbreport_json(evr_buf *to, const evr_perfdb_report *r)
{
    evr_json_writer w;
    evr_json_init(&w, to);
    w.indent = 1;
    evr_json_open(&w, '{');
    json_count(&w, "version", JSON_VERSION);
    json_text(&w, "database", r->db_path);
    evr_json_key(&w, "complete");
    evr_json_bool(&w, r->totals.complete);
    json_totals(&w, &r->totals);
    evr_json_key(&w, "files");
    evr_json_open(&w, '[');
    for (size_t i = 0; i < r->file_count; i++)
        json_file(&w, &r->files[i]);
    evr_json_close(&w, ']');
    evr_json_key(&w, "gaps");
    evr_json_open(&w, '[');
    for (size_t i = 0; i < r->gap_count; i++) {
        const evr_dbreport_gap *g = &r->gaps[i];
        evr_json_open(&w, '{');
        json_text(&w, "op", r->files[g->file].public.op);
        json_text(&w, "signature", g->label);
        evr_json_key(&w, "mb_us");
        evr_json_f64(&w, g->measured);
        evr_json_key(&w, "prof_us");
        evr_json_f64(&w, g->profiled);
        evr_json_key(&w, "ratio");
        evr_json_f64(&w, g->measured / g->profiled);
        evr_json_close(&w, '}');
    }
    evr_json_close(&w, ']');
    evr_json_key(&w, "problems");
    evr_json_open(&w, '[');
    for (size_t i = 0; i < r->problem_count; i++) {
        evr_json_open(&w, '{');
        json_text(&w, "path", r->problems[i].path);
        json_count(&w, "line", r->problems[i].line);
        json_text(&w, "message", r->problems[i].message);
        evr_json_close(&w, '}');
    }
    evr_json_close(&w, ']');
    if (r->run_count)
        json_runs(&w, r);
    evr_json_close(&w, '}');
}

static const struct {
    int32_t format;
    void (*put)(evr_buf *, const evr_perfdb_report *);
} formats[] = {
    {EVR_PERFDB_TEXT_MARKDOWN, evr_dbreport_markdown},
    {EVR_PERFDB_TEXT_GAPS_CSV, evr_dbreport_gaps_csv},
    {EVR_PERFDB_TEXT_JSON, evr_dbreport_json},
};

evr_status evr_perfdb_report_text(const evr_perfdb_report *r, int32_t format, char **out, size_t *size, evr_error **err)
{
    if (err)
        *err = NULL;
    if (size)
        *size = 0;
    if (!out)
        return evr_fail(r->ctx, err, EVR_E_INVALID, "evr_perfdb_report_text: `out` is NULL");
    *out = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i].format != format)
            continue;
        evr_buf buf;
        evr_buf_init(&buf, r->ctx);
        formats[i].put(&buf, r);
        if (!buf.failed)
            *out = evr_strdup(r->ctx, evr_buf_view(&buf));
        if (*out && size)
            *size = buf.len;
        evr_buf_free(&buf);
        return *out ? EVR_OK : evr_fail_nomem(err);
    }
    return evr_fail(r->ctx, err, EVR_E_INVALID, "evr_perfdb_report_text: there is no format %d", format);
}
