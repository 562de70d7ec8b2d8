/* A loaded bridge and the device in use. */
#ifndef EVR_REPLAY_RUNTIME_H
#define EVR_REPLAY_RUNTIME_H

#include <evreplay/replay.h>

#include "base/arena.h"
#include "plugin/loader.h"

/* A namespace that was, or is to be, imported. */
typedef struct evr_import {
    evr_str space, why; /* why: what failed; empty when nothing did */
    bool tried;
} evr_import;

struct evr_runtime {
    evr_context *ctx;
    evr_loaded_bridge *bridge;
    char device[64]; /* with its index, NUL-terminated */
    char version[64];
    uint64_t max_bytes; /* 0 = by what is free */
    uint64_t seed;
    bool on_cpu;
    evr_arena arena;
    evr_import *imports;
    size_t import_count, import_cap;
};

/* Bytes a record may take now. */
uint64_t evr_memory_free(void); /* what the machine has free, or the container allows, whichever is less */
uint64_t evr_runtime_budget(const evr_runtime *runtime);

#endif
