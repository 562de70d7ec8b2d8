#include "perfdb/sources.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MOST_DEPTH = 32, MOST_FILES = 100000 };

void evr_source_files_init(evr_source_files *files, evr_context *ctx)
{
    *files = (evr_source_files){.ctx = ctx};
    evr_arena_init(&files->arena, ctx);
}

void evr_source_files_free(evr_source_files *files)
{
    evr_release(files->ctx, files->paths, files->cap * sizeof *files->paths);
    evr_arena_free(&files->arena);
}

static evr_status add(evr_source_files *files, evr_str path, evr_error **err)
{
    if (files->count >= MOST_FILES)
        return evr_fail(files->ctx, err, EVR_E_LIMIT, "there are more than %d op_summary files", MOST_FILES);
    if (!evr_grow(files->ctx, (void **)&files->paths, &files->cap, files->count + 1, sizeof *files->paths))
        return evr_fail_nomem(err);
    files->paths[files->count++] = path;
    return EVR_OK;
}

static bool is_summary(evr_str name)
{
    return evr_str_starts(name, "op_summary_") && evr_str_ends(name, ".csv");
}

static evr_str joined(evr_source_files *files, evr_str folder, const char *name)
{
    size_t len = strlen(name);
    char *path = evr_arena_alloc(&files->arena, folder.len + len + 2);
    if (!path)
        return (evr_str){NULL, 0};
    memcpy(path, folder.data, folder.len);
    path[folder.len] = '/';
    memcpy(path + folder.len + 1, name, len + 1);
    return (evr_str){path, folder.len + len + 1};
}

typedef struct path_list {
    evr_str *items;
    size_t count, cap;
} path_list;

static int compare_paths(const void *a, const void *b) { return evr_str_cmp(*(const evr_str *)a, *(const evr_str *)b); }

static bool read_folder(evr_source_files *files, DIR *dir, evr_str folder, path_list *list)
{
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        evr_str path = joined(files, folder, e->d_name);
        if (!path.data || !evr_grow(files->ctx, (void **)&list->items, &list->cap, list->count + 1, sizeof *list->items))
            return false;
        list->items[list->count++] = path;
    }
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_paths);
    return true;
}

static evr_status walk(evr_source_files *files, evr_str folder, int depth, evr_error **err)
{
    path_list list = {0};
    DIR *dir = opendir(folder.data);
    if (!dir)
        return evr_fail(files->ctx, err, EVR_E_IO, "cannot list %s: %s", folder.data, strerror(errno));
    evr_status status = read_folder(files, dir, folder, &list) ? EVR_OK : evr_fail_nomem(err);
    closedir(dir);
    for (size_t i = 0; status == EVR_OK && i < list.count; i++) {
        evr_str path = list.items[i];
        struct stat st;
        if (lstat(path.data, &st) != 0)
            continue; /* gone meanwhile */
        if (S_ISDIR(st.st_mode) && depth < MOST_DEPTH)
            status = walk(files, path, depth + 1, err);
        else if (!S_ISDIR(st.st_mode) && is_summary(evr_str_sub(path, folder.len + 1, path.len)))
            status = add(files, path, err);
    }
    evr_release(files->ctx, list.items, list.cap * sizeof *list.items);
    return status;
}

evr_status evr_source_files_add(evr_source_files *files, const char *path, evr_error **err)
{
    struct stat st;
    evr_str copy = evr_arena_str(&files->arena, evr_str_c(path));
    if (!copy.data)
        return evr_fail_nomem(err);
    if (stat(path, &st) != 0) {
        int code = errno;
        evr_fail(files->ctx, err, code == ENOENT || code == ENOTDIR ? EVR_E_NOT_FOUND : EVR_E_IO, "cannot open %s: %s", path, strerror(code));
        return evr_hint(err, "give the profiler's output folder or its op_summary_*.csv files");
    }
    if (!S_ISDIR(st.st_mode))
        return add(files, copy, err);
    while (copy.len > 1 && copy.data[copy.len - 1] == '/')
        copy.len--;
    ((char *)copy.data)[copy.len] = 0;
    size_t before = files->count;
    EVR_TRY(walk(files, copy, 0, err));
    if (files->count > before)
        return EVR_OK;
    evr_fail(files->ctx, err, EVR_E_NOT_FOUND, "there is no op_summary_*.csv in %s or below it", path);
    return evr_hint(err, "export the profile first, or give the folder that the profiler wrote");
}
