/* TraceLens' event-replay IR, out. Reading it is part of json_read.c. */
#ifndef EVR_IR_TRACELENS_H
#define EVR_IR_TRACELENS_H

#include "base/json_write.h"
#include "ir/record.h"

/* One record as an object: op_name and replay_ir, and uid and count, which that tool passes over. */
void evr_tracelens_write(evr_json_writer *w, const evr_ir *ir);

#endif
