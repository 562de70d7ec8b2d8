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

enum { MOST_READ = 1 << 30 };

evr_status evr_folder_error(const evr_folder *f, const char *doing, const char *name, evr_error **err)
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

void evr_stage_name(char name[EVR_STAGE_NAME], size_t number)
{
    snprintf(name, EVR_STAGE_NAME, STAGE_PREFIX "%zu" STAGE_SUFFIX, number);
}

void evr_folder_close(evr_folder *f)
{
    char name[EVR_STAGE_NAME];
    for (size_t i = 0; i < f->staged_count; i++) {
        if (!f->staged[i].name || f->staged[i].in_place)
            continue;
        if (f->staged[i].fd >= 0)
            close(f->staged[i].fd);
        evr_stage_name(name, i);
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
            return evr_folder_error(f, "cannot make the lock file", LOCK_NAME, err);
        while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) {
                evr_status status = evr_folder_error(f, "cannot lock", LOCK_NAME, err);
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
        return evr_folder_error(f, "cannot list", "", err);
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

evr_status evr_file_read_into(evr_context *ctx, int at, const char *name, const char *shown, uint64_t most, char **data, size_t *cap, size_t *size, evr_error **err)
{
    struct stat st;
    *size = 0;
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot_read(ctx, shown, err);
    evr_status status = EVR_OK;
    if (fstat(fd, &st) != 0)
        status = cannot_read(ctx, shown, err);
    else if (!S_ISREG(st.st_mode))
        status = evr_fail(ctx, err, EVR_E_UNSUPPORTED, "%s is not a file", shown);
    else if ((uint64_t)st.st_size > most)
        status = evr_fail(ctx, err, EVR_E_LIMIT, "%s is longer than %llu bytes", shown, (unsigned long long)most);
    else if (!evr_grow(ctx, (void **)data, cap, (size_t)st.st_size + 2, 1))
        status = evr_fail_nomem(err);
    if (status == EVR_OK)
        status = read_all(ctx, fd, shown, most, data, cap, size, err);
    close(fd);
    if (status == EVR_OK)
        (*data)[*size] = 0;
    return status;
}

evr_status evr_file_read(evr_context *ctx, int at, const char *name, const char *shown, uint64_t most, char **data, size_t *size, evr_error **err)
{
    size_t cap = 0;
    *data = NULL;
    evr_status status = evr_file_read_into(ctx, at, name, shown, most, data, &cap, size, err);
    char *exact = status == EVR_OK ? evr_resize(ctx, *data, cap, *size + 1) : NULL;
    if (status == EVR_OK && !exact)
        status = evr_fail_nomem(err);
    if (status != EVR_OK)
        evr_release(ctx, *data, cap);
    *data = exact;
    return status;
}
