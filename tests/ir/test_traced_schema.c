/* Execution traces name the schema of each call: of another version of an operator, or of one that nobody here knows. */
#include "support/support.h"
#include "support/sweep.h"

#define NODE(id, name, schema, inputs, types, shapes) \
    "{\"id\":" id ",\"name\":\"" name "\",\"parent\":1,\"fw_parent\":0,\"seq_id\":-1,\"scope\":0,\"tid\":1,\"fw_tid\":0,\"rf_id\":" id \
    ",\"op_schema\":\"" schema "\",\"inputs\":" inputs ",\"input_types\":" types ",\"input_shapes\":" shapes \
    ",\"outputs\":[],\"output_types\":[],\"output_shapes\":[]}"

static const char trace_text[] =
    "{\"schema\":\"1.0.1\",\"pid\":1,\"time\":\"now\",\"start_ts\":1,\"nodes\":["
    /* an argument of today is not there, and stands before others */
    NODE("2", "aten::sum", "aten::sum.dim_IntList(Tensor self, bool keepdim=False, int[1]? dim) -> Tensor",
         "[[1,1,0,6,4,\"cpu\"],true,[1]]", "[\"Tensor(float)\",\"Bool\",\"GenericList[Int]\"]", "[[2,3],[],[[]]]") ","
    /* nobody knows it */
    NODE("3", "acme::fused", "acme::fused.fast(Tensor(a!) x, float scale, *, str mode=\\\"slow\\\", int n=3) -> ()",
         "[[1,1,0,6,4,\"cpu\"],0.5,\"quick\"]", "[\"Tensor(float)\",\"Double\",\"String\"]", "[[2,3],[],[]]") ","
    /* an argument that no version here has: by its values then */
    NODE("4", "aten::mul", "aten::mul.Tensor(Tensor self, Tensor factor) -> Tensor",
         "[[1,1,0,6,4,\"cpu\"],[2,2,0,3,4,\"cpu\"]]", "[\"Tensor(float)\",\"Tensor(float)\"]", "[[2,3],[3]]") ","
    /* no schema at all */
    NODE("5", "acme::other", "a schema this is not", "[[1,1,0,6,4,\"cpu\"]]", "[\"Tensor(float)\"]", "[[2,3]]")
    "],\"finish_ts\":2}";

static const char *const expected[] = {
    "aten::sum.dim_IntList float32[2,3], [1], True, dtype=None",
    "acme::fused.fast float32[2,3], 0.5, mode='quick', n=3",
    "aten::mul.Tensor float32[2,3], float32[3]",
    "acme::other. float32[2,3]",
};

static evr_status records(evr_context *ctx, void *user, evr_error **err)
{
    evr_trace_options options = {.struct_size = sizeof options, .threads = 1};
    evr_trace *trace = NULL;
    evr_extractor *x = NULL;
    (void)user;
    evr_status status = evr_trace_open_memory(ctx, trace_text, strlen(trace_text), &options, &trace, err);
    if (status == EVR_OK)
        status = evr_extractor_new(ctx, trace, NULL, &x, err);
    for (evr_uid uid = 0; status == EVR_OK && uid < 4; uid++) {
        char *text = NULL, whole[256];
        evr_ir *ir = NULL;
        status = evr_extractor_record(x, uid, &ir, err);
        if (status == EVR_OK)
            status = evr_ir_arguments(ir, &text, err);
        if (status == EVR_OK) {
            evr_str op = evr_ir_op(ir), overload = evr_ir_overload(ir);
            snprintf(whole, sizeof whole, "%.*s.%.*s %s", (int)op.len, op.data, (int)overload.len, overload.data, text);
            assert_string_equal(whole, expected[uid]);
            assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
            if (uid == 1) { /* what only its own schema tells */
                assert_str(evr_ir_argument(ir, 0)->name, "x");
                assert_true(evr_ir_argument(ir, 0)->flags & EVR_ARGUMENT_WRITTEN);
                assert_int_equal(evr_ir_argument(ir, 3)->provenance, EVR_FROM_DEFAULT);
            }
        }
        evr_text_free(ctx, text);
        evr_ir_free(ir);
    }
    evr_extractor_free(x);
    evr_trace_free(trace);
    return status;
}

static void test_traced__versions_and_strangers(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    assert_ok(records(ctx, NULL, err));
    test_context_done(ctx, &m);
}

static void test_traced__memory_runs_out(void **state)
{
    (void)state;
    test_sweep_both("schemas of a trace", records, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traced__versions_and_strangers),
        cmocka_unit_test(test_traced__memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
