#include "batch/outputs.h"

#include "base/context.h"
#include "base/error.h"
#include "base/hash.h"

evr_status evr_see_value(evr_context *ctx, evr_replayer *r, const evr_value *v, evr_see_fn see, void *user, evr_error **err)
{
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        EVR_TRY(evr_see_value(ctx, r, &v->u.list.items[i], see, user, err));
    evr_tensor t = {.struct_size = sizeof t};
    if (v->kind != EVR_VALUE_HANDLE)
        return EVR_OK;
    EVR_TRY(evr_replayer_describe(r, v, &t, err));
    size_t bytes = (size_t)t.storage_elements * evr_dtype_size(t.dtype);
    if (!bytes)
        return EVR_OK;
    void *storage = evr_alloc(ctx, bytes);
    if (!storage)
        return evr_fail_nomem(err);
    evr_status status = evr_replayer_read(r, v, 0, storage, bytes, err);
    if (status == EVR_OK && see(user, &t, storage, bytes))
        status = EVR_E_CANCELLED;
    evr_release(ctx, storage, bytes);
    return status;
}

evr_status evr_see_results(evr_context *ctx, evr_replayer *r, evr_see_fn see, void *user, evr_error **err)
{
    evr_status status = EVR_OK;
    for (size_t i = 0; i < evr_replayer_result_count(r) && status == EVR_OK; i++) {
        evr_value v;
        status = evr_replayer_result(r, i, &v, err);
        if (status == EVR_OK)
            status = evr_see_value(ctx, r, &v, see, user, err);
    }
    return status == EVR_E_CANCELLED ? EVR_OK : status;
}

uint64_t evr_bytes_digest(uint64_t digest, const void *bytes, size_t size) { return evr_hash_mix(digest ^ UINT64_C(0x9E3779B97F4A7C15), evr_hash(bytes, size)); }

void evr_each_element(const evr_tensor *t, const void *storage, size_t bytes, evr_element_fn see, void *user)
{
    int64_t at[64] = {0}, offset = t->storage_offset, count = 1;
    size_t size = evr_dtype_size(t->dtype);
    for (uint32_t d = 0; d < t->rank; d++)
        count *= t->shape[d];
    for (int64_t i = 0; i < count && t->rank <= 64; i++) {
        if (offset >= 0 && (uint64_t)offset < bytes / size && see(user, (const char *)storage + (size_t)offset * size))
            return;
        for (uint32_t d = t->rank; d-- > 0;) {
            offset += t->strides[d];
            if (++at[d] < t->shape[d])
                break;
            offset -= t->strides[d] * t->shape[d];
            at[d] = 0;
        }
    }
}

/* Row-major without gaps: its elements are one stretch of the storage. */
static bool is_dense(const evr_tensor *t, int64_t *count)
{
    *count = 1;
    for (uint32_t d = t->rank; d-- > 0;) {
        if (t->shape[d] != 1 && t->strides[d] != *count)
            return false;
        *count *= t->shape[d];
    }
    return true;
}

typedef struct hashing {
    uint64_t digest;
    size_t size;
} hashing;

static int32_t hash_element(void *user, const void *element)
{
    hashing *h = user;
    h->digest = evr_bytes_digest(h->digest, element, h->size);
    return 0;
}

static int32_t see_digest(void *user, const evr_tensor *t, const void *storage, size_t bytes)
{
    uint64_t *digest = user;
    hashing h = {evr_bytes_digest(*digest, t->shape, t->rank * sizeof *t->shape), evr_dtype_size(t->dtype)};
    int64_t count;
    if (is_dense(t, &count) && t->storage_offset >= 0 && (uint64_t)(t->storage_offset + count) <= bytes / h.size)
        h.digest = evr_bytes_digest(h.digest, (const char *)storage + (size_t)t->storage_offset * h.size, (size_t)count * h.size);
    else
        evr_each_element(t, storage, bytes, hash_element, &h);
    *digest = h.digest;
    return 0;
}

evr_status evr_results_digest(evr_context *ctx, evr_replayer *r, uint64_t *out, evr_error **err)
{
    *out = 1;
    return evr_see_results(ctx, r, see_digest, out, err);
}
