#include "batch/journal.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static evr_status io_failure(evr_context *ctx, const char *what, const char *path, evr_error **err)
{
    evr_fail(ctx, err, EVR_E_IO, "cannot %s the journal %s: %s", what, path, strerror(errno));
    return evr_hint(err, "check the path and the room on that disk");
}

static evr_status read_all(evr_context *ctx, int fd, const char *path, evr_buf *out, evr_error **err)
{
    char chunk[65536];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_failure(ctx, "read", path, err);
        if (n == 0)
            return out->failed ? evr_fail_nomem(err) : EVR_OK;
        evr_buf_add(out, chunk, (size_t)n);
    }
}

/* One write, so that a kill leaves a whole line or a cut one, never two halves. */
static evr_status write_line(evr_journal *j, const char *text, size_t size, evr_error **err)
{
    evr_buf line;
    evr_buf_init(&line, j->ctx);
    evr_buf_add(&line, text, size);
    evr_buf_char(&line, '\n');
    if (line.failed) {
        evr_buf_free(&line);
        return evr_fail_nomem(err);
    }
    size_t done = 0;
    while (done < line.len) {
        ssize_t n = write(j->fd, line.data + done, line.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    bool whole = done == line.len;
    evr_buf_free(&line);
    return whole ? EVR_OK : io_failure(j->ctx, "write", "", err);
}

/* Takes the whole lines behind the first; *end is behind the last of them. */
static evr_status take_results(evr_str text, evr_results *results, size_t *end, evr_error **err)
{
    for (size_t from = *end; from < text.len;) {
        size_t to = evr_str_find(text, '\n', from);
        if (to == SIZE_MAX)
            break;
        evr_error *damage = NULL;
        evr_status status = evr_results_add_text(results, text.data + from, to - from, &damage);
        evr_error_free(damage);
        if (status == EVR_E_NOMEM)
            return evr_fail_nomem(err);
        if (status != EVR_OK) /* what a machine that lost power left: the rest is done again */
            break;
        from = *end = to + 1;
    }
    return EVR_OK;
}

static evr_status resume_journal(evr_journal *j, const char *path, const char *head, evr_results *results, evr_error **err)
{
    evr_buf text;
    evr_buf_init(&text, j->ctx);
    size_t end = strlen(head) + 1;
    evr_status status = read_all(j->ctx, j->fd, path, &text, err);
    bool mine = text.len >= end && memcmp(text.data, head, end - 1) == 0 && text.data[end - 1] == '\n';
    if (status == EVR_OK && !mine && evr_str_find(evr_buf_view(&text), '\n', 0) == SIZE_MAX)
        end = 0; /* killed while the first line was written: nothing was done yet */
    else if (status == EVR_OK && !mine) {
        evr_fail(j->ctx, err, EVR_E_STATE, "the journal %s is of other records, or of another way to run them", path);
        status = evr_hint(err, "resume with the input and options it was begun with, or begin another journal");
    } else if (status == EVR_OK) {
        status = take_results(evr_buf_view(&text), results, &end, err);
    }
    evr_buf_free(&text);
    if (status != EVR_OK)
        return status;
    if (ftruncate(j->fd, (off_t)end) != 0 || lseek(j->fd, 0, SEEK_END) < 0)
        return io_failure(j->ctx, "shorten", path, err);
    return end ? EVR_OK : write_line(j, head, strlen(head), err);
}

evr_status evr_journal_open(evr_context *ctx, const char *path, const char *digest, bool resume, evr_results *results, evr_journal *out, evr_error **err)
{
    char head[128];
    struct stat st;
    *out = (evr_journal){ctx, -1};
    if (!path)
        return EVR_OK;
    snprintf(head, sizeof head, "{\"evreplay_journal\":1,\"batch\":\"%s\"}", digest);
    out->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (out->fd < 0 || fstat(out->fd, &st) != 0)
        return io_failure(ctx, "open", path, err);
    evr_status status = EVR_OK;
    if (st.st_size && !resume) {
        evr_fail(ctx, err, EVR_E_STATE, "there is a journal %s already", path);
        status = evr_hint(err, "go on with it (--resume), or remove it");
    } else {
        status = st.st_size ? resume_journal(out, path, head, results, err) : write_line(out, head, strlen(head), err);
    }
    if (status != EVR_OK) {
        close(out->fd);
        out->fd = -1;
    }
    return status;
}

evr_status evr_journal_add(evr_journal *j, const evr_result *result, evr_error **err)
{
    char *text = NULL;
    size_t size;
    if (j->fd < 0)
        return EVR_OK;
    EVR_TRY(evr_result_write(j->ctx, result, &text, &size, err));
    evr_status status = write_line(j, text, size, err);
    evr_text_free(j->ctx, text);
    return status;
}

evr_status evr_journal_close(evr_journal *j, evr_error **err)
{
    if (j->fd < 0)
        return EVR_OK;
    bool kept = fdatasync(j->fd) == 0 || errno == EINVAL; /* what is no file of a disk cannot be lost with it */
    close(j->fd);
    j->fd = -1;
    return kept ? EVR_OK : io_failure(j->ctx, "keep", "", err);
}
