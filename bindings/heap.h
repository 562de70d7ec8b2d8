/* Memory that operators free stays in the process. Otherwise glibc gives the top of the heap back to the system whenever some hundred kilobytes of it are free, and an
 * operator pays for getting them again, page by page, in every call: a convolution of 1x32x56x56 takes twice as long. Long-lived programs such as an interpreter that has
 * imported torch do not see that, since glibc raises its thresholds to these once a block of this size was freed. For programs alone: a library does not set such things. */
#ifndef EVR_BINDINGS_HEAP_H
#define EVR_BINDINGS_HEAP_H

#include <malloc.h>
#include <stdlib.h>

static inline void heap_keep(void)
{
#ifdef __GLIBC__
    enum { MAPPED = 32 << 20, TRIMMED = 2 * MAPPED }; /* where glibc's own adapting ends */
    if (getenv("MALLOC_MMAP_THRESHOLD_") || getenv("MALLOC_TRIM_THRESHOLD_"))
        return;
    mallopt(M_MMAP_THRESHOLD, MAPPED);
    mallopt(M_TRIM_THRESHOLD, TRIMMED);
#endif
}

#endif
