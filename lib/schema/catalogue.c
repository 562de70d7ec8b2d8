#include "schema/catalogue.h"

#include "base/error.h"
#include "base/hash.h"
#include "schema/snapshot.h"

#include <stdlib.h>
#include <zstd.h>

/* All overloads of one operator. The snapshot is sorted, so its schemas of one operator are neighbours. */
typedef struct operator_entry {
    evr_str name;
    uint32_t first, count;      /* in texts[] */
    const evr_schema **parsed;  /* of them and of those added; NULL before the first look-up */
    size_t parsed_count;
    const evr_str *added;       /* texts that evr_catalogue_add() brought */
    size_t added_count;
} operator_entry;

struct evr_catalogue {
    evr_context *ctx;
    evr_arena arena;
    evr_str version;
    char *snapshot; /* the whole text */
    evr_str *texts; /* schemas of this version */
    size_t text_count, text_cap;
    operator_entry *operators;
    size_t operator_count, operator_cap;
    uint32_t *slots; /* operator + 1, by hash of the name */
    size_t slot_count;
    evr_str *all; /* sorted texts including the added ones, made on demand */
    size_t all_count;
};

/* "aten::add.Tensor(" → "aten::add" */
static evr_str operator_name(evr_str schema)
{
    size_t end = evr_str_find(schema, '(', 0);
    evr_str full = evr_str_sub(schema, 0, end == SIZE_MAX ? schema.len : end);
    size_t space = 0;
    for (size_t i = 0; i + 1 < full.len; i++)
        if (full.data[i] == ':' && full.data[i + 1] == ':')
            space = i + 2;
    size_t dot = evr_str_find(full, '.', space);
    return evr_str_trim(evr_str_sub(full, 0, dot == SIZE_MAX ? full.len : dot));
}

static size_t find_slot(const evr_catalogue *c, evr_str name)
{
    size_t mask = c->slot_count - 1, i = (size_t)evr_hash(name.data, name.len) & mask;
    while (c->slots[i] && !evr_str_eq(c->operators[c->slots[i] - 1].name, name))
        i = (i + 1) & mask;
    return i;
}

static bool grow_slots(evr_catalogue *c)
{
    size_t count = c->slot_count ? c->slot_count * 2 : 8192;
    uint32_t *slots = evr_alloc_zeroed(c->ctx, count * sizeof *slots);
    if (!slots)
        return false;
    evr_release(c->ctx, c->slots, c->slot_count * sizeof *slots);
    c->slots = slots;
    c->slot_count = count;
    for (size_t i = 0; i < c->operator_count; i++)
        slots[find_slot(c, c->operators[i].name)] = (uint32_t)i + 1;
    return true;
}

/* The entry of an operator, made if it is new. */
static operator_entry *entry_of(evr_catalogue *c, evr_str name)
{
    if (c->operator_count * 2 >= c->slot_count && !grow_slots(c))
        return NULL;
    size_t slot = find_slot(c, name);
    if (c->slots[slot])
        return &c->operators[c->slots[slot] - 1];
    if (!evr_grow(c->ctx, (void **)&c->operators, &c->operator_cap, c->operator_count + 1, sizeof *c->operators))
        return NULL;
    c->operators[c->operator_count] = (operator_entry){.name = name, .first = (uint32_t)c->text_count};
    c->slots[slot] = (uint32_t)++c->operator_count;
    return &c->operators[c->operator_count - 1];
}

/* Index of the snapshot for a version: the newest that is not newer, else the oldest; the newest for an empty version. */
static size_t version_index(evr_str version)
{
    if (!version.len)
        return evr_snapshot_version_count - 1;
    int wanted[3] = {0}, part = 0;
    for (size_t i = 0; i < version.len && part < 3; i++) {
        char c = version.data[i];
        if (c >= '0' && c <= '9' && wanted[part] < 100000)
            wanted[part] = wanted[part] * 10 + (c - '0');
        else if (c == '.')
            part++;
        else
            break;
    }
    if (part < 2)
        wanted[2] = 100000; /* "2.13" means any 2.13 */
    size_t best = 0;
    for (size_t v = 0; v < evr_snapshot_version_count; v++) {
        int have[3] = {0};
        const char *p = evr_snapshot_versions[v];
        for (int k = 0; k < 3; k++) {
            while (*p >= '0' && *p <= '9')
                have[k] = have[k] * 10 + (*p++ - '0');
            p += *p == '.';
        }
        bool newer = have[0] != wanted[0] ? have[0] > wanted[0] : have[1] != wanted[1] ? have[1] > wanted[1] : have[2] > wanted[2];
        if (!newer)
            best = v;
    }
    return best;
}

static evr_status index_snapshot(evr_catalogue *c, size_t version, evr_error **err)
{
    const char *p = c->snapshot, *end = p + evr_snapshot_text_size;
    operator_entry *last = NULL;
    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        uint32_t mask = 0;
        for (; p < line_end && *p != ' '; p++)
            mask = mask << 4 | (uint32_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
        evr_str schema = {p + 1, (size_t)(line_end - p - 1)};
        p = line_end + 1;
        if (!(mask >> version & 1))
            continue;
        evr_str name = operator_name(schema);
        if (!last || !evr_str_eq(last->name, name))
            last = entry_of(c, name);
        if (!last || !evr_grow(c->ctx, (void **)&c->texts, &c->text_cap, c->text_count + 1, sizeof *c->texts))
            return evr_fail_nomem(err);
        c->texts[c->text_count++] = schema;
        last->count++;
    }
    return EVR_OK;
}

evr_status evr_catalogue_open(evr_context *ctx, evr_str version, evr_catalogue **out, evr_error **err)
{
    *out = NULL;
    evr_catalogue *c = evr_alloc_zeroed(ctx, sizeof *c);
    if (!c)
        return evr_fail_nomem(err);
    c->ctx = evr_context_ref(ctx);
    evr_arena_init(&c->arena, ctx);
    size_t index = version_index(version);
    c->version = evr_str_c(evr_snapshot_versions[index]);
    evr_status status = EVR_OK;
    c->snapshot = evr_alloc(ctx, evr_snapshot_text_size);
    if (!c->snapshot)
        status = evr_fail_nomem(err);
    else if (ZSTD_decompress(c->snapshot, evr_snapshot_text_size, evr_snapshot_data, evr_snapshot_size) != evr_snapshot_text_size)
        status = evr_fail(ctx, err, EVR_E_INTERNAL, "the schema snapshot inside the library cannot be unpacked");
    if (status == EVR_OK)
        status = index_snapshot(c, index, err);
    if (status != EVR_OK) {
        evr_catalogue_free(c);
        return status;
    }
    *out = c;
    return EVR_OK;
}

void evr_catalogue_free(evr_catalogue *c)
{
    if (!c)
        return;
    evr_context *ctx = c->ctx;
    evr_release(ctx, c->snapshot, evr_snapshot_text_size);
    evr_release(ctx, c->texts, c->text_cap * sizeof *c->texts);
    evr_release(ctx, c->operators, c->operator_cap * sizeof *c->operators);
    evr_release(ctx, c->slots, c->slot_count * sizeof *c->slots);
    evr_release(ctx, c->all, c->all_count * sizeof *c->all);
    evr_arena_free(&c->arena);
    evr_release(ctx, c, sizeof *c);
    evr_context_free(ctx);
}

evr_str evr_catalogue_version(const evr_catalogue *c) { return c->version; }

/* "aten::add.Tensor" of a schema's text. */
static evr_str full_name(evr_str schema)
{
    size_t end = evr_str_find(schema, '(', 0);
    return evr_str_trim(evr_str_sub(schema, 0, end == SIZE_MAX ? schema.len : end));
}

static bool replaced(const operator_entry *op, evr_str schema)
{
    for (size_t i = 0; i < op->added_count; i++)
        if (evr_str_eq(full_name(op->added[i]), full_name(schema)))
            return true;
    return false;
}

size_t evr_catalogue_count(const evr_catalogue *c)
{
    size_t n = c->text_count;
    for (size_t i = 0; i < c->operator_count; i++) {
        const operator_entry *op = &c->operators[i];
        n += op->added_count;
        for (uint32_t k = 0; op->added_count && k < op->count; k++)
            n -= replaced(op, c->texts[op->first + k]);
    }
    return n;
}

evr_status evr_catalogue_add(evr_catalogue *c, evr_str schema, evr_str *name, evr_error **err)
{
    const evr_schema *checked;
    EVR_TRY(evr_schema_parse(&c->arena, schema, &checked, err));
    operator_entry *op = entry_of(c, checked->name);
    if (!op)
        return evr_fail_nomem(err);
    evr_str *added = evr_arena_alloc(&c->arena, (op->added_count + 1) * sizeof *added);
    if (!added)
        return evr_fail_nomem(err);
    size_t n = 0;
    for (size_t i = 0; i < op->added_count; i++)
        if (!evr_str_eq(full_name(op->added[i]), full_name(checked->text)))
            added[n++] = op->added[i];
    added[n++] = checked->text;
    if (name)
        *name = checked->name;
    op->added = added;
    op->added_count = n;
    op->parsed = NULL;
    evr_release(c->ctx, c->all, c->all_count * sizeof *c->all);
    c->all = NULL;
    c->all_count = 0;
    return EVR_OK;
}

static evr_status parse_all(evr_catalogue *c, operator_entry *op, evr_error **err)
{
    const evr_schema **parsed = evr_arena_alloc(&c->arena, (op->count + op->added_count + 1) * sizeof *parsed);
    if (!parsed)
        return evr_fail_nomem(err);
    size_t n = 0;
    for (uint32_t i = 0; i < op->count; i++) {
        evr_str text = c->texts[op->first + i];
        if (replaced(op, text))
            continue;
        EVR_TRY(evr_schema_parse(&c->arena, text, &parsed[n], err));
        n++;
    }
    for (size_t i = 0; i < op->added_count; i++, n++)
        EVR_TRY(evr_schema_parse(&c->arena, op->added[i], &parsed[n], err));
    op->parsed = parsed;
    op->parsed_count = n;
    return EVR_OK;
}

evr_status evr_catalogue_find(evr_catalogue *c, evr_str name, const evr_schema *const **out, size_t *count, evr_error **err)
{
    *out = NULL;
    *count = 0;
    uint32_t found = c->slot_count ? c->slots[find_slot(c, name)] : 0;
    if (!found)
        return EVR_OK;
    operator_entry *op = &c->operators[found - 1];
    if (!op->parsed)
        EVR_TRY(parse_all(c, op, err));
    *out = op->parsed;
    *count = op->parsed_count;
    return EVR_OK;
}

static int by_text(const void *a, const void *b)
{
    return evr_str_cmp(*(const evr_str *)a, *(const evr_str *)b);
}

static void list_all(evr_catalogue *c)
{
    size_t n = 0, count = evr_catalogue_count(c);
    evr_str *all = evr_alloc(c->ctx, count * sizeof *all);
    if (!all)
        return;
    for (size_t i = 0; i < c->operator_count; i++) {
        const operator_entry *op = &c->operators[i];
        for (uint32_t k = 0; k < op->count; k++)
            if (!replaced(op, c->texts[op->first + k]))
                all[n++] = c->texts[op->first + k];
        for (size_t k = 0; k < op->added_count; k++)
            all[n++] = op->added[k];
    }
    qsort(all, n, sizeof *all, by_text);
    c->all = all;
    c->all_count = count;
}

evr_str evr_catalogue_text(evr_catalogue *c, size_t index)
{
    if (!c->all)
        list_all(c);
    return index < c->all_count ? c->all[index] : (evr_str){"", 0};
}
