/* Batches: every record ends in a result, whatever the others do. */
#include "support/support.h"

#include <stdbool.h>
#include <unistd.h>

#ifndef EVR_TEST_BRIDGE
#define EVR_TEST_BRIDGE NULL
#define EVR_TEST_OPS ""
#define EVR_TEST_THREADED ""
#define EVR_TEST_WORKER NULL
#endif

static evr_context *ctx;
static test_memory memory;

static int open_context(void **state)
{
    (void)state;
    if (!EVR_TEST_OPS[0]) {
        printf("skipped: no bridge was built\n");
        exit(77);
    }
    ctx = test_context(&memory);
    const evr_str library = {EVR_TEST_OPS, strlen(EVR_TEST_OPS)};
    const char *spaces[] = {"evrpoison", "evrtest"};
    for (int i = 0; i < 2; i++)
        if (evr_register_namespace(ctx, (evr_str){spaces[i], strlen(spaces[i])}, &library, 1, NULL) != EVR_OK)
            return 1;
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    evr_context_free(ctx);
    return memory.live != 0 || memory.mismatches != 0;
}

/* Records of one operator each, all on a tensor of their place's size. */
typedef struct records {
    evr_ir_set *set;
    const evr_ir *items[128];
    size_t count;
} records;

static void make(records *r, const char *const *ops, size_t count)
{
    static char text[65536];
    size_t len = (size_t)sprintf(text, "{\"evreplay_ir\":1,\"records\":[");
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(text + len, "%s{\"op\":\"%s\",\"count\":%zu,\"args\":[{\"name\":\"%s\",\"value\":{\"tensor\":{\"shape\":[%zu],\"strides\":[1],\"dtype\":\"float32\"}}}]}",
                               i ? "," : "", ops[i], i + 1, strncmp(ops[i], "aten::", 6) ? "x" : "self", i + 2);
    sprintf(text + len, "]}");
    assert_ok(evr_ir_read(ctx, text, strlen(text), &r->set, err));
    r->count = evr_ir_set_count(r->set);
    for (size_t i = 0; i < r->count; i++)
        r->items[i] = evr_ir_set_at(r->set, i);
}

static evr_replay_batch_options options_of(uint32_t flags)
{
    return (evr_replay_batch_options){.struct_size = sizeof(evr_replay_batch_options), .flags = flags, .bridge = EVR_TEST_BRIDGE, .worker = EVR_TEST_WORKER,
                                      .timeout_s = 20, .max_bytes = 1 << 28, .seed = 3};
}

static evr_results *run(const records *r, const evr_replay_batch_options *o)
{
    evr_results *results = NULL;
    assert_ok(evr_replay_batch(ctx, r->items, r->count, o, &results, err));
    return results;
}

static void outcome_is(const evr_results *results, size_t i, int32_t status, int32_t reason, const char *part)
{
    const evr_result *x = evr_results_at(results, i);
    if (!x || x->index != i || x->status != status || x->reason != reason || !strstr(x->detail.data ? x->detail.data : "", part))
        fail_msg("record %zu (%.*s): %s %s: %s, not %s %s: %s", i, x ? (int)x->op.len : 0, x ? x->op.data : "", x ? evr_outcome_name(x->status) : "none",
                 x ? evr_reason_name(x->reason) : "", x ? x->detail.data : "", evr_outcome_name(status), evr_reason_name(reason), part);
}

static const char *const good[] = {"aten::abs", "aten::neg", "aten::exp", "aten::sin", "aten::relu", "aten::sigmoid", "aten::tanh", "aten::floor"};

static void test_batch__in_this_process(void **state)
{
    (void)state;
    records r;
    make(&r, good, 8);
    const evr_replay_batch_options o = options_of(EVR_BATCH_CHECK_FINITE | EVR_BATCH_CHECK_REPEAT | EVR_BATCH_CHECK_REFERENCE | EVR_BATCH_CHECK_MUTATION);
    evr_results *results = run(&r, &o);
    assert_int_equal(evr_results_count(results), 8);
    assert_int_equal(evr_results_about(results)->flags, 0);
    for (size_t i = 0; i < 8; i++) {
        outcome_is(results, i, EVR_STATUS_OK, EVR_REASON_NONE, "");
        const evr_result *x = evr_results_at(results, i);
        assert_int_equal(x->count, i + 1);
        assert_int_equal(x->check_count, 4);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(x->checks[k].verdict, EVR_VERDICT_GOOD);
        assert_true(x->first_run_ns > 0 && !x->statistics);
    }
    evr_results_free(results);
    evr_ir_set_free(r.set);
}

static void test_checks__find_what_they_look_for(void **state)
{
    (void)state;
    static const char *const ops[] = {"evrpoison::meddle", "evrpoison::not_a_number", "evrpoison::other_every_time", "evrpoison::imprecise", "aten::log"};
    static const struct {
        uint32_t flag;
        size_t record;
        const char *detail;
    } cases[] = {
        {EVR_BATCH_CHECK_MUTATION, 0, "check mutation: argument x has changed"},
        {EVR_BATCH_CHECK_FINITE, 1, "check finite: 3 of 3 numbers are NaN or infinite"},
        {EVR_BATCH_CHECK_REPEAT, 2, "check repeat: set up and run again, it gives other bits"},
        {EVR_BATCH_CHECK_REFERENCE, 3, "check reference: 0 % of 5 numbers within"},
    };
    records r;
    make(&r, ops, 5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const evr_replay_batch_options o = options_of(cases[i].flag);
        evr_results *results = run(&r, &o);
        outcome_is(results, cases[i].record, EVR_STATUS_FAILED, EVR_REASON_OP_ERROR, cases[i].detail);
        outcome_is(results, 4, EVR_STATUS_OK, EVR_REASON_NONE, "");
        evr_results_free(results);
    }
    evr_ir_set_free(r.set);
}

static void poison_costs_only_itself(const char *worker)
{
    static const char *const ops[] = {"aten::abs", "evrpoison::crash", "aten::neg", "evrpoison::abort", "evrpoison::exit", "aten::exp", "evrpoison::hang",
                                      "aten::sin", "evrpoison::allocate", "evrpoison::refuse", "aten::relu", "nobody::knows", "aten::tanh"};
    records r;
    make(&r, ops, 13);
    evr_replay_batch_options o = options_of(EVR_BATCH_ISOLATE);
    o.timeout_s = 3;
    o.workers = 2;
    o.worker = worker;
    evr_results *results = run(&r, &o);
    assert_int_equal(evr_results_count(results), 13);
    outcome_is(results, 1, EVR_STATUS_FAILED, EVR_REASON_CRASHED, "Segmentation fault");
    outcome_is(results, 3, EVR_STATUS_FAILED, EVR_REASON_CRASHED, "this process has had enough");
    outcome_is(results, 4, EVR_STATUS_FAILED, EVR_REASON_CRASHED, "ended by itself with code 6");
    outcome_is(results, 6, EVR_STATUS_FAILED, EVR_REASON_TIMEOUT, "did not end in time");
    assert_int_equal(evr_results_at(results, 8)->status, EVR_STATUS_FAILED); /* it throws where memory is bounded, and is killed where it is not */
    outcome_is(results, 9, EVR_STATUS_FAILED, EVR_REASON_OP_ERROR, "poison: raised");
    outcome_is(results, 11, EVR_STATUS_FAILED, EVR_REASON_NO_SUCH_OP, "nobody::knows");
    const size_t fine[] = {0, 2, 5, 7, 10, 12};
    for (size_t i = 0; i < 6; i++)
        outcome_is(results, fine[i], EVR_STATUS_OK, EVR_REASON_NONE, "");
    assert_true(evr_results_at(results, 0)->flags & EVR_RESULT_ISOLATED);
    evr_results_free(results);
    evr_ir_set_free(r.set);
}

static void test_isolated__poison_costs_only_itself(void **state)
{
    (void)state;
    poison_costs_only_itself(EVR_TEST_WORKER);
}

/* Workers that are forks of this process, which has loaded all of it by now. Where that is not fit, the ordinary worker is taken. */
static void test_isolated__poison_in_forks_of_the_batch(void **state)
{
    (void)state;
    poison_costs_only_itself("self");
}

/* Poisons that reach beyond their own process: each record beside them is as without them, and each is named. */
static void test_isolated__poison_that_reaches_out(void **state)
{
    (void)state;
    static const char *const ops[] = {"aten::abs", "evrpoison::leave_child", "aten::neg", "evrpoison::patricide", "aten::exp", "evrpoison::shut_up",
                                      "evrpoison::spin", "aten::sin", "evrpoison::reserve", "evrpoison::wrong_device", "aten::tanh"};
    static const struct {
        size_t record;
        int32_t reason;
        const char *detail;
    } expected[] = {
        {1, EVR_REASON_CRASHED, "Segmentation fault"}, /* noticed though its child holds the line open */
        {3, EVR_REASON_CRASHED, "together with the one that had started it"},
        {5, EVR_REASON_CRASHED, "it closed its line and went on"},
        {6, EVR_REASON_TIMEOUT, "did not end in time"},
        {9, EVR_REASON_OP_ERROR, "on the same device"},
    };
    records r;
    make(&r, ops, sizeof ops / sizeof *ops);
    for (int32_t workers = 1; workers <= 3; workers += 2) {
        evr_replay_batch_options o = options_of(EVR_BATCH_ISOLATE);
        o.timeout_s = 5;
        o.workers = workers;
        o.worker = workers == 3 ? "self" : EVR_TEST_WORKER;
        evr_results *results = run(&r, &o);
        assert_int_equal(evr_results_count(results), r.count);
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
            outcome_is(results, expected[i].record, EVR_STATUS_FAILED, expected[i].reason, expected[i].detail);
        assert_int_equal(evr_results_at(results, 8)->status, EVR_STATUS_FAILED);
        const size_t fine[] = {0, 2, 4, 7, 10};
        for (size_t i = 0; i < 5; i++)
            outcome_is(results, fine[i], EVR_STATUS_OK, EVR_REASON_NONE, "");
        evr_results_free(results);
    }
    evr_ir_set_free(r.set);
}

static void keep_log(void *user, int32_t level, evr_str message)
{
    char *all = user;
    (void)level;
    snprintf(all + strlen(all), 4096 - strlen(all), "%.*s\n", (int)message.len, message.data);
}

/* No fork with threads: a library that starts one when it is loaded makes each worker load everything itself, and the log says so. */
static void test_isolated__without_a_zygote(void **state)
{
    (void)state;
    static const char *const ops[] = {"aten::abs", "evrthreads::none", "aten::neg", "evrpoison::crash", "aten::exp"};
    const evr_str library = {EVR_TEST_THREADED, strlen(EVR_TEST_THREADED)}, poisons = {EVR_TEST_OPS, strlen(EVR_TEST_OPS)};
    char log[4096] = "";
    const evr_context_options options = {.struct_size = sizeof options, .log_level = EVR_LOG_INFO, .log = keep_log, .log_user = log};
    evr_context *shared = ctx;
    assert_ok(evr_context_new(&options, &ctx, err));
    assert_ok(evr_register_namespace(ctx, (evr_str){"evrthreads", 10}, &library, 1, err));
    assert_ok(evr_register_namespace(ctx, (evr_str){"evrpoison", 9}, &poisons, 1, err));
    records r;
    make(&r, ops, 5);
    const evr_replay_batch_options o = options_of(EVR_BATCH_ISOLATE);
    evr_results *results = run(&r, &o);
    assert_non_null(strstr(log, "each worker loads everything itself: this process has 2 threads after it loaded what evrthreads::none needs"));
    for (size_t i = 0; i < 5; i += 2)
        outcome_is(results, i, EVR_STATUS_OK, EVR_REASON_NONE, "");
    outcome_is(results, 1, EVR_STATUS_FAILED, EVR_REASON_NO_SUCH_OP, "");
    outcome_is(results, 3, EVR_STATUS_FAILED, EVR_REASON_CRASHED, "Segmentation fault");
    evr_results_free(results);
    evr_ir_set_free(r.set);
    evr_context_free(ctx);
    ctx = shared;
}

/* One that dies of what another left behind is run again alone. */
static void test_isolated__retried_alone(void **state)
{
    (void)state;
    static const char *const ops[] = {"evrpoison::spoil", "evrpoison::innocent", "aten::abs"};
    records r;
    make(&r, ops, 3);
    const evr_replay_batch_options o = options_of(EVR_BATCH_ISOLATE);
    evr_results *results = run(&r, &o);
    for (size_t i = 0; i < 3; i++)
        outcome_is(results, i, EVR_STATUS_OK, EVR_REASON_NONE, "");
    assert_true(evr_results_at(results, 1)->flags & EVR_RESULT_RETRIED);
    assert_false(evr_results_at(results, 2)->flags & EVR_RESULT_RETRIED);
    evr_results_free(results);
    evr_ir_set_free(r.set);
}

static void test_isolated__workers_that_cannot_begin(void **state)
{
    (void)state;
    records r;
    evr_results *results = NULL;
    evr_error *failure = NULL;
    make(&r, good, 2);
    evr_replay_batch_options o = options_of(EVR_BATCH_ISOLATE);
    o.worker = "/no/such/worker";
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_PLUGIN);
    assert_non_null(strstr(evr_error_message(failure), "/no/such/worker"));
    evr_error_free(failure);
    o.worker = "/bin/false";
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_PLUGIN);
    assert_non_null(strstr(evr_error_message(failure), "end before they begin"));
    evr_error_free(failure);
    o = options_of(EVR_BATCH_ISOLATE);
    o.device = "cuda:7";
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_NO_DEVICE);
    assert_null(results);
    evr_error_free(failure);
    o = options_of(0);
    o.bridge = "/no/such/bridge.so";
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_PLUGIN);
    evr_error_free(failure);
    evr_ir_set_free(r.set);
}

static int32_t stop_at_three(void *user, const evr_result *result, uint64_t done, uint64_t total)
{
    (void)total;
    *(int *)user += result != NULL;
    return done == 3;
}

static void test_batch__stops(void **state)
{
    (void)state;
    static const char *const ops[] = {"aten::abs", "nobody::knows", "aten::neg", "aten::exp", "aten::sin"};
    records r;
    make(&r, ops, 5);
    for (int isolated = 0; isolated < 2; isolated++) {
        int told = 0;
        evr_replay_batch_options o = options_of(isolated ? EVR_BATCH_ISOLATE : 0);
        o.progress = stop_at_three;
        o.progress_user = &told;
        evr_results *results = run(&r, &o);
        assert_int_equal(evr_results_count(results), 3);
        assert_int_equal(told, 3);
        assert_int_equal(evr_results_about(results)->flags, EVR_RESULTS_INTERRUPTED);
        evr_results_free(results);
        o = options_of((isolated ? EVR_BATCH_ISOLATE : 0) | EVR_BATCH_STOP_ON_ERROR);
        results = run(&r, &o);
        assert_int_equal(evr_results_count(results), 2);
        evr_results_free(results);
    }
    evr_replay_batch_options o = options_of(0);
    o.budget_s = 1e-9;
    evr_results *results = run(&r, &o);
    assert_int_equal(evr_results_count(results), 0);
    evr_results_free(results);
    evr_ir_set_free(r.set);
}

static void test_journal__goes_on_where_it_ended(void **state)
{
    (void)state;
    char path[] = "/tmp/evreplay-journal-XXXXXX";
    records r;
    int told = 0;
    evr_error *failure = NULL;
    evr_results *results = NULL;
    make(&r, good, 8);
    close(mkstemp(path));
    evr_replay_batch_options o = options_of(0);
    o.journal = path;
    o.progress = stop_at_three;
    o.progress_user = &told;
    evr_results_free(run(&r, &o));
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_STATE); /* nothing is written over */
    assert_non_null(strstr(evr_error_hint(failure), "--resume"));
    evr_error_free(failure);
    assert_int_equal(truncate(path, 0) | 0, 0);
    evr_results_free(run(&r, &o)); /* an empty file is none */
    FILE *f = fopen(path, "a"); /* what a kill leaves of a line */
    fputs("{\"index\": 3, \"uid\": nu", f);
    fclose(f);
    told = 0;
    o = options_of(EVR_BATCH_RESUME);
    o.journal = path;
    o.progress_user = &told;
    o.progress = stop_at_three;
    results = run(&r, &o);
    assert_int_equal(told, 5); /* three were in the journal; stop_at_three never sees three done */
    assert_int_equal(evr_results_count(results), 8);
    for (size_t i = 0; i < 8; i++)
        outcome_is(results, i, EVR_STATUS_OK, EVR_REASON_NONE, "");
    evr_results_free(results);
    o.seed = 4;
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_STATE);
    assert_non_null(strstr(evr_error_message(failure), "of other records, or of another way"));
    evr_error_free(failure);
    o.journal = "/no/such/folder/journal";
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_IO);
    evr_error_free(failure);
    unlink(path);
    evr_ir_set_free(r.set);
}

static void test_batch__timed(void **state)
{
    (void)state;
    records r;
    make(&r, good, 2);
    evr_protocol protocol = {.struct_size = sizeof protocol, .stop = EVR_STOP_COUNT, .samples = 20, .seconds = 2};
    for (int isolated = 0; isolated < 2; isolated++) {
        evr_replay_batch_options o = options_of(EVR_BATCH_TIMED | EVR_BATCH_SAMPLES | (isolated ? EVR_BATCH_ISOLATE : 0));
        o.protocol = &protocol;
        evr_results *results = run(&r, &o);
        for (size_t i = 0; i < 2; i++) {
            const evr_result *x = evr_results_at(results, i);
            outcome_is(results, i, EVR_STATUS_OK, EVR_REASON_NONE, "");
            assert_int_equal(x->sample_count, 20);
            assert_true(x->statistics->median > 0 && x->statistics->median_low <= x->statistics->median);
            assert_non_null(strstr(x->protocol.data, "stop=count"));
        }
        evr_results_free(results);
    }
    evr_error *refusal = NULL;
    evr_results *none = NULL;
    protocol.launch = EVR_LAUNCH_GRAPH; /* said once, in this process or from a worker */
    for (int isolated = 0; isolated < 2; isolated++) {
        evr_replay_batch_options o = options_of(EVR_BATCH_TIMED | (isolated ? EVR_BATCH_ISOLATE : 0));
        o.protocol = &protocol;
        assert_int_not_equal(evr_replay_batch(ctx, r.items, r.count, &o, &none, &refusal), EVR_OK);
        assert_non_null(strstr(evr_error_message(refusal), "has no graphs"));
        assert_null(none);
        evr_error_free(refusal);
        refusal = NULL;
    }
    evr_ir_set_free(r.set);
}

/* The visits that were told of, in their order: the first to each record, then the second to each. */
static int32_t watch_visits(void *user, const evr_result *result, uint64_t done, uint64_t total)
{
    int *told = user;
    assert_int_equal(total, 6);
    if (!result)
        return 0;
    assert_int_equal(result->index, *told % 2);
    assert_int_equal(result->visit, *told / 2 + 1);
    assert_int_equal(done, ++*told);
    return 0;
}

/* Each record is come by several times, and has one result. */
static void test_batch__visits(void **state)
{
    (void)state;
    records r;
    make(&r, good, 2);
    evr_protocol protocol = {.struct_size = sizeof protocol, .stop = EVR_STOP_COUNT, .samples = 20, .seconds = 2, .throttle = EVR_THROTTLED_KEEP};
    for (int variant = 0; variant < 4; variant++) {
        int told = 0, kept = variant & 1;
        evr_replay_batch_options o = options_of(EVR_BATCH_TIMED | (kept ? EVR_BATCH_SAMPLES : 0) | (variant & 2 ? EVR_BATCH_ISOLATE : 0));
        o.protocol = &protocol;
        o.visits = 3;
        o.progress = watch_visits;
        o.progress_user = &told;
        evr_results *results = run(&r, &o);
        assert_int_equal(told, 6);
        assert_int_equal(evr_results_count(results), 2);
        for (size_t i = 0; i < 2; i++) {
            const evr_result *x = evr_results_at(results, i);
            outcome_is(results, i, EVR_STATUS_OK, EVR_REASON_NONE, "");
            assert_int_equal(x->visit, 0);
            assert_int_equal(x->count, i + 1);
            assert_true(x->visit_count >= 1 && x->visit_count <= 3); /* what somebody disturbed is left out */
            assert_true((x->samples != NULL) == kept && x->sample_count == (kept ? 20 * x->visit_count : 0));
            for (size_t k = 0; k < x->visit_count; k++)
                assert_true(x->statistics->median_low <= x->visits[k] && x->visits[k] <= x->statistics->median_high);
        }
        evr_results_free(results);
    }
    evr_error *refusal = NULL;
    evr_results *none = NULL;
    evr_replay_batch_options o = options_of(0);
    o.visits = UINT32_MAX;
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &none, &refusal), EVR_E_LIMIT);
    assert_non_null(strstr(evr_error_hint(refusal), "fewer visits"));
    evr_error_free(refusal);
    evr_ir_set_free(r.set);
}

/* The zygote, while workers are forks of one; 0 where the system does not tell. */
static long child_of_this_process(void)
{
    long pid = 0;
    FILE *children = fopen("/proc/thread-self/children", "r");
    if (children && fscanf(children, "%ld", &pid) != 1)
        pid = 0;
    if (children)
        fclose(children);
    return pid;
}

static int32_t watch_zygotes(void *user, const evr_result *result, uint64_t done, uint64_t total)
{
    long *zygotes = user;
    (void)total;
    if (result)
        zygotes[done - 1] = child_of_this_process();
    return 0;
}

/* What a visit left behind in its process is not there in the next, and what they are forks of lies elsewhere. */
static void test_isolated__visits_in_new_processes(void **state)
{
    (void)state;
    static const char *const ops[] = {"evrpoison::innocent", "evrpoison::spoil"};
    records r;
    long zygotes[6] = {0};
    make(&r, ops, 2);
    evr_replay_batch_options o = options_of(EVR_BATCH_ISOLATE);
    o.visits = 3;
    o.progress = watch_zygotes;
    o.progress_user = zygotes;
    evr_results *results = run(&r, &o);
    assert_int_equal(evr_results_count(results), 2);
    for (size_t i = 0; i < 2; i++)
        outcome_is(results, i, EVR_STATUS_OK, EVR_REASON_NONE, "");
    assert_false(evr_results_at(results, 0)->flags & EVR_RESULT_RETRIED);
    for (size_t i = 0; zygotes[0] && i < 6; i++)
        assert_true(i % 2 ? zygotes[i] == zygotes[i - 1] : i == 0 || zygotes[i] != zygotes[i - 1]);
    evr_results_free(results);
    evr_ir_set_free(r.set);
}

static void test_journal__goes_on_within_a_round(void **state)
{
    (void)state;
    char path[] = "/tmp/evreplay-journal-XXXXXX";
    records r;
    int told = 0;
    make(&r, good, 2);
    close(mkstemp(path));
    evr_protocol protocol = {.struct_size = sizeof protocol, .stop = EVR_STOP_COUNT, .samples = 10, .seconds = 2, .throttle = EVR_THROTTLED_KEEP};
    evr_replay_batch_options o = options_of(EVR_BATCH_TIMED | EVR_BATCH_SAMPLES);
    o.protocol = &protocol;
    o.journal = path;
    o.visits = 4;
    o.progress = stop_at_three;
    o.progress_user = &told;
    evr_results *results = run(&r, &o);
    assert_int_equal(evr_results_about(results)->flags, EVR_RESULTS_INTERRUPTED);
    assert_int_equal(evr_results_count(results), 2);
    evr_results_free(results);
    told = 0;
    o.flags |= EVR_BATCH_RESUME;
    results = run(&r, &o);
    assert_int_equal(told, 5);
    for (size_t i = 0; i < 2; i++)
        assert_true(evr_results_at(results, i)->visit_count >= 1 && evr_results_at(results, i)->sample_count == 10 * evr_results_at(results, i)->visit_count);
    assert_int_equal(evr_results_count(results), 2);
    assert_int_equal(evr_results_about(results)->flags, 0);
    evr_results_free(results);
    evr_error *failure = NULL;
    o.visits = 5; /* another way to run them */
    assert_int_equal(evr_replay_batch(ctx, r.items, r.count, &o, &results, &failure), EVR_E_STATE);
    evr_error_free(failure);
    unlink(path);
    evr_ir_set_free(r.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch__visits),
        cmocka_unit_test(test_isolated__visits_in_new_processes),
        cmocka_unit_test(test_journal__goes_on_within_a_round),
        cmocka_unit_test(test_batch__in_this_process),
        cmocka_unit_test(test_checks__find_what_they_look_for),
        cmocka_unit_test(test_isolated__poison_costs_only_itself),
        cmocka_unit_test(test_isolated__poison_in_forks_of_the_batch),
        cmocka_unit_test(test_isolated__poison_that_reaches_out),
        cmocka_unit_test(test_isolated__without_a_zygote),
        cmocka_unit_test(test_isolated__retried_alone),
        cmocka_unit_test(test_isolated__workers_that_cannot_begin),
        cmocka_unit_test(test_batch__stops),
        cmocka_unit_test(test_journal__goes_on_where_it_ended),
        cmocka_unit_test(test_batch__timed),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
