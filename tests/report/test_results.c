/* Lists of results: copies, order, texts that are no UTF-8, and their JSON: the same after a round trip, every cut and fault told with its place,
 * every failing allocation survived. */
#include "report/samples.h"

#include <math.h>

static void test_results__order_and_copies(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = sample_results(ctx);
    static const char *const ops[] = {"my::slow", "AddBackward0", "aten::add", "aten::mul"};
    assert_int_equal(evr_results_count(results), 4);
    for (size_t i = 0; i < 4; i++)
        assert_str(evr_results_at(results, i)->op, ops[i]);
    assert_null(evr_results_at(results, 4));
    const evr_result *r = evr_results_at(results, 2);
    assert_int_equal(r->sample_count, 12);
    assert_true(r->samples[9] == 1e3 / 3 && r->statistics->count == 12);
    assert_int_equal(r->check_count, 3);
    assert_str(r->checks[1].detail, "3 of 64 differ");
    assert_str(r->warnings[1], "second \"warning\"\n");
    assert_int_equal(r->op.data[r->op.len], 0);
    assert_str(evr_results_about(results)->device_name, "Some GPU");
    evr_results_free(results);
    evr_results_free(NULL);
    test_context_done(ctx, &m);
}

static void test_results__same_index_keeps_order(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL;
    assert_ok(evr_results_new(ctx, NULL, &results, err));
    for (uint64_t i = 0; i < 1000; i++) {
        evr_result r = {.struct_size = EVR_INIT(evr_result), .index = i * 7919 % 100, .uid = i, .op = TEXT("a::b")};
        assert_ok(evr_results_add(results, &r, err));
    }
    assert_ok(evr_results_finish(results, NULL, err));
    for (size_t i = 1; i < 1000; i++) {
        const evr_result *a = evr_results_at(results, i - 1), *b = evr_results_at(results, i);
        assert_true(a->index < b->index || (a->index == b->index && a->uid < b->uid));
    }
    evr_results_info info = {.struct_size = EVR_INIT(evr_results_info), .flags = EVR_RESULTS_INTERRUPTED, .runtime = TEXT("later")};
    assert_ok(evr_results_finish(results, &info, err));
    assert_str(evr_results_about(results)->runtime, "later");
    assert_int_equal(evr_results_about(results)->flags, EVR_RESULTS_INTERRUPTED);
    evr_results_free(results);
    test_context_done(ctx, &m);
}

static void test_results__invalid(void **state)
{
    (void)state;
    static const double bad[] = {1, NAN};
    static const evr_result wrong[] = {
        {.struct_size = EVR_INIT(evr_result)},
        {.struct_size = EVR_INIT(evr_result), .op = {"a", 1}, .status = 3},
        {.struct_size = EVR_INIT(evr_result), .op = {"a", 1}, .status = -1},
        {.struct_size = EVR_INIT(evr_result), .op = {"a", 1}, .reason = 99},
        {.struct_size = EVR_INIT(evr_result), .op = {"a", 1}, .samples = bad, .sample_count = 2},
        {.struct_size = EVR_INIT(evr_result), .op = {"a", 1}, .sample_count = 2},
        {.struct_size = EVR_INIT(evr_result), .op = {"a", 1}, .warning_count = 1},
        {.struct_size = 0, .op = {"a", 1}},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL;
    char *text = "x";
    assert_ok(evr_results_new(ctx, NULL, &results, err));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(evr_results_add(results, &wrong[i], NULL), EVR_E_INVALID);
    assert_int_equal(evr_results_count(results), 0);
    assert_int_equal(evr_results_write(results, 99, &text, NULL, NULL), EVR_E_INVALID);
    assert_null(text);
    assert_int_equal(evr_results_write(results, -1, &text, NULL, NULL), EVR_E_INVALID);
    evr_results_free(results);
    assert_int_equal(evr_results_new(NULL, NULL, &results, NULL), EVR_E_INVALID);
    assert_null(results);
    test_context_done(ctx, &m);
}

static char *write_json(evr_results *results, size_t *size)
{
    char *text = NULL;
    assert_ok(evr_results_write(results, EVR_REPORT_JSON, &text, size, err));
    assert_int_equal(strlen(text), *size);
    return text;
}

static void test_results__round_trip(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = sample_results(ctx), *again = NULL, *line = NULL;
    size_t size, again_size, one_size;
    char *text = write_json(results, &size), *one = NULL;
    assert_ok(evr_results_read(ctx, text, size, &again, err));
    char *second = write_json(again, &again_size);
    assert_int_equal(size, again_size);
    assert_memory_equal(text, second, size);
    assert_true(evr_results_about(again)->seed == UINT64_MAX && evr_results_about(again)->started_s == 1700000000);
    assert_true(evr_results_at(again, 0)->uid == EVR_NO_UID && evr_results_at(again, 0)->first_run_ns == -1);
    assert_ok(evr_results_new(ctx, evr_results_about(again), &line, err));
    for (size_t i = 0; i < 4; i++) {
        assert_ok(evr_result_write(ctx, evr_results_at(again, i), &one, &one_size, err));
        assert_null(strchr(one, '\n'));
        assert_ok(evr_results_add_text(line, one, one_size, err));
        evr_text_free(ctx, one);
    }
    char *third = write_json(line, &again_size);
    assert_string_equal(third, text);
    evr_text_free(ctx, text);
    evr_text_free(ctx, second);
    evr_text_free(ctx, third);
    evr_results_free(results);
    evr_results_free(again);
    evr_results_free(line);
    test_context_done(ctx, &m);
}

static void test_results__bytes_that_are_no_text(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL, *again = NULL;
    evr_result r = {.struct_size = EVR_INIT(evr_result), .op = TEXT("a\xff\0b"), .detail = TEXT("\xe2\x82 \x01\x1b[31m ä\xf0\x9f\x98\x80")};
    size_t size;
    assert_ok(evr_results_new(ctx, NULL, &results, err));
    assert_ok(evr_results_add(results, &r, err));
    assert_str(evr_results_at(results, 0)->op, "a\xEF\xBF\xBD\xEF\xBF\xBD" "b");
    char *text = write_json(results, &size);
    assert_ok(evr_results_read(ctx, text, size, &again, err));
    assert_string_equal(evr_results_at(again, 0)->detail.data, evr_results_at(results, 0)->detail.data);
    evr_text_free(ctx, text);
    evr_results_free(results);
    evr_results_free(again);
    test_context_done(ctx, &m);
}

#define HEAD "{\"document\":\"evreplay-results\",\"version\":1,"
#define OWN HEAD "\"results\":["

/* The fault begins at the mark, which is taken out; without one there is no place. */
static const struct {
    const char *text;
    evr_status status;
} faults[] = {
    {OWN "{\"op\":\"a\",\"status\":\"ok\"}]@", EVR_E_TRUNCATED},
    {OWN "]} @x", EVR_E_FORMAT},
    {OWN "]@", EVR_E_TRUNCATED},
    {OWN "{\"op\":@\"a", EVR_E_TRUNCATED},
    {OWN "@{\"op\":\"a\"}]}", EVR_E_FORMAT},
    {OWN "@{\"status\":\"ok\"}]}", EVR_E_FORMAT},
    {OWN "@7]}", EVR_E_FORMAT},
    {OWN "{\"op\":@7,\"status\":\"ok\"}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":@\"\"}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":@\"fine\"}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"failed\",\"reason\":@\"mood\"}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"uid\":@-1}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"count\":@1.5}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"count\":@18446744073709551616}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"samples\":[1,@NaN]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"samples\":[1,@\"2\"]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"samples\":@{}}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"isolated\":@1}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"warnings\":[@1]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"checks\":[@{}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"checks\":[{\"name\":\"x\",\"verdict\":@\"odd\"}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"statistics\":{\"median\":@\"x\"}}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"statistics\":@[]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"conditions\":{\"calls\":@-2}}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a\",\"status\":\"ok\",\"first_run_ns\":@true}]}", EVR_E_FORMAT},
    {HEAD "\"seed\":@\"x\",\"results\":[]}", EVR_E_FORMAT},
    {HEAD "\"results\":@{}}", EVR_E_FORMAT},
    {HEAD "\"device\":\"cpu\"}", EVR_E_FORMAT},
    {"{\"document\":\"evreplay-results\",\"version\":2,\"results\":{}}", EVR_E_UNSUPPORTED},
    {"{\"document\":\"evreplay-results\",\"version\":@\"1\",\"results\":[]}", EVR_E_FORMAT},
    {"{\"evreplay_ir\":1,\"records\":[]}", EVR_E_UNSUPPORTED},
    {"{\"document\":\"other\",\"version\":1,\"results\":[]}", EVR_E_UNSUPPORTED},
    {"[]", EVR_E_UNSUPPORTED},
    {"7", EVR_E_UNSUPPORTED},
};

static void test_results__faults_and_where(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char text[512];
        const char *mark = strchr(faults[i].text, '@');
        size_t before = mark ? (size_t)(mark - faults[i].text) : strlen(faults[i].text);
        snprintf(text, sizeof text, "%.*s%s", (int)before, faults[i].text, mark ? mark + 1 : "");
        evr_results *results = NULL;
        evr_error *err = NULL;
        evr_status status = evr_results_read(ctx, text, strlen(text), &results, &err);
        if (status != faults[i].status || (mark && evr_error_offset(err) != (int64_t)before))
            fail_msg("%s: %s at %lld: %s", text, evr_status_name(status), (long long)evr_error_offset(err), evr_error_message(err));
        assert_null(results);
        evr_error_free(err);
    }
    test_context_done(ctx, &m);
}

static void test_results__what_is_not_known_is_passed_over(void **state)
{
    (void)state;
    static const char text[] = "{\"new\":[{\"x\":[]}],\"results\":[{\"op\":\"a\",\"status\":\"ok\",\"later\":{\"a\":[1]},\"uid\":null,\"samples\":null,"
                               "\"statistics\":{\"median\":2.5,\"new\":[],\"mode_low\":null},\"conditions\":{\"launch\":\"warp\"}}],"
                               "\"version\":1,\"document\":\"evreplay-results\",\"device\":\"cpu\"}";
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL;
    assert_ok(evr_results_read(ctx, text, sizeof text - 1, &results, err));
    const evr_result *r = evr_results_at(results, 0);
    assert_true(r->uid == EVR_NO_UID && r->count == 1 && r->statistics->median == 2.5 && r->conditions->precision == -1 && r->conditions->launch == 0);
    assert_true(r->trace_kernel_ns == -1 && r->sample_count == 0);
    assert_str(evr_results_about(results)->device, "cpu");
    assert_int_equal(evr_results_add_text(results, text, sizeof text - 1, NULL), EVR_E_FORMAT);
    assert_int_equal(evr_results_add_text(results, "{\"op\":\"b\",\"status\":\"ok\"} 1", 26, NULL), EVR_E_FORMAT);
    assert_int_equal(evr_results_count(results), 1);
    evr_results_free(results);
    test_context_done(ctx, &m);
}

/* Every prefix of a document is refused, with an error. */
static void test_results__cuts(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = sample_results(ctx), *cut = NULL;
    size_t size;
    char *text = write_json(results, &size);
    while (size && (text[size - 1] == '\n' || text[size - 1] == '}'))
        size--;
    for (size_t n = 0; n <= size; n++) {
        char *part = malloc(n ? n : 1);
        memcpy(part, text, n);
        evr_error *err = NULL;
        evr_status status = evr_results_read(ctx, part, n, &cut, &err);
        assert_true(status == EVR_E_TRUNCATED || status == EVR_E_FORMAT);
        assert_null(cut);
        evr_error_free(err);
        free(part);
    }
    evr_text_free(ctx, text);
    evr_results_free(results);
    test_context_done(ctx, &m);
}

/* Makes, writes in every form and reads, with each allocation failing in turn. */
static void test_results__no_memory(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = sample_results(ctx), *again = NULL;
    size_t size;
    char *text = write_json(results, &size), *one = NULL;
    size_t failed = 0;
    for (size_t n = 1;; n++) {
        m.fail_after = m.calls + n;
        evr_status status = evr_results_read(ctx, text, size, &again, NULL);
        m.fail_after = 0;
        if (status == EVR_OK)
            break;
        assert_int_equal(status, EVR_E_NOMEM);
        failed++;
    }
    assert_true(failed > 3);
    for (size_t n = 1;; n++) {
        m.fail_after = m.calls + n;
        evr_status status = evr_result_write(ctx, evr_results_at(again, 2), &one, NULL, NULL);
        m.fail_after = 0;
        if (status == EVR_OK)
            break;
        assert_int_equal(status, EVR_E_NOMEM);
        assert_null(one);
    }
    evr_text_free(ctx, one);
    evr_text_free(ctx, text);
    evr_results_free(results);
    evr_results_free(again);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results__order_and_copies),
        cmocka_unit_test(test_results__same_index_keeps_order),
        cmocka_unit_test(test_results__invalid),
        cmocka_unit_test(test_results__round_trip),
        cmocka_unit_test(test_results__bytes_that_are_no_text),
        cmocka_unit_test(test_results__faults_and_where),
        cmocka_unit_test(test_results__what_is_not_known_is_passed_over),
        cmocka_unit_test(test_results__cuts),
        cmocka_unit_test(test_results__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
