#include "measure/statistics.h"

#include "base/context.h"
#include "base/error.h"
#include "base/sized.h"
#include "measure/dip.h"
#include "measure/interval.h"
#include "measure/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.95
#define OUTSIDE 3.0          /* interquartile ranges */
#define MATERIAL_DRIFT 0.005 /* parts of the median */
#define MATERIAL_MODES 0.01
#define NO_OUTLIERS 0.15 /* of the samples: a hint of two modes is not made by a few outliers */
#define FAR_APART 5.5    /* MADs of a group; halves of normal samples are 3.4 apart, of uniform ones 4 */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void evr_sort_f64(double *values, size_t count) { qsort(values, count, sizeof *values, by_value); }

double evr_median_of_sorted(const double *sorted, size_t count)
{
    return count % 2 ? sorted[count / 2] : sorted[count / 2 - 1] + (sorted[count / 2] - sorted[count / 2 - 1]) / 2;
}

/* Mean and deviation without losing digits to large values. */
static void moments(const double *samples, size_t count, evr_statistics *out)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        double step = samples[i] - mean;
        mean += step / (double)(i + 1);
        squares += step * (samples[i] - mean);
    }
    out->mean = mean;
    out->std = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
}

static double mad_of_sorted(const double *sorted, size_t count, double median, double *room)
{
    for (size_t i = 0; i < count; i++)
        room[i] = fabs(sorted[i] - median);
    evr_sort_f64(room, count);
    return evr_median_of_sorted(room, count);
}

static void quantiles(const evr_statistics_room *room, size_t count, evr_statistics *out)
{
    const double *sorted = room->sorted;
    out->min = sorted[0];
    out->max = sorted[count - 1];
    out->median = evr_median_of_sorted(sorted, count);
    out->q1 = evr_at_rank(sorted, count, 1 + 0.25 * (double)(count - 1));
    out->q3 = evr_at_rank(sorted, count, 1 + 0.75 * (double)(count - 1));
    out->iqr = out->q3 - out->q1;
    out->mad = mad_of_sorted(sorted, count, out->median, room->other);
    for (size_t i = 0; i < count; i++)
        out->outliers += sorted[i] < out->q1 - OUTSIDE * out->iqr || sorted[i] > out->q3 + OUTSIDE * out->iqr;
}

/* Two modes: the dip alone shows it, or the dip hints at it and the two groups are far apart for their width. */
static void modes(const evr_statistics_room *room, size_t count, evr_statistics *out)
{
    out->dip = evr_dip(room->sorted, count, room->order);
    evr_dip_size size = evr_dip_judge(out->dip, count);
    size_t split = size == EVR_DIP_USUAL ? 0 : evr_two_groups(room->sorted, count);
    if (split == 0)
        return;
    const double *upper = room->sorted + split;
    double low = evr_median_of_sorted(room->sorted, split), high = evr_median_of_sorted(upper, count - split);
    double width =
        (mad_of_sorted(room->sorted, split, low, room->other) + mad_of_sorted(upper, count - split, high, room->other)) / 2;
    double share = (double)split / (double)count, smaller = fmin(share, 1 - share);
    if (out->median == 0 || high - low < MATERIAL_MODES * fabs(out->median))
        return;
    if (size == EVR_DIP_SUSPECT && (high - low < FAR_APART * width || smaller < NO_OUTLIERS))
        return;
    out->flags |= EVR_STATISTICS_BIMODAL;
    out->mode_low = low;
    out->mode_high = high;
    out->mode_share = share;
}

static void order_of_time(const double *samples, size_t count, double widen, const evr_statistics_room *room,
                          evr_statistics *out)
{
    evr_trend trend;
    evr_trend_find(samples, count, out->median, room, &trend);
    out->drift = out->median != 0 ? trend.change / fabs(out->median) : 0;
    out->correlation = trend.correlation;
    if (trend.drifts && fabs(out->drift) >= MATERIAL_DRIFT)
        out->flags |= EVR_STATISTICS_DRIFT;
    if (trend.correlated)
        out->flags |= EVR_STATISTICS_CORRELATED;
    double rank = evr_median_rank(count, LEVEL, trend.spread * widen * widen, &out->coverage);
    out->median_low = evr_at_rank(room->sorted, count, rank);
    out->median_high = evr_at_rank(room->sorted, count, (double)count + 1 - rank);
    if (out->coverage < LEVEL)
        out->flags |= EVR_STATISTICS_FEW;
}

void evr_statistics_compute(const double *samples, size_t count, double widen, const evr_statistics_room *room,
                            evr_statistics *out)
{
    *out = (evr_statistics){.struct_size = EVR_INIT(evr_statistics), .count = count};
    memcpy(room->sorted, samples, count * sizeof *samples);
    evr_sort_f64(room->sorted, count);
    moments(samples, count, out);
    quantiles(room, count, out);
    modes(room, count, out);
    order_of_time(samples, count, widen, room, out);
}

evr_status evr_statistics_room_for(evr_context *ctx, evr_statistics_room *room, size_t count, evr_error **err)
{
    if (count <= room->cap)
        return EVR_OK;
    if (count > UINT32_MAX)
        return evr_fail(ctx, err, EVR_E_LIMIT, "%zu samples are more than statistics are made for", count);
    evr_statistics_room_free(ctx, room);
    size_t cap = count + count / 2;
    *room = (evr_statistics_room){evr_alloc(ctx, cap * sizeof(double)), evr_alloc(ctx, cap * sizeof(double)),
                                  evr_alloc(ctx, 2 * cap * sizeof(uint32_t)), cap};
    if (room->sorted && room->other && room->order)
        return EVR_OK;
    evr_statistics_room_free(ctx, room);
    return evr_fail_nomem(err);
}

void evr_statistics_room_free(evr_context *ctx, evr_statistics_room *room)
{
    if (room->sorted)
        evr_release(ctx, room->sorted, room->cap * sizeof(double));
    if (room->other)
        evr_release(ctx, room->other, room->cap * sizeof(double));
    if (room->order)
        evr_release(ctx, room->order, 2 * room->cap * sizeof(uint32_t));
    *room = (evr_statistics_room){0};
}

evr_status evr_statistics_of(evr_context *ctx, const double *samples, size_t count, evr_statistics *out, evr_error **err)
{
    if (!ctx || !samples || count == 0 || !out || out->struct_size < sizeof(uint32_t))
        return evr_fail(ctx, err, EVR_E_INVALID,
                        "statistics need a context, at least one sample and a place for the answer");
    for (size_t i = 0; i < count; i++)
        if (!isfinite(samples[i]))
            return evr_fail(ctx, err, EVR_E_INVALID, "sample %zu of %zu is not a finite number", i, count);
    evr_statistics_room room = {0};
    EVR_TRY(evr_statistics_room_for(ctx, &room, count, err));
    evr_statistics all;
    evr_statistics_compute(samples, count, 1, &room, &all);
    EVR_GIVE(out, &all);
    evr_statistics_room_free(ctx, &room);
    return EVR_OK;
}
