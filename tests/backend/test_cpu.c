/* The CPU's backend: what it says of the machine, what its flush does, and what a sample costs. */
#include "support/support.h"

#include "neighbour.h"

#include <evreplay/measure.h>

#include <math.h>
#include <sched.h>
#include <time.h>

static evr_meter *open_meter(evr_context *ctx)
{
    evr_meter *meter;
    assert_ok(evr_meter_open(ctx, NULL, &meter, err));
    return meter;
}

static void test_cpu__records_pinning(void **state)
{
    (void)state;
    cpu_set_t before, one;
    test_memory m;
    evr_context *ctx = test_context(&m);
    if (sched_getaffinity(0, sizeof before, &before) != 0 || CPU_COUNT(&before) < 2)
        skip();
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    setenv("OMP_NUM_THREADS", "3", 1);
    evr_meter *meter = open_meter(ctx);
    evr_device_desc d = {.struct_size = sizeof d};
    assert_ok(evr_meter_device(meter, &d, err));
    char wanted[64];
    snprintf(wanted, sizeof wanted, "pinned to CPUs %d (1 of ", cpu);
    if (!strstr(d.settings.data, wanted) || !strstr(d.settings.data, "OMP_NUM_THREADS 3;"))
        fail_msg("\"%s\" lacks \"%s\" or OMP_NUM_THREADS 3", d.settings.data, wanted);
    evr_meter_free(meter);
    unsetenv("OMP_NUM_THREADS");
    sched_setaffinity(0, sizeof before, &before);
    test_context_done(ctx, &m);
}

typedef struct buffer {
    volatile uint64_t *words;
    size_t count;
} buffer;

static evr_status read_all(void *user, evr_error **err)
{
    buffer *b = user;
    uint64_t sum = 0;
    (void)err;
    for (size_t i = 0; i < b->count; i += 8)
        sum += b->words[i];
    b->words[0] = sum;
    return EVR_OK;
}

static double median_with(evr_meter *meter, buffer *b, int32_t flush)
{
    evr_protocol p = {
        .struct_size = sizeof p, .stop = EVR_STOP_COUNT, .samples = 25, .launch = EVR_LAUNCH_SINGLE, .flush = flush};
    evr_measured what = {.struct_size = sizeof what, .run = read_all, .user = b};
    evr_measurement *m;
    evr_statistics s = {.struct_size = sizeof s};
    assert_ok(evr_measure(meter, &p, &what, &m, err));
    evr_measurement_statistics(m, &s);
    evr_measurement_free(m);
    return s.median;
}

/* What fits into the cache is read faster than what was flushed from it. */
static void test_cpu__flush_empties_the_cache(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_meter *meter = open_meter(ctx);
    evr_device_desc d = {.struct_size = sizeof d};
    assert_ok(evr_meter_device(meter, &d, err));
    if (d.cache_bytes < 1 << 20) {
        evr_meter_free(meter);
        test_context_done(ctx, &m);
        skip();
    }
    buffer b = {NULL, (256 << 10) / sizeof(uint64_t)};
    b.words = calloc(b.count, sizeof *b.words);
    memset((void *)b.words, 1, b.count * sizeof *b.words);
    double warm = median_with(meter, &b, EVR_FLUSH_NONE);
    double write = median_with(meter, &b, EVR_FLUSH_WRITE), both = median_with(meter, &b, EVR_FLUSH_WRITE_READ);
    printf("256 KiB: warm %.0f ns, after write %.0f ns, after write and read %.0f ns\n", warm, write, both);
    assert_true(write > 1.3 * warm && both > 1.3 * warm);
    free((void *)b.words);
    evr_meter_free(meter);
    test_context_done(ctx, &m);
}

static evr_status nothing(void *user, evr_error **err)
{
    (void)user, (void)err;
    return EVR_OK;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What a measurement costs beside the time it measures: what 20,000 samples more take, less what they last. */
static void test_cpu__harness(void **state)
{
    (void)state;
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    evr_meter *meter = open_meter(ctx);
    evr_measured what = {.struct_size = sizeof what, .run = nothing};
    evr_protocol p = {.struct_size = sizeof p, .stop = EVR_STOP_COUNT, .samples = 20000, .launch = EVR_LAUNCH_SINGLE,
                      .throttle = EVR_THROTTLED_KEEP /* a busy machine is not waited for */};
    double least = INFINITY;
    for (int i = 0; i < 5; i++) {
        evr_measurement *m;
        double from = now();
        assert_ok(evr_measure(meter, &p, &what, &m, err));
        double took = now() - from;
        size_t count;
        const double *samples = evr_measurement_samples(m, &count);
        evr_statistics s = {.struct_size = sizeof s};
        from = now();
        assert_ok(evr_statistics_of(ctx, samples, count, &s, err)); /* once at the end, whatever the number */
        took -= now() - from;
        least = fmin(least, took / (double)count);
        evr_measurement_free(m);
    }
    printf("harness: %.0f ns a sample\n", least);
    assert_true(least < 3000); /* a third of a microsecond by itself; loaded machines and sanitizers take more */
    evr_meter_free(meter);
    test_context_done(ctx, &memory);
}

/* What an undisturbed core gives is learnt; until probes agree on it, and whenever one is above it, the core counts as shared. */
static void test_cpu__learns_what_undisturbed_is(void **state)
{
    (void)state;
    neighbour n = {0};
    static const double restless[] = {1.62, 1.31, 1.44, 1.27, 1.52, 1.38, 1.41, 1.29, 1.35, 1.66, 1.48, 1.33};
    for (size_t i = 0; i < sizeof restless / sizeof *restless; i++) /* there from the start */
        assert_true(neighbour_judge(&n, restless[i]));
    int quiet = 0;
    for (int i = 0; i < 10; i++)
        quiet += !neighbour_judge(&n, i % 2 ? 1.005 : 1.011);
    assert_true(quiet >= 5 && quiet < 10);
    assert_true(neighbour_judge(&n, 1.06));
    assert_true(neighbour_judge(&n, 1.9));
    assert_false(neighbour_judge(&n, 1.003));
    assert_false(neighbour_judge(&n, 1.012));
    /* a chain that was interrupted makes the ratio too small, and is not what the others are held against */
    assert_false(neighbour_judge(&n, 0.93));
    assert_false(neighbour_judge(&n, 1.01));
    assert_true(neighbour_judge(&n, 1.08));
    /* a neighbour that is there from the start and does always the same does not show as such, but seldom makes a ratio of whole cycles */
    neighbour steady = {0};
    for (int i = 0; i < 50; i++)
        assert_true(neighbour_judge(&steady, 1.62 + 0.001 * (i % 3)));
    for (int i = 0; i < 10; i++)
        neighbour_judge(&steady, 1.01);
    assert_false(neighbour_judge(&steady, 1.01));
    assert_true(neighbour_judge(&steady, 1.62));
#ifdef __x86_64__
    /* a ratio of whole cycles, but not of this architecture's */
    neighbour half = {0};
    for (int i = 0; i < 50; i++)
        assert_true(neighbour_judge(&half, 1.35 + 0.001 * (i % 3)));
#endif
    /* a processor with other units than those thought of: it is believed after a while */
    neighbour odd = {0};
    for (int i = 0; i < 600; i++)
        neighbour_judge(&odd, 1.1);
    assert_false(neighbour_judge(&odd, 1.1));
    assert_true(neighbour_judge(&odd, 1.3));
    /* no probe for this processor, or a clock that stands still: nothing is known, and nothing is called shared */
    assert_false(neighbour_judge(&n, 0));
    assert_false(neighbour_judge(&n, NAN));
    assert_false(neighbour_judge(&n, INFINITY));
}

/* On any machine: probes are numbers of the size that they should have, and cost next to nothing. */
static void test_cpu__probe(void **state)
{
    (void)state;
    double least = INFINITY, from = now();
    for (int i = 0; i < 100; i++)
        least = fmin(least, neighbour_probe());
    assert_true(now() - from < 1e9);
    assert_true(least == 0 || (least > 0.2 && least < 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu__records_pinning),
        cmocka_unit_test(test_cpu__flush_empties_the_cache),
        cmocka_unit_test(test_cpu__harness),
        cmocka_unit_test(test_cpu__learns_what_undisturbed_is),
        cmocka_unit_test(test_cpu__probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
