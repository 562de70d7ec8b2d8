#include "perfdb/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

typedef struct sharing {
    evr_piece_fn work;
    void *user;
    size_t pieces;
    atomic_size_t next;
    atomic_bool stop;
} sharing;

typedef struct worker {
    sharing *shared;
    size_t number;
    pthread_t thread;
} worker;

static void *run(void *arg)
{
    worker *w = arg;
    sharing *s = w->shared;
    for (size_t i; !atomic_load(&s->stop) && (i = atomic_fetch_add(&s->next, 1)) < s->pieces;)
        if (!s->work(s->user, w->number, i))
            atomic_store(&s->stop, true);
    return NULL;
}

size_t evr_threads_for(uint32_t asked, size_t pieces)
{
    long processors = asked ? asked : sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = processors > 0 ? (size_t)processors : 1;
    n = n < EVR_MOST_THREADS ? n : EVR_MOST_THREADS;
    return n < pieces ? n : pieces ? pieces : 1;
}

void evr_parallel(size_t threads, size_t pieces, evr_piece_fn work, void *user)
{
    sharing s = {.work = work, .user = user, .pieces = pieces};
    worker workers[EVR_MOST_THREADS] = {{.shared = &s}};
    size_t started = 1;
    sigset_t all, before;
    sigfillset(&all); /* the program's signals are not for these threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; started < threads && started < pieces && started < EVR_MOST_THREADS; started++) {
        workers[started] = (worker){.shared = &s, .number = started};
        if (pthread_create(&workers[started].thread, NULL, run, &workers[started]) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    run(&workers[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
}
