#include "init/fill.h"

#include "init/philox.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* float32 to the nearest of a narrower float with e exponent and m mantissa bits, ties to even, saturating at `most`. */
static uint32_t narrow(float value, int e, int m, int bias, uint32_t most)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t sign = bits >> 31 << (e + m), magnitude = bits & 0x7FFFFFFFu;
    int exponent = (int)(magnitude >> 23) - 127 + bias;
    if (magnitude < 1u << 23 || exponent < -m)
        return sign;
    uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    int shift = 23 - m + (exponent < 1 ? 1 - exponent : 0);
    uint32_t kept = mantissa >> shift, rest = mantissa & ((1u << shift) - 1), half = 1u << (shift - 1);
    kept += rest > half || (rest == half && kept & 1);
    if (exponent >= 1)
        kept += (uint32_t)(exponent - 1) << m;
    return sign | (kept > most ? most : kept);
}

static void put_u16(void *at, uint16_t v) { memcpy(at, &v, 2); }
static void put_u32(void *at, uint32_t v) { memcpy(at, &v, 4); }
static void put_u64(void *at, uint64_t v) { memcpy(at, &v, 8); }

static uint16_t to_bfloat16(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/* Two values of float4 e2m1 in a byte; both the same. */
static uint8_t to_float4_pair(float f)
{
    uint32_t one = narrow(f, 2, 1, 1, 7);
    return (uint8_t)(one | one << 4);
}

/* A power of two by its exponent. */
static uint8_t to_e8m0(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint32_t exponent = bits >> 23 & 0xFF;
    return (uint8_t)(exponent < 120 ? 120 : exponent > 134 ? 134 : exponent);
}

/* Stores a number as an element; false for types that have no such element. */
static bool put(int32_t dtype, void *at, double value)
{
    float f = (float)value;
    switch (dtype) {
    case EVR_DTYPE_FLOAT32: memcpy(at, &f, 4); return true;
    case EVR_DTYPE_FLOAT64: memcpy(at, &value, 8); return true;
    case EVR_DTYPE_BFLOAT16: put_u16(at, to_bfloat16(f)); return true;
    case EVR_DTYPE_FLOAT16: put_u16(at, (uint16_t)narrow(f, 5, 10, 15, 0x7BFF)); return true;
    case EVR_DTYPE_FLOAT8_E4M3FN: *(uint8_t *)at = (uint8_t)narrow(f, 4, 3, 7, 0x7E); return true;
    case EVR_DTYPE_FLOAT8_E5M2: *(uint8_t *)at = (uint8_t)narrow(f, 5, 2, 15, 0x7B); return true;
    case EVR_DTYPE_FLOAT8_E4M3FNUZ: {
        uint8_t bits = (uint8_t)narrow(f, 4, 3, 8, 0x7F);
        *(uint8_t *)at = bits == 0x80 ? 0 : bits; /* minus zero means NaN there */
        return true;
    }
    case EVR_DTYPE_FLOAT8_E5M2FNUZ: {
        uint8_t bits = (uint8_t)narrow(f, 5, 2, 16, 0x7F);
        *(uint8_t *)at = bits == 0x80 ? 0 : bits;
        return true;
    }
    case EVR_DTYPE_FLOAT8_E8M0FNU: *(uint8_t *)at = to_e8m0(f); return true;
    case EVR_DTYPE_FLOAT4_E2M1FN_X2: *(uint8_t *)at = to_float4_pair(f); return true;
    case EVR_DTYPE_COMPLEX32:
        put_u16(at, (uint16_t)narrow(f, 5, 10, 15, 0x7BFF));
        put_u16((char *)at + 2, 0);
        return true;
    case EVR_DTYPE_COMPLEX64:
        memcpy(at, &f, 4);
        put_u32((char *)at + 4, 0);
        return true;
    case EVR_DTYPE_COMPLEX128:
        memcpy(at, &value, 8);
        put_u64((char *)at + 8, 0);
        return true;
    case EVR_DTYPE_BOOL: *(uint8_t *)at = value != 0; return true;
    case EVR_DTYPE_UINT8:
    case EVR_DTYPE_INT8: *(uint8_t *)at = (uint8_t)(int64_t)value; return true;
    case EVR_DTYPE_UINT16:
    case EVR_DTYPE_INT16: put_u16(at, (uint16_t)(int64_t)value); return true;
    case EVR_DTYPE_UINT32:
    case EVR_DTYPE_INT32: put_u32(at, (uint32_t)(int64_t)value); return true;
    case EVR_DTYPE_UINT64:
    case EVR_DTYPE_INT64: put_u64(at, (uint64_t)(int64_t)value); return true;
    default: return false;
    }
}

bool evr_fill_number(int32_t dtype, double value, int64_t whole, void *at)
{
    if (dtype == EVR_DTYPE_INT64 || dtype == EVR_DTYPE_UINT64) { /* a double has no room for all of them */
        put_u64(at, (uint64_t)whole);
        return true;
    }
    return put(dtype, at, value);
}

static double normal(uint32_t w)
{
    int sum = (int)(w & 255) + (int)(w >> 8 & 255) + (int)(w >> 16 & 255) + (int)(w >> 24) - 510;
    return (float)sum * 0.00676603f;
}

static double random_value(const evr_fill *fill, uint32_t w)
{
    switch (fill->kind) {
    case EVR_FILL_NORMAL: return normal(w);
    case EVR_FILL_UNIFORM: {
        float width = (float)fill->high - (float)fill->low, share = (float)(w >> 8) * 0x1p-24f, part = width * share;
        return (float)fill->low + part;
    }
    case EVR_FILL_INTEGERS: {
        uint64_t width = fill->high > fill->low ? (uint64_t)(fill->high - fill->low) : 1;
        if (width > UINT32_MAX)
            width = UINT32_MAX;
        return (double)((int64_t)fill->low + (int64_t)((uint64_t)w * width >> 32));
    }
    case EVR_FILL_BOOLEANS: return (double)w < fill->low * 0x1p32;
    default: return fill->low;
    }
}

static bool fill_pattern(const evr_fill *fill, uint64_t seed, uint64_t stream, int32_t dtype, char *out, size_t n)
{
    size_t item = evr_dtype_size(dtype);
    uint32_t words[4] = {0};
    for (size_t i = 0; i < n; i++) {
        if (i % 4 == 0 && fill->kind != EVR_FILL_CONSTANT)
            evr_philox(seed, stream, i / 4, words);
        if (!put(dtype, out + i * item, random_value(fill, words[i % 4])))
            return false;
    }
    return true;
}

enum { CACHED = 16 << 20 }; /* tensors beyond this do not stay in a cache anyway */

/* Copies what a cache holds to memory that it need not hold: past the caches where the processor can, which saves reading what is overwritten. */
static void copy_out(char *to, const char *from, size_t bytes)
{
#ifdef __SSE2__
    size_t head = (size_t)(-(uintptr_t)to & 63);
    if (bytes > 4096) {
        memcpy(to, from, head);
        size_t i = head;
        for (; i + 64 <= bytes; i += 64)
            for (size_t k = 0; k < 64; k += 16)
                _mm_stream_si128((__m128i *)(void *)(to + i + k), _mm_loadu_si128((const __m128i *)(const void *)(from + i + k)));
        _mm_sfence();
        memcpy(to + i, from + i, bytes - i);
        return;
    }
#endif
    memcpy(to, from, bytes);
}

/* The pattern once, then copies of it: each twice as long as the one before while all fits in a cache, then of the first alone. */
static bool fill_random(const evr_fill *fill, uint64_t seed, uint64_t stream, int32_t dtype, char *out, size_t bytes)
{
    size_t item = evr_dtype_size(dtype), n = bytes / item;
    size_t first = n < EVR_FILL_PERIOD ? n : EVR_FILL_PERIOD, period = first * item;
    if (!fill_pattern(fill, seed, stream, dtype, out, first))
        return false;
    for (size_t done = period; done < n * item;) {
        size_t most = n * item <= CACHED ? done : period, more = most < n * item - done ? most : n * item - done;
        if (n * item <= CACHED)
            memcpy(out + done, out, more);
        else
            copy_out(out + done, out, more);
        done += more;
    }
    if (bytes > n * item)
        memset(out + n * item, 0, bytes - n * item);
    return true;
}

/* A bound as a whole number, kept to what a float64 counts exactly. */
static int64_t whole(double bound)
{
    return bound >= 0x1p53 ? (int64_t)1 << 53 : bound > 0 ? (int64_t)bound : 0;
}

static int64_t common_factor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double permuted(uint64_t seed, uint64_t stream, int64_t at, int64_t count)
{
    uint32_t words[4];
    evr_philox(seed, stream, 0, words);
    int64_t step = words[0] % count;
    while (common_factor(step, count) != 1)
        step = (step + 1) % count;
    return (double)(int64_t)(((__int128)at * step + words[1]) % count);
}

/* Element number `at` of `count` in row-major order; `last` is its place in the last dimension, of `row` elements. */
static double ordered_value(const evr_fill *fill, uint64_t seed, uint64_t stream, int64_t at, int64_t count, int64_t last, int64_t row,
                            int64_t line)
{
    switch (fill->kind) {
    case EVR_FILL_STEPS: return fill->low + fill->high * (double)at;
    case EVR_FILL_OFFSETS: return row > 1 ? (double)((__int128)whole(fill->high) * last / (row - 1)) : 0;
    case EVR_FILL_SPREAD: {
        __int128 total = whole(fill->high);
        return (double)(int64_t)(total * (at + 1) / count - total * at / count);
    }
    case EVR_FILL_PERMUTATION: return permuted(seed, stream, at, fill->high >= 1 ? whole(fill->high) : count);
    case EVR_FILL_DOMINANT: {
        int64_t r = line % (row ? row : 1), low = r < last ? r : last, high = r < last ? last : r;
        uint32_t words[4];
        evr_philox(seed, stream, (uint64_t)(low * row + high), words);
        return r == last ? (double)row : 0.1 * normal(words[0]);
    }
    default: return fill->low;
    }
}

/* Tensors that show each element of their storage many times over are not worth the time: they are refused. */
static bool fill_ordered(const evr_fill *fill, uint64_t seed, uint64_t stream, const evr_tensor *t, char *out, size_t bytes)
{
    size_t item = evr_dtype_size(t->dtype);
    int64_t place[64] = {0}, count = 1, row = t->rank ? t->shape[t->rank - 1] : 1;
    for (uint32_t d = 0; d < t->rank; d++)
        if (__builtin_mul_overflow(count, t->shape[d], &count))
            return false;
    if ((uint64_t)count / 16 > bytes / item)
        return false;
    for (int64_t i = 0; i < count; i++) {
        int64_t offset = t->storage_offset;
        for (uint32_t d = 0; d < t->rank; d++)
            offset += place[d] * t->strides[d];
        int64_t last = t->rank ? place[t->rank - 1] : 0;
        if (!put(t->dtype, out + (size_t)offset * item, ordered_value(fill, seed, stream, i, count, last, row, row ? i / row : 0)))
            return false;
        for (uint32_t d = t->rank; d-- && ++place[d] == t->shape[d];)
            place[d] = 0;
    }
    return true;
}

bool evr_fill_storage(const evr_fill *fill, uint64_t seed, uint64_t stream, const evr_tensor *t, void *storage,
                      size_t bytes)
{
    if (!evr_dtype_size(t->dtype) || t->rank > 64)
        return false;
    if (fill->kind < EVR_FILL_STEPS)
        return fill_random(fill, seed, stream, t->dtype, storage, bytes);
    memset(storage, 0, bytes);
    return fill_ordered(fill, seed, stream, t, storage, bytes);
}
