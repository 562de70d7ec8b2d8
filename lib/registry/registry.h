/* The inside of a context's registry. One entry for each text that means something: a namespace, an operator, an argument, an option. */
#ifndef EVR_REGISTRY_REGISTRY_H
#define EVR_REGISTRY_REGISTRY_H

#include <evreplay/init.h>
#include <evreplay/ranks.h>
#include <evreplay/registry.h>

#include "base/error.h"
#include "base/intern.h"

#include <pthread.h>

/* An initializer and its place in the order of registration. */
typedef struct evr_init_node evr_init_node;
struct evr_init_node {
    evr_custom_init init;
    uint64_t order;
    evr_init_node *next;     /* of all, newest first */
};

/* One operator's way to an initializer; initializers for any operator have a list of such of their own. */
typedef struct evr_init_link evr_init_link;
struct evr_init_link {
    const evr_init_node *node;
    evr_init_link *next;
};

typedef struct evr_init_chain {
    evr_init_link *first, *last;
} evr_init_chain;

typedef struct evr_registered {
    const evr_str *sources, *symm_args;
    size_t source_count, symm_count;
    evr_str alias, text, option; /* .data is NULL when not set */
    evr_init_chain inits;
} evr_registered;

typedef struct evr_registry {
    evr_context *ctx;
    pthread_rwlock_t lock;
    evr_intern names;
    evr_registered *entries; /* by number of the name */
    size_t entry_cap, entry_count;
    evr_arena arena;
    evr_init_node *all;
    evr_init_chain any; /* initializers that are not bound to names */
    uint64_t next_order;
    evr_host_hooks hooks;
    evr_ranks ranks;
    evr_str module_path;
    bool unknown_imports;
} evr_registry;

/* The context's registry, made on first use; NULL when memory is out. */
evr_registry *evr_registry_of(evr_context *ctx);

/* A copy of what is registered under a name; all zero when nothing is. */
evr_registered evr_registry_find(evr_context *ctx, evr_str name);

/* The hooks; all NULL when none were set. */
evr_host_hooks evr_registry_hooks(evr_context *ctx);

/* The entry of a name, made if it is new. The lock is held for writing. NULL when memory is out. */
evr_registered *evr_registry_entry(evr_registry *r, evr_str name);

/* builtin.c: what every registry begins with. */
bool evr_registry_ship(evr_registry *r);

#endif
