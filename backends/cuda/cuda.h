/* What the files of this backend share. */
#ifndef EVR_CUDA_H
#define EVR_CUDA_H

#include "driver.h"
#include "kernels.h"
#include "management.h"

#include "common/gpu.h"

typedef struct cuda_device {
    gpu_device gpu;
    cu_handle context;
    management_device managed;
} cuda_device;

typedef struct cuda {
    gpu gpu;
    cuda_driver d;
    cuda_device devices[GPU_DEVICES];
    management management;
    kernels kernels;
} cuda;

extern const char cuda_read_ptx[]; /* the kernel of the read pass */

#endif
