/* Which calls are no operators that can run alone, told by general form and not by lists of names. */
#ifndef EVR_IR_STATUS_H
#define EVR_IR_STATUS_H

#include <evreplay/ir.h>

#include "base/str.h"

/* Operators of the namespaces that talk to other ranks. */
bool evr_communicates(evr_str op);

/* EVR_REASON_... why an event is skipped, or EVR_REASON_NONE. `known`: a schema of that name exists. `all_args` is the event's
 * whole args text, empty if none. */
int32_t evr_skip_reason(int32_t kind, evr_str name, evr_str all_args, bool known);

#endif
