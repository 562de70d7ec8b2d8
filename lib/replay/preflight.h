/* Memory of a record, counted before it is taken. */
#ifndef EVR_REPLAY_PREFLIGHT_H
#define EVR_REPLAY_PREFLIGHT_H

#include "ir/record.h"

/* Bytes of one tensor's storage; false when shape or strides make no sense. */
bool evr_tensor_bytes(const evr_tensor *t, uint64_t *bytes);

/* Bytes of all tensors in a record; EVR_E_TOO_LARGE when the sum overflows or a tensor makes no sense. */
evr_status evr_record_bytes(const evr_ir *ir, uint64_t *bytes, evr_error **err);

#endif
