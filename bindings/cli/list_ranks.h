/* evreplay list for the traces of several ranks. */
#ifndef EVREPLAY_CLI_LIST_RANKS_H
#define EVREPLAY_CLI_LIST_RANKS_H

#include <evreplay/evreplay.h>

#include "options.h"

typedef struct rank_listing {
    const char *out;  /* NULL = standard output */
    const char *name; /* shell pattern for collectives; NULL = all */
    uint32_t flags;   /* EVR_TRACE_... */
    uint64_t top;     /* 0 = all */
    bool by_time;     /* in order of time, not of skew */
    bool json, csv;
} rank_listing;

/* Returns the exit code. */
int list_ranks(const rank_listing *what, evr_context *ctx, const text_list *inputs);

#endif
