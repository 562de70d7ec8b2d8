/* Several visits to a record joined to one result: which of them count, what the median and its interval are, and every failing allocation. */
#include "report/samples.h"
#include "support/sweep.h"

#include "report/pool.h"

#include <math.h>

enum { SAMPLES = 10 };

/* One visit: its median, and whether it failed or was disturbed. */
typedef struct visit {
    double median;
    int32_t status;
    int disturbed;
    size_t samples; /* 0 = 10 */
} visit;

static evr_status add_visit(evr_context *ctx, evr_results *results, uint64_t index, int32_t number, const visit *v, evr_error **err)
{
    double samples[4 * SAMPLES];
    size_t n = v->samples ? v->samples : SAMPLES;
    evr_statistics s = {EVR_INIT(evr_statistics)};
    const evr_conditions c = {.struct_size = EVR_INIT(evr_conditions), .flags = v->disturbed ? EVR_MEASUREMENT_THROTTLED : 0};
    evr_result r = {.struct_size = EVR_INIT(evr_result), .index = index, .count = 7, .visit = number, .op = TEXT("my::op"), .status = v->status,
                    .reason = v->status ? EVR_REASON_TIMEOUT : EVR_REASON_NONE, .flags = number == 2 ? EVR_RESULT_RETRIED : 0};
    for (size_t i = 0; i < n; i++)
        samples[i] = v->median + (double)i - (double)(n - 1) / 2;
    if (v->status == EVR_STATUS_OK) {
        EVR_TRY(evr_statistics_of(ctx, samples, n, &s, err));
        r.statistics = &s;
        r.conditions = &c;
        r.samples = samples;
        r.sample_count = n;
    }
    return evr_results_add(results, &r, err);
}

static evr_status join(evr_context *ctx, const visit *visits, size_t count, bool samples, evr_results **out, evr_error **err)
{
    EVR_TRY(evr_results_new(ctx, NULL, out, err));
    evr_status status = EVR_OK;
    for (size_t i = 0; i < count && status == EVR_OK; i++)
        for (uint64_t index = 0; index < 2 && status == EVR_OK; index++)
            status = add_visit(ctx, *out, index, (int32_t)i + 1, &visits[i], err);
    if (status == EVR_OK)
        status = evr_results_finish(*out, NULL, err);
    return status == EVR_OK ? evr_join_visits(*out, samples, err) : status;
}

static const visit steady[] = {{1000}, {1010}, {990}, {1600}, {1005}, {1002}, {998}};

static void test_pool__median_of_medians(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL;
    assert_ok(join(ctx, steady, 7, true, &results, err));
    assert_int_equal(evr_results_count(results), 2);
    for (size_t i = 0; i < 2; i++) {
        const evr_result *r = evr_results_at(results, i);
        assert_int_equal(r->index, i);
        assert_int_equal(r->visit, 0);
        assert_int_equal(r->count, 7);
        assert_int_equal(r->visit_count, 7);
        assert_int_equal(r->sample_count, 7 * SAMPLES);
        assert_int_equal(r->flags, EVR_RESULT_RETRIED);
        assert_true(fabs(r->statistics->median - 1002) < 1e-9);
        assert_true(r->statistics->median_low >= 990 && r->statistics->median_low < 1000); /* of seven numbers, not of seventy */
        assert_true(r->statistics->median_high > 1010 && r->statistics->median_high <= 1600 && r->statistics->coverage == 0.95);
        assert_int_equal(r->statistics->count, 7 * SAMPLES);
    }
    evr_results_free(results);
    assert_ok(join(ctx, steady, 3, false, &results, err));
    assert_true(!evr_results_at(results, 0)->samples && evr_results_at(results, 0)->sample_count == 0 && evr_results_at(results, 0)->visit_count == 3);
    assert_true(evr_results_at(results, 0)->statistics->coverage < 0.8); /* all that three say */
    evr_results_free(results);
    assert_ok(join(ctx, steady, 1, true, &results, err));
    assert_int_equal(evr_results_at(results, 1)->sample_count, SAMPLES);
    evr_results_free(results);
    test_context_done(ctx, &m);
}

/* What was timed in peace is not spoilt by what was not, and a noisy visit's samples are not more than others'. */
static void test_pool__disturbed_visits(void **state)
{
    (void)state;
    static const visit some[] = {{1500, 0, 1, 30}, {1000}, {1002, 0, 0, 40}, {1700, 0, 1}}, all[] = {{1500, 0, 1}, {1400, 0, 1}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL;
    assert_ok(join(ctx, some, 4, true, &results, err));
    const evr_result *r = evr_results_at(results, 0);
    assert_int_equal(r->visit_count, 2);
    assert_true(r->visits[0] == 1000 && r->visits[1] == 1002 && fabs(r->statistics->median - 1001) < 1e-9);
    assert_int_equal(r->sample_count, 2 * SAMPLES);
    assert_false(evr_was_disturbed(r));
    evr_results_free(results);
    assert_ok(join(ctx, all, 2, true, &results, err));
    assert_true(evr_was_disturbed(evr_results_at(results, 0)) && evr_results_at(results, 0)->visit_count == 2);
    evr_results_free(results);
    test_context_done(ctx, &m);
}

static void test_pool__one_failure_is_a_failure(void **state)
{
    (void)state;
    static const visit some[] = {{1000}, {0, EVR_STATUS_FAILED}, {1002}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL;
    assert_ok(join(ctx, some, 3, true, &results, err));
    assert_int_equal(evr_results_at(results, 1)->status, EVR_STATUS_FAILED);
    assert_int_equal(evr_results_at(results, 1)->reason, EVR_REASON_TIMEOUT);
    assert_true(!evr_results_at(results, 1)->statistics && !evr_results_at(results, 1)->visit_count);
    evr_results_free(results);
    test_context_done(ctx, &m);
}

/* They survive being written and read, and are pooled again when the same record is there twice. */
static void test_pool__written_and_read(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *results = NULL, *again = NULL;
    evr_comparison *c = NULL;
    char *text = NULL;
    size_t size;
    assert_ok(join(ctx, steady, 7, true, &results, err));
    assert_ok(evr_results_write(results, EVR_REPORT_JSON, &text, &size, err));
    assert_non_null(strstr(text, "\"visits\":[1000.0,1010.0,990.0"));
    assert_null(strstr(text, "\"visit\":"));
    assert_ok(evr_results_read(ctx, text, size, &again, err));
    assert_int_equal(evr_results_at(again, 0)->visit_count, 7);
    assert_true(evr_results_at(again, 0)->visits[3] == 1600);
    assert_ok(evr_compare(ctx, results, again, NULL, &c, err));
    assert_int_equal(evr_comparison_count(c), 1); /* both call the same */
    assert_int_equal(evr_comparison_at(c, 0)->base->visit_count, 14);
    assert_true(evr_comparison_at(c, 0)->change == EVR_CHANGE_NONE && fabs(evr_comparison_at(c, 0)->ratio - 1) < 1e-9);
    evr_comparison_free(c);
    evr_text_free(ctx, text);
    evr_results_free(results);
    evr_results_free(again);
    test_context_done(ctx, &m);
}

static evr_status join_steady(evr_context *ctx, void *user, evr_error **err)
{
    evr_results *results = NULL;
    (void)user;
    evr_status status = join(ctx, steady, 7, true, &results, err);
    evr_results_free(results);
    return status;
}

static void test_pool__failing_allocations(void **state)
{
    (void)state;
    test_sweep_both("joining visits", join_steady, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__median_of_medians),  cmocka_unit_test(test_pool__disturbed_visits), cmocka_unit_test(test_pool__one_failure_is_a_failure),
        cmocka_unit_test(test_pool__written_and_read), cmocka_unit_test(test_pool__failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
