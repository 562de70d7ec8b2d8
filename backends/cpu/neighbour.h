/* Whether somebody else has a part of the core. Two hardware threads share one core's execution units, and on a rented machine the other thread belongs to a stranger: while that
 * one works, everything here takes up to twice as long, without any sign of it in a clock, a counter or the load. */
#ifndef EVR_CPU_NEIGHBOUR_H
#define EVR_CPU_NEIGHBOUR_H

#include <stdbool.h>

/* What the probes of this machine have shown so far. Several threads may look at the same time. */
typedef struct neighbour {
    _Atomic double undisturbed; /* ratio of an undisturbed core; 0 = not yet seen */
    _Atomic double alike;       /* first of the row of probes that are alike */
    _Atomic int row;            /* how many they are */
} neighbour;

/* How much longer sums that are independent of each other take than a chain of products: the most of three tries. The chain leaves most of the core idle, and so does not notice who
 * else uses it; both follow the core's frequency alike. Sums of whole numbers, since those of floating-point numbers are scheduled now one way, now another, for a loop at a time.
 * Takes about 12 us. */
double neighbour_probe(void);

/* Whether a probe's ratio says that the core is shared at this moment. What an undisturbed core gives is learnt from the probes: it is the least that several in a row agree on (one alone
 * may be low because the chain was interrupted), and a ratio of whole cycles unless very many agree. Until then the core counts as shared. Where there is no probe (a ratio of 0) it never does. */
bool neighbour_judge(neighbour *n, double ratio);

#endif
