/* Opening backends: by name, as a plug-in or from within this library. */
#ifndef EVR_PLUGIN_BACKEND_H
#define EVR_PLUGIN_BACKEND_H

#include "plugin/loader.h"

#include <evreplay/backend.h>

typedef struct evr_loaded_backend {
    evr_plugin plugin;
    evr_backend fn; /* fn.self is the first argument of the others; optional slots may be NULL */
} evr_loaded_backend;

/* `name` is "cpu", "cuda"…; `where` a file or a folder; NULL or "" = $EVREPLAY_BACKEND_PATH, or else a search, as measure.h
 * says. */
evr_status evr_backend_load(evr_context *ctx, const char *name, const char *where, evr_loaded_backend **out,
                            evr_error **err);

/* Shuts the backend down. NULL does nothing. */
void evr_backend_unload(evr_loaded_backend *backend);

/* Entry of the backend in backends/cpu, which is compiled into this library. */
evr_status evr_cpu_backend_init(uint32_t abi, const evr_host *host, evr_backend *out, evr_error **err);

#endif
