#include "commands.h"

#include <evreplay/evreplay.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const command *const commands[] = {&cmd_info, &cmd_events, &cmd_list, &cmd_extract, &cmd_replay, &cmd_bench, &cmd_compare, &cmd_pack, &cmd_launch, &cmd_db, &cmd_doctor};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *to)
{
    fprintf(to, "usage: evreplay COMMAND [ARGUMENTS]\n\nTurns PyTorch profiler traces into operator records and replays them.\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(to, "\n  evreplay COMMAND --help   what a command takes\n"
                "  evreplay --version        version of the library\n\n"
                "An input is a file, plain, .gz or .zst, an artifact, or - for standard input; its format is detected.\n"
                "Exit codes: 0 all good, 1 some records failed, 2 usage, 3 regression found, 4 bad input,\n"
                "5 something needed is missing (torch, device, plug-in).\n");
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = options_suggest(name, names, COMMANDS);
    fprintf(stderr, "evreplay: there is no command \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, "\nsee evreplay --help\n");
    return EXIT_USAGE;
}

int command_main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that left is a write error, not a death */
    if (evr_abi_check(EVR_ABI_VERSION, NULL) != EVR_OK) {
        fprintf(stderr, "evreplay: the library that was found, %s, is not the one this command was built for\n", evr_version_string());
        return EXIT_MISSING;
    }
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("evreplay %s\n", evr_version_string());
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(argc - 2, argv + 2, commands[i]);
    return unknown_command(argv[1]);
}
