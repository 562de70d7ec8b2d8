#include "artifact/redact.h"

#include <evreplay/artifact.h>

#include <stdio.h>

typedef struct evr_alias {
    const char *kind; /* a literal: what it is called */
    evr_str text, alias;
} evr_alias;

enum { LONGEST_MODE = 64 };

void evr_redaction_begin(evr_redaction *r, evr_context *ctx, uint32_t flags)
{
    *r = (evr_redaction){.ctx = ctx, .flags = flags};
    evr_arena_init(&r->arena, ctx);
}

void evr_redaction_end(evr_redaction *r)
{
    evr_release(r->ctx, r->aliases, r->cap * sizeof *r->aliases);
    evr_arena_free(&r->arena);
}

/* "text1", "kernel3"…: `kind` is a literal. .data is NULL when memory is out. */
static evr_str alias_of(evr_redaction *r, const char *kind, evr_str text)
{
    uint64_t number = 1;
    char alias[48];
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->aliases[i].kind, kind) != 0)
            continue;
        if (evr_str_eq(r->aliases[i].text, text))
            return r->aliases[i].alias;
        number++;
    }
    if (!evr_grow(r->ctx, (void **)&r->aliases, &r->cap, r->count + 1, sizeof *r->aliases))
        return (evr_str){NULL, 0};
    snprintf(alias, sizeof alias, "%s%llu", kind, (unsigned long long)number);
    evr_alias fresh = {kind, evr_arena_str(&r->arena, text), evr_arena_str(&r->arena, evr_str_c(alias))};
    if (!fresh.text.data || !fresh.alias.data)
        return (evr_str){NULL, 0};
    r->aliases[r->count++] = fresh;
    return fresh.alias;
}

static evr_str namespace_of(evr_str op)
{
    size_t colon = evr_str_find(op, ':', 0);
    return evr_str_sub(op, 0, colon == SIZE_MAX ? 0 : colon);
}

static bool is_pytorchs(evr_str op)
{
    evr_str space = namespace_of(op);
    return evr_str_is(space, "aten") || evr_str_is(space, "prims") || evr_str_is(space, "prim");
}

/* A word such as "floor" or an equation such as "...ij,jk->ik", and nothing that names a file, a machine or a person. */
static bool is_mode(evr_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '.' && (i + 2 >= text.len || text.data[i + 1] != '.' || text.data[i + 2] != '.'))
            return false;
        if (c == '.')
            i += 2;
        else if (!strchr("_,-> ", c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return text.len <= LONGEST_MODE;
}

static evr_status redact_value(evr_redaction *r, evr_ir *ir, const evr_value *from, evr_value *to, bool *changed, evr_error **err)
{
    if (from->kind == EVR_VALUE_STR && !(is_pytorchs(ir->op) && is_mode(from->u.s))) {
        evr_str alias = alias_of(r, "text", from->u.s);
        *to = *from;
        *changed = true;
        return alias.data && evr_ir_text(ir, alias, &to->u.s) ? EVR_OK : evr_fail_nomem(err);
    }
    if (from->kind != EVR_VALUE_LIST)
        return evr_ir_copy_value(ir, from, to, err);
    evr_value *items = evr_ir_add_items(ir, from->u.list.len);
    if (!items)
        return evr_fail_nomem(err);
    *to = *from;
    to->u.list.items = items;
    for (size_t i = 0; i < from->u.list.len; i++)
        EVR_TRY(redact_value(r, ir, &from->u.list.items[i], &items[i], changed, err));
    return EVR_OK;
}

static bool hides_operator(const evr_redaction *r, evr_str op) { return r->flags & EVR_ARTIFACT_REDACT_OPERATORS && !is_pytorchs(op); }

/* Notes name rules and generators, and for missing values what was recorded instead: only the first kind stays. */
static evr_status redact_argument(evr_redaction *r, evr_ir *ir, const evr_ir *from, size_t index, evr_error **err)
{
    const evr_argument *a = &from->args[index];
    evr_argument *b = evr_ir_add_argument(ir);
    bool changed = false;
    char name[24];
    if (!b)
        return evr_fail_nomem(err);
    b->flags = a->flags;
    b->provenance = a->provenance;
    snprintf(name, sizeof name, "arg%zu", index);
    evr_str shown = hides_operator(r, from->op) ? evr_str_c(name) : a->name;
    evr_value value;
    EVR_TRY(redact_value(r, ir, &a->value, &value, &changed, err));
    b = &ir->args[ir->arg_count - 1];
    b->value = value;
    evr_str note = changed ? evr_str_c("redacted") : a->provenance == EVR_FROM_NOWHERE ? evr_str_c("") : a->note;
    bool good = evr_ir_text(ir, shown, &b->name) && evr_ir_text(ir, a->type, &b->type) && evr_ir_text(ir, note, &b->note);
    return good ? EVR_OK : evr_fail_nomem(err);
}

static evr_status redact_names(evr_redaction *r, evr_ir *ir, const evr_ir *from, evr_error **err)
{
    if (!hides_operator(r, from->op))
        return evr_ir_text(ir, from->op, &ir->op) && evr_ir_text(ir, from->overload, &ir->overload) && evr_ir_text(ir, from->schema, &ir->schema)
                   ? EVR_OK
                   : evr_fail_nomem(err);
    char name[128];
    evr_str space = alias_of(r, "redacted", namespace_of(from->op)), op = alias_of(r, "op", from->op);
    if (!space.data || !op.data)
        return evr_fail_nomem(err);
    snprintf(name, sizeof name, "%s::%s", space.data, op.data);
    return evr_ir_text(ir, evr_str_c(name), &ir->op) ? EVR_OK : evr_fail_nomem(err);
}

static evr_status redact_kernels(evr_redaction *r, evr_ir *ir, const evr_ir *from, evr_error **err)
{
    for (size_t i = 0; i < from->kernel_count; i++) {
        evr_kernel *k = evr_ir_add_kernel(ir);
        if (!k)
            return evr_fail_nomem(err);
        *k = from->kernels[i];
        k->name = (evr_str){"", 0};
        evr_str name = r->flags & EVR_ARTIFACT_REDACT_OPERATORS ? alias_of(r, "kernel", from->kernels[i].name) : from->kernels[i].name;
        if (!name.data || !evr_ir_text(ir, name, &k->name))
            return evr_fail_nomem(err);
    }
    return EVR_OK;
}

static evr_status redact(evr_redaction *r, const evr_ir *from, evr_ir *ir, evr_error **err)
{
    ir->count = from->count;
    ir->uid = from->uid;
    ir->status = from->status;
    ir->reason = from->reason;
    ir->autocast = from->autocast;
    ir->has_batch = from->has_batch;
    ir->batch = from->batch;
    EVR_TRY(redact_names(r, ir, from, err));
    if (!evr_ir_text(ir, from->device, &ir->device))
        return evr_fail_nomem(err);
    for (size_t i = 0; i < from->arg_count; i++)
        EVR_TRY(redact_argument(r, ir, from, i, err));
    return redact_kernels(r, ir, from, err);
}

evr_status evr_redact(evr_redaction *r, const evr_ir *from, evr_ir **out, evr_error **err)
{
    evr_ir *ir = NULL;
    EVR_TRY(evr_ir_new(r->ctx, &ir, err));
    evr_status status = redact(r, from, ir, err);
    if (status != EVR_OK) {
        evr_ir_free(ir);
        return status;
    }
    *out = ir;
    return EVR_OK;
}
