/* Traces of several ranks, written here as files with known arrivals. */
#include "support/support.h"
#include "support/sweep.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS = 40 };

static char folder[64];

typedef struct scene {
    int ranks;
    int64_t clock_us[4];  /* how far each rank's clock is ahead */
    int64_t late_us[4];   /* how late each rank arrives at every collective */
    int skip[4];          /* collectives before the profiler started */
    bool hosts, numbers;  /* host names; recorded sequence numbers */
    bool kernels;         /* NCCL kernels without an operator */
    bool silent;          /* record_param_comms says nothing, as before PyTorch 2.2, and the work of a kernel is below it */
} scene;

static const char *path_of(int rank)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/run_rank-%d.json", folder, rank);
    return path;
}

/* Ranks send different amounts in an all-to-all. The launch is early, the kernel is what counts. */
static void silent_event(FILE *f, const char *name, int rank, long long ts, long long dur)
{
    static int id;
    id++;
    fprintf(f, ",\n{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"%s\",\"pid\":1,\"tid\":1,\"ts\":%lld,\"dur\":9,"
               "\"args\":{\"Input Dims\":[[%d]],\"Input type\":[\"float\"]}}", name, ts - 100, strstr(name, "alltoall") ? 64 + rank : 64);
    fprintf(f, ",\n{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"record_param_comms\",\"pid\":1,\"tid\":1,\"ts\":%lld,\"dur\":5,"
               "\"args\":{\"Input Dims\":[[]],\"Input type\":[\"\"]}}", ts - 99);
    fprintf(f, ",\n{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":1,\"tid\":1,\"ts\":%lld,\"dur\":1,"
               "\"args\":{\"correlation\":%d}}", ts - 98, id);
    fprintf(f, ",\n{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"ncclKernel_RING(args)\",\"pid\":0,\"tid\":7,\"ts\":%lld,\"dur\":%lld,"
               "\"args\":{\"device\":0,\"stream\":7,\"correlation\":%d}}", ts, dur, id);
}

static void event(FILE *f, const scene *s, int rank, int step)
{
    static const char *const names[] = {"allreduce", "_allgather_base", "allreduce"};
    const char *name = names[step % 3];
    int64_t arrive = 1000 + step * 500 + s->late_us[rank], last = arrive;
    for (int r = 0; r < s->ranks; r++)
        last = 1000 + step * 500 + s->late_us[r] > last ? 1000 + step * 500 + s->late_us[r] : last;
    long long ts = (long long)(arrive + s->clock_us[rank]), dur = (long long)(last + 50 - arrive);
    if (s->kernels) {
        fprintf(f, ",\n{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"ncclDevKernel_AllReduce_Sum_f32_RING_LL(args)\",\"pid\":0,\"tid\":7,\"ts\":%lld,\"dur\":%lld,"
                   "\"args\":{\"device\":0,\"stream\":7}}", ts, dur);
        return;
    }
    if (s->silent) {
        silent_event(f, step % 3 == 1 ? "c10d::alltoall_base_" : "c10d::allreduce_", rank, ts, dur);
        return;
    }
    fprintf(f, ",\n{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"record_param_comms\",\"pid\":1,\"tid\":1,\"ts\":%lld,\"dur\":%lld,\"args\":{", ts, dur);
    if (s->numbers)
        fprintf(f, "\"Seq\":%d,", step);
    fprintf(f, "\"Collective name\":\"%s\",\"In msg nelems\":%d,\"dtype\":\"Float\",\"Group size\":%d,\"Process Group Name\":\"tp\","
               "\"Process Group Ranks\":\"[0, 1, 2]\"}}", name, step % 7 == 3 ? 100 + step : 64, s->ranks);
}

static void write_rank(const scene *s, int rank)
{
    FILE *f = fopen(path_of(rank), "w");
    assert_non_null(f);
    fprintf(f, "{\"distributedInfo\": {\"backend\": \"nccl\", \"rank\": %d, \"world_size\": %d},", rank, s->ranks);
    if (s->hosts)
        fprintf(f, "\"host_name\": \"node%d\", \"baseTimeNanoseconds\": 1000,", rank / 2);
    fprintf(f, "\"traceEvents\": [{\"ph\": \"M\", \"name\": \"process_name\"}");
    for (int i = s->skip[rank]; i < STEPS; i++)
        event(f, s, rank, i);
    fprintf(f, "]}");
    assert_int_equal(fclose(f), 0);
}

static evr_status open_scene(evr_context *ctx, const scene *s, evr_trace_set **set, evr_error **err)
{
    for (int r = 0; r < s->ranks; r++)
        write_rank(s, r);
    const char *paths[] = {folder};
    evr_trace_set_options options = {.struct_size = sizeof options, .threads = 1};
    return evr_trace_set_open(ctx, paths, 1, &options, set, err);
}

static void assert_skews(const evr_trace_set *set, int64_t skew_us, int slowest, size_t count)
{
    assert_int_equal(evr_trace_set_collective_count(set), count);
    for (size_t i = 0; i < count; i++) {
        evr_collective c = {.struct_size = sizeof c};
        assert_ok(evr_trace_set_collective(set, i, &c, err));
        assert_int_equal(c.skew_ns, skew_us * 1000);
        assert_int_equal(c.slowest_rank, slowest);
        assert_int_equal(c.shortest_ns, 50 * 1000);
        for (uint32_t m = 0; m < c.members; m++) {
            evr_participation p = {.struct_size = sizeof p};
            assert_ok(evr_trace_set_participation(set, i, m, &p, err));
            assert_true(p.start_ns >= c.first_ns && p.start_ns <= c.last_ns);
            assert_int_equal(p.index, m);
        }
    }
}

static void clean(void)
{
    for (int r = 0; r < 4; r++)
        unlink(path_of(r));
}

static void run_scene(const scene *s, int64_t skew_us, int slowest, size_t count)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_set *set = NULL;
    assert_ok(open_scene(ctx, s, &set, err));
    assert_int_equal(evr_trace_set_rank_count(set), s->ranks);
    assert_skews(set, skew_us, slowest, count);
    for (int i = 0; i < s->ranks; i++) {
        evr_rank r = {.struct_size = sizeof r};
        assert_ok(evr_trace_set_rank(set, (size_t)i, &r, err));
        assert_int_equal(r.rank, i);
        assert_int_equal(r.world_size, s->ranks);
        assert_int_equal(r.offset_ns, (s->clock_us[0] - s->clock_us[i]) * 1000);
        assert_int_equal(r.waited_ns, (int64_t)count * (s->late_us[slowest] - s->late_us[i]) * 1000);
        assert_int_equal(r.clock, i == 0 ? EVR_CLOCK_REFERENCE : s->hosts && i == 1 ? EVR_CLOCK_SHARED : EVR_CLOCK_ESTIMATED);
    }
    evr_trace_set_free(set);
    test_context_done(ctx, &m);
    clean();
}

static void test_trace_set__slowest_and_skew(void **state)
{
    (void)state;
    run_scene(&(scene){.ranks = 3, .late_us = {0, 30, 10}, .clock_us = {0, 777, -123456}}, 30, 1, STEPS);
}

static void test_trace_set__numbers_tell_what_belongs_together(void **state)
{
    (void)state;
    run_scene(&(scene){.ranks = 2, .late_us = {40, 0}, .clock_us = {0, 90000}, .skip = {5, 0}, .numbers = true}, 40, 0, STEPS - 5);
}

static void test_trace_set__traces_that_begin_later_are_shifted(void **state)
{
    (void)state;
    run_scene(&(scene){.ranks = 3, .late_us = {0, 5, 25}, .clock_us = {0, 50, 60}, .skip = {0, 7, 7}}, 25, 2, STEPS - 7);
    run_scene(&(scene){.ranks = 3, .late_us = {0, 5, 25}, .clock_us = {0, 50, 60}, .skip = {4, 0, 4}}, 25, 2, STEPS - 4);
}

static void test_trace_set__hosts_share_a_clock(void **state)
{
    (void)state;
    run_scene(&(scene){.ranks = 4, .late_us = {0, 10, 20, 7}, .clock_us = {0, 0, 5000, 5000}, .hosts = true}, 20, 2, STEPS);
}

static void test_trace_set__kernels_without_operators(void **state)
{
    (void)state;
    run_scene(&(scene){.ranks = 2, .late_us = {0, 9}, .kernels = true}, 9, 1, STEPS);
}

static void test_trace_set__operators_that_say_nothing(void **state)
{
    (void)state;
    run_scene(&(scene){.ranks = 3, .late_us = {0, 9, 4}, .clock_us = {0, 500, 0}, .silent = true}, 9, 1, STEPS);
}

static void test_trace_set__no_two_traces_of_one_rank(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_set *set = NULL;
    evr_error *err = NULL;
    write_rank(&(scene){.ranks = 2}, 0);
    char path[128];
    snprintf(path, sizeof path, "%s", path_of(0));
    const char *paths[] = {path, path};
    assert_int_equal(evr_trace_set_open(ctx, paths, 2, NULL, &set, &err), EVR_E_INVALID);
    assert_non_null(strstr(evr_error_message(err), "rank 0"));
    evr_error_free(err);
    clean();
    const char *empty[] = {folder}, *none[] = {"/no/such/trace.json"};
    assert_int_equal(evr_trace_set_open(ctx, empty, 1, NULL, &set, &err), EVR_E_NOT_FOUND);
    evr_error_free(err);
    assert_int_equal(evr_trace_set_open(ctx, none, 1, NULL, &set, &err), EVR_E_IO);
    assert_non_null(strstr(evr_error_message(err), "/no/such/trace.json"));
    evr_error_free(err);
    assert_int_equal(evr_trace_set_open(ctx, none, 0, NULL, &set, NULL), EVR_E_INVALID);
    assert_null(set);
    test_context_done(ctx, &m);
}

static void test_trace_set__questions_out_of_range(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_set *set = NULL;
    scene s = {.ranks = 2};
    assert_ok(open_scene(ctx, &s, &set, err));
    evr_rank r = {.struct_size = sizeof r};
    evr_collective c = {.struct_size = sizeof c};
    evr_participation p = {.struct_size = sizeof p};
    assert_int_equal(evr_trace_set_rank(set, 2, &r, NULL), EVR_E_NOT_FOUND);
    assert_int_equal(evr_trace_set_collective(set, STEPS, &c, NULL), EVR_E_NOT_FOUND);
    assert_int_equal(evr_trace_set_participation(set, 0, 2, &p, NULL), EVR_E_NOT_FOUND);
    assert_int_equal(evr_trace_set_rank(NULL, 0, &r, NULL), EVR_E_INVALID);
    r.struct_size = 0;
    assert_int_equal(evr_trace_set_rank(set, 0, &r, NULL), EVR_E_INVALID);
    evr_trace_set_free(set);
    evr_trace_set_free(NULL);
    test_context_done(ctx, &m);
    clean();
}

static evr_status open_step(evr_context *ctx, void *user, evr_error **err)
{
    const scene *s = user;
    const char *paths[] = {folder};
    evr_trace_set_options options = {.struct_size = sizeof options, .threads = 1};
    evr_trace_set *set = NULL;
    evr_status status = evr_trace_set_open(ctx, paths, 1, &options, &set, err);
    assert_true((status == EVR_OK) == (set != NULL));
    if (status == EVR_OK) { /* a set that came out has lost nothing */
        assert_int_equal(evr_trace_set_rank_count(set), s->ranks);
        assert_skews(set, s->late_us[s->ranks - 1], s->ranks - 1, (size_t)(STEPS - s->skip[1]));
        evr_rank r = {.struct_size = sizeof r};
        assert_int_equal(evr_trace_set_rank(set, 1, &r, NULL), EVR_OK);
        assert_int_equal(r.offset_ns, -s->clock_us[1] * 1000);
        assert_int_equal(r.world_size, s->ranks);
    }
    evr_trace_set_free(set);
    return status;
}

static void test_trace_set__memory_runs_out(void **state)
{
    (void)state;
    static const scene scenes[] = {
        {.ranks = 3, .late_us = {0, 1, 2}, .clock_us = {0, 10, 20}, .skip = {0, 2, 2}},
        {.ranks = 2, .late_us = {0, 30}, .clock_us = {0, 500}, .numbers = true},
        {.ranks = 2, .late_us = {0, 4}, .kernels = true},
        {.ranks = 4, .late_us = {0, 2, 4, 6}, .clock_us = {0, 0, 50, 50}, .hosts = true},
    };
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        for (int r = 0; r < scenes[i].ranks; r++)
            write_rank(&scenes[i], r);
        test_sweep_both("set of traces", open_step, (void *)&scenes[i]);
        clean();
    }
}

static int32_t count_progress(void *user, uint64_t read, uint64_t total)
{
    uint64_t *seen = user;
    assert_true(read <= total);
    assert_true(read >= *seen);
    *seen = read;
    return 0;
}

static int32_t stop_at_once(void *user, uint64_t read, uint64_t total)
{
    (void)user, (void)read, (void)total;
    return 1;
}

static void test_trace_set__threads_progress_and_stop(void **state)
{
    (void)state;
    scene s = {.ranks = 4, .late_us = {0, 1, 2, 3}};
    for (int r = 0; r < s.ranks; r++)
        write_rank(&s, r);
    evr_context *ctx = NULL;
    assert_ok(evr_context_new(NULL, &ctx, err));
    const char *paths[] = {folder};
    uint64_t seen = 0;
    evr_trace_set_options options = {.struct_size = sizeof options, .threads = 3, .progress = count_progress, .progress_user = &seen};
    evr_trace_set *set = NULL;
    for (int round = 0; round < 20; round++) {
        seen = 0;
        assert_ok(evr_trace_set_open(ctx, paths, 1, &options, &set, err));
        assert_skews(set, 3, 3, STEPS);
        evr_trace_set_free(set);
    }
    options.progress = stop_at_once;
    options.threads = 1;
    assert_int_equal(evr_trace_set_open(ctx, paths, 1, &options, &set, NULL), EVR_E_CANCELLED);
    evr_context_free(ctx);
    clean();
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/evr_ranks_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    clean();
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_set__slowest_and_skew),
        cmocka_unit_test(test_trace_set__numbers_tell_what_belongs_together),
        cmocka_unit_test(test_trace_set__traces_that_begin_later_are_shifted),
        cmocka_unit_test(test_trace_set__hosts_share_a_clock),
        cmocka_unit_test(test_trace_set__kernels_without_operators),
        cmocka_unit_test(test_trace_set__operators_that_say_nothing),
        cmocka_unit_test(test_trace_set__no_two_traces_of_one_rank),
        cmocka_unit_test(test_trace_set__questions_out_of_range),
        cmocka_unit_test(test_trace_set__memory_runs_out),
        cmocka_unit_test(test_trace_set__threads_progress_and_stop),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
