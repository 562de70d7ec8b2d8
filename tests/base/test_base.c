#include "support/support.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/intern.h"
#include "base/json_write.h"

#include <math.h>

static void test_context__bad_options(void **state)
{
    (void)state;
    evr_context *ctx = (evr_context *)1;
    evr_error *err = NULL;
    evr_context_options o = {.struct_size = 3};
    assert_int_equal(evr_context_new(&o, &ctx, &err), EVR_E_INVALID);
    assert_null(ctx);
    assert_int_equal(evr_error_code(err), EVR_E_INVALID);
    assert_non_null(strstr(evr_error_hint(err), "EVR_INIT"));
    evr_error_free(err);
    evr_allocator half = {.struct_size = sizeof half};
    o = (evr_context_options){.struct_size = sizeof o, .allocator = &half};
    assert_int_equal(evr_context_new(&o, &ctx, NULL), EVR_E_INVALID);
    assert_int_equal(evr_context_new(NULL, NULL, NULL), EVR_E_INVALID);
}

static void test_error__chain(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_error *err = NULL;
    assert_int_equal(evr_fail(ctx, &err, EVR_E_IO, "file %d", 7), EVR_E_IO);
    evr_at_offset(&err, 42);
    assert_int_equal(evr_fail_because(ctx, &err, EVR_E_FORMAT, "outer"), EVR_E_FORMAT);
    evr_at_event(&err, 5, EVR_STR_LITERAL("aten::add"));
    assert_string_equal(evr_error_message(err), "outer");
    assert_string_equal(evr_error_op(err), "aten::add");
    assert_int_equal(evr_error_uid(err), 5);
    assert_int_equal(evr_error_offset(err), -1);
    assert_string_equal(evr_error_message(evr_error_cause(err)), "file 7");
    assert_int_equal(evr_error_offset(evr_error_cause(err)), 42);
    evr_context_free(ctx); /* the error keeps the context alive */
    evr_error_free(err);
    assert_int_equal(m.live, 0);
}

static void test_error__no_memory(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    m.fail_after = m.calls + 1;
    evr_error *err = NULL;
    assert_int_equal(evr_fail(ctx, &err, EVR_E_IO, "x"), EVR_E_IO);
    assert_int_equal(evr_error_code(err), EVR_E_NOMEM);
    evr_error_free(err);
    m.fail_after = 0;
    test_context_done(ctx, &m);
}

static void test_status__names(void **state)
{
    (void)state;
    assert_string_equal(evr_status_name(EVR_OK), "EVR_OK");
    assert_string_equal(evr_status_name(EVR_E_FORMAT), "EVR_E_FORMAT");
    assert_string_equal(evr_status_name(12345), "EVR_E_UNKNOWN");
    assert_int_equal(evr_abi_check(EVR_ABI_VERSION, NULL), EVR_OK);
    evr_error *err = NULL;
    assert_int_equal(evr_abi_check(EVR_ABI_VERSION + 1, &err), EVR_E_ABI);
    evr_error_free(err);
}

static void test_intern__many(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_intern table;
    evr_intern_init(&table, ctx);
    char text[32];
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 20000; i++) {
            int n = snprintf(text, sizeof text, "name %u", i * 7919u);
            assert_int_equal(evr_intern_add(&table, (evr_str){text, (size_t)n}), i);
        }
    assert_int_equal(evr_intern_add(&table, (evr_str){NULL, 0}), 20000);
    assert_str(evr_intern_text(&table, 1), "name 7919");
    assert_int_equal(evr_intern_find(&table, EVR_STR_LITERAL("nobody")), EVR_NO_ID);
    evr_intern_free(&table);
    test_context_done(ctx, &m);
}

static void test_intern__no_memory(void **state)
{
    (void)state;
    for (size_t fail = 1; fail < 40; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_intern table;
        evr_intern_init(&table, ctx);
        m.fail_after = m.calls + fail;
        char text[32];
        for (uint32_t i = 0; i < 3000; i++) {
            int n = snprintf(text, sizeof text, "name %u", i);
            if (evr_intern_add(&table, (evr_str){text, (size_t)n}) == EVR_NO_ID)
                break;
        }
        m.fail_after = 0;
        evr_intern_free(&table);
        test_context_done(ctx, &m);
    }
}

static void test_arena__big_and_small(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_arena arena;
    evr_arena_init(&arena, ctx);
    char *small = evr_arena_alloc(&arena, 3);
    char *big = evr_arena_alloc(&arena, 1 << 22);
    char *next = evr_arena_alloc(&arena, 8);
    assert_ptr_equal(next, small + 8); /* a big block does not close the open one */
    memset(big, 1, 1 << 22);
    assert_null(evr_arena_alloc(&arena, SIZE_MAX));
    evr_arena_free(&arena);
    test_context_done(ctx, &m);
}

static void test_str__numbers(void **state)
{
    (void)state;
    int64_t i;
    assert_true(evr_str_to_i64(evr_str_c("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(evr_str_to_i64(evr_str_c("9223372036854775807"), &i) && i == INT64_MAX);
    assert_false(evr_str_to_i64(evr_str_c("9223372036854775808"), &i));
    assert_false(evr_str_to_i64(evr_str_c("-"), &i));
    assert_false(evr_str_to_i64(evr_str_c("1.0"), &i));
    double d;
    static const char *const texts[] = {"0.1", "-1.5e-7", "1e-05", "123456.789", "179769313486231570e291", "5e-324", "3.402823466e+38"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        assert_true(evr_str_to_f64(evr_str_c(texts[k]), &d) && d == strtod(texts[k], NULL));
    assert_true(evr_str_to_f64(evr_str_c("-inf"), &d) && isinf(d) && d < 0);
    assert_true(evr_str_to_f64(evr_str_c("nan"), &d) && isnan(d));
    assert_false(evr_str_to_f64(evr_str_c("1x"), &d));
    assert_false(evr_str_to_f64(evr_str_c(""), &d));
}

static void test_str__glob(void **state)
{
    (void)state;
    assert_true(evr_glob(evr_str_c("aten::*mm"), evr_str_c("aten::addmm")));
    assert_true(evr_glob(evr_str_c("*"), evr_str_c("")));
    assert_false(evr_glob(evr_str_c("aten::?m"), evr_str_c("aten::addmm")));
    assert_true(evr_glob(evr_str_c("*a*b*c"), evr_str_c("xxaxxbxbxc")));
}

static void test_json_write__layouts(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    static const char *const want[] = {
        "{\"a\":[1,-2.5,true,null,\"q\\\"\\n\\u0001\"],\"e\":{}}",
        "{\"a\": [1, -2.5, true, null, \"q\\\"\\n\\u0001\"], \"e\": {}}",
        "{\n \"a\": [\n  1,\n  -2.5,\n  true,\n  null,\n  \"q\\\"\\n\\u0001\"\n ],\n \"e\": {}\n}",
    };
    for (int style = 0; style < 3; style++) {
        evr_buf buf;
        evr_buf_init(&buf, ctx);
        evr_json_writer w;
        evr_json_init(&w, &buf);
        w.spaced = style == 1;
        w.indent = style == 2;
        evr_json_open(&w, '{');
        evr_json_key(&w, "a");
        evr_json_open(&w, '[');
        evr_json_i64(&w, 1);
        evr_json_f64(&w, -2.5);
        evr_json_bool(&w, true);
        evr_json_null(&w);
        evr_json_str(&w, EVR_STR_LITERAL("q\"\n\1"));
        evr_json_close(&w, ']');
        evr_json_key(&w, "e");
        evr_json_open(&w, '{');
        evr_json_close(&w, '}');
        evr_json_close(&w, '}');
        assert_str(evr_buf_view(&buf), want[style]);
        evr_buf_free(&buf);
    }
    test_context_done(ctx, &m);
}

static void test_json_write__floats(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1.0"}, {0.1, "0.1"}, {1e-5, "1e-05"}, {1.0 / 3, "0.3333333333333333"}, {-INFINITY, "-Infinity"},
                 {3.4028234663852886e38, "3.4028234663852886e+38"}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        evr_buf buf;
        evr_buf_init(&buf, ctx);
        evr_json_writer w;
        evr_json_init(&w, &buf);
        evr_json_f64(&w, cases[i].value);
        assert_str(evr_buf_view(&buf), cases[i].text);
        evr_buf_free(&buf);
    }
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context__bad_options), cmocka_unit_test(test_error__chain),
        cmocka_unit_test(test_error__no_memory),     cmocka_unit_test(test_status__names),
        cmocka_unit_test(test_intern__many),         cmocka_unit_test(test_intern__no_memory),
        cmocka_unit_test(test_arena__big_and_small), cmocka_unit_test(test_str__numbers),
        cmocka_unit_test(test_str__glob),            cmocka_unit_test(test_json_write__layouts),
        cmocka_unit_test(test_json_write__floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
