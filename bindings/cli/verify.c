#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Calls `see` with the bytes of every tensor among the results, lists included. */
typedef void (*see_fn)(void *user, const evr_tensor *what, const unsigned char *bytes, size_t size);

static void walk_value(evr_replayer *r, const evr_value *v, see_fn see, void *user)
{
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        walk_value(r, &v->u.list.items[i], see, user);
    evr_tensor t = {.struct_size = sizeof t};
    if (v->kind != EVR_VALUE_HANDLE || evr_replayer_describe(r, v, &t, NULL) != EVR_OK)
        return;
    size_t size = (size_t)t.storage_elements * evr_dtype_size(t.dtype);
    unsigned char *bytes = size ? malloc(size) : NULL;
    if (bytes && evr_replayer_read(r, v, 0, bytes, size, NULL) == EVR_OK)
        see(user, &t, bytes, size);
    free(bytes);
}

static void walk(evr_replayer *r, see_fn see, void *user)
{
    for (size_t i = 0; i < evr_replayer_result_count(r); i++) {
        evr_value v;
        if (evr_replayer_result(r, i, &v, NULL) == EVR_OK)
            walk_value(r, &v, see, user);
    }
}

/* Exponents of all ones mean NaN or infinity; where they lie differs from type to type. */
static void see_finite(void *user, const evr_tensor *t, const unsigned char *bytes, size_t size)
{
    bool *finite = user;
    size_t item = evr_dtype_size(t->dtype);
    for (size_t at = 0; at + item <= size; at += item) {
        uint64_t bits = 0;
        memcpy(&bits, bytes + at, item < 8 ? item : 8);
        switch (t->dtype) {
        case EVR_DTYPE_FLOAT32:
        case EVR_DTYPE_COMPLEX64: *finite &= (bits & 0x7F800000u) != 0x7F800000u; break;
        case EVR_DTYPE_FLOAT64: *finite &= (bits >> 52 & 0x7FF) != 0x7FF; break;
        case EVR_DTYPE_FLOAT16: *finite &= (bits & 0x7C00) != 0x7C00; break;
        case EVR_DTYPE_BFLOAT16: *finite &= (bits & 0x7F80) != 0x7F80; break;
        case EVR_DTYPE_FLOAT8_E5M2: *finite &= (bits & 0x7C) != 0x7C; break;
        case EVR_DTYPE_FLOAT8_E4M3FN: *finite &= (bits & 0x7F) != 0x7F; break;
        case EVR_DTYPE_FLOAT8_E4M3FNUZ:
        case EVR_DTYPE_FLOAT8_E5M2FNUZ: *finite &= bits != 0x80; break;
        default: return;
        }
    }
}

bool verify_finite(evr_replayer *r)
{
    bool finite = true;
    walk(r, see_finite, &finite);
    return finite;
}

static void see_digest(void *user, const evr_tensor *t, const unsigned char *bytes, size_t size)
{
    uint64_t *digest = user;
    (void)t;
    for (size_t i = 0; i < size; i++)
        *digest = (*digest ^ bytes[i]) * 0x100000001B3u;
}

uint64_t verify_digest(evr_replayer *r)
{
    uint64_t digest = 0xCBF29CE484222325u;
    walk(r, see_digest, &digest);
    return digest;
}
