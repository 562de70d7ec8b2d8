// Devices by name, and the libraries of torch that serve them.
#ifndef EVR_BRIDGE_TORCH_DEVICES_H
#define EVR_BRIDGE_TORCH_DEVICES_H

#include "bridge.h"

#include <c10/core/Device.h>
#include <c10/core/Stream.h>

namespace evr_torch
{

// The device, with its index where it has one; its library is loaded. Throws EVR_E_NO_DEVICE.
c10::Device need_device(Bridge &bridge, evr_device name);

// The calling thread's, on a device that was checked before.
c10::Stream current_stream(c10::Device device);

// Opens a library for its operators. torch's own symbols are made visible first, for libraries that were linked without
// naming torch.
void open_library(const std::string &path);

evr_status device_check(void *self, evr_device device, evr_error **err);
evr_status device_wait(void *self, evr_device device, evr_error **err);
const char *folder(void *self);
evr_status stream_own(void *self, evr_device device, void **native, evr_error **err);
evr_status load_library(void *self, const char *path, evr_error **err);
evr_status seed(void *self, uint64_t seed, evr_error **err);
int32_t threads(void *self, int32_t count);
const char *describe(void *self);

} // namespace evr_torch

#endif
