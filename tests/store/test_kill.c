/* kill -9 at a random moment while results are added: the file is whole, every addition is in it entirely or not at all, and none that was said to be done is lost.
 * EVREPLAY_KILLS=1000 kills more often. */
#include "store/old_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { BATCH = 40, FRESH = 100 }; /* a new file after so many kills: every one of them reads all of it */

/* Adds batch after batch; the number of each goes down the pipe once it is in. */
static void add_forever(int done, uint64_t first)
{
    static const place here = {"NVIDIA H200", "torch 2.13.0", "driver 570", 1700000000};
    evr_context *ctx = NULL;
    evr_store *store = NULL;
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = EVR_STORE_CREATE};
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK || evr_store_open(ctx, in_folder("a.db"), &options, &store, NULL) != EVR_OK)
        _exit(1);
    for (uint64_t batch = first;; batch++) {
        char keys[BATCH][33];
        timed rows[BATCH];
        for (int i = 0; i < BATCH; i++) {
            snprintf(keys[i], sizeof keys[i], "%016llu%016d", (unsigned long long)batch, i);
            rows[i] = (timed){keys[i], "aten::add", "Tensor", "float32[8]", 100.0 + i};
        }
        evr_results *results = results_of(ctx, &here, rows, BATCH);
        if (evr_store_add(store, results, NULL, NULL) != EVR_OK || write(done, &batch, sizeof batch) != sizeof batch)
            _exit(1);
        evr_results_free(results);
    }
}

/* What is in the file: every batch entire. */
static uint64_t count_batches(evr_context *ctx)
{
    evr_store *store = open_store(ctx, "a.db", EVR_STORE_CREATE);
    assert_ok(evr_store_check(store, err));
    evr_store_rows *rows = NULL;
    assert_ok(evr_store_find(store, NULL, &rows, err));
    size_t count = evr_store_rows_count(rows);
    assert_int_equal(count % BATCH, 0);
    for (size_t i = 0; i < count; i++) {
        char key[64];
        snprintf(key, sizeof key, "%016zu%016zu", i / BATCH, i % BATCH);
        assert_str(evr_store_rows_at(rows, i)->key, key);
    }
    evr_store_rows_free(rows);
    evr_store_free(store);
    return count / BATCH;
}

static void test_store__killed_at_any_moment(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    uint64_t batches = 0, amid = 0;
    const char *asked = getenv("EVREPLAY_KILLS");
    uint64_t kills = asked ? strtoull(asked, NULL, 10) : 50;
    srand(5);
    for (uint64_t i = 0; i < kills; i++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            add_forever(ends[1], batches);
        }
        close(ends[1]);
        uint64_t batch, said = batches;
        for (int wait = i % 2 ? rand() % 4 : 0; wait > 0 && read(ends[0], &batch, sizeof batch) == sizeof batch; wait--)
            said = batch + 1;
        const struct timespec moment = {0, rand() % (i % 2 ? 5000000 : 30000000)};
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it did not fail by itself */
        while (read(ends[0], &batch, sizeof batch) == sizeof batch)
            said = batch + 1;
        close(ends[0]);
        uint64_t now = count_batches(ctx);
        assert_true(now >= said && now <= said + 1);
        amid += now > batches;
        batches = now;
        if (i % FRESH == FRESH - 1) {
            static const char *const names[] = {"a.db", "a.db-wal", "a.db-shm"};
            for (size_t n = 0; n < COUNT(names); n++)
                unlink(in_folder(names[n]));
            batches = 0;
        }
    }
    assert_true(amid > kills / 5); /* else the moments were all too early to say anything */
    test_context_done(ctx, &m);
}

/* Copies the store as it was made. */
static void restore(const char *text, size_t size)
{
    static const char *const rest[] = {"old.db-wal", "old.db-shm", "old.db-journal"};
    for (size_t i = 0; i < COUNT(rest); i++)
        unlink(in_folder(rest[i]));
    FILE *f = fopen(in_folder("old.db"), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    fclose(f);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* kill -9 while an older file is brought forward: it is of the older version or of the new one, with all samples, and comes forward later. */
static void test_store__killed_while_brought_forward(void **state)
{
    (void)state;
    enum { SAMPLES = 1500 };
    static const place here = {"NVIDIA H200", "torch 2.13.0", "driver 570", 1700000000};
    static timed rows[SAMPLES];
    static char keys[SAMPLES][33];
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_store old;
    const char *asked = getenv("EVREPLAY_KILLS");
    uint64_t kills = asked ? strtoull(asked, NULL, 10) : 50, amid = 0, forward = 0;
    size_t size = 0;
    int64_t span = 0;
    open_old(&old, ctx, "old.db", 3);
    assert_int_equal(sqlite3_exec(old.db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < SAMPLES; i++) {
        snprintf(keys[i], sizeof keys[i], "%032d", i);
        rows[i] = (timed){keys[i], "aten::add", "Tensor", "float32[8]", 100.0 + i / 3.0};
    }
    fill_old(&old, ctx, &here, rows, SAMPLES);
    assert_int_equal(sqlite3_exec(old.db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    close_old(&old);
    char *text = test_read_file(in_folder("old.db"), &size);
    srand(1);
    for (uint64_t k = 0; k < kills; k++) {
        restore(text, size);
        int64_t began = now_ns();
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            evr_context *own = NULL;
            evr_store *store = NULL;
            if (evr_context_new(NULL, &own, NULL) != EVR_OK || evr_store_open(own, in_folder("old.db"), NULL, &store, NULL) != EVR_OK)
                _exit(1);
            _exit(0);
        }
        if (k) { /* the first is let be, and says how long it takes */
            int64_t wait = (int64_t)((double)span * (rand() % 1000) / 900);
            nanosleep(&(struct timespec){wait / 1000000000, wait % 1000000000}, NULL);
            kill(child, SIGKILL);
        }
        int ended = 0;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended) || WEXITSTATUS(ended) == 0);
        span = k ? span : now_ns() - began;
        amid += WIFSIGNALED(ended);
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(in_folder("old.db"), &db), SQLITE_OK);
        int64_t version = number(db, "PRAGMA user_version");
        forward += version == EVR_STORE_VERSION;
        assert_true(version == 3 || version == EVR_STORE_VERSION);
        assert_int_equal(number(db, "SELECT count(*) FROM sample"), SAMPLES);
        assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
        sqlite3_close(db);
    }
    if (!amid)
        fail_msg("nobody was killed amid the work");
    evr_store *store = open_store(ctx, "old.db", 0);
    evr_store_rows *found = NULL;
    assert_ok(evr_store_find(store, NULL, &found, err));
    assert_int_equal(evr_store_rows_count(found), SAMPLES);
    evr_store_rows_free(found);
    evr_store_free(store);
    free(text);
    printf("%llu killed of %llu, %llu were of the new version then\n", (unsigned long long)amid, (unsigned long long)kills, (unsigned long long)forward);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_store__killed_at_any_moment, make_folder, remove_folder),
                                      cmocka_unit_test_setup_teardown(test_store__killed_while_brought_forward, make_folder, remove_folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
