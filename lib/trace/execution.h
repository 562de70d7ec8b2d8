/* One node of a PyTorch or Chakra execution trace from JSON into the columns. */
#ifndef EVR_TRACE_EXECUTION_H
#define EVR_TRACE_EXECUTION_H

#include "trace/json.h"
#include "trace/store.h"

#include "base/buf.h"

typedef struct evr_execution {
    evr_trace *store;
    evr_buf text; /* of one argument */
    uint64_t *parents; /* node id of each row's parent */
    size_t parent_cap;
} evr_execution;

void evr_execution_init(evr_execution *reader, evr_trace *store);
void evr_execution_free(evr_execution *reader);

/* As evr_kineto_event(). */
evr_status evr_execution_node(evr_execution *reader, evr_json *j, evr_error **err);

/* After the last node: node ids of parents become uids. */
evr_status evr_execution_finish(evr_execution *reader, evr_error **err);

#endif
