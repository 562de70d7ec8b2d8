/* Where plug-ins are looked for.
 *
 * What the user named, in an option or in the environment, is final: a plug-in from elsewhere would be a surprise.
 * Otherwise every folder of the list is tried, and why each candidate was refused is kept for the error. */
#ifndef EVR_PLUGIN_SEARCH_H
#define EVR_PLUGIN_SEARCH_H

#include "base/buf.h"

/* Tries one file that exists. EVR_OK ends the search. Otherwise `why` gets the reason, and EVR_E_NOMEM ends the search too.
 */
typedef evr_status (*evr_plugin_try_fn)(void *user, const char *path, evr_buf *why);

typedef struct evr_plugin_search {
    evr_context *ctx;
    const char *where;    /* file or folder the caller named, or NULL */
    const char *variable; /* environment variable that may name one */
    const char *file;     /* file name of the plug-in, such as "libevreplay_torch.so" */
} evr_plugin_search;

/* The status of the candidate that came furthest: EVR_E_PLUGIN, or what `attempt` returned. `why` has one line per
 * candidate. */
evr_status evr_plugin_find(const evr_plugin_search *search, evr_plugin_try_fn attempt, void *user, evr_buf *why);

#endif
