#include "perfdb/samples.h"

#include "base/error.h"
#include "perfdb/parallel.h"

enum { LEAST_PART = 1 << 18 };

/* A part of a file, read on a guess: that a row begins where it begins. */
typedef struct part {
    evr_samples *into; /* the first part's are those of the file; of the others, `samples` */
    evr_samples samples;
    evr_csv csv;
    size_t start, until;
    uint64_t rows;
    evr_dbreport_part told;
    evr_arena texts;
    bool good; /* memory sufficed */
} part;

typedef struct reading {
    evr_samples *samples;
    evr_summary_columns columns;
    evr_str path, text;
    evr_csv csv; /* what has been read for certain: up to csv.at */
    part *parts;
    size_t count;
    evr_perfdb_report *report;
} reading;

static bool read_part(void *user, size_t thread, size_t number)
{
    reading *r = user;
    part *p = &r->parts[number];
    (void)thread;
    p->good = evr_samples_rows(p->into, &p->csv, &r->columns, p->until, r->path, &p->told, &p->rows);
    return true; /* an earlier part says whether this one counts */
}

static void open_part(reading *r, part *p, size_t start, size_t until)
{
    evr_context *ctx = r->samples->ctx;
    *p = (part){.into = r->count ? &p->samples : r->samples, .start = start, .until = until};
    evr_samples_init(&p->samples, ctx);
    p->samples.keeps_rows = true;
    p->samples.counter_count = r->samples->counter_count;
    memcpy(p->samples.counter_places, r->samples->counter_places, sizeof p->samples.counter_places);
    evr_csv_init(&p->csv, ctx, r->text);
    p->csv.at = start;
    p->csv.width = r->csv.width;
    evr_arena_init(&p->texts, ctx);
    evr_dbreport_part_init(&p->told, ctx, &p->texts);
}

static void close_part(part *p)
{
    evr_samples_free(&p->samples);
    evr_csv_free(&p->csv);
    evr_dbreport_part_free(&p->told);
    evr_arena_free(&p->texts);
}

/* Where a part may begin: behind the end of a line. */
static size_t line_from(evr_str text, size_t at)
{
    const char *end = at < text.len ? memchr(text.data + at, '\n', text.len - at) : NULL;
    return end ? (size_t)(end - text.data) + 1 : text.len;
}

/* What comes before the first part is read already. */
static bool open_parts(reading *r, size_t count)
{
    size_t start = r->csv.at, length = (r->text.len - start) / count;
    if (!(r->parts = evr_alloc_zeroed(r->samples->ctx, count * sizeof *r->parts)))
        return false;
    for (; r->count < count; r->count++) {
        size_t until = r->count + 1 == count ? r->text.len : line_from(r->text, start + length);
        open_part(r, &r->parts[r->count], start, until);
        start = until;
    }
    return true;
}

/* Takes over what a part has read when the rows before it end where it begins; else reads on from where they end. */
static bool join_part(reading *r, part *p)
{
    evr_csv *csv = &r->csv;
    if (csv->at == p->start && csv->single_until <= csv->at) {
        uint64_t line = csv->next_line - 1;
        csv->at = p->csv.at;
        csv->next_line = line + p->csv.next_line;
        csv->single_until = p->csv.single_until;
        r->report->totals.source_rows += p->rows;
        evr_arena_join(&r->report->arena, &p->texts);
        return p->good && (p->into == r->samples || evr_samples_join(r->samples, p->into)) && evr_dbreport_join(r->report, &p->told, NULL, line);
    }
    p->rows = 0;
    evr_dbreport_part_free(&p->told);
    evr_dbreport_part_init(&p->told, r->samples->ctx, &r->report->arena);
    bool good = evr_samples_rows(r->samples, csv, &r->columns, p->until, r->path, &p->told, &p->rows);
    r->report->totals.source_rows += p->rows;
    return good && evr_dbreport_join(r->report, &p->told, NULL, 0);
}

static bool read_rows(reading *r, uint32_t threads)
{
    size_t left = r->text.len - r->csv.at, most = left / LEAST_PART + 1, count = evr_threads_for(threads, most);
    if (count == 1) { /* one part that need not be joined */
        part whole = {.start = SIZE_MAX, .until = r->text.len};
        evr_dbreport_part_init(&whole.told, r->samples->ctx, NULL);
        bool good = join_part(r, &whole);
        evr_dbreport_part_free(&whole.told);
        return good;
    }
    bool good = open_parts(r, count);
    if (good)
        evr_parallel(count, count, read_part, r);
    for (size_t i = 0; i < r->count; i++) {
        good = good && join_part(r, &r->parts[i]);
        close_part(&r->parts[i]);
    }
    evr_release(r->samples->ctx, r->parts, count * sizeof *r->parts);
    return good;
}

evr_status evr_samples_add(evr_samples *s, evr_str path, evr_str text, uint32_t threads, evr_perfdb_report *report, evr_error **err)
{
    reading r = {.samples = s, .path = path, .text = text, .report = report};
    evr_csv_init(&r.csv, s->ctx, text);
    evr_csv_result result = evr_csv_next(&r.csv);
    evr_status status = EVR_OK;
    const char *lacks = result == EVR_CSV_ROW ? evr_samples_header(s, &r.csv, &r.columns) : "OP Type";
    if (result == EVR_CSV_NOMEM) {
        status = evr_fail_nomem(err);
    } else if (lacks) {
        evr_fail(s->ctx, err, EVR_E_FORMAT, "%.*s is no op_summary file: it has no column \"%s\"", EVR_STR_ARG(path), lacks);
        status = evr_hint(err, "give the op_summary_*.csv files of the profiler, or the folder they are in");
    }
    r.csv.width = r.csv.count;
    if (status == EVR_OK && !read_rows(&r, threads))
        status = evr_fail_nomem(err);
    evr_csv_free(&r.csv);
    return status;
}
