#include "fake_meter.h"

#include "noise.h"

#define DEFAULT_TEXT                                                                                                       \
    "evreplay-protocol/1 stop=precision precision=0.01 min_seconds=0.005 samples=- noise=- device_seconds=- "              \
    "entropy_angle=- "                                                                                                     \
    "entropy_r2=- min_samples=10 max_samples=1000000 seconds=5.0 warmup=stable warmup_calls=50 flush=none "                \
    "flush_bytes=- launch=auto batch=0 gate=auto gate_seconds=1.0 throttle=discard seed=0 fill=-"

static evr_context *ctx;
static test_memory memory;

static int set_up(void **state)
{
    (void)state;
    ctx = test_context(&memory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_context_done(ctx, &memory);
    return 0;
}

static void assert_text(const evr_protocol *p, const char *want)
{
    char *text;
    size_t size;
    assert_ok(evr_protocol_text(ctx, p, &text, &size, err));
    assert_string_equal(text, want);
    assert_int_equal(size, strlen(want));
    evr_text_free(ctx, text);
}

static void test_protocol__text(void **state)
{
    (void)state;
    evr_protocol p = {EVR_INIT(evr_protocol)};
    assert_text(NULL, DEFAULT_TEXT);
    assert_text(&p, DEFAULT_TEXT);
    p.precision = 0.01; /* the default written out is the default */
    p.samples = 7;      /* and what does not count does not show */
    p.noise = 0.3;
    assert_text(&p, DEFAULT_TEXT);
}

static void test_protocol__presets(void **state)
{
    (void)state;
    evr_protocol p = {EVR_INIT(evr_protocol)};
    assert_ok(evr_protocol_preset(EVR_PROTOCOL_FIXED, &p, err));
    assert_text(&p,
                "evreplay-protocol/1 stop=count precision=- min_seconds=- samples=100 noise=- device_seconds=- "
                "entropy_angle=- entropy_r2=- "
                "min_samples=- max_samples=- seconds=3600.0 warmup=count warmup_calls=50 flush=write flush_bytes=268435456 "
                "launch=single batch=- gate=off gate_seconds=- throttle=keep seed=0 fill=-");
    assert_ok(evr_protocol_preset(EVR_PROTOCOL_NVBENCH, &p, err));
    assert_int_equal(p.stop, EVR_STOP_STDREL);
    assert_near(p.noise, 0.005, 0);
    assert_near(p.device_seconds, 0.5, 0);
    assert_near(p.seconds, 15, 0);
    assert_ok(evr_protocol_preset(EVR_PROTOCOL_DEFAULT, &p, err));
    assert_text(&p, DEFAULT_TEXT);
    assert_int_equal(evr_protocol_preset(3, &p, NULL), EVR_E_INVALID);
    assert_int_equal(evr_protocol_preset(-1, &p, NULL), EVR_E_INVALID);
}

static void test_protocol__reads_what_it_writes(void **state)
{
    (void)state;
    evr_protocol p = {.struct_size = sizeof p,
                      .stop = EVR_STOP_ENTROPY,
                      .entropy_angle = 0.1,
                      .seed = UINT64_MAX,
                      .flush = EVR_FLUSH_WRITE_READ,
                      .seconds = 1.0 / 3,
                      .warmup = EVR_WARMUP_COUNT,
                      .warmup_calls = 3,
                      .launch = EVR_LAUNCH_GRAPH,
                      .batch = 12,
                      .fill = "zipf_1.1"};
    char *text, *again;
    size_t size;
    assert_ok(evr_protocol_text(ctx, &p, &text, &size, err));
    assert_non_null(strstr(text, "seed=18446744073709551615"));
    evr_protocol q;
    assert_ok(evr_protocol_parse(ctx, (evr_str){text, size}, &q, err));
    assert_true(q.seconds == 1.0 / 3);
    assert_int_equal(q.seed, UINT64_MAX);
    assert_string_equal(q.fill, "zipf_1.1");
    assert_ok(evr_protocol_text(ctx, &q, &again, &size, err));
    assert_string_equal(text, again);
    assert_ok(evr_protocol_same(ctx, &p, &q, err));
    evr_text_free(ctx, text);
    evr_text_free(ctx, again);
}

static void refuse(const char *text, evr_status code, int64_t offset)
{
    evr_protocol p;
    evr_error *err = NULL;
    assert_int_equal(evr_protocol_parse(ctx, (evr_str){text, strlen(text)}, &p, &err), code);
    assert_int_equal(evr_error_offset(err), offset);
    evr_error_free(err);
}

static void test_protocol__refuses_text(void **state)
{
    (void)state;
    refuse("", EVR_E_FORMAT, 0);
    refuse("protocol/1", EVR_E_FORMAT, 0);
    refuse("evreplay-protocol/2 stop=count", EVR_E_UNSUPPORTED, -1);
    refuse("evreplay-protocol/1 stop=never", EVR_E_FORMAT, 20);
    refuse("evreplay-protocol/1  stop", EVR_E_FORMAT, 21);
    refuse("evreplay-protocol/1 colour=red", EVR_E_FORMAT, 20);
    refuse("evreplay-protocol/1 samples=-4", EVR_E_FORMAT, 20);
    refuse("evreplay-protocol/1 samples=4x", EVR_E_FORMAT, 20);
    refuse("evreplay-protocol/1 precision=nan", EVR_E_FORMAT, 20);
    refuse("evreplay-protocol/1 seed=18446744073709551616", EVR_E_FORMAT, 20);
    refuse("evreplay-protocol/1 fill=0123456789012345678901234567890123456789", EVR_E_FORMAT, 20);
    refuse("evreplay-protocol/1 fill=a\"b", EVR_E_INVALID, -1);
    refuse("evreplay-protocol/1 precision=2", EVR_E_INVALID, -1);
}

/* Damaged lines are refused or are another protocol, which then reads back. */
static void test_protocol__damaged(void **state)
{
    (void)state;
    noise random = {3, 0};
    char *text, *again;
    size_t size, refused = 0;
    for (int round = 0; round < 5000; round++) {
        char line[sizeof DEFAULT_TEXT];
        memcpy(line, DEFAULT_TEXT, sizeof line);
        for (int hit = 0; hit < 1 + round % 3; hit++)
            line[(size_t)(noise_uniform(&random) * (sizeof line - 1))] = (char)noise_bits(&random);
        size_t length = round % 2 ? sizeof line - 1 : (size_t)(noise_uniform(&random) * (sizeof line - 1));
        evr_protocol p, q;
        evr_error *why = NULL;
        if (evr_protocol_parse(ctx, (evr_str){line, length}, &p, &why) != EVR_OK) {
            assert_true(evr_error_message(why)[0] != 0);
            refused++;
        } else {
            assert_ok(evr_protocol_text(ctx, &p, &text, &size, err));
            assert_ok(evr_protocol_parse(ctx, (evr_str){text, size}, &q, err));
            assert_ok(evr_protocol_text(ctx, &q, &again, &size, err));
            assert_string_equal(text, again);
            evr_text_free(ctx, text);
            evr_text_free(ctx, again);
        }
        evr_error_free(why);
    }
    assert_true(refused > 1000 && refused < 5000);
}

static void refuse_member(evr_protocol p, const char *name)
{
    char *text;
    size_t size;
    evr_error *err = NULL;
    p.struct_size = sizeof p;
    assert_int_equal(evr_protocol_text(ctx, &p, &text, &size, &err), EVR_E_INVALID);
    assert_null(text);
    assert_non_null(strstr(evr_error_message(err), name));
    evr_error_free(err);
}

static void test_protocol__refuses_members(void **state)
{
    (void)state;
    refuse_member((evr_protocol){.stop = 9}, "stop");
    refuse_member((evr_protocol){.precision = -0.1}, "precision");
    refuse_member((evr_protocol){.precision = NAN}, "precision");
    refuse_member((evr_protocol){.seconds = INFINITY}, "seconds");
    refuse_member((evr_protocol){.min_samples = 1}, "min_samples");
    refuse_member((evr_protocol){.flush_bytes = UINT64_MAX}, "flush_bytes");
    refuse_member((evr_protocol){.flags = 1}, "flags");
    refuse_member((evr_protocol){.fill = "two words"}, "fill");
    refuse_member((evr_protocol){.launch = EVR_LAUNCH_BATCH, .flush = EVR_FLUSH_WRITE}, "flush");
    evr_protocol endless = {.struct_size = sizeof endless};
    memset(endless.fill, 'a', sizeof endless.fill);
    refuse_member(endless, "fill");
}

static void test_protocol__compares(void **state)
{
    (void)state;
    evr_protocol a = {EVR_INIT(evr_protocol)}, b = {EVR_INIT(evr_protocol)};
    assert_ok(evr_protocol_same(ctx, &a, &b, err));
    assert_ok(evr_protocol_same(ctx, NULL, &b, err));
    b.samples = 5; /* does not count */
    assert_ok(evr_protocol_same(ctx, &a, &b, err));
    b.precision = 0.02;
    b.flush = EVR_FLUSH_WRITE;
    snprintf(b.fill, sizeof b.fill, "zeros");
    evr_error *err = NULL;
    assert_int_equal(evr_protocol_same(ctx, &a, &b, &err), EVR_E_INVALID);
    const char *said[] = {"precision 0.01 and 0.02", "flush none and write", "flush_bytes - and 0", "fill - and zeros"};
    for (size_t i = 0; i < 4; i++)
        if (!strstr(evr_error_message(err), said[i]))
            fail_msg("\"%s\" is missing in: %s", said[i], evr_error_message(err));
    assert_null(strstr(evr_error_message(err), "seconds"));
    evr_error_free(err);
    a = b;
    a.seed = (1ull << 60) + 1;
    b.seed = 1ull << 60; /* the same as a double */
    assert_int_equal(evr_protocol_same(ctx, &a, &b, NULL), EVR_E_INVALID);
}

static void test_protocol__no_memory(void **state)
{
    (void)state;
    evr_protocol a = {EVR_INIT(evr_protocol)}, b = {.struct_size = sizeof b, .precision = 0.5};
    for (size_t fail = 1; fail < 12; fail++) {
        char *text;
        size_t size;
        memory.fail_after = memory.calls + fail;
        evr_status status = evr_protocol_text(ctx, &a, &text, &size, NULL);
        bool ran_out = memory.calls >= memory.fail_after;
        memory.fail_after = 0;
        assert_int_equal(status, ran_out ? EVR_E_NOMEM : EVR_OK);
        evr_text_free(ctx, text);
        memory.fail_after = memory.calls + fail;
        status = evr_protocol_same(ctx, &a, &b, NULL);
        ran_out = memory.calls >= memory.fail_after;
        memory.fail_after = 0;
        assert_int_equal(status, ran_out ? EVR_E_NOMEM : EVR_E_INVALID);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_protocol__text),         TEST(test_protocol__presets),         TEST(test_protocol__reads_what_it_writes),
        TEST(test_protocol__refuses_text), TEST(test_protocol__refuses_members), TEST(test_protocol__compares),
        TEST(test_protocol__no_memory),
        TEST(test_protocol__damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
