/* Text under construction. After a failed append `failed` stays set and further appends do nothing, so that a writer
 * checks once, at the end. */
#ifndef EVR_BASE_BUF_H
#define EVR_BASE_BUF_H

#include "base/context.h"
#include "base/str.h"

typedef struct evr_buf {
    evr_context *ctx;
    char *data; /* NUL-terminated once anything was added */
    size_t len, cap;
    bool failed;
} evr_buf;

void evr_buf_init(evr_buf *buf, evr_context *ctx);
void evr_buf_free(evr_buf *buf);
void evr_buf_add(evr_buf *buf, const char *data, size_t len);
void evr_buf_str(evr_buf *buf, evr_str s);
void evr_buf_c(evr_buf *buf, const char *text);
void evr_buf_char(evr_buf *buf, char c);
void evr_buf_printf(evr_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline evr_str evr_buf_view(const evr_buf *buf)
{
    return (evr_str){buf->data ? buf->data : "", buf->len};
}

#endif
