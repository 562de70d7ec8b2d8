/* The tensor library and what was registered, for commands that ask for them. */
#ifndef EVREPLAY_CLI_RUNTIME_H
#define EVREPLAY_CLI_RUNTIME_H

#include <evreplay/evreplay.h>

#include "options.h"

typedef struct runtime_options {
    const char *device, *bridge, *config;
    text_list imports, inits;
    uint64_t max_bytes, seed, threads;
    bool import_unknown;
} runtime_options;

/* The rows of an option table that fill a runtime_options at `base`. */
#define RUNTIME_SOURCES(base)                                                                                                       \
    {"import", 0, OPT_LIST, "NS=WHERE", "operators of namespace NS come from WHERE: libraries (paths) or modules, ','-separated",       \
     (base) + offsetof(runtime_options, imports)},                                                                                   \
    {"import-unknown", 0, OPT_FLAG, NULL, "import namespaces that are not registered as modules of the same name",                     \
     (base) + offsetof(runtime_options, import_unknown)},                                                                            \
    {"config", 0, OPT_TEXT, "FILE", "registrations as JSON: namespaces, aliases, string defaults, init options",                         \
     (base) + offsetof(runtime_options, config)},                                                                                    \
    {"bridge", 0, OPT_TEXT, "PATH", "libevreplay_torch.so, or its folder", (base) + offsetof(runtime_options, bridge)}

/* For commands that can do without the tensor library. */
typedef struct live_options {
    runtime_options runtime;
    bool on;
} live_options;

#define LIVE_OPTIONS(base)                                                                                                          \
    {"live", 0, OPT_FLAG, NULL, "ask the installed tensor library for schemas first, importing namespaces as replay does",              \
     (base) + offsetof(live_options, on)},                                                                                           \
    RUNTIME_SOURCES((base) + offsetof(live_options, runtime))

/* Registers what the options say. Returns 0, or the exit code after an error has been told. */
int runtime_configure(const char *name, const runtime_options *o, evr_context *ctx);

/* Opens the tensor library and the device. Returns as above. */
int runtime_open(const char *name, const runtime_options *o, evr_context *ctx, evr_runtime **out);

/* As input_error(), where things run: a plug-in of another ABI, and what a device cannot do, are something that is missing and no fault of the input. */
int runtime_error(const char *name, evr_status status, evr_error *err);

#endif
