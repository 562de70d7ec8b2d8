/**
 * @file
 * Measuring: how long something takes on a device, and how that was found out.
 *
 * A @ref evr_meter is a device's clock: a backend (backend.h), one of its devices and a stream. evr_measure() runs a callback on it under an
 * @ref evr_protocol, until the answer is as precise as asked, and hands out an @ref evr_measurement: every sample, robust statistics over them, the
 * protocol, and the conditions they were taken under. What is measured is a callback; nothing here knows operators or tensors.
 *
 * **A protocol is part of the result.** Two measurements compare only when they were taken the same way: evr_measurement_comparable().
 *
 * **Units** are nanoseconds. **Threads.** A meter and what is measured on it belong to one thread at a time; measurements and protocols are immutable.
 *
 * **Environment.** The backend "cpu" is part of the library. Any other, such as "cuda", is a shared library `libevreplay_<name>.so`, looked for in: the option
 * `backend_path`, `$EVREPLAY_BACKEND_PATH`, the context's plug-in path, the folder of the library itself and its `evreplay` sub-folder. Each of the first two may
 * name a file or a folder.
 */
#ifndef EVREPLAY_MEASURE_H
#define EVREPLAY_MEASURE_H

#include <evreplay/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_meter evr_meter;             /**< a device's clock */
typedef struct evr_measurement evr_measurement; /**< samples and what is known about them */

/** @name Statistics
 * @{ */
#define EVR_STATISTICS_DRIFT 1u      /**< samples rise or fall over the run, by more than 0.5 % in all */
#define EVR_STATISTICS_BIMODAL 2u    /**< there are two times, more than 1 % apart: the median is between them or one of them by chance */
#define EVR_STATISTICS_CORRELATED 4u /**< neighbours resemble each other: there is less information than the count says; the interval allows for it */
#define EVR_STATISTICS_FEW 8u        /**< fewer than 6 samples: no interval reaches 95 % */

/** What a list of times says. */
typedef struct evr_statistics {
    uint32_t struct_size;  /**< set by the caller */
    uint32_t flags;        /**< EVR_STATISTICS_... */
    uint64_t count;        /**< samples */
    double median;
    double median_low;     /**< lower end of the interval of the median */
    double median_high;    /**< upper end */
    double coverage;       /**< of the interval: 0.95, or what it can be with fewer than 6 samples */
    double mad;            /**< median distance from the median, not scaled */
    double iqr;            /**< q3 - q1 */
    double q1;             /**< lower quartile */
    double q3;             /**< upper quartile */
    double min;
    double max;
    double mean;
    double std;            /**< with count - 1 */
    double drift;          /**< change from the first to the last sample as a trend, over the median; set even when it may be chance */
    double correlation;    /**< of neighbours, as signs around the trend: -1 to 1 */
    double dip;            /**< Hartigan's: distance from the nearest distribution with one mode */
    double mode_low;       /**< median of the lower group of samples; 0 unless EVR_STATISTICS_BIMODAL */
    double mode_high;      /**< median of the upper group */
    double mode_share;     /**< part of the samples in the lower group */
    uint64_t outliers;     /**< samples more than three iqr outside the quartiles; they count like all others */
} evr_statistics;

/**
 * Computes the statistics of `count` times. Nothing is assumed of their distribution but that the order they came in is the order given.
 * @param[in,out] out  struct_size set by the caller
 * @return EVR_OK · EVR_E_INVALID (none, or one that is not finite) · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_statistics_of(evr_context *ctx, const double *samples, size_t count, evr_statistics *out, evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
