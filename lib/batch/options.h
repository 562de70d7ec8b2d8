/* A batch's options on their way to a worker. */
#ifndef EVR_BATCH_OPTIONS_H
#define EVR_BATCH_OPTIONS_H

#include <evreplay/batch.h>

#include "base/arena.h"
#include "base/buf.h"

/* The options as JSON, for one device; `memory` bounds the worker's data in bytes (0 = it does not). */
evr_status evr_batch_options_write(evr_context *ctx, const evr_replay_batch_options *o, const char *device, uint64_t memory, evr_buf *out, evr_error **err);

/* Reads them; texts and the protocol live in the arena. */
evr_status evr_batch_options_read(evr_arena *arena, evr_str text, evr_replay_batch_options *o, uint64_t *memory, evr_error **err);

#endif
