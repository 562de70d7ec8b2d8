#include "init/view.h"

#include "ir/record.h"

bool evr_ir_tensor_named(const evr_ir *ir, const char *const *names, const evr_tensor **out)
{
    for (; *names; names++) {
        const evr_argument *a = evr_ir_named(ir, *names);
        if (a && a->value.kind == EVR_VALUE_TENSOR) {
            *out = a->value.u.tensor;
            return true;
        }
    }
    return false;
}

bool evr_ir_number_named(const evr_ir *ir, const char *const *names, int64_t *out)
{
    for (; *names; names++) {
        const evr_argument *a = evr_ir_named(ir, *names);
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
        const evr_argument *a = evr_ir_named(ir, *names);
        if (a && a->value.kind == EVR_VALUE_TENSOR && evr_dtype_is_whole(a->value.u.tensor->dtype)) {
            *arg = (size_t)(a - ir->args);
            return a->value.u.tensor;
        }
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
