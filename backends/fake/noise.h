/* Random numbers of the fake backend: the same ones for the same seed, everywhere. */
#ifndef EVR_FAKE_NOISE_H
#define EVR_FAKE_NOISE_H

#include "fake.h"

#include <math.h>

typedef struct noise {
    uint64_t state;
    double before; /* normal deviate of the call before */
} noise;

static inline uint64_t noise_bits(noise *n)
{
    uint64_t z = n->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Between 0 and 1, neither included. */
static inline double noise_uniform(noise *n) { return ((double)(noise_bits(n) >> 11) + 0.5) / 9007199254740992.0; }

static inline double noise_normal(noise *n)
{
    double r = sqrt(-2 * log(noise_uniform(n)));
    return r * cos(2 * M_PI * noise_uniform(n));
}

/* Time of call number `call` (from 0) on a device at full speed with a warm cache. */
static inline double noise_call(noise *n, const fake_program *p, uint64_t call)
{
    double fresh = noise_normal(n);
    double z = p->correlation * n->before + sqrt(1 - p->correlation * p->correlation) * fresh;
    double base = p->ns, ns;
    if (p->noise == FAKE_BIMODAL && noise_uniform(n) < p->second_share)
        base = p->second_ns;
    n->before = z;
    ns = p->noise == FAKE_LOGNORMAL ? base * exp(p->sigma * z) : base * (1 + p->sigma * z);
    ns *= 1 + p->drift_per_call * (double)call;
    if (p->warmup_calls > 0 && (double)call < p->warmup_calls)
        ns *= 1 + (p->warmup_factor - 1) * (1 - (double)call / p->warmup_calls);
    if (p->outlier_share > 0 && noise_uniform(n) < p->outlier_share)
        ns *= p->outlier_factor;
    return ns > 0 ? ns : 0;
}

#endif
