/* The whole document: which kind of trace it is, its top-level fields, its list of events, window by window. */
#ifndef EVR_TRACE_DOCUMENT_H
#define EVR_TRACE_DOCUMENT_H

#include "trace/store.h"
#include "trace/window.h"

/* Reads to the end. With EVR_TRACE_RECOVER damage after the first event is kept in store->damage and is no failure. */
evr_status evr_document_read(evr_trace *store, evr_inflate *in, evr_windows *windows, const evr_trace_options *options,
                             uint64_t input_size, evr_error **err);

#endif
