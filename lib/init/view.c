#include "init/view.h"

#include "ir/record.h"

static const evr_argument *named(const evr_ir *ir, const char *name, size_t *index)
{
    for (size_t i = 0; i < ir->arg_count; i++)
        if (evr_str_is(ir->args[i].name, name)) {
            *index = i;
            return &ir->args[i];
        }
    return NULL;
}

bool evr_ir_tensor_named(const evr_ir *ir, const char *const *names, const evr_tensor **out)
{
    size_t index;
    for (; *names; names++) {
        const evr_argument *a = named(ir, *names, &index);
        if (a && a->value.kind == EVR_VALUE_TENSOR) {
            *out = a->value.u.tensor;
            return true;
        }
    }
    return false;
}

bool evr_ir_number_named(const evr_ir *ir, const char *const *names, int64_t *out)
{
    size_t index;
    for (; *names; names++) {
        const evr_argument *a = named(ir, *names, &index);
        if (a && a->value.kind == EVR_VALUE_INT) {
            *out = a->value.u.i;
            return true;
        }
    }
    return false;
}

const evr_tensor *evr_ir_whole_named(const evr_ir *ir, const char *const *names, size_t *arg)
{
    for (; *names; names++) {
        const evr_argument *a = named(ir, *names, arg);
        if (a && a->value.kind == EVR_VALUE_TENSOR && evr_dtype_is_whole(a->value.u.tensor->dtype))
            return a->value.u.tensor;
    }
    *arg = SIZE_MAX;
    return NULL;
}

int64_t evr_tensor_numel(const evr_tensor *t)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(n, t->shape[i], &n))
            return INT64_MAX;
    return n;
}
