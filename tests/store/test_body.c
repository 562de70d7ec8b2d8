/* Results and their forms: what is taken apart gives the same bytes again, and what is damaged gives none. */
#include "support/support.h"

#include "store/body.h"

typedef struct bench {
    test_memory memory;
    evr_context *ctx;
    evr_body_columns columns;
    evr_buf form, shape, rest, body;
} bench;

static void bench_open(bench *b)
{
    b->ctx = test_context(&b->memory);
    evr_body_columns_init(&b->columns, b->ctx);
    evr_buf *const all[] = {&b->form, &b->shape, &b->rest, &b->body};
    for (size_t i = 0; i < 4; i++)
        evr_buf_init(all[i], b->ctx);
}

static void bench_close(bench *b)
{
    evr_body_columns_free(&b->columns);
    evr_buf *const all[] = {&b->form, &b->shape, &b->rest, &b->body};
    for (size_t i = 0; i < 4; i++)
        evr_buf_free(all[i]);
    test_context_done(b->ctx, &b->memory);
}

static void set(bench *b, const char *key, double median)
{
    const evr_str texts[] = {evr_str_c(key), evr_str_c("aten::add"), evr_str_c("float32[8], 'a\"b\\'"), evr_str_c("protocol"), evr_str_c("cuda:0")};
    assert_true(evr_body_columns_set(&b->columns, texts, (const double[]){median, median - 1, median + 1}));
}

static const char *const bodies[] = {
    "{\"key\":\"abcd\",\"op\":\"aten::add\",\"arguments\":\"float32[8], 'a\\\"b\\\\'\",\"n\":1,\"t\":100.5,\"low\":99.5,\"s\":[1.5,-2e-05,3],\"w\":[],\"c\":null}",
    "{\"key\":\"efgh\",\"op\":\"aten::add\",\"arguments\":\"float32[8], 'a\\\"b\\\\'\",\"n\":25,\"t\":200.5,\"low\":7,\"s\":null,\"w\":[\"a,]\",\"b\"],\"c\":true}",
    "{\"key\":\"\",\"op\":\"\",\"arguments\":\"\",\"n\":-1.5e+300,\"t\":\"200.5\",\"low\":123456789012345678901234567890,\"s\":[0.1],\"w\":[[1],[2]],\"c\":{}}",
    "{}", "", "[]", "[1,2", "{\"a\":\"", "\\", "plain", "{\"a\":[{\"b\":[1,2]},{\"b\":3}]}", "\"only\"", "{\"a\":1}}}",
};

static void test_body__comes_back(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    size_t shared = 0;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        set(&b, "abcd", 100.5);
        if (!evr_body_form(evr_str_c(bodies[i]), &b.columns, &b.form, &b.shape))
            continue;
        for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
            set(&b, k ? "efgh" : "abcd", k ? 200.5 : 100.5);
            bool fits = evr_body_pack(evr_str_c(bodies[k]), evr_buf_view(&b.form), &b.columns, &b.rest);
            assert_true(fits || i != k);
            if (!fits)
                continue;
            assert_true(evr_body_unpack(evr_buf_view(&b.form), evr_buf_view(&b.rest), &b.columns, &b.body));
            assert_int_equal(b.body.len, strlen(bodies[k]));
            assert_memory_equal(b.body.len ? b.body.data : "", bodies[k], b.body.len);
            shared += i != k;
        }
    }
    assert_true(shared >= 2); /* the first two are of one form */
    bench_close(&b);
}

static void test_body__columns_cost_nothing(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    set(&b, "abcd", 100.5);
    assert_true(evr_body_form(evr_str_c(bodies[0]), &b.columns, &b.form, &b.shape));
    set(&b, "wxyz", 55.25);
    const char *other = "{\"key\":\"wxyz\",\"op\":\"aten::add\",\"arguments\":\"float32[8], 'a\\\"b\\\\'\",\"n\":1,\"t\":55.25,\"low\":54.25,\"s\":[1.5,-2e-05,3],\"w\":[],\"c\":null}";
    assert_true(evr_body_pack(evr_str_c(other), evr_buf_view(&b.form), &b.columns, &b.rest));
    assert_int_equal(b.rest.len, 0);
    bench_close(&b);
}

/* Marks of ours in a text are none of ours. */
static void test_body__marks_are_refused(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    set(&b, "abcd", 1);
    assert_false(evr_body_form(evr_str_c("{\"a\":\"\x01" "a\"}"), &b.columns, &b.form, &b.shape));
    assert_false(evr_body_unpack(evr_str_c("{\"a\":\x01z}"), (evr_str){"", 0}, &b.columns, &b.body));
    assert_false(evr_body_unpack(evr_str_c("{\"a\":\x01"), (evr_str){"", 0}, &b.columns, &b.body));
    bench_close(&b);
}

/* Any bytes beside a form give a text or nothing; every allocation may fail. */
static void test_body__damaged(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    set(&b, "abcd", 100.5);
    assert_true(evr_body_form(evr_str_c(bodies[0]), &b.columns, &b.form, &b.shape));
    srand(3);
    size_t refused = 0;
    for (int k = 0; k < 20000; k++) {
        char bytes[24];
        size_t len = (size_t)(rand() % 24);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(rand() % (k % 2 ? 256 : 8));
        refused += !evr_body_unpack(evr_buf_view(&b.form), (evr_str){bytes, len}, &b.columns, &b.body);
    }
    assert_true(refused > 1000);
    set(&b, "efgh", 200.5);
    assert_true(evr_body_pack(evr_str_c(bodies[1]), evr_buf_view(&b.form), &b.columns, &b.rest));
    for (size_t cut = 0; cut + 1 < b.rest.len; cut++) /* what is cut gives another text, or none */
        if (evr_body_unpack(evr_buf_view(&b.form), (evr_str){b.rest.data, cut}, &b.columns, &b.body))
            assert_true(b.body.len != strlen(bodies[1]) || memcmp(b.body.data, bodies[1], b.body.len) != 0);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body__comes_back),
        cmocka_unit_test(test_body__columns_cost_nothing),
        cmocka_unit_test(test_body__marks_are_refused),
        cmocka_unit_test(test_body__damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
