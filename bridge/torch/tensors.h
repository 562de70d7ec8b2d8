// Live tensors behind the boundary.
#ifndef EVR_BRIDGE_TORCH_TENSORS_H
#define EVR_BRIDGE_TORCH_TENSORS_H

#include "bridge.h"

#include <ATen/core/Tensor.h>

#include <vector>

struct evr_bridge_tensor {
    explicit evr_bridge_tensor(at::Tensor t) : tensor(std::move(t)) {}
    at::Tensor tensor;
    std::string device;           // text that evr_tensor_info borrows
    std::vector<int64_t> strides; // likewise, for layouts that have none
};

namespace evr_torch
{

evr_status tensor_new(void *self, const evr_tensor *what, evr_device device, evr_bridge_tensor **out, evr_error **err);
void tensor_free(void *self, evr_bridge_tensor *tensor);
evr_status tensor_info(void *self, evr_bridge_tensor *tensor, evr_tensor_info *out, evr_error **err);
evr_status tensor_write(void *self, evr_bridge_tensor *tensor, uint64_t offset, const void *from, uint64_t size,
                        evr_error **err);
evr_status tensor_read(void *self, evr_bridge_tensor *tensor, uint64_t offset, void *to, uint64_t size, evr_error **err);
evr_status tensor_clone(void *self, evr_bridge_tensor *tensor, evr_bridge_tensor **out, evr_error **err);
evr_status tensor_to_dlpack(void *self, evr_bridge_tensor *tensor, void **out, evr_error **err);
evr_status tensor_from_dlpack(void *self, void *managed, evr_bridge_tensor **out, evr_error **err);

} // namespace evr_torch

#endif
