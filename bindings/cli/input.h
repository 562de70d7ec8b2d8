/* Opening what a command was given, with progress on a terminal and errors that say what to do. */
#ifndef EVREPLAY_CLI_INPUT_H
#define EVREPLAY_CLI_INPUT_H

#include <evreplay/evreplay.h>

#include "options.h"

/* Context of the command: log messages go to stderr. NULL after an error has been told. */
evr_context *input_context(void);

/* Gets each context before it is used; NULL in the program. See embedded.c. */
extern void (*input_prepare)(evr_context *ctx);

/* Up to `size` bytes of standard input, to tell its format. What follows takes them as `head`. */
size_t input_head(char *head, size_t size);

/* Opens a trace from a path or "-". Returns 0, or the exit code after an error has been told. */
int input_trace(evr_context *ctx, const char *path, uint32_t flags, evr_str head, evr_trace **out);

/* Everything of a file or "-" in memory of malloc. NULL after an error has been told. */
char *input_read_all(const char *path, evr_str head, size_t *size);

/* Tells an error and its causes on stderr, frees it, and returns the exit code for its status. */
int input_error(const char *name, evr_status status, evr_error *err);

/* A command that reads one trace: parses the arguments into `values`, checks them, opens the trace, and runs the body. Returns the
 * exit code. `check` may be NULL; it returns false after an error has been told. `flags` gives EVR_TRACE_... */
typedef struct trace_command {
    const command *self;
    void *values;
    bool (*check)(void *values);
    uint32_t (*flags)(const void *values);
    int (*body)(void *values, evr_context *ctx, const evr_trace *trace);
} trace_command;

int input_run(const trace_command *cmd, int argc, char **argv);

/* The one positional argument; NULL after an error has been told. */
const char *input_only(const command *cmd, const text_list *positional);

#endif
