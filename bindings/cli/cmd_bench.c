/* evreplay bench: replay, timed. */
#include "batch_run.h"
#include "commands.h"

static const option table[] = {
    BATCH_TIMING,
    BATCH_SELECTION,
    BATCH_RUNNING,
    BATCH_OUTPUT,
    BATCH_LINES_TIMED,
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static int run(int argc, char **argv, const command *self)
{
    batch_options o = {.timed = true};
    return batch_run(self, &o, argc, argv);
}

const command cmd_bench = {
    "bench", "INPUT", "Times each record, and says how far the time can be relied on.",
    "INPUT is as for `evreplay replay`. Each record has a line as soon as it is timed: the median of its samples with the interval\n"
    "it lies in (95 %), how it stands to the trace's own kernel time, and what was called. Lines and summary go to standard output,\n"
    "or to standard error when a FILE is - and takes that. The protocol is part of every result; see docs/measurement.md.\n",
    table, run,
};
