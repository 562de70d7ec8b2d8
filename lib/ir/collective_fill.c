/* Arguments of a call to other ranks that its own event did not tell, from what the events below it do. */
#include "ir/collective.h"
#include "ir/values.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_RANKS = 1 << 16 };

/* The numbers of "[0, 1, 2]"; *count is 0 when it is cut short or is no such list. EVR_OK or EVR_E_NOMEM. */
static evr_status numbers_of(evr_ir *ir, evr_str text, int64_t **out, size_t *count, evr_error **err)
{
    evr_str body = evr_str_trim(text.len > 1 && text.data[0] == '[' ? evr_str_sub(text, 1, text.len - 1) : (evr_str){"", 0});
    size_t n = body.len != 0;
    *count = 0;
    for (size_t i = 0; i < body.len; i++)
        n += body.data[i] == ',';
    if (!n || n > MOST_RANKS)
        return EVR_OK;
    if (!(*out = evr_arena_alloc(&ir->arena, n * sizeof **out)))
        return evr_fail_nomem(err);
    for (size_t from = 0, i = 0; i < n; i++) {
        size_t to = evr_str_find(body, ',', from);
        if (!evr_str_to_i64(evr_str_trim(evr_str_sub(body, from, to == SIZE_MAX ? body.len : to)), &(*out)[i]) || (*out)[i] < 0)
            return EVR_OK;
        from = to + 1;
    }
    *count = n;
    return EVR_OK;
}

/* A field of an object in the trace's metadata, as it stands there. */
static evr_str field_of(evr_json object, const char *name)
{
    evr_str key, found = {"", 0};
    bool first = true;
    evr_json_enter(&object, '{');
    while (evr_json_next_field(&object, &first, &key)) {
        evr_str raw = evr_json_raw_value(&object);
        if (evr_str_is(key, name))
            found = raw.len >= 2 && raw.data[0] == '"' ? evr_str_sub(raw, 1, raw.len - 1) : raw;
    }
    return found;
}

/* What the trace's metadata says of the group: its ranks, where the event cut them short, its backend and purpose. */
static evr_status look_up(evr_extractor *x, const evr_collective *c, evr_group *g, evr_str *ranks, evr_error **err)
{
    evr_str info = evr_trace_metadata(x->trace, evr_str_c("distributedInfo")), key;
    bool first = true;
    evr_status opened = info.len ? evr_json_doc_open(x->ctx, &x->neighbour.doc, info, NULL) : EVR_E_NOT_FOUND;
    if (opened != EVR_OK) /* what is no JSON tells nothing */
        return opened == EVR_E_NOMEM ? evr_fail_nomem(err) : EVR_OK;
    evr_json j = x->neighbour.doc.cursor;
    evr_str backend = field_of(j, "backend"), world = field_of(j, "world_size");
    int64_t size;
    evr_json_enter(&j, '{');
    while (evr_json_next_field(&j, &first, &key)) {
        bool item = true;
        if (!evr_str_is(key, "pg_config") || evr_json_peek(&j) != '[') {
            evr_json_skip(&j);
            continue;
        }
        evr_json_enter(&j, '[');
        while (evr_json_next_item(&j, &item)) {
            if (evr_json_peek(&j) == '{' && evr_str_eq(field_of(j, "pg_name"), c->group) && c->group.len) {
                g->backend = field_of(j, "backend_config");
                g->description = g->description.len ? g->description : field_of(j, "pg_desc");
                *ranks = ranks->len > 2 ? *ranks : field_of(j, "ranks");
                if (g->size <= 0 && evr_str_to_i64(field_of(j, "pg_size"), &size) && size > 0 && size < MOST_RANKS)
                    g->size = (int32_t)size;
            }
            evr_json_skip(&j);
        }
    }
    if (!g->backend.len)
        g->backend = backend;
    if (g->size <= 0 && evr_str_to_i64(world, &size) && size > 0 && size < MOST_RANKS)
        g->size = (int32_t)size;
    return EVR_OK;
}

/* Ranks as far apart as the event says: every fourth from the second. */
static evr_status spaced_ranks(evr_ir *ir, const evr_collective *c, size_t size, int64_t **list, size_t *count, evr_error **err)
{
    int64_t last;
    if (!size || c->start < 0 || c->stride <= 0 || __builtin_mul_overflow((int64_t)size - 1, c->stride, &last) || __builtin_add_overflow(last, c->start, &last))
        return EVR_OK;
    if (!(*list = evr_arena_alloc(&ir->arena, size * sizeof **list)))
        return evr_fail_nomem(err);
    for (size_t i = 0; i < size; i++)
        (*list)[i] = c->start + (int64_t)i * c->stride;
    *count = size;
    return EVR_OK;
}

static evr_status add_group(evr_extractor *x, evr_ir *ir, const evr_collective *c, evr_error **err)
{
    evr_str ranks = c->ranks;
    int64_t *list = NULL;
    size_t count = 0;
    evr_group g = {.struct_size = sizeof g, .name = c->group, .description = c->description, .backend = {"", 0}};
    g.size = c->size > 0 && c->size < MOST_RANKS ? (int32_t)c->size : 0;
    EVR_TRY(look_up(x, c, &g, &ranks, err));
    EVR_TRY(numbers_of(ir, ranks, &list, &count, err));
    if (g.size && count != (size_t)g.size) {
        count = 0;
        EVR_TRY(spaced_ranks(ir, c, (size_t)g.size, &list, &count, err));
    }
    for (size_t i = 0; i < count; i++)
        if (list[i] >= EVR_MOST_RANKS) /* no such rank: a record with it could not be read again */
            count = 0;
    if (count) {
        g.size = (int32_t)count;
        g.ranks = list;
        g.rank_count = count;
    }
    return evr_ir_set_group(ir, &g, err);
}

/* "ncclDevKernel_AllReduce_Sum_bf16_RING_LL": which reduction ran. Averages are sums that are divided after or before. */
static const char *reduction_of(evr_extractor *x, evr_uid uid)
{
    static const struct {
        const char *part, *reduction;
    } parts[] = {{"SumPostDiv", "avg"}, {"PreMulSum", "avg"}, {"_Sum_", "sum"}, {"_Prod_", "product"}, {"_Max_", "max"}, {"_Min_", "min"},
                 {"_MinMax_", "max"}};
    size_t n;
    const evr_uid *uids = evr_trace_device_events(x->trace, uid, &n);
    for (size_t i = 0; i < n; i++) {
        evr_event e = {.struct_size = sizeof e};
        evr_trace_event(x->trace, uids[i], &e, NULL);
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            if ((evr_str_has(e.name, "nccl") || evr_str_has(e.name, "rccl")) && evr_str_has(e.name, parts[k].part))
                return parts[k].reduction;
    }
    return NULL;
}

/* Values under way into a record. */
typedef struct filling {
    evr_extractor *x;
    evr_ir *ir;
    evr_uid uid;
    const evr_collective *c;
    int64_t size; /* of the group; 1 when it is not known */
} filling;

static evr_status set_text(filling *f, evr_argument *a, const char *text, int32_t from, const char *note, evr_error **err)
{
    a->value = (evr_value){.kind = EVR_VALUE_STR};
    if (!evr_ir_text(f->ir, evr_str_c(text), &a->value.u.s))
        return evr_fail_nomem(err);
    return evr_argument_note(f->ir, a, from, note, err);
}

/* Splits count rows, so where the trace has them, rows are as long as they have to be. *rows is 0 when there are none. */
static evr_status rows_of(filling *f, evr_str split, int64_t *rows, evr_error **err)
{
    int64_t *parts;
    size_t count;
    *rows = 0;
    EVR_TRY(numbers_of(f->ir, split, &parts, &count, err));
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(*rows, parts[i], rows)) {
            *rows = 0;
            break;
        }
    return EVR_OK;
}

/* A tensor of so many elements. */
static bool add_tensor(filling *f, int64_t elements, int64_t rows, evr_value *out)
{
    int64_t shape[2] = {elements, 1}, strides[2] = {1, 1};
    bool wide = rows > 0 && rows != elements && elements % rows == 0;
    if (wide) {
        shape[0] = rows;
        shape[1] = strides[0] = elements / rows;
    }
    const evr_tensor t = {.struct_size = sizeof t,
                          .dtype = f->c->dtype,
                          .rank = wide ? 2 : 1,
                          .shape = shape,
                          .strides = strides,
                          .flags = EVR_TENSOR_STRIDES_ASSUMED,
                          .dtype_text = evr_str_c(evr_dtype_name(f->c->dtype)),
                          .device = {"", 0},
                          .init = {"", 0}};
    evr_tensor *kept = evr_ir_add_tensor(f->ir, &t);
    *out = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = kept};
    return kept != NULL;
}

/* `count` tensors alike, in as many lists around them as the type has: Tensor, Tensor[], Tensor[][]. */
static bool add_tensors(filling *f, int lists, size_t count, int64_t elements, int64_t rows, evr_value *out)
{
    if (!lists)
        return add_tensor(f, elements, rows, out);
    size_t n = lists == 1 ? count : 1;
    evr_value *items = evr_ir_add_items(f->ir, n);
    *out = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, n}};
    bool good = items != NULL;
    for (size_t i = 0; good && i < n; i++)
        good = add_tensors(f, lists - 1, count, elements, rows, &items[i]);
    return good;
}

static evr_status fill_tensors(filling *f, evr_argument *a, evr_error **err)
{
    const evr_collective *c = f->c;
    bool out = evr_str_starts(a->name, "out"), nested = evr_str_ends(a->type, "[][]");
    bool each = nested || (evr_str_ends(a->type, "[]") && evr_str_has(f->ir->schema, "::alltoall_("));
    int64_t elements = out ? c->out : c->in, rows;
    if (elements < 0 && out && c->in >= 0) { /* what an annotation tells is the input */
        elements = evr_str_has(f->ir->schema, "::_reduce_scatter_base_(") ? c->in / f->size : c->in;
        if (evr_str_has(f->ir->schema, "::_allgather_base_(") && __builtin_mul_overflow(c->in, f->size, &elements))
            elements = -1;
    }
    if (elements < 0 || c->dtype == EVR_DTYPE_UNKNOWN)
        return evr_argument_missing(f->ir, a, "neither shape nor size of the message was recorded", err);
    elements = each ? elements / f->size : elements;
    int lists = nested ? 2 : evr_str_ends(a->type, "[]") ? 1 : 0;
    EVR_TRY(rows_of(f, out ? c->out_split : c->in_split, &rows, err));
    if (!add_tensors(f, lists, each ? (size_t)f->size : 1, elements, rows, &a->value))
        return evr_fail_nomem(err);
    return evr_argument_note(f->ir, a, EVR_FROM_RULE, "so many elements were sent; their shape is not recorded", err);
}

static evr_status fill_splits(filling *f, evr_argument *a, evr_str text, evr_error **err)
{
    int64_t *parts = NULL;
    size_t n = 0;
    EVR_TRY(numbers_of(f->ir, text, &parts, &n, err));
    evr_value *items = evr_ir_add_items(f->ir, n);
    if (!items)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        items[i] = (evr_value){.kind = EVR_VALUE_INT, .u.i = parts[i]};
    a->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, n}};
    return n ? EVR_OK : evr_argument_note(f->ir, a, EVR_FROM_RULE, "no sizes were recorded: even parts", err);
}

static evr_status fill_number(filling *f, evr_argument *a, evr_error **err)
{
    const evr_collective *c = f->c;
    const struct {
        const char *name;
        int64_t value;
    } known[] = {{"group_size", f->ir->group.size ? f->ir->group.size : -1}, {"dst", c->destination}, {"src", c->source}, {"root_rank", c->root}};
    a->value = (evr_value){.kind = EVR_VALUE_INT};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (evr_str_is(a->name, known[i].name) && known[i].value >= 0) {
            a->value.u.i = known[i].value;
            return evr_argument_note(f->ir, a, EVR_FROM_TRACE, "told by the communication's own event", err);
        }
    return evr_argument_note(f->ir, a, EVR_FROM_RULE, "not recorded: 0 is taken", err);
}

static evr_status fill_reduction(filling *f, evr_argument *a, evr_error **err)
{
    const char *found = reduction_of(f->x, f->uid);
    if (found)
        return set_text(f, a, found, EVR_FROM_TRACE, "told by the name of the kernel", err);
    return set_text(f, a, "sum", EVR_FROM_RULE, "profilers do not record it: a sum is taken", err);
}

static bool is_unknown(const evr_argument *a)
{
    return a->value.kind == EVR_VALUE_MISSING || (a->value.kind == EVR_VALUE_NONE && a->provenance != EVR_FROM_TRACE) || a->provenance == EVR_FROM_DEFAULT;
}

static evr_status fill(filling *f, evr_argument *a, evr_error **err)
{
    bool guessed = is_unknown(a) || (a->value.kind == EVR_VALUE_STR && a->provenance != EVR_FROM_TRACE);
    if (evr_str_has(a->type, "ProcessGroup") || evr_str_is(a->name, "group_name")) {
        char name[256];
        if (!guessed || !f->c->group.len || f->c->group.len >= sizeof name)
            return EVR_OK;
        evr_str_copy(name, f->c->group);
        return set_text(f, a, name, EVR_FROM_TRACE, "told by the communication's own event", err);
    }
    if (evr_str_has(a->type, "ReduceOp") || evr_str_is(a->name, "reduce_op"))
        return guessed ? fill_reduction(f, a, err) : EVR_OK;
    if (evr_str_ends(a->name, "_split_sizes"))
        return is_unknown(a) || (a->value.kind == EVR_VALUE_LIST && !a->value.u.list.len)
                   ? fill_splits(f, a, evr_str_starts(a->name, "out") ? f->c->out_split : f->c->in_split, err)
                   : EVR_OK;
    if (a->value.kind != EVR_VALUE_MISSING && !(a->value.kind == EVR_VALUE_NONE && evr_str_starts(a->type, "Tensor") && !evr_str_ends(a->type, "?")))
        return EVR_OK;
    if (evr_str_is(a->type, "Tensor?")) {
        a->value = (evr_value){.kind = EVR_VALUE_NONE};
        return evr_argument_note(f->ir, a, EVR_FROM_RULE, "not recorded: None is taken", err);
    }
    if (evr_str_starts(a->type, "Tensor"))
        return fill_tensors(f, a, err);
    if (evr_str_is(a->type, "int"))
        return fill_number(f, a, err);
    return evr_str_is(a->type, "int[]") ? fill_splits(f, a, (evr_str){"", 0}, err) : EVR_OK;
}

evr_status evr_collective_complete(evr_extractor *x, evr_ir *ir, evr_uid uid, const evr_collective *c, evr_error **err)
{
    EVR_TRY(add_group(x, ir, c, err));
    filling f = {x, ir, uid, c, ir->group.size > 0 ? ir->group.size : 1};
    for (size_t i = 0; ir->schema.len && i < ir->arg_count; i++)
        EVR_TRY(fill(&f, &ir->args[i], err));
    return EVR_OK;
}
