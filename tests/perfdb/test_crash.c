/* Writers that die, that meet, and that run out of room: every file is whole, old or new, and no row is lost. */
#include "perfdb/databases.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { FILES = 12, ROWS = 60, VERSIONS = 2 };

static const char *file_name(int i)
{
    static char name[32];
    snprintf(name, sizeof name, "Op%d.csv", i);
    return name;
}

/* A database of which an update with either profile changes every row. */
static void fill(database *d, char profiles[VERSIONS][4096])
{
    FILE *out[VERSIONS];
    for (int v = 0; v < VERSIONS; v++) {
        char name[32];
        snprintf(name, sizeof name, "op_summary_%d.csv", v);
        join_path(profiles[v], sizeof profiles[v], d->profile, name);
        out[v] = fopen(profiles[v], "w");
        assert_non_null(out[v]);
        fputs(SUMMARY "\n", out[v]);
    }
    for (int i = 0; i < FILES; i++) {
        FILE *f = fopen(in_folder(d->folder, file_name(i)), "w");
        assert_non_null(f);
        fputs(HEADER "Average Duration(us),Note\r\n", f);
        for (int row = 0; row < ROWS; row++) {
            fprintf(f, ",,%d,F,ND,%d,F,ND,9.000000,\"row, %d\"\r\n", row, row, row);
            for (int v = 0; v < VERSIONS; v++)
                fprintf(out[v], ",Op%d,,,%d,%d,F,ND,%d,F,ND\n", i, v + 1, row, row);
        }
        fclose(f);
    }
    for (int v = 0; v < VERSIONS; v++)
        fclose(out[v]);
}

typedef struct texts {
    char *text[VERSIONS + 1][FILES]; /* as filled, and after each version's update */
} texts;

static void read_texts(const database *d, char *to[FILES])
{
    for (int i = 0; i < FILES; i++)
        assert_non_null(to[i] = test_read_file(in_folder(d->folder, file_name(i)), NULL));
}

static void free_texts(texts *t)
{
    for (int v = 0; v <= VERSIONS; v++)
        for (int i = 0; i < FILES; i++)
            free(t->text[v][i]);
}

/* Every file is one of the versions it can be. */
static void check_whole(const database *d, const texts *t, int versions)
{
    for (int i = 0; i < FILES; i++) {
        char *text = test_read_file(in_folder(d->folder, file_name(i)), NULL);
        bool known = false;
        assert_non_null(text);
        for (int v = 0; v < versions; v++)
            known |= strcmp(text, t->text[v][i]) == 0;
        if (!known)
            fail_msg("%s is none of its versions:\n%s", file_name(i), text);
        free(text);
    }
}

/* Updates in a process of its own until it is killed. */
static pid_t start_writer(const database *d, char profiles[VERSIONS][4096])
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child)
        return child;
    evr_context *ctx;
    evr_perfdb *db;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK || evr_perfdb_open(ctx, d->folder, NULL, &db, NULL) != EVR_OK)
        _exit(1);
    for (int i = 0;; i++) {
        const char *source = profiles[i % VERSIONS];
        evr_perfdb_update_options options = {EVR_INIT(evr_perfdb_update_options), .sources = &source, .source_count = 1};
        if (evr_perfdb_update(db, &options, NULL, NULL) != EVR_OK)
            _exit(2);
    }
}

static void wait_microseconds(long us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static void test_crash__killed_at_any_moment(void **state)
{
    (void)state;
    database d;
    char profiles[VERSIONS][4096];
    texts t = {0};
    const char *asked = getenv("EVREPLAY_TEST_KILLS");
    long kills = asked ? atol(asked) : 100, staged = 0;
    database_open(&d);
    fill(&d, profiles);
    read_texts(&d, t.text[0]);
    for (int v = 0; v < VERSIONS; v++) {
        d.sources[0] = profiles[v];
        database_update(&d);
        assert_int_equal(d.totals.written, FILES);
        read_texts(&d, t.text[v + 1]);
    }
    srand(1);
    for (long i = 0; i < kills; i++) {
        int status;
        pid_t writer = start_writer(&d, profiles);
        wait_microseconds(500 + rand() % 12000);
        assert_int_equal(kill(writer, SIGKILL), 0);
        assert_int_equal(waitpid(writer, &status, 0), writer);
        if (!WIFSIGNALED(status))
            fail_msg("the writer ended by itself with %d", WEXITSTATUS(status));
        check_whole(&d, &t, VERSIONS + 1);
        staged += each_entry(d.folder, NULL, NULL) > FILES + 1;
    }
    if (staged == 0)
        fail_msg("no writer of %ld was killed while it wrote", kills);
    database_update(&d); /* nothing that was left is in the way, and nothing stays */
    assert_int_equal(each_entry(d.folder, NULL, NULL), FILES);
    free_texts(&t);
    database_close(&d);
}

static void test_crash__writers_take_turns(void **state)
{
    /* Each of several processes adds rows of its own: all of them are there afterwards. */
    (void)state;
    enum { WRITERS = 4, EACH = 15 };
    database d;
    pid_t writers[WRITERS];
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\r\n");
    for (int w = 0; w < WRITERS; w++) {
        assert_true((writers[w] = fork()) >= 0);
        if (writers[w])
            continue;
        for (int i = 0; i < EACH; i++) {
            char path[4096], name[32], text[512];
            snprintf(name, sizeof name, "writer%d", w);
            join_path(path, sizeof path, d.profile, name);
            snprintf(text, sizeof text, SUMMARY "\n,Add,,,1,\"%d,%d\",F,ND,1,F,ND\n", w, i);
            put_text(path, text);
            const char *source = path;
            evr_perfdb_update_options options = {EVR_INIT(evr_perfdb_update_options), .sources = &source, .source_count = 1};
            if (evr_perfdb_update(d.db, &options, NULL, NULL) != EVR_OK)
                _exit(1);
        }
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        assert_int_equal(waitpid(writers[w], &status, 0), writers[w]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    char *text = test_read_file(in_folder(d.folder, "Add.csv"), NULL);
    size_t lines = 0;
    for (const char *p = text; (p = strstr(p, "\r\n")); p += 2)
        lines++;
    assert_int_equal(lines, 1 + WRITERS * EACH);
    free(text);
    assert_int_equal(each_entry(d.folder, NULL, NULL), 1);
    database_close(&d);
}

static void test_crash__lock_is_waited_for(void **state)
{
    (void)state;
    database d;
    database_open(&d);
    database_put(&d, "Add.csv", HEADER "Average Duration(us)\r\n");
    database_profile(&d, SUMMARY "\n");
    evr_perfdb_options patience = {EVR_INIT(evr_perfdb_options), .lock_timeout_ms = 30};
    evr_perfdb_free(d.db);
    assert_ok(evr_perfdb_open(d.ctx, d.folder, &patience, &d.db, err));
    int lock = open(in_folder(d.folder, ".evreplay.lock"), O_RDWR | O_CREAT, 0666);
    assert_int_equal(write(lock, "4711\n", 5), 5);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    evr_error *e = NULL;
    assert_int_equal(evr_perfdb_update(d.db, &d.options, NULL, &e), EVR_E_STATE);
    assert_non_null(strstr(evr_error_message(e), "process 4711"));
    assert_non_null(strstr(evr_error_hint(e), "longer lock timeout"));
    evr_error_free(e);
    close(lock);
    database_update(&d); /* the file itself is no lock */
    assert_int_equal(each_entry(d.folder, NULL, NULL), 1);
    database_close(&d);
}

/* An update that cannot write: it says so, and nothing has changed. Returns 0, or the number of what was not so. */
static int expect_no_room(const database *d, const texts *t)
{
    evr_error *err = NULL;
    evr_status status = evr_perfdb_update(d->db, &d->options, NULL, &err);
    bool told = strstr(evr_error_hint(err), "make room") && strstr(evr_error_message(err), ".csv");
    evr_error_free(err);
    if (status != EVR_E_IO)
        return 1;
    if (!told)
        return 2;
    for (int i = 0; i < FILES; i++) {
        char *text = test_read_file(in_folder(d->folder, file_name(i)), NULL);
        bool same = text && strcmp(text, t->text[0][i]) == 0;
        free(text);
        if (!same)
            return 3;
    }
    return each_entry(d->folder, NULL, NULL) == FILES ? 0 : 4;
}

static int in_child(int (*body)(const database *, const texts *), const database *d, const texts *t)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body(d, t));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int limit_file_size(const database *d, const texts *t)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {1500, 1500};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 77;
    return expect_no_room(d, t);
}

static void test_crash__file_too_large(void **state)
{
    (void)state;
    database d;
    char profiles[VERSIONS][4096];
    texts t = {0};
    database_open(&d);
    fill(&d, profiles);
    d.sources[0] = profiles[0];
    read_texts(&d, t.text[0]);
    int result = in_child(limit_file_size, &d, &t);
    free_texts(&t);
    database_close(&d);
    if (result == 77)
        skip();
    assert_int_equal(result, 0);
}

static bool write_proc(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    return f && (fputs(text, f) >= 0) & (fclose(f) == 0);
}

/* Mounts of its own. Who is not root needs to be somebody in a namespace of users too: the owner of what is mounted. */
static bool own_mounts(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWNS) == 0)
        return true;
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_proc("/proc/self/setgroups", "deny") && write_proc("/proc/self/uid_map", users) &&
           write_proc("/proc/self/gid_map", groups);
}

/* A disk of its own that is full but for the room of a few files. */
static int fill_disk(const database *d, const texts *t)
{
    char options[64];
    snprintf(options, sizeof options, "size=%d", 4096 * (FILES + 8));
    if (!own_mounts() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("tmpfs", d->folder, "tmpfs", 0, options) != 0)
        return 77;
    for (int i = 0; i < FILES; i++)
        put_text(in_folder(d->folder, file_name(i)), t->text[0][i]);
    evr_context *ctx;
    database own = *d;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK || evr_perfdb_open(ctx, d->folder, NULL, &own.db, NULL) != EVR_OK)
        return 10;
    return expect_no_room(&own, t);
}

static void test_crash__disk_full(void **state)
{
    (void)state;
    database d;
    char profiles[VERSIONS][4096];
    texts t = {0};
    database_open(&d);
    fill(&d, profiles);
    d.sources[0] = profiles[0];
    read_texts(&d, t.text[0]);
    int result = in_child(fill_disk, &d, &t);
    free_texts(&t);
    database_close(&d);
    if (result == 77) {
        printf("skipped: a disk of its own cannot be mounted here\n");
        skip();
    }
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash__killed_at_any_moment), cmocka_unit_test(test_crash__writers_take_turns),
        cmocka_unit_test(test_crash__lock_is_waited_for),   cmocka_unit_test(test_crash__file_too_large),
        cmocka_unit_test(test_crash__disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
