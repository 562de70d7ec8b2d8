/* The list of optional tensors that aten::index and its kin are given, which no profiler writes. The operators below tell it: each index
 * is reshaped, a mask is searched by nonzero, and as_strided shows where in the indexed tensor they stand. */
#include "base/hash.h"
#include "ir/infer.h"
#include "ir/values.h"

enum { DIMS = 16, INDICES = 16 }; /* more are not looked into */

typedef struct shape {
    int64_t sizes[DIMS];
    uint32_t rank;
} shape;

/* What the operators below show. */
typedef struct clues {
    bool placed;           /* as_strided was there, of the very tensor that is indexed */
    shape sizes, strides;  /* its lists; rank 0 where they were not recorded */
    shape indices[INDICES], given[INDICES]; /* as they were reshaped; as they were converted before that */
    int32_t dtypes[INDICES];                /* of those given */
    size_t count, given_count;
    shape mask;
    bool masked, filled;
    bool starved; /* memory was out */
} clues;

static bool take(shape *to, const evr_recorded *r)
{
    if (r->seen.kind != EVR_SEEN_TENSOR || !r->shape || r->seen.rank > DIMS)
        return false;
    to->rank = r->seen.rank;
    memcpy(to->sizes, r->shape, to->rank * sizeof *to->sizes);
    return true;
}

static bool read_list(shape *to, evr_str text)
{
    to->rank = 0;
    if (!evr_recorded_is_list(text))
        return false;
    evr_str items = evr_recorded_items(text);
    for (size_t from = 0; from < items.len && to->rank < DIMS;) {
        size_t comma = evr_str_find(items, ',', from), end = comma == SIZE_MAX ? items.len : comma;
        if (!evr_str_to_i64(evr_str_trim(evr_str_sub(items, from, end)), &to->sizes[to->rank++]))
            return false;
        from = end + 1;
    }
    return true;
}

static bool same(const int64_t *a, const int64_t *b, size_t count) { return memcmp(a, b, count * sizeof *a) == 0; }

static bool same_shape(const shape *a, const shape *b) { return a->rank == b->rank && same(a->sizes, b->sizes, a->rank); }

static void look_at(clues *c, evr_str name, const evr_recorded_call *call, const shape *self)
{
    shape seen;
    if (!call->count || !take(&seen, &call->args[0]))
        return;
    if (evr_str_is(name, "aten::as_strided") && !c->placed) {
        c->placed = same_shape(&seen, self);
        if (call->count > 2 && !(read_list(&c->sizes, call->args[1].seen.text) && read_list(&c->strides, call->args[2].seen.text)))
            c->sizes.rank = c->strides.rank = 0;
    } else if (evr_str_is(name, "aten::reshape") && c->placed && c->count < INDICES) {
        c->indices[c->count++] = seen;
    } else if (evr_str_is(name, "aten::to") && !c->placed && c->given_count < INDICES && evr_dtype_is_whole(call->args[0].seen.dtype)) {
        c->dtypes[c->given_count] = call->args[0].seen.dtype;
        c->given[c->given_count++] = seen;
    } else if (evr_str_is(name, "aten::nonzero") && !c->placed) {
        c->masked = true;
        c->mask = seen;
    } else if (evr_str_starts(name, "aten::masked_fill") && call->count > 1 && call->args[1].seen.dtype == EVR_DTYPE_BOOL) {
        c->filled = take(&c->mask, &call->args[1]); /* one value for all that a mask shows */
    }
}

/* The operator that does the work: index_put calls index_put_, and that _index_put_impl_. */
static evr_uid worker(const evr_trace *t, evr_uid uid)
{
    enum { DEEPEST = 4 };
    evr_event e = {.struct_size = sizeof e};
    for (int depth = 0; depth < DEEPEST; depth++) {
        evr_uid child = evr_trace_first_child(t, uid);
        for (; child != EVR_NO_UID; child = evr_trace_next_sibling(t, child)) {
            evr_trace_event(t, child, &e, NULL);
            if (e.kind == EVR_KIND_OP && (evr_str_starts(e.name, "aten::index") || evr_str_starts(e.name, "aten::_index_put_impl")))
                break;
        }
        if (child == EVR_NO_UID)
            break;
        uid = child;
    }
    return uid;
}

static void collect(evr_extractor *x, evr_uid uid, const shape *self, clues *c)
{
    evr_event e = {.struct_size = sizeof e};
    evr_recorded_call call;
    int budget = 64;
    for (evr_uid child = evr_trace_first_child(x->trace, uid); child != EVR_NO_UID && budget-- > 0;
         child = evr_trace_next_sibling(x->trace, child)) {
        evr_trace_event(x->trace, child, &e, NULL);
        evr_status status = e.kind == EVR_KIND_OP ? evr_recorder_read(&x->neighbour, x->trace, child, &call, NULL) : EVR_E_NOT_FOUND;
        c->starved |= status == EVR_E_NOMEM;
        if (status == EVR_OK)
            look_at(c, e.name, &call, self);
    }
}

/* Before which dimension the indices stand: as_strided has their common shape there, with strides of 0, in place of the dimensions
 * they index. SIZE_MAX when nothing tells. */
static size_t place_of_indices(const clues *c, const shape *self)
{
    const shape *index = &c->indices[0];
    if (!c->sizes.rank || c->sizes.rank != c->strides.rank || c->sizes.rank + c->count != self->rank + index->rank)
        return c->count == self->rank ? 0 : SIZE_MAX;
    for (size_t p = 0; p + c->count <= self->rank; p++) {
        bool zeros = true;
        for (size_t d = 0; d < index->rank; d++)
            zeros &= c->strides.sizes[p + d] == 0;
        if (zeros && same(c->sizes.sizes, self->sizes, p) && same(&c->sizes.sizes[p], index->sizes, index->rank) &&
            same(&c->sizes.sizes[p + index->rank], &self->sizes[p + c->count], self->rank - p - c->count))
            return p;
    }
    return SIZE_MAX;
}

/* The indices, behind `place` dimensions that are kept. */
typedef struct found {
    size_t place, count;
    const shape *shapes;
    int32_t dtypes[INDICES];
} found;

static bool find(evr_extractor *x, evr_uid uid, const shape *self, clues *c, found *f)
{
    *c = (clues){0};
    *f = (found){0};
    collect(x, worker(x->trace, uid), self, c);
    bool mask = c->filled || (c->masked && c->mask.rank == c->count);
    f->place = c->placed && c->count && !c->filled ? place_of_indices(c, self) : c->filled ? 0 : SIZE_MAX;
    if (c->starved || f->place == SIZE_MAX || (c->masked && !mask))
        return false;
    f->count = mask ? 1 : c->count;
    f->shapes = mask ? &c->mask : c->indices;
    for (size_t i = 0; i < f->count; i++) {
        bool other = c->given_count == c->count && same_shape(&c->given[i], &c->indices[i]); /* converted before */
        f->dtypes[i] = mask ? EVR_DTYPE_BOOL : other ? c->dtypes[i] : EVR_DTYPE_INT64;
    }
    return true;
}

static evr_status add_index(evr_ir *ir, evr_value *to, const shape *of, int32_t dtype, evr_str device, evr_error **err)
{
    int64_t strides[DIMS];
    evr_contiguous_strides(of->sizes, of->rank, strides);
    evr_tensor t = {.struct_size = sizeof t, .dtype = dtype, .rank = of->rank, .shape = of->sizes, .strides = strides, .flags = EVR_TENSOR_STRIDES_ASSUMED,
                    .dtype_text = evr_str_c(evr_dtype_name(dtype)), .device = device, .init = {"", 0}};
    evr_tensor *kept = evr_ir_add_tensor(ir, &t);
    *to = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = kept};
    return kept ? EVR_OK : evr_fail_nomem(err);
}

evr_status evr_infer_indices(evr_extractor *x, evr_ir *ir, evr_argument *a, evr_error **err)
{
    const evr_tensor *t = ir->args[0].value.kind == EVR_VALUE_TENSOR ? ir->args[0].value.u.tensor : NULL;
    shape self = {.rank = t && t->rank <= DIMS ? t->rank : 0};
    clues c;
    found f;
    if (!self.rank)
        return EVR_OK;
    memcpy(self.sizes, t->shape, self.rank * sizeof *self.sizes);
    if (!find(x, ir->uid, &self, &c, &f))
        return c.starved ? evr_fail_nomem(err) : EVR_OK;
    evr_value *items = evr_ir_add_items(ir, f.place + f.count);
    if (!items)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < f.count; i++)
        EVR_TRY(add_index(ir, &items[f.place + i], &f.shapes[i], f.dtypes[i], t->device, err));
    a->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, f.place + f.count}};
    return evr_argument_note(ir, a, EVR_FROM_RULE, "of the indices that operators below it reshape", err);
}

bool evr_infer_takes_indices(evr_str op)
{
    static const char *const ops[] = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_", "aten::_unsafe_index",
                                      "aten::_unsafe_index_put"};
    enum { NAME = sizeof "aten::" - 1 };
    if (op.len <= NAME || (op.data[NAME] != 'i' && op.data[NAME] != '_')) /* asked for every event of a trace */
        return false;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (evr_str_is(op, ops[i]))
            return true;
    return false;
}

bool evr_infer_indices_hash(evr_extractor *x, evr_uid uid, uint64_t *out)
{
    evr_recorded_call call;
    shape self;
    clues c;
    found f;
    *out = 0;
    evr_status status = evr_recorder_read(&x->recorder, x->trace, uid, &call, NULL);
    if (status != EVR_OK || !call.count || !take(&self, &call.args[0]))
        return status != EVR_E_NOMEM;
    if (!find(x, uid, &self, &c, &f))
        return !c.starved;
    uint64_t hash = f.place;
    for (size_t i = 0; i < f.count; i++) {
        uint64_t one = evr_hash(f.shapes[i].sizes, f.shapes[i].rank * sizeof *f.shapes[i].sizes);
        hash = evr_hash(&(uint64_t[]){hash, one, (uint64_t)f.dtypes[i]}, 3 * sizeof hash);
    }
    *out = hash | 1;
    return true;
}
