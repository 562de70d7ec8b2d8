/* The context as the rest of the library sees it: memory, log, references. */
#ifndef EVR_BASE_CONTEXT_H
#define EVR_BASE_CONTEXT_H

#include <evreplay/base.h>

#include <stdatomic.h>
#include <stdbool.h>

struct evr_context {
    atomic_uint refs;
    int32_t log_level;
    evr_allocator allocator;
    evr_log_fn log;
    void *log_user;
    char *plugin_path; /* NUL-terminated copy, or NULL */
    _Atomic(void *) registry; /* lib/registry's, made on first use */
    void (*_Atomic registry_free)(void *registry);
};

evr_context *evr_context_ref(evr_context *ctx);

/* NULL when memory is out; sizes of zero give NULL too. */
void *evr_alloc(evr_context *ctx, size_t size);
void *evr_alloc_zeroed(evr_context *ctx, size_t size);
void *evr_resize(evr_context *ctx, void *block, size_t old_size, size_t new_size);
void evr_release(evr_context *ctx, void *block, size_t size);

/* Grows an array of `item`-sized elements to hold at least `need`; *cap is in elements. False when memory is out. */
bool evr_grow(evr_context *ctx, void **array, size_t *cap, size_t need, size_t item);

void evr_log(evr_context *ctx, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
