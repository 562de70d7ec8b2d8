/* Types: a name with what belongs to it in brackets, then an alias set, then any number of "[]", "[N]" and "?". */
#include "schema/scan.h"

static const struct {
    const char *name;
    evr_type_kind kind;
} simple[] = {
    {"Tensor", EVR_TYPE_TENSOR},       {"int", EVR_TYPE_INT},
    {"SymInt", EVR_TYPE_SYMINT},       {"float", EVR_TYPE_FLOAT},
    {"SymFloat", EVR_TYPE_SYMFLOAT},   {"bool", EVR_TYPE_BOOL},
    {"SymBool", EVR_TYPE_SYMBOOL},     {"complex", EVR_TYPE_COMPLEX},
    {"str", EVR_TYPE_STR},             {"Scalar", EVR_TYPE_SCALAR},
    {"number", EVR_TYPE_SCALAR},       {"ScalarType", EVR_TYPE_DTYPE},
    {"Layout", EVR_TYPE_LAYOUT},       {"Device", EVR_TYPE_DEVICE},
    {"DeviceObjType", EVR_TYPE_DEVICE}, {"MemoryFormat", EVR_TYPE_MEMORY_FORMAT},
    {"Generator", EVR_TYPE_GENERATOR}, {"Dimname", EVR_TYPE_DIMNAME},
    {"Storage", EVR_TYPE_STORAGE},     {"Stream", EVR_TYPE_STREAM},
    {"QScheme", EVR_TYPE_QSCHEME},     {"NoneType", EVR_TYPE_NONE},
    {"Any", EVR_TYPE_ANY},             {"AnyListType", EVR_TYPE_ANY},
    {"AnyTupleType", EVR_TYPE_ANY},    {"AnyClassType", EVR_TYPE_ANY},
    {"AnyEnumType", EVR_TYPE_ANY},     {"Capsule", EVR_TYPE_CLASS},
    {"PyObject", EVR_TYPE_CLASS},
};

/* Names followed by types in parentheses or brackets. */
static const struct {
    const char *name;
    evr_type_kind kind;
    char close;
    size_t least, most;
} compound[] = {
    {"Dict(", EVR_TYPE_DICT, ')', 2, 2},
    {"Future(", EVR_TYPE_FUTURE, ')', 1, 1},
    {"Await(", EVR_TYPE_FUTURE, ')', 1, 1},
    {"RRef(", EVR_TYPE_FUTURE, ')', 1, 1},
    {"Union[", EVR_TYPE_UNION, ']', 1, SIZE_MAX},
    {"Tuple[", EVR_TYPE_TUPLE, ']', 0, SIZE_MAX},
    {"InterfaceType<", EVR_TYPE_CLASS, '>', 0, 0},
};

static evr_status type_items(evr_scan *s, char close, evr_type *t)
{
    const evr_type *items[64];
    size_t n = 0;
    char end[2] = {close, 0};
    while (!evr_scan_take(s, end)) {
        if (n && evr_scan_expect(s, ",") != EVR_OK)
            return EVR_E_FORMAT;
        if (n == sizeof items / sizeof *items)
            return evr_scan_fail(s, "a type of fewer parts");
        EVR_TRY(evr_scan_type(s, &items[n]));
        n++;
    }
    const evr_type **kept = evr_arena_alloc(s->arena, (n + 1) * sizeof *kept);
    if (!kept)
        return evr_fail_nomem(s->err);
    memcpy(kept, items, n * sizeof *kept);
    t->items = kept;
    t->item_count = n;
    return EVR_OK;
}

/* "(a -> *)" and "(Tensor, Tensor)" both begin with a parenthesis; the arrow tells them apart. */
static bool is_function(const evr_scan *s)
{
    int depth = 0;
    for (size_t i = s->at; i + 1 < s->text.len; i++) {
        char c = s->text.data[i];
        depth += c == '(';
        if (c == ')' && --depth == 0)
            return false;
        if (c == '-' && s->text.data[i + 1] == '>' && depth == 1)
            return true;
    }
    return false;
}

static evr_status function_type(evr_scan *s, evr_type *t)
{
    size_t from = s->at;
    int depth = 0;
    do {
        char c = evr_scan_peek(s);
        if (!c)
            return evr_scan_fail(s, "')'");
        depth += (c == '(') - (c == ')');
        s->at++;
    } while (depth);
    t->kind = EVR_TYPE_FUNCTION;
    t->name = evr_scan_since(s, from);
    return EVR_OK;
}

static evr_status named_type(evr_scan *s, evr_type *t)
{
    size_t from = s->at;
    for (size_t i = 0; i < sizeof compound / sizeof *compound; i++) {
        size_t len = strlen(compound[i].name);
        if (!evr_scan_take(s, compound[i].name))
            continue;
        t->kind = compound[i].kind;
        t->name = evr_str_sub(s->text, from, from + len - 1);
        if (t->kind == EVR_TYPE_CLASS) { /* a name between angle brackets, kept whole */
            evr_scan_name(s, ".");
            EVR_TRY(evr_scan_expect(s, ">"));
            t->name = evr_scan_since(s, from);
            return EVR_OK;
        }
        EVR_TRY(type_items(s, compound[i].close, t));
        t->elem = t->item_count ? t->items[0] : NULL;
        return t->item_count >= compound[i].least && t->item_count <= compound[i].most
                   ? EVR_OK
                   : evr_scan_fail(s, "another number of types in the brackets");
    }
    char first = evr_scan_peek(s);
    if (first < 'A') /* a digit or a dot */
        return evr_scan_fail(s, "a type");
    t->name = evr_scan_name(s, ".");
    if (!t->name.len)
        return evr_scan_fail(s, "a type");
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (evr_str_is(t->name, simple[i].name)) {
            t->kind = simple[i].kind;
            return EVR_OK;
        }
    bool lower = first >= 'a' && first <= 'z';
    t->kind = lower && evr_str_find(t->name, '.', 0) == SIZE_MAX ? EVR_TYPE_VARIABLE : EVR_TYPE_CLASS;
    return EVR_OK;
}

/* "(a!)", "(a -> *)", "($0! -> )": everything between the parentheses. */
static evr_status alias_set(evr_scan *s, evr_type *t)
{
    if (evr_scan_peek(s) != '(')
        return EVR_OK;
    size_t from = ++s->at;
    evr_scan_name(s, "$!*|-> ");
    if (evr_scan_peek(s) != ')')
        return evr_scan_fail(s, "')'");
    if (s->at == from)
        return evr_scan_fail(s, "an alias set");
    t->alias = evr_str_sub(s->text, from, s->at);
    size_t before_arrow = evr_str_find(t->alias, '-', 0);
    t->written = evr_str_find(evr_str_sub(t->alias, 0, before_arrow == SIZE_MAX ? t->alias.len : before_arrow), '!', 0) != SIZE_MAX;
    s->at++;
    return EVR_OK;
}

static evr_type *new_type(evr_scan *s, evr_type_kind kind, const evr_type *elem)
{
    evr_type *t = evr_arena_alloc_zeroed(s->arena, sizeof *t);
    if (!t) {
        evr_fail_nomem(s->err);
        return NULL;
    }
    t->kind = kind;
    t->elem = elem;
    t->list_size = -1;
    t->written = elem && elem->written;
    return t;
}

/* "[]", "[2]" or "?" behind a type wrap it. */
static evr_status suffixes(evr_scan *s, size_t from, evr_type *t, const evr_type **out)
{
    for (int n = 0;; n++) {
        t->text = evr_scan_since(s, from);
        *out = t;
        char c = evr_scan_peek(s);
        if (c != '?' && c != '[')
            return EVR_OK;
        if (n == 8)
            return evr_scan_fail(s, "a type less nested");
        s->at++;
        if (!(t = new_type(s, c == '?' ? EVR_TYPE_OPTIONAL : EVR_TYPE_LIST, t)))
            return EVR_E_NOMEM;
        if (c == '?')
            continue;
        evr_str size = evr_scan_name(s, "");
        if (size.len && (!evr_str_to_i64(size, &t->list_size) || t->list_size < 0 || t->list_size > EVR_SCHEMA_LIST_SIZE))
            return evr_scan_fail(s, "a list size");
        EVR_TRY(evr_scan_expect(s, "]"));
        EVR_TRY(alias_set(s, t));
    }
}

evr_status evr_scan_type(evr_scan *s, const evr_type **out)
{
    if (++s->depth > EVR_SCHEMA_DEPTH)
        return evr_scan_fail(s, "a type less nested");
    evr_scan_space(s);
    size_t from = s->at;
    evr_type *t = new_type(s, EVR_TYPE_TENSOR, NULL);
    if (!t)
        return EVR_E_NOMEM;
    if (evr_scan_peek(s) == '(' && is_function(s)) {
        EVR_TRY(function_type(s, t));
    } else if (evr_scan_take(s, "(")) {
        t->kind = EVR_TYPE_TUPLE;
        EVR_TRY(type_items(s, ')', t));
    } else {
        EVR_TRY(named_type(s, t));
        EVR_TRY(alias_set(s, t));
    }
    s->depth--;
    return suffixes(s, from, t, out);
}

evr_status evr_type_parse(evr_arena *arena, evr_str text, const evr_type **out, evr_error **err)
{
    *out = NULL;
    evr_str copy = evr_arena_str(arena, text);
    if (!copy.data)
        return evr_fail_nomem(err);
    evr_scan s = {arena, copy, 0, 0, err};
    const evr_type *type;
    EVR_TRY(evr_scan_type(&s, &type));
    evr_scan_space(&s);
    if (s.at < s.text.len)
        return evr_scan_fail(&s, "the end of the type");
    *out = type;
    return EVR_OK;
}
