/* A store: what is added is found, once and with its history; two stores become one; documents go in and out; files that are none of ours, damaged, of other versions,
 * locked or full are told apart; every failing allocation is survived, SQLite's own too. */
#include "store/results.h"

#include "report/samples.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const place h200 = {"NVIDIA H200", "torch 2.13.0", "driver 570", 1700000000};
static const place later = {"NVIDIA H200", "torch 2.13.0", "driver 570", 1700000100};
static const place newer = {"NVIDIA H200", "torch 2.14.0", "driver 570", 1700000200};
static const place mi300 = {"AMD MI300X", "torch 2.13.0", "rocm 6.4", 1700000300};

static const timed two[] = {
    {"00000000000000000000000000000001", "aten::add", "Tensor", "float32[8,8], float32[8,8], 1", 100},
    {"00000000000000000000000000000002", "aten::mm", "", "bfloat16[64,64], bfloat16[64,64]", 200},
};

static size_t count_rows(evr_store *store, const evr_store_filter *filter)
{
    evr_store_rows *rows = NULL;
    assert_ok(evr_store_find(store, filter, &rows, err));
    size_t count = evr_store_rows_count(rows);
    evr_store_rows_free(rows);
    return count;
}

static void test_store__adds_once_and_finds(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    evr_store_changes c = add_rows(ctx, store, &h200, two, 2);
    assert_true(c.added == 2 && c.known == 0 && c.unusable == 0);
    c = add_rows(ctx, store, &h200, two, 2);
    assert_true(c.added == 0 && c.known == 2);
    evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .key = text_of(two[1].key)};
    evr_store_rows *rows = NULL;
    assert_ok(evr_store_find(store, &f, &rows, err));
    evr_store_free(store); /* an answer outlives its store */
    assert_int_equal(evr_store_rows_count(rows), 1);
    const evr_store_row *r = evr_store_rows_at(rows, 0);
    assert_str(r->op, "aten::mm");
    assert_str(r->overload, "");
    assert_str(r->arguments, two[1].arguments);
    assert_str(r->device_name, "NVIDIA H200");
    assert_str(r->runtime, "torch 2.13.0");
    assert_str(r->driver, "driver 570");
    assert_str(r->input, "trace.json");
    assert_str(r->protocol, "evreplay-protocol/1 stop=precision");
    assert_true(r->median_ns == 200 && r->median_low_ns == 199 && r->median_high_ns == 201 && r->taken_s == 1700000000 && r->samples == 1 && r->distance == 0);
    assert_null(evr_store_rows_at(rows, 1));
    evr_store_rows_free(rows);
    evr_store_rows_free(NULL);
    evr_store_free(NULL);
    test_context_done(ctx, &m);
}

static void test_store__what_is_not_timed_is_not_kept(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    evr_results *results = sample_results(ctx);
    evr_store_changes c = {EVR_INIT(evr_store_changes)};
    assert_ok(evr_store_add(store, results, &c, err));
    assert_true(c.added == 1 && c.unusable == 3);
    evr_results_free(results);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

static void test_store__history_and_current(void **state)
{
    (void)state;
    static const double medians[] = {130, 120, 110}; /* newest first */
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    timed row = two[0];
    for (int i = 3; i-- > 0;) {
        place p = h200;
        p.started_s += i == 1 ? 20 : i == 2 ? 10 : 30;
        row.median = medians[i];
        add_rows(ctx, store, &p, &row, 1);
    }
    place old = h200; /* added last, taken first: not the current one */
    row.median = 100;
    add_rows(ctx, store, &old, &row, 1);
    add_rows(ctx, store, &newer, &row, 1);
    add_rows(ctx, store, &mi300, &row, 1);
    evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .flags = EVR_STORE_HISTORY, .key = text_of(row.key), .runtime = text_of("torch 2.13.0"),
                          .device_name = text_of("NVIDIA H200")};
    evr_store_rows *rows = NULL;
    assert_ok(evr_store_find(store, &f, &rows, err));
    assert_int_equal(evr_store_rows_count(rows), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(evr_store_rows_at(rows, i)->median_ns == (i < 3 ? medians[i] : 100));
        assert_int_equal(evr_store_rows_at(rows, i)->samples, 4);
    }
    evr_store_rows_free(rows);
    f.flags = 0;
    assert_ok(evr_store_find(store, &f, &rows, err));
    assert_int_equal(evr_store_rows_count(rows), 1);
    assert_true(evr_store_rows_at(rows, 0)->median_ns == 130);
    evr_store_rows_free(rows);
    f = (evr_store_filter){.struct_size = EVR_INIT(evr_store_filter)};
    assert_int_equal(count_rows(store, &f), 3);
    f.limit = 2;
    assert_int_equal(count_rows(store, &f), 2);
    assert_ok(evr_store_stacks(store, &rows, err));
    assert_int_equal(evr_store_rows_count(rows), 3);
    assert_str(evr_store_rows_at(rows, 2)->device_name, "AMD MI300X");
    assert_str(evr_store_rows_at(rows, 2)->key, "");
    assert_true(evr_store_rows_at(rows, 0)->samples == 1 && evr_store_rows_at(rows, 0)->taken_s == 1700000030);
    evr_store_rows_free(rows);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

static void test_store__patterns(void **state)
{
    (void)state;
    static const timed rows[] = {
        {"01", "aten::add", "", "", 1}, {"02", "aten::addmm", "", "", 2}, {"03", "my::[odd]", "", "", 3}, {"04", "my::o", "", "", 4}, {"05", "q::'; DROP TABLE sample; --", "", "", 5},
    };
    static const struct {
        const char *op;
        size_t count;
    } cases[] = {{"", 5}, {"*", 5}, {"aten::*", 2}, {"aten::add", 1}, {"aten::ad?", 1}, {"my::[odd]", 1}, {"my::[*", 1}, {"*'; DROP TABLE sample; --", 1}, {"nothing", 0}, {"ATEN::add", 0}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    add_rows(ctx, store, &h200, rows, COUNT(rows));
    for (size_t i = 0; i < COUNT(cases); i++) {
        evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .op = text_of(cases[i].op)};
        assert_int_equal(count_rows(store, &f), cases[i].count);
    }
    static const evr_str odd[] = {{"' OR 1 = 1; --", 14}, {"a\0b", 3}, {"\xff", 1}};
    for (size_t i = 0; i < COUNT(odd); i++) {
        evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .key = odd[i]};
        assert_int_equal(count_rows(store, &f), 0);
    }
    evr_store_filter both = {.struct_size = EVR_INIT(evr_store_filter), .key = TEXT("01"), .op = TEXT("my::*")};
    assert_int_equal(count_rows(store, &both), 0);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

static void test_store__distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        double distance;
    } cases[] = {
        {"float32[8,8], 1", "float32[8,8], 1", 0},
        {"float32[8,8], 1", "float32[16,8], 1", 1},
        {"float32[8,8], 1", "float32[2,32], 1", 4},
        {"float32[8,8], 1", "float32[8,8], 2", 1},
        {"float32[8,8], 1", "float32[16,8], 2", 2},
        {"float32[8,8]", "float16[8,8]", -1},
        {"float32[8,8]", "float32[8,8], float32[8,8]", -1},
        {"float32[4,8]", "float32[8]", 2},
        {"float32[]", "float32[8]", 3},
        {"float32[0]", "float32[1]", 1},
        {"[float32[2], int64[4]], dim=[0, 1]", "[float32[4], int64[4]], dim=[0, 1]", 1},
        {"'float32[2]', int64[4]", "'float32[4]', int64[4]", 1},
        {"'float32[2", "'float32[2", 0},
        {"", "", 0},
        {"1", "None", 1},
        {"c10::Odd[2]", "c10::Odd[8]", 2},
        {"float32[99999999999999999999]", "float32[99999999999999999999]", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double there = evr_store_distance(text_of(cases[i].a), text_of(cases[i].b), true), back = evr_store_distance(text_of(cases[i].b), text_of(cases[i].a), true);
        if (there != cases[i].distance || back != there)
            fail_msg("%s to %s: %g, back %g, not %g", cases[i].a, cases[i].b, there, back, cases[i].distance);
    }
    assert_true(evr_store_distance(TEXT("int64[1]"), TEXT("int64[1]"), false) == 1);
}

static evr_ir_set *read_records(evr_context *ctx, const char *log)
{
    evr_ir_set *set = NULL;
    assert_ok(evr_ir_read(ctx, log, strlen(log), &set, err));
    return set;
}

static const char *const log_text = "Operator: aten.mm.default\ncnt: 1, ((T([64, 64], f32), T([64, 64], f32)), {})\ncnt: 3, ((T([65, 64], f32), T([64, 64], f32)), {})\n"
                                    "Operator: aten.relu.default\ncnt: 1, ((T([4], f32),), {})\n";

static void test_store__missing_and_nearest(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    evr_ir_set *set = read_records(ctx, log_text);
    assert_int_equal(evr_ir_set_count(set), 3);
    const evr_ir *records[3];
    char keys[3][33];
    for (size_t i = 0; i < 3; i++) {
        records[i] = evr_ir_set_at(set, i);
        assert_ok(evr_ir_key(records[i], keys[i], err));
    }
    const timed rows[] = {
        {keys[0], "aten::mm", "", "float32[64,64], float32[64,64]", 10}, {"a1", "aten::mm", "", "float32[128,64], float32[64,64]", 20},
        {"a2", "aten::mm", "", "bfloat16[64,64], bfloat16[64,64]", 5},   {"a3", "aten::mm", "out", "float32[64,64], float32[64,64]", 11},
        {"a4", "aten::bmm", "", "float32[64,64], float32[64,64]", 12},   {"a5", "aten::mm", "", "float32[512,64], float32[64,512]", 40},
    };
    uint8_t missing[3] = {9, 9, 9};
    assert_ok(evr_store_missing(store, records, 3, NULL, missing, err));
    assert_true(missing[0] == 1 && missing[1] == 1 && missing[2] == 1);
    add_rows(ctx, store, &h200, rows, COUNT(rows));
    assert_ok(evr_store_missing(store, records, 3, NULL, missing, err));
    assert_true(missing[0] == 0 && missing[1] == 1 && missing[2] == 1);
    evr_store_filter elsewhere = {.struct_size = EVR_INIT(evr_store_filter), .device_name = TEXT("AMD MI300X")};
    assert_ok(evr_store_missing(store, records, 3, &elsewhere, missing, err));
    assert_true(missing[0] == 1);
    assert_ok(evr_store_missing(store, NULL, 0, NULL, NULL, err));

    evr_store_rows *near = NULL;
    static const char *const order[] = {NULL, "a1", "a3", "a5"};
    assert_ok(evr_store_nearest(store, records[1], NULL, &near, err));
    assert_int_equal(evr_store_rows_count(near), 4);
    for (size_t i = 1; i < 4; i++) {
        assert_str(evr_store_rows_at(near, i)->key, order[i]);
        assert_true(evr_store_rows_at(near, i)->distance > evr_store_rows_at(near, i - 1)->distance);
    }
    assert_str(evr_store_rows_at(near, 0)->key, keys[0]);
    evr_store_rows_free(near);
    evr_store_filter one = {.struct_size = EVR_INIT(evr_store_filter), .limit = 1};
    assert_ok(evr_store_nearest(store, records[1], &one, &near, err));
    assert_int_equal(evr_store_rows_count(near), 1);
    evr_store_rows_free(near);
    assert_ok(evr_store_nearest(store, records[2], NULL, &near, err));
    assert_int_equal(evr_store_rows_count(near), 0);
    evr_store_rows_free(near);
    evr_ir_set_free(set);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

/* Times of the same row that came from different sides stay both. */
static void test_store__merge(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *a = open_store(ctx, "a.db", EVR_STORE_CREATE), *b = open_store(ctx, "b.db", EVR_STORE_CREATE);
    timed other = two[1];
    other.median = 222;
    add_rows(ctx, a, &h200, two, 2);
    add_rows(ctx, b, &h200, two, 1);
    add_rows(ctx, b, &later, &other, 1);
    add_rows(ctx, b, &mi300, two, 2);
    evr_store_changes c = {EVR_INIT(evr_store_changes)};
    assert_ok(evr_store_merge(a, in_folder("b.db"), &c, err));
    assert_true(c.added == 3 && c.known == 1 && c.unusable == 0);
    assert_ok(evr_store_merge(a, in_folder("b.db"), &c, err));
    assert_true(c.added == 0 && c.known == 4);
    assert_ok(evr_store_merge(a, in_folder("a.db"), &c, err));
    assert_true(c.added == 0 && c.known == 5);
    assert_ok(evr_store_merge(b, in_folder("a.db"), &c, err));
    evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .flags = EVR_STORE_HISTORY};
    evr_store_rows *of[2] = {NULL, NULL};
    assert_ok(evr_store_find(a, &f, &of[0], err));
    assert_ok(evr_store_find(b, &f, &of[1], err));
    assert_int_equal(evr_store_rows_count(of[0]), 5);
    assert_int_equal(evr_store_rows_count(of[1]), 5);
    for (size_t i = 0; i < 5; i++) {
        const evr_store_row *x = evr_store_rows_at(of[0], i), *y = evr_store_rows_at(of[1], i);
        assert_true(x->median_ns == y->median_ns && x->taken_s == y->taken_s && x->samples == y->samples);
        assert_str(x->key, y->key.data);
        assert_str(x->device_name, y->device_name.data);
    }
    evr_store_rows_free(of[0]);
    evr_store_rows_free(of[1]);
    assert_int_equal(evr_store_merge(a, in_folder("none.db"), &c, NULL), EVR_E_NOT_FOUND);
    assert_int_equal(c.known, 0);
    evr_store_free(a);
    evr_store_free(b);
    test_context_done(ctx, &m);
}

static void test_store__documents_go_out_and_in(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *a = open_store(ctx, "a.db", EVR_STORE_CREATE), *b = open_store(ctx, "b.db", EVR_STORE_CREATE);
    evr_results *results = results_of(ctx, &h200, two, 2), *again = NULL;
    char *text = NULL, *out = NULL;
    size_t size, out_size;
    evr_store_changes c = {EVR_INIT(evr_store_changes)};
    assert_ok(evr_results_write(results, EVR_REPORT_JSON, &text, &size, err));
    assert_ok(evr_store_import(a, text, size, &c, err));
    assert_int_equal(c.added, 2);
    assert_ok(evr_store_export(a, NULL, &out, &out_size, err));
    assert_int_equal(out_size, size);
    assert_memory_equal(out, text, size); /* nothing of a document is lost on the way */
    assert_ok(evr_store_import(b, out, out_size, &c, err));
    assert_int_equal(c.added, 2);
    assert_ok(evr_store_import(a, out, out_size, &c, err));
    assert_true(c.added == 0 && c.known == 2);
    evr_text_free(ctx, out);
    add_rows(ctx, a, &mi300, two, 1);
    evr_error *e = NULL;
    assert_int_equal(evr_store_export(a, NULL, &out, &out_size, &e), EVR_E_INVALID);
    assert_non_null(strstr(evr_error_message(e), "AMD MI300X"));
    evr_error_free(e);
    evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .device_name = TEXT("AMD MI300X")};
    assert_ok(evr_store_select(a, &f, &again, err));
    assert_int_equal(evr_results_count(again), 1);
    assert_true(evr_results_about(again)->seed == UINT64_MAX - 3 && evr_results_about(again)->started_s == mi300.started_s);
    assert_int_equal(evr_results_at(again, 0)->sample_count, 3);
    evr_results_free(again);
    f.device_name = TEXT("none");
    assert_ok(evr_store_select(a, &f, &again, err));
    assert_int_equal(evr_results_count(again), 0);
    evr_results_free(again);
    assert_int_equal(evr_store_import(a, "{", 1, &c, NULL), EVR_E_TRUNCATED);
    assert_int_equal(evr_store_import(a, "{\"evreplay_ir\":1}", 17, &c, NULL), EVR_E_UNSUPPORTED);
    evr_text_free(ctx, text);
    evr_results_free(results);
    evr_store_free(a);
    evr_store_free(b);
    test_context_done(ctx, &m);
}

static evr_status try_open(evr_context *ctx, const char *name, uint32_t flags, const char *says)
{
    evr_store *store = (evr_store *)1;
    evr_error *e = NULL;
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = flags, .lock_timeout_ms = 50};
    evr_status status = evr_store_open(ctx, in_folder(name), &options, &store, &e);
    if (status != EVR_OK)
        assert_null(store);
    if (says && !strstr(evr_error_message(e), says))
        fail_msg("%s: \"%s\" does not say \"%s\"", name, evr_error_message(e), says);
    if (status != EVR_OK && status != EVR_E_NOMEM && status != EVR_E_INVALID)
        assert_true(evr_error_hint(e)[0] || status == EVR_E_FORMAT);
    evr_error_free(e);
    if (status == EVR_OK)
        evr_store_free(store);
    return status;
}

static void run_sql(const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(in_folder(name), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void write_file(const char *name, const char *data, size_t size)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static void test_store__files_of_others(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    write_file("text", "this is no database, and long enough to be told from an empty one", 65);
    write_file("empty", "", 0);
    run_sql("other", "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    run_sql("marked", "PRAGMA application_id = 0x45565253; PRAGMA user_version = 4; CREATE TABLE sample (x)");
    run_sql("old", "PRAGMA application_id = 0x45565253; PRAGMA user_version = 3; CREATE TABLE sample (x)");
    run_sql("future", "PRAGMA application_id = 0x45565253; PRAGMA user_version = 5; CREATE TABLE t (x)");
    assert_int_equal(mkdir(in_folder("folder"), 0777), 0);
    for (uint32_t flags = 0; flags <= EVR_STORE_READ_ONLY; flags++) {
        assert_int_equal(try_open(ctx, "text", flags, "not a database"), EVR_E_FORMAT);
        assert_int_equal(try_open(ctx, "other", flags, "another program"), EVR_E_FORMAT);
        assert_int_equal(try_open(ctx, "future", flags, "version 5"), EVR_E_UNSUPPORTED);
        assert_int_equal(try_open(ctx, "folder", flags, "is a folder"), EVR_E_UNSUPPORTED);
    }
    assert_int_equal(try_open(ctx, "empty", 0, "is empty"), EVR_E_FORMAT);
    assert_int_equal(try_open(ctx, "nothing", 0, "there is no"), EVR_E_NOT_FOUND);
    assert_int_equal(try_open(ctx, "nothing", EVR_STORE_READ_ONLY, "there is no"), EVR_E_NOT_FOUND);
    assert_int_equal(try_open(ctx, "no/such/folder", EVR_STORE_CREATE, "cannot open"), EVR_E_IO);
    assert_int_equal(try_open(ctx, "x", 3, "not together"), EVR_E_INVALID);
    assert_int_equal(try_open(ctx, "x", 4, "not known"), EVR_E_INVALID);
    assert_int_equal(access(in_folder("x"), F_OK), -1);
    assert_int_equal(try_open(ctx, "empty", EVR_STORE_CREATE, NULL), EVR_OK);
    assert_int_equal(try_open(ctx, "old", 0, "cannot bring forward"), EVR_E_FORMAT);
    evr_store *store = open_store(ctx, "marked", 0);
    evr_store_rows *rows = NULL;
    evr_error *e = NULL;
    assert_int_equal(evr_store_find(store, NULL, &rows, &e), EVR_E_FORMAT);
    assert_non_null(strstr(evr_error_hint(e), "not those of a store"));
    evr_error_free(e);
    evr_store_free(store);
    size_t size;
    char *kept = test_read_file(in_folder("text"), &size);
    assert_int_equal(size, 65);
    free(kept);
    assert_int_equal(rmdir(in_folder("folder")), 0);
    test_context_done(ctx, &m);
}

static void test_store__names_are_paths(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    static const char *const names[] = {":memory:", "file:x?mode=memory", "-"};
    char before[256];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(test_folder), 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        evr_store *store = NULL;
        const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = EVR_STORE_CREATE};
        assert_ok(evr_store_open(ctx, names[i], &options, &store, err));
        assert_str(evr_store_path(store), names[i]);
        assert_int_equal(access(names[i], F_OK), 0);
        evr_store_free(store);
    }
    assert_int_equal(chdir(before), 0);
    test_context_done(ctx, &m);
}

/* Whatever byte is changed or cut off: an answer or an error, never a crash, and no wrong answer of integrity_check's that is an internal one. */
static void test_store__damaged(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    for (int i = 0; i < 40; i++) {
        timed row = two[i % 2];
        char key[33];
        snprintf(key, sizeof key, "%032d", i);
        row.key = key;
        add_rows(ctx, store, i % 3 ? &h200 : &mi300, &row, 1);
    }
    assert_ok(evr_store_check(store, err));
    evr_store_free(store); /* the last one out folds the log into the file */
    size_t size, told = 0;
    char *whole = test_read_file(in_folder("a.db"), &size);
    srand(11);
    for (int i = 0; i < 300; i++) {
        char *copy = malloc(size);
        memcpy(copy, whole, size);
        size_t cut = i % 3 == 0 ? (size_t)rand() % size : size;
        for (int k = 0; i % 3 && k < 40; k++)
            copy[100 + (size_t)rand() % (size - 100)] ^= (char)(1 + rand() % 255);
        write_file("damaged.db", copy, cut);
        free(copy);
        evr_store *damaged = NULL;
        evr_store_rows *rows = NULL;
        evr_error *e = NULL;
        evr_status status = evr_store_open(ctx, in_folder("damaged.db"), NULL, &damaged, &e);
        if (status == EVR_OK && (status = evr_store_check(damaged, &e)) == EVR_OK)
            status = evr_store_find(damaged, NULL, &rows, &e);
        if (status != EVR_OK && status != EVR_E_FORMAT && status != EVR_E_IO && status != EVR_E_UNSUPPORTED)
            fail_msg("%s: %s", evr_status_name(status), evr_error_message(e));
        if (status != EVR_OK)
            assert_non_null(strstr(evr_error_message(e), "damaged.db"));
        told += status != EVR_OK;
        if (damaged) { /* whatever else is asked of it */
            evr_results *results = NULL;
            evr_store_rows *more = NULL;
            evr_store_find(damaged, NULL, &more, NULL);
            evr_store_rows_free(more);
            evr_store_select(damaged, NULL, &results, NULL);
            evr_results_free(results);
            results = results_of(ctx, &newer, two, 2);
            evr_store_add(damaged, results, NULL, NULL);
            evr_results_free(results);
        }
        evr_store_rows_free(rows);
        evr_error_free(e);
        evr_store_free(damaged);
        unlink(in_folder("damaged.db-wal"));
        unlink(in_folder("damaged.db-shm"));
    }
    assert_true(told > 200);
    free(whole);
    test_context_done(ctx, &m);
}

/* A file that reads well, but whose result is no result. */
static void test_store__foreign_body(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE), *to = open_store(ctx, "b.db", EVR_STORE_CREATE);
    add_rows(ctx, store, &h200, two, 2);
    run_sql("a.db", "DROP TRIGGER sample_fixed; UPDATE sample SET form = NULL, rest = CAST('{\"op\":' AS BLOB) WHERE id = 2");
    evr_results *results = NULL;
    evr_error *e = NULL;
    evr_store_changes c = {EVR_INIT(evr_store_changes)};
    assert_int_equal(evr_store_select(store, NULL, &results, &e), EVR_E_FORMAT);
    assert_non_null(strstr(evr_error_message(e), "damaged"));
    assert_non_null(evr_error_cause(e));
    evr_error_free(e);
    assert_int_equal(evr_store_merge(to, in_folder("a.db"), &c, NULL), EVR_E_FORMAT);
    assert_true(c.added == 0 && count_rows(to, NULL) == 0); /* all or nothing */
    evr_store_free(store);
    evr_store_free(to);
    test_context_done(ctx, &m);
}

static void test_store__samples_are_kept(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    add_rows(ctx, store, &h200, two, 2);
    assert_int_equal(sqlite3_exec(store->db, "DELETE FROM sample", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(store->db, "UPDATE sample SET median_ns = 1", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(count_rows(store, NULL), 2);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

static void test_store__waits_for_others(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *first = open_store(ctx, "a.db", EVR_STORE_CREATE), *second = NULL;
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .lock_timeout_ms = 50};
    assert_ok(evr_store_open(ctx, in_folder("a.db"), &options, &second, err));
    add_rows(ctx, first, &h200, two, 1);
    assert_ok(evr_store_begin(first, true, err));
    evr_results *results = results_of(ctx, &later, two, 2);
    evr_error *e = NULL;
    assert_int_equal(evr_store_add(second, results, NULL, &e), EVR_E_STATE);
    assert_non_null(strstr(evr_error_hint(e), "writing"));
    evr_error_free(e);
    assert_int_equal(count_rows(second, NULL), 1); /* readers do not wait */
    assert_ok(evr_store_done(first, EVR_OK, err));
    assert_ok(evr_store_add(second, results, NULL, err));
    assert_int_equal(count_rows(first, NULL), 2);
    evr_results_free(results);
    evr_store_free(first);
    evr_store_free(second);
    test_context_done(ctx, &m);
}

/* A file that may not grow is like a disk that is full: an error, and what was there stays. */
static void test_store__disk_full(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    add_rows(ctx, store, &h200, two, 2);
    static char keys[3000][33];
    static timed many[3000];
    for (size_t i = 0; i < COUNT(many); i++) {
        snprintf(keys[i], sizeof keys[i], "%032zu", i + 10);
        many[i] = (timed){keys[i], "aten::add", "", "float32[8]", (double)i + 5};
    }
    evr_results *results = results_of(ctx, &later, many, COUNT(many));
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 200000;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    evr_error *e = NULL;
    evr_store_changes c = {EVR_INIT(evr_store_changes)};
    evr_status status = evr_store_add(store, results, &c, &e);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old);
    assert_int_equal(status, EVR_E_IO);
    assert_non_null(strstr(evr_error_hint(e), "nothing was added"));
    assert_int_equal(c.added, 0);
    evr_error_free(e);
    assert_int_equal(count_rows(store, NULL), 2);
    assert_ok(evr_store_check(store, err));
    assert_ok(evr_store_add(store, results, &c, err));
    assert_int_equal(c.added, COUNT(many));
    evr_results_free(results);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

static void test_store__invalid(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *store = NULL;
    evr_store_rows *rows = NULL;
    evr_results *results = NULL;
    char *text = NULL;
    assert_int_equal(evr_store_open(NULL, "x", NULL, &store, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_open(ctx, NULL, NULL, &store, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_open(ctx, "", NULL, &store, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_open(ctx, "x", NULL, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_add(NULL, NULL, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_import(NULL, "", 0, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_merge(NULL, "x", NULL, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_find(NULL, NULL, &rows, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_stacks(NULL, &rows, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_nearest(NULL, NULL, NULL, &rows, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_missing(NULL, NULL, 1, NULL, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_select(NULL, NULL, &results, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_export(NULL, NULL, &text, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_check(NULL, NULL), EVR_E_INVALID);
    store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    evr_store_filter odd = {.struct_size = EVR_INIT(evr_store_filter), .flags = 8};
    assert_int_equal(evr_store_find(store, &odd, &rows, NULL), EVR_E_INVALID);
    assert_int_equal(evr_store_find(store, NULL, NULL, NULL), EVR_E_INVALID);
    evr_store_free(store);
    test_context_done(ctx, &m);
}

/* Everything there is, in one go; the first failure ends it. */
static evr_status whole_life(evr_context *ctx, const char *path, const char *other, evr_error **err)
{
    evr_store *store = NULL;
    evr_store_rows *rows = NULL;
    evr_ir_set *set = NULL;
    char *text = NULL;
    size_t size = 0;
    uint8_t missing[3];
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = EVR_STORE_CREATE};
    evr_status status = evr_store_open(ctx, path, &options, &store, err);
    if (status == EVR_OK)
        status = evr_store_merge(store, other, NULL, err);
    if (status == EVR_OK)
        status = evr_store_find(store, NULL, &rows, err);
    evr_store_rows_free(rows);
    rows = NULL;
    if (status == EVR_OK)
        status = evr_store_stacks(store, &rows, err);
    evr_store_rows_free(rows);
    rows = NULL;
    if (status == EVR_OK)
        status = evr_ir_read(ctx, log_text, strlen(log_text), &set, err);
    const evr_ir *records[3];
    for (size_t i = 0; i < 3; i++)
        records[i] = set ? evr_ir_set_at(set, i) : NULL;
    if (status == EVR_OK)
        status = evr_store_nearest(store, records[0], NULL, &rows, err);
    evr_store_rows_free(rows);
    if (status == EVR_OK)
        status = evr_store_missing(store, records, 3, NULL, missing, err);
    if (status == EVR_OK)
        status = evr_store_export(store, NULL, &text, &size, err);
    if (status == EVR_OK)
        status = evr_store_import(store, text, size, NULL, err);
    if (status == EVR_OK)
        status = evr_store_check(store, err);
    evr_text_free(ctx, text);
    evr_ir_set_free(set);
    evr_store_free(store);
    return status;
}

static void remove_store(const char *name)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s%s", in_folder(name), ends[i]);
        unlink(path);
    }
}

static void make_other(void)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store *other = open_store(ctx, "other.db", EVR_STORE_CREATE);
    const timed rows[] = {two[0], two[1], {"a1", "aten::mm", "", "float32[128,64], float32[64,64]", 20}};
    add_rows(ctx, other, &h200, rows, 3);
    evr_store_free(other);
    test_context_done(ctx, &m);
}

static void test_store__failing_allocator(void **state)
{
    (void)state;
    make_other();
    bool done = false;
    for (size_t at = 1; !done; at++) {
        for (int once = 0; once < 2; once++) {
            test_memory m;
            evr_context *ctx = test_context(&m);
            evr_error *e = NULL;
            m.fail_after = m.calls + at;
            m.fail_once = once;
            evr_status status = whole_life(ctx, in_folder("new.db"), in_folder("other.db"), &e);
            if (status != EVR_OK && status != EVR_E_NOMEM)
                fail_msg("allocation %zu: %s: %s", at, evr_status_name(status), evr_error_message(e));
            done = m.calls < m.fail_after;
            evr_error_free(e);
            m.fail_after = 0;
            test_context_done(ctx, &m);
            remove_store("new.db");
        }
        assert_true(at < 100000);
    }
}

/* SQLite's own memory fails in turn. */
static struct {
    sqlite3_mem_methods real;
    long calls, fail_at;
} sqlite;

static bool fails(void) { return sqlite.fail_at && ++sqlite.calls >= sqlite.fail_at; }
static void *failing_malloc(int size) { return fails() ? NULL : sqlite.real.xMalloc(size); }
static void *failing_realloc(void *block, int size) { return fails() ? NULL : sqlite.real.xRealloc(block, size); }

static void test_store__failing_sqlite(void **state)
{
    (void)state;
    make_other();
    bool done = false;
    for (long at = 1; !done; at += 1 + at / 40) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_error *e = NULL;
        sqlite.calls = 0;
        sqlite.fail_at = at;
        evr_status status = whole_life(ctx, in_folder("new.db"), in_folder("other.db"), &e);
        done = sqlite.calls < at;
        sqlite.fail_at = 0;
        if (done)
            assert_int_equal(status, EVR_OK);
        else if (status != EVR_OK && status != EVR_E_NOMEM && status != EVR_E_IO)
            fail_msg("allocation %ld: %s: %s", at, evr_status_name(status), evr_error_message(e));
        evr_error_free(e);
        test_context_done(ctx, &m);
        remove_store("new.db");
    }
}

int main(void)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite.real);
    sqlite3_mem_methods failing = sqlite.real;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
#define TEST(name) cmocka_unit_test_setup_teardown(test_store__##name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(adds_once_and_finds), TEST(what_is_not_timed_is_not_kept), TEST(history_and_current), TEST(patterns),          TEST(distance),
        TEST(missing_and_nearest), TEST(merge),                         TEST(documents_go_out_and_in), TEST(files_of_others), TEST(names_are_paths),
        TEST(damaged),             TEST(foreign_body),                  TEST(samples_are_kept),              TEST(waits_for_others),
        TEST(disk_full),           TEST(invalid),                       TEST(failing_allocator),   TEST(failing_sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
