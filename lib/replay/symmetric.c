/* Arguments that live in memory all ranks of a group see. */
#include "base/buf.h"
#include "registry/registry.h"
#include "replay/overload.h"
#include "replay/replayer.h"

static bool holds_tensors(const evr_type *type)
{
    const evr_type *t = evr_type_bare(type);
    while (t->kind == EVR_TYPE_LIST)
        t = evr_type_bare(t->elem);
    return t->kind == EVR_TYPE_TENSOR;
}

static const evr_param *find_param(const evr_schema *schema, evr_str name)
{
    for (size_t p = 0; p < schema->param_count; p++)
        if (evr_str_eq(schema->params[p].name, name) && holds_tensors(schema->params[p].type))
            return &schema->params[p];
    return NULL;
}

static evr_status no_such_argument(evr_context *ctx, evr_str op, evr_str name, const evr_schema *const *schemas, size_t count, evr_error **err)
{
    evr_buf real;
    evr_buf_init(&real, ctx);
    for (size_t s = 0; s < count; s++)
        for (size_t p = 0; p < schemas[s]->param_count; p++)
            if (holds_tensors(schemas[s]->params[p].type))
                evr_buf_printf(&real, "%s%.*s", real.len ? ", " : "", EVR_STR_ARG(schemas[s]->params[p].name));
    evr_fail(ctx, err, EVR_E_INVALID, "%.*s has no tensor argument \"%.*s\"; it has %s", EVR_STR_ARG(op), EVR_STR_ARG(name),
             real.len ? real.data : "none");
    evr_buf_free(&real);
    evr_hint(err, "register the names as the operator's schema spells them");
    return EVR_E_INVALID;
}

/* Schemas of one operator, kept for a check. */
typedef struct candidates {
    evr_arena *arena;
    const evr_schema *items[64];
    size_t count;
} candidates;

static int32_t keep_schema(void *user, evr_str text)
{
    candidates *c = user;
    if (c->count == 64)
        return 1;
    if (evr_schema_parse(c->arena, text, &c->items[c->count], NULL) == EVR_OK)
        c->count++;
    return 0;
}

evr_status evr_runtime_register_symm_mem_args(evr_runtime *r, evr_str op, const evr_str *names, size_t count, evr_error **err)
{
    evr_arena arena;
    if (err)
        *err = NULL;
    if (!r || !op.len || (count && !names))
        return evr_fail(r ? r->ctx : NULL, err, EVR_E_INVALID, "evr_runtime_register_symm_mem_args: a runtime, an operator and names are needed");
    evr_arena_init(&arena, r->ctx);
    candidates c = {.arena = &arena};
    evr_status status = evr_runtime_schemas(r, op, keep_schema, &c, err);
    for (size_t i = 0; status == EVR_OK && i < count; i++) {
        bool found = false;
        for (size_t s = 0; s < c.count && !found; s++)
            found = find_param(c.items[s], names[i]) != NULL;
        if (!found)
            status = no_such_argument(r->ctx, op, names[i], c.items, c.count, err);
    }
    evr_arena_free(&arena);
    return status == EVR_OK ? evr_register_symm_mem_args(r->ctx, op, names, count, err) : status;
}

/* The group of the record's own argument, else of the option, else PyTorch's name of the group of all ranks. */
static evr_str group_of(const evr_replayer *r)
{
    for (size_t i = 0; i < r->ir->arg_count; i++)
        if (evr_str_is(r->ir->args[i].name, "group_name") && r->ir->args[i].value.kind == EVR_VALUE_STR && r->ir->args[i].value.u.s.len)
            return r->ir->args[i].value.u.s;
    evr_str option = evr_init_option_of(r->runtime->ctx, evr_str_c("symm_mem_group"));
    return option.data ? option : evr_str_c("0");
}

/* Replaces one live tensor by a copy in symmetric memory. */
static evr_status realise_tensor(evr_replayer *r, evr_str name, evr_value *v, evr_error **err)
{
    const evr_bridge *fn = evr_bridge_of(r);
    evr_error *why = NULL;
    evr_bridge_tensor *moved = NULL;
    evr_str group = group_of(r);
    evr_status status = fn->tensor_symmetric ? fn->tensor_symmetric(fn->self, v->u.handle, group.data, &moved, &why) : EVR_E_UNSUPPORTED;
    if (status == EVR_OK) {
        for (size_t i = 0; i < r->tensor_count; i++)
            if (r->tensors[i] == v->u.handle)
                r->tensors[i] = moved;
        fn->tensor_free(fn->self, v->u.handle);
        v->u.handle = moved;
        return EVR_OK;
    }
    evr_status warned = evr_replayer_warn(r, err, "argument %.*s is not in symmetric memory: %s", EVR_STR_ARG(name),
                                          why ? evr_error_message(why) : "the bridge has none");
    evr_error_free(why);
    return warned;
}

static evr_status realise_value(evr_replayer *r, evr_str name, evr_value *v, int depth, evr_error **err)
{
    if (v->kind == EVR_VALUE_HANDLE)
        return realise_tensor(r, name, v, err);
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && depth < 8 && i < v->u.list.len; i++)
        EVR_TRY(realise_value(r, name, (evr_value *)&v->u.list.items[i], depth + 1, err)); /* the replayer's own copy of the list */
    return EVR_OK;
}

static evr_status realise_name(evr_replayer *r, evr_str name, evr_error **err)
{
    const evr_param *param = find_param(r->schema, name);
    if (!param)
        return no_such_argument(r->runtime->ctx, r->ir->op, name, &r->schema, 1, err);
    return realise_value(r, name, &r->values[param - r->schema->params], 0, err);
}

/* Names that the tensor library was told of, through the host. */
typedef struct told {
    evr_replayer *r;
    evr_status status;
    evr_error **err;
} told;

static void realise_told(void *user, evr_str name)
{
    told *t = user;
    if (t->status == EVR_OK && find_param(t->r->schema, name))
        t->status = realise_name(t->r, name, t->err);
}

evr_status evr_replayer_realise_symmetric(evr_replayer *r, evr_error **err)
{
    size_t count;
    if (!r->schema)
        return EVR_OK;
    const evr_str *names = evr_symm_mem_args(r->runtime->ctx, r->ir->op, &count);
    for (size_t i = 0; i < count; i++)
        EVR_TRY(realise_name(r, names[i], err));
    evr_host_hooks hooks = evr_registry_hooks(r->runtime->ctx);
    char op[512];
    if (count || !hooks.symm_mem_args || r->ir->op.len >= sizeof op)
        return EVR_OK;
    evr_str_copy(op, r->ir->op);
    told t = {r, EVR_OK, err};
    EVR_TRY(hooks.symm_mem_args(hooks.user, op, realise_told, &t, err));
    return t.status;
}
