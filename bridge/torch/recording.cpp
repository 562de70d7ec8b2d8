#include "recording.h"

#include "devices.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <kineto/ActivityType.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <array>
#include <atomic>

// Kineto's own level of messages: not part of what it promises, and there in all its releases so far.
extern std::atomic_int kineto_level __asm__("_ZN9libkineto6Logger14severityLevel_E") __attribute__((weak));

namespace evr_torch
{

namespace
{

// Kineto writes to stderr that it starts, stops, or finds no device. A level that it sets meanwhile, when it is first used, stays.
class Quiet
{
  public:
    Quiet() : before_(&kineto_level ? kineto_level.exchange(silent) : silent) {}
    ~Quiet()
    {
        int now = silent;
        if (&kineto_level)
            kineto_level.compare_exchange_strong(now, before_);
    }
    Quiet(const Quiet &) = delete;
    Quiet &operator=(const Quiet &) = delete;

  private:
    static constexpr int silent = 1000;
    int before_;
};

namespace profiler = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;

struct Activity {
    c10::DeviceType device;
    ActivityType type;
};

// What the profiler calls a device's activities. ROCm's devices are called "cuda" too.
constexpr std::array<Activity, 4> activities = {{
    {c10::DeviceType::CUDA, ActivityType::CUDA},
    {c10::DeviceType::XPU, ActivityType::XPU},
    {c10::DeviceType::MTIA, ActivityType::MTIA},
    {c10::DeviceType::PrivateUse1, ActivityType::PrivateUse1},
}};

ActivityType activity_of(c10::Device device, int32_t what)
{
    if (what == EVR_RECORD_OPERATORS)
        return ActivityType::CPU;
    if (what != EVR_RECORD_KERNELS)
        throw Failure(EVR_E_INVALID, "record_begin: this kind of recording is not known");
    for (const Activity &a : activities)
        if (a.device == device.type())
            return a.type;
    throw Failure(EVR_E_UNSUPPORTED,
                  "torch's profiler has no device activities for " + device.str() + ": operators are all it records there");
}

void refuse_if_busy(const Bridge &bridge)
{
    const bool own = bridge.recording != nullptr;
    // Kineto is one per process: of a recording in another thread only the main thread's can be seen.
    if (own || torch::profiler::impl::profilerEnabled() || profiler::isProfilerEnabledInMainThread())
        throw Failure(EVR_E_STATE, own ? "a recording was begun already" : "torch's profiler is at work in this process already",
                      own ? "end it first" : "record when the profiler is off");
}

void begin(Bridge &bridge, evr_device name, int32_t what)
{
    refuse_if_busy(bridge);
    const c10::Device device = need_device(bridge, name);
    const std::set<ActivityType> wanted = {activity_of(device, what)};
    const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
    auto recording = std::make_unique<Recording>();
    *recording = {device, what, std::this_thread::get_id()};
    {
        Quiet quiet;
        profiler::prepareProfiler(config, wanted);
    }
    Quiet quiet;
    profiler::enableProfiler(config, wanted, {at::RecordScope::FUNCTION});
    bridge.recording = std::move(recording);
}

bool is_wanted(const profiler::KinetoEvent &event, const Recording &r)
{
    using libkineto::ActivityType;
    const auto type = static_cast<ActivityType>(event.activityType());
    if (r.what == EVR_RECORD_OPERATORS)
        return type == ActivityType::CPU_OP;
    const bool ran = type == ActivityType::CONCURRENT_KERNEL || type == ActivityType::GPU_MEMCPY || type == ActivityType::GPU_MEMSET;
    return ran && event.deviceIndex() == r.device.index();
}

void hand_out(const profiler::ProfilerResult &result, const Recording &r, evr_kernel_fn visit, void *user)
{
    std::vector<const profiler::KinetoEvent *> events;
    for (const profiler::KinetoEvent &event : result.events())
        if (is_wanted(event, r))
            events.push_back(&event);
    std::stable_sort(events.begin(), events.end(), [](auto *a, auto *b) { return a->startNs() < b->startNs(); });
    for (const profiler::KinetoEvent *event : events) {
        const std::string name = event->name();
        const evr_kernel_run run = {sizeof run, static_cast<uint32_t>(event->deviceResourceId()), to_str(name), static_cast<double>(event->startNs()),
                                    static_cast<double>(event->durationNs())};
        if (visit(user, &run))
            return;
    }
}

std::unique_ptr<profiler::ProfilerResult> finish(Bridge &bridge)
{
    if (!bridge.recording || bridge.recording->thread != std::this_thread::get_id())
        throw Failure(EVR_E_STATE, bridge.recording ? "the recording was begun by another thread" : "no recording was begun");
    Quiet quiet;
    return profiler::disableProfiler();
}

} // namespace

evr_status record_begin(void *self, evr_device device, int32_t what, evr_error **err)
{
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &bridge) { begin(bridge, device, what); });
}

evr_status record_end(void *self, evr_kernel_fn visit, void *user, evr_error **err)
{
    return guarded(self, err, EVR_E_OP, [&](Bridge &bridge) {
        // What goes wrong on the device must not leave the profiler on.
        const evr_status waited = bridge.recording && bridge.recording->thread == std::this_thread::get_id()
                                      ? device_wait(self, bridge.recording->device.str().c_str(), err)
                                      : EVR_OK;
        const auto result = finish(bridge);
        const std::unique_ptr<Recording> ended = std::move(bridge.recording);
        if (waited != EVR_OK)
            throw Failure(waited, "the device did not come to rest at the end of a recording");
        if (visit && result)
            hand_out(*result, *ended, visit, user);
    });
}

void drop_recording(Bridge &bridge) noexcept
{
    if (!bridge.recording)
        return;
    try {
        finish(bridge);
    } catch (...) { // by another thread, which keeps the profiler's state to its end
    }
    bridge.recording.reset();
}

} // namespace evr_torch
