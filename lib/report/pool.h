/* Several results of one thing put together to one: those of the visits to a record, and those of records that call the same.
 *
 * The samples of one visit lie closer together than those of two: where a process finds its memory, and what else the machine does meanwhile, moves a whole
 * visit. So the median of several visits is the median of their medians, and the interval it lies in is that of so many independent numbers, not of all samples
 * together. What was timed in peace is not spoilt by what was not: only visits of the better kind count. */
#ifndef EVR_REPORT_POOL_H
#define EVR_REPORT_POOL_H

#include "report/results.h"

/* Whether the device was slowed or shared while samples that count were taken. */
bool evr_was_disturbed(const evr_result *r);

/* One result for `count` ones: of the worst status; among those one that was timed undisturbed, then the one with most samples, then the first. Its samples,
 * statistics and visits are those of all that were timed as it was. Calls are the representative's. What is new is the arena's. */
evr_status evr_pool_results(evr_context *ctx, evr_arena *arena, const evr_result *const *same, size_t count, evr_result *out, evr_error **err);

/* Joins the visits to each record of a list that is in order of index. Samples are kept only if they are asked for. */
evr_status evr_join_visits(evr_results *results, bool samples, evr_error **err);

#endif
