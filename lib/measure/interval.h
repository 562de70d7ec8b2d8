/* The distribution-free interval of a median.
 *
 * The number of samples below the true median is binomial (n, 1/2) whatever the distribution, so two order statistics
 * enclose it with a probability that is known exactly. Since that jumps from rank to rank, the ranks here are fractions:
 * between two neighbouring intervals, one above and one below 95 %, the ends are interpolated as Hettmansperger and
 * Sheather (1986) show to be nearly free of the distribution as well. */
#ifndef EVR_MEASURE_INTERVAL_H
#define EVR_MEASURE_INTERVAL_H

#include <stddef.h>

/* Rank (1 = smallest sample, fractions allowed) of the lower end; the upper end is as far from the other side. `spread`
 * widens or narrows it: the variance of the number of samples below the median, over that of independent samples.
 * `coverage` is what the interval has. */
double evr_median_rank(size_t count, double level, double spread, double *coverage);

/* The value at a rank of sorted samples. */
double evr_at_rank(const double *sorted, size_t count, double rank);

#endif
