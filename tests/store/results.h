/* Stores in a folder of their own, and results to put into them. */
#ifndef EVR_TESTS_STORE_RESULTS_H
#define EVR_TESTS_STORE_RESULTS_H

#include "support/support.h"

#include <dirent.h>
#include <unistd.h>

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

/* A device with its software. */
typedef struct place {
    const char *device_name, *runtime, *driver;
    int64_t started_s;
} place;

/* One timed call. */
typedef struct timed {
    const char *key, *op, *overload, *arguments;
    double median;
} timed;

static inline evr_str text_of(const char *text) { return (evr_str){text, strlen(text)}; }

static inline evr_results *results_of(evr_context *ctx, const place *p, const timed *rows, size_t count)
{
    evr_results *results = NULL;
    const evr_results_info info = {.struct_size = EVR_INIT(evr_results_info), .runtime = text_of(p->runtime), .device = TEXT("cuda:1"), .device_name = text_of(p->device_name),
                                   .driver = text_of(p->driver), .input = TEXT("trace.json"), .seed = UINT64_MAX - 3, .started_s = p->started_s};
    assert_ok(evr_results_new(ctx, &info, &results, err));
    for (size_t i = 0; i < count; i++) {
        const double samples[] = {rows[i].median - 1, rows[i].median, rows[i].median + 1};
        evr_statistics statistics = {EVR_INIT(evr_statistics)};
        assert_ok(evr_statistics_of(ctx, samples, 3, &statistics, err));
        const evr_result r = {.struct_size = EVR_INIT(evr_result), .index = i, .uid = i, .count = 2, .key = text_of(rows[i].key), .op = text_of(rows[i].op),
                              .overload = text_of(rows[i].overload), .arguments = text_of(rows[i].arguments), .device = TEXT("cuda:1"), .trace_kernel_ns = 50.25,
                              .trace_cpu_ns = -1, .first_run_ns = 1e6, .statistics = &statistics, .protocol = TEXT("evreplay-protocol/1 stop=precision"),
                              .samples = samples, .sample_count = 3};
        assert_ok(evr_results_add(results, &r, err));
    }
    return results;
}

static char test_folder[64];

static inline int make_folder(void **state)
{
    (void)state;
    /* in memory where there is such a folder: the disk is not what is tested */
    strcpy(test_folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/evreplay-store-XXXXXX" : "/tmp/evreplay-store-XXXXXX");
    return mkdtemp(test_folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char path[512];
    DIR *folder = opendir(test_folder);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        snprintf(path, sizeof path, "%s/%s", test_folder, e->d_name);
        unlink(path);
    }
    closedir(folder);
    return rmdir(test_folder);
}

/* A path in it; four are kept at a time. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, 256, "%s/%s", test_folder, name);
    return path;
}

static inline evr_store *open_store(evr_context *ctx, const char *name, uint32_t flags)
{
    evr_store *store = NULL;
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = flags};
    assert_ok(evr_store_open(ctx, in_folder(name), &options, &store, err));
    return store;
}

static inline evr_store_changes add_rows(evr_context *ctx, evr_store *store, const place *p, const timed *rows, size_t count)
{
    evr_store_changes changes = {EVR_INIT(evr_store_changes)};
    evr_results *results = results_of(ctx, p, rows, count);
    assert_ok(evr_store_add(store, results, &changes, err));
    evr_results_free(results);
    return changes;
}

#define COUNT(array) (sizeof array / sizeof *array)

#endif
