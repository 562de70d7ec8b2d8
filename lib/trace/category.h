/* What a category's spelling means. */
#ifndef EVR_TRACE_CATEGORY_H
#define EVR_TRACE_CATEGORY_H

#include <evreplay/trace.h>

#include "base/str.h"

/* EVR_KIND_... of a category; `phase` decides for events without a telling category. */
int32_t evr_category_kind(evr_str category, char phase);

static inline bool evr_kind_on_device(int32_t kind)
{
    return kind == EVR_KIND_KERNEL || kind == EVR_KIND_MEMCPY || kind == EVR_KIND_MEMSET;
}

#endif
