/* Contents of tensors, made by counting.
 *
 * Element i of a storage gets its random word from Philox with the seed as key, the stream as the upper and the block number
 * (i mod PERIOD) / 4 as the lower half of the counter, and takes word (i mod PERIOD) mod 4 of the block. PERIOD is a prime below 2^20: the values of
 * a large tensor repeat after it, so that filling runs at the speed of memory. From the word w:
 *
 *   normal    (b0 + b1 + b2 + b3 - 510) * 0.00676603 in float32, b0…b3 being the bytes of w: mean 0, deviation 1, within ±3.5
 *   uniform   low + (high - low) * ((w >> 8) * 2^-24), every step rounded to float32
 *   integers  low + floor(w * (high - low) / 2^32)
 *   booleans  w < density * 2^32
 *
 * and the result is rounded to the element type, to nearest and ties to even. No libm call, no fused operation: the same bits in
 * C, Python and CUDA. There are no NaNs and infinities among them. */
#ifndef EVR_INIT_FILL_H
#define EVR_INIT_FILL_H

#include <evreplay/ir.h>

#include <stdbool.h>
#include <stddef.h>

enum { EVR_FILL_PERIOD = 1048573 };

typedef enum evr_fill_kind {
    EVR_FILL_CONSTANT, /* low */
    EVR_FILL_NORMAL,
    EVR_FILL_UNIFORM,  /* low, high */
    EVR_FILL_INTEGERS, /* low ≤ x < high */
    EVR_FILL_BOOLEANS, /* density in low */
    /* what follows has an order and is written through the tensor's strides, in row-major order of its elements */
    EVR_FILL_STEPS,   /* low, then `high` more for each element: an arange */
    EVR_FILL_OFFSETS, /* from 0 to `high` in even steps over the last dimension */
    EVR_FILL_SPREAD,  /* whole numbers that add up to `high`, as even as can be */
    EVR_FILL_PERMUTATION, /* each of 0…n-1 once, n being `high` or else the number of elements: i times a number without a factor in common with n, plus
                             another, modulo n */
    EVR_FILL_DOMINANT, /* square matrices: small normal values and the matrix' size on the diagonal; symmetric */
} evr_fill_kind;

typedef struct evr_fill {
    evr_fill_kind kind;
    double low, high;
    const char *rule; /* why, in words; a literal */
} evr_fill;

/* Writes the contents of a storage of `bytes` bytes that holds the tensor. False for element types that cannot be written,
 * and for ordered contents of a tensor that shows its storage many times over. */
bool evr_fill_storage(const evr_fill *fill, uint64_t seed, uint64_t stream, const evr_tensor *tensor,
                      void *storage, size_t bytes);

/* Stores one number as an element of a type, `whole` for types of whole numbers and `value` for the others. False for types that have no such element. */
bool evr_fill_number(int32_t dtype, double value, int64_t whole, void *at);

#endif
