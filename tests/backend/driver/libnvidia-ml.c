/* A look-alike of NVML. LOOK_ALIKE_REASONS holds the bits of the reasons for a slowed clock. */
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* their headers are not here */
#define API __attribute__((visibility("default")))

static int users, device;

API int nvmlInit_v2(void) { return users++, 0; }
API int nvmlShutdown(void) { return users-- > 0 ? 0 : 1; }
API int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **out)
{
    return *out = &device, strcmp(id, "0000:00:01.0") ? 6 : 0;
}
API int nvmlSystemGetDriverVersion(char *text, unsigned size) { return strncpy(text, "999.1", size), 0; }
API int nvmlDeviceGetClockInfo(void *d, int which, unsigned *mhz)
{
    return *mhz = which == 1 ? 1500 : 2600, d == &device ? 0 : 2;
}
API int nvmlDeviceGetCurrentClocksEventReasons(void *d, unsigned long long *bits)
{
    const char *text = getenv("LOOK_ALIKE_REASONS");
    return *bits = text ? strtoull(text, NULL, 0) : 0, d == &device ? 0 : 2;
}
API int nvmlDeviceGetTemperature(void *d, int sensor, unsigned *celsius)
{
    return *celsius = 55, d == &device && sensor == 0 ? 0 : 2;
}
API int nvmlDeviceGetPowerUsage(void *d, unsigned *milliwatts) { return *milliwatts = 350000, d == &device ? 0 : 2; }
API int nvmlDeviceGetPersistenceMode(void *d, int *on) { return *on = 1, d == &device ? 0 : 2; }
