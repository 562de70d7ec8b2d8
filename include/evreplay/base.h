/**
 * @file
 * Contexts, status codes, errors, strings, memory and log of libevreplay.
 *
 * Everything the library does happens on behalf of an @ref evr_context. A context carries the allocator, the log
 * callback and the search path for plug-ins; there is no other global state, so two users of the library inside one
 * process never meet.
 *
 * **Life of a handle.** A function named `..._new` or `..._open` hands out a handle through its `T **out` argument, and
 * that handle is yours: release it with the matching `..._free`. `..._free(NULL)` does nothing. What a function returns
 * as `const T *` or @ref evr_str is borrowed from the handle it was asked of and lives as long as that handle.
 * A context outlives every handle made with it: handles hold a reference, so freeing the context first is safe.
 *
 * **Errors.** Every call that can fail returns an @ref evr_status and takes a nullable `evr_error **` as its last
 * argument. On failure every output is NULL or zero, there is nothing to free but the error itself, and the error says what
 * went wrong, where, and what to do next. The library never aborts, exits, or writes to stdout or stderr.
 *
 * **Threads.** A context may be used from several threads at once when its allocator and log callback may. A trace and a
 * record are immutable and may be read from any thread; every other handle belongs to one thread at a time.
 *
 * **Compatibility.** Structures that cross the boundary begin with `uint32_t struct_size`, which the caller sets to
 * `sizeof` of the structure it was compiled with (see @ref EVR_INIT). A field that a caller's older structure lacks reads
 * as zero, and zero always means the default.
 */
#ifndef EVREPLAY_BASE_H
#define EVREPLAY_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Marks a function exported from the library. */
#if defined(EVR_STATIC)
#  define EVR_API
#elif defined(__GNUC__)
#  define EVR_API __attribute__((visibility("default")))
#else
#  define EVR_API
#endif

#define EVR_VERSION_MAJOR 0 /**< of these headers */
#define EVR_VERSION_MINOR 1 /**< of these headers */
#define EVR_VERSION_PATCH 0 /**< of these headers */

/** Number of the ABI: raised when a compiled user of an earlier header would break. */
#define EVR_ABI_VERSION 1u

/** First member of a versioned structure: `evr_trace_options o = {EVR_INIT(evr_trace_options)};` */
#define EVR_INIT(type) (uint32_t)sizeof(type)

/** Result of a fallible call: zero is success, failures are negative. Codes are never renumbered. */
typedef int32_t evr_status;

#define EVR_OK 0                  /**< success */
#define EVR_E_INVALID (-1)        /**< an argument is outside what the function takes */
#define EVR_E_NOMEM (-2)          /**< the allocator returned NULL */
#define EVR_E_IO (-3)             /**< the operating system could not open, read or write */
#define EVR_E_FORMAT (-4)         /**< the input is not what it should be; see the byte offset */
#define EVR_E_TRUNCATED (-5)      /**< the input ends in the middle; see the byte offset */
#define EVR_E_UNSUPPORTED (-6)    /**< understood, but this build or version cannot do it */
#define EVR_E_NOT_FOUND (-7)      /**< no such event, operator, file or name */
#define EVR_E_LIMIT (-8)          /**< a documented limit was passed */
#define EVR_E_ABI (-9)            /**< caller or plug-in was built for another ABI */
#define EVR_E_STATE (-10)         /**< the handle is not in a state that allows this */
#define EVR_E_CANCELLED (-11)     /**< a callback asked to stop */
#define EVR_E_PLUGIN (-12)        /**< a plug-in is missing or refused to start */
#define EVR_E_NO_DEVICE (-13)     /**< the device asked for is not there */
#define EVR_E_OP (-14)            /**< the operator itself raised an error */
#define EVR_E_NO_SCHEMA (-15)     /**< no schema of the operator fits the arguments */
#define EVR_E_MISSING_VALUE (-16) /**< an argument was not recorded and has no default */
#define EVR_E_TOO_LARGE (-17)     /**< more memory than allowed would be needed */
#define EVR_E_NOT_REPLAYABLE (-18) /**< the event is not an operator call that can run alone */
#define EVR_E_INTERNAL (-99)      /**< a defect of the library: please report it */

/** Text that is borrowed: `len` bytes of UTF-8 at `data`. What the library hands out is also NUL-terminated. */
typedef struct evr_str {
    const char *data; /**< may be NULL when `len` is 0 */
    size_t len;       /**< bytes, without a terminator */
} evr_str;

/** Index of an event in its trace's list of events. */
typedef uint64_t evr_uid;

/** No event. */
#define EVR_NO_UID UINT64_MAX

typedef struct evr_context evr_context; /**< allocator, log, search path */
typedef struct evr_error evr_error;     /**< why a call failed */

/**
 * Memory of the library. All three functions are required when any is given.
 * Sizes are passed back on release, so no header is needed. Must be callable from any thread that uses the context.
 */
typedef struct evr_allocator {
    uint32_t struct_size;                                                     /**< sizeof(evr_allocator) */
    uint32_t reserved;                                                        /**< 0 */
    void *user;                                                               /**< first argument of the three */
    void *(*alloc)(void *user, size_t size);                                  /**< NULL when there is none */
    void *(*resize)(void *user, void *block, size_t old_size, size_t new_size); /**< as realloc */
    void (*release)(void *user, void *block, size_t size);                    /**< never called with NULL */
} evr_allocator;

#define EVR_LOG_ERROR 1   /**< something is wrong that no call could report */
#define EVR_LOG_WARNING 2 /**< a result is less than it could be */
#define EVR_LOG_INFO 3    /**< a step was taken */
#define EVR_LOG_DEBUG 4   /**< for the developers of the library */

/** Receives log messages. `message` is borrowed for the call. */
typedef void (*evr_log_fn)(void *user, int32_t level, evr_str message);

/** How a context is made. All zero is a working default. */
typedef struct evr_context_options {
    uint32_t struct_size;           /**< sizeof(evr_context_options) */
    int32_t log_level;              /**< highest level delivered; 0 = EVR_LOG_WARNING */
    const evr_allocator *allocator; /**< copied; NULL = malloc */
    evr_log_fn log;                 /**< NULL = silent */
    void *log_user;                 /**< first argument of `log` */
    const char *plugin_path;        /**< folders for plug-ins, ':'-separated, before the built-in ones; may be NULL */
} evr_context_options;

/**
 * Makes a context.
 * @param[in] options  NULL for the defaults
 * @param[out] out     the context, yours to free
 * @param[out] err     may be NULL
 * @return EVR_OK, EVR_E_INVALID (half an allocator, unknown struct_size) or EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_context_new(const evr_context_options *options, evr_context **out, evr_error **err);

/** Gives up the caller's reference. Handles made with the context keep it alive until they are freed. @since 0.1 */
EVR_API void evr_context_free(evr_context *ctx);

/** Folders given as `plugin_path`; empty when none. @since 0.1 */
EVR_API evr_str evr_context_plugin_path(const evr_context *ctx);

/** Frees a text that a function gave away with that advice. NULL does nothing. @since 0.1 */
EVR_API void evr_text_free(evr_context *ctx, char *text);

/** Version of the running library, as `major << 16 | minor << 8 | patch`. @since 0.1 */
EVR_API uint32_t evr_version(void);

/** Version of the running library, such as "0.1.0". @since 0.1 */
EVR_API const char *evr_version_string(void);

/**
 * Checks that the running library serves a program compiled against `abi` (pass EVR_ABI_VERSION).
 * @return EVR_OK or EVR_E_ABI with a message that names both
 * @since 0.1
 */
EVR_API evr_status evr_abi_check(uint32_t abi, evr_error **err);

/** Short name of a status code, such as "EVR_E_FORMAT"; "EVR_E_UNKNOWN" for a number that is none. @since 0.1 */
EVR_API const char *evr_status_name(evr_status status);

/** @name Errors
 * An error is immutable, may be read from any thread, and is freed with evr_error_free(). Its texts live as long as it does.
 * Every accessor takes NULL and answers "nothing".
 * @{ */
EVR_API evr_status evr_error_code(const evr_error *err);     /**< EVR_OK for NULL @since 0.1 */
EVR_API const char *evr_error_message(const evr_error *err); /**< what and where; "" for NULL @since 0.1 */
EVR_API const char *evr_error_hint(const evr_error *err);    /**< what to do next; "" when there is nothing to say @since 0.1 */
EVR_API int64_t evr_error_offset(const evr_error *err);      /**< byte offset in the (inflated) input; -1 = none @since 0.1 */
EVR_API evr_uid evr_error_uid(const evr_error *err);         /**< event; EVR_NO_UID = none @since 0.1 */
EVR_API const char *evr_error_op(const evr_error *err);      /**< operator name; "" = none @since 0.1 */
EVR_API const evr_error *evr_error_cause(const evr_error *err); /**< the error below; NULL = none @since 0.1 */
/** Makes an error, for callbacks that fail: stores it in `*err` (nullable), with texts copied, and returns `code`. `hint` may be NULL. @since 0.1 */
EVR_API evr_status evr_error_make(evr_context *ctx, evr_error **err, evr_status code, const char *message, const char *hint);
EVR_API void evr_error_free(evr_error *err);                 /**< frees the causes too @since 0.1 */
/** @} */

#ifdef __cplusplus
}
#endif

#endif
