/* evreplay db update: rows of the database that are run, or found in results of runs. */
#ifndef EVREPLAY_CLI_DB_RUN_H
#define EVREPLAY_CLI_DB_RUN_H

#include "runtime.h"

typedef struct run_options {
    runtime_options runtime;
    const char *work, *timeout, *worker, *backend;
    text_list maps;
    uint64_t repeat_count;
    bool on, fail_fast;
} run_options;

#define RUN_OPTIONS(base)                                                                                                                 \
    {"run", 0, OPT_FLAG, NULL, "run the rows: each becomes a record, by the row map, and is timed on the device", (base) + offsetof(run_options, on)}, \
    {"device", 0, OPT_TEXT, "D", "with --run: cpu (default), cuda, cuda:1 …", (base) + offsetof(run_options, runtime.device)},               \
    {"repeat-count", 0, OPT_NUMBER, "N", "with --run: N samples of each call, instead of as many as its median needs", (base) + offsetof(run_options, repeat_count)}, \
    {"fail-fast", 0, OPT_FLAG, NULL, "with --run: end at the first row that fails", (base) + offsetof(run_options, fail_fast)},            \
    {"map", 0, OPT_LIST, "FILE", "a row map, whose operators replace those that are shipped; see docs/perfdb.md", (base) + offsetof(run_options, maps)}, \
    {"work", 0, OPT_TEXT, "DIR", "with --run: keep what is intermediate there, and leave it", (base) + offsetof(run_options, work)},        \
    {"timeout", 0, OPT_TEXT, "S", "with --run: seconds for one call; default 300", (base) + offsetof(run_options, timeout)},                \
    {"max-bytes", 0, OPT_NUMBER, "B", "with --run: tensor memory of one call (K, M, G); default 90 % of what is free", (base) + offsetof(run_options, runtime.max_bytes)}, \
    {"seed", 0, OPT_NUMBER, "S", "with --run: of tensor contents", (base) + offsetof(run_options, runtime.seed)},                           \
    {"threads", 0, OPT_NUMBER, "N", "with --run: threads inside one operator on the CPU", (base) + offsetof(run_options, runtime.threads)}, \
    {"backend", 0, OPT_TEXT, "PATH", "with --run: what keeps time on the device: a libevreplay_*.so, or its folder", (base) + offsetof(run_options, backend)}, \
    RUNTIME_SOURCES((base) + offsetof(run_options, runtime))

/* Updates with the rows that were run, or that the results in these files (JSON of replays) are of. Returns 0 and a report, or the exit code after an error has been told. */
int db_run_rows(const command *self, evr_context *ctx, evr_perfdb *db, const run_options *o, const text_list *results, const evr_perfdb_update_options *update,
                evr_perfdb_report **report);

#endif
