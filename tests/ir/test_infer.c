/* Values that no profiler wrote, from events around the call. */
#include "ir/argument.h"
#include "ir/steps.h"

#include "ir/record.h"

/* All arguments in words. */
static void assert_record(evr_ir *ir, const char *expected)
{
    char *text = NULL;
    assert_ok(evr_ir_arguments(ir, &text, err));
    assert_string_equal(text, expected);
    evr_text_free(ir->ctx, text);
    assert_int_equal(evr_ir_status(ir), strchr(expected, '?') ? EVR_STATUS_FAILED : EVR_STATUS_OK);
    evr_ir_free(ir);
}

static void assert_inferred(evr_ir *ir, const char *name)
{
    assert_int_equal(argument(ir, name)->provenance, EVR_FROM_RULE);
    assert_true(argument(ir, name)->note.len > 0);
}

static const step to_float16[] = {
    {0, 90, "aten::to", "[[2,3],[],[],[],[]]", "[\"float\",\"Scalar\",\"Scalar\",\"Scalar\",\"\"]", NULL},
    {10, 70, "aten::_to_copy", "[[2,3],[],[],[],[],[],[]]", "[\"float\",\"Scalar\",\"\",\"\",\"\",\"Scalar\",\"\"]", NULL},
    {20, 10, "aten::empty_strided", "[[],[],[],[],[],[]]", "[\"\",\"\",\"Scalar\",\"Scalar\",\"\",\"Scalar\"]", NULL},
    {40, 10, "aten::copy_", "[[2,3],[2,3],[]]", "[\"c10::Half\",\"float\",\"Scalar\"]", NULL},
};

static void test_infer__dtype_of_what_is_written(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    assert_record(record_of_step(ctx, 0, to_float16, 4), "float32[2,3], float16, False, False, None");
    evr_ir *ir = record_of_step(ctx, 1, to_float16, 4);
    assert_inferred(ir, "dtype");
    assert_record(ir, "float32[2,3], dtype=float16, layout=None, device=None, pin_memory=None, non_blocking=False, memory_format=None");
    ir = record_of_step(ctx, 2, to_float16, 4); /* beside it */
    assert_inferred(ir, "size");
    assert_inferred(ir, "stride");
    assert_record(ir, "[2, 3], [3, 1], dtype=float16, layout=0, device=None, pin_memory=False");
    assert_record(record_of_step(ctx, 0, to_float16, 1), "float32[2,3], float32, False, False, None"); /* nothing to do */
    /* what is written has another shape: that is no copy of it */
    assert_record(record_of_step(ctx, 0, STEPS(to_float16[0], {40, 10, "aten::copy_", "[[9],[9],[]]", "[\"c10::Half\",\"float\",\"Scalar\"]", NULL})),
                  "float32[2,3], ?, False, False, None");
    test_context_done(ctx, &m);
}

static void test_infer__size_of_what_is_made(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const step zeros = {0, 90, "aten::zeros", "[[],[],[],[],[]]", "[\"\",\"Scalar\",\"\",\"\",\"Scalar\"]", NULL};
    const step empty = {10, 20, "aten::empty", "[[],[],[],[],[],[]]", "[\"\",\"Scalar\",\"\",\"\",\"Scalar\",\"\"]", NULL};
    const step zero = {40, 20, "aten::zero_", "[[4,5]]", "[\"long\"]", NULL}, view = {40, 20, "aten::detach", "[[4,5]]", "[\"long\"]", NULL};
    assert_record(record_of_step(ctx, 0, STEPS(zeros, empty, zero)), "[4, 5], dtype=int64, layout=None, device=None, pin_memory=False");
    assert_record(record_of_step(ctx, 1, STEPS(zeros, empty, zero)),
                  "[4, 5], dtype=int64, layout=None, device=None, pin_memory=False, memory_format=None");
    assert_record(record_of_step(ctx, 1, STEPS(zeros, empty, view)), "?, dtype=?, layout=None, device=None, pin_memory=False, memory_format=None");
    assert_record(record_of_step(ctx, 0, STEPS(empty, zero)), "?, dtype=?, layout=None, device=None, pin_memory=False, memory_format=None");
    assert_record(record_of_step(ctx, 0, STEPS({0, 90, "aten::resize_", "[[0],[],[]]", "[\"long\",\"\",\"\"]", NULL}, zero)), "int64[0], ?, memory_format=None");
    test_context_done(ctx, &m);
}

static void test_infer__from_shapes(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    static const struct {
        step one;
        const char *record;
    } cases[] = {
        {{0, 9, "aten::layer_norm", "[[2,3,8],[],[3,8],[3,8],[],[]]", "[\"float\",\"\",\"float\",\"float\",\"Scalar\",\"Scalar\"]", NULL},
         "float32[2,3,8], [3, 8], float32[3,8], float32[3,8], 1e-05, True"},
        {{0, 9, "aten::layer_norm", "[[2,3,8],[],[],[],[],[]]", "[\"float\",\"\",\"\",\"\",\"Scalar\",\"Scalar\"]", NULL},
         "float32[2,3,8], [8], None, None, 1e-05, True"},
        {{0, 9, "aten::cumsum", "[[7],[],[]]", "[\"float\",\"Scalar\",\"\"]", NULL}, "float32[7], 0, dtype=None"},
        {{0, 9, "aten::cumsum", "[[7,2],[],[]]", "[\"float\",\"Scalar\",\"\"]", NULL}, "float32[7,2], ?, dtype=None"},
        {{0, 9, "aten::unsqueeze", "[[7],[]]", "[\"float\",\"Scalar\"]", NULL}, "float32[7], ?"},
        {{0, 9, "aten::gather", "[[7,2],[],[7,1],[]]", "[\"float\",\"Scalar\",\"long\",\"Scalar\"]", NULL},
         "float32[7,2], 1, int64[7,1], sparse_grad=False"},
        {{0, 9, "aten::gather", "[[7,2],[],[7,2],[]]", "[\"float\",\"Scalar\",\"long\",\"Scalar\"]", NULL},
         "float32[7,2], ?, int64[7,2], sparse_grad=False"},
        {{0, 9, "aten::gather", "[[7,2],[],[6,1],[]]", "[\"float\",\"Scalar\",\"long\",\"Scalar\"]", NULL},
         "float32[7,2], ?, int64[6,1], sparse_grad=False"},
        {{0, 9, "aten::transpose", "[[7,2],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", NULL}, "float32[7,2], 0, 1"},
        {{0, 9, "aten::transpose", "[[7,2,3],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", NULL}, "float32[7,2,3], ?, ?"},
        {{0, 9, "aten::select", "[[7,2],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", NULL}, "float32[7,2], ?, 0"},
        {{0, 9, "aten::native_layer_norm_backward", "[[4,8],[4,8],[],[4,1],[4,1],[],[],[]]",
          "[\"float\",\"float\",\"\",\"float\",\"float\",\"\",\"\",\"\"]", NULL},
         "float32[4,8], float32[4,8], [8], float32[4,1], float32[4,1], None, None, [True, False, False]"},
        {{0, 9, "aten::mul_", "[[7],[]]", "[\"float\",\"Scalar\"]", NULL}, "float32[7], 1"},
        {{0, 9, "aten::leaky_relu", "[[7],[]]", "[\"float\",\"Scalar\"]", NULL}, "float32[7], 0.01"}, /* the schema's own goes first */
        {{0, 9, "aten::dropout", "[[7],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", NULL}, "float32[7], ?, ?"},
        {{0, 9, "aten::arange", "[[],[],[],[],[]]", "[\"Scalar\",\"Scalar\",\"\",\"\",\"Scalar\"]", NULL},
         "?, dtype=?, layout=None, device=None, pin_memory=False"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_record(record_of_step(ctx, 0, &cases[i].one, 1), cases[i].record);
    test_context_done(ctx, &m);
}

/* as_strided by the view around it. */
static void test_infer__views(void **state)
{
    static const struct {
        const char *name, *dims, *types, *values, *inside;
    } cases[] = {
        {"aten::select", "[[4,6],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", "[\"\",\"1\",\"-2\"]", "float32[4,6], [4], [6], 4"},
        {"aten::select", "[[4,6],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", "[\"\",\"0\",\"4\"]", "float32[4,6], ?, ?, ?"},
        {"aten::select", "[[4,6],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", "[\"\",\"2\",\"0\"]", "float32[4,6], ?, ?, ?"},
        {"aten::slice", "[[4,6],[],[],[],[]]", "[\"float\",\"Scalar\",\"Scalar\",\"Scalar\",\"Scalar\"]", "[\"\",\"-1\",\"1\",\"9\",\"2\"]",
         "float32[4,6], [4, 3], [6, 2], 1"},
        {"aten::slice", "[[4,6],[],[],[],[]]", "[\"float\",\"Scalar\",\"\",\"Scalar\",\"Scalar\"]", "[\"\",\"0\",\"\",\"-3\",\"1\"]",
         "float32[4,6], [1, 6], [6, 1], 0"},
        {"aten::transpose", "[[4,6,2],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", "[\"\",\"0\",\"-1\"]", "float32[4,6,2], [2, 6, 4], [1, 2, 12], 0"},
        {"aten::t", "[[4,6]]", "[\"float\"]", "[\"\"]", "float32[4,6], [6, 4], [1, 6], 0"},
        {"aten::expand", "[[4,6],[],[]]", "[\"float\",\"\",\"Scalar\"]", "[\"\",\"\",\"False\"]", "float32[4,6], ?, ?, ?"},
        {"aten::t", "[[6,4]]", "[\"float\"]", "[\"\"]", "float32[4,6], ?, ?, ?"}, /* of another tensor */
    };
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dims[64], seen[32];
        size_t end = strcspn(cases[i].inside, "]");
        snprintf(seen, sizeof seen, "%.*s", (int)(end - strlen("float32")), cases[i].inside + strlen("float32"));
        snprintf(dims, sizeof dims, "[%s],[],[],[]]", seen);
        const step inner = {10, 20, "aten::as_strided", dims, "[\"float\",\"\",\"\",\"Scalar\"]", NULL};
        const step outer = {0, 90, cases[i].name, cases[i].dims, cases[i].types, cases[i].values};
        assert_record(record_of_step(ctx, 1, STEPS(outer, inner)), cases[i].inside);
    }
    test_context_done(ctx, &m);
}

static int32_t autocast_of(evr_context *ctx, const step *steps, size_t count)
{
    evr_ir *ir = record_of_step(ctx, 0, steps, count);
    int32_t dtype = evr_ir_autocast(ir);
    evr_ir_free(ir);
    return dtype;
}

#define LINEAR(at, for_ns, x, w) {at, for_ns, "aten::linear", "[[4,8],[2,8],[]]", "[\"" x "\",\"" w "\",\"\"]", "[\"\",\"\",\"\"]"}

/* Under autocast an operator calls itself with other element types. */
static void test_infer__autocast(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const step plain = LINEAR(0, 90, "float", "float"), mixed = LINEAR(0, 90, "c10::Half", "float");
    const step to_bfloat16 = LINEAR(20, 9, "c10::BFloat16", "c10::BFloat16"), to_half = LINEAR(20, 9, "c10::Half", "c10::Half");
    const step to_float = LINEAR(20, 9, "float", "float");
    assert_int_equal(autocast_of(ctx, STEPS(plain)), EVR_DTYPE_UNKNOWN);
    assert_int_equal(autocast_of(ctx, STEPS(plain, to_bfloat16)), EVR_DTYPE_BFLOAT16);
    assert_int_equal(autocast_of(ctx, STEPS(mixed, to_half)), EVR_DTYPE_FLOAT16);
    assert_int_equal(autocast_of(ctx, STEPS(mixed, to_float)), EVR_DTYPE_FLOAT16); /* what is kept in full precision */
    assert_int_equal(autocast_of(ctx, STEPS(plain, to_float)), EVR_DTYPE_UNKNOWN);
    const step copy = {0, 90, "aten::copy_", "[[4],[4],[]]", "[\"c10::Half\",\"float\",\"Scalar\"]", NULL};
    const step inner = {20, 9, "aten::copy_", "[[4],[4],[]]", "[\"c10::Half\",\"c10::Half\",\"Scalar\"]", NULL};
    assert_int_equal(autocast_of(ctx, STEPS(copy, inner)), EVR_DTYPE_UNKNOWN);
    evr_ir *cast = record_of_step(ctx, 0, STEPS(plain, to_bfloat16)), *off = record_of_step(ctx, 0, STEPS(plain));
    char keys[2][33], *text = NULL;
    size_t size;
    evr_ir_set *set = NULL;
    assert_ok(evr_ir_key(cast, keys[0], err));
    assert_ok(evr_ir_key(off, keys[1], err));
    assert_string_not_equal(keys[0], keys[1]);
    assert_ok(evr_ir_write(ctx, (const evr_ir *const *)&cast, 1, EVR_IR_FORMAT_EVREPLAY, &text, &size, err));
    assert_ok(evr_ir_read(ctx, text, size, &set, err));
    assert_int_equal(evr_ir_autocast(evr_ir_set_at(set, 0)), EVR_DTYPE_BFLOAT16);
    evr_ir_set_free(set);
    evr_text_free(ctx, text);
    assert_record(cast, "float32[4,8], float32[2,8], None; autocast to bfloat16");
    assert_record(off, "float32[4,8], float32[2,8], None");
    test_context_done(ctx, &m);
}

#define INDEX {0, 90, "aten::index", "[[4,5],[]]", "[\"float\",\"\"]", "[\"\",\"\"]"}
#define STRIDED(lists) {20, 5, "aten::as_strided", "[[4,5],[],[],[]]", "[\"float\",\"ScalarList\",\"ScalarList\",\"\"]", "[\"\"," lists ",\"\"]"}
#define RESHAPED(at, dims) {at, 5, "aten::reshape", "[" dims ",[]]", "[\"long int\",\"ScalarList\"]", "[\"\",\"[]\"]"}
#define CONVERTED {10, 5, "aten::to", "[[3],[],[],[],[]]", "[\"int\",\"Scalar\",\"Scalar\",\"Scalar\",\"\"]", "[\"\",\"4\",\"False\",\"False\",\"\"]"}
#define NONZERO(dims) {10, 5, "aten::nonzero", "[" dims "]", "[\"bool\"]", "[\"\"]"}

/* Indices by what is done with them below. */
static void test_infer__indices(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, STRIDED("\"[3, 5]\",\"[0, 1]\""), RESHAPED(30, "[3]"))), "float32[4,5], [int64[3]]");
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, STRIDED("\"[4, 3]\",\"[5, 0]\""), RESHAPED(30, "[3]"))), "float32[4,5], [None, int64[3]]");
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, STRIDED("\"[2, 3]\",\"[0, 0]\""), RESHAPED(30, "[2,3]"), RESHAPED(40, "[2,3]"))),
                  "float32[4,5], [int64[2,3], int64[2,3]]");
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, CONVERTED, STRIDED("\"[3, 5]\",\"[0, 1]\""), RESHAPED(30, "[3]"))), "float32[4,5], [int32[3]]");
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, NONZERO("[4,5]"), STRIDED("\"[7]\",\"[0]\""), RESHAPED(30, "[7]"), RESHAPED(40, "[7]"))),
                  "float32[4,5], [bool[4,5]]");
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, NONZERO("[5]"), STRIDED("\"[4, 2]\",\"[5, 0]\""), RESHAPED(30, "[2]"))), "float32[4,5], [None, bool[5]]");
    /* without lists all dimensions have to be indexed */
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, STRIDED("\"\",\"\""), RESHAPED(30, "[3]"))), "float32[4,5], ?");
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, STRIDED("\"\",\"\""), RESHAPED(30, "[3]"), RESHAPED(40, "[3]"))), "float32[4,5], [int64[3], int64[3]]");
    /* another shape than the index has */
    assert_record(record_of_step(ctx, 0, STEPS(INDEX, STRIDED("\"[9, 5]\",\"[0, 1]\""), RESHAPED(30, "[3]"))), "float32[4,5], ?");
    assert_record(record_of_step(ctx, 0, STEPS(INDEX)), "float32[4,5], ?");
    const step put = {0, 95, "aten::index_put_", "[[4,5],[],[],[]]", "[\"float\",\"\",\"float\",\"Scalar\"]", "[\"\",\"\",\"\",\"False\"]"};
    const step inner = {2, 90, "aten::_index_put_impl_", "[[4,5],[],[],[],[]]", "[\"float\",\"\",\"float\",\"Scalar\",\"Scalar\"]", "[\"\",\"\",\"\",\"False\",\"False\"]"};
    const step fill = {10, 5, "aten::masked_fill_", "[[4,5],[4,5],[]]", "[\"float\",\"bool\",\"float\"]", "[\"\",\"\",\"\"]"};
    assert_record(record_of_step(ctx, 0, STEPS(put, inner, fill)), "float32[4,5], [bool[4,5]], float32[], False");
    test_context_done(ctx, &m);
}

/* The same event twice with other indices is two calls, with the same ones it is one. */
static void test_infer__indices_tell_calls_apart(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    step steps[9] = {INDEX, STRIDED("\"[3, 5]\",\"[0, 1]\""), RESHAPED(30, "[3]")};
    for (int i = 3; i < 9; i++) {
        steps[i] = steps[i - 3];
        steps[i].start += 100;
    }
    steps[7] = (step)STRIDED("\"[4, 3]\",\"[5, 0]\"");
    steps[7].start += 200;
    evr_trace *t = trace_of(ctx, steps, 9);
    evr_extractor *x = NULL;
    const evr_call *calls = NULL;
    size_t count, indexing = 0;
    assert_ok(evr_extractor_new(ctx, t, NULL, &x, err));
    assert_ok(evr_extractor_calls(x, &calls, &count, err));
    for (size_t i = 0; i < count; i++)
        if (calls[i].uid == 0 || calls[i].uid == 6) {
            assert_int_equal(calls[i].count, calls[i].uid == 0 ? 2 : 1);
            indexing++;
        }
    assert_int_equal(indexing, 2);
    evr_extractor_free(x);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

/* Lists of numbers look like None to profilers that do not write them. */
static void test_infer__unwritten_lists(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const step sum = {0, 9, "aten::sum", "[[4],[],[],[]]", "[\"float\",\"\",\"Scalar\",\"\"]", "[\"\",\"\",\"False\",\"\"]"};
    const step sum2 = {60, 9, "aten::sum", "[[4,2],[],[],[]]", sum.types, sum.values};
    const step conv = {20, 9, "aten::conv2d", "[[1,4,8,8],[4,4,3,3],[],[],[],[],[]]",
                       "[\"float\",\"float\",\"\",\"\",\"\",\"\",\"Scalar\"]", "[\"\",\"\",\"\",\"\",\"\",\"\",\"1\"]"};
    const step strided = {80, 9, "aten::relu", "[[4]]", "[\"float\"]", "[\"\"]", "[[1]]"};
    const step list = {40, 9, "aten::permute", "[[4],[]]", "[\"float\",\"ScalarList\"]", "[\"\",\"[0]\"]"};
    evr_ir *ir = record_of_step(ctx, 0, STEPS(sum, conv));
    assert_inferred(ir, "dim");
    assert_record(ir, "float32[4], [0], False, dtype=None"); /* all of one dimension is that one */
    assert_record(record_of_step(ctx, 2, STEPS(sum, conv, sum2)), "float32[4,2], ?, False, dtype=None");
    ir = record_of_step(ctx, 1, STEPS(sum, conv));
    assert_int_equal(evr_ir_overload(ir).len, 0); /* padding is a list, no text */
    evr_ir_free(ir);
    for (int i = 0; i < 2; i++) { /* a list anywhere, or strides, which came after lists */
        ir = record_of_step(ctx, 0, STEPS(sum, i ? strided : list));
        assert_int_equal(argument(ir, "dim")->provenance, EVR_FROM_TRACE);
        evr_ir_free(ir);
    }
    test_context_done(ctx, &m);
}

static void test_infer__no_memory(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const step steps[] = {{0, 90, "aten::select", "[[4,6],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", "[\"\",\"1\",\"2\"]"},
                          {10, 20, "aten::as_strided", "[[4,6],[],[],[]]", "[\"float\",\"\",\"\",\"Scalar\"]", NULL}};
    evr_trace *t = trace_of(ctx, steps, 2);
    evr_extractor *x = NULL;
    assert_ok(evr_extractor_new(ctx, t, NULL, &x, err));
    evr_ir *ir = NULL;
    assert_ok(evr_extractor_record(x, 1, &ir, err)); /* now it knows the schemas */
    for (size_t fail = 1, done = 0; !done; fail++) {
        evr_ir_free(ir);
        ir = NULL;
        m.fail_after = m.calls + fail;
        evr_status status = evr_extractor_record(x, 1, &ir, NULL);
        m.fail_after = 0;
        done = status == EVR_OK;
        assert_true(done || (status == EVR_E_NOMEM && !ir && fail < 1000));
    }
    assert_record(ir, "float32[4,6], [4], [6], 2");
    evr_extractor_free(x);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_infer__dtype_of_what_is_written),
        cmocka_unit_test(test_infer__size_of_what_is_made),
        cmocka_unit_test(test_infer__from_shapes),
        cmocka_unit_test(test_infer__views),
        cmocka_unit_test(test_infer__autocast),
        cmocka_unit_test(test_infer__indices),
        cmocka_unit_test(test_infer__indices_tell_calls_apart),
        cmocka_unit_test(test_infer__unwritten_lists),
        cmocka_unit_test(test_infer__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
