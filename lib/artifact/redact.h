/* Records without what names their owner. */
#ifndef EVR_ARTIFACT_REDACT_H
#define EVR_ARTIFACT_REDACT_H

#include "ir/record.h"

/* What was replaced so far: the same text gets the same name in all records. */
typedef struct evr_redaction {
    evr_context *ctx;
    uint32_t flags; /* EVR_ARTIFACT_REDACT... */
    evr_arena arena;
    struct evr_alias *aliases;
    size_t count, cap;
} evr_redaction;

void evr_redaction_begin(evr_redaction *r, evr_context *ctx, uint32_t flags);
void evr_redaction_end(evr_redaction *r);

/* A copy of the record as it may be sent. */
evr_status evr_redact(evr_redaction *r, const evr_ir *ir, evr_ir **out, evr_error **err);

#endif
