/* A look-alike of the CUDA driver whose device is a thread per stream and the host's memory, so that the CUDA backend can
 * be run where there is none. Every handle is counted, and what was not given back is told by look_alike_live(). Errors are
 * looked for where the real driver has them. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* their headers are not here */
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
enum { SET, LAUNCH, RECORD, WAIT, QUIT };

typedef struct event {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t asked, done; /* records put on a stream, records reached */
    double at;
} event;

typedef struct command {
    int kind;
    void *at;
    uint64_t bytes;
    uint32_t value;
    event *event;
    struct command *next;
} command;

typedef struct stream {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    command *first, *last;
    int busy, capturing;
    command *captured;
} stream;

static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
static int live, contexts, depth;
static unsigned launches;
static stream *streams[256];
static stream *legacy;

static void add_live(int n)
{
    pthread_mutex_lock(&all);
    live += n;
    pthread_mutex_unlock(&all);
}

API int look_alike_live(void) { return live + contexts + depth; }
API unsigned look_alike_launches(void) { return __atomic_load_n(&launches, __ATOMIC_SEQ_CST); }

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
        while ((int32_t)(__atomic_load_n((uint32_t *)c->at, __ATOMIC_SEQ_CST) - c->value) < 0)
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

static int put(void *handle, command what)
{
    stream *s = resolve(handle);
    command *c = malloc(sizeof *c);
    if (depth == 0)
        return free(c), NO_CONTEXT;
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

API int cuInit(unsigned flags) { return flags ? INVALID : OK; }
API int cuDriverGetVersion(int *version) { return *version = 13000, OK; }
API int cuGetErrorName(int error, const char **text)
{
    *text = error == INVALID_HANDLE ? "CUDA_ERROR_INVALID_HANDLE"
            : error == NO_CONTEXT   ? "CUDA_ERROR_INVALID_CONTEXT"
                                    : "CUDA_ERROR_LOOK_ALIKE";
    return OK;
}
API int cuDeviceGetCount(int *count) { return *count = getenv("LOOK_ALIKE_NO_DEVICE") ? 0 : 1, OK; }
API int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, ordinal ? 101 : OK; }
API int cuDeviceGetName(char *name, int size, int device)
{
    strncpy(name, "a look-alike", (size_t)size - 1);
    return name[size - 1] = 0, device ? 101 : OK;
}
API int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    *value = attribute == 38 ? 4 << 20 : attribute == 16 ? 2 : attribute == 75 ? 9 : attribute == 76 ? 0 : 1000000;
    return device ? 101 : OK;
}
API int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = 1u << 30, device ? 101 : OK; }
API int cuDeviceGetPCIBusId(char *id, int size, int device)
{
    strncpy(id, "0000:00:01.0", (size_t)size);
    return device ? 101 : OK;
}
API int cuDevicePrimaryCtxRetain(void **context, int device) { return contexts++, *context = &contexts, device ? 101 : OK; }
API int cuDevicePrimaryCtxRelease_v2(int device) { return contexts--, device ? 101 : OK; }
API int cuCtxPushCurrent_v2(void *context) { return context == &contexts ? (depth++, OK) : NO_CONTEXT; }
API int cuCtxPopCurrent_v2(void **context) { return *context = &contexts, depth > 0 ? (depth--, OK) : NO_CONTEXT; }

API int cuStreamCreate(void **out, unsigned flags)
{
    stream *s = calloc(1, sizeof *s);
    (void)flags;
    if (depth == 0 || !s)
        return free(s), NO_CONTEXT;
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
API int cuStreamDestroy_v2(void *handle)
{
    stream *s = handle;
    int error = put(s, (command){.kind = QUIT});
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
API int cuStreamSynchronize(void *handle) { return depth ? drain(resolve(handle)) : NO_CONTEXT; }
API int cuCtxSynchronize(void)
{
    if (depth == 0)
        return NO_CONTEXT;
    for (size_t i = 0; i < 256; i++)
        if (streams[i])
            drain(streams[i]);
    return legacy ? drain(legacy) : OK;
}

API int cuEventCreate(void **out, unsigned flags)
{
    event *e = calloc(1, sizeof *e);
    (void)flags;
    if (depth == 0 || !e)
        return free(e), NO_CONTEXT;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    add_live(1);
    *out = e;
    return OK;
}
API int cuEventDestroy_v2(void *e)
{
    add_live(-1);
    free(e);
    return OK;
}
API int cuEventRecord(void *e, void *handle) { return put(handle, (command){.kind = RECORD, .event = e}); }
API int cuEventSynchronize(void *handle)
{
    event *e = handle;
    pthread_mutex_lock(&e->lock);
    while (e->done < e->asked)
        pthread_cond_wait(&e->changed, &e->lock);
    pthread_mutex_unlock(&e->lock);
    return OK;
}
API int cuEventElapsedTime(float *ms, void *from, void *to)
{
    event *a = from, *b = to;
    if (a->asked == 0 || b->asked == 0)
        return INVALID_HANDLE;
    if (a->done < a->asked || b->done < b->asked)
        return NOT_READY;
    *ms = (float)((b->at - a->at) / 1e6);
    return OK;
}

API int cuMemAlloc_v2(unsigned long long *at, size_t bytes)
{
    void *block = depth ? malloc(bytes) : NULL;
    if (!block)
        return depth ? NO_MEMORY : NO_CONTEXT;
    memset(block, 1, bytes);
    add_live(1);
    *at = (uintptr_t)block;
    return OK;
}
API int cuMemFree_v2(unsigned long long at)
{
    add_live(-1);
    free((void *)(uintptr_t)at);
    return OK;
}
API int cuMemsetD8Async(unsigned long long at, unsigned char value, size_t bytes, void *handle)
{
    return put(handle, (command){.kind = SET, .at = (void *)(uintptr_t)at, .bytes = bytes, .value = value});
}
API int cuMemHostAlloc(void **at, size_t bytes, unsigned flags)
{
    (void)flags;
    *at = depth ? calloc(1, bytes) : NULL;
    add_live(*at != NULL);
    return *at ? OK : NO_CONTEXT;
}
API int cuMemFreeHost(void *at)
{
    add_live(-1);
    free(at);
    return OK;
}
API int cuMemHostGetDevicePointer_v2(unsigned long long *device, void *host, unsigned flags)
{
    *device = (uintptr_t)host;
    return flags ? INVALID : OK;
}
API int cuModuleLoadData(void **module, const void *image)
{
    *module = (void *)1;
    add_live(1);
    return depth && strncmp(image, ".version", 8) == 0 ? OK : INVALID;
}
API int cuModuleUnload(void *module)
{
    add_live(-1);
    return module == (void *)1 ? OK : INVALID_HANDLE;
}
API int cuModuleGetFunction(void **function, void *module, const char *name)
{
    *function = (void *)2;
    return module == (void *)1 && strcmp(name, "evr_flush_read") == 0 ? OK : 500;
}
API int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                       unsigned shared, void *handle, void **arguments, void **extra)
{
    (void)gy, (void)gz, (void)by, (void)bz, (void)shared, (void)extra;
    if (function != (void *)2 || gx == 0 || bx == 0 || bx > 1024)
        return INVALID;
    return put(handle, (command){.kind = LAUNCH, .at = *(void **)arguments[0], .bytes = *(uint64_t *)arguments[1] * 8});
}

API int cuStreamBeginCapture_v2(void *handle, int mode)
{
    stream *s = handle; /* the legacy stream cannot be captured */
    if (!s || s->capturing || mode != 2)
        return INVALID;
    s->capturing = 1;
    return OK;
}
API int cuStreamEndCapture(void *handle, void **graph)
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
    add_live(1);
    return OK;
}
static int free_commands(void *handle)
{
    for (command *c = handle, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    add_live(-1);
    return OK;
}
API int cuGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long flags)
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
    add_live(1);
    return OK;
}
API int cuGraphLaunch(void *exec, void *handle)
{
    int error = OK;
    for (command *c = ((command *)exec)->next; c && error == OK; c = c->next)
        error = put(handle, *c);
    return error;
}
API int cuGraphDestroy(void *graph) { return free_commands(graph); }
API int cuGraphExecDestroy(void *exec) { return free_commands(exec); }
API int cuStreamWaitValue32_v2(void *handle, unsigned long long at, uint32_t value, unsigned flags)
{
    return flags ? INVALID : put(handle, (command){.kind = WAIT, .at = (void *)(uintptr_t)at, .value = value});
}
