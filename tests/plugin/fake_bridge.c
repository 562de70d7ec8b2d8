/* A little bridge, compiled several times; WAY tells how it goes wrong, if at all. */
#include <evreplay/bridge.h>

#include <stddef.h>
#include <string.h>

#define WAY_GOOD 0
#define WAY_OLD 1          /* speaks boundary 1 only */
#define WAY_NONE 2         /* refuses every boundary */
#define WAY_MISSING_SLOT 3 /* leaves two required functions out */
#define WAY_FAILS 4        /* fails with an error of its own */
#define WAY_SHORT 5        /* knows a table that ends before the optional functions at the end */
#define WAY_LIES 6         /* accepts, and fills the table for another boundary */

/* Read by the test through dlsym; never reset by the plug-in. */
__attribute__((visibility("default"))) int fake_shutdowns = 0;
__attribute__((visibility("default"))) unsigned fake_offered[8];
__attribute__((visibility("default"))) unsigned fake_offers = 0;

static void shut_down(void *self)
{
    (void)self;
    fake_shutdowns++;
}
static evr_status load_library(void *self, const char *path, evr_error **err)
{
    const evr_host *host = self;
    host->log(host->user, EVR_LOG_WARNING, path);
    return host->error(host->user, err, EVR_E_IO, "no library today", "come back tomorrow");
}
static evr_status schemas(void *self, evr_str op, evr_schema_fn visit, void *user, evr_error **err)
{
    (void)self, (void)op, (void)visit, (void)user, (void)err;
    return EVR_OK;
}
static evr_status op_find(void *self, evr_str op, evr_str overload, evr_bridge_op **out, evr_error **err)
{
    (void)self, (void)op, (void)overload, (void)err;
    *out = NULL;
    return EVR_E_NOT_FOUND;
}
static int32_t op_runs_on(void *self, evr_bridge_op *op, evr_device device)
{
    (void)self, (void)op, (void)device;
    return 0;
}
static evr_status device(void *self, evr_device name, evr_error **err)
{
    (void)self, (void)name, (void)err;
    return EVR_OK;
}
static evr_status tensor_new(void *self, const evr_tensor *what, evr_device name, evr_bridge_tensor **out, evr_error **err)
{
    (void)self, (void)what, (void)name, (void)out, (void)err;
    return EVR_E_UNSUPPORTED;
}
static void tensor_free(void *self, evr_bridge_tensor *tensor) { (void)self, (void)tensor; }
static evr_status tensor_info(void *self, evr_bridge_tensor *tensor, evr_tensor_info *out, evr_error **err)
{
    (void)self, (void)tensor, (void)out, (void)err;
    return EVR_E_UNSUPPORTED;
}
static evr_status tensor_write(void *self, evr_bridge_tensor *t, uint64_t at, const void *from, uint64_t size,
                               evr_error **err)
{
    (void)self, (void)t, (void)at, (void)from, (void)size, (void)err;
    return EVR_E_UNSUPPORTED;
}
static evr_status tensor_read(void *self, evr_bridge_tensor *t, uint64_t at, void *to, uint64_t size, evr_error **err)
{
    (void)self, (void)t, (void)at, (void)to, (void)size, (void)err;
    return EVR_E_UNSUPPORTED;
}
static evr_status call_new(void *self, evr_bridge_op *op, const evr_value *args, size_t count, evr_bridge_call **out,
                           evr_error **err)
{
    (void)self, (void)op, (void)args, (void)count, (void)out, (void)err;
    return EVR_E_UNSUPPORTED;
}
static evr_status call_run(void *self, evr_bridge_call *call, evr_error **err)
{
    (void)self, (void)call, (void)err;
    return EVR_E_UNSUPPORTED;
}
static size_t call_result_count(void *self, evr_bridge_call *call)
{
    (void)self, (void)call;
    return 0;
}
static evr_status call_result(void *self, evr_bridge_call *call, size_t index, evr_value *out, evr_error **err)
{
    (void)self, (void)call, (void)index, (void)out, (void)err;
    return EVR_E_UNSUPPORTED;
}
static void call_free(void *self, evr_bridge_call *call) { (void)self, (void)call; }
static evr_status seed(void *self, uint64_t number, evr_error **err)
{
    (void)self, (void)number, (void)err;
    return EVR_OK;
}
static int32_t threads(void *self, int32_t count)
{
    (void)self;
    return count;
}

#ifdef ENTRY
evr_status ENTRY(uint32_t abi, const evr_host *host, evr_bridge *out, evr_error **err);

__attribute__((visibility("default"))) evr_status ENTRY(uint32_t abi, const evr_host *host, evr_bridge *out,
                                                        evr_error **err)
{
    if (fake_offers < 8)
        fake_offered[fake_offers++] = abi;
    if (WAY == WAY_NONE || (WAY == WAY_OLD && abi != 1)) {
        host->error(host->user, err, EVR_E_ABI, "not spoken here", NULL);
        return EVR_E_ABI;
    }
    if (WAY == WAY_FAILS)
        return host->error(host->user, err, EVR_E_UNSUPPORTED, "the moon is in the wrong phase", "wait a week");
    if (out->struct_size < sizeof *out)
        return EVR_E_INVALID;
    *out = (evr_bridge){sizeof *out,
                        WAY == WAY_LIES ? abi + 1 : abi,
                        (void *)host,
                        "fake",
                        "1.2.3",
                        shut_down,
                        load_library,
                        schemas,
                        op_find,
                        op_runs_on,
                        device,
                        device,
                        tensor_new,
                        tensor_free,
                        tensor_info,
                        tensor_write,
                        tensor_read,
                        NULL,
                        NULL,
                        NULL,
                        call_new,
                        call_run,
                        call_result_count,
                        call_result,
                        call_free,
                        seed,
                        threads,
                        NULL,
                        NULL};
    if (WAY == WAY_MISSING_SLOT) {
        out->call_run = NULL;
        out->tensor_free = NULL;
    }
    if (WAY == WAY_SHORT)
        out->struct_size = offsetof(evr_bridge, threads);
    return EVR_OK;
}
#endif
