/* How often the interval that a measurement reports holds the true median, and what time it takes: 2,000 measurements of a
 * virtual device for each distribution, under the default protocol, which stops by itself; but for its least time, so that
 * the rule is all there is. */
#include "fake_meter.h"

enum { RUNS = 2000 };

typedef struct outcome {
    double coverage, calls, seconds, precision, samples;
    double drift, bimodal, correlated, imprecise; /* share of the runs flagged so */
} outcome;

/* Median of what the samples that were taken are distributed as: all calls of the run together when the device drifts. */
static double true_median(const fake_program *p, const evr_conditions *c, size_t samples)
{
    double low = 0, high = 100 * p->ns;
    for (int step = 0; step < 60; step++) {
        double x = (low + high) / 2, below = 0;
        for (size_t i = 0; i < samples; i++) {
            double f = 1 + p->drift_per_call * (double)(c->warmup_calls + i);
            double first = 0.5 * erfc(-(x / f / p->ns - 1) / p->sigma * M_SQRT1_2);
            if (p->noise == FAKE_LOGNORMAL)
                first = 0.5 * erfc(-log(x / f / p->ns) / p->sigma * M_SQRT1_2);
            double second = p->noise == FAKE_BIMODAL ? 0.5 * erfc(-(x / f / p->second_ns - 1) / p->sigma * M_SQRT1_2) : 0;
            below += (1 - p->second_share) * first + p->second_share * second;
        }
        if (below < 0.5 * (double)samples)
            low = x;
        else
            high = x;
    }
    return low;
}

static outcome measure_often(fake_program p, const evr_protocol *protocol)
{
    fake_meter f;
    outcome o = {0};
    fake_meter_open(&f, &p);
    double drifting_truth = p.drift_per_call != 0 ? 0 : true_median(&p, &(evr_conditions){0}, 1);
    for (uint64_t run = 0; run < RUNS; run++) {
        p.seed = 4711 + run * 7919;
        f.control->program(f.fn->self, &p);
        evr_measurement *m;
        assert_ok(evr_measure(f.meter, protocol, &f.what, &m, err));
        evr_statistics s = statistics_of(m);
        evr_conditions c = conditions_of(m);
        double truth = drifting_truth > 0 ? drifting_truth : true_median(&p, &c, s.count);
        o.coverage += s.median_low <= truth && truth <= s.median_high;
        o.calls += (double)c.calls;
        o.samples += (double)s.count;
        o.seconds += c.device_ns / 1e9;
        o.precision += c.precision;
        o.drift += (s.flags & EVR_STATISTICS_DRIFT) != 0;
        o.bimodal += (s.flags & EVR_STATISTICS_BIMODAL) != 0;
        o.correlated += (s.flags & EVR_STATISTICS_CORRELATED) != 0;
        o.imprecise += (c.flags & EVR_MEASUREMENT_IMPRECISE) != 0;
        evr_measurement_free(m);
    }
    fake_meter_close(&f);
    double *all = &o.coverage;
    for (size_t i = 0; i < sizeof o / sizeof *all; i++)
        all[i] /= RUNS;
    return o;
}

static outcome check(const char *what, const fake_program *p)
{
    evr_protocol rule = {.struct_size = sizeof rule, .min_seconds = 1e-9};
    outcome o = measure_often(*p, &rule);
    printf("%-28s covers %.2f %%  samples %.1f  calls %.1f  device %.3f ms  +-%.2f %%  flagged: drift %.1f %%  bimodal "
           "%.1f %%  correlated %.1f %%"
           "  imprecise %.1f %%\n",
           what, 100 * o.coverage, o.samples, o.calls, 1e3 * o.seconds, 100 * o.precision, 100 * o.drift, 100 * o.bimodal,
           100 * o.correlated, 100 * o.imprecise);
    if (fabs(o.coverage - 0.95) > 0.02)
        fail_msg("%s: %.2f %% of the intervals hold the true median, and 93 to 97 were wanted", what, 100 * o.coverage);
    assert_true(o.imprecise == 0);
    assert_true(o.precision <= 0.01);
    return o;
}

static void test_coverage__normal(void **state)
{
    (void)state;
    const double sigmas[] = {0.005, 0.015, 0.03, 0.08};
    for (size_t i = 0; i < 4; i++) {
        fake_program p = {.ns = 50000, .sigma = sigmas[i]};
        outcome o = check("normal", &p);
        assert_true(o.bimodal < 0.01 && o.drift < 0.01 && o.correlated < 0.01);
    }
}

static void test_coverage__log_normal(void **state)
{
    (void)state;
    const double sigmas[] = {0.005, 0.02, 0.08};
    for (size_t i = 0; i < 3; i++) {
        fake_program p = {.ns = 50000, .sigma = sigmas[i], .noise = FAKE_LOGNORMAL};
        outcome o = check("log-normal", &p);
        assert_true(o.bimodal < 0.01 && o.drift < 0.01 && o.correlated < 0.01);
    }
}

static void test_coverage__bimodal(void **state)
{
    (void)state;
    fake_program near_by = {.ns = 50000, .sigma = 0.01, .noise = FAKE_BIMODAL, .second_ns = 52500, .second_share = 0.35};
    outcome o = check("bimodal, 5 % apart", &near_by);
    assert_true(o.drift < 0.01);
    fake_program apart = {.ns = 50000, .sigma = 0.03, .noise = FAKE_BIMODAL, .second_ns = 65000, .second_share = 0.3};
    o = check("bimodal, 30 % apart", &apart);
    assert_true(o.bimodal >= 0.95); /* more than 100 samples: seen nearly always */
}

/* With as many samples as it takes to see them, the two times are seen. */
static void test_coverage__bimodal_flagged(void **state)
{
    (void)state;
    fake_program p = {.ns = 50000, .sigma = 0.01, .noise = FAKE_BIMODAL, .second_ns = 52500, .second_share = 0.35};
    evr_protocol fixed = {.struct_size = sizeof fixed, .stop = EVR_STOP_COUNT, .samples = 200};
    outcome o = measure_often(p, &fixed);
    assert_true(o.bimodal >= 0.95);
    assert_true(fabs(o.coverage - 0.95) <= 0.02);
}

static void test_coverage__drifting(void **state)
{
    (void)state;
    fake_program slow = {.ns = 50000, .sigma = 0.03, .drift_per_call = 0.0002};
    (void)check("drifting 0.02 % a call", &slow);
    fake_program fast = {.ns = 50000, .sigma = 0.03, .drift_per_call = 0.001};
    outcome o = check("drifting 0.1 % a call", &fast);
    assert_true(o.drift >= 0.9);
    fake_program down = {.ns = 50000, .sigma = 0.04, .drift_per_call = -0.0005};
    o = check("drifting -0.05 % a call", &down);
    assert_true(o.drift >= 0.9);
}

/* The same with the least time that the default protocol has. */
static void test_coverage__default_protocol(void **state)
{
    (void)state;
    const fake_program programs[] = {
        {.ns = 50000, .sigma = 0.02},
        {.ns = 50000, .sigma = 0.05, .noise = FAKE_LOGNORMAL},
        {.ns = 50000, .sigma = 0.02, .noise = FAKE_BIMODAL, .second_ns = 60000, .second_share = 0.3},
        {.ns = 50000, .sigma = 0.03, .drift_per_call = 0.0003},
    };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        outcome o = measure_often(programs[i], NULL);
        printf("default protocol, program %zu: covers %.2f %%, %.1f samples\n", i, 100 * o.coverage, o.samples);
        if (fabs(o.coverage - 0.95) > 0.02)
            fail_msg("program %zu: %.2f %%", i, 100 * o.coverage);
    }
}

/* nvbench takes 0.5 s of the device for each operator, whatever it is; quiet ones need a twentieth of that at most. */
static void test_coverage__time_on_quiet_data(void **state)
{
    (void)state;
    const double lengths[] = {5000, 50000, 500000, 1200000};
    for (size_t i = 0; i < 4; i++) {
        fake_program p = {.ns = lengths[i], .sigma = 0.003, .launch_ns = 2000, .empty_span_ns = 500, .tick_ns = 32};
        outcome o = measure_often(p, NULL);
        printf("%8.0f us: %.1f calls, %.3f ms of the device, +-%.2f %%\n", lengths[i] / 1000, o.calls, 1e3 * o.seconds,
               100 * o.precision);
        assert_true(o.seconds <= 0.5 / 20);
        assert_true(o.precision <= 0.01 && o.imprecise == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage__normal),
        cmocka_unit_test(test_coverage__log_normal),
        cmocka_unit_test(test_coverage__bimodal),
        cmocka_unit_test(test_coverage__bimodal_flagged),
        cmocka_unit_test(test_coverage__drifting),
        cmocka_unit_test(test_coverage__default_protocol),
        cmocka_unit_test(test_coverage__time_on_quiet_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
