/* Rows of a folder: chosen, made records of, given results, put back. */
#include "perfdb/databases.h"

#define DURATIONS "Average Duration(us),Profiling Average Duration(us)\r\n"
#define ADD(size, measured, profiled) "dynamic,AIV,\"\"\"" size ";" size "\"\"\",FLOAT;FLOAT,ND;ND,\"\"\"" size "\"\"\",FLOAT,ND," measured "," profiled "\r\n"

typedef struct chosen {
    database d;
    evr_row_map *map;
    evr_rows *rows;
    evr_rows_options options;
} chosen;

static void open_chosen(chosen *c)
{
    static const char *const spaces[] = {"_C", "_moe_C"};
    database_open(&c->d);
    for (size_t i = 0; i < 2; i++)
        assert_ok(evr_register_namespace(c->d.ctx, (evr_str){spaces[i], strlen(spaces[i])}, NULL, 0, err));
    database_put(&c->d, "Add.csv", HEADER DURATIONS ADD("2,3", "", "4") ADD("2,3", "", "") "broken,row\r\n" ADD("4,3", "x", "0") ADD("5,3", "5.5", ""));
    database_put(&c->d, "SwiGlu.csv", HEADER DURATIONS ADD("7,3", "", ""));
    database_put(&c->d, "Unheard.csv", HEADER DURATIONS ADD("7,3", "", ""));
    database_put(&c->d, "communication.csv", "Name,Time\r\nx,1\r\n");
    assert_ok(evr_row_map_new(c->d.ctx, &c->map, err));
    c->rows = NULL;
    c->options = (evr_rows_options){EVR_INIT(evr_rows_options), .map = c->map};
    c->d.options.source_count = 0;
}

static void choose(chosen *c)
{
    evr_rows_free(c->rows);
    c->rows = NULL;
    assert_ok(evr_rows_open(c->d.ctx, c->d.db, &c->options, &c->rows, err));
}

static void close_chosen(chosen *c)
{
    evr_rows_free(c->rows);
    evr_row_map_free(c->map);
    database_close(&c->d);
}

static evr_row_info row_at(const chosen *c, size_t i)
{
    evr_row_info row = {EVR_INIT(evr_row_info)};
    assert_ok(evr_rows_at(c->rows, i, &row, err));
    return row;
}

/* A result for each record: ok with i + 1 microseconds, or what `refuse` says of its number. */
static evr_results *results_of(chosen *c, size_t refuse)
{
    size_t count;
    evr_results *results;
    const evr_ir *const *records = evr_rows_records(c->rows, &count);
    const evr_results_info info = {EVR_INIT(evr_results_info)};
    assert_ok(evr_results_new(c->d.ctx, &info, &results, err));
    for (size_t i = 0; i < count; i++) {
        char key[33];
        evr_statistics s = {EVR_INIT(evr_statistics), .median = 1000.0 * (double)(i + 1)};
        evr_result r = {EVR_INIT(evr_result), .index = i, .uid = EVR_NO_UID, .op = evr_ir_op(records[i]), .key = {key, 32}, .statistics = &s};
        assert_ok(evr_ir_key(records[i], key, err));
        if (i == refuse) {
            r.status = EVR_STATUS_FAILED;
            r.reason = EVR_REASON_OP_ERROR;
            r.detail = (evr_str){"it refused", 10};
            r.statistics = NULL;
        }
        assert_ok(evr_results_add(results, &r, err));
    }
    return results;
}

static void test_rows__each_call_once(void **state)
{
    (void)state;
    chosen c;
    size_t count;
    open_chosen(&c);
    choose(&c);
    assert_int_equal(evr_rows_count(c.rows), 6);
    assert_non_null(evr_rows_records(c.rows, &count));
    assert_int_equal(count, 5); /* three sums, silu and a product */
    const uint64_t lines[] = {2, 3, 5, 6, 2, 2};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(row_at(&c, i).line, lines[i]);
    assert_int_equal(row_at(&c, 0).records[0], row_at(&c, 1).records[0]);
    assert_str(row_at(&c, 4).op, "SwiGlu");
    assert_str(row_at(&c, 4).file, "SwiGlu.csv");
    assert_str(row_at(&c, 4).shapes, "\"7,3;7,3\" -> \"7,3\"");
    assert_str(row_at(&c, 4).composite, "silu, then product");
    assert_int_equal(row_at(&c, 4).record_count, 2);
    assert_int_equal(row_at(&c, 5).status, EVR_STATUS_SKIPPED);
    assert_int_equal(row_at(&c, 5).record_count, 0);
    evr_row_info row = {EVR_INIT(evr_row_info)};
    assert_int_equal(evr_rows_at(c.rows, 6, &row, NULL), EVR_E_NOT_FOUND);
    close_chosen(&c);
}

static void test_rows__choice(void **state)
{
    (void)state;
    static const char *const ops[] = {"A*", "Nothing"};
    chosen c;
    open_chosen(&c);
    c.options.mode = EVR_PERFDB_MODE_MISSING_ONLY;
    c.options.ops = ops;
    c.options.op_count = 2;
    choose(&c);
    assert_int_equal(evr_rows_count(c.rows), 2);
    assert_int_equal(row_at(&c, 0).line, 3);
    assert_int_equal(row_at(&c, 1).line, 5);
    close_chosen(&c);
}

static void test_rows__results_and_update(void **state)
{
    (void)state;
    chosen c;
    uint64_t taken;
    open_chosen(&c);
    choose(&c);
    evr_results *results = results_of(&c, 1);
    assert_ok(evr_rows_take(c.rows, results, &taken, err));
    evr_results_free(results);
    assert_int_equal(taken, 5);
    assert_true(row_at(&c, 0).measured_us == 1 && row_at(&c, 1).measured_us == 1 && row_at(&c, 3).measured_us == 3);
    assert_true(row_at(&c, 4).measured_us == 4 + 5);
    assert_int_equal(row_at(&c, 2).status, EVR_STATUS_FAILED);
    assert_str(row_at(&c, 2).reason, "op-error: it refused");
    assert_ok(evr_rows_update(c.rows, c.d.db, &c.d.options, 0, &c.d.report, err));
    database_expect(&c.d, "Add.csv", HEADER DURATIONS ADD("2,3", "1.000000", "4") ADD("2,3", "", "") "broken,row\r\n" ADD("4,3", "x", "0") ADD("5,3", "3.000000", ""));
    database_expect(&c.d, "SwiGlu.csv", HEADER DURATIONS ADD("7,3", "9.000000", ""));
    evr_perfdb_file f = database_file(&c.d, "Add", NULL);
    assert_int_equal(f.status, EVR_PERFDB_FAILED);
    assert_str(f.reason, "1 of 4 rows failed, line 5: op-error: it refused");
    assert_int_equal(database_file(&c.d, "SwiGlu", NULL).status, EVR_PERFDB_SUCCESS);
    assert_int_equal(database_file(&c.d, "Unheard", NULL).status, EVR_PERFDB_SKIPPED);
    /* Results of another try fill what failed, and never take a time away. */
    results = results_of(&c, 0);
    assert_ok(evr_rows_take(c.rows, results, NULL, err));
    evr_results_free(results);
    assert_int_equal(row_at(&c, 2).status, EVR_STATUS_OK);
    assert_true(row_at(&c, 2).measured_us == 2 && row_at(&c, 0).measured_us == 1);
    close_chosen(&c);
}

static void test_rows__without_results(void **state)
{
    (void)state;
    chosen c;
    open_chosen(&c);
    choose(&c);
    assert_ok(evr_rows_update(c.rows, c.d.db, NULL, 0, &c.d.report, err));
    evr_perfdb_run run = {EVR_INIT(evr_perfdb_run)};
    assert_int_equal(evr_perfdb_report_run_count(c.d.report), 6);
    assert_ok(evr_perfdb_report_run(c.d.report, 0, &run, err));
    assert_str(run.reason, "not-run: the run ended before it");
    assert_int_equal(run.status, EVR_PERFDB_SKIPPED);
    evr_perfdb_report_free(c.d.report);
    assert_ok(evr_rows_update(c.rows, c.d.db, NULL, 1, &c.d.report, err));
    assert_int_equal(evr_perfdb_report_run_count(c.d.report), 0);
    assert_int_equal(evr_perfdb_report_run(c.d.report, 0, &run, NULL), EVR_E_NOT_FOUND);
    close_chosen(&c);
}

/* Only calls that the results have: torch_npu was there when they were taken. */
static void test_rows__like_results(void **state)
{
    (void)state;
    chosen c;
    evr_results *results;
    open_chosen(&c);
    const evr_results_info info = {EVR_INIT(evr_results_info)};
    assert_ok(evr_results_new(c.d.ctx, &info, &results, err));
    const evr_result r = {EVR_INIT(evr_result), .uid = EVR_NO_UID, .op = {"npu::npu_swiglu", 15}, .key = {"0", 1}};
    assert_ok(evr_results_add(results, &r, err));
    database_put(&c.d, "SwiGlu.csv", HEADER DURATIONS ",,\"5,64\",FLOAT,ND,\"5,32\",FLOAT,ND,,\r\n");
    const evr_results *const like[] = {results};
    c.options.like = like;
    c.options.like_count = 1;
    choose(&c);
    size_t count;
    const evr_ir *const *records = evr_rows_records(c.rows, &count);
    assert_int_equal(count, 1);
    assert_str(evr_ir_op(records[0]), "npu::npu_swiglu");
    evr_results_free(results);
    close_chosen(&c);
}

static void test_rows__arguments(void **state)
{
    (void)state;
    chosen c;
    evr_rows *rows;
    open_chosen(&c);
    assert_int_equal(evr_rows_open(c.d.ctx, c.d.db, NULL, &rows, NULL), EVR_E_INVALID);
    assert_null(rows);
    c.options.map = NULL;
    assert_int_equal(evr_rows_open(c.d.ctx, c.d.db, &c.options, &rows, NULL), EVR_E_INVALID);
    assert_int_equal(evr_row_map_add(NULL, "", 0, "x", NULL), EVR_E_INVALID);
    assert_int_equal(evr_row_map_add_file(c.map, "/no/such/file", NULL), EVR_E_IO);
    const evr_perfdb_run untimed = {EVR_INIT(evr_perfdb_run), .status = EVR_PERFDB_SUCCESS, .op = {"Add", 3}}, *const runs[] = {&untimed};
    c.d.options.runs = runs;
    c.d.options.run_count = 1;
    assert_int_equal(evr_perfdb_update(c.d.db, &c.d.options, NULL, NULL), EVR_E_INVALID);
    close_chosen(&c);
}

static void test_rows__no_memory(void **state)
{
    (void)state;
    chosen c;
    size_t failures = 0;
    open_chosen(&c);
    for (size_t after = 1, done = 0; !done; after += 1 + after / 16) {
        evr_results *results = NULL;
        c.d.memory.calls = 0;
        c.d.memory.fail_after = after;
        evr_status status = evr_rows_open(c.d.ctx, c.d.db, &c.options, &c.rows, NULL);
        c.d.memory.fail_after = 0;
        if (status == EVR_OK) {
            results = results_of(&c, 1);
            c.d.memory.calls = 0;
            c.d.memory.fail_after = after > 100 ? after % 97 + 1 : after;
            status = evr_rows_take(c.rows, results, NULL, NULL);
            if (status == EVR_OK)
                status = evr_rows_update(c.rows, c.d.db, &c.d.options, 0, &c.d.report, NULL);
            c.d.memory.fail_after = 0;
            done = after > 4000;
        }
        evr_results_free(results);
        evr_rows_free(c.rows);
        c.rows = NULL;
        evr_perfdb_report_free(c.d.report);
        c.d.report = NULL;
        assert_true(status == EVR_OK || status == EVR_E_NOMEM);
        failures += status == EVR_E_NOMEM;
    }
    assert_true(failures > 20);
    close_chosen(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows__each_call_once), cmocka_unit_test(test_rows__choice),    cmocka_unit_test(test_rows__results_and_update),
        cmocka_unit_test(test_rows__without_results), cmocka_unit_test(test_rows__like_results), cmocka_unit_test(test_rows__arguments),
        cmocka_unit_test(test_rows__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
