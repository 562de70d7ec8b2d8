/* A device's clock, ready to use. */
#ifndef EVR_MEASURE_METER_H
#define EVR_MEASURE_METER_H

#include "plugin/backend.h"

#include <evreplay/measure.h>

struct evr_meter {
    evr_context *ctx;
    evr_loaded_backend *backend;
    const evr_backend *fn;
    int32_t device;
    evr_device_desc desc;
    evr_backend_stream *stream;
    evr_backend_span *span;
    double harness_ns; /* median of empty spans */
    double tick_ns;    /* of the description, or as seen */
    double patience;   /* 0 to 1: for how much of the usual time a measurement waits for others to leave the device */
};

#endif
