/* Defaults of parameters, as values fit for the parameter's type. */
#include "schema/scan.h"

/* Names that stand for numbers. */
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
    {"None", EVR_VALUE_NONE, 0},
    {"True", EVR_VALUE_BOOL, 1},
    {"False", EVR_VALUE_BOOL, 0},
    {"Mean", EVR_VALUE_INT, 1},
    {"Sum", EVR_VALUE_INT, 2},
    {"float", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT32},
    {"double", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT64},
    {"half", EVR_VALUE_DTYPE, EVR_DTYPE_FLOAT16},
    {"bfloat16", EVR_VALUE_DTYPE, EVR_DTYPE_BFLOAT16},
    {"long", EVR_VALUE_DTYPE, EVR_DTYPE_INT64},
    {"int", EVR_VALUE_DTYPE, EVR_DTYPE_INT32},
    {"bool", EVR_VALUE_DTYPE, EVR_DTYPE_BOOL},
    {"cpu", EVR_VALUE_DEVICE, 0},
    {"cuda", EVR_VALUE_DEVICE, 0},
};

/* A number, or an enumerator by number, becomes what the type asks for. */
static void fit(const evr_type *type, evr_value *v)
{
    const evr_type *t = evr_type_bare(type);
    if (v->kind == EVR_VALUE_INT) {
        switch (t->kind) {
        case EVR_TYPE_DTYPE: v->kind = EVR_VALUE_DTYPE; break;
        case EVR_TYPE_LAYOUT: v->kind = EVR_VALUE_LAYOUT; break;
        case EVR_TYPE_MEMORY_FORMAT: v->kind = EVR_VALUE_MEMORY_FORMAT; break;
        case EVR_TYPE_FLOAT:
        case EVR_TYPE_SYMFLOAT: *v = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = (double)v->u.i}; break;
        default: break;
        }
    }
}

static evr_status quoted_value(evr_scan *s, evr_value *out)
{
    char quote = evr_scan_peek(s);
    size_t from = ++s->at;
    while (evr_scan_peek(s) && evr_scan_peek(s) != quote)
        s->at += evr_scan_peek(s) == '\\' && s->at + 1 < s->text.len ? 2 : 1;
    if (!evr_scan_peek(s))
        return evr_scan_fail(s, "the end of the string");
    char *text = evr_arena_alloc(s->arena, s->at - from + 1);
    if (!text)
        return evr_fail_nomem(s->err);
    size_t n = 0;
    for (size_t i = from; i < s->at; i++) {
        char c = s->text.data[i];
        if (c == '\\' && i + 1 < s->at) {
            c = s->text.data[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        text[n++] = c;
    }
    text[n] = 0;
    s->at++;
    *out = (evr_value){.kind = EVR_VALUE_STR, .u.s = {text, n}};
    return EVR_OK;
}

static evr_status list_value(evr_scan *s, const evr_type *type, evr_value *out)
{
    static const evr_type any = {.kind = EVR_TYPE_ANY, .list_size = -1};
    const evr_type *bare = evr_type_bare(type), *elem = bare->kind == EVR_TYPE_LIST ? bare->elem : &any;
    evr_value items[128];
    size_t n = 0;
    if (++s->depth > EVR_SCHEMA_DEPTH)
        return evr_scan_fail(s, "a list less nested");
    s->at++;
    while (!evr_scan_take(s, "]")) {
        evr_str unused;
        if (n && evr_scan_expect(s, ",") != EVR_OK)
            return EVR_E_FORMAT;
        if (n == sizeof items / sizeof *items)
            return evr_scan_fail(s, "a shorter list");
        EVR_TRY(evr_scan_default(s, elem, &items[n], &unused));
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

static evr_status word_value(evr_scan *s, evr_value *out)
{
    size_t at = s->at;
    evr_str word = evr_scan_name(s, ".+-:");
    for (size_t i = 0; i < sizeof enumerators / sizeof *enumerators; i++)
        if (evr_str_is(word, enumerators[i].name)) {
            *out = (evr_value){.kind = enumerators[i].kind, .u.i = enumerators[i].value};
            if (out->kind == EVR_VALUE_DEVICE)
                out->u.s = word;
            return EVR_OK;
        }
    *out = (evr_value){.kind = EVR_VALUE_INT};
    if (evr_str_to_i64(word, &out->u.i))
        return EVR_OK;
    out->kind = EVR_VALUE_FLOAT;
    if (word.len && evr_str_to_f64(word, &out->u.f))
        return EVR_OK;
    if (word.len > 1 && evr_str_ends(word, "j")) {
        double im;
        if (evr_str_to_f64(evr_str_sub(word, 0, word.len - 1), &im)) {
            *out = (evr_value){.kind = EVR_VALUE_COMPLEX, .u.c = {0, im}};
            return EVR_OK;
        }
    }
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
    else if (c == '[')
        EVR_TRY(list_value(s, type, out));
    else
        EVR_TRY(word_value(s, out));
    fit(type, out);
    *text = evr_scan_since(s, from);
    return EVR_OK;
}
