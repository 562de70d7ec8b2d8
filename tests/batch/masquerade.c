/* A bridge for tests that calls the CPU "cuda:0", and hands out its operators as the kernels of that device: what is done for a device can be tried without
 * one. All else is the bridge of this build, REAL_BRIDGE. */
#include <evreplay/bridge.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static evr_bridge real; /* of the bridge behind this one */
static const evr_host *host;

static const char *behind(const char *device) { return strcmp(device, "cuda:0") == 0 ? "cpu" : device; }

static int32_t op_runs_on(void *self, evr_bridge_op *op, evr_device device) { return real.op_runs_on(self, op, behind(device)); }
static evr_status device_check(void *self, evr_device device, evr_error **err) { return real.device_check(self, behind(device), err); }
static evr_status device_wait(void *self, evr_device device, evr_error **err) { return real.device_wait(self, behind(device), err); }

static evr_status tensor_new(void *self, const evr_tensor *what, evr_device device, evr_bridge_tensor **out, evr_error **err)
{
    return real.tensor_new(self, what, behind(device), out, err);
}

static evr_status record_begin(void *self, evr_device device, int32_t what, evr_error **err)
{
    if (getenv("MASQUERADE_BUSY"))
        return host->error(host->user, err, EVR_E_STATE, "somebody else records", NULL);
    return real.record_begin(self, behind(device), strcmp(device, "cuda:0") == 0 ? EVR_RECORD_OPERATORS : what, err);
}

static evr_status record_end(void *self, evr_kernel_fn visit, void *user, evr_error **err)
{
    return real.record_end(self, getenv("MASQUERADE_BLIND") ? NULL : visit, user, err);
}

__attribute__((visibility("default"))) evr_status evr_bridge_init(uint32_t abi, const evr_host *h, evr_bridge *out, evr_error **err);

evr_status evr_bridge_init(uint32_t abi, const evr_host *h, evr_bridge *out, evr_error **err)
{
    evr_bridge_init_fn init = NULL;
    void *library = dlopen(REAL_BRIDGE, RTLD_NOW | RTLD_LOCAL), *symbol = library ? dlsym(library, EVR_BRIDGE_ENTRY) : NULL;
    memcpy(&init, &symbol, sizeof init);
    real.struct_size = sizeof real;
    host = h;
    if (!init)
        return h->error(h->user, err, EVR_E_PLUGIN, dlerror(), NULL);
    evr_status status = init(abi, h, &real, err);
    if (status != EVR_OK)
        return status;
    *out = real;
    out->op_runs_on = op_runs_on;
    out->device_check = device_check;
    out->device_wait = device_wait;
    out->tensor_new = tensor_new;
    out->record_begin = real.record_begin && !getenv("MASQUERADE_OLD") ? record_begin : NULL;
    out->record_end = record_end;
    return EVR_OK;
}
