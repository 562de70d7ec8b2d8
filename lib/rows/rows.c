#include "rows/rows.h"

#include "base/error.h"
#include "base/sized.h"
#include "perfdb/folder.h"
#include "rows/make.h"

#include <stdio.h>

/* One opening. */
typedef struct opening {
    evr_rows *rows;
    evr_rows_options o;
    evr_row_maker maker;
    evr_folder folder;
    evr_str path; /* of the database */
    evr_columns columns;
    evr_csv csv;
} opening;

static bool wanted(const opening *p, evr_str op)
{
    for (size_t i = 0; i < p->o.op_count; i++)
        if (evr_glob(evr_str_c(p->o.ops[i]), op))
            return true;
    return p->o.op_count == 0;
}

static evr_str cell(const opening *p, int32_t field) { return field < 0 ? (evr_str){"", 0} : evr_cell_trim(evr_csv_value(&p->csv, (size_t)field)); }

static bool is_valid(const opening *p)
{
    return evr_duration_valid(evr_cell_number(cell(p, p->columns.measured))) || evr_duration_valid(evr_cell_number(cell(p, p->columns.profiled)));
}

/* The record's number: its own, or that of an equal one that is there already. */
static evr_status add_record(evr_rows *r, evr_ir *ir, size_t *number, evr_error **err)
{
    char key[33];
    evr_status status = evr_ir_key(ir, key, err);
    size_t before = r->keys.count;
    uint32_t id = status == EVR_OK ? evr_intern_add(&r->keys, (evr_str){key, 32}) : EVR_NO_ID;
    if (id == EVR_NO_ID || !evr_grow(r->ctx, (void **)&r->records, &r->record_cap, r->keys.count, sizeof *r->records) ||
        !evr_grow(r->ctx, (void **)&r->outcomes, &r->outcome_cap, r->keys.count, sizeof *r->outcomes)) {
        if (r->keys.count > before && r->record_cap > id)
            r->records[id] = NULL;
        evr_ir_free(ir);
        return status != EVR_OK ? status : evr_fail_nomem(err);
    }
    *number = id;
    if (r->keys.count == before) {
        evr_ir_free(ir);
        return EVR_OK;
    }
    r->records[id] = ir;
    r->outcomes[id] = (evr_row_outcome){.median_ns = -1, .reason = {"", 0}};
    return EVR_OK;
}

static bool keep_cells(evr_rows *r, const evr_call_cells *from, evr_call_cells *to)
{
    bool good = (to->ep_size = evr_arena_str(&r->arena, from->ep_size)).data != NULL;
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        good &= (to->base[i] = evr_arena_str(&r->arena, from->base[i])).data != NULL;
    return good;
}

static evr_status add_row(opening *p, evr_str op, evr_str file, evr_error **err)
{
    evr_rows *r = p->rows;
    evr_made_row made;
    evr_call_cells cells;
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        cells.base[i] = cell(p, p->columns.base[i]);
    cells.ep_size = cell(p, p->columns.ep_size);
    if (!evr_grow(r->ctx, (void **)&r->items, &r->cap, r->count + 1, sizeof *r->items))
        return evr_fail_nomem(err);
    evr_row_item *item = &r->items[r->count];
    *item = (evr_row_item){.op = op, .file = file, .line = p->csv.line, .why = {"", 0}};
    evr_buf label;
    evr_buf_init(&label, r->ctx);
    evr_signature_label(&label, &cells);
    item->shapes = evr_arena_str(&r->arena, evr_buf_view(&label));
    bool good = !label.failed && item->shapes.data && keep_cells(r, &cells, &item->cells);
    evr_buf_free(&label);
    if (!good)
        return evr_fail_nomem(err);
    EVR_TRY(evr_row_make(&p->maker, op, &item->cells, &made, err));
    item->composite = evr_arena_str(&r->arena, made.composite);
    item->why = evr_arena_str(&r->arena, evr_str_c(made.why));
    item->records = evr_arena_alloc(&r->arena, made.count * sizeof *item->records);
    evr_status status = item->composite.data && item->why.data && item->records ? EVR_OK : evr_fail_nomem(err);
    for (size_t i = 0; i < made.count; i++) {
        if (status == EVR_OK)
            status = add_record(r, made.records[i], &item->records[item->record_count++], err);
        else
            evr_ir_free(made.records[i]);
    }
    r->count += status == EVR_OK;
    return status;
}

/* Files that are no operators' and rows that cannot be read are the update's to report. */
static evr_status read_rows(opening *p, evr_str op, evr_str file, evr_str text, evr_error **err)
{
    evr_csv_result result;
    evr_status status = EVR_OK;
    evr_csv_init(&p->csv, p->rows->ctx, text);
    evr_columns_init(&p->columns, p->rows->ctx);
    bool readable = (result = evr_csv_next(&p->csv)) == EVR_CSV_ROW;
    if (readable && !evr_columns_read(&p->columns, &p->csv, false))
        status = evr_fail_nomem(err);
    p->csv.width = p->csv.count;
    readable = readable && status == EVR_OK && !evr_columns_lack(&p->columns);
    while (readable && status == EVR_OK && (result = evr_csv_next(&p->csv)) != EVR_CSV_END && result != EVR_CSV_NOMEM)
        if (result == EVR_CSV_ROW && (p->o.mode == EVR_PERFDB_MODE_ALL || !is_valid(p)))
            status = add_row(p, op, file, err);
    if (result == EVR_CSV_NOMEM)
        status = evr_fail_nomem(err);
    evr_columns_free(&p->columns);
    evr_csv_free(&p->csv);
    return status;
}

static evr_status read_file(opening *p, evr_str name, evr_error **err)
{
    evr_rows *r = p->rows;
    char *text;
    size_t size;
    uint64_t most = p->o.max_file_bytes && p->o.max_file_bytes < UINT32_MAX ? p->o.max_file_bytes : UINT32_MAX - 1;
    evr_str file = evr_arena_str(&r->arena, name), op = evr_arena_str(&r->arena, evr_str_sub(name, 0, name.len - 4));
    if (!file.data || !op.data)
        return evr_fail_nomem(err);
    EVR_TRY(evr_file_read(r->ctx, p->folder.fd, file.data, file.data, most, &text, &size, err));
    evr_status status = read_rows(p, op, file, (evr_str){text, size}, err);
    evr_release(r->ctx, text, size + 1);
    return status;
}

static evr_status read_folder(opening *p, evr_error **err)
{
    evr_folder_entry *entries;
    size_t count;
    EVR_TRY(evr_folder_open(p->rows->ctx, p->path.data, &p->folder, err));
    EVR_TRY(evr_folder_list(&p->folder, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        if (entries[i].regular && wanted(p, evr_str_sub(entries[i].name, 0, entries[i].name.len - 4)))
            EVR_TRY(read_file(p, entries[i].name, err));
    return EVR_OK;
}

static evr_status take_options(evr_context *ctx, const evr_rows_options *options, evr_rows_options *o, evr_error **err)
{
    uint32_t given = options ? options->struct_size : 0;
    if (given < sizeof given || given > sizeof *o + 4096)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_rows_open: unknown struct_size %u", given);
    EVR_TAKE(o, options);
    if (!o->map || (o->op_count && !o->ops) || (o->like_count && !o->like) || (o->mode != EVR_PERFDB_MODE_ALL && o->mode != EVR_PERFDB_MODE_MISSING_ONLY))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_rows_open: the map or a list is missing, or there is no mode %d", o->mode);
    return EVR_OK;
}

evr_status evr_rows_open(evr_context *ctx, const evr_perfdb *db, const evr_rows_options *options, evr_rows **out, evr_error **err)
{
    opening p = {.o = {.struct_size = sizeof p.o}};
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !db || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_rows_open: context, database or `out` is missing");
    EVR_TRY(take_options(ctx, options, &p.o, err));
    evr_rows *r = p.rows = evr_alloc_zeroed(ctx, sizeof *r);
    if (!r)
        return evr_fail_nomem(err);
    r->ctx = evr_context_ref(ctx);
    evr_arena_init(&r->arena, ctx);
    evr_intern_init(&r->keys, ctx);
    p.path = evr_perfdb_path(db);
    p.folder = (evr_folder){.ctx = ctx, .fd = -1, .lock = -1};
    evr_arena_init(&p.folder.arena, ctx);
    evr_status status = evr_row_maker_open(&p.maker, ctx, p.o.map, p.o.source, p.o.source_user, err);
    p.maker.like = p.o.like;
    p.maker.like_count = p.o.like_count;
    if (status == EVR_OK)
        status = read_folder(&p, err);
    evr_folder_close(&p.folder);
    evr_row_maker_close(&p.maker);
    if (status == EVR_OK)
        *out = r;
    else
        evr_rows_free(r);
    return status;
}

void evr_rows_free(evr_rows *r)
{
    if (!r)
        return;
    evr_context *ctx = r->ctx;
    for (size_t i = 0; i < r->keys.count && i < r->record_cap; i++)
        evr_ir_free(r->records[i]);
    evr_release(ctx, r->records, r->record_cap * sizeof *r->records);
    evr_release(ctx, r->outcomes, r->outcome_cap * sizeof *r->outcomes);
    evr_release(ctx, r->items, r->cap * sizeof *r->items);
    evr_intern_free(&r->keys);
    evr_arena_free(&r->arena);
    evr_release(ctx, r, sizeof *r);
    evr_context_free(ctx);
}

size_t evr_rows_count(const evr_rows *r) { return r ? r->count : 0; }

const evr_ir *const *evr_rows_records(const evr_rows *r, size_t *count)
{
    if (count)
        *count = r ? r->keys.count : 0;
    return r ? (const evr_ir *const *)r->records : NULL;
}
