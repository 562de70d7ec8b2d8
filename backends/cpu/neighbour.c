#include "neighbour.h"

#include "clock.h"

#include <math.h>

enum { ROUNDS = 2000, TRIES = 2, AGREED = 5, INSISTED = 500 };

#define SAME 0.012   /* undisturbed probes differ by less */
#define SHARED 0.035 /* disturbed ones by more */
#define BELOW 0.015  /* whole cycles, as probes show them */
#define ABOVE 0.03

#if defined(__x86_64__) || defined(__aarch64__)
#ifdef __x86_64__
#define KEPT(v) "+x"(v)
#else
#define KEPT(v) "+w"(v)
#endif

typedef float four __attribute__((vector_size(16)));

/* The compiler may not know what is in it. */
static four ones(void)
{
    four one = {1, 1, 1, 1};
    __asm__ volatile("" : KEPT(one));
    return one;
}

/* Twelve products and sums that need not wait for each other: all that the units for them can do. */
static double wide(void)
{
    const four k = ones();
    four a = k, b = k, c = k, d = k, e = k, f = k, g = k, h = k, l = k, m = k, n = k, o = k;
    double from = clock_ns();
    for (int i = 0; i < ROUNDS; i++) {
        a *= k, b += k, c *= k, d += k, e *= k, f += k;
        g *= k, h += k, l *= k, m += k, n *= k, o += k;
        __asm__ volatile("" : KEPT(a), KEPT(b), KEPT(c), KEPT(d), KEPT(e), KEPT(f), KEPT(g), KEPT(h), KEPT(l), KEPT(m), KEPT(n), KEPT(o));
    }
    return clock_ns() - from;
}

/* Each product waits for the one before. */
static double narrow(void)
{
    const four k = ones();
    four a = k;
    double from = clock_ns();
    for (int i = 0; i < ROUNDS; i++) {
        a *= k;
        __asm__ volatile("" : KEPT(a));
    }
    return clock_ns() - from;
}

#else /* the probe has not been written for this processor: its cores count as undisturbed */

static double wide(void) { return 0; }
static double narrow(void) { return 0; }

#endif

double neighbour_probe(void)
{
    double apart = INFINITY, chained = INFINITY;
    for (int i = 0; i < TRIES; i++) {
        apart = fmin(apart, wide());
        chained = fmin(chained, narrow());
    }
    return chained > 0 ? apart / chained : 0;
}

/* A round of either kind takes whole cycles: the chain 3 to 5, its latency; the other one twelve by the units that do it. What an undisturbed core gives is the ratio of two such
 * numbers; one that is shared all the time, from the first probe on, hardly ever does. */
static bool is_of_whole_cycles(double ratio)
{
    static const double wide_cycles[] = {2, 3, 4, 6, 12}, chained_cycles[] = {2, 3, 4, 5};
    for (size_t i = 0; i < sizeof wide_cycles / sizeof *wide_cycles; i++)
        for (size_t k = 0; k < sizeof chained_cycles / sizeof *chained_cycles; k++) {
            double whole = wide_cycles[i] / chained_cycles[k];
            if (ratio > whole * (1 - BELOW) && ratio < whole * (1 + ABOVE))
                return true;
        }
    return false;
}

bool neighbour_judge(neighbour *n, double ratio)
{
    if (!(ratio > 0) || !isfinite(ratio))
        return false;
    double alike = n->alike, undisturbed = n->undisturbed;
    bool same = fabs(ratio - alike) <= SAME * alike; /* neighbours are restless: no row of probes is alike while one is there */
    int row = same ? n->row + 1 : 1;
    if (!same)
        n->alike = ratio;
    n->row = row < INSISTED ? row : INSISTED;
    if (row >= (is_of_whole_cycles(n->alike) ? AGREED : INSISTED) && (undisturbed == 0 || n->alike < undisturbed))
        n->undisturbed = undisturbed = n->alike;
    return undisturbed == 0 || ratio > undisturbed * (1 + SHARED);
}
