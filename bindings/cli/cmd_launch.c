/* evreplay launch: the command on several ranks, started by torchrun. */
#include "commands.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

/* Arguments of the program that takes this one's place. */
typedef struct line {
    char *words[256];
    size_t count;
    bool failed;
} line;

static void add(line *l, const char *option_name, const char *value)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "%s%s", option_name, value);
    if (n < 0 || (size_t)n >= sizeof text || l->count + 1 >= sizeof l->words / sizeof *l->words || !(l->words[l->count] = strdup(text)))
        l->failed = true;
    else
        l->count++;
}

static bool wait_for_other_machines(const launch_options *o) { return o->nodes && strcmp(o->nodes, "1") != 0; }

static void build(line *l, const launch_options *o, const char *python, int argc, char **argv)
{
    add(l, python, "");
    add(l, "-m", "");
    add(l, "torch.distributed.run", "");
    add(l, "--nproc-per-node=", o->processes ? o->processes : "1");
    add(l, "--nnodes=", o->nodes ? o->nodes : "1");
    add(l, "--max-restarts=", o->restarts ? o->restarts : "3");
    if (o->rank)
        add(l, "--node-rank=", o->rank);
    if (o->address)
        add(l, "--master-addr=", o->address);
    if (o->port)
        add(l, "--master-port=", o->port);
    if (!wait_for_other_machines(o) && !o->port) /* runs beside each other must not meet */
        add(l, "--standalone", "");
    for (size_t i = 0; i < o->torchrun.count; i++)
        add(l, o->torchrun.items[i], "");
    add(l, "-m", "");
    add(l, "evreplay", "");
    for (int i = 0; i < argc; i++)
        add(l, argv[i], "");
}

/* torchrun takes every exit code but 0 for a crash and starts all ranks again, so rank 0 leaves its own in a file. */
static int told_code(const char *path, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SOME_FAILED;
    FILE *file = fopen(path, "r");
    if (!file || (code == 0 && fscanf(file, "%d", &code) != 1))
        code = code ? code : EXIT_GOOD;
    if (file)
        fclose(file);
    return code;
}

static pid_t started;

static void pass_on(int number) { kill(started, number); }

static int run_and_wait(const char *python, char **words)
{
    const char *folder = getenv("TMPDIR");
    char path[512];
    int status = 0, failed, file;
    snprintf(path, sizeof path, "%s/evreplay-launch-XXXXXX", folder && *folder ? folder : "/tmp");
    if ((file = mkstemp(path)) < 0) {
        fprintf(stderr, "evreplay launch: cannot make a file in %s: %s\n", folder && *folder ? folder : "/tmp", strerror(errno));
        return EXIT_MISSING;
    }
    close(file);
    setenv("EVREPLAY_EXIT_FILE", path, 1);
    fflush(NULL);
    failed = posix_spawnp(&started, python, NULL, NULL, words, environ);
    if (failed) {
        fprintf(stderr, "evreplay launch: cannot run %s: %s\n  what to do: give the interpreter that has torch with --python\n", python, strerror(failed));
        unlink(path);
        return EXIT_MISSING;
    }
    signal(SIGTERM, pass_on);
    signal(SIGINT, SIG_IGN); /* a terminal sends it to torchrun as well */
    while (waitpid(started, &status, 0) < 0 && errno == EINTR)
        ;
    int code = told_code(path, status);
    unlink(path);
    return code;
}

static int start(const launch_options *o, int argc, char **argv)
{
    line l = {.count = 0};
    int code = EXIT_USAGE;
    const char *python = o->python ? o->python : getenv("EVREPLAY_PYTHON");
    python = python && *python ? python : "python3";
    build(&l, o, python, argc, argv);
    if (l.failed) {
        fprintf(stderr, "evreplay launch: the command is too long\n");
    } else {
        code = run_and_wait(python, l.words);
    }
    for (size_t i = 0; i < l.count; i++)
        free(l.words[i]);
    return code;
}

static int run(int argc, char **argv, const command *self)
{
    launch_options o = {0};
    text_list left = {0};
    int own = 0;
    while (own < argc && strcmp(argv[own], "--") != 0)
        own++;
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
