/* The commands, one cmd_<name>.c each. */
#ifndef EVREPLAY_CLI_COMMANDS_H
#define EVREPLAY_CLI_COMMANDS_H

#include "options.h"

extern const command cmd_info, cmd_events, cmd_list, cmd_extract, cmd_replay, cmd_bench, cmd_compare, cmd_pack, cmd_db, cmd_doctor, cmd_launch;

/* The whole command: picks one of the above by its name. @return the exit code */
int command_main(int argc, char **argv);

#endif
