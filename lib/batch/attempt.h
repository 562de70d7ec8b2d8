/* One record tried: set up, run, checked, timed. */
#ifndef EVR_BATCH_ATTEMPT_H
#define EVR_BATCH_ATTEMPT_H

#include <evreplay/batch.h>

#include "batch/checks.h"

/* What trying records takes: opened once, used for many. */
typedef struct evr_attempter {
    evr_context *ctx;
    evr_runtime *runtime;
    evr_runtime *cpu;     /* for references; opened on first use, or the same */
    evr_meter *meter;     /* NULL when nothing is timed */
    evr_device_desc device;
    evr_protocol protocol;
    char *protocol_text;
    uint32_t flags;       /* EVR_BATCH_... */
    char *bridge;         /* NULL = search */
} evr_attempter;

/* `device` is one device. Only what concerns single records is read from the options. */
evr_status evr_attempter_open(evr_context *ctx, const evr_replay_batch_options *options, const char *device, evr_attempter **out, evr_error **err);
void evr_attempter_free(evr_attempter *a);

/* Receives the result, borrowed for the call. */
typedef evr_status (*evr_result_fn)(void *user, const evr_result *result, evr_error **err);

/* Tries a record and hands its result on, whatever became of it. Fails only when no result can be made. */
evr_status evr_attempt(evr_attempter *a, const evr_ir *ir, uint64_t index, evr_result_fn receive, void *user, evr_error **err);

/* A result without a run: of records whose own status is not ok, of those that were not reached or crashed a worker. */
evr_status evr_attempt_none(evr_context *ctx, const evr_ir *ir, uint64_t index, int32_t status, int32_t reason, const char *detail, evr_result_fn receive,
                            void *user, evr_error **err);

/* timing.c: measures a record that is set up; fills the result's times. *out must outlive what the result borrows. */
evr_status evr_attempt_time(evr_attempter *a, evr_replayer *r, evr_measurement **out, evr_error **err);

/* kernels.c: the kernels that run against those of the trace, as far as a recorder is there. */
evr_status evr_check_kernels(evr_attempter *a, evr_checks *c, evr_replayer *r, double median_ns, evr_error **err);

/* Device time of one call in the trace; negative when none is known. */
double evr_trace_kernel_ns(const evr_ir *ir);

#endif
