#include "plugin/search.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct finder {
    const evr_plugin_search *search;
    evr_plugin_try_fn attempt;
    void *user;
    evr_buf *why;
    evr_status status; /* of the candidate that came furthest */
    bool done;         /* found, or out of memory */
} finder;

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void try_file(finder *f, const char *path)
{
    struct stat st;
    evr_buf_printf(f->why, "\n  %s: ", path);
    if (stat(path, &st) != 0) {
        evr_buf_c(f->why, "no such file");
        return;
    }
    evr_status status = f->attempt(f->user, path, f->why);
    f->done = status == EVR_OK || status == EVR_E_NOMEM;
    if (f->done || f->status == EVR_E_PLUGIN)
        f->status = status;
}

static void try_folder(finder *f, const char *folder, size_t len, const char *below)
{
    if (f->done || len == 0)
        return;
    evr_buf path;
    evr_buf_init(&path, f->search->ctx);
    evr_buf_str(&path, (evr_str){folder, len});
    evr_buf_printf(&path, "%s%s%s", folder[len - 1] == '/' ? "" : "/", below, f->search->file);
    if (!path.failed)
        try_file(f, path.data);
    else {
        f->status = EVR_E_NOMEM;
        f->done = true;
    }
    evr_buf_free(&path);
}

static void try_named(finder *f, const char *where)
{
    if (is_folder(where))
        try_folder(f, where, strlen(where), "");
    else
        try_file(f, where);
}

static void try_path_list(finder *f, evr_str list)
{
    for (size_t from = 0; from < list.len && !f->done;) {
        size_t end = evr_str_find(list, ':', from);
        if (end == SIZE_MAX)
            end = list.len;
        try_folder(f, list.data + from, end - from, "");
        from = end + 1;
    }
}

/* The folder this code was loaded from: the shared library's, or the program's when it is linked in. */
static void try_beside_library(finder *f)
{
    Dl_info info;
    char real[PATH_MAX];
    if (f->done || !dladdr((const void *)evr_version_string, &info) || !info.dli_fname || !realpath(info.dli_fname, real))
        return;
    const char *slash = strrchr(real, '/');
    if (!slash)
        return;
    size_t len = slash == real ? 1 : (size_t)(slash - real);
    try_folder(f, real, len, "");
    try_folder(f, real, len, "evreplay/");
}

evr_status evr_plugin_find(const evr_plugin_search *search, evr_plugin_try_fn attempt, void *user, evr_buf *why)
{
    finder f = {search, attempt, user, why, EVR_E_PLUGIN, false};
    const char *named = search->where && search->where[0] ? search->where : secure_getenv(search->variable);
    if (named && named[0]) {
        try_named(&f, named);
        return f.status;
    }
    try_path_list(&f, evr_context_plugin_path(search->ctx));
    try_beside_library(&f);
    try_folder(&f, EVR_PLUGIN_DIR, strlen(EVR_PLUGIN_DIR), "");
    return f.status;
}
