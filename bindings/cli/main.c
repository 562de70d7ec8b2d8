#include "commands.h"

#include <evreplay/evreplay.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

const command *const program_commands[] = {&cmd_info, &cmd_events, &cmd_list, &cmd_extract, &cmd_replay, &cmd_bench, &cmd_compare, &cmd_pack, &cmd_launch, &cmd_fleet, &cmd_db, &cmd_doctor, NULL};

enum { COMMANDS = sizeof program_commands / sizeof *program_commands - 1 };

const char program_summary[] = "Turns PyTorch profiler traces into operator records and replays them.";
const char program_input[] = "An input is a file, plain, .gz or .zst, an artifact, or - for standard input; its format is detected.";
const exit_code program_exit_codes[] = {
    {EXIT_GOOD, "all good"},
    {EXIT_SOME_FAILED, "some records failed"},
    {EXIT_USAGE, "usage"},
    {EXIT_REGRESSION, "regression found"},
    {EXIT_BAD_INPUT, "bad input"},
    {EXIT_MISSING, "something needed is missing (torch, device, plug-in, an ability of the device)"},
    {0, NULL},
};

static void usage(FILE *to)
{
    fprintf(to, "usage: evreplay COMMAND [ARGUMENTS]\n\n%s\n\ncommands:\n", program_summary);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", program_commands[i]->name, program_commands[i]->summary);
    fprintf(to, "\n  evreplay COMMAND --help   what a command takes\n"
                "  evreplay help --man       all of it as a manual page\n"
                "  evreplay completion SHELL what completes this command in bash, zsh or fish\n"
                "  evreplay --version        version of the library\n\n"
                "%s\nExit codes:\n", program_input);
    for (const exit_code *e = program_exit_codes; e->text; e++)
        fprintf(to, "  %d  %s\n", e->code, e->text);
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = program_commands[i]->name;
    const char *near = options_suggest(name, names, COMMANDS);
    fprintf(stderr, "evreplay: there is no command \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, "\nsee evreplay --help\n");
    return EXIT_USAGE;
}

/* `evreplay help`, with the name of a command or without, or with --man. */
static int help(int argc, char **argv)
{
    static char asked[] = "--help";
    char *rest[] = {argc > 1 ? argv[1] : asked, asked, NULL};
    if (argc > 0 && strcmp(argv[0], "--man") == 0)
        return manual_print();
    if (argc == 0) {
        usage(stdout);
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[0], program_commands[i]->name) == 0)
            return program_commands[i]->run(argc > 1 && program_commands[i]->commands ? 2 : 1, argc > 1 && program_commands[i]->commands ? rest : rest + 1, program_commands[i]);
    return unknown_command(argv[0]);
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
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return help(argc - 2, argv + 2);
    if (strcmp(argv[1], "completion") == 0)
        return completion_main(argc - 2, argv + 2);
    if (strcmp(argv[1], "seat") == 0)
        return seat_main(argc - 2, argv + 2);
    if (strcmp(argv[1], "--version") == 0) {
        printf("evreplay %s\n", evr_version_string());
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], program_commands[i]->name) == 0)
            return program_commands[i]->run(argc - 2, argv + 2, program_commands[i]);
    return unknown_command(argv[1]);
}
