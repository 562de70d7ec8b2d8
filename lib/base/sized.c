#include "base/sized.h"

enum { MOST = 1 << 16 }; /* larger sizes are no sizes */

evr_status evr_sized_give_or_fail(evr_context *ctx, void *to, const void *from, size_t known, const char *what, evr_error **err)
{
    uint32_t theirs = 0;
    if (to)
        memcpy(&theirs, to, sizeof theirs);
    if (theirs < 2 * sizeof theirs || theirs > MOST)
        return evr_fail(ctx, err, EVR_E_INVALID, "%s: `out` is NULL or its struct_size is not set", what);
    evr_sized_give(to, from, known);
    return EVR_OK;
}
