// The one symbol the library looks for: fills the table of functions.
#include "call.h"
#include "devices.h"
#include "operators.h"
#include "recording.h"
#include "recycling.h"
#include "symmetric.h"
#include "tensors.h"

#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <cstring>

namespace evr_torch
{

Bridge::Bridge(const evr_host *h) : host(h), warnings(h) {}
Bridge::~Bridge() { drop_recording(*this); }

} // namespace evr_torch

namespace
{

using namespace evr_torch;

void shutdown(void *self) { delete static_cast<Bridge *>(self); }

// The version that is loaded, from its build settings; a process that brought a torch of its own may have another than this
// was compiled for.
std::string loaded_version()
{
    static constexpr char key[] = "TORCH_VERSION=";
    const std::string settings = at::show_config();
    const size_t start = settings.find(key);
    if (start == std::string::npos)
        return TORCH_VERSION;
    const size_t from = start + sizeof key - 1;
    return settings.substr(from, settings.find_first_of(", \n", from) - from);
}

evr_bridge table(Bridge *self, uint32_t abi)
{
    evr_bridge t{};
    t.struct_size = sizeof t;
    t.abi = abi;
    t.self = self;
    t.name = "torch";
    t.version = TORCH_VERSION;
    t.shutdown = shutdown;
    t.load_library = load_library;
    t.schemas = schemas;
    t.op_find = op_find;
    t.op_runs_on = op_runs_on;
    t.device_check = device_check;
    t.device_wait = device_wait;
    t.tensor_new = tensor_new;
    t.tensor_free = tensor_free;
    t.tensor_info = tensor_info;
    t.tensor_write = tensor_write;
    t.tensor_read = tensor_read;
    t.tensor_clone = tensor_clone;
    t.tensor_to_dlpack = tensor_to_dlpack;
    t.tensor_from_dlpack = tensor_from_dlpack;
    t.call_new = call_new;
    t.call_run = call_run;
    t.call_result_count = call_result_count;
    t.call_result = call_result;
    t.call_free = call_free;
    t.seed = seed;
    t.threads = threads;
    t.describe = describe;
    t.call_floor = call_floor;
    t.call_autocast = call_autocast;
    t.folder = folder;
    t.tensor_symmetric = tensor_symmetric;
    t.record_begin = record_begin;
    t.record_end = record_end;
    t.stream_own = stream_own;
    return t;
}

} // namespace

extern "C" EVR_API evr_status evr_bridge_init(uint32_t abi, const evr_host *host, evr_bridge *out, evr_error **err)
{
    if (abi != EVR_BRIDGE_ABI)
        return EVR_E_ABI;
    const uint32_t room = out->struct_size;
    try {
        const std::string version = loaded_version();
        if (version != TORCH_VERSION)
            return host->error(
                host->user, err, EVR_E_PLUGIN,
                ("the bridge was built for torch " TORCH_VERSION ", and the process has torch " + version).c_str(),
                "build the bridge for the torch that is loaded");
        install_recycling();
        const evr_bridge filled = table(new Bridge(host), abi);
        std::memcpy(out, &filled, room < sizeof filled ? room : sizeof filled);
        return EVR_OK;
    } catch (const std::exception &e) {
        return host->error(host->user, err, EVR_E_PLUGIN, e.what(), nullptr);
    } catch (...) {
        return host->error(host->user, err, EVR_E_PLUGIN, "torch could not be started", nullptr);
    }
}
