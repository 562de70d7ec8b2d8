/**
 * @file
 * What the library offers every plug-in, whatever its kind: see bridge.h and backend.h.
 */
#ifndef EVREPLAY_PLUGIN_H
#define EVREPLAY_PLUGIN_H

#include <evreplay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the library offers a plug-in. Lives as long as the plug-in. */
typedef struct evr_host {
    uint32_t struct_size; /**< sizeof(evr_host) */
    uint32_t abi;         /**< boundary agreed on */
    void *user;           /**< first argument of the functions */
    void (*log)(void *user, int32_t level, const char *message); /**< EVR_LOG_... */
    /** Makes an error in `*err` (nullable) and returns `code`. `hint` may be NULL. Replaces an error that is there. */
    evr_status (*error)(void *user, evr_error **err, evr_status code, const char *message, const char *hint);
} evr_host;

#ifdef __cplusplus
}
#endif

#endif
