/* Statistics over times, without a device and without memory of their own. */
#ifndef EVR_MEASURE_STATISTICS_H
#define EVR_MEASURE_STATISTICS_H

#include <evreplay/measure.h>

/* Room that the statistics of `count` samples need. */
typedef struct evr_statistics_room {
    double *sorted;
    double *other;
    uint32_t *order; /* 2 * count */
    size_t cap;
} evr_statistics_room;

evr_status evr_statistics_room_for(evr_context *ctx, evr_statistics_room *room, size_t count, evr_error **err);
void evr_statistics_room_free(evr_context *ctx, evr_statistics_room *room);

/* All fields. Samples are finite, count > 0, and the room is large enough. The interval of the median is `widen` (1 = not)
 * times as wide as the samples alone ask for. */
void evr_statistics_compute(const double *samples, size_t count, double widen, const evr_statistics_room *room,
                            evr_statistics *out);

/* Sorts. */
void evr_sort_f64(double *values, size_t count);
double evr_median_of_sorted(const double *sorted, size_t count);

#endif
