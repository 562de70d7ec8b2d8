/* A window that slides over the text of a trace. Where the input is compressed and threads are allowed, a second thread unpacks the
 * next stretch while the caller reads this one. */
#ifndef EVR_TRACE_WINDOW_H
#define EVR_TRACE_WINDOW_H

#include "trace/inflate.h"

typedef struct evr_window evr_window;

/* `stretch` bytes of new text at a time. */
evr_status evr_window_new(evr_context *ctx, evr_inflate *in, size_t stretch, bool second_thread, evr_window **out,
                          evr_error **err);
void evr_window_free(evr_window *window);

/* Moves on: *text then starts with the last `keep` bytes of the text before and goes on with new ones. *last tells that there
 * is no more behind it; why (damage or simply the end) is told by evr_inflate_explain() when *damaged is set. The text is
 * borrowed until the next call. Fails with EVR_E_NOMEM and EVR_E_LIMIT only. */
typedef struct evr_window_text {
    const char *data;
    size_t len;
    uint64_t offset; /* of data[0] in the whole text */
    bool last, damaged;
} evr_window_text;

evr_status evr_window_next(evr_window *window, size_t keep, evr_window_text *out, evr_error **err);

#endif
