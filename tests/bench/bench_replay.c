/* What this library adds to a bare call of the dispatcher, what filling costs against clearing memory, and what a record costs to
 * extract. Everything in one run, as ratios.
 *
 * usage: bench_replay [TRACE]      (the bridge is found as evr_runtime_open finds it, or by $EVREPLAY_BRIDGE) */
#include "bench/timing.h"

#include "init/fill.h"
#include "replay/runtime.h"

#include <evreplay/evreplay.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char record[] =
    "[{\"op_name\":\"aten::add\",\"replay_ir\":{\"list_pos_args\":["
    "{\"arg_name\":\"self\",\"arg_type\":\"Tensor\",\"value\":{\"shape\":[8,8],\"dtype\":\"float\"}},"
    "{\"arg_name\":\"other\",\"arg_type\":\"Tensor\",\"value\":{\"shape\":[8,8],\"dtype\":\"float\"}}],"
    "\"list_kwargs\":[{\"arg_name\":\"alpha\",\"arg_type\":\"Scalar\",\"value\":1}]}}]";

enum { RUNS = 20000, ROUNDS = 15 };

/* The bridge's own loop over the same call, as bare as can be, against evr_replayer_run(). */
static int bench_overhead(evr_context *ctx)
{
    evr_runtime *runtime = NULL;
    evr_ir_set *set = NULL;
    evr_replayer *replayer = NULL;
    evr_error *err = NULL;
    evr_value self;
    evr_bridge_call *call = NULL;
    evr_bridge_op *op = NULL;
    evr_status status = evr_runtime_open(ctx, NULL, &runtime, &err);
    if (status == EVR_OK)
        status = evr_ir_read(ctx, record, sizeof record - 1, &set, &err);
    if (status == EVR_OK)
        status = evr_replayer_new(runtime, evr_ir_set_at(set, 0), NULL, &replayer, &err);
    if (status == EVR_OK)
        status = evr_replayer_argument(replayer, 0, &self, &err);
    const evr_bridge *fn = status == EVR_OK ? &runtime->bridge->fn : NULL;
    if (status == EVR_OK)
        status = fn->op_find(fn->self, (evr_str){"aten::add", 9}, (evr_str){"Tensor", 6}, &op, &err);
    const evr_value values[] = {self, self, {.kind = EVR_VALUE_INT, .u.i = 1}};
    if (status == EVR_OK)
        status = fn->call_new(fn->self, op, values, 3, &call, &err);
    if (status != EVR_OK) {
        printf("replay: not measured: %s\n", evr_error_message(err));
        evr_error_free(err);
        return 0;
    }
    double ours = 1e9, floor = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double seconds, begun = bench_now();
        for (int i = 0; i < RUNS; i++)
            evr_replayer_run(replayer, NULL);
        double took = bench_now() - begun;
        ours = took < ours ? took : ours;
        if (fn->call_floor(fn->self, call, RUNS, &seconds, NULL) == EVR_OK && seconds < floor)
            floor = seconds;
    }
    printf("replay of aten::add on 8x8: %.0f ns, bare boxed call %.0f ns, ratio %.3f\n", ours * 1e9 / RUNS, floor * 1e9 / RUNS, ours / floor);
    fn->call_free(fn->self, call);
    evr_replayer_free(replayer);
    evr_ir_set_free(set);
    evr_runtime_free(runtime);
    return 0;
}

static void bench_fill(void)
{
    static const int32_t types[] = {EVR_DTYPE_FLOAT32, EVR_DTYPE_BFLOAT16, EVR_DTYPE_INT64};
    const size_t bytes = (size_t)1 << 30;
    char *memory = malloc(bytes);
    if (!memory)
        return;
    memset(memory, 1, bytes);
    for (size_t i = 0; i < 3; i++) {
        const int64_t shape[] = {(int64_t)(bytes / evr_dtype_size(types[i]))}, strides[] = {1};
        const evr_tensor t = {.struct_size = sizeof t, .dtype = types[i], .rank = 1, .shape = shape, .strides = strides};
        const evr_fill fill = {.kind = types[i] == EVR_DTYPE_INT64 ? EVR_FILL_INTEGERS : EVR_FILL_NORMAL, .high = 1000};
        double ours = 1e9, cleared = 1e9;
        for (int round = 0; round < 5; round++) {
            double begun = bench_now();
            evr_fill_storage(&fill, 1, (uint64_t)round, &t, memory, bytes);
            double took = bench_now() - begun;
            ours = took < ours ? took : ours;
            begun = bench_now();
            memset(memory, round, bytes);
            took = bench_now() - begun;
            cleared = took < cleared ? took : cleared;
        }
        printf("filling 1 GiB of %-8s: %.1f GB/s, memset %.1f GB/s, ratio %.2f\n", evr_dtype_name(types[i]), (double)bytes / ours / 1e9,
               (double)bytes / cleared / 1e9, cleared / ours);
    }
    free(memory);
}

static void bench_extract(evr_context *ctx, const char *path)
{
    evr_trace *trace = NULL;
    evr_extractor *extractor = NULL;
    const evr_call *calls;
    size_t n = 0;
    double begun = bench_now();
    if (evr_trace_open_file(ctx, path, NULL, &trace, NULL) != EVR_OK || evr_extractor_new(ctx, trace, NULL, &extractor, NULL) != EVR_OK) {
        printf("%s cannot be read\n", path);
        return;
    }
    double loaded = bench_now();
    evr_extractor_calls(extractor, &calls, &n, NULL);
    double grouped = bench_now(), best = 1e9;
    for (int round = 0; round < 5; round++) {
        double from = bench_now();
        for (size_t i = 0; i < n; i++) {
            evr_ir *ir = NULL;
            evr_extractor_record(extractor, calls[i].uid, &ir, NULL);
            evr_ir_free(ir);
        }
        best = bench_now() - from < best ? bench_now() - from : best;
    }
    printf("%s: loaded in %.1f ms, %zu unique calls found in %.1f ms, %.2f µs for each record\n", path, (loaded - begun) * 1e3, n,
           (grouped - loaded) * 1e3, n ? best * 1e6 / (double)n : 0);
    evr_extractor_free(extractor);
    evr_trace_free(trace);
}

int main(int argc, char **argv)
{
    evr_context *ctx = NULL;
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK)
        return 1;
    bench_overhead(ctx);
    bench_fill();
    for (int i = 1; i < argc; i++)
        bench_extract(ctx, argv[i]);
    evr_context_free(ctx);
    return 0;
}
