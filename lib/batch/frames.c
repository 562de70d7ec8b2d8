#include "batch/frames.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 5 };

/* Without a signal when the other end is gone: the program that embeds the library is not to die of it. */
static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK)
            n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

evr_status evr_frame_write(evr_context *ctx, int fd, uint8_t kind, const void *payload, size_t size, evr_error **err)
{
    char head[HEAD] = {(char)size, (char)(size >> 8), (char)(size >> 16), (char)(size >> 24), (char)kind};
    if (size > EVR_FRAME_LARGEST)
        return evr_fail(ctx, err, EVR_E_LIMIT, "a message of %zu bytes is too large for a worker", size);
    if (!write_all(fd, head, HEAD) || !write_all(fd, payload, size))
        return evr_fail(ctx, err, EVR_E_IO, "the other end of a worker's line is gone");
    return EVR_OK;
}

static size_t payload_size(const char *head)
{
    const unsigned char *h = (const unsigned char *)head;
    return h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 | (size_t)h[3] << 24;
}

/* -1 on an error, 0 at the end. */
static ssize_t read_some(int fd, char *to, size_t size)
{
    ssize_t n;
    do
        n = read(fd, to, size);
    while (n < 0 && errno == EINTR);
    return n;
}

evr_status evr_frame_read(evr_context *ctx, int fd, evr_buf *buf, uint8_t *kind, evr_str *payload, evr_error **err)
{
    char chunk[65536];
    size_t need = HEAD;
    buf->len = 0;
    *kind = 0;
    while (buf->len < need) {
        size_t most = need - buf->len < sizeof chunk ? need - buf->len : sizeof chunk;
        ssize_t n = read_some(fd, chunk, most);
        if (n == 0 && !buf->len)
            return EVR_OK;
        if (n <= 0)
            return evr_fail(ctx, err, EVR_E_IO, "a message to a worker ended early");
        evr_buf_add(buf, chunk, (size_t)n);
        if (buf->failed)
            return evr_fail_nomem(err);
        if (buf->len >= HEAD)
            need = HEAD + payload_size(buf->data);
        if (need > (size_t)EVR_FRAME_LARGEST + HEAD)
            return evr_fail(ctx, err, EVR_E_FORMAT, "a message to a worker claims %zu bytes", need);
    }
    *kind = (uint8_t)buf->data[4];
    *payload = (evr_str){buf->data + HEAD, need - HEAD};
    return EVR_OK;
}

bool evr_frame_peek(const evr_buf *received, uint8_t *kind, evr_str *payload, size_t *size)
{
    if (received->len < HEAD || received->len < HEAD + payload_size(received->data))
        return false;
    *kind = (uint8_t)received->data[4];
    *payload = (evr_str){received->data + HEAD, payload_size(received->data)};
    *size = HEAD + payload->len;
    return true;
}

void evr_frame_drop(evr_buf *received, size_t size)
{
    memmove(received->data, received->data + size, received->len - size);
    received->len -= size;
}
