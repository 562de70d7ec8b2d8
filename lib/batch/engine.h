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
    size_t visits;    /* to each record */
    size_t total;     /* visits to all: the first to each record, then the second to each, and so on. A visit is known by its place in this */
    uint64_t *order;  /* visits in the order they are run */
    size_t next;      /* in order[] */
    bool *have;       /* a result of a visit */
    size_t done;
    bool stopped;     /* by the caller, an error or the budget */
    double begun_ns;
    evr_results_info info;
    char runtime[64], device[64], device_name[128], driver[160]; /* texts of the info */
} evr_engine;

/* Nanoseconds on a steady clock. */
double evr_engine_now(void);

/* What a visit is to, and the how manieth it is. */
static inline const evr_ir *evr_engine_record(const evr_engine *e, size_t visit) { return e->records[visit % e->count]; }
static inline size_t evr_engine_round(const evr_engine *e, size_t visit) { return visit / e->count; }

/* The next visit to make; false when there is none, or the batch is to end. */
bool evr_engine_next(evr_engine *e, size_t *visit);

/* An evr_result_fn on an evr_engine: keeps the result of a visit, whose number is in the place of the index, in the journal first, and tells the caller. */
evr_status evr_engine_accept(void *engine, const evr_result *result, evr_error **err);

/* Lets the caller know that time passes. */
void evr_engine_tick(evr_engine *e);

/* isolated.c: runs the batch in worker processes. */
evr_status evr_engine_isolated(evr_engine *e, evr_error **err);

#endif
