/* Taking one sample: flush, gate, start of the span, calls, end of the span, gate open, wait. */
#ifndef EVR_MEASURE_SAMPLE_H
#define EVR_MEASURE_SAMPLE_H

#include "measure/measurement.h"

typedef struct evr_sampler {
    evr_meter *meter;
    const evr_backend *fn;
    const evr_protocol *p;
    evr_measured what;
    evr_conditions *c; /* counts calls and spans */
    evr_backend_graph *graph;
    uint64_t batch;
    bool gated;
} evr_sampler;

typedef struct evr_sample {
    double span_ns; /* as the device's clock has it */
    double call_ns; /* of one call, harness taken off */
    double host_ns; /* the host's share of a call */
    double done_ns; /* the host's clock when it was done */
    bool timed_out; /* the gate opened by itself: the times mean nothing */
} evr_sample;

/* Numbers of a sample that several ranks agree on, the time of a call first. On anything else they agree in fewer. */
enum { EVR_SAMPLE_AGREED = 5 };

evr_status evr_sampler_take(evr_sampler *s, evr_sample *out, evr_error **err);

/* Captures `batch` calls; samples launch them from then on. */
evr_status evr_sampler_capture(evr_sampler *s, evr_error **err);
void evr_sampler_free(evr_sampler *s);

#endif
