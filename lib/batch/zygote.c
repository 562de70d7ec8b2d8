#include "batch/zygote.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A zygote answers at once, or after the grace that it was asked for: longer means that it is stopped or lost. */
enum { ANSWER_S = 3 * EVR_WORKER_GRACE_MS / 1000 };

evr_status evr_zygote_start(evr_context *ctx, const char *path, const char *configuration, size_t configuration_size, const char *bridge, evr_str ops,
                            evr_zygote *z, evr_error **err)
{
    const struct timeval patience = {.tv_sec = ANSWER_S};
    evr_buf what;
    z->state = EVR_ZYGOTE_OFF;
    EVR_TRY(evr_worker_start(ctx, path, &z->process, err));
    setsockopt(z->process.line, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    evr_buf_init(&what, ctx);
    evr_buf_add(&what, bridge ? bridge : "", bridge ? strlen(bridge) + 1 : 1);
    evr_buf_add(&what, ops.data, ops.len);
    evr_status status = what.failed ? evr_fail_nomem(err) : evr_frame_write(ctx, z->process.line, EVR_FRAME_CONFIGURATION, configuration, configuration_size, err);
    if (status == EVR_OK)
        status = evr_frame_write(ctx, z->process.line, EVR_FRAME_ZYGOTE, what.data, what.len, err);
    evr_buf_free(&what);
    if (status == EVR_OK)
        z->state = EVR_ZYGOTE_LOADING;
    else
        evr_worker_stop(&z->process, true);
    return status;
}

static bool send_descriptors(int line, const int fds[2])
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    char byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
    ssize_t n;
    do
        n = sendmsg(line, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

/* The answer to what was asked, of exactly that size. */
static bool hear(evr_zygote *z, uint8_t kind, void *to, size_t size)
{
    evr_buf buf;
    uint8_t got = 0;
    evr_str payload;
    evr_buf_init(&buf, z->process.ctx);
    bool good = evr_frame_read(z->process.ctx, z->process.line, &buf, &got, &payload, NULL) == EVR_OK && got == kind && payload.len == size;
    if (good)
        memcpy(to, payload.data, size);
    evr_buf_free(&buf);
    if (!good)
        evr_zygote_stop(z);
    return good;
}

int evr_zygote_fork(evr_zygote *z, int line, int noise, pid_t *pid)
{
    const int fds[2] = {line, noise};
    int64_t answer;
    if (z->state != EVR_ZYGOTE_READY)
        return ESRCH;
    if (evr_frame_write(z->process.ctx, z->process.line, EVR_FRAME_FORK, "", 0, NULL) != EVR_OK || !send_descriptors(z->process.line, fds)) {
        evr_zygote_stop(z);
        return EPIPE;
    }
    if (!hear(z, EVR_FRAME_FORK, &answer, sizeof answer))
        return EPIPE;
    if (answer <= 0)
        return (int)-answer;
    *pid = (pid_t)answer;
    return 0;
}

int evr_zygote_reap(evr_zygote *z, pid_t pid, uint32_t grace_ms, bool *killed)
{
    const evr_reap_request request = {pid, grace_ms};
    evr_reap_answer answer;
    *killed = false;
    if (!z->process.pid) /* gone, and its children with it */
        return -1;
    if (evr_frame_write(z->process.ctx, z->process.line, EVR_FRAME_REAP, &request, sizeof request, NULL) != EVR_OK) {
        evr_zygote_stop(z);
        return -1;
    }
    if (!hear(z, EVR_FRAME_REAP, &answer, sizeof answer))
        return -1;
    *killed = answer.killed != 0;
    return (int)answer.status;
}

bool evr_zygote_lives(const evr_zygote *z)
{
    struct pollfd life = {.fd = z->process.life, .events = POLLIN};
    return z->process.pid && (z->process.life < 0 || poll(&life, 1, 0) == 0);
}

void evr_zygote_stop(evr_zygote *z) { evr_worker_stop(&z->process, true); }
