#include "schema/schema.h"

static void print_items(evr_buf *buf, const evr_type *t)
{
    for (size_t i = 0; i < t->item_count; i++) {
        if (i)
            evr_buf_c(buf, ", ");
        evr_type_print(buf, t->items[i]);
    }
}

static void print_alias(evr_buf *buf, const evr_type *t)
{
    if (!t->alias.len)
        return;
    evr_buf_char(buf, '(');
    evr_buf_str(buf, t->alias);
    evr_buf_char(buf, ')');
}

void evr_type_print(evr_buf *buf, const evr_type *t)
{
    switch (t->kind) {
    case EVR_TYPE_OPTIONAL:
        evr_type_print(buf, t->elem);
        evr_buf_char(buf, '?');
        return;
    case EVR_TYPE_LIST:
        evr_type_print(buf, t->elem);
        if (t->list_size >= 0)
            evr_buf_printf(buf, "[%lld]", (long long)t->list_size);
        else
            evr_buf_c(buf, "[]");
        print_alias(buf, t);
        return;
    case EVR_TYPE_TUPLE:
        evr_buf_str(buf, t->name);
        evr_buf_char(buf, t->name.len ? '[' : '(');
        print_items(buf, t);
        evr_buf_char(buf, t->name.len ? ']' : ')');
        return;
    case EVR_TYPE_DICT:
    case EVR_TYPE_FUTURE:
        evr_buf_str(buf, t->name);
        evr_buf_char(buf, '(');
        print_items(buf, t);
        evr_buf_char(buf, ')');
        print_alias(buf, t);
        return;
    case EVR_TYPE_UNION:
        evr_buf_str(buf, t->name);
        evr_buf_char(buf, '[');
        print_items(buf, t);
        evr_buf_char(buf, ']');
        return;
    default:
        evr_buf_str(buf, t->name);
        print_alias(buf, t);
        return;
    }
}

static void print_params(evr_buf *buf, const evr_param *params, size_t n, bool more)
{
    bool kwarg = false;
    for (size_t i = 0; i < n; i++) {
        if (i)
            evr_buf_c(buf, ", ");
        if (params[i].kwarg && !kwarg) {
            evr_buf_c(buf, "*, ");
            kwarg = true;
        }
        evr_type_print(buf, params[i].type);
        if (params[i].name.len) {
            evr_buf_char(buf, ' ');
            evr_buf_str(buf, params[i].name);
        }
        if (params[i].has_default) {
            evr_buf_char(buf, '=');
            evr_buf_str(buf, params[i].fallback_text);
        }
    }
    if (more)
        evr_buf_c(buf, n ? ", ..." : "...");
}

void evr_schema_print(evr_buf *buf, const evr_schema *s)
{
    evr_buf_str(buf, s->name);
    if (s->overload.len) {
        evr_buf_char(buf, '.');
        evr_buf_str(buf, s->overload);
    }
    evr_buf_char(buf, '(');
    print_params(buf, s->params, s->param_count, s->vararg);
    evr_buf_c(buf, ") -> ");
    if (!s->bare_result)
        evr_buf_char(buf, '(');
    print_params(buf, s->results, s->result_count, s->varret);
    if (!s->bare_result)
        evr_buf_char(buf, ')');
}
