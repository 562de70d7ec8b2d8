/* What the tensors of a record will hold, said so that another program can make the same bits. */
#ifndef EVR_ARTIFACT_FILLS_H
#define EVR_ARTIFACT_FILLS_H

#include "base/json_write.h"
#include "ir/record.h"

/* One item for each tensor, in the order of arguments and of items in their lists: "normal", or ["integers", low, high]. */
void evr_fills_write(evr_json_writer *w, const evr_ir *ir);

/* 32 hexadecimal digits made of all tensors, docs/artifacts.md; empty when they are not all counted from the table, or too large to be made here. */
evr_status evr_fills_digest(evr_context *ctx, const evr_ir *ir, uint64_t seed, char out[33], evr_error **err);

/* Name of the initializer that has its say after the table; empty for none. */
evr_str evr_fills_initializer(evr_context *ctx, const evr_ir *ir);

#endif
