/* Operator-input logs: every notation of a value, the records that calls become, and damage. */
#include "ir/argument.h"

#include "ir/oplog.h"
#include "ir/record.h"

#include <math.h>

/* The records of a text, which must be good. */
static evr_ir_set *read_log(evr_context *ctx, const char *text)
{
    evr_ir_set *set = NULL;
    evr_error *e = NULL;
    if (evr_ir_read(ctx, text, strlen(text), &set, &e) != EVR_OK)
        fail_msg("%s: %s", text, evr_error_message(e));
    return set;
}

/* The first argument of an operator without a schema, written down in the library's own form. */
static void value_text(const evr_ir *ir, char *out, size_t size)
{
    char *text = NULL;
    evr_error *e = NULL;
    if (evr_ir_write(ir->ctx, &ir, 1, EVR_IR_FORMAT_EVREPLAY, &text, NULL, &e) != EVR_OK)
        fail_msg("%s", evr_error_message(e));
    const char *from = strstr(text, "\"value\":"), *to = strstr(text, "}]}\n]}");
    assert_non_null(from);
    assert_non_null(to);
    snprintf(out, size, "%.*s", (int)(to - from - 8), from + 8);
    evr_text_free(ir->ctx, text);
}

static const struct {
    const char *literal, *type, *value;
} literals[] = {
    {"None", "Any?", "null"},
    {"True", "bool", "true"},
    {"False", "bool", "false"},
    {"0", "int", "0"},
    {"-17", "int", "-17"},
    {"+3", "int", "3"},
    {"9223372036854775807", "int", "9223372036854775807"},
    {"-9223372036854775808", "int", "-9223372036854775808"},
    {"1.0", "float", NULL},
    {"-0.125", "float", "-0.125"},
    {".5", "float", "0.5"},
    {"1e-05", "float", "1e-05"},
    {"1E+20", "float", NULL},
    {"+2.5", "float", "2.5"},
    {"inf", "float", "{\"float\":\"inf\"}"},
    {"-inf", "float", "{\"float\":\"-inf\"}"},
    {"nan", "float", "{\"float\":\"nan\"}"},
    {"math.inf", "float", "{\"float\":\"inf\"}"},
    {"torch.nan", "float", "{\"float\":\"nan\"}"},
    {"2.5j", "complex", "{\"complex\":[0.0,2.5]}"},
    {"(1.5-2.5j)", "complex", "{\"complex\":[1.5,-2.5]}"},
    {"(-0.5+1e-05j)", "complex", "{\"complex\":[-0.5,1e-05]}"},
    {"'cuda'", "str", "\"cuda\""},
    {"\"it's\"", "str", "\"it's\""},
    {"'a\\'b\\\\c\\n\\t'", "str", "\"a'b\\\\c\\n\\t\""},
    {"'\\x41\\u00e9\\U0001f600'", "str", "\"A\xC3\xA9\xF0\x9F\x98\x80\""},
    {"'\\ud800'", "str", "\"\xEF\xBF\xBD\""},
    {"'\\q'", "str", "\"\\\\q\""},
    {"'\xC3\xA9'", "str", "\"\xC3\xA9\""},
    {"''", "str", "\"\""},
    {"[]", "Any[]", "[]"},
    {"()", "Any[]", "[]"},
    {"[1, 2]", "int[]", "[1,2]"},
    {"(1, 2)", "int[]", "[1,2]"},
    {"(1,)", "int[]", "[1]"},
    {"(7)", "int", "7"},
    {"[1,2,]", "int[]", "[1,2]"},
    {"[True, False]", "bool[]", "[true,false]"},
    {"[0.5]", "float[]", "[0.5]"},
    {"[[1], [2, 3]]", "Any[]", "[[1],[2,3]]"},
    {"['a', None]", "Any[]", "[\"a\",null]"},
    {"torch.Size([2, 3])", "int[]", "[2,3]"},
    {"f16", "ScalarType", "{\"dtype\":\"float16\"}"},
    {"f32", "ScalarType", "{\"dtype\":\"float32\"}"},
    {"f64", "ScalarType", "{\"dtype\":\"float64\"}"},
    {"bf16", "ScalarType", "{\"dtype\":\"bfloat16\"}"},
    {"i64", "ScalarType", "{\"dtype\":\"int64\"}"},
    {"i32", "ScalarType", "{\"dtype\":\"int32\"}"},
    {"i16", "ScalarType", "{\"dtype\":\"int16\"}"},
    {"i8", "ScalarType", "{\"dtype\":\"int8\"}"},
    {"u8", "ScalarType", "{\"dtype\":\"uint8\"}"},
    {"b8", "ScalarType", "{\"dtype\":\"bool\"}"},
    {"c32", "ScalarType", "{\"dtype\":\"complex32\"}"},
    {"c64", "ScalarType", "{\"dtype\":\"complex64\"}"},
    {"c128", "ScalarType", "{\"dtype\":\"complex128\"}"},
    {"torch.float32", "ScalarType", "{\"dtype\":\"float32\"}"},
    {"torch.float8_e4m3fn", "ScalarType", "{\"dtype\":\"float8_e4m3fn\"}"},
    {"torch.strided", "Layout", "{\"layout\":0}"},
    {"torch.sparse_coo", "Layout", "{\"layout\":1}"},
    {"torch.jagged", "Layout", NULL},
    {"torch.contiguous_format", "MemoryFormat", "{\"memory_format\":0}"},
    {"torch.channels_last", "MemoryFormat", "{\"memory_format\":2}"},
    {"torch.device('cuda')", "Device", "{\"device\":\"cuda\"}"},
    {"torch.device('cuda', 1)", "Device", "{\"device\":\"cuda:1\"}"},
    {"device(type='cuda', index=0)", "Device", "{\"device\":\"cuda:0\"}"},
    {"device(type='cpu')", "Device", "{\"device\":\"cpu\"}"},
    {"torch.device('xpu:2')", "Device", "{\"device\":\"xpu:2\"}"},
    {"T([2, 3], f16)", "Tensor", "{\"tensor\":{\"shape\":[2,3],\"strides\":[3,1],\"dtype\":\"float16\",\"dtype_text\":\"f16\"}}"},
    {"T([], i64)", "Tensor", "{\"tensor\":{\"shape\":[],\"strides\":[],\"dtype\":\"int64\",\"dtype_text\":\"i64\"}}"},
    {"T([0, 4], f32)", "Tensor", NULL},
    {"T((2,), b8)", "Tensor", "{\"tensor\":{\"shape\":[2],\"strides\":[1],\"dtype\":\"bool\",\"dtype_text\":\"b8\"}}"},
    {"T([5, 7], f32, stride=(1, 5))", "Tensor", "{\"tensor\":{\"shape\":[5,7],\"strides\":[1,5],\"dtype\":\"float32\",\"dtype_text\":\"f32\"}}"},
    {"T([5, 7], f32, [1, 5])", "Tensor", "{\"tensor\":{\"shape\":[5,7],\"strides\":[1,5],\"dtype\":\"float32\",\"dtype_text\":\"f32\"}}"},
    {"T([2], f32, None)", "Tensor", "{\"tensor\":{\"shape\":[2],\"strides\":[1],\"dtype\":\"float32\",\"dtype_text\":\"f32\"}}"},
    {"T([2], 'f32', device='cuda:1')", "Tensor",
     "{\"tensor\":{\"shape\":[2],\"strides\":[1],\"dtype\":\"float32\",\"dtype_text\":\"f32\",\"device\":\"cuda:1\"}}"},
    {"T(shape=[2], dtype=torch.bfloat16, device=device(type='cuda', index=1), requires_grad=True)", "Tensor",
     "{\"tensor\":{\"shape\":[2],\"strides\":[1],\"dtype\":\"bfloat16\",\"dtype_text\":\"torch.bfloat16\",\"device\":\"cuda:1\"}}"},
    {"T([2], torch.later16)", "Tensor", "{\"tensor\":{\"shape\":[2],\"strides\":[1],\"dtype\":\"\",\"dtype_text\":\"torch.later16\"}}"},
    {"[T([2], f32), T([3], f16)]", "Tensor[]", NULL},
};

static void test_literal__every_form(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        char text[512], value[512];
        /* named, so that "(7)" is not taken for the arguments' tuple; and once more by its place */
        snprintf(text, sizeof text, "Operator: nowhere.op.default\ncnt: 1, ((), {'x': %s})\ncnt: 2, ((%s,), {})\n", literals[i].literal, literals[i].literal);
        evr_ir_set *set = read_log(ctx, text);
        for (size_t k = 0; k < 2; k++) {
            const evr_ir *ir = evr_ir_set_at(set, k);
            assert_int_equal(ir->arg_count, 1);
            assert_str(ir->args[0].name, k ? "arg0" : "x");
            assert_str(ir->args[0].type, literals[i].type);
            assert_int_equal(ir->args[0].flags, k ? 0 : EVR_ARGUMENT_KWARG);
            value_text(ir, value, sizeof value);
            if (literals[i].value && strcmp(value, literals[i].value) != 0)
                fail_msg("%s became %s, not %s", literals[i].literal, value, literals[i].value);
        }
        evr_ir_set_free(set);
    }
    test_context_done(ctx, &m);
}

static const struct {
    const char *literal, *why;
} lost[] = {
    {"ST([4, 4], f32, torch.sparse_coo, True, 3)", "sparse"},
    {"ST([4, 4], f16, torch.sparse_coo, False)", "sparse"},
    {"[T([2], f32), ST([2], f32, torch.sparse_coo, True)]", "sparse"},
    {"{'a': 1, 2: [3]}", "dictionaries"},
    {"[{}]", "dictionaries"},
    {"<torch._C.Generator object at 0x7f0000000000>", "by its name only"},
    {"18446744073709551616", "64 bits"},
    {"torch.per_tensor_affine", "name of torch"},
};

/* What no record can hold costs its own record its status, and nothing else. */
static void test_literal__lost(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        char text[512];
        snprintf(text, sizeof text, "Operator: nowhere.op\ncnt: 1, ((1, %s, 2), {})\ncnt: 4, ((3,), {})\n", lost[i].literal);
        evr_ir_set *set = read_log(ctx, text);
        const evr_ir *ir = evr_ir_set_at(set, 0);
        assert_int_equal(ir->status, EVR_STATUS_FAILED);
        assert_int_equal(ir->reason, EVR_REASON_MISSING_VALUES);
        assert_non_null(strstr(ir->detail.data, lost[i].why));
        assert_int_equal(ir->args[0].value.u.i, 1);
        assert_int_equal(ir->args[1].value.kind, EVR_VALUE_MISSING);
        assert_int_equal(ir->args[1].provenance, EVR_FROM_NOWHERE);
        assert_int_equal(ir->args[2].value.u.i, 2);
        assert_int_equal(evr_ir_set_at(set, 1)->status, EVR_STATUS_OK);
        assert_int_equal(evr_ir_set_at(set, 1)->count, 4);
        evr_ir_set_free(set);
    }
    test_context_done(ctx, &m);
}

static void test_oplog__names_and_defaults(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir_set *set = read_log(ctx, "\nOperator: aten.add.Tensor\r\ncnt: 12, ((T([4, 8], f16), T([8], f16)), {})\r\n\r\n"
                                    "cnt: 1, '((T([4], f32, device=\"cuda:1\"), 1.0), {\"alpha\": 2})'\n  cnt: 3, ([T([4], f32), 1], {}) \n");
    assert_int_equal(evr_ir_set_count(set), 3);
    const evr_ir *ir = evr_ir_set_at(set, 0);
    assert_str(evr_ir_op(ir), "aten::add");
    assert_str(evr_ir_overload(ir), "Tensor");
    assert_true(evr_str_starts(evr_ir_schema(ir), "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)"));
    assert_int_equal(evr_ir_count(ir), 12);
    assert_true(evr_ir_uid(ir) == EVR_NO_UID);
    assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
    assert_int_equal(ir->arg_count, 3);
    assert_str(ir->args[1].name, "other");
    assert_int_equal(argument(ir, "alpha")->provenance, EVR_FROM_DEFAULT);
    assert_int_equal(argument(ir, "alpha")->value.u.i, 1);
    assert_int_equal(argument(ir, "alpha")->flags, EVR_ARGUMENT_KWARG);
    assert_int_equal(argument(ir, "self")->value.u.tensor->flags, 0); /* strides are known, not assumed */
    ir = evr_ir_set_at(set, 1);
    assert_int_equal(argument(ir, "other")->value.kind, EVR_VALUE_FLOAT);
    assert_int_equal(argument(ir, "alpha")->value.u.i, 2);
    assert_int_equal(argument(ir, "alpha")->provenance, EVR_FROM_TRACE);
    assert_str(evr_ir_device(ir), "cuda:1");
    assert_int_equal(evr_ir_count(evr_ir_set_at(set, 2)), 3);
    evr_ir_set_free(set);
    test_context_done(ctx, &m);
}

/* Operator line and arguments → overload (NULL = failed), an argument of that kind. */
static const struct {
    const char *op, *args, *overload, *argument;
    uint32_t kind;
} chosen[] = {
    {"aten.mm.default", "(T([2, 3], f32), T([3, 4], f32)), {}", "", "mat2", EVR_VALUE_TENSOR},
    {"aten.sum.SymInt", "(T([2, 3], f32), [0], True), {}", "dim_IntList", "keepdim", EVR_VALUE_BOOL},
    {"aten.sum", "(T([2, 3], f32),), {}", "", "dtype", EVR_VALUE_NONE},
    {"aten.expand.SymInt", "(T([2, 3], f32), [4, 2, 3]), {}", "", "size", EVR_VALUE_LIST},
    {"aten.pow.Tensor_Scalar", "(T([2], f32), 2), {}", "Tensor_Scalar", "exponent", EVR_VALUE_INT},
    {"aten.native_dropout.default", "(T([2], f32), 1, True), {}", "", "p", EVR_VALUE_FLOAT},
    {"aten._softmax_backward_data.default", "(T([2, 3], f16), T([2, 3], f16), -1, f16), {}", "", "input_dtype", EVR_VALUE_DTYPE},
    {"aten._to_copy.default", "(T([2], f32),), {'dtype': 'float64', 'device': 'cuda'}", "", "device", EVR_VALUE_DEVICE},
    {"aten._to_copy.default", "(T([2], f32),), {'dtype': 6, 'layout': 0, 'memory_format': torch.preserve_format}", "", "memory_format",
     EVR_VALUE_MEMORY_FORMAT},
    {"aten.avg_pool2d.default", "(T([1, 2, 8, 8], f32), 3), {}", "", "kernel_size", EVR_VALUE_LIST},
    {"aten.index.Tensor", "(T([4, 4], f32), [None, T([2], i64)]), {}", "Tensor", "indices", EVR_VALUE_LIST},
    {"aten.clamp.default", "(T([4], f32), None, 4.135), {}", "", "min", EVR_VALUE_NONE},
    {"aten.add_.Tensor", "(), {'other': 1, 'self': T([2], f32)}", "Tensor", "other", EVR_VALUE_INT},
    {"aten.bernoulli.default", "(T([4], f32),), {'generator': <torch._C.Generator object at 0x7f>}", "", "generator", EVR_VALUE_NONE},
    {"aten.mm.default", "(T([2, 3], f32),), {}", NULL, NULL, 0},
    {"aten.mm.default", "(T([2, 3], f32), T([3], f32), 3), {}", NULL, NULL, 0},
    {"aten.mm.default", "(T([2, 3], f32),), {'other': 1}", NULL, NULL, 0},
    {"aten.add.Tensor", "(T([2, 3], f32), 1, 2), {}", NULL, NULL, 0},
    {"aten.sum.SymInt", "(1, 2, 3, 4), {}", NULL, NULL, 0},
};

static void test_oplog__overloads(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        char text[512];
        snprintf(text, sizeof text, "Operator: %s\ncnt: 1, (%s)\n", chosen[i].op, chosen[i].args);
        evr_ir_set *set = read_log(ctx, text);
        const evr_ir *ir = evr_ir_set_at(set, 0);
        if (!chosen[i].overload) {
            assert_int_equal(ir->reason, EVR_REASON_NO_SCHEMA_MATCH);
            assert_int_equal(ir->arg_count, 0);
        } else {
            if (ir->status != EVR_STATUS_OK)
                fail_msg("%s: %s", text, ir->detail.data);
            assert_str(ir->overload, chosen[i].overload);
            if (argument(ir, chosen[i].argument)->value.kind != chosen[i].kind)
                fail_msg("%s: %s is of kind %u", text, chosen[i].argument, argument(ir, chosen[i].argument)->value.kind);
        }
        evr_ir_set_free(set);
    }
    test_context_done(ctx, &m);
}

/* A value that its parameter does not take. */
static void test_oplog__values_of_other_types(void **state)
{
    (void)state;
    static const char *const calls[] = {
        "aten.mm.default\ncnt: 1, ((T([2], f32), 'text'), {})",          "aten._softmax.default\ncnt: 1, ((T([2], f32), 0.5, False), {})",
        "aten._softmax.default\ncnt: 1, ((T([2], f32), 0, 2), {})",      "aten._softmax.default\ncnt: 1, ((T([2], f32), None, False), {})",
        "aten.cat.default\ncnt: 1, ((T([2], f32),), {})",                "aten.cat.default\ncnt: 1, ((['a'],), {})",
        "aten._to_copy.default\ncnt: 1, ((T([2], f32),), {'dtype': 'x'})", "aten._to_copy.default\ncnt: 1, ((T([2], f32),), {'layout': 'x'})",
        "aten._to_copy.default\ncnt: 1, ((T([2], f32),), {'device': 3})", "aten.mm.default\ncnt: 1, ((T([2], f32), [1]), {})",
        "aten.bernoulli.default\ncnt: 1, ((T([2], f32),), {'generator': 1})",
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char text[256];
        snprintf(text, sizeof text, "Operator: %s\n", calls[i]);
        evr_ir_set *set = read_log(ctx, text);
        const evr_ir *ir = evr_ir_set_at(set, 0);
        if (ir->reason != EVR_REASON_MISSING_VALUES)
            fail_msg("%s: %s", text, ir->detail.data);
        assert_non_null(strstr(ir->detail.data, "none of this type"));
        evr_ir_set_free(set);
    }
    test_context_done(ctx, &m);
}

static void test_oplog__without_schema(void **state)
{
    (void)state;
    static const struct {
        const char *line, *op, *overload;
        int32_t status, reason;
    } ops[] = {
        {"mine.scale.fast", "mine::scale", "fast", EVR_STATUS_OK, EVR_REASON_NONE},
        {"mine.scale.default", "mine::scale", "", EVR_STATUS_OK, EVR_REASON_NONE},
        {"mine.scale", "mine::scale", "", EVR_STATUS_OK, EVR_REASON_NONE},
        {"flex_attention", "flex_attention", "", EVR_STATUS_SKIPPED, EVR_REASON_ANNOTATION},
        {"c10d.allreduce_.default", "c10d::allreduce_", "", EVR_STATUS_SKIPPED, EVR_REASON_COMMUNICATION},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        char text[256];
        snprintf(text, sizeof text, "Operator: %s\ncnt: 2, ((T([4], bf16), 0.5), {'mode': 'nearest'})", ops[i].line);
        evr_ir_set *set = read_log(ctx, text);
        const evr_ir *ir = evr_ir_set_at(set, 0);
        assert_str(ir->op, ops[i].op);
        assert_str(ir->overload, ops[i].overload);
        assert_int_equal(ir->status, ops[i].status);
        assert_int_equal(ir->reason, ops[i].reason);
        if (ops[i].status == EVR_STATUS_OK) {
            assert_str(ir->schema, "");
            assert_int_equal(ir->arg_count, 3);
            assert_str(ir->args[1].name, "arg1");
            assert_str(ir->args[2].name, "mode");
        }
        evr_ir_set_free(set);
    }
    test_context_done(ctx, &m);
}

/* The storage of as_strided's tensor reaches as far as the view, as in records of a trace. */
static void test_oplog__as_strided(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir_set *set = read_log(ctx, "Operator: aten.as_strided.default\ncnt: 1, ((T([4], f32), [2, 8], [8, 1]), {})\n");
    const evr_ir *ir = evr_ir_set_at(set, 0);
    assert_int_equal(argument(ir, "self")->value.u.tensor->storage_elements, 16);
    evr_ir_set_free(set);
    test_context_done(ctx, &m);
}

/* The same call recorded in a trace and in a log. */
static void test_oplog__same_as_from_a_trace(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *b = NULL;
    evr_trace *t = NULL;
    evr_extractor *x = NULL;
    evr_ir *ir = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    evr_event_desc e = {
        .struct_size = sizeof e, .category = evr_str_c("cpu_op"), .name = evr_str_c("aten::convolution"), .duration_ns = 5, .sequence = -1,
        .device = -1, .stream = -1, .dims = evr_str_c("[[2,3,8,8],[4,3,3,3],[],[],[],[],[],[],[]]"),
        .types = evr_str_c("[\"float\",\"float\",\"\",\"ScalarList\",\"ScalarList\",\"ScalarList\",\"Scalar\",\"ScalarList\",\"Scalar\"]"),
        .strides = evr_str_c("[[192,64,8,1],[27,9,3,1],[],[],[],[],[],[],[]]"),
        .values = evr_str_c("[\"\",\"\",\"\",\"[1, 1]\",\"[1, 1]\",\"[1, 1]\",\"False\",\"[0, 0]\",\"1\"]"),
    };
    assert_ok(evr_trace_builder_push(b, &e, err));
    assert_ok(evr_trace_builder_finish(b, &t, err));
    assert_ok(evr_extractor_new(ctx, t, NULL, &x, err));
    assert_ok(evr_extractor_record(x, 0, &ir, err));
    evr_ir_set *set = read_log(ctx, "Operator: aten.convolution.default\ncnt: 1, ((T([2, 3, 8, 8], f32), T([4, 3, 3, 3], f32), None, [1, 1], [1, 1], "
                                    "[1, 1], False, [0, 0], 1), {})\n");
    evr_ir *logged = (evr_ir *)evr_ir_set_at(set, 0);
    for (size_t i = 0; i < 2; i++) { /* only the profiler's spelling of the type differs */
        assert_str(ir->args[i].value.u.tensor->dtype_text, "float");
        ((evr_tensor *)ir->args[i].value.u.tensor)->dtype_text = logged->args[i].value.u.tensor->dtype_text;
    }
    ir->uid = EVR_NO_UID;
    char *a = NULL, *c = NULL;
    assert_ok(evr_ir_write(ctx, (const evr_ir *const *)&ir, 1, EVR_IR_FORMAT_EVREPLAY, &a, NULL, err));
    assert_ok(evr_ir_write(ctx, (const evr_ir *const *)&logged, 1, EVR_IR_FORMAT_EVREPLAY, &c, NULL, err));
    assert_string_equal(a, c);
    evr_text_free(ctx, a);
    evr_text_free(ctx, c);
    evr_ir_free(ir);
    evr_ir_set_free(set);
    evr_extractor_free(x);
    evr_trace_free(t);
    evr_trace_builder_free(b);
    test_context_done(ctx, &m);
}

#define OP "Operator: aten.add.Tensor\n" /* 26 bytes */

static const struct {
    const char *text;
    evr_status status;
    int64_t offset;
} faults[] = {
    {"Operator:\n", EVR_E_FORMAT, 9},
    {"Operator:", EVR_E_TRUNCATED, 9},
    {"Opera", EVR_E_TRUNCATED, 0},
    {"Operator: aten.add.Tensor", EVR_E_TRUNCATED, 25},
    {OP, EVR_E_TRUNCATED, 26},
    {OP "\n \n", EVR_E_TRUNCATED, 29},
    {"Operator: aten..\ncnt: 1, ((), {})\n", EVR_E_FORMAT, 16},
    {"Operator: aten::add.Tensor\n", EVR_E_FORMAT, 14},
    {"Operator: aten.add.Tensor extra\n", EVR_E_FORMAT, 25},
    {"Operator: .x\n", EVR_E_FORMAT, 10},
    {OP "cnt: 1, ((), {})\nelse\n", EVR_E_FORMAT, 43},
    {OP "cnt: 1, ((), {})\ncn", EVR_E_TRUNCATED, 43},
    {OP "count: 1, ((), {})\n", EVR_E_FORMAT, 26},
    {OP "cnt: x, ((), {})\n", EVR_E_FORMAT, 31},
    {OP "cnt: 0, ((), {})\n", EVR_E_FORMAT, 30},
    {OP "cnt: -1, ((), {})\n", EVR_E_FORMAT, 30},
    {OP "cnt: 1.5, ((), {})\n", EVR_E_FORMAT, 30},
    {OP "cnt: 99999999999999999999, ((), {})\n", EVR_E_FORMAT, 30},
    {OP "cnt: 1 ((), {})\n", EVR_E_FORMAT, 33},
    {OP "cnt: 1, [(), {}]\n", EVR_E_FORMAT, 34},
    {OP "cnt: 1, (1, {})\n", EVR_E_FORMAT, 35},
    {OP "cnt: 1, (())\n", EVR_E_FORMAT, 37},
    {OP "cnt: 1, ((), [])\n", EVR_E_FORMAT, 39},
    {OP "cnt: 1, ((), {}\n", EVR_E_FORMAT, 41},
    {OP "cnt: 1, ((), {}) x\n", EVR_E_FORMAT, 43},
    {OP "cnt: 1, '((), {})\n", EVR_E_FORMAT, 43},
    {OP "cnt: 1, ((1 2), {})\n", EVR_E_FORMAT, 38},
    {OP "cnt: 1, (([1 2],), {})\n", EVR_E_FORMAT, 39},
    {OP "cnt: 1, (((1 2),), {})\n", EVR_E_FORMAT, 39},
    {OP "cnt: 1, ((), {'a' 1})\n", EVR_E_FORMAT, 44},
    {OP "cnt: 1, ((), {a: 1})\n", EVR_E_FORMAT, 40},
    {OP "cnt: 1, ((), {'a': 1 'b': 2})\n", EVR_E_FORMAT, 47},
    {OP "cnt: 1, (({1 2},), {})\n", EVR_E_FORMAT, 39},
    {OP "cnt: 1, (({1: 2 3},), {})\n", EVR_E_FORMAT, 42},
    {OP "cnt: 1, ((what,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((-,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((-what,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((1.2.3,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((1e,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((@,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, (('open,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, (('\\x4',), {})\n", EVR_E_FORMAT, 37},
    {OP "cnt: 1, (('\\U00110000',), {})\n", EVR_E_FORMAT, 37},
    {OP "cnt: 1, (('a\xFF',), {})\n", EVR_E_FORMAT, 38},
    {OP "cnt: 1, (('a\xC3", EVR_E_TRUNCATED, 38},
    {OP "cnt: 1, (('a\xE2\x82", EVR_E_TRUNCATED, 38},
    {OP "cnt: 1, (('a\xC3\n", EVR_E_FORMAT, 38},
    {OP "cnt: 1, ((<open,), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((T,), {})\n", EVR_E_FORMAT, 37},
    {OP "cnt: 1, ((T(),), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((T([2]),), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((T(2, f32),), {})\n", EVR_E_FORMAT, 38},
    {OP "cnt: 1, ((T([-2], f32),), {})\n", EVR_E_FORMAT, 38},
    {OP "cnt: 1, ((T([2.0], f32),), {})\n", EVR_E_FORMAT, 38},
    {OP "cnt: 1, ((T([2], g32),), {})\n", EVR_E_FORMAT, 43},
    {OP "cnt: 1, ((T([2] f32),), {})\n", EVR_E_FORMAT, 42},
    {OP "cnt: 1, ((T([2], f32, [1, 2]),), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((T([2], f32, stride=(-1,)),), {})\n", EVR_E_FORMAT, 55},
    {OP "cnt: 1, ((T([2], f32, None, None, 1),), {})\n", EVR_E_FORMAT, 60},
    {OP "cnt: 1, ((device,), {})\n", EVR_E_FORMAT, 42},
    {OP "cnt: 1, ((device(),), {})\n", EVR_E_FORMAT, 36},
    {OP "cnt: 1, ((device('cuda' 1),), {})\n", EVR_E_FORMAT, 50},
    {OP "cnt: 1, (([[[[[[[[[1]]]]]]]]],), {})\n", EVR_E_FORMAT, 44},
};

static void check_fault(evr_context *ctx, const char *text, size_t size, evr_status wanted, int64_t offset)
{
    evr_ir_set *set = NULL;
    evr_error *err = NULL;
    evr_status status = evr_ir_read(ctx, text, size, &set, &err);
    if (status != wanted || (status != EVR_OK && evr_error_offset(err) != offset))
        fail_msg("%.*s: %s at %lld (%s), not %s at %lld", (int)size, text, evr_status_name(status), (long long)evr_error_offset(err),
                 evr_error_message(err), evr_status_name(wanted), (long long)offset);
    assert_true((status == EVR_OK) == (set != NULL));
    evr_error_free(err);
    evr_ir_set_free(set);
}

static void test_oplog__faults(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        check_fault(ctx, faults[i].text, strlen(faults[i].text), faults[i].status, faults[i].offset);
    test_context_done(ctx, &m);
}

/* A call of more arguments, a tensor of more dimensions than any has. */
static void test_oplog__limits(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_buf text;
    evr_buf_init(&text, ctx);
    evr_buf_c(&text, "Operator: x.y\ncnt: 1, ((");
    for (size_t i = 0; i < 4096; i++)
        evr_buf_c(&text, "1,");
    size_t most = text.len;
    evr_buf_c(&text, "), {})\n");
    check_fault(ctx, text.data, text.len, EVR_OK, 0);
    text.len = most;
    evr_buf_c(&text, "1), {})\n");
    check_fault(ctx, text.data, text.len, EVR_E_FORMAT, (int64_t)most);
    for (size_t rank = 64; rank < 66; rank++) {
        text.len = 0;
        evr_buf_c(&text, "Operator: x.y\ncnt: 1, ((T([");
        for (size_t i = 0; i < rank; i++)
            evr_buf_c(&text, "1,");
        evr_buf_c(&text, "], f32),), {})\n");
        check_fault(ctx, text.data, text.len, rank > 64 ? EVR_E_FORMAT : EVR_OK, 26);
    }
    evr_buf_free(&text);
    test_context_done(ctx, &m);
}

static const char sample[] =
    "Operator: aten.add.Tensor\ncnt: 12, ((T([4, 8], f16), T([4, 8], f16, stride=(1, 4))), {'alpha': 2})\n"
    "Operator: mine.op.fast\ncnt: 1, ((None, True, -1.5e-05, (1+2j), -inf, 'a\xC3\xA9\\n', torch.strided, [1, (2, 3)]), {'d': {'k': 1}})\n"
    "cnt: 2, (('x', device(type='cuda', index=0), torch.Size([2]), <a b>, ST([2], f32, torch.sparse_coo, True, 1)), {})\n"
    "Operator: aten.sum.SymInt\ncnt: 3, ((T([2, 3], torch.float32, device='cuda:0'), [0], True), {})\n";

/* Every cut is told as one, but for those behind a whole call. */
static void test_oplog__every_cut(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t cut = 1; cut < sizeof sample; cut++) {
        char *text = malloc(cut); /* so that a byte read beyond is seen */
        evr_ir_set *set = NULL;
        evr_error *err = NULL;
        memcpy(text, sample, cut);
        evr_status status = evr_ir_read(ctx, text, cut, &set, &err);
        size_t line = cut;
        while (line && (line == cut || sample[line - 1] != '\n'))
            line--;
        bool call = strncmp(sample + line, "cnt", 3) == 0 && (sample[cut - 1] == '\n' || sample[cut] == '\n');
        if (status != (call ? EVR_OK : EVR_E_TRUNCATED))
            fail_msg("cut to %zu bytes, \"%.*s\": %s (%s)", cut, (int)(cut - line), sample + line, evr_status_name(status), evr_error_message(err));
        assert_true(status == EVR_OK || (evr_error_offset(err) >= 0 && evr_error_offset(err) <= (int64_t)cut));
        evr_error_free(err);
        evr_ir_set_free(set);
        free(text);
    }
    test_context_done(ctx, &m);
}

/* Bytes changed one at a time: any outcome, no crash, and what is read writes and reads back. */
static void test_oplog__every_byte(void **state)
{
    (void)state;
    static const char others[] = "(){}[]'\"\\,:=<-1eTS \n\xFF";
    test_memory m;
    evr_context *ctx = test_context(&m);
    char text[sizeof sample];
    for (size_t i = 0; i + 1 < sizeof sample; i++)
        for (size_t k = 0; k < sizeof others; k += 2 + i % 3) {
            evr_ir_set *set = NULL, *again = NULL;
            char *out = NULL;
            size_t size;
            memcpy(text, sample, sizeof sample);
            text[i] = others[k];
            if (evr_ir_read(ctx, text, sizeof sample - 1, &set, NULL) != EVR_OK)
                continue;
            const evr_ir *records[8];
            size_t n = evr_ir_set_count(set);
            for (size_t r = 0; r < n; r++)
                records[r] = evr_ir_set_at(set, r);
            assert_ok(evr_ir_write(ctx, records, n, EVR_IR_FORMAT_EVREPLAY, &out, &size, err));
            assert_ok(evr_ir_read(ctx, out, size, &again, err));
            assert_int_equal(evr_ir_set_count(again), n);
            evr_text_free(ctx, out);
            evr_ir_set_free(again);
            evr_ir_set_free(set);
        }
    test_context_done(ctx, &m);
}

static void test_oplog__no_memory(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_status status = EVR_E_NOMEM;
    for (int once = 0; once < 2; once++)
        for (size_t n = 1; n < 100000; n++) {
            evr_ir_set *set = NULL;
            evr_error *err = NULL;
            m.calls = 0;
            m.fail_after = n;
            m.fail_once = once;
            status = evr_ir_read(ctx, sample, sizeof sample - 1, &set, &err);
            bool reached = m.calls >= n;
            m.fail_after = 0;
            evr_error_free(err);
            evr_ir_set_free(set);
            assert_int_equal(status, reached ? EVR_E_NOMEM : EVR_OK);
            if (!reached)
                break;
        }
    assert_int_equal(status, EVR_OK);
    test_context_done(ctx, &m);
}

static void test_oplog__file(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    size_t size;
    char *text = test_read_file(test_data("small_oplog.txt"), &size);
    assert_non_null(text);
    evr_ir_set *set = read_log(ctx, text);
    size_t calls = 0, lines = 0;
    for (const char *at = text; (at = strstr(at, "cnt: ")); at++) {
        const evr_ir *ir = evr_ir_set_at(set, lines++);
        assert_int_equal(evr_ir_count(ir), strtoull(at + 5, NULL, 10));
        calls += evr_ir_count(ir);
    }
    assert_int_equal(evr_ir_set_count(set), lines);
    assert_true(calls > lines);
    free(text);
    evr_ir_set_free(set);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literal__every_form),
        cmocka_unit_test(test_literal__lost),
        cmocka_unit_test(test_oplog__names_and_defaults),
        cmocka_unit_test(test_oplog__overloads),
        cmocka_unit_test(test_oplog__values_of_other_types),
        cmocka_unit_test(test_oplog__without_schema),
        cmocka_unit_test(test_oplog__as_strided),
        cmocka_unit_test(test_oplog__same_as_from_a_trace),
        cmocka_unit_test(test_oplog__faults),
        cmocka_unit_test(test_oplog__limits),
        cmocka_unit_test(test_oplog__every_cut),
        cmocka_unit_test(test_oplog__every_byte),
        cmocka_unit_test(test_oplog__no_memory),
        cmocka_unit_test(test_oplog__file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
