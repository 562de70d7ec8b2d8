/* How fast traces are read, and in how much memory, against the bare cost of unpacking and walking the same bytes, and against Python.
 *
 * usage: bench_trace [--quick] [--parts speed,python,memory,growth,huge] [--reps N] [--tmp FOLDER] [TRACE...]
 *
 * speed   wall and processor time, interleaved rounds, of: ISA-L inflate; simdjson On-Demand walk; evr_trace_open_file() on one thread and on two
 * python  gzip + orjson + dictionaries + tree, by the interpreter $EVR_BENCH_PYTHON (default python3)
 * memory  most resident memory of a fresh process that opens the trace, less that of one that opens nothing
 * growth  the first trace 1, 4, 16 and 64 times over
 * huge    the largest trace repeated to 6 GB of JSON
 * --quick: speed and memory, 3 rounds. Without traces: the largest ones of the corpus. */
#include "bench/peers.h"
#include "bench/timing.h"

#include <evreplay/evreplay.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRACES = 64 };

typedef struct bench {
    bool speed, python, memory, growth, huge;
    int reps;
    const char *tmp;
    const char *self;
    const char *traces[TRACES];
    int trace_count;
} bench;

static const double MB = 1e6, MIB = 1024 * 1024;

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static _Noreturn void give_up(const char *what, const char *path)
{
    fprintf(stderr, "bench_trace: %s: %s\n", path, what);
    exit(1);
}

static evr_trace *open_trace(evr_context *ctx, const char *path, uint32_t threads)
{
    evr_trace_options options = {.struct_size = sizeof options, .threads = threads};
    evr_trace *trace = NULL;
    evr_error *err = NULL;
    if (evr_trace_open_file(ctx, path, &options, &trace, &err) != EVR_OK)
        give_up(evr_error_message(err), path);
    return trace;
}

typedef struct moment {
    double wall, cpu;
} moment;

static moment now(void)
{
    return (moment){bench_now(), bench_cpu()};
}

/* Keeps a sample unless this is the round that warms up. */
static void keep(bench_samples *s, int round, moment from, moment to)
{
    if (round >= 0)
        bench_add(s, to.wall - from.wall, to.cpu - from.cpu);
}

static void time_open(evr_context *ctx, const char *path, uint32_t threads, int round, bench_samples *s)
{
    moment start = now();
    evr_trace *trace = open_trace(ctx, path, threads);
    keep(s, round, start, now());
    evr_trace_free(trace);
}

/* What the child of the memory part does: opens the trace (or nothing), says how much memory that took. */
static int child(const char *path)
{
    evr_context *ctx = NULL;
    evr_trace *trace = NULL;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK)
        return 1;
    double start = bench_now();
    if (path[0])
        trace = open_trace(ctx, path, 0);
    double seconds = bench_now() - start;
    printf("%llu %llu %llu %llu %.6f\n", (unsigned long long)bench_peak_rss(), trace ? (unsigned long long)evr_trace_json_bytes(trace) : 0,
           trace ? (unsigned long long)evr_trace_event_count(trace) : 0, trace ? (unsigned long long)evr_trace_memory(trace) : 0, seconds);
    evr_trace_free(trace);
    evr_context_free(ctx);
    return 0;
}

typedef struct footprint {
    unsigned long long peak, json, events, trace;
    double seconds;
} footprint;

static footprint run_child(const bench *b, const char *path)
{
    char output[256];
    footprint f = {0};
    const char *argv[] = {b->self, "--child", path, NULL};
    if (bench_run(argv, output, sizeof output) != 0 ||
        sscanf(output, "%llu %llu %llu %llu %lf", &f.peak, &f.json, &f.events, &f.trace, &f.seconds) != 5)
        give_up("the child that measures memory failed", path);
    return f;
}

static double run_python(const char *path, unsigned long long *peak)
{
    const char *python = getenv("EVR_BENCH_PYTHON");
    const char *argv[] = {python ? python : "python3", EVR_BENCH_FOLDER "/python_tree.py", path, NULL};
    char output[256];
    double seconds;
    unsigned long long events, linked;
    int code = bench_run(argv, output, sizeof output);
    if (code == 0 && sscanf(output, "%lf %llu %llu %llu", &seconds, &events, &linked, peak) == 4)
        return seconds;
    printf("  python: not measured (exit %d: %.*s); set EVR_BENCH_PYTHON to an interpreter with orjson\n", code,
           (int)strcspn(output, "\n"), output);
    return 0;
}

static void measure_speed(const bench *b, const char *path, double *json_bytes)
{
    bench_samples inflate = {.count = 0}, walk = inflate, one = inflate, two = inflate;
    bench_text packed = {0}, text = {0};
    evr_context *ctx = NULL;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK || bench_read_file(path, &packed) != 0)
        give_up("cannot be read", path);
    double sum = 0;
    int64_t walked = 0;
    for (int i = -1; i < b->reps; i++) { /* the first round warms up */
        moment t0 = now();
        if (bench_inflate(&packed, &text) != 0)
            give_up("cannot be unpacked", path);
        moment t1 = now();
        walked = bench_walk(&text, &sum);
        moment t2 = now();
        keep(&inflate, i, t0, t1);
        keep(&walk, i, t1, t2);
        time_open(ctx, path, 1, i, &one);
        time_open(ctx, path, 0, i, &two);
    }
    *json_bytes = (double)text.len;
    double floor = bench_min(&inflate) + bench_min(&walk), floor_median = bench_median(&inflate) + bench_median(&walk);
    printf("%s: %.1f MB of JSON, %lld events, %d rounds\n", file_name(path), (double)text.len / MB, (long long)walked, b->reps);
    printf("  %-26s %9s %9s %9s %9s\n", "", "min ms", "median ms", "cpu ms", "MB/s");
    const struct {
        const char *name;
        const bench_samples *s;
    } rows[] = {{"ISA-L inflate", &inflate}, {"simdjson walk", &walk}, {"evr_trace_open, 1 thread", &one}, {"evr_trace_open, 2 threads", &two}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("  %-26s %9.2f %9.2f %9.2f %9.0f\n", rows[i].name, bench_min(rows[i].s) * 1e3, bench_median(rows[i].s) * 1e3,
               rows[i].s->least_cpu * 1e3, (double)text.len / MB / bench_min(rows[i].s));
    printf("  ours / (inflate + walk): %.2f with 1 thread, %.2f with 2 (min); %.2f, %.2f (median); processor time %.2f, %.2f\n",
           bench_min(&one) / floor, bench_min(&two) / floor, bench_median(&one) / floor_median, bench_median(&two) / floor_median,
           one.least_cpu / (inflate.least_cpu + walk.least_cpu), two.least_cpu / (inflate.least_cpu + walk.least_cpu));
    if (b->python) {
        unsigned long long peak = 0;
        double python = run_python(path, &peak);
        if (python > 0)
            printf("  python %.0f ms, %.0f MiB resident; python / ours: %.1f with 1 thread, %.1f with 2\n", python * 1e3,
                   (double)peak / MIB, python / bench_median(&one), python / bench_median(&two));
    }
    bench_text_free(&packed);
    bench_text_free(&text);
    evr_context_free(ctx);
}

static void measure_memory(const bench *b, const char *path)
{
    footprint none = run_child(b, ""), f = run_child(b, path);
    double extra = (double)(f.peak - none.peak);
    printf("  memory: %.1f MiB resident at most, %.1f MiB without a trace; the trace holds %.1f MiB\n", (double)f.peak / MIB,
           (double)none.peak / MIB, (double)f.trace / MIB);
    printf("  peak / JSON: %.2f, less the empty process %.2f; %.0f bytes for each event\n", (double)f.peak / (double)f.json,
           extra / (double)f.json, f.events ? extra / (double)f.events : 0.0);
}

static void temporary(const bench *b, char *out, size_t cap, const char *name)
{
    snprintf(out, cap, "%s/bench_%ld_%s.json.gz", b->tmp, (long)getpid(), name);
}

static uint64_t repeat(const char *from, uint64_t times, const char *to)
{
    bench_text packed = {0}, text = {0};
    if (bench_read_file(from, &packed) != 0 || bench_inflate(&packed, &text) != 0)
        give_up("cannot be read", from);
    uint64_t bytes = times ? bench_repeat(&text, times, to) : text.len;
    if (!bytes)
        give_up("cannot be repeated", from);
    bench_text_free(&packed);
    bench_text_free(&text);
    return bytes;
}

static void measure_growth(const bench *b, const char *path)
{
    static const uint64_t factors[] = {1, 4, 16, 64};
    char copy[4096];
    double first = 0, first_memory = 0;
    footprint none = run_child(b, "");
    printf("\ngrowth, %s over and over\n  %6s %10s %10s %10s %12s %12s %10s\n", file_name(path), "times", "MB JSON", "events", "ms", "ns/event",
           "peak MiB", "peak/JSON");
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        temporary(b, copy, sizeof copy, "growth");
        repeat(path, factors[i], copy);
        footprint best = run_child(b, copy);
        for (int k = 1; k < 3; k++) {
            footprint again = run_child(b, copy);
            best.seconds = again.seconds < best.seconds ? again.seconds : best.seconds;
        }
        unlink(copy);
        double per_event = best.seconds / (double)best.events, memory = (double)(best.peak - none.peak) / (double)best.events;
        if (i == 0) {
            first = per_event;
            first_memory = memory;
        }
        printf("  %6llu %10.1f %10llu %10.1f %12.1f %12.1f %10.2f\n", (unsigned long long)factors[i], (double)best.json / MB, best.events,
               best.seconds * 1e3, per_event * 1e9, (double)best.peak / MIB, (double)(best.peak - none.peak) / (double)best.json);
        if (i + 1 == sizeof factors / sizeof *factors)
            printf("  time per event grew by a factor of %.2f, memory per event by %.2f\n", per_event / first, memory / first_memory);
    }
}

static void measure_huge(const bench *b, const char *path)
{
    char copy[4096];
    temporary(b, copy, sizeof copy, "huge");
    uint64_t once = repeat(path, 0, NULL), times = (uint64_t)6e9 / once + 1;
    double start = bench_now();
    repeat(path, times, copy);
    struct stat st;
    stat(copy, &st);
    printf("\nhuge: %s %llu times, %.2f GB packed, written in %.0f s\n", file_name(path), (unsigned long long)times,
           (double)st.st_size / 1e9, bench_now() - start);
    footprint none = run_child(b, ""), f = run_child(b, copy);
    unlink(copy);
    printf("  %.2f GB of JSON, %llu events: %.1f s (%.0f MB/s), %.0f MiB resident at most (%.3f of the JSON), %.0f bytes for each event\n",
           (double)f.json / 1e9, f.events, f.seconds, (double)f.json / MB / f.seconds, (double)f.peak / MIB, (double)f.peak / (double)f.json,
           (double)(f.peak - none.peak) / (double)f.events);
}

static void default_traces(bench *b)
{
    static const char *const names[] = {"h100_qwen15_chat", "mi300_resnet_act_checkpoint", "mi300_vllm_piecewise_capture", "no_shapes_large"};
    static char paths[4][4096];
    for (int i = 0; i < 4; i++) {
        struct stat st;
        snprintf(paths[i], sizeof paths[i], "%s/corpus/%s.json.gz", EVR_TEST_SHARED, names[i]);
        if (stat(paths[i], &st) == 0)
            b->traces[b->trace_count++] = paths[i];
    }
}

static void choose_parts(bench *b, const char *parts)
{
    b->speed = strstr(parts, "speed");
    b->python = strstr(parts, "python");
    b->memory = strstr(parts, "memory");
    b->growth = strstr(parts, "growth");
    b->huge = strstr(parts, "huge");
}

static bool read_arguments(bench *b, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--quick")) {
            choose_parts(b, "speed,memory");
            b->reps = 3;
        } else if (!strcmp(argv[i], "--parts") && next) {
            choose_parts(b, argv[++i]);
        } else if (!strcmp(argv[i], "--reps") && next) {
            b->reps = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "--tmp") && next) {
            b->tmp = argv[++i];
        } else if (argv[i][0] != '-' && b->trace_count < TRACES) {
            b->traces[b->trace_count++] = argv[i];
        } else {
            return false;
        }
    }
    return b->reps > 0 && b->reps <= BENCH_SAMPLES;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--child"))
        return child(argv[2]);
    const char *tmp = getenv("TMPDIR");
    bench b = {.speed = true, .python = true, .memory = true, .growth = true, .huge = true, .reps = 15, .tmp = tmp ? tmp : "/tmp",
               .self = "/proc/self/exe"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) {
        self[n] = 0;
        b.self = self;
    }
    if (!read_arguments(&b, argc, argv)) {
        fprintf(stderr, "usage: bench_trace [--quick] [--parts speed,python,memory,growth,huge] [--reps 1..%d] [--tmp FOLDER] [TRACE...]\n",
                BENCH_SAMPLES);
        return 2;
    }
    if (!b.trace_count)
        default_traces(&b);
    if (!b.trace_count) {
        printf("skipped: name a trace; there is no corpus at %s\n", EVR_TEST_SHARED);
        return 77;
    }
    for (int i = 0; i < b.trace_count; i++) {
        double json_bytes;
        if (b.speed || b.python)
            measure_speed(&b, b.traces[i], &json_bytes);
        else
            printf("%s\n", file_name(b.traces[i]));
        if (b.memory)
            measure_memory(&b, b.traces[i]);
        fflush(stdout);
    }
    if (b.growth)
        measure_growth(&b, b.traces[0]);
    fflush(stdout);
    if (b.huge)
        measure_huge(&b, b.traces[b.trace_count - 1]);
    return 0;
}
