/* Operator-input logs of PyTorch's benchmarks, in:
 *
 *     Operator: aten.add.Tensor
 *     cnt: 12, ((T([32, 64], f16), T([32, 64], f16)), {'alpha': 2})  # 5.25 us
 *
 * What stands behind the # is a comment to Python, and to those who read such logs with it. Here it is the time of one call, if it begins with one. */
#ifndef EVR_IR_OPLOG_H
#define EVR_IR_OPLOG_H

#include "base/buf.h"
#include "ir/literal.h"
#include "schema/catalogue.h"

typedef struct evr_logged {
    evr_str name; /* empty = by its place */
    evr_value value;
    const char *lost; /* why there is no value */
} evr_logged;

typedef struct evr_oplog {
    evr_context *ctx;
    evr_str text;
    size_t at;
    evr_literal line;
    evr_catalogue *catalogue;
    evr_buf op;       /* "aten::add" */
    evr_str overload; /* as logged */
    bool packet;      /* no overload was logged */
    bool awaiting;    /* an operator, and none of its calls yet */
    double runtime_ns; /* of the call read last; negative = not known */
    const evr_schema *const *schemas;
    size_t schema_count;
    evr_logged *args; /* of the call being read, those by place first */
    size_t count, cap, positional;
} evr_oplog;

/* Whether a text begins as a log does. */
bool evr_oplog_is(evr_str text);

/* The text outlives the reader. Close it after a failure as well. */
evr_status evr_oplog_open(evr_context *ctx, evr_oplog *log, evr_str text, evr_error **err);
void evr_oplog_close(evr_oplog *log);

/* Reads the next call into a new record, yours to free; NULL after the last. EVR_E_FORMAT, EVR_E_TRUNCATED with byte offset. */
evr_status evr_oplog_next(evr_oplog *log, evr_ir **out, evr_error **err);

#endif
