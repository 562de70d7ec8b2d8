/* What Linux tells of the processor: caches, clock source, frequency, the CPUs this process may run on. */
#ifndef EVR_CPU_MACHINE_H
#define EVR_CPU_MACHINE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

enum { MACHINE_TEXT = 256, MACHINE_CACHES = 64 };

/* A last-level cache that this process can use. */
typedef struct machine_cache {
    int cpu; /* one of the CPUs that share it */
    uint64_t bytes;
} machine_cache;

typedef struct machine {
    char name[MACHINE_TEXT];
    char driver[MACHINE_TEXT];
    char clock[MACHINE_TEXT];
    char settings[2 * MACHINE_TEXT];
    bool unstable_clock;
    int first_cpu;
    cpu_set_t allowed;
    machine_cache caches[MACHINE_CACHES];
    int cache_count;
    uint64_t cache_bytes; /* of all of them */
    uint64_t memory_bytes;
    double max_mhz;
    bool has_frequency, has_throttle;
} machine;

void machine_read(machine *m);
double machine_mhz(const machine *m);              /* at this moment; 0 = not known */
uint64_t machine_throttle_count(const machine *m); /* of the CPUs this process may run on */

#endif
