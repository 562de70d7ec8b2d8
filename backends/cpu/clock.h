/* The clock that everything of this backend is read from. */
#ifndef EVR_CPU_CLOCK_H
#define EVR_CPU_CLOCK_H

#include <time.h>

static inline double clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#endif
