/* Looking at what an operator computed. */
#ifndef EVREPLAY_CLI_VERIFY_H
#define EVREPLAY_CLI_VERIFY_H

#include <evreplay/evreplay.h>

#include <stdbool.h>

/* True when no result of the last run holds a NaN or an infinity. Results of whole numbers pass. */
bool verify_finite(evr_replayer *replayer);

/* A number made of all bits of all results of the last run. */
uint64_t verify_digest(evr_replayer *replayer);

#endif
