#include "report/resample.h"

#include "init/philox.h"
#include "measure/interval.h"
#include "measure/statistics.h"

#include <math.h>

/* Two from each block of words. */
double evr_draw_uniform(evr_draws *d)
{
    if (d->counter % 2 == 0)
        evr_philox(d->seed, d->stream, d->counter / 2, d->words);
    const uint32_t *w = d->words + d->counter++ % 2 * 2;
    uint64_t bits = (uint64_t)w[0] << 20 | w[1] >> 12;
    return ((double)bits + 0.5) / 4503599627370496.0; /* 2^52 */
}

double evr_draw_normal(evr_draws *d)
{
    double length = sqrt(-2 * log(evr_draw_uniform(d)));
    return length * cos(2 * M_PI * evr_draw_uniform(d));
}

/* Marsaglia and Tsang (2000). */
double evr_draw_gamma(evr_draws *d, double shape)
{
    double a = shape - 1.0 / 3, c = 1 / sqrt(9 * a);
    for (;;) {
        double x = evr_draw_normal(d), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(evr_draw_uniform(d)) < x * x / 2 + a - a * v + a * log(v))
            return a * v;
    }
}

double evr_draw_median(evr_draws *d, const evr_median_noise *of)
{
    if (!of->sorted)
        return of->median * exp(of->log_sd * evr_draw_normal(d));
    double shape = (fmax(of->worth, 1) + 1) / 2;
    double one = evr_draw_gamma(d, shape), other = evr_draw_gamma(d, shape);
    double value = evr_at_rank(of->sorted, of->count, one / (one + other) * (double)of->count + 0.5);
    return fmax(value, of->median * 1e-6); /* a sample may be 0 on a coarse clock */
}

void evr_resample_ratio(evr_draws *d, const evr_median_noise *base, const evr_median_noise *newer, double level, double *room, double *sd, double *low,
                        double *high)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < EVR_RESAMPLES; i++) {
        room[i] = log(evr_draw_median(d, newer)) - log(evr_draw_median(d, base));
        double step = room[i] - mean;
        mean += step / (i + 1);
        squares += step * (room[i] - mean);
    }
    evr_sort_f64(room, EVR_RESAMPLES);
    *sd = sqrt(squares / (EVR_RESAMPLES - 1));
    *low = evr_at_rank(room, EVR_RESAMPLES, 1 + (1 - level) / 2 * (EVR_RESAMPLES - 1));
    *high = evr_at_rank(room, EVR_RESAMPLES, 1 + (1 + level) / 2 * (EVR_RESAMPLES - 1));
}
