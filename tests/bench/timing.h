/* Samples and what is said about them; memory; children. */
#ifndef EVR_BENCH_TIMING_H
#define EVR_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

double bench_now(void); /* seconds */
double bench_cpu(void); /* seconds of processor time of all threads: steadier on a machine that others use too */

enum { BENCH_SAMPLES = 64 };

typedef struct bench_samples {
    double seconds[BENCH_SAMPLES];
    int count;
    double least_cpu; /* of the samples, 0 when not measured */
} bench_samples;

void bench_add(bench_samples *s, double seconds, double cpu);
double bench_min(const bench_samples *s);
double bench_median(const bench_samples *s);

/* Most memory this process has had resident since it was started, in bytes. Measured in a fresh child: what getrusage() tells of a child counts
 * the parent's memory too, from before exec. */
uint64_t bench_peak_rss(void);

/* Runs `argv` and keeps its standard output, NUL-terminated. Returns its exit code, -1 when it did not run to its end. */
int bench_run(const char *const *argv, char *output, size_t cap);

#endif
