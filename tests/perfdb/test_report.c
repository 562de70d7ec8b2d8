/* Errors, the report in its forms, and every allocation failing once. */
#include "perfdb/databases.h"

#include <errno.h>
#include <stdbool.h>

static void fill(database *d)
{
    database_put(d, "Add.csv", HEADER "MicroBench Duration(us),Profiling Average Duration(us),Profiling Average aiv_time(us)\r\n"
                               ",,\"\"\"2\"\"\",F,ND,2,F,ND,9,1,\r\n,,\"\"\"2\"\"\",F,ND,2,F,ND,9,1,\r\n,,3|\xff,F,ND,3,F,ND,,,\r\nbad\r\n");
    database_put(d, "MatMulV2.csv", HEADER "Average Duration(us)\r\n,,\"1,8;8,4\",F;F,ND;ND,\"1,4\",F,ND,\r\n");
    database_put(d, "DispatchFFNCombine.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1\r\n");
    database_put(d, "Other.csv", "x\r\n");
    database_profile(d, SUMMARY ",aiv_time(us)\n,Add,,,5,2,F,ND,2,F,ND,1\n,Add,,,6,\"9\nx\",F,ND,9,F,ND,2\n,MatMulCommon,,,3,\"1,8;4,8\",F;F,ND;ND,\"1,4\",F,ND,1\n"
                                ",New,,,0,2,F,ND,2,F,ND,1\n,New,,,1,2,F,ND,2,F,ND,1\n");
    d->options.flags = EVR_PERFDB_PRUNE;
    d->options.ep_size = 4;
}

#define assert_fails(status, call)                                                                                   \
    do {                                                                                                             \
        evr_error *failure = NULL;                                                                                   \
        assert_int_equal(call, status);                                                                              \
        assert_int_equal(evr_error_code(failure), status);                                                           \
        evr_error_free(failure);                                                                                     \
    } while (0)

static void test_report__texts(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    fill(&d);
    database_update(&d);
    char *text;
    size_t size;
    assert_ok(evr_perfdb_report_text(d.report, EVR_PERFDB_TEXT_GAPS_CSV, &text, &size, err));
    assert_string_equal(text, "Operator,CSV Name,MicroBench(us),Profiling(us),Abs Diff(us),MB/Profile,Shape\r\n"
                              "Add,Add.csv,5.000000,1.000000,4.000000,5.000000,\"\"\"2\"\" -> 2\"\r\n");
    assert_int_equal(size, strlen(text));
    evr_text_free(d.ctx, text);
    assert_ok(evr_perfdb_report_text(d.report, EVR_PERFDB_TEXT_MARKDOWN, &text, &size, err));
    assert_non_null(strstr(text, "| Add | 1 | 9 x -> 9 |")); /* a line break would end the table */
    assert_non_null(strstr(text, "| Add | 1 | 3\\|? -> 3 |"));
    assert_non_null(strstr(text, "| New | skipped | it has no file in the database"));
    assert_non_null(strstr(text, "| Add | 1 | \"2\" -> 2 (2 rows) |"));
    assert_non_null(strstr(text, "Add.csv | 5 | there are fewer fields than columns"));
    evr_text_free(d.ctx, text);
    assert_ok(evr_perfdb_report_text(d.report, EVR_PERFDB_TEXT_JSON, &text, &size, err));
    assert_non_null(strstr(text, "\"version\": 1"));
    assert_non_null(strstr(text, "\"9\\nx -> 9\""));
    evr_text_free(d.ctx, text);
    assert_fails(EVR_E_INVALID, evr_perfdb_report_text(d.report, 9, &text, &size, &failure));
    assert_null(text);
    database_close(&d);
}

static void test_report__write(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    fill(&d);
    database_update(&d);
    char *path, folder[4096];
    join_path(folder, sizeof folder, d.profile, "reports");
    assert_ok(evr_perfdb_report_write(d.report, folder, "20260131_235959", &path, err));
    assert_string_equal(path, in_folder(folder, "profile_update_report_20260131_235959.md"));
    evr_text_free(d.ctx, path);
    assert_ok(evr_perfdb_report_write(d.report, folder, "20260131_235959", &path, err));
    assert_string_equal(path, in_folder(folder, "profile_update_report_20260131_235959_2.md"));
    evr_text_free(d.ctx, path);
    assert_ok(evr_perfdb_report_write(d.report, folder, NULL, NULL, err));
    assert_int_equal(each_entry(folder, NULL, NULL), 6);
    char *text = test_read_file(in_folder(folder, "profile_update_report_20260131_235959_2.md"), NULL);
    assert_non_null(strstr(text, "All gaps: duration_gap_hotspots_full_20260131_235959_2.csv\n"));
    free(text);
    assert_fails(EVR_E_INVALID, evr_perfdb_report_write(d.report, folder, "../x", NULL, &failure));
    assert_fails(EVR_E_IO, evr_perfdb_report_write(d.report, in_folder(folder, "no/such"), NULL, NULL, &failure));
    database_close(&d);
}

static void test_report__older_callers(void **state)
{
    /* A structure of an earlier version gets what it has room for, and no more. */
    (void)state;
    database d;
    database_open(&d);
    fill(&d);
    database_update(&d);
    evr_perfdb_totals totals;
    memset(&totals, 0x55, sizeof totals);
    totals.struct_size = offsetof(evr_perfdb_totals, written);
    assert_ok(evr_perfdb_report_totals(d.report, &totals, err));
    assert_int_equal(totals.files, 4);
    assert_true(totals.written == UINT64_C(0x5555555555555555));
    totals.struct_size = 0;
    assert_fails(EVR_E_INVALID, evr_perfdb_report_totals(d.report, &totals, &failure));
    assert_fails(EVR_E_INVALID, evr_perfdb_report_totals(d.report, NULL, &failure));
    evr_perfdb_update_options small = {.struct_size = offsetof(evr_perfdb_update_options, flags), .mode = EVR_PERFDB_MODE_ALL};
    assert_ok(evr_perfdb_update(d.db, &small, NULL, err));
    database_close(&d);
}

static void expect_failure(database *d, evr_status status, const char *message, const char *hint)
{
    evr_error *err = NULL;
    evr_perfdb_report *report = (void *)1;
    assert_int_equal(evr_perfdb_update(d->db, &d->options, &report, &err), status);
    assert_null(report);
    if (!strstr(evr_error_message(err), message))
        fail_msg("\"%s\" does not say \"%s\"", evr_error_message(err), message);
    if (hint && !strstr(evr_error_hint(err), hint))
        fail_msg("\"%s\" does not say \"%s\"", evr_error_hint(err), hint);
    evr_error_free(err);
}

static void test_report__errors(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    evr_perfdb *db;
    assert_fails(EVR_E_NOT_FOUND, evr_perfdb_open(d.ctx, "/no/such/folder", NULL, &db, &failure));
    assert_null(db);
    put_text(in_folder(d.profile, "file"), "");
    assert_fails(EVR_E_UNSUPPORTED, evr_perfdb_open(d.ctx, in_folder(d.profile, "file"), NULL, &db, &failure));
    assert_fails(EVR_E_INVALID, evr_perfdb_open(d.ctx, NULL, NULL, &db, &failure));
    assert_fails(EVR_E_INVALID, evr_perfdb_open(d.ctx, d.folder, &(evr_perfdb_options){.struct_size = 1}, &db, &failure));
    evr_perfdb_options create = {EVR_INIT(evr_perfdb_options), .flags = EVR_PERFDB_CREATE, .max_file_bytes = 100};
    assert_ok(evr_perfdb_open(d.ctx, in_folder(d.profile, "made"), &create, &db, err));
    assert_int_equal(evr_perfdb_format(db), EVR_PERFDB_FORMAT_CSV);
    assert_str(evr_perfdb_path(db), in_folder(d.profile, "made"));
    evr_perfdb_free(db);

    expect_failure(&d, EVR_E_NOT_FOUND, "no op_summary_*.csv", "export");
    d.sources[0] = "/no/such/profile";
    expect_failure(&d, EVR_E_NOT_FOUND, "/no/such/profile", "op_summary");
    put_text(in_folder(d.profile, "op_summary_0.csv"), "a,b\n1,2\n");
    d.sources[0] = d.profile;
    expect_failure(&d, EVR_E_FORMAT, "has no column \"OP Type\"", "op_summary");
    put_text(in_folder(d.profile, "op_summary_0.csv"), "OP Type,Input Shapes\n1,2\n");
    expect_failure(&d, EVR_E_FORMAT, "has no column \"Task Duration(us)\"", NULL);
    put_text(in_folder(d.profile, "op_summary_0.csv"), "");
    expect_failure(&d, EVR_E_FORMAT, "op_summary_0.csv is no op_summary file", NULL);
    d.options.mode = 7;
    expect_failure(&d, EVR_E_INVALID, "no mode 7", NULL);
    database_close(&d);
}

static void test_report__file_limit(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    evr_perfdb_options options = {EVR_INIT(evr_perfdb_options), .max_file_bytes = 100};
    evr_perfdb_free(d.db);
    assert_ok(evr_perfdb_open(d.ctx, d.folder, &options, &d.db, err));
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1\r\n");
    database_profile(&d, SUMMARY "\n");
    expect_failure(&d, EVR_E_LIMIT, "Add.csv is longer than 100 bytes", NULL);
    database_close(&d);
}

static void test_report__unwritable_folder(void **state)
{
    (void)state;
    enum { NOBODY = 65534 };
    uid_t user = geteuid();
    database d;
    database_open(&d);
    fill(&d);
    assert_int_equal(chmod(d.folder, 0555), 0);
    if (user == 0) /* who may write everywhere */
        assert_int_equal(seteuid(NOBODY), 0);
    expect_failure(&d, EVR_E_IO, strerror(EACCES), "right to make files");
    if (user == 0)
        assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(d.folder, 0755), 0);
    database_close(&d);
}

/* Everything of the interface, with allocation number `fail` failing. Returns whether it still failed somewhere. */
static bool everything(database *d, size_t fail, int once, uint32_t threads, size_t *step)
{
    evr_perfdb *db = NULL;
    evr_perfdb_report *report = NULL;
    evr_error *err = NULL;
    char *text = NULL, *path = NULL;
    size_t size;
    d->memory.calls = 0;
    d->memory.fail_after = fail;
    d->memory.fail_once = once;
    evr_perfdb_options options = {EVR_INIT(evr_perfdb_options), .threads = threads};
    evr_status status = evr_perfdb_open(d->ctx, d->folder, &options, &db, &err);
    *step = 1;
    if (status == EVR_OK)
        status = evr_perfdb_update(db, &d->options, &report, &err), *step = 2;
    for (int32_t format = EVR_PERFDB_TEXT_MARKDOWN; status == EVR_OK && format <= EVR_PERFDB_TEXT_JSON; format++) {
        status = evr_perfdb_report_text(report, format, &text, &size, &err);
        *step = 3;
        evr_text_free(d->ctx, text);
    }
    if (status == EVR_OK)
        status = evr_perfdb_report_write(report, in_folder(d->profile, "reports"), "1", &path, &err), *step = 4;
    evr_text_free(d->ctx, path);
    if (status != EVR_OK && status != EVR_E_NOMEM)
        fail_msg("allocation %zu fails: %s: %s", fail, evr_status_name(status), evr_error_message(err));
    d->memory.fail_after = 0;
    evr_perfdb_report_free(report);
    evr_perfdb_free(db);
    evr_error_free(err);
    return status != EVR_OK;
}

/* With several threads it is left to chance which of them runs out of memory. */
static void sweep(int once, uint32_t threads)
{
    database d;
    database_open(&d);
    bool failed = true;
    size_t fail = 1, step, last_step = 0;
    for (; failed; fail++) {
        fill(&d); /* as at first: an update that failed has changed nothing */
        failed = everything(&d, fail, once, threads, &step);
        assert_true(step >= last_step || !failed || threads > 1);
        last_step = step;
        if (failed && step <= 2) {
            char *text = test_read_file(in_folder(d.folder, "MatMulV2.csv"), NULL);
            assert_non_null(strstr(text, "\"1,4\",F,ND,\r\n"));
            free(text);
            assert_int_equal(each_entry(d.folder, NULL, NULL), 4);
        }
    }
    assert_true(fail > 100);
    database_close(&d);
}

static void test_report__memory_out_for_good(void **state)
{
    (void)state;
    sweep(0, 1);
}

static void test_report__memory_out_once(void **state)
{
    (void)state;
    sweep(1, 1);
}

static void test_report__memory_out_on_threads(void **state)
{
    (void)state;
    sweep(0, 3);
    sweep(1, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__texts),           cmocka_unit_test(test_report__write),
        cmocka_unit_test(test_report__older_callers),   cmocka_unit_test(test_report__errors),
        cmocka_unit_test(test_report__file_limit),      cmocka_unit_test(test_report__unwritable_folder),
        cmocka_unit_test(test_report__memory_out_for_good), cmocka_unit_test(test_report__memory_out_once),
        cmocka_unit_test(test_report__memory_out_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
