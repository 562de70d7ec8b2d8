/* Defaults of parameters, as values fit for the parameter's type. */
#include "schema/scan.h"

/* Names that stand for numbers. Element types go by PyTorch's names: "float" has 32 bits, "complex" 64. */
static const struct {
    const char *name;
    uint32_t kind;
    int64_t value;
} enumerators[] = {
    {"contiguous_format", EVR_VALUE_MEMORY_FORMAT, 0},
    {"preserve_format", EVR_VALUE_MEMORY_FORMAT, 1},
    {"channels_last", EVR_VALUE_MEMORY_FORMAT, 2},
    {"channels_last_3d", EVR_VALUE_MEMORY_FORMAT, 3},
    {"strided", EVR_VALUE_LAYOUT, 0},
    {"sparse_coo", EVR_VALUE_LAYOUT, 1},
    {"sparse_csr", EVR_VALUE_LAYOUT, 2},
    {"_mkldnn", EVR_VALUE_LAYOUT, 3},
    {"sparse_csc", EVR_VALUE_LAYOUT, 4},
    {"sparse_bsr", EVR_VALUE_LAYOUT, 5},
    {"sparse_bsc", EVR_VALUE_LAYOUT, 6},
    {"jagged", EVR_VALUE_LAYOUT, 7},
    {"None", EVR_VALUE_NONE, 0},
    {"True", EVR_VALUE_BOOL, 1},
    {"False", EVR_VALUE_BOOL, 0},
    {"Mean", EVR_VALUE_INT, 1},
    {"Sum", EVR_VALUE_INT, 2},
    {"byte", EVR_VALUE_DTYPE, EVR_DTYPE_UINT8},
    {"uint8", EVR_VALUE_DTYPE, EVR_DTYPE_UINT8},
    {"uint16", EVR_VALUE_DTYPE, EVR_DTYPE_UINT16},
    {"uint32", EVR_VALUE_DTYPE, EVR_DTYPE_UINT32},
    {"uint64", EVR_VALUE_DTYPE, EVR_DTYPE_UINT64},
    {"char", EVR_VALUE_DTYPE, EVR_DTYPE_INT8},
    {"int8", EVR_VALUE_DTYPE, EVR_DTYPE_INT8},
    {"short", EVR_VALUE_DTYPE, EVR_DTYPE_INT16},
    {"int16", EVR_VALUE_DTYPE, EVR_DTYPE_INT16},
    {"int", EVR_VALUE_DTYPE, EVR_DTYPE_INT32},
    {"int32", EVR_VALUE_DTYPE, EVR_DTYPE_INT32},
    {"long", EVR_VALUE_DTYPE, EVR_DTYPE_INT64},
    {"int64", EVR_VALUE_DTYPE, EVR_DTYPE_INT64},
    {"half", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT16},
    {"float16", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT16},
    {"bfloat16", EVR_VALUE_DTYPE, EVR_DTYPE_BFLOAT16},
    {"float", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT32},
    {"float32", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT32},
    {"double", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT64},
    {"float64", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT64},
    {"complex32", EVR_VALUE_DTYPE, EVR_DTYPE_COMPLEX32},
    {"complex", EVR_VALUE_DTYPE, EVR_DTYPE_COMPLEX64},
    {"complex64", EVR_VALUE_DTYPE, EVR_DTYPE_COMPLEX64},
    {"complex128", EVR_VALUE_DTYPE, EVR_DTYPE_COMPLEX128},
    {"bool", EVR_VALUE_DTYPE, EVR_DTYPE_BOOL},
    {"qint8", EVR_VALUE_DTYPE, EVR_DTYPE_QINT8},
    {"quint8", EVR_VALUE_DTYPE, EVR_DTYPE_QUINT8},
    {"qint32", EVR_VALUE_DTYPE, EVR_DTYPE_QINT32},
    {"float8_e5m2", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT8_E5M2},
    {"float8_e4m3fn", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT8_E4M3FN},
    {"float8_e5m2fnuz", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT8_E5M2FNUZ},
    {"float8_e4m3fnuz", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT8_E4M3FNUZ},
    {"float8_e8m0fnu", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT8_E8M0FNU},
    {"float4_e2m1fn_x2", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT4_E2M1FN_X2},
};

/* What a number or an enumerator becomes where the type asks for one of these; EVR_VALUE_MISSING: it stays what it is. */
static uint32_t number_kind(evr_type_kind type)
{
    switch (type) {
    case EVR_TYPE_DTYPE: return EVR_VALUE_DTYPE;
    case EVR_TYPE_LAYOUT: return EVR_VALUE_LAYOUT;
    case EVR_TYPE_MEMORY_FORMAT: return EVR_VALUE_MEMORY_FORMAT;
    case EVR_TYPE_INT:
    case EVR_TYPE_SYMINT:
    case EVR_TYPE_QSCHEME: return EVR_VALUE_INT;
    case EVR_TYPE_BOOL:
    case EVR_TYPE_SYMBOOL: return EVR_VALUE_BOOL;
    case EVR_TYPE_FLOAT:
    case EVR_TYPE_SYMFLOAT: return EVR_VALUE_FLOAT;
    case EVR_TYPE_COMPLEX: return EVR_VALUE_COMPLEX;
    default: return EVR_VALUE_MISSING;
    }
}

static void fit_number(uint32_t wanted, evr_value *v)
{
    bool real = v->kind == EVR_VALUE_FLOAT;
    double number = real ? v->u.f : (double)v->u.i;
    if (wanted == EVR_VALUE_COMPLEX)
        *v = (evr_value){.kind = EVR_VALUE_COMPLEX, .u.c = {number, 0}};
    else if (wanted == EVR_VALUE_FLOAT)
        *v = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = number};
    else if (!real && wanted != EVR_VALUE_MISSING)
        *v = (evr_value){.kind = wanted, .u.i = wanted == EVR_VALUE_BOOL ? v->u.i != 0 : v->u.i};
}

/* int[2] stride=1 means [1, 1]; without a length it is a list of one. */
static evr_status repeat(evr_scan *s, const evr_type *list, evr_value *v)
{
    size_t len = list->list_size > 0 ? (size_t)list->list_size : 1;
    if (len > EVR_SCHEMA_LIST)
        return evr_scan_fail(s, "the default of a shorter list");
    evr_value *items = evr_arena_alloc(s->arena, len * sizeof *items);
    if (!items)
        return evr_fail_nomem(s->err);
    for (size_t i = 0; i < len; i++)
        items[i] = *v;
    *v = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, len}};
    return EVR_OK;
}

/* Gives a value the kind that the type asks for; what does not fit stays as it was written. */
static evr_status fit(evr_scan *s, const evr_type *type, evr_value *v)
{
    const evr_type *t = evr_type_bare(type);
    if (v->kind == EVR_VALUE_NONE || v->kind == EVR_VALUE_LIST)
        return EVR_OK;
    if (t->kind == EVR_TYPE_LIST) {
        if (evr_type_bare(t->elem)->kind == EVR_TYPE_LIST)
            return EVR_OK; /* PyTorch repeats into flat lists only */
        EVR_TRY(fit(s, t->elem, v));
        return repeat(s, t, v);
    }
    if (t->kind == EVR_TYPE_DEVICE && v->kind == EVR_VALUE_STR)
        v->kind = EVR_VALUE_DEVICE;
    else if (v->kind != EVR_VALUE_STR && v->kind != EVR_VALUE_COMPLEX && v->kind != EVR_VALUE_DEVICE)
        fit_number(number_kind(t->kind), v);
    return EVR_OK;
}

/* The byte of the escape that begins behind a backslash: a letter as in C or up to three octal digits. */
static bool unescape(evr_scan *s, char *out)
{
    static const char letters[] = "ntrabfv\"'\\", bytes[] = "\n\t\r\a\b\f\v\"'\\";
    char c = evr_scan_peek(s);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        *out = bytes[letter - letters];
        s->at++;
        return true;
    }
    unsigned value = 0, digits = 0;
    size_t from = s->at;
    for (; digits < 3 && (c = evr_scan_peek(s)) >= '0' && c <= '7'; digits++, s->at++)
        value = value * 8 + (unsigned)(c - '0');
    *out = (char)value;
    if (digits && value < 256)
        return true;
    s->at = from;
    return false;
}

static evr_status quoted_value(evr_scan *s, evr_value *out)
{
    char quote = evr_scan_peek(s), c;
    size_t from = ++s->at;
    while (evr_scan_peek(s) && evr_scan_peek(s) != quote)
        s->at += evr_scan_peek(s) == '\\' && s->at + 1 < s->text.len ? 2 : 1;
    if (!evr_scan_peek(s))
        return evr_scan_fail(s, "the end of the string");
    char *text = evr_arena_alloc(s->arena, s->at - from + 1);
    if (!text)
        return evr_fail_nomem(s->err);
    size_t n = 0;
    for (s->at = from; (c = evr_scan_peek(s)) != quote;) {
        s->at++;
        if (c == '\\' && !unescape(s, &c))
            return evr_scan_fail(s, "an escape such as \\n, \\\" or \\012");
        text[n++] = c;
    }
    text[n] = 0;
    s->at++;
    *out = (evr_value){.kind = EVR_VALUE_STR, .u.s = {text, n}};
    return EVR_OK;
}

/* Type of the i-th item of a bracketed default. */
static const evr_type *item_type(const evr_type *type, size_t i)
{
    static const evr_type any = {.kind = EVR_TYPE_ANY, .list_size = -1};
    const evr_type *t = evr_type_bare(type);
    if (t->kind == EVR_TYPE_TUPLE)
        return i < t->item_count ? t->items[i] : &any;
    return t->kind == EVR_TYPE_LIST ? t->elem : &any;
}

/* "[1, 2]" or a tuple's "(1, 2)" */
static evr_status list_value(evr_scan *s, const evr_type *type, const char *close, evr_value *out)
{
    evr_value items[EVR_SCHEMA_LIST];
    size_t n = 0;
    if (++s->depth > EVR_SCHEMA_DEPTH)
        return evr_scan_fail(s, "a list less nested");
    s->at++;
    while (!evr_scan_take(s, close)) {
        evr_str unused;
        if (n)
            EVR_TRY(evr_scan_expect(s, ","));
        if (n == sizeof items / sizeof *items)
            return evr_scan_fail(s, "a shorter list");
        EVR_TRY(evr_scan_default(s, item_type(type, n), &items[n], &unused));
        n++;
    }
    s->depth--;
    evr_value *kept = evr_arena_alloc(s->arena, (n + 1) * sizeof *kept);
    if (!kept)
        return evr_fail_nomem(s->err);
    memcpy(kept, items, n * sizeof *kept);
    *out = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {kept, n}};
    return EVR_OK;
}

/* Whether strtod may see it: hexadecimal numbers and "infinity" are none to PyTorch. */
static bool is_decimal(evr_str word)
{
    if (word.len && (word.data[0] == '-' || word.data[0] == '+'))
        word = evr_str_sub(word, 1, word.len);
    if (evr_str_is(word, "inf") || evr_str_is(word, "nan"))
        return true;
    for (size_t i = 0; i < word.len; i++)
        if (!strchr("0123456789.eE+-", word.data[i]))
            return false;
    return word.len != 0;
}

static bool to_f64(evr_str word, double *out)
{
    if (word.len && word.data[0] == '+')
        word = evr_str_sub(word, 1, word.len);
    return is_decimal(word) && evr_str_to_f64(word, out);
}

/* "2j", "1.+2.j", "-1e-05-0.5j" */
static bool to_complex(evr_str word, evr_complex *out)
{
    if (!evr_str_ends(word, "j"))
        return false;
    word.len--;
    size_t split = 0;
    for (size_t i = 1; i < word.len; i++)
        if ((word.data[i] == '+' || word.data[i] == '-') && word.data[i - 1] != 'e' && word.data[i - 1] != 'E')
            split = i;
    out->re = 0;
    return to_f64(evr_str_sub(word, split, word.len), &out->im) && (!split || to_f64(evr_str_sub(word, 0, split), &out->re));
}

static evr_status word_value(evr_scan *s, const evr_type *type, evr_value *out)
{
    size_t at = s->at;
    evr_str word = evr_scan_name(s, ".+-:");
    bool letter = word.len && word.data[0] >= 'a' && word.data[0] <= 'z';
    if (letter && evr_type_bare(type)->kind == EVR_TYPE_DEVICE) { /* cpu, cuda:0 and what else there may be */
        *out = (evr_value){.kind = EVR_VALUE_DEVICE, .u.s = word};
        return EVR_OK;
    }
    for (size_t i = 0; i < sizeof enumerators / sizeof *enumerators; i++)
        if (evr_str_is(word, enumerators[i].name)) {
            *out = (evr_value){.kind = enumerators[i].kind, .u.i = enumerators[i].value};
            return EVR_OK;
        }
    *out = (evr_value){.kind = EVR_VALUE_INT};
    if (evr_str_to_i64(word, &out->u.i))
        return EVR_OK;
    out->kind = EVR_VALUE_FLOAT;
    if (to_f64(word, &out->u.f))
        return EVR_OK;
    *out = (evr_value){.kind = EVR_VALUE_COMPLEX};
    if (to_complex(word, &out->u.c))
        return EVR_OK;
    s->at = at;
    return evr_scan_fail(s, "a default value");
}

evr_status evr_scan_default(evr_scan *s, const evr_type *type, evr_value *out, evr_str *text)
{
    evr_scan_space(s);
    size_t from = s->at;
    char c = evr_scan_peek(s);
    if (c == '"' || c == '\'')
        EVR_TRY(quoted_value(s, out));
    else if (c == '[' || c == '(')
        EVR_TRY(list_value(s, type, c == '[' ? "]" : ")", out));
    else
        EVR_TRY(word_value(s, type, out));
    EVR_TRY(fit(s, type, out));
    *text = evr_scan_since(s, from);
    return EVR_OK;
}
