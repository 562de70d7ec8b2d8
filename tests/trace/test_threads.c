/* A trace may be read from any thread, and a context used from several. Meant for the thread sanitizer; the answers are compared too. */
#include "support/support.h"
#include "support/walk.h"

#include <pthread.h>
#include <stdbool.h>

enum { THREADS = 4, ROUNDS = 5 };

typedef struct job {
    evr_context *ctx;
    const evr_trace *trace;
    const char *data;
    size_t size;
    uint64_t want;
    int wrong;
} job;

static void *read_shared(void *arg)
{
    job *j = arg;
    for (int i = 0; i < ROUNDS; i++)
        j->wrong += walk_trace(j->trace, UINT64_MAX) != j->want;
    return NULL;
}

typedef struct stream {
    const char *data;
    size_t left;
} stream;

/* Of unknown size, so that the reader unpacks on a second thread; in crumbs, so that the two have to wait for one another. */
static evr_status read_crumb(void *user, void *buffer, size_t cap, size_t *got)
{
    stream *s = user;
    size_t n = s->left < 777 ? s->left : 777;
    *got = n < cap ? n : cap;
    memcpy(buffer, s->data, *got);
    s->data += *got;
    s->left -= *got;
    return EVR_OK;
}

static void *open_own(void *arg)
{
    job *j = arg;
    for (int i = 0; i < ROUNDS; i++) {
        stream s = {j->data, j->size};
        evr_source source = {.struct_size = sizeof source, .user = &s, .read = read_crumb};
        evr_trace_options options = {.struct_size = sizeof options, .window_bytes = i % 2 ? 512 : 0};
        evr_trace *trace = NULL;
        evr_error *err = NULL;
        if (evr_trace_open_source(j->ctx, &source, &options, &trace, &err) != EVR_OK)
            j->wrong++;
        else
            j->wrong += walk_trace(trace, UINT64_MAX) != j->want;
        evr_error_free(err);
        evr_trace_free(trace);
        s = (stream){j->data, j->size / 2}; /* and a failure, whose second thread must end too */
        if (evr_trace_open_source(j->ctx, &source, &options, &trace, &err) == EVR_OK)
            j->wrong++;
        evr_error_free(err);
    }
    return NULL;
}

static void run(void *(*work)(void *))
{
    job jobs[THREADS];
    pthread_t threads[THREADS];
    evr_context *ctx;
    evr_trace *trace;
    size_t size;
    char *data = test_read_file(test_data("small_kineto.json.gz"), &size);
    assert_non_null(data);
    assert_ok(evr_context_new(NULL, &ctx, err));
    assert_ok(evr_trace_open_memory(ctx, data, size, NULL, &trace, err));
    uint64_t want = walk_trace(trace, UINT64_MAX);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){ctx, trace, data, size, want, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].wrong, 0);
    }
    evr_trace_free(trace);
    evr_context_free(ctx);
    free(data);
}

static void test_threads__read_one_trace(void **state)
{
    (void)state;
    run(read_shared);
}

static void test_threads__open_with_one_context(void **state)
{
    (void)state;
    run(open_own);
}

static int32_t stop_soon(void *user, uint64_t read, uint64_t total)
{
    (void)read;
    (void)total;
    return --*(int *)user < 0;
}

/* Cancelled at every step in turn while the second thread is at work. */
static void test_threads__cancel(void **state)
{
    (void)state;
    size_t size;
    char *data = test_read_file(test_data("small_kineto.json.gz"), &size);
    assert_non_null(data);
    evr_status status = EVR_E_CANCELLED;
    int steps = 0;
    for (; status == EVR_E_CANCELLED; steps++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        stream s = {data, size};
        int left = steps;
        evr_source source = {.struct_size = sizeof source, .user = &s, .read = read_crumb};
        evr_trace_options options = {.struct_size = sizeof options, .window_bytes = 2048, .progress = stop_soon, .progress_user = &left};
        evr_trace *trace = NULL;
        status = evr_trace_open_source(ctx, &source, &options, &trace, NULL);
        assert_true(status == EVR_E_CANCELLED || status == EVR_OK);
        evr_trace_free(trace);
        test_context_done(ctx, &m);
    }
    assert_true(steps > 10);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads__read_one_trace),
        cmocka_unit_test(test_threads__open_with_one_context),
        cmocka_unit_test(test_threads__cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
