/* Traces side by side: every thread takes the next file until none is left. The caller's thread is one of them and the only one that
 * reports progress. */
#include "trace_set/set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MAX_THREADS = 256 };

typedef struct loading {
    evr_trace_set *set;
    const evr_trace_set_options *options;
    uint32_t flags;
    atomic_size_t next;
    _Atomic uint64_t read, total; /* bytes over all files */
    atomic_bool stop;
    pthread_mutex_t lock; /* guards the two below */
    evr_status status;    /* of the first failure */
    evr_error *error;
} loading;

typedef struct reader {
    loading *shared;
    bool caller; /* on the caller's thread */
    uint64_t read, total; /* of the file at hand, as added to the shared sums */
} reader;

/* Traces report what they have read of themselves; the set reports sums. */
static int32_t on_progress(void *user, uint64_t read, uint64_t total)
{
    reader *r = user;
    loading *l = r->shared;
    if (total > r->total)
        atomic_fetch_add(&l->total, total - r->total);
    if (read > r->read)
        atomic_fetch_add(&l->read, read - r->read);
    r->total = total > r->total ? total : r->total;
    r->read = read > r->read ? read : r->read;
    if (r->caller && l->options->progress && l->options->progress(l->options->progress_user, l->read, l->total))
        atomic_store(&l->stop, true);
    return atomic_load(&l->stop);
}

static void failed(loading *l, evr_status status, evr_error *err)
{
    pthread_mutex_lock(&l->lock);
    /* others that were told to stop are not what went wrong */
    if (l->status == EVR_OK) {
        l->status = status;
        l->error = err;
        err = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    evr_error_free(err);
    atomic_store(&l->stop, true);
}

static void *read_files(void *arg)
{
    reader *r = arg;
    loading *l = r->shared;
    for (size_t i; !atomic_load(&l->stop) && (i = atomic_fetch_add(&l->next, 1)) < l->set->count;) {
        evr_member *member = &l->set->members[i];
        evr_trace_options options = {.struct_size = sizeof options, .flags = l->flags, .threads = 1, .progress = on_progress, .progress_user = r};
        evr_error *err = NULL;
        r->read = r->total = 0;
        evr_status status = evr_trace_open_file(l->set->ctx, member->path, &options, &member->trace, &err);
        if (status != EVR_OK)
            failed(l, status, err);
    }
    return NULL;
}

static size_t thread_count(const evr_trace_set_options *options, size_t files)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = options->threads ? options->threads : processors > 0 ? (size_t)processors : 1;
    n = n < MAX_THREADS ? n : MAX_THREADS;
    return n < files ? n : files;
}

evr_status evr_set_load(evr_trace_set *set, const evr_trace_set_options *options, evr_error **err)
{
    loading l = {.set = set, .options = options, .flags = options->flags, .lock = PTHREAD_MUTEX_INITIALIZER};
    reader readers[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    size_t want = thread_count(options, set->count), started = 1;
    readers[0] = (reader){.shared = &l, .caller = true};
    for (; started < want; started++) {
        readers[started] = (reader){.shared = &l};
        if (pthread_create(&threads[started], NULL, read_files, &readers[started]) != 0)
            break; /* fewer threads do the same work */
    }
    read_files(&readers[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&l.lock);
    if (l.status == EVR_OK && options->progress && options->progress(options->progress_user, l.read, l.total)) /* others may have ended last */
        return evr_fail(set->ctx, err, EVR_E_CANCELLED, "the progress callback asked to stop after the last trace");
    if (l.status == EVR_OK)
        return EVR_OK;
    if (err)
        *err = l.error;
    else
        evr_error_free(l.error);
    return l.status;
}
