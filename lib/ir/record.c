#include "ir/record.h"

#include <stdarg.h>
#include <stdio.h>

evr_status evr_ir_new(evr_context *ctx, evr_ir **out, evr_error **err)
{
    evr_ir *ir = evr_alloc_zeroed(ctx, sizeof *ir);
    *out = ir;
    if (!ir)
        return evr_fail_nomem(err);
    ir->ctx = evr_context_ref(ctx);
    evr_arena_init(&ir->arena, ctx);
    ir->op = ir->overload = ir->schema = ir->device = ir->detail = (evr_str){"", 0};
    ir->count = 1;
    ir->uid = EVR_NO_UID;
    ir->autocast = EVR_DTYPE_UNKNOWN;
    return EVR_OK;
}

void evr_ir_free(evr_ir *ir)
{
    if (!ir)
        return;
    evr_context *ctx = ir->ctx;
    evr_arena_free(&ir->arena);
    evr_release(ctx, ir, sizeof *ir);
    evr_context_free(ctx);
}

bool evr_ir_text(evr_ir *ir, evr_str from, evr_str *to)
{
    evr_str copy = evr_arena_str(&ir->arena, from);
    if (!copy.data)
        return false;
    *to = copy;
    return true;
}

/* Arrays in the arena double by moving; what they leave behind is small. */
static void *add_item(evr_ir *ir, void *array, size_t *count, size_t *cap, size_t item)
{
    char *items = *(char **)array;
    if (*count == *cap) {
        size_t more = *cap ? *cap * 2 : 8;
        char *moved = evr_arena_alloc(&ir->arena, more * item);
        if (!moved)
            return NULL;
        if (*count)
            memcpy(moved, items, *count * item);
        *(char **)array = items = moved;
        *cap = more;
    }
    return memset(items + (*count)++ * item, 0, item);
}

evr_argument *evr_ir_add_argument(evr_ir *ir)
{
    evr_argument *a = add_item(ir, &ir->args, &ir->arg_count, &ir->arg_cap, sizeof *a);
    if (a) {
        a->struct_size = sizeof *a;
        a->name = a->type = a->note = (evr_str){"", 0};
    }
    return a;
}

evr_argument *evr_ir_named(const evr_ir *ir, const char *name)
{
    for (size_t i = 0; i < ir->arg_count; i++)
        if (evr_str_is(ir->args[i].name, name))
            return &ir->args[i];
    return NULL;
}

evr_kernel *evr_ir_add_kernel(evr_ir *ir)
{
    return add_item(ir, &ir->kernels, &ir->kernel_count, &ir->kernel_cap, sizeof(evr_kernel));
}

evr_tensor *evr_ir_add_tensor(evr_ir *ir, const evr_tensor *from)
{
    evr_tensor *t = evr_arena_alloc(&ir->arena, sizeof *t);
    int64_t *sizes = evr_arena_alloc(&ir->arena, 2 * (size_t)from->rank * sizeof *sizes);
    if (!t || !sizes)
        return NULL;
    *t = *from;
    t->struct_size = sizeof *t;
    if (from->rank) {
        memcpy(sizes, from->shape, from->rank * sizeof *sizes);
        memcpy(sizes + from->rank, from->strides, from->rank * sizeof *sizes);
    }
    t->shape = sizes;
    t->strides = sizes + from->rank;
    if (!evr_ir_text(ir, from->dtype_text, &t->dtype_text) || !evr_ir_text(ir, from->device, &t->device) ||
        !evr_ir_text(ir, from->init, &t->init))
        return NULL;
    return t;
}

evr_value *evr_ir_add_items(evr_ir *ir, size_t count)
{
    if (count > SIZE_MAX / 2 / sizeof(evr_value))
        return NULL;
    evr_value *items = evr_arena_alloc_zeroed(&ir->arena, count * sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i].kind = EVR_VALUE_NONE;
    return items;
}

evr_status evr_ir_copy_value(evr_ir *ir, const evr_value *from, evr_value *to, evr_error **err)
{
    *to = *from;
    if (from->kind == EVR_VALUE_STR || from->kind == EVR_VALUE_DEVICE)
        return evr_ir_text(ir, from->u.s, &to->u.s) ? EVR_OK : evr_fail_nomem(err);
    if (from->kind == EVR_VALUE_TENSOR)
        return (to->u.tensor = evr_ir_add_tensor(ir, from->u.tensor)) ? EVR_OK : evr_fail_nomem(err);
    if (from->kind != EVR_VALUE_LIST)
        return EVR_OK;
    evr_value *items = evr_ir_add_items(ir, from->u.list.len);
    if (!items)
        return evr_fail_nomem(err);
    to->u.list.items = items;
    for (size_t i = 0; i < from->u.list.len; i++)
        EVR_TRY(evr_ir_copy_value(ir, &from->u.list.items[i], &items[i], err));
    return EVR_OK;
}

evr_status evr_ir_set_outcome(evr_ir *ir, int32_t status, int32_t reason, evr_error **err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ir->status = status;
    ir->reason = reason;
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    return evr_ir_text(ir, (evr_str){text, len}, &ir->detail) ? EVR_OK : evr_fail_nomem(err);
}

bool evr_tensor_extent(const evr_tensor *t, int64_t *elements)
{
    int64_t last = t->storage_offset;
    bool empty = false;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t reach;
        if (t->shape[i] < 0 || t->strides[i] < 0)
            return false;
        if (t->shape[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(t->shape[i] - 1, t->strides[i], &reach) || __builtin_add_overflow(last, reach, &last))
            return false;
    }
    if (t->storage_offset < 0 || last == INT64_MAX)
        return false;
    *elements = empty ? t->storage_offset : last + 1;
    return true;
}

void evr_contiguous_strides(const int64_t *shape, uint32_t rank, int64_t *strides)
{
    int64_t stride = 1;
    for (uint32_t i = rank; i--;) {
        strides[i] = stride;
        if (shape[i] > 0 && __builtin_mul_overflow(stride, shape[i], &stride))
            stride = INT64_MAX; /* such a tensor is refused when its memory is counted */
    }
}

evr_str evr_ir_op(const evr_ir *ir) { return ir->op; }
evr_str evr_ir_overload(const evr_ir *ir) { return ir->overload; }
evr_str evr_ir_schema(const evr_ir *ir) { return ir->schema; }
size_t evr_ir_argument_count(const evr_ir *ir) { return ir->arg_count; }
const evr_argument *evr_ir_argument(const evr_ir *ir, size_t i) { return i < ir->arg_count ? &ir->args[i] : NULL; }
uint64_t evr_ir_count(const evr_ir *ir) { return ir->count; }
evr_uid evr_ir_uid(const evr_ir *ir) { return ir->uid; }
evr_str evr_ir_device(const evr_ir *ir) { return ir->device; }
int32_t evr_ir_autocast(const evr_ir *ir) { return ir->autocast; }
size_t evr_ir_kernel_count(const evr_ir *ir) { return ir->kernel_count; }
const evr_kernel *evr_ir_kernel(const evr_ir *ir, size_t i) { return i < ir->kernel_count ? &ir->kernels[i] : NULL; }
int32_t evr_ir_status(const evr_ir *ir) { return ir->status; }
int32_t evr_ir_reason(const evr_ir *ir) { return ir->reason; }
evr_str evr_ir_detail(const evr_ir *ir) { return ir->detail; }
