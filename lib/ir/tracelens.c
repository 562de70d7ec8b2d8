#include "ir/tracelens.h"

#include "ir/form.h"

/* What that tool fills a tensor with: nothing where the operator writes, zeros for whole numbers, normal values otherwise. */
static const char *init_of(const evr_tensor *t, bool written)
{
    if (written)
        return NULL;
    return t->dtype == EVR_DTYPE_BOOL || evr_dtype_is_whole(t->dtype) ? "zeros" : "normal";
}

static void write_tensor(evr_json_writer *w, const evr_tensor *t, bool written)
{
    evr_json_open(w, '{');
    evr_form_write_sizes(w, "shape", t->shape, t->rank);
    evr_json_key(w, "dtype");
    evr_json_str(w, t->dtype_text);
    evr_form_write_sizes(w, "strides", t->strides, t->rank);
    evr_json_key(w, "init");
    const char *init = init_of(t, written);
    if (t->init.len)
        evr_json_str(w, t->init);
    else if (init)
        evr_json_str(w, evr_str_c(init));
    else
        evr_json_null(w);
    evr_json_close(w, '}');
}

static void write_value(evr_json_writer *w, const evr_value *v, bool written)
{
    switch (v->kind) {
    case EVR_VALUE_BOOL: evr_json_bool(w, v->u.i != 0); break;
    case EVR_VALUE_INT:
    case EVR_VALUE_DTYPE:
    case EVR_VALUE_LAYOUT:
    case EVR_VALUE_MEMORY_FORMAT: evr_json_i64(w, v->u.i); break;
    case EVR_VALUE_FLOAT: evr_json_f64(w, v->u.f); break;
    case EVR_VALUE_STR:
    case EVR_VALUE_DEVICE: evr_json_str(w, v->u.s); break;
    case EVR_VALUE_TENSOR: write_tensor(w, v->u.tensor, written); break;
    case EVR_VALUE_COMPLEX:
        evr_json_open(w, '[');
        evr_json_f64(w, v->u.c.re);
        evr_json_f64(w, v->u.c.im);
        evr_json_close(w, ']');
        break;
    case EVR_VALUE_LIST:
        evr_json_open(w, '[');
        for (size_t i = 0; i < v->u.list.len; i++)
            write_value(w, &v->u.list.items[i], written);
        evr_json_close(w, ']');
        break;
    default: evr_json_null(w); break;
    }
}

/* That format has no place for where a value came from, so only what was recorded is written: a text that the profiler dropped is
 * empty, whatever the schema's default. */
static void write_argument(evr_json_writer *w, const evr_argument *a)
{
    bool dropped_text = evr_str_is(a->type, "str") && a->provenance != EVR_FROM_TRACE;
    evr_json_open(w, '{');
    evr_json_key(w, "arg_name");
    evr_json_str(w, a->name);
    evr_json_key(w, "arg_type");
    evr_json_str(w, a->type);
    evr_json_key(w, "value");
    if (dropped_text)
        evr_json_str(w, (evr_str){"", 0});
    else
        write_value(w, &a->value, a->flags & EVR_ARGUMENT_WRITTEN);
    evr_json_close(w, '}');
}

static void write_arguments(evr_json_writer *w, const evr_ir *ir, const char *name, uint32_t kwarg)
{
    evr_json_key(w, name);
    evr_json_open(w, '[');
    for (size_t i = 0; i < ir->arg_count; i++)
        if ((ir->args[i].flags & EVR_ARGUMENT_KWARG) == kwarg)
            write_argument(w, &ir->args[i]);
    evr_json_close(w, ']');
}

void evr_tracelens_write(evr_json_writer *w, const evr_ir *ir)
{
    evr_json_open(w, '{');
    evr_json_key(w, "op_name");
    evr_json_str(w, ir->op);
    evr_json_key(w, "replay_ir");
    evr_json_open(w, '{');
    write_arguments(w, ir, "list_pos_args", 0);
    write_arguments(w, ir, "list_kwargs", EVR_ARGUMENT_KWARG);
    evr_json_close(w, '}');
    if (ir->uid != EVR_NO_UID) {
        evr_json_key(w, "uid");
        evr_json_u64(w, ir->uid);
    }
    evr_json_key(w, "count");
    evr_json_u64(w, ir->count);
    evr_json_close(w, '}');
}
