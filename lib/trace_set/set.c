#include "trace_set/set.h"

#include "base/sized.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static char *copy_text(evr_context *ctx, const char *folder, const char *name)
{
    size_t a = folder ? strlen(folder) + 1 : 0, b = strlen(name) + 1;
    char *copy = evr_alloc(ctx, a + b);
    if (!copy)
        return NULL;
    if (folder) {
        memcpy(copy, folder, a - 1);
        copy[a - 1] = '/';
    }
    memcpy(copy + a, name, b);
    return copy;
}

static evr_status add_member(evr_trace_set *set, size_t *cap, const char *folder, const char *name, evr_error **err)
{
    char *path = copy_text(set->ctx, folder, name);
    if (!path)
        return evr_fail_nomem(err);
    if (!evr_grow(set->ctx, (void **)&set->members, cap, set->count + 1, sizeof *set->members)) {
        evr_release(set->ctx, path, strlen(path) + 1);
        return evr_fail_nomem(err);
    }
    set->members[set->count++] = (evr_member){.path = path};
    return EVR_OK;
}

static bool ends_as_trace(const char *name)
{
    static const char *const ends[] = {".json", ".json.gz", ".json.zst"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (len > n && strcmp(name + len - n, ends[i]) == 0)
            return name[0] != '.';
    }
    return false;
}

static evr_status add_folder(evr_trace_set *set, size_t *cap, const char *path, evr_error **err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return evr_fail(set->ctx, err, EVR_E_IO, "cannot list the folder %s: %s", path, strerror(errno));
    evr_status status = EVR_OK;
    size_t before = set->count;
    for (struct dirent *e; status == EVR_OK && (e = readdir(dir));)
        if (ends_as_trace(e->d_name))
            status = add_member(set, cap, path, e->d_name, err);
    closedir(dir);
    if (status == EVR_OK && set->count == before) {
        evr_fail(set->ctx, err, EVR_E_NOT_FOUND, "the folder %s holds no traces", path);
        return evr_hint(err, "traces end in .json, .json.gz or .json.zst; or name the files");
    }
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const evr_member *)a)->path, ((const evr_member *)b)->path);
}

static evr_status add_paths(evr_trace_set *set, const char *const *paths, size_t count, evr_error **err)
{
    size_t cap = 0;
    evr_status status = EVR_OK;
    struct stat info;
    for (size_t i = 0; status == EVR_OK && i < count; i++) {
        bool folder = stat(paths[i], &info) == 0 && S_ISDIR(info.st_mode);
        status = folder ? add_folder(set, &cap, paths[i], err) : add_member(set, &cap, NULL, paths[i], err);
    }
    /* exact sizes go back to the allocator */
    if (status == EVR_OK && cap != set->count) {
        evr_member *exact = evr_resize(set->ctx, set->members, cap * sizeof *exact, set->count * sizeof *exact);
        if (exact) {
            set->members = exact;
            cap = set->count;
        } else {
            status = evr_fail_nomem(err);
        }
    }
    if (status != EVR_OK) {
        for (size_t i = 0; i < set->count; i++)
            evr_release(set->ctx, set->members[i].path, strlen(set->members[i].path) + 1);
        evr_release(set->ctx, set->members, cap * sizeof *set->members);
        set->members = NULL;
        set->count = 0;
    } else {
        qsort(set->members, set->count, sizeof *set->members, by_path);
    }
    return status;
}

static int by_rank(const void *a, const void *b)
{
    const evr_member *x = a, *y = b;
    if (x->info.rank != y->info.rank)
        return x->info.rank < y->info.rank ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Ranks as recorded or as the files' names tell. When neither tells any, their order counts. */
static evr_status number_members(evr_trace_set *set, evr_error **err)
{
    size_t known = 0;
    for (size_t i = 0; i < set->count; i++) {
        EVR_TRY(evr_set_identify(set, &set->members[i], err));
        known += set->members[i].has_rank;
    }
    for (size_t i = 0; i < set->count; i++) {
        evr_member *m = &set->members[i];
        if (known == 0)
            m->info.rank = (int32_t)i;
        else if (!m->has_rank) {
            evr_fail(set->ctx, err, EVR_E_INVALID, "%s does not tell its rank, as other traces do", m->path);
            return evr_hint(err, "name the file so that the rank follows \"rank\", as in rank3.json, or leave it out");
        }
    }
    qsort(set->members, set->count, sizeof *set->members, by_rank);
    for (size_t i = 1; i < set->count; i++)
        if (set->members[i].info.rank == set->members[i - 1].info.rank) {
            evr_fail(set->ctx, err, EVR_E_INVALID, "%s and %s are both of rank %d", set->members[i - 1].path, set->members[i].path, set->members[i].info.rank);
            return evr_hint(err, "give one trace for each rank, all of the same run");
        }
    return EVR_OK;
}

static evr_status build(evr_trace_set *set, const char *const *paths, size_t count, const evr_trace_set_options *options, evr_error **err)
{
    EVR_TRY(add_paths(set, paths, count, err));
    EVR_TRY(evr_set_load(set, options, err));
    EVR_TRY(number_members(set, err));
    for (size_t i = 0; i < set->count; i++)
        EVR_TRY(evr_set_collect(set, &set->members[i], err));
    EVR_TRY(evr_set_match(set, err));
    EVR_TRY(evr_set_align(set, err));
    evr_set_finish(set);
    return EVR_OK;
}

evr_status evr_trace_set_open(evr_context *ctx, const char *const *paths, size_t count, const evr_trace_set_options *options, evr_trace_set **out,
                              evr_error **err)
{
    evr_trace_set_options given = {.struct_size = sizeof given};
    if (err)
        *err = NULL;
    if (!ctx || !out || !paths || count == 0 || (options && options->struct_size < offsetof(evr_trace_set_options, progress)))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_trace_set_open: a context, paths, `out` and the options' struct_size are needed");
    *out = NULL;
    for (size_t i = 0; i < count; i++)
        if (!paths[i])
            return evr_fail(ctx, err, EVR_E_INVALID, "evr_trace_set_open: path %zu is NULL", i);
    EVR_TAKE(&given, options);
    evr_trace_set *set = evr_alloc_zeroed(ctx, sizeof *set);
    if (!set)
        return evr_fail_nomem(err);
    set->ctx = evr_context_ref(ctx);
    evr_intern_init(&set->texts, ctx);
    evr_status status = build(set, paths, count, &given, err);
    if (status != EVR_OK) {
        evr_trace_set_free(set);
        return status;
    }
    *out = set;
    return EVR_OK;
}

void evr_trace_set_free(evr_trace_set *set)
{
    if (!set)
        return;
    evr_context *ctx = set->ctx;
    for (size_t i = 0; i < set->count; i++) {
        evr_member *m = &set->members[i];
        evr_trace_free(m->trace);
        evr_release(ctx, m->path, strlen(m->path) + 1);
        evr_release(ctx, m->parts, m->part_cap * sizeof *m->parts);
    }
    evr_release(ctx, set->members, set->count * sizeof *set->members);
    evr_release(ctx, set->joined, set->joined_cap * sizeof *set->joined);
    evr_release(ctx, set->matches, set->match_cap * sizeof *set->matches);
    evr_intern_free(&set->texts);
    evr_release(ctx, set, sizeof *set);
    evr_context_free(ctx);
}

size_t evr_trace_set_rank_count(const evr_trace_set *set) { return set ? set->count : 0; }
size_t evr_trace_set_collective_count(const evr_trace_set *set) { return set ? set->match_count : 0; }

static evr_status no_such(const evr_trace_set *set, const char *what, size_t index, size_t count, evr_error **err)
{
    return evr_fail(set ? set->ctx : NULL, err, set ? EVR_E_NOT_FOUND : EVR_E_INVALID, "%s: there is no number %zu, only %zu", what, index, count);
}

evr_status evr_trace_set_rank(const evr_trace_set *set, size_t index, evr_rank *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!set || index >= set->count)
        return no_such(set, "evr_trace_set_rank", index, evr_trace_set_rank_count(set), err);
    return evr_sized_give_or_fail(set->ctx, out, &set->members[index].info, sizeof(evr_rank), "evr_trace_set_rank", err);
}

evr_status evr_trace_set_collective(const evr_trace_set *set, size_t index, evr_collective *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!set || index >= set->match_count)
        return no_such(set, "evr_trace_set_collective", index, evr_trace_set_collective_count(set), err);
    return evr_sized_give_or_fail(set->ctx, out, &set->matches[index].info, sizeof(evr_collective), "evr_trace_set_collective", err);
}

evr_status evr_trace_set_participation(const evr_trace_set *set, size_t collective, size_t member, evr_participation *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!set || collective >= set->match_count)
        return no_such(set, "evr_trace_set_participation", collective, evr_trace_set_collective_count(set), err);
    const evr_match *m = &set->matches[collective];
    if (member >= m->info.members)
        return no_such(set, "evr_trace_set_participation: member", member, m->info.members, err);
    evr_joined at = set->joined[m->first + member];
    const evr_member *of = &set->members[at.member];
    evr_participation p = {.index = at.member, .uid = of->parts[at.part].uid, .duration_ns = of->parts[at.part].duration,
                           .start_ns = evr_time_add(of->parts[at.part].start, of->info.offset_ns)};
    return evr_sized_give_or_fail(set->ctx, out, &p, sizeof p, "evr_trace_set_participation", err);
}
