/* A process that has loaded what workers need and forks one on request, in a hundredth of the time that starting one takes.
 *
 * It runs no operator, touches no device and has one thread: a fork takes along only the thread that calls it, and locks that another one held would stay locked. What it finds
 * out of itself (one thread, no device file open, no functions of a host) decides; a process that is not fit says so and serves as a plain worker. Its children are its to reap: the
 * batch asks for that one by one, so until it asks, a dead worker stays a zombie and its number means nobody else. Workers get a kill when the zygote goes, the zygote
 * when the batch goes. */
#ifndef EVR_BATCH_ZYGOTE_H
#define EVR_BATCH_ZYGOTE_H

#include "batch/worker.h"

#include <evreplay/replay.h>

enum evr_zygote_state {
    EVR_ZYGOTE_NONE,    /* not begun */
    EVR_ZYGOTE_LOADING,
    EVR_ZYGOTE_READY,
    EVR_ZYGOTE_OFF      /* there is to be none, or it is gone */
};

/* Seen from the batch. */
typedef struct evr_zygote {
    evr_worker process;
    enum evr_zygote_state state;
} evr_zygote;

typedef struct evr_reap_request {
    int64_t pid;
    uint64_t grace_ms;
} evr_reap_request;

typedef struct evr_reap_answer {
    int64_t status; /* as of waitpid(), or -1 */
    uint64_t killed;
} evr_reap_answer;

/* Starts the process and tells it what to load: the bridge (NULL = search) and whatever brings these operators, `size` bytes of texts with their NULs. */
evr_status evr_zygote_start(evr_context *ctx, const char *path, const char *configuration, size_t configuration_size, const char *bridge, evr_str ops,
                            evr_zygote *z, evr_error **err);

/* A child that has these two as its line and its noise. An errno: the zygote is gone, or it lives on for the children it has. */
int evr_zygote_fork(evr_zygote *z, int line, int noise, pid_t *pid);

/* evr_worker_wait() there. */
int evr_zygote_reap(evr_zygote *z, pid_t pid, uint32_t grace_ms, bool *killed);

/* Whether it can still say anything of its children, which go with it. */
bool evr_zygote_lives(const evr_zygote *z);

/* Ends it. Its children have to be gone, or go with it. */
void evr_zygote_stop(evr_zygote *z);

/* Inside the process (fork.c). */
typedef enum evr_zygote_end {
    EVR_ZYGOTE_ENDED, /* the batch has closed the line */
    EVR_ZYGOTE_CHILD, /* this is a worker now, with a line of its own on the same descriptors */
} evr_zygote_end;

/* Loads. Fails when this process is not fit, and why; it can go on as a worker. *runtime is to be kept for the life of the process. */
evr_status evr_zygote_load(evr_context *ctx, evr_str what, evr_runtime **runtime, evr_error **err);

/* Forks and reaps until the line is closed; returns in children, too. */
evr_status evr_zygote_serve(evr_context *ctx, int from, int to, evr_zygote_end *end, evr_error **err);

#endif
