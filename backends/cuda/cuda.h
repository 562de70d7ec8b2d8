/* What the files of this backend share. */
#ifndef EVR_CUDA_H
#define EVR_CUDA_H

#include "driver.h"
#include "gate.h"
#include "kernels.h"
#include "management.h"

#include <evreplay/backend.h>

enum { CUDA_DEVICES = 64, CUDA_TEXT = 256 };

/* One device. What needs its context is made when it is first used. */
typedef struct cuda_device {
    int number; /* CUdevice */
    cu_handle context;
    cu_handle module, read; /* the kernel of the read pass */
    cu_pointer written, unwritten, sink;
    uint64_t flush_bytes; /* of each of the two buffers */
    uint64_t l2_bytes;
    uint64_t throttled; /* looks that found the device slowed */
    unsigned turn;
    int processors;
    char name[CUDA_TEXT], driver[CUDA_TEXT], settings[CUDA_TEXT];
    management_device managed;
} cuda_device;

typedef struct cuda {
    const evr_host *host;
    cuda_driver d;
    int count;
    char why[CUDA_TEXT];
    cuda_device devices[CUDA_DEVICES];
    management management;
    kernels kernels;
} cuda;

struct evr_backend_stream {
    cuda_device *device;
    cu_handle handle;
    bool owned;
    gate *gate;
};

struct evr_backend_span {
    cuda_device *device;
    cu_handle begin, end;
    int state; /* 0 new, 1 begun, 2 ended, 3 read */
    double ns;
};

struct evr_backend_graph {
    cuda_device *device;
    cu_handle exec;
};

/* An error with the driver's name for `code`; the status that fits it. */
evr_status cuda_fail(cuda *c, evr_error **err, int code, const char *doing);
evr_status cuda_refuse(cuda *c, evr_error **err, evr_status status, const char *message);

/* Makes the device's context current until cuda_leave(). */
evr_status cuda_enter(cuda *c, cuda_device *device, evr_error **err);
void cuda_leave(cuda *c);

evr_status cuda_flush(cuda *c, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err);
void cuda_flush_free(cuda *c, cuda_device *device); /* within the context */

#endif
