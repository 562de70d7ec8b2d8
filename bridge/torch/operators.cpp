#include "operators.h"

#include "devices.h"
#include "groups.h"

#include <c10/core/Layout.h>
#include <c10/core/TensorOptions.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace evr_torch
{

namespace
{

using Operators = std::vector<std::shared_ptr<torch::jit::Operator>>;

// TorchScript's registry holds the dispatcher's operators too, by name and in the order of their registration.
Operators named(const std::string &name)
{
    const size_t colons = name.find("::");
    if (colons == 0 || colons == std::string::npos || colons + 2 == name.size())
        return {};
    return torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name));
}

bool dispatched_first(const std::shared_ptr<torch::jit::Operator> &a, const std::shared_ptr<torch::jit::Operator> &b)
{
    return a->isC10Op() && !b->isC10Op();
}

// The whole list is sorted, since a registry's own order is that of a hash table.
bool by_name(const std::shared_ptr<torch::jit::Operator> &a, const std::shared_ptr<torch::jit::Operator> &b)
{
    if (a->isC10Op() != b->isC10Op())
        return a->isC10Op();
    const int order = a->schema().name().compare(b->schema().name());
    return order != 0 ? order < 0 : a->schema().overload_name() < b->schema().overload_name();
}

bool visit_once(const Operators &operators, evr_schema_fn visit, void *user)
{
    std::unordered_set<std::string> seen;
    for (const auto &op : operators) {
        const c10::FunctionSchema &schema = op->schema();
        if (!seen.insert(full_name(schema)).second)
            continue;
        const std::string text = c10::toString(schema);
        if (visit(user, to_str(text)) != 0)
            return false;
    }
    return true;
}

std::unique_ptr<evr_bridge_op> find_dispatched(const std::string &name, const std::string &overload)
{
    auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
    if (!handle)
        return nullptr;
    auto op = std::make_unique<evr_bridge_op>();
    op->dispatched = *handle;
    op->schema = &op->dispatched->schema();
    return op;
}

std::unique_ptr<evr_bridge_op> find_scripted(const std::string &name, const std::string &overload)
{
    for (const auto &candidate : named(name)) {
        if (candidate->isC10Op() || !candidate->hasOperation() || candidate->schema().overload_name() != overload)
            continue;
        auto op = std::make_unique<evr_bridge_op>();
        op->scripted = candidate;
        op->operation = candidate->getOperation();
        op->schema = &candidate->schema();
        return op;
    }
    return nullptr;
}

std::string why_not_found(const std::string &name, const std::string &overload)
{
    const Operators others = named(name);
    if (others.empty())
        return "there is no operator " + name;
    std::string text = "operator " + name + " has no overload `" + overload + "`; it has";
    for (size_t i = 0; i < others.size(); i++)
        text += (i ? ", `" : " `") + others[i]->schema().overload_name() + "`";
    return text;
}

// Kinds of tensors a backend has kernels for, each with dispatch keys of its own.
constexpr c10::DispatchKey functionalities[] = {
    c10::DispatchKey::Dense,     c10::DispatchKey::Quantized,    c10::DispatchKey::Sparse,
    c10::DispatchKey::SparseCsr, c10::DispatchKey::NestedTensor,
};

c10::BackendComponent backend_of(c10::Device device)
{
    return c10::toBackendComponent(c10::computeDispatchKey(std::nullopt, c10::kStrided, device));
}

// The fallback of the meta device does nothing but raise, so only what the operator itself registered counts there.
constexpr c10::DispatchKey meta_keys[] = {
    c10::DispatchKey::Meta,
    c10::DispatchKey::CompositeImplicitAutograd,
    c10::DispatchKey::CompositeExplicitAutograd,
    c10::DispatchKey::CompositeExplicitAutogradNonFunctional,
};

bool has_meta_kernel(const c10::OperatorHandle &op)
{
    return std::any_of(std::begin(meta_keys), std::end(meta_keys),
                       [&](c10::DispatchKey key) { return op.hasKernelForDispatchKey(key); });
}

bool has_backend_kernel(const c10::OperatorHandle &op, c10::Device device)
{
    if (device.is_meta())
        return has_meta_kernel(op);
    const c10::BackendComponent backend = backend_of(device);
    return std::any_of(std::begin(functionalities), std::end(functionalities),
                       [&](c10::DispatchKey functionality) {
                           return op.hasComputedKernelForDispatchKey(
                               c10::toRuntimePerBackendFunctionalityKey(functionality, backend));
                       }) ||
           (device.is_cpu() && op.hasComputedKernelForDispatchKey(c10::DispatchKey::MkldnnCPU));
}

// Custom operators may have a kernel at the autograd keys and nowhere else. torch's own autograd kernels lead on to a
// backend's, so they do not count.
bool has_only_autograd_kernel(const c10::OperatorHandle &op, c10::Device device)
{
    static const c10::DispatchKeySet others =
        c10::DispatchKeySet(c10::DispatchKeySet::FULL) - c10::autograd_dispatch_keyset_with_ADInplaceOrView;
    if (op.operator_name().name.starts_with("aten::") || has_backend_kernel(op, device) ||
        op.hasKernelForAnyDispatchKey(others))
        return false;
    const auto key = c10::toRuntimePerBackendFunctionalityKey(c10::DispatchKey::AutogradFunctionality, backend_of(device));
    return op.hasComputedKernelForDispatchKey(key);
}

} // namespace

std::string full_name(const c10::FunctionSchema &schema)
{
    return schema.overload_name().empty() ? schema.name() : schema.name() + "." + schema.overload_name();
}

bool only_autograd(const evr_bridge_op &op, c10::Device device)
{
    return op.dispatched && has_only_autograd_kernel(*op.dispatched, device);
}

evr_status schemas(void *self, evr_str op, evr_schema_fn visit, void *user, evr_error **err)
{
    return guarded(self, err, EVR_E_INTERNAL, [&](Bridge &) {
        Operators operators = op.len ? named(to_string(op)) : torch::jit::getAllOperators();
        std::stable_sort(operators.begin(), operators.end(), op.len ? dispatched_first : by_name);
        if (!visit_once(operators, visit, user))
            throw Failure(EVR_E_CANCELLED, "the walk over the schemas was stopped");
    });
}

evr_status op_find(void *self, evr_str op, evr_str overload, evr_bridge_op **out, evr_error **err)
{
    *out = nullptr;
    return guarded(self, err, EVR_E_NOT_FOUND, [&](Bridge &bridge) {
        const std::string name = to_string(op), kind = to_string(overload), key = name + "." + kind;
        auto known = bridge.ops.find(key);
        if (known == bridge.ops.end()) {
            auto found = find_dispatched(name, kind);
            if (!found)
                found = find_scripted(name, kind);
            if (!found)
                throw Failure(EVR_E_NOT_FOUND, why_not_found(name, kind),
                              "load the library that brings the operator, or use the torch version that the trace is from");
            found->awaited = works_on(*found->schema);
            known = bridge.ops.emplace(key, std::move(found)).first;
        }
        *out = known->second.get();
    });
}

int32_t op_runs_on(void *self, evr_bridge_op *op, evr_device device)
{
    bool runs = false;
    guarded(self, nullptr, EVR_E_INTERNAL, [&](Bridge &bridge) {
        const c10::Device d = need_device(bridge, device);
        runs = !op->dispatched || has_backend_kernel(*op->dispatched, d) || has_only_autograd_kernel(*op->dispatched, d);
    });
    return runs;
}

} // namespace evr_torch
