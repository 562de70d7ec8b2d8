/* When to stop: the rules against plain, slow versions of what they are defined as. */
#include "fake_meter.h"

#include "measure/protocol.h"
#include "measure/stop.h"
#include "noise.h"

static test_memory memory;
static evr_context *ctx;

static int set_up(void **state)
{
    (void)state;
    ctx = test_context(&memory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_context_done(ctx, &memory);
    return 0;
}

/* Number of samples after which the rule is content; 0 = never within `most`. */
static size_t stops_at(const evr_protocol *protocol, const double *x, size_t most)
{
    evr_protocol p;
    evr_stop stop;
    size_t n = 0;
    assert_ok(evr_protocol_resolve(ctx, protocol, &p, err));
    evr_stop_init(&stop, ctx, &p);
    while (n < most && !stop.done) {
        n++;
        assert_ok(evr_stop_look(&stop, x, n, err));
        assert_true(stop.part >= 0 && stop.part <= 1);
    }
    bool done = stop.done;
    evr_stop_free(&stop);
    return done ? n : 0;
}

static double *samples(const fake_program *program, uint64_t seed, size_t n, double step)
{
    double *x = malloc(n * sizeof *x);
    noise random = {seed, 0};
    for (size_t i = 0; i < n; i++) {
        x[i] = noise_call(&random, program, i);
        if (step > 0)
            x[i] = floor(x[i] / step) * step;
    }
    return x;
}

static double deviation(const double *x, size_t n, double centre)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - centre) * (x[i] - centre);
    return sqrt(squares / (double)(n - 1));
}

/* "stdrel" as its documentation and source describe it. */
static size_t slow_stdrel(const double *x, size_t most, double noise_wanted, double seconds)
{
    double *noises = malloc(most * sizeof *noises), sum = 0;
    size_t known = 0, n;
    for (n = 1; n <= most; n++) {
        sum += x[n - 1];
        double mean = sum / (double)n, relative = n > 1 ? deviation(x, n, mean) / mean : NAN;
        if (isfinite(relative))
            noises[known++] = relative;
        if (sum <= seconds * 1e9 || n < 10)
            continue;
        size_t kept = known < 512 ? known : 512;
        double changes = kept > 1 ? deviation(noises + known - kept, kept, relative) / relative : 1;
        if (relative < noise_wanted || (kept > 64 && n % 16 == 0 && changes < 0.05))
            break;
    }
    free(noises);
    return n <= most ? n : 0;
}

static void test_stop__stdrel(void **state)
{
    (void)state;
    const fake_program programs[] = {{.ns = 1e6, .sigma = 0.002},
                                     {.ns = 1e6, .sigma = 0.05},
                                     {.ns = 5e5, .sigma = 0.01, .outlier_share = 0.01, .outlier_factor = 5}};
    const evr_protocol p = {.struct_size = sizeof p, .stop = EVR_STOP_STDREL, .device_seconds = 0.2};
    for (size_t i = 0; i < 3; i++)
        for (uint64_t seed = 1; seed < 6; seed++) {
            double *x = samples(&programs[i], seed, 3000, 0);
            size_t want = slow_stdrel(x, 3000, 0.005, 0.2);
            assert_true(want >= 200);
            assert_int_equal(stops_at(&p, x, 3000), want);
            free(x);
        }
}

static double entropy_of(const double *x, size_t n)
{
    double h = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0, earlier = 0;
        for (size_t j = 0; j < n; j++)
            same += x[j] == x[i];
        for (size_t j = 0; j < i; j++)
            earlier += x[j] == x[i];
        if (!earlier)
            h -= (double)same / (double)n * log2((double)same / (double)n);
    }
    return h;
}

static size_t slow_entropy(const double *x, size_t most, double angle, double least_r2)
{
    double *h = malloc(most * sizeof *h);
    size_t n;
    for (n = 1; n <= most; n++) {
        h[n - 1] = entropy_of(x, n);
        if (n < 10 || n % 2)
            continue;
        size_t kept = n < 299 ? n : 299, first = n - kept;
        double mx = 0, my = 0, xy = 0, xx = 0, yy = 0, rest = 0;
        for (size_t i = first; i < n; i++) {
            mx += (double)i / (double)kept;
            my += h[i] / (double)kept;
        }
        for (size_t i = first; i < n; i++) {
            xy += ((double)i - mx) * (h[i] - my);
            xx += ((double)i - mx) * ((double)i - mx);
            yy += (h[i] - my) * (h[i] - my);
        }
        for (size_t i = first; i < n; i++) {
            double e = h[i] - my - xy / xx * ((double)i - mx);
            rest += e * e;
        }
        double r2 = yy > 0 ? 1 - rest / yy : 1;
        if (atan(xy / xx) * 180 / M_PI <= angle && r2 >= least_r2)
            break;
    }
    free(h);
    return n <= most ? n : 0;
}

static void test_stop__entropy(void **state)
{
    (void)state;
    const fake_program program = {.ns = 10000, .sigma = 0.02};
    const evr_protocol p = {.struct_size = sizeof p, .stop = EVR_STOP_ENTROPY};
    for (uint64_t seed = 1; seed < 5; seed++) {
        double *x = samples(&program, seed, 700, 100);
        size_t want = slow_entropy(x, 700, 0.048, 0.36);
        assert_true(want > 10);
        assert_int_equal(stops_at(&p, x, 700), want);
        free(x);
    }
}

static void test_stop__count(void **state)
{
    (void)state;
    const fake_program program = {.ns = 100, .sigma = 0.5};
    const evr_protocol p = {.struct_size = sizeof p, .stop = EVR_STOP_COUNT, .samples = 3},
                       hundred = {.struct_size = sizeof p, .stop = EVR_STOP_COUNT};
    double *x = samples(&program, 1, 200, 0);
    assert_int_equal(stops_at(&p, x, 200), 3);
    assert_int_equal(stops_at(&hundred, x, 200), 100);
    free(x);
}

static void test_stop__precision(void **state)
{
    (void)state;
    const fake_program quiet = {.ns = 100, .sigma = 0.001}, noisy = {.ns = 100, .sigma = 0.05},
                       wild = {.ns = 100, .sigma = 0.9};
    evr_protocol p = {EVR_INIT(evr_protocol)};
    double *x = samples(&quiet, 1, 100, 0);
    assert_int_equal(stops_at(&p, x, 100), 10); /* never fewer than ten */
    p.min_samples = 25;
    assert_int_equal(stops_at(&p, x, 100), 25);
    p.min_samples = 2; /* no interval says 95 % of fewer than six */
    assert_int_equal(stops_at(&p, x, 100), 6);
    free(x);
    p.min_samples = 0;
    x = samples(&noisy, 1, 20000, 0);
    size_t one = stops_at(&p, x, 20000);
    p.precision = 0.005;
    size_t half = stops_at(&p, x, 20000);
    assert_true(one >= 150 && one <= 700); /* 1.96 * 1.2533 * 5 % / sqrt(n) <= 1 % from 151 on */
    assert_true(half >= 2.5 * (double)one && half <= 6 * (double)one);
    free(x);
    x = samples(&wild, 1, 200, 0);
    assert_int_equal(stops_at(&p, x, 200), 0);
    free(x);
    const double nothing[20] = {0}; /* of a median of 0 nothing is a part */
    assert_int_equal(stops_at(&p, nothing, 20), 0);
}

static void test_stop__reset(void **state)
{
    (void)state;
    const fake_program program = {.ns = 1000, .sigma = 0.03};
    const int32_t rules[] = {EVR_STOP_PRECISION, EVR_STOP_COUNT, EVR_STOP_STDREL, EVR_STOP_ENTROPY};
    double *x = samples(&program, 5, 600, 10);
    for (size_t i = 0; i < 4; i++) {
        evr_protocol given = {.struct_size = sizeof given, .stop = rules[i], .device_seconds = 1e-4}, p;
        evr_stop stop;
        assert_ok(evr_protocol_resolve(ctx, &given, &p, err));
        evr_stop_init(&stop, ctx, &p);
        assert_ok(evr_stop_look(&stop, x, 30, err));
        evr_stop_reset(&stop);
        size_t n = 0;
        while (!stop.done && n < 600)
            assert_ok(evr_stop_look(&stop, x, ++n, err));
        assert_int_equal(stop.done ? n : 0, stops_at(&given, x, 600));
        evr_stop_free(&stop);
    }
    free(x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_stop__stdrel), TEST(test_stop__entropy), TEST(test_stop__count),
                                       TEST(test_stop__precision), TEST(test_stop__reset)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
