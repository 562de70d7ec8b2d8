#include "perfdb/table.h"

#include "base/hash.h"

enum { ADDED = UINT32_MAX };

void evr_table_init(evr_table *t, evr_context *ctx, const evr_samples *samples, evr_str ep_size)
{
    *t = (evr_table){.ctx = ctx, .samples = samples, .ep_size = ep_size, .opened = SIZE_MAX};
    evr_columns_init(&t->columns, ctx);
    evr_csv_init(&t->cells, ctx, (evr_str){"", 0});
    evr_buf_init(&t->scratch, ctx);
    evr_buf_init(&t->other, ctx);
}

void evr_table_free(evr_table *t)
{
    evr_columns_free(&t->columns);
    evr_csv_free(&t->cells);
    evr_buf_free(&t->scratch);
    evr_buf_free(&t->other);
    evr_release(t->ctx, t->rows, t->cap * sizeof *t->rows);
    evr_release(t->ctx, t->ends, t->ends_cap * sizeof *t->ends);
    evr_release(t->ctx, t->slots, t->slot_count * sizeof *t->slots);
}

void evr_table_reuse(evr_table *t, evr_dbreport_part *report, evr_str op)
{
    evr_columns_free(&t->columns);
    evr_columns_init(&t->columns, t->ctx);
    t->op = op;
    t->rule = evr_signature_rule_of(op);
    t->report = report;
    t->text = t->path = (evr_str){"", 0};
    t->is_new = t->has_ep_size = false;
    t->count = t->slot_used = 0;
    t->opened = SIZE_MAX;
    t->file = NULL;
}

/* Slots for as many rows as a text of this length has as a rule: those that are there, unless they are far too many. */
static void reuse_slots(evr_table *t, size_t length)
{
    if (t->slot_count * sizeof *t->slots > length) {
        evr_release(t->ctx, t->slots, t->slot_count * sizeof *t->slots);
        t->slots = NULL;
        t->slot_count = 0;
    } else if (t->slots) {
        memset(t->slots, 0, t->slot_count * sizeof *t->slots);
    }
}

/* The operator's rows tell how many ranks took part, so a file without the column gets it. */
static bool wants_ep_size(const evr_table *t) { return t->rule == EVR_RULE_EP_SIZE && t->ep_size.len; }

static bool add_row(evr_table *t, evr_row row)
{
    if (t->count >= EVR_NO_ID || !evr_grow(t->ctx, (void **)&t->rows, &t->cap, t->count + 1, sizeof *t->rows))
        return false;
    t->rows[t->count++] = row;
    return true;
}

bool evr_table_new(evr_table *t)
{
    t->is_new = true;
    reuse_slots(t, 0);
    return evr_columns_new(&t->columns, wants_ep_size(t));
}

static const char *header_problem(const evr_csv *csv, evr_csv_result result)
{
    if (result == EVR_CSV_END)
        return "it is empty";
    if (result == EVR_CSV_MALFORMED)
        return "a quote in its header is not closed";
    if (csv->count > EVR_MOST_COLUMNS)
        return "it has more than 4,096 columns";
    return NULL;
}

static bool duration_in(const evr_csv *csv, int32_t column)
{
    return column >= 0 && evr_duration_valid(evr_cell_number(evr_csv_value(csv, (size_t)column)));
}

bool evr_table_complete(evr_context *ctx, evr_str text, bool *complete)
{
    evr_csv csv;
    evr_columns columns;
    size_t rows = 0;
    evr_csv_init(&csv, ctx, text);
    evr_columns_init(&columns, ctx);
    evr_csv_result result = evr_csv_next(&csv);
    *complete = result == EVR_CSV_ROW && csv.count <= EVR_MOST_COLUMNS;
    bool good = result != EVR_CSV_NOMEM && (!*complete || evr_columns_read(&columns, &csv, false));
    csv.width = csv.count;
    bool relevant = good && *complete && !evr_columns_lack(&columns);
    *complete = true; /* a file that holds no rows of an operator does not matter */
    while (good && relevant && *complete && (result = evr_csv_next(&csv)) != EVR_CSV_END) {
        good = result != EVR_CSV_NOMEM;
        *complete = result == EVR_CSV_MALFORMED || duration_in(&csv, columns.measured) || duration_in(&csv, columns.profiled);
        rows++;
    }
    *complete = *complete && (!relevant || rows);
    evr_csv_free(&csv);
    evr_columns_free(&columns);
    return good;
}

static const evr_sample *sample(const evr_table *t, uint32_t number) { return t->samples->items[number]; }

static const uint32_t *ends_of(const evr_table *t, const evr_row *row) { return t->ends + (size_t)(row - t->rows) * t->columns.width; }

/* Notes where the fields of the row just added end. */
static bool keep_ends(evr_table *t, const evr_csv *csv)
{
    size_t width = t->columns.width, from = (t->count - 1) * width;
    size_t start = (size_t)(csv->raw.data - csv->text.data);
    if (!evr_grow(t->ctx, (void **)&t->ends, &t->ends_cap, from + width, sizeof *t->ends))
        return false;
    for (size_t i = 0; i < width; i++)
        t->ends[from + i] = i < csv->count ? (uint32_t)(csv->fields[i].raw_end - start) : 0;
    return true;
}

/* Puts the fields of a row of the file into `cells`. False when memory is out. */
static bool open_row(evr_table *t, const evr_row *row)
{
    if (t->opened == row->start)
        return true;
    bool good = evr_csv_reopen(&t->cells, (evr_str){t->text.data + row->start, row->len}, ends_of(t, row), t->columns.width);
    t->opened = good ? row->start : SIZE_MAX;
    return good;
}

static evr_str cell_of(const evr_csv *csv, int32_t column)
{
    return column < 0 ? (evr_str){"", 0} : evr_csv_value(csv, (size_t)column);
}

static evr_str kept_cell(const evr_table *t, int32_t column) { return cell_of(&t->cells, column); }

static void kept_call(const evr_table *t, const evr_csv *csv, evr_call_cells *cells)
{
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        cells->base[i] = cell_of(csv, t->columns.base[i]);
    cells->ep_size = t->has_ep_size ? cell_of(csv, t->columns.ep_size) : t->ep_size;
}

/* One cell of a row of the file, without opening all of it. False when it must be opened. */
static bool peek(const evr_table *t, const evr_row *row, int32_t column, evr_str *out)
{
    const uint32_t *ends = ends_of(t, row);
    *out = (evr_str){"", 0};
    return column < 0 || evr_csv_peek((evr_str){t->text.data + row->start, row->len}, column ? ends[column - 1] + 1 : 0, ends[column], out);
}

static bool peek_call(const evr_table *t, const evr_row *row, evr_call_cells *cells)
{
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        if (!peek(t, row, t->columns.base[i], &cells->base[i]))
            return false;
    cells->ep_size = t->ep_size;
    return !t->has_ep_size || peek(t, row, t->columns.ep_size, &cells->ep_size);
}

/* The cells that describe a row's call. They live until the next row is looked at. */
static bool call_of(evr_table *t, const evr_row *row, evr_call_cells *cells)
{
    if (row->len == ADDED) {
        *cells = evr_sample_cells(sample(t, row->start), t->ep_size);
        return true;
    }
    if (peek_call(t, row, cells))
        return true;
    if (!open_row(t, row))
        return false;
    kept_call(t, &t->cells, cells);
    return true;
}

static bool label_of(evr_table *t, const evr_row *row, evr_str *label)
{
    evr_call_cells cells;
    t->other.len = 0;
    if (!call_of(t, row, &cells))
        return false;
    evr_signature_label(&t->other, &cells);
    *label = evr_buf_view(&t->other);
    return !t->other.failed;
}

static bool grow_slots(evr_table *t)
{
    if (t->slot_used * 2 < t->slot_count)
        return true;
    size_t n = t->slot_count ? t->slot_count * 2 : 64;
    evr_row_slot *slots = evr_alloc_zeroed(t->ctx, n * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < t->slot_count; i++) {
        if (!t->slots[i].count)
            continue;
        size_t at = t->slots[i].hash & (n - 1);
        while (slots[at].count)
            at = (at + 1) & (n - 1);
        slots[at] = t->slots[i];
    }
    evr_release(t->ctx, t->slots, t->slot_count * sizeof *t->slots);
    t->slots = slots;
    t->slot_count = n;
    return true;
}

/* Whether a row is the call of these cells. Cells that are the same need no signature. */
static bool same_call(evr_table *t, const evr_row *row, const evr_call_cells *cells, bool *same)
{
    evr_call_cells own;
    if (!call_of(t, row, &own))
        return false;
    *same = evr_call_cells_equal(&own, cells);
    if (*same)
        return true;
    t->scratch.len = t->other.len = 0;
    evr_signature(&t->scratch, t->rule, cells);
    evr_signature(&t->other, t->rule, &own);
    *same = evr_str_eq(evr_buf_view(&t->scratch), evr_buf_view(&t->other));
    return !t->scratch.failed && !t->other.failed;
}

/* The slot of a call, empty (count 0) when no row has it. `cells` must not be those of `t->cells`. NULL when memory is out. */
static evr_row_slot *slot_of(evr_table *t, uint64_t hash, const evr_call_cells *cells)
{
    bool same = false;
    if (!grow_slots(t))
        return NULL;
    size_t at = hash & (t->slot_count - 1);
    for (; t->slots[at].count; at = (at + 1) & (t->slot_count - 1)) {
        if (t->slots[at].hash == hash && !same_call(t, &t->rows[t->slots[at].row], cells, &same))
            return NULL;
        if (same)
            break;
    }
    t->slots[at].hash = hash;
    return &t->slots[at];
}

static uint64_t scratch_hash(const evr_table *t) { return evr_hash(t->scratch.data, t->scratch.len); }

static void take_slot(evr_table *t, evr_row_slot *slot, size_t row)
{
    if (slot->count++ == 0) {
        slot->row = (uint32_t)row;
        t->slot_used++;
    }
}

/* The file's hash table learns of a row that `csv` has just read. */
static bool index_row(evr_table *t, const evr_csv *csv)
{
    evr_call_cells cells;
    kept_call(t, csv, &cells);
    t->scratch.len = 0;
    evr_signature(&t->scratch, t->rule, &cells);
    evr_row_slot *slot = t->scratch.failed ? NULL : slot_of(t, scratch_hash(t), &cells);
    if (slot)
        take_slot(t, slot, t->count - 1);
    return slot != NULL;
}

static bool read_row(evr_table *t, const evr_csv *csv, evr_csv_result result)
{
    evr_row row = {(uint32_t)(csv->raw.data - t->text.data), (uint32_t)csv->raw.len, EVR_NO_ID, 0};
    if (result == EVR_CSV_ROW) {
        row.flags = csv->canonical ? EVR_ROW_CANONICAL : 0;
        return add_row(t, row) && keep_ends(t, csv) && index_row(t, csv);
    }
    row.flags = EVR_ROW_MALFORMED;
    t->file->public.malformed++;
    return add_row(t, row) &&
           evr_dbreport_add_problem(t->report, t->path, csv->line, csv->problem, "the row was kept as it is and takes no part");
}

static bool read_header(evr_table *t, evr_csv *csv, const char **unusable, bool *missing_column)
{
    evr_csv_result result = evr_csv_next(csv);
    if (result == EVR_CSV_NOMEM)
        return false;
    if ((*unusable = header_problem(csv, result)))
        return true;
    if (!evr_columns_read(&t->columns, csv, wants_ep_size(t)))
        return false;
    const char *lack = evr_columns_lack(&t->columns);
    if (lack) {
        *unusable = lack;
        *missing_column = true;
        return true;
    }
    t->has_ep_size = t->columns.ep_size >= 0;
    csv->width = csv->count;
    return true;
}

bool evr_table_read(evr_table *t, evr_str path, evr_str text, const char **unusable, bool *missing_column)
{
    evr_csv csv;
    evr_csv_result result;
    t->text = text;
    t->path = path;
    reuse_slots(t, text.len);
    evr_csv_init(&csv, t->ctx, text);
    bool good = read_header(t, &csv, unusable, missing_column);
    while (good && !*unusable && (result = evr_csv_next(&csv)) != EVR_CSV_END)
        good = result != EVR_CSV_NOMEM && read_row(t, &csv, result);
    evr_csv_free(&csv);
    return good;
}

bool evr_table_duplicates(evr_table *t)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        evr_str label;
        if (t->slots[i].count < 2)
            continue;
        if (!label_of(t, &t->rows[t->slots[i].row], &label) ||
            !evr_dbreport_add_item(t->report, t->file, EVR_PERFDB_DUPLICATE, label, t->slots[i].count))
            return false;
    }
    return true;
}

/* The sample that a row's duration and counters come from, NULL when they are the file's. */
static const evr_sample *measured_by(const evr_table *t, const evr_row *row)
{
    uint32_t number = row->patch != EVR_NO_ID ? row->patch : row->len == ADDED ? row->start : EVR_NO_ID;
    return number == EVR_NO_ID ? NULL : sample(t, number);
}

/* The durations of a row as they are now: what was measured, as text, and what was profiled. */
typedef struct row_times {
    evr_str measured;
    char text[EVR_NUMBER_TEXT];
    double profiled;
} row_times;

static bool times_of(evr_table *t, const evr_row *row, row_times *times)
{
    *times = (row_times){.measured = {"", 0}};
    if (row->len != ADDED) {
        evr_str kept, profiled;
        if (!peek(t, row, t->columns.measured, &kept) || !peek(t, row, t->columns.profiled, &profiled)) {
            if (!open_row(t, row))
                return false;
            kept = kept_cell(t, t->columns.measured);
            profiled = kept_cell(t, t->columns.profiled);
        }
        times->measured = evr_cell_trim(kept);
        times->profiled = evr_cell_number(profiled);
    }
    const evr_sample *measured = measured_by(t, row);
    if (measured)
        times->measured = evr_number_text(measured->least, times->text);
    return true;
}

static bool times_valid(const row_times *times)
{
    return evr_duration_valid(evr_cell_number(times->measured)) || evr_duration_valid(times->profiled);
}

/* Notes the row when what was measured and what was profiled lie apart. */
static bool note_gap(evr_table *t, const evr_row *row, double measured, double profiled)
{
    evr_str label;
    if (!evr_duration_valid(measured) || !evr_duration_valid(profiled))
        return true;
    return label_of(t, row, &label) && evr_dbreport_add_gap(t->report, label, measured, profiled);
}

static bool update_row(evr_table *t, evr_row *row, uint32_t number, const row_times *times)
{
    char text[EVR_NUMBER_TEXT];
    evr_str measured = evr_number_text(sample(t, number)->least, text);
    t->file->public.updated += !evr_str_eq(measured, times->measured);
    row->patch = number;
    return note_gap(t, row, evr_cell_number(measured), times->profiled);
}

/* What is done with samples of one name. */
typedef struct merge_kind {
    int32_t mode;
    bool may_add;   /* calls without a row become rows */
    bool is_family; /* another name's, or an operator whose rows are only ever matched: calls without a row are no news */
} merge_kind;

static bool merge_sample(evr_table *t, uint32_t number, merge_kind kind)
{
    evr_row added = {number, ADDED, EVR_NO_ID, 0};
    evr_perfdb_file *count = &t->file->public;
    evr_str label;
    evr_call_cells cells = evr_sample_cells(sample(t, number), sample(t, number)->ep_size.len ? sample(t, number)->ep_size : t->ep_size);
    uint64_t hash = sample(t, number)->signature_hash;
    if (t->rule == EVR_RULE_EP_SIZE || t->rule != t->samples->by_op[sample(t, number)->op].rule) {
        t->scratch.len = 0;
        evr_signature(&t->scratch, t->rule, &cells);
        if (t->scratch.failed)
            return false;
        hash = scratch_hash(t);
    }
    evr_row_slot *slot = slot_of(t, hash, &cells);
    if (!slot)
        return false;
    if (slot->count) {
        evr_row *row = &t->rows[slot->row];
        row_times times;
        if (!times_of(t, row, &times))
            return false;
        if (kind.mode == EVR_PERFDB_MODE_ALL || !times_valid(&times))
            return update_row(t, row, number, &times);
        if (kind.is_family)
            return true;
        count->unchanged++;
        return note_gap(t, row, evr_cell_number(times.measured), times.profiled);
    }
    if (kind.is_family)
        count->unmatched++;
    else if (!label_of(t, &added, &label) || !evr_dbreport_add_item(t->report, t->file, EVR_PERFDB_MISSING, label, 1))
        return false;
    if (!kind.may_add || kind.mode != EVR_PERFDB_MODE_ALL)
        return true;
    if (!add_row(t, added))
        return false;
    take_slot(t, slot, t->count - 1);
    count->added++;
    return true;
}

/* `other`: the samples are another name's, of which rows that were run do not count. */
static bool merge_samples(evr_table *t, evr_str op, merge_kind kind, bool other)
{
    const evr_op_samples *list = evr_samples_of(t->samples, op);
    for (uint32_t i = list ? list->first : EVR_NO_ID; i != EVR_NO_ID;) {
        uint32_t next = sample(t, i)->next;
        if (next != EVR_NO_ID) { /* samples of one operator lie far apart */
            __builtin_prefetch(sample(t, next));
            __builtin_prefetch(&sample(t, next)->counters);
        }
        if (!(other && sample(t, i)->own) && !merge_sample(t, i, kind))
            return false;
        if (next != EVR_NO_ID) {
            __builtin_prefetch(sample(t, next)->text);
            __builtin_prefetch(sample(t, next)->counters);
        }
        i = next;
    }
    return true;
}

bool evr_table_merge(evr_table *t, int32_t mode)
{
    /* A new file has to begin somewhere, so there even a family's own calls become rows. */
    bool match_only = evr_op_match_only(t->op) && !t->is_new;
    if (!merge_samples(t, t->op, (merge_kind){mode, !match_only, match_only}, false))
        return false;
    evr_alias aliases[EVR_MOST_ALIASES];
    size_t n = evr_op_aliases(t->op, aliases);
    for (size_t i = 0; i < n; i++) {
        t->scratch.len = 0;
        evr_buf_str(&t->scratch, aliases[i].name);
        evr_buf_c(&t->scratch, aliases[i].suffix);
        if (t->scratch.failed || !merge_samples(t, evr_buf_view(&t->scratch), (merge_kind){mode, false, true}, true))
            return false;
    }
    return true;
}

bool evr_table_prune(evr_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        row_times times;
        evr_str label;
        if (t->rows[i].flags & EVR_ROW_MALFORMED)
            continue;
        if (!times_of(t, &t->rows[i], &times))
            return false;
        if (times_valid(&times))
            continue;
        t->rows[i].flags |= EVR_ROW_DELETED;
        if (!label_of(t, &t->rows[i], &label) || !evr_dbreport_add_item(t->report, t->file, EVR_PERFDB_DELETED, label, 1))
            return false;
    }
    return true;
}

/* Whether a column's number comes from a sample, and which. */
static bool new_number(const evr_table *t, const evr_sample *measured, const evr_cell *cell, double *value)
{
    if (!measured)
        return false;
    if (cell->kind == EVR_CELL_COUNTER)
        return evr_sample_counter(t->samples, measured, cell->index, value);
    *value = measured->least;
    return cell->kind == EVR_CELL_MEASURED;
}

/* What stands in a written column of a row whose file's cells are in `cells`. */
static evr_str written_cell(evr_table *t, const evr_row *row, const evr_cell *cell, char text[EVR_NUMBER_TEXT])
{
    double value;
    bool added = row->len == ADDED;
    if (new_number(t, measured_by(t, row), cell, &value))
        return evr_number_text(value, text);
    if (cell->kind == EVR_CELL_BASE && added)
        return evr_sample_cells(sample(t, row->start), t->ep_size).base[cell->index];
    if (cell->kind == EVR_CELL_EP_SIZE && (added || !t->has_ep_size))
        return t->rule == EVR_RULE_EP_SIZE ? t->ep_size : (evr_str){"", 0};
    return added ? (evr_str){"", 0} : kept_cell(t, cell->from);
}

static bool row_differs(evr_table *t, const evr_row *row, bool *differs)
{
    char text[EVR_NUMBER_TEXT];
    *differs = false;
    if (!open_row(t, row))
        return false;
    for (size_t i = 0; i < t->columns.count; i++) {
        const evr_cell *cell = &t->columns.cells[i];
        if (cell->kind == EVR_CELL_MEASURED || cell->kind == EVR_CELL_COUNTER)
            *differs |= !evr_str_eq(written_cell(t, row, cell, text), kept_cell(t, cell->from));
    }
    return true;
}

bool evr_table_changed(evr_table *t, bool *changed)
{
    *changed = t->is_new && t->count > 0;
    for (size_t i = 0; i < t->count && !*changed; i++) {
        const evr_row *row = &t->rows[i];
        *changed = row->len == ADDED || (row->flags & EVR_ROW_DELETED);
        if (!*changed && row->patch != EVR_NO_ID && !row_differs(t, row, changed))
            return false;
    }
    return true;
}

/* A row that is canonical: what an update does not change is copied as it stands. */
static void render_patched(evr_table *t, evr_buf *buf, const evr_row *row)
{
    char text[EVR_NUMBER_TEXT];
    const evr_sample *measured = measured_by(t, row);
    const uint32_t *ends = ends_of(t, row);
    const char *raw = t->text.data + row->start;
    size_t copied = 0, i = 0; /* bytes of the row that are done */
    double value;
    for (; i < t->columns.count; i++) {
        if (!new_number(t, measured, &t->columns.cells[i], &value))
            continue;
        size_t start = i ? ends[i - 1] : 0;
        evr_put(buf, raw + copied, start - copied);
        evr_str number = evr_number_text(value, text);
        if (i)
            evr_put_char(buf, ',');
        evr_put(buf, number.data, number.len);
        copied = ends[i];
    }
    evr_put(buf, raw + copied, row->len - copied);
}

static void render_row(evr_table *t, evr_buf *buf, const evr_row *row)
{
    char text[EVR_NUMBER_TEXT];
    bool as_it_stands = row->len != ADDED && (row->flags & EVR_ROW_CANONICAL) && t->columns.same;
    if ((row->flags & EVR_ROW_MALFORMED) || (as_it_stands && row->patch == EVR_NO_ID)) {
        evr_buf_add(buf, t->text.data + row->start, row->len);
    } else if (as_it_stands) {
        render_patched(t, buf, row);
    } else if (row->len != ADDED && !open_row(t, row)) {
        buf->failed = true;
    } else {
        for (size_t i = 0; i < t->columns.count; i++)
            evr_csv_put(buf, written_cell(t, row, &t->columns.cells[i], text), i == 0);
    }
    evr_csv_end_row(buf);
}

void evr_table_render_header(const evr_table *t, evr_buf *buf)
{
    for (size_t i = 0; i < t->columns.count; i++)
        evr_csv_put(buf, t->columns.cells[i].name, i == 0);
    evr_csv_end_row(buf);
}

/* Samples of one operator lie far apart: fetched some rows before they are written. */
static void fetch_ahead(const evr_table *t, size_t at)
{
    enum { FAR = 8, NEAR = 4 };
    const evr_sample *far = at + FAR < t->count ? measured_by(t, &t->rows[at + FAR]) : NULL;
    const evr_sample *near = at + NEAR < t->count ? measured_by(t, &t->rows[at + NEAR]) : NULL;
    if (far) {
        __builtin_prefetch(&far->least);
        __builtin_prefetch(&far->counters);
    }
    if (near)
        for (size_t i = 0; i < near->counter_count * sizeof *near->counters; i += 64)
            __builtin_prefetch((const char *)near->counters + i);
}

void evr_table_render(evr_table *t, evr_buf *buf, size_t *next, size_t enough)
{
    for (; *next < t->count && buf->len <= enough && !buf->failed; ++*next) {
        fetch_ahead(t, *next);
        if (!(t->rows[*next].flags & EVR_ROW_DELETED))
            render_row(t, buf, &t->rows[*next]);
    }
}
