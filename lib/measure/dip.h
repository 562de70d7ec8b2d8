/* Hartigan's dip: how far samples are from the nearest distribution with one mode. */
#ifndef EVR_MEASURE_DIP_H
#define EVR_MEASURE_DIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of `count` sorted samples, between 1 / (2 count) and 1/4. `room` has 2 * count elements. */
double evr_dip(const double *sorted, size_t count, uint32_t *room);

/* A dip that one-moded samples reach in fewer than one run of a thousand. */
bool evr_dip_is_large(double dip, size_t count);

/* Where samples split into two groups best: number of samples in the lower one (least squares); 0 when all are equal. */
size_t evr_two_groups(const double *sorted, size_t count);

#endif
