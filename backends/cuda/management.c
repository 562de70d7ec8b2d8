#include "management.h"

#include "common/library.h"

#include <string.h>

enum { CLOCK_CORES = 1, CLOCK_MEMORY = 2, SENSOR_GPU = 0 };

/* NVML's bits. A cap on power by software is how a busy device keeps to its rated power, and is there in every run of a
 * large product: it is told, and no reason to throw samples away. */
static const struct {
    unsigned long long bit;
    uint32_t reason;
} reasons[] = {
    {0x002, EVR_THROTTLE_USER},  {0x004, EVR_THROTTLE_USER},    {0x008, EVR_THROTTLE_HARDWARE},
    {0x010, EVR_THROTTLE_USER},  {0x020, EVR_THROTTLE_THERMAL}, {0x040, EVR_THROTTLE_THERMAL},
    {0x080, EVR_THROTTLE_POWER}, {0x100, EVR_THROTTLE_USER},
};

void management_open(management *m)
{
    static const char *const names[] = {"libnvidia-ml.so.1", "libnvidia-ml.so", NULL};
    int (*init)(void);
    char why[64] = "";
    memset(m, 0, sizeof *m);
    void *library = library_open(names, why, sizeof why);
    if (!library || !library_find(library, &init, "nvmlInit_v2") || !library_find(library, &m->shutdown, "nvmlShutdown") ||
        !library_find(library, &m->by_pci, "nvmlDeviceGetHandleByPciBusId_v2"))
        return;
    library_find(library, &m->driver, "nvmlSystemGetDriverVersion");
    library_find(library, &m->clock, "nvmlDeviceGetClockInfo");
    if (!library_find(library, &m->reasons, "nvmlDeviceGetCurrentClocksEventReasons"))
        library_find(library, &m->reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");
    library_find(library, &m->temperature, "nvmlDeviceGetTemperature");
    library_find(library, &m->power, "nvmlDeviceGetPowerUsage");
    library_find(library, &m->persistence, "nvmlDeviceGetPersistenceMode");
    m->works = init() == 0;
}

void management_close(management *m)
{
    if (m->works)
        m->shutdown();
    m->works = false;
}

void management_find(const management *m, const char *pci, management_device *device)
{
    if (!m->works || m->by_pci(pci, &device->handle) != 0)
        device->handle = NULL;
}

void management_state(const management *m, const management_device *device, evr_device_state *out)
{
    unsigned value = 0;
    unsigned long long bits = 0;
    if (!device->handle)
        return;
    if (m->clock && m->clock(device->handle, CLOCK_CORES, &value) == 0)
        out->clock_mhz = value;
    if (m->clock && m->clock(device->handle, CLOCK_MEMORY, &value) == 0)
        out->memory_clock_mhz = value;
    if (m->temperature && m->temperature(device->handle, SENSOR_GPU, &value) == 0)
        out->temperature_c = value;
    if (m->power && m->power(device->handle, &value) == 0)
        out->power_w = value / 1000.0;
    if (m->reasons && m->reasons(device->handle, &bits) == 0)
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
            if (bits & reasons[i].bit)
                out->throttle |= reasons[i].reason;
}

int management_persistence(const management *m, const management_device *device)
{
    int on = -1;
    return device->handle && m->persistence && m->persistence(device->handle, &on) == 0 ? on : -1;
}

void management_driver(const management *m, char *text, unsigned size)
{
    text[0] = 0;
    if (m->works && m->driver && m->driver(text, size) != 0)
        text[0] = 0;
}
