// Operators with their arguments in place.
#ifndef EVR_BRIDGE_TORCH_CALL_H
#define EVR_BRIDGE_TORCH_CALL_H

#include "bridge.h"

namespace evr_torch
{

evr_status call_new(void *self, evr_bridge_op *op, const evr_value *args, size_t count, evr_bridge_call **out,
                    evr_error **err);
evr_status call_run(void *self, evr_bridge_call *call, evr_error **err);
size_t call_result_count(void *self, evr_bridge_call *call);
evr_status call_result(void *self, evr_bridge_call *call, size_t index, evr_value *out, evr_error **err);
evr_status call_autocast(void *self, evr_bridge_call *call, int32_t dtype, evr_error **err);
void call_free(void *self, evr_bridge_call *call);
evr_status call_floor(void *self, evr_bridge_call *call, uint64_t iterations, double *seconds, evr_error **err);

} // namespace evr_torch

#endif
