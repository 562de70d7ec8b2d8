/* Looking at what an operator did: to its results, to its arguments, against a more precise computation. */
#ifndef EVR_BATCH_CHECKS_H
#define EVR_BATCH_CHECKS_H

#include <evreplay/report.h>

#include "base/arena.h"
#include "replay/replayer.h"

enum { EVR_CHECKS_MOST = 8 };

/* The checks of one record; texts live in the arena. */
typedef struct evr_checks {
    evr_context *ctx;
    evr_arena *arena;
    evr_check items[EVR_CHECKS_MOST];
    size_t count;
} evr_checks;

/* Adds a verdict; the detail is formatted. */
evr_status evr_checks_add(evr_checks *c, const char *name, int32_t verdict, evr_error **err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* False when one is bad; *first is it. */
bool evr_checks_good(const evr_checks *c, const evr_check **first);

/* After a run. */
evr_status evr_check_finite(evr_checks *c, evr_replayer *r, evr_error **err);
evr_status evr_check_repeat(evr_checks *c, evr_replayer *r, evr_error **err);

/* Before and after a run: what the schema says is only read stays as it was. */
evr_status evr_check_arguments(evr_checks *c, evr_replayer *r, uint64_t *digests, evr_error **err);
evr_status evr_check_mutation(evr_checks *c, evr_replayer *r, const uint64_t *before, evr_error **err);

/* reference.c: made before the run, from the same inputs; *out stays NULL, and a verdict says why, when the record has no such reference. */
typedef struct evr_reference evr_reference;
evr_status evr_reference_new(evr_checks *c, evr_replayer *r, evr_runtime *cpu, evr_reference **out, evr_error **err);
void evr_reference_free(evr_reference *reference);
/* After the run. */
evr_status evr_check_reference(evr_checks *c, evr_replayer *r, evr_reference *reference, evr_error **err);

#endif
