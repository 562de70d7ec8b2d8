/* What every backend promises (backend.h), asked of each that has a device: the CPU's, the fake one, and those of the build
 * or of $EVREPLAY_TEST_BACKENDS ("name=file:name=file"). */
#include "support/support.h"

#include "plugin/backend.h"

#include <math.h>

typedef struct subject {
    char name[32];
    char path[4096];
    evr_context *ctx;
    test_memory memory;
    evr_loaded_backend *backend;
    const evr_backend *fn;
    void *self;
    evr_backend_stream *stream;
} subject;

static subject current;

static int set_up(void **state)
{
    subject *s = &current;
    *state = s;
    s->ctx = test_context(&s->memory);
    assert_ok(evr_backend_load(s->ctx, s->name, s->path[0] ? s->path : NULL, &s->backend, err));
    s->fn = &s->backend->fn;
    s->self = s->fn->self;
    assert_ok(s->fn->stream_open(s->self, 0, EVR_STREAM_NEW, NULL, &s->stream, err));
    return 0;
}

static int tear_down(void **state)
{
    subject *s = *state;
    assert_ok(s->fn->stream_wait(s->self, s->stream, err));
    s->fn->stream_close(s->self, s->stream);
    evr_backend_unload(s->backend);
    test_context_done(s->ctx, &s->memory);
    return 0;
}

static evr_backend_span *new_span(subject *s)
{
    evr_backend_span *span = NULL;
    assert_ok(s->fn->span_new(s->self, 0, &span, err));
    assert_non_null(span);
    return span;
}

static void test_backend__describes(void **state)
{
    subject *s = *state;
    assert_string_equal(s->fn->name, s->name);
    assert_true(s->fn->device_count(s->self) >= 1);
    assert_string_equal(s->fn->why(s->self), "");
    evr_device_desc d = {.struct_size = sizeof d};
    assert_ok(s->fn->device_describe(s->self, 0, &d, err));
    assert_true(d.name.len > 0 && d.driver.len > 0 && d.clock.len > 0);
    assert_int_equal(d.name.data[d.name.len], 0);
    assert_true(d.cache_bytes == 0 || (d.cache_bytes >= 1u << 15 && d.cache_bytes < 1ull << 36));
    assert_true(d.tick_ns >= 0 && d.tick_ns < 1e6);
    printf("%s: %s; %s; %s; %s; cache %llu bytes, tick %g ns\n", s->fn->name, d.name.data, d.driver.data, d.clock.data,
           d.settings.data ? d.settings.data : "", (unsigned long long)d.cache_bytes, d.tick_ns);
    evr_device_desc old;
    memset(&old, 0x5a, sizeof old);
    old.struct_size = offsetof(evr_device_desc, driver);
    assert_ok(s->fn->device_describe(s->self, 0, &old, err));
    assert_memory_equal(old.name.data, d.name.data, d.name.len);
    unsigned char untouched[sizeof old - offsetof(evr_device_desc, driver)];
    memset(untouched, 0x5a, sizeof untouched);
    assert_memory_equal(&old.driver, untouched, sizeof untouched);
}

static void test_backend__no_such_device(void **state)
{
    subject *s = *state;
    const int32_t none[] = {-1, s->fn->device_count(s->self), INT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        evr_device_desc d = {.struct_size = sizeof d};
        evr_backend_stream *stream = (evr_backend_stream *)1;
        evr_backend_span *span = (evr_backend_span *)1;
        evr_error *err = NULL;
        assert_int_equal(s->fn->device_describe(s->self, none[i], &d, &err), EVR_E_NO_DEVICE);
        assert_true(evr_error_message(err)[0] != 0);
        assert_int_equal(s->fn->device_wait(s->self, none[i], &err), EVR_E_NO_DEVICE);
        assert_int_equal(s->fn->stream_open(s->self, none[i], EVR_STREAM_NEW, NULL, &stream, &err), EVR_E_NO_DEVICE);
        assert_null(stream);
        assert_int_equal(s->fn->span_new(s->self, none[i], &span, NULL), EVR_E_NO_DEVICE);
        assert_null(span);
        evr_error_free(err);
    }
}

static void test_backend__clock_never_goes_back(void **state)
{
    subject *s = *state;
    double last = s->fn->now_ns(s->self);
    for (int i = 0; i < 10000; i++) {
        double now = s->fn->now_ns(s->self);
        assert_true(now >= last);
        last = now;
    }
}

static void test_backend__spans(void **state)
{
    subject *s = *state;
    evr_backend_span *a = new_span(s), *b = new_span(s);
    double ns = -1, outer = -1;
    assert_int_equal(s->fn->span_ns(s->self, a, &ns, NULL), EVR_E_STATE);
    assert_int_equal(s->fn->span_end(s->self, a, s->stream, NULL), EVR_E_STATE);
    for (int i = 0; i < 50; i++) { /* one after the other, and one within another */
        assert_ok(s->fn->span_begin(s->self, b, s->stream, err));
        assert_ok(s->fn->span_begin(s->self, a, s->stream, err));
        assert_int_equal(s->fn->span_ns(s->self, a, &ns, NULL), EVR_E_STATE);
        assert_ok(s->fn->span_end(s->self, a, s->stream, err));
        assert_ok(s->fn->span_end(s->self, b, s->stream, err));
        assert_ok(s->fn->span_ns(s->self, a, &ns, err));
        assert_ok(s->fn->span_ns(s->self, b, &outer, err));
        assert_true(isfinite(ns) && ns >= 0 && ns < 1e9);
        assert_true(outer >= ns - 1000);
        assert_ok(s->fn->span_ns(s->self, a, &outer, err)); /* asked again it says the same */
        assert_true(outer == ns);
    }
    s->fn->span_free(s->self, a);
    s->fn->span_free(s->self, b);
    s->fn->span_free(s->self, NULL);
}

/* A span of known work is not shorter than the work: a flush of twice the bytes takes longer. */
static void test_backend__flush(void **state)
{
    subject *s = *state;
    const int32_t ways[] = {EVR_FLUSH_WRITE, EVR_FLUSH_WRITE_READ};
    const uint64_t sizes[] = {16u << 20, 64u << 20};
    evr_backend_span *span = new_span(s);
    for (size_t way = 0; way < 2; way++) {
        double least[2] = {INFINITY, INFINITY};
        /* a busy machine only ever adds, so the least of enough rounds tells */
        for (int i = 0; i < 5 || (i < 100 && least[1] <= 2 * least[0]); i++)
            for (size_t size = 0; size < 2; size++) {
                double ns;
                assert_ok(s->fn->span_begin(s->self, span, s->stream, err));
                assert_ok(s->fn->flush(s->self, s->stream, ways[way], sizes[size], err));
                assert_ok(s->fn->span_end(s->self, span, s->stream, err));
                assert_ok(s->fn->span_ns(s->self, span, &ns, err));
                least[size] = fmin(least[size], ns);
            }
        assert_true(least[1] > 2 * least[0]);
    }
    assert_ok(s->fn->flush(s->self, s->stream, EVR_FLUSH_NONE, 0, err));
    assert_ok(s->fn->flush(s->self, s->stream, EVR_FLUSH_WRITE_READ, 0, err)); /* the device's own size */
    assert_int_equal(s->fn->flush(s->self, s->stream, 77, 1 << 20, NULL), EVR_E_INVALID);
    assert_ok(s->fn->device_wait(s->self, 0, err));
    s->fn->span_free(s->self, span);
}

static void test_backend__streams(void **state)
{
    subject *s = *state;
    evr_backend_stream *more[8];
    for (size_t i = 0; i < 8; i++)
        assert_ok(s->fn->stream_open(s->self, 0, EVR_STREAM_NEW, NULL, &more[i], err));
    evr_backend_stream *wrong = (evr_backend_stream *)1;
    assert_int_equal(s->fn->stream_open(s->self, 0, 99, NULL, &wrong, NULL), EVR_E_UNSUPPORTED);
    assert_null(wrong);
    if (s->fn->stream_native) {
        evr_backend_stream *same;
        assert_ok(s->fn->stream_open(s->self, 0, EVR_STREAM_NATIVE, s->fn->stream_native(s->self, more[0]), &same, err));
        assert_ok(s->fn->stream_wait(s->self, same, err));
        s->fn->stream_close(s->self, same);
        assert_ok(s->fn->stream_wait(s->self, more[0], err)); /* closing one view of it leaves the stream alone */
    }
    for (size_t i = 0; i < 8; i++)
        s->fn->stream_close(s->self, more[i]);
    s->fn->stream_close(s->self, NULL);
}

/* What is held does not run until the gate opens, and runs then. */
static void test_backend__gate(void **state)
{
    subject *s = *state;
    if (!s->fn->gate_close)
        skip();
    evr_backend_span *span = new_span(s);
    assert_ok(s->fn->flush(s->self, s->stream, EVR_FLUSH_WRITE, 1 << 20,
                           err)); /* takes its memory, which may wait for the device */
    for (int i = 0; i < 3; i++) {
        double ns;
        assert_ok(s->fn->gate_close(s->self, s->stream, 5e9, err));
        assert_ok(s->fn->span_begin(s->self, span, s->stream, err));
        assert_ok(s->fn->flush(s->self, s->stream, EVR_FLUSH_WRITE, 1 << 20, err));
        assert_ok(s->fn->span_end(s->self, span, s->stream, err));
        assert_ok(s->fn->gate_open(s->self, s->stream, err));
        assert_ok(s->fn->span_ns(s->self, span, &ns, err));
        assert_true(ns > 0 && ns < 1e8);
    }
    assert_ok(s->fn->gate_close(s->self, s->stream, 2e7, err));
    double from = s->fn->now_ns(s->self);
    assert_ok(s->fn->stream_wait(s->self, s->stream, err)); /* only the watchdog can end this */
    assert_true(s->fn->now_ns(s->self) - from >= 1.5e7);
    assert_int_equal(s->fn->gate_open(s->self, s->stream, NULL), EVR_E_CANCELLED);
    assert_ok(s->fn->gate_close(s->self, s->stream, 5e9, err)); /* usable again */
    assert_ok(s->fn->gate_open(s->self, s->stream, err));
    s->fn->span_free(s->self, span);
}

static void test_backend__graph(void **state)
{
    subject *s = *state;
    if (!s->fn->graph_begin)
        skip();
    evr_backend_graph *graph;
    assert_ok(s->fn->graph_begin(s->self, s->stream, err));
    assert_ok(s->fn->graph_end(s->self, s->stream, &graph, err));
    assert_ok(s->fn->graph_launch(s->self, graph, s->stream, err));
    assert_ok(s->fn->stream_wait(s->self, s->stream, err));
    s->fn->graph_free(s->self, graph);
    s->fn->graph_free(s->self, NULL);
    assert_int_not_equal(s->fn->graph_end(s->self, s->stream, &graph, NULL), EVR_OK); /* nothing is being captured */
    assert_null(graph);
}

static void test_backend__state(void **state)
{
    subject *s = *state;
    if (!s->fn->device_state)
        skip();
    evr_device_state a = {.struct_size = sizeof a}, b = {.struct_size = sizeof b};
    assert_ok(s->fn->device_state(s->self, 0, &a, err));
    assert_ok(s->fn->device_state(s->self, 0, &b, err));
    assert_true(b.throttle_count >= a.throttle_count);
    assert_true(a.clock_mhz >= 0 && a.clock_mhz < 1e5 && a.temperature_c >= 0 && a.temperature_c < 200);
    assert_int_equal(s->fn->device_state(s->self, -1, &a, NULL), EVR_E_NO_DEVICE);
}

static int32_t check_kernel(void *user, const evr_kernel_run *kernel)
{
    assert_true(kernel->name.len > 0 && kernel->duration_ns >= 0);
    ++*(int *)user;
    return 0;
}

static void test_backend__kernels(void **state)
{
    subject *s = *state;
    if (!s->fn->kernels_begin)
        skip();
    int kernels = 0;
    assert_int_not_equal(s->fn->kernels_end(s->self, 0, NULL, NULL, NULL), EVR_OK);
    for (int i = 0; i < 2; i++) {
        assert_ok(s->fn->kernels_begin(s->self, 0, err));
        assert_ok(s->fn->kernels_end(s->self, 0, check_kernel, &kernels, err));
    }
    assert_int_equal(kernels, 0); /* nothing ran */
}

static void test_backend__extension(void **state)
{
    subject *s = *state;
    if (!s->fn->extension)
        skip();
    assert_null(s->fn->extension(s->self, "no such thing"));
}

/* Several at a time, and again after one was shut down. */
static void test_backend__instances(void **state)
{
    subject *s = *state;
    for (int i = 0; i < 3; i++) {
        evr_loaded_backend *other;
        assert_ok(evr_backend_load(s->ctx, s->name, s->path[0] ? s->path : NULL, &other, err));
        assert_true(other->fn.device_count(other->fn.self) >= 1);
        evr_backend_unload(other);
    }
    assert_true(s->fn->device_count(s->self) >= 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int run_on(const char *name, size_t name_len, const char *path, size_t path_len)
{
    const struct CMUnitTest tests[] = {
        TEST(test_backend__describes), TEST(test_backend__no_such_device), TEST(test_backend__clock_never_goes_back),
        TEST(test_backend__spans),     TEST(test_backend__flush),          TEST(test_backend__streams),
        TEST(test_backend__gate),      TEST(test_backend__graph),          TEST(test_backend__state),
        TEST(test_backend__kernels),   TEST(test_backend__extension),      TEST(test_backend__instances),
    };
    snprintf(current.name, sizeof current.name, "%.*s", (int)name_len, name);
    snprintf(current.path, sizeof current.path, "%.*s", (int)path_len, path);
    return cmocka_run_group_tests_name(current.name, tests, NULL, NULL);
}

/* A backend that starts without a device says why, and is not asked further. */
static int run_if_there(const char *name, size_t name_len, const char *path, size_t path_len)
{
    char name_text[32], path_text[4096];
    evr_context *ctx = NULL;
    evr_loaded_backend *backend = NULL;
    evr_error *err = NULL;
    snprintf(name_text, sizeof name_text, "%.*s", (int)name_len, name);
    snprintf(path_text, sizeof path_text, "%.*s", (int)path_len, path);
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK ||
        evr_backend_load(ctx, name_text, path_text, &backend, &err) != EVR_OK) {
        fprintf(stderr, "%s: %s\n", name_text, evr_error_message(err));
        evr_error_free(err);
        evr_context_free(ctx);
        return 1; /* it must start, device or not */
    }
    int count = backend->fn.device_count(backend->fn.self);
    const char *why = backend->fn.why(backend->fn.self);
    int bad = count < 0 || (count == 0) != (why[0] != 0);
    if (count == 0)
        printf("%s: no device: %s\n", name_text, why);
    evr_backend_unload(backend);
    evr_context_free(ctx);
    return count > 0 ? run_on(name, name_len, path, path_len) : bad;
}

static int run_list(const char *list)
{
    int bad = 0;
    while (list && *list) {
        size_t len = strcspn(list, ":"), name = strcspn(list, "=");
        if (name < len)
            bad += run_if_there(list, name, list + name + 1, len - name - 1);
        list += len + (list[len] == ':');
    }
    return bad;
}

int main(void)
{
    int bad = run_on("cpu", 3, "", 0);
    bad += run_on("fake", 4, EVR_TEST_FAKE, strlen(EVR_TEST_FAKE));
    bad += run_list(EVR_TEST_BACKENDS);
    bad += run_list(getenv("EVREPLAY_TEST_BACKENDS"));
    return bad;
}
