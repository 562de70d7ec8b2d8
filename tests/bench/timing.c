#include "bench/timing.h"

#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double bench_now(void) { return read_clock(CLOCK_MONOTONIC); }
double bench_cpu(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

void bench_add(bench_samples *s, double seconds, double cpu)
{
    if (s->count == BENCH_SAMPLES)
        return;
    s->seconds[s->count++] = seconds;
    if (s->count == 1 || cpu < s->least_cpu)
        s->least_cpu = cpu;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at_rank(const bench_samples *s, int rank)
{
    bench_samples sorted = *s;
    if (!s->count)
        return 0;
    qsort(sorted.seconds, (size_t)sorted.count, sizeof *sorted.seconds, by_value);
    return sorted.seconds[rank];
}

double bench_min(const bench_samples *s)
{
    return at_rank(s, 0);
}

double bench_median(const bench_samples *s)
{
    return at_rank(s, s->count / 2);
}

uint64_t bench_peak_rss(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib * 1024;
}

int bench_run(const char *const *argv, char *output, size_t cap)
{
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    pid_t pid = -1;
    output[0] = 0;
    if (pipe(ends) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    size_t used = 0;
    ssize_t got = 1;
    while (!failed && got > 0) {
        char spill[512];
        bool room = used + 1 < cap;
        got = read(ends[0], room ? output + used : spill, room ? cap - 1 - used : sizeof spill);
        used += room && got > 0 ? (size_t)got : 0;
        output[used] = 0;
    }
    close(ends[0]);
    if (failed || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}
