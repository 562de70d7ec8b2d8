/* A worker process, seen from the batch. */
#ifndef EVR_BATCH_WORKER_H
#define EVR_BATCH_WORKER_H

#include "batch/frames.h"

#include <sys/types.h>

enum { EVR_WORKER_TAIL = 2048, EVR_WORKER_GRACE_MS = 10000, EVR_WORKER_LAST_MS = 2000 };

struct evr_zygote;

typedef struct evr_worker {
    evr_context *ctx;
    pid_t pid;            /* 0 = there is none */
    struct evr_zygote *zygote; /* whose child it is; NULL = ours */
    bool orphan;          /* its zygote is gone: it is nobody's to wait for, and its number may soon be another's */
    int line, noise;      /* messages both ways; what it prints */
    int life;             /* a pidfd, which is readable when it is dead, whoever holds its line; -1 where the system has none */
    evr_buf received;
    char tail[EVR_WORKER_TAIL + 1]; /* the last it printed */
    size_t tail_len;
    bool ready;           /* it said hello */
    uint64_t handled;     /* records it has done */
    size_t job;           /* SIZE_MAX = it is idle */
    size_t round;         /* of visits, that the last job was of */
    bool alone;           /* the job is the only one it ever had */
    bool retry;           /* and was run before, in another */
    bool sole;            /* and runs while nothing else does */
    double deadline_ns;   /* of the job, on the batch's clock */
    bool timed_out;       /* killed for that */
} evr_worker;

/* Where the executable is: given, $EVREPLAY_WORKER, or beside the library and the program. Free with evr_text_free(). */
evr_status evr_worker_find(evr_context *ctx, const char *given, char **out, evr_error **err);

/* Starts the process. @return EVR_OK · EVR_E_PLUGIN · EVR_E_NOMEM */
evr_status evr_worker_start(evr_context *ctx, const char *path, evr_worker *w, evr_error **err);

/* The same, as a child of a zygote: a fork of what has the libraries already. */
evr_status evr_worker_fork(evr_context *ctx, struct evr_zygote *zygote, evr_worker *w, evr_error **err);

/* Waits for a child of this process; kills its group when the grace is over, and says so. The wait status, or -1 when there is no such child. */
int evr_worker_wait(pid_t pid, uint32_t grace_ms, bool *killed);

/* Kills it and what it has started, where that can be done without hitting another. */
void evr_worker_kill(const evr_worker *w);

/* Ends it, whatever it does, and gives back what it took. NULL-safe for workers that were never started. */
void evr_worker_stop(evr_worker *w, bool kill_it);

/* Reads what there is. False at the end of its answers: it is gone. */
bool evr_worker_receive(evr_worker *w);
void evr_worker_listen(evr_worker *w); /* to what it prints */

/* Waits for a worker that is gone and says how it went, in words. */
void evr_worker_obituary(evr_worker *w, char *out, size_t size);

#endif
