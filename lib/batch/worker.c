#include "batch/worker.h"
#include "batch/zygote.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define WORKER_NAME "evreplay-worker"

static bool runs(const char *path) { return access(path, X_OK) == 0; }

/* Candidates relative to a file: beside it, in the folders that installations put helpers in. */
static bool find_beside(const char *file, char *out, size_t size)
{
    static const char *const forms[] = {"%.*s/" WORKER_NAME, "%.*s/evreplay/" WORKER_NAME, "%.*s/../bin/" WORKER_NAME, "%.*s/../libexec/evreplay/" WORKER_NAME,
                                        "%.*s/../../libexec/evreplay/" WORKER_NAME, "%.*s/../../bin/" WORKER_NAME};
    const char *slash = strrchr(file, '/');
    for (size_t i = 0; slash && i < sizeof forms / sizeof *forms; i++) {
        int n = snprintf(out, size, forms[i], (int)(slash - file), file);
        if (n > 0 && (size_t)n < size && runs(out))
            return true;
    }
    return false;
}

static evr_status find_file(evr_context *ctx, const char *given, char **out, evr_error **err)
{
    char path[4096], self[4096];
    Dl_info info;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    bool found = given && snprintf(path, sizeof path, "%s", given) < (int)sizeof path && runs(path);
    if (!found && !given)
        found = (dladdr((const void *)(uintptr_t)&evr_worker_find, &info) && info.dli_fname && find_beside(info.dli_fname, path, sizeof path)) ||
                find_beside(self, path, sizeof path);
    if (found)
        return (*out = evr_strdup(ctx, evr_str_c(path))) ? EVR_OK : evr_fail_nomem(err);
    evr_fail(ctx, err, EVR_E_PLUGIN, given ? "%s is no program that can be run" : "no " WORKER_NAME " was found beside the library or the program%s", given ? given : "");
    return evr_hint(err, "install it with the library, or set EVREPLAY_WORKER to its path");
}

evr_status evr_worker_find(evr_context *ctx, const char *given, char **out, evr_error **err)
{
    const char *environment = getenv("EVREPLAY_WORKER");
    if (!given && environment && environment[0])
        given = environment;
    if (given && strcmp(given, EVR_WORKER_SELF) == 0)
        return (*out = evr_strdup(ctx, evr_str_c(given))) ? EVR_OK : evr_fail_nomem(err);
    return find_file(ctx, given, out, err);
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

/* Descriptors 3 and 4 carry the messages; what the worker prints goes to `noise`. */
static int spawn(const char *path, int line, int noise, pid_t *pid)
{
    char *const arguments[] = {(char *)(uintptr_t)path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    /* a group of its own: an interrupt from the terminal is for the batch, which ends its workers itself */
    int failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) || posix_spawnattr_setpgroup(&attributes, 0) ||
                 posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) || posix_spawn_file_actions_adddup2(&actions, noise, 1) ||
                 posix_spawn_file_actions_adddup2(&actions, noise, 2) || posix_spawn_file_actions_adddup2(&actions, line, 3) ||
                 posix_spawn_file_actions_adddup2(&actions, line, 4);
    int code = failed ? ENOMEM : posix_spawn(pid, path, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

/* Descriptors from 10 up, so that giving the worker its 3 and 4 tramples on none of them. */
static bool raise_pair(int low[2], int pair[2])
{
    for (int i = 0; i < 2; i++) {
        pair[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
        close(low[i]);
    }
    return pair[0] >= 0 && pair[1] >= 0;
}

typedef struct channel {
    int line[2], noise[2]; /* ours, the worker's */
} channel;

static bool open_channel(channel *c)
{
    int low[2];
    *c = (channel){{-1, -1}, {-1, -1}};
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) == 0 && raise_pair(low, c->line) && pipe2(low, O_CLOEXEC) == 0 && raise_pair(low, c->noise);
}

/* Our ends become the worker's, or all are closed. */
static bool settle(channel *c, evr_worker *w, bool started)
{
    if (!started) {
        close_pair(c->line);
        close_pair(c->noise);
        w->pid = 0;
        return false;
    }
    close(c->line[1]);
    close(c->noise[1]);
    w->line = c->line[0];
    w->noise = c->noise[0];
    w->life = (int)syscall(SYS_pidfd_open, w->pid, 0);
    fcntl(w->noise, F_SETFL, O_NONBLOCK);
    return true;
}

static void begin(evr_context *ctx, evr_worker *w)
{
    *w = (evr_worker){.ctx = ctx, .line = -1, .noise = -1, .life = -1, .job = SIZE_MAX};
    evr_buf_init(&w->received, ctx);
}

evr_status evr_worker_start(evr_context *ctx, const char *path, evr_worker *w, evr_error **err)
{
    channel c;
    char *file = NULL;
    begin(ctx, w);
    int code = open_channel(&c) ? 0 : EMFILE;
    if (!code && strcmp(path, EVR_WORKER_SELF) == 0) {
        if (evr_worker_fork_self(ctx, c.line[1], c.noise[1], &w->pid, NULL) == EVR_OK)
            return settle(&c, w, true) ? EVR_OK : EVR_E_PLUGIN;
        evr_status status = find_file(ctx, NULL, &file, err); /* this process is not fit for that */
        if (status != EVR_OK) {
            settle(&c, w, false);
            return status;
        }
        path = file;
    }
    code = code ? code : spawn(path, c.line[1], c.noise[1], &w->pid);
    evr_status status = settle(&c, w, code == 0) ? EVR_OK : evr_fail(ctx, err, EVR_E_PLUGIN, "cannot start %s: %s", path, strerror(code));
    evr_text_free(ctx, file);
    return status;
}

evr_status evr_worker_fork(evr_context *ctx, evr_zygote *zygote, evr_worker *w, evr_error **err)
{
    channel c;
    begin(ctx, w);
    int code = open_channel(&c) ? evr_zygote_fork(zygote, c.line[1], c.noise[1], &w->pid) : EMFILE;
    if (!settle(&c, w, code == 0))
        return evr_fail(ctx, err, EVR_E_PLUGIN, "no worker can be forked: %s", strerror(code));
    w->zygote = zygote;
    return EVR_OK;
}

int evr_worker_wait(pid_t pid, uint32_t grace_ms, bool *killed)
{
    enum { FIRST_NS = 50000, LONGEST_NS = 5000000 };
    uint64_t left = (uint64_t)grace_ms * 1000000, pause = FIRST_NS;
    *killed = false;
    for (;;) {
        siginfo_t gone = {0};
        int status = 0, code = waitid(P_PID, (id_t)pid, &gone, WEXITED | WNOWAIT | (*killed ? 0 : WNOHANG));
        if (code == 0 && gone.si_pid == pid) {
            kill(-pid, SIGKILL); /* children that it left; the group is its as long as it is not reaped */
            return waitpid(pid, &status, 0) == pid ? status : -1;
        }
        if (code < 0 && errno != EINTR)
            return -1;
        if (!left && !*killed) {
            kill(-pid, SIGKILL);
            *killed = true;
        }
        if (*killed)
            continue;
        const struct timespec t = {.tv_nsec = (long)pause};
        nanosleep(&t, NULL);
        left -= pause < left ? pause : left;
        pause = pause * 2 < LONGEST_NS ? pause * 2 : LONGEST_NS;
    }
}

static int reap(const evr_worker *w, uint32_t grace_ms, bool *killed)
{
    *killed = false;
    if (w->orphan)
        return -1;
    if (!w->zygote)
        return evr_worker_wait(w->pid, grace_ms, killed);
    int status = evr_zygote_reap(w->zygote, w->pid, grace_ms, killed);
    if (status == -1) /* the zygote went this moment, and will not kill what the worker left */
        kill(-w->pid, SIGKILL);
    return status;
}

void evr_worker_kill(const evr_worker *w)
{
    if (w->pid && w->orphan)
        syscall(SYS_pidfd_send_signal, w->life, SIGKILL, NULL, 0);
    else if (w->pid)
        kill(-w->pid, SIGKILL); /* its group, in case it has children */
}

void evr_worker_stop(evr_worker *w, bool kill_it)
{
    int *const fds[] = {&w->line, &w->noise, &w->life};
    if (w->pid && kill_it)
        evr_worker_kill(w);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (w->pid && *fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
    if (w->pid) {
        bool killed;
        reap(w, EVR_WORKER_GRACE_MS, &killed);
        evr_buf_free(&w->received);
    }
    w->pid = 0;
    w->job = SIZE_MAX;
    w->ready = w->orphan = false;
}

bool evr_worker_receive(evr_worker *w)
{
    char chunk[65536];
    for (;;) {
        ssize_t n = recv(w->line, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        evr_buf_add(&w->received, chunk, (size_t)n);
    }
}

void evr_worker_listen(evr_worker *w)
{
    char chunk[EVR_WORKER_TAIL];
    ssize_t n;
    while ((n = read(w->noise, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        size_t more = (size_t)n, keep = w->tail_len + more > EVR_WORKER_TAIL ? EVR_WORKER_TAIL - more : w->tail_len;
        memmove(w->tail, w->tail + w->tail_len - keep, keep);
        memcpy(w->tail + keep, chunk, more);
        w->tail_len = keep + more;
        w->tail[w->tail_len] = 0;
    }
}

/* The last line that says something. */
static const char *last_words(evr_worker *w, size_t *len)
{
    size_t end = w->tail_len;
    while (end && (w->tail[end - 1] == '\n' || w->tail[end - 1] == ' '))
        end--;
    size_t from = end;
    while (from && w->tail[from - 1] != '\n')
        from--;
    *len = end - from;
    return w->tail + from;
}

void evr_worker_obituary(evr_worker *w, char *out, size_t size)
{
    evr_worker_listen(w);
    bool killed;
    int status = reap(w, EVR_WORKER_LAST_MS, &killed);
    size_t len;
    const char *words = last_words(w, &len);
    char cause[96];
    if (w->timed_out)
        snprintf(cause, sizeof cause, "it did not end in time and was stopped");
    else if (killed)
        snprintf(cause, sizeof cause, "it closed its line and went on, and was stopped");
    else if (status == -1)
        snprintf(cause, sizeof cause, "the process is gone, and how it ended is not known");
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(cause, sizeof cause, "the process was killed from outside, most likely because memory ran out");
    else if (WIFSIGNALED(status))
        snprintf(cause, sizeof cause, "the process crashed: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(cause, sizeof cause, "the process ended by itself with code %d", WEXITSTATUS(status));
    snprintf(out, size, len && !w->timed_out ? "%s; the last it printed: %.*s" : "%s", cause, (int)len, words);
    close(w->line);
    close(w->noise);
    if (w->life >= 0)
        close(w->life);
    evr_buf_free(&w->received);
    w->pid = 0;
}
