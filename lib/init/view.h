/* What the built-in initializers ask of a record: arguments by the first of several names. */
#ifndef EVR_INIT_VIEW_H
#define EVR_INIT_VIEW_H

#include <evreplay/init.h>

#include <stdbool.h>

/* The record's tensor or number by the first of these names (ended by NULL) that it has; false when there is none. */
bool evr_ir_tensor_named(const evr_ir *ir, const char *const *names, const evr_tensor **out);
bool evr_ir_number_named(const evr_ir *ir, const char *const *names, int64_t *out);

/* The same with the argument's index and only tensors of whole numbers; *arg is SIZE_MAX when there is none. */
const evr_tensor *evr_ir_whole_named(const evr_ir *ir, const char *const *names, size_t *arg);

int64_t evr_tensor_numel(const evr_tensor *t);

#endif
