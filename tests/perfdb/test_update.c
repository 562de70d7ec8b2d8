/* What an update makes of a database. */
#include "perfdb/databases.h"

static void test_update__matches_and_adds(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us),Profiling Average Duration(us)\r\n"
                                       "dynamic,AIV,\"\"\"2,3\"\"\",FLOAT,ND,\"\"\"2,3\"\"\",FLOAT,ND,5.000000,4\r\n");
    database_profile(&d, SUMMARY "\n0,Add,static,AIV,7.5,\"\"\"2,3\"\"\",FLOAT,ND,\"\"\"2,3\"\"\",FLOAT,ND\n"
                                 "0,Add,static,AIV,6.25,\"2,3\",DT_FLOAT,ND,\"2,3\",FLOAT,ND\n"
                                 "0,Add,static,AIV,1,\"\"\"9\"\"\",FLOAT,ND,\"\"\"9\"\"\",FLOAT,ND\n");
    database_update(&d);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us),Profiling Average Duration(us)\r\n"
                                          "dynamic,AIV,\"\"\"2,3\"\"\",FLOAT,ND,\"\"\"2,3\"\"\",FLOAT,ND,6.250000,4\r\n"
                                          "static,AIV,\"\"\"9\"\"\",FLOAT,ND,\"\"\"9\"\"\",FLOAT,ND,1.000000,\r\n");
    evr_perfdb_file f = database_file(&d, "Add", NULL);
    assert_int_equal(f.status, EVR_PERFDB_SUCCESS);
    assert_int_equal(f.updated, 1);
    assert_int_equal(f.added, 1);
    assert_int_equal(f.missing, 1);
    assert_int_equal(f.rows, 2);
    assert_int_equal(d.totals.gaps, 1);
    evr_perfdb_gap g = {EVR_INIT(evr_perfdb_gap)};
    assert_ok(evr_perfdb_report_gap(d.report, 0, &g, err));
    assert_true(g.measured_us == 6.25 && g.profiled_us == 4 && g.ratio == 6.25 / 4);
    database_close(&d);
}

/* Rows that were run update their own operator's rows, and their own EP size's. */
static void test_update__rows_that_were_run(void **state)
{
    (void)state;
#define CELLS(shapes) .state = {"s", 1}, .core = {"c", 1}, .input_shapes = {shapes, sizeof(shapes) - 1}, .input_types = {"F", 1}, .output_shapes = {shapes, sizeof(shapes) - 1}, .output_types = {"F", 1}
    const evr_perfdb_run all[] = {
        {EVR_INIT(evr_perfdb_run), .status = EVR_PERFDB_SUCCESS, .op = {"MatMulV2", 8}, CELLS("2"), .line = 2, .duration_us = 3},
        {EVR_INIT(evr_perfdb_run), .status = EVR_PERFDB_SUCCESS, .op = {"DispatchFFNCombine", 18}, CELLS("2"), .line = 3, .duration_us = 4, .ep_size = {"16", 2}},
        {EVR_INIT(evr_perfdb_run), .status = EVR_PERFDB_FAILED, .op = {"DispatchFFNCombine", 18}, CELLS("2"), .line = 2, .reason = {"crashed", 7}, .ep_size = {"8", 1}},
        {EVR_INIT(evr_perfdb_run), .status = EVR_PERFDB_SKIPPED, .op = {"MatMulV3", 8}, CELLS("2"), .line = 2, .reason = {"bad-shape: \"2\" | x", 18}},
    }, *const runs[] = {&all[0], &all[1], &all[2], &all[3]};
    database d;
    database_open(&d);
    database_put(&d, "MatMulV2.csv", HEADER "Average Duration(us)\r\n,,2,F,,2,F,,1\r\n");
    database_put(&d, "MatMulV3.csv", HEADER "Average Duration(us)\r\n,,2,F,,2,F,,1\r\n");
    database_put(&d, "DispatchFFNCombine.csv", HEADER "Average Duration(us),EP Size\r\n,,2,F,,2,F,,1,8\r\n,,2,F,,2,F,,1,16\r\n");
    d.options.source_count = 0;
    d.options.runs = runs;
    d.options.run_count = 4;
    database_update(&d);
    database_expect(&d, "MatMulV2.csv", HEADER "Average Duration(us)\r\n,,2,F,,2,F,,3.000000\r\n");
    database_expect(&d, "MatMulV3.csv", HEADER "Average Duration(us)\r\n,,2,F,,2,F,,1\r\n");
    database_expect(&d, "DispatchFFNCombine.csv", HEADER "Average Duration(us),EP Size\r\n,,2,F,,2,F,,1,8\r\n,,2,F,,2,F,,4.000000,16\r\n");
    assert_int_equal(database_file(&d, "MatMulV2", NULL).status, EVR_PERFDB_SUCCESS);
    assert_str(database_file(&d, "DispatchFFNCombine", NULL).reason, "1 of 2 rows failed, line 2: crashed");
    assert_str(database_file(&d, "MatMulV3", NULL).reason, "1 of 1 rows were skipped, line 2: bad-shape: \"2\" | x");
    evr_perfdb_run run = {EVR_INIT(evr_perfdb_run)};
    assert_ok(evr_perfdb_report_run(d.report, 1, &run, err));
    assert_str(run.ep_size, "16");
    assert_str(run.core, "c");
    assert_true(run.duration_us == 4 && run.line == 3 && run.status == EVR_PERFDB_SUCCESS);
    char *text;
    assert_ok(evr_perfdb_report_text(d.report, EVR_PERFDB_TEXT_MARKDOWN, &text, NULL, err));
    assert_non_null(strstr(text, "## Rows that were run"));
    assert_non_null(strstr(text, "2 rows were measured, 1 skipped, 1 failed."));
    assert_null(strstr(text, "\"2\" | x"));
    evr_text_free(d.ctx, text);
    assert_ok(evr_perfdb_report_text(d.report, EVR_PERFDB_TEXT_JSON, &text, NULL, err));
    assert_non_null(strstr(text, "\"status\": \"success\",\n   \"reason\": \"\",\n   \"signature\": \"2 -> 2\",\n   \"measured_us\": 3"));
    evr_text_free(d.ctx, text);
    database_close(&d);
}

static void test_update__gap_bounds(void **state)
{
    /* Exactly 0.8 and 1.2 of the profiled time are no gaps yet. */
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us),Profiling Average Duration(us)\r\n"
                                       ",,1,F,ND,1,F,ND,,10\r\n,,2,F,ND,2,F,ND,,10\r\n,,3,F,ND,3,F,ND,,10\r\n,,4,F,ND,4,F,ND,,10\r\n");
    database_profile(&d, SUMMARY "\n,Add,,,8,1,F,ND,1,F,ND\n,Add,,,12,2,F,ND,2,F,ND\n,Add,,,7.99,3,F,ND,3,F,ND\n,Add,,,12.6,4,F,ND,4,F,ND\n");
    database_update(&d);
    assert_int_equal(d.totals.gaps, 2);
    evr_perfdb_gap g = {EVR_INIT(evr_perfdb_gap)};
    assert_ok(evr_perfdb_report_gap(d.report, 0, &g, err));
    assert_true(g.measured_us == 12.6);
    assert_int_equal(evr_perfdb_report_gap(d.report, 2, &g, NULL), EVR_E_NOT_FOUND);
    database_close(&d);
}

static void test_update__any_column_order(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", "\xef\xbb\xbfNote, Average Duration(us) ,Output Data Types,Output Shapes,Input Formats,Input Data Types,Input Shapes\n"
                                "\"a, \"\"b\"\"\nc\",1,F,2,,F,2\n");
    database_profile(&d, SUMMARY "\n,Add,,,3,2,F,,2,F,ND\n,Add,,,4,5,F,,5,F,ND\n");
    database_update(&d);
    database_expect(&d, "Add.csv", "Note, Average Duration(us) ,Output Data Types,Output Shapes,Input Formats,Input Data Types,Input Shapes\r\n"
                                   "\"a, \"\"b\"\"\nc\",3.000000,F,2,,F,2\r\n,4.000000,F,5,,F,5\r\n");
    database_close(&d);
}

static void test_update__legacy_columns(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "MicroBench Task Duration(us),MicroBench Duration(us),Profiling Average aic_mac_ratio,X\r\n"
                                       ",,2,F,ND,2,F,ND,9,1,0.5,x\r\n,,3,F,ND,3,F,ND,9,2,0.5,y\r\n");
    database_put(&d, "Mul.csv", "Input Shapes,Input Data Types,Output Shapes,Y\r\n2,F,2,y\r\n");
    database_profile(&d, SUMMARY ",aic_mac_ratio\n,Add,,,3,2,F,ND,2,F,ND,0.25\n,Add,,,4,2,F,ND,2,F,ND,0.5\n,Mul,,,5,2,F,,2,,,1\n");
    database_update(&d);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us),MicroBench aic_mac_ratio,Profiling Average aic_mac_ratio,X\r\n"
                                          ",,2,F,ND,2,F,ND,3.000000,0.375000,0.5,x\r\n,,3,F,ND,3,F,ND,2,,0.5,y\r\n");
    database_expect(&d, "Mul.csv", "Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Average Duration(us),Y\r\n2,F,,2,,5.000000,y\r\n");
    database_close(&d);
}

static void test_update__missing_columns(void **state)
{
    /* A file that does not tell types or formats gets the columns, so that a row added is found again. */
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", "Output Shapes,Average Duration(us),Input Data Types,Input Shapes\r\n2,1,F,2\r\n");
    database_profile(&d, SUMMARY "\n,Add,,,3,2,F,ND,2,F,ND\n");
    const char *expected = "Output Shapes,Average Duration(us),Input Data Types,Input Shapes,Input Formats,Output Data Types\r\n"
                           "2,1,F,2,,\r\n2,3.000000,F,2,ND,F\r\n";
    for (int round = 0; round < 2; round++) {
        database_update(&d);
        database_expect(&d, "Add.csv", expected);
        assert_int_equal(d.totals.added, !round);
    }
    database_close(&d);
}

static void test_update__counters(void **state)
{
    /* Averages over the repeats that have a number; 0 when none has; untouched without the column. */
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us),MicroBench aiv_time(us),MicroBench aic_mac_ratio,MicroBench aiv_vec_ratio\r\n"
                                       ",,2,F,ND,2,F,ND,1,8,8,8\r\n");
    database_profile(&d, SUMMARY ",aiv_time(us),aic_mac_ratio\n,Add,,,3,2,F,ND,2,F,ND,1,N/A\n,Add,,,2,2,F,ND,2,F,ND,N/A,\n"
                                 ",Add,,,4,2,F,ND,2,F,ND,4,inf\n");
    database_update(&d);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us),MicroBench aiv_time(us),MicroBench aic_mac_ratio,MicroBench aiv_vec_ratio\r\n"
                                          ",,2,F,ND,2,F,ND,2.000000,2.500000,0.000000,8\r\n");
    database_close(&d);
}

static void test_update__invalid_durations(void **state)
{
    /* A repeat without a duration would make the shortest one 0: it is left out, and said. */
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1.000000\r\n");
    database_profile(&d, SUMMARY "\n,Add,,,0,2,F,ND,2,F,ND\n,Add,,,nan,2,F,ND,2,F,ND\n,Add,,,-3,2,F,ND,2,F,ND\n,Add,,,inf,2,F,ND,2,F,ND\n"
                                 ",Add,,,N/A,2,F,ND,2,F,ND\n,N/A,,,x,2,F,ND,2,F,ND\n,,,,x,2,F,ND,2,F,ND\nshort\n");
    database_update(&d);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1.000000\r\n");
    assert_int_equal(d.totals.malformed, 6);
    assert_int_equal(d.totals.source_rows, 8);
    evr_perfdb_problem p = {EVR_INIT(evr_perfdb_problem)};
    assert_ok(evr_perfdb_report_problem(d.report, 5, &p, err));
    assert_int_equal(p.line, 9);
    assert_str(p.path, in_folder(d.profile, "op_summary_0.csv"));
    assert_str(p.message, "there are fewer fields than columns; the row was left out");
    assert_int_equal(database_file(&d, "Add", NULL).status, EVR_PERFDB_SKIPPED);
    database_close(&d);
}

static void test_update__malformed_rows_stay(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\n,,2,F,ND,2,F,ND,1\nto,\"rn\n,,3,F,ND,3,F,ND,\"1\"\n,,2,F,ND,2,F,ND,1,too,many\n");
    database_profile(&d, SUMMARY "\n,Add,,,5,2,F,ND,2,F,ND\n");
    d.options.flags = EVR_PERFDB_PRUNE;
    database_update(&d);
    database_expect(&d, "Add.csv",
                    HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,5.000000\r\nto,\"rn\r\n,,3,F,ND,3,F,ND,1\r\n,,2,F,ND,2,F,ND,1,too,many\r\n");
    assert_int_equal(d.totals.malformed, 2);
    assert_int_equal(database_file(&d, "Add", NULL).malformed, 2);
    evr_perfdb_problem p = {EVR_INIT(evr_perfdb_problem)};
    assert_ok(evr_perfdb_report_problem(d.report, 0, &p, err));
    assert_int_equal(p.line, 3);
    assert_str(p.path, in_folder(d.folder, "Add.csv"));
    assert_str(p.message, "a quote is not closed; the row was kept as it is and takes no part");
    assert_ok(evr_perfdb_report_problem(d.report, 1, &p, err));
    assert_int_equal(p.line, 5);
    database_close(&d);
}

static void test_update__unchanged_files_stay(void **state)
{
    /* Neither rows that get the value they have, nor columns that would be written otherwise, make a file change. */
    (void)state;
    database d;
    struct stat before, after;
    const char *text = "\xef\xbb\xbf" HEADER "MicroBench Duration(us)\n,,\"2\",F,ND,2,F,ND,5.000000\n";
    database_open(&d);
    database_put(&d, "Add.csv", text);
    database_put(&d, "Mul.csv", HEADER "Average Duration(us)\r\n");
    database_profile(&d, SUMMARY "\n,Add,,,5,2,F,ND,2,F,ND\n");
    assert_int_equal(stat(in_folder(d.folder, "Add.csv"), &before), 0);
    database_update(&d);
    assert_int_equal(stat(in_folder(d.folder, "Add.csv"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    database_expect(&d, "Add.csv", text);
    assert_int_equal(d.totals.written, 0);
    assert_int_equal(d.totals.files, 2);
    assert_int_equal(each_entry(d.folder, NULL, NULL), 2); /* no lock, nothing staged */
    database_close(&d);
}

static void test_update__missing_only(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us),Profiling Average Duration(us)\r\n"
                                       ",,2,F,ND,2,F,ND,0,\r\n,,3,F,ND,3,F,ND,nan,7\r\n,,4,F,ND,4,F,ND,8,\r\n");
    database_profile(&d, SUMMARY "\n,Add,,,5,2,F,ND,2,F,ND\n,Add,,,5,3,F,ND,3,F,ND\n,Add,,,5,4,F,ND,4,F,ND\n,Add,,,5,9,F,ND,9,F,ND\n");
    d.options.mode = EVR_PERFDB_MODE_MISSING_ONLY;
    database_update(&d);
    const char *filled = HEADER "Average Duration(us),Profiling Average Duration(us)\r\n"
                                ",,2,F,ND,2,F,ND,5.000000,\r\n,,3,F,ND,3,F,ND,nan,7\r\n,,4,F,ND,4,F,ND,8,\r\n";
    database_expect(&d, "Add.csv", filled);
    evr_perfdb_file f = database_file(&d, "Add", NULL);
    assert_int_equal(f.updated, 1);
    assert_int_equal(f.unchanged, 2);
    assert_int_equal(f.missing, 1);
    assert_int_equal(f.added, 0);
    assert_int_equal(d.totals.complete, 0);

    /* Now every row has a duration: the sources are not even opened. */
    d.sources[0] = "/no/such/folder";
    database_update(&d);
    assert_int_equal(d.totals.complete, 1);
    assert_int_equal(d.totals.source_files, 0);
    database_expect(&d, "Add.csv", filled);
    database_close(&d);
}

static void test_update__missing_only_reads_on(void **state)
{
    /* A file without rows, a database without files and one row without duration are not complete. */
    (void)state;
    static const char *const texts[] = {HEADER "Average Duration(us)\r\n", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1\r\n,,3,F,ND,3,F,ND,\r\n",
                                        NULL};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        database d;
        database_open(&d);
        if (texts[i])
            database_put(&d, "Add.csv", texts[i]);
        database_profile(&d, SUMMARY "\n");
        d.options.mode = EVR_PERFDB_MODE_MISSING_ONLY;
        database_update(&d);
        assert_int_equal(d.totals.complete, 0);
        assert_int_equal(d.totals.source_files, 1);
        database_close(&d);
    }
}

static void test_update__prune(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us),Profiling Average Duration(us)\r\n"
                                       ",,2,F,ND,2,F,ND,-1,N/A\r\n,,3,F,ND,3,F,ND,inf,7\r\n,,4,F,ND,4,F,ND,,\r\n,,5,F,ND,5,F,ND,1e-3,0\r\n");
    database_profile(&d, SUMMARY "\n,Add,,,5,4,F,ND,4,F,ND\n");
    d.options.flags = EVR_PERFDB_PRUNE;
    database_update(&d);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us),Profiling Average Duration(us)\r\n"
                                          ",,3,F,ND,3,F,ND,inf,7\r\n,,4,F,ND,4,F,ND,5.000000,\r\n,,5,F,ND,5,F,ND,1e-3,0\r\n");
    size_t index = 0;
    assert_int_equal(database_file(&d, "Add", &index).deleted, 1);
    assert_str(evr_perfdb_report_item(d.report, index, EVR_PERFDB_DELETED, 0, NULL), "2 -> 2");
    assert_int_equal(database_file(&d, "Add", NULL).rows, 3);
    database_close(&d);
}

static void test_update__families(void **state)
{
    /* Another name's measurements fill rows and never make any; nor do a matrix product's own. */
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "MatMulV2.csv", HEADER "Average Duration(us)\r\n,,\"16,8;8,4\",F;F,ND;ND,\"16,4\",F,ND,\r\n");
    database_put(&d, "Cast.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,\r\n");
    database_profile(&d, SUMMARY "\n,MatMulCommon,,,3,\"16,8;4,8\",F;F,ND;ND,\"16,4\",F,ND\n,MatMulV2,,,4,\"1,8;4,8\",F;F,ND;ND,\"1,4\",F,ND\n"
                                 ",CastAiCore,,,5,2,F,ND,2,F,ND\n,CastAiCore,,,6,7,F,ND,7,F,ND\n,Cast,,,7,8,F,ND,8,F,ND\n");
    database_update(&d);
    database_expect(&d, "MatMulV2.csv", HEADER "Average Duration(us)\r\n,,\"16,8;8,4\",F;F,ND;ND,\"16,4\",F,ND,3.000000\r\n");
    database_expect(&d, "Cast.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,5.000000\r\n,,8,F,ND,8,F,ND,7.000000\r\n");
    assert_int_equal(database_file(&d, "MatMulV2", NULL).unmatched, 1);
    assert_int_equal(database_file(&d, "MatMulV2", NULL).missing, 0);
    assert_int_equal(database_file(&d, "Cast", NULL).unmatched, 1);
    assert_int_equal(evr_perfdb_report_file_count(d.report), 2); /* the other names have no files, and need none */
    database_close(&d);
}

static void test_update__duplicates(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\r\n,,3,F,ND,3,F,ND,1\r\n,,2,F,ND,2,F,ND,1\r\n,,\"2,\",F,ND,2,F,ND,2\r\n"
                                       ",,3;,F,ND,3,F,ND,1\r\n,,(2),F,ND,2,F,ND,3\r\n");
    database_profile(&d, SUMMARY "\n,Add,,,5,2,F,ND,2,F,ND\n");
    database_update(&d);
    size_t index = 0;
    uint64_t count;
    assert_int_equal(database_file(&d, "Add", &index).duplicates, 2);
    assert_str(evr_perfdb_report_item(d.report, index, EVR_PERFDB_DUPLICATE, 0, &count), "2 -> 2");
    assert_int_equal(count, 3);
    assert_str(evr_perfdb_report_item(d.report, index, EVR_PERFDB_DUPLICATE, 1, &count), "3 -> 3");
    assert_int_equal(count, 2);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us)\r\n,,3,F,ND,3,F,ND,1\r\n,,2,F,ND,2,F,ND,5.000000\r\n,,\"2,\",F,ND,2,F,ND,2\r\n"
                                          ",,3;,F,ND,3,F,ND,1\r\n,,(2),F,ND,2,F,ND,3\r\n");
    database_close(&d);
}

static void test_update__ep_size(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "DispatchFFNCombine.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1\r\n");
    database_profile(&d, SUMMARY "\n,DispatchFFNCombine,,,5,3,F,ND,3,F,ND\n,DispatchFFNCombine,,,6,2,F,ND,2,F,ND\n");
    d.options.ep_size = 8;
    database_update(&d);
    database_expect(&d, "DispatchFFNCombine.csv",
                    HEADER "Average Duration(us),EP Size\r\n,,2,F,ND,2,F,ND,6.000000,8\r\n,,3,F,ND,3,F,ND,5.000000,8\r\n");
    d.options.ep_size = 16; /* other rows from here on */
    database_update(&d);
    assert_int_equal(d.totals.added, 2);
    assert_int_equal(d.totals.updated, 0);
    database_close(&d);
}

static void test_update__new_files(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_profile(&d, SUMMARY ",aiv_time(us)\n,Add,dynamic,AIV,3,2,F,ND,2,F,ND,1\n,MatMulV2,,,4,\"1,8;4,8\",F;F,ND;ND,\"1,4\",F,ND,2\n"
                                 ",../evil,,,4,2,F,ND,2,F,ND,2\n");
    database_update(&d);
    assert_int_equal(each_entry(d.folder, NULL, NULL), 2);
    size_t size;
    char *text = test_read_file(in_folder(d.folder, "Add.csv"), &size);
    assert_non_null(strstr(text, "Profiling Std Duration(us),MicroBench aicore_time(us),Profiling Average aicore_time(us),"));
    assert_non_null(strstr(text, "\r\ndynamic,AIV,2,F,ND,2,F,ND,3.000000,,,,"));
    free(text);
    assert_str(database_file(&d, "../evil", NULL).reason, "its name cannot be the name of a file");
    assert_int_equal(database_file(&d, "MatMulV2", NULL).added, 1);

    /* A database that has files gets another only by name. */
    database_profile(&d, SUMMARY "\n,Mul,,,3,2,F,ND,2,F,ND\n,Sub,,,3,2,F,ND,2,F,ND\n,Add,,,3,9,F,ND,9,F,ND\n");
    database_update(&d);
    assert_int_equal(each_entry(d.folder, NULL, NULL), 2);
    assert_int_equal(database_file(&d, "Mul", NULL).status, EVR_PERFDB_SKIPPED);
    const char *const ops[] = {"Mul", "Pow"};
    d.options.ops = ops;
    d.options.op_count = 2;
    database_profile(&d, SUMMARY "\n,Mul,,,3,2,F,ND,2,F,ND\n,Sub,,,3,2,F,ND,2,F,ND\n,Add,,,3,10,F,ND,10,F,ND\n");
    database_update(&d);
    assert_int_equal(each_entry(d.folder, NULL, NULL), 3);
    assert_int_equal(evr_perfdb_report_file_count(d.report), 2); /* Mul and Pow; Add was not asked for */
    assert_str(database_file(&d, "Mul", NULL).name, "Mul.csv");
    assert_str(database_file(&d, "Pow", NULL).reason, "it has no file in the database, and the sources hold no measurement of it");
    database_close(&d);
}

static void test_update__other_files_stay(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "hcom_allReduce_.csv", "message_bytes,Duration(us)\r\n1,2\r\n");
    database_put(&d, "Empty.csv", "");
    database_put(&d, "Torn.csv", "Input Shapes,\"Input");
    database_put(&d, ".hidden.csv", HEADER "\r\n");
    database_put(&d, "notes.txt", "x");
    database_put(&d, "real", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1\r\n");
    assert_int_equal(symlink("real", in_folder(d.folder, "Link.csv")), 0);
    database_profile(&d, SUMMARY "\n,Link,,,3,2,F,ND,2,F,ND\n,Empty,,,3,2,F,ND,2,F,ND\n");
    d.options.flags = EVR_PERFDB_PRUNE;
    database_update(&d);
    assert_int_equal(d.totals.written, 0);
    assert_str(database_file(&d, "hcom_allReduce_", NULL).reason, "it is no operator file: it has no column \"Input Shapes\"");
    assert_int_equal(database_file(&d, "hcom_allReduce_", NULL).status, EVR_PERFDB_SKIPPED);
    assert_int_equal(database_file(&d, "Empty", NULL).status, EVR_PERFDB_FAILED);
    assert_int_equal(database_file(&d, "Torn", NULL).status, EVR_PERFDB_FAILED);
    assert_int_equal(database_file(&d, "Link", NULL).status, EVR_PERFDB_FAILED);
    database_expect(&d, "real", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1\r\n");
    assert_int_equal(each_entry(d.folder, NULL, NULL), 7);
    database_close(&d);
}

static void test_update__mode_of_files(void **state)
{
    (void)state;
    database d;
    struct stat st;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\r\n,,2,F,ND,2,F,ND,1\r\n");
    assert_int_equal(chmod(in_folder(d.folder, "Add.csv"), 0640), 0);
    database_profile(&d, SUMMARY "\n,Add,,,3,2,F,ND,2,F,ND\n");
    database_update(&d);
    assert_int_equal(d.totals.written, 1);
    assert_int_equal(stat(in_folder(d.folder, "Add.csv"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    database_close(&d);
}

static void test_update__sources(void **state)
{
    /* Files at any depth, by name; a file named outright may have any name; the first row of a call gives its cells. */
    (void)state;
    database d;
    database_open(&d);
    assert_int_equal(mkdir(in_folder(d.profile, "b"), 0777), 0);
    assert_int_equal(mkdir(in_folder(d.profile, "a"), 0777), 0);
    put_text(in_folder(d.profile, "b/op_summary_1.csv"), SUMMARY "\n,Add,later,,3,2,F,ND,2,F,ND\n");
    put_text(in_folder(d.profile, "a/op_summary_9.csv"), SUMMARY "\n,Add,first,,4,2,F,ND,2,F,ND\n");
    put_text(in_folder(d.profile, "a/other.csv"), "x\n");
    assert_int_equal(symlink("..", in_folder(d.profile, "a/loop")), 0);
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\r\n");
    database_update(&d);
    assert_int_equal(d.totals.source_files, 2);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us)\r\nfirst,,2,F,ND,2,F,ND,3.000000\r\n");
    char named[4096];
    join_path(named, sizeof named, d.profile, "named");
    put_text(named, SUMMARY "\n,Add,,,1,2,F,ND,2,F,ND\n");
    d.sources[1] = named;
    d.options.source_count = 2;
    database_update(&d);
    database_expect(&d, "Add.csv", HEADER "Average Duration(us)\r\nfirst,,2,F,ND,2,F,ND,1.000000\r\n");
    database_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update__matches_and_adds),     cmocka_unit_test(test_update__rows_that_were_run),
        cmocka_unit_test(test_update__gap_bounds),
        cmocka_unit_test(test_update__any_column_order),     cmocka_unit_test(test_update__legacy_columns),
        cmocka_unit_test(test_update__missing_columns),      cmocka_unit_test(test_update__counters),
                    cmocka_unit_test(test_update__invalid_durations),
        cmocka_unit_test(test_update__malformed_rows_stay),  cmocka_unit_test(test_update__unchanged_files_stay),
        cmocka_unit_test(test_update__missing_only),         cmocka_unit_test(test_update__missing_only_reads_on),
        cmocka_unit_test(test_update__prune),                cmocka_unit_test(test_update__families),
        cmocka_unit_test(test_update__duplicates),           cmocka_unit_test(test_update__ep_size),
        cmocka_unit_test(test_update__new_files),            cmocka_unit_test(test_update__other_files_stay),
        cmocka_unit_test(test_update__mode_of_files),        cmocka_unit_test(test_update__sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
