/* Results to try the reports on. */
#ifndef EVR_TESTS_REPORT_SAMPLES_H
#define EVR_TESTS_REPORT_SAMPLES_H

#include "support/support.h"

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

static inline evr_results_info sample_info(void)
{
    return (evr_results_info){.struct_size = EVR_INIT(evr_results_info), .runtime = TEXT("torch 2.13.0"), .device = TEXT("cuda:0"),
                              .device_name = TEXT("Some GPU"), .driver = TEXT("driver 1.2"), .input = TEXT("trace.json.gz"), .seed = UINT64_MAX,
                              .started_s = 1700000000, .wall_s = 12.5};
}

/* Adds a timed result, a failed one, a skipped one and one that only ran, in this order of index: 2, 0, 1, 3. */
static inline void add_samples(evr_context *ctx, evr_results *results)
{
    static const double samples[] = {1000.5, 1001, 999.25, 1002, 1000, 1003, 998, 1000.75, 1001.5, 1e3 / 3, 1000, 1004};
    static const evr_str warnings[] = {{"first warning", 13}, {"second \"warning\"\n", 17}};
    const evr_check checks[] = {
        {EVR_INIT(evr_check), EVR_VERDICT_GOOD, TEXT("finite"), {"", 0}},
        {EVR_INIT(evr_check), EVR_VERDICT_BAD, TEXT("repeat"), TEXT("3 of 64 differ")},
        {EVR_INIT(evr_check), EVR_VERDICT_SKIPPED, TEXT("reference"), TEXT("no CPU kernel")},
    };
    evr_statistics statistics = {EVR_INIT(evr_statistics)};
    evr_conditions conditions = {EVR_INIT(evr_conditions), EVR_MEASUREMENT_LAUNCH_BOUND, EVR_LAUNCH_BATCH, EVR_GATE_OFF, 4, 0, 9, 57, 1, 0,
                                 12.5, 0.5, 800, 57000, 99000, 0.0125, 1500, 0};
    evr_result r = {.struct_size = EVR_INIT(evr_result), .index = 2, .uid = 77, .count = 3, .trace_kernel_ns = 1100.5, .trace_cpu_ns = 9000, .first_run_ns = 2e6};
    char *protocol = NULL;
    size_t size;
    assert_ok(evr_statistics_of(ctx, samples, 12, &statistics, err));
    assert_ok(evr_protocol_text(ctx, NULL, &protocol, &size, err));
    r.key = TEXT("00112233445566778899aabbccddeeff");
    r.op = TEXT("aten::add");
    r.overload = TEXT("Tensor");
    r.arguments = TEXT("float32[8,8], float32[8,8], 1");
    r.device = TEXT("cuda:0");
    r.initializer = TEXT("rules");
    r.flags = EVR_RESULT_ISOLATED;
    r.warnings = warnings;
    r.warning_count = 2;
    r.checks = checks;
    r.check_count = 3;
    r.tensor_bytes = 768;
    r.statistics = &statistics;
    r.conditions = &conditions;
    r.protocol = (evr_str){protocol, size};
    r.samples = samples;
    r.sample_count = 12;
    assert_ok(evr_results_add(results, &r, err));
    evr_text_free(ctx, protocol);
    r = (evr_result){.struct_size = EVR_INIT(evr_result), .index = 0, .uid = EVR_NO_UID, .count = 1, .status = EVR_STATUS_FAILED,
                     .reason = EVR_REASON_TIMEOUT, .op = TEXT("my::slow"), .detail = TEXT("no answer after 10 s"), .trace_kernel_ns = 500, .trace_cpu_ns = -1,
                     .first_run_ns = -1, .flags = EVR_RESULT_RETRIED};
    assert_ok(evr_results_add(results, &r, err));
    r = (evr_result){.struct_size = EVR_INIT(evr_result), .index = 1, .uid = 5, .count = 2, .status = EVR_STATUS_SKIPPED,
                     .reason = EVR_REASON_AUTOGRAD_NODE, .op = TEXT("AddBackward0"), .detail = TEXT("wraps operators"), .trace_kernel_ns = -1, .trace_cpu_ns = -1,
                     .first_run_ns = -1};
    assert_ok(evr_results_add(results, &r, err));
    r = (evr_result){.struct_size = EVR_INIT(evr_result), .index = 3, .uid = 6, .count = 1, .op = TEXT("aten::mul"), .overload = TEXT("Scalar"),
                     .trace_kernel_ns = -1, .trace_cpu_ns = -1, .first_run_ns = 3.5e5};
    assert_ok(evr_results_add(results, &r, err));
}

static inline evr_results *sample_results(evr_context *ctx)
{
    evr_results *results = NULL;
    evr_results_info info = sample_info();
    assert_ok(evr_results_new(ctx, &info, &results, err));
    add_samples(ctx, results);
    assert_ok(evr_results_finish(results, NULL, err));
    return results;
}

#endif
