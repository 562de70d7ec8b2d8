/* What backends/cuda/kernels.c declares by hand, against NVIDIA's own header: that it compiles is the test. */
#include "cuda/kernels.c"

#include <cupti_activity.h>

#define AT(structure, member, place) _Static_assert(offsetof(structure, member) == (place), #structure "." #member)

_Static_assert((int)CUPTI_ACTIVITY_KIND_MEMCPY == COPY && (int)CUPTI_ACTIVITY_KIND_MEMSET == FILL, "kinds");
_Static_assert((int)CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL == CONCURRENT_KERNEL, "kinds");
_Static_assert(CUPTI_ACTIVITY_MEMCPY_KIND_HTOD == 1 && CUPTI_ACTIVITY_MEMCPY_KIND_DTOH == 2, "ways");
_Static_assert(CUPTI_ACTIVITY_MEMCPY_KIND_DTOD == 8 && CUPTI_ACTIVITY_MEMCPY_KIND_PTOP == 10, "ways");
_Static_assert(CUPTI_ACTIVITY_MEMORY_KIND_PAGEABLE == 1 && CUPTI_ACTIVITY_MEMORY_KIND_DEVICE == 3, "places");
_Static_assert(CUPTI_ACTIVITY_MEMORY_KIND_MANAGED_STATIC == 7, "places");
_Static_assert(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED == FLUSH_FORCED, "flags");

AT(CUpti_ActivityKernel9, start, AT_START);
AT(CUpti_ActivityKernel9, end, AT_END);
AT(CUpti_ActivityKernel9, deviceId, 40);
AT(CUpti_ActivityKernel9, streamId, 48);
AT(CUpti_ActivityKernel9, name, AT_NAME);
AT(CUpti_ActivityMemcpy5, copyKind, AT_COPY);
AT(CUpti_ActivityMemcpy5, srcKind, AT_FROM);
AT(CUpti_ActivityMemcpy5, dstKind, AT_TO);
AT(CUpti_ActivityMemcpy5, start, AT_START);
AT(CUpti_ActivityMemcpy5, end, AT_END);
AT(CUpti_ActivityMemcpy5, deviceId, 32);
AT(CUpti_ActivityMemcpy5, streamId, 40);
AT(CUpti_ActivityMemset4, start, AT_START);
AT(CUpti_ActivityMemset4, end, AT_END);
AT(CUpti_ActivityMemset4, deviceId, 32);
AT(CUpti_ActivityMemset4, streamId, 40);
AT(CUpti_ActivityMemset4, memoryKind, AT_FILLED);

int main(void)
{
    return kinds[0].device == 32 && kinds[1].stream == 40 && kinds[2].device == 40 && kinds[2].stream == 48 ? 0 : 1;
}
