/* Names and durations of kernels, from CUPTI (libcupti), as far as it is there. A process has one recorder: while another
 * profiler is at work the recording may come back empty. */
#ifndef EVR_CUDA_KERNELS_H
#define EVR_CUDA_KERNELS_H

#include <evreplay/backend.h>

#include <stdbool.h>

typedef struct kernels {
    bool works, recording;
    int (*callbacks)(void *requested, void *completed);
    int (*enable)(int kind);
    int (*disable)(int kind);
    int (*flush)(uint32_t flag);
    int (*next)(uint8_t *buffer, size_t size, void **record);
} kernels;

void kernels_open(kernels *k);
bool kernels_start(kernels *k);
/* Hands out what was recorded on the device, in order of start. False when memory ran out. */
bool kernels_finish(kernels *k, uint32_t device, evr_kernel_fn visit, void *user);

#endif
