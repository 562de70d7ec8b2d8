/* CSV folders in a store: what goes in comes out again, row for row; versions, malformed rows, folders of others, a full disk and no memory. */
#include "perfdb/folders.h"

#include "store/store.h"
#include "support/support.h"

#include <signal.h>
#include <sys/resource.h>

#define HEADER "OP State,Accelerator Core,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,"
#define ADD_HEADER HEADER "Average Duration(us),Profiling Average Duration(us),Note\r\n"
#define ADD_ROWS                                                                                     \
    "dynamic,AI_CORE,\"\"\"8,128;8,128\"\"\",DT_BF16;DT_BF16,ND;ND,\"\"\"8,128\"\"\",DT_BF16,ND,4.500000,5.25,\"a \"\"b\"\", c\"\r\n" \
    "dynamic,AI_VECTOR,\"16,128;16,128\",FLOAT;FLOAT,ND;ND,\"16,128\",FLOAT,ND,N/A,nan,\r\n"          \
    "too,short\r\n"                                                                                  \
    "dynamic,AI_CORE,\"8,128;8,128\",BFLOAT16;BF16,ND;ND,\"8,128\",BF16,ND,6,,\xff\r\n"

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

typedef struct bench {
    test_memory memory;
    evr_context *ctx;
    evr_store *store;
    const char *folder, *out;
    char db[4096];
} bench;

static void bench_open(bench *b)
{
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = EVR_STORE_CREATE};
    b->ctx = test_context(&b->memory);
    b->folder = new_folder();
    b->out = new_folder();
    join_path(b->db, sizeof b->db, b->out, "a.db");
    assert_ok(evr_store_open(b->ctx, b->db, &options, &b->store, err));
}

static void bench_close(bench *b)
{
    evr_store_free(b->store);
    remove_folder(b->folder);
    remove_folder(b->out);
    test_context_done(b->ctx, &b->memory);
}

/* Written as long ago as `age` says: versions of a file are told apart by it. */
static void put_csv(const bench *b, const char *name, const char *text, int age)
{
    const char *path = in_folder(b->folder, name);
    put_text(path, text);
    const struct timespec times[] = {{1700000000 - age, 0}, {1700000000 - age, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

typedef struct heard {
    int count;
    uint64_t line;
    char text[512];
} heard;

static void hear(void *user, evr_str path, uint64_t line, evr_str message)
{
    heard *h = user;
    h->count++;
    h->line = line ? line : h->line;
    snprintf(h->text, sizeof h->text, "%.*s: %.*s", EVR_STR_ARG(path), EVR_STR_ARG(message));
}

static evr_store_csv_changes import(const bench *b, const evr_store_csv_options *options)
{
    evr_store_csv_changes c = {.struct_size = sizeof c};
    assert_ok(evr_store_import_csv(b->store, b->folder, options, &c, err));
    return c;
}

static const char *export(const bench *b, const evr_store_filter *filter, uint32_t flags)
{
    static char to[4096];
    join_path(to, sizeof to, b->out, "csv");
    const evr_store_csv_options options = {.struct_size = EVR_INIT(evr_store_csv_options), .flags = flags};
    evr_store_csv_changes c = {.struct_size = sizeof c};
    assert_ok(evr_store_export_csv(b->store, to, filter, &options, &c, err));
    return to;
}

static size_t count_rows(const bench *b, const char *op, uint32_t flags)
{
    evr_store_rows *rows = NULL;
    const evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .flags = flags, .op = evr_str_c(op)};
    assert_ok(evr_store_find(b->store, &f, &rows, err));
    size_t n = evr_store_rows_count(rows);
    evr_store_rows_free(rows);
    return n;
}

static void test_csv__goes_in_and_out(void **state)
{
    (void)state;
    bench b;
    heard h = {0};
    bench_open(&b);
    put_csv(&b, "Add.csv", "\xef\xbb\xbf" ADD_HEADER ADD_ROWS, 5);
    put_csv(&b, "hcom.csv", "group,time\r\n1,2\r\n", 5);
    put_csv(&b, "notes.txt", "no CSV", 5);
    const evr_store_csv_options options = {.struct_size = EVR_INIT(evr_store_csv_options), .problem = hear, .user = &h};
    evr_store_csv_changes c = import(&b, &options);
    assert_true(c.files == 1 && c.foreign == 1 && c.rows == 4 && c.malformed == 1 && c.untimed == 1 && c.added == 3 && c.known == 0 && c.unchanged == 0);
    assert_true(h.count == 2 && h.line == 4); /* the other is of a whole file */
    assert_non_null(strstr(h.text, "hcom.csv: it is no operator's file"));
    const char *to = export(&b, NULL, 0);
    assert_int_equal(each_entry(to, NULL, NULL), 1);
    assert_file(in_folder(to, "Add.csv"), ADD_HEADER ADD_ROWS);
    c = import(&b, &options);
    assert_true(c.files == 1 && c.unchanged == 1 && c.rows == 0 && c.added == 0);
    bench_close(&b);
}

static void test_csv__durations_are_samples(void **state)
{
    (void)state;
    bench b;
    evr_store_rows *rows = NULL;
    bench_open(&b);
    put_csv(&b, "Add.csv", ADD_HEADER ADD_ROWS, 5);
    import(&b, NULL);
    const evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .flags = EVR_STORE_HISTORY, .op = TEXT("Add")};
    assert_ok(evr_store_find(b.store, &f, &rows, err));
    assert_int_equal(evr_store_rows_count(rows), 3); /* both spellings of bfloat16 are one call */
    const evr_store_row *r = evr_store_rows_at(rows, 0);
    assert_str(r->arguments, "BF16[8,128] ND, BF16[8,128] ND -> '8,128 BF16'");
    assert_str(r->device_name, "AI_CORE");
    assert_int_equal(r->taken_s, 1700000000 - 5);
    assert_true(r->median_ns == 6000 && evr_store_rows_at(rows, 1)->median_ns == 4500 && evr_store_rows_at(rows, 2)->median_ns == 5250);
    assert_non_null(strstr(r->protocol.data, "replayed"));
    assert_non_null(strstr(evr_store_rows_at(rows, 2)->protocol.data, "profiled"));
    evr_store_rows_free(rows);
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(b.store->db, "SELECT CAST(line AS TEXT) FROM csv_row WHERE record NOT NULL ORDER BY id", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_non_null(strstr((const char *)sqlite3_column_text(s, 0), "\"a \"\"b\"\", c\"")); /* columns without a place of their own */
    sqlite3_finalize(s);
    bench_close(&b);
}

static void test_csv__newest_version_comes_out(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    static const char *const versions[] = {ADD_HEADER ",,1,F,ND,1,F,ND,3,,\r\n", ADD_HEADER ",,1,F,ND,1,F,ND,2,,\r\n,,2,F,ND,2,F,ND,2,,\r\n"};
    static const int ages[] = {10, 5, 20}; /* the last is older than all */
    for (int i = 0; i < 3; i++) {
        put_csv(&b, "Add.csv", versions[i % 2], ages[i]);
        import(&b, NULL);
    }
    assert_file(in_folder(export(&b, NULL, 0), "Add.csv"), versions[1]);
    assert_int_equal(count_rows(&b, "Add", EVR_STORE_HISTORY), 3);
    evr_error *e = NULL;
    assert_int_equal(evr_store_export_csv(b.store, in_folder(b.out, "csv"), NULL, NULL, NULL, &e), EVR_E_STATE);
    assert_non_null(strstr(evr_error_message(e), "Add.csv is there already"));
    evr_error_free(e);
    put_text(in_folder(b.out, "csv/Add.csv"), "mine");
    assert_file(in_folder(export(&b, NULL, EVR_STORE_CSV_REPLACE), "Add.csv"), versions[1]);
    assert_int_equal(sqlite3_exec(b.store->db, "DELETE FROM csv_line", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(b.store->db, "UPDATE csv_row SET line = x'00'", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    bench_close(&b);
}

static void test_csv__stacks_are_told_apart(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    const evr_store_csv_options places[] = {{.struct_size = EVR_INIT(evr_store_csv_options), .device_name = TEXT("One"), .runtime = TEXT("cann 8")},
                                            {.struct_size = EVR_INIT(evr_store_csv_options), .device_name = TEXT("Two"), .runtime = TEXT("cann 8")}};
    static const char *const texts[] = {ADD_HEADER ",,1,F,ND,1,F,ND,3,,\r\n", ADD_HEADER ",,1,F,ND,1,F,ND,2,,\r\n"};
    for (int i = 0; i < 2; i++) {
        put_csv(&b, "Add.csv", texts[i], 5);
        import(&b, &places[i]);
    }
    evr_error *e = NULL;
    assert_int_equal(evr_store_export_csv(b.store, in_folder(b.out, "csv"), NULL, NULL, NULL, &e), EVR_E_INVALID);
    assert_non_null(strstr(evr_error_message(e), "more than one device"));
    evr_error_free(e);
    const evr_store_filter two = {.struct_size = EVR_INIT(evr_store_filter), .device_name = TEXT("Two")}, none = {.struct_size = EVR_INIT(evr_store_filter), .op = TEXT("Mul")};
    assert_file(in_folder(export(&b, &two, 0), "Add.csv"), texts[1]);
    e = NULL;
    assert_int_equal(evr_store_export_csv(b.store, in_folder(b.out, "other"), &none, NULL, NULL, &e), EVR_E_NOT_FOUND);
    evr_error_free(e);
    bench_close(&b);
}

static void test_csv__merges(void **state)
{
    (void)state;
    bench b;
    char other[4096];
    evr_store *copy = NULL;
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = EVR_STORE_CREATE};
    bench_open(&b);
    put_csv(&b, "Add.csv", ADD_HEADER ADD_ROWS, 5);
    import(&b, NULL);
    join_path(other, sizeof other, b.out, "b.db");
    assert_ok(evr_store_open(b.ctx, other, &options, &copy, err));
    for (int i = 0; i < 2; i++) {
        evr_store_changes c = {.struct_size = sizeof c};
        assert_ok(evr_store_merge(copy, b.db, &c, err));
        assert_true(c.added == (i ? 0 : 3) && c.known == (i ? 3 : 0));
    }
    evr_store *first = b.store;
    b.store = copy;
    assert_file(in_folder(export(&b, NULL, 0), "Add.csv"), ADD_HEADER ADD_ROWS);
    assert_int_equal(count_rows(&b, "Add", EVR_STORE_HISTORY), 3);
    evr_store_free(first);
    bench_close(&b);
}

static void test_csv__single_files_and_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        evr_status status;
        const char *message;
    } cases[] = {
        {"Add.csv", ADD_HEADER ADD_ROWS, EVR_OK, NULL},
        {"empty.csv", "", EVR_E_FORMAT, "it is empty"},
        {"hcom.csv", "a,b\r\n1,2\r\n", EVR_E_FORMAT, "no operator's file"},
        {"torn.csv", "\"a,b\r\n", EVR_E_FORMAT, "quote"},
        {"none.csv", NULL, EVR_E_NOT_FOUND, "cannot read"},
    };
    bench b;
    bench_open(&b);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        evr_error *e = NULL;
        const char *path = in_folder(b.folder, cases[i].name);
        if (cases[i].text)
            put_csv(&b, cases[i].name, cases[i].text, 5);
        assert_int_equal(evr_store_import_csv(b.store, path, NULL, NULL, &e), cases[i].status);
        if (cases[i].message && !strstr(evr_error_message(e), cases[i].message))
            fail_msg("%s: %s", cases[i].name, evr_error_message(e));
        evr_error_free(e);
    }
    assert_int_equal(evr_store_import_csv(b.store, b.out, NULL, NULL, NULL), EVR_E_FORMAT); /* a folder without any */
    assert_int_equal(evr_store_import_csv(NULL, b.out, NULL, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_export_csv(b.store, NULL, NULL, NULL, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(count_rows(&b, "*", EVR_STORE_HISTORY), 3);
    bench_close(&b);
}

static void test_csv__nearest_shapes(void **state)
{
    (void)state;
    bench b;
    evr_store_rows *rows = NULL;
    bench_open(&b);
    put_csv(&b, "Add.csv", ADD_HEADER ADD_ROWS ",,\"64,128;64,128\",FLOAT;FLOAT,ND;ND,\"64,128\",FLOAT,ND,7,,\r\n,,\"64,128\",FLOAT,ND,\"64,128\",FLOAT,ND,7,,\r\n", 5);
    import(&b, NULL);
    assert_ok(evr_store_nearest_to(b.store, TEXT("A*"), TEXT(""), TEXT("any[32,128], any[32,128]"), NULL, &rows, err));
    assert_int_equal(evr_store_rows_count(rows), 3); /* not the one of a single tensor */
    assert_true(evr_store_rows_at(rows, 0)->distance == 2 && evr_store_rows_at(rows, 0)->median_ns == 7000);
    assert_true(evr_store_rows_at(rows, 1)->distance == 4);
    evr_store_rows_free(rows);
    assert_ok(evr_store_nearest_to(b.store, TEXT("Add"), TEXT(""), TEXT("BF16[8,128] ND, BF16[8,128] ND -> '8,128 BF16'"), NULL, &rows, err));
    assert_true(evr_store_rows_count(rows) == 2 && evr_store_rows_at(rows, 0)->distance == 0);
    evr_store_rows_free(rows);
    assert_int_equal(evr_store_nearest_to(b.store, TEXT(""), TEXT(""), TEXT(""), NULL, &rows, NULL), EVR_E_INVALID);
    bench_close(&b);
}

/* The databases that other tools wrote, as they are but for a byte order mark. */
static void check_entry(const char *folder, const char *name, void *user)
{
    size_t size;
    char *text = test_read_file(in_folder(folder, name), &size);
    if (strstr(name, ".csv"))
        assert_file(in_folder(user, name), strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text);
    free(text);
}

static void test_csv__recorded_databases(void **state)
{
    (void)state;
    static const char *const names[] = {"oracle/perfdb/db", "oracle/perfdb/expected_all", "oracle/perfdb/expected_missing-only_prune"};
    struct stat st;
    if (stat(test_shared(names[0]), &st) != 0) {
        printf("skipped: the recorded databases are not at %s/oracle/perfdb\n", EVR_TEST_SHARED);
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bench b;
        evr_store_csv_changes c = {.struct_size = sizeof c};
        bench_open(&b);
        assert_ok(evr_store_import_csv(b.store, test_shared(names[i]), NULL, &c, err));
        assert_true(c.files == 9 && c.rows > 100 && c.added > c.rows);
        each_entry(test_shared(names[i]), check_entry, (void *)(uintptr_t)export(&b, NULL, 0));
        bench_close(&b);
    }
}

/* Files that may not grow are like a full disk: an error, and what was there stays. */
static void test_csv__no_room(void **state)
{
    (void)state;
    bench b;
    struct rlimit before, small;
    evr_error *e = NULL;
    bench_open(&b);
    put_csv(&b, "Add.csv", ADD_HEADER ADD_ROWS, 5);
    put_csv(&b, "Mul.csv", ADD_HEADER ADD_ROWS, 5);
    import(&b, NULL);
    const char *to = export(&b, NULL, 0);
    put_text(in_folder(to, "Add.csv"), "mine");
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 100;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    const evr_store_csv_options replace = {.struct_size = EVR_INIT(evr_store_csv_options), .flags = EVR_STORE_CSV_REPLACE};
    evr_status status = evr_store_export_csv(b.store, to, NULL, &replace, NULL, &e);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old);
    assert_int_equal(status, EVR_E_IO);
    evr_error_free(e);
    assert_file(in_folder(to, "Add.csv"), "mine");
    assert_int_equal(each_entry(to, NULL, NULL), 2); /* nothing half done is left */
    bench_close(&b);
}

static evr_status in_and_out(evr_context *ctx, const bench *b, const char *db, evr_error **e)
{
    evr_store *store = NULL;
    evr_store_rows *rows = NULL;
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = EVR_STORE_CREATE};
    const evr_store_csv_options replace = {.struct_size = EVR_INIT(evr_store_csv_options), .flags = EVR_STORE_CSV_REPLACE};
    evr_status status = evr_store_open(ctx, db, &options, &store, e);
    if (status == EVR_OK)
        status = evr_store_import_csv(store, b->folder, NULL, NULL, e);
    if (status == EVR_OK)
        status = evr_store_export_csv(store, in_folder(b->out, "csv"), NULL, &replace, NULL, e);
    if (status == EVR_OK)
        status = evr_store_nearest_to(store, TEXT("Add"), TEXT(""), TEXT("any[1]"), NULL, &rows, e);
    if (status == EVR_OK)
        status = evr_store_merge(store, b->db, NULL, e);
    evr_store_rows_free(rows);
    evr_store_free(store);
    return status;
}

static void test_csv__failing_allocator(void **state)
{
    (void)state;
    bench b;
    bool done = false;
    bench_open(&b);
    put_csv(&b, "Add.csv", ADD_HEADER ADD_ROWS, 5);
    import(&b, NULL);
    for (size_t at = 1; !done; at++) {
        test_memory m;
        char db[4096];
        evr_context *ctx = test_context(&m);
        evr_error *e = NULL;
        join_path(db, sizeof db, b.out, "new.db");
        m.fail_after = m.calls + at;
        evr_status status = in_and_out(ctx, &b, db, &e);
        if (status != EVR_OK && status != EVR_E_NOMEM)
            fail_msg("allocation %zu: %s: %s", at, evr_status_name(status), evr_error_message(e));
        done = m.calls < m.fail_after;
        evr_error_free(e);
        m.fail_after = 0;
        test_context_done(ctx, &m);
        static const char *const ends[] = {"new.db", "new.db-wal", "new.db-shm"};
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
            unlink(in_folder(b.out, ends[i]));
        assert_true(at < 100000);
    }
    bench_close(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test(test_csv__##name)
    const struct CMUnitTest tests[] = {TEST(goes_in_and_out), TEST(durations_are_samples), TEST(newest_version_comes_out), TEST(stacks_are_told_apart), TEST(merges),
                                       TEST(single_files_and_errors), TEST(nearest_shapes), TEST(recorded_databases), TEST(no_room), TEST(failing_allocator)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
