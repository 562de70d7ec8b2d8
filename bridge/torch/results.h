// Results on their way out, with the memory they borrow.
#ifndef EVR_BRIDGE_TORCH_RESULTS_H
#define EVR_BRIDGE_TORCH_RESULTS_H

#include "tensors.h"

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <deque>
#include <string>
#include <vector>

namespace evr_torch
{

class Results
{
  public:
    // The value of result `index`; asking again gives the same. `type` is what the schema says of it, or null.
    const evr_value &at(size_t index, const c10::IValue &from, const c10::Type *type);
    void clear();

  private:
    evr_value convert(const c10::IValue &from, const c10::Type *type, int depth);
    evr_value list(c10::ArrayRef<c10::IValue> items, const c10::Type *element, int depth);
    std::vector<evr_value> known_; // EVR_VALUE_MISSING: not asked for yet
    std::deque<evr_bridge_tensor> tensors_;
    std::deque<std::vector<evr_value>> lists_;
    std::deque<std::string> texts_;
};

} // namespace evr_torch

#endif
