#include "support/support.h"

#include "plugin/loader.h"

#include <dlfcn.h>
#include <unistd.h>

#define FILE_NAME "libevreplay_torch.so"

static const char *folder(const char *way)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", EVR_TEST_PLUGINS, way);
    return path;
}

static const char *file(const char *way)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/" FILE_NAME, folder(way));
    return path;
}

/* Something the plug-in exports for the test. */
static void *inside(const char *way, const char *symbol)
{
    void *library = dlopen(file(way), RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    void *found = dlsym(library, symbol);
    assert_non_null(found);
    return found;
}

static int set_up(void **state)
{
    (void)state;
    return unsetenv("EVREPLAY_BRIDGE");
}

static void assert_refused(const char *where, evr_status code, const char *said)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_loaded_bridge *bridge = (evr_loaded_bridge *)1;
    evr_error *err = NULL;
    assert_int_equal(evr_bridge_load(ctx, where, &bridge, &err), code);
    assert_null(bridge);
    assert_int_equal(evr_error_code(err), code);
    if (!strstr(evr_error_message(err), said))
        fail_msg("the message lacks \"%s\": %s", said, evr_error_message(err));
    assert_non_null(strstr(evr_error_message(err), FILE_NAME));
    assert_non_null(strstr(evr_error_hint(err), "EVREPLAY_BRIDGE"));
    assert_non_null(strstr(evr_error_hint(err), "EVREPLAY_TORCH"));
    evr_error_free(err);
    assert_int_equal(evr_bridge_load(ctx, where, &bridge, NULL), code); /* an error nobody asked for */
    test_context_done(ctx, &m);
}

static void test_loader__file_and_folder(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    int *shutdowns = inside("good", "fake_shutdowns"), before = *shutdowns;
    const char *named[] = {file("good"), folder("good")};
    for (int i = 0; i < 2; i++) {
        evr_loaded_bridge *bridge;
        assert_ok(evr_bridge_load(ctx, named[i], &bridge, err));
        assert_string_equal(bridge->plugin.path, file("good"));
        assert_string_equal(bridge->fn.name, "fake");
        assert_string_equal(bridge->fn.version, "1.2.3");
        assert_int_equal(bridge->fn.abi, EVR_BRIDGE_ABI);
        assert_int_equal(bridge->fn.threads(bridge->fn.self, 7), 7);
        evr_bridge_unload(bridge);
        assert_int_equal(*shutdowns, before + i + 1);
    }
    evr_bridge_unload(NULL);
    test_context_done(ctx, &m);
}

static void test_loader__keeps_context(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_loaded_bridge *bridge;
    assert_ok(evr_bridge_load(ctx, folder("good"), &bridge, err));
    evr_context_free(ctx);
    evr_error *err = NULL;
    assert_int_equal(bridge->fn.load_library(bridge->fn.self, "x", &err), EVR_E_IO);
    evr_bridge_unload(bridge);
    assert_string_equal(evr_error_message(err), "no library today");
    assert_string_equal(evr_error_hint(err), "come back tomorrow");
    evr_error_free(err);
    assert_int_equal(m.live, 0);
    assert_int_equal(m.mismatches, 0);
}

static char logged[64];

static void keep_log(void *user, int32_t level, evr_str message)
{
    assert_int_equal(level, EVR_LOG_WARNING);
    snprintf(user, sizeof logged, "%.*s", (int)message.len, message.data);
}

static void test_loader__host_log(void **state)
{
    (void)state;
    evr_context_options options = {.struct_size = sizeof options, .log = keep_log, .log_user = logged};
    evr_context *ctx;
    assert_ok(evr_context_new(&options, &ctx, err));
    evr_loaded_bridge *bridge;
    assert_ok(evr_bridge_load(ctx, folder("good"), &bridge, err));
    assert_int_equal(bridge->fn.load_library(bridge->fn.self, "100 %s", NULL), EVR_E_IO);
    assert_string_equal(logged, "100 %s");
    evr_bridge_unload(bridge);
    evr_context_free(ctx);
}

static void test_loader__refusals(void **state)
{
    (void)state;
    assert_refused(folder("none"), EVR_E_ABI, "none of the plug-in boundaries 1 to 1");
    assert_refused(folder("lies"), EVR_E_ABI, "agreed to boundary 1");
    assert_refused(folder("missing_slot"), EVR_E_PLUGIN, "tensor_free, call_run");
    assert_refused(folder("fails"), EVR_E_PLUGIN, "the moon is in the wrong phase (wait a week)");
    assert_refused(folder("no_entry"), EVR_E_PLUGIN, "no symbol evr_bridge_init");
    assert_refused(folder("not_a_library"), EVR_E_PLUGIN, "invalid ELF header");
    assert_refused("/nonexistent/" FILE_NAME, EVR_E_PLUGIN, "no such file");
}

static void test_loader__stops_what_it_refuses(void **state)
{
    (void)state;
    int *shutdowns = inside("missing_slot", "fake_shutdowns"), before = *shutdowns;
    assert_refused(folder("missing_slot"), EVR_E_PLUGIN, "call_run");
    assert_int_equal(*shutdowns, before + 2); /* assert_refused() loads twice */
}

static void test_loader__short_table(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_loaded_bridge *bridge;
    assert_ok(evr_bridge_load(ctx, folder("short"), &bridge, err));
    assert_non_null(bridge->fn.seed);
    assert_null(bridge->fn.threads); /* beyond the plug-in's struct_size: whatever lies there is not its */
    evr_bridge_unload(bridge);
    test_context_done(ctx, &m);
}

/* A library of the future offers its newest boundary first and comes down to the plug-in's. */
static evr_status enter(void *symbol, uint32_t abi, const evr_host *host, void *table, evr_error **err)
{
    evr_bridge_init_fn init;
    memcpy(&init, &symbol, sizeof init);
    return init(abi, host, table, err);
}

static void stop(void *table)
{
    evr_bridge *fn = table;
    if (fn->shutdown)
        fn->shutdown(fn->self);
}

static void test_loader__negotiates_down(void **state)
{
    (void)state;
    static const evr_plugin_slot slots[] = {{"call_run", offsetof(evr_bridge, call_run)}};
    const evr_plugin_kind future = {.file = FILE_NAME,
                                    .variable = "EVREPLAY_BRIDGE",
                                    .entry = EVR_BRIDGE_ENTRY,
                                    .newest_abi = 3,
                                    .table_size = sizeof(evr_bridge) + 64,
                                    .required = slots,
                                    .required_count = 1,
                                    .enter = enter,
                                    .stop = stop,
                                    .advice = "get one"};
    test_memory m;
    evr_context *ctx = test_context(&m);
    unsigned *offered = inside("old", "fake_offered"), *offers = inside("old", "fake_offers");
    *offers = 0;
    union {
        evr_bridge fn;
        char room[sizeof(evr_bridge) + 64];
    } table;
    memset(&table, 0xff, sizeof table);
    evr_plugin plugin;
    assert_ok(evr_plugin_open(ctx, &future, folder("old"), &plugin, &table, err));
    assert_int_equal(*offers, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(offered[i], 3 - i);
    assert_int_equal(plugin.host.abi, 1);
    assert_int_equal(table.fn.abi, 1);
    for (size_t i = sizeof(evr_bridge); i < sizeof table; i++)
        assert_int_equal(table.room[i], 0);
    stop(&table);
    evr_plugin_close(&plugin);
    test_context_done(ctx, &m);
}

static void test_loader__environment(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_loaded_bridge *bridge;
    setenv("EVREPLAY_BRIDGE", folder("good"), 1);
    assert_ok(evr_bridge_load(ctx, NULL, &bridge, err));
    evr_bridge_unload(bridge);
    assert_ok(evr_bridge_load(ctx, "", &bridge, err));
    evr_bridge_unload(bridge);
    setenv("EVREPLAY_BRIDGE", folder("fails"), 1); /* the option goes before it */
    assert_ok(evr_bridge_load(ctx, folder("good"), &bridge, err));
    evr_bridge_unload(bridge);
    assert_refused(NULL, EVR_E_PLUGIN, "/fails/");
    unsetenv("EVREPLAY_BRIDGE");
    test_context_done(ctx, &m);
}

static evr_context *context_with_path(const char *path)
{
    evr_context_options options = {.struct_size = sizeof options, .plugin_path = path};
    evr_context *ctx = NULL;
    assert_ok(evr_context_new(&options, &ctx, err));
    return ctx;
}

static void test_loader__search_path(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "::/nonexistent:%s/fails:%s/good/:%s/none", EVR_TEST_PLUGINS, EVR_TEST_PLUGINS,
             EVR_TEST_PLUGINS);
    evr_context *ctx = context_with_path(path);
    evr_loaded_bridge *bridge;
    assert_ok(evr_bridge_load(ctx, NULL, &bridge, err));
    assert_string_equal(bridge->plugin.path, file("good"));
    evr_bridge_unload(bridge);
    evr_context_free(ctx);
}

/* Every candidate is named, in the order of the search, down to the folder of this program and its sub-folder. */
static void test_loader__names_all_candidates(void **state)
{
    (void)state;
    char path[4096], self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    *strrchr(self, '/') = 0;
    char beside[4200], below[4200];
    snprintf(beside, sizeof beside, "%s/" FILE_NAME, self);
    snprintf(below, sizeof below, "%s/evreplay/" FILE_NAME, self);
    snprintf(path, sizeof path, "/nonexistent:%s/none:%s/fails", EVR_TEST_PLUGINS, EVR_TEST_PLUGINS);
    evr_context *ctx = context_with_path(path);
    evr_loaded_bridge *bridge;
    evr_error *err = NULL;
    evr_status status = evr_bridge_load(ctx, NULL, &bridge, &err);
    if (status == EVR_OK) { /* a real one is installed: then there is no error to look at */
        evr_bridge_unload(bridge);
        evr_context_free(ctx);
        skip();
    }
    assert_int_equal(status, EVR_E_ABI); /* of the candidate that came furthest */
    const char *order[] = {"/nonexistent/" FILE_NAME ": no such file", "/none/" FILE_NAME ": it speaks none",
                           "/fails/" FILE_NAME ": it refused", beside, below};
    const char *at = evr_error_message(err);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        at = strstr(at, order[i]);
        if (!at)
            fail_msg("\"%s\" is missing or out of order: %s", order[i], evr_error_message(err));
    }
    evr_error_free(err);
    evr_context_free(ctx);
}

static void test_loader__no_memory(void **state)
{
    (void)state;
    const char *ways[] = {"good", "fails", "missing_slot", "not_a_library"};
    for (size_t way = 0; way < 4; way++)
        for (size_t fail = 1; fail < 30; fail++) {
            test_memory m;
            evr_context *ctx = test_context(&m);
            evr_loaded_bridge *bridge;
            evr_error *err = NULL;
            m.fail_after = m.calls + fail;
            evr_status status = evr_bridge_load(ctx, folder(ways[way]), &bridge, &err);
            bool ran_out = m.calls >= m.fail_after;
            m.fail_after = 0;
            if (status == EVR_OK)
                evr_bridge_unload(bridge);
            else
                assert_true(status == EVR_E_NOMEM || status == EVR_E_PLUGIN);
            assert_true(ran_out || (status == EVR_OK) == (way == 0));
            evr_error_free(err);
            test_context_done(ctx, &m);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_loader__file_and_folder, set_up),
        cmocka_unit_test_setup(test_loader__keeps_context, set_up),
        cmocka_unit_test_setup(test_loader__host_log, set_up),
        cmocka_unit_test_setup(test_loader__refusals, set_up),
        cmocka_unit_test_setup(test_loader__stops_what_it_refuses, set_up),
        cmocka_unit_test_setup(test_loader__short_table, set_up),
        cmocka_unit_test_setup(test_loader__negotiates_down, set_up),
        cmocka_unit_test_setup(test_loader__environment, set_up),
        cmocka_unit_test_setup(test_loader__search_path, set_up),
        cmocka_unit_test_setup(test_loader__names_all_candidates, set_up),
        cmocka_unit_test_setup(test_loader__no_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
