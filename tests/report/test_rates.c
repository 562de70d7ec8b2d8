/* How often changes are called: the arithmetic against known values, and the rates that are promised, over simulated runs (simulate.h). */
#include "report/simulate.h"

#include "measure/statistics.h"
#include "report/judge.h"

static void test_rates__student(void **state)
{
    (void)state;
    static const struct {
        double t, freedom, tails;
    } known[] = {{0, 10, 1}, {4.302653, 2, 0.05}, {2.228139, 10, 0.05}, {2.085963, 20, 0.05}, {3.849516, 20, 0.001}, {1.971896, 200, 0.05}, {-2.228139, 10.9, 0.05}, {1e9, 6, 0}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(fabs(evr_student_tails(known[i].t, known[i].freedom) - known[i].tails) < 1e-6);
}

/* Normal values give their deviation, whatever a third of them does. */
static void test_rates__scale(void **state)
{
    (void)state;
    static double values[100], pairs[4950];
    evr_draws draws = {.seed = 3};
    double sum = 0, spoiled = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++)
            values[i] = 5 + 2 * evr_draw_normal(&draws);
        sum += evr_scale_qn(values, 100, pairs);
        for (int i = 0; i < 20; i++)
            values[i] = 1e6 * (i + 1);
        spoiled += evr_scale_qn(values, 100, pairs);
    }
    assert_true(fabs(sum / 50 - 2) < 0.1);
    assert_true(spoiled / 50 < 4);
}

/* The median that is drawn is that of resamples that are made. */
static void test_rates__resampling(void **state)
{
    (void)state;
    enum { N = 25, MANY = 20000 };
    static double samples[N], made[MANY], drawn[MANY], one[N];
    evr_draws draws = {.seed = 4};
    for (size_t i = 0; i < N; i++)
        samples[i] = 100 * exp(0.1 * evr_draw_normal(&draws));
    evr_sort_f64(samples, N);
    evr_median_noise noise = {.sorted = samples, .count = N, .worth = N, .median = samples[N / 2]};
    for (size_t i = 0; i < MANY; i++) {
        for (size_t k = 0; k < N; k++)
            one[k] = samples[(size_t)(evr_draw_uniform(&draws) * N)];
        evr_sort_f64(one, N);
        made[i] = one[N / 2];
        drawn[i] = evr_draw_median(&draws, &noise);
    }
    evr_sort_f64(made, MANY);
    evr_sort_f64(drawn, MANY);
    for (double part = 0.05; part < 1; part += 0.05) {
        double a = made[(size_t)(part * MANY)], b = drawn[(size_t)(part * MANY)], gap = samples[N - 1] - samples[0];
        assert_true(fabs(a - b) < gap * 0.05);
    }
}

static void test_rates__holm(void **state)
{
    (void)state;
    evr_pair pairs[4] = {{0.5, 0.1, 1000}, {0.2, 0.1, 1000}, {-0.26, 0.1, 1000}, {0.001, 0.1, 1000}};
    double room[32], p[4];
    size_t order[4];
    evr_judgement out;
    evr_judge(pairs, 4, 0.03, 0.05, room, order, &out);
    assert_true(out.shift == 0 && out.inflation == 1); /* too few to learn from */
    for (int i = 0; i < 4; i++)
        p[i] = evr_student_tails(pairs[i].log_ratio / pairs[i].noise, 200);
    assert_true(fabs(pairs[0].p_value - 4 * p[0]) < 1e-9 && fabs(pairs[2].p_value - 3 * p[2]) < 1e-9 && fabs(pairs[1].p_value - 2 * p[1]) < 1e-9);
    assert_true(pairs[3].p_value >= pairs[1].p_value && pairs[3].p_value <= 1);
    assert_true(pairs[0].change == 1 && pairs[1].change == 0 && pairs[2].change == -1 * (3 * p[2] < 0.05) && pairs[3].change == 0);
}

/* Slower all together by less than the threshold is the machine; by more is not. */
static void test_rates__common_shift(void **state)
{
    (void)state;
    static const double shifts[] = {0.02, 0.06};
    for (size_t k = 0; k < 2; k++) {
        evr_pair pairs[40];
        static double room[80 + 780];
        size_t order[40], slower = 0;
        evr_draws draws = {.seed = 5};
        evr_judgement out;
        for (size_t i = 0; i < 40; i++)
            pairs[i] = (evr_pair){log1p(shifts[k]) + 0.004 * evr_draw_normal(&draws), 0.003, 50, 0, 0, 0};
        evr_judge(pairs, 40, 0.03, 0.05, room, order, &out);
        for (size_t i = 0; i < 40; i++)
            slower += pairs[i].change == 1;
        assert_int_equal(slower, k ? 40 : 0);
        assert_true(k ? out.shift == 0 : fabs(out.shift - log1p(0.02)) < 0.003);
    }
}

/* 40 operators, each of 30 to 100 samples with 2 % noise that resemble their neighbours; runs differ by 0.5 % as a whole and by 0.25 % each by itself, some more. */
static simulation usual(uint64_t stream)
{
    return (simulation){{.seed = 77, .stream = stream}, 0.02, 0.005, 0.0025, 40, 1, 1};
}

static void test_rates__same_program_twice(void **state)
{
    (void)state;
    enum { RUNS = 50 };
    test_memory m;
    evr_context *ctx = test_context(&m);
    simulation s = usual(1), wild = usual(2);
    wild.own = 0.02;
    rates quiet = measure_rates(ctx, &s, RUNS, 0, 0), loud = measure_rates(ctx, &wild, 2 * RUNS, 0, 0);
    print_message("the same twice: %zu of %d with a regression; where runs differ by 2 %%: %zu of %d\n", quiet.with_false, RUNS, loud.with_false, 2 * RUNS);
    assert_true(quiet.with_false * 100 <= 5 * RUNS);
    assert_true(loud.with_false * 100 <= 5 * 2 * RUNS);
    test_context_done(ctx, &m);
}

static void test_rates__slower_by_5_percent(void **state)
{
    (void)state;
    static const size_t slowed[] = {1, 4, 20, 40};
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof slowed / sizeof *slowed; i++) {
        simulation s = usual(10 + i);
        s.own = 0;
        size_t rounds = slowed[i] == 1 ? 60 : 12;
        rates r = measure_rates(ctx, &s, rounds, slowed[i], 0.05);
        print_message("5 %% slower in %zu of 40: %zu of %zu found, %zu of %zu runs with a false one\n", slowed[i], r.found, r.planted, r.with_false, rounds);
        assert_true(r.found * 100 >= 95 * r.planted);
        assert_true(r.with_false * 10 <= rounds);
    }
    test_context_done(ctx, &m);
}

/* 12 visits that move by 1 %, of which one in twenty was disturbed without its being seen. */
static void test_rates__visits(void **state)
{
    (void)state;
    enum { RUNS = 100 };
    test_memory m;
    evr_context *ctx = test_context(&m);
    simulation s = usual(30), slow = usual(31);
    s.visits = slow.visits = 12;
    s.moved = slow.moved = 0.01;
    s.disturbed = slow.disturbed = 0.05;
    rates same = measure_rates(ctx, &s, RUNS, 0, 0), slower = measure_rates(ctx, &slow, RUNS, 2, 0.05);
    print_message("12 visits, one in 20 disturbed: %zu of %d with a regression; 5 %% slower in 2 of 40: %zu of %zu found, %zu runs with a false one\n", same.with_false,
                  RUNS, slower.found, slower.planted, slower.with_false);
    assert_true(same.with_false * 100 <= 5 * RUNS && slower.with_false * 100 <= 5 * RUNS);
    assert_true(slower.found * 100 >= 95 * slower.planted);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates__student),      cmocka_unit_test(test_rates__scale),              cmocka_unit_test(test_rates__resampling),
        cmocka_unit_test(test_rates__holm),         cmocka_unit_test(test_rates__common_shift),       cmocka_unit_test(test_rates__same_program_twice),
        cmocka_unit_test(test_rates__slower_by_5_percent), cmocka_unit_test(test_rates__visits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
