/* What profilers did not write down, from what stands around a call: operators below it, beside it and above it. */
#ifndef EVR_IR_INFER_H
#define EVR_IR_INFER_H

#include "ir/extractor.h"

/* infer.c: the element type of a list's tensor; an evr_infer_fn on evr_surroundings. */
typedef struct evr_surroundings {
    evr_extractor *x;
    evr_uid uid;
    const evr_recorded_call *call;
    bool starved; /* memory was out while a neighbour was read */
} evr_surroundings;

int32_t evr_infer_dtype(void *surroundings, const evr_argument *a, const evr_recorded *item, const char **rule);

/* infer_autocast.c: the element type that autocast turned arguments into; EVR_DTYPE_UNKNOWN where it was off. False: memory is out. */
bool evr_infer_autocast(evr_extractor *x, evr_uid uid, int32_t *out);

/* infer_values.c: values for arguments that have none, where the shapes of others, or events around the call, tell them, and for
 * numbers that change what comes out but not the work. What nothing tells stays without one. Uses the extractor's recorders. */
evr_status evr_infer_values(evr_extractor *x, evr_ir *ir, const evr_schema *schema, evr_error **err);

/* infer_view.c: sizes, strides and offset of as_strided, by the operator around it, when that is a view whose own arguments are known. */
evr_status evr_infer_strided(evr_extractor *x, evr_ir *ir, evr_error **err);

/* infer_index.c: the list of optional tensors of aten::index and its kin; whether an operator is one of them; and a number that is
 * equal for calls with equal indices, 0 when nothing tells them (false: memory is out). */
evr_status evr_infer_indices(evr_extractor *x, evr_ir *ir, evr_argument *a, evr_error **err);
bool evr_infer_takes_indices(evr_str op);
bool evr_infer_indices_hash(evr_extractor *x, evr_uid uid, uint64_t *out);

#endif
