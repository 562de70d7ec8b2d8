/* Running records, for the commands that do: replay runs each once, bench takes its time. */
#ifndef EVREPLAY_CLI_BATCH_RUN_H
#define EVREPLAY_CLI_BATCH_RUN_H

#include "runtime.h"

/* What a command does around its batch, when it is more than replay or bench. */
typedef struct batch_around {
    void *user;
    /* The input among the arguments; NULL after an error has been told. */
    const char *(*input)(void *user, const command *self, const text_list *arguments);
    /* Sets drop[i] for records that need not run. `options` is how they would. Returns 0, or the exit code after an error has been told. */
    int (*choose)(void *user, evr_context *ctx, const evr_replay_batch_options *options, const evr_ir *const *records, size_t count, uint8_t *drop);
    /* Takes the results. Returns as above. */
    int (*done)(void *user, const evr_results *results);
} batch_around;

typedef struct batch_options {
    runtime_options runtime;
    const char *filter, *space, *status, *timeout, *budget, *journal, *worker;
    const char *json, *csv, *junit, *html, *markdown;
    text_list uids, checks;
    uint64_t limit, top, workers, group_size, expert_size;
    bool stop_on_error, verbose, no_auto_init, isolate, resume, by_cost, samples;
    /* bench */
    bool timed, graph;
    const char *protocol, *precision, *flush, *launch, *backend;
    uint64_t warmup, iterations, visits;
    const batch_around *around; /* NULL for most */
} batch_options;

#define BATCH_FIELD(member) offsetof(batch_options, member)

/* Rows of an option table: which records, */
#define BATCH_SELECTION                                                                                                                  \
    {"device", 0, OPT_TEXT, "D", "cpu (default), cuda, cuda:1 …; with --isolate several, ','-separated", BATCH_FIELD(runtime.device)},     \
    {"uid", 0, OPT_LIST, "N", "only the records of these events", BATCH_FIELD(uids)},                                                    \
    {"op-filter", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", BATCH_FIELD(filter)},                          \
    {"namespace", 0, OPT_TEXT, "NS", "only operators of this namespace", BATCH_FIELD(space)},                                            \
    {"status", 0, OPT_TEXT, "S", "only records that are ok, skipped or failed to begin with", BATCH_FIELD(status)},                      \
    {"top", 0, OPT_NUMBER, "N", "only the N with the most kernel time", BATCH_FIELD(top)},                                               \
    {"op-limit", 0, OPT_NUMBER, "N", "at most N records", BATCH_FIELD(limit)},                                                           \
    {"by-cost", 0, OPT_FLAG, NULL, "the costliest first", BATCH_FIELD(by_cost)}

/* how they are timed, */
#define BATCH_TIMING                                                                                                                     \
    {"precision", 0, OPT_TEXT, "P", "stop when the median is known to this part of it (default 0.01)", BATCH_FIELD(precision)},           \
    {"iterations", 0, OPT_NUMBER, "N", "take N samples instead", BATCH_FIELD(iterations)},                                               \
    {"warmup", 0, OPT_NUMBER, "N", "N runs before the first sample, instead of until times are stable", BATCH_FIELD(warmup)},             \
    {"visits", 0, OPT_NUMBER, "N", "come by each record N times, round by round; with --isolate in new processes each round; for times to be compared", \
     BATCH_FIELD(visits)},                                                                                                               \
    {"flush", 0, OPT_TEXT, "HOW", "empty the cache before each sample: none (default), write, or read (written, then read)",             \
     BATCH_FIELD(flush)},                                                                                                                \
    {"launch", 0, OPT_TEXT, "HOW", "auto (default), single calls, batch: calls back to back, or graph; name one for times to be compared", \
     BATCH_FIELD(launch)},                                                                                                               \
    {"graph", 0, OPT_FLAG, NULL, "the same as --launch graph", BATCH_FIELD(graph)},                                                      \
    {"protocol", 0, OPT_TEXT, "NAME", "default; fixed: 50 + 100 runs behind a 256 MB flush; nvbench; or a whole line of a result",        \
     BATCH_FIELD(protocol)},                                                                                                             \
    {"samples", 0, OPT_FLAG, NULL, "keep every sample", BATCH_FIELD(samples)},                                                            \
    {"backend", 0, OPT_TEXT, "PATH", "what keeps time on the device: a libevreplay_*.so, or its folder", BATCH_FIELD(backend)}

/* how they are run, */
#define BATCH_RUNNING                                                                                                                    \
    {"isolate", 0, OPT_FLAG, NULL, "in worker processes: a crash, hang or lack of memory costs one record", BATCH_FIELD(isolate)},         \
    {"workers", 0, OPT_NUMBER, "N", "worker processes; default one for each device", BATCH_FIELD(workers)},                              \
    {"timeout", 0, OPT_TEXT, "S", "seconds for one record, with --isolate; default 300", BATCH_FIELD(timeout)},                          \
    {"budget", 0, OPT_TEXT, "S", "seconds for all", BATCH_FIELD(budget)},                                                                \
    {"journal", 0, OPT_TEXT, "FILE", "keep results there as they come", BATCH_FIELD(journal)},                                           \
    {"resume", 0, OPT_FLAG, NULL, "go on with the journal", BATCH_FIELD(resume)},                                                        \
    {"stop-on-error", 0, OPT_FLAG, NULL, "end at the first record that fails", BATCH_FIELD(stop_on_error)},                              \
    {"max-bytes", 0, OPT_NUMBER, "B", "tensor memory of one record (K, M, G); default 90 % of what is free", BATCH_FIELD(runtime.max_bytes)}, \
    {"check", 0, OPT_LIST, "WHAT", "finite, repeat, reference (or cpu), mutation, kernels, all", BATCH_FIELD(checks)},                    \
    {"seed", 0, OPT_NUMBER, "S", "of tensor contents and random generators", BATCH_FIELD(runtime.seed)},                                 \
    {"group-size", 0, OPT_NUMBER, "N", "on several ranks: give process groups this size instead of the recorded one", BATCH_FIELD(group_size)},  \
    {"ep-size", 0, OPT_NUMBER, "N", "on several ranks: the same, for groups of all-to-all exchanges (expert parallelism)", BATCH_FIELD(expert_size)}, \
    {"threads", 0, OPT_NUMBER, "N", "threads inside one operator on the CPU", BATCH_FIELD(runtime.threads)},                             \
    RUNTIME_SOURCES(BATCH_FIELD(runtime)),                                                                                               \
    {"init", 0, OPT_LIST, "KEY=VALUE", "an option of the initializers, such as moe_distribution=zipf", BATCH_FIELD(runtime.inits)},       \
    {"no-auto-init", 0, OPT_FLAG, NULL, "ask no initializer: tensors hold what the rules by argument name say", BATCH_FIELD(no_auto_init)}

/* and what is written. */
#define BATCH_OUTPUT                                                                                                                     \
    {"json", 0, OPT_TEXT, "FILE", "results as JSON, for `evreplay compare`", BATCH_FIELD(json)},                                         \
    {"csv", 0, OPT_TEXT, "FILE", "as CSV", BATCH_FIELD(csv)},                                                                            \
    {"junit", 0, OPT_TEXT, "FILE", "as JUnit XML, one case for each record", BATCH_FIELD(junit)},                                        \
    {"html", 0, OPT_TEXT, "FILE", "as one page that needs nothing else", BATCH_FIELD(html)},                                             \
    {"markdown", 0, OPT_TEXT, "FILE", "as Markdown", BATCH_FIELD(markdown)}

/* Which records have a line: of those that are timed, and of those that are not. */
#define BATCH_LINES_TIMED {"verbose", 'v', OPT_FLAG, NULL, "a line for records that are skipped, too", BATCH_FIELD(verbose)}
#define BATCH_LINES {"verbose", 'v', OPT_FLAG, NULL, "a line for each record, not only for those that fail", BATCH_FIELD(verbose)}

/* Parses, runs, writes. Returns the exit code. */
int batch_run(const command *self, batch_options *o, int argc, char **argv);

#endif
