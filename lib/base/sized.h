/* Structures that begin with their size, on their way over the boundary: an older caller's is shorter than what is known here, a newer caller's longer. What only one side knows
 * keeps what it has: its default in a structure that is taken, whatever the caller put there in one that is given. A size that was never set moves nothing. */
#ifndef EVR_BASE_SIZED_H
#define EVR_BASE_SIZED_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void evr_sized_copy(void *to, const void *from, size_t theirs, size_t known)
{
    const size_t head = sizeof(uint32_t);
    size_t size = theirs < known ? theirs : known;
    if (size > head)
        memcpy((char *)to + head, (const char *)from + head, size - head);
}

/* Takes a caller's structure into one of this library's, which holds the defaults and gets the size that is known here. NULL leaves the defaults. */
static inline void evr_sized_take(void *to, size_t known, const void *from)
{
    uint32_t theirs = 0, size = (uint32_t)known;
    if (from)
        memcpy(&theirs, from, sizeof theirs);
    evr_sized_copy(to, from, theirs, known);
    memcpy(to, &size, sizeof size);
}

/* Gives one of this library's to a caller, whose own size stays. */
static inline void evr_sized_give(void *to, const void *from, size_t known)
{
    uint32_t theirs;
    memcpy(&theirs, to, sizeof theirs);
    evr_sized_copy(to, from, theirs, known);
}

/* The same for a call that fails when there is nothing to give to: `what` names the call. */
evr_status evr_sized_give_or_fail(evr_context *ctx, void *to, const void *from, size_t known, const char *what, evr_error **err);

#define EVR_TAKE(to, from) evr_sized_take((to), sizeof *(to), (from))
#define EVR_GIVE(to, from) evr_sized_give((to), (from), sizeof *(from))

#endif
