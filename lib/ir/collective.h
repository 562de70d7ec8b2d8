/* What a trace tells of a call that talked to other ranks. */
#ifndef EVR_IR_COLLECTIVE_H
#define EVR_IR_COLLECTIVE_H

#include "ir/extractor.h"

/* Texts are borrowed from the trace; -1 and empty texts stand for what it does not tell. */
typedef struct evr_collective {
    evr_str name;               /* "allreduce", "_allgather_base"… */
    int64_t in, out;            /* elements */
    int64_t size, start, stride; /* of the group */
    int64_t source, destination, root;
    int32_t dtype;
    evr_str group, description, ranks;
    evr_str in_split, out_split; /* "[1, 2]" */
} evr_collective;

/* Operators whose events are told apart by what they said to others, not by their arguments alone. */
bool evr_collective_op(evr_str name);

/* "nccl:all_reduce", "gloo:broadcast": what backends called their work before they told more of it. */
bool evr_collective_is_label(evr_str name);

/* Nothing told. */
void evr_collective_clear(evr_collective *c);

/* What the event or those below it say; *told is false when nothing does. EVR_OK or EVR_E_NOMEM. */
evr_status evr_collective_read(evr_extractor *x, evr_uid uid, evr_collective *out, bool *told, evr_error **err);

/* A number for all events that say the same; 0 when nothing is said. False when memory is out. */
bool evr_collective_signature(evr_extractor *x, evr_uid uid, uint32_t *out);

/* The operator that does what a collective of that name does, such as "c10d::allreduce_"; empty when none does. */
evr_str evr_collective_target(evr_str name);

/* Fills in the record what its own event did not tell: the group, tensors, the reduction. */
evr_status evr_collective_complete(evr_extractor *x, evr_ir *ir, evr_uid uid, const evr_collective *c, evr_error **err);

#endif
