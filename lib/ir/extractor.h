/* The inside of an extractor: what it learnt of operators, and memory that is used again for every record. */
#ifndef EVR_IR_EXTRACTOR_H
#define EVR_IR_EXTRACTOR_H

#include "ir/record.h"
#include "ir/recorded.h"
#include "ir/traced_schema.h"
#include "base/intern.h"
#include "schema/catalogue.h"

/* What is known of one operator name. */
typedef struct operator_info {
    const evr_schema *const *schemas;
    size_t count;
    bool asked;
} operator_info;

struct evr_extractor {
    evr_context *ctx;
    const evr_trace *trace;
    evr_catalogue *catalogue;
    evr_schema_source source; /* asked before the catalogue; NULL = none */
    void *source_user;
    evr_recorder recorder;
    evr_recorder neighbour; /* for what events around one record */
    evr_traced traced; /* schemas of execution traces */
    operator_info *operators; /* by name id */
    size_t operator_count;
    bool asked; /* for any operator */
    evr_intern collectives; /* what events said to other ranks: part of what makes calls alike */
    evr_call *calls;
    uint64_t *keys; /* of the calls */
    size_t call_count, call_cap, key_cap;
    bool judged; /* the calls have their status */
    uint32_t *slots; /* call + 1, by hash of name and signature */
    size_t slot_count;
    uint32_t *members;      /* uids of operator events, call by call */
    uint32_t *member_start; /* call_count + 1 */
    size_t member_count;
};

/* What is known of the operator of an event. */
evr_status evr_extractor_operator(evr_extractor *x, evr_uid uid, const operator_info **out, evr_error **err);

/* What is known of an operator by its name, which the trace need not have. */
evr_status evr_extractor_named(evr_extractor *x, evr_str name, const evr_schema *const **schemas, size_t *count, evr_error **err);

/* from_event.c: the schema that a call used; NULL when none fits. With `why`, the candidates and their scores. The call's arguments are
 * put into the schema's order where the trace names another version of it. */
evr_status evr_event_schema(evr_extractor *x, const operator_info *op, evr_recorded_call *call, const evr_schema **out, evr_buf *why,
                            evr_error **err);

/* from_event.c: arguments and outcome of an operator event. */
evr_status evr_event_record(evr_extractor *x, evr_ir *ir, evr_uid uid, evr_error **err);

#endif
