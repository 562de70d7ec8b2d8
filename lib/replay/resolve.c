#include "replay/resolve.h"

#include "base/buf.h"
#include "registry/registry.h"
#include "replay/modules.h"

/* A walk that counts what it passes on. */
typedef struct counting {
    evr_schema_fn visit;
    void *user;
    size_t count;
} counting;

static int32_t count_schema(void *user, evr_str text)
{
    counting *c = user;
    c->count++;
    return c->visit(c->user, text);
}

/* Looks under the operator's own name and its alias. */
static evr_status look(evr_runtime *r, evr_str op, counting *c, evr_resolved *out, evr_error **err)
{
    const evr_bridge *fn = &r->bridge->fn;
    evr_str names[2] = {op, evr_alias_of(r->ctx, op)};
    for (size_t i = 0; i < 2 && !c->count && names[i].len; i++) {
        EVR_TRY(fn->schemas(fn->self, names[i], count_schema, c, err));
        if (c->count)
            out->name = names[i];
    }
    return EVR_OK;
}

/* "fbgemm" of "fbgemm::jagged_to_padded_dense"; empty without one. */
static evr_str namespace_of(evr_str op)
{
    size_t colon = evr_str_find(op, ':', 0);
    return colon != SIZE_MAX && colon + 1 < op.len && op.data[colon + 1] == ':' ? evr_str_sub(op, 0, colon) : (evr_str){"", 0};
}

static evr_import *import_of(evr_runtime *r, evr_str space)
{
    for (size_t i = 0; i < r->import_count; i++)
        if (evr_str_eq(r->imports[i].space, space))
            return &r->imports[i];
    if (!evr_grow(r->ctx, (void **)&r->imports, &r->import_cap, r->import_count + 1, sizeof *r->imports))
        return NULL;
    evr_import *fresh = &r->imports[r->import_count];
    *fresh = (evr_import){.space = evr_arena_str(&r->arena, space), .why = {"", 0}};
    if (!fresh->space.data)
        return NULL;
    r->import_count++;
    return fresh;
}

/* Loads one source; what went wrong is added to `why`, which is no failure of the search. */
static void import_source(evr_runtime *r, evr_str source, evr_buf *why)
{
    evr_host_hooks hooks = evr_registry_hooks(r->ctx);
    const evr_bridge *fn = &r->bridge->fn;
    evr_error *err = NULL;
    evr_status status;
    if (evr_module_is_library(source))
        status = fn->load_library(fn->self, source.data, &err);
    else if (hooks.import_module)
        status = hooks.import_module(hooks.user, source.data, &err);
    else
        status = evr_module_load(r, source, &err);
    if (status != EVR_OK)
        evr_buf_printf(why, "%s%.*s: %s", why->len ? "; " : "", EVR_STR_ARG(source), err ? evr_error_message(err) : evr_status_name(status));
    else
        evr_log(r->ctx, EVR_LOG_DEBUG, "imported %.*s", EVR_STR_ARG(source));
    evr_error_free(err);
}

/* Once for each namespace. */
static evr_status import_namespace(evr_runtime *r, evr_str space, evr_import **out, evr_error **err)
{
    evr_import *import = import_of(r, space);
    if (!(*out = import))
        return evr_fail_nomem(err);
    if (import->tried)
        return EVR_OK;
    import->tried = true;
    evr_buf why;
    evr_buf_init(&why, r->ctx);
    size_t count;
    const evr_str *sources = evr_namespace_sources(r->ctx, space, &count);
    for (size_t i = 0; i < count; i++)
        import_source(r, sources[i], &why);
    if (!count && evr_unknown_imports_allowed(r->ctx))
        import_source(r, import->space, &why);
    else if (!count)
        evr_buf_printf(&why, "namespace %.*s is not registered, and unknown namespaces are not imported", EVR_STR_ARG(space));
    import->why = evr_arena_str(&r->arena, evr_buf_view(&why));
    bool failed = why.failed || !import->why.data;
    evr_buf_free(&why);
    return failed ? evr_fail_nomem(err) : EVR_OK;
}

static evr_status ask_host(evr_runtime *r, evr_str op, evr_resolved *out, evr_error **err)
{
    evr_host_hooks hooks = evr_registry_hooks(r->ctx);
    char name[512];
    if (!hooks.find_callable || op.len >= sizeof name)
        return EVR_OK;
    evr_str_copy(name, op);
    out->host = (evr_callable){.struct_size = sizeof out->host};
    evr_status status = hooks.find_callable(hooks.user, name, &out->host, err);
    if (status == EVR_OK && out->host.call)
        out->callable = true;
    else if (status != EVR_E_NOT_FOUND && status != EVR_OK)
        return status;
    if (err && !out->callable) {
        evr_error_free(*err);
        *err = NULL;
    }
    return EVR_OK;
}

static evr_status not_found(evr_runtime *r, evr_str op, evr_str space, const evr_import *import, evr_error **err)
{
    evr_str alias = evr_alias_of(r->ctx, op), why = import ? import->why : (evr_str){"", 0};
    evr_fail(r->ctx, err, EVR_E_NOT_FOUND, "there is no operator %.*s%s%.*s in %s%s%.*s", EVR_STR_ARG(op), alias.len ? " or " : "",
             EVR_STR_ARG(alias), r->version, why.len ? ". Imports: " : "",
             EVR_STR_ARG(why));
    if (!space.len)
        return EVR_E_NOT_FOUND;
    evr_hint(err, "register where it comes from: --import %.*s=LIBRARY-OR-MODULE, evr_register_namespace(), or \"namespaces\" in a configuration file",
             EVR_STR_ARG(space));
    return EVR_E_NOT_FOUND;
}

evr_status evr_resolve(evr_runtime *r, evr_str op, bool callables, evr_schema_fn visit, void *user, evr_resolved *out, evr_error **err)
{
    counting c = {visit, user, 0};
    evr_import *import = NULL;
    evr_str space = namespace_of(op);
    *out = (evr_resolved){.name = op};
    EVR_TRY(look(r, op, &c, out, err));
    if (!c.count && space.len && !evr_str_is(space, "aten") && !evr_str_is(space, "prim")) {
        EVR_TRY(import_namespace(r, space, &import, err));
        EVR_TRY(look(r, op, &c, out, err));
    }
    if (!c.count && callables)
        EVR_TRY(ask_host(r, op, out, err));
    return c.count || out->callable ? EVR_OK : not_found(r, op, space, import, err);
}

evr_status evr_runtime_schemas(evr_runtime *r, evr_str op, evr_schema_fn visit, void *user, evr_error **err)
{
    evr_resolved found;
    if (err)
        *err = NULL;
    if (!r || !visit)
        return evr_fail(r ? r->ctx : NULL, err, EVR_E_INVALID, "evr_runtime_schemas: a runtime and a function are needed");
    return evr_resolve(r, op, false, visit, user, &found, err);
}

/* An evr_schema_source: an operator that nobody knows has no schemas, which is no failure there. */
static evr_status teach(void *user, evr_str op, evr_schema_fn visit, void *to, evr_error **err)
{
    evr_status status = evr_runtime_schemas(user, op, visit, to, err);
    if (status != EVR_E_NOT_FOUND)
        return status;
    if (err) {
        evr_error_free(*err);
        *err = NULL;
    }
    return EVR_OK;
}

evr_status evr_runtime_teach(evr_runtime *r, evr_extractor *x, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!r || !x)
        return evr_fail(r ? r->ctx : NULL, err, EVR_E_INVALID, "evr_runtime_teach: a runtime and an extractor are needed");
    return evr_extractor_ask(x, teach, r, err);
}
