/* Opening a trace from a file, memory or a callback. */
#include "trace/document.h"

#include "base/sized.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Small inputs get small windows, so that memory stays in proportion. Larger ones are not read faster with more: the text is to
 * stay in the cache between unpacking and reading. */
enum { SMALLEST_WINDOW = 16 << 10, LARGEST_WINDOW = 256 << 10 };

static size_t window_size(const evr_trace_options *o, uint64_t input_size, bool compressed)
{
    if (o->window_bytes)
        return o->window_bytes < 64 ? 64 : o->window_bytes > (1u << 30) ? 1u << 30 : (size_t)o->window_bytes;
    uint64_t text = compressed ? input_size * 10 : input_size;
    uint64_t size = text / 16;
    if (!input_size || size > LARGEST_WINDOW)
        return LARGEST_WINDOW;
    return size < SMALLEST_WINDOW ? SMALLEST_WINDOW : (size_t)size;
}

static evr_status read_options(evr_context *ctx, const evr_trace_options *options, evr_trace_options *out, evr_error **err)
{
    memset(out, 0, sizeof *out);
    if (!options)
        return EVR_OK;
    if (options->struct_size < offsetof(evr_trace_options, threads) || options->struct_size > 4096) {
        evr_fail(ctx, err, EVR_E_INVALID, "evr_trace_options: unknown struct_size %u", options->struct_size);
        return evr_hint(err, "set struct_size with EVR_INIT(evr_trace_options)");
    }
    EVR_TAKE(out, options);
    return EVR_OK;
}

static evr_status read_trace(evr_context *ctx, const evr_source *source, const evr_trace_options *o, evr_trace **out,
                             evr_error **err)
{
    evr_inflate *in = NULL;
    evr_windows *windows = NULL;
    evr_trace *trace = NULL;
    evr_status status = evr_inflate_new(ctx, source, &in, err);
    if (status == EVR_OK) {
        bool compressed = evr_inflate_is_compressed(in);
        bool second = o->threads != 1 && (!source->size || source->size > (compressed ? 32768 : 1 << 20));
        status = evr_windows_new(ctx, in, window_size(o, source->size, compressed), second, &windows, err);
    }
    if (status == EVR_OK)
        status = evr_events_new(ctx, o, &trace, err);
    if (status == EVR_OK)
        status = evr_document_read(trace, in, windows, o, source->size, err);
    evr_windows_free(windows);
    evr_inflate_free(in);
    if (status == EVR_OK)
        status = evr_events_finish(trace, err);
    if (status != EVR_OK) {
        evr_trace_free(trace);
        return status;
    }
    *out = trace;
    return EVR_OK;
}

evr_status evr_trace_open_source(evr_context *ctx, const evr_source *source, const evr_trace_options *options,
                                 evr_trace **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out || !source || source->struct_size < offsetof(evr_source, size) || !source->read)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_trace_open_source: context, source with a read function, and `out` are needed");
    evr_trace_options o;
    EVR_TRY(read_options(ctx, options, &o, err));
    evr_source s = {0};
    EVR_TAKE(&s, source);
    return read_trace(ctx, &s, &o, out, err);
}

typedef struct memory {
    const char *data;
    size_t left;
} memory;

static evr_status read_memory(void *user, void *buffer, size_t cap, size_t *got)
{
    memory *m = user;
    *got = m->left < cap ? m->left : cap;
    if (*got)
        memcpy(buffer, m->data, *got);
    m->data += *got;
    m->left -= *got;
    return EVR_OK;
}

evr_status evr_trace_open_memory(evr_context *ctx, const void *data, size_t size, const evr_trace_options *options,
                                 evr_trace **out, evr_error **err)
{
    if (!data && size) {
        if (err)
            *err = NULL;
        if (out)
            *out = NULL;
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_trace_open_memory: `data` is NULL");
    }
    memory m = {data ? data : "", size};
    evr_source source = {EVR_INIT(evr_source), 0, &m, read_memory, size};
    return evr_trace_open_source(ctx, &source, options, out, err);
}

static evr_status read_file(void *user, void *buffer, size_t cap, size_t *got)
{
    *got = 0;
    for (;;) {
        ssize_t n = read(*(int *)user, buffer, cap > (1u << 30) ? 1u << 30 : cap);
        if (n >= 0) {
            *got = (size_t)n;
            return EVR_OK;
        }
        if (errno != EINTR)
            return EVR_E_IO;
    }
}

evr_status evr_trace_open_file(evr_context *ctx, const char *path, const evr_trace_options *options, evr_trace **out,
                               evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !path || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_trace_open_file: context, path and `out` are needed");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        int why = fd < 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : errno;
        if (fd >= 0)
            close(fd);
        char text[128];
        evr_fail(ctx, err, EVR_E_IO, "cannot open %s: %s", path, strerror_r(why, text, sizeof text));
        return evr_hint(err, "check the path and its permissions");
    }
    evr_source source = {EVR_INIT(evr_source), 0, &fd, read_file, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0};
    evr_status status = evr_trace_open_source(ctx, &source, options, out, err);
    close(fd);
    if (status != EVR_OK && status != EVR_E_NOMEM) {
        int64_t offset = evr_error_offset(err ? *err : NULL);
        evr_fail_because(ctx, err, status, "cannot read %s", path);
        evr_at_offset(err, offset);
    }
    return status;
}
