/* A loaded bridge and the device in use. */
#ifndef EVR_REPLAY_RUNTIME_H
#define EVR_REPLAY_RUNTIME_H

#include <evreplay/replay.h>

#include "plugin/loader.h"

struct evr_runtime {
    evr_context *ctx;
    evr_loaded_bridge *bridge;
    char device[64]; /* with its index, NUL-terminated */
    char version[64];
    uint64_t max_bytes; /* 0 = by what is free */
    uint64_t seed;
    bool on_cpu;
};

/* Bytes a record may take now. */
uint64_t evr_runtime_budget(const evr_runtime *runtime);

#endif
