/* The zygote's side of zygote.h. */
#include "batch/zygote.h"

#include "registry/registry.h"

#include <evreplay/batch.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* -1 where the system does not say. */
static int count_threads(void)
{
    DIR *all = opendir("/proc/self/task");
    int count = 0;
    if (!all)
        return -1;
    for (const struct dirent *one; (one = readdir(all));)
        count += one->d_name[0] != '.';
    closedir(all);
    return count;
}

/* A device that a driver has open for this process is not to be shared with children of it. */
static bool holds_device(char *name, size_t size)
{
    static const char *const harmless[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/pts/", "/dev/shm/", "/dev/console"};
    DIR *all = opendir("/proc/self/fd");
    bool found = false;
    for (const struct dirent *one; all && !found && (one = readdir(all));) {
        ssize_t n = readlinkat(dirfd(all), one->d_name, name, size - 1);
        name[n > 0 ? n : 0] = 0;
        found = strncmp(name, "/dev/", 5) == 0;
        for (size_t i = 0; found && i < sizeof harmless / sizeof *harmless; i++)
            found = strncmp(name, harmless[i], strlen(harmless[i])) != 0;
    }
    if (all)
        closedir(all);
    return found;
}

static evr_status check_fit(evr_context *ctx, const char *after, evr_error **err)
{
    char device[256];
    int threads = count_threads();
    if (threads != 1)
        return evr_fail(ctx, err, EVR_E_STATE, "this process has %d threads after %s", threads, after);
    if (holds_device(device, sizeof device))
        return evr_fail(ctx, err, EVR_E_STATE, "this process has %s open after %s", device, after);
    return EVR_OK;
}

static int32_t see_nothing(void *user, evr_str schema)
{
    (void)user;
    (void)schema;
    return 0;
}

evr_status evr_zygote_load(evr_context *ctx, evr_str what, evr_runtime **runtime, evr_error **err)
{
    const evr_host_hooks hooks = evr_registry_hooks(ctx);
    *runtime = NULL;
    if (!what.len || what.data[what.len - 1])
        return evr_fail(ctx, err, EVR_E_FORMAT, "a zygote was told half of what it has to load");
    if (hooks.import_module || hooks.find_callable)
        return evr_fail(ctx, err, EVR_E_STATE, "the worker has an interpreter");
    EVR_TRY(check_fit(ctx, "it began", err));
    const evr_runtime_options o = {.struct_size = sizeof o, .bridge = what.data[0] ? what.data : NULL, .device = "cpu"};
    EVR_TRY(evr_runtime_open(ctx, &o, runtime, err));
    evr_status status = check_fit(ctx, "it loaded the bridge", err);
    for (const char *op = what.data + strlen(what.data) + 1; op < what.data + what.len && status == EVR_OK; op += strlen(op) + 1) {
        char after[600];
        evr_runtime_schemas(*runtime, evr_str_c(op), see_nothing, NULL, NULL); /* what cannot be loaded is told by the worker that needs it */
        snprintf(after, sizeof after, "it loaded what %.500s needs", op);
        status = check_fit(ctx, after, err);
    }
    return status; /* not closed when unfit: libraries stay, and the worker opens it again */
}

static bool receive_descriptors(int from, int fds[2])
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    char byte;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    const struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
        return false;
    memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
    return true;
}

/* What posix_spawn() does for a worker that is started: a group of its own, its line, and what it prints. */
static void become_worker(pid_t zygote, int from, int to, const int fds[2])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != zygote) /* which died before it could matter */
        _exit(1);
    setpgid(0, 0);
    if (dup2(fds[0], from) < 0 || dup2(fds[0], to) < 0 || dup2(fds[1], STDOUT_FILENO) < 0 || dup2(fds[1], STDERR_FILENO) < 0)
        _exit(1);
}

/* As fork(), for a worker. */
static pid_t fork_off(int from, int to, const int fds[2])
{
    pid_t self = getpid();
    fflush(NULL); /* or it is printed twice */
    pid_t pid = fork();
    if (pid == 0)
        become_worker(self, from, to, fds);
    if (pid > 0)
        setpgid(pid, pid); /* both do it: the batch may kill the group as soon as it knows the number */
    return pid;
}

/* 0 in the child; the child's number, or minus an errno. */
static int64_t fork_worker(int from, int to, const int fds[2])
{
    int64_t answer = -EAGAIN;
    if (count_threads() == 1) {
        pid_t pid = fork_off(from, to, fds);
        answer = pid < 0 ? -errno : pid;
    }
    close(fds[0]);
    close(fds[1]);
    return answer;
}

/* What exec does besides: signals that a handler was waiting for end the process again, and what the batch has open is not the worker's. */
static void forget_batch(int line)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int empty = open("/dev/null", O_RDONLY);
    if (empty > STDIN_FILENO)
        dup2(empty, STDIN_FILENO);
    close_range((unsigned)line + 1, ~0u, 0); /* without it, ends of other workers' lines stay open here, and life goes on by their pidfds */
}

static _Noreturn void work(int from, int to)
{
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    evr_status status = evr_context_new(NULL, &ctx, &err);
    if (status == EVR_OK)
        status = evr_worker_serve(ctx, from, to, &err);
    if (status != EVR_OK)
        dprintf(STDERR_FILENO, "a forked worker: %s\n", evr_error_message(err));
    _exit(status == EVR_OK ? 0 : 1); /* what waits to be written at an end is the batch's */
}

evr_status evr_worker_fork_self(evr_context *ctx, int line, int noise, pid_t *pid, evr_error **err)
{
    const int fds[2] = {line, noise};
    enum { FROM = 3, TO = 4 };
    EVR_TRY(check_fit(ctx, "the batch began", err));
    pid_t made = fork_off(FROM, TO, fds);
    if (made < 0)
        return evr_fail(ctx, err, EVR_E_PLUGIN, "no worker can be forked: %s", strerror(errno));
    if (!made) {
        forget_batch(TO);
        work(FROM, TO);
    }
    *pid = made;
    return EVR_OK;
}

static evr_status reap(evr_context *ctx, int to, evr_str payload, evr_error **err)
{
    evr_reap_request request;
    evr_reap_answer answer;
    bool killed;
    if (payload.len != sizeof request)
        return evr_fail(ctx, err, EVR_E_FORMAT, "a zygote was sent half a request");
    memcpy(&request, payload.data, sizeof request);
    answer.status = evr_worker_wait((pid_t)request.pid, (uint32_t)request.grace_ms, &killed);
    answer.killed = killed;
    return evr_frame_write(ctx, to, EVR_FRAME_REAP, &answer, sizeof answer, err);
}

evr_status evr_zygote_serve(evr_context *ctx, int from, int to, evr_zygote_end *end, evr_error **err)
{
    evr_buf buf;
    evr_status status;
    evr_buf_init(&buf, ctx);
    signal(SIGCHLD, SIG_DFL); /* ignored, as a host may have it, nobody would hear how workers end */
    for (*end = EVR_ZYGOTE_ENDED;;) {
        uint8_t kind;
        evr_str payload;
        int fds[2];
        status = evr_frame_read(ctx, from, &buf, &kind, &payload, err);
        if (status != EVR_OK || !kind)
            break;
        if (kind == EVR_FRAME_REAP) {
            status = reap(ctx, to, payload, err);
        } else if (kind == EVR_FRAME_FORK && receive_descriptors(from, fds)) {
            int64_t answer = fork_worker(from, to, fds);
            if (!answer) {
                *end = EVR_ZYGOTE_CHILD;
                break;
            }
            status = evr_frame_write(ctx, to, EVR_FRAME_FORK, &answer, sizeof answer, err);
        } else {
            status = evr_fail(ctx, err, EVR_E_FORMAT, "a zygote was sent a message of kind %d, or without what belongs to it", kind);
        }
        if (status != EVR_OK)
            break;
    }
    evr_buf_free(&buf);
    return status;
}
