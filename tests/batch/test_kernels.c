/* The check of kernels against those of the trace, down each way that may record them. The device is played by look-alikes of HIP's libraries and by
 * masquerade.c: the bridge's operators are the kernels it sees. */
#include "support/support.h"

#include <unistd.h>

#ifndef EVR_TEST_MASQUERADE
#define EVR_TEST_MASQUERADE ""
#define EVR_TEST_HIP ""
#define EVR_TEST_FAKE ""
#endif

static evr_context *ctx;
static test_memory memory;
static const char *backend;

static int open_context(void **state)
{
    (void)state;
    ctx = test_context(&memory);
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    evr_context_free(ctx);
    return memory.live != 0 || memory.mismatches != 0;
}

/* One call of aten::neg whose trace shows `kernels`, a JSON array. */
static evr_ir_set *record_with(const char *kernels)
{
    char text[2048];
    evr_ir_set *set;
    snprintf(text, sizeof text,
             "{\"evreplay_ir\":1,\"records\":[{\"op\":\"aten::neg\",\"count\":2,\"args\":[{\"name\":\"self\",\"value\":{\"tensor\":"
             "{\"shape\":[64],\"strides\":[1],\"dtype\":\"float32\"}}}],\"kernels\":%s}]}",
             kernels);
    assert_ok(evr_ir_read(ctx, text, strlen(text), &set, err));
    return set;
}

static void verdict_is(const char *device, const char *kernels, int32_t verdict, const char *says, const char *recorder)
{
    evr_ir_set *set = record_with(kernels);
    const evr_ir *record = evr_ir_set_at(set, 0);
    evr_results *results;
    const evr_replay_batch_options o = {
        .struct_size = sizeof o,
        .flags = EVR_BATCH_CHECK_KERNELS,
        .device = device,
        .bridge = EVR_TEST_MASQUERADE,
        .backend_path = strcmp(device, "cpu") == 0 ? NULL : backend,
        .max_bytes = 1 << 20,
    };
    assert_ok(evr_replay_batch(ctx, &record, 1, &o, &results, err));
    const evr_result *x = evr_results_at(results, 0);
    assert_int_equal(x->check_count, 1);
    const char *detail = x->checks[0].detail.data;
    if (x->checks[0].verdict != verdict || !strstr(detail, says) || !strstr(detail, recorder))
        fail_msg("%s on %s: verdict %d: %s", kernels, device, (int)x->checks[0].verdict, detail);
    assert_int_equal(x->status, verdict == EVR_VERDICT_BAD ? EVR_STATUS_FAILED : EVR_STATUS_OK);
    evr_results_free(results);
    evr_ir_set_free(set);
}

#define BRIDGE "seen by the profiler of torch "

static void test_kernels__by_the_bridge(void **state)
{
    (void)state;
    verdict_is("cuda:0", "[{\"name\":\"aten::neg\",\"count\":2,\"total_ns\":1000}]", EVR_VERDICT_GOOD, "1 kernels of the trace", BRIDGE);
    verdict_is("cuda:0", "[{\"name\":\"aten::neg\",\"count\":2,\"total_ns\":4000000000000}]", EVR_VERDICT_GOOD, "different time", BRIDGE);
    verdict_is("cuda:0", "[{\"name\":\"other\",\"count\":2,\"total_ns\":1000}]", EVR_VERDICT_BAD, "different kernel: aten::neg is not among the trace's", BRIDGE);
    verdict_is("cuda:0", "[{\"name\":\"aten::neg\",\"count\":2,\"total_ns\":9},{\"name\":\"Memset (Device)\",\"count\":2,\"total_ns\":9}]", EVR_VERDICT_BAD,
               "missing kernel: Memset (Device) did not run", BRIDGE);
    verdict_is("cuda:0", "[{\"name\":\"aten::neg\",\"count\":2,\"total_ns\":9},{\"name\":\"once\",\"count\":1,\"total_ns\":9}]", EVR_VERDICT_GOOD, "", BRIDGE);
    verdict_is("cuda:0", "[]", EVR_VERDICT_SKIPPED, "the record has no kernels", "");
}

static void test_kernels__nobody_records(void **state)
{
    (void)state;
    static const char one[] = "[{\"name\":\"aten::neg\",\"count\":2,\"total_ns\":1000}]";
    verdict_is("cpu", one, EVR_VERDICT_SKIPPED, "no device activities for cpu", "");
    setenv("MASQUERADE_BUSY", "1", 1);
    verdict_is("cuda:0", one, EVR_VERDICT_SKIPPED, "somebody else records", "");
    unsetenv("MASQUERADE_BUSY");
    setenv("MASQUERADE_BLIND", "1", 1);
    verdict_is("cuda:0", one, EVR_VERDICT_SKIPPED, "saw no kernel, and the trace has 1", "the profiler of torch ");
    unsetenv("MASQUERADE_BLIND");
    setenv("MASQUERADE_OLD", "1", 1);
    verdict_is("cuda:0", one, EVR_VERDICT_SKIPPED, "kernels are not recorded on cuda:0", "");
    unsetenv("MASQUERADE_OLD");
}

/* A backend that records is asked first. The fake one's device runs nothing of this, so it sees nothing. What a backend cannot do now is left to the bridge. */
static void test_kernels__by_the_backend(void **state)
{
    (void)state;
    const char *before = backend;
    static const char one[] = "[{\"name\":\"aten::neg\",\"count\":2,\"total_ns\":1000}]";
    backend = EVR_TEST_FAKE;
    verdict_is("cuda:0", one, EVR_VERDICT_SKIPPED, "saw no kernel", "the backend fake ");
    setenv("EVR_FAKE_KERNELS_BUSY", "1", 1);
    verdict_is("cuda:0", one, EVR_VERDICT_GOOD, "", BRIDGE);
    unsetenv("EVR_FAKE_KERNELS_BUSY");
    backend = before;
}

int main(void)
{
    if (!EVR_TEST_MASQUERADE[0] || !getenv("EVR_TEST_LOOK_ALIKE")) {
        printf(EVR_TEST_MASQUERADE[0] ? "skipped: runs as batch.kernels_hip, on a look-alike of HIP\n" : "skipped: no bridge was built\n");
        return 77;
    }
    backend = EVR_TEST_HIP;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels__by_the_bridge),
        cmocka_unit_test(test_kernels__nobody_records),
        cmocka_unit_test(test_kernels__by_the_backend),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
