/* The command inside of another program: how Python's console script runs it, so that namespaces are imported by the interpreter. */
#include "commands.h"
#include "input.h"

#include <stdio.h>

EVR_API int evr_command_run(int argc, char **argv, void (*prepare)(evr_context *ctx));

/* `prepare` is given the context before the command uses it; may be NULL. One call at a time. */
int evr_command_run(int argc, char **argv, void (*prepare)(evr_context *ctx))
{
    input_prepare = prepare;
    int code = command_main(argc, argv);
    fflush(NULL); /* what is buffered here, the program's own end does not write */
    return code;
}
