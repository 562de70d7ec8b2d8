/* Element types and every spelling of them that profilers, PyTorch and operator logs use. */
#include "ir/record.h"

static const struct {
    int32_t dtype;
    uint8_t size;
    const char *name;        /* as PyTorch prints it */
    const char *spellings[10]; /* others, without a namespace in front */
} dtypes[] = {
    {EVR_DTYPE_FLOAT32, 4, "float32", {"float", "Float", "f32"}},
    {EVR_DTYPE_BFLOAT16, 2, "bfloat16", {"BFloat16", "bf16"}},
    {EVR_DTYPE_FLOAT16, 2, "float16", {"half", "Half", "f16"}},
    {EVR_DTYPE_INT64, 8, "int64", {"long int", "long", "Long", "i64", "long long", "long long int", "int64_t"}},
    {EVR_DTYPE_INT32, 4, "int32", {"int", "Int", "i32", "int32_t"}},
    {EVR_DTYPE_BOOL, 1, "bool", {"Bool", "b8"}},
    {EVR_DTYPE_FLOAT64, 8, "float64", {"double", "Double", "f64"}},
    {EVR_DTYPE_UINT8, 1, "uint8", {"unsigned char", "Byte", "u8", "uint8_t"}},
    {EVR_DTYPE_INT8, 1, "int8", {"signed char", "char", "Char", "i8", "int8_t"}},
    {EVR_DTYPE_INT16, 2, "int16", {"short int", "short", "Short", "i16", "int16_t"}},
    {EVR_DTYPE_UINT16, 2, "uint16", {"unsigned short", "short unsigned int", "UInt16", "u16", "uint16_t"}},
    {EVR_DTYPE_UINT32, 4, "uint32", {"unsigned int", "UInt32", "u32", "uint32_t"}},
    {EVR_DTYPE_UINT64, 8, "uint64", {"unsigned long", "long unsigned int", "UInt64", "u64", "uint64_t"}},
    {EVR_DTYPE_COMPLEX32, 4, "complex32", {"ComplexHalf", "complex<Half>", "complex<c10::Half>", "chalf", "c32"}},
    {EVR_DTYPE_COMPLEX64, 8, "complex64", {"ComplexFloat", "complex<float>", "cfloat", "c64"}},
    {EVR_DTYPE_COMPLEX128, 16, "complex128", {"ComplexDouble", "complex<double>", "cdouble", "c128"}},
    {EVR_DTYPE_FLOAT8_E4M3FN, 1, "float8_e4m3fn", {"Float8_e4m3fn", "f8e4m3fn"}},
    {EVR_DTYPE_FLOAT8_E4M3FNUZ, 1, "float8_e4m3fnuz", {"Float8_e4m3fnuz", "f8e4m3fnuz"}},
    {EVR_DTYPE_FLOAT8_E5M2, 1, "float8_e5m2", {"Float8_e5m2", "f8e5m2"}},
    {EVR_DTYPE_FLOAT8_E5M2FNUZ, 1, "float8_e5m2fnuz", {"Float8_e5m2fnuz", "f8e5m2fnuz"}},
    {EVR_DTYPE_FLOAT8_E8M0FNU, 1, "float8_e8m0fnu", {"Float8_e8m0fnu", "f8e8m0fnu"}},
    {EVR_DTYPE_FLOAT4_E2M1FN_X2, 1, "float4_e2m1fn_x2", {"Float4_e2m1fn_x2", "f4e2m1fnx2"}},
    {EVR_DTYPE_QINT8, 1, "qint8", {"QInt8"}},
    {EVR_DTYPE_QUINT8, 1, "quint8", {"QUInt8"}},
    {EVR_DTYPE_QINT32, 4, "qint32", {"QInt32"}},
};

enum { DTYPES = sizeof dtypes / sizeof *dtypes };

const char *evr_dtype_name(int32_t dtype)
{
    for (size_t i = 0; i < DTYPES; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].name;
    return "";
}

/* A letter or two and the number of bits; b8 is bool. */
const char *evr_dtype_brief(int32_t dtype)
{
    for (size_t i = 0; i < DTYPES; i++)
        for (size_t k = 0; dtypes[i].dtype == dtype && k < 10 && dtypes[i].spellings[k]; k++) {
            const char *s = dtypes[i].spellings[k], *digits = s + strcspn(s, "0123456789");
            if (digits > s && digits <= s + 2 && strlen(s) <= 4 && strspn(digits, "0123456789") == strlen(digits))
                return s;
        }
    return NULL;
}

size_t evr_dtype_size(int32_t dtype)
{
    for (size_t i = 0; i < DTYPES; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].size;
    return 0;
}

int32_t evr_dtype_parse(evr_str text)
{
    static const char *const spaces[] = {"torch.", "c10::", "at::", "std::"};
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        if (evr_str_starts(text, spaces[i]))
            text = evr_str_sub(text, strlen(spaces[i]), text.len);
    for (size_t i = 0; i < DTYPES; i++) {
        if (evr_str_is(text, dtypes[i].name))
            return dtypes[i].dtype;
        for (size_t k = 0; k < 10 && dtypes[i].spellings[k]; k++)
            if (evr_str_is(text, dtypes[i].spellings[k]))
                return dtypes[i].dtype;
    }
    return EVR_DTYPE_UNKNOWN;
}

bool evr_dtype_is_whole(int32_t dtype)
{
    switch (dtype) {
    case EVR_DTYPE_UINT8:
    case EVR_DTYPE_INT8:
    case EVR_DTYPE_INT16:
    case EVR_DTYPE_INT32:
    case EVR_DTYPE_INT64:
    case EVR_DTYPE_UINT16:
    case EVR_DTYPE_UINT32:
    case EVR_DTYPE_UINT64: return true;
    default: return false;
    }
}
