// Operators: those of the dispatcher, and those that only TorchScript has.
#ifndef EVR_BRIDGE_TORCH_OPERATORS_H
#define EVR_BRIDGE_TORCH_OPERATORS_H

#include "bridge.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <memory>
#include <optional>

namespace torch::jit
{
struct Operator;
}

struct evr_bridge_op {
    std::optional<c10::OperatorHandle> dispatched;
    std::shared_ptr<torch::jit::Operator> scripted; // only without the one above
    torch::jit::Operation operation{nullptr};       // of `scripted`
    const c10::FunctionSchema *schema = nullptr;
    bool awaited = false; // its results are still in the making when it returns

    void call(torch::jit::Stack &stack)
    {
        if (dispatched)
            dispatched->callBoxed(stack);
        else
            operation(stack);
    }
};

namespace evr_torch
{

// "aten::add.Tensor"
std::string full_name(const c10::FunctionSchema &schema);

// Whether a call for the device must start at the autograd keys, because the operator has nothing below them.
bool only_autograd(const evr_bridge_op &op, c10::Device device);

evr_status schemas(void *self, evr_str op, evr_schema_fn visit, void *user, evr_error **err);
evr_status op_find(void *self, evr_str op, evr_str overload, evr_bridge_op **out, evr_error **err);
int32_t op_runs_on(void *self, evr_bridge_op *op, evr_device device);

} // namespace evr_torch

#endif
