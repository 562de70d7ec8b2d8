/* What a measurement keeps. */
#ifndef EVR_MEASURE_MEASUREMENT_H
#define EVR_MEASURE_MEASUREMENT_H

#include "base/arena.h"
#include "measure/meter.h"

struct evr_measurement {
    evr_context *ctx;
    evr_arena texts;
    evr_protocol protocol; /* resolved */
    evr_conditions conditions;
    evr_statistics statistics;
    evr_device_desc device; /* texts in the arena */
    evr_str backend, backend_version;
    int32_t device_index;
    double *samples;
    size_t count, cap;
};

/* An empty one, with copies of what describes the meter. */
evr_status evr_measurement_new(evr_meter *meter, const evr_protocol *resolved, evr_measurement **out, evr_error **err);
evr_status evr_measurement_add(evr_measurement *m, double ns, evr_error **err);

#endif
