/* Opening backends, and refusing those that do not keep to the boundary. */
#include "support/support.h"

#include "plugin/backend.h"

#include <evreplay/measure.h>

#include <dlfcn.h>

static const char *file(const char *way)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s/libevreplay_bad.so", EVR_TEST_PLUGINS, way);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    return unsetenv("EVREPLAY_BACKEND_PATH");
}

static int *shutdowns(const char *way)
{
    void *library = dlopen(file(way), RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    int *count = dlsym(library, "bad_shutdowns");
    assert_non_null(count);
    return count;
}

static void assert_refused(const char *way, evr_status code, const char *said)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_meter_options o = {.struct_size = sizeof o, .backend = "bad", .backend_path = file(way)};
    evr_meter *meter = (evr_meter *)1;
    evr_error *err = NULL;
    assert_int_equal(evr_meter_open(ctx, &o, &meter, &err), code);
    assert_null(meter);
    assert_int_equal(evr_error_code(err), code);
    if (!strstr(evr_error_message(err), said))
        fail_msg("the message lacks \"%s\": %s", said, evr_error_message(err));
    assert_true(evr_error_hint(err)[0] != 0);
    evr_error_free(err);
    assert_int_equal(evr_meter_open(ctx, &o, &meter, NULL), code);
    test_context_done(ctx, &m);
}

static void test_loading__refusals(void **state)
{
    (void)state;
    int *stopped = shutdowns("missing_slot"), before = *stopped;
    assert_refused("none", EVR_E_ABI, "none of the plug-in boundaries 1 to 1");
    assert_refused("lies", EVR_E_ABI, "filled a table");
    assert_refused("missing_slot", EVR_E_PLUGIN, "now_ns, flush");
    assert_int_equal(*stopped, before + 2);
    assert_refused("fails", EVR_E_PLUGIN, "the moon is in the wrong phase (wait a week)");
    assert_refused("no_entry", EVR_E_PLUGIN, "no symbol evr_backend_init");
    assert_refused("nowhere", EVR_E_PLUGIN, "no such file");
    assert_refused("no_device", EVR_E_NO_DEVICE, "libmoon.so.1 is not installed");
}

static void test_loading__halves(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const char *ways[] = {"halves", "short"};
    for (size_t i = 0; i < 2; i++) {
        evr_loaded_backend *b;
        assert_ok(evr_backend_load(ctx, "bad", file(ways[i]), &b, err));
        assert_null(b->fn.gate_close);
        assert_null(b->fn.graph_begin);
        assert_null(b->fn.kernels_begin);
        assert_non_null(b->fn.flush);
        evr_backend_unload(b);
    }
    evr_backend_unload(NULL);
    evr_meter_free(NULL);
    test_context_done(ctx, &m);
}

static evr_status nothing(void *user, evr_error **err)
{
    (void)user, (void)err;
    return EVR_OK;
}

/* What the backend cannot do the measurement refuses to do, rather than do without. */
static void test_loading__needs_more(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_meter_options o = {.struct_size = sizeof o, .backend = "bad", .backend_path = file("good")};
    evr_meter *meter;
    evr_measurement *got;
    evr_measured what = {.struct_size = sizeof what, .run = nothing};
    assert_ok(evr_meter_open(ctx, &o, &meter, err));
    evr_protocol gate = {.struct_size = sizeof gate, .gate = EVR_GATE_ON},
                 graph = {.struct_size = sizeof graph, .launch = EVR_LAUNCH_GRAPH};
    assert_int_equal(evr_measure(meter, &gate, &what, &got, NULL), EVR_E_UNSUPPORTED);
    assert_int_equal(evr_measure(meter, &graph, &what, &got, NULL), EVR_E_UNSUPPORTED);
    assert_int_equal(evr_meter_kernels(meter, &what, NULL, NULL, NULL), EVR_E_UNSUPPORTED);
    evr_meter_free(meter);
    o.device = 1;
    assert_int_equal(evr_meter_open(ctx, &o, &meter, NULL), EVR_E_NO_DEVICE);
    o.device = -1;
    assert_int_equal(evr_meter_open(ctx, &o, &meter, NULL), EVR_E_NO_DEVICE);
    test_context_done(ctx, &m);
}

static void test_loading__names(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const char *bad[] = {"", "../evil", "CPU", "a b", "a/b", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        evr_meter_options o = {.struct_size = sizeof o, .backend = bad[i]};
        evr_meter *meter;
        assert_int_equal(evr_meter_open(ctx, &o, &meter, NULL), EVR_E_INVALID);
    }
    test_context_done(ctx, &m);
}

static void test_loading__environment(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_meter_options o = {.struct_size = sizeof o, .backend = "bad"};
    evr_meter *meter;
    setenv("EVREPLAY_BACKEND_PATH", EVR_TEST_PLUGINS "/good", 1);
    assert_ok(evr_meter_open(ctx, &o, &meter, err));
    assert_non_null(strstr(evr_meter_backend_path(meter).data, "/good/libevreplay_bad.so"));
    evr_meter_free(meter);
    assert_ok(evr_meter_open(ctx, NULL, &meter, err)); /* the CPU is part of the library, wherever others are */
    assert_string_equal(evr_meter_backend(meter)->name, "cpu");
    assert_int_equal(evr_meter_backend_path(meter).len, 0);
    evr_meter_free(meter);
    unsetenv("EVREPLAY_BACKEND_PATH");
    assert_int_equal(evr_meter_open(ctx, &o, &meter, NULL), EVR_E_PLUGIN);
    test_context_done(ctx, &m);
}

static void test_loading__no_memory(void **state)
{
    (void)state;
    const char *ways[] = {"good", "lies", NULL};
    for (size_t way = 0; way < 3; way++) {
        bool ran_out = true;
        for (size_t fail = 1; ran_out; fail++) {
            test_memory m;
            evr_context *ctx = test_context(&m);
            evr_loaded_backend *b;
            m.fail_after = m.calls + fail;
            evr_status status =
                evr_backend_load(ctx, ways[way] ? "bad" : "cpu", ways[way] ? file(ways[way]) : NULL, &b, NULL);
            ran_out = m.calls >= m.fail_after;
            m.fail_after = 0;
            assert_true(fail < 100);
            assert_int_equal(status, ran_out ? EVR_E_NOMEM : way == 1 ? EVR_E_ABI : EVR_OK);
            evr_backend_unload(b);
            test_context_done(ctx, &m);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_loading__refusals, set_up),    cmocka_unit_test_setup(test_loading__halves, set_up),
        cmocka_unit_test_setup(test_loading__needs_more, set_up),  cmocka_unit_test_setup(test_loading__names, set_up),
        cmocka_unit_test_setup(test_loading__environment, set_up), cmocka_unit_test_setup(test_loading__no_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
