/**
 * @file
 * Measuring: how long something takes on a device, and how that was found out.
 *
 * A @ref evr_meter is a device's clock: a backend (backend.h), one of its devices and a stream. evr_measure() runs a callback on it under an
 * @ref evr_protocol, until the answer is as precise as asked, and hands out an @ref evr_measurement with every sample, robust statistics over them, the
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
    double median;         /**< of the samples */
    double median_low;     /**< lower end of the interval of the median */
    double median_high;    /**< upper end */
    double coverage;       /**< of the interval: 0.95, or what it can be with fewer than 6 samples */
    double mad;            /**< median distance from the median, not scaled */
    double iqr;            /**< q3 - q1 */
    double q1;             /**< lower quartile */
    double q3;             /**< upper quartile */
    double min;            /**< least */
    double max;            /**< greatest */
    double mean;           /**< of the samples */
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

/** @name Protocol: how time is taken
 * Zero in any member means its default, so that `{EVR_INIT(evr_protocol)}` is the default protocol. Members that the chosen rules do not look at count for
 * nothing, and are not compared.
 * @{ */
#define EVR_STOP_PRECISION 1 /**< when the interval of the median is within `precision` of it on either side */
#define EVR_STOP_COUNT 2     /**< after `samples` */
#define EVR_STOP_STDREL 3    /**< nvbench's "stdrel": `device_seconds` measured, and std/mean below `noise` or no longer changing */
#define EVR_STOP_ENTROPY 4   /**< nvbench's "entropy": the entropy of the samples no longer rises */

#define EVR_WARMUP_STABLE 1 /**< until the medians of two consecutive groups of three calls are within 2 %, `warmup_calls` at most */
#define EVR_WARMUP_COUNT 2  /**< `warmup_calls` */

#define EVR_LAUNCH_AUTO 1   /**< one call a sample, or as many as the clock needs, or as hide launching, when no flush is asked for */
#define EVR_LAUNCH_SINGLE 2 /**< one call a sample */
#define EVR_LAUNCH_BATCH 3  /**< `batch` calls a sample, 0 = as many as the clock needs: launches overlap, caches stay warm */
#define EVR_LAUNCH_GRAPH 4  /**< `batch` calls (0 = 1), captured once and launched as one */

#define EVR_GATE_AUTO 1 /**< where the backend has one and what is measured may be held (EVR_MEASURED_GATEABLE) */
#define EVR_GATE_OFF 2  /**< never */
#define EVR_GATE_ON 3   /**< always: a failure where there is none */

#define EVR_THROTTLED_DISCARD 1 /**< samples taken while the device was slowed by heat or power do not count, and it is given time to cool */
#define EVR_THROTTLED_KEEP 2    /**< they count; the measurement is flagged */

/** How a time is taken. */
typedef struct evr_protocol {
    uint32_t struct_size;   /**< sizeof(evr_protocol) */
    int32_t stop;           /**< EVR_STOP_…; 0 = precision */
    int32_t warmup;         /**< EVR_WARMUP_…; 0 = stable */
    int32_t flush;          /**< EVR_FLUSH_…, before every sample; 0 = none */
    int32_t launch;         /**< EVR_LAUNCH_…; 0 = auto */
    int32_t gate;           /**< EVR_GATE_…; 0 = auto */
    int32_t throttle;       /**< EVR_THROTTLED_…; 0 = discard */
    uint32_t flags;         /**< 0 */
    uint64_t warmup_calls;  /**< 0 = 50 */
    uint64_t samples;       /**< for EVR_STOP_COUNT; 0 = 100 */
    uint64_t min_samples;   /**< before any other rule may stop; 0 = 10, and never below 2 */
    uint64_t max_samples;   /**< 0 = 1,000,000 */
    uint64_t batch;         /**< 0 = as many as the clock needs */
    uint64_t flush_bytes;   /**< 0 = the last level of the device's cache */
    uint64_t seed;          /**< of the inputs; only recorded */
    double precision;       /**< part of the median; 0 = 0.01 */
    double min_seconds;     /**< for EVR_STOP_PRECISION: samples are taken for at least so long on the host's clock, so that a moment is not taken for
                                 the rule; 0 = 0.005 */
    double seconds;         /**< budget on the host's clock, everything included; 0 = 5. The first sample is always taken */
    double noise;           /**< for EVR_STOP_STDREL; 0 = 0.005 */
    double device_seconds;  /**< for EVR_STOP_STDREL; 0 = 0.5 */
    double entropy_angle;   /**< for EVR_STOP_ENTROPY, in degrees; 0 = 0.048 */
    double entropy_r2;      /**< for EVR_STOP_ENTROPY; 0 = 0.36 */
    double gate_seconds;    /**< after which a gate opens by itself; 0 = 1 */
    char fill[32];          /**< what the inputs hold, in a word: letters, digits, '.', '_' and '-'; only recorded */
} evr_protocol;

#define EVR_PROTOCOL_DEFAULT 0 /**< precision 1 %, warm cache */
#define EVR_PROTOCOL_FIXED 1   /**< 50 calls of warm-up, 100 samples of one call, each after a 256 MiB flush, nothing held, nothing discarded */
#define EVR_PROTOCOL_NVBENCH 2 /**< one call of warm-up, cold cache, held where possible, stdrel, 15 seconds */

/** Fills a protocol with a named one. struct_size is set by the caller. @return EVR_OK · EVR_E_INVALID @since 0.1 */
EVR_API evr_status evr_protocol_preset(int32_t preset, evr_protocol *out, evr_error **err);

/**
 * One line that says everything: "evreplay-protocol/1 stop=precision precision=0.01 samples=- …", with every member, defaults written out and
 * members that do not count as "-". The same protocol gives the same bytes. `*out` is from the context's allocator: free it with evr_text_free().
 * @return EVR_OK · EVR_E_INVALID (a member is outside its range: the message names it) · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_protocol_text(evr_context *ctx, const evr_protocol *protocol, char **out, size_t *size, evr_error **err);

/** Reads such a line; members it lacks are default. @return EVR_OK · EVR_E_FORMAT (with the offset) · EVR_E_INVALID · EVR_E_UNSUPPORTED (a later version) @since 0.1 */
EVR_API evr_status evr_protocol_parse(evr_context *ctx, evr_str text, evr_protocol *out, evr_error **err);

/** EVR_OK when times taken under the two compare. @return EVR_OK · EVR_E_INVALID (the message names every difference) @since 0.1 */
EVR_API evr_status evr_protocol_same(evr_context *ctx, const evr_protocol *a, const evr_protocol *b, evr_error **err);
/** @} */

/** @name Meter
 * @{ */

/** How a meter is opened. All zero is the CPU. */
typedef struct evr_meter_options {
    uint32_t struct_size;     /**< sizeof(evr_meter_options) */
    int32_t device;           /**< index on the backend */
    const char *backend;      /**< "cpu", "cuda"…: small letters and digits; NULL = "cpu" */
    const char *backend_path; /**< file or folder of the backend; NULL = search */
    int32_t stream;           /**< EVR_STREAM_…; 0 = one of its own */
    uint32_t flags;           /**< 0 */
    void *native_stream;      /**< for EVR_STREAM_NATIVE */
} evr_meter_options;

/** Opens a backend, takes one of its devices, and measures what measuring nothing costs.
 *  @return EVR_OK · EVR_E_INVALID (name) · EVR_E_PLUGIN · EVR_E_ABI · EVR_E_NO_DEVICE (the message says what the backend missed) @since 0.1 */
EVR_API evr_status evr_meter_open(evr_context *ctx, const evr_meter_options *options, evr_meter **out, evr_error **err);
/** Measurements outlive their meter. @since 0.1 */
EVR_API void evr_meter_free(evr_meter *meter);
/** Backend in use, for what this header does not offer; lives as long as the meter. @since 0.1 */
EVR_API const evr_backend *evr_meter_backend(const evr_meter *meter);
/** Device in use; texts live as long as the meter. @since 0.1 */
EVR_API evr_status evr_meter_device(const evr_meter *meter, evr_device_desc *out, evr_error **err);
/** File the backend was loaded from; empty when it is part of the library. @since 0.1 */
EVR_API evr_str evr_meter_backend_path(const evr_meter *meter);
/** What one empty sample lasts on the device's clock: taken off every sample. @since 0.1 */
EVR_API double evr_meter_harness_ns(const evr_meter *meter);
/** @} */

/** @name Measuring
 * @{ */
#define EVR_MEASURED_GATEABLE 1u /**< a call launches few kernels and never waits for the device, so the stream may be held meanwhile */
#define EVR_MEASURED_PARALLEL 2u /**< other threads or processes take part in a call, and may wait awake beside it: whether strangers use the core cannot be told */

/** Does the thing once. Any status but EVR_OK ends the measurement with that status and error. */
typedef evr_status (*evr_run_fn)(void *user, evr_error **err);
/** Told now and then how far a measurement is: samples so far, and the part done as far as can be foreseen. Nonzero ends it with EVR_E_CANCELLED. */
typedef int32_t (*evr_measure_progress_fn)(void *user, uint64_t samples, double part);

/** What is measured. */
typedef struct evr_measured {
    uint32_t struct_size;     /**< sizeof(evr_measured) */
    uint32_t flags;           /**< EVR_MEASURED_... */
    evr_run_fn run;           /**< puts the work on the meter's stream; need not wait for it */
    evr_run_fn prepare;       /**< before every sample, outside the time: to put inputs back; may be NULL. One call a sample then */
    void *user;               /**< first argument of both */
    evr_measure_progress_fn progress; /**< may be NULL */
    void *progress_user;      /**< its first argument */
    /** For things that several processes measure together: each value becomes the largest among them. Called in all of them at the same places, with the
     *  times of each sample among the values, the first being that of a call here; what is decided by them is then decided alike, and samples are those of
     *  the slowest. `user` as above. May be NULL. */
    evr_status (*agree)(void *user, double *values, size_t count, evr_error **err);
} evr_measured;

#define EVR_MEASUREMENT_IMPRECISE 1u     /**< budget or max_samples ran out before the stop rule was content */
#define EVR_MEASUREMENT_UNWARMED 2u      /**< warm-up ended at its cap with times still changing */
#define EVR_MEASUREMENT_THROTTLED 4u     /**< samples taken while the device was slowed are among those that count */
#define EVR_MEASUREMENT_COARSE 8u        /**< a sample is less than 100 ticks of the clock, or less than 10 times the harness */
#define EVR_MEASUREMENT_LAUNCH_BOUND 16u /**< the device waited for the host: launching is more than 5 % of a sample of one call, or takes as long as the calls of a batch */
#define EVR_MEASUREMENT_UNSTABLE_CLOCK 32u /**< see evr_device_desc::clock */

/** What a measurement found out beside its samples. */
typedef struct evr_conditions {
    uint32_t struct_size;      /**< set by the caller */
    uint32_t flags;            /**< EVR_MEASUREMENT_... */
    int32_t launch;            /**< EVR_LAUNCH_SINGLE, _BATCH or _GRAPH, as it was done */
    int32_t gate;              /**< EVR_GATE_ON or _OFF, as it was done */
    uint64_t batch;            /**< calls a sample */
    uint64_t flush_bytes;      /**< gone over before each sample; 0 = none */
    uint64_t warmup_calls;     /**< done */
    uint64_t calls;            /**< all, with warm-up and discards */
    uint64_t discarded;        /**< samples that do not count: the device was slowed */
    uint64_t gate_timeouts;    /**< samples that do not count: the gate opened by itself */
    double harness_ns;         /**< taken off every sample */
    double tick_ns;            /**< of the clock */
    double host_ns;            /**< median time the host spent on a call; on a device that is not asynchronous the call itself */
    double device_ns;          /**< sum of all spans: what the device worked for it, warm-up and discards included */
    double wall_ns;            /**< on the host's clock, from begin to end */
    double precision;          /**< half of the median's interval, over the median; -1 = the samples are too few for an interval, or the median is 0 */
    double clock_mhz;          /**< at the end; 0 = not known */
    double temperature_c;      /**< at the end; 0 = not known */
} evr_conditions;

/**
 * Measures. `protocol` may be NULL for the default one.
 * @return EVR_OK · EVR_E_INVALID (a member is outside its range) · EVR_E_UNSUPPORTED (gate or graph asked for where there is none) · EVR_E_CANCELLED ·
 *         EVR_E_NOMEM · what `run` returned
 * @since 0.1
 */
EVR_API evr_status evr_measure(evr_meter *meter, const evr_protocol *protocol, const evr_measured *what, evr_measurement **out,
                               evr_error **err);
/** Frees a measurement. NULL does nothing. @since 0.1 */
EVR_API void evr_measurement_free(evr_measurement *measurement);
/** Nanoseconds of one call, in the order taken, harness taken off. @since 0.1 */
EVR_API const double *evr_measurement_samples(const evr_measurement *measurement, size_t *count);
/** Fills `*out`, whose struct_size the caller has set. @since 0.1 */
EVR_API void evr_measurement_statistics(const evr_measurement *measurement, evr_statistics *out);
/** Fills `*out`, whose struct_size the caller has set. @since 0.1 */
EVR_API void evr_measurement_conditions(const evr_measurement *measurement, evr_conditions *out);
/** The protocol asked for, with defaults in place. @since 0.1 */
EVR_API const evr_protocol *evr_measurement_protocol(const evr_measurement *measurement);
/** All of it as a JSON object, every member present, samples included when asked for. Free with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_measurement_json(const evr_measurement *measurement, int32_t with_samples, char **out, size_t *size,
                                        evr_error **err);
/** EVR_OK when the two were taken the same way: protocol, launch and gate. @return EVR_OK · EVR_E_INVALID (the message names every difference) @since 0.1 */
EVR_API evr_status evr_measurement_comparable(const evr_measurement *a, const evr_measurement *b, evr_error **err);

/** Runs the thing once with the device's kernels recorded, and hands them out. Not timed. @return EVR_OK · EVR_E_UNSUPPORTED (the backend records none) · as
 *  evr_measure() @since 0.1 */
EVR_API evr_status evr_meter_kernels(evr_meter *meter, const evr_measured *what, evr_kernel_fn visit, void *user, evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
