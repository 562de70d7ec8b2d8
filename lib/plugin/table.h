/* Starting a plug-in whose library is open: agreeing on the boundary, and checking the table of functions it filled. The
 * same for bridges and backends. */
#ifndef EVR_PLUGIN_TABLE_H
#define EVR_PLUGIN_TABLE_H

#include "base/buf.h"

#include <evreplay/plugin.h>

/* How every plug-in's table begins. */
typedef struct evr_plugin_head {
    uint32_t struct_size;
    uint32_t abi;
} evr_plugin_head;

/* A pointer that may not be NULL. */
typedef struct evr_plugin_slot {
    const char *name;
    size_t offset;
} evr_plugin_slot;

/* A kind of plug-in. */
typedef struct evr_plugin_kind {
    const char *file;     /* "libevreplay_torch.so" */
    const char *variable; /* environment variable that may name it */
    const char *entry;    /* symbol */
    uint32_t newest_abi;  /* boundaries are offered from this one down to 1 */
    size_t table_size;
    const evr_plugin_slot *required;
    size_t required_count;
    /* Casts `symbol` to the type of the entry and calls it. */
    evr_status (*enter)(void *symbol, uint32_t abi, const evr_host *host, void *table, evr_error **err);
    void (*stop)(void *table); /* shuts down a plug-in that started, as far as its table allows */
    const char *advice;        /* how to get one */
} evr_plugin_kind;

/* Fills `table` (table_size bytes) and host->abi. What the plug-in's own, older table lacks is NULL. On failure `why` gets
 * the reason.
 * @return EVR_OK · EVR_E_ABI (no boundary in common) · EVR_E_NOMEM · EVR_E_PLUGIN */
evr_status evr_plugin_start(const evr_plugin_kind *kind, void *symbol, evr_host *host, void *table, evr_buf *why);

#endif
