/* The commands, one cmd_<name>.c each. */
#ifndef EVREPLAY_CLI_COMMANDS_H
#define EVREPLAY_CLI_COMMANDS_H

#include "options.h"

extern const command cmd_info, cmd_events, cmd_list, cmd_extract, cmd_replay, cmd_bench, cmd_compare, cmd_pack, cmd_db, cmd_doctor, cmd_launch, cmd_fleet;

/* All of them, ended by NULL. */
extern const command *const program_commands[];

/* What the program says of itself, and what its exit codes mean, ended by a NULL text: for --help and the manual page. */
typedef struct exit_code {
    int code;
    const char *text;
} exit_code;
extern const char program_summary[], program_input[];
extern const exit_code program_exit_codes[];

/* `evreplay help --man`: the manual page. `evreplay completion bash|zsh|fish`: a script for the shell. Both are written from the tables above. */
int manual_print(void);
int completion_main(int argc, char **argv);

/* `evreplay seat`: commands on request, in a process that has the libraries loaded. */
int seat_main(int argc, char **argv);

/* The whole command: picks one of the above by its name. @return the exit code */
int command_main(int argc, char **argv);

#endif
