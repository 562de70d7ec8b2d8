#include "measure/interval.h"

#include <math.h>

/* 2^-n is a normal number up to here; beyond, the binomial is as good as normal. */
enum { EXACT = 1000 };

/* Largest k for which [k-th smallest, k-th largest] encloses the median with at least `level`; 0 when even k = 1 does not.
 * The coverages of k and k + 1. */
static size_t exact_rank(size_t n, double level, double *at, double *next)
{
    double term = ldexp(1, -(int)n); /* probability of exactly k samples below the median */
    double below = term;
    size_t k = 1;
    *at = 1 - 2 * below;
    if (*at < level)
        return 0;
    for (;; k++) {
        term *= (double)(n - k + 1) / (double)k;
        below += term;
        *next = 1 - 2 * below;
        if (*next < level)
            return k;
        *at = *next;
    }
}

static double small_rank(size_t n, double level, double *coverage)
{
    double at, next;
    size_t k = exact_rank(n, level, &at, &next);
    if (k == 0) {
        *coverage = at > 0 ? at : 0;
        return 1;
    }
    double part = (at - level) / (at - next);
    return (double)k + (double)(n - k) * part / ((double)k + (double)(n - 2 * k) * part);
}

/* Deviate z of the normal distribution that [-z, z] encloses `level` of. */
static double normal_deviate(double level)
{
    double low = 0, high = 10;
    for (int i = 0; i < 60; i++) {
        double z = (low + high) / 2;
        if (erf(z * M_SQRT1_2) < level)
            low = z;
        else
            high = z;
    }
    return low;
}

double evr_median_rank(size_t count, double level, double spread, double *coverage)
{
    double middle = ((double)count + 1) / 2;
    *coverage = level;
    if (count == 0)
        return 0;
    double rank =
        count <= EXACT ? small_rank(count, level, coverage) : middle - normal_deviate(level) * sqrt((double)count) / 2;
    rank = middle - (middle - rank) * sqrt(spread);
    return rank < 1 ? 1 : rank;
}

double evr_at_rank(const double *sorted, size_t count, double rank)
{
    if (rank <= 1)
        return sorted[0];
    if (rank >= (double)count)
        return sorted[count - 1];
    size_t k = (size_t)rank;
    double part = rank - (double)k;
    return part > 0 ? sorted[k - 1] + part * (sorted[k] - sorted[k - 1]) : sorted[k - 1];
}
