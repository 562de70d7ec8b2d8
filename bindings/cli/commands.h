/* The commands, one cmd_<name>.c each. */
#ifndef EVREPLAY_CLI_COMMANDS_H
#define EVREPLAY_CLI_COMMANDS_H

#include "options.h"

extern const command cmd_info, cmd_events, cmd_list, cmd_extract, cmd_replay, cmd_compare, cmd_doctor;

#endif
