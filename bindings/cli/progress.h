/* A progress bar on stderr, on a terminal only, and only for what takes longer than a moment. */
#ifndef EVREPLAY_CLI_PROGRESS_H
#define EVREPLAY_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress_bar {
    const char *what;
    double begun, shown;
    bool enabled, visible;
} progress_bar;

void progress_begin(progress_bar *bar, const char *what);
int32_t progress_step(void *bar, uint64_t done, uint64_t total); /* an evr_progress_fn in bytes */
void progress_end(progress_bar *bar);

/* Seconds on a steady clock. */
double progress_now(void);

#endif
