#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void evr_buf_init(evr_buf *buf, evr_context *ctx)
{
    *buf = (evr_buf){.ctx = ctx};
}

void evr_buf_free(evr_buf *buf)
{
    evr_release(buf->ctx, buf->data, buf->cap);
    evr_buf_init(buf, buf->ctx);
}

static bool reserve(evr_buf *buf, size_t more)
{
    if (buf->failed || more >= SIZE_MAX / 2 - buf->len ||
        !evr_grow(buf->ctx, (void **)&buf->data, &buf->cap, buf->len + more + 1, 1))
        buf->failed = true;
    return !buf->failed;
}

void evr_buf_add(evr_buf *buf, const char *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = 0;
}

void evr_buf_str(evr_buf *buf, evr_str s) { evr_buf_add(buf, s.data, s.len); }
void evr_buf_c(evr_buf *buf, const char *text) { evr_buf_add(buf, text, strlen(text)); }
void evr_buf_char(evr_buf *buf, char c) { evr_buf_add(buf, &c, 1); }

void evr_buf_printf(evr_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !reserve(buf, (size_t)n))
        return;
    va_start(args, format);
    vsnprintf(buf->data + buf->len, (size_t)n + 1, format, args);
    va_end(args);
    buf->len += (size_t)n;
}
