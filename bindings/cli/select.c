#include "select.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const orders[] = {"kernel-time", "cpu-time", "count", "name", "file"};

bool select_order(const char *text, sort_order *out)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (text && strcmp(text, orders[i]) == 0) {
            *out = (sort_order)i;
            return true;
        }
    if (!text)
        return true;
    fprintf(stderr, "evreplay: --sort takes kernel-time, cpu-time, count, name or file, not \"%s\"\n", text);
    return false;
}

static int compare(const void *a, const void *b, void *order)
{
    const evr_call *x = *(const evr_call *const *)a, *y = *(const evr_call *const *)b;
    int64_t difference = 0;
    switch (*(sort_order *)order) {
    case SORT_KERNEL_TIME: difference = y->device_ns - x->device_ns; break;
    case SORT_CPU_TIME: difference = y->cpu_ns - x->cpu_ns; break;
    case SORT_COUNT: difference = (int64_t)y->count - (int64_t)x->count; break;
    case SORT_NAME: difference = evr_str_cmp(x->op, y->op); break;
    case SORT_FILE: break;
    }
    if (difference)
        return difference < 0 ? -1 : 1;
    return (x > y) - (x < y); /* as in the file */
}

const evr_call **select_calls(const evr_call *calls, size_t n, const char *pattern, sort_order order, uint64_t top, size_t *count)
{
    const evr_call **chosen = malloc((n + 1) * sizeof *chosen);
    size_t k = 0;
    if (!chosen)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!pattern || evr_glob(evr_str_c(pattern), calls[i].op))
            chosen[k++] = &calls[i];
    qsort_r(chosen, k, sizeof *chosen, compare, &order);
    *count = top && top < k ? (size_t)top : k;
    return chosen;
}
