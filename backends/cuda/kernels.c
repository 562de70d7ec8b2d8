#include "kernels.h"

#include "common/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY = 1, FILL = 2, CONCURRENT_KERNEL = 10, FLUSH_FORCED = 1, BUFFER = 1 << 20, ALIGNMENT = 8, MOST = 1 << 20 };
enum { LONGEST_SYMBOL = 1024 };

/* What is recorded, and where members lie in the records: kernels' are the same from CUDA 9 to 13, in all records that came
 * after CUpti_ActivityKernel4, and those of copies and fills in all there were. tests/backend/cupti_headers.c compares them
 * with NVIDIA's own header where it is installed. */
static const struct {
    uint32_t kind;
    uint16_t device, stream;
} kinds[] = {{COPY, 32, 40}, {FILL, 32, 40}, {CONCURRENT_KERNEL, 40, 48}};
enum { KINDS = sizeof kinds / sizeof *kinds };
enum { AT_START = 16, AT_END = 24, AT_NAME = 104, AT_COPY = 4, AT_FROM = 5, AT_TO = 6, AT_FILLED = 50 };

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
    /* A torch for CUDA has loaded its own already, and two in one process would get in each other's way. */
    static const char *const names[] = {"libcupti.so.13",
                                        "libcupti.so.12",
                                        "libcupti.so",
                                        "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so",
                                        "/usr/local/cuda/lib64/libcupti.so",
                                        NULL};
    char why[64] = "";
    memset(k, 0, sizeof *k);
    void *library = library_open_loaded_first(names, why, sizeof why);
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

static const char *of(const char *const *names, size_t count, unsigned value)
{
    return value < count ? names[value] : names[0];
}

/* Copies and fills have no names of their own: those that PyTorch's traces give them. */
static const char *name_of(const uint8_t *record, uint32_t kind, char *text, size_t size)
{
    static const char *const places[] = {"Unknown", "Pageable", "Pinned",        "Device",
                                         "Array",   "Managed",  "Device Static", "Managed Static"};
    static const char *const ways[] = {"Unknown", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD", "DtoA", "DtoD", "HtoH", "PtoP"};
    enum { PLACES = sizeof places / sizeof *places, WAYS = sizeof ways / sizeof *ways };
    const char *name = NULL;
    uint16_t filled;
    if (kind == CONCURRENT_KERNEL) {
        memcpy(&name, record + AT_NAME, sizeof name);
        return name ? name : "";
    }
    memcpy(&filled, record + AT_FILLED, sizeof filled);
    if (kind == COPY)
        snprintf(text, size, "Memcpy %s (%s -> %s)", of(ways, WAYS, record[AT_COPY]), of(places, PLACES, record[AT_FROM]),
                 of(places, PLACES, record[AT_TO]));
    else
        snprintf(text, size, "Memset (%s)", of(places, PLACES, filled));
    return text;
}

static void keep(const uint8_t *record)
{
    uint32_t kind;
    char text[96];
    size_t is = 0;
    memcpy(&kind, record, sizeof kind);
    while (is < KINDS && kinds[is].kind != kind)
        is++;
    if (is == KINDS || collected.count == MOST)
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
    memcpy(&s->device, record + kinds[is].device, sizeof s->device);
    memcpy(&s->stream, record + kinds[is].stream, sizeof s->stream);
    s->name = strdup(name_of(record, kind, text, sizeof text));
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

/* The C++ run time's demangler, if the process has one; kernels of C go by the names they have, and very long ones as
 * PyTorch's traces have them: mangled. */
static char *readable(const char *name)
{
    char *(*demangle)(const char *, char *, size_t *, int *) = NULL;
    int status = -1;
    if (strlen(name) > LONGEST_SYMBOL)
        return NULL;
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
    for (size_t i = 0; k->recording && i < KINDS; i++)
        if (kinds[i].kind != CONCURRENT_KERNEL)
            k->enable((int)kinds[i].kind);
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
    for (size_t i = 0; i < KINDS; i++)
        k->disable((int)kinds[i].kind);
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
