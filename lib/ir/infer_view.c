/* What as_strided was called with, when the operator around it is a view that tells: profilers wrote no lists for some time. */
#include "ir/infer.h"
#include "ir/values.h"

enum { DIMS = 64 };

typedef struct view {
    int64_t shape[DIMS], strides[DIMS];
    int64_t offset;
    uint32_t rank;
} view;

static bool whole(const evr_ir *ir, const char *name, int64_t *out)
{
    const evr_argument *a = evr_ir_named(ir, name);
    *out = a && a->value.kind == EVR_VALUE_INT ? a->value.u.i : 0;
    return a && a->value.kind == EVR_VALUE_INT;
}

/* A whole number, or None for `otherwise`. */
static bool whole_or(const evr_ir *ir, const char *name, int64_t otherwise, int64_t *out)
{
    const evr_argument *a = evr_ir_named(ir, name);
    if (a && a->value.kind == EVR_VALUE_NONE) {
        *out = otherwise;
        return true;
    }
    return whole(ir, name, out);
}

/* A dimension, counted from the end when it is negative. */
static bool dimension(const evr_ir *ir, const char *name, uint32_t rank, uint32_t *out)
{
    int64_t d;
    if (!whole(ir, name, &d) || d < -(int64_t)rank || d >= (int64_t)rank)
        return false;
    *out = (uint32_t)(d < 0 ? d + rank : d);
    return true;
}

static void drop(view *v, uint32_t at)
{
    v->rank--;
    memmove(&v->shape[at], &v->shape[at + 1], (v->rank - at) * sizeof *v->shape);
    memmove(&v->strides[at], &v->strides[at + 1], (v->rank - at) * sizeof *v->strides);
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;
    *a = *b;
    *b = kept;
}

/* To the index within a dimension. */
static bool advance(view *v, uint32_t dim, int64_t index)
{
    int64_t by;
    return !__builtin_mul_overflow(index, v->strides[dim], &by) && !__builtin_add_overflow(v->offset, by, &v->offset);
}

static bool select_one(const evr_ir *ir, view *v)
{
    uint32_t dim;
    int64_t index;
    if (!dimension(ir, "dim", v->rank, &dim) || !whole(ir, "index", &index))
        return false;
    index += index < 0 ? v->shape[dim] : 0;
    if (index < 0 || index >= v->shape[dim] || !advance(v, dim, index))
        return false;
    drop(v, dim);
    return true;
}

static int64_t within(int64_t at, int64_t size)
{
    at += at < 0 ? size : 0;
    return at < 0 ? 0 : at > size ? size : at;
}

static bool slice(const evr_ir *ir, view *v)
{
    uint32_t dim;
    int64_t start, end, step;
    if (!dimension(ir, "dim", v->rank, &dim) || !whole_or(ir, "start", 0, &start) || !whole_or(ir, "end", INT64_MAX, &end) ||
        !whole(ir, "step", &step) || step < 1)
        return false;
    int64_t size = v->shape[dim], first = within(start, size), last = within(end, size);
    if (last < first)
        last = first;
    v->shape[dim] = (last - first) / step + ((last - first) % step != 0);
    return advance(v, dim, first) && !__builtin_mul_overflow(v->strides[dim], step, &v->strides[dim]);
}

static bool transpose(const evr_ir *ir, view *v)
{
    uint32_t a, b;
    if (!dimension(ir, "dim0", v->rank, &a) || !dimension(ir, "dim1", v->rank, &b))
        return false;
    swap(&v->shape[a], &v->shape[b]);
    swap(&v->strides[a], &v->strides[b]);
    return true;
}

static bool turn(const evr_ir *ir, view *v)
{
    (void)ir;
    if (v->rank == 2) {
        swap(&v->shape[0], &v->shape[1]);
        swap(&v->strides[0], &v->strides[1]);
    }
    return v->rank <= 2;
}

static const struct {
    const char *op;
    bool (*look)(const evr_ir *ir, view *v);
} views[] = {
    {"aten::select", select_one}, {"aten::slice", slice}, {"aten::transpose", transpose}, {"aten::transpose_", transpose},
    {"aten::t", turn},            {"aten::t_", turn},
};

static const evr_tensor *first_tensor(const evr_ir *ir)
{
    return ir->arg_count && ir->args[0].value.kind == EVR_VALUE_TENSOR ? ir->args[0].value.u.tensor : NULL;
}

static bool begin(const evr_ir *above, const evr_ir *ir, view *v)
{
    const evr_tensor *t = first_tensor(above), *own = first_tensor(ir);
    if (!t || !own || t->rank > DIMS || t->rank != own->rank || memcmp(t->shape, own->shape, t->rank * sizeof *t->shape) != 0)
        return false;
    *v = (view){.rank = own->rank, .offset = own->storage_offset};
    memcpy(v->shape, own->shape, own->rank * sizeof *own->shape);
    memcpy(v->strides, own->strides, own->rank * sizeof *own->strides);
    return true;
}

/* An argument that has no value yet. */
static evr_argument *open_argument(const evr_ir *ir, const char *name)
{
    evr_argument *a = evr_ir_named(ir, name);
    return a && a->value.kind == EVR_VALUE_MISSING ? a : NULL;
}

static evr_status give(evr_ir *ir, const view *v, evr_error **err)
{
    static const char note[] = "of the view that the operator around it makes";
    evr_argument *size = open_argument(ir, "size"), *stride = open_argument(ir, "stride"), *offset = open_argument(ir, "storage_offset");
    if (size)
        EVR_TRY(evr_argument_sizes(ir, size, v->shape, v->rank, note, err));
    if (stride)
        EVR_TRY(evr_argument_sizes(ir, stride, v->strides, v->rank, note, err));
    return offset ? evr_argument_whole(ir, offset, v->offset, note, err) : EVR_OK;
}

/* The view has a record of its own, made for this and forgotten. */
evr_status evr_infer_strided(evr_extractor *x, evr_ir *ir, evr_error **err)
{
    evr_event own = {.struct_size = sizeof own}, e = {.struct_size = sizeof e};
    evr_trace_event(x->trace, ir->uid, &own, NULL);
    if (own.parent == EVR_NO_UID)
        return EVR_OK;
    evr_trace_event(x->trace, own.parent, &e, NULL);
    size_t i = 0;
    while (i < sizeof views / sizeof *views && !evr_str_is(e.name, views[i].op))
        i++;
    if (e.kind != EVR_KIND_OP || i == sizeof views / sizeof *views)
        return EVR_OK;
    view v;
    evr_ir *above = NULL;
    EVR_TRY(evr_ir_new(x->ctx, &above, err));
    above->uid = own.parent;
    evr_status status = evr_ir_text(above, e.name, &above->op) ? evr_event_record(x, above, own.parent, NULL) : EVR_E_NOMEM;
    if (status == EVR_OK)
        status = begin(above, ir, &v) && views[i].look(above, &v) ? give(ir, &v, err) : EVR_OK;
    else
        status = status == EVR_E_NOMEM ? evr_fail_nomem(err) : EVR_OK; /* damaged texts tell nothing */
    evr_ir_free(above);
    return status;
}
