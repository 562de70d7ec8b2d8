// What the parts of the bridge share: its state, and the way from C++ exceptions to C errors.
#ifndef EVR_BRIDGE_TORCH_BRIDGE_H
#define EVR_BRIDGE_TORCH_BRIDGE_H

#include <evreplay/bridge.h>

#include "isolation.h"

#include <c10/core/Stream.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/util/Exception.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

struct evr_bridge_op;

namespace evr_torch
{

// A failure of the bridge's own, with the status it leaves with.
struct Failure : std::runtime_error {
    Failure(evr_status status, const std::string &message, std::string advice = {})
        : std::runtime_error(message), code(status), hint(std::move(advice))
    {
    }
    evr_status code;
    std::string hint;
};

// Sends torch's warnings to the host's log: torch itself would print them.
class Warnings : public c10::WarningHandler
{
  public:
    explicit Warnings(const evr_host *host) : host_(host) {}
    void process(const c10::Warning &warning) override;
    std::string last; // kept because CUDA tells why there is no device by a warning alone

  private:
    const evr_host *host_;
};

struct Recording;

struct Bridge {
    explicit Bridge(const evr_host *host);
    ~Bridge();
    const evr_host *host;
    Warnings warnings;
    std::string description;
    std::unordered_map<std::string, std::unique_ptr<evr_bridge_op>> ops; // by "name.overload"
    std::unique_ptr<Recording> recording; // NULL = none was begun
    std::optional<c10::Stream> stream;    // where its work goes; none = the thread's current one
};

// While it lives, the thread's current stream is the bridge's own, if it has one.
class OnStream
{
  public:
    explicit OnStream(const Bridge &bridge)
    {
        if (!bridge.stream)
            return;
        guard_ = c10::impl::getDeviceGuardImpl(bridge.stream->device_type());
        before_ = guard_->exchangeStream(*bridge.stream);
    }
    ~OnStream()
    {
        if (before_)
            guard_->exchangeStream(*before_);
    }
    OnStream(const OnStream &) = delete;
    OnStream &operator=(const OnStream &) = delete;

  private:
    const c10::impl::DeviceGuardImplInterface *guard_ = nullptr;
    std::optional<c10::Stream> before_;
};

// Turns the exception in flight into an error; `raised` is the status of what torch threw.
evr_status report(const Bridge &bridge, evr_error **err, evr_status raised) noexcept;

// Runs the body of an entry: nothing thrown leaves it, no warning is printed, and the caller's modes do not reach it.
template <class Work> evr_status guarded(void *self, evr_error **err, evr_status raised, Work &&work) noexcept
{
    Bridge &bridge = *static_cast<Bridge *>(self);
    c10::WarningUtils::WarningHandlerGuard quiet(&bridge.warnings);
    try {
        Isolation isolated;
        OnStream there(bridge);
        work(bridge);
        return EVR_OK;
    } catch (...) {
        return report(bridge, err, raised);
    }
}

inline std::string to_string(evr_str text) { return text.len ? std::string(text.data, text.len) : std::string(); }
inline evr_str to_str(const std::string &text) { return {text.data(), text.size()}; }

} // namespace evr_torch

#endif
