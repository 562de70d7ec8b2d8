/* Where a command's data goes: stdout or a file that appears whole or not at all. */
#ifndef EVREPLAY_CLI_OUTPUT_H
#define EVREPLAY_CLI_OUTPUT_H

#include <evreplay/base.h>

#include "base/json_write.h"

#include <stdio.h>

typedef struct output {
    FILE *file;
    const char *path; /* NULL or "-" = stdout */
    char *temporary;
} output;

/* False after an error has been told. */
bool output_open(output *out, const char *path);

/* Writes, closes and puts the file in its place. Returns `code`, or EXIT_BAD_INPUT after a write error has been told. */
int output_close(output *out, int code);

void output_str(output *out, evr_str s);

/* Opens, writes and closes: one text is all there is. Returns `code`, or EXIT_BAD_INPUT after an error has been told. */
int output_whole(const char *path, evr_str text, int code);

/* A buffer on a context of the command's own, for JSON texts. */
void output_buf(evr_buf *buf);

/* 1234567 ns as "1.235 ms". */
const char *output_time(int64_t ns, char text[32]);

/* JSON of the whole document in `buf`: one line more, written and freed. */
void output_json(output *out, evr_buf *buf);

/* A text as a CSV field, quoted where needed. */
void output_csv(output *out, evr_str s);

#endif
