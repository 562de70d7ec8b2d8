#include "perfdb/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_WRITTEN = 1 << 30 };

static bool fail(evr_writer *w, evr_write_step step)
{
    w->error = errno ? errno : EIO;
    w->step = step;
    w->failed = w->as;
    return false;
}

static bool make(evr_writer *w)
{
    struct stat old;
    w->fd = openat(w->folder, w->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (w->fd < 0)
        return fail(w, EVR_WRITE_MAKE);
    if (fstatat(w->folder, w->as, &old, AT_SYMLINK_NOFOLLOW) == 0 && fchmod(w->fd, old.st_mode & 07777) != 0)
        return fail(w, EVR_WRITE_MODE);
    return true;
}

static void put(evr_writer *w)
{
    if (w->error || (w->fd < 0 && !make(w)))
        return;
    for (size_t at = 0; at < w->buf.len;) {
        size_t left = w->buf.len - at;
        ssize_t n = write(w->fd, w->buf.data + at, left > MOST_WRITTEN ? MOST_WRITTEN : left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fail(w, EVR_WRITE_CONTENTS);
            return;
        }
        at += (size_t)n;
    }
}

static void end(evr_writer *w)
{
    if (w->fd < 0)
        return;
#ifdef SYNC_FILE_RANGE_WRITE /* on its way while the next file is made, so that the first fsync() finds all of them there */
    (void)sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0 && !w->error)
        fail(w, EVR_WRITE_CLOSE);
}

/* `busy` and `closing` say what is to be done; both are taken back only when it is done. */
static void *work(void *arg)
{
    evr_writer *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->busy && !w->closing && !w->stop)
            pthread_cond_wait(&w->changed, &w->lock);
        bool writes = w->busy, closes = !writes && w->closing;
        if (!writes && !closes)
            break;
        pthread_mutex_unlock(&w->lock);
        if (writes)
            put(w);
        else
            end(w);
        pthread_mutex_lock(&w->lock);
        w->busy = w->busy && !writes;
        w->closing = w->closing && !closes;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

void evr_writer_start(evr_writer *w, evr_context *ctx, int folder)
{
    sigset_t all, before;
    *w = (evr_writer){.folder = folder, .fd = -1};
    evr_buf_init(&w->buf, ctx);
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    sigfillset(&all); /* the program's signals are not for this thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->threaded = pthread_create(&w->thread, NULL, work, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->threaded)
        return;
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
}

void evr_writer_stop(evr_writer *w)
{
    if (w->threaded) {
        pthread_mutex_lock(&w->lock);
        w->stop = true;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->changed);
        w->threaded = false;
    }
    end(w);
    evr_buf_free(&w->buf);
}

static void take(evr_writer *w, const char *name, const char *as, evr_buf *buf)
{
    evr_buf emptied = w->buf;
    w->buf = *buf;
    *buf = emptied;
    buf->len = 0;
    if (w->fd < 0) {
        snprintf(w->name, sizeof w->name, "%s", name);
        w->as = as;
    }
}

bool evr_writer_put(evr_writer *w, const char *name, const char *as, evr_buf *buf)
{
    if (!w->threaded) {
        take(w, name, as, buf);
        put(w);
        return !w->error;
    }
    pthread_mutex_lock(&w->lock);
    while (w->busy || w->closing)
        pthread_cond_wait(&w->changed, &w->lock);
    bool good = !w->error;
    if (good) {
        take(w, name, as, buf);
        w->busy = true;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return good;
}

void evr_writer_end(evr_writer *w)
{
    if (!w->threaded) {
        end(w);
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}
