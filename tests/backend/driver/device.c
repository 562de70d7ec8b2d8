#include "device.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct event {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t asked, done; /* records put on a stream, records reached */
    double at;
};

typedef struct stream {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    command *first, *last;
    int busy, capturing;
    command *captured;
} stream;

static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
static int live;
static unsigned launches;
static stream *streams[256];
static stream *legacy;

void device_add_live(int n)
{
    pthread_mutex_lock(&all);
    live += n;
    pthread_mutex_unlock(&all);
}

int device_live(void) { return live; }
unsigned device_launches(void) { return __atomic_load_n(&launches, __ATOMIC_SEQ_CST); }

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void perform(const command *c)
{
    if (c->kind == SET)
        memset(c->at, (int)c->value, c->bytes);
    else if (c->kind == LAUNCH) {
        volatile uint64_t sum = 0;
        for (uint64_t i = 0; i < c->bytes / 8; i++)
            sum ^= ((uint64_t *)c->at)[i];
        __atomic_add_fetch(&launches, 1, __ATOMIC_SEQ_CST);
    } else if (c->kind == WAIT) {
        struct timespec moment = {0, 20000};
        while ((int32_t)(__atomic_load_n((uint32_t *)c->at, __ATOMIC_SEQ_CST) - (uint32_t)c->value) < 0)
            nanosleep(&moment, NULL);
    } else if (c->kind == WAIT_WIDE) {
        struct timespec moment = {0, 20000};
        while (__atomic_load_n((uint64_t *)c->at, __ATOMIC_SEQ_CST) < c->value)
            nanosleep(&moment, NULL);
    } else if (c->kind == RECORD) {
        pthread_mutex_lock(&c->event->lock);
        c->event->at = now();
        c->event->done++;
        pthread_cond_broadcast(&c->event->changed);
        pthread_mutex_unlock(&c->event->lock);
    }
}

static void *work(void *user)
{
    stream *s = user;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->first)
            pthread_cond_wait(&s->changed, &s->lock);
        command *c = s->first;
        s->first = c->next;
        s->busy = 1;
        pthread_mutex_unlock(&s->lock);
        int quit = c->kind == QUIT;
        perform(c);
        free(c);
        pthread_mutex_lock(&s->lock);
        s->busy = 0;
        pthread_cond_broadcast(&s->changed);
        if (quit)
            break;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static stream *resolve(void *handle)
{
    pthread_mutex_lock(&all);
    if (!handle && !legacy) {
        legacy = calloc(1, sizeof *legacy);
        pthread_mutex_init(&legacy->lock, NULL);
        pthread_cond_init(&legacy->changed, NULL);
        pthread_create(&legacy->thread, NULL, work, legacy);
        pthread_detach(legacy->thread);
    }
    pthread_mutex_unlock(&all);
    return handle ? handle : legacy;
}

int device_put(void *handle, command what)
{
    stream *s = resolve(handle);
    command *c = malloc(sizeof *c);
    int refused = look_alike_refuses();
    if (refused)
        return free(c), refused;
    if (!c)
        return NO_MEMORY;
    *c = what;
    c->next = NULL;
    pthread_mutex_lock(&s->lock);
    command **end = s->capturing ? &s->captured : &s->first;
    while (*end)
        end = &(*end)->next;
    *end = c;
    if (c->kind == RECORD && !s->capturing) {
        pthread_mutex_lock(&c->event->lock);
        c->event->asked++;
        pthread_mutex_unlock(&c->event->lock);
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return OK;
}

static int drain(stream *s)
{
    pthread_mutex_lock(&s->lock);
    int capturing = s->capturing;
    while (!capturing && (s->first || s->busy))
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return capturing ? BAD_CAPTURE : OK;
}

int device_stream_wait(void *handle)
{
    int refused = look_alike_refuses();
    return refused ? refused : drain(resolve(handle));
}

int device_wait(void)
{
    int refused = look_alike_refuses();
    for (size_t i = 0; i < 256 && !refused; i++)
        if (streams[i])
            drain(streams[i]);
    return refused || !legacy ? refused : drain(legacy);
}

int device_stream_create(void **out, unsigned flags)
{
    stream *s = calloc(1, sizeof *s);
    (void)flags;
    int refused = look_alike_refuses();
    if (refused || !s)
        return free(s), refused ? refused : NO_MEMORY;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    pthread_create(&s->thread, NULL, work, s);
    pthread_mutex_lock(&all);
    for (size_t i = 0; i < 256; i++)
        if (!streams[i]) {
            streams[i] = s;
            break;
        }
    live++;
    pthread_mutex_unlock(&all);
    *out = s;
    return OK;
}

int device_stream_destroy(void *handle)
{
    stream *s = handle;
    int error = device_put(s, (command){.kind = QUIT});
    if (error != OK)
        return error;
    pthread_join(s->thread, NULL);
    pthread_mutex_lock(&all);
    for (size_t i = 0; i < 256; i++)
        if (streams[i] == s)
            streams[i] = NULL;
    live--;
    pthread_mutex_unlock(&all);
    free(s);
    return OK;
}

int device_event_create(void **out, unsigned flags)
{
    event *e = calloc(1, sizeof *e);
    (void)flags;
    int refused = look_alike_refuses();
    if (refused || !e)
        return free(e), refused ? refused : NO_MEMORY;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    device_add_live(1);
    *out = e;
    return OK;
}

int device_event_destroy(void *e)
{
    device_add_live(-1);
    free(e);
    return OK;
}

int device_event_record(void *e, void *handle) { return device_put(handle, (command){.kind = RECORD, .event = e}); }

int device_event_wait(void *handle)
{
    event *e = handle;
    pthread_mutex_lock(&e->lock);
    while (e->done < e->asked)
        pthread_cond_wait(&e->changed, &e->lock);
    pthread_mutex_unlock(&e->lock);
    return OK;
}

int device_event_elapsed(float *ms, void *from, void *to)
{
    event *a = from, *b = to;
    if (a->asked == 0 || b->asked == 0)
        return INVALID_HANDLE;
    if (a->done < a->asked || b->done < b->asked)
        return NOT_READY;
    *ms = (float)((b->at - a->at) / 1e6);
    return OK;
}

int device_capture_begin(void *handle, int mode)
{
    stream *s = handle; /* the legacy stream cannot be captured */
    if (!s || s->capturing || mode != 2)
        return INVALID;
    s->capturing = 1;
    return OK;
}

int device_capture_end(void *handle, void **graph)
{
    stream *s = handle;
    *graph = NULL;
    if (!s || !s->capturing)
        return NOT_CAPTURING;
    command *head = calloc(1, sizeof *head);
    head->next = s->captured;
    s->captured = NULL;
    s->capturing = 0;
    *graph = head;
    device_add_live(1);
    return OK;
}

static int free_commands(void *handle)
{
    for (command *c = handle, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    device_add_live(-1);
    return OK;
}

int device_graph_instantiate(void **exec, void *graph, unsigned long long flags)
{
    command *head = calloc(1, sizeof *head), *end = head;
    (void)flags;
    for (command *c = ((command *)graph)->next; c; c = c->next) {
        end->next = malloc(sizeof *end);
        end = end->next;
        *end = *c;
        end->next = NULL;
    }
    *exec = head;
    device_add_live(1);
    return OK;
}

int device_graph_launch(void *exec, void *handle)
{
    int error = OK;
    for (command *c = ((command *)exec)->next; c && error == OK; c = c->next)
        error = device_put(handle, *c);
    return error;
}

int device_graph_destroy(void *graph) { return free_commands(graph); }

int device_exec_destroy(void *exec) { return free_commands(exec); }
