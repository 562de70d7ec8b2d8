#include "ir/literal.h"

#include "ir/values.h"
#include "trace/json.h"

#include <math.h>
#include <stdio.h>

enum { DEPTH = 8 }; /* no deeper than the readers of records go, so that what is written reads back */

const char evr_literal_object[] = "an object that was logged by its name only";

void evr_literal_free(evr_literal *l)
{
    evr_release(l->ctx, l->stack, l->cap * sizeof *l->stack);
    l->stack = NULL;
    l->count = l->cap = 0;
}

evr_status evr_literal_fail(evr_literal *l, size_t at, const char *wanted)
{
    evr_status code = l->last && l->at >= l->end ? EVR_E_TRUNCATED : EVR_E_FORMAT;
    evr_fail(l->ctx, l->err, code, "operator log: %s was expected at byte %zu", wanted, at);
    evr_hint(l->err, code == EVR_E_TRUNCATED ? "the file ends there: copy it again"
                                             : "lines look like: cnt: 2, ((T([4, 8], f16), 1.0), {'alpha': 2})");
    evr_at_offset(l->err, (int64_t)at);
    return code;
}

static void skip_space(evr_literal *l)
{
    while (l->at < l->end && (l->text.data[l->at] == ' ' || l->text.data[l->at] == '\t'))
        l->at++;
}

static char peek(evr_literal *l)
{
    skip_space(l);
    return l->at < l->end ? l->text.data[l->at] : 0;
}

bool evr_literal_end(evr_literal *l)
{
    skip_space(l);
    return l->at >= l->end;
}

bool evr_literal_take(evr_literal *l, char mark)
{
    if (evr_literal_end(l) || l->text.data[l->at] != mark)
        return false;
    l->at++;
    return true;
}

evr_status evr_literal_expect(evr_literal *l, char mark, const char *wanted)
{
    return evr_literal_take(l, mark) ? EVR_OK : evr_literal_fail(l, l->at, wanted);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

evr_str evr_literal_word(evr_literal *l)
{
    skip_space(l);
    size_t from = l->at;
    for (; l->at < l->end; l->at++) {
        char c = l->text.data[l->at];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' && !((is_digit(c) || c == '.') && l->at > from))
            break;
    }
    return evr_str_sub(l->text, from, l->at);
}

/* Hex digits of \x, \u and \U; -1 when there are fewer. */
static int64_t hex(evr_literal *l, size_t digits)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++, l->at++) {
        char c = l->at < l->end ? l->text.data[l->at] : 0;
        int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* What stands after a backslash; an escape is never shorter than what it stands for. */
static evr_status escape(evr_literal *l, char *out, size_t *n)
{
    static const char names[] = "abfnrtv\\'\"", meanings[] = "\a\b\f\n\r\t\v\\'\"";
    size_t at = l->at - 1;
    char c = l->at < l->end ? l->text.data[l->at] : 0;
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    const char *known = c ? strchr(names, c) : NULL;
    if (digits) {
        l->at++;
        int64_t code = hex(l, digits);
        if (code < 0 || code > 0x10FFFF)
            return evr_literal_fail(l, at, "an escape of a character");
        *n += evr_utf8_put(code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : (uint32_t)code, out + *n);
        return EVR_OK;
    }
    if (known)
        l->at++;
    out[(*n)++] = known ? meanings[known - names] : '\\'; /* Python keeps the backslash of others */
    return EVR_OK;
}

/* The beginning of a character whose end is missing: it would be one with some end. */
static bool is_cut(const char *c, size_t left)
{
    char whole[4];
    if (left > 3)
        return false;
    memset(whole, 0x80, sizeof whole);
    memcpy(whole, c, left);
    if (left == 1)
        whole[1] = c[0] == (char)0xE0 ? (char)0xA0 : c[0] == (char)0xF0 ? (char)0x90 : whole[1];
    return evr_utf8_length((const unsigned char *)whole, sizeof whole) > left;
}

evr_status evr_literal_text(evr_literal *l, evr_str *out)
{
    char quote = peek(l);
    size_t from = l->at, n = 0;
    if (!quote || (quote != '\'' && quote != '"'))
        return evr_literal_fail(l, l->at, "a text");
    size_t close = ++l->at;
    while (close < l->end && l->text.data[close] != quote)
        close += l->text.data[close] == '\\' ? 2 : 1;
    char *text = evr_arena_alloc(&l->ir->arena, (close < l->end ? close : l->end) - l->at + 1);
    if (!text)
        return evr_fail_nomem(l->err);
    while (l->at < l->end && l->text.data[l->at] != quote) {
        const char *c = l->text.data + l->at;
        size_t len = evr_utf8_length((const unsigned char *)c, l->end - l->at);
        if (!len) {
            size_t at = l->at;
            if (is_cut(c, l->end - l->at))
                l->at = l->end;
            return evr_literal_fail(l, at, "UTF-8");
        }
        l->at += len;
        if (*c == '\\') {
            EVR_TRY(escape(l, text, &n));
            continue;
        }
        memcpy(text + n, c, len);
        n += len;
    }
    if (l->at >= l->end)
        return evr_literal_fail(l, from, "a text that ends on its line");
    l->at++;
    text[n] = 0;
    *out = (evr_str){text, n};
    return EVR_OK;
}

/* No kind of value fits: the argument goes missing, and the line is read on. */
static evr_status give_up(evr_literal *l, const char *why, evr_value *out)
{
    l->lost = why;
    *out = (evr_value){.kind = EVR_VALUE_MISSING};
    return EVR_OK;
}

static evr_status push(evr_literal *l, const evr_value *v)
{
    if (!evr_grow(l->ir->ctx, (void **)&l->stack, &l->cap, l->count + 1, sizeof *l->stack))
        return evr_fail_nomem(l->err);
    l->stack[l->count++] = *v;
    return EVR_OK;
}

/* [1, 2], (1, 2), (1,) from behind the opening mark. One value in parentheses is itself. */
static evr_status read_items(evr_literal *l, char close, evr_value *out)
{
    size_t base = l->count;
    bool comma = true;
    evr_value v;
    while (!evr_literal_take(l, close)) {
        if (!comma)
            return evr_literal_fail(l, l->at, close == ']' ? "\",\" or \"]\"" : "\",\" or \")\"");
        EVR_TRY(evr_literal_value(l, &v));
        EVR_TRY(push(l, &v));
        comma = evr_literal_take(l, ',');
    }
    size_t n = l->count - base;
    if (close == ')' && n == 1 && !comma) {
        *out = l->stack[l->count = base];
        return EVR_OK;
    }
    evr_value *items = evr_ir_add_items(l->ir, n);
    if (!items)
        return evr_fail_nomem(l->err);
    if (n)
        memcpy(items, l->stack + base, n * sizeof *items);
    l->count = base;
    *out = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, n}};
    return EVR_OK;
}

static evr_status read_dict(evr_literal *l, evr_value *out)
{
    bool comma = true;
    evr_value v;
    while (!evr_literal_take(l, '}')) {
        if (!comma)
            return evr_literal_fail(l, l->at, "\",\" or \"}\"");
        EVR_TRY(evr_literal_value(l, &v));
        EVR_TRY(evr_literal_expect(l, ':', "\":\""));
        EVR_TRY(evr_literal_value(l, &v));
        comma = evr_literal_take(l, ',');
    }
    return give_up(l, "records hold no dictionaries", out);
}

/* (1+2j), (-0-infj) or a list, from behind the parenthesis. */
static evr_status read_parentheses(evr_literal *l, evr_value *out)
{
    size_t to = l->at;
    while (to < l->end && to - l->at < 128 && (is_digit(l->text.data[to]) || (l->text.data[to] && strchr("+-.einfaj", l->text.data[to]))))
        to++;
    if (to >= l->end) {
        l->at = to;
        return evr_literal_fail(l, to, "\")\"");
    }
    if (l->text.data[to] != ')' || !evr_complex_parse(evr_str_sub(l->text, l->at, to), &out->u.c))
        return read_items(l, ')', out);
    out->kind = EVR_VALUE_COMPLEX;
    l->at = to + 1;
    return EVR_OK;
}

static evr_status read_number(evr_literal *l, evr_value *out)
{
    size_t from = l->at, digits = 0;
    bool whole = true;
    l->at += l->text.data[l->at] == '-' || l->text.data[l->at] == '+';
    size_t first = l->at;
    evr_str word = {"", 0};
    if (l->at < l->end && !is_digit(l->text.data[l->at]) && l->text.data[l->at] != '.') /* -inf */
        word = evr_literal_word(l);
    for (; !word.len && l->at < l->end; l->at++) {
        char c = l->text.data[l->at], before = l->at > first ? l->text.data[l->at - 1] : 0;
        bool sign = (c == '+' || c == '-') && (before == 'e' || before == 'E');
        if (!is_digit(c) && !sign && (!c || !strchr(".eEj", c)))
            break;
        digits += is_digit(c);
        whole &= is_digit(c);
    }
    evr_str text = evr_str_sub(l->text, from, l->at);
    bool named = evr_str_is(word, "inf") || evr_str_is(word, "nan") || evr_str_is(word, "infj") || evr_str_is(word, "nanj");
    out->kind = EVR_VALUE_INT;
    if (whole && !word.len && evr_str_to_i64(text, &out->u.i))
        return EVR_OK;
    if (whole && digits)
        return give_up(l, "a whole number of more than 64 bits", out);
    out->kind = EVR_VALUE_FLOAT;
    if ((digits || named) && evr_str_to_f64(text.data[0] == '+' ? evr_str_sub(text, 1, text.len) : text, &out->u.f))
        return EVR_OK;
    out->kind = EVR_VALUE_COMPLEX;
    if ((digits || named) && evr_complex_parse(text, &out->u.c))
        return EVR_OK;
    return evr_literal_fail(l, from, "a number");
}

/* Whole numbers of a list, in the record; NULL and an error when it is none. */
static evr_status read_sizes(evr_literal *l, const int64_t **out, uint32_t *rank)
{
    evr_value v;
    skip_space(l);
    size_t from = l->at;
    EVR_TRY(evr_literal_value(l, &v));
    *out = NULL;
    if (v.kind == EVR_VALUE_NONE)
        return EVR_OK;
    bool good = v.kind == EVR_VALUE_LIST && v.u.list.len <= 64;
    for (size_t i = 0; good && i < v.u.list.len; i++)
        good = v.u.list.items[i].kind == EVR_VALUE_INT && v.u.list.items[i].u.i >= 0;
    if (!good)
        return evr_literal_fail(l, from, "a list of at most 64 whole numbers from 0");
    int64_t *sizes = evr_arena_alloc(&l->ir->arena, v.u.list.len * sizeof *sizes);
    if (!sizes)
        return evr_fail_nomem(l->err);
    for (size_t i = 0; i < v.u.list.len; i++)
        sizes[i] = v.u.list.items[i].u.i;
    *out = sizes;
    *rank = (uint32_t)v.u.list.len;
    return EVR_OK;
}

static evr_status read_dtype(evr_literal *l, evr_tensor *t)
{
    evr_str quoted = {"", 0};
    skip_space(l);
    size_t from = l->at;
    if (peek(l) == '\'')
        EVR_TRY(evr_literal_text(l, &quoted));
    t->dtype_text = quoted.len ? quoted : evr_literal_word(l);
    t->dtype = evr_dtype_parse(t->dtype_text);
    /* torch.x of a later PyTorch is an element type too, if one without a number here */
    if (t->dtype == EVR_DTYPE_UNKNOWN && !evr_str_starts(t->dtype_text, "torch."))
        return evr_literal_fail(l, from, "an element type");
    return EVR_OK;
}

enum { FIELD_SIZE, FIELD_DTYPE, FIELD_STRIDE, FIELD_DEVICE, FIELD_OTHER };

/* The field that comes next, named or by its place. */
static evr_status next_field(evr_literal *l, int place, bool sparse, int *field)
{
    static const struct {
        const char *name;
        int field;
    } names[] = {{"size", FIELD_SIZE}, {"shape", FIELD_SIZE}, {"dtype", FIELD_DTYPE}, {"stride", FIELD_STRIDE}, {"device", FIELD_DEVICE}};
    size_t from = l->at;
    evr_str name = evr_literal_word(l);
    if (name.len && evr_literal_take(l, '=')) {
        *field = FIELD_OTHER;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (evr_str_is(name, names[i].name))
                *field = names[i].field;
        return EVR_OK;
    }
    l->at = from;
    *field = sparse && place > FIELD_DTYPE ? FIELD_OTHER : place;
    return place < FIELD_OTHER || sparse ? EVR_OK : evr_literal_fail(l, from, "\")\"");
}

/* T(shape, dtype), with stride= when it is not contiguous; ST(shape, dtype, layout, coalesced, values) */
static evr_status read_tensor(evr_literal *l, size_t from, bool sparse, evr_value *out)
{
    evr_tensor t = {.struct_size = sizeof t, .dtype = EVR_DTYPE_UNKNOWN, .dtype_text = {"", 0}, .device = {"", 0}, .init = {"", 0}};
    int64_t contiguous[64];
    uint32_t stride_rank = 0;
    bool comma = true;
    evr_value v;
    EVR_TRY(evr_literal_expect(l, '(', "\"(\""));
    for (int place = 0, field; !evr_literal_take(l, ')'); place++) {
        if (!comma)
            return evr_literal_fail(l, l->at, "\",\" or \")\"");
        EVR_TRY(next_field(l, place, sparse, &field));
        if (field == FIELD_SIZE) {
            EVR_TRY(read_sizes(l, &t.shape, &t.rank));
        } else if (field == FIELD_DTYPE) {
            EVR_TRY(read_dtype(l, &t));
        } else if (field == FIELD_STRIDE) {
            EVR_TRY(read_sizes(l, &t.strides, &stride_rank));
        } else {
            EVR_TRY(evr_literal_value(l, &v));
            if (field == FIELD_DEVICE && (v.kind == EVR_VALUE_STR || v.kind == EVR_VALUE_DEVICE))
                t.device = v.u.s;
        }
        comma = evr_literal_take(l, ',');
    }
    if (!t.shape || !t.dtype_text.len || (t.strides && stride_rank != t.rank))
        return evr_literal_fail(l, from, "a tensor with a shape, an element type and, if any, as many strides");
    if (sparse)
        return give_up(l, "a sparse tensor's indices are not logged", out);
    if (!t.strides) { /* that is what leaving them out means */
        evr_contiguous_strides(t.shape, t.rank, contiguous);
        t.strides = contiguous;
    }
    evr_tensor *kept = evr_ir_add_tensor(l->ir, &t);
    if (!kept)
        return evr_fail_nomem(l->err);
    *out = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = kept};
    return EVR_OK;
}

/* device('cuda:0'), device('cuda', 0), device(type='cuda', index=0) */
static evr_status read_device(evr_literal *l, size_t from, evr_value *out)
{
    evr_str type = {"", 0};
    int64_t index = -1;
    bool comma = true;
    char text[64];
    EVR_TRY(evr_literal_expect(l, '(', "\"(\""));
    while (!evr_literal_take(l, ')')) {
        evr_value v;
        size_t at = l->at;
        evr_str name = evr_literal_word(l);
        if (!name.len || !evr_literal_take(l, '='))
            l->at = at;
        if (!comma)
            return evr_literal_fail(l, l->at, "\",\" or \")\"");
        EVR_TRY(evr_literal_value(l, &v));
        if (v.kind == EVR_VALUE_STR)
            type = v.u.s;
        else if (v.kind == EVR_VALUE_INT)
            index = v.u.i;
        comma = evr_literal_take(l, ',');
    }
    if (!type.len || type.len > 32 || index < -1)
        return evr_literal_fail(l, from, "a device such as device(type='cuda', index=0)");
    int n = index < 0 ? snprintf(text, sizeof text, "%.*s", EVR_STR_ARG(type))
                      : snprintf(text, sizeof text, "%.*s:%lld", EVR_STR_ARG(type), (long long)index);
    out->kind = EVR_VALUE_DEVICE;
    return evr_ir_text(l->ir, (evr_str){text, (size_t)n}, &out->u.s) ? EVR_OK : evr_fail_nomem(l->err);
}

/* Words that stand for a value; layouts and memory formats by PyTorch's numbers. */
static const struct {
    const char *word;
    uint32_t kind;
    int64_t number;
} words[] = {
    {"None", EVR_VALUE_NONE, 0},
    {"True", EVR_VALUE_BOOL, 1},
    {"False", EVR_VALUE_BOOL, 0},
    {"torch.strided", EVR_VALUE_LAYOUT, 0},
    {"torch.sparse_coo", EVR_VALUE_LAYOUT, 1},
    {"torch.sparse_csr", EVR_VALUE_LAYOUT, 2},
    {"torch._mkldnn", EVR_VALUE_LAYOUT, 3},
    {"torch.sparse_csc", EVR_VALUE_LAYOUT, 4},
    {"torch.sparse_bsr", EVR_VALUE_LAYOUT, 5},
    {"torch.sparse_bsc", EVR_VALUE_LAYOUT, 6},
    {"torch.jagged", EVR_VALUE_LAYOUT, 7},
    {"torch.contiguous_format", EVR_VALUE_MEMORY_FORMAT, 0},
    {"torch.preserve_format", EVR_VALUE_MEMORY_FORMAT, 1},
    {"torch.channels_last", EVR_VALUE_MEMORY_FORMAT, 2},
    {"torch.channels_last_3d", EVR_VALUE_MEMORY_FORMAT, 3},
};

const char *evr_literal_name(const evr_value *v)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].kind == v->kind && (v->kind == EVR_VALUE_NONE || words[i].number == v->u.i))
            return words[i].word;
    return NULL;
}

static evr_status read_word(evr_literal *l, evr_value *out)
{
    size_t from = l->at;
    evr_str word = evr_literal_word(l), bare = word;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (evr_str_is(word, words[i].word)) {
            *out = (evr_value){.kind = words[i].kind, .u.i = words[i].number};
            return EVR_OK;
        }
    if (evr_str_is(word, "T") || evr_str_is(word, "ST"))
        return read_tensor(l, from, word.len == 2, out);
    bool torch = evr_str_starts(word, "torch.") || evr_str_starts(word, "math.");
    if (torch)
        bare = evr_str_sub(word, evr_str_find(word, '.', 0) + 1, word.len);
    if (evr_str_is(bare, "device"))
        return read_device(l, from, out);
    if (evr_str_is(bare, "Size") && evr_literal_take(l, '('))
        return read_items(l, ')', out);
    if (evr_str_is(bare, "inf") || evr_str_is(bare, "nan")) {
        *out = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = bare.data[0] == 'i' ? (double)INFINITY : (double)NAN};
        return EVR_OK;
    }
    *out = (evr_value){.kind = EVR_VALUE_DTYPE, .u.i = evr_dtype_parse(bare)};
    if (out->u.i != EVR_DTYPE_UNKNOWN)
        return EVR_OK;
    return torch ? give_up(l, "a name of torch that has no value in a record", out) : evr_literal_fail(l, from, "a value");
}

static evr_status read_value(evr_literal *l, evr_value *out)
{
    char c = peek(l);
    *out = (evr_value){.kind = EVR_VALUE_NONE};
    if (l->depth > DEPTH)
        return evr_literal_fail(l, l->at, "a value less nested");
    if (c == '\'' || c == '"') {
        out->kind = EVR_VALUE_STR;
        return evr_literal_text(l, &out->u.s);
    }
    if (c == '[' || c == '(' || c == '{' || c == '<')
        l->at++;
    if (c == '[')
        return read_items(l, ']', out);
    if (c == '(')
        return read_parentheses(l, out);
    if (c == '{')
        return read_dict(l, out);
    if (c == '<') { /* <torch._C.Generator object at 0x7f…> */
        size_t from = l->at - 1;
        while (l->at < l->end && l->text.data[l->at] != '>')
            l->at++;
        return evr_literal_take(l, '>') ? give_up(l, evr_literal_object, out) : evr_literal_fail(l, from, "an object's name in <>");
    }
    if (is_digit(c) || c == '-' || c == '+' || c == '.')
        return read_number(l, out);
    return read_word(l, out);
}

evr_status evr_literal_value(evr_literal *l, evr_value *out)
{
    l->depth++;
    evr_status status = read_value(l, out);
    l->depth--;
    return status;
}
