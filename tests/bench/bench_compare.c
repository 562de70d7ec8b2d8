/* How often comparisons call a change where there is none, and how often they find one, as noise grows. Simulated: see tests/report/simulate.h. */
#include "report/simulate.h"

#include <stdio.h>
#include <stdlib.h>

static double part(size_t of, size_t all) { return all ? 100.0 * (double)of / (double)all : 0; }

int main(int argc, char **argv)
{
    static const double noises[] = {0.01, 0.02, 0.05}, owns[] = {0, 0.0025, 0.005, 0.01, 0.02};
    static const size_t slowed[] = {1, 5, 10, 20, 40};
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 50;
    evr_context *ctx = NULL;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK)
        return 1;
    printf("40 operators, %zu comparisons each; 30 to 100 samples, whole runs differ by 0.5 %%; in %%\n", rounds);
    printf("%8s %6s %11s | %14s | found of 5 %% slower in\n%8s %6s %11s | %14s | %5s %5s %5s %5s %5s\n", "samples", "noise", "operators", "A/A with a", "", "", "differ by", "regression", "1",
           "5", "10", "20", "40");
    for (int with_samples = 1; with_samples >= 0; with_samples--)
        for (size_t n = 0; n < sizeof noises / sizeof *noises; n++)
            for (size_t o = 0; o < sizeof owns / sizeof *owns; o++) {
                simulation s = {{.seed = 1, .stream = 1000 + n * 100 + o}, noises[n], 0.005, owns[o], 40, with_samples, 1};
                rates same = measure_rates(ctx, &s, rounds * 2, 0, 0);
                printf("%8s %6.1f %11.2f | %14.1f |", with_samples ? "kept" : "not kept", noises[n] * 100, owns[o] * 100, part(same.with_false, rounds * 2));
                for (size_t k = 0; k < sizeof slowed / sizeof *slowed; k++) {
                    rates found = measure_rates(ctx, &s, slowed[k] == 1 ? rounds * 2 : rounds / 5, slowed[k], 0.05);
                    printf(" %5.0f", part(found.found, found.planted));
                }
                printf("\n");
                fflush(stdout);
            }
    evr_context_free(ctx);
    return 0;
}
