/* A look-alike of the HIP runtime on a device of our own, so that the HIP backend can be run where there is none. It has
 * two devices, of which each thread has one current. look_alike_fail() makes a call fail. OLD leaves out what older
 * runtimes do not have, and BROKEN what none can be without. */
#include "device.h"

#include <stdlib.h>
#include <string.h>

enum { DEVICES = 2, BAD_DEVICE = 101, BAD_IMAGE = 200, NOT_FOUND = 500, SIGNAL = 2, RELEASE_TO_DEVICE = 0x40000000 };

static _Thread_local int current, last;
static const char *failing;
static int failure, passes;
static void *words[64]; /* signal memory, which alone can be waited for */

API void look_alike_fail(const char *function, int error, int after)
{
    failing = function, failure = error, passes = after;
}
API int look_alike_live(void) { return device_live() + current; }
API unsigned look_alike_launches(void) { return device_launches(); }
API int look_alike_last(void) { return last; }
int look_alike_refuses(void) { return OK; }

/* From the call after `passes` on, until another is asked for. */
static int planned(const char *function)
{
    return failing && strcmp(failing, function) == 0 && passes-- <= 0 ? failure : OK;
}
static int keep(int error) { return error == OK ? OK : (last = error); }

/* What every call answers: the failure that was asked for, instead of doing anything, or what it did. */
#define ANSWER(did)                                                                                                        \
    __extension__({                                                                                                        \
        int planned_ = planned(__func__);                                                                                  \
        keep(planned_ ? planned_ : (did));                                                                                 \
    })
#define ON(device) ((device) >= 0 && (device) < DEVICES ? OK : BAD_DEVICE)

API int hipInit(unsigned flags) { return ANSWER(flags ? INVALID : OK); }
#ifndef BROKEN
API int hipRuntimeGetVersion(int *version) { return *version = 60443482, OK; }
#endif
API int hipGetLastError(void)
{
    int error = last;
    return last = OK, error;
}
API const char *hipGetErrorName(int error)
{
    return error == NO_MEMORY ? "hipErrorOutOfMemory" : error == 719 ? "hipErrorLaunchFailure" : "hipErrorLookAlike";
}
API int hipGetDeviceCount(int *count)
{
    *count = getenv("LOOK_ALIKE_NO_DEVICE") ? 0 : DEVICES;
    return ANSWER(*count ? OK : 100);
}
API int hipSetDevice(int device) { return ANSWER(ON(device) ? BAD_DEVICE : (current = device, OK)); }
API int hipGetDevice(int *device) { return *device = current, ANSWER(OK); }
API int hipDeviceGetName(char *name, int size, int device)
{
    strncpy(name, "a look-alike", (size_t)size - 1);
    return name[size - 1] = 0, ANSWER(ON(device));
}
API int hipDeviceGetAttribute(int *value, int attribute, int device)
{
    static const struct {
        int attribute, value;
    } known[] = {{5, 2100000}, {19, 4 << 20}, {23, 9}, {60, 1300000}, {61, 4}, {63, 2}, {10013, 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].attribute == attribute) {
            *value = attribute == 10013 && getenv("LOOK_ALIKE_NO_WAIT") ? 0 : known[i].value;
            return ANSWER(ON(device));
        }
    return ANSWER(INVALID);
}
API int hipDeviceTotalMem(size_t *bytes, int device) { return *bytes = (size_t)1 << 30, ANSWER(ON(device)); }
API int hipDeviceGetPCIBusId(char *id, int size, int device)
{
    strncpy(id, device ? "fffe:fe:1f.7" : "fffe:fd:1e.0", (size_t)size); /* no machine has a device there */
    return ANSWER(ON(device));
}

API int hipDeviceSynchronize(void) { return ANSWER(device_wait()); }
API int hipStreamCreateWithFlags(void **out, unsigned flags) { return ANSWER(device_stream_create(out, flags)); }
API int hipStreamDestroy(void *s) { return ANSWER(device_stream_destroy(s)); }
API int hipStreamSynchronize(void *s) { return ANSWER(device_stream_wait(s)); }
API int hipEventCreateWithFlags(void **out, unsigned flags)
{
    return ANSWER(flags & ~(unsigned)RELEASE_TO_DEVICE ? INVALID : device_event_create(out, flags));
}
API int hipEventDestroy(void *e) { return ANSWER(device_event_destroy(e)); }
API int hipEventRecord(void *e, void *s) { return ANSWER(device_event_record(e, s)); }
API int hipEventSynchronize(void *e) { return ANSWER(device_event_wait(e)); }
API int hipEventElapsedTime(float *ms, void *a, void *b) { return ANSWER(device_event_elapsed(ms, a, b)); }

static int take_memory(void **at, size_t bytes, unsigned flags)
{
    if ((flags && flags != SIGNAL) || (flags == SIGNAL && bytes != 8))
        return INVALID;
    *at = malloc(bytes);
    if (!*at)
        return NO_MEMORY;
    memset(*at, 1, bytes);
    device_add_live(1);
    for (size_t i = 0; flags == SIGNAL && i < 64; i++)
        if (!words[i]) {
            words[i] = *at;
            break;
        }
    return OK;
}
static int give_memory(void *at)
{
    for (size_t i = 0; i < 64; i++)
        if (words[i] == at)
            words[i] = NULL;
    device_add_live(-1);
    free(at);
    return OK;
}
API int hipExtMallocWithFlags(void **at, size_t bytes, unsigned flags) { return ANSWER(take_memory(at, bytes, flags)); }
API int hipFree(void *at) { return ANSWER(give_memory(at)); }
API int hipMemsetAsync(void *at, int value, size_t bytes, void *s)
{
    return ANSWER(device_put(s, (command){.kind = SET, .at = at, .bytes = bytes, .value = (uint64_t)value}));
}

static const char module, function; /* there is one of each */

API int hipModuleLoadData(void **out, const void *image)
{
    *out = (void *)&module;
    int error = strncmp(image, "look-alike code", 15) ? BAD_IMAGE : OK;
    error = ANSWER(error);
    device_add_live(error == OK);
    return error;
}
API int hipModuleUnload(void *m)
{
    device_add_live(-1);
    return ANSWER(m == &module ? OK : INVALID_HANDLE);
}
API int hipModuleGetFunction(void **out, void *m, const char *name)
{
    *out = (void *)&function;
    return ANSWER(m == &module && strcmp(name, "evr_flush_read") == 0 ? OK : NOT_FOUND);
}
API int hipModuleLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                              unsigned shared, void *s, void **arguments, void **extra)
{
    (void)gy, (void)gz, (void)by, (void)bz, (void)shared, (void)extra;
    if (f != &function || gx == 0 || bx == 0 || bx > 1024)
        return INVALID;
    return ANSWER(
        device_put(s, (command){.kind = LAUNCH, .at = *(void **)arguments[0], .bytes = *(uint64_t *)arguments[1] * 8}));
}

#ifndef OLD
static int is_word(const void *at)
{
    for (size_t i = 0; i < 64; i++)
        if (words[i] == at)
            return 1;
    return 0;
}
API int hipStreamWaitValue64(void *s, void *at, uint64_t value, unsigned flags, uint64_t mask)
{
    if (flags || !is_word(at) || mask != UINT64_MAX)
        return INVALID;
    return ANSWER(device_put(s, (command){.kind = WAIT_WIDE, .at = at, .value = value}));
}
API int hipStreamBeginCapture(void *s, int mode) { return ANSWER(device_capture_begin(s, mode)); }
API int hipStreamEndCapture(void *s, void **graph) { return ANSWER(device_capture_end(s, graph)); }
API int hipGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long flags)
{
    return ANSWER(device_graph_instantiate(exec, graph, flags));
}
API int hipGraphLaunch(void *exec, void *s) { return ANSWER(device_graph_launch(exec, s)); }
API int hipGraphDestroy(void *graph) { return ANSWER(device_graph_destroy(graph)); }
API int hipGraphExecDestroy(void *exec) { return ANSWER(device_exec_destroy(exec)); }
#endif
