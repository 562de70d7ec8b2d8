/* What is left to do once a record has its arguments, wherever they came from. */
#ifndef EVR_IR_COMPLETE_H
#define EVR_IR_COMPLETE_H

#include "ir/record.h"

/* Storages by the sizes and strides they are read with, which stand in arguments of their own: as_strided reads its tensor's beyond
 * what the tensor itself shows, and set_ is given one, of which profilers write nothing. It is described as a tensor of one
 * dimension. */
evr_status evr_ir_complete_storage(evr_ir *ir, evr_error **err);

/* A record with an argument that has no value fails; `why`, or the argument's note, tells the reason. */
evr_status evr_ir_check_missing(evr_ir *ir, const char *why, evr_error **err);

#endif
