/* evreplay-worker: runs records for a batch in another process, one at a time. Descriptors 3 and 4 are its line to the batch. */
#include <evreplay/evreplay.h>

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "../heap.h"

enum { FROM = 3, TO = 4 };

int main(void)
{
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(FROM, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        fprintf(stderr, "evreplay-worker is started by libevreplay, for `evreplay replay --isolate`; it has no use by itself\n");
        return 2;
    }
    heap_keep();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a batch that is killed leaves nobody behind */
    evr_status status = evr_context_new(NULL, &ctx, &err);
    if (status == EVR_OK)
        status = evr_worker_serve(ctx, FROM, TO, &err);
    if (status != EVR_OK)
        fprintf(stderr, "evreplay-worker: %s\n", evr_error_message(err));
    evr_error_free(err);
    evr_context_free(ctx);
    return status == EVR_OK ? 0 : 1;
}
