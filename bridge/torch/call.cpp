#include "call.h"

#include "groups.h"
#include "operators.h"
#include "recycling.h"
#include "results.h"
#include "values.h"

#include <ATen/autocast_mode.h>

#include <chrono>
#include <optional>

// Converted once: a run copies `arguments` to `stack`, whose memory it keeps, and leaves the results there.
struct evr_bridge_call {
    evr_bridge_op *op = nullptr;
    evr_torch::Depth depth = evr_torch::Depth::backend;
    c10::Device device{c10::kCPU};
    std::optional<c10::ScalarType> autocast; // what it turns arguments into, if it is on
    torch::jit::Stack arguments;
    torch::jit::Stack stack;
    evr_torch::Results results;
    bool done = false; // `stack` holds results

    void reset()
    {
        if (done)
            results.clear();
        done = false;
        stack.clear();
    }

    void run()
    {
        stack.insert(stack.end(), arguments.begin(), arguments.end());
        op->call(stack);
        if (op->awaited)
            evr_torch::await_results(stack);
    }
};

namespace evr_torch
{

namespace
{

// Autocast for one call, as its record has it. Isolation has switched it off before, and puts back what there was.
class Casting
{
  public:
    explicit Casting(const evr_bridge_call &call) : type_(call.device.type()), on_(call.autocast.has_value())
    {
        if (!on_)
            return;
        dtype_ = at::autocast::get_autocast_dtype(type_);
        at::autocast::set_autocast_dtype(type_, *call.autocast);
        at::autocast::set_autocast_enabled(type_, true);
    }
    ~Casting()
    {
        if (!on_)
            return;
        at::autocast::set_autocast_enabled(type_, false);
        at::autocast::set_autocast_dtype(type_, dtype_);
        at::autocast::clear_cache();
    }
    Casting(const Casting &) = delete;
    Casting &operator=(const Casting &) = delete;

  private:
    c10::DeviceType type_;
    bool on_;
    at::ScalarType dtype_ = at::kFloat;
};

} // namespace

evr_status call_new(void *self, evr_bridge_op *op, const evr_value *args, size_t count, evr_bridge_call **out,
                    evr_error **err)
{
    *out = nullptr;
    return guarded(self, err, EVR_E_INVALID, [&](Bridge &) {
        auto call = std::make_unique<evr_bridge_call>();
        call->op = op;
        call->arguments = arguments(*op->schema, args, count);
        call->device = device_of(args, count);
        call->depth = only_autograd(*op, call->device) ? Depth::autograd : Depth::backend;
        call->stack.reserve(std::max(count, op->schema->returns().size()));
        *out = call.release();
    });
}

// Written out rather than through guarded(), which would isolate twice: this is the path whose cost is measured.
evr_status call_run(void *self, evr_bridge_call *call, evr_error **err)
{
    Bridge &bridge = *static_cast<Bridge *>(self);
    c10::WarningUtils::WarningHandlerGuard quiet(&bridge.warnings);
    try {
        Isolation isolated(call->depth);
        OnStream there(bridge);
        Recycling memory;
        Casting casting(*call);
        call->reset();
        call->run();
        call->done = true;
        return EVR_OK;
    } catch (...) {
        call->stack.clear();
        return report(bridge, err, EVR_E_OP);
    }
}

size_t call_result_count(void *, evr_bridge_call *call) { return call->done ? call->stack.size() : 0; }

evr_status call_result(void *self, evr_bridge_call *call, size_t index, evr_value *out, evr_error **err)
{
    *out = evr_value{};
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &) {
        if (!call->done)
            throw Failure(EVR_E_STATE, "the call has no results: run it first");
        if (index >= call->stack.size())
            throw Failure(EVR_E_INVALID,
                          "there is no result " + std::to_string(index) + " of " + std::to_string(call->stack.size()));
        const auto &returns = call->op->schema->returns();
        *out = call->results.at(index, call->stack[index],
                                index < returns.size() ? returns[index].real_type().get() : nullptr);
    });
}

evr_status call_autocast(void *self, evr_bridge_call *call, int32_t dtype, evr_error **err)
{
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &) {
        if (!at::autocast::is_autocast_available(call->device.type()) || (dtype != EVR_DTYPE_FLOAT16 && dtype != EVR_DTYPE_BFLOAT16))
            throw Failure(EVR_E_UNSUPPORTED, "there is no autocast to this type on " + call->device.str());
        call->autocast = static_cast<c10::ScalarType>(dtype);
    });
}

void call_free(void *self, evr_bridge_call *call)
{
    guarded(self, nullptr, EVR_E_INTERNAL, [&](Bridge &) {
        delete call;
        forget_recycled();
    });
}

evr_status call_floor(void *self, evr_bridge_call *call, uint64_t iterations, double *seconds, evr_error **err)
{
    *seconds = 0;
    const evr_status status = guarded(self, err, EVR_E_OP, [&](Bridge &) {
        Isolation isolated(call->depth);
        Recycling memory;
        Casting casting(*call);
        call->reset();
        const auto start = std::chrono::steady_clock::now();
        for (uint64_t i = 0; i < iterations; i++) {
            call->stack.clear();
            call->run();
        }
        *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    });
    call->stack.clear();
    return status;
}

} // namespace evr_torch
