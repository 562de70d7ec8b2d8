#include "perfdb/samples.h"

#include "base/error.h"
#include "base/hash.h"

#include <math.h>
#include <stdio.h>

void evr_samples_init(evr_samples *s, evr_context *ctx)
{
    *s = (evr_samples){.ctx = ctx};
    evr_arena_init(&s->arena, ctx);
    evr_intern_init(&s->ops, ctx);
    evr_buf_init(&s->scratch, ctx);
    evr_buf_init(&s->other, ctx);
}

void evr_samples_free(evr_samples *s)
{
    evr_release(s->ctx, s->by_op, s->op_cap * sizeof *s->by_op);
    evr_release(s->ctx, s->items, s->cap * sizeof *s->items);
    evr_release(s->ctx, s->slots, s->slot_count * sizeof *s->slots);
    evr_buf_free(&s->scratch);
    evr_buf_free(&s->other);
    evr_intern_free(&s->ops);
    evr_arena_free(&s->arena);
}

const char *evr_samples_header(evr_samples *s, const evr_csv *header, evr_summary_columns *c)
{
    *c = (evr_summary_columns){.op = evr_columns_find(header, "OP Type"), .duration = evr_columns_find(header, "Task Duration(us)")};
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        c->base[i] = evr_columns_find(header, i == EVR_COL_CORE ? "Task Type" : evr_base_names[i]);
    for (size_t i = 0; i < EVR_COUNTERS; i++) {
        int32_t at = evr_columns_find(header, evr_counter_names[i]);
        if (at < 0)
            continue;
        if (!s->counter_places[i])
            s->counter_places[i] = ++s->counter_count;
        c->counters[c->counter_count].field = (uint32_t)at;
        c->counters[c->counter_count++].place = s->counter_places[i] - 1;
    }
    return c->op < 0         ? "OP Type"
           : c->duration < 0 ? "Task Duration(us)"
           : c->base[EVR_COL_INPUT_SHAPES] < 0
               ? evr_base_names[EVR_COL_INPUT_SHAPES]
               : NULL;
}

static evr_str field(const evr_csv *csv, int32_t index)
{
    return index < 0 ? (evr_str){"", 0} : evr_cell_trim(evr_csv_value(csv, (size_t)index));
}

static bool op_of(evr_samples *s, evr_str name, uint32_t *out)
{
    uint32_t id = evr_intern_add(&s->ops, name);
    size_t before = s->op_cap;
    if (id == EVR_NO_ID || !evr_grow(s->ctx, (void **)&s->by_op, &s->op_cap, (size_t)id + 1, sizeof *s->by_op))
        return false;
    for (size_t i = before; i < s->op_cap; i++)
        s->by_op[i] = (evr_op_samples){EVR_NO_ID, EVR_NO_ID, 0, EVR_RULE_PLAIN};
    if (s->by_op[id].count == 0)
        s->by_op[id].rule = evr_signature_rule_of(name);
    *out = id;
    return true;
}

static bool rehash(evr_samples *s)
{
    if (s->count * 2 < s->slot_count)
        return true;
    size_t n = s->slot_count ? s->slot_count * 2 : 1024;
    uint32_t *slots = evr_alloc_zeroed(s->ctx, n * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < s->count; i++) {
        size_t at = s->items[i]->hash & (n - 1);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i + 1;
    }
    evr_release(s->ctx, s->slots, s->slot_count * sizeof *s->slots);
    s->slots = slots;
    s->slot_count = n;
    return true;
}

/* Both signatures, which tells calls apart whose cells are different. Sticks to the buffers when memory is out. */
static bool same_signature(evr_samples *s, evr_signature_rule rule, const evr_call_cells *a, const evr_call_cells *b)
{
    s->scratch.len = s->other.len = 0;
    evr_signature(&s->scratch, rule, a);
    evr_signature(&s->other, rule, b);
    return evr_str_eq(evr_buf_view(&s->other), evr_buf_view(&s->scratch));
}

static bool out_of_memory(const evr_samples *s) { return s->scratch.failed || s->other.failed; }

/* The slot of a call, empty when it has none. */
static uint32_t *find_slot(evr_samples *s, uint32_t op, uint64_t hash, const evr_call_cells *wanted)
{
    size_t at = hash & (s->slot_count - 1);
    for (; s->slots[at]; at = (at + 1) & (s->slot_count - 1)) {
        const evr_sample *sample = s->items[s->slots[at] - 1];
        if (sample->hash != hash || sample->op != op)
            continue;
        evr_call_cells cells = evr_sample_cells(sample, sample->ep_size);
        if (evr_call_cells_equal(&cells, wanted) || same_signature(s, s->by_op[op].rule, &cells, wanted) || out_of_memory(s))
            break;
    }
    return &s->slots[at];
}

/* Adds a sample, which is in the arena, at the end of its operator's list. */
static bool append(evr_samples *s, uint32_t *slot, evr_sample *sample)
{
    if (s->count >= EVR_NO_ID - 1 || !evr_grow(s->ctx, (void **)&s->items, &s->cap, s->count + 1, sizeof *s->items))
        return false;
    s->items[s->count] = sample;
    sample->next = EVR_NO_ID;
    evr_op_samples *list = &s->by_op[sample->op];
    if (list->count++)
        s->items[list->last]->next = (uint32_t)s->count;
    else
        list->first = (uint32_t)s->count;
    list->last = (uint32_t)s->count;
    *slot = (uint32_t)++s->count;
    return true;
}

static bool new_sample(evr_samples *s, uint32_t op, uint64_t hash, const evr_call_cells *cells, uint32_t *slot)
{
    size_t bytes = 0;
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        bytes += cells->base[i].len;
    evr_sample *sample = evr_arena_alloc(&s->arena, sizeof *sample + bytes);
    if (!sample)
        return false;
    char *text = (char *)(sample + 1);
    *sample = (evr_sample){.ep_size = {"", 0}, .hash = hash, .text = text, .op = op, .least = INFINITY};
    uint32_t at = 0;
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++) {
        if (cells->base[i].len)
            memcpy(text + at, cells->base[i].data, cells->base[i].len);
        at += (uint32_t)cells->base[i].len;
        sample->ends[i] = at;
    }
    return append(s, slot, sample);
}

/* Room for the counters of all files so far. */
static bool grow_counters(evr_samples *s, evr_sample *sample)
{
    if (sample->counter_count == s->counter_count)
        return true;
    evr_counter_sum *sums = evr_arena_alloc_zeroed(&s->arena, s->counter_count * sizeof *sums);
    if (!sums)
        return false;
    if (sample->counter_count)
        memcpy(sums, sample->counters, sample->counter_count * sizeof *sums);
    sample->counters = sums;
    sample->counter_count = s->counter_count;
    return true;
}

/* Where the counters of a sample's next row go: into its sums, or, where rows are kept, beside those of the rows before. */
static evr_counter_sum *next_counters(evr_samples *s, evr_sample *sample)
{
    if (!s->keeps_rows || !sample->counters)
        return grow_counters(s, sample) ? sample->counters : NULL;
    evr_counter_row *row = evr_arena_alloc_zeroed(&s->arena, sizeof *row + s->counter_count * sizeof *row->sums);
    if (!row)
        return NULL;
    row->next = sample->last ? sample->last->next : row;
    if (sample->last)
        sample->last->next = row;
    sample->last = row;
    return row->sums;
}

static bool add_counters(evr_samples *s, evr_sample *sample, const evr_csv *csv, const evr_summary_columns *columns)
{
    evr_counter_sum *sums = columns->counter_count ? next_counters(s, sample) : NULL;
    if (columns->counter_count && !sums)
        return false;
    for (size_t i = 0; i < columns->counter_count; i++) {
        double value;
        evr_counter_sum *sum = &sums[columns->counters[i].place];
        sum->seen = 1;
        if (!evr_str_to_f64(evr_cell_trim(evr_csv_value(csv, columns->counters[i].field)), &value) || !isfinite(value))
            continue;
        sum->sum += value;
        sum->numbers++;
    }
    return true;
}

static uint64_t hash_of(uint64_t signature, uint32_t op, bool own) { return signature + op * UINT64_C(0x9e3779b97f4a7c15) + own; }

/* The sample of a call, which is a new one when `own` does not fit: what was run and what a profiler saw are kept apart. NULL when memory is out. */
static evr_sample *sample_of(evr_samples *s, evr_str op_name, const evr_call_cells *cells, double duration, bool own)
{
    uint32_t op;
    if (!op_of(s, op_name, &op) || !rehash(s))
        return NULL;
    s->scratch.len = 0;
    evr_signature(&s->scratch, s->by_op[op].rule, cells);
    if (s->scratch.failed)
        return NULL;
    uint64_t signature = evr_hash(s->scratch.data, s->scratch.len), hash = hash_of(signature, op, own);
    uint32_t *slot = find_slot(s, op, hash, cells);
    if (out_of_memory(s) || (!*slot && !new_sample(s, op, hash, cells, slot)))
        return NULL;
    evr_sample *sample = s->items[*slot - 1];
    sample->signature_hash = signature;
    sample->own = own;
    if (duration < sample->least)
        sample->least = duration;
    return sample;
}

/* One row. False when memory is out. */
static bool add_row(evr_samples *s, const evr_csv *csv, const evr_summary_columns *columns, evr_str path, evr_dbreport_part *part)
{
    evr_str op_name = field(csv, columns->op);
    if (op_name.len == 0 || evr_str_is(op_name, "N/A"))
        return true;
    double duration = evr_cell_number(field(csv, columns->duration));
    if (!evr_duration_valid(duration))
        return evr_dbreport_add_problem(part, path, csv->line, "\"Task Duration(us)\" is not above 0", "the row was left out");
    evr_call_cells cells = {.ep_size = {"", 0}};
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        cells.base[i] = field(csv, columns->base[i]);
    evr_sample *sample = sample_of(s, op_name, &cells, duration, false);
    return sample && add_counters(s, sample, csv, columns);
}

bool evr_samples_add_run(evr_samples *s, const evr_perfdb_run *r)
{
    const evr_call_cells cells = {
        .base = {r->state, r->core, r->input_shapes, r->input_types, r->input_formats, r->output_shapes, r->output_types, r->output_formats},
        .ep_size = r->ep_size,
    };
    evr_sample *sample = sample_of(s, r->op, &cells, r->duration_us, true);
    return sample && (sample->ep_size = evr_arena_str(&s->arena, r->ep_size)).data;
}

bool evr_samples_rows(evr_samples *s, evr_csv *csv, const evr_summary_columns *columns, size_t until, evr_str path, evr_dbreport_part *part, uint64_t *rows)
{
    evr_csv_result result;
    bool good = true;
    for (; good && csv->at < until && (result = evr_csv_next(csv)) != EVR_CSV_END; ++*rows)
        good = result == EVR_CSV_ROW ? add_row(s, csv, columns, path, part)
                                     : result == EVR_CSV_MALFORMED && evr_dbreport_add_problem(part, path, csv->line, csv->problem, "the row was left out");
    return good;
}

static void add_sums(evr_counter_sum *to, const evr_counter_sum *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i].sum += from[i].sum;
        to[i].numbers += from[i].numbers;
        to[i].seen |= from[i].seen;
    }
}

/* One sample of rows that come later. */
static bool join_sample(evr_samples *s, evr_sample *from, uint32_t op)
{
    evr_call_cells cells = evr_sample_cells(from, from->ep_size);
    uint64_t hash = hash_of(from->signature_hash, op, from->own);
    if (!rehash(s))
        return false;
    uint32_t *slot = find_slot(s, op, hash, &cells);
    if (out_of_memory(s))
        return false;
    const evr_counter_row *last = from->last, *row = last;
    uint32_t count = from->counter_count;
    evr_sample *to = *slot ? s->items[*slot - 1] : from;
    if (to == from) {
        from->op = op;
        from->hash = hash;
        from->last = NULL;
        if (!append(s, slot, from))
            return false;
    } else {
        if (from->least < to->least)
            to->least = from->least;
        if (count && !grow_counters(s, to))
            return false;
        add_sums(to->counters, from->counters, count);
    }
    for (bool more = row != NULL; more; more = row != last) {
        row = row->next;
        add_sums(to->counters, row->sums, count);
    }
    return true;
}

/* The numbers that operators of later rows get here. */
static bool map_ops(evr_samples *s, const evr_samples *other, uint32_t *to)
{
    for (uint32_t i = 0; i < other->ops.count; i++)
        if (!op_of(s, evr_intern_text(&other->ops, i), &to[i]))
            return false;
    return true;
}

static bool join_all(evr_samples *s, const evr_samples *other, const uint32_t *ops)
{
    enum { AHEAD = 8 };
    for (size_t i = 0; i < other->count; i++) {
        if (i + AHEAD < other->count && s->slot_count) {
            const evr_sample *next = other->items[i + AHEAD];
            __builtin_prefetch(&s->slots[hash_of(next->signature_hash, ops[next->op], false) & (s->slot_count - 1)]);
        }
        if (!join_sample(s, other->items[i], ops[other->items[i]->op]))
            return false;
    }
    return true;
}

bool evr_samples_join(evr_samples *s, evr_samples *other)
{
    evr_context *ctx = other->ctx;
    size_t bytes = other->ops.count * sizeof(uint32_t);
    uint32_t *ops = evr_alloc(ctx, bytes);
    bool good = (ops || !bytes) && map_ops(s, other, ops) && join_all(s, other, ops);
    evr_release(ctx, ops, bytes);
    evr_arena_join(&s->arena, &other->arena);
    evr_samples_free(other);
    evr_samples_init(other, ctx);
    return good;
}

const evr_op_samples *evr_samples_of(const evr_samples *s, evr_str op)
{
    uint32_t id = evr_intern_find(&s->ops, op);
    return id == EVR_NO_ID || !s->by_op[id].count ? NULL : &s->by_op[id];
}

evr_call_cells evr_sample_cells(const evr_sample *sample, evr_str ep_size)
{
    evr_call_cells cells = {.ep_size = ep_size};
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++) {
        uint32_t from = i ? sample->ends[i - 1] : 0;
        cells.base[i] = (evr_str){sample->text + from, sample->ends[i] - from};
    }
    return cells;
}

bool evr_sample_counter(const evr_samples *s, const evr_sample *sample, uint32_t index, double *out)
{
    uint32_t place = s->counter_places[index];
    if (place == 0 || place > sample->counter_count || !sample->counters[place - 1].seen)
        return false;
    const evr_counter_sum *sum = &sample->counters[place - 1];
    *out = sum->numbers ? sum->sum / sum->numbers : 0;
    return true;
}
