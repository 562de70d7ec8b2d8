/* evreplay bench: replay, timed. */
#include "batch_run.h"
#include "commands.h"

static const option table[] = {
    {"precision", 0, OPT_TEXT, "P", "stop when the median is known to this part of it (default 0.01)", BATCH_FIELD(precision)},
    {"iterations", 0, OPT_NUMBER, "N", "take N samples instead", BATCH_FIELD(iterations)},
    {"warmup", 0, OPT_NUMBER, "N", "N runs before the first sample, instead of until times are stable", BATCH_FIELD(warmup)},
    {"flush", 0, OPT_TEXT, "HOW", "empty the cache before each sample: none (default), write, or read (written, then read)", BATCH_FIELD(flush)},
    {"graph", 0, OPT_FLAG, NULL, "capture the call and time the graph's launch", BATCH_FIELD(graph)},
    {"protocol", 0, OPT_TEXT, "NAME", "default; fixed: 50 + 100 runs behind a 256 MB flush; nvbench; or a whole line of a result", BATCH_FIELD(protocol)},
    {"samples", 0, OPT_FLAG, NULL, "keep every sample in the JSON", BATCH_FIELD(samples)},
    {"backend", 0, OPT_TEXT, "PATH", "what keeps time on the device: a libevreplay_*.so, or its folder", BATCH_FIELD(backend)},
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
