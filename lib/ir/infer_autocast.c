/* Whether a call ran under autocast: then it calls itself with what its arguments were turned into. */
#include "ir/infer.h"

static bool is_low(int32_t dtype) { return dtype == EVR_DTYPE_FLOAT16 || dtype == EVR_DTYPE_BFLOAT16; }

/* A tensor that came in one type and went on in another, one of them float32: the low one of the two. */
static int32_t low_type(const evr_recorded *outer, const evr_recorded *inner)
{
    bool tensors = outer->seen.kind == EVR_SEEN_TENSOR && inner->seen.kind == EVR_SEEN_TENSOR && outer->shape && inner->shape;
    if (!tensors || outer->seen.rank != inner->seen.rank || memcmp(outer->shape, inner->shape, outer->seen.rank * sizeof *outer->shape) != 0)
        return EVR_DTYPE_UNKNOWN;
    if (outer->seen.dtype == EVR_DTYPE_FLOAT32 && is_low(inner->seen.dtype))
        return inner->seen.dtype;
    return inner->seen.dtype == EVR_DTYPE_FLOAT32 && is_low(outer->seen.dtype) ? outer->seen.dtype : EVR_DTYPE_UNKNOWN;
}

bool evr_infer_autocast(evr_extractor *x, evr_uid uid, int32_t *out)
{
    const uint32_t *names = evr_trace_name_ids(x->trace);
    evr_recorded_call outer, inner;
    *out = EVR_DTYPE_UNKNOWN;
    evr_uid child = evr_trace_first_child(x->trace, uid);
    while (child != EVR_NO_UID && names[child] != names[uid])
        child = evr_trace_next_sibling(x->trace, child);
    if (child == EVR_NO_UID || evr_str_ends(evr_trace_name(x->trace, names[uid]), "_")) /* copy_ and others convert by themselves */
        return true;
    evr_status status = evr_recorder_read(&x->recorder, x->trace, uid, &outer, NULL);
    if (status == EVR_OK)
        status = evr_recorder_read(&x->neighbour, x->trace, child, &inner, NULL);
    for (size_t i = 0; status == EVR_OK && i < outer.count && i < inner.count && *out == EVR_DTYPE_UNKNOWN; i++)
        *out = low_type(&outer.args[i], &inner.args[i]);
    return status != EVR_E_NOMEM; /* damaged arguments tell nothing */
}
