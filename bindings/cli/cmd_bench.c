/* evreplay bench: replay, timed. */
#include "batch_run.h"
#include "commands.h"

static const option table[] = {
    BATCH_TIMING,
    BATCH_SELECTION,
    BATCH_RUNNING,
    BATCH_OUTPUT,
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static int run(int argc, char **argv, const command *self)
{
    batch_options o = {.timed = true};
    return batch_run(self, &o, argc, argv);
}

const command cmd_bench = {
    "bench", "INPUT", "Times each record, and says how far the time can be relied on.",
    "INPUT is as for `evreplay replay`. The line of a record shows the median of its samples with the interval it lies in (95 %),\n"
    "and how it stands to the trace's own kernel time. The protocol is part of every result; see docs/measurement.md.\n",
    table, run,
};
