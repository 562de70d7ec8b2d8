// Memory that all ranks of a process group see.
#ifndef EVR_BRIDGE_TORCH_SYMMETRIC_H
#define EVR_BRIDGE_TORCH_SYMMETRIC_H

#include "bridge.h"

namespace evr_torch
{

evr_status tensor_symmetric(void *self, evr_bridge_tensor *tensor, const char *group, evr_bridge_tensor **out,
                            evr_error **err);

} // namespace evr_torch

#endif
