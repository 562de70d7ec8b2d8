#include "python.h"

#include "options.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the first of some modules as -m does, and says so when one is not there: Python's own exit code for that would read as records that failed. */
static const char boot[] = "import importlib.util, runpy, sys\n"
                           "names = sys.argv.pop(1).split(',')\n"
                           "for name in names:\n"
                           "    try:\n"
                           "        found = importlib.util.find_spec(name)\n"
                           "    except ImportError:\n"
                           "        found = None\n"
                           "    if not found:\n"
                           "        print(f'evreplay: {sys.executable} has no {name}\\n  what to do: install it there, or give another interpreter with --python', file=sys.stderr)\n"
                           "        sys.exit(5)\n"
                           "runpy.run_module(names[0], run_name='__main__', alter_sys=True)\n";

void python_add(python_line *line, const char *first, const char *second)
{
    if (line->count + 1 >= line->room) { /* with a NULL behind */
        size_t room = line->room ? line->room * 2 : 32;
        char **grown = realloc(line->words, room * sizeof *grown);
        if (!grown) {
            line->failed = true;
            return;
        }
        line->words = grown;
        line->room = room;
    }
    size_t size = strlen(first) + strlen(second) + 1;
    char *text = malloc(size);
    if (!text) {
        line->failed = true;
        return;
    }
    snprintf(text, size, "%s%s", first, second);
    line->words[line->count++] = text;
    line->words[line->count] = NULL;
}

void python_begin(python_line *line, const char *python, const char *modules)
{
    *line = (python_line){0};
    python = python ? python : getenv("EVREPLAY_PYTHON");
    python_add(line, python && *python ? python : "python3", "");
    python_add(line, "-c", "");
    python_add(line, boot, "");
    python_add(line, modules, "");
}

void python_free(python_line *line)
{
    for (size_t i = 0; i < line->count; i++)
        free(line->words[i]);
    free(line->words);
    *line = (python_line){0};
}

static pid_t started;

static void pass_on(int number) { kill(started, number); }

int python_run(const char *name, const python_line *line)
{
    int status = 0;
    if (line->failed) {
        fprintf(stderr, "evreplay %s: there is no memory for the arguments\n", name);
        return EXIT_MISSING;
    }
    fflush(NULL);
    int failed = posix_spawnp(&started, line->words[0], NULL, NULL, line->words, environ);
    if (failed) {
        fprintf(stderr, "evreplay %s: cannot run %s: %s\n  what to do: name the interpreter with --python\n", name, line->words[0], strerror(failed));
        return failed == E2BIG ? EXIT_USAGE : EXIT_MISSING;
    }
    signal(SIGTERM, pass_on);
    signal(SIGINT, SIG_IGN); /* a terminal sends it to the other program as well */
    while (waitpid(started, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SOME_FAILED;
}

int python_own_arguments(int argc, char **argv)
{
    int own = 0;
    while (own < argc && strcmp(argv[own], "--") != 0)
        own++;
    return own;
}
