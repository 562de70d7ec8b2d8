/* Asking a trace everything it can be asked, and folding the answers into one number: two traces that give the same number hold
 * the same. Used by sweeps, thread tests and fuzz targets. */
#ifndef EVR_TESTS_WALK_H
#define EVR_TESTS_WALK_H

#include <evreplay/evreplay.h>

/* The recorded events 0 … limit-1 alone: what a trace cut short shares with the whole one. */
uint64_t walk_events(const evr_trace *trace, uint64_t limit);

/* Everything: events, tree, device work, links, filters, columns, categories, metadata. Looks at `limit` events at most. */
uint64_t walk_trace(const evr_trace *trace, uint64_t limit);

/* Checks the tree against a direct reading of its definition, in quadratic time, and that children, siblings and device events
 * agree with it. Returns NULL or what is wrong. Nothing is checked in traces of more than `limit` events, nor with python
 * functions in the tree. */
const char *walk_check_tree(const evr_trace *trace, uint64_t limit);

#endif
