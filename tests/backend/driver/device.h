/* A device of our own for look-alikes of drivers: a thread per stream and the host's memory. Handles are counted, and
 * errors are looked for where a real driver has them; they have CUDA's numbers, which are HIP's too. */
#ifndef LOOK_ALIKE_DEVICE_H
#define LOOK_ALIKE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* the vendors' headers are not here */
#define API __attribute__((visibility("default")))

enum {
    OK = 0,
    INVALID = 1,
    NO_MEMORY = 2,
    NO_CONTEXT = 201,
    INVALID_HANDLE = 400,
    NOT_READY = 600,
    BAD_CAPTURE = 901,
    NOT_CAPTURING = 903
};
enum { SET, LAUNCH, RECORD, WAIT, WAIT_WIDE, QUIT };

typedef struct event event;

typedef struct command {
    int kind;
    void *at;
    uint64_t bytes;
    uint64_t value;
    event *event;
    struct command *next;
} command;

/* The look-alike's own: not OK when no device is current for the calling thread. */
int look_alike_refuses(void);

void device_add_live(int n);
int device_live(void); /* handles that were not given back */
unsigned device_launches(void);
int device_put(void *stream, command what);
int device_wait(void);
int device_stream_wait(void *stream);
int device_stream_create(void **out, unsigned flags);
int device_stream_destroy(void *handle);
int device_event_create(void **out, unsigned flags);
int device_event_destroy(void *e);
int device_event_record(void *e, void *handle);
int device_event_wait(void *handle);
int device_event_elapsed(float *ms, void *from, void *to);
int device_capture_begin(void *handle, int mode);
int device_capture_end(void *handle, void **graph);
int device_graph_instantiate(void **exec, void *graph, unsigned long long flags);
int device_graph_launch(void *exec, void *handle);
int device_graph_destroy(void *graph);
int device_exec_destroy(void *exec);

#endif
