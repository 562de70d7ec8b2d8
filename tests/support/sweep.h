/* A call with every one of its allocations failing in turn. */
#ifndef EVR_TESTS_SWEEP_H
#define EVR_TESTS_SWEEP_H

#include <evreplay/evreplay.h>

/* One call under test. Returns its status; what it made, it frees again. When it succeeds, it checks that what it made is whole. */
typedef evr_status (*test_step)(evr_context *ctx, void *user, evr_error **err);

/* Allocation 1, 2, 3, … of the call fails, alone and with all that follow, until the call asks for no more. Every failure is EVR_E_NOMEM with an error that
 * says so, and everything is given back with the right sizes. */
void test_sweep_both(const char *what, test_step step, void *user);

#endif
