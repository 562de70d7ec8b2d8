/* A word that a stream waits for, and a thread that writes it when the host does not come to it in time. */
#ifndef EVR_COMMON_GATE_H
#define EVR_COMMON_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct gate {
    volatile uint64_t *word; /* that the device waits to become `turn` or more */
    uint32_t turn;
    pthread_t watchdog;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed, timed_out, over;
    double timeout_ns;
} gate;

/* `word` is memory that the device can read; it may look at the lower half alone, since what is written stays below 2^31.
 * False when the thread cannot be started. */
bool gate_start(gate *g, volatile uint64_t *word);
void gate_stop(gate *g); /* opens it first */
/* The value that the stream is to wait for, or 0 when the gate is closed already. The watch begins. */
uint32_t gate_shut(gate *g, double timeout_ns);
/* 0 it was open already · 1 opened · 2 the watchdog was first */
int gate_release(gate *g);

#endif
