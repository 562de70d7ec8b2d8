/* Rules for arguments that profilers before PyTorch 2.1 wrote no values of. A rule either tells what was given, from shapes and
 * from events around the call, or takes a value that is given nearly always or makes the operator do the same work; its
 * note says which. tests/corpus/check_inference.py counts how often they are right. */
#include "ir/infer.h"
#include "ir/values.h"

typedef struct scene {
    evr_extractor *x;
    evr_ir *ir;
    bool starved; /* memory was out while a neighbour was read */
} scene;

static const evr_tensor *tensor_named(const evr_ir *ir, const char *name)
{
    const evr_argument *a = evr_ir_named(ir, name);
    return a && a->value.kind == EVR_VALUE_TENSOR ? a->value.u.tensor : NULL;
}

static const evr_tensor *first_tensor(const evr_ir *ir)
{
    for (size_t i = 0; i < ir->arg_count; i++)
        if (ir->args[i].value.kind == EVR_VALUE_TENSOR)
            return ir->args[i].value.u.tensor;
    return NULL;
}

/* The arguments of another event; false when they are damaged, or memory is out. */
static bool read_neighbour(scene *s, evr_uid uid, evr_recorded_call *call)
{
    evr_status status = evr_recorder_read(&s->x->neighbour, s->x->trace, uid, call, NULL);
    s->starved |= status == EVR_E_NOMEM;
    return status == EVR_OK;
}

/* The tensor that an event writes to, if it is an operator in place such as copy_ and zero_. What is given is the recorder's. */
static const evr_recorded *written_by(scene *s, evr_uid uid)
{
    evr_event e = {.struct_size = sizeof e};
    evr_recorded_call call;
    evr_trace_event(s->x->trace, uid, &e, NULL);
    if (e.kind != EVR_KIND_OP || !evr_str_ends(e.name, "_") || !read_neighbour(s, uid, &call))
        return NULL;
    return call.count && call.args[0].seen.kind == EVR_SEEN_TENSOR && call.args[0].shape ? &call.args[0] : NULL;
}

/* The padding of the convolution that is carried out. */
static const evr_recorded *padding_of(scene *s, evr_uid uid)
{
    enum { PADDING = 4 };
    evr_event e = {.struct_size = sizeof e};
    evr_recorded_call call;
    evr_trace_event(s->x->trace, uid, &e, NULL);
    if (!evr_str_is(e.name, "aten::convolution") || !read_neighbour(s, uid, &call))
        return NULL;
    return call.count > PADDING ? &call.args[PADDING] : NULL;
}

/* What `pick` finds in an operator below the call, the first by depth. */
static const evr_recorded *find_below(scene *s, const evr_recorded *(*pick)(scene *, evr_uid))
{
    enum { DEEPEST = 4 };
    const evr_trace *t = s->x->trace;
    evr_uid at[DEEPEST + 1] = {evr_trace_first_child(t, s->ir->uid)};
    int depth = 0, budget = 32;
    const evr_recorded *r = NULL;
    while (!r && depth >= 0 && budget-- > 0) {
        evr_uid uid = at[depth];
        if (uid == EVR_NO_UID) {
            depth--;
            continue;
        }
        at[depth] = evr_trace_next_sibling(t, uid);
        r = pick(s, uid);
        if (!r && depth < DEEPEST)
            at[++depth] = evr_trace_first_child(t, uid);
    }
    return r;
}

/* What the call makes is what an operator below it writes to first, or the one that comes next within the same operator. `shape`
 * is what it has to have; NULL for any. */
static const evr_recorded *made(scene *s, const evr_tensor *shape)
{
    const evr_trace *t = s->x->trace;
    evr_event e = {.struct_size = sizeof e}, own = {.struct_size = sizeof own};
    const evr_recorded *r = find_below(s, written_by);
    evr_trace_event(t, s->ir->uid, &own, NULL);
    evr_uid next = evr_trace_next_sibling(t, s->ir->uid);
    if (!r && own.parent != EVR_NO_UID && next != EVR_NO_UID) {
        evr_trace_event(t, own.parent, &e, NULL);
        r = e.kind == EVR_KIND_OP ? written_by(s, next) : NULL;
    }
    bool fits = r && (!shape || (shape->rank == r->seen.rank && memcmp(shape->shape, r->shape, shape->rank * sizeof *r->shape) == 0));
    return fits ? r : NULL;
}

/* "same" or "valid", which no profiler writes. */
static evr_status padding_mode(scene *s, evr_argument *a, evr_error **err)
{
    const evr_recorded *r = find_below(s, padding_of);
    if (!r || !r->seen.text.len)
        return EVR_OK;
    bool same = false;
    for (size_t i = 0; i < r->seen.text.len; i++)
        same |= r->seen.text.data[i] >= '1' && r->seen.text.data[i] <= '9';
    a->value = (evr_value){.kind = EVR_VALUE_STR, .u.s = evr_str_c(same ? "same" : "valid")};
    return evr_argument_note(s->ir, a, EVR_FROM_RULE, "by the padding of the convolution below it", err);
}

static evr_status dtype_of_made(scene *s, evr_argument *a, evr_error **err)
{
    const evr_tensor *self = first_tensor(s->ir);
    const evr_recorded *r = made(s, self);
    bool idle = !r && evr_str_is(s->ir->op, "aten::to") && evr_trace_first_child(s->x->trace, s->ir->uid) == EVR_NO_UID;
    int32_t dtype = r ? r->seen.dtype : idle && self ? self->dtype : EVR_DTYPE_UNKNOWN;
    if (dtype == EVR_DTYPE_UNKNOWN)
        return EVR_OK;
    a->value = (evr_value){.kind = EVR_VALUE_DTYPE, .u.i = dtype};
    return evr_argument_note(s->ir, a, EVR_FROM_RULE, r ? "of the tensor that operators here write the result to" : "nothing ran here: its own", err);
}

/* Only of what makes tensors: elsewhere a size is not that of what is written. */
static bool creates(const evr_ir *ir)
{
    static const char *const begin[] = {"aten::empty", "aten::new_", "aten::zeros", "aten::ones", "aten::full"};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (evr_str_starts(ir->op, begin[i]))
            return true;
    return false;
}

static evr_status size_of_made(scene *s, evr_argument *a, evr_error **err)
{
    const evr_recorded *r = creates(s->ir) ? made(s, NULL) : NULL;
    if (!r)
        return EVR_OK;
    return evr_argument_sizes(s->ir, a, r->shape, r->seen.rank, "of the tensor that operators here write to", err);
}

static evr_status strides_of_made(scene *s, evr_argument *a, evr_error **err)
{
    enum { DIMS = 64 };
    int64_t strides[DIMS];
    const evr_recorded *r = creates(s->ir) ? made(s, NULL) : NULL;
    if (!r)
        return EVR_OK;
    if (!r->strides)
        evr_contiguous_strides(r->shape, r->seen.rank, strides);
    return evr_argument_sizes(s->ir, a, r->strides ? r->strides : strides, r->seen.rank,
                              r->strides ? "of the tensor that operators here write to" : "of a contiguous tensor", err);
}

static evr_status normalized_shape(scene *s, evr_argument *a, evr_error **err)
{
    const evr_tensor *weight = tensor_named(s->ir, "weight"), *input = tensor_named(s->ir, "input");
    if (weight)
        return evr_argument_sizes(s->ir, a, weight->shape, weight->rank, "the shape of weight", err);
    if (!input || !input->rank)
        return EVR_OK;
    return evr_argument_sizes(s->ir, a, &input->shape[input->rank - 1], 1, "no weight tells it: the last dimension is assumed", err);
}

/* gather and scatter: an index may differ in size from the tensor in their dimension, and hardly ever does in others. */
static evr_status dim_of_index(scene *s, const evr_tensor *self, const evr_tensor *index, evr_argument *a, evr_error **err)
{
    int64_t found = -1;
    if (!index || index->rank != self->rank)
        return EVR_OK;
    for (uint32_t d = 0; d < self->rank; d++) {
        if (index->shape[d] == self->shape[d])
            continue;
        if (found >= 0)
            return EVR_OK;
        found = d;
    }
    return found < 0 ? EVR_OK : evr_argument_whole(s->ir, a, found, "the one dimension in which index has another size", err);
}

static evr_status dim(scene *s, evr_argument *a, evr_error **err)
{
    const evr_tensor *self = first_tensor(s->ir);
    bool adds_one = evr_str_starts(s->ir->op, "aten::unsqueeze"); /* there are two places for it */
    if (!self || adds_one)
        return EVR_OK;
    if (self->rank <= 1)
        return evr_argument_whole(s->ir, a, 0, "there is one dimension", err);
    return dim_of_index(s, self, tensor_named(s->ir, "index"), a, err);
}

static evr_status dims(scene *s, evr_argument *a, evr_error **err)
{
    static const int64_t first = 0;
    const evr_tensor *self = first_tensor(s->ir);
    if (!self || self->rank != 1)
        return EVR_OK;
    return evr_argument_sizes(s->ir, a, &first, 1, "there is one dimension", err);
}

/* Of two dimensions one transposition moves anything. */
static evr_status transposed(scene *s, evr_argument *a, evr_error **err)
{
    const evr_tensor *self = first_tensor(s->ir);
    if (!self || self->rank != 2 || !evr_str_starts(s->ir->op, "aten::transpose"))
        return EVR_OK;
    return evr_argument_whole(s->ir, a, evr_str_is(a->name, "dim1"), "there are two dimensions, which change places", err);
}

static evr_status index_of_one(scene *s, evr_argument *a, evr_error **err)
{
    return evr_str_is(s->ir->op, "aten::select") ? evr_argument_whole(s->ir, a, 0, "the index was not recorded: all make the same work", err)
                                                 : EVR_OK;
}

/* Which gradients of a normalization are wanted: those of weight and bias where there is a weight. */
static evr_status outputs_wanted(scene *s, evr_argument *a, evr_error **err)
{
    int64_t count;
    if (!evr_str_ends(s->ir->op, "_norm_backward"))
        return EVR_OK;
    size_t open = evr_str_find(a->type, '[', 0);
    if (open == SIZE_MAX || !evr_str_to_i64(evr_str_sub(a->type, open + 1, a->type.len - 1), &count) || count < 1 || count > 8)
        return EVR_OK;
    evr_value *items = evr_ir_add_items(s->ir, (size_t)count);
    if (!items)
        return evr_fail_nomem(err);
    for (int64_t i = 0; i < count; i++)
        items[i] = (evr_value){.kind = EVR_VALUE_BOOL, .u.i = i == 0 || tensor_named(s->ir, "weight")};
    a->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, (size_t)count}};
    return evr_argument_note(s->ir, a, EVR_FROM_RULE, "not recorded: what there are arguments for is assumed to be wanted", err);
}

/* Sizes are told by these, or how much there is to do. */
static bool decides_the_work(evr_str name)
{
    static const char *const names[] = {"start", "end", "step", "p"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (evr_str_is(name, names[i]))
            return true;
    return evr_str_starts(name, "scale_") || evr_str_starts(name, "scales");
}

static evr_status number(scene *s, evr_argument *a, evr_error **err)
{
    /* what is usual for those that have cheaper values than others, or a range; else 1 */
    static const struct {
        const char *op, *name; /* NULL: of any */
        double value;
    } usual[] = {{"aten::norm", "p", 2},    {"aten::bernoulli_", "p", 0.5}, {NULL, "exponent", 2}, {NULL, "ord", 2},
                 {NULL, "dropout_p", 0},    {NULL, "eps", 1e-5},            {NULL, "epsilon", 1e-5},
                 {NULL, "threshold", 0},    {NULL, "momentum", 0.1}};
    double value = 1;
    bool known = false;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !known; i++)
        if (evr_str_is(a->name, usual[i].name) && (!usual[i].op || evr_str_is(s->ir->op, usual[i].op))) {
            value = usual[i].value;
            known = true;
        }
    if (!known && decides_the_work(a->name))
        return EVR_OK;
    if (value == (double)(int64_t)value && evr_str_starts(a->type, "Scalar"))
        a->value = (evr_value){.kind = EVR_VALUE_INT, .u.i = (int64_t)value};
    else
        a->value = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = value};
    return evr_argument_note(s->ir, a, EVR_FROM_RULE, "the number was not recorded: one that makes the same work is taken", err);
}

static evr_status indices(scene *s, evr_argument *a, evr_error **err) { return evr_infer_indices(s->x, s->ir, a, err); }

static const struct {
    const char *name;   /* of the parameter; NULL = any */
    evr_type_kind type; /* of it, or of its items */
    bool list;
    evr_status (*find)(scene *s, evr_argument *a, evr_error **err); /* NULL: one value is taken for all */
    evr_value assumed;
    const char *note;
} rules[] = {
    {"dtype", EVR_TYPE_DTYPE, false, dtype_of_made},
    {"size", EVR_TYPE_SYMINT, true, size_of_made},
    {"stride", EVR_TYPE_SYMINT, true, strides_of_made},
    {"normalized_shape", EVR_TYPE_SYMINT, true, normalized_shape},
    {"dim", EVR_TYPE_INT, false, dim},
    {"dim", EVR_TYPE_INT, true, dims},
    {"dim0", EVR_TYPE_INT, false, transposed},
    {"dim1", EVR_TYPE_INT, false, transposed},
    {"index", EVR_TYPE_SYMINT, false, index_of_one},
    {"sparse_grad", EVR_TYPE_BOOL, false, NULL, {.kind = EVR_VALUE_BOOL}, "not recorded: False is assumed"},
    {"pin_memory", EVR_TYPE_BOOL, false, NULL, {.kind = EVR_VALUE_BOOL}, "not recorded: False is assumed"},
    {"output_mask", EVR_TYPE_BOOL, true, outputs_wanted},
    {"padding", EVR_TYPE_STR, false, padding_mode},
    {"indices", EVR_TYPE_TENSOR, true, indices},
    {NULL, EVR_TYPE_LAYOUT, false, NULL, {.kind = EVR_VALUE_LAYOUT}, "one was given, but not recorded: strided is assumed"},
    {NULL, EVR_TYPE_MEMORY_FORMAT, false, NULL, {.kind = EVR_VALUE_MEMORY_FORMAT},
     "one was given, but not recorded: contiguous is assumed"},
    {NULL, EVR_TYPE_SCALAR, false, number},
    {NULL, EVR_TYPE_FLOAT, false, number},
};

static evr_status infer_argument(scene *s, evr_argument *a, const evr_type *type, evr_error **err)
{
    const evr_type *bare = evr_type_bare(type);
    bool list = bare->kind == EVR_TYPE_LIST;
    evr_type_kind kind = list ? evr_type_bare(bare->elem)->kind : bare->kind;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].list != list || rules[i].type != kind || (rules[i].name && !evr_str_is(a->name, rules[i].name)))
            continue;
        if (rules[i].find)
            return rules[i].find(s, a, err);
        a->value = rules[i].assumed;
        return evr_argument_note(s->ir, a, EVR_FROM_RULE, rules[i].note, err);
    }
    return EVR_OK;
}

evr_status evr_infer_values(evr_extractor *x, evr_ir *ir, const evr_schema *schema, evr_error **err)
{
    scene s = {x, ir, false};
    for (size_t i = 0; i < ir->arg_count; i++) {
        bool dropped = schema->params[i].type->kind == EVR_TYPE_STR && ir->args[i].provenance == EVR_FROM_DEFAULT;
        if (ir->args[i].value.kind != EVR_VALUE_MISSING && !dropped)
            continue;
        if (evr_str_starts(ir->op, "aten::as_strided"))
            return evr_infer_strided(x, ir, err);
        EVR_TRY(infer_argument(&s, &ir->args[i], schema->params[i].type, err));
    }
    return s.starved ? evr_fail_nomem(err) : EVR_OK;
}
