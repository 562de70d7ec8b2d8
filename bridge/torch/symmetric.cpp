#include "symmetric.h"

#include "groups.h"
#include "tensors.h"

#include <torch/csrc/distributed/c10d/symm_mem/SymmetricMemory.hpp>

#include <optional>

namespace evr_torch
{

evr_status tensor_symmetric(void *self, evr_bridge_tensor *tensor, const char *group, evr_bridge_tensor **out,
                            evr_error **err)
{
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &) {
        const at::Tensor &from = tensor->tensor;
        const std::string name = group ? group : "0";
        need_group(name);
        if (!c10d::symmetric_memory::has_allocator(from.device().type()))
            throw Failure(EVR_E_UNSUPPORTED, "torch has no symmetric memory on " + from.device().str());
        at::Tensor moved = c10d::symmetric_memory::empty_strided_p2p(from.sizes(), from.strides(), from.scalar_type(),
                                                                     from.device(), name, std::nullopt);
        c10d::symmetric_memory::rendezvous(moved, name);
        moved.copy_(from);
        *out = new evr_bridge_tensor(moved);
    });
}

} // namespace evr_torch
