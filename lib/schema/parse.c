/* Whole schemas: name, parameters, results. */
#include "schema/scan.h"

/* Parameters or results on their way into an array. */
typedef struct param_list {
    evr_param *items;
    size_t count, cap;
} param_list;

static evr_param *new_param(evr_scan *s, param_list *list)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        evr_param *items = list->count < EVR_SCHEMA_PARAMS ? evr_arena_alloc(s->arena, cap * sizeof *items) : NULL;
        if (!items)
            return NULL;
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    evr_param *p = &list->items[list->count++];
    memset(p, 0, sizeof *p);
    p->name = p->fallback_text = (evr_str){"", 0};
    return p;
}

static evr_status no_room(evr_scan *s, const param_list *list)
{
    return list->count >= EVR_SCHEMA_PARAMS ? evr_scan_fail(s, "fewer parameters") : evr_fail_nomem(s->err);
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static evr_status parameters(evr_scan *s, param_list *list, bool *vararg)
{
    bool kwarg = false, star = false; /* star: the last thing taken was '*', which needs a parameter behind it */
    EVR_TRY(evr_scan_expect(s, "("));
    if (evr_scan_take(s, ")"))
        return EVR_OK;
    do {
        if (evr_scan_take(s, "...")) {
            *vararg = true;
            break;
        }
        if (evr_scan_take(s, "*")) {
            if (kwarg)
                return evr_scan_fail(s, "a parameter");
            kwarg = star = true;
            continue;
        }
        star = false;
        evr_param *p = new_param(s, list);
        if (!p)
            return no_room(s, list);
        p->kwarg = kwarg;
        EVR_TRY(evr_scan_type(s, &p->type));
        evr_scan_space(s);
        if (!starts_name(evr_scan_peek(s)))
            return evr_scan_fail(s, "the name of a parameter");
        p->name = evr_scan_name(s, ".");
        if (evr_scan_take(s, "=")) {
            EVR_TRY(evr_scan_default(s, p->type, &p->fallback, &p->fallback_text));
            p->has_default = true;
        }
    } while (evr_scan_take(s, ","));
    return star ? evr_scan_fail(s, "a parameter behind '*'") : evr_scan_expect(s, ")");
}

static evr_status result(evr_scan *s, param_list *list)
{
    evr_param *p = new_param(s, list);
    if (!p)
        return no_room(s, list);
    EVR_TRY(evr_scan_type(s, &p->type));
    p->name = evr_scan_name(s, ".");
    return EVR_OK;
}

static evr_status results(evr_scan *s, param_list *list, evr_schema *schema)
{
    EVR_TRY(evr_scan_expect(s, "->"));
    if (evr_scan_take(s, "...")) {
        schema->varret = true;
        schema->bare_result = true;
        return EVR_OK;
    }
    evr_scan_space(s);
    if (evr_scan_peek(s) != '(') {
        schema->bare_result = true;
        return result(s, list);
    }
    s->at++;
    if (evr_scan_take(s, ")"))
        return EVR_OK;
    do {
        if (evr_scan_take(s, "...")) {
            schema->varret = true;
            break;
        }
        EVR_TRY(result(s, list));
    } while (evr_scan_take(s, ","));
    return evr_scan_expect(s, ")");
}

/* "aten::add.Tensor": the overload stands behind the last dot that follows the namespace. */
static evr_status full_name(evr_scan *s, evr_schema *schema)
{
    evr_str name = evr_scan_name(s, ":.<>-/$");
    if (!name.len)
        return evr_scan_fail(s, "the name of an operator");
    size_t space = 0;
    for (size_t i = 0; i + 1 < name.len; i++)
        if (name.data[i] == ':' && name.data[i + 1] == ':')
            space = i + 2;
    size_t dot = evr_str_find(name, '.', space);
    if (dot == name.len - 1)
        return evr_scan_fail(s, "the name of an overload behind '.'");
    if (dot == SIZE_MAX)
        dot = name.len;
    if (dot == space)
        return evr_scan_fail(s, "the name of an operator");
    evr_str operator_name = evr_arena_str(s->arena, evr_str_sub(name, 0, dot));
    evr_str overload = evr_arena_str(s->arena, evr_str_sub(name, dot + 1, name.len));
    if (!operator_name.data || !overload.data)
        return evr_fail_nomem(s->err);
    schema->name = operator_name;
    schema->overload = overload;
    return EVR_OK;
}

evr_status evr_schema_parse(evr_arena *arena, evr_str text, const evr_schema **out, evr_error **err)
{
    *out = NULL;
    evr_schema *schema = evr_arena_alloc_zeroed(arena, sizeof *schema);
    evr_str copy = evr_arena_str(arena, evr_str_trim(text));
    if (!schema || !copy.data)
        return evr_fail_nomem(err);
    evr_scan s = {arena, copy, 0, 0, err};
    param_list params = {0}, returns = {0};
    schema->text = copy;
    EVR_TRY(full_name(&s, schema));
    EVR_TRY(parameters(&s, &params, &schema->vararg));
    EVR_TRY(results(&s, &returns, schema));
    evr_scan_space(&s);
    if (s.at < s.text.len)
        return evr_scan_fail(&s, "the end of the schema");
    schema->params = params.items;
    schema->param_count = params.count;
    schema->results = returns.items;
    schema->result_count = returns.count;
    *out = schema;
    return EVR_OK;
}
