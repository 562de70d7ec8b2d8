/* Runs of programs as they are measured: samples that resemble their neighbours, with outliers and a clock that ticks; and runs that differ as a whole, all
 * operators together and each by itself, now and then by more. */
#ifndef EVR_TESTS_REPORT_SIMULATE_H
#define EVR_TESTS_REPORT_SIMULATE_H

#include "support/support.h"

#include "report/resample.h"

#include <stdbool.h>

#include <math.h>

typedef struct simulation {
    evr_draws draws;
    double noise;  /* of samples, a standard deviation as a part */
    double common; /* between runs, of all operators together */
    double own;    /* between runs, of each operator */
    size_t ops;
    int with_samples;
    int alike; /* neighbours resemble each other */
    size_t visits;    /* to each operator, without their samples; 0 = one */
    double moved;     /* of visits, a standard deviation as a part */
    double disturbed; /* part of the visits that are a third slower, unseen */
} simulation;

/* Statistics of a run without its samples are kept here. */
enum { MOST_SAMPLES = 100 };

static inline double op_time(size_t op) { return 2000 * pow(1.25, (double)(op * 7 % 40)); }

/* A run that came by an operator several times. */
static inline void one_run_of_visits(evr_context *ctx, evr_results *results, simulation *s, size_t op, double shift)
{
    double visits[MOST_SAMPLES];
    char key[33];
    for (size_t i = 0; i < s->visits; i++)
        visits[i] = op_time(op) * exp(shift + s->moved * evr_draw_normal(&s->draws)) * (evr_draw_uniform(&s->draws) < s->disturbed ? 1.35 : 1);
    snprintf(key, sizeof key, "%032zx", op + 1);
    evr_statistics statistics = {EVR_INIT(evr_statistics)};
    assert_ok(evr_statistics_of(ctx, visits, s->visits, &statistics, err));
    evr_result r = {.struct_size = EVR_INIT(evr_result), .index = op, .count = 1, .key = {key, 32}, .op = {"my::op", 6}, .statistics = &statistics,
                    .visits = visits, .visit_count = s->visits};
    assert_ok(evr_results_add(results, &r, err));
}

static inline void one_run(evr_context *ctx, evr_results *results, simulation *s, size_t op, double shift)
{
    double samples[MOST_SAMPLES], state = 0, keep = s->alike ? 0.4 : 0;
    size_t n = 30 + op * 13 % 71;
    double own = s->own * evr_draw_normal(&s->draws) * (evr_draw_uniform(&s->draws) < 0.05 ? 2.5 : 1);
    double median = op_time(op) * exp(shift + own);
    for (size_t i = 0; i < n; i++) {
        state = keep * state + sqrt(1 - keep * keep) * evr_draw_normal(&s->draws);
        double outlier = evr_draw_uniform(&s->draws) < 0.02 ? 0.3 * evr_draw_uniform(&s->draws) : 0;
        samples[i] = 10 * round(median * exp(s->noise * state + outlier) / 10);
    }
    char key[33];
    snprintf(key, sizeof key, "%032zx", op + 1);
    evr_statistics statistics = {EVR_INIT(evr_statistics)};
    assert_ok(evr_statistics_of(ctx, samples, n, &statistics, err));
    evr_result r = {.struct_size = EVR_INIT(evr_result), .index = op, .count = 1 + op % 5, .key = {key, 32}, .op = {"my::op", 6}, .statistics = &statistics,
                    .samples = s->with_samples ? samples : NULL, .sample_count = s->with_samples ? n : 0};
    assert_ok(evr_results_add(results, &r, err));
}

/* Whether an operator is among the `slowed` ones of a round: others each time. */
static inline bool is_slowed(const simulation *s, size_t round, size_t op, size_t slowed) { return (op * 11 + round * 7) % s->ops < slowed; }

/* A run of all operators, some slower by a part. */
static inline evr_results *simulate(evr_context *ctx, simulation *s, size_t round, size_t slowed, double by)
{
    evr_results *results = NULL;
    double common = s->common * evr_draw_normal(&s->draws);
    assert_ok(evr_results_new(ctx, NULL, &results, err));
    for (size_t op = 0; op < s->ops; op++)
        (s->visits ? one_run_of_visits : one_run)(ctx, results, s, op, common + (is_slowed(s, round, op, slowed) ? log1p(by) : 0));
    return results;
}

/* Of `rounds` comparisons: how many call any regression of those not slowed, and how many slowed operators are found. */
typedef struct rates {
    size_t with_false, found, planted;
} rates;

static inline rates measure_rates(evr_context *ctx, simulation *s, size_t rounds, size_t slowed, double by)
{
    rates out = {0};
    for (size_t i = 0; i < rounds; i++) {
        evr_results *base = simulate(ctx, s, i, 0, 0), *newer = simulate(ctx, s, i, slowed, by);
        evr_comparison *c = NULL;
        size_t wrong = 0;
        assert_ok(evr_compare(ctx, base, newer, NULL, &c, err));
        for (size_t k = 0; k < evr_comparison_count(c); k++) {
            const evr_change *row = evr_comparison_at(c, k);
            bool planted = is_slowed(s, i, row->base->index, slowed);
            out.planted += planted;
            out.found += planted && row->change == EVR_CHANGE_REGRESSION;
            wrong += !planted && row->change == EVR_CHANGE_REGRESSION;
        }
        out.with_false += wrong > 0;
        evr_comparison_free(c);
        evr_results_free(base);
        evr_results_free(newer);
    }
    return out;
}

#endif
