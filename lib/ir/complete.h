/* What is left to do once a record has its arguments, wherever they came from. */
#ifndef EVR_IR_COMPLETE_H
#define EVR_IR_COMPLETE_H

#include "ir/record.h"

/* as_strided reads its tensor's storage by its own sizes and strides, beyond what the tensor itself shows. */
void evr_ir_widen_storage(evr_ir *ir);

/* A record with an argument that has no value fails; `why`, or the argument's note, tells the reason. */
evr_status evr_ir_check_missing(evr_ir *ir, const char *why, evr_error **err);

#endif
