#include "kernels.h"

#include "common/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CONCURRENT_KERNEL = 10, FLUSH_FORCED = 1, BUFFER = 1 << 20, ALIGNMENT = 8, MOST = 1 << 20 };

/* Where members lie in a record of a kernel: the same from CUDA 9 to 13, in all records that came after
 * CUpti_ActivityKernel4. */
enum { AT_START = 16, AT_END = 24, AT_DEVICE = 40, AT_STREAM = 48, AT_NAME = 104 };

typedef struct seen {
    char *name;
    uint64_t start, end;
    uint32_t device, stream;
} seen;

/* CUPTI's callbacks carry no user data, so what they collect is one per process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const kernels *by;
    seen *items;
    size_t count, cap;
    bool failed;
} collected;

void kernels_open(kernels *k)
{
    static const char *const names[] = {"libcupti.so.13", "libcupti.so.12", "libcupti.so", NULL};
    char why[64] = "";
    memset(k, 0, sizeof *k);
    void *library = library_open(names, why, sizeof why);
    k->works = library && library_find(library, &k->callbacks, "cuptiActivityRegisterCallbacks") &&
               library_find(library, &k->enable, "cuptiActivityEnable") && library_find(library, &k->disable, "cuptiActivityDisable") &&
               library_find(library, &k->flush, "cuptiActivityFlushAll") && library_find(library, &k->next, "cuptiActivityGetNextRecord");
}

static void requested(uint8_t **buffer, size_t *size, size_t *most)
{
    *buffer = aligned_alloc(ALIGNMENT, BUFFER);
    *size = *buffer ? BUFFER : 0;
    *most = 0;
}

static void keep(const uint8_t *record)
{
    uint32_t kind;
    const char *name;
    memcpy(&kind, record, sizeof kind);
    if (kind != CONCURRENT_KERNEL || collected.count == MOST)
        return;
    if (collected.count == collected.cap) {
        size_t cap = collected.cap ? 2 * collected.cap : 64;
        seen *items = realloc(collected.items, cap * sizeof *items);
        if (!items) {
            collected.failed = true;
            return;
        }
        collected.items = items;
        collected.cap = cap;
    }
    seen *s = &collected.items[collected.count];
    memcpy(&s->start, record + AT_START, sizeof s->start);
    memcpy(&s->end, record + AT_END, sizeof s->end);
    memcpy(&s->device, record + AT_DEVICE, sizeof s->device);
    memcpy(&s->stream, record + AT_STREAM, sizeof s->stream);
    memcpy(&name, record + AT_NAME, sizeof name);
    s->name = strdup(name ? name : "");
    if (s->name)
        collected.count++;
    else
        collected.failed = true;
}

static void completed(void *context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid)
{
    void *record = NULL;
    (void)context, (void)stream, (void)size;
    pthread_mutex_lock(&lock);
    while (collected.by && valid && collected.by->next(buffer, valid, &record) == 0)
        keep(record);
    pthread_mutex_unlock(&lock);
    free(buffer);
}

static void forget(seen *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(items[i].name);
    free(items);
}

/* Ends the collection and takes what there is. */
static bool take(seen **items, size_t *count)
{
    pthread_mutex_lock(&lock);
    bool whole = !collected.failed;
    *items = collected.items;
    *count = collected.count;
    memset(&collected, 0, sizeof collected);
    pthread_mutex_unlock(&lock);
    return whole;
}

/* The C++ run time's demangler, if the process has one; kernels of C go by the names they have. */
static char *readable(const char *name)
{
    char *(*demangle)(const char *, char *, size_t *, int *) = NULL;
    int status = -1;
    void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    char *text = library && library_find(library, &demangle, "__cxa_demangle") ? demangle(name, NULL, NULL, &status) : NULL;
    if (library)
        dlclose(library);
    return status == 0 ? text : NULL;
}

bool kernels_start(kernels *k)
{
    void (*request)(uint8_t **, size_t *, size_t *) = requested;
    void (*complete)(void *, uint32_t, uint8_t *, size_t, size_t) = completed;
    void *first, *second;
    memcpy(&first, &request, sizeof first);
    memcpy(&second, &complete, sizeof second);
    pthread_mutex_lock(&lock);
    bool free_to_use = collected.by == NULL;
    if (free_to_use)
        collected.by = k;
    pthread_mutex_unlock(&lock);
    if (!free_to_use)
        return false;
    k->recording = k->callbacks(first, second) == 0 && k->enable(CONCURRENT_KERNEL) == 0;
    if (!k->recording) {
        seen *items;
        size_t count;
        (void)take(&items, &count);
        forget(items, count);
    }
    return k->recording;
}

static int by_start(const void *a, const void *b)
{
    const seen *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

bool kernels_finish(kernels *k, uint32_t device, evr_kernel_fn visit, void *user)
{
    k->flush(FLUSH_FORCED);
    k->disable(CONCURRENT_KERNEL);
    k->recording = false;
    seen *items;
    size_t count;
    bool whole = take(&items, &count);
    if (count > 1)
        qsort(items, count, sizeof *items, by_start);
    for (size_t i = 0; visit && i < count; i++) {
        if (items[i].device != device)
            continue;
        char *text = readable(items[i].name);
        const char *name = text ? text : items[i].name;
        evr_kernel_run run = {EVR_INIT(evr_kernel_run),
                              items[i].stream,
                              {name, strlen(name)},
                              (double)items[i].start,
                              (double)(items[i].end - items[i].start)};
        int32_t stop = visit(user, &run);
        free(text);
        if (stop)
            break;
    }
    forget(items, count);
    return whole;
}
