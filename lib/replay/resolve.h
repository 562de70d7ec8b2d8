/* Finding an operator: in the dispatcher, under its alias, after importing its namespace, among the host's callables. */
#ifndef EVR_REPLAY_RESOLVE_H
#define EVR_REPLAY_RESOLVE_H

#include "replay/runtime.h"

#include <evreplay/registry.h>

typedef struct evr_resolved {
    evr_str name;          /* in the dispatcher: the operator's own, or its alias */
    bool callable;         /* no dispatcher knows it, but the host has a function: `host` */
    evr_callable host;     /* to be freed by its own `free` */
} evr_resolved;

/* Gives every schema of the operator to `visit`. With `callables`, the host is asked for a function when there is none.
 * @return EVR_OK · EVR_E_NOT_FOUND, with each import that was tried and why it failed */
evr_status evr_resolve(evr_runtime *r, evr_str op, bool callables, evr_schema_fn visit, void *user, evr_resolved *out, evr_error **err);

#endif
