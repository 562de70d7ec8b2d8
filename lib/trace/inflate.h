/* Bytes of a trace file as text: plain, gzip (any number of members) or zstd (any number of frames), told by the first bytes. */
#ifndef EVR_TRACE_INFLATE_H
#define EVR_TRACE_INFLATE_H

#include <evreplay/trace.h>

#include "base/context.h"
#include "base/error.h"



typedef struct evr_inflate evr_inflate;

/* `source` is copied and must stay usable. */
evr_status evr_inflate_new(evr_context *ctx, const evr_source *source, evr_inflate **out, evr_error **err);
void evr_inflate_free(evr_inflate *in);

/* True when the input is compressed, so that a second thread is worth its while. */
bool evr_inflate_is_compressed(const evr_inflate *in);

/* Fills `out` as far as there is text; *got < cap only at the end. Safe on a thread of its own: takes no memory, makes no error. On
 * failure *got bytes are good, and evr_inflate_explain() makes the error later, on the caller's thread. */
evr_status evr_inflate_read(evr_inflate *in, char *out, size_t cap, size_t *got);
evr_status evr_inflate_explain(const evr_inflate *in, evr_error **err);

/* Bytes of input consumed so far; may be asked from another thread. */
uint64_t evr_inflate_consumed(evr_inflate *in);

#endif
