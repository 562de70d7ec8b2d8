/* The schema that an execution trace wrote beside a call: of another version than those known here, or of an operator that nobody
 * here knows. */
#include "ir/traced_schema.h"

#include "base/error.h"

void evr_traced_init(evr_traced *t, evr_context *ctx)
{
    *t = (evr_traced){.ctx = ctx};
    evr_arena_init(&t->arena, ctx);
    evr_intern_init(&t->texts, ctx);
}

void evr_traced_free(evr_traced *t)
{
    evr_release(t->ctx, t->schemas, t->cap * sizeof *t->schemas);
    evr_intern_free(&t->texts);
    evr_arena_free(&t->arena);
}

evr_status evr_traced_schema(evr_traced *t, evr_str text, const evr_schema **out, evr_error **err)
{
    *out = NULL;
    uint32_t id = evr_intern_find(&t->texts, text);
    if (id == EVR_NO_ID) {
        const evr_schema *schema = NULL;
        evr_status status = evr_schema_parse(&t->arena, text, &schema, NULL);
        if (status == EVR_E_NOMEM || !evr_grow(t->ctx, (void **)&t->schemas, &t->cap, t->texts.count + 1, sizeof *t->schemas) ||
            (id = evr_intern_add(&t->texts, text)) == EVR_NO_ID)
            return evr_fail_nomem(err);
        t->schemas[id] = status == EVR_OK ? schema : NULL; /* a text that is no schema tells nothing */
    }
    *out = t->schemas[id];
    return EVR_OK;
}

static size_t place_of(const evr_schema *schema, evr_str name)
{
    size_t i = 0;
    while (i < schema->param_count && !evr_str_eq(schema->params[i].name, name))
        i++;
    return i;
}

bool evr_traced_fits(const evr_schema *traced, const evr_schema *ours, size_t count)
{
    if (!evr_str_eq(traced->overload, ours->overload) || count > traced->param_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (place_of(ours, traced->params[i].name) == ours->param_count)
            return false;
    return true;
}

evr_status evr_traced_arguments(evr_arena *arena, const evr_schema *traced, const evr_schema *ours, evr_recorded_call *call, evr_error **err)
{
    evr_recorded *args = evr_arena_alloc_zeroed(arena, (ours->param_count + 1) * sizeof *args);
    if (!args)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < ours->param_count; i++) {
        size_t from = place_of(traced, ours->params[i].name);
        if (from < call->count)
            args[i] = call->args[from];
        else /* not there in that version, which did without: None, or the default */
            args[i] = (evr_recorded){.seen = {.kind = EVR_SEEN_NOTHING, .dtype = EVR_DTYPE_UNKNOWN, .len = SIZE_MAX, .text = {"", 0}},
                                     .type = {"", 0}, .dtype_text = {"", 0}, .device = {"", 0}};
    }
    call->args = args;
    call->count = ours->param_count;
    return EVR_OK;
}
