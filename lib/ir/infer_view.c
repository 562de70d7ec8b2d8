/* What as_strided was called with, when the operator around it is a view that tells: profilers wrote no lists for some time. */
#include "ir/infer.h"
#include "ir/values.h"

enum { DIMS = 64 };

typedef struct view {
    int64_t shape[DIMS], strides[DIMS];
    int64_t offset;
    uint32_t rank;
} view;

static const evr_argument *named(const evr_ir *ir, const char *name)
{
    for (size_t i = 0; i < ir->arg_count; i++)
        if (evr_str_is(ir->args[i].name, name))
            return &ir->args[i];
    return NULL;
}

static bool whole(const evr_ir *ir, const char *name, int64_t *out)
{
    const evr_argument *a = named(ir, name);
    *out = a && a->value.kind == EVR_VALUE_INT ? a->value.u.i : 0;
    return a && a->value.kind == EVR_VALUE_INT;
}

/* A whole number, or None for `otherwise`. */
static bool whole_or(const evr_ir *ir, const char *name, int64_t otherwise, int64_t *out)
{
    const evr_argument *a = named(ir, name);
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

/* A list, or with `list` false a number, for an argument that has no value yet. */
static evr_status give(evr_ir *ir, const char *name, const int64_t *values, uint32_t count, bool list, const char *note, evr_error **err)
{
    evr_argument *a = (evr_argument *)named(ir, name);
    if (!a || a->value.kind != EVR_VALUE_MISSING)
        return EVR_OK;
    if (!list)
        a->value = (evr_value){.kind = EVR_VALUE_INT, .u.i = *values};
    else
        EVR_TRY(evr_argument_sizes(ir, a, values, count, err));
    return evr_argument_note(ir, a, EVR_FROM_RULE, note, err);
}

static size_t find(evr_str op)
{
    size_t i = 0;
    while (i < sizeof views / sizeof *views && !evr_str_is(op, views[i].op))
        i++;
    return i;
}

bool evr_infer_knows_view(evr_str op) { return find(op) < sizeof views / sizeof *views; }

evr_status evr_infer_strided(const evr_ir *above, evr_ir *ir, evr_error **err)
{
    static const char note[] = "of the view that the operator around it makes";
    view v;
    size_t i = find(above->op);
    if (i == sizeof views / sizeof *views || !begin(above, ir, &v) || !views[i].look(above, &v))
        return EVR_OK;
    EVR_TRY(give(ir, "size", v.shape, v.rank, true, note, err));
    EVR_TRY(give(ir, "stride", v.strides, v.rank, true, note, err));
    return give(ir, "storage_offset", &v.offset, 1, false, note, err);
}
