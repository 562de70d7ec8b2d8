/* evreplay launch: the command on several ranks, started by torchrun. */
#include "commands.h"
#include "python.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct launch_options {
    const char *processes, *nodes, *rank, *address, *port, *python, *restarts;
    text_list torchrun;
} launch_options;

#define FIELD(member) offsetof(launch_options, member)

static const option table[] = {
    {"nproc-per-node", 0, OPT_TEXT, "N", "ranks on this machine (default 1); gpu or auto: one for each device", FIELD(processes)},
    {"nnodes", 0, OPT_TEXT, "M", "machines (default 1)", FIELD(nodes)},
    {"node-rank", 0, OPT_TEXT, "R", "which of them this is, from 0", FIELD(rank)},
    {"master-addr", 0, OPT_TEXT, "A", "address of machine 0", FIELD(address)},
    {"master-port", 0, OPT_TEXT, "P", "port there; default: any free one, with one machine", FIELD(port)},
    {"max-restarts", 0, OPT_TEXT, "N", "how often all ranks may be started again when one of them is killed (default 3)", FIELD(restarts)},
    {"torchrun", 0, OPT_LIST, "OPTION", "another option of torchrun, such as --torchrun=--log-dir=logs", FIELD(torchrun)},
    {"python", 0, OPT_TEXT, "FILE", "interpreter with torch and evreplay; default the one in use, $EVREPLAY_PYTHON, or python3", FIELD(python)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static bool wait_for_other_machines(const launch_options *o) { return o->nodes && strcmp(o->nodes, "1") != 0; }

static void build(python_line *l, const launch_options *o, int argc, char **argv)
{
    python_begin(l, o->python, "torch.distributed.run,evreplay");
    python_add(l, "--nproc-per-node=", o->processes ? o->processes : "1");
    python_add(l, "--nnodes=", o->nodes ? o->nodes : "1");
    python_add(l, "--max-restarts=", o->restarts ? o->restarts : "3");
    if (o->rank)
        python_add(l, "--node-rank=", o->rank);
    if (o->address)
        python_add(l, "--master-addr=", o->address);
    if (o->port)
        python_add(l, "--master-port=", o->port);
    if (!wait_for_other_machines(o) && !o->port) /* runs beside each other must not meet */
        python_add(l, "--standalone", "");
    for (size_t i = 0; i < o->torchrun.count; i++)
        python_add(l, o->torchrun.items[i], "");
    python_add(l, "-m", "");
    python_add(l, "evreplay", "");
    for (int i = 0; i < argc; i++)
        python_add(l, argv[i], "");
}

/* torchrun takes every exit code but 0 for a crash and starts all ranks again, so rank 0 leaves its own in a file. */
static int told_code(const char *path, int code)
{
    FILE *file = fopen(path, "r");
    if (!file || (code == 0 && fscanf(file, "%d", &code) != 1))
        code = code ? code : EXIT_GOOD;
    if (file)
        fclose(file);
    return code;
}

static int start(const launch_options *o, int argc, char **argv)
{
    const char *folder = getenv("TMPDIR");
    char path[512];
    int file;
    python_line l;
    snprintf(path, sizeof path, "%s/evreplay-launch-XXXXXX", folder && *folder ? folder : "/tmp");
    if ((file = mkstemp(path)) < 0) {
        fprintf(stderr, "evreplay launch: cannot make a file in %s: %s\n", folder && *folder ? folder : "/tmp", strerror(errno));
        return EXIT_MISSING;
    }
    close(file);
    setenv("EVREPLAY_EXIT_FILE", path, 1);
    build(&l, o, argc, argv);
    int code = told_code(path, python_run("launch", &l));
    unlink(path);
    python_free(&l);
    return code;
}

static int run(int argc, char **argv, const command *self)
{
    launch_options o = {0};
    text_list left = {0};
    int own = python_own_arguments(argc, argv);
    int code = options_parse(self, own, argv, &o, &left);
    if (code < 0 && (left.count || own + 1 >= argc)) {
        fprintf(stderr, "evreplay launch: the command to run stands behind \"--\", such as: evreplay launch --nproc-per-node 2 -- bench TRACE\n");
        code = EXIT_USAGE;
    } else if (code < 0 && wait_for_other_machines(&o) && (!o.address || !o.rank)) {
        fprintf(stderr, "evreplay launch: with several machines each needs --node-rank, and all the same --master-addr\n");
        code = EXIT_USAGE;
    }
    if (code < 0)
        code = start(&o, argc - own - 1, argv + own + 1);
    options_free(self, &o, &left);
    return code;
}

const command cmd_launch = {
    "launch", "-- COMMAND …", "Runs replay or bench on several ranks, through torchrun.",
    "What stands behind -- is a command of evreplay with its arguments; {rank} in them is the number of the rank, so that each may have its own\n"
    "trace. `torchrun … -m evreplay COMMAND …` is the same. One report is written, with the times of each rank; see docs/ranks.md.\n",
    table, run,
};
