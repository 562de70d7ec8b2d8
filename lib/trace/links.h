/* What hangs together across threads and devices: launches and device work, forward and backward, annotations. */
#ifndef EVR_TRACE_LINKS_H
#define EVR_TRACE_LINKS_H

#include "trace/store.h"

evr_status evr_links_build(evr_trace *trace, evr_error **err);
void evr_links_release(evr_trace *trace);

#endif
