// Names and times of what runs, by torch's own profiler (Kineto): CUPTI's on CUDA, roctracer's or rocprofiler's on ROCm, none of which need be there.
#ifndef EVR_BRIDGE_TORCH_RECORDING_H
#define EVR_BRIDGE_TORCH_RECORDING_H

#include "bridge.h"

#include <c10/core/Device.h>

#include <thread>

namespace evr_torch
{

// A recording that was begun. The profiler keeps its state with the thread.
struct Recording {
    c10::Device device{c10::DeviceType::CPU};
    int32_t what = 0; // EVR_RECORD_…
    std::thread::id thread;
};

evr_status record_begin(void *self, evr_device device, int32_t what, evr_error **err);
evr_status record_end(void *self, evr_kernel_fn visit, void *user, evr_error **err);

// Ends a recording that nobody asked the result of.
void drop_recording(Bridge &bridge) noexcept;

} // namespace evr_torch

#endif
