/* What the order of samples tells: drift, and likeness of neighbours. */
#ifndef EVR_MEASURE_TREND_H
#define EVR_MEASURE_TREND_H

#include "measure/statistics.h"

#include <stdbool.h>

typedef struct evr_trend {
    bool drifts;        /* a trend that chance gives in fewer than one run of a thousand */
    bool correlated;    /* neighbours resemble each other beyond the trend and beyond chance */
    double change;      /* from the first sample to the last */
    double correlation; /* of neighbours' signs around the trend */
    /* Variance of the number of samples below the median, over that of independent samples of one distribution: what the
     * interval of the median is widened or narrowed by, as a square. */
    double spread;
} evr_trend;

/* Room as for the statistics; sorted[] is left as it is. */
void evr_trend_find(const double *samples, size_t count, double median, const evr_statistics_room *room, evr_trend *out);

#endif
