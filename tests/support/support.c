#include "support/support.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Every block carries its size in front, so that a release with another size is caught. */
enum { HEADER = 16 };

/* Some calls allocate on several threads. */
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static bool refused(test_memory *m)
{
    pthread_mutex_lock(&counting);
    size_t call = ++m->calls;
    bool refuses = m->fail_after && (m->fail_once ? call == m->fail_after : call >= m->fail_after);
    pthread_mutex_unlock(&counting);
    return refuses;
}

static void *counted_alloc(void *user, size_t size)
{
    test_memory *m = user;
    if (refused(m))
        return NULL;
    char *block = malloc(size + HEADER);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    pthread_mutex_lock(&counting);
    m->live += size;
    if (m->live > m->peak)
        m->peak = m->live;
    pthread_mutex_unlock(&counting);
    return block + HEADER;
}

static void counted_release(void *user, void *p, size_t size)
{
    test_memory *m = user;
    size_t was;
    memcpy(&was, (char *)p - HEADER, sizeof was);
    pthread_mutex_lock(&counting);
    m->mismatches += was != size;
    m->live -= was;
    pthread_mutex_unlock(&counting);
    free((char *)p - HEADER);
}

static void *counted_resize(void *user, void *p, size_t old_size, size_t new_size)
{
    void *grown = counted_alloc(user, new_size);
    if (!grown)
        return NULL;
    memcpy(grown, p, old_size < new_size ? old_size : new_size);
    counted_release(user, p, old_size);
    return grown;
}

evr_allocator test_allocator(test_memory *memory)
{
    return (evr_allocator){EVR_INIT(evr_allocator), 0, memory, counted_alloc, counted_resize, counted_release};
}

evr_context *test_context(test_memory *memory)
{
    *memory = (test_memory){0};
    evr_allocator allocator = test_allocator(memory);
    evr_context_options options = {.struct_size = sizeof options, .allocator = &allocator};
    evr_context *ctx = NULL;
    if (evr_context_new(&options, &ctx, NULL) != EVR_OK)
        abort();
    return ctx;
}

void test_context_done(evr_context *ctx, test_memory *memory)
{
    evr_context_free(ctx);
    assert_int_equal(memory->live, 0);
    assert_int_equal(memory->mismatches, 0);
}

char *test_read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0) {
        if (f)
            fclose(f);
        return NULL;
    }
    char *data = malloc((size_t)st.st_size + 1);
    size_t got = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
    fclose(f);
    if (data)
        data[got] = 0;
    if (size)
        *size = got;
    return data;
}

static const char *join(const char *folder, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

const char *test_data(const char *name) { return join(EVR_TEST_DATA, name); }
const char *test_shared(const char *name) { return join(EVR_TEST_SHARED, name); }

void test_need_shared(void)
{
    struct stat st;
    if (stat(test_shared("corpus"), &st) == 0)
        return;
    printf("skipped: the corpus of real traces is not at %s\n", EVR_TEST_SHARED);
    exit(77);
}
