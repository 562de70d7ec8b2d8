/* The batch a call ran in. */
#ifndef EVR_IR_BATCH_H
#define EVR_IR_BATCH_H

#include "ir/record.h"

/* Takes the batch from the innermost annotation around an event that tells one. */
void evr_event_batch(const evr_trace *trace, evr_uid uid, evr_ir *ir);

#endif
