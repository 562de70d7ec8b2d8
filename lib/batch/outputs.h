/* Bytes of the tensors a replayer holds. */
#ifndef EVR_BATCH_OUTPUTS_H
#define EVR_BATCH_OUTPUTS_H

#include <evreplay/replay.h>

/* Sees a tensor's whole storage. Nonzero stops the walk. */
typedef int32_t (*evr_see_fn)(void *user, const evr_tensor *what, const void *storage, size_t bytes);

/* Every tensor of a value, lists included. */
evr_status evr_see_value(evr_context *ctx, evr_replayer *r, const evr_value *v, evr_see_fn see, void *user, evr_error **err);

/* Every tensor among the results of the last run. */
evr_status evr_see_results(evr_context *ctx, evr_replayer *r, evr_see_fn see, void *user, evr_error **err);

/* Visits the elements a tensor shows of its storage, in row-major order; nonzero from `see` stops. Elements that lie outside the storage are not visited. */
typedef int32_t (*evr_element_fn)(void *user, const void *element);
void evr_each_element(const evr_tensor *t, const void *storage, size_t bytes, evr_element_fn see, void *user);

/* A number made of all bits that the results show. */
evr_status evr_results_digest(evr_context *ctx, evr_replayer *r, uint64_t *out, evr_error **err);

/* A digest of bytes that goes on from `digest`. */
uint64_t evr_bytes_digest(uint64_t digest, const void *bytes, size_t size);

#endif
