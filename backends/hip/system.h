/* What Linux's amdgpu driver tells of a device in /sys: caches, clocks, temperature, power and throttling. It is what ROCm
 * SMI reads too, without the library, whose structures change their layout between releases. */
#ifndef EVR_HIP_SYSTEM_H
#define EVR_HIP_SYSTEM_H

#include <evreplay/backend.h>

#include <stdbool.h>

typedef struct system_place {
    unsigned domain, bus, slot, function;
} system_place;

/* Reads "0000:c3:00.0". */
bool system_place_read(const char *text, system_place *out);

/* Bytes of the last level of cache, the Infinity Cache where there is one; 0 = not known. `root` is "/sys" but for tests.
 */
uint64_t system_cache_bytes(const char *root, const system_place *place);

/* Fills what is known. False when the device has no folder there. */
bool system_state(const char *root, const system_place *place, evr_device_state *out);

/* Performance level as it was set, "auto", "manual"…; empty = not known. Version of the kernel's driver. */
void system_level(const char *root, const system_place *place, char *text, size_t size);
void system_driver(const char *root, char *text, size_t size);

#endif
