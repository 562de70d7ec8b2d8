/* Stores of earlier versions are brought forward: they say the same as before. */
#include "store/old_store.h"

static const place h200 = {"NVIDIA H200", "torch 2.13.0", "driver 570", 1700000000};
static const place later = {"NVIDIA H200", "torch 2.13.0", "driver 570", 1700000500};
static const timed two[] = {{"a0", "aten::add", "Tensor", "float32[8], float32[8]", 100}, {"a1", "aten::mm", "", "float32[8,8], float32[8,8] -> \"\xc3\xa9\"", 20.5}};

static size_t count_rows(evr_store *store)
{
    evr_store_rows *rows = NULL;
    assert_ok(evr_store_find(store, NULL, &rows, err));
    size_t count = evr_store_rows_count(rows);
    evr_store_rows_free(rows);
    return count;
}

static char *exported(evr_context *ctx, evr_store *store, uint32_t flags)
{
    const evr_store_filter all = {.struct_size = EVR_INIT(evr_store_filter), .flags = flags};
    char *text = NULL;
    size_t size = 0;
    assert_ok(evr_store_export(store, &all, &text, &size, err));
    char *copy = strdup(text);
    evr_text_free(ctx, text);
    return copy;
}

/* A file as an earlier version left it is brought forward, with what it holds: it says the same as one that was made now, and knows what it had. */
static void migrates_from(int32_t version)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    char name[32], made_name[32], says[32];
    snprintf(name, sizeof name, "old%d.db", version);
    snprintf(made_name, sizeof made_name, "new%d.db", version);
    snprintf(says, sizeof says, "version %d", version);
    evr_store old;
    open_old(&old, ctx, name, version);
    timed again = two[1];
    again.median = 77.125;
    fill_old(&old, ctx, &h200, two, 2);
    fill_old(&old, ctx, &h200, &again, 1);
    close_old(&old);
    const evr_store_options reading = {.struct_size = EVR_INIT(evr_store_options), .flags = EVR_STORE_READ_ONLY};
    evr_store *refused = NULL;
    evr_error *e = NULL;
    assert_int_equal(evr_store_open(ctx, in_folder(name), &reading, &refused, &e), EVR_E_UNSUPPORTED);
    assert_non_null(strstr(evr_error_message(e), says));
    evr_error_free(e);
    evr_store *store = open_store(ctx, name, 0), *made = open_store(ctx, made_name, EVR_STORE_CREATE);
    add_rows(ctx, made, &h200, two, 2);
    add_rows(ctx, made, &h200, &again, 1);
    for (uint32_t flags = 0; flags <= EVR_STORE_HISTORY; flags += EVR_STORE_HISTORY) {
        char *has = exported(ctx, store, flags), *wants = exported(ctx, made, flags);
        assert_string_equal(has, wants);
        free(has);
        free(wants);
    }
    assert_ok(evr_store_check(store, err));
    assert_int_equal(add_rows(ctx, store, &h200, two, 2).known, 2);
    evr_store_free(made);
    evr_store_free(store);
    store = open_store(ctx, name, EVR_STORE_READ_ONLY);
    assert_int_equal(count_rows(store), 2);
    evr_results *results = results_of(ctx, &later, two, 2);
    assert_int_equal(evr_store_add(store, results, NULL, NULL), EVR_E_STATE);
    evr_results_free(results);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

static void test_store__migrates(void **state)
{
    (void)state;
    for (int32_t version = 1; version < EVR_STORE_VERSION; version++)
        migrates_from(version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_store__migrates, make_folder, remove_folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
