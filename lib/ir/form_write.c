#include "ir/form.h"

#include <math.h>

const char *const evr_form_sources[5] = {"trace", "default", "rule", "generator", "nowhere"};

static void text_field(evr_json_writer *w, const char *name, evr_str text)
{
    if (!text.len)
        return;
    evr_json_key(w, name);
    evr_json_str(w, text);
}

void evr_form_write_sizes(evr_json_writer *w, const char *name, const int64_t *sizes, uint32_t n)
{
    evr_json_key(w, name);
    evr_json_open(w, '[');
    for (uint32_t i = 0; i < n; i++)
        evr_json_i64(w, sizes[i]);
    evr_json_close(w, ']');
}

static void flag_field(evr_json_writer *w, const char *name, bool set)
{
    if (!set)
        return;
    evr_json_key(w, name);
    evr_json_bool(w, true);
}

static void write_tensor(evr_json_writer *w, const evr_tensor *t)
{
    evr_json_open(w, '{');
    evr_form_write_sizes(w, "shape", t->shape, t->rank);
    evr_form_write_sizes(w, "strides", t->strides, t->rank);
    evr_json_key(w, "dtype");
    evr_json_str(w, evr_str_c(evr_dtype_name(t->dtype)));
    if (!evr_str_is(t->dtype_text, evr_dtype_name(t->dtype)))
        text_field(w, "dtype_text", t->dtype_text);
    text_field(w, "device", t->device);
    if (t->storage_offset) {
        evr_json_key(w, "storage_offset");
        evr_json_i64(w, t->storage_offset);
    }
    if (t->storage_elements) {
        evr_json_key(w, "storage_elements");
        evr_json_i64(w, t->storage_elements);
    }
    text_field(w, "init", t->init);
    flag_field(w, "strides_assumed", t->flags & EVR_TENSOR_STRIDES_ASSUMED);
    flag_field(w, "dtype_inferred", t->flags & EVR_TENSOR_DTYPE_INFERRED);
    flag_field(w, "storage_recorded", t->flags & EVR_TENSOR_STORAGE_RECORDED);
    evr_json_close(w, '}');
}

/* JSON has no numbers for these. */
static void write_float(evr_json_writer *w, double value)
{
    if (isfinite(value)) {
        evr_json_f64(w, value);
        return;
    }
    evr_json_open(w, '{');
    evr_json_key(w, "float");
    evr_json_str(w, evr_str_c(isnan(value) ? "nan" : value < 0 ? "-inf" : "inf"));
    evr_json_close(w, '}');
}

static void tagged(evr_json_writer *w, const char *tag)
{
    evr_json_open(w, '{');
    evr_json_key(w, tag);
}

static void write_value(evr_json_writer *w, const evr_value *v)
{
    switch (v->kind) {
    case EVR_VALUE_NONE: evr_json_null(w); return;
    case EVR_VALUE_BOOL: evr_json_bool(w, v->u.i != 0); return;
    case EVR_VALUE_INT: evr_json_i64(w, v->u.i); return;
    case EVR_VALUE_FLOAT: write_float(w, v->u.f); return;
    case EVR_VALUE_STR: evr_json_str(w, v->u.s); return;
    case EVR_VALUE_LIST:
        evr_json_open(w, '[');
        for (size_t i = 0; i < v->u.list.len; i++)
            write_value(w, &v->u.list.items[i]);
        evr_json_close(w, ']');
        return;
    case EVR_VALUE_TENSOR:
        tagged(w, "tensor");
        write_tensor(w, v->u.tensor);
        break;
    case EVR_VALUE_COMPLEX:
        tagged(w, "complex");
        evr_json_open(w, '[');
        write_float(w, v->u.c.re);
        write_float(w, v->u.c.im);
        evr_json_close(w, ']');
        break;
    case EVR_VALUE_DTYPE:
        tagged(w, "dtype");
        if (evr_dtype_name((int32_t)v->u.i)[0])
            evr_json_str(w, evr_str_c(evr_dtype_name((int32_t)v->u.i)));
        else
            evr_json_i64(w, v->u.i);
        break;
    case EVR_VALUE_LAYOUT:
        tagged(w, "layout");
        evr_json_i64(w, v->u.i);
        break;
    case EVR_VALUE_MEMORY_FORMAT:
        tagged(w, "memory_format");
        evr_json_i64(w, v->u.i);
        break;
    case EVR_VALUE_GENERATOR:
        tagged(w, "generator");
        evr_json_i64(w, v->u.i);
        break;
    case EVR_VALUE_DEVICE:
        tagged(w, "device");
        evr_json_str(w, v->u.s);
        break;
    default:
        tagged(w, "missing");
        evr_json_bool(w, true);
        break;
    }
    evr_json_close(w, '}');
}

static void write_argument(evr_json_writer *w, const evr_argument *a)
{
    evr_json_open(w, '{');
    evr_json_key(w, "name");
    evr_json_str(w, a->name);
    evr_json_key(w, "type");
    evr_json_str(w, a->type);
    flag_field(w, "kwarg", a->flags & EVR_ARGUMENT_KWARG);
    flag_field(w, "written", a->flags & EVR_ARGUMENT_WRITTEN);
    evr_json_key(w, "value");
    write_value(w, &a->value);
    if (a->provenance > 0 && a->provenance < 5) {
        evr_json_key(w, "from");
        evr_json_str(w, evr_str_c(evr_form_sources[a->provenance]));
    }
    text_field(w, "note", a->note);
    evr_json_close(w, '}');
}

static void write_kernels(evr_json_writer *w, const evr_ir *ir)
{
    if (!ir->kernel_count)
        return;
    evr_json_key(w, "kernels");
    evr_json_open(w, '[');
    for (size_t i = 0; i < ir->kernel_count; i++) {
        evr_json_open(w, '{');
        evr_json_key(w, "name");
        evr_json_str(w, ir->kernels[i].name);
        evr_json_key(w, "count");
        evr_json_u64(w, ir->kernels[i].count);
        evr_json_key(w, "total_ns");
        evr_json_i64(w, ir->kernels[i].total_ns);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
}

void evr_form_write(evr_json_writer *w, const evr_ir *ir)
{
    evr_json_open(w, '{');
    evr_json_key(w, "op");
    evr_json_str(w, ir->op);
    text_field(w, "overload", ir->overload);
    text_field(w, "schema", ir->schema);
    if (ir->uid != EVR_NO_UID) {
        evr_json_key(w, "uid");
        evr_json_u64(w, ir->uid);
    }
    evr_json_key(w, "count");
    evr_json_u64(w, ir->count);
    text_field(w, "device", ir->device);
    text_field(w, "autocast", evr_str_c(evr_dtype_name(ir->autocast)));
    evr_json_key(w, "status");
    evr_json_str(w, evr_str_c(evr_outcome_name(ir->status)));
    text_field(w, "reason", evr_str_c(evr_reason_name(ir->reason)));
    text_field(w, "detail", ir->detail);
    evr_json_key(w, "args");
    evr_json_open(w, '[');
    for (size_t i = 0; i < ir->arg_count; i++)
        write_argument(w, &ir->args[i]);
    evr_json_close(w, ']');
    write_kernels(w, ir);
    evr_form_write_batch(w, ir);
    evr_form_write_group(w, ir);
    evr_json_close(w, '}');
}
