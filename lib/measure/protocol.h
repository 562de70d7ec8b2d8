/* How time is taken, as data: one table says of every member what it is called, what it may be, what it is by default, and
 * when it counts. */
#ifndef EVR_MEASURE_PROTOCOL_H
#define EVR_MEASURE_PROTOCOL_H

#include "base/json_write.h"

#include <evreplay/measure.h>

/* Copies what the caller's structure has, checks it, and puts defaults in place of zeros. NULL is the default protocol. */
evr_status evr_protocol_resolve(evr_context *ctx, const evr_protocol *given, evr_protocol *out, evr_error **err);

/* An object with every member; those that do not count are null. Of a resolved protocol. */
void evr_protocol_write(evr_json_writer *w, const evr_protocol *resolved);

/* Names of choices, "?" for none. */
const char *evr_launch_name(int32_t launch);
const char *evr_gate_name(int32_t gate);

#endif
