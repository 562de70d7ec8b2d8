/* How much faster the traces of many ranks are read side by side than one after the other.
 *
 * usage: bench_ranks [--ranks N] [--mb SIZE] [--reps N] [--tmp FOLDER]
 *
 * Writes N traces (8) of SIZE megabytes (50) of operators, launches, kernels and collectives, and reads them in turns: one after the other as
 * evr_trace_open_file() does by itself, the same on one thread each, by plain processes with an equal part of them each, one for each processor, and as a set. Of each the
 * least time counts. Processor time is told besides, which others change less: of one after the other on one thread, and of the busier of two threads of the set, which is what it
 * would take on two free processors. The plain processes share nothing, so they are what the machine can give while others use it, too. */
#include "bench/timing.h"

#include <evreplay/evreplay.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_RANKS = 64 };

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "bench_ranks: %s\n", what);
    exit(1);
}

static void write_step(FILE *f, long long step)
{
    long long ts = step * 100;
    fprintf(f, ",\n{\"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"aten::linear\", \"pid\": 4711, \"tid\": 4711, \"ts\": %lld, \"dur\": 40, \"args\": {\"External id\": %lld, "
               "\"Record function id\": 0, \"Concrete Inputs\": [\"\", \"\", \"\"], \"Input type\": [\"float\", \"float\", \"float\"], \"Input Strides\": [[%lld, 1], [512, 1], [1]], "
               "\"Input Dims\": [[64, 512], [%lld, 512], [%lld]], \"Ev Idx\": %lld}}", ts, step, 512 + step % 9, 256 + step % 7, 256 + step % 7, step);
    fprintf(f, ",\n{\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", \"pid\": 4711, \"tid\": 4711, \"ts\": %lld, \"dur\": 5, \"args\": {\"External id\": %lld, "
               "\"cbid\": 211, \"correlation\": %lld}}", ts + 10, step, step + 1);
    fprintf(f, ",\n{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"sgemm_128x128x8_NT\", \"pid\": 0, \"tid\": 7, \"ts\": %lld, \"dur\": 30, \"args\": {\"External id\": %lld, \"device\": 0, "
               "\"context\": 1, \"stream\": 7, \"correlation\": %lld, \"grid\": [8, 4, 1], \"block\": [256, 1, 1]}}", ts + 20, step, step + 1);
    if (step % 50 == 0)
        fprintf(f, ",\n{\"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"record_param_comms\", \"pid\": 4711, \"tid\": 4711, \"ts\": %lld, \"dur\": 4, \"args\": {\"Collective name\": \"allreduce\", "
                   "\"In msg nelems\": %lld, \"Out msg nelems\": 4096, \"Group size\": 8, \"dtype\": \"Float\", \"Process Group Name\": \"0\", \"Process Group Ranks\": \"[0, 1]\"}}",
                ts + 80, 4096 + step % 3);
}

static void write_trace(const char *path, int rank, int ranks, size_t bytes)
{
    FILE *f = fopen(path, "w");
    if (!f)
        give_up("cannot write there; give --tmp FOLDER");
    fprintf(f, "{\"schemaVersion\": 1, \"distributedInfo\": {\"backend\": \"nccl\", \"rank\": %d, \"world_size\": %d}, \"traceEvents\": [{\"ph\": \"M\", \"name\": \"process_name\"}", rank, ranks);
    for (long long step = 0; (size_t)ftell(f) < bytes; step++)
        write_step(f, step);
    fprintf(f, "]}\n");
    if (fclose(f) != 0)
        give_up("the disk is full; give --tmp FOLDER");
}

/* Processor time so far, of this process or of this thread, in seconds. */
static double used(int whom)
{
    struct rusage u;
    getrusage(whom, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* *processor: time of the processors for it. */
static double in_turn(evr_context *ctx, char (*paths)[256], int ranks, uint32_t threads, double *processor)
{
    evr_trace *traces[MAX_RANKS];
    evr_trace_options options = {.struct_size = sizeof options, .threads = threads};
    double begun = bench_now(), before = used(RUSAGE_SELF);
    for (int i = 0; i < ranks; i++)
        if (evr_trace_open_file(ctx, paths[i], &options, &traces[i], NULL) != EVR_OK)
            give_up("a trace cannot be read");
    double took = bench_now() - begun;
    *processor = used(RUSAGE_SELF) - before;
    for (int i = 0; i < ranks; i++)
        evr_trace_free(traces[i]);
    return took;
}

/* One process for each processor, and an equal part of the traces for each. */
static double by_processes(char (*paths)[256], int ranks, int processes)
{
    pid_t children[MAX_RANKS];
    double begun = bench_now();
    for (int p = 0; p < processes; p++) {
        int first = ranks * p / processes, end = ranks * (p + 1) / processes;
        children[p] = fork();
        if (children[p] < 0)
            give_up("no process can be started");
        if (children[p] == 0) {
            evr_context *ctx = NULL;
            if (evr_context_new(NULL, &ctx, NULL) != EVR_OK)
                give_up("out of memory");
            double unused;
            in_turn(ctx, paths + first, end - first, 1, &unused);
            _exit(0);
        }
    }
    for (int p = 0; p < processes; p++) {
        int status;
        if (waitpid(children[p], &status, 0) != children[p] || status)
            give_up("a process failed");
    }
    return bench_now() - begun;
}

/* *busier: processor time of this thread, which waits for none and matches collectives besides, or of the others together if that is more and there is one. */
static double as_set(evr_context *ctx, char (*paths)[256], int ranks, size_t *collectives, double *busier)
{
    double thread = used(RUSAGE_THREAD), process = used(RUSAGE_SELF);
    const char *list[MAX_RANKS];
    evr_trace_set *set;
    for (int i = 0; i < ranks; i++)
        list[i] = paths[i];
    double begun = bench_now();
    if (evr_trace_set_open(ctx, list, (size_t)ranks, NULL, &set, NULL) != EVR_OK)
        give_up("the traces cannot be read as a set");
    double took = bench_now() - begun;
    thread = used(RUSAGE_THREAD) - thread;
    process = used(RUSAGE_SELF) - process;
    *busier = process - thread > thread ? process - thread : thread;
    *collectives = evr_trace_set_collective_count(set);
    evr_trace_set_free(set);
    return took;
}

static double least(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

int main(int argc, char **argv)
{
    int ranks = 8, mb = 50, reps = 3;
    const char *tmp = "/tmp";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--ranks") == 0)
            ranks = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--mb") == 0)
            mb = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--reps") == 0)
            reps = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--tmp") == 0)
            tmp = argv[i + 1];
        else
            give_up("unknown option; see the top of bench_ranks.c");
    }
    if (ranks < 1 || ranks > MAX_RANKS || mb < 1 || reps < 1)
        give_up("--ranks takes 1 to 64, --mb and --reps 1 or more");
    char paths[MAX_RANKS][256];
    for (int i = 0; i < ranks; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/bench_ranks.%d.rank-%d.json", tmp, (int)getpid(), i);
        write_trace(paths[i], i, ranks, (size_t)mb * 1000000);
    }
    evr_context *ctx = NULL;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK)
        give_up("out of memory");
    double turn = 0, one = 0, set = 0, plain = 0, busier = 0, used_by_one = 0;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int processes = processors < ranks ? (int)processors : ranks;
    size_t collectives = 0;
    for (int r = 0; r < reps; r++) {
        double now;
        turn = least(turn, in_turn(ctx, paths, ranks, 0, &now));
        one = least(one, in_turn(ctx, paths, ranks, 1, &now));
        used_by_one = least(used_by_one, now);
        plain = least(plain, by_processes(paths, ranks, processes));
        set = least(set, as_set(ctx, paths, ranks, &collectives, &now));
        busier = least(busier, now);
    }
    printf("%d traces of %d MB, %ld processors: one after the other %.3f s (on one thread %.3f s), as a set %.3f s with %zu collectives matched\n", ranks, mb, processors, turn, one, set, collectives);
    printf("%d plain processes with a part of them each %.3f s: %.2f times faster than on one thread, the limit of the machine at this hour; the set reaches %.2f of it\n", processes,
           plain, one / plain, plain / set);
    if (processes == 2)
        printf("time of processors: one thread %.3f s, the busier of the set's two %.3f s: %.2f times on two free processors\n", used_by_one, busier, used_by_one / busier);
    printf("the set is %.2f times faster than one after the other (bar 1.8 on two processors), %.2f times faster than on one thread\n", turn / set, one / set);
    for (int i = 0; i < ranks; i++)
        unlink(paths[i]);
    evr_context_free(ctx);
    return 0;
}
