/* The text of a trace in windows, each with its structural index. Windows follow each other without gap or overlap and never end inside a
 * string or a number. Where threads are allowed, a second one unpacks and indexes the next windows while the caller reads this one. */
#ifndef EVR_TRACE_WINDOW_H
#define EVR_TRACE_WINDOW_H

#include "trace/inflate.h"
#include "trace/json.h"

typedef struct evr_windows evr_windows;

typedef struct evr_window {
    evr_str text;
    uint64_t offset; /* of the text in the whole */
    const uint32_t *index;
    size_t count; /* index[count] == text.len */
    evr_json_problem problem; /* not GOOD: there is no index */
    bool last;
    bool damaged; /* the last one, because unpacking failed: evr_inflate_explain() says why */
} evr_window;

/* `stretch` bytes of text at a time, more where one string is longer. */
evr_status evr_windows_new(evr_context *ctx, evr_inflate *in, size_t stretch, bool second_thread, evr_windows **out,
                           evr_error **err);
void evr_windows_free(evr_windows *windows);

/* The next window, borrowed until the call after. Must not be called after the last. */
evr_status evr_windows_next(evr_windows *windows, evr_window *out, evr_error **err);

#endif
