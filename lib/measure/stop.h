/* When a measurement has enough samples: arithmetic over the samples taken so far, without a clock or a device. */
#ifndef EVR_MEASURE_STOP_H
#define EVR_MEASURE_STOP_H

#include "measure/statistics.h"

#include <stdbool.h>

enum { EVR_NOISE_WINDOW = 512, EVR_ENTROPY_WINDOW = 299 };

/* A value and how often it was sampled. */
typedef struct evr_frequency {
    double value;
    uint64_t count;
} evr_frequency;

typedef struct evr_stop {
    evr_context *ctx;
    const evr_protocol *protocol; /* resolved */
    size_t count;                 /* samples seen */
    bool done;
    double part; /* how much of the way is done, as far as can be foreseen: 0 to 1 */

    evr_statistics_room room; /* precision */
    size_t next;              /* number of samples at which to look again */
    bool extended;

    double mean, squares, sum; /* stdrel */
    evr_frequency *values;     /* entropy: sorted by value */
    size_t value_count, value_cap;
    double surprise;                 /* sum of c log2 c over the counts */
    double window[EVR_NOISE_WINDOW]; /* the last noises, or entropies */
    size_t window_count;             /* ever added */
} evr_stop;

void evr_stop_init(evr_stop *stop, evr_context *ctx, const evr_protocol *protocol);
void evr_stop_free(evr_stop *stop);

/* Looks at samples[stop->count] to samples[count - 1], one after the other; sets `done` and `part`.
 * @return EVR_OK · EVR_E_NOMEM */
evr_status evr_stop_look(evr_stop *stop, const double *samples, size_t count, evr_error **err);

/* Forgets all samples. */
void evr_stop_reset(evr_stop *stop);

/* What the interval of the median of `count` samples is to be widened by, since the rule chose to stop after `chosen` of
 * them. */
double evr_stop_widening(const evr_protocol *protocol, size_t chosen, size_t count);

/* Half of the interval over the median; -1 when that says nothing. */
double evr_relative_precision(const evr_statistics *s);

#endif
