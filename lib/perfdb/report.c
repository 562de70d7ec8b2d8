#include "perfdb/report.h"

#include "base/error.h"
#include "base/sized.h"

#include <math.h>
#include <stdlib.h>

evr_perfdb_report *evr_dbreport_new(evr_context *ctx, evr_str db_path)
{
    evr_perfdb_report *r = evr_alloc_zeroed(ctx, sizeof *r);
    if (!r)
        return NULL;
    r->ctx = evr_context_ref(ctx);
    evr_arena_init(&r->arena, ctx);
    r->db_path = evr_dbreport_text(r, db_path);
    if (r->db_path.data)
        return r;
    evr_perfdb_report_free(r);
    return NULL;
}

void evr_perfdb_report_free(evr_perfdb_report *r)
{
    if (!r)
        return;
    evr_context *ctx = r->ctx;
    for (size_t i = 0; i < r->file_count; i++)
        for (size_t k = 0; k < EVR_ITEM_KINDS; k++)
            evr_release(ctx, r->files[i].lists[k].items, r->files[i].lists[k].cap * sizeof(evr_dbreport_item));
    evr_release(ctx, r->files, r->file_cap * sizeof *r->files);
    evr_release(ctx, r->gaps, r->gap_cap * sizeof *r->gaps);
    evr_release(ctx, r->problems, r->problem_cap * sizeof *r->problems);
    evr_release(ctx, r->runs, r->run_cap * sizeof *r->runs);
    evr_arena_free(&r->arena);
    evr_release(ctx, r, sizeof *r);
    evr_context_free(ctx);
}

/* Bytes of the UTF-8 character at the start of `p`, 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first, last, low, high; /* range of the first byte, and of the second for it */
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (p[0] < forms[i].first || p[0] > forms[i].last || left < forms[i].length)
            continue;
        bool good = forms[i].length == 1 || (p[1] >= forms[i].low && p[1] <= forms[i].high);
        for (size_t k = 2; k < forms[i].length; k++)
            good &= (p[k] & 0xc0) == 0x80;
        return good ? forms[i].length : 0;
    }
    return 0;
}

evr_str evr_dbreport_text(evr_perfdb_report *r, evr_str text)
{
    char *copy = evr_arena_alloc(&r->arena, text.len + 1);
    if (!copy)
        return (evr_str){NULL, 0};
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.data[i];
        if (c && c < 0x80) {
            copy[i++] = (char)c;
            continue;
        }
        size_t n = utf8_length((const unsigned char *)text.data + i, text.len - i);
        if (n)
            memcpy(copy + i, text.data + i, n);
        else
            copy[i] = '?';
        i += n ? n : 1;
    }
    copy[text.len] = 0;
    return (evr_str){copy, text.len};
}

evr_dbreport_file *evr_dbreport_add_file(evr_perfdb_report *r, evr_str op, evr_str name)
{
    if (!evr_grow(r->ctx, (void **)&r->files, &r->file_cap, r->file_count + 1, sizeof *r->files))
        return NULL;
    evr_dbreport_file *f = &r->files[r->file_count];
    *f = (evr_dbreport_file){.public = {.op = evr_dbreport_text(r, op), .name = evr_dbreport_text(r, name), .reason = {"", 0}}};
    if (!f->public.op.data || !f->public.name.data)
        return NULL;
    r->file_count++;
    return f;
}

bool evr_dbreport_add_item(evr_perfdb_report *r, evr_dbreport_file *file, int32_t kind, evr_str label, uint64_t count)
{
    evr_item_list *list = &file->lists[kind];
    label = evr_dbreport_text(r, label);
    if (!label.data || !evr_grow(r->ctx, (void **)&list->items, &list->cap, list->count + 1, sizeof *list->items))
        return false;
    list->items[list->count++] = (evr_dbreport_item){label, count};
    return true;
}

bool evr_dbreport_add_gap(evr_perfdb_report *r, const evr_dbreport_file *file, evr_str label, double measured, double profiled)
{
    double ratio = measured / profiled;
    if (ratio >= EVR_GAP_LOW && ratio <= EVR_GAP_HIGH)
        return true;
    label = evr_dbreport_text(r, label);
    if (!label.data || !evr_grow(r->ctx, (void **)&r->gaps, &r->gap_cap, r->gap_count + 1, sizeof *r->gaps))
        return false;
    r->gaps[r->gap_count] = (evr_dbreport_gap){(uint32_t)(file - r->files), (uint32_t)r->gap_count, label, measured, profiled, ratio > 1 / ratio ? ratio : 1 / ratio};
    r->gap_count++;
    return true;
}

bool evr_dbreport_add_problem(evr_perfdb_report *r, evr_str path, uint64_t line, const char *what, const char *done)
{
    r->totals.malformed++;
    if (r->problem_count >= EVR_MOST_PROBLEMS)
        return true;
    size_t len = strlen(what) + strlen(done) + 3;
    char *message = evr_arena_alloc(&r->arena, len);
    if (!message || !evr_grow(r->ctx, (void **)&r->problems, &r->problem_cap, r->problem_count + 1, sizeof *r->problems))
        return false;
    size_t n = strlen(what);
    memcpy(message, what, n);
    memcpy(message + n, "; ", 2);
    evr_str_copy(message + n + 2, evr_str_c(done));
    evr_str kept = r->problem_count ? r->problems[r->problem_count - 1].path : (evr_str){NULL, 0};
    if (!kept.data || !evr_str_eq(kept, path)) /* one copy for all problems of a file */
        kept = evr_dbreport_text(r, path);
    if (!kept.data)
        return false;
    r->problems[r->problem_count++] = (evr_dbreport_problem){kept, {message, len - 1}, line};
    return true;
}

/* The widest first, then the largest difference, then the operator's name, later ones first; at last as they were found. */
static int compare_gaps(const void *a, const void *b, void *user)
{
    const evr_dbreport_gap *x = a, *y = b;
    const evr_perfdb_report *r = user;
    double dx = fabs(x->measured - x->profiled), dy = fabs(y->measured - y->profiled);
    if (x->width != y->width)
        return x->width > y->width ? -1 : 1;
    if (dx != dy)
        return dx > dy ? -1 : 1;
    int names = evr_str_cmp(r->files[y->file].public.op, r->files[x->file].public.op);
    return names ? names : x->order < y->order ? -1 : 1;
}

static int compare_duplicates(const void *a, const void *b)
{
    const evr_dbreport_item *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return evr_str_cmp(x->label, y->label);
}

void evr_dbreport_finish(evr_perfdb_report *r)
{
    evr_perfdb_totals *t = &r->totals;
    if (r->gap_count)
        qsort_r(r->gaps, r->gap_count, sizeof *r->gaps, compare_gaps, r);
    t->gaps = r->gap_count;
    for (size_t i = 0; i < r->file_count; i++) {
        evr_dbreport_file *f = &r->files[i];
        evr_item_list *duplicates = &f->lists[EVR_PERFDB_DUPLICATE];
        if (duplicates->count)
            qsort(duplicates->items, duplicates->count, sizeof *duplicates->items, compare_duplicates);
        f->public.duplicates = duplicates->count;
        f->public.missing = f->lists[EVR_PERFDB_MISSING].count;
        f->public.deleted = f->lists[EVR_PERFDB_DELETED].count;
        t->files += f->public.name.len > 0;
        t->written += f->public.written > 0;
        t->rows += f->public.rows;
        t->updated += f->public.updated;
        t->added += f->public.added;
        t->unchanged += f->public.unchanged;
        t->missing += f->public.missing;
        t->unmatched += f->public.unmatched;
        t->deleted += f->public.deleted;
        t->duplicates += f->public.duplicates;
    }
}

static evr_status beyond(const evr_perfdb_report *r, const char *what, size_t index, size_t count, evr_error **err)
{
    return evr_fail(r->ctx, err, EVR_E_NOT_FOUND, "%s: there is no number %zu, only %zu", what, index, count);
}

evr_status evr_perfdb_report_totals(const evr_perfdb_report *r, evr_perfdb_totals *out, evr_error **err)
{
    if (err)
        *err = NULL;
    return evr_sized_give_or_fail(r->ctx, out, &r->totals, sizeof *out, "evr_perfdb_report_totals", err);
}

size_t evr_perfdb_report_file_count(const evr_perfdb_report *r) { return r->file_count; }

evr_status evr_perfdb_report_file(const evr_perfdb_report *r, size_t index, evr_perfdb_file *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (index >= r->file_count)
        return beyond(r, "evr_perfdb_report_file", index, r->file_count, err);
    return evr_sized_give_or_fail(r->ctx, out, &r->files[index].public, sizeof *out, "evr_perfdb_report_file", err);
}

static const evr_item_list *list_of(const evr_perfdb_report *r, size_t file, int32_t kind)
{
    return file < r->file_count && kind > 0 && kind < EVR_ITEM_KINDS ? &r->files[file].lists[kind] : NULL;
}

size_t evr_perfdb_report_item_count(const evr_perfdb_report *r, size_t file, int32_t kind)
{
    const evr_item_list *list = list_of(r, file, kind);
    return list ? list->count : 0;
}

evr_str evr_perfdb_report_item(const evr_perfdb_report *r, size_t file, int32_t kind, size_t index, uint64_t *count)
{
    const evr_item_list *list = list_of(r, file, kind);
    bool there = list && index < list->count;
    if (count)
        *count = there ? list->items[index].count : 0;
    return there ? list->items[index].label : (evr_str){"", 0};
}

size_t evr_perfdb_report_gap_count(const evr_perfdb_report *r) { return r->gap_count; }

evr_status evr_perfdb_report_gap(const evr_perfdb_report *r, size_t index, evr_perfdb_gap *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (index >= r->gap_count)
        return beyond(r, "evr_perfdb_report_gap", index, r->gap_count, err);
    const evr_dbreport_gap *g = &r->gaps[index];
    const evr_perfdb_file *f = &r->files[g->file].public;
    evr_perfdb_gap gap = {sizeof gap, 0, f->op, f->name, g->label, g->measured, g->profiled, g->measured / g->profiled};
    return evr_sized_give_or_fail(r->ctx, out, &gap, sizeof *out, "evr_perfdb_report_gap", err);
}

size_t evr_perfdb_report_problem_count(const evr_perfdb_report *r) { return r->problem_count; }

evr_status evr_perfdb_report_problem(const evr_perfdb_report *r, size_t index, evr_perfdb_problem *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (index >= r->problem_count)
        return beyond(r, "evr_perfdb_report_problem", index, r->problem_count, err);
    const evr_dbreport_problem *p = &r->problems[index];
    evr_perfdb_problem problem = {sizeof problem, 0, p->path, p->line, p->message};
    return evr_sized_give_or_fail(r->ctx, out, &problem, sizeof *out, "evr_perfdb_report_problem", err);
}
