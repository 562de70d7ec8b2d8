#include "perfdb/folder.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LOCK_NAME ".evreplay.lock"
#define STAGE_PREFIX ".evreplay-"
#define STAGE_SUFFIX ".part"

enum { STAGE_NAME = EVR_WRITE_NAME, MOST_READ = 1 << 30 };

static evr_status system_error(const evr_folder *f, const char *doing, const char *name, evr_error **err)
{
    int code = errno;
    evr_status status = code == ENOMEM ? EVR_E_NOMEM : EVR_E_IO;
    evr_fail(f->ctx, err, status, "%s %s/%s: %s", doing, f->path, name, strerror(code));
    if (code == ENOSPC || code == EDQUOT || code == EFBIG)
        evr_hint(err, "make room there and repeat; no file of the database has changed");
    else if (code == EACCES || code == EROFS || code == EPERM)
        evr_hint(err, "updating needs the right to make files in the folder");
    return status;
}

evr_status evr_folder_open(evr_context *ctx, const char *path, evr_folder *f, evr_error **err)
{
    *f = (evr_folder){.ctx = ctx, .path = path, .fd = -1, .lock = -1};
    evr_arena_init(&f->arena, ctx);
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd >= 0)
        return EVR_OK;
    int code = errno;
    evr_status status = code == ENOENT ? EVR_E_NOT_FOUND : code == ENOTDIR ? EVR_E_UNSUPPORTED : EVR_E_IO;
    return evr_fail(ctx, err, status, "cannot open the database %s: %s", path, strerror(code));
}

static void stage_name(char name[STAGE_NAME], size_t number)
{
    snprintf(name, STAGE_NAME, STAGE_PREFIX "%zu" STAGE_SUFFIX, number);
}

void evr_folder_close(evr_folder *f)
{
    char name[STAGE_NAME];
    if (f->writes)
        evr_writer_stop(&f->writer);
    for (size_t i = 0; i < f->staged_count; i++) {
        stage_name(name, f->staged[i].number);
        unlinkat(f->fd, name, 0);
    }
    evr_release(f->ctx, f->staged, f->staged_cap * sizeof *f->staged);
    if (f->lock >= 0) {
        unlinkat(f->fd, LOCK_NAME, 0); /* while it is held: who waits for it sees that its file is gone */
        close(f->lock);
    }
    if (f->fd >= 0)
        close(f->fd);
    evr_arena_free(&f->arena);
    f->fd = f->lock = -1;
    f->writes = false;
    f->staged = NULL;
    f->staged_count = f->staged_cap = 0;
}

/* Whether the lock that is held is still the one that others see. */
static bool lock_is_current(const evr_folder *f, int fd)
{
    struct stat held, seen;
    return fstat(fd, &held) == 0 && fstatat(f->fd, LOCK_NAME, &seen, AT_SYMLINK_NOFOLLOW) == 0 && held.st_ino == seen.st_ino &&
           held.st_dev == seen.st_dev;
}

static evr_status lock_taken(const evr_folder *f, int fd, uint32_t timeout_ms, evr_error **err)
{
    char holder[24] = "";
    ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
    for (ssize_t i = 0; i < n; i++)
        if (holder[i] < '0' || holder[i] > '9')
            holder[i] = 0;
    close(fd);
    evr_fail(f->ctx, err, EVR_E_STATE, "%s is being written by %s%s since more than %u ms", f->path,
             holder[0] ? "process " : "another process", holder, timeout_ms);
    return evr_hint(err, "wait for it to end, or give a longer lock timeout");
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_staged_name(const char *name)
{
    evr_str s = evr_str_c(name);
    return evr_str_starts(s, STAGE_PREFIX) && evr_str_ends(s, STAGE_SUFFIX);
}

static DIR *reopen(const evr_folder *f)
{
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

/* A writer that was killed leaves its staged files; nobody else can be at work on them while the lock is held. */
static void clear_staged(const evr_folder *f)
{
    DIR *dir = reopen(f);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (is_staged_name(e->d_name))
            unlinkat(f->fd, e->d_name, 0);
    if (dir)
        closedir(dir);
}

evr_status evr_folder_lock(evr_folder *f, uint32_t timeout_ms, evr_error **err)
{
    int64_t until = now_ms() + timeout_ms;
    for (;;) {
        int fd = openat(f->fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd < 0)
            return system_error(f, "cannot make the lock file", LOCK_NAME, err);
        while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) {
                evr_status status = system_error(f, "cannot lock", LOCK_NAME, err);
                close(fd);
                return status;
            }
            if (now_ms() >= until)
                return lock_taken(f, fd, timeout_ms, err);
            nanosleep(&(struct timespec){0, 5000000}, NULL);
        }
        if (lock_is_current(f, fd)) {
            f->lock = fd;
            break;
        }
        close(fd);
    }
    char holder[24];
    int n = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(f->lock, 0) != 0 || pwrite(f->lock, holder, (size_t)n, 0) != n)
        evr_log(f->ctx, EVR_LOG_DEBUG, "%s/%s does not tell who holds it: %s", f->path, LOCK_NAME, strerror(errno));
    clear_staged(f);
    return EVR_OK;
}

static int compare_entries(const void *a, const void *b)
{
    evr_str x = ((const evr_folder_entry *)a)->name, y = ((const evr_folder_entry *)b)->name;
    return evr_str_cmp((evr_str){x.data, x.len - 4}, (evr_str){y.data, y.len - 4});
}

static evr_status list_entries(evr_folder *f, DIR *dir, evr_folder_entry **list, size_t *count, size_t *cap)
{
    for (struct dirent *e; (e = readdir(dir));) {
        evr_str name = evr_str_c(e->d_name);
        struct stat st;
        if (name.len <= 4 || name.data[0] == '.' || !evr_str_ends(name, ".csv"))
            continue;
        if (!evr_grow(f->ctx, (void **)list, cap, *count + 1, sizeof **list))
            return EVR_E_NOMEM;
        evr_folder_entry *entry = &(*list)[*count];
        entry->name = evr_arena_str(&f->arena, name);
        if (!entry->name.data)
            return EVR_E_NOMEM;
        entry->regular = fstatat(f->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
        ++*count;
    }
    return EVR_OK;
}

evr_status evr_folder_list(evr_folder *f, evr_folder_entry **entries, size_t *count, evr_error **err)
{
    evr_folder_entry *list = NULL;
    size_t cap = 0;
    *count = 0;
    DIR *dir = reopen(f);
    if (!dir)
        return system_error(f, "cannot list", "", err);
    evr_status status = list_entries(f, dir, &list, count, &cap);
    closedir(dir);
    *entries = status == EVR_OK ? evr_arena_alloc(&f->arena, *count * sizeof *list) : NULL;
    if (*entries && *count) {
        memcpy(*entries, list, *count * sizeof *list);
        qsort(*entries, *count, sizeof **entries, compare_entries);
    }
    evr_release(f->ctx, list, cap * sizeof *list);
    return *entries ? EVR_OK : evr_fail_nomem(err);
}

static evr_status cannot_read(evr_context *ctx, const char *name, evr_error **err)
{
    int code = errno;
    return evr_fail(ctx, err, code == ENOENT ? EVR_E_NOT_FOUND : EVR_E_IO, "cannot read %s: %s", name, strerror(code));
}

/* Reads until the end; the file may be longer by then than it was. */
static evr_status read_all(evr_context *ctx, int fd, const char *name, uint64_t most, char **data, size_t *cap, size_t *size, evr_error **err)
{
    for (;;) {
        if (*size > most)
            return evr_fail(ctx, err, EVR_E_LIMIT, "%s is longer than %llu bytes", name, (unsigned long long)most);
        if (*size + 2 > *cap && !evr_grow(ctx, (void **)data, cap, *size + 2, 1))
            return evr_fail_nomem(err);
        size_t room = *cap - *size - 1;
        ssize_t n = read(fd, *data + *size, room > MOST_READ ? MOST_READ : room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot_read(ctx, name, err);
        if (n == 0)
            return EVR_OK;
        *size += (size_t)n;
    }
}

evr_status evr_file_read(evr_context *ctx, int at, const char *name, const char *shown, uint64_t most, char **data, size_t *size, evr_error **err)
{
    struct stat st;
    size_t cap = 0;
    *data = NULL;
    *size = 0;
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot_read(ctx, shown, err);
    evr_status status = EVR_OK;
    if (fstat(fd, &st) != 0)
        status = cannot_read(ctx, shown, err);
    else if (!S_ISREG(st.st_mode))
        status = evr_fail(ctx, err, EVR_E_UNSUPPORTED, "%s is not a file", shown);
    else if ((uint64_t)st.st_size <= most && !evr_grow(ctx, (void **)data, &cap, (size_t)st.st_size + 2, 1))
        status = evr_fail_nomem(err);
    else if ((uint64_t)st.st_size > most)
        status = evr_fail(ctx, err, EVR_E_LIMIT, "%s is longer than %llu bytes", shown, (unsigned long long)most);
    if (status == EVR_OK)
        status = read_all(ctx, fd, shown, most, data, &cap, size, err);
    close(fd);
    char *exact = status == EVR_OK ? evr_resize(ctx, *data, cap, *size + 1) : NULL;
    if (status == EVR_OK && !exact)
        status = evr_fail_nomem(err);
    if (status != EVR_OK) {
        evr_release(ctx, *data, cap);
        *data = NULL;
        return status;
    }
    exact[*size] = 0;
    *data = exact;
    return EVR_OK;
}

/* What the writer failed with first. */
static evr_status write_failed(const evr_folder *f, evr_error **err)
{
    static const char *const doing[] = {
        [EVR_WRITE_MAKE] = "cannot make a new", [EVR_WRITE_MODE] = "cannot set the mode of a new", [EVR_WRITE_CONTENTS] = "cannot write a new", [EVR_WRITE_CLOSE] = "cannot write a new"};
    errno = f->writer.error;
    return system_error(f, doing[f->writer.step], f->writer.failed, err);
}

evr_status evr_folder_stage(evr_folder *f, evr_str name, evr_error **err)
{
    if (!evr_grow(f->ctx, (void **)&f->staged, &f->staged_cap, f->staged_count + 1, sizeof *f->staged))
        return evr_fail_nomem(err);
    evr_str copy = evr_arena_str(&f->arena, name);
    if (!copy.data)
        return evr_fail_nomem(err);
    if (!f->writes)
        evr_writer_start(&f->writer, f->ctx, f->fd);
    f->writes = true;
    f->staged[f->staged_count] = (evr_staged){(char *)copy.data, f->staged_count};
    f->staged_count++;
    return EVR_OK;
}

evr_status evr_folder_write(evr_folder *f, evr_buf *buf, evr_error **err)
{
    char temporary[STAGE_NAME];
    const evr_staged *staged = &f->staged[f->staged_count - 1];
    stage_name(temporary, staged->number);
    return evr_writer_put(&f->writer, temporary, staged->name, buf) ? EVR_OK : write_failed(f, err);
}

void evr_folder_finish(evr_folder *f) { evr_writer_end(&f->writer); }

/* Until all that was handed over is written. */
static evr_status wait_for_writer(evr_folder *f, evr_error **err)
{
    evr_writer_stop(&f->writer);
    f->writes = false;
    return f->writer.error ? write_failed(f, err) : EVR_OK;
}

static int open_staged(const evr_folder *f, size_t i)
{
    char temporary[STAGE_NAME];
    stage_name(temporary, f->staged[i].number);
    return openat(f->fd, temporary, O_RDONLY | O_CLOEXEC);
}

/* Waits until the contents that are on their way have arrived: then what the file system notes of all of them goes to the disk at once, with
 * the first fsync(). Only that one counts; this may fail. */
static void wait_for_contents(const evr_folder *f)
{
#ifdef SYNC_FILE_RANGE_WRITE
    for (size_t i = 0; i < f->staged_count; i++) {
        int fd = open_staged(f, i);
        if (fd < 0)
            continue;
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        close(fd);
    }
#else
    (void)f;
#endif
}

/* To the disk, all of them before the first takes its place. */
static evr_status sync_staged(evr_folder *f, evr_error **err)
{
    wait_for_contents(f);
    for (size_t i = 0; i < f->staged_count; i++) {
        int fd = open_staged(f, i);
        bool good = fd >= 0 && fsync(fd) == 0;
        evr_status status = good ? EVR_OK : system_error(f, "cannot bring to the disk a new", f->staged[i].name, err);
        if (fd >= 0)
            close(fd);
        if (!good)
            return status;
    }
    return EVR_OK;
}

evr_status evr_folder_commit(evr_folder *f, evr_error **err)
{
    char temporary[STAGE_NAME];
    if (f->staged_count == 0)
        return EVR_OK;
    EVR_TRY(wait_for_writer(f, err));
    EVR_TRY(sync_staged(f, err));
    for (size_t i = 0; i < f->staged_count; i++) {
        stage_name(temporary, f->staged[i].number);
        if (renameat(f->fd, temporary, f->fd, f->staged[i].name) == 0)
            continue;
        evr_status status = system_error(f, "cannot put in place", f->staged[i].name, err);
        if (i)
            evr_hint(err, "%zu of %zu files are new, the others as they were, each whole; repeat the update", i, f->staged_count);
        return status;
    }
    f->staged_count = 0;
    return fsync(f->fd) == 0 ? EVR_OK : system_error(f, "cannot bring to the disk", "", err);
}
