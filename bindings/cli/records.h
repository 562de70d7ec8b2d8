/* Records of whatever a command was given: a trace's unique calls, or a document of records. */
#ifndef EVREPLAY_CLI_RECORDS_H
#define EVREPLAY_CLI_RECORDS_H

#include <evreplay/evreplay.h>

#include "options.h"

typedef struct record_source {
    evr_context *ctx;
    evr_trace *trace;         /* or … */
    evr_extractor *extractor;
    const evr_call *calls;
    evr_ir_set *set;          /* … this */
    char *data;
    size_t count;
} record_source;

/* Opens the input, whose format is told by its content. A runtime (may be NULL) is asked first for schemas. Returns 0, or the exit code after an error has been told. */
int records_open(evr_context *ctx, const char *path, evr_runtime *runtime, record_source *source);
void records_close(record_source *source);

/* The i-th record: from a trace it is made now and *owned is to be freed, from a document *owned is NULL. NULL after an error has been
 * told. */
const evr_ir *records_get(record_source *source, size_t index, evr_ir **owned);

/* Operator and uid of the i-th record, without making it. */
evr_str records_op(const record_source *source, size_t index);
evr_uid records_uid(const record_source *source, size_t index);

#endif
