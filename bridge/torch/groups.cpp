#include "groups.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Types.hpp>
#include <torch/custom_class.h>

#include <algorithm>
#include <cctype>

namespace evr_torch
{

namespace
{

struct Reduction {
    const char *name;
    c10d::ReduceOp::RedOpType type;
};

constexpr Reduction reductions[] = {
    {"sum", c10d::ReduceOp::SUM},   {"avg", c10d::ReduceOp::AVG},   {"product", c10d::ReduceOp::PRODUCT},
    {"prod", c10d::ReduceOp::PRODUCT}, {"min", c10d::ReduceOp::MIN}, {"max", c10d::ReduceOp::MAX},
    {"band", c10d::ReduceOp::BAND}, {"bor", c10d::ReduceOp::BOR},   {"bxor", c10d::ReduceOp::BXOR},
};

c10::IValue to_reduction(std::string name)
{
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const Reduction &reduction : reductions)
        if (name == reduction.name)
            return c10::IValue(c10::make_intrusive<c10d::ReduceOp>(reduction.type));
    throw std::invalid_argument("cannot be \"" + name + "\", which is no reduction: sum, avg, product, min, max, band, bor, bxor");
}

void await_tensor(const at::Tensor &tensor)
{
    static const auto wait = c10::Dispatcher::singleton().findSchema({"_c10d_functional::wait_tensor", ""});
    if (!wait || !tensor.defined())
        return;
    torch::jit::Stack stack{tensor};
    wait->callBoxed(stack);
}

} // namespace

// Torch's own words for a missing group speak of C++; these say what to do.
void need_group(const std::string &group)
{
    try {
        c10d::resolve_process_group(group);
    } catch (const std::exception &) {
        throw Failure(EVR_E_STATE, "there is no process group \"" + group + "\" in this process",
                      "start the ranks (torchrun, evreplay launch) and make their group first, or name it with the option symm_mem_group");
    }
}

c10::IValue to_object(const std::string &text, const c10::ClassType &type)
{
    const std::string name = type.name() ? type.name()->name() : "";
    if (name == "ReduceOp")
        return to_reduction(text);
    if (name != "ProcessGroup")
        return {};
    need_group(text);
    return c10::IValue(c10d::resolve_process_group(text));
}

bool works_on(const c10::FunctionSchema &schema)
{
    const std::string &name = schema.name();
    return name.rfind("c10d::", 0) == 0 || name.rfind("_c10d_functional::", 0) == 0 || name.rfind("_c10d_functional_autograd::", 0) == 0;
}

void await_results(const torch::jit::Stack &results)
{
    for (const c10::IValue &result : results) {
        if (result.isTensor())
            await_tensor(result.toTensor());
        else if (result.isTensorList())
            for (const at::Tensor &tensor : result.toTensorVector())
                await_tensor(tensor);
        else if (result.isCustomClass())
            result.toCustomClass<c10d::Work>()->wait();
    }
}

} // namespace evr_torch
