/* Reading a row map, line by line. */
#include "rows/expression.h"
#include "rows/map.h"

#include "base/buf.h"
#include "base/error.h"
#include "schema/schema.h"

#include <ctype.h>
#include <stdio.h>

enum { LARGEST = 16 << 20, MOST_SLOT = 63, MOST_CALLS = 16, MOST_RULES = 64 };

typedef struct pending {
    evr_str op;
    evr_row_entry *entry;
    struct pending *next;
} pending;

typedef struct reader {
    evr_row_map *map;
    evr_str text, file, word, rest; /* the line's first word, and what is behind it */
    uint32_t line;
    evr_row_entry *entry; /* that lines belong to; NULL outside of rows */
    pending *first, *last;
    evr_error **err;
} reader;

static evr_status fail(reader *r, const char *format, evr_str about)
{
    char text[400];
    snprintf(text, sizeof text, format, EVR_STR_ARG(about));
    evr_fail(r->map->ctx, r->err, EVR_E_FORMAT, "%.*s:%u: %s", EVR_STR_ARG(r->file), r->line, text);
    return evr_hint(r->err, "docs/perfdb.md describes what a row map may say");
}

#define NOTHING ((evr_str){"", 0})

static evr_status nomem(reader *r) { return evr_fail_nomem(r->err); }

/* Takes the next word off a text; empty at its end. */
static evr_str take_word(evr_str *text)
{
    *text = evr_str_trim(*text);
    size_t n = 0;
    while (n < text->len && text->data[n] != ' ' && text->data[n] != '\t')
        n++;
    evr_str word = evr_str_sub(*text, 0, n);
    *text = evr_str_trim(evr_str_sub(*text, n, text->len));
    return word;
}

static bool is_name(evr_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.data[i]) && s.data[i] != '_')
            return false;
    return s.len > 0 && !isdigit((unsigned char)s.data[0]);
}

static bool keep(reader *r, evr_str from, evr_str *to) { return (*to = evr_arena_str(&r->map->arena, from)).data != NULL; }

/* types DT_BF16 BF16 = bfloat16 */
static evr_status read_names(reader *r, evr_named_list *list, int32_t (*number)(evr_str), int32_t none)
{
    size_t equals = evr_str_find(r->rest, '=', 0);
    if (equals == SIZE_MAX)
        return fail(r, "\"%.*s\" takes names, \"=\" and what they mean", r->word);
    evr_str names = evr_str_sub(r->rest, 0, equals), meaning = evr_str_trim(evr_str_sub(r->rest, equals + 1, r->rest.len)), name;
    int32_t value = number(meaning);
    if (value == none)
        return fail(r, "\"%.*s\" is none that is known", meaning);
    if (!evr_str_trim(names).len)
        return fail(r, "there is no name before \"=\"%.*s", NOTHING);
    while ((name = take_word(&names)).len) {
        if (!evr_grow(r->map->ctx, (void **)&list->items, &list->cap, list->count + 1, sizeof *list->items) ||
            !keep(r, name, &list->items[list->count].name))
            return nomem(r);
        list->items[list->count++].number = value;
    }
    return EVR_OK;
}

static int32_t type_number(evr_str name)
{
    for (int32_t i = 0; i < 64; i++)
        if (evr_dtype_name(i)[0] && evr_str_is(name, evr_dtype_name(i)))
            return i;
    return EVR_DTYPE_UNKNOWN;
}

static int32_t format_number(evr_str name)
{
    static const char *const names[] = {NULL, "plain", "nz", "nc1hwc0"}; /* by evr_format_kind */
    for (int32_t i = 1; i < 4; i++)
        if (evr_str_is(name, names[i]))
            return i;
    return EVR_FORMAT_UNKNOWN;
}

static evr_status read_types(reader *r) { return read_names(r, &r->map->types, type_number, EVR_DTYPE_UNKNOWN); }
static evr_status read_formats(reader *r) { return read_names(r, &r->map->formats, format_number, EVR_FORMAT_UNKNOWN); }

static evr_status add_pair(reader *r, evr_text_pairs *pairs, evr_str name, evr_str text)
{
    if (!evr_grow(r->map->ctx, (void **)&pairs->items, &pairs->cap, pairs->count + 1, sizeof *pairs->items) ||
        !keep(r, name, &pairs->items[pairs->count].name) || !keep(r, text, &pairs->items[pairs->count].text))
        return nomem(r);
    pairs->count++;
    return EVR_OK;
}

static evr_status read_namespace(reader *r)
{
    evr_str rest = r->rest, space = take_word(&rest);
    if (!is_name(space) || !rest.len)
        return fail(r, "\"namespace\" takes a namespace and the module that has it%.*s", NOTHING);
    return add_pair(r, &r->map->namespaces, space, rest);
}

static evr_status read_schema(reader *r)
{
    evr_arena arena;
    const evr_schema *schema;
    evr_error *why = NULL;
    evr_arena_init(&arena, r->map->ctx);
    evr_status status = evr_schema_parse(&arena, r->rest, &schema, &why);
    if (status == EVR_OK)
        status = add_pair(r, &r->map->schemas, schema->name, r->rest);
    else if (status != EVR_E_NOMEM)
        status = fail(r, "no schema: %.*s", evr_str_c(evr_error_message(why)));
    else
        status = nomem(r);
    evr_error_free(why);
    evr_arena_free(&arena);
    return status;
}

static evr_status add_variant(reader *r)
{
    evr_variant *v = evr_arena_alloc_zeroed(&r->map->arena, sizeof *v);
    if (!v)
        return nomem(r);
    v->inputs_most = UINT32_MAX;
    v->line = r->line;
    v->composite = v->skip = NOTHING;
    if (r->entry->last)
        r->entry->last->next = v;
    else
        r->entry->first = v;
    r->entry->last = v;
    return EVR_OK;
}

/* A variant that ends must say what to do. */
static evr_status end_variant(reader *r)
{
    const evr_variant *v = r->entry ? r->entry->last : NULL;
    if (!v)
        return EVR_OK;
    char at[16];
    snprintf(at, sizeof at, "%u", v->line);
    if (!v->calls && !v->skip.len && !v->ranks)
        return fail(r, "what begins on line %.*s says no \"call\", \"skip\" or \"ranks\"", evr_str_c(at));
    if (v->calls && v->calls->next && !v->composite.len)
        return fail(r, "what begins on line %.*s has several calls and no \"composite\" with a name for them", evr_str_c(at));
    return EVR_OK;
}

/* row MatMulV2 MatMulV3 */
static evr_status read_row(reader *r)
{
    evr_str rest = r->rest, name;
    EVR_TRY(end_variant(r));
    evr_row_entry *entry = evr_arena_alloc_zeroed(&r->map->arena, sizeof *entry);
    if (!entry)
        return nomem(r);
    *entry = (evr_row_entry){.file = r->file, .line = r->line};
    r->entry = entry;
    if (!rest.len)
        return fail(r, "\"row\" takes names of operators%.*s", NOTHING);
    while ((name = take_word(&rest)).len) {
        pending *p = evr_arena_alloc_zeroed(&r->map->arena, sizeof *p);
        if (!p || !keep(r, name, &p->op))
            return nomem(r);
        for (const pending *before = r->first; before; before = before->next)
            if (evr_str_eq(before->op, name))
                return fail(r, "\"%.*s\" has a \"row\" in this file already", name);
        p->entry = entry;
        if (r->last)
            r->last->next = p;
        else
            r->first = p;
        r->last = p;
    }
    return add_variant(r);
}

static evr_status read_else(reader *r)
{
    EVR_TRY(end_variant(r));
    return r->rest.len ? fail(r, "\"else\" stands by itself%.*s", NOTHING) : add_variant(r);
}

/* One place of [*batch, m, 16]. */
static evr_status read_place(reader *r, evr_layout *layout, evr_str text)
{
    evr_variant *v = r->entry->last;
    evr_place place = {.kind = EVR_PLACE_NAME};
    if (layout->count == EVR_ROW_DIMS)
        return fail(r, "a shape has at most 16 places%.*s", NOTHING);
    if (evr_str_to_i64(text, &place.number) && place.number >= 0) {
        place.kind = EVR_PLACE_NUMBER;
        layout->places[layout->count++] = place;
        return EVR_OK;
    }
    evr_str name = text;
    if (evr_str_starts(name, "*")) {
        place.kind = evr_str_ends(name, "?") ? EVR_PLACE_FEW : EVR_PLACE_MANY;
        name = evr_str_sub(name, 1, name.len - (place.kind == EVR_PLACE_FEW));
    }
    if (!is_name(name))
        return fail(r, "\"%.*s\" is no place of a shape: a name, *name, *name? or a size was expected", text);
    place.name = (uint32_t)evr_variant_name(v, name);
    if (place.name == EVR_ROW_NAMES) {
        if (v->name_count == EVR_ROW_NAMES)
            return fail(r, "there are more than 24 names%.*s", NOTHING);
        place.name = (uint32_t)v->name_count;
        if (!keep(r, name, &v->names[v->name_count]))
            return nomem(r);
        v->name_count++;
    }
    layout->places[layout->count++] = place;
    return EVR_OK;
}

/* [k, n], taken off the text. */
static evr_status read_layout(reader *r, evr_str *text, evr_layout *layout)
{
    size_t end = evr_str_find(*text, ']', 0);
    if (!evr_str_starts(*text, "[") || end == SIZE_MAX)
        return fail(r, "a shape such as [m, k] was expected, not \"%.*s\"", *text);
    evr_str inside = evr_str_trim(evr_str_sub(*text, 1, end));
    *text = evr_str_trim(evr_str_sub(*text, end + 1, text->len));
    for (bool more = inside.len > 0; more;) {
        size_t comma = evr_str_find(inside, ',', 0);
        more = comma != SIZE_MAX;
        EVR_TRY(read_place(r, layout, evr_str_trim(evr_str_sub(inside, 0, more ? comma : inside.len))));
        inside = more ? evr_str_sub(inside, comma + 1, inside.len) : inside;
    }
    return EVR_OK;
}

/* Another layout has the places of the first in another order. */
static bool same_places(const evr_layout *a, const evr_layout *b)
{
    bool used[EVR_ROW_DIMS] = {false};
    for (size_t i = 0; i < a->count; i++) {
        size_t k = 0;
        while (k < b->count && (used[k] || b->places[k].name != a->places[i].name || b->places[k].number != a->places[i].number ||
                                (b->places[k].kind == EVR_PLACE_NAME) != (a->places[i].kind == EVR_PLACE_NAME)))
            k++;
        if (k == b->count)
            return false;
        used[k] = true;
    }
    return a->count == b->count;
}

/* in1 [k, n] or [n, k] */
static evr_status read_shape(reader *r, bool output)
{
    evr_str digits = evr_str_sub(r->word, output ? 3 : 2, r->word.len), rest = r->rest;
    int64_t slot;
    evr_rule_link *link = evr_arena_alloc_zeroed(&r->map->arena, sizeof *link);
    if (!link)
        return nomem(r);
    evr_shape_rule *rule = &link->rule;
    rule->output = output;
    if ((rule->optional = evr_str_ends(digits, "?")))
        digits.len--;
    if (!digits.len || !isdigit((unsigned char)digits.data[0]) || !evr_str_to_i64(digits, &slot) || slot > MOST_SLOT)
        return fail(r, "\"%.*s\" is no slot: in0 to in63 and out0 to out63 are", r->word);
    rule->slot = (uint32_t)slot;
    size_t rules = 0;
    for (const evr_rule_link *l = r->entry->last->rules; l; l = l->next)
        if (l->rule.output == output && l->rule.slot == rule->slot)
            return fail(r, "\"%.*s\" has a shape already; others follow behind \"or\"", r->word);
        else if (++rules == MOST_RULES)
            return fail(r, "there are more than 64 shapes%.*s", NOTHING);
    for (bool more = true; more;) {
        if (rule->layout_count == EVR_ROW_LAYOUTS)
            return fail(r, "a slot has at most 4 layouts%.*s", NOTHING);
        evr_layout *layout = &rule->layouts[rule->layout_count++];
        EVR_TRY(read_layout(r, &rest, layout));
        if (!same_places(&rule->layouts[0], layout))
            return fail(r, "the layouts of \"%.*s\" do not have the same places", r->word);
        more = rest.len > 0;
        if (more && !evr_str_is(take_word(&rest), "or"))
            return fail(r, "\"or\" or the end of the line was expected behind a shape%.*s", NOTHING);
    }
    if (r->entry->last->last_rule)
        r->entry->last->last_rule->next = link;
    else
        r->entry->last->rules = link;
    r->entry->last->last_rule = link;
    return EVR_OK;
}

/* inputs 2, inputs 2-4, inputs 2- */
static evr_status read_inputs(reader *r)
{
    evr_variant *v = r->entry->last;
    size_t dash = evr_str_find(r->rest, '-', 0);
    int64_t least, most;
    bool good = evr_str_to_i64(evr_str_sub(r->rest, 0, dash == SIZE_MAX ? r->rest.len : dash), &least);
    most = least;
    if (good && dash != SIZE_MAX && dash + 1 < r->rest.len)
        good = evr_str_to_i64(evr_str_sub(r->rest, dash + 1, r->rest.len), &most);
    else if (dash != SIZE_MAX)
        most = MOST_SLOT + 1;
    if (!good || least < 0 || most < least || most > MOST_SLOT + 1)
        return fail(r, "\"inputs\" takes a number such as 2, or 2-4, not \"%.*s\"", r->rest);
    v->inputs_least = (uint32_t)least;
    v->inputs_most = (uint32_t)most;
    return EVR_OK;
}

/* call aten::add.Tensor(in0, other=in1) */
static evr_status read_call(reader *r)
{
    evr_variant *v = r->entry->last;
    size_t open = evr_str_find(r->rest, '(', 0), calls = 0;
    const char *problem;
    if (open == SIZE_MAX || !evr_str_ends(r->rest, ")"))
        return fail(r, "\"call\" takes an operator and its arguments, such as aten::mm(in0, in1), not \"%.*s\"", r->rest);
    evr_str name = evr_str_trim(evr_str_sub(r->rest, 0, open));
    size_t dot = evr_str_find(name, '.', 0), colon = evr_str_find(name, ':', 0);
    evr_row_call *call = evr_arena_alloc_zeroed(&r->map->arena, sizeof *call);
    if (!call || !keep(r, evr_str_sub(name, 0, dot == SIZE_MAX ? name.len : dot), &call->op) ||
        !keep(r, dot == SIZE_MAX ? NOTHING : evr_str_sub(name, dot + 1, name.len), &call->overload) ||
        !keep(r, evr_str_sub(r->rest, open + 1, r->rest.len - 1), &call->arguments))
        return nomem(r);
    if (colon == SIZE_MAX || !is_name(evr_str_sub(name, 0, colon)) || !evr_str_starts(evr_str_sub(name, colon, name.len), "::") ||
        !is_name(evr_str_sub(call->op, colon + 2, call->op.len)))
        return fail(r, "\"%.*s\" is no operator such as aten::mm", name);
    call->line = r->line;
    for (const evr_row_call *c = v->calls; c; c = c->next)
        if (++calls == MOST_CALLS)
            return fail(r, "there are more than 16 calls%.*s", NOTHING);
    if ((problem = evr_expression_check(v, call->arguments)))
        return fail(r, "%.*s", evr_str_c(problem));
    if (v->last_call)
        v->last_call->next = call;
    else
        v->calls = call;
    v->last_call = call;
    return EVR_OK;
}

static evr_status read_composite(reader *r)
{
    if (!r->rest.len)
        return fail(r, "\"composite\" takes a name for what its calls do together%.*s", NOTHING);
    return keep(r, r->rest, &r->entry->last->composite) ? EVR_OK : nomem(r);
}

static evr_status read_skip(reader *r)
{
    if (!r->rest.len)
        return fail(r, "\"skip\" takes the reason%.*s", NOTHING);
    return keep(r, r->rest, &r->entry->last->skip) ? EVR_OK : nomem(r);
}

static evr_status read_ranks(reader *r)
{
    r->entry->last->ranks = true;
    return r->rest.len ? fail(r, "\"ranks\" stands by itself%.*s", NOTHING) : EVR_OK;
}

static const struct {
    const char *word;
    bool in_row;
    evr_status (*read)(reader *);
} words[] = {
    {"types", false, read_types}, {"formats", false, read_formats}, {"namespace", false, read_namespace}, {"schema", false, read_schema},
    {"row", false, read_row},     {"else", true, read_else},        {"inputs", true, read_inputs},        {"call", true, read_call},
    {"composite", true, read_composite}, {"skip", true, read_skip}, {"ranks", true, read_ranks},
};

static evr_status read_line(reader *r)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (evr_str_is(r->word, words[i].word))
            return words[i].in_row && !r->entry ? fail(r, "\"%.*s\" belongs behind a \"row\"", r->word) : words[i].read(r);
    bool output = evr_str_starts(r->word, "out");
    if (!output && !evr_str_starts(r->word, "in"))
        return fail(r, "there is no \"%.*s\" in a row map", r->word);
    return r->entry ? read_shape(r, output) : fail(r, "\"%.*s\" belongs behind a \"row\"", r->word);
}

static evr_status read_lines(reader *r)
{
    for (size_t at = 0; at < r->text.len;) {
        size_t end = evr_str_find(r->text, '\n', at);
        evr_str line = evr_str_sub(r->text, at, end == SIZE_MAX ? r->text.len : end);
        at = end == SIZE_MAX ? r->text.len : end + 1;
        r->line++;
        if (line.len > 4096)
            return fail(r, "a line is longer than 4,096 bytes%.*s", NOTHING);
        line = evr_str_trim(evr_str_sub(line, 0, evr_str_find(line, '#', 0)));
        r->word = take_word(&line);
        r->rest = line;
        if (r->word.len)
            EVR_TRY(read_line(r));
    }
    return end_variant(r);
}

/* What was read counts from here on. */
static evr_status commit(reader *r)
{
    evr_row_map *map = r->map;
    for (const pending *p = r->first; p; p = p->next) {
        size_t before = map->entry_cap;
        uint32_t id = evr_intern_add(&map->ops, p->op);
        if (id == EVR_NO_ID || !evr_grow(map->ctx, (void **)&map->entries, &map->entry_cap, (size_t)id + 1, sizeof *map->entries))
            return nomem(r);
        for (size_t i = before; i < map->entry_cap; i++)
            map->entries[i] = NULL;
        map->entries[id] = p->entry;
    }
    return EVR_OK;
}

evr_status evr_row_map_add(evr_row_map *map, const void *text, size_t size, const char *name, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!map || (!text && size) || !name)
        return evr_fail(map ? map->ctx : NULL, err, EVR_E_INVALID, "evr_row_map_add: map, text or name is missing");
    if (size > LARGEST)
        return evr_fail(map->ctx, err, EVR_E_LIMIT, "%s is larger than 16 MiB", name);
    size_t types = map->types.count, formats = map->formats.count, namespaces = map->namespaces.count, schemas = map->schemas.count;
    reader r = {.map = map, .text = {text, size}, .err = err};
    r.file = evr_arena_str(&map->arena, evr_str_c(name));
    if (!r.file.data)
        return evr_fail_nomem(err);
    if (evr_str_starts(r.text, "\xef\xbb\xbf"))
        r.text = evr_str_sub(r.text, 3, size);
    evr_status status = read_lines(&r);
    if (status == EVR_OK)
        status = commit(&r);
    if (status != EVR_OK) {
        map->types.count = types;
        map->formats.count = formats;
        map->namespaces.count = namespaces;
        map->schemas.count = schemas;
    }
    return status;
}

evr_status evr_row_map_add_file(evr_row_map *map, const char *path, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!map || !path)
        return evr_fail(map ? map->ctx : NULL, err, EVR_E_INVALID, "evr_row_map_add_file: map or path is missing");
    FILE *f = fopen(path, "re");
    if (!f) {
        evr_fail(map->ctx, err, EVR_E_IO, "cannot open the row map %s", path);
        return evr_hint(err, "check the path");
    }
    evr_buf text;
    evr_buf_init(&text, map->ctx);
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, f)) > 0 && text.len <= LARGEST)
        evr_buf_add(&text, chunk, got);
    evr_status status = ferror(f)     ? evr_fail(map->ctx, err, EVR_E_IO, "cannot read the row map %s", path)
                        : text.failed ? evr_fail_nomem(err)
                                      : evr_row_map_add(map, evr_buf_view(&text).data, text.len, path, err);
    fclose(f);
    evr_buf_free(&text);
    return status;
}
