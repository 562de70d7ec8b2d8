#include "rows/make.h"

#include "base/error.h"
#include "ir/complete.h"
#include "ir/values.h"
#include "rows/expression.h"

#include <evreplay/registry.h>

#include <stdio.h>

evr_status evr_row_maker_open(evr_row_maker *m, evr_context *ctx, const evr_row_map *map, evr_schema_source source, void *user, evr_error **err)
{
    *m = (evr_row_maker){.ctx = ctx, .map = map, .source = source, .source_user = user};
    evr_intern_init(&m->ops, ctx);
    return evr_catalogue_open(ctx, (evr_str){"", 0}, &m->catalogue, err);
}

void evr_row_maker_close(evr_row_maker *m)
{
    evr_release(m->ctx, m->known, m->known_cap * sizeof *m->known);
    evr_catalogue_free(m->catalogue);
    evr_intern_free(&m->ops);
}

/* Schemas of one operator on their way into the catalogue. */
typedef struct learning {
    evr_row_maker *m;
    evr_str name;
    size_t count;
    evr_status status;
    evr_error **err;
} learning;

static int32_t learn(void *user, evr_str schema)
{
    learning *l = user;
    evr_error *damage = NULL;
    evr_status status = evr_catalogue_add(l->m->catalogue, schema, &l->name, &damage);
    if (status == EVR_E_NOMEM)
        l->status = evr_fail_nomem(l->err);
    l->count += status == EVR_OK; /* one that this version cannot read is no candidate */
    evr_error_free(damage);
    return l->status != EVR_OK;
}

/* Whether the results that rows are made for have that operator. */
static bool is_like(const evr_row_maker *m, evr_str op)
{
    for (size_t i = 0; i < m->like_count; i++)
        for (size_t k = 0; k < evr_results_count(m->like[i]); k++)
            if (evr_str_eq(evr_results_at(m->like[i], k)->op, op))
                return true;
    return false;
}

/* Whether calls may be of that operator: torch has it, or its namespace is there to be imported. */
static evr_status look_up(evr_row_maker *m, evr_str op, evr_known_op *known, evr_error **err)
{
    learning l = {m, op, 0, EVR_OK, err};
    size_t sources;
    evr_str space = evr_str_sub(op, 0, evr_str_find(op, ':', 0));
    known->asked = true;
    if (m->like_count && !is_like(m, op))
        return EVR_OK;
    if (m->source) {
        EVR_TRY(m->source(m->source_user, op, learn, &l, err));
        EVR_TRY(l.status);
        EVR_TRY(evr_catalogue_find(m->catalogue, l.count ? l.name : op, &known->schemas, &known->count, err));
        known->usable = l.count > 0;
        return EVR_OK;
    }
    EVR_TRY(evr_catalogue_find(m->catalogue, op, &known->schemas, &known->count, err));
    if ((known->usable = known->count > 0))
        return EVR_OK;
    for (size_t i = 0; i < m->map->schemas.count; i++)
        if (evr_str_eq(m->map->schemas.items[i].name, op))
            learn(&l, m->map->schemas.items[i].text);
    EVR_TRY(l.status);
    EVR_TRY(evr_catalogue_find(m->catalogue, op, &known->schemas, &known->count, err));
    known->usable = m->like_count || evr_namespace_sources(m->ctx, space, &sources) || evr_unknown_imports_allowed(m->ctx);
    return EVR_OK;
}

static evr_status known_op(evr_row_maker *m, evr_str op, evr_known_op **out, evr_error **err)
{
    size_t before = m->known_cap;
    uint32_t id = evr_intern_add(&m->ops, op);
    if (id == EVR_NO_ID || !evr_grow(m->ctx, (void **)&m->known, &m->known_cap, (size_t)id + 1, sizeof *m->known))
        return evr_fail_nomem(err);
    for (size_t i = before; i < m->known_cap; i++)
        m->known[i] = (evr_known_op){0};
    *out = &m->known[id];
    return (*out)->asked ? EVR_OK : look_up(m, op, *out, err);
}

/* The arguments of a call, as the map gives them. */
typedef struct given {
    struct {
        evr_str name, source;
        evr_value value;
    } items[64];
    size_t positional, count;
} given;

static size_t given_for(const given *g, const evr_schema *s, size_t param)
{
    if (param < g->positional)
        return param;
    for (size_t i = g->positional; i < g->count; i++)
        if (evr_str_eq(g->items[i].name, s->params[param].name))
            return i;
    return SIZE_MAX;
}

/* Every argument has its parameter, and every parameter an argument or a default. */
static bool takes(const given *g, const evr_schema *s)
{
    size_t used = 0;
    if (g->positional > s->param_count)
        return false;
    for (size_t p = 0; p < s->param_count; p++) {
        size_t i = given_for(g, s, p);
        if ((i == SIZE_MAX && !s->params[p].has_default) || (p < g->positional && s->params[p].kwarg))
            return false;
        used += i != SIZE_MAX;
    }
    return used == g->count;
}

static bool read_given(evr_expression *e, given *g, char why[EVR_ROW_WHY])
{
    evr_str name, source;
    evr_value value;
    *g = (given){.count = 0};
    while (evr_expression_next(e, &name, &source, &value)) {
        if (g->count == 64)
            return snprintf(why, EVR_ROW_WHY, "a call has more than 64 arguments"), false;
        if (!name.len && g->positional < g->count)
            return snprintf(why, EVR_ROW_WHY, "an argument without a name stands behind one with a name"), false;
        g->positional += !name.len;
        g->items[g->count].name = name;
        g->items[g->count].source = source;
        g->items[g->count++].value = value;
    }
    if (e->problem)
        snprintf(why, EVR_ROW_WHY, "%s", e->problem);
    return !e->problem;
}

static bool is_slot(evr_str source)
{
    size_t digits = evr_str_starts(source, "in") ? 2 : evr_str_starts(source, "out") ? 3 : SIZE_MAX;
    int64_t i;
    return evr_str_to_i64(evr_str_sub(source, digits, source.len), &i);
}

static evr_status fill(evr_ir *ir, const evr_param *param, const given *g, size_t i, evr_error **err)
{
    char note[160];
    evr_argument *a = evr_ir_add_argument(ir);
    if (!a)
        return evr_fail_nomem(err);
    EVR_TRY(evr_argument_begin(ir, a, param, err));
    if (i == SIZE_MAX)
        return evr_argument_default(ir, a, param, "not in the row map: the default", err);
    a->value = g->items[i].value;
    evr_status status = evr_value_fit(ir, param->type, &a->value);
    if (status == EVR_E_NOMEM)
        return evr_fail_nomem(err);
    if (status != EVR_OK)
        return evr_argument_missing(ir, a, "the row map's value is none of this type", err);
    if (is_slot(g->items[i].source))
        return EVR_OK; /* recorded in the row */
    snprintf(note, sizeof note, "row map: %.*s", EVR_STR_ARG(g->items[i].source));
    return evr_argument_note(ir, a, EVR_FROM_RULE, note, err);
}

static evr_status fill_all(evr_ir *ir, const evr_schema *s, const given *g, evr_error **err)
{
    if (!evr_ir_text(ir, s->name, &ir->op) || !evr_ir_text(ir, s->overload, &ir->overload) || !evr_ir_text(ir, s->text, &ir->schema))
        return evr_fail_nomem(err);
    for (size_t p = 0; p < s->param_count; p++)
        EVR_TRY(fill(ir, &s->params[p], g, given_for(g, s, p), err));
    return evr_ir_check_missing(ir, NULL, err);
}

/* One call of a variant. `why` gets what does not fit, and *out stays NULL then. */
static evr_status make_call(evr_row_maker *m, const evr_variant *v, const evr_row_call *call, const evr_row_slots *slots, const evr_bindings *bindings, evr_ir **out,
                            char why[EVR_ROW_WHY], evr_error **err)
{
    evr_known_op *known;
    evr_ir *ir;
    given g;
    const evr_schema *schema = NULL;
    EVR_TRY(known_op(m, call->op, &known, err));
    EVR_TRY(evr_ir_new(m->ctx, &ir, err));
    evr_expression e = {.variant = v, .slots = slots, .bindings = bindings, .ir = ir, .text = call->arguments};
    evr_status status = EVR_OK;
    if (read_given(&e, &g, why)) {
        for (size_t i = 0; i < known->count; i++)
            if (evr_str_eq(known->schemas[i]->overload, call->overload))
                schema = known->schemas[i];
        if (schema && takes(&g, schema))
            status = fill_all(ir, schema, &g, err);
        else
            snprintf(why, EVR_ROW_WHY, schema ? "%.*s%s%.*s does not take these arguments" : "there is no schema of %.*s%s%.*s", EVR_STR_ARG(call->op),
                     call->overload.len ? "." : "", EVR_STR_ARG(call->overload));
        if (status == EVR_OK && schema && takes(&g, schema)) {
            *out = ir;
            return EVR_OK;
        }
    }
    evr_ir_free(ir);
    return e.nomem ? evr_fail_nomem(err) : status;
}

static void forget(evr_made_row *row)
{
    while (row->count)
        evr_ir_free(row->records[--row->count]);
}

/* Whether the operators of a variant may be called; else `why` names the namespace that is needed. */
static evr_status check_namespaces(evr_row_maker *m, const evr_variant *v, bool *usable, char why[EVR_ROW_WHY], evr_error **err)
{
    *usable = true;
    for (const evr_row_call *c = v->calls; c && *usable; c = c->next) {
        evr_known_op *known;
        evr_str space = evr_str_sub(c->op, 0, evr_str_find(c->op, ':', 0)), module = evr_row_map_module(m->map, space);
        EVR_TRY(known_op(m, c->op, &known, err));
        *usable = known->usable;
        if (known->usable)
            continue;
        if (evr_str_is(space, "aten"))
            snprintf(why, EVR_ROW_WHY, "no-such-op: the torch in use has no %.*s", EVR_STR_ARG(c->op));
        else if (module.len)
            snprintf(why, EVR_ROW_WHY, "needs-namespace: %.*s is of %.*s, which is not there; install it, and register where its operators are with --import %.*s=%.*s",
                     EVR_STR_ARG(c->op), EVR_STR_ARG(module), EVR_STR_ARG(space), EVR_STR_ARG(module));
        else
            snprintf(why, EVR_ROW_WHY, "needs-namespace: %.*s; register where its operators are with --import %.*s=MODULE-OR-LIBRARY", EVR_STR_ARG(c->op),
                     EVR_STR_ARG(space));
    }
    return EVR_OK;
}

/* Tries one variant. *done: there are records, or a reason that no later variant changes. */
static evr_status try_variant(evr_row_maker *m, const evr_variant *v, const evr_row_slots *as_read, evr_str ep_size, evr_made_row *out, char why[EVR_ROW_WHY], bool *done,
                              evr_error **err)
{
    evr_bindings bindings;
    evr_row_slots slots = *as_read;
    bool usable;
    if (!evr_match(v, &slots, &bindings, why, EVR_ROW_WHY))
        return EVR_OK;
    if (v->ranks || v->skip.len) {
        if (v->skip.len)
            snprintf(out->why, sizeof out->why, "%.*s", EVR_STR_ARG(v->skip));
        else
            snprintf(out->why, sizeof out->why, "needs-%.*s-ranks: it exchanges tokens between the processes of EP Size, and a row runs in one", EVR_STR_ARG(ep_size.len ? ep_size : evr_str_c("N")));
        *done = true;
        return EVR_OK;
    }
    char needs[EVR_ROW_WHY] = "";
    EVR_TRY(check_namespaces(m, v, &usable, needs, err));
    if (!usable) {
        if (!out->why[0])
            memcpy(out->why, needs, sizeof needs);
        return EVR_OK;
    }
    for (const evr_row_call *c = v->calls; c; c = c->next) {
        evr_ir *ir = NULL;
        evr_status status = make_call(m, v, c, &slots, &bindings, &ir, why, err);
        if (!ir) {
            forget(out);
            return status;
        }
        out->records[out->count++] = ir;
    }
    out->composite = v->composite;
    out->why[0] = 0;
    *done = true;
    return EVR_OK;
}

evr_status evr_row_make(evr_row_maker *m, evr_str op, const evr_call_cells *cells, evr_made_row *out, evr_error **err)
{
    const evr_row_entry *entry = evr_row_map_find(m->map, op);
    evr_row_slots *slots;
    char why[EVR_ROW_WHY] = "";
    *out = (evr_made_row){.composite = {"", 0}};
    if (!entry) {
        snprintf(out->why, sizeof out->why, "unknown-operator: no row map says which call %.*s stands for; give one with --map FILE", EVR_STR_ARG(op));
        return EVR_OK;
    }
    if (!(slots = evr_alloc(m->ctx, sizeof *slots)))
        return evr_fail_nomem(err);
    evr_status status = EVR_OK;
    if (evr_slots_read(m->map, cells, slots, out->why, sizeof out->why)) {
        bool done = false;
        for (const evr_variant *v = entry->first; status == EVR_OK && v && !done; v = v->next)
            status = try_variant(m, v, slots, cells->ep_size, out, why, &done, err);
        if (status == EVR_OK && !done && !out->why[0])
            snprintf(out->why, sizeof out->why, "shapes-do-not-fit: of %.*s:%u nothing fits; at the last, %.200s", EVR_STR_ARG(entry->file), entry->line, why);
    }
    if (status != EVR_OK)
        forget(out);
    evr_release(m->ctx, slots, sizeof *slots);
    return status;
}
