#include "list_ranks.h"

#include "input.h"
#include "output.h"
#include "progress.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>

typedef struct printer {
    output out;
    const evr_trace_set *set;
    evr_json_writer json;
    evr_buf buf;
} printer;

static const char *const clocks[] = {"reference", "shared", "estimated", "unknown"};

static evr_rank rank_at(const evr_trace_set *set, size_t index)
{
    evr_rank r = {.struct_size = sizeof r};
    evr_trace_set_rank(set, index, &r, NULL); /* index and size are good */
    return r;
}

static evr_collective collective_at(const evr_trace_set *set, size_t index)
{
    evr_collective c = {.struct_size = sizeof c};
    evr_trace_set_collective(set, index, &c, NULL);
    return c;
}

static void text_ranks(printer *p)
{
    size_t n = evr_trace_set_rank_count(p->set);
    fprintf(p->out.file, "%6s %-10s %13s %11s %9s %12s %12s  %s\n", "rank", "clock", "offset", "collectives", "unmatched", "waited", "kept waiting", "trace");
    for (size_t i = 0; i < n; i++) {
        char offset[32], waited[32], awaited[32];
        evr_rank r = rank_at(p->set, i);
        snprintf(offset, sizeof offset, "%.3f ms", (double)r.offset_ns / 1e6);
        fprintf(p->out.file, "%6d %-10s %13s %11" PRIu64 " %9" PRIu64 " %12s %12s  %.*s\n", r.rank, clocks[r.clock], offset, r.collectives, r.unmatched,
                output_time(r.waited_ns, waited), output_time(r.awaited_ns, awaited), EVR_STR_ARG(r.path));
    }
}

static void text_collective(printer *p, const evr_collective *c)
{
    char skew[32], shortest[32], elements[24], members[32];
    snprintf(elements, sizeof elements, "%" PRId64, c->elements);
    snprintf(members, sizeof members, c->group_size ? "%" PRIu32 "/%" PRIu32 : "%" PRIu32, c->members, c->group_size);
    fprintf(p->out.file, "%12s %8d %12s %7s %9" PRIu64 "  %-18.*s %.*s %s %.*s\n", output_time(c->skew_ns, skew), c->slowest_rank,
            output_time(c->shortest_ns, shortest), members, c->sequence, EVR_STR_ARG(c->name), EVR_STR_ARG(c->group),
            c->elements < 0 ? "" : elements, EVR_STR_ARG(c->dtype));
}

static void csv_collective(printer *p, const evr_collective *c)
{
    fprintf(p->out.file, "%" PRId64 ",%d,%" PRId64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, c->skew_ns, c->slowest_rank,
            c->shortest_ns, c->members, c->group_size, c->sequence, c->first_ns, c->last_ns, c->end_ns, c->elements);
    const evr_str texts[] = {c->name, c->group, c->dtype};
    for (size_t i = 0; i < 3; i++) {
        putc(',', p->out.file);
        output_csv(&p->out, texts[i]);
    }
    putc('\n', p->out.file);
}

static void json_field_text(evr_json_writer *w, const char *key, evr_str text)
{
    evr_json_key(w, key);
    evr_json_str(w, text);
}

static void json_field(evr_json_writer *w, const char *key, int64_t value)
{
    evr_json_key(w, key);
    evr_json_i64(w, value);
}

static void json_ranks(printer *p)
{
    evr_json_writer *w = &p->json;
    evr_json_key(w, "ranks");
    evr_json_open(w, '[');
    for (size_t i = 0; i < evr_trace_set_rank_count(p->set); i++) {
        evr_rank r = rank_at(p->set, i);
        evr_json_open(w, '{');
        json_field(w, "rank", r.rank);
        json_field(w, "world_size", r.world_size);
        json_field_text(w, "trace", r.path);
        json_field_text(w, "host", r.host);
        json_field_text(w, "clock", evr_str_c(clocks[r.clock]));
        json_field(w, "offset_ns", r.offset_ns);
        json_field(w, "offset_spread_ns", r.offset_spread_ns);
        json_field(w, "collectives", (int64_t)r.collectives);
        json_field(w, "unmatched", (int64_t)r.unmatched);
        json_field(w, "waited_ns", r.waited_ns);
        json_field(w, "awaited_ns", r.awaited_ns);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
}

static void json_collective(printer *p, size_t index, const evr_collective *c)
{
    evr_json_writer *w = &p->json;
    evr_json_open(w, '{');
    json_field_text(w, "name", c->name);
    json_field_text(w, "group", c->group);
    json_field_text(w, "dtype", c->dtype);
    json_field(w, "elements", c->elements);
    json_field(w, "sequence", (int64_t)c->sequence);
    json_field(w, "group_size", c->group_size);
    json_field(w, "skew_ns", c->skew_ns);
    json_field(w, "slowest_rank", c->slowest_rank);
    json_field(w, "shortest_ns", c->shortest_ns);
    evr_json_key(w, "members");
    evr_json_open(w, '[');
    for (size_t i = 0; i < c->members; i++) {
        evr_participation part = {.struct_size = sizeof part};
        evr_trace_set_participation(p->set, index, i, &part, NULL);
        evr_json_open(w, '{');
        json_field(w, "rank", rank_at(p->set, part.index).rank);
        json_field(w, "uid", (int64_t)part.uid);
        json_field(w, "start_ns", part.start_ns);
        json_field(w, "duration_ns", part.duration_ns);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
    evr_json_close(w, '}');
}

typedef struct row {
    size_t index;
    int64_t skew;
} row;

static int by_skew(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->skew != y->skew)
        return x->skew > y->skew ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool wanted(const rank_listing *what, evr_str name)
{
    char text[256];
    snprintf(text, sizeof text, "%.*s", EVR_STR_ARG(name));
    return !what->name || fnmatch(what->name, text, 0) == 0;
}

/* The rows to print in their order. NULL when memory is out. */
static row *rows_of(const rank_listing *what, const evr_trace_set *set, size_t *count)
{
    size_t n = evr_trace_set_collective_count(set);
    row *rows = malloc((n ? n : 1) * sizeof *rows);
    *count = 0;
    for (size_t i = 0; rows && i < n; i++) {
        evr_collective c = collective_at(set, i);
        if (wanted(what, c.name))
            rows[(*count)++] = (row){i, c.skew_ns};
    }
    if (rows && !what->by_time)
        qsort(rows, *count, sizeof *rows, by_skew);
    if (what->top && *count > what->top)
        *count = what->top;
    return rows;
}

static void print(printer *p, const rank_listing *what, const row *rows, size_t count)
{
    if (what->json) {
        evr_json_init(&p->json, &p->buf);
        p->json.indent = 1;
        evr_json_open(&p->json, '{');
        json_field(&p->json, "version", 1);
        json_ranks(p);
        evr_json_key(&p->json, "collectives");
        evr_json_open(&p->json, '[');
    } else if (what->csv) {
        fprintf(p->out.file, "skew_ns,slowest_rank,shortest_ns,members,group_size,sequence,first_ns,last_ns,end_ns,elements,name,group,dtype\n");
    } else {
        text_ranks(p);
        fprintf(p->out.file, "\n%12s %8s %12s %7s %9s  %-18s %s\n", "skew", "slowest", "shortest", "ranks", "sequence", "collective", "group, elements");
    }
    for (size_t i = 0; i < count; i++) {
        evr_collective c = collective_at(p->set, rows[i].index);
        if (what->json)
            json_collective(p, rows[i].index, &c);
        else
            (what->csv ? csv_collective : text_collective)(p, &c);
    }
    if (what->json) {
        evr_json_close(&p->json, ']');
        evr_json_close(&p->json, '}');
        output_json(&p->out, &p->buf);
    }
}

static evr_status open_set(const rank_listing *what, evr_context *ctx, const text_list *inputs, evr_trace_set **set, evr_error **err)
{
    progress_bar bar;
    progress_begin(&bar, "reading");
    evr_trace_set_options options = {.struct_size = sizeof options, .flags = what->flags, .progress = progress_step, .progress_user = &bar};
    evr_status status = evr_trace_set_open(ctx, inputs->items, inputs->count, &options, set, err);
    progress_end(&bar);
    return status;
}

int list_ranks(const rank_listing *what, evr_context *ctx, const text_list *inputs)
{
    evr_trace_set *set = NULL;
    evr_error *err = NULL;
    evr_status status = open_set(what, ctx, inputs, &set, &err);
    if (status != EVR_OK)
        return input_error("list", status, err);
    printer p = {.set = set};
    size_t count;
    int code = EXIT_BAD_INPUT;
    row *rows = rows_of(what, set, &count);
    output_buf(&p.buf);
    if (!rows)
        fprintf(stderr, "evreplay list: out of memory\n");
    else if (output_open(&p.out, what->out)) {
        print(&p, what, rows, count);
        code = output_close(&p.out, EXIT_GOOD);
    }
    free(rows);
    evr_trace_set_free(set);
    return code;
}
