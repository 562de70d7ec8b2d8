/* One record on several ranks at once: they agree on whether it can run, start each sample together, and learn what became of it everywhere. */
#ifndef EVR_BATCH_TOGETHER_H
#define EVR_BATCH_TOGETHER_H

#include <evreplay/ranks.h>
#include <evreplay/report.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct evr_together {
    evr_context *ctx;
    evr_arena *arena;
    evr_ranks all;
    evr_ir *fitted;        /* the record as it runs here; NULL = it does not */
    const char *group;     /* that the record runs in; NULL = all ranks */
    int64_t *members;
    size_t member_count;
    bool member;           /* this rank is one */
    bool talks;            /* the operator itself talks to other ranks */
    int32_t status, reason; /* of a record that does not run anywhere */
    char detail[256];
    bool lost;             /* another rank is gone */
    bool elsewhere;        /* what failed is another rank's */
    evr_status failed;     /* of a run within a measurement, told with the next agreement */
    evr_error *failure;
    double latency_ns;     /* of the last agreement */
    double *own;           /* this rank's samples */
    size_t own_count, own_cap;
} evr_together;

/* Fits the record and has all ranks agree on it. What the record comes to when it cannot run is in `status`. */
evr_status evr_together_open(evr_together *t, evr_context *ctx, evr_arena *arena, const evr_ranks *all, const evr_ir *ir, evr_error **err);
void evr_together_free(evr_together *t);

/* After a step: `mine` when it failed here, EVR_E_OP when it did on another rank of the group, EVR_E_CANCELLED when one is gone. */
evr_status evr_together_agree(evr_together *t, evr_status mine, evr_error **err);

/* Returns at the same moment on all ranks of the group. */
evr_status evr_together_start(evr_together *t, evr_error **err);

/* evr_measured::agree: the largest of all ranks, with word of runs that failed. */
evr_status evr_together_values(evr_together *t, double *values, size_t count, evr_error **err);

/* Makes the result that of all ranks; texts live in the arena, `s` and `c` take times that this rank did not see. */
evr_status evr_together_close(evr_together *t, evr_result *result, size_t samples, evr_statistics *s, evr_conditions *c, evr_error **err);

#endif
