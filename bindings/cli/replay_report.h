/* Results of a replay: the lines while it goes on, the summary, and files for other tools. */
#ifndef EVREPLAY_CLI_REPLAY_REPORT_H
#define EVREPLAY_CLI_REPLAY_REPORT_H

#include <evreplay/evreplay.h>

#include <stdbool.h>

typedef struct replay_result {
    char *op, *overload, *detail; /* from malloc */
    char *initializer, *warnings; /* from malloc; warnings end in a newline each */
    evr_uid uid;
    uint64_t count, bytes;
    int32_t status, reason;
    double seconds; /* of the run alone */
} replay_result;

typedef struct replay_report {
    replay_result *items;
    size_t count, cap;
    double seconds;
    const char *device, *torch;
    uint64_t seed;
} replay_report;

/* Adds a result: the record's names, what the outcome says, and the replayer's warnings (NULL = it was not set up). False when memory is out. Texts
 * are copied. */
typedef struct replay_outcome {
    int32_t status, reason;
    const char *detail;
    const evr_replayer *replayer;
    double seconds;
} replay_outcome;

bool replay_report_add(replay_report *report, const evr_ir *ir, const replay_outcome *outcome);
void replay_report_free(replay_report *report);

size_t replay_report_count(const replay_report *report, int32_t status);

/* One line for the last result. */
void replay_report_line(const replay_report *report);
void replay_report_summary(const replay_report *report);

/* To files; false after an error has been told. */
bool replay_report_json(const replay_report *report, const char *path);
bool replay_report_csv(const replay_report *report, const char *path);
bool replay_report_junit(const replay_report *report, const char *path);

#endif
