/* Making errors. Every helper takes the caller's nullable `evr_error **` and returns the status, so that
 * `return evr_fail(...)` is one line; evr_hint() and friends add to the error just made and return its status too. */
#ifndef EVR_BASE_ERROR_H
#define EVR_BASE_ERROR_H

#include <evreplay/base.h>

/* Returns early with the status of a failed call. */
#define EVR_TRY(call)                \
    do {                             \
        evr_status try_ = (call);    \
        if (try_ != EVR_OK)          \
            return try_;             \
    } while (0)

/* ctx may be NULL: then the error lives in malloc's memory. An error already in *err is replaced and freed. */
evr_status evr_fail(evr_context *ctx, evr_error **err, evr_status code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Needs no memory. */
evr_status evr_fail_nomem(evr_error **err);

/* What to do next. */
evr_status evr_hint(evr_error **err, const char *format, ...) __attribute__((format(printf, 2, 3)));

evr_status evr_at_offset(evr_error **err, int64_t offset);
evr_status evr_at_event(evr_error **err, evr_uid uid, evr_str op);

/* Wraps what is in *err as the cause of a new error. */
evr_status evr_fail_because(evr_context *ctx, evr_error **err, evr_status code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
