#include "neighbour.h"

#include "clock.h"

#include <math.h>

enum { ROUNDS = 6000, TRIES = 3, AGREED = 5, INSISTED = 500 };

#define SAME 0.012   /* undisturbed probes differ by less */
#define SHARED 0.025 /* disturbed ones by more */
#define BELOW 0.015  /* whole cycles, as probes show them */
#define ABOVE 0.05

#if defined(__x86_64__) || defined(__aarch64__)

#define TWICE(x) x x
#define TIMES_24(x) TWICE(TWICE(TWICE(x x x)))

/* Six sums that need not wait for each other, and take a cycle each: what the widest processors can do in one, and four units in one and a half. */
static double wide(void)
{
    unsigned long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, k = 7;
    __asm__ volatile("" : "+r"(k)); /* the compiler may not know what is in it */
    double from = clock_ns();
    for (int i = 0; i < ROUNDS / 24; i++) {
        TIMES_24(a += k; b += k; c += k; d += k; e += k; f += k; __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));)
    }
    return clock_ns() - from;
}

/* Products, each of which waits for the one before, for three cycles on most. */
static double narrow(void)
{
    unsigned long a = 1, k = 5;
    __asm__ volatile("" : "+r"(k));
    double from = clock_ns();
    for (int i = 0; i < ROUNDS / 24 / 3; i++) {
        TIMES_24(a *= k; __asm__ volatile("" : "+r"(a));)
    }
    return clock_ns() - from;
}

#else /* the probe has not been written for this processor: its cores count as undisturbed */

static double wide(void) { return 0; }
static double narrow(void) { return 0; }

#endif

double neighbour_probe(void)
{
    double most = 0; /* neighbours pause for a moment, too */
    for (int i = 0; i < TRIES; i++) {
        double chained = narrow(), apart = wide();
        most = chained > 0 ? fmax(most, apart / chained) : most;
    }
    return most;
}

/* A round of six sums takes as many cycles as the units need that add, which are four to six on x86-64. A product takes three there, and two to four elsewhere. What an undisturbed core
 * gives is the ratio of two such numbers, to one round of sums for a third of a product; one that is shared from the first probe on rarely does. */
static bool is_of_whole_cycles(double ratio)
{
#ifdef __aarch64__
    static const double sums[] = {1, 1.2, 1.5, 2, 3}, product[] = {2. / 3, 1, 4. / 3};
#else
    static const double sums[] = {1, 1.2, 1.5}, product[] = {1};
#endif
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        for (size_t k = 0; k < sizeof product / sizeof *product; k++) {
            double whole = sums[i] / product[k];
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
