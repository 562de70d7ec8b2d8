/* Opening bridges: finding the file, starting it, and what it may ask of this library. */
#ifndef EVR_PLUGIN_LOADER_H
#define EVR_PLUGIN_LOADER_H

#include "base/context.h"
#include "plugin/table.h"

#include <evreplay/bridge.h>

/* A plug-in's library and what it was given. Its memory belongs to the context, which it keeps alive. */
typedef struct evr_plugin {
    evr_context *ctx;
    evr_host host;
    char *path; /* file that was loaded */
} evr_plugin;

typedef struct evr_loaded_bridge {
    evr_plugin plugin;
    evr_bridge fn; /* fn.self is the first argument of the others; optional slots may be NULL */
} evr_loaded_bridge;

/* Finds, opens and starts the plug-in; fills `plugin`, which must stay where it is since the plug-in points into it, and
 * `table` (kind->table_size bytes).
 * @return EVR_OK · EVR_E_PLUGIN · EVR_E_ABI · EVR_E_NOMEM; the message has a line for each candidate and why it was refused
 */
evr_status evr_plugin_open(evr_context *ctx, const evr_plugin_kind *kind, const char *where, evr_plugin *plugin,
                           void *table, evr_error **err);

/* The same for a plug-in that is part of this library; its path is "". */
evr_status evr_plugin_open_builtin(evr_context *ctx, const evr_plugin_kind *kind, void *symbol, evr_plugin *plugin,
                                   void *table, evr_error **err);

/* Gives back what evr_plugin_open() took, except the shared library: device libraries do not survive being closed. */
void evr_plugin_close(evr_plugin *plugin);

/* `where` is a file or a folder; NULL or "" = $EVREPLAY_BRIDGE, or else a search, as replay.h says. */
evr_status evr_bridge_load(evr_context *ctx, const char *where, evr_loaded_bridge **out, evr_error **err);

/* Shuts the bridge down. NULL does nothing. */
void evr_bridge_unload(evr_loaded_bridge *bridge);

#endif
