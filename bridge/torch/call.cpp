#include "call.h"

#include "groups.h"
#include "operators.h"
#include "recycling.h"
#include "results.h"
#include "values.h"

#include <chrono>

// Converted once: a run copies `arguments` to `stack`, whose memory it keeps, and leaves the results there.
struct evr_bridge_call {
    evr_bridge_op *op = nullptr;
    evr_torch::Depth depth = evr_torch::Depth::backend;
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

evr_status call_new(void *self, evr_bridge_op *op, const evr_value *args, size_t count, evr_bridge_call **out,
                    evr_error **err)
{
    *out = nullptr;
    return guarded(self, err, EVR_E_INVALID, [&](Bridge &) {
        auto call = std::make_unique<evr_bridge_call>();
        call->op = op;
        call->arguments = arguments(*op->schema, args, count);
        call->depth = only_autograd(*op, device_of(args, count)) ? Depth::autograd : Depth::backend;
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
