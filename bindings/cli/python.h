/* Commands whose work is done by a program of Python: the interpreter, its arguments, and waiting for it. */
#ifndef EVREPLAY_CLI_PYTHON_H
#define EVREPLAY_CLI_PYTHON_H

#include <stdbool.h>
#include <stddef.h>

typedef struct python_line {
    char **words;
    size_t count, room;
    bool failed; /* there was no memory */
} python_line;

/* Begins a line that runs the first of some modules, ","-separated, when all are there: by `python`, or by $EVREPLAY_PYTHON or python3 when that is NULL. */
void python_begin(python_line *line, const char *python, const char *modules);

/* Adds one argument: both texts, one behind the other. */
void python_add(python_line *line, const char *first, const char *second);

/* Runs the line and waits. `name` of the command is for messages. @return its exit code, or that of what failed here */
int python_run(const char *name, const python_line *line);

void python_free(python_line *line);

/* Where "--" stands, behind which arguments are another command's; argc without one. */
int python_own_arguments(int argc, char **argv);

#endif
