/* Recorded text into values, by what the schema says the argument is. */
#ifndef EVR_IR_VALUES_H
#define EVR_IR_VALUES_H

#include "ir/record.h"
#include "ir/recorded.h"

/* Fills a->value, provenance and note. What cannot be known is EVR_VALUE_MISSING with a note, and no failure. `recorded` is NULL
 * for a parameter beyond those recorded. `values`: the trace records values, so an empty one means None or a dropped kind. */
evr_status evr_argument_fill(evr_ir *ir, evr_argument *a, const evr_param *param, const evr_recorded *recorded, bool values,
                             evr_error **err);

/* Without a schema: type and value as they look. */
evr_status evr_argument_guess(evr_ir *ir, evr_argument *a, const evr_recorded *recorded, evr_error **err);

/* Element types of list tensors that were not recorded: asks for one element; returns EVR_DTYPE_UNKNOWN or a type, and the rule's name. */
typedef int32_t (*evr_infer_fn)(void *user, const evr_argument *argument, const evr_recorded *item, const char **rule);
evr_status evr_argument_infer(evr_ir *ir, evr_argument *a, const evr_recorded *recorded, evr_infer_fn infer, void *user,
                              evr_error **err);

#endif
