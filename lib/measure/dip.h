/* Hartigan's dip: how far samples are from the nearest distribution with one mode. */
#ifndef EVR_MEASURE_DIP_H
#define EVR_MEASURE_DIP_H

#include <stddef.h>
#include <stdint.h>

/* Of `count` sorted samples, between 1 / (2 count) and 1/4. `room` has 2 * count elements. */
double evr_dip(const double *sorted, size_t count, uint32_t *room);

/* How often samples of one mode dip so much. */
typedef enum evr_dip_size {
    EVR_DIP_USUAL,
    EVR_DIP_SUSPECT, /* in one run of twenty at most */
    EVR_DIP_LARGE,   /* in one of a hundred at most */
} evr_dip_size;

evr_dip_size evr_dip_judge(double dip, size_t count);

/* Where samples split into two groups best: number of samples in the lower one (least squares); 0 when all are equal. */
size_t evr_two_groups(const double *sorted, size_t count);

#endif
