/* Statistics against values computed elsewhere and by hand. */
#include "fake_meter.h"

#include "measure/dip.h"
#include "measure/interval.h"
#include "noise.h"

static evr_statistics of(const double *x, size_t n)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_statistics s = {.struct_size = sizeof s};
    assert_ok(evr_statistics_of(ctx, x, n, &s, err));
    test_context_done(ctx, &m);
    return s;
}

static void test_statistics__known_values(void **state)
{
    (void)state;
    const double x[] = {7, 15, 36, 39, 40, 41, 42, 43, 47, 49, 200};
    evr_statistics s = of(x, 11);
    assert_int_equal(s.count, 11);
    assert_near(s.median, 41, 1e-15);
    assert_near(s.min, 7, 1e-15);
    assert_near(s.max, 200, 1e-15);
    assert_near(s.mean, 559.0 / 11, 1e-15);
    assert_near(s.std, 51.173856962, 1e-9); /* statistics.stdev of Python */
    assert_near(s.q1, 37.5, 1e-15);         /* numpy.percentile, linear */
    assert_near(s.q3, 45, 1e-15);
    assert_near(s.iqr, 7.5, 1e-15);
    assert_near(s.mad, 5, 1e-15);
    assert_int_equal(s.outliers, 2); /* 7 and 200 lie outside 15 .. 67.5 */
    assert_near(s.coverage, 0.95, 1e-15);
    assert_int_equal(s.flags & EVR_STATISTICS_FEW, 0);
}

static void test_statistics__even_count(void **state)
{
    (void)state;
    const double x[] = {4, 1, 3, 2};
    evr_statistics s = of(x, 4);
    assert_near(s.median, 2.5, 1e-15);
    assert_near(s.mad, 1, 1e-15);
    assert_near(s.coverage, 0.875, 1e-12); /* 1 - 2 / 2^4 */
    assert_near(s.median_low, 1, 1e-15);
    assert_near(s.median_high, 4, 1e-15);
    assert_int_equal(s.flags, EVR_STATISTICS_FEW);
}

static void test_statistics__one_sample(void **state)
{
    (void)state;
    const double x[] = {5};
    evr_statistics s = of(x, 1);
    assert_near(s.median, 5, 0);
    assert_near(s.std, 0, 0);
    assert_near(s.coverage, 0, 0);
    assert_int_equal(s.flags, EVR_STATISTICS_FEW);
}

static void test_statistics__equal_samples(void **state)
{
    (void)state;
    double x[50];
    for (int i = 0; i < 50; i++)
        x[i] = 3.25;
    evr_statistics s = of(x, 50);
    assert_int_equal(s.flags, 0);
    assert_near(s.median_low, 3.25, 0);
    assert_near(s.median_high, 3.25, 0);
    assert_near(s.mad + s.iqr + s.std + s.drift + s.correlation, 0, 0);
    assert_int_equal(s.outliers, 0);
}

static void test_statistics__refusals(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const double bad[] = {1, 2, NAN, 4};
    evr_statistics s = {.struct_size = sizeof s};
    evr_error *err = NULL;
    assert_int_equal(evr_statistics_of(ctx, bad, 4, &s, &err), EVR_E_INVALID);
    assert_non_null(strstr(evr_error_message(err), "sample 2 of 4"));
    assert_int_equal(evr_statistics_of(ctx, bad, 0, &s, &err), EVR_E_INVALID);
    assert_int_equal(evr_statistics_of(ctx, NULL, 4, &s, &err), EVR_E_INVALID);
    evr_error_free(err);
    for (size_t fail = 1; fail < 4; fail++) {
        m.fail_after = m.calls + fail;
        assert_int_equal(evr_statistics_of(ctx, bad, 2, &s, NULL), EVR_E_NOMEM);
        m.fail_after = 0;
    }
    test_context_done(ctx, &m);
}

static void test_statistics__older_caller(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const double x[] = {1, 2, 3};
    evr_statistics s;
    memset(&s, 0x5a, sizeof s);
    s.struct_size = offsetof(evr_statistics, median_low);
    assert_ok(evr_statistics_of(ctx, x, 3, &s, err));
    assert_near(s.median, 2, 0);
    unsigned char untouched[sizeof s.median_low];
    memset(untouched, 0x5a, sizeof untouched);
    assert_memory_equal(&s.median_low, untouched, sizeof untouched);
    test_context_done(ctx, &m);
}

/* Ranks at which tables of order statistics put the interval, and where interpolation must leave them. */
static void test_statistics__ranks(void **state)
{
    (void)state;
    double coverage;
    /* n = 6: [1, 6] covers 96.875 %, [2, 5] 78.125 % */
    double rank = evr_median_rank(6, 0.95, 1, &coverage);
    assert_true(rank > 1 && rank < 1.5);
    rank = evr_median_rank(6, 0.96875, 1, &coverage);
    assert_near(rank, 1, 1e-12);
    rank = evr_median_rank(6, 0.78125, 1, &coverage);
    assert_near(rank, 2, 1e-12);
    /* n = 100: [40, 61] covers 96.48 %, [41, 60] 94.31 % */
    rank = evr_median_rank(100, 0.95, 1, &coverage);
    assert_true(rank > 40 && rank < 41);
    /* exact and normal agree where they meet */
    assert_near(evr_median_rank(1000, 0.95, 1, &coverage), evr_median_rank(1001, 0.95, 1, &coverage), 0.002);
    /* four times the variance is twice the width */
    double one = 500.5 - evr_median_rank(1000, 0.95, 1, &coverage),
           four = 500.5 - evr_median_rank(1000, 0.95, 4, &coverage);
    assert_near(four, 2 * one, 1e-12);
    assert_near(evr_median_rank(10, 0.95, 1e6, &coverage), 1, 0);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Against the Python package diptest. */
static void test_statistics__dip_known(void **state)
{
    (void)state;
    static const struct {
        int count, factor;
        double dip;
    } known[] = {{20, 3, 0.10485074626865672},
                 {50, 5, 0.06902439024390244},
                 {97, 11, 0.03928190543903306},
                 {33, 1, 0.04601571268237934}};
    double x[100];
    uint32_t room[2 * 100];
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        for (int i = 0; i < known[k].count; i++)
            x[i] = (i * i * known[k].factor + i * 7) % 101;
        qsort(x, (size_t)known[k].count, sizeof *x, by_value);
        assert_near(evr_dip(x, (size_t)known[k].count, room), known[k].dip, 1e-12);
    }
    double two[40], even[40];
    for (int i = 0; i < 40; i++) {
        two[i] = i < 20 ? 1 : 2;
        even[i] = i;
    }
    assert_near(evr_dip(two, 40, room), 0.25, 1e-12);      /* two points: the most there can be */
    assert_near(evr_dip(even, 40, room), 1.0 / 80, 1e-12); /* as even as can be: the least */
}

/* Minimum over all splits by trying them. */
static size_t slow_groups(const double *x, size_t n)
{
    double best = INFINITY;
    size_t split = 0, least = n / 10 + 1;
    for (size_t k = least; k + least <= n; k++) {
        double cost = 0;
        for (size_t i = 0; i < n; i++)
            cost += fabs(x[i] - (i < k ? x[k / 2] : x[k + (n - k) / 2]));
        if (x[k] > x[k - 1] && cost < best - 1e-9) {
            best = cost;
            split = k;
        }
    }
    return split;
}

static void test_statistics__two_groups(void **state)
{
    (void)state;
    noise random = {7, 0};
    for (int round = 0; round < 300; round++) {
        double x[61];
        size_t n = 2 + (size_t)(noise_uniform(&random) * 59);
        for (size_t i = 0; i < n; i++)
            x[i] = 10 * noise_uniform(&random) + (noise_uniform(&random) < 0.3 ? 20 : 0);
        qsort(x, n, sizeof *x, by_value);
        assert_int_equal(evr_two_groups(x, n), slow_groups(x, n));
    }
    const double same[] = {4, 4, 4, 4};
    assert_int_equal(evr_two_groups(same, 4), 0);
}

static void fill(double *x, size_t n, const fake_program *p, uint64_t seed)
{
    noise random = {seed, 0};
    for (size_t i = 0; i < n; i++)
        x[i] = noise_call(&random, p, i);
}

/* Share of 500 runs of 200 samples in which a flag is set. */
static double flagged(const fake_program *p, uint32_t flag)
{
    int hits = 0;
    for (uint64_t run = 0; run < 500; run++) {
        double x[200];
        fill(x, 200, p, 1000 + run);
        hits += (of(x, 200).flags & flag) != 0;
    }
    return hits / 500.0;
}

static void test_statistics__flags(void **state)
{
    (void)state;
    const fake_program quiet = {.ns = 1000, .sigma = 0.02}, skewed = {.ns = 1000, .sigma = 0.3, .noise = FAKE_LOGNORMAL};
    const fake_program outliers = {.ns = 1000, .sigma = 0.01, .outlier_share = 0.05, .outlier_factor = 8};
    const fake_program drifts = {.ns = 1000, .sigma = 0.02, .drift_per_call = 0.05 / 200};
    const fake_program slight = {
        .ns = 1000, .sigma = 0.0005, .drift_per_call = 0.001 / 200}; /* surely there, and of no matter */
    const fake_program two = {.ns = 1000, .sigma = 0.01, .noise = FAKE_BIMODAL, .second_ns = 1100, .second_share = 0.25};
    const fake_program close = {.ns = 1000, .sigma = 0.0005, .noise = FAKE_BIMODAL, .second_ns = 1005, .second_share = 0.5};
    const fake_program alike = {.ns = 1000, .sigma = 0.02, .correlation = 0.7};
    const fake_program *calm[] = {&quiet, &skewed, &outliers, &slight, &close};
    for (size_t i = 0; i < 3; i++)
        if (flagged(calm[i], EVR_STATISTICS_DRIFT | EVR_STATISTICS_BIMODAL | EVR_STATISTICS_CORRELATED) > 0.02)
            fail_msg("program %zu: drift %g, bimodal %g, correlated %g", i, flagged(calm[i], EVR_STATISTICS_DRIFT),
                     flagged(calm[i], EVR_STATISTICS_BIMODAL), flagged(calm[i], EVR_STATISTICS_CORRELATED));
    assert_true(flagged(&slight, EVR_STATISTICS_DRIFT) == 0);
    assert_true(flagged(&close, EVR_STATISTICS_BIMODAL) == 0);
    assert_true(flagged(&drifts, EVR_STATISTICS_DRIFT) >= 0.99);
    assert_true(flagged(&two, EVR_STATISTICS_BIMODAL) >= 0.99);
    assert_true(flagged(&alike, EVR_STATISTICS_CORRELATED) >= 0.99);
}

static void test_statistics__what_flags_say(void **state)
{
    (void)state;
    double x[400];
    const fake_program two = {.ns = 1000, .sigma = 0.01, .noise = FAKE_BIMODAL, .second_ns = 1500, .second_share = 0.25};
    fill(x, 400, &two, 3);
    evr_statistics s = of(x, 400);
    assert_near(s.mode_low, 1000, 0.005);
    assert_near(s.mode_high, 1500, 0.005);
    assert_near(s.mode_share, 0.75, 0.1);
    const fake_program down = {.ns = 1000, .sigma = 0.01, .drift_per_call = -0.2 / 400};
    fill(x, 400, &down, 3);
    s = of(x, 400);
    assert_near(s.drift, -0.2 / 0.9, 0.1);
    const fake_program outliers = {.ns = 1000, .sigma = 0.01, .outlier_share = 0.05, .outlier_factor = 8};
    fill(x, 400, &outliers, 3);
    s = of(x, 400);
    assert_true(s.outliers >= 10 && s.outliers <= 32);
    assert_near(s.median, 1000, 0.005);
}

/* Whatever the samples, many of them equal: what must hold of every answer. */
static void test_statistics__invariants(void **state)
{
    (void)state;
    noise random = {11, 0};
    for (int round = 0; round < 3000; round++) {
        double x[90];
        size_t n = 1 + (size_t)(noise_uniform(&random) * 89);
        double different = 1 + floor(noise_uniform(&random) * 12), scale = pow(10, 24 * noise_uniform(&random) - 12);
        for (size_t i = 0; i < n; i++)
            x[i] = scale * (floor(noise_uniform(&random) * different) - (round % 3 == 0 ? 3 : 0));
        evr_statistics s = of(x, n);
        assert_true(s.min <= s.q1 && s.q1 <= s.median && s.median <= s.q3 && s.q3 <= s.max);
        assert_true(s.min <= s.median_low && s.median_low <= s.median && s.median <= s.median_high && s.median_high <= s.max);
        assert_true(s.mad >= 0 && s.iqr >= 0 && s.std >= 0 && s.mean >= s.min - 1e-9 * scale && s.mean <= s.max + 1e-9 * scale);
        assert_true(s.correlation >= -1 && s.correlation <= 1 && isfinite(s.drift));
        assert_true(s.dip >= 0.5 / (double)n - 1e-12 && s.dip <= 0.25 + 0.5 / (double)n);
        assert_true(s.outliers <= n && s.coverage >= 0 && s.coverage <= 0.95);
        if (s.flags & EVR_STATISTICS_BIMODAL)
            assert_true(s.mode_low < s.mode_high && s.mode_share > 0 && s.mode_share < 1);
        else
            assert_true(s.mode_low == 0 && s.mode_high == 0 && s.mode_share == 0);
    }
}

/* Coverage of the interval over 2,000 runs of a fixed number of samples. */
static double coverage(const fake_program *p, size_t n, double truth)
{
    double *x = malloc(n * sizeof *x);
    int hits = 0;
    for (uint64_t run = 0; run < 2000; run++) {
        fill(x, n, p, 77 + run);
        evr_statistics s = of(x, n);
        hits += s.median_low <= truth && truth <= s.median_high;
    }
    free(x);
    return hits / 2000.0;
}

static void test_statistics__coverage(void **state)
{
    (void)state;
    const size_t counts[] = {6, 10, 15, 40, 200};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const fake_program normal = {.ns = 1000, .sigma = 0.05},
                           skewed = {.ns = 1000, .sigma = 0.4, .noise = FAKE_LOGNORMAL};
        double c = coverage(&normal, counts[i], 1000);
        if (fabs(c - 0.95) > 0.02)
            fail_msg("normal, %zu samples: %.2f %%", counts[i], 100 * c);
        c = coverage(&skewed, counts[i], 1000);
        if (fabs(c - 0.95) > 0.02)
            fail_msg("log-normal, %zu samples: %.2f %%", counts[i], 100 * c);
    }
    /* Without its allowance for neighbours that resemble each other the interval would cover three quarters. */
    const fake_program alike = {.ns = 1000, .sigma = 0.05, .correlation = 0.6};
    double c = coverage(&alike, 200, 1000);
    if (fabs(c - 0.95) > 0.03)
        fail_msg("correlated: %.2f %%", 100 * c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics__known_values),   cmocka_unit_test(test_statistics__even_count),
        cmocka_unit_test(test_statistics__one_sample),     cmocka_unit_test(test_statistics__equal_samples),
        cmocka_unit_test(test_statistics__refusals),       cmocka_unit_test(test_statistics__older_caller),
        cmocka_unit_test(test_statistics__ranks),          cmocka_unit_test(test_statistics__dip_known),
        cmocka_unit_test(test_statistics__two_groups),     cmocka_unit_test(test_statistics__flags),
        cmocka_unit_test(test_statistics__what_flags_say), cmocka_unit_test(test_statistics__coverage),
        cmocka_unit_test(test_statistics__invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
