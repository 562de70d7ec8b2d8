/* What only the fake backend has: a program for its virtual clock, reached through evr_backend::extension(FAKE_CONTROL). */
#ifndef EVR_FAKE_H
#define EVR_FAKE_H

#include <evreplay/backend.h>

#include <stdbool.h>

#define FAKE_CONTROL "fake.control/1"

#define FAKE_NORMAL 0    /* relative deviation `sigma` */
#define FAKE_LOGNORMAL 1 /* median `ns`, deviation of the logarithm `sigma` */
#define FAKE_BIMODAL 2   /* normal around `ns`, and around `second_ns` for `second_share` of the calls */

/* How one call of the made-up operator behaves. Zero-initialised it takes no time at all. */
typedef struct fake_program {
    double ns;     /* of a call on the device */
    double sigma;  /* noise; see the distributions */
    int32_t noise; /* FAKE_... */
    int32_t waits; /* the call waits for the device before it returns */
    double second_ns, second_share;
    double drift_per_call; /* added to the factor of a call's time: 1 + drift_per_call * number of the call */
    double correlation;    /* of the noise of one call with that of the call before; normal and log-normal only */
    double outlier_share;  /* of calls that take outlier_factor as long */
    double outlier_factor;
    double launch_ns;                   /* host time of a call */
    double empty_span_ns;               /* what an empty span lasts */
    double tick_ns;                     /* spans are whole multiples of it; 0 = exact */
    double cold_factor;                 /* of the first call after a flush; 0 = 1 */
    double warmup_factor, warmup_calls; /* the first calls take up to that factor, falling to 1 */
    double slow_from_ns, slow_until_ns; /* host time between which the device is slowed */
    double slow_factor;
    uint32_t slow_reason; /* EVR_THROTTLE_...; 0 = heat */
    int32_t no_device; /* from now on there is none */
    int32_t fail_call; /* number of the call that fails, counted from 1; 0 = none */
    uint64_t seed;
} fake_program;

typedef struct fake_counters {
    uint64_t calls, flushes, gates, timeouts, captures, launches, rests;
    uint64_t open_streams, open_spans, open_graphs; /* handles not yet given back */
    uint64_t bytes_flushed;
    double now_ns, device_busy_ns;
} fake_counters;

typedef struct fake_control {
    uint32_t struct_size;
    void (*program)(void *self, const fake_program *program); /* starts again at call 0; the clock goes on */
    evr_status (*call)(void *self, evr_error **err);          /* the made-up operator: an evr_run_fn */
    void (*counters)(void *self, fake_counters *out);
    void (*preset)(const fake_program *program); /* of backends that start from now on; NULL = none */
} fake_control;

#endif
