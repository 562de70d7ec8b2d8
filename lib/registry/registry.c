#include "registry/registry.h"

#include "base/sized.h"

#include <stdlib.h>

static void destroy_inits(evr_registry *r)
{
    for (evr_init_node *n = r->all; n; n = n->next)
        if (n->init.destroy)
            n->init.destroy(n->init.user);
}

static void registry_free(void *registry)
{
    evr_registry *r = registry;
    evr_context *ctx = r->ctx;
    destroy_inits(r);
    evr_intern_free(&r->names);
    evr_arena_free(&r->arena);
    evr_release(ctx, r->entries, r->entry_cap * sizeof *r->entries);
    pthread_rwlock_destroy(&r->lock);
    evr_release(ctx, r, sizeof *r);
}

static evr_registry *registry_new(evr_context *ctx)
{
    evr_registry *r = evr_alloc_zeroed(ctx, sizeof *r);
    if (!r)
        return NULL;
    if (pthread_rwlock_init(&r->lock, NULL) != 0) {
        evr_release(ctx, r, sizeof *r);
        return NULL;
    }
    r->ctx = ctx;
    r->module_path = (evr_str){"", 0};
    evr_intern_init(&r->names, ctx);
    evr_arena_init(&r->arena, ctx);
    if (evr_registry_ship(r))
        return r;
    registry_free(r);
    return NULL;
}

evr_registry *evr_registry_of(evr_context *ctx)
{
    evr_registry *r = atomic_load_explicit(&ctx->registry, memory_order_acquire);
    if (r)
        return r;
    if (!(r = registry_new(ctx)))
        return NULL;
    void *none = NULL;
    atomic_store(&ctx->registry_free, registry_free); /* the same for whoever is first */
    if (atomic_compare_exchange_strong_explicit(&ctx->registry, &none, r, memory_order_acq_rel, memory_order_acquire))
        return r;
    registry_free(r);
    return none;
}

evr_registered *evr_registry_entry(evr_registry *r, evr_str name)
{
    uint32_t id = evr_intern_add(&r->names, name);
    if (id == EVR_NO_ID || !evr_grow(r->ctx, (void **)&r->entries, &r->entry_cap, (size_t)id + 1, sizeof *r->entries))
        return NULL;
    while (r->entry_count <= id)
        r->entries[r->entry_count++] = (evr_registered){0};
    return &r->entries[id];
}

evr_registered evr_registry_find(evr_context *ctx, evr_str name)
{
    evr_registered found = {0};
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return found;
    pthread_rwlock_rdlock(&r->lock);
    uint32_t id = evr_intern_find(&r->names, name);
    if (id < r->entry_count)
        found = r->entries[id];
    pthread_rwlock_unlock(&r->lock);
    return found;
}

/* A change of one name's entry, under the lock. */
typedef bool (*change_fn)(evr_registry *r, evr_registered *entry, const void *with, size_t count);

static evr_status change(evr_context *ctx, evr_str name, change_fn apply, const void *with, size_t count, const char *what, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!ctx || !name.len)
        return evr_fail(ctx, err, EVR_E_INVALID, "%s: a context and a name are needed", what);
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return evr_fail_nomem(err);
    pthread_rwlock_wrlock(&r->lock);
    evr_registered *entry = evr_registry_entry(r, name);
    bool done = entry && apply(r, entry, with, count);
    pthread_rwlock_unlock(&r->lock);
    return done ? EVR_OK : evr_fail_nomem(err);
}

static bool copy_texts(evr_registry *r, const evr_str *texts, size_t count, const evr_str **out)
{
    evr_str *kept = count ? evr_arena_alloc(&r->arena, count * sizeof *kept) : NULL;
    if (count && !kept)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!(kept[i] = evr_arena_str(&r->arena, texts[i])).data)
            return false;
    *out = kept;
    return true;
}

static bool set_sources(evr_registry *r, evr_registered *entry, const void *with, size_t count)
{
    if (!copy_texts(r, with, count, &entry->sources))
        return false;
    entry->source_count = count;
    return true;
}

static bool set_symm_args(evr_registry *r, evr_registered *entry, const void *with, size_t count)
{
    if (!copy_texts(r, with, count, &entry->symm_args))
        return false;
    entry->symm_count = count;
    return true;
}

/* `count` is the offset of the text in the entry. */
static bool set_text(evr_registry *r, evr_registered *entry, const void *with, size_t count)
{
    evr_str text = *(const evr_str *)with, *place = (evr_str *)((char *)entry + count), kept = {NULL, 0};
    if (text.data && place->data && evr_str_eq(text, *place))
        return true;
    if (text.data) {
        kept = evr_arena_str(&r->arena, text);
        if (!kept.data)
            return false;
    }
    *place = kept;
    return true;
}

evr_status evr_register_namespace(evr_context *ctx, evr_str name, const evr_str *sources, size_t count, evr_error **err)
{
    return change(ctx, name, set_sources, sources, count, "evr_register_namespace", err);
}

evr_status evr_register_symm_mem_args(evr_context *ctx, evr_str op, const evr_str *names, size_t count, evr_error **err)
{
    return change(ctx, op, set_symm_args, names, count, "evr_register_symm_mem_args", err);
}

evr_status evr_register_alias(evr_context *ctx, evr_str op, evr_str target, evr_error **err)
{
    return change(ctx, op, set_text, &target, offsetof(evr_registered, alias), "evr_register_alias", err);
}

evr_status evr_register_string_default(evr_context *ctx, evr_str argument, evr_str value, evr_error **err)
{
    return change(ctx, argument, set_text, &value, offsetof(evr_registered, text), "evr_register_string_default", err);
}

evr_status evr_set_init_option(evr_context *ctx, evr_str key, evr_str value, evr_error **err)
{
    return change(ctx, key, set_text, &value, offsetof(evr_registered, option), "evr_set_init_option", err);
}

const evr_str *evr_namespace_sources(evr_context *ctx, evr_str name, size_t *count)
{
    evr_registered found = evr_registry_find(ctx, name);
    *count = found.source_count;
    return found.sources;
}

const evr_str *evr_symm_mem_args(evr_context *ctx, evr_str op, size_t *count)
{
    evr_registered found = evr_registry_find(ctx, op);
    *count = found.symm_count;
    return found.symm_args;
}

evr_str evr_alias_of(evr_context *ctx, evr_str op)
{
    evr_str alias = evr_registry_find(ctx, op).alias;
    return alias.data ? alias : (evr_str){"", 0};
}

evr_str evr_string_default_of(evr_context *ctx, evr_str argument) { return evr_registry_find(ctx, argument).text; }
evr_str evr_init_option_of(evr_context *ctx, evr_str key) { return evr_registry_find(ctx, key).option; }

/* What is not bound to a name. */
typedef struct setting {
    int32_t allow;
    evr_str path;
    const evr_host_hooks *hooks;
    const evr_ranks *ranks;
} setting;

static evr_status set(evr_context *ctx, const setting *what, const char *function, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!ctx)
        return evr_fail(NULL, err, EVR_E_INVALID, "%s: a context is needed", function);
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return evr_fail_nomem(err);
    pthread_rwlock_wrlock(&r->lock);
    if (what->allow >= 0)
        r->unknown_imports = what->allow != 0;
    evr_str kept = what->path.data ? evr_arena_str(&r->arena, what->path) : r->module_path;
    if (kept.data)
        r->module_path = kept;
    if (what->hooks) {
        r->hooks = (evr_host_hooks){0};
        EVR_TAKE(&r->hooks, what->hooks);
    }
    if (what->ranks) {
        r->ranks = (evr_ranks){0};
        EVR_TAKE(&r->ranks, what->ranks);
    }
    pthread_rwlock_unlock(&r->lock);
    return kept.data ? EVR_OK : evr_fail_nomem(err);
}

evr_status evr_allow_unknown_imports(evr_context *ctx, int32_t allow, evr_error **err)
{
    return set(ctx, &(setting){.allow = allow != 0}, "evr_allow_unknown_imports", err);
}

evr_status evr_set_module_path(evr_context *ctx, evr_str folders, evr_error **err)
{
    return set(ctx, &(setting){.allow = -1, .path = folders.data ? folders : (evr_str){"", 0}}, "evr_set_module_path", err);
}

evr_status evr_set_host_hooks(evr_context *ctx, const evr_host_hooks *hooks, evr_error **err)
{
    const evr_host_hooks none = {.struct_size = sizeof none};
    if (hooks && hooks->struct_size < offsetof(evr_host_hooks, find_callable))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_set_host_hooks: struct_size is not set");
    return set(ctx, &(setting){.allow = -1, .hooks = hooks ? hooks : &none}, "evr_set_host_hooks", err);
}

evr_status evr_set_ranks(evr_context *ctx, const evr_ranks *ranks, evr_error **err)
{
    const evr_ranks none = {.struct_size = sizeof none};
    bool good = !ranks || (ranks->struct_size >= sizeof *ranks && ranks->count > 0 && ranks->rank >= 0 && ranks->rank < ranks->count && ranks->group &&
                           ranks->largest && ranks->share && ranks->group_size >= 0 && ranks->expert_size >= 0);
    if (!good)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_set_ranks: struct_size, a rank below the count, and group, largest and share are needed");
    return set(ctx, &(setting){.allow = -1, .ranks = ranks ? ranks : &none}, "evr_set_ranks", err);
}

void evr_get_ranks(evr_context *ctx, evr_ranks *out)
{
    evr_ranks found = {0};
    evr_registry *r = ctx ? evr_registry_of(ctx) : NULL;
    if (r) {
        pthread_rwlock_rdlock(&r->lock);
        found = r->ranks;
        pthread_rwlock_unlock(&r->lock);
    }
    EVR_GIVE(out, &found);
}

int32_t evr_unknown_imports_allowed(evr_context *ctx)
{
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return 0;
    pthread_rwlock_rdlock(&r->lock);
    bool allowed = r->unknown_imports;
    pthread_rwlock_unlock(&r->lock);
    return allowed;
}

evr_str evr_module_path(evr_context *ctx)
{
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return (evr_str){"", 0};
    pthread_rwlock_rdlock(&r->lock);
    evr_str path = r->module_path;
    pthread_rwlock_unlock(&r->lock);
    return path;
}

evr_host_hooks evr_registry_hooks(evr_context *ctx)
{
    evr_host_hooks hooks = {0};
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return hooks;
    pthread_rwlock_rdlock(&r->lock);
    hooks = r->hooks;
    pthread_rwlock_unlock(&r->lock);
    return hooks;
}
