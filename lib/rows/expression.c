#include "rows/expression.h"

#include <ctype.h>

enum { DEEPEST = 16, MOST_ITEMS = 64 };

static const int64_t no_sizes[1];
static const evr_tensor checked_tensor = {.struct_size = sizeof(evr_tensor), .dtype = EVR_DTYPE_FLOAT32, .shape = no_sizes, .strides = no_sizes};

static evr_value stop(evr_expression *e, const char *problem)
{
    if (!e->problem)
        e->problem = problem;
    return (evr_value){.kind = EVR_VALUE_NONE};
}

static evr_value nomem(evr_expression *e)
{
    e->nomem = true;
    return stop(e, "memory is out");
}

static char peek(evr_expression *e)
{
    while (e->at < e->text.len && (e->text.data[e->at] == ' ' || e->text.data[e->at] == '\t'))
        e->at++;
    return e->at < e->text.len ? e->text.data[e->at] : 0;
}

static bool take(evr_expression *e, char c)
{
    if (peek(e) != c)
        return false;
    e->at++;
    return true;
}

static evr_str word(evr_expression *e)
{
    peek(e);
    size_t from = e->at;
    while (e->at < e->text.len && (isalnum((unsigned char)e->text.data[e->at]) || e->text.data[e->at] == '_'))
        e->at++;
    return evr_str_sub(e->text, from, e->at);
}

static evr_value integer(int64_t i) { return (evr_value){.kind = EVR_VALUE_INT, .u.i = i}; }

static evr_value list_of(evr_expression *e, const evr_value *items, size_t count)
{
    evr_value v = {.kind = EVR_VALUE_LIST};
    if (!e->ir)
        return v;
    evr_value *copy = evr_ir_add_items(e->ir, count);
    if (!copy)
        return nomem(e);
    if (count)
        memcpy(copy, items, count * sizeof *items);
    v.u.list = (evr_list){copy, count};
    return v;
}

static evr_value sizes_list(evr_expression *e, const int64_t *sizes, size_t count)
{
    evr_value items[2 * EVR_ROW_DIMS];
    for (size_t i = 0; i < count && i < 2 * EVR_ROW_DIMS; i++)
        items[i] = integer(sizes[i]);
    return list_of(e, items, count);
}

static evr_value tensor(evr_expression *e, const evr_tensor *from)
{
    evr_value v = {.kind = EVR_VALUE_TENSOR, .u.tensor = &checked_tensor};
    if (e->ir && !e->problem && !(v.u.tensor = evr_ir_add_tensor(e->ir, from)))
        return nomem(e);
    return v;
}

static evr_value slot_tensor(evr_expression *e, const evr_slot *s)
{
    const evr_tensor t = {.dtype = s->dtype, .rank = s->rank, .shape = s->shape, .strides = s->strides, .dtype_text = {"", 0}, .device = {"", 0}, .init = {"", 0}};
    return tensor(e, &t);
}

static evr_value expression(evr_expression *e);

/* in0, out1?, last.dtype */
static evr_value slot_value(evr_expression *e, bool output, size_t index)
{
    static const evr_slot checked = {.there = true, .dtype = EVR_DTYPE_FLOAT32};
    const evr_slot *s = !e->slots ? &checked : output ? &e->slots->out[index] : &e->slots->in[index];
    bool optional = take(e, '?');
    if (take(e, '.')) {
        evr_str member = word(e);
        if (!s->there)
            return stop(e, "a tensor that the call is about is not there");
        if (evr_str_is(member, "shape"))
            return sizes_list(e, s->shape, s->rank);
        if (evr_str_is(member, "dtype"))
            return (evr_value){.kind = EVR_VALUE_DTYPE, .u.i = s->dtype};
        return evr_str_is(member, "rank") ? integer(s->rank) : stop(e, "a slot has .shape, .dtype and .rank and nothing else");
    }
    if (s->there)
        return slot_tensor(e, s);
    return optional ? (evr_value){.kind = EVR_VALUE_NONE} : stop(e, "a tensor that the call takes is not there");
}

static bool slot_index(evr_str digits, size_t *index)
{
    int64_t i;
    if (!digits.len || !isdigit((unsigned char)digits.data[0]) || !evr_str_to_i64(digits, &i) || i >= EVR_ROW_SLOTS)
        return false;
    *index = (size_t)i;
    return true;
}

static evr_value name_value(evr_expression *e, size_t name)
{
    const evr_bound *b = e->bindings ? &e->bindings->names[name] : NULL;
    if (!b)
        return integer(1);
    if (!b->bound)
        return stop(e, "a name is not bound: its shape belongs to a slot that is not there");
    return b->many ? sizes_list(e, b->sizes, b->count) : integer(b->sizes[0]);
}

/* [m, *rest, 4]: lists behind a '*' are spread. */
static evr_value list_value(evr_expression *e)
{
    evr_value items[MOST_ITEMS];
    size_t n = 0;
    for (bool more = !take(e, ']'); more && !e->problem;) {
        bool spread = take(e, '*');
        evr_value v = expression(e);
        if (spread && v.kind == EVR_VALUE_LIST && n + v.u.list.len <= MOST_ITEMS) {
            if (v.u.list.len)
                memcpy(&items[n], v.u.list.items, v.u.list.len * sizeof v);
            n += v.u.list.len;
        } else if (n == MOST_ITEMS || (spread && e->slots)) {
            return stop(e, spread ? "\"*\" in a list stands before a name of several sizes" : "a list has more than 64 items");
        } else if (!spread) {
            items[n++] = v;
        }
        more = take(e, ',');
        if (!more && !take(e, ']'))
            return stop(e, "\",\" or \"]\" was expected in a list");
    }
    return list_of(e, items, n);
}

static evr_value number_value(evr_expression *e)
{
    size_t from = e->at;
    bool real = false;
    int64_t i;
    double f;
    e->at += e->text.data[e->at] == '-';
    for (; e->at < e->text.len; e->at++) {
        char c = e->text.data[e->at], before = e->text.data[e->at - (e->at > 0)];
        bool exponent = c == 'e' || c == 'E', sign = (c == '-' || c == '+') && (before == 'e' || before == 'E');
        if (!isdigit((unsigned char)c) && c != '.' && !exponent && !sign)
            break;
        real |= !isdigit((unsigned char)c);
    }
    evr_str text = evr_str_sub(e->text, from, e->at);
    if (!real && evr_str_to_i64(text, &i))
        return integer(i);
    return evr_str_to_f64(text, &f) ? (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = f} : stop(e, "that is no number");
}

static evr_value text_value(evr_expression *e)
{
    size_t from = ++e->at, end = evr_str_find(e->text, '"', from);
    evr_value v = {.kind = EVR_VALUE_STR, .u.s = evr_str_sub(e->text, from, end)};
    if (end == SIZE_MAX)
        return stop(e, "a text has no end");
    e->at = end + 1;
    return !e->ir || evr_ir_text(e->ir, v.u.s, &v.u.s) ? v : nomem(e);
}

/* What functions take: values of a call's parentheses. */
typedef struct operands {
    evr_value items[3];
    size_t count;
} operands;

static const evr_tensor *tensor_at(evr_expression *e, const operands *o, size_t i)
{
    if (i < o->count && o->items[i].kind == EVR_VALUE_TENSOR)
        return o->items[i].u.tensor;
    stop(e, "a function takes a tensor here");
    return &checked_tensor;
}

/* Sizes in a list; false when it is none. */
static bool sizes_at(evr_expression *e, const operands *o, size_t i, int64_t sizes[EVR_ROW_DIMS], uint32_t *rank)
{
    *rank = 0;
    if (!e->slots)
        return true;
    if (i >= o->count || o->items[i].kind != EVR_VALUE_LIST || o->items[i].u.list.len > EVR_ROW_DIMS)
        return stop(e, "a function takes a list of sizes here"), false;
    for (size_t k = 0; k < o->items[i].u.list.len; k++) {
        const evr_value *v = &o->items[i].u.list.items[k];
        if (v->kind != EVR_VALUE_INT || v->u.i < 0)
            return stop(e, "a size is no number above or equal to 0"), false;
        sizes[(*rank)++] = v->u.i;
    }
    return true;
}

/* tensor([m, k], int64, "zeros"): one that the row has no slot for. */
static evr_value make_tensor(evr_expression *e, const operands *o)
{
    int64_t shape[EVR_ROW_DIMS], strides[EVR_ROW_DIMS];
    evr_tensor t = {.shape = shape, .strides = strides, .dtype_text = {"", 0}, .device = {"", 0}, .init = {"", 0}};
    if (!sizes_at(e, o, 0, shape, &t.rank))
        return stop(e, "");
    if (o->count < 2 || o->items[1].kind != EVR_VALUE_DTYPE || (o->count == 3 && o->items[2].kind != EVR_VALUE_STR))
        return stop(e, "tensor() takes a list of sizes, an element type, and perhaps a text");
    t.dtype = (int32_t)o->items[1].u.i;
    if (o->count == 3)
        t.init = o->items[2].u.s;
    evr_contiguous_strides(shape, t.rank, strides);
    return tensor(e, &t);
}

/* flat(in1): all its elements in one dimension. */
static evr_value make_flat(evr_expression *e, const operands *o)
{
    evr_tensor t = *tensor_at(e, o, 0);
    int64_t elements = 1, stride = 1;
    for (uint32_t i = 0; i < t.rank; i++)
        if (__builtin_mul_overflow(elements, t.shape[i], &elements))
            return stop(e, "a tensor has too many elements");
    t.rank = 1;
    t.shape = &elements;
    t.strides = &stride;
    return tensor(e, &t);
}

/* The order of dimensions that turns `in` into `out`, one that changes something if there is one. */
static bool find_order(const evr_tensor *in, const evr_tensor *out, uint32_t at, uint32_t order[EVR_ROW_DIMS], uint32_t used, bool moved)
{
    if (at == in->rank)
        return moved;
    for (uint32_t i = 0; i < in->rank; i++) {
        if (used >> i & 1 || in->shape[i] != out->shape[at])
            continue;
        order[at] = i;
        if (find_order(in, out, at + 1, order, used | 1u << i, moved || i != at))
            return true;
    }
    return false;
}

/* transposed(in0, out0): in0 as out0 sees it; what copies it moves its elements. */
static evr_value make_transposed(evr_expression *e, const operands *o)
{
    const evr_tensor *in = tensor_at(e, o, 0), *out = tensor_at(e, o, 1);
    uint32_t order[EVR_ROW_DIMS];
    int64_t strides[EVR_ROW_DIMS];
    evr_tensor t = *in;
    if (!e->slots || e->problem)
        return tensor(e, in);
    if (in->rank != out->rank || in->rank > 8)
        return stop(e, "the output has not the dimensions of the input in another order");
    if (!find_order(in, out, 0, order, 0, false)) {
        for (uint32_t i = 0; i < in->rank; i++)
            if (in->shape[i] != out->shape[i])
                return stop(e, "the output has not the dimensions of the input in another order");
        return tensor(e, in);
    }
    for (uint32_t i = 0; i < in->rank; i++)
        strides[i] = in->strides[order[i]];
    t.shape = out->shape;
    t.strides = strides;
    return tensor(e, &t);
}

/* window(in0, [m, n], 8): its first elements in each dimension, from that element of the last dimension on. */
static evr_value make_window(evr_expression *e, const operands *o)
{
    evr_tensor t = *tensor_at(e, o, 0);
    int64_t shape[EVR_ROW_DIMS], offset = 0;
    uint32_t rank;
    if (!sizes_at(e, o, 1, shape, &rank))
        return stop(e, "");
    if (o->count == 3 && (o->items[2].kind != EVR_VALUE_INT || o->items[2].u.i < 0))
        return stop(e, "window() takes a tensor, a list of sizes, and perhaps where it begins in the last dimension");
    if (!e->slots || e->problem)
        return tensor(e, &t);
    if (o->count == 3)
        offset = o->items[2].u.i;
    if (rank != t.rank)
        return stop(e, "the output has not as many dimensions as the input");
    for (uint32_t i = 0; i < rank; i++)
        if (shape[i] > t.shape[i] || (i + 1 == rank && offset > t.shape[i] - shape[i]))
            return stop(e, "the output does not lie inside of the input");
    if (!evr_tensor_extent(&t, &t.storage_elements))
        return stop(e, "a tensor has too many elements");
    if (rank && __builtin_mul_overflow(offset, t.strides[rank - 1], &offset))
        return stop(e, "a tensor has too many elements");
    t.storage_offset += offset;
    t.flags |= EVR_TENSOR_STORAGE_RECORDED;
    t.shape = shape;
    return tensor(e, &t);
}

/* pads(in0, out0): what is put behind each dimension, as PyTorch says it: the last dimension first. */
static evr_value make_pads(evr_expression *e, const operands *o)
{
    const evr_tensor *in = tensor_at(e, o, 0), *out = tensor_at(e, o, 1);
    int64_t pads[2 * EVR_ROW_DIMS] = {0};
    if (e->slots && !e->problem && in->rank != out->rank)
        return stop(e, "the output has not as many dimensions as the input");
    for (uint32_t i = 0; i < in->rank && !e->problem; i++)
        pads[2 * i + 1] = out->shape[in->rank - 1 - i] - in->shape[in->rank - 1 - i];
    return sizes_list(e, pads, 2 * (size_t)in->rank);
}

static const struct {
    const char *name;
    size_t least, most;
    evr_value (*make)(evr_expression *, const operands *);
} functions[] = {
    {"tensor", 2, 3, make_tensor}, {"flat", 1, 1, make_flat}, {"transposed", 2, 2, make_transposed}, {"window", 2, 3, make_window}, {"pads", 2, 2, make_pads},
};

/* rank(a): how many dimensions a name of several sizes has. */
static evr_value rank_of(evr_expression *e)
{
    size_t name = evr_variant_name(e->variant, word(e));
    if (name == EVR_ROW_NAMES || !take(e, ')'))
        return stop(e, "rank() takes a name of the shapes above");
    return integer(e->bindings ? e->bindings->names[name].count : 0);
}

static evr_value function_value(evr_expression *e, evr_str name)
{
    operands o = {.count = 0};
    size_t f = 0;
    if (evr_str_is(name, "rank"))
        return rank_of(e);
    while (f < sizeof functions / sizeof *functions && !evr_str_is(name, functions[f].name))
        f++;
    if (f == sizeof functions / sizeof *functions)
        return stop(e, "there is no such function: there are tensor, flat, transposed, window, pads and rank");
    for (bool more = !take(e, ')'); more && !e->problem;) {
        evr_value v = expression(e);
        if (o.count == functions[f].most)
            return stop(e, "a function has too many arguments");
        o.items[o.count++] = v;
        more = take(e, ',');
        if (!more && !take(e, ')'))
            return stop(e, "\",\" or \")\" was expected behind an argument");
    }
    if (o.count < functions[f].least)
        return stop(e, "a function has too few arguments");
    return e->problem ? stop(e, "") : functions[f].make(e, &o);
}

static bool constant(evr_str w, evr_value *v)
{
    static const struct {
        const char *name;
        evr_value value;
    } constants[] = {
        {"None", {.kind = EVR_VALUE_NONE}},
        {"True", {.kind = EVR_VALUE_BOOL, .u.i = 1}},
        {"False", {.kind = EVR_VALUE_BOOL}},
        {"contiguous_format", {.kind = EVR_VALUE_MEMORY_FORMAT}},
    };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (evr_str_is(w, constants[i].name))
            return *v = constants[i].value, true;
    for (int32_t i = 0; i < 64; i++)
        if (evr_dtype_name(i)[0] && evr_str_is(w, evr_dtype_name(i)))
            return *v = (evr_value){.kind = EVR_VALUE_DTYPE, .u.i = i}, true;
    return false;
}

static evr_value word_value(evr_expression *e)
{
    evr_str w = word(e);
    size_t index;
    evr_value v;
    if (!w.len)
        return stop(e, "a value was expected");
    if (take(e, '('))
        return function_value(e, w);
    if (evr_str_starts(w, "in") && slot_index(evr_str_sub(w, 2, w.len), &index))
        return slot_value(e, false, index);
    if (evr_str_starts(w, "out") && slot_index(evr_str_sub(w, 3, w.len), &index))
        return slot_value(e, true, index);
    if (evr_str_is(w, "last"))
        return slot_value(e, false, e->slots && e->slots->in_count ? e->slots->in_count - 1 : 0);
    size_t name = evr_variant_name(e->variant, w);
    if (name < EVR_ROW_NAMES)
        return name_value(e, name);
    return constant(w, &v) ? v : stop(e, "a name stands in none of the shapes above and is no constant");
}

static evr_value factor(evr_expression *e)
{
    char c = peek(e);
    if (c == '[')
        return e->at++, list_value(e);
    if (c == '"')
        return text_value(e);
    return c == '-' || isdigit((unsigned char)c) ? number_value(e) : word_value(e);
}

/* Factors with '*' and '/' between them, from left to right. */
static evr_value expression(evr_expression *e)
{
    if (e->depth == DEEPEST)
        return stop(e, "values lie too deep inside of each other");
    e->depth++;
    evr_value v = factor(e);
    for (bool times; !e->problem && ((times = take(e, '*')) || take(e, '/'));) {
        evr_value by = factor(e);
        if (!e->slots && v.kind == EVR_VALUE_INT && by.kind == EVR_VALUE_INT)
            continue; /* sizes are not known yet */
        if (v.kind != EVR_VALUE_INT || by.kind != EVR_VALUE_INT || (!times && by.u.i == 0) || (times && __builtin_mul_overflow(v.u.i, by.u.i, &v.u.i)))
            v = stop(e, "\"*\" and \"/\" stand between sizes, and what they give must be one");
        else if (!times)
            v.u.i = by.u.i == -1 ? 0 : v.u.i / by.u.i;
    }
    e->depth--;
    return v;
}

bool evr_expression_next(evr_expression *e, evr_str *name, evr_str *source, evr_value *value)
{
    *name = (evr_str){"", 0};
    if (e->problem || !peek(e))
        return false;
    if (e->at && !take(e, ','))
        return stop(e, "\",\" or the end of the arguments was expected"), false;
    size_t from = (peek(e), e->at);
    evr_str w = word(e);
    if (w.len && peek(e) == '=') {
        e->at++;
        *name = w;
        from = (peek(e), e->at);
    }
    e->at = from;
    *value = expression(e);
    *source = evr_str_trim(evr_str_sub(e->text, from, e->at));
    return !e->problem;
}

const char *evr_expression_check(const evr_variant *variant, evr_str arguments)
{
    evr_expression e = {.variant = variant, .text = arguments};
    evr_str name, source;
    evr_value value;
    while (evr_expression_next(&e, &name, &source, &value))
        ;
    return e.problem;
}
