/* Clocks, temperature and reasons for slowing down, from NVML (libnvidia-ml.so.1), as far as it is there. */
#ifndef EVR_CUDA_MANAGEMENT_H
#define EVR_CUDA_MANAGEMENT_H

#include <evreplay/backend.h>

#include <stdbool.h>

typedef struct management {
    bool works;
    int (*shutdown)(void);
    int (*by_pci)(const char *id, void **device);
    int (*driver)(char *text, unsigned size);
    int (*clock)(void *device, int which, unsigned *mhz);
    int (*reasons)(void *device, unsigned long long *bits);
    int (*temperature)(void *device, int sensor, unsigned *celsius);
    int (*power)(void *device, unsigned *milliwatts);
    int (*persistence)(void *device, int *on);
} management;

typedef struct management_device {
    void *handle; /* NULL = not known to NVML */
} management_device;

void management_open(management *m);
void management_close(management *m);
void management_find(const management *m, const char *pci, management_device *device);
void management_state(const management *m, const management_device *device, evr_device_state *out);
/* -1 = not known */
int management_persistence(const management *m, const management_device *device);
/* Empty when not known. */
void management_driver(const management *m, char *text, unsigned size);

#endif
