/* What is told of one result while a batch runs: a line, and one for each check and warning that needs to be read. */
#ifndef EVREPLAY_CLI_RESULT_LINE_H
#define EVREPLAY_CLI_RESULT_LINE_H

#include <evreplay/evreplay.h>

#include <stdio.h>

void result_line(FILE *to, const evr_result *result);

#endif
