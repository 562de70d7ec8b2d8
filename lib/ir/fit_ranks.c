/* A record of a call to other ranks, made to run among those that there are. */
#include "ir/record.h"
#include "base/buf.h"
#include "ir/status.h"

#include <evreplay/ranks.h>

#include <stdio.h>

int32_t evr_ir_communicates(const evr_ir *ir)
{
    return evr_communicates(ir->op) || evr_str_is(ir->op, "record_param_comms");
}

/* What is known while a copy is changed. */
typedef struct fitting {
    evr_ir *ir;
    const evr_ranks *how;
    int64_t recorded, size; /* of the group: then, now */
    int64_t place;          /* of this rank in it; -1 = it is not in it */
    evr_error **err;
} fitting;

static evr_status note(fitting *f, evr_argument *a, const char *text)
{
    a->provenance = EVR_FROM_RULE;
    return evr_ir_text(f->ir, evr_str_c(text), &a->note) ? EVR_OK : evr_fail_nomem(f->err);
}

/* "c10d::alltoall_base_" of "c10d::alltoall_base_(Tensor output, …": what is called, which may not be how the event is. */
static evr_str called(const evr_ir *ir)
{
    size_t end = 0;
    while (end < ir->schema.len && ir->schema.data[end] != '(' && ir->schema.data[end] != '.')
        end++;
    return end ? evr_str_sub(ir->schema, 0, end) : ir->op;
}

static evr_status copy(const evr_ir *from, evr_ir **out, evr_error **err)
{
    evr_ir *ir;
    EVR_TRY(evr_ir_new(from->ctx, &ir, err));
    ir->count = from->count;
    ir->uid = from->uid;
    bool good = evr_ir_text(ir, called(from), &ir->op) && evr_ir_text(ir, from->overload, &ir->overload) && evr_ir_text(ir, from->schema, &ir->schema) &&
                evr_ir_text(ir, from->device, &ir->device);
    evr_status status = good ? EVR_OK : evr_fail_nomem(err);
    for (size_t i = 0; status == EVR_OK && i < from->arg_count; i++) {
        evr_argument *a = evr_ir_add_argument(ir);
        good = a && evr_ir_text(ir, from->args[i].name, &a->name) && evr_ir_text(ir, from->args[i].type, &a->type) &&
               evr_ir_text(ir, from->args[i].note, &a->note);
        status = good ? evr_ir_copy_value(ir, &from->args[i].value, &a->value, err) : evr_fail_nomem(err);
        if (status == EVR_OK) {
            a->flags = from->args[i].flags;
            a->provenance = from->args[i].provenance;
        }
    }
    for (size_t i = 0; status == EVR_OK && i < from->kernel_count; i++) {
        evr_kernel *k = evr_ir_add_kernel(ir);
        status = k && evr_ir_text(ir, from->kernels[i].name, &k->name) ? EVR_OK : evr_fail_nomem(err);
        if (status == EVR_OK) {
            k->count = from->kernels[i].count;
            k->total_ns = from->kernels[i].total_ns;
        }
    }
    if (status == EVR_OK && from->has_group)
        status = evr_ir_set_group(ir, &from->group, err);
    if (status != EVR_OK)
        evr_ir_free(ir);
    else
        *out = ir;
    return status;
}

/* all-to-all: experts live on the ranks of such groups. */
static bool is_exchange(evr_str op) { return evr_str_has(op, "all_to_all") || evr_str_has(op, "alltoall"); }

static int64_t whole_of(fitting *f, const char *name)
{
    const evr_argument *a = evr_ir_named(f->ir, name);
    return a && a->value.kind == EVR_VALUE_INT ? a->value.u.i : 0;
}

/* An exchange has as many parts as its group has ranks. */
static int64_t parts_of(fitting *f)
{
    const evr_argument *a = is_exchange(f->ir->op) ? evr_ir_named(f->ir, "input_split_sizes") : NULL;
    return a && a->value.kind == EVR_VALUE_LIST ? (int64_t)a->value.u.list.len : 0;
}

static void choose_sizes(fitting *f)
{
    int64_t said = whole_of(f, "group_size"), asked = f->how->group_size;
    if (is_exchange(f->ir->op) && f->how->expert_size)
        asked = f->how->expert_size;
    f->recorded = f->ir->has_group && f->ir->group.size > 0 ? f->ir->group.size : said > 0 ? said : parts_of(f);
    f->size = asked > 0 ? asked : f->recorded > 0 ? f->recorded : f->how->count;
    f->recorded = f->recorded > 0 ? f->recorded : f->size;
}

/* The ranks of the trace where they are here, too; else the first ones. */
static void choose_ranks(fitting *f, int64_t *ranks)
{
    const evr_group *g = &f->ir->group;
    bool same = f->ir->has_group && g->rank_count == (size_t)f->size && f->size == f->recorded;
    for (size_t i = 0; same && i < g->rank_count; i++)
        same = g->ranks[i] >= 0 && g->ranks[i] < f->how->count;
    f->place = -1;
    for (int64_t i = 0; i < f->size; i++) {
        ranks[i] = same ? g->ranks[i] : i;
        f->place = ranks[i] == f->how->rank ? i : f->place;
    }
}

/* Same ranks, same name: "evreplay:0-3", "evreplay:0,2". */
static evr_status name_group(fitting *f, const int64_t *ranks)
{
    evr_buf name;
    evr_buf_init(&name, f->ir->ctx);
    bool row = true;
    for (int64_t i = 1; i < f->size; i++)
        row &= ranks[i] == ranks[0] + i;
    evr_buf_printf(&name, "evreplay:%lld", (long long)ranks[0]);
    if (row && f->size > 1)
        evr_buf_printf(&name, "-%lld", (long long)ranks[f->size - 1]);
    for (int64_t i = 1; !row && i < f->size; i++)
        evr_buf_printf(&name, ",%lld", (long long)ranks[i]);
    const evr_group g = {.struct_size = sizeof g,
                         .size = (int32_t)f->size,
                         .name = evr_buf_view(&name),
                         .description = f->ir->has_group ? f->ir->group.description : (evr_str){"", 0},
                         .backend = f->ir->has_group ? f->ir->group.backend : (evr_str){"", 0},
                         .ranks = ranks,
                         .rank_count = (size_t)f->size};
    evr_status status = name.failed ? evr_fail_nomem(f->err) : evr_ir_set_group(f->ir, &g, f->err);
    evr_buf_free(&name);
    return status;
}

/* The group's name here stands wherever its name there stood. That is no guess, so it needs no note. */
static evr_status put_name(fitting *f)
{
    for (size_t i = 0; i < f->ir->arg_count; i++) {
        evr_argument *a = &f->ir->args[i];
        if (!evr_str_has(a->type, "ProcessGroup") && !evr_str_is(a->name, "group_name") && !evr_str_is(a->name, "process_group"))
            continue;
        a->value = (evr_value){.kind = EVR_VALUE_STR, .u.s = f->ir->group.name};
        a->provenance = EVR_FROM_TRACE;
        a->note = (evr_str){"", 0};
    }
    return EVR_OK;
}

static void make_contiguous(evr_tensor *t)
{
    evr_contiguous_strides(t->shape, t->rank, (int64_t *)t->strides);
    t->storage_elements = t->storage_offset = 0;
}

/* Gives every tensor of a value `rows` as its first size. */
static evr_status set_rows(fitting *f, evr_argument *a, evr_value *v, int64_t rows)
{
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        EVR_TRY(set_rows(f, a, (evr_value *)&v->u.list.items[i], rows));
    if (v->kind != EVR_VALUE_TENSOR)
        return EVR_OK;
    evr_tensor *t = (evr_tensor *)v->u.tensor; /* of the copy */
    if (!t->rank)
        return evr_fail(f->ir->ctx, f->err, EVR_E_INVALID, "%.*s: argument %.*s has no dimension that could follow the number of ranks",
                        EVR_STR_ARG(f->ir->op), EVR_STR_ARG(a->name));
    ((int64_t *)t->shape)[0] = rows;
    make_contiguous(t);
    return EVR_OK;
}

/* Tensors that hold a part for each rank: their first size goes with the group's. */
static evr_status scale(fitting *f, evr_argument *a, evr_value *v)
{
    char text[160];
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        EVR_TRY(scale(f, a, (evr_value *)&v->u.list.items[i]));
    if (v->kind != EVR_VALUE_TENSOR)
        return EVR_OK;
    const evr_tensor *t = v->u.tensor;
    int64_t rows;
    if (!t->rank || t->shape[0] % f->recorded || __builtin_mul_overflow(t->shape[0] / f->recorded, f->size, &rows)) {
        evr_fail(f->ir->ctx, f->err, EVR_E_INVALID, "%.*s: argument %.*s cannot be made to fit %lld ranks: its first size is no multiple of %lld",
                 EVR_STR_ARG(f->ir->op), EVR_STR_ARG(a->name), (long long)f->size, (long long)f->recorded);
        return evr_hint(f->err, "replay with as many ranks as the trace has");
    }
    snprintf(text, sizeof text, "recorded among %lld ranks: made to fit %lld", (long long)f->recorded, (long long)f->size);
    EVR_TRY(set_rows(f, a, v, rows));
    return note(f, a, text);
}

/* A list with something for each rank: the first stands for all. */
static evr_status relist_here(fitting *f, evr_argument *a, evr_value *v)
{
    if (v->kind != EVR_VALUE_LIST || !v->u.list.len || v->u.list.len == (size_t)f->size)
        return EVR_OK;
    evr_value *items = evr_ir_add_items(f->ir, (size_t)f->size);
    if (!items)
        return evr_fail_nomem(f->err);
    for (int64_t i = 0; i < f->size; i++)
        EVR_TRY(evr_ir_copy_value(f->ir, &v->u.list.items[0], &items[i], f->err));
    v->u.list.items = items;
    v->u.list.len = (size_t)f->size;
    return note(f, a, "one for each rank that there is, as the first that was recorded");
}

/* The same one list further in, where such lists are in one. */
static evr_status relist(fitting *f, evr_argument *a, evr_value *v)
{
    if (v->kind != EVR_VALUE_LIST || !v->u.list.len || v->u.list.items[0].kind != EVR_VALUE_LIST)
        return relist_here(f, a, v);
    for (size_t i = 0; i < v->u.list.len; i++)
        EVR_TRY(relist(f, a, (evr_value *)&v->u.list.items[i]));
    return EVR_OK;
}

/* What follows the size of the group, by operator. */
static const struct {
    const char *op, *argument;
    evr_status (*change)(fitting *, evr_argument *, evr_value *);
} sized[] = {
    {"c10d::_allgather_base_", "output_tensor", scale},
    {"c10d::allgather_into_tensor_coalesced_", "outputs", scale},
    {"c10d::_reduce_scatter_base_", "input_tensor", scale},
    {"c10d::reduce_scatter_tensor_coalesced_", "inputs", scale},
    {"_c10d_functional::all_gather_into_tensor_out", "out", scale},
    {"_c10d_functional::reduce_scatter_tensor", "input", scale},
    {"_c10d_functional::reduce_scatter_tensor_out", "input", scale},
    {"_c10d_functional::reduce_scatter_tensor_coalesced", "inputs", scale},
    {"_c10d_functional_autograd::reduce_scatter_tensor", "input", scale},
    {"symm_mem::multimem_all_gather_out", "out", scale},
    {"symm_mem::reduce_scatter_out", "input", scale},
    {"c10d::allgather_", "output_tensors", relist},
    {"c10d::allgather_coalesced_", "output_lists", relist_here},
    {"c10d::reduce_scatter_", "input_tensors", relist},
    {"c10d::gather_", "output_tensors", relist},
    {"c10d::scatter_", "input_tensors", relist},
    {"c10d::alltoall_", "output_tensors", relist},
    {"c10d::alltoall_", "input_tensors", relist},
};

static evr_status follow_size(fitting *f)
{
    evr_argument *group_size = evr_ir_named(f->ir, "group_size");
    for (size_t i = 0; f->size != f->recorded && i < sizeof sized / sizeof *sized; i++) {
        evr_argument *a = evr_str_is(f->ir->op, sized[i].op) ? evr_ir_named(f->ir, sized[i].argument) : NULL;
        if (a)
            EVR_TRY(sized[i].change(f, a, &a->value));
    }
    if (group_size)
        group_size->value = (evr_value){.kind = EVR_VALUE_INT, .u.i = f->size};
    return EVR_OK;
}

/* Only the root of a gather or a scatter has the list of all. */
static evr_status follow_root(fitting *f)
{
    bool gather = evr_str_is(f->ir->op, "c10d::gather_"), functional = evr_str_starts(f->ir->op, "_c10d_functional::broadcast");
    evr_argument *root = evr_ir_named(f->ir, functional ? "src" : "root_rank"), *a = evr_ir_named(f->ir, gather ? "output_tensors" : "input_tensors");
    if (root && root->value.kind == EVR_VALUE_INT && (root->value.u.i < 0 || root->value.u.i >= f->size)) {
        root->value.u.i = 0;
        EVR_TRY(note(f, root, "the recorded root is not among the ranks: the first is taken"));
    }
    if (!root || !a || (!gather && !evr_str_is(f->ir->op, "c10d::scatter_")))
        return EVR_OK;
    if (root->value.kind == EVR_VALUE_INT && root->value.u.i != f->place && a->value.kind == EVR_VALUE_LIST)
        a->value.u.list.len = 0;
    return EVR_OK;
}

static evr_status put_splits(fitting *f, evr_argument *a, const int64_t *parts, const char *why)
{
    evr_value *items = a ? evr_ir_add_items(f->ir, (size_t)f->size) : NULL;
    if (!a)
        return EVR_OK;
    if (!items)
        return evr_fail_nomem(f->err);
    for (int64_t i = 0; i < f->size; i++)
        items[i] = (evr_value){.kind = EVR_VALUE_INT, .u.i = parts[i]};
    a->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, (size_t)f->size}};
    return why ? note(f, a, why) : EVR_OK;
}

/* Sizes of parts that were recorded and fit the tensor. */
static bool recorded_parts(const fitting *f, const evr_argument *a, int64_t rows, int64_t *parts)
{
    int64_t sum = 0;
    if (!a || a->value.kind != EVR_VALUE_LIST || a->value.u.list.len != (size_t)f->size || f->size != f->recorded)
        return false;
    for (int64_t i = 0; i < f->size; i++) {
        const evr_value *v = &a->value.u.list.items[i];
        if (v->kind != EVR_VALUE_INT || v->u.i < 0 || __builtin_add_overflow(sum, v->u.i, &sum))
            return false;
        parts[i] = v->u.i;
    }
    return sum == rows;
}

/* One record for all ranks: each sends the parts that were recorded for one, and receives what the others then send it. Where no parts are known, or they
 * are of another number of ranks, they are even. */
static evr_status follow_splits(fitting *f)
{
    evr_argument *in = evr_ir_named(f->ir, "input_split_sizes"), *out = evr_ir_named(f->ir, "output_split_sizes"), *input = evr_ir_named(f->ir, "input"),
                 *output = evr_ir_named(f->ir, "output");
    if (!is_exchange(f->ir->op) || !in || !out || !input || input->value.kind != EVR_VALUE_TENSOR || !input->value.u.tensor->rank || f->place < 0)
        return EVR_OK;
    if (f->how->flags & EVR_RANKS_OWN_RECORDS && f->size == f->recorded)
        return EVR_OK;
    int64_t rows = input->value.u.tensor->shape[0];
    int64_t *parts = evr_arena_alloc(&f->ir->arena, (size_t)f->size * sizeof *parts);
    if (!parts)
        return evr_fail_nomem(f->err);
    bool none = in->value.kind != EVR_VALUE_LIST || !in->value.u.list.len, recorded = recorded_parts(f, in, rows, parts), even = true;
    if (none && rows % f->size == 0 && f->size == f->recorded) /* even by the operator's own rule */
        return EVR_OK;
    for (int64_t i = 0; i < f->size; i++) {
        parts[i] = recorded ? parts[i] : rows / f->size + (i < rows % f->size);
        even &= parts[i] == parts[0];
    }
    EVR_TRY(put_splits(f, in, parts, recorded ? NULL : none ? "no sizes of parts were recorded: even ones" : "recorded for other parts: even ones"));
    int64_t mine = parts[f->place], received;
    if (__builtin_mul_overflow(mine, f->size, &received))
        return evr_fail(f->ir->ctx, f->err, EVR_E_TOO_LARGE, "%.*s: what a rank receives is beyond any memory", EVR_STR_ARG(f->ir->op));
    for (int64_t i = 0; i < f->size; i++)
        parts[i] = mine;
    EVR_TRY(put_splits(f, out, parts, recorded && even ? NULL : "what the other ranks send when all have this record"));
    if (!output || output->value.kind != EVR_VALUE_TENSOR || !output->value.u.tensor->rank || output->value.u.tensor->shape[0] == received)
        return EVR_OK;
    EVR_TRY(set_rows(f, output, &output->value, received));
    return note(f, output, "as large as what the other ranks send when all have this record");
}

static bool same_shape(const evr_value *a, const evr_value *b)
{
    return a->kind == EVR_VALUE_TENSOR && b->kind == EVR_VALUE_TENSOR && a->u.tensor->rank == b->u.tensor->rank &&
           !memcmp(a->u.tensor->shape, b->u.tensor->shape, a->u.tensor->rank * sizeof *a->u.tensor->shape);
}

/* The same for an exchange of lists: what comes from every rank is as large as what this one has for its own place. */
static evr_status follow_lists(fitting *f)
{
    evr_argument *in = evr_ir_named(f->ir, "input_tensors"), *out = evr_ir_named(f->ir, "output_tensors");
    if (!is_exchange(f->ir->op) || !in || !out || f->place < 0 || in->value.kind != EVR_VALUE_LIST || in->value.u.list.len != (size_t)f->size)
        return EVR_OK;
    if (f->how->flags & EVR_RANKS_OWN_RECORDS && f->size == f->recorded)
        return EVR_OK;
    const evr_value *mine = &in->value.u.list.items[f->place];
    bool fits = out->value.kind == EVR_VALUE_LIST && out->value.u.list.len == (size_t)f->size;
    for (int64_t i = 0; fits && i < f->size; i++)
        fits = same_shape(mine, &out->value.u.list.items[i]);
    if (fits)
        return EVR_OK;
    evr_value *items = evr_ir_add_items(f->ir, (size_t)f->size);
    if (!items)
        return evr_fail_nomem(f->err);
    for (int64_t i = 0; i < f->size; i++)
        EVR_TRY(evr_ir_copy_value(f->ir, mine, &items[i], f->err));
    out->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, (size_t)f->size}};
    return note(f, out, "as large as what the other ranks send when all have this record");
}

evr_status evr_ir_fit_ranks(const evr_ir *from, const evr_ranks *how, evr_ir **out, int64_t *ranks, size_t *rank_count, int32_t *needed, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!from || !how || !out || !ranks || !rank_count || !needed || how->count < 1)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_ir_fit_ranks: a record, ranks and room for what comes out are needed");
    if (how->group_size < 0 || how->expert_size < 0)
        return evr_fail(from->ctx, err, EVR_E_INVALID, "evr_ir_fit_ranks: a group of %d ranks cannot be; 0 leaves it as it was recorded",
                        how->group_size < 0 ? how->group_size : how->expert_size);
    fitting f = {.how = how, .err = err};
    *out = NULL;
    *rank_count = 0;
    *needed = 0;
    EVR_TRY(copy(from, &f.ir, err));
    choose_sizes(&f);
    evr_status status = EVR_OK;
    if (f.size > how->count) {
        *needed = (int32_t)(f.size > INT32_MAX ? INT32_MAX : f.size);
        status = evr_fail(from->ctx, err, EVR_E_NOT_REPLAYABLE, "%.*s needs %lld ranks, and there are %d", EVR_STR_ARG(from->op), (long long)f.size, how->count);
        evr_hint(err, "%s", evr_reason_advice(EVR_REASON_NEEDS_RANKS));
    } else {
        choose_ranks(&f, ranks);
        status = name_group(&f, ranks);
    }
    static evr_status (*const steps[])(fitting *) = {put_name, follow_size, follow_root, follow_splits, follow_lists};
    for (size_t i = 0; status == EVR_OK && i < sizeof steps / sizeof *steps; i++)
        status = steps[i](&f);
    if (status != EVR_OK) {
        evr_ir_free(f.ir);
        return status;
    }
    *rank_count = (size_t)f.size;
    *out = f.ir;
    return EVR_OK;
}
