#include "devices.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <dlfcn.h>
#include <unistd.h>

#include <array>

namespace evr_torch
{

namespace
{

struct DeviceLibrary {
    c10::DeviceType type;
    const char *file; // beside libtorch_cpu.so
};

// A torch has at most one library for a type; ROCm's serves devices that are called "cuda" too.
constexpr std::array<DeviceLibrary, 3> device_libraries = {{
    {c10::DeviceType::CUDA, "libtorch_cuda.so"},
    {c10::DeviceType::CUDA, "libtorch_hip.so"},
    {c10::DeviceType::XPU, "libtorch_xpu.so"},
}};

// File that libtorch_cpu was loaded from.
std::string torch_cpu_path()
{
    Dl_info info{};
    return dladdr(reinterpret_cast<void *>(&at::show_config), &info) && info.dli_fname ? info.dli_fname : "";
}

void make_torch_visible() { dlopen(torch_cpu_path().c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD); }

const c10::impl::DeviceGuardImplInterface *guard_of(c10::DeviceType type)
{
    return c10::impl::hasDeviceGuardImpl(type) ? c10::impl::getDeviceGuardImpl(type) : nullptr;
}

void load_device_library(c10::DeviceType type)
{
    const std::string cpu = torch_cpu_path();
    const std::string folder = cpu.substr(0, cpu.rfind('/') + 1);
    bool known = false;
    for (const DeviceLibrary &library : device_libraries) {
        if (library.type != type)
            continue;
        known = true;
        const std::string path = folder + library.file;
        if (access(path.c_str(), F_OK) != 0)
            continue;
        make_torch_visible();
        if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL))
            throw Failure(EVR_E_NO_DEVICE, path + " cannot be loaded: " + dlerror(),
                          "install the device libraries this torch was built for, or add their folder to LD_LIBRARY_PATH");
        return;
    }
    if (known)
        throw Failure(EVR_E_NO_DEVICE,
                      "the torch in " + folder + " has no library for " + c10::DeviceTypeName(type, true) + " devices",
                      "it was built without them: build the bridge for a torch that has them");
    throw Failure(EVR_E_NO_DEVICE, std::string("no loaded library serves ") + c10::DeviceTypeName(type, true) + " devices",
                  "load the library that adds them");
}

c10::Device parse(evr_device name)
{
    try {
        return c10::Device(std::string(name ? name : ""));
    } catch (const c10::Error &) {
        throw Failure(EVR_E_NO_DEVICE, std::string("`") + (name ? name : "") + "` is no device",
                      R"(write it as "cpu", "cuda:0" or "meta")");
    }
}

} // namespace

c10::Device need_device(Bridge &bridge, evr_device name)
{
    const c10::Device device = parse(name);
    if (device.type() == c10::DeviceType::CPU || device.type() == c10::DeviceType::Meta)
        return c10::Device(device.type()); // torch takes "cpu:0" and "cpu:1" for the same place
    bridge.warnings.last.clear();
    if (!guard_of(device.type()))
        load_device_library(device.type());
    const c10::impl::DeviceGuardImplInterface *guard = guard_of(device.type());
    const int count = guard ? guard->deviceCount() : 0;
    if (count == 0)
        throw Failure(EVR_E_NO_DEVICE,
                      "no " + c10::DeviceTypeName(device.type(), true) + " device is there" +
                          (bridge.warnings.last.empty() ? "" : ": " + bridge.warnings.last),
                      "check the driver, or replay on another device");
    const int index = device.has_index() ? device.index() : guard->getDevice().index();
    if (index >= count)
        throw Failure(EVR_E_NO_DEVICE,
                      std::string(name) + " was asked for, and " + std::to_string(count) + " are there, counted from 0");
    return c10::Device(device.type(), static_cast<c10::DeviceIndex>(index));
}

c10::Stream current_stream(c10::Device device)
{
    const c10::impl::DeviceGuardImplInterface *guard = guard_of(device.type());
    return guard ? guard->getStream(device) : c10::Stream(c10::Stream::DEFAULT, device);
}

// An operator library names torch's others, such as libtorch.so, and expects Python to have loaded them. True when one was loaded that the linker missed.
bool load_missing_sibling(const std::string &reason)
{
    const size_t end = reason.find(": cannot open shared object file");
    const std::string cpu = torch_cpu_path(), name = reason.substr(0, end);
    if (end == std::string::npos || name.find('/') != std::string::npos)
        return false;
    const std::string path = cpu.substr(0, cpu.rfind('/') + 1) + name;
    return access(path.c_str(), F_OK) == 0 && dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
}

void open_library(const std::string &path)
{
    make_torch_visible();
    std::string reason;
    for (int missed = 0; missed < 16; missed++) {
        if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
            return;
        reason = dlerror();
        if (!load_missing_sibling(reason))
            break;
    }
    const bool python = reason.find("undefined symbol: Py") != std::string::npos ||
                        reason.find("undefined symbol: _Py") != std::string::npos ||
                        reason.find("torch_python") != std::string::npos;
    // An extension module registers its operators when it is loaded; its calls of Python come later, and here never.
    if (python && dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL))
        return;
    throw Failure(EVR_E_PLUGIN, "the operator library cannot be loaded: " + reason,
                  python ? "it needs Python: load libevreplay from Python after importing the package, or build the "
                           "library without bindings"
                         : "check that it was built for this torch");
}

const char *folder(void *)
{
    static const std::string path = [] {
        std::string file = torch_cpu_path();
        for (int up = 0; up < 3; up++) { // PACKAGES/torch/lib/libtorch_cpu.so
            const size_t slash = file.rfind('/');
            file = slash == std::string::npos ? "" : file.substr(0, slash);
        }
        return file;
    }();
    return path.c_str();
}

evr_status device_check(void *self, evr_device device, evr_error **err)
{
    return guarded(self, err, EVR_E_NO_DEVICE, [&](Bridge &bridge) { need_device(bridge, device); });
}

evr_status device_wait(void *self, evr_device device, evr_error **err)
{
    return guarded(self, err, EVR_E_OP, [&](Bridge &bridge) {
        const c10::Device d = need_device(bridge, device);
        if (d.has_index())
            guard_of(d.type())->synchronizeDevice(d.index());
    });
}

evr_status stream_own(void *self, evr_device device, void **native, evr_error **err)
{
    *native = nullptr;
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &bridge) {
        const c10::Device d = need_device(bridge, device);
        if (!d.has_index())
            throw Failure(EVR_E_UNSUPPORTED, std::string(device) + " has no streams");
        const c10::impl::DeviceGuardImplInterface *guard = guard_of(d.type());
        const c10::Stream stream = guard->getStreamFromGlobalPool(d, false);
        *native = guard->getStreamNativeHandle(stream);
        guard->synchronizeDevice(d.index()); // what was done before is not ordered with what comes on this one
        bridge.stream = stream;
    });
}

evr_status load_library(void *self, const char *path, evr_error **err)
{
    return guarded(self, err, EVR_E_PLUGIN, [&](Bridge &) {
        if (!path || !*path)
            throw Failure(EVR_E_INVALID, "no path of an operator library was given");
        open_library(path);
    });
}

evr_status seed(void *self, uint64_t seed, evr_error **err)
{
    return guarded(self, err, EVR_E_OP, [&](Bridge &) { at::manual_seed(seed); });
}

int32_t threads(void *self, int32_t count)
{
    int32_t in_force = 0;
    guarded(self, nullptr, EVR_E_INVALID, [&](Bridge &) {
        if (count > 0)
            at::set_num_threads(count);
        in_force = at::get_num_threads();
    });
    return in_force;
}

const char *describe(void *self)
{
    Bridge &bridge = *static_cast<Bridge *>(self);
    guarded(self, nullptr, EVR_E_INTERNAL, [&](Bridge &) {
        if (bridge.description.empty())
            bridge.description = at::show_config();
    });
    return bridge.description.c_str();
}

} // namespace evr_torch
