#include "measure/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH = 10 }; /* samples: below, order tells nothing */

#define SURE 3.29      /* two-sided, one of a thousand, in standard deviations */
#define SURE_ALIKE 3.0 /* one-sided, one of a thousand */

/* Number of sorted values below `value`, plus half of those equal. */
static double mid_rank(const double *sorted, size_t count, double value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    for (high = count; end < high;) {
        size_t middle = (end + high) / 2;
        if (sorted[middle] <= value)
            end = middle + 1;
        else
            high = middle;
    }
    return ((double)low + (double)end) / 2;
}

/* Spearman's correlation of value and time, as a normal deviate (Fisher's transform). */
static double trend_deviate(const double *samples, size_t count, const double *sorted)
{
    double both = 0, ranks = 0, times = 0, middle = (double)count / 2;
    for (size_t i = 0; i < count; i++) {
        double r = mid_rank(sorted, count, samples[i]) - middle, t = (double)i + 0.5 - middle;
        both += r * t;
        ranks += r * r;
        times += t * t;
    }
    double rho = ranks > 0 ? both / sqrt(ranks * times) : 0;
    rho = fmax(-0.999999, fmin(0.999999, rho));
    return atanh(rho) * sqrt(((double)count - 3) / 1.06);
}

static double median_between(const double *samples, size_t from, size_t to, double *room)
{
    memcpy(room, samples + from, (to - from) * sizeof *room);
    evr_sort_f64(room, to - from);
    return evr_median_of_sorted(room, to - from);
}

/* Slope of the line through the medians of the first and the last third. */
static double slope_of(const double *samples, size_t count, double *room)
{
    size_t third = count / 3;
    double first = median_between(samples, 0, third, room), last = median_between(samples, count - third, count, room);
    return (last - first) / (double)(count - third);
}

static double sign(double x) { return (double)((x > 0) - (x < 0)); }

/* Correlation of the signs of neighbours around a line of that slope. */
static double likeness(const double *samples, size_t count, double slope, double *room)
{
    double middle = (double)(count - 1) / 2;
    for (size_t i = 0; i < count; i++)
        room[i] = samples[i] - slope * ((double)i - middle);
    evr_sort_f64(room, count);
    double centre = evr_median_of_sorted(room, count);
    double together = 0, squares = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        double s = sign(samples[i] - slope * ((double)i - middle) - centre);
        together += s * before;
        squares += s * s;
        before = s;
    }
    return squares > 0 ? together / squares : 0;
}

/* How much more the count of samples below the median varies when neighbours' signs correlate so: as for a normal process
 * of first order, whose signs correlate as 2/pi asin(phi^k). */
static double inflation(double correlation)
{
    double phi = sin(correlation * M_PI_2), power = phi, sum = 1;
    for (int k = 1; k < 2000 && power > 1e-3; k++, power *= phi)
        sum += 2 * M_2_PI * asin(power);
    return sum;
}

/* Under a trend the chance to be below the median is not 1/2 for each sample, and the count varies less; half the mean
 * square of differences of neighbours measures by how much. */
static double deflation(const double *samples, size_t count, double median)
{
    double squares = 0;
    for (size_t i = 1; i < count; i++) {
        double step = (sign(samples[i] - median) - sign(samples[i - 1] - median)) / 2;
        squares += step * step;
    }
    double ratio = squares / 2 / ((double)(count - 1) / 4);
    return fmin(1, fmax(ratio, 4.0 / (double)count));
}

void evr_trend_find(const double *samples, size_t count, double median, const evr_statistics_room *room, evr_trend *out)
{
    *out = (evr_trend){.spread = 1};
    if (count < ENOUGH)
        return;
    double slope = slope_of(samples, count, room->other);
    out->change = slope * (double)(count - 1);
    out->drifts = fabs(trend_deviate(samples, count, room->sorted)) > SURE;
    out->correlation = likeness(samples, count, out->drifts ? slope : 0, room->other);
    out->correlated = out->correlation * sqrt((double)count) > SURE_ALIKE;
    if (out->correlated)
        out->spread = inflation(out->correlation);
    else if (out->drifts)
        out->spread = deflation(samples, count, median);
}
