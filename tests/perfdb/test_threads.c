/* The same files, reports and errors, whatever the number of threads. */
#include "perfdb/databases.h"

#include <stdbool.h>

enum { FILES = 9, ROWS = 700, PROFILE_ROWS = 12000 };

typedef struct outcome {
    char *files[FILES];
    char *report;
    char *error;
} outcome;

static const char *file_name(int i)
{
    static char name[32];
    snprintf(name, sizeof name, "Op%d.csv", i);
    return name;
}

static void put_operator(database *d, int i)
{
    FILE *f = fopen(in_folder(d->folder, file_name(i)), "w");
    assert_non_null(f);
    fputs(HEADER "Average Duration(us),Profiling Average Duration(us),MicroBench aiv_time(us),Note\r\n", f);
    for (int row = 0; row < ROWS; row++) {
        if (row % 97 == 5)
            fprintf(f, "torn,row %d\r\n", row);
        fprintf(f, ",,%d,F,ND,%d,F,ND,9.000000,%d,1.5,\"row,\n%d\"\r\n", row % 500, row % 500, row % 7, row);
    }
    fclose(f);
}

/* Rows with line breaks in their cells, quotes that are not closed, empty lines: wherever the text is cut, it is cut in the middle of something. The sums of
 * the counters depend on the order in which they are taken. */
static void put_measured(database *d)
{
    FILE *f = fopen(in_folder(d->profile, "op_summary_0.csv"), "w");
    assert_non_null(f);
    fputs(SUMMARY ",aiv_time(us),aic_mac_ratio\n", f);
    for (int row = 0; row < PROFILE_ROWS; row++) {
        double counter = row % 3 == 0 ? 1e16 : row % 3 == 1 ? 1.0 / (row + 1) : -1e16;
        fprintf(f, "\"a\nb, %d\n\n\n\",Op%d,,,%d.%03d,\"%d\",F,ND,%d,F,ND,%.17g,%d\n", row, row % (FILES + 2), row % 50 + 1, row % 1000, row % 611, row % 611,
                counter, row);
        if (row % 13 == 0)
            fputs("\n\r\n\n", f);
        if (row % 211 == 7)
            fputs("1,\"Op1,never closed\n", f);
        if (row % 301 == 9)
            fputs("1,Op1,too,few\n", f);
    }
    fclose(f);
}

static char *text_of(const evr_perfdb_report *report, evr_context *ctx)
{
    char *text = NULL;
    size_t size = 0;
    assert_ok(evr_perfdb_report_text(report, EVR_PERFDB_TEXT_JSON, &text, &size, err));
    char *copy = strdup(text);
    evr_text_free(ctx, text);
    return copy;
}

static outcome run(database *d, uint32_t threads, uint64_t max_file_bytes)
{
    outcome o = {.report = NULL};
    evr_perfdb_options options = {EVR_INIT(evr_perfdb_options), .threads = threads, .max_file_bytes = max_file_bytes};
    evr_perfdb_report *report = NULL;
    evr_error *error = NULL;
    for (int i = 0; i < FILES; i++)
        put_operator(d, i);
    evr_perfdb_free(d->db);
    assert_ok(evr_perfdb_open(d->ctx, d->folder, &options, &d->db, err));
    if (evr_perfdb_update(d->db, &d->options, &report, &error) == EVR_OK)
        o.report = text_of(report, d->ctx);
    else
        o.error = strdup(evr_error_message(error));
    evr_error_free(error);
    evr_perfdb_report_free(report);
    for (int i = 0; i < FILES; i++)
        o.files[i] = test_read_file(in_folder(d->folder, file_name(i)), NULL);
    assert_int_equal(each_entry(d->folder, NULL, NULL), FILES);
    return o;
}

static void expect_same(const outcome *a, const outcome *b)
{
    for (int i = 0; i < FILES; i++)
        assert_string_equal(a->files[i], b->files[i]);
    assert_int_equal(a->report != NULL, b->report != NULL);
    assert_string_equal(a->report ? a->report : a->error, b->report ? b->report : b->error);
}

static void done(outcome *o)
{
    for (int i = 0; i < FILES; i++)
        free(o->files[i]);
    free(o->report);
    free(o->error);
}

static void compare(uint64_t max_file_bytes, bool fails)
{
    static const uint32_t threads[] = {2, 3, 7, 16, 64};
    database d;
    database_open(&d);
    put_measured(&d);
    outcome one = run(&d, 1, max_file_bytes);
    assert_true(fails ? one.error != NULL : one.report != NULL);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        outcome other = run(&d, threads[i], max_file_bytes);
        expect_same(&one, &other);
        done(&other);
    }
    done(&one);
    database_close(&d);
}

static void test_threads__same_files_and_report(void **state)
{
    (void)state;
    compare(0, false);
}

static void test_threads__same_error(void **state)
{
    (void)state;
    compare(100, true); /* every file is too long: the first in order is told, and nothing has changed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads__same_files_and_report), cmocka_unit_test(test_threads__same_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
