/* Comparisons: what matches, what changed, what cannot be said, what duplicates come to, the order, and every failing allocation. */
#include "report/samples.h"

#include "base/str.h"
#include "report/resample.h"

#include <math.h>

enum { SAMPLES = 40 };

/* One result: a median (negative: it failed; 0: it ran and was not timed) and what else differs. */
typedef struct spec {
    const char *key, *op;
    double median;
    uint64_t count;
    const char *protocol;
    size_t samples; /* 0 = all */
    int no_samples; /* only statistics */
    int32_t launch;
    int disturbed;  /* with a launch */
    int32_t status; /* with a negative median; 0 = failed */
} spec;

static void add_spec(evr_context *ctx, evr_results *results, const spec *x, uint64_t index, double noise)
{
    double samples[SAMPLES];
    size_t n = x->samples ? x->samples : SAMPLES;
    evr_draws draws = {.seed = 9, .stream = index * 2 + (noise < 0)};
    evr_statistics s = {EVR_INIT(evr_statistics)};
    evr_conditions c = {.struct_size = EVR_INIT(evr_conditions), .launch = x->launch, .gate = EVR_GATE_OFF,
                       .flags = x->disturbed ? EVR_MEASUREMENT_THROTTLED : 0};
    evr_result r = {.struct_size = EVR_INIT(evr_result), .index = index, .uid = index, .count = x->count ? x->count : 1, .key = evr_str_c(x->key),
                    .op = evr_str_c(x->op ? x->op : "my::op"), .trace_kernel_ns = -1, .trace_cpu_ns = -1, .first_run_ns = 1};
    if (x->median < 0) {
        r.status = x->status ? x->status : EVR_STATUS_FAILED;
        r.reason = r.status == EVR_STATUS_FAILED ? EVR_REASON_TIMEOUT : EVR_REASON_COMMUNICATION;
        r.detail = TEXT("no answer");
    } else if (x->median > 0) {
        for (size_t i = 0; i < n; i++)
            samples[i] = x->median * exp(fabs(noise) * evr_draw_normal(&draws));
        assert_ok(evr_statistics_of(ctx, samples, n, &s, err));
        r.statistics = &s;
        r.samples = x->no_samples ? NULL : samples;
        r.sample_count = x->no_samples ? 0 : n;
        r.protocol = evr_str_c(x->protocol ? x->protocol : "");
        r.conditions = x->launch ? &c : NULL;
    }
    assert_ok(evr_results_add(results, &r, err));
}

static evr_results *list_of(evr_context *ctx, const spec *specs, size_t count, double noise)
{
    evr_results *results = NULL;
    assert_ok(evr_results_new(ctx, NULL, &results, err));
    for (size_t i = 0; i < count; i++)
        add_spec(ctx, results, &specs[i], i, noise);
    return results;
}

static const evr_change *find(const evr_comparison *c, const char *key)
{
    for (size_t i = 0; i < evr_comparison_count(c); i++) {
        const evr_change *row = evr_comparison_at(c, i);
        if (evr_str_is((row->base ? row->base : row->newer)->key, key))
            return row;
    }
    fail_msg("no row for %s", key);
    return NULL;
}

static void expect(const evr_comparison *c, const char *key, int32_t change, const char *detail)
{
    const evr_change *row = find(c, key);
    if (row->change != change)
        fail_msg("%s is %d, not %d: %s", key, (int)row->change, (int)change, row->detail.data);
    if (detail ? !strstr(row->detail.data, detail) : row->detail.len != 0)
        fail_msg("%s says \"%s\", not \"%s\"", key, row->detail.data, detail ? detail : "");
}

static void test_compare__outcomes(void **state)
{
    (void)state;
    static const char none[] = "evreplay-protocol/1 flush=none", write[] = "evreplay-protocol/1 flush=write", same[] = "evreplay-protocol/1";
    static const spec base[] = {
        {"same", .median = 1e4}, {"slow", .median = 1e4}, {"fast", .median = 1e4}, {"gone", .median = 1e4}, {"breaks", .median = 1e4}, {"mends", .median = -1},
        {"never", .median = -1}, {"untimed", .median = 0}, {"untimed2", .median = 1e4}, {"few", .median = 1e4, .samples = 4},
        {"protocol", .median = 1e4, .protocol = none}, {"protocol2", .median = 1e4, .protocol = none}, {"protocol3", .median = 1e4, .protocol = none},
        {"protocol4", .median = 1e4, .protocol = "nonsense"}, {"launch", .median = 1e4, .launch = EVR_LAUNCH_SINGLE}, {"calls", .median = 1e4, .count = 7},
        {"nosamples", .median = 1e4, .no_samples = 1}, {"skipped", .median = 1e4},
    };
    static const spec newer[] = {
        {"skipped", .median = -1, .status = EVR_STATUS_SKIPPED}, {"nosamples", .median = 1.2e4, .no_samples = 1}, {"calls", .median = 1e4, .count = 9},
        {"launch", .median = 2e4, .launch = EVR_LAUNCH_BATCH}, {"protocol4", .median = 2e4, .protocol = none}, {"protocol3", .median = 1e4, .protocol = same},
        {"protocol2", .median = 2e4}, {"protocol", .median = 2e4, .protocol = write}, {"few", .median = 2e4}, {"untimed2", .median = 0}, {"untimed", .median = 0},
        {"never", .median = -1}, {"mends", .median = 1e4}, {"breaks", .median = -1}, {"new", .median = 1e4}, {"fast", .median = 0.8e4}, {"slow", .median = 1.2e4},
        {"same", .median = 1e4},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *a = list_of(ctx, base, sizeof base / sizeof *base, 0.01), *b = list_of(ctx, newer, sizeof newer / sizeof *newer, -0.01);
    evr_comparison *c = NULL;
    evr_compare_summary s = {EVR_INIT(evr_compare_summary)};
    assert_ok(evr_compare(ctx, a, b, NULL, &c, err));
    expect(c, "same", EVR_CHANGE_NONE, NULL);
    expect(c, "slow", EVR_CHANGE_REGRESSION, NULL);
    expect(c, "fast", EVR_CHANGE_IMPROVEMENT, NULL);
    expect(c, "gone", EVR_CHANGE_GONE, NULL);
    expect(c, "new", EVR_CHANGE_NEW, NULL);
    expect(c, "breaks", EVR_CHANGE_REGRESSION, "ran before, now failed: timeout: no answer");
    expect(c, "skipped", EVR_CHANGE_REGRESSION, "ran before, now skipped: communication");
    expect(c, "mends", EVR_CHANGE_IMPROVEMENT, "runs now, before failed");
    expect(c, "never", EVR_CHANGE_UNKNOWN, "ran in neither");
    expect(c, "untimed", EVR_CHANGE_UNKNOWN, "not timed in either");
    expect(c, "untimed2", EVR_CHANGE_UNKNOWN, "not timed in the newer");
    expect(c, "few", EVR_CHANGE_UNKNOWN, "4 samples");
    expect(c, "protocol", EVR_CHANGE_UNKNOWN, "flush none and write");
    expect(c, "protocol2", EVR_CHANGE_UNKNOWN, "the protocol of the newer is not known");
    expect(c, "protocol3", EVR_CHANGE_NONE, NULL); /* written differently, and the same */
    expect(c, "protocol4", EVR_CHANGE_UNKNOWN, "");
    expect(c, "launch", EVR_CHANGE_UNKNOWN, "launch single and launch batch");
    expect(c, "calls", EVR_CHANGE_NONE, "7 calls before, 9 now");
    expect(c, "nosamples", EVR_CHANGE_REGRESSION, NULL);
    const evr_change *slow = find(c, "slow");
    assert_true(slow->ratio > 1.18 && slow->ratio < 1.22 && slow->ratio_low < slow->ratio && slow->ratio_high > slow->ratio && slow->p_value < 0.001);
    assert_true(slow->ratio_low > 1.16 && slow->ratio_high < 1.24);
    evr_comparison_summary(c, &s);
    assert_int_equal(s.matched, 17);
    assert_int_equal(s.regressions, 4);
    assert_int_equal(s.improvements, 2);
    assert_int_equal(s.added, 1);
    assert_int_equal(s.gone, 1);
    assert_int_equal(s.unknown, 8);
    assert_true(s.ratio > 0 && s.ratio_low < s.ratio && s.ratio < s.ratio_high && fabs(s.ratio - s.newer_ns / s.base_ns) < 1e-12);
    assert_null(evr_comparison_at(c, evr_comparison_count(c)));
    evr_comparison_free(c);
    evr_results_free(a);
    evr_results_free(b);
    test_context_done(ctx, &m);
}

/* Turning base and newer round turns the calls round. */
/* Times that were taken while the device was slowed or shared lie between what they should be and twice that: they show large changes, spoil no others, and give way to better ones. */
static void test_compare__disturbed(void **state)
{
    (void)state;
    static const spec base[] = {
        {"a", .median = 1e4}, {"b", .median = 2e4}, {"c", .median = 3e4}, {"d", .median = 4e4}, {"e", .median = 5e4}, {"f", .median = 6e4}, {"g", .median = 7e4}, {"h", .median = 8e4},
        {"shared", .median = 1e4, .launch = EVR_LAUNCH_SINGLE, .disturbed = 1}, {"lost", .median = 1e4, .launch = EVR_LAUNCH_SINGLE},
        {"both", .median = 1e4, .launch = EVR_LAUNCH_SINGLE, .disturbed = 1}, {"visits", .median = 1e4, .launch = EVR_LAUNCH_SINGLE},
    };
    static const spec newer[] = {
        {"a", .median = 1e4}, {"b", .median = 2e4}, {"c", .median = 3e4}, {"d", .median = 4e4}, {"e", .median = 5e4}, {"f", .median = 6e4}, {"g", .median = 7e4}, {"h", .median = 8.5e4},
        {"shared", .median = 1.5e4, .launch = EVR_LAUNCH_SINGLE}, {"lost", .median = 9e4, .launch = EVR_LAUNCH_SINGLE, .disturbed = 1},
        {"both", .median = 0.7e4, .launch = EVR_LAUNCH_SINGLE, .disturbed = 1}, {"visits", .median = 1.6e4, .launch = EVR_LAUNCH_SINGLE, .disturbed = 1},
        {"visits", .median = 1.01e4, .launch = EVR_LAUNCH_SINGLE, .samples = 20}, {"visits", .median = 1.7e4, .launch = EVR_LAUNCH_SINGLE, .disturbed = 1},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *a = list_of(ctx, base, sizeof base / sizeof *base, 0.01), *b = list_of(ctx, newer, sizeof newer / sizeof *newer, -0.01);
    evr_comparison *c = NULL;
    assert_ok(evr_compare(ctx, a, b, NULL, &c, err));
    expect(c, "a", EVR_CHANGE_NONE, NULL);
    expect(c, "h", EVR_CHANGE_REGRESSION, NULL);
    expect(c, "shared", EVR_CHANGE_NONE, "slowed or shared, the base");
    expect(c, "lost", EVR_CHANGE_REGRESSION, "slowed or shared, the newer");
    expect(c, "both", EVR_CHANGE_NONE, "slowed or shared: only");
    expect(c, "visits", EVR_CHANGE_NONE, "calls before");
    assert_true(find(c, "visits")->ratio < 1.05 && find(c, "shared")->ratio_low < 1);
    evr_comparison_free(c);
    evr_results_free(a);
    evr_results_free(b);
    test_context_done(ctx, &m);
}

static void test_compare__both_ways(void **state)
{
    (void)state;
    static const int32_t turned[] = {EVR_CHANGE_NONE, EVR_CHANGE_IMPROVEMENT, EVR_CHANGE_REGRESSION, EVR_CHANGE_GONE, EVR_CHANGE_NEW, EVR_CHANGE_UNKNOWN};
    test_memory m;
    evr_context *ctx = test_context(&m);
    spec base[30], newer[30];
    char keys[30][8];
    for (size_t i = 0; i < 30; i++) {
        snprintf(keys[i], sizeof keys[i], "k%02zu", i);
        base[i] = newer[i] = (spec){keys[i], .median = 1000 * (double)(i + 1)};
        newer[i].median *= i % 10 == 3 ? 1.1 : i % 10 == 5 ? 0.9 : 1;
    }
    evr_results *a = list_of(ctx, base, 30, 0.01), *b = list_of(ctx, newer, 30, -0.01);
    evr_comparison *there = NULL, *back = NULL;
    size_t changed = 0;
    assert_ok(evr_compare(ctx, a, b, NULL, &there, err));
    assert_ok(evr_compare(ctx, b, a, NULL, &back, err));
    for (size_t i = 0; i < 30; i++) {
        const evr_change *x = find(there, keys[i]), *y = find(back, keys[i]);
        assert_int_equal(y->change, turned[x->change]);
        assert_true(fabs(x->ratio * y->ratio - 1) < 1e-12);
        changed += x->change != EVR_CHANGE_NONE;
    }
    assert_int_equal(changed, 6);
    evr_comparison_free(there);
    evr_comparison_free(back);
    evr_results_free(a);
    evr_results_free(b);
    test_context_done(ctx, &m);
}

static void test_compare__duplicates(void **state)
{
    (void)state;
    static const spec base[] = {{"twice", .median = 1e4, .count = 2}, {"twice", .median = 1e4, .count = 3}, {"mixed", .median = 1e4}, {"mixed", .median = -1}, {"one", .median = 1e4}};
    static const spec newer[] = {{"one", .median = 1e4}, {"one", .median = -1}, {"mixed", .median = 1e4}, {"twice", .median = 1e4, .count = 5}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *a = list_of(ctx, base, 5, 0.01), *b = list_of(ctx, newer, 4, -0.01);
    evr_comparison *c = NULL;
    assert_ok(evr_compare(ctx, a, b, NULL, &c, err));
    assert_int_equal(evr_comparison_count(c), 3);
    const evr_change *twice = find(c, "twice");
    assert_int_equal(twice->base->count, 5);
    assert_int_equal(twice->base->sample_count, 2 * SAMPLES);
    assert_int_equal(twice->base->statistics->count, 2 * SAMPLES);
    expect(c, "twice", EVR_CHANGE_NONE, NULL);
    expect(c, "mixed", EVR_CHANGE_IMPROVEMENT, "before failed"); /* the worst of them counts */
    expect(c, "one", EVR_CHANGE_REGRESSION, "now failed");
    evr_comparison_free(c);
    evr_results_free(a);
    evr_results_free(b);
    test_context_done(ctx, &m);
}

/* Several visits to one operator: a disturbed one does not outweigh the others by its samples, and medians that differ among visits are no change. */
static void test_compare__visits(void **state)
{
    (void)state;
    static const spec base[] = {
        {"disturbed", .median = 1e4, .samples = 10}, {"disturbed", .median = 1e4, .samples = 12}, {"disturbed", .median = 1e4, .samples = 11},
        {"unsteady", .median = 1e4}, {"unsteady", .median = 1.3e4}, {"unsteady", .median = 1e4},
        {"slower", .median = 1e4}, {"slower", .median = 1.001e4}, {"slower", .median = 0.999e4},
        {"short", .median = 1e4, .samples = 1}, {"short", .median = 1e4},
    };
    static const spec newer[] = {
        {"disturbed", .median = 1e4, .samples = 10}, {"disturbed", .median = 1.5e4, .samples = 40}, {"disturbed", .median = 1e4, .samples = 12},
        {"unsteady", .median = 1.3e4}, {"unsteady", .median = 1e4}, {"unsteady", .median = 1.3e4},
        {"slower", .median = 1.05e4}, {"slower", .median = 1.051e4}, {"slower", .median = 1.049e4},
        {"short", .median = 1e4},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *a = list_of(ctx, base, sizeof base / sizeof *base, 0.003), *b = list_of(ctx, newer, sizeof newer / sizeof *newer, -0.003);
    evr_comparison *c = NULL;
    assert_ok(evr_compare(ctx, a, b, NULL, &c, err));
    expect(c, "disturbed", EVR_CHANGE_NONE, NULL);
    assert_true(fabs(find(c, "disturbed")->ratio - 1) < 0.02);
    assert_int_equal(find(c, "disturbed")->base->sample_count, 30);
    expect(c, "unsteady", EVR_CHANGE_NONE, NULL);
    expect(c, "slower", EVR_CHANGE_REGRESSION, NULL);
    expect(c, "short", EVR_CHANGE_NONE, "2 calls before, 1 now");
    assert_int_equal(find(c, "short")->base->sample_count, SAMPLES + 1);
    evr_comparison_free(c);
    evr_results_free(a);
    evr_results_free(b);
    test_context_done(ctx, &m);
}

/* Without keys, operator and arguments are what matches; the order is that of time moved in the workload. */
static void test_compare__order_and_no_keys(void **state)
{
    (void)state;
    static const spec base[] = {{"", "a::little", 1000, 1}, {"", "a::much", 1000, 1000}, {"", "a::none", 1e6, 1}, {"", "a::some", 1e5, 1}};
    static const spec newer[] = {{"", "a::some", 1.2e5, 1}, {"", "a::none", 1e6, 1}, {"", "a::much", 1200, 1000}, {"", "a::little", 1200, 1}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *a = list_of(ctx, base, 4, 0.0001), *b = list_of(ctx, newer, 4, -0.0001);
    evr_comparison *c = NULL;
    static const char *const order[] = {"a::much", "a::some"};
    assert_ok(evr_compare(ctx, a, b, NULL, &c, err));
    assert_int_equal(evr_comparison_count(c), 4);
    for (size_t i = 0; i < 2; i++)
        assert_str(evr_comparison_at(c, i)->newer->op, order[i]);
    evr_comparison_free(c);
    evr_results_free(a);
    evr_results_free(b);
    test_context_done(ctx, &m);
}

static void test_compare__options(void **state)
{
    (void)state;
    static const spec base[] = {{"k", .median = 1e4}}, newer[] = {{"k", .median = 1.1e4}};
    static const evr_compare_options bad[] = {{EVR_INIT(evr_compare_options), .threshold = -1}, {EVR_INIT(evr_compare_options), .threshold = NAN},
                                              {EVR_INIT(evr_compare_options), .error_rate = 1}, {EVR_INIT(evr_compare_options), .error_rate = -0.1}};
    const evr_compare_options wide = {.struct_size = EVR_INIT(evr_compare_options), .threshold = 0.2};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *a = list_of(ctx, base, 1, 0.01), *b = list_of(ctx, newer, 1, -0.01), *empty = list_of(ctx, NULL, 0, 0);
    evr_comparison *c = NULL;
    char *text = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(evr_compare(ctx, a, b, &bad[i], &c, NULL), EVR_E_INVALID);
    assert_int_equal(evr_compare(ctx, a, NULL, NULL, &c, NULL), EVR_E_INVALID);
    assert_ok(evr_compare(ctx, a, b, NULL, &c, err));
    assert_int_equal(evr_comparison_at(c, 0)->change, EVR_CHANGE_REGRESSION);
    assert_int_equal(evr_comparison_write(c, 6, &text, NULL, NULL), EVR_E_INVALID);
    evr_comparison_free(c);
    assert_ok(evr_compare(ctx, a, b, &wide, &c, err));
    assert_int_equal(evr_comparison_at(c, 0)->change, EVR_CHANGE_NONE);
    evr_comparison_free(c);
    assert_ok(evr_compare(ctx, empty, empty, NULL, &c, err));
    assert_int_equal(evr_comparison_count(c), 0);
    evr_comparison_free(c);
    evr_comparison_free(NULL);
    evr_results_free(a);
    evr_results_free(b);
    evr_results_free(empty);
    test_context_done(ctx, &m);
}

static evr_status everything(evr_context *ctx, const evr_results *a, const evr_results *b)
{
    evr_comparison *c = NULL;
    evr_status status = evr_compare(ctx, a, b, NULL, &c, NULL);
    assert_true((status == EVR_OK) == (c != NULL));
    for (int32_t form = EVR_REPORT_JSON; status == EVR_OK && form <= EVR_REPORT_TEXT; form++) {
        char *text = NULL;
        size_t size = 0;
        status = evr_comparison_write(c, form, &text, &size, NULL);
        assert_true((status == EVR_OK) == (text != NULL));
        evr_text_free(ctx, text);
        if (status == EVR_OK && (status = evr_results_write(a, form, &text, &size, NULL)) == EVR_OK)
            evr_text_free(ctx, text);
    }
    evr_comparison_free(c);
    return status;
}

static void test_compare__no_memory(void **state)
{
    (void)state;
    static const spec base[] = {{"a", .median = 1e4, .protocol = "evreplay-protocol/1 flush=none"}, {"b", .median = 1e4}, {"b", .median = 1e4}, {"c", .median = -1}};
    static const spec newer[] = {{"a", .median = 1e4, .protocol = "evreplay-protocol/1 flush=write"}, {"b", .median = 2e4, .count = 9}, {"c", .median = 1e4}, {"d", .median = 1}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_results *a = list_of(ctx, base, 4, 0.01), *b = list_of(ctx, newer, 4, -0.01);
    size_t failed = 0;
    for (size_t n = 1;; n++) {
        m.fail_after = m.calls + n;
        evr_status status = everything(ctx, a, b);
        m.fail_after = 0;
        if (status == EVR_OK)
            break;
        assert_int_equal(status, EVR_E_NOMEM);
        failed++;
    }
    assert_true(failed > 30);
    evr_results_free(a);
    evr_results_free(b);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare__outcomes),         cmocka_unit_test(test_compare__both_ways), cmocka_unit_test(test_compare__duplicates),
        cmocka_unit_test(test_compare__visits),           cmocka_unit_test(test_compare__disturbed),
        cmocka_unit_test(test_compare__order_and_no_keys), cmocka_unit_test(test_compare__options),   cmocka_unit_test(test_compare__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
