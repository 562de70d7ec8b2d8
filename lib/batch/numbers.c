#include "batch/numbers.h"

#include <math.h>
#include <string.h>

/* A float of e exponent and m mantissa bits. `finite`: all ones in the exponent are ordinary numbers, but for `nan`. */
static double narrow(uint32_t bits, int e, int m, int bias, bool finite, uint32_t nan)
{
    uint32_t sign = bits >> (e + m) & 1, exponent = bits >> m & ((1u << e) - 1), mantissa = bits & ((1u << m) - 1);
    if (finite ? bits == nan || (bits & ((1u << (e + m)) - 1)) == nan : exponent == (1u << e) - 1)
        return finite || mantissa ? NAN : sign ? -INFINITY : INFINITY;
    double value = exponent ? ldexp(1 + ldexp(mantissa, -m), (int)exponent - bias) : ldexp(mantissa, 1 - bias - m);
    return sign ? -value : value;
}

static double half(const void *at)
{
    uint16_t bits;
    memcpy(&bits, at, 2);
    return narrow(bits, 5, 10, 15, false, 0);
}

static double single(const void *at)
{
    float value;
    memcpy(&value, at, 4);
    return value;
}

static double brain(const void *at)
{
    uint16_t bits;
    memcpy(&bits, at, 2);
    uint32_t wide = (uint32_t)bits << 16;
    return single(&wide);
}

#define WHOLE(type)                                                                                                                    \
    {                                                                                                                                  \
        type value;                                                                                                                    \
        memcpy(&value, at, sizeof value);                                                                                              \
        out[0] = (double)value;                                                                                                        \
        return;                                                                                                                        \
    }

void evr_number_read(int32_t dtype, const void *at, double out[2])
{
    const uint8_t byte = *(const uint8_t *)at;
    out[0] = out[1] = 0;
    switch (dtype) {
    case EVR_DTYPE_FLOAT64: memcpy(out, at, 8); return;
    case EVR_DTYPE_FLOAT32: out[0] = single(at); return;
    case EVR_DTYPE_FLOAT16: out[0] = half(at); return;
    case EVR_DTYPE_BFLOAT16: out[0] = brain(at); return;
    case EVR_DTYPE_FLOAT8_E5M2: out[0] = narrow(byte, 5, 2, 15, false, 0); return;
    case EVR_DTYPE_FLOAT8_E4M3FN: out[0] = narrow(byte, 4, 3, 7, true, 0x7F); return;
    case EVR_DTYPE_FLOAT8_E5M2FNUZ: out[0] = byte == 0x80 ? NAN : narrow(byte, 5, 2, 16, true, 0x80); return;
    case EVR_DTYPE_FLOAT8_E4M3FNUZ: out[0] = byte == 0x80 ? NAN : narrow(byte, 4, 3, 8, true, 0x80); return;
    case EVR_DTYPE_COMPLEX128: memcpy(out, at, 16); return;
    case EVR_DTYPE_COMPLEX64:
        out[0] = single(at);
        out[1] = single((const char *)at + 4);
        return;
    case EVR_DTYPE_COMPLEX32:
        out[0] = half(at);
        out[1] = half((const char *)at + 2);
        return;
    case EVR_DTYPE_BOOL: out[0] = byte != 0; return;
    case EVR_DTYPE_UINT8: WHOLE(uint8_t)
    case EVR_DTYPE_INT8: WHOLE(int8_t)
    case EVR_DTYPE_INT16: WHOLE(int16_t)
    case EVR_DTYPE_INT32: WHOLE(int32_t)
    case EVR_DTYPE_INT64: WHOLE(int64_t)
    case EVR_DTYPE_UINT16: WHOLE(uint16_t)
    case EVR_DTYPE_UINT32: WHOLE(uint32_t)
    case EVR_DTYPE_UINT64: WHOLE(uint64_t)
    default: return;
    }
}

/* What is known of each type; digits: of the mantissa, which tell what a computation can be held to. */
static const struct {
    int32_t dtype, precise;
    int parts, digits;
} types[] = {
    {EVR_DTYPE_FLOAT64, EVR_DTYPE_FLOAT64, 1, 52},        {EVR_DTYPE_FLOAT32, EVR_DTYPE_FLOAT64, 1, 23},
    {EVR_DTYPE_FLOAT16, EVR_DTYPE_FLOAT64, 1, 10},        {EVR_DTYPE_BFLOAT16, EVR_DTYPE_FLOAT64, 1, 7},
    {EVR_DTYPE_FLOAT8_E5M2, EVR_DTYPE_FLOAT64, 1, 2},     {EVR_DTYPE_FLOAT8_E4M3FN, EVR_DTYPE_FLOAT64, 1, 3},
    {EVR_DTYPE_FLOAT8_E5M2FNUZ, EVR_DTYPE_FLOAT64, 1, 2}, {EVR_DTYPE_FLOAT8_E4M3FNUZ, EVR_DTYPE_FLOAT64, 1, 3},
    {EVR_DTYPE_COMPLEX128, EVR_DTYPE_COMPLEX128, 2, 52},  {EVR_DTYPE_COMPLEX64, EVR_DTYPE_COMPLEX128, 2, 23},
    {EVR_DTYPE_COMPLEX32, EVR_DTYPE_COMPLEX128, 2, 10},   {EVR_DTYPE_BOOL, EVR_DTYPE_BOOL, 1, 0},
    {EVR_DTYPE_UINT8, EVR_DTYPE_UINT8, 1, 0},             {EVR_DTYPE_INT8, EVR_DTYPE_INT8, 1, 0},
    {EVR_DTYPE_INT16, EVR_DTYPE_INT16, 1, 0},             {EVR_DTYPE_INT32, EVR_DTYPE_INT32, 1, 0},
    {EVR_DTYPE_INT64, EVR_DTYPE_INT64, 1, 0},             {EVR_DTYPE_UINT16, EVR_DTYPE_UINT16, 1, 0},
    {EVR_DTYPE_UINT32, EVR_DTYPE_UINT32, 1, 0},           {EVR_DTYPE_UINT64, EVR_DTYPE_UINT64, 1, 0},
};

static size_t find(int32_t dtype)
{
    size_t i = 0;
    while (i < sizeof types / sizeof *types && types[i].dtype != dtype)
        i++;
    return i;
}

int evr_number_parts(int32_t dtype)
{
    size_t i = find(dtype);
    return i < sizeof types / sizeof *types ? types[i].parts : 0;
}

bool evr_number_may_be_odd(int32_t dtype)
{
    size_t i = find(dtype);
    return i < sizeof types / sizeof *types && types[i].digits > 0;
}

int32_t evr_number_precise(int32_t dtype)
{
    size_t i = find(dtype);
    return i < sizeof types / sizeof *types ? types[i].precise : dtype;
}

void evr_number_tolerance(int32_t dtype, double *relative, double *absolute)
{
    size_t i = find(dtype);
    int digits = i < sizeof types / sizeof *types ? types[i].digits : 0;
    if (!digits) {
        *relative = *absolute = 0;
        return;
    }
    double step = ldexp(1, -digits);
    *relative = digits > 23 ? 64 * step : digits > 10 ? 16 * step * 8 : 4 * step; /* sums lose more of many digits than of few */
    *absolute = *relative / 4;
}
