/* evreplay-worker: runs records for a batch in another process, one at a time. Descriptors 3 and 4 are its line to the batch. */
#include <evreplay/evreplay.h>

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../heap.h"

enum { FROM = 3, TO = 4 };

void __lsan_do_leak_check(void) __attribute__((weak)); /* where sanitizers are built in */

/* A fork has all that the zygote loaded, and taking that apart again costs more than all else it does: its system does it at once. */
static int end_fork(int code)
{
    if (__lsan_do_leak_check)
        __lsan_do_leak_check();
    fflush(NULL);
    _exit(code);
}

int main(void)
{
    const pid_t first = getpid();
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
    int code = status == EVR_OK ? 0 : 1;
    return getpid() == first ? code : end_fork(code);
}
