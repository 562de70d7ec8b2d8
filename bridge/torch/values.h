// Arguments on their way in: plain values become what the schema's types ask for.
#ifndef EVR_BRIDGE_TORCH_VALUES_H
#define EVR_BRIDGE_TORCH_VALUES_H

#include "bridge.h"

#include <ATen/core/function_schema.h>
#include <ATen/core/stack.h>

namespace evr_torch
{

// Device of the first tensor among the values, else the first device named, else the CPU.
c10::Device device_of(const evr_value *values, size_t count);

// One IValue per argument of the schema. Throws EVR_E_INVALID with the name of the argument that does not fit.
torch::jit::Stack arguments(const c10::FunctionSchema &schema, const evr_value *values, size_t count);

} // namespace evr_torch

#endif
