/* Walking the initializers that were registered. */
#ifndef EVR_REGISTRY_INITS_H
#define EVR_REGISTRY_INITS_H

#include "registry/registry.h"

/* Zero-initialised before the first. */
typedef struct evr_init_cursor {
    const evr_init_link *named, *any;
    uint64_t order;
    bool begun;
} evr_init_cursor;

/* The next initializer that names the operator or none, in order of registration. No lock is held when it returns. */
bool evr_registry_next_init(evr_context *ctx, evr_str op, evr_init_cursor *cursor, evr_custom_init *out);

/* Name of the i-th that was registered; empty beyond the last. */
evr_str evr_registry_init_name(evr_context *ctx, size_t index);

#endif
