/* One record set up to run: its tensors live, its call in place. */
#ifndef EVR_REPLAY_REPLAYER_H
#define EVR_REPLAY_REPLAYER_H

#include "ir/record.h"
#include "replay/resolve.h"
#include "schema/schema.h"

#include <evreplay/init.h>

struct evr_replayer {
    evr_runtime *runtime;
    const evr_ir *ir;
    evr_arena arena;
    evr_resolved found;
    const evr_schema *schema; /* NULL for a callable of the host */
    evr_bridge_op *op;        /* likewise */
    evr_value *values;        /* one for each parameter of the schema; one for each argument of the record without one */
    size_t value_count;
    evr_bridge_tensor **tensors;
    size_t tensor_count, tensor_cap;
    evr_bridge_call *call;
    evr_str *warnings;
    size_t warning_count, warning_cap;
    evr_str initializer; /* the one that had its say */
    uint64_t bytes;
    uint32_t flags;
    bool ready;  /* set up */
    bool failed; /* a lazy set-up did not succeed */
};

static inline const evr_bridge *evr_bridge_of(const evr_replayer *r)
{
    return &r->runtime->bridge->fn;
}

/* Index of a parameter's argument in the record, and the other way round; SIZE_MAX when there is none. */
size_t evr_replayer_arg_of(const evr_replayer *r, size_t param);
size_t evr_replayer_param_of(const evr_replayer *r, size_t arg);

/* Notes what whoever reads the result should know. Said twice it is kept once. */
evr_status evr_replayer_warn(evr_replayer *r, evr_error **err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A copy of a value without tensors, in the replayer's memory. */
evr_status evr_replayer_copy_plain(evr_replayer *r, const evr_value *from, evr_value *to, evr_error **err);

/* view.c: asks the initializers; what they fail at becomes a warning. */
evr_status evr_replayer_initialize(evr_replayer *r, evr_error **err);

/* symmetric.c: moves arguments that were named into symmetric memory; what cannot be moved becomes a warning. */
evr_status evr_replayer_realise_symmetric(evr_replayer *r, evr_error **err);

#endif
