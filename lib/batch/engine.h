/* The state of a running batch, shared by the two ways records are run. */
#ifndef EVR_BATCH_ENGINE_H
#define EVR_BATCH_ENGINE_H

#include "batch/attempt.h"
#include "batch/journal.h"

typedef struct evr_engine {
    evr_context *ctx;
    const evr_ir *const *records;
    size_t count;
    evr_replay_batch_options options; /* whole, whatever the caller's header had */
    evr_results *results;
    evr_journal journal;
    uint64_t *order;  /* indexes in the order they are run */
    size_t next;      /* in order[] */
    bool *have;       /* a result */
    size_t done;
    bool stopped;     /* by the caller, an error or the budget */
    double begun_ns;
    evr_results_info info;
    char runtime[64], device[64], device_name[128], driver[160]; /* texts of the info */
} evr_engine;

/* Nanoseconds on a steady clock. */
double evr_engine_now(void);

/* The next record to run; false when there is none, or the batch is to end. */
bool evr_engine_next(evr_engine *e, size_t *index);

/* An evr_result_fn on an evr_engine: keeps a result, in the journal first, and tells the caller. */
evr_status evr_engine_accept(void *engine, const evr_result *result, evr_error **err);

/* Lets the caller know that time passes. */
void evr_engine_tick(evr_engine *e);

/* isolated.c: runs the batch in worker processes. */
evr_status evr_engine_isolated(evr_engine *e, evr_error **err);

#endif
