/* A database and a profile whose outcome the existing tool has computed: the same files and the same summary, byte for byte. */
#include "perfdb/folders.h"

#include "base/json_write.h"

static void need_oracle(void)
{
    struct stat st;
    if (stat(test_shared("oracle/perfdb/db"), &st) == 0)
        return;
    printf("skipped: the recorded databases are not at %s/oracle/perfdb\n", EVR_TEST_SHARED);
    exit(77);
}

static void same_file(const char *expected_folder, const char *name, void *folder)
{
    size_t size, got_size;
    if (strcmp(name, "summary.json") == 0)
        return;
    char *expected = test_read_file(in_folder(expected_folder, name), &size);
    char *got = test_read_file(in_folder(folder, name), &got_size);
    assert_non_null(expected);
    if (!got)
        fail_msg("%s is missing", name);
    if (size != got_size || memcmp(expected, got, size) != 0)
        fail_msg("%s differs from %s/%s:\n%s", name, expected_folder, name, got);
    free(expected);
    free(got);
}

static void put_items(evr_json_writer *w, const evr_perfdb_report *r, size_t file, int32_t kind)
{
    evr_json_open(w, '[');
    for (size_t i = 0; i < evr_perfdb_report_item_count(r, file, kind); i++) {
        uint64_t count;
        evr_str label = evr_perfdb_report_item(r, file, kind, i, &count);
        if (kind != EVR_PERFDB_DUPLICATE) {
            evr_json_str(w, label);
            continue;
        }
        evr_json_open(w, '[');
        evr_json_str(w, label);
        evr_json_u64(w, count);
        evr_json_close(w, ']');
    }
    evr_json_close(w, ']');
}

static void put_files(evr_json_writer *w, const evr_perfdb_report *r)
{
    evr_json_open(w, '[');
    for (size_t i = 0; i < evr_perfdb_report_file_count(r); i++) {
        evr_perfdb_file f = {EVR_INIT(evr_perfdb_file)};
        assert_ok(evr_perfdb_report_file(r, i, &f, err));
        if (f.name.len == 0)
            continue;
        evr_json_open(w, '{');
        evr_json_key(w, "csv");
        evr_json_str(w, f.name);
        evr_json_key(w, "updated");
        evr_json_u64(w, f.updated);
        evr_json_key(w, "added");
        evr_json_u64(w, f.added);
        evr_json_key(w, "unchanged");
        evr_json_u64(w, f.unchanged);
        evr_json_key(w, "deleted");
        put_items(w, r, i, EVR_PERFDB_DELETED);
        evr_json_key(w, "missing");
        put_items(w, r, i, EVR_PERFDB_MISSING);
        evr_json_key(w, "duplicates");
        put_items(w, r, i, EVR_PERFDB_DUPLICATE);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
}

static void put_gaps(evr_json_writer *w, const evr_perfdb_report *r)
{
    evr_json_open(w, '[');
    for (size_t i = 0; i < evr_perfdb_report_gap_count(r); i++) {
        evr_perfdb_gap g = {EVR_INIT(evr_perfdb_gap)};
        assert_ok(evr_perfdb_report_gap(r, i, &g, err));
        evr_json_open(w, '{');
        evr_json_key(w, "op");
        evr_json_str(w, g.op);
        evr_json_key(w, "signature");
        evr_json_str(w, g.signature);
        evr_json_key(w, "mb_us");
        evr_json_f64(w, g.measured_us);
        evr_json_key(w, "prof_us");
        evr_json_f64(w, g.profiled_us);
        evr_json_key(w, "ratio");
        evr_json_f64(w, g.ratio);
        evr_json_close(w, '}');
    }
    evr_json_close(w, ']');
}

static void same_summary(evr_context *ctx, const evr_perfdb_report *r, const char *path)
{
    size_t size;
    evr_buf buf;
    evr_json_writer w;
    evr_buf_init(&buf, ctx);
    evr_json_init(&w, &buf);
    w.indent = 1;
    evr_json_open(&w, '{');
    evr_json_key(&w, "files");
    put_files(&w, r);
    evr_json_key(&w, "gaps");
    put_gaps(&w, r);
    evr_json_close(&w, '}');
    char *expected = test_read_file(path, &size);
    assert_non_null(expected);
    if (size != buf.len || memcmp(expected, buf.data, size) != 0)
        fail_msg("the summary differs from %s:\n%s", path, buf.data);
    free(expected);
    evr_buf_free(&buf);
}

static void run(int32_t mode, uint32_t flags, const char *expected)
{
    need_oracle();
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    const char *folder = new_folder();
    char source[4096], expected_folder[4096];
    join_path(source, sizeof source, EVR_TEST_SHARED, "oracle/perfdb/profile");
    join_path(expected_folder, sizeof expected_folder, EVR_TEST_SHARED "/oracle/perfdb", expected);
    copy_folder(test_shared("oracle/perfdb/db"), folder);

    const char *sources[] = {source};
    evr_perfdb_update_options options = {
        EVR_INIT(evr_perfdb_update_options), .mode = mode, .flags = flags, .ep_size = 16, .sources = sources, .source_count = 1};
    evr_perfdb *db;
    evr_perfdb_report *report;
    assert_ok(evr_perfdb_open(ctx, folder, NULL, &db, err));
    assert_ok(evr_perfdb_update(db, &options, &report, err));
    each_entry(expected_folder, same_file, (void *)folder);
    assert_int_equal(each_entry(folder, NULL, NULL) + 1, each_entry(expected_folder, NULL, NULL));
    same_summary(ctx, report, in_folder(expected_folder, "summary.json"));
    evr_perfdb_report_free(report);

    /* The same again changes nothing: what was filled stays, what was updated has the same values. */
    assert_ok(evr_perfdb_update(db, &options, &report, err));
    evr_perfdb_totals totals = {EVR_INIT(evr_perfdb_totals)};
    assert_ok(evr_perfdb_report_totals(report, &totals, err));
    assert_int_equal(totals.added, 0);
    each_entry(expected_folder, same_file, (void *)folder);
    evr_perfdb_report_free(report);
    evr_perfdb_free(db);
    test_context_done(ctx, &memory);
    remove_folder(folder);
}

static void test_oracle__all(void **state)
{
    (void)state;
    run(EVR_PERFDB_MODE_ALL, 0, "expected_all");
}

static void test_oracle__all_prune(void **state)
{
    (void)state;
    run(EVR_PERFDB_MODE_ALL, EVR_PERFDB_PRUNE, "expected_all_prune");
}

static void test_oracle__missing_only(void **state)
{
    (void)state;
    run(EVR_PERFDB_MODE_MISSING_ONLY, 0, "expected_missing-only");
}

static void test_oracle__missing_only_prune(void **state)
{
    (void)state;
    run(EVR_PERFDB_MODE_MISSING_ONLY, EVR_PERFDB_PRUNE, "expected_missing-only_prune");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle__all),
        cmocka_unit_test(test_oracle__all_prune),
        cmocka_unit_test(test_oracle__missing_only),
        cmocka_unit_test(test_oracle__missing_only_prune),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
