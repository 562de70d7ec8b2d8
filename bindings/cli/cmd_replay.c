/* evreplay replay: runs each record once. */
#include "batch_run.h"
#include "commands.h"

static const option table[] = {
    BATCH_SELECTION,
    BATCH_RUNNING,
    BATCH_OUTPUT,
    BATCH_LINES,
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static int run(int argc, char **argv, const command *self)
{
    batch_options o = {0};
    return batch_run(self, &o, argc, argv);
}

const command cmd_replay = {
    "replay", "INPUT", "Runs each record once and tells how that went.",
    "INPUT is a trace, whose unique calls are replayed, records as extract writes them, an operator-input log of PyTorch's\n"
    "benchmarks, or an artifact, whose seed is taken unless there is another. A record ends as ok, skipped or failed, with a reason and what to do about it. The time is that of the first run,\n"
    "allocation of results included; `evreplay bench` takes times to rely on.\n",
    table, run,
};
