/* New files of a folder, from the moment they are made until they are in their places. */
#include "perfdb/folder.h"

#include "base/error.h"
#include "perfdb/parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Threads that wait for the disk need no processor: what they ask for at the same time, it does at once. */
enum { MOST_WRITTEN = 1 << 30, WAITING = 16, EACH = 4 };

evr_status evr_folder_room(evr_folder *f, size_t count, evr_error **err)
{
    if (!evr_grow(f->ctx, (void **)&f->staged, &f->staged_cap, count, sizeof *f->staged))
        return evr_fail_nomem(err);
    for (; f->staged_count < count; f->staged_count++)
        f->staged[f->staged_count] = (evr_staged){.fd = -1};
    return EVR_OK;
}

evr_status evr_folder_stage(evr_folder *f, size_t number, const char *name, evr_error **err)
{
    char temporary[EVR_STAGE_NAME];
    struct stat old;
    evr_staged *s = &f->staged[number];
    evr_stage_name(temporary, number);
    s->fd = openat(f->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (s->fd < 0)
        return evr_folder_error(f, "cannot make a new", name, err);
    s->name = name;
    if (fstatat(f->fd, name, &old, AT_SYMLINK_NOFOLLOW) == 0 && fchmod(s->fd, old.st_mode & 07777) != 0)
        return evr_folder_error(f, "cannot set the mode of a new", name, err);
    return EVR_OK;
}

evr_status evr_folder_write(evr_folder *f, size_t number, evr_str text, evr_error **err)
{
    const evr_staged *s = &f->staged[number];
    for (size_t at = 0; at < text.len;) {
        size_t left = text.len - at;
        ssize_t n = write(s->fd, text.data + at, left > MOST_WRITTEN ? MOST_WRITTEN : left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return evr_folder_error(f, "cannot write a new", s->name, err);
        at += (size_t)n;
    }
    return EVR_OK;
}

evr_status evr_folder_finish(evr_folder *f, size_t number, evr_error **err)
{
    evr_staged *s = &f->staged[number];
    int fd = s->fd;
#ifdef SYNC_FILE_RANGE_WRITE /* on its way while the next file is made, so that fsync() finds most of it there */
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
    s->fd = -1;
    return close(fd) == 0 ? EVR_OK : evr_folder_error(f, "cannot write a new", s->name, err);
}

/* Pieces of the way to the disk: the first is what may be done meanwhile, each other one some files. */
typedef struct syncing {
    evr_folder *folder;
    evr_meanwhile_fn meanwhile;
    void *user;
} syncing;

/* 0, or errno. */
static int sync_one(const evr_folder *f, size_t number)
{
    char temporary[EVR_STAGE_NAME];
    evr_stage_name(temporary, number);
    int fd = openat(f->fd, temporary, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int code = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return code;
}

static bool sync_some(void *user, size_t thread, size_t piece)
{
    const syncing *s = user;
    evr_folder *f = s->folder;
    bool good = true;
    (void)thread;
    if (piece == 0) {
        s->meanwhile(s->user);
        return true;
    }
    for (size_t i = (piece - 1) * EACH; good && i < piece * EACH && i < f->staged_count; i++) {
        f->staged[i].error = f->staged[i].name ? sync_one(f, i) : 0;
        good = !f->staged[i].error;
    }
    return good;
}

static void nothing(void *user) { (void)user; }

/* To the disk, all of them before the first takes its place. */
static evr_status sync_all(evr_folder *f, evr_meanwhile_fn meanwhile, void *user, evr_error **err)
{
    syncing s = {f, meanwhile ? meanwhile : nothing, user};
    size_t pieces = 1 + (f->staged_count + EACH - 1) / EACH;
    evr_parallel(f->threads == 1 ? 1 : WAITING, pieces, sync_some, &s);
    for (size_t i = 0; i < f->staged_count; i++) {
        if (!f->staged[i].error)
            continue;
        errno = f->staged[i].error;
        return evr_folder_error(f, "cannot bring to the disk a new", f->staged[i].name, err);
    }
    return EVR_OK;
}

static bool rename_some(void *user, size_t thread, size_t piece)
{
    char temporary[EVR_STAGE_NAME];
    evr_folder *f = user;
    bool good = true;
    (void)thread;
    for (size_t i = piece * EACH; good && i < (piece + 1) * EACH && i < f->staged_count; i++) {
        evr_staged *s = &f->staged[i];
        if (!s->name)
            continue;
        evr_stage_name(temporary, i);
        good = renameat(f->fd, temporary, f->fd, s->name) == 0;
        s->error = good ? 0 : errno;
        s->in_place = good;
    }
    return good;
}

static evr_status rename_all(evr_folder *f, evr_error **err)
{
    size_t done = 0, count = 0;
    const evr_staged *failed = NULL;
    evr_parallel(evr_threads_for(f->threads, SIZE_MAX), (f->staged_count + EACH - 1) / EACH, rename_some, f);
    for (size_t i = 0; i < f->staged_count; i++) {
        count += f->staged[i].name != NULL;
        done += f->staged[i].in_place;
        failed = !failed && f->staged[i].error ? &f->staged[i] : failed;
    }
    if (failed) {
        errno = failed->error;
        evr_status status = evr_folder_error(f, "cannot put in place", failed->name, err);
        if (done)
            evr_hint(err, "%zu of %zu files are new, the others as they were, each whole; repeat the update", done, count);
        return status;
    }
    f->staged_count = 0;
    return !done || fsync(f->fd) == 0 ? EVR_OK : evr_folder_error(f, "cannot bring to the disk", "", err);
}

evr_status evr_folder_commit(evr_folder *f, evr_meanwhile_fn meanwhile, void *user, evr_error **err)
{
    EVR_TRY(sync_all(f, meanwhile, user, err));
    return rename_all(f, err);
}
