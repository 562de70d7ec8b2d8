/* A record in words. */
#include "ir/record.h"

#include "base/buf.h"

static void add_tensor(evr_buf *buf, const evr_tensor *t)
{
    const char *name = evr_dtype_name(t->dtype);
    if (name[0])
        evr_buf_c(buf, name);
    else
        evr_buf_str(buf, t->dtype_text);
    evr_buf_char(buf, '[');
    for (uint32_t i = 0; i < t->rank; i++)
        evr_buf_printf(buf, i ? ",%lld" : "%lld", (long long)t->shape[i]);
    evr_buf_char(buf, ']');
}

static void add_value(evr_buf *buf, const evr_value *v, int depth)
{
    switch (v->kind) {
    case EVR_VALUE_NONE: evr_buf_c(buf, "None"); break;
    case EVR_VALUE_BOOL: evr_buf_c(buf, v->u.i ? "True" : "False"); break;
    case EVR_VALUE_INT:
    case EVR_VALUE_LAYOUT:
    case EVR_VALUE_MEMORY_FORMAT: evr_buf_printf(buf, "%lld", (long long)v->u.i); break;
    case EVR_VALUE_FLOAT: evr_buf_printf(buf, "%g", v->u.f); break;
    case EVR_VALUE_COMPLEX: evr_buf_printf(buf, "%g%+gj", v->u.c.re, v->u.c.im); break;
    case EVR_VALUE_DTYPE: evr_buf_c(buf, evr_dtype_name((int32_t)v->u.i)); break;
    case EVR_VALUE_STR: evr_buf_printf(buf, "'%.*s'", EVR_STR_ARG(v->u.s)); break;
    case EVR_VALUE_DEVICE: evr_buf_str(buf, v->u.s.len ? v->u.s : EVR_STR_LITERAL("device")); break;
    case EVR_VALUE_GENERATOR: evr_buf_c(buf, "generator"); break;
    case EVR_VALUE_TENSOR: add_tensor(buf, v->u.tensor); break;
    case EVR_VALUE_LIST:
        evr_buf_char(buf, '[');
        for (size_t i = 0; i < v->u.list.len && depth < 16; i++) {
            if (i)
                evr_buf_c(buf, ", ");
            if (i == 8 && v->u.list.len > 9) {
                evr_buf_printf(buf, "… %zu more", v->u.list.len - i);
                break;
            }
            add_value(buf, &v->u.list.items[i], depth + 1);
        }
        evr_buf_char(buf, ']');
        break;
    default: evr_buf_char(buf, '?'); break;
    }
}

evr_status evr_ir_arguments(const evr_ir *ir, char **out, evr_error **err)
{
    evr_buf buf;
    if (err)
        *err = NULL;
    evr_buf_init(&buf, ir->ctx);
    for (size_t i = 0; i < ir->arg_count; i++) {
        const evr_argument *a = &ir->args[i];
        if (i)
            evr_buf_c(&buf, ", ");
        if (a->flags & EVR_ARGUMENT_KWARG)
            evr_buf_printf(&buf, "%.*s=", EVR_STR_ARG(a->name));
        add_value(&buf, &a->value, 0);
    }
    if (ir->autocast != EVR_DTYPE_UNKNOWN)
        evr_buf_printf(&buf, "; autocast to %s", evr_dtype_name(ir->autocast));
    *out = buf.failed ? NULL : evr_strdup(ir->ctx, evr_buf_view(&buf));
    evr_buf_free(&buf);
    return *out ? EVR_OK : evr_fail_nomem(err);
}
