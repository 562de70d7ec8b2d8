#include "replay/overload.h"

#include "ir/values.h"

#include <stdio.h>

typedef struct collector {
    evr_arena *arena;
    const evr_schema **schemas;
    size_t count, cap;
    bool failed;
} collector;

static int32_t collect(void *user, evr_str text)
{
    collector *c = user;
    const evr_schema *schema;
    if (evr_schema_parse(c->arena, text, &schema, NULL) != EVR_OK)
        return 0; /* one that this version cannot read is no candidate */
    if (!evr_grow(c->arena->ctx, (void **)&c->schemas, &c->cap, c->count + 1, sizeof *c->schemas)) {
        c->failed = true;
        return 1;
    }
    c->schemas[c->count++] = schema;
    return 0;
}

/* "arg0", "arg1"… stand for arguments of an operator whose schema was not known; those given by name follow them. */
static bool is_positional(const evr_ir *ir, size_t index)
{
    char name[24];
    if (index >= ir->arg_count || !evr_str_is(ir->args[0].name, "arg0"))
        return false;
    snprintf(name, sizeof name, "arg%zu", index);
    return evr_str_is(ir->args[index].name, name);
}

size_t evr_overload_argument(const evr_ir *ir, const evr_schema *schema, size_t param)
{
    if (is_positional(ir, param))
        return param;
    for (size_t i = 0; i < ir->arg_count; i++)
        if (evr_str_eq(ir->args[i].name, schema->params[param].name))
            return i;
    return SIZE_MAX;
}

/* Every named argument has a parameter, in the same order, and none that is required lacks one. */
static bool names_fit(const evr_ir *ir, const evr_schema *schema)
{
    size_t used = 0;
    for (size_t p = 0; p < schema->param_count; p++) {
        bool given = evr_overload_argument(ir, schema, p) != SIZE_MAX;
        used += given;
        if (!given && !schema->params[p].has_default)
            return false;
    }
    return used == ir->arg_count;
}

static const evr_schema *best_fit(const evr_ir *ir, const evr_schema **schemas, size_t count)
{
    const evr_schema *best = NULL;
    int64_t best_score = -1;
    for (size_t i = 0; i < count; i++) {
        evr_seen seen[128];
        const evr_schema *s = schemas[i];
        if (s->param_count > 128 || !names_fit(ir, s))
            continue;
        for (size_t p = 0; p < s->param_count; p++) {
            size_t a = evr_overload_argument(ir, s, p);
            seen[p] = a == SIZE_MAX ? (evr_seen){.kind = EVR_SEEN_NOTHING, .len = SIZE_MAX, .text = {"", 0}} : evr_value_seen(&ir->args[a].value);
        }
        int64_t score = evr_schema_score(s, seen, s->param_count, NULL);
        for (size_t p = 0; p < s->param_count && score >= 0; p++) { /* the types written in the record decide among equals */
            size_t a = evr_overload_argument(ir, s, p);
            score += a != SIZE_MAX && evr_str_eq(ir->args[a].type, s->params[p].type->text) ? 100000 : 0;
        }
        if (score > best_score || (score == best_score && best && s->param_count < best->param_count)) {
            best = s;
            best_score = score;
        }
    }
    return best;
}

evr_status evr_overload_find(evr_runtime *r, const evr_ir *ir, evr_arena *arena, const evr_schema **out, evr_resolved *found, evr_error **err)
{
    collector c = {.arena = arena};
    *out = NULL;
    evr_status status = evr_resolve(r, ir->op, true, collect, &c, found, err);
    if (status == EVR_OK && c.failed)
        status = evr_fail_nomem(err);
    for (size_t i = 0; status == EVR_OK && ir->schema.len && i < c.count; i++)
        if (evr_str_eq(c.schemas[i]->overload, ir->overload))
            *out = c.schemas[i];
    if (status == EVR_OK && !found->callable && (!*out || !names_fit(ir, *out)))
        *out = best_fit(ir, c.schemas, c.count);
    if (status == EVR_OK && !*out && !found->callable) {
        status = evr_fail(r->ctx, err, EVR_E_NO_SCHEMA, "none of the %zu overloads of %.*s in %s takes the record's arguments", c.count,
                          EVR_STR_ARG(ir->op), r->version);
        evr_hint(err, "use the version of the library that the trace comes from");
    }
    evr_release(r->ctx, c.schemas, c.cap * sizeof *c.schemas);
    return status;
}
