/* evreplay db: the performance database. */
#include "commands.h"
#include "db.h"
#include "input.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static const command *const subcommands[] = {&db_update, &db_add, &db_merge, &db_import, &db_export, &db_history, &db_nearest, &db_check, &db_missing, &db_fill, &db_report, NULL};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands - 1 };

static void help(FILE *to)
{
    fprintf(to, "usage: evreplay db COMMAND DB [ARGUMENTS]\n\nKeeps measured times of operators.\nDB is a folder of CSV files for update, a store (one SQLite file) for all others.\n\ncommands:\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(to, "  %-9s %s\n", command_word(subcommands[i]), subcommands[i]->summary);
    fprintf(to, "\n  evreplay db COMMAND --help   what a command takes\n");
}

static int run(int argc, char **argv, const command *self)
{
    const char *names[SUBCOMMANDS];
    if (argc < 1) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        help(stdout);
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        names[i] = command_word(subcommands[i]);
        if (strcmp(argv[0], names[i]) == 0)
            return subcommands[i]->run(argc - 1, argv + 1, subcommands[i]);
    }
    const char *near = options_suggest(argv[0], names, SUBCOMMANDS);
    fprintf(stderr, "evreplay %s: there is no command \"%s\"", self->name, argv[0]);
    if (near)
        fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, "\nsee evreplay db --help\n");
    return EXIT_USAGE;
}

const command cmd_db = {
    "db", "COMMAND DB", "Keeps measured times of operators: add, merge, history, missing, fill, report, update…", NULL, NULL, run, subcommands,
};
