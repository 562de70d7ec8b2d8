/* The tree of calls: operators and runtime calls (and python functions on demand), nested by time on each thread. Stored in preorder, so
 * that everything below an event is one contiguous range. */
#ifndef EVR_TRACE_TREE_H
#define EVR_TRACE_TREE_H

#include "trace/store.h"

evr_status evr_tree_build(evr_trace *trace, evr_error **err);
void evr_tree_release(evr_trace *trace);

/* Position of an event in the preorder, or EVR_NONE32 outside the tree. */
static inline uint32_t evr_tree_position(const evr_trace *t, evr_uid uid)
{
    return t->position && uid < t->count ? t->position[uid] : EVR_NONE32;
}

/* Groups the timed events of some kinds (a mask of 1 << EVR_KIND_...) by track, each group by start time, file order among equals;
 * *starts gets track count + 1 offsets. Both arrays come from the allocator. Untimed ones are taken with `untimed`. */
evr_status evr_group_by_track(evr_trace *trace, uint32_t kinds, bool untimed, uint32_t **uids, size_t *count, size_t **starts,
                              evr_error **err);

#endif
