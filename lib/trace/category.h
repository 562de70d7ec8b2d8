/* What a category's spelling means. */
#ifndef EVR_TRACE_CATEGORY_H
#define EVR_TRACE_CATEGORY_H

#include <evreplay/trace.h>

#include "base/str.h"

/* EVR_KIND_... of a category; `phase` decides for events without a telling category. */
int32_t evr_category_kind(evr_str category, char phase);

/* False for calls into runtimes other than CUDA's (whose name HIP's calls carry too): some of those wrap whole operators, so in
 * the tree they are leaves, below which only device work hangs. */
bool evr_category_nests(evr_str category);

static inline bool evr_kind_on_device(int32_t kind)
{
    return kind == EVR_KIND_KERNEL || kind == EVR_KIND_MEMCPY || kind == EVR_KIND_MEMSET;
}

#endif
