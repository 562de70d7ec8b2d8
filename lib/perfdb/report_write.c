#include "base/buf.h"
#include "base/error.h"
#include "perfdb/report_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_TRIES = 10000 };

static const char *const names[2][2] = {{"profile_update_report_", ".md"}, {"duration_gap_hotspots_full_", ".csv"}};

/* A pair of files with one stamp, of which none existed before. */
typedef struct report_pair {
    evr_context *ctx;
    evr_buf paths[2], base[2]; /* whole, and without the folder */
    int files[2];
} report_pair;

static void put_path(report_pair *p, int which, const char *folder, const char *stamp, unsigned number)
{
    evr_buf *base = &p->base[which], *path = &p->paths[which];
    base->len = path->len = 0;
    evr_buf_c(base, names[which][0]);
    evr_buf_c(base, stamp);
    if (number)
        evr_buf_printf(base, "_%u", number + 1);
    evr_buf_c(base, names[which][1]);
    evr_buf_c(path, folder);
    evr_buf_char(path, '/');
    evr_buf_str(path, evr_buf_view(base));
}

static evr_status cannot(report_pair *p, const char *doing, const char *path, evr_error **err)
{
    return evr_fail(p->ctx, err, EVR_E_IO, "cannot %s %s: %s", doing, path, strerror(errno));
}

static evr_status make_files(report_pair *p, const char *folder, const char *stamp, evr_error **err)
{
    for (unsigned number = 0; number < MOST_TRIES; number++) {
        for (int i = 0; i < 2; i++) {
            put_path(p, i, folder, stamp, number);
            if (p->paths[i].failed || p->base[i].failed)
                return evr_fail_nomem(err);
            p->files[i] = open(p->paths[i].data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (p->files[i] < 0 && errno != EEXIST)
                return cannot(p, "make", p->paths[i].data, err);
            if (p->files[i] < 0)
                break;
        }
        if (p->files[1] >= 0)
            return EVR_OK;
        if (p->files[0] >= 0) {
            unlink(p->paths[0].data);
            close(p->files[0]);
            p->files[0] = -1;
        }
    }
    return evr_fail(p->ctx, err, EVR_E_IO, "%s has too many reports of %s", folder, stamp);
}

static evr_status write_file(report_pair *p, int which, const evr_buf *text, evr_error **err)
{
    if (text->failed)
        return evr_fail_nomem(err);
    for (size_t at = 0; at < text->len;) {
        ssize_t n = write(p->files[which], text->data + at, text->len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return cannot(p, "write", p->paths[which].data, err);
        at += (size_t)n;
    }
    return fsync(p->files[which]) == 0 || errno == EINVAL ? EVR_OK : cannot(p, "write", p->paths[which].data, err);
}

static evr_status write_texts(report_pair *p, const evr_perfdb_report *r, evr_error **err)
{
    evr_buf text;
    evr_buf_init(&text, p->ctx);
    evr_dbreport_markdown(&text, r);
    evr_buf_c(&text, "\nAll gaps: ");
    evr_buf_str(&text, evr_buf_view(&p->base[1]));
    evr_buf_c(&text, "\n");
    evr_status status = write_file(p, 0, &text, err);
    if (status == EVR_OK) {
        text.len = 0;
        evr_dbreport_gaps_csv(&text, r);
        status = write_file(p, 1, &text, err);
    }
    evr_buf_free(&text);
    return status;
}

static void close_files(report_pair *p, bool keep)
{
    for (int i = 0; i < 2; i++) {
        if (p->files[i] >= 0) {
            close(p->files[i]);
            if (!keep)
                unlink(p->paths[i].data);
        }
        evr_buf_free(&p->paths[i]);
        evr_buf_free(&p->base[i]);
    }
}

evr_status evr_perfdb_report_write(const evr_perfdb_report *r, const char *folder, const char *stamp, char **path, evr_error **err)
{
    char now[32];
    if (err)
        *err = NULL;
    if (path)
        *path = NULL;
    if (!folder || !folder[0] || (stamp && (!stamp[0] || strchr(stamp, '/') || strlen(stamp) > 128)))
        return evr_fail(r->ctx, err, EVR_E_INVALID, "evr_perfdb_report_write: the folder is missing, or the stamp cannot be part of a file's name");
    if (!stamp) {
        time_t seconds = time(NULL);
        struct tm local;
        if (!localtime_r(&seconds, &local) || strftime(now, sizeof now, "%Y%m%d_%H%M%S", &local) == 0)
            snprintf(now, sizeof now, "%lld", (long long)seconds);
        stamp = now;
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return evr_fail(r->ctx, err, EVR_E_IO, "cannot make the folder %s: %s", folder, strerror(errno));
    report_pair p = {.ctx = r->ctx, .files = {-1, -1}};
    for (int i = 0; i < 2; i++) {
        evr_buf_init(&p.paths[i], r->ctx);
        evr_buf_init(&p.base[i], r->ctx);
    }
    evr_status status = make_files(&p, folder, stamp, err);
    if (status == EVR_OK)
        status = write_texts(&p, r, err);
    if (status == EVR_OK && path && !(*path = evr_strdup(r->ctx, evr_buf_view(&p.paths[0]))))
        status = evr_fail_nomem(err);
    close_files(&p, status == EVR_OK);
    return status;
}
