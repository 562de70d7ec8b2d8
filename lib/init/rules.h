/* What the tensors of a record hold. Most operators run on any numbers; where they do not, it is because of the part a tensor
 * plays: an index into another one, a mask, offsets, a matrix to be factorised. Those parts are told by the argument's name, its element
 * type and sometimes the operator's name, from one table. */
#ifndef EVR_INIT_RULES_H
#define EVR_INIT_RULES_H

#include "init/fill.h"
#include "ir/record.h"

/* Contents of the tensor that is argument `arg`, or item `item` of its list (0 for a single tensor). */
evr_fill evr_rule_for(const evr_ir *ir, size_t arg, size_t item, const evr_tensor *tensor);

#endif
