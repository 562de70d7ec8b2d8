/* Command-line options as tables: one table for each command gives parsing, defaults, --help and suggestions for typing errors. */
#ifndef EVREPLAY_CLI_OPTIONS_H
#define EVREPLAY_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of the command, as documented. */
enum {
    EXIT_GOOD = 0,
    EXIT_SOME_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_REGRESSION = 3,
    EXIT_BAD_INPUT = 4,
    EXIT_MISSING = 5,
};

typedef enum option_kind {
    OPT_FLAG,   /* bool */
    OPT_TEXT,   /* const char * */
    OPT_NUMBER, /* uint64_t; suffixes K, M, G (1024) are taken */
    OPT_LIST,   /* text_list: may be given again and again */
} option_kind;

typedef struct text_list {
    const char **items;
    size_t count;
} text_list;

typedef struct option {
    const char *name;  /* without the dashes; NULL ends the table */
    char short_name;   /* 0 = none */
    option_kind kind;
    const char *value; /* placeholder of the value, such as "FILE" */
    const char *help;
    size_t field;      /* offset in the command's options structure */
} option;

typedef struct command {
    const char *name;
    const char *synopsis; /* arguments, such as "TRACE" */
    const char *summary;  /* one line */
    const char *details;  /* paragraphs below the options; may be NULL */
    const option *options;
    int (*run)(int argc, char **argv, const struct command *self);
    const struct command *const *commands; /* of its own, ended by NULL; "db update" among those of "db"; NULL when there are none */
} command;

/* The last word of its name. */
const char *command_word(const command *cmd);

/* Fills `*values` from the arguments. Positional arguments (and "-") go to *positional. Returns -1 to go on, else the exit code:
 * --help has been answered, or an error has been told on stderr. Lists are freed with options_free(). */
int options_parse(const command *cmd, int argc, char **argv, void *values, text_list *positional);
void options_free(const command *cmd, void *values, text_list *positional);

void options_help(const command *cmd);

/* The candidate nearest to `word`, or NULL when none is near. */
const char *options_suggest(const char *word, const char *const *candidates, size_t count);

#endif
