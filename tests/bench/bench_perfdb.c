/* Updating a large database, beside a script that does the same with Python's csv module; both give the same files.
 *
 * usage: bench_perfdb [FILES [ROWS [ROUNDS]]]      default: 300 200000 3
 *
 * EVREPLAY_BENCH_DURABLE=1 has the script bring its files to the disk as well. */
#include "bench/timing.h"

#include <evreplay/evreplay.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const counters[] = {"aicore_time(us)", "aic_total_cycles", "aic_mac_ratio", "aiv_time(us)", "aiv_total_cycles", "aiv_vec_ratio"};

enum { COUNTERS = 6, PATH_SIZE = 512 };

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "bench_perfdb: %s\n", what);
    exit(1);
}

static FILE *create(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f)
        stop("cannot make a file");
    return f;
}

/* The cells that describe call number `row` of a file. */
static void put_call(FILE *f, long row)
{
    static const char *const types[] = {"FLOAT16", "DT_BF16", "FLOAT", "INT8"};
    const char *type = types[row % 4];
    fprintf(f, "\"\"\"%ld,%ld;%ld,4096;;128\"\"\",%s;%s;DT_UNDEFINED;INT64,ND;ND;NULL;ND,\"\"\"%ld,4096\"\"\",%s,ND", row + 1, row % 97 * 64 + 64,
            row % 97 * 64 + 64, type, type, row + 1, type);
}

static void put_database(const char *folder, long files, long rows)
{
    for (long i = 0; i < files; i++) {
        char name[32];
        snprintf(name, sizeof name, "Op%03ld.csv", i);
        FILE *f = create(folder, name);
        fputs("OP State,Accelerator Core,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,"
              "Average Duration(us),Profiling Average Duration(us),Profiling Median Duration(us),Profiling Std Duration(us)", f);
        for (int c = 0; c < COUNTERS; c++)
            fprintf(f, ",MicroBench %s,Profiling Average %s", counters[c], counters[c]);
        fputs(",Note\r\n", f);
        for (long row = 0; row < rows / files + (i < rows % files); row++) {
            fputs("dynamic,AI_CORE,", f);
            put_call(f, row);
            fprintf(f, ",%ld.%06ld,%ld.5000,%ld.2500,0.1250", row % 400 + 1, row * 7919 % 1000000, row % 300 + 1, row % 300 + 1);
            for (int c = 0; c < COUNTERS; c++)
                fprintf(f, ",%ld.%06ld,%ld.0000", row % 50, row * 31 % 1000000, row % 60 + c);
            fprintf(f, ",%s\r\n", row % 10 ? "" : "\"checked, twice\"");
        }
        fclose(f);
    }
}

/* Every row is measured once, every twentieth call is new and measured twice. */
static void put_profile(const char *folder, long files, long rows)
{
    FILE *f = create(folder, "op_summary_0.csv");
    fputs("Device_id,OP Type,OP State,Task Type,Task Duration(us),Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,"
          "Output Formats", f);
    for (int c = 0; c < COUNTERS; c++)
        fprintf(f, ",%s", counters[c]);
    fputs("\n", f);
    long each = rows / files;
    for (long i = 0; i < rows + rows / 10; i++) {
        long row = i < rows ? i / files : each + 1 + (i - rows) / files / 2;
        fprintf(f, "0,Op%03ld,dynamic,AI_CORE,%ld.%03ld,", i % files, i % 300 + 1, i % 1000);
        put_call(f, row);
        for (int c = 0; c < COUNTERS; c++)
            fprintf(f, ",%ld.%03ld", i % 60 + c, i * 37 % 1000);
        fputs("\n", f);
    }
    fclose(f);
}

static uint64_t folder_bytes(const char *folder)
{
    uint64_t bytes = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[PATH_SIZE];
        struct stat st;
        snprintf(path, sizeof path, "%s/%.255s", folder, e->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    }
    if (dir)
        closedir(dir);
    return bytes;
}

/* The measured part, in a process of its own: prints seconds, processor seconds, updated, added, peak memory. */
static int update(const char *folder, const char *profile)
{
    evr_context *ctx;
    evr_perfdb *db;
    evr_perfdb_report *report = NULL;
    evr_perfdb_totals totals = {.struct_size = sizeof totals};
    evr_error *err = NULL;
    evr_perfdb_update_options options = {.struct_size = sizeof options, .sources = &profile, .source_count = 1};
    double start = bench_now();
    if (evr_context_new(NULL, &ctx, &err) != EVR_OK || evr_perfdb_open(ctx, folder, NULL, &db, &err) != EVR_OK ||
        evr_perfdb_update(db, &options, &report, &err) != EVR_OK)
        stop(evr_error_message(err));
    evr_perfdb_report_totals(report, &totals, NULL);
    double seconds = bench_now() - start;
    printf("%.6f %.6f %llu %llu %llu\n", seconds, bench_cpu(), (unsigned long long)totals.updated, (unsigned long long)totals.added,
           (unsigned long long)bench_peak_rss());
    evr_perfdb_report_free(report);
    evr_perfdb_free(db);
    evr_context_free(ctx);
    return 0;
}

typedef struct outcome {
    double seconds, cpu;
    unsigned long long updated, added, peak;
} outcome;

static outcome run(const char *const *argv)
{
    char text[4096];
    outcome o;
    if (bench_run(argv, text, sizeof text) != 0 || sscanf(text, "%lf %lf %llu %llu %llu", &o.seconds, &o.cpu, &o.updated, &o.added, &o.peak) != 5)
        stop("a measured program failed");
    return o;
}

static void make(char *path, const char *base, const char *name)
{
    snprintf(path, PATH_SIZE, "%s/%s", base, name);
    if (mkdir(path, 0777) != 0)
        stop("cannot make a folder");
}

static void shell(const char *format, const char *a, const char *b)
{
    char command[PATH_SIZE * 3];
    snprintf(command, sizeof command, format, a, b);
    if (system(command) != 0)
        stop(command);
}

static void measure(const char *self, const char *base, long files, long rows, int rounds)
{
    char ours[PATH_SIZE], theirs[PATH_SIZE], profile[PATH_SIZE], summary[PATH_SIZE + 32];
    const char *python = getenv("EVREPLAY_PYTHON");
    bool durable = getenv("EVREPLAY_BENCH_DURABLE") != NULL;
    bench_samples c = {.count = 0}, p = {.count = 0};
    outcome mine = {0}, script = {0};
    make(profile, base, "profile");
    make(ours, base, "ours");
    make(theirs, base, "theirs");
    put_profile(profile, files, rows);
    snprintf(summary, sizeof summary, "%s/op_summary_0.csv", profile);
    for (int round = 0; round < rounds; round++) {
        put_database(ours, files, rows);
        put_database(theirs, files, rows);
        sync(); /* else the first to be measured brings both databases to the disk */
        mine = run((const char *const[]){self, "--update", ours, profile, NULL});
        bench_add(&c, mine.seconds, mine.cpu);
        script = run((const char *const[]){python && python[0] ? python : "python3", EVR_BENCH_FOLDER "/python_perfdb.py", theirs, summary, durable ? "--durable" : NULL, NULL});
        bench_add(&p, script.seconds, script.cpu);
        shell("diff -r '%s' '%s' > /dev/null", ours, theirs);
    }
    put_database(ours, files, rows);
    double data = (double)(folder_bytes(ours) + folder_bytes(profile));
    printf("%ld rows in %ld files and %ld measured, %.1f MB: the same files from both, %llu updated, %llu added\n", rows, files, rows + rows / 10,
           data / 1e6, mine.updated, mine.added);
    printf("evreplay     %.3f s (median of %d; best %.3f; processor %.3f), peak memory %.1f MB = %.2f of the data\n", bench_median(&c), c.count,
           bench_min(&c), c.least_cpu, (double)mine.peak / 1e6, (double)mine.peak / data);
    printf("python csv   %.3f s (median; best %.3f; processor %.3f), peak memory %.1f MB\n", bench_median(&p), bench_min(&p), p.least_cpu,
           (double)script.peak / 1e6);
    printf("ratio        1/%.1f of the time (median), 1/%.1f (best), 1/%.1f of the processor's; %s\n",
           bench_median(&p) / bench_median(&c), bench_min(&p) / bench_min(&c), p.least_cpu / c.least_cpu,
           durable ? "both wait until the disk has it" : "evreplay also waits until the disk has it");
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--update") == 0)
        return update(argv[2], argv[3]);
    long files = argc > 1 ? atol(argv[1]) : 300, rows = argc > 2 ? atol(argv[2]) : 200000;
    int rounds = argc > 3 ? atoi(argv[3]) : 3;
    char base[] = "/tmp/evreplay-bench-perfdb-XXXXXX";
    if (files < 1 || files > 999 || rows < files || rounds < 1 || rounds > BENCH_SAMPLES || !mkdtemp(base))
        stop("usage: bench_perfdb [FILES [ROWS [ROUNDS]]]");
    measure(argv[0], base, files, rows, rounds);
    if (!getenv("EVREPLAY_BENCH_KEEP"))
        shell("rm -r '%s'%s", base, "");
    else
        printf("kept: %s\n", base);
    return 0;
}
