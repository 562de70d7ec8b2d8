/* The CUDA backend beyond the conformance suite: on a look-alike of the driver when EVR_TEST_LOOK_ALIKE says that one
 * stands in the linker's way, and else what it says where there is no device. */
#include "support/support.h"

#include "plugin/backend.h"

#include <evreplay/measure.h>

#include <dlfcn.h>
#include <math.h>

#ifndef EVR_TEST_CUDA
#define EVR_TEST_CUDA ""
#endif

static int look_alike(void) { return getenv("EVR_TEST_LOOK_ALIKE") != NULL; }

static void test_cuda__no_device(void **state)
{
    (void)state;
    if (look_alike())
        setenv("LOOK_ALIKE_NO_DEVICE", "1", 1);
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_loaded_backend *b;
    assert_ok(evr_backend_load(ctx, "cuda", EVR_TEST_CUDA, &b, err));
    int count = b->fn.device_count(b->fn.self);
    if (count == 0) {
        assert_true(strlen(b->fn.why(b->fn.self)) > 10);
        evr_device_desc d = {.struct_size = sizeof d};
        assert_int_equal(b->fn.device_describe(b->fn.self, 0, &d, NULL), EVR_E_NO_DEVICE);
        evr_meter_options o = {.struct_size = sizeof o, .backend = "cuda", .backend_path = EVR_TEST_CUDA};
        evr_meter *meter;
        evr_error *err = NULL;
        assert_int_equal(evr_meter_open(ctx, &o, &meter, &err), EVR_E_NO_DEVICE);
        assert_non_null(strstr(evr_error_message(err), "CUDA driver"));
        printf("%s\n", evr_error_message(err));
        evr_error_free(err);
    } else {
        assert_false(look_alike());
    }
    evr_backend_unload(b);
    test_context_done(ctx, &m);
    unsetenv("LOOK_ALIKE_NO_DEVICE");
}

typedef struct work {
    const evr_backend *fn;
    evr_backend_stream *stream;
    uint64_t bytes;
} work;

static evr_status run(void *user, evr_error **err)
{
    work *w = user;
    return w->fn->flush(w->fn->self, w->stream, EVR_FLUSH_WRITE_READ, w->bytes, err);
}

static int32_t see(void *user, const evr_kernel_run *kernel)
{
    static double last;
    int *count = user;
    assert_true(*count == 0 || kernel->start_ns > last);
    last = kernel->start_ns;
    assert_int_equal(kernel->stream, 7);
    static const char *const others[] = {"Memcpy DtoD (Device -> Unknown)", "Memset (Device)"};
    for (int i = 0; i < 2; i++)
        if (strcmp(kernel->name.data, others[i]) == 0) {
            assert_true(kernel->duration_ns == (i ? 100 : 300));
            return ++*count, 0;
        }
    assert_true(kernel->duration_ns >= 500);
    assert_true(strcmp(kernel->name.data, "plain_c_name") == 0 || strstr(kernel->name.data, "evr_flush_read(") != NULL);
    ++*count;
    return 0;
}

/* Everything a measurement does on a device, on the look-alike, and nothing left over. */
static void test_cuda__measures(void **state)
{
    (void)state;
    if (!look_alike())
        skip();
    assert_non_null(dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL)); /* names of kernels are read with it */
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    assert_non_null(driver);
    int (*live)(void);
    *(void **)&live = dlsym(driver, "look_alike_live");
    assert_non_null(live);
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_meter *meter;
    evr_backend_stream *view;
    for (int native = 0; native < 2; native++) { /* a stream of its own, and the default one */
        evr_meter_options o = {.struct_size = sizeof o,
                               .backend = "cuda",
                               .backend_path = EVR_TEST_CUDA,
                               .stream = native ? EVR_STREAM_NATIVE : 0};
        assert_ok(evr_meter_open(ctx, &o, &meter, err));
        const evr_backend *fn = evr_meter_backend(meter);
        assert_ok(fn->stream_open(fn->self, 0, EVR_STREAM_NATIVE, NULL, &view, err));
        work w = {fn, view, 1 << 18};
        evr_measured what = {
            .struct_size = sizeof what, .run = run, .user = &w, .flags = native ? EVR_MEASURED_GATEABLE : 0};
        const evr_protocol protocols[] = {
            {.struct_size = sizeof(evr_protocol), .seconds = 0.3},
            {.struct_size = sizeof(evr_protocol),
             .seconds = 0.3,
             .flush = EVR_FLUSH_WRITE_READ,
             .launch = EVR_LAUNCH_SINGLE},
            {.struct_size = sizeof(evr_protocol), .seconds = 0.3, .launch = EVR_LAUNCH_BATCH, .batch = 5},
        };
        for (size_t i = 0; i < 3; i++) {
            evr_measurement *got;
            assert_ok(evr_measure(meter, &protocols[i], &what, &got, err));
            evr_conditions c = {.struct_size = sizeof c};
            evr_statistics s = {.struct_size = sizeof s};
            evr_measurement_conditions(got, &c);
            evr_measurement_statistics(got, &s);
            assert_int_equal(c.gate, native ? EVR_GATE_ON : EVR_GATE_OFF);
            assert_int_equal(c.gate_timeouts, 0);
            assert_true(c.clock_mhz == 1500);
            assert_true(s.count >= 1 && isfinite(s.median));
            evr_measurement_free(got);
        }
        int kernels = 0;
        for (int i = 0; i < 3; i++)
            assert_ok(run(&w, err));
        assert_ok(evr_meter_kernels(meter, &what, see, &kernels, err));
        assert_int_equal(kernels, 1 + 2); /* a copy and a fill */
        fn->stream_close(fn->self, view);
        evr_meter_free(meter);
        assert_int_equal(live(), 0);
    }
    test_context_done(ctx, &m);
}

static void test_cuda__graph(void **state)
{
    (void)state;
    if (!look_alike())
        skip();
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_loaded_backend *b;
    assert_ok(evr_backend_load(ctx, "cuda", EVR_TEST_CUDA, &b, err));
    const evr_backend *fn = &b->fn;
    evr_backend_stream *stream, *legacy;
    evr_backend_graph *graph;
    assert_ok(fn->stream_open(fn->self, 0, EVR_STREAM_NEW, NULL, &stream, err));
    assert_ok(fn->stream_open(fn->self, 0, EVR_STREAM_NATIVE, NULL, &legacy, err));
    work w = {fn, stream, 1 << 16};
    assert_ok(run(&w, err)); /* memory is taken and the kernel loaded outside the capture */
    assert_ok(fn->stream_wait(fn->self, stream, err));
    assert_ok(fn->graph_begin(fn->self, stream, err));
    for (int i = 0; i < 4; i++)
        assert_ok(run(&w, err));
    assert_ok(fn->graph_end(fn->self, stream, &graph, err));
    int kernels = 0;
    assert_ok(fn->kernels_begin(fn->self, 0, err));
    assert_int_equal(fn->kernels_begin(fn->self, 0, NULL), EVR_E_STATE);
    assert_ok(fn->graph_launch(fn->self, graph, stream, err));
    assert_ok(fn->graph_launch(fn->self, graph, stream, err));
    assert_ok(fn->kernels_end(fn->self, 0, see, &kernels, err));
    assert_int_equal(kernels, 8 + 2);
    assert_int_not_equal(fn->graph_begin(fn->self, legacy, NULL), EVR_OK);
    fn->graph_free(fn->self, graph);
    fn->stream_close(fn->self, legacy);
    fn->stream_close(fn->self, stream);
    evr_backend_unload(b);
    test_context_done(ctx, &m);
}

static void test_cuda__throttle_reasons(void **state)
{
    (void)state;
    if (!look_alike())
        skip();
    static const struct {
        const char *bits;
        uint32_t reason;
    } reasons[] = {{"0x0", 0},
                   {"0x1", 0},
                   {"0x4", EVR_THROTTLE_USER},
                   {"0x40", EVR_THROTTLE_THERMAL},
                   {"0x20", EVR_THROTTLE_THERMAL},
                   {"0x88", EVR_THROTTLE_HARDWARE | EVR_THROTTLE_POWER}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_loaded_backend *b;
    assert_ok(evr_backend_load(ctx, "cuda", EVR_TEST_CUDA, &b, err));
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        evr_device_state s = {.struct_size = sizeof s};
        setenv("LOOK_ALIKE_REASONS", reasons[i].bits, 1);
        assert_ok(b->fn.device_state(b->fn.self, 0, &s, err));
        assert_int_equal(s.throttle, reasons[i].reason);
        assert_true(s.clock_mhz == 1500 && s.memory_clock_mhz == 2600 && s.temperature_c == 55 && s.power_w == 350);
    }
    unsetenv("LOOK_ALIKE_REASONS");
    evr_backend_unload(b);
    test_context_done(ctx, &m);
}

int main(void)
{
    if (!EVR_TEST_CUDA[0]) {
        fprintf(stderr, "skipped: this build has no CUDA backend\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuda__no_device),
        cmocka_unit_test(test_cuda__measures),
        cmocka_unit_test(test_cuda__graph),
        cmocka_unit_test(test_cuda__throttle_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
