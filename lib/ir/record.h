/* A record and how it is put together. Everything in a record lives in its one arena. */
#ifndef EVR_IR_RECORD_H
#define EVR_IR_RECORD_H

#include <evreplay/ir.h>

#include "base/arena.h"
#include "base/error.h"

enum { EVR_MOST_RANKS = 1 << 20 }; /* of a group: what records may have */

struct evr_ir {
    evr_context *ctx;
    evr_arena arena;
    evr_str op, overload, schema, device, detail;
    evr_argument *args;
    size_t arg_count, arg_cap;
    evr_kernel *kernels;
    size_t kernel_count, kernel_cap;
    uint64_t count;
    evr_uid uid;
    int32_t status, reason;
    int32_t autocast; /* EVR_DTYPE_..., EVR_DTYPE_UNKNOWN = it was off */
    bool has_batch;
    evr_batch_context batch;
    bool has_group;
    evr_group group;
};

/* An empty record: count 1, no event, status ok. A record is changed only by the one who made it, before it is handed out. */
evr_status evr_ir_new(evr_context *ctx, evr_ir **out, evr_error **err);

/* Copies a text into the record; false when memory is out. */
bool evr_ir_text(evr_ir *ir, evr_str from, evr_str *to);

/* A new last argument, zeroed but for struct_size and empty texts; NULL when memory is out. Pointers to earlier ones are void then. */
evr_argument *evr_ir_add_argument(evr_ir *ir);
evr_kernel *evr_ir_add_kernel(evr_ir *ir);

/* The argument of that name, NULL when there is none. */
evr_argument *evr_ir_named(const evr_ir *ir, const char *name);

/* A tensor in the record: all that `from` points to is copied. NULL when memory is out. */
evr_tensor *evr_ir_add_tensor(evr_ir *ir, const evr_tensor *from);

/* Room for the items of a list, all EVR_VALUE_NONE. NULL when memory is out. */
evr_value *evr_ir_add_items(evr_ir *ir, size_t count);

/* Copies a value and all below it into the record. */
evr_status evr_ir_copy_value(evr_ir *ir, const evr_value *from, evr_value *to, evr_error **err);

/* Copies a group into the record. */
evr_status evr_ir_set_group(evr_ir *ir, const evr_group *group, evr_error **err);

/* Sets the outcome; the detail is formatted. */
evr_status evr_ir_set_outcome(evr_ir *ir, int32_t status, int32_t reason, evr_error **err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Elements from the start of the storage that shape, strides and offset reach; false when that overflows or is negative. */
bool evr_tensor_extent(const evr_tensor *t, int64_t *elements);

/* dtype.c: as operator-input logs spell it, such as "bf16"; NULL for those that they have no letters for. */
const char *evr_dtype_brief(int32_t dtype);

/* integers, but not bool. */
bool evr_dtype_is_whole(int32_t dtype);

/* Strides of a contiguous tensor of that shape. */
void evr_contiguous_strides(const int64_t *shape, uint32_t rank, int64_t *strides);

#endif
