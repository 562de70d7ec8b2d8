/* The schema language: what is parsed, how it prints, what is refused and where; all schemas of the snapshot. */
#include "support/support.h"

#include "schema/catalogue.h"
#include "schema/match.h"

static const evr_schema *parse(evr_arena *arena, const char *text)
{
    const evr_schema *s = NULL;
    evr_error *e = NULL;
    if (evr_schema_parse(arena, evr_str_c(text), &s, &e) != EVR_OK)
        fail_msg("%s: %s", text, evr_error_message(e));
    return s;
}

static void test_parse__parts(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_arena arena;
    evr_arena_init(&arena, ctx);
    const evr_schema *s = parse(&arena, "aten::conv.padding(Tensor(a!) input, int[2] stride=[1, 1], str mode=\"same\", *, ScalarType? dtype=long, "
                                        "float eps=1e-05, MemoryFormat? m=contiguous_format, bool? b=None) -> (Tensor(a!) out, Tensor[])");
    assert_str(s->name, "aten::conv");
    assert_str(s->overload, "padding");
    assert_int_equal(s->param_count, 7);
    assert_true(s->params[0].type->written && s->params[0].type->kind == EVR_TYPE_TENSOR);
    assert_str(s->params[0].type->text, "Tensor(a!)");
    assert_int_equal(s->params[1].type->kind, EVR_TYPE_LIST);
    assert_int_equal(s->params[1].type->list_size, 2);
    assert_int_equal(s->params[1].fallback.kind, EVR_VALUE_LIST);
    assert_int_equal(s->params[1].fallback.u.list.items[1].u.i, 1);
    assert_str(s->params[2].fallback.u.s, "same");
    assert_false(s->params[2].kwarg);
    assert_true(s->params[3].kwarg);
    assert_int_equal(s->params[3].fallback.kind, EVR_VALUE_DTYPE);
    assert_int_equal(s->params[3].fallback.u.i, EVR_DTYPE_INT64);
    assert_true(s->params[4].fallback.u.f == 1e-5);
    assert_int_equal(s->params[5].fallback.kind, EVR_VALUE_MEMORY_FORMAT);
    assert_int_equal(s->params[6].fallback.kind, EVR_VALUE_NONE);
    assert_int_equal(s->result_count, 2);
    assert_str(s->results[0].name, "out");
    evr_arena_free(&arena);
    test_context_done(ctx, &m);
}

static void test_parse__odd_forms_print_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "aten::f() -> ()",
        "aten::f(...) -> ...",
        "prim::f(Tensor a, ...) -> (Tensor, ...)",
        "aten::f(Tensor($0! -> ) self) -> Tensor($0! -> )",
        "aten::f(Tensor(a -> *) self) -> Tensor(a -> *)[]",
        "aten::f(Tensor(a|b) self, Tensor?[] indices, Tensor[]? w) -> Tensor(a|b)",
        "aten::f(Dict(str, Tensor)(a) d, Future(t) g, Union[int, str] u, __torch__.torch.classes.x.Y c) -> t",
        "aten::f((Tensor, int) pair, str s='it\\'s') -> (int, float)",
        "aten::f(float a=inf, float b=-1.5, int[] l=[], bool t=True, Device d=\"cpu\") -> Tensor",
        "_ns::f.out(SymInt[1]? dim=None, *, Tensor(a!)[] out) -> ()",
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_arena arena;
        evr_buf buf;
        evr_arena_init(&arena, ctx);
        evr_buf_init(&buf, ctx);
        evr_schema_print(&buf, parse(&arena, texts[i]));
        assert_str(evr_buf_view(&buf), texts[i]);
        evr_buf_free(&buf);
        evr_arena_free(&arena);
    }
    test_context_done(ctx, &m);
}

/* One line for a value: its kind and what it holds. */
static void describe(evr_buf *buf, const evr_value *v)
{
    static const char *const kinds[] = {"missing", "none", "bool", "int", "float", "complex", "str", "dtype", "layout", "device", "memory"};
    if (v->kind == EVR_VALUE_LIST) {
        evr_buf_char(buf, '[');
        for (size_t i = 0; i < v->u.list.len; i++) {
            evr_buf_c(buf, i ? ", " : "");
            describe(buf, &v->u.list.items[i]);
        }
        evr_buf_char(buf, ']');
        return;
    }
    evr_buf_c(buf, v->kind < sizeof kinds / sizeof *kinds ? kinds[v->kind] : "other");
    if (v->kind == EVR_VALUE_FLOAT)
        evr_buf_printf(buf, " %g", v->u.f);
    else if (v->kind == EVR_VALUE_COMPLEX)
        evr_buf_printf(buf, " %g %g", v->u.c.re, v->u.c.im);
    else if (v->kind == EVR_VALUE_STR || v->kind == EVR_VALUE_DEVICE)
        evr_buf_printf(buf, " %.*s", EVR_STR_ARG(v->u.s));
    else if (v->kind != EVR_VALUE_NONE)
        evr_buf_printf(buf, " %lld", (long long)v->u.i);
}

static const struct {
    const char *type, *text, *value;
} defaults[] = {
    {"int", "-100", "int -100"},
    {"int", "Mean", "int 1"},
    {"int", "True", "int 1"},
    {"int", "9223372036854775807", "int 9223372036854775807"},
    {"SymInt?", "3", "int 3"},
    {"int?", "None", "none"},
    {"bool", "True", "bool 1"},
    {"bool?", "0", "bool 0"},
    {"Scalar", "True", "bool 1"},
    {"Scalar", "1", "int 1"},
    {"Scalar", "-0.5", "float -0.5"},
    {"float", "1", "float 1"},
    {"float", "1.0000000000000001e-05", "float 1e-05"},
    {"float?", "-inf", "float -inf"},
    {"float", "nan", "float nan"},
    {"complex", "3", "complex 3 0"},
    {"complex", "0.5", "complex 0.5 0"},
    {"complex", "1.+2.j", "complex 1 2"},
    {"Scalar", "-1e-05-0.5j", "complex -1e-05 -0.5"},
    {"ScalarType", "6", "dtype 6"},
    {"ScalarType?", "long", "dtype 4"},
    {"ScalarType", "float16", "dtype 5"},
    {"ScalarType", "complex", "dtype 9"},
    {"Layout", "sparse_csr", "layout 2"},
    {"Layout?", "0", "layout 0"},
    {"MemoryFormat", "contiguous_format", "memory 0"},
    {"MemoryFormat?", "2", "memory 2"},
    {"Device", "cpu", "device cpu"},
    {"Device", "xpu:1", "device xpu:1"},
    {"Device?", "\"cuda:0\"", "device cuda:0"},
    {"Device?", "None", "none"},
    {"str", "\"a\\n\\t\\f\\v\\101\\\"\\\\\"", "str a\n\t\f\vA\"\\"},
    {"int[2]", "1", "[int 1, int 1]"}, /* how PyTorch prints [1, 1] */
    {"SymInt[3]?", "0", "[int 0, int 0, int 0]"},
    {"float[]", "1", "[float 1]"},
    {"float[]?", "[1, 2.5]", "[float 1, float 2.5]"},
    {"bool[3]", "[True, 0, 1]", "[bool 1, bool 0, bool 1]"},
    {"int[]", "[]", "[]"},
    {"int[][]", "[[1], [2, 3], []]", "[[int 1], [int 2, int 3], []]"},
    {"(int, float)", "(1, 2)", "[int 1, float 2]"},
    {"str[]", "[\"a,]\", 'b)']", "[str a,], str b)]"},
};

static void test_parse__defaults(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        char text[256];
        snprintf(text, sizeof text, "ns::f(%s v=%s) -> ()", defaults[i].type, defaults[i].text);
        evr_arena arena;
        evr_buf buf;
        evr_arena_init(&arena, ctx);
        evr_buf_init(&buf, ctx);
        const evr_schema *s = parse(&arena, text);
        describe(&buf, &s->params[0].fallback);
        if (!evr_str_is(evr_buf_view(&buf), defaults[i].value))
            fail_msg("%s gives %s, not %s", text, evr_buf_view(&buf).data, defaults[i].value);
        assert_str(s->params[0].fallback_text, defaults[i].text);
        evr_buf_free(&buf);
        evr_arena_free(&arena);
    }
    test_context_done(ctx, &m);
}

static void test_parse__refusals_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t offset;
    } cases[] = {
        {"", 0},
        {"aten::f", 7},
        {"aten::f(", 8},
        {"aten::f(Tensor)", 14},
        {"aten::f(Tensor a", 16},
        {"aten::f(Tensor a) Tensor", 18},
        {"aten::f(Tensor a, *, *, int b) -> ()", 22},
        {"aten::f(int a=) -> ()", 14},
        {"aten::f(int a=1) -> () x", 23},
        {"aten::f(int[ a) -> ()", 14},
        {"aten::f(str a=\"x) -> ()", 23},
        {"aten::f.(int a) -> ()", 8},
        {"aten::f(*) -> ()", 9},
        {"aten::f(int a, *) -> ()", 16},
        {"aten::f(int a,) -> ()", 14},
        {"aten::f(3 a) -> ()", 8},
        {"aten::f(int 3) -> ()", 12},
        {"aten::f(int[99999999999999999999] a) -> ()", 32},
        {"aten::f(int[65537] a) -> ()", 17},
        {"aten::f(int[129] a=1) -> ()", 20},
        {"aten::f(Tensor() a) -> ()", 15},
        {"aten::f(Tensor(a%) a) -> ()", 16},
        {"aten::f(Dict(str) a) -> ()", 17},
        {"aten::f(Future(int, int) a) -> ()", 24},
        {"aten::f(int a=0x10) -> ()", 14},
        {"aten::f(float a=infinity) -> ()", 16},
        {"aten::f(str a=\"\\q\") -> ()", 16},
        {"aten::f(str a=\"\\777\") -> ()", 16},
        {"aten::f(complex a=1.+j) -> ()", 18},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        evr_arena arena;
        evr_arena_init(&arena, ctx);
        const evr_schema *s;
        evr_error *err = NULL;
        evr_status status = evr_schema_parse(&arena, evr_str_c(cases[i].text), &s, &err);
        if (status != EVR_E_FORMAT || evr_error_offset(err) != cases[i].offset || s)
            fail_msg("\"%s\": %s at %lld", cases[i].text, evr_status_name(status), (long long)evr_error_offset(err));
        evr_error_free(err);
        evr_arena_free(&arena);
    }
    char deep[400] = "aten::f(";
    for (int i = 0; i < 100; i++)
        strcat(deep, "(A,");
    const evr_schema *s;
    evr_arena arena;
    evr_arena_init(&arena, ctx);
    assert_int_equal(evr_schema_parse(&arena, evr_str_c(deep), &s, NULL), EVR_E_FORMAT);
    evr_arena_free(&arena);
    test_context_done(ctx, &m);
}

/* A default must be a value that its parameter takes. */
static void check_default(const evr_schema *s, const evr_param *p)
{
    const evr_type *t = evr_type_bare(p->type);
    uint32_t kind = p->fallback.kind;
    if (kind == EVR_VALUE_NONE)
        return;
    bool good = t->kind == EVR_TYPE_DTYPE           ? kind == EVR_VALUE_DTYPE
                : t->kind == EVR_TYPE_LAYOUT        ? kind == EVR_VALUE_LAYOUT
                : t->kind == EVR_TYPE_MEMORY_FORMAT ? kind == EVR_VALUE_MEMORY_FORMAT
                : t->kind == EVR_TYPE_BOOL          ? kind == EVR_VALUE_BOOL
                : t->kind == EVR_TYPE_FLOAT         ? kind == EVR_VALUE_FLOAT
                : t->kind == EVR_TYPE_STR           ? kind == EVR_VALUE_STR
                : t->kind == EVR_TYPE_INT           ? kind == EVR_VALUE_INT
                : t->kind == EVR_TYPE_LIST          ? kind == EVR_VALUE_LIST
                                                    : true;
    if (!good)
        fail_msg("%.*s: default of %.*s is of kind %u", (int)s->text.len, s->text.data, (int)p->name.len, p->name.data, kind);
}

static void test_snapshot__every_schema_prints_back(void **state)
{
    (void)state;
    static const char *const versions[] = {"2.11", "2.12", "2.13", "2.14", "2.15"};
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
        evr_catalogue *c = NULL;
        assert_ok(evr_catalogue_open(ctx, evr_str_c(versions[v]), &c, err));
        assert_memory_equal(evr_catalogue_version(c).data, versions[v], 4);
        size_t n = evr_catalogue_count(c);
        assert_true(n > 4000);
        for (size_t i = 0; i < n; i++) {
            evr_arena arena;
            evr_buf buf;
            evr_arena_init(&arena, ctx);
            evr_buf_init(&buf, ctx);
            evr_str text = evr_catalogue_text(c, i);
            const evr_schema *s = NULL;
            assert_ok(evr_schema_parse(&arena, text, &s, err));
            evr_schema_print(&buf, s);
            if (!evr_str_eq(evr_buf_view(&buf), text))
                fail_msg("%.*s printed as %s", (int)text.len, text.data, buf.data);
            for (size_t p = 0; p < s->param_count; p++)
                if (s->params[p].has_default)
                    check_default(s, &s->params[p]);
            evr_buf_free(&buf);
            evr_arena_free(&arena);
        }
        evr_catalogue_free(c);
    }
    test_context_done(ctx, &m);
}

static void test_catalogue__find_and_add(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_catalogue *c = NULL;
    const evr_schema *const *found;
    size_t n, before;
    assert_ok(evr_catalogue_open(ctx, evr_str_c("2.13.1+cu130"), &c, err));
    assert_str(evr_catalogue_version(c), "2.13.0");
    assert_ok(evr_catalogue_find(c, evr_str_c("aten::add"), &found, &before, err));
    assert_true(before >= 3);
    assert_ok(evr_catalogue_find(c, evr_str_c("no::such"), &found, &n, err));
    assert_int_equal(n, 0);
    assert_ok(evr_catalogue_add(c, evr_str_c("no::such(int a) -> ()"), NULL, err));
    assert_ok(evr_catalogue_add(c, evr_str_c("no::such.b(int a) -> ()"), NULL, err));
    assert_ok(evr_catalogue_add(c, evr_str_c("no::such(str a) -> ()"), NULL, err)); /* replaces the first */
    assert_ok(evr_catalogue_find(c, evr_str_c("no::such"), &found, &n, err));
    assert_int_equal(n, 2);
    size_t all = evr_catalogue_count(c);
    assert_ok(evr_catalogue_add(c, evr_str_c("aten::add.Tensor(Tensor self) -> Tensor"), NULL, err));
    assert_int_equal(evr_catalogue_count(c), all);
    assert_true(evr_catalogue_text(c, all - 1).len > 0);
    assert_int_equal(evr_catalogue_text(c, all).len, 0);
    assert_ok(evr_catalogue_find(c, evr_str_c("aten::add"), &found, &n, err));
    assert_int_equal(n, before);
    assert_int_equal(evr_catalogue_add(c, evr_str_c("broken("), NULL, NULL), EVR_E_FORMAT);
    evr_catalogue_free(c);
    assert_ok(evr_catalogue_open(ctx, evr_str_c("1.0"), &c, err)); /* older than any: the oldest */
    assert_str(evr_catalogue_version(c), "2.11.0");
    evr_catalogue_free(c);
    assert_ok(evr_catalogue_open(ctx, evr_str_c(""), &c, err));
    assert_str(evr_catalogue_version(c), "2.15.0");
    evr_catalogue_free(c);
    test_context_done(ctx, &m);
}

static void test_catalogue__no_memory(void **state)
{
    (void)state;
    for (size_t fail = 1;; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_catalogue *c = NULL;
        const evr_schema *const *found;
        size_t n;
        m.fail_after = m.calls + fail;
        evr_status status = evr_catalogue_open(ctx, evr_str_c(""), &c, NULL);
        if (status == EVR_OK)
            status = evr_catalogue_find(c, evr_str_c("aten::add"), &found, &n, NULL);
        m.fail_after = 0;
        evr_catalogue_free(c);
        test_context_done(ctx, &m);
        if (status == EVR_OK)
            break;
        assert_int_equal(status, EVR_E_NOMEM);
        assert_true(fail < 10000);
    }
}

/* Observations in one letter each: t tensor, T tensor list, n nothing, s scalar without value, i, f, b, L ints, F floats, e empty list. */
static size_t observe(const char *letters, evr_seen *seen)
{
    static const char known[] = "tTnsifbLFe";
    static const evr_seen_kind kinds[] = {EVR_SEEN_TENSOR, EVR_SEEN_TENSOR_LIST, EVR_SEEN_NOTHING, EVR_SEEN_SCALAR, EVR_SEEN_INT,
                                          EVR_SEEN_FLOAT, EVR_SEEN_BOOL, EVR_SEEN_INT_LIST, EVR_SEEN_FLOAT_LIST, EVR_SEEN_EMPTY_LIST};
    size_t n = strlen(letters);
    for (size_t i = 0; i < n; i++)
        seen[i] = (evr_seen){kinds[strchr(known, letters[i]) - known], EVR_DTYPE_FLOAT32, 2, 2, {"", 0}};
    return n;
}

static const struct {
    const char *op, *seen, *overload; /* NULL = none fits */
} calls[] = {
    {"aten::add", "tti", "Tensor"},
    {"aten::add", "tii", "Scalar"},
    {"aten::add", "ttit", "out"},
    {"aten::add", "tt", "Tensor"},       /* alpha left out */
    {"aten::transpose", "tii", "int"},
    {"aten::mean", "tn", ""},
    {"aten::mean", "tLbn", "dim"},
    {"aten::sum", "tn", ""},
    {"aten::sum", "tLbn", "dim_IntList"},
    {"aten::max", "t", ""},
    {"aten::max", "tib", "dim"},
    {"aten::max", "tt", "other"},
    {"aten::cat", "Ti", ""},
    {"aten::index", "tT", "Tensor"},
    {"aten::slice", "tiiii", "Tensor"},
    {"aten::split", "tii", "Tensor"},
    {"aten::split", "tLi", "sizes"},
    {"aten::pow", "ti", "Tensor_Scalar"},
    {"aten::pow", "tt", "Tensor_Tensor"},
    {"aten::mul", "tt", "Tensor"},
    {"aten::mul", "tf", "Scalar"},
    {"aten::div", "tt", "Tensor"},
    {"aten::fill_", "ti", "Scalar"},
    {"aten::fill_", "tt", "Tensor"},
    {"aten::view", "tL", ""},
    {"aten::view", "ti", "dtype"},
    {"aten::empty", "Lnnnnn", "memory_format"},
    {"aten::addmm", "tttii", ""},
    {"aten::bernoulli_", "tfn", "float"},
    {"aten::where", "ttt", "self"},
    {"aten::add", "", NULL},
    {"aten::mm", "tttttt", NULL},
    {"aten::mm", "tT", NULL},
};

static void test_match__overloads(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_catalogue *c = NULL;
    assert_ok(evr_catalogue_open(ctx, evr_str_c("2.13"), &c, err));
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const evr_schema *const *found;
        const evr_schema *turned[64];
        evr_seen seen[16];
        size_t n, count = observe(calls[i].seen, seen);
        assert_ok(evr_catalogue_find(c, evr_str_c(calls[i].op), &found, &n, err));
        assert_true(n > 0 && n < 64);
        size_t best = evr_schema_choose(found, n, seen, count, NULL);
        const char *want = calls[i].overload;
        if ((best == SIZE_MAX) != !want || (want && !evr_str_is(found[best]->overload, want)))
            fail_msg("%s(%s) is %.*s, not %s", calls[i].op, calls[i].seen, best == SIZE_MAX ? 4 : (int)found[best]->text.len,
                     best == SIZE_MAX ? "none" : found[best]->text.data, want ? want : "none");
        for (size_t turn = 0; turn < n && want; turn++) { /* in any order the same */
            for (size_t k = 0; k < n; k++)
                turned[k] = found[(k + turn) % n];
            assert_ptr_equal(turned[evr_schema_choose(turned, n, seen, count, NULL)], found[best]);
        }
    }
    evr_catalogue_free(c);
    test_context_done(ctx, &m);
}

static void test_match__explains(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_catalogue *c = NULL;
    const evr_schema *const *found;
    size_t n;
    evr_seen seen[4];
    evr_buf why;
    assert_ok(evr_catalogue_open(ctx, evr_str_c("2.13"), &c, err));
    assert_ok(evr_catalogue_find(c, evr_str_c("aten::add"), &found, &n, err));
    evr_buf_init(&why, ctx);
    evr_schema_choose(found, n, seen, observe("tti", seen), &why);
    assert_true(evr_str_starts(evr_buf_view(&why), "aten::add.Tensor("));
    assert_non_null(strstr(why.data, "score "));
    assert_non_null(strstr(why.data, "does not fit"));
    evr_buf_free(&why);
    evr_catalogue_free(c);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse__parts),
        cmocka_unit_test(test_parse__odd_forms_print_back),
        cmocka_unit_test(test_parse__defaults),
        cmocka_unit_test(test_parse__refusals_say_where),
        cmocka_unit_test(test_snapshot__every_schema_prints_back),
        cmocka_unit_test(test_catalogue__find_and_add),
        cmocka_unit_test(test_catalogue__no_memory),
        cmocka_unit_test(test_match__overloads),
        cmocka_unit_test(test_match__explains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
