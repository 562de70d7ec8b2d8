/* The key of a record: half a SHA-256 over bytes that say operator, overload and arguments in exactly one way. docs/ir-format.md describes them for
 * other implementations; a change here is a change of every key that was ever stored, so there is none. */
#include <evreplay/report.h>

#include "base/sha256.h"
#include "ir/record.h"

#include <math.h>
#include <stdio.h>

enum { DEPTH = 64 };

static void add_number(evr_sha256 *h, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    evr_sha256_add(h, bytes, sizeof bytes);
}

static void add_text(evr_sha256 *h, evr_str s)
{
    add_number(h, s.len);
    evr_sha256_add(h, s.data, s.len);
}

static void add_float(evr_sha256 *h, double value)
{
    uint64_t bits = 0x7ff8000000000000u; /* one NaN for all */
    if (!isnan(value))
        memcpy(&bits, &value, sizeof bits);
    add_number(h, bits);
}

/* The name, or where there is none the number, or where that is unknown the recorder's spelling. */
static void add_dtype(evr_sha256 *h, int64_t dtype, evr_str spelled)
{
    char number[24];
    const char *name = dtype >= INT32_MIN && dtype <= INT32_MAX ? evr_dtype_name((int32_t)dtype) : "";
    if (name[0])
        spelled = evr_str_c(name);
    else if (dtype != EVR_DTYPE_UNKNOWN) {
        snprintf(number, sizeof number, "%lld", (long long)dtype);
        spelled = evr_str_c(number);
    }
    add_text(h, spelled);
}

/* Where a tensor was, who said so and what it held are left out. A storage counts only when it is larger than what the tensor reaches. */
static void add_tensor(evr_sha256 *h, const evr_tensor *t)
{
    int64_t reached;
    add_dtype(h, t->dtype, t->dtype_text);
    add_number(h, t->rank);
    for (uint32_t i = 0; i < t->rank; i++)
        add_number(h, (uint64_t)t->shape[i]);
    for (uint32_t i = 0; i < t->rank; i++)
        add_number(h, (uint64_t)t->strides[i]);
    add_number(h, (uint64_t)t->storage_offset);
    bool more = evr_tensor_extent(t, &reached) && t->storage_elements > reached;
    add_number(h, more ? (uint64_t)t->storage_elements : 0);
}

static void add_value(evr_sha256 *h, const evr_value *v, int depth)
{
    static const char tags[] = "?nbifcsdlDmgtL?"; /* by EVR_VALUE_... */
    _Static_assert(sizeof tags == EVR_VALUE_HANDLE + 2, "a tag for every kind");
    uint32_t kind = v->kind < EVR_VALUE_HANDLE && depth < DEPTH ? v->kind : EVR_VALUE_MISSING;
    evr_sha256_add(h, &tags[kind], 1);
    switch (kind) {
    case EVR_VALUE_BOOL: add_number(h, v->u.i != 0); break;
    case EVR_VALUE_INT:
    case EVR_VALUE_LAYOUT:
    case EVR_VALUE_MEMORY_FORMAT: add_number(h, (uint64_t)v->u.i); break;
    case EVR_VALUE_FLOAT: add_float(h, v->u.f); break;
    case EVR_VALUE_COMPLEX:
        add_float(h, v->u.c.re);
        add_float(h, v->u.c.im);
        break;
    case EVR_VALUE_STR: add_text(h, v->u.s); break;
    case EVR_VALUE_DTYPE: add_dtype(h, v->u.i, (evr_str){"", 0}); break;
    case EVR_VALUE_DEVICE: add_text(h, evr_str_sub(v->u.s, 0, evr_str_find(v->u.s, ':', 0))); break; /* its kind, not which one of them */
    case EVR_VALUE_TENSOR: add_tensor(h, v->u.tensor); break;
    case EVR_VALUE_LIST:
        add_number(h, v->u.list.len);
        for (size_t i = 0; i < v->u.list.len; i++)
            add_value(h, &v->u.list.items[i], depth + 1);
        break;
    default: break; /* missing, None, and generators, whose seed is the run's: the tag says all */
    }
}

evr_status evr_ir_key(const evr_ir *ir, char out[33], evr_error **err)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[32];
    evr_sha256 h;
    if (err)
        *err = NULL;
    if (!ir || !out)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_ir_key: a record and a place for its key are needed");
    evr_sha256_init(&h);
    evr_sha256_add(&h, "evreplay-key/1\n", 15);
    add_text(&h, ir->op);
    add_text(&h, ir->overload);
    add_number(&h, ir->arg_count);
    for (size_t i = 0; i < ir->arg_count; i++)
        add_value(&h, &ir->args[i].value, 0);
    if (ir->autocast != EVR_DTYPE_UNKNOWN) {
        add_text(&h, EVR_STR_LITERAL("autocast"));
        add_dtype(&h, ir->autocast, (evr_str){"", 0});
    }
    evr_sha256_end(&h, digest);
    for (int i = 0; i < 16; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[32] = 0;
    return EVR_OK;
}
