#include "gate.h"

#include <math.h>
#include <time.h>

static struct timespec after(double ns)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double total = (double)t.tv_nsec + fmod(ns, 1e9);
    t.tv_sec += (time_t)(ns / 1e9) + (total >= 1e9);
    t.tv_nsec = (long)(total >= 1e9 ? total - 1e9 : total);
    return t;
}

static void open_locked(gate *g)
{
    __atomic_store_n(g->word, (uint64_t)g->turn, __ATOMIC_SEQ_CST);
    g->closed = false;
}

static void *watch(void *user)
{
    gate *g = user;
    pthread_mutex_lock(&g->lock);
    while (!g->over) {
        if (!g->closed) {
            pthread_cond_wait(&g->changed, &g->lock);
            continue;
        }
        uint32_t turn = g->turn;
        struct timespec deadline = after(g->timeout_ns);
        int late = 0;
        while (!g->over && g->closed && g->turn == turn && !late)
            late = pthread_cond_timedwait(&g->changed, &g->lock, &deadline) != 0;
        if (late && g->closed && g->turn == turn) {
            open_locked(g);
            g->timed_out = true;
        }
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

bool gate_start(gate *g, volatile uint64_t *word)
{
    pthread_condattr_t attributes;
    *g = (gate){.word = word};
    *word = 0;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&g->watchdog, NULL, watch, g) == 0)
        return true;
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    return false;
}

void gate_stop(gate *g)
{
    pthread_mutex_lock(&g->lock);
    if (g->closed)
        open_locked(g);
    g->over = true;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->watchdog, NULL);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
}

uint32_t gate_shut(gate *g, double timeout_ns)
{
    uint32_t turn = 0;
    pthread_mutex_lock(&g->lock);
    if (!g->closed) {
        if (g->turn >= 0x7ffffff0u) /* a device may compare signed differences of 32 bits: begin again before they turn */
            *g->word = g->turn = 0;
        turn = ++g->turn;
        g->closed = true;
        g->timed_out = false;
        g->timeout_ns = timeout_ns;
        pthread_cond_signal(&g->changed);
    }
    pthread_mutex_unlock(&g->lock);
    return turn;
}

int gate_release(gate *g)
{
    pthread_mutex_lock(&g->lock);
    int result = g->timed_out ? 2 : g->closed ? 1 : 0;
    if (g->closed)
        open_locked(g);
    g->timed_out = false;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
    return result;
}
