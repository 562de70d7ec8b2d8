/* Elements of tensors as numbers. */
#ifndef EVR_BATCH_NUMBERS_H
#define EVR_BATCH_NUMBERS_H

#include <evreplay/ir.h>

#include <stdbool.h>

/* Parts of an element: 1, or 2 for complex types; 0 for types without numbers that can be read. */
int evr_number_parts(int32_t dtype);

/* The element at `at` as numbers; packed and scaled types are not read. */
void evr_number_read(int32_t dtype, const void *at, double out[2]);

/* True when the type has infinities or NaNs. */
bool evr_number_may_be_odd(int32_t dtype);

/* The type that has the same numbers with more digits: float64 or complex128; the type itself for whole numbers and bool. */
int32_t evr_number_precise(int32_t dtype);

/* Relative and absolute difference that a computation in this type may show. */
void evr_number_tolerance(int32_t dtype, double *relative, double *absolute);

#endif
