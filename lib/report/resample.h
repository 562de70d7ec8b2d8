/* The bootstrap of a median, without making the resamples.
 *
 * The median of n values drawn with replacement from n samples is one of these samples, and its rank among them is known: it is that of the median of n
 * uniform numbers, which is Beta((n+1)/2, (n+1)/2). So a resampled median is one random number and a look into the sorted samples, interpolated between
 * neighbours. Samples that resemble their neighbours say less than their number: n is then divided by how much (evr_trend.spread). */
#ifndef EVR_REPORT_RESAMPLE_H
#define EVR_REPORT_RESAMPLE_H

#include <evreplay/report.h>

/* Random numbers by counting: the same for the same seed and stream. */
typedef struct evr_draws {
    uint64_t seed, stream, counter; /* counter begins at 0 */
    uint32_t words[4];
} evr_draws;

double evr_draw_uniform(evr_draws *d); /* above 0, below 1 */
double evr_draw_normal(evr_draws *d);
double evr_draw_gamma(evr_draws *d, double shape); /* shape >= 1 */

/* What is known of the median of one result. */
typedef struct evr_median_noise {
    const double *sorted; /* NULL: only the interval is known */
    size_t count;
    double worth;  /* independent samples that these are worth */
    double median;
    double log_sd; /* without samples: of the logarithm of the median, from its interval */
} evr_median_noise;

/* A median as it might have come out: positive. */
double evr_draw_median(evr_draws *d, const evr_median_noise *of);

/* Of the logarithm of newer over base: how far it varies, and the middle `level` of it. `room` holds EVR_RESAMPLES numbers. */
enum { EVR_RESAMPLES = 1000 };
void evr_resample_ratio(evr_draws *d, const evr_median_noise *base, const evr_median_noise *newer, double level, double *room, double *sd, double *low,
                        double *high);

#endif
