/* Writes files one after the other, on a thread of its own where one can be had: the next file is put together meanwhile. The thread takes no memory. */
#ifndef EVR_PERFDB_WRITER_H
#define EVR_PERFDB_WRITER_H

#include "base/buf.h"

#include <pthread.h>

typedef enum evr_write_step {
    EVR_WRITE_MAKE,
    EVR_WRITE_MODE,
    EVR_WRITE_CONTENTS,
    EVR_WRITE_CLOSE,
} evr_write_step;

enum { EVR_WRITE_NAME = 48 };

typedef struct evr_writer {
    int folder;
    bool threaded, busy, closing, stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    evr_buf buf; /* being written */
    int fd;      /* of the file that is open, -1 = none */
    char name[EVR_WRITE_NAME];
    const char *as; /* the file whose mode it gets; borrowed */
    /* what failed first; nothing is done after that */
    int error; /* errno, 0 = nothing */
    evr_write_step step;
    const char *failed; /* `as` of the file */
} evr_writer;

void evr_writer_start(evr_writer *writer, evr_context *ctx, int folder);

/* Waits, closes what is open, and ends the thread. What failed stays to be seen. */
void evr_writer_stop(evr_writer *writer);

/* Hands over what is in `buf`, which gets other memory and is empty afterwards. The first part of a file makes it, by `name`, with the mode of the file `as`, if there is one,
 * which lives until evr_writer_stop(). False when something has failed: see the writer. */
bool evr_writer_put(evr_writer *writer, const char *name, const char *as, evr_buf *buf);

/* The file is complete. */
void evr_writer_end(evr_writer *writer);

#endif
