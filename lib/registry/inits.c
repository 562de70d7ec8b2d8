/* Initializers and the order they are asked in. */
#include "registry/inits.h"

#include "base/sized.h"

/* Of the first header that had the structure. */
enum { FIRST_SIZE = offsetof(evr_custom_init, user) + sizeof(void *) };

static bool link_to(evr_registry *r, evr_init_chain *chain, const evr_init_node *node)
{
    evr_init_link *link = evr_arena_alloc(&r->arena, sizeof *link);
    if (!link)
        return false;
    *link = (evr_init_link){node, NULL};
    if (chain->last)
        chain->last->next = link;
    else
        chain->first = link;
    chain->last = link;
    return true;
}

/* Under the lock. A node that was put into some chains only is harmless: it is in no list of all, and its init is cleared. */
static bool add(evr_registry *r, const evr_custom_init *init)
{
    evr_init_node *node = evr_arena_alloc_zeroed(&r->arena, sizeof *node);
    evr_str name = node ? evr_arena_str(&r->arena, evr_str_c(init->name)) : (evr_str){NULL, 0};
    if (!name.data)
        return false;
    node->order = r->next_order++;
    bool linked = init->op_names || link_to(r, &r->any, node);
    for (const char *const *op = init->op_names; linked && op && *op; op++) {
        evr_registered *entry = evr_registry_entry(r, evr_str_c(*op));
        linked = entry && link_to(r, &entry->inits, node);
    }
    if (!linked)
        return false;
    node->init = *init;
    node->init.name = name.data;
    node->init.op_names = NULL;
    node->next = r->all;
    r->all = node;
    return true;
}

static evr_status refuse(evr_context *ctx, const evr_custom_init *init, evr_status status, const char *why, evr_error **err)
{
    if (init->destroy)
        init->destroy(init->user);
    if (status == EVR_E_NOMEM)
        return evr_fail_nomem(err);
    evr_fail(ctx, err, status, "evr_register_custom_init: %s", why);
    evr_hint(err, "set struct_size with EVR_INIT, a name, `init`, and op_names or `applies`");
    return status;
}

evr_status evr_register_custom_init(evr_context *ctx, const evr_custom_init *init, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!ctx || !init || init->struct_size < FIRST_SIZE)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_register_custom_init: a context and an initializer with its struct_size are needed");
    evr_custom_init known = {0}; /* what an older header lacks is zero, what a later one adds is not known here */
    EVR_TAKE(&known, init);
    if (!known.name || !known.name[0] || !known.init || (!known.op_names && !known.applies))
        return refuse(ctx, &known, EVR_E_INVALID, "a name, `init`, and op_names or `applies` are needed", err);
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return refuse(ctx, &known, EVR_E_NOMEM, NULL, err);
    pthread_rwlock_wrlock(&r->lock);
    bool added = add(r, &known);
    pthread_rwlock_unlock(&r->lock);
    return added ? EVR_OK : refuse(ctx, &known, EVR_E_NOMEM, NULL, err);
}

/* The first link of a chain at or behind an order. */
static const evr_init_link *from_order(const evr_init_link *link, uint64_t order)
{
    while (link && link->node->order < order)
        link = link->next;
    return link;
}

/* Under the lock. The next node behind the cursor; NULL at the end. */
static const evr_init_node *next_node(const evr_registry *r, evr_str op, evr_init_cursor *cursor)
{
    if (!cursor->begun) {
        uint32_t id = evr_intern_find(&r->names, op);
        cursor->named = id < r->entry_count ? r->entries[id].inits.first : NULL;
        cursor->any = r->any.first;
        cursor->begun = true;
    } else { /* links are only ever added behind */
        cursor->named = from_order(cursor->named, cursor->order + 1);
        cursor->any = from_order(cursor->any, cursor->order + 1);
    }
    const evr_init_link *next = cursor->named;
    if (!next || (cursor->any && cursor->any->node->order < next->node->order))
        next = cursor->any;
    if (next)
        cursor->order = next->node->order;
    return next ? next->node : NULL;
}

bool evr_registry_next_init(evr_context *ctx, evr_str op, evr_init_cursor *cursor, evr_custom_init *out)
{
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return false;
    pthread_rwlock_rdlock(&r->lock);
    const evr_init_node *node;
    do
        node = next_node(r, op, cursor);
    while (node && !node->init.init); /* one whose registration failed half-way */
    if (node)
        *out = node->init;
    pthread_rwlock_unlock(&r->lock);
    return node != NULL;
}

evr_str evr_registry_init_name(evr_context *ctx, size_t index)
{
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return (evr_str){"", 0};
    pthread_rwlock_rdlock(&r->lock);
    size_t count = 0;
    const evr_init_node *node = r->all;
    for (const evr_init_node *n = r->all; n; n = n->next)
        count++;
    for (size_t back = index < count ? count - 1 - index : count; back && node; back--)
        node = node->next;
    evr_str name = index < count && node ? evr_str_c(node->init.name) : (evr_str){"", 0};
    pthread_rwlock_unlock(&r->lock);
    return name;
}
