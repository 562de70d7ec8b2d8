#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

double progress_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void progress_begin(progress_bar *bar, const char *what)
{
    double now = progress_now();
    *bar = (progress_bar){what, now, now, isatty(STDERR_FILENO), false};
}

int32_t progress_step(void *user, uint64_t done, uint64_t total)
{
    progress_bar *bar = user;
    double now = progress_now();
    if (!bar->enabled || now - bar->begun < 0.3 || now - bar->shown < 0.1)
        return 0;
    bar->shown = now;
    bar->visible = true;
    double rate = (double)done / (now - bar->begun);
    if (!total) {
        fprintf(stderr, "\r%s %.0f MB, %.0f MB/s \033[K", bar->what, (double)done / 1e6, rate / 1e6);
        return 0;
    }
    char cells[31] = "..............................";
    double share = done < total ? (double)done / (double)total : 1;
    for (int i = 0; i < (int)(share * 30); i++)
        cells[i] = '#';
    fprintf(stderr, "\r%s [%s] %3.0f %%  %.0f of %.0f MB, %.0f MB/s, %.0f s left \033[K", bar->what, cells, share * 100,
            (double)done / 1e6, (double)total / 1e6, rate / 1e6, (double)(total - (done < total ? done : total)) / rate);
    return 0;
}

void progress_end(progress_bar *bar)
{
    if (bar->visible)
        fprintf(stderr, "\r\033[K");
}
