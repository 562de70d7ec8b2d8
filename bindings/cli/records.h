/* Records of whatever a command was given: a trace's unique calls, a document of records, an operator-input log, or an artifact. */
#ifndef EVREPLAY_CLI_RECORDS_H
#define EVREPLAY_CLI_RECORDS_H

#include <evreplay/evreplay.h>

#include "options.h"
#include "runtime.h"

typedef struct record_source {
    evr_context *ctx;
    evr_trace *trace;         /* or … */
    evr_extractor *extractor;
    const evr_ir_set *set;    /* … this, */
    evr_ir_set *document;     /* read by itself … */
    evr_artifact *artifact;   /* … or out of this */
    evr_call *of_set;         /* its records as calls */
    const evr_call *calls;    /* of either */
    size_t count;
} record_source;

/* Opens the input, whose format is told by its content; `flags` (EVR_TRACE_...) are for traces, and a runtime (may be NULL) is asked first
 * for the schemas of a trace's operators. Returns 0, or the exit code after an error has been told. */
int records_open(evr_context *ctx, const char *path, uint32_t flags, evr_runtime *runtime, record_source *source);
void records_close(record_source *source);

/* The i-th record: from a trace it is made now and *owned is to be freed, from a document *owned is NULL. NULL after an error has been
 * told. */
const evr_ir *records_get(record_source *source, size_t index, evr_ir **owned);

/* A command that reads one input of records: parses the arguments into `values`, checks them, opens the input, and runs the body.
 * Returns the exit code. `check` may be NULL; it returns false after an error has been told. `flags` gives EVR_TRACE_... */
typedef struct records_command {
    const command *self;
    void *values;
    bool (*check)(void *values);
    uint32_t (*flags)(const void *values);
    int (*body)(void *values, record_source *source);
    const live_options *live; /* inside `values` */
    const char **path;        /* inside `values`: gets the input's name; may be NULL */
    int (*ranks)(void *values, evr_context *ctx, const text_list *inputs); /* for several inputs or a folder; NULL = one input only */
} records_command;

int records_run(const records_command *cmd, int argc, char **argv);

#endif
