/* Choosing unique calls of a trace: by pattern, by uid, the first few in some order. */
#ifndef EVREPLAY_CLI_SELECT_H
#define EVREPLAY_CLI_SELECT_H

#include <evreplay/evreplay.h>

#include "options.h"

typedef enum sort_order { SORT_KERNEL_TIME, SORT_CPU_TIME, SORT_COUNT, SORT_NAME, SORT_FILE } sort_order;

/* False after an unknown order has been told. */
bool select_order(const char *text, sort_order *out);

/* The calls that match the pattern (NULL = all), sorted, at most `top` (0 = all); from malloc. NULL when memory is out. */
const evr_call **select_calls(const evr_call *calls, size_t n, const char *pattern, sort_order order, uint64_t top, size_t *count);

#endif
