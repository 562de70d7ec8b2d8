/* Records: from events of every generation, and as JSON there and back. */
#include "ir/argument.h"
#include "ir/steps.h"

#include "ir/record.h"
#include "ir/status.h"
#include "schema/catalogue.h"

#include <math.h>

static const struct {
    const char *text;
    int32_t dtype;
    size_t size;
} dtypes[] = {
    {"float", EVR_DTYPE_FLOAT32, 4}, {"c10::BFloat16", EVR_DTYPE_BFLOAT16, 2}, {"at::Half", EVR_DTYPE_FLOAT16, 2},
    {"long int", EVR_DTYPE_INT64, 8}, {"long", EVR_DTYPE_INT64, 8}, {"int", EVR_DTYPE_INT32, 4}, {"unsigned char", EVR_DTYPE_UINT8, 1},
    {"signed char", EVR_DTYPE_INT8, 1}, {"short int", EVR_DTYPE_INT16, 2}, {"bool", EVR_DTYPE_BOOL, 1}, {"double", EVR_DTYPE_FLOAT64, 8},
    {"c10::Float8_e4m3fn", EVR_DTYPE_FLOAT8_E4M3FN, 1}, {"torch.float8_e5m2fnuz", EVR_DTYPE_FLOAT8_E5M2FNUZ, 1},
    {"c10::complex<float>", EVR_DTYPE_COMPLEX64, 8}, {"bf16", EVR_DTYPE_BFLOAT16, 2}, {"unsigned int", EVR_DTYPE_UINT32, 4},
    {"c10::Float4_e2m1fn_x2", EVR_DTYPE_FLOAT4_E2M1FN_X2, 1}, {"Scalar", EVR_DTYPE_UNKNOWN, 0}, {"", EVR_DTYPE_UNKNOWN, 0},
};

static void test_dtype__spellings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        assert_int_equal(evr_dtype_parse(evr_str_c(dtypes[i].text)), dtypes[i].dtype);
        assert_int_equal(evr_dtype_size(dtypes[i].dtype), dtypes[i].size);
        const char *name = evr_dtype_name(dtypes[i].dtype);
        assert_true(!name[0] || evr_dtype_parse(evr_str_c(name)) == dtypes[i].dtype);
    }
}

/* Of a trace with one operator event, by its argument texts. */
static evr_ir *record_of(evr_context *ctx, const char *name, const char *dims, const char *types, const char *strides, const char *values)
{
    return record_of_step(ctx, 0, STEPS({0, 5, name, dims, types, values, strides}));
}

static void test_event__modern(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = record_of(ctx, "aten::add", "[[2,3],[3],[]]", "[\"c10::BFloat16\",\"float\",\"Scalar\"]", "[[3,1],[1],[]]", "[\"\",\"\",\"2\"]");
    assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
    assert_str(evr_ir_overload(ir), "Tensor");
    const evr_tensor *t = argument(ir, "self")->value.u.tensor;
    assert_int_equal(t->dtype, EVR_DTYPE_BFLOAT16);
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(t->strides[0], 3);
    assert_int_equal(t->flags, 0);
    assert_int_equal(argument(ir, "alpha")->value.kind, EVR_VALUE_INT); /* whole numbers stay whole */
    assert_int_equal(argument(ir, "alpha")->value.u.i, 2);
    assert_true(argument(ir, "alpha")->flags & EVR_ARGUMENT_KWARG);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

static void test_event__without_strides_and_values(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = record_of(ctx, "aten::add", "[[2,3],[3],[]]", "[\"float\",\"float\",\"Scalar\"]", "", "");
    assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
    const evr_tensor *t = argument(ir, "self")->value.u.tensor;
    assert_true(t->flags & EVR_TENSOR_STRIDES_ASSUMED);
    assert_int_equal(t->strides[0], 3);
    assert_int_equal(argument(ir, "alpha")->provenance, EVR_FROM_DEFAULT);
    assert_int_equal(argument(ir, "alpha")->value.u.i, 1);
    evr_ir_free(ir);
    ir = record_of(ctx, "aten::transpose", "[[2,3,4],[],[]]", "[\"float\",\"Scalar\",\"Scalar\"]", "", "");
    assert_int_equal(evr_ir_reason(ir), EVR_REASON_MISSING_VALUES);
    assert_non_null(strstr(evr_ir_detail(ir).data, "dim0"));
    assert_int_equal(argument(ir, "dim0")->provenance, EVR_FROM_NOWHERE);
    evr_ir_free(ir);
    ir = record_of(ctx, "aten::mm", "", "", "", "");
    assert_int_equal(evr_ir_reason(ir), EVR_REASON_MISSING_VALUES);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

static void test_event__kinds_of_values(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = record_of(ctx, "aten::empty_like", "[[4],[],[],[],[],[]]", "[\"float\",\"Scalar\",\"Scalar\",\"\",\"Scalar\",\"Scalar\"]",
                           "[[1],[],[],[],[],[]]", "[\"\",\"15\",\"0\",\"\",\"False\",\"2\"]");
    assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
    assert_int_equal(argument(ir, "dtype")->value.kind, EVR_VALUE_DTYPE);
    assert_int_equal(argument(ir, "dtype")->value.u.i, EVR_DTYPE_BFLOAT16);
    assert_int_equal(argument(ir, "layout")->value.kind, EVR_VALUE_LAYOUT);
    assert_int_equal(argument(ir, "device")->value.kind, EVR_VALUE_NONE);
    assert_int_equal(argument(ir, "pin_memory")->value.kind, EVR_VALUE_BOOL);
    assert_int_equal(argument(ir, "memory_format")->value.u.i, 2);
    evr_ir_free(ir);
    ir = record_of(ctx, "aten::pad", "[[4],[],[],[]]", "[\"float\",\"ScalarList\",\"\",\"Scalar\"]", "[[1],[],[],[]]", "[\"\",\"[1, 2]\",\"\",\"-inf\"]");
    assert_int_equal(argument(ir, "pad")->value.u.list.len, 2);
    assert_str(argument(ir, "mode")->value.u.s, "constant"); /* dropped text: the schema's, and marked so */
    assert_int_equal(argument(ir, "mode")->provenance, EVR_FROM_DEFAULT);
    assert_true(isinf(argument(ir, "value")->value.u.f));
    evr_ir_free(ir);
    ir = record_of(ctx, "aten::view", "[[4],[]]", "[\"float\",\"ScalarList\"]", "[[1],[]]", "[\"\",\"[2, 2, ...\"]");
    assert_int_equal(evr_ir_reason(ir), EVR_REASON_MISSING_VALUES); /* cut short by the profiler */
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

static void test_event__lists_of_tensors(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = record_of(ctx, "aten::cat", "[[[2,3],[4,3]],[]]", "[\"TensorList\",\"Scalar\"]", "[[[3,1],[3,1]],[]]", "[\"\",\"0\"]");
    const evr_argument *a = argument(ir, "tensors");
    assert_int_equal(a->value.u.list.len, 2);
    const evr_tensor *t = a->value.u.list.items[1].u.tensor;
    assert_int_equal(t->shape[0], 4);
    assert_true(t->flags & EVR_TENSOR_DTYPE_INFERRED);
    assert_int_equal(a->provenance, EVR_FROM_RULE);
    assert_non_null(strstr(a->note.data, "assumed"));
    evr_ir_free(ir);
    ir = record_of(ctx, "aten::index", "[[8,3],[[5]]]", "[\"float\",\"TensorList\"]", "[[3,1],[[1]]]", "[\"\",\"\"]");
    assert_int_equal(argument(ir, "indices")->value.u.list.items[0].u.tensor->dtype, EVR_DTYPE_INT64);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

static void test_event__storage_of_as_strided(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = record_of(ctx, "aten::as_strided", "[[4],[],[],[]]", "[\"float\",\"ScalarList\",\"ScalarList\",\"Scalar\"]", "[[1],[],[],[]]",
                           "[\"\",\"[3, 2]\",\"[10, 1]\",\"5\"]");
    assert_int_equal(argument(ir, "self")->value.u.tensor->storage_elements, 5 + 20 + 1 + 1);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

/* No profiler writes storages or streams: the first as large as it is read, the second whichever the replay has. */
static void test_event__storage_and_stream(void **state)
{
    static const char *const strides[] = {"[10, 1]", "[]"};
    static const int64_t reached[] = {4 + 20 + 1 + 1, 4 + 6};
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < 2; i++) {
        char values[96];
        snprintf(values, sizeof values, "[\"\",\"\",\"4\",\"[3, 2]\",\"%s\"]", strides[i]);
        evr_ir *ir = record_of(ctx, "aten::set_", "[[0],[],[],[],[]]", "[\"int\",\"\",\"Scalar\",\"ScalarList\",\"ScalarList\"]",
                               "[[1],[],[],[],[]]", values);
        assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
        assert_str(evr_ir_overload(ir), "source_Storage_storage_offset");
        const evr_argument *source = argument(ir, "source");
        assert_int_equal(source->provenance, EVR_FROM_RULE);
        assert_int_equal(source->value.u.tensor->rank, 1);
        assert_int_equal(source->value.u.tensor->shape[0], reached[i]);
        assert_int_equal(source->value.u.tensor->dtype, EVR_DTYPE_INT32);
        assert_int_equal(argument(ir, "self")->value.u.tensor->storage_elements, 0); /* its own is given away */
        evr_ir_free(ir);
    }
    evr_ir *ir = record_of(ctx, "aten::set_", "[[0],[]]", "[\"int\",\"Storage\"]", "[[1],[]]", "[\"\",\"<Storage>\"]");
    assert_int_equal(evr_ir_reason(ir), EVR_REASON_MISSING_VALUES); /* nothing tells how large it is */
    evr_ir_free(ir);
    static const char *const types[] = {"[\"float\",\"\"]", "[\"float\",\"Stream\"]"}, *const written[] = {"", "[\"\",\"<Stream>\"]"};
    for (size_t i = 0; i < 2; i++) {
        ir = record_of(ctx, "aten::record_stream", "[[16],[]]", types[i], "", written[i]);
        assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
        assert_int_equal(argument(ir, "s")->value.kind, EVR_VALUE_NONE);
        assert_int_equal(argument(ir, "s")->provenance, EVR_FROM_RULE);
        evr_ir_free(ir);
    }
    test_context_done(ctx, &m);
}

/* Traces that no profiler wrote: what there is counts, and a tensor without a shape is none. */
static void test_event__lists_of_other_lengths(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = record_of(ctx, "aten::convolution", "[[4,8,5,5],[8,8,3,3]]", "[\"float\",\"float\"]", "",
                           "[\"\",\"\",\"\",\"(1,)\",\"(0, 3)\",\"[1, 1]\",\"False\",\"()\",\"1\"]");
    assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
    assert_int_equal(argument(ir, "weight")->value.u.tensor->rank, 4);
    assert_int_equal(argument(ir, "stride")->value.u.list.len, 1);
    assert_int_equal(argument(ir, "padding")->value.u.list.items[1].u.i, 3);
    assert_int_equal(argument(ir, "output_padding")->value.u.list.len, 0);
    assert_int_equal(argument(ir, "groups")->value.u.i, 1);
    evr_ir_free(ir);
    ir = record_of(ctx, "aten::mul", "[[4]]", "[\"float\",\"float\"]", "", "");
    assert_int_equal(evr_ir_status(ir), EVR_STATUS_FAILED);
    assert_int_equal(evr_ir_reason(ir), EVR_REASON_MISSING_VALUES);
    assert_non_null(strstr(evr_ir_detail(ir).data, "the shape was not recorded"));
    assert_int_equal(argument(ir, "self")->value.u.tensor->rank, 1);
    evr_ir_free(ir);
    ir = record_of(ctx, "aten::cat", "[[[2],null],[]]", "[\"TensorList\",\"Scalar\"]", "", "[\"\",\"0\"]");
    assert_int_equal(evr_ir_reason(ir), EVR_REASON_MISSING_VALUES);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

static void test_event__no_schema(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = record_of(ctx, "my_ops::fused", "[[4],[],[],[]]", "[\"float\",\"Scalar\",\"\",\"ScalarList\"]", "[[1],[],[],[]]",
                           "[\"\",\"0.5\",\"\",\"[1, 2]\"]");
    assert_int_equal(evr_ir_status(ir), EVR_STATUS_OK);
    assert_str(evr_ir_schema(ir), "");
    assert_str(evr_ir_argument(ir, 0)->name, "arg0");
    assert_str(evr_ir_argument(ir, 0)->type, "Tensor");
    assert_str(evr_ir_argument(ir, 1)->type, "float");
    assert_int_equal(evr_ir_argument(ir, 2)->value.kind, EVR_VALUE_NONE);
    assert_str(evr_ir_argument(ir, 3)->type, "int[]");
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

static const struct {
    const char *name;
    int32_t kind, reason;
    const char *args;
    bool known;
} skips[] = {
    {"aten::add", EVR_KIND_OP, EVR_REASON_NONE, "", true},
    {"AddmmBackward0", EVR_KIND_OP, EVR_REASON_AUTOGRAD_NODE, "", false},
    {"autograd::engine::evaluate_function: X", EVR_KIND_OP, EVR_REASON_AUTOGRAD_NODE, "", false},
    {"torch::autograd::AccumulateGrad", EVR_KIND_OP, EVR_REASON_AUTOGRAD_NODE, "", false},
    {"Optimizer.step#SGD.step", EVR_KIND_OP, EVR_REASON_ANNOTATION, "", false},
    {"torch.distributed.ddp.reducer::copy_bucket_to_grad", EVR_KIND_OP, EVR_REASON_ANNOTATION, "", false},
    {"ProfilerStep#3", EVR_KIND_ANNOTATION, EVR_REASON_ANNOTATION, "", false},
    {"f.py(3): g", EVR_KIND_PYTHON, EVR_REASON_PYTHON_FUNCTION, "", false},
    {"c10d::allreduce_", EVR_KIND_OP, EVR_REASON_COMMUNICATION, "", true},
    {"record_param_comms", EVR_KIND_OP, EVR_REASON_COMMUNICATION, "{\"Collective name\":\"x\"}", false},
    {"## Call CompiledFxGraph abc", EVR_KIND_OP, EVR_REASON_JIT_GRAPH, "", false},
    {"triton_poi_fused_0", EVR_KIND_OP, EVR_REASON_TRITON_KERNEL, "", false},
    {"my_kernel", EVR_KIND_OP, EVR_REASON_TRITON_KERNEL, "{\"kernel_backend\":\"triton\"}", false},
    {"vendor::op", EVR_KIND_OP, EVR_REASON_NONE, "", false},
};

static void test_status__skips(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof skips / sizeof *skips; i++)
        if (evr_skip_reason(skips[i].kind, evr_str_c(skips[i].name), evr_str_c(skips[i].args), skips[i].known) != skips[i].reason)
            fail_msg("%s", skips[i].name);
    assert_string_equal(evr_reason_name(EVR_REASON_COMMUNICATION), "communication-without-group");
    assert_string_equal(evr_outcome_name(EVR_STATUS_FAILED), "failed");
    assert_true(evr_reason_advice(EVR_REASON_TIMEOUT)[0]);
}

/* A record with every kind of value. */
static evr_ir *full_record(evr_context *ctx)
{
    static const int64_t shape[] = {2, 3}, strides[] = {1, 2};
    const evr_tensor t = {.struct_size = sizeof t, .dtype = EVR_DTYPE_FLOAT16, .rank = 2, .flags = EVR_TENSOR_DTYPE_INFERRED, .shape = shape,
                          .strides = strides, .storage_offset = 4, .storage_elements = 64, .dtype_text = {"c10::Half", 9},
                          .device = {"cuda:1", 6}, .init = {"zeros", 5}};
    const evr_value items[] = {{.kind = EVR_VALUE_INT, .u.i = -3}, {.kind = EVR_VALUE_NONE}, {.kind = EVR_VALUE_TENSOR, .u.tensor = &t}};
    const evr_value values[] = {
        {.kind = EVR_VALUE_MISSING},          {.kind = EVR_VALUE_NONE},
        {.kind = EVR_VALUE_BOOL, .u.i = 1},   {.kind = EVR_VALUE_INT, .u.i = INT64_MIN},
        {.kind = EVR_VALUE_FLOAT, .u.f = 1},  {.kind = EVR_VALUE_FLOAT, .u.f = 1.0 / 3},
        {.kind = EVR_VALUE_FLOAT, .u.f = NAN}, {.kind = EVR_VALUE_FLOAT, .u.f = -INFINITY},
        {.kind = EVR_VALUE_COMPLEX, .u.c = {1.5, -2}}, {.kind = EVR_VALUE_STR, .u.s = {"a\"\n\xC3\xA9", 5}},
        {.kind = EVR_VALUE_DTYPE, .u.i = EVR_DTYPE_BFLOAT16}, {.kind = EVR_VALUE_LAYOUT, .u.i = 1},
        {.kind = EVR_VALUE_DEVICE, .u.s = {"cuda:0", 6}}, {.kind = EVR_VALUE_MEMORY_FORMAT, .u.i = 2},
        {.kind = EVR_VALUE_GENERATOR, .u.i = 7}, {.kind = EVR_VALUE_TENSOR, .u.tensor = &t},
        {.kind = EVR_VALUE_LIST, .u.list = {items, 3}}, {.kind = EVR_VALUE_LIST, .u.list = {NULL, 0}},
    };
    evr_ir *ir = NULL;
    assert_ok(evr_ir_new(ctx, &ir, err));
    assert_true(evr_ir_text(ir, evr_str_c("ns::op"), &ir->op) && evr_ir_text(ir, evr_str_c("ov"), &ir->overload));
    ir->uid = 12;
    ir->count = 34;
    assert_ok(evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_MISSING_VALUES, err, "argument %d", 0));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        evr_argument *a = evr_ir_add_argument(ir);
        char name[16];
        snprintf(name, sizeof name, "a%zu", i);
        assert_true(evr_ir_text(ir, evr_str_c(name), &a->name) && evr_ir_text(ir, evr_str_c("Any"), &a->type));
        assert_ok(evr_ir_copy_value(ir, &values[i], &a->value, err));
        a->flags = i % 4;
        a->provenance = (int32_t)(i % 5);
    }
    evr_kernel *k = evr_ir_add_kernel(ir);
    assert_true(evr_ir_text(ir, evr_str_c("void k<1>()"), &k->name));
    k->count = 3;
    k->total_ns = 4500;
    return ir;
}

static void test_form__there_and_back(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = full_record(ctx);
    char *text = NULL, *again = NULL;
    size_t size, size_again;
    evr_ir_set *set = NULL;
    assert_ok(evr_ir_write(ctx, (const evr_ir *const *)&ir, 1, EVR_IR_FORMAT_EVREPLAY, &text, &size, err));
    assert_ok(evr_ir_read(ctx, text, size, &set, err));
    assert_int_equal(evr_ir_set_count(set), 1);
    const evr_ir *back = evr_ir_set_at(set, 0);
    assert_int_equal(evr_ir_argument_count(back), evr_ir_argument_count(ir));
    for (size_t i = 0; i < evr_ir_argument_count(ir); i++) {
        const evr_argument *a = evr_ir_argument(ir, i), *b = evr_ir_argument(back, i);
        assert_int_equal(a->value.kind, b->value.kind);
        assert_int_equal(a->flags, b->flags);
        assert_int_equal(a->provenance, b->provenance);
    }
    assert_int_equal(evr_ir_uid(back), 12);
    assert_int_equal(evr_ir_reason(back), EVR_REASON_MISSING_VALUES);
    assert_int_equal(evr_ir_argument(back, 15)->value.u.tensor->storage_offset, 4);
    assert_int_equal(evr_ir_kernel(back, 0)->total_ns, 4500);
    assert_ok(evr_ir_write(ctx, &back, 1, EVR_IR_FORMAT_EVREPLAY, &again, &size_again, err));
    assert_string_equal(text, again);
    for (size_t cut = 0; cut + 2 < size; cut++) { /* every beginning of it is refused, and nothing worse */
        evr_ir_set *part = NULL;
        assert_int_not_equal(evr_ir_read(ctx, text, cut, &part, NULL), EVR_OK);
        assert_null(part);
    }
    evr_text_free(ctx, text);
    evr_text_free(ctx, again);
    evr_ir_set_free(set);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

static void test_form__no_memory(void **state)
{
    (void)state;
    for (size_t fail = 1, done = 0; !done; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_ir *ir = full_record(ctx);
        char *text = NULL;
        size_t size;
        evr_ir_set *set = NULL;
        m.fail_after = m.calls + fail;
        evr_status status = evr_ir_write(ctx, (const evr_ir *const *)&ir, 1, EVR_IR_FORMAT_EVREPLAY, &text, &size, NULL);
        if (status == EVR_OK)
            status = evr_ir_read(ctx, text, size, &set, NULL);
        m.fail_after = 0;
        done = status == EVR_OK;
        assert_true(done || (!set && fail < 1000));
        evr_text_free(ctx, text);
        evr_ir_set_free(set);
        evr_ir_free(ir);
        test_context_done(ctx, &m);
    }
}

static const struct {
    const char *text;
    evr_status status;
} refused[] = {
    {"", EVR_E_FORMAT}, {"{}", EVR_E_UNSUPPORTED}, {"[{}]", EVR_E_UNSUPPORTED}, {"[3]", EVR_E_UNSUPPORTED},
    {"{\"evreplay_ir\":2,\"records\":[]}", EVR_E_UNSUPPORTED}, {"{\"evreplay_ir\":1}", EVR_E_FORMAT},
    {"{\"evreplay_ir\":1,\"records\":[{}]}", EVR_E_FORMAT}, {"{\"evreplay_ir\":1,\"records\":[{\"op\":\"x\",\"status\":\"odd\"}]}", EVR_E_FORMAT},
    {"{\"evreplay_ir\":1,\"records\":[{\"op\":\"x\",\"args\":[{\"value\":{\"strange\":1}}]}]}", EVR_E_FORMAT},
    {"{\"evreplay_ir\":1,\"records\":[{\"op\":\"x\",\"args\":[{\"value\":{\"tensor\":{\"shape\":[1]}}}]}]}", EVR_E_FORMAT},
    {"{\"evreplay_ir\":1,\"records\":[{\"op\":\"x\",\"args\":[{\"value\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}]}]}", EVR_E_FORMAT},
    {"{\"evreplay_ir\":1,\"records\":[{\"op\":\"x\",\"count\":\"many\"}]}", EVR_E_FORMAT},
};

static void test_form__refusals(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        evr_ir_set *set = NULL;
        evr_error *err = NULL;
        evr_status status = evr_ir_read(ctx, refused[i].text, strlen(refused[i].text), &set, &err);
        if (status != refused[i].status)
            fail_msg("%s: %s (%s)", refused[i].text, evr_status_name(status), evr_error_message(err));
        assert_null(set);
        evr_error_free(err);
    }
    test_context_done(ctx, &m);
}

static void test_tracelens__there_and_back(void **state)
{
    (void)state;
    static const char text[] =
        "[\n{\"op_name\": \"aten::copy_\", \"replay_ir\": {\"list_pos_args\": [{\"arg_name\": \"self\", \"arg_type\": \"Tensor(a!)\", \"value\": "
        "{\"shape\": [2], \"dtype\": \"int\", \"strides\": [1], \"init\": null}}, {\"arg_name\": \"src\", \"arg_type\": \"Tensor\", \"value\": "
        "{\"shape\": [2], \"dtype\": \"float\", \"strides\": [1], \"init\": \"normal\"}}, {\"arg_name\": \"non_blocking\", \"arg_type\": \"bool\", "
        "\"value\": false}], \"list_kwargs\": [{\"arg_name\": \"dtype\", \"arg_type\": \"ScalarType?\", \"value\": 6}, {\"arg_name\": \"p\", "
        "\"arg_type\": \"float\", \"value\": 0.5}, {\"arg_name\": \"dims\", \"arg_type\": \"int[]\", \"value\": [1, 2]}]}, \"uid\": 9, \"count\": 3}\n]\n";
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir_set *set = NULL;
    char *again = NULL;
    size_t size;
    assert_ok(evr_ir_read(ctx, text, strlen(text), &set, err));
    const evr_ir *ir = evr_ir_set_at(set, 0);
    assert_true(argument(ir, "self")->flags & EVR_ARGUMENT_WRITTEN);
    assert_int_equal(argument(ir, "dtype")->value.kind, EVR_VALUE_DTYPE);
    assert_true(argument(ir, "p")->flags & EVR_ARGUMENT_KWARG);
    assert_ok(evr_ir_write(ctx, &ir, 1, EVR_IR_FORMAT_TRACELENS, &again, &size, err));
    assert_string_equal(again, text);
    evr_text_free(ctx, again);
    evr_ir_set_free(set);
    test_context_done(ctx, &m);
}

/* A value for any type that a schema may have. */
static evr_status synthetic(evr_ir *ir, const evr_type *type, evr_value *out)
{
    static const int64_t shape[] = {2, 2}, strides[] = {2, 1};
    const evr_tensor t = {.struct_size = sizeof t, .dtype = EVR_DTYPE_FLOAT32, .rank = 2, .shape = shape, .strides = strides,
                          .dtype_text = {"float", 5}, .device = {"", 0}, .init = {"", 0}};
    evr_value inner[2] = {{.kind = EVR_VALUE_NONE}, {.kind = EVR_VALUE_NONE}};
    evr_value v = {.kind = EVR_VALUE_NONE};
    switch (type->kind) {
    case EVR_TYPE_TENSOR: v = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = &t}; break;
    case EVR_TYPE_INT:
    case EVR_TYPE_SYMINT: v = (evr_value){.kind = EVR_VALUE_INT, .u.i = 3}; break;
    case EVR_TYPE_FLOAT: v = (evr_value){.kind = EVR_VALUE_FLOAT, .u.f = 0.25}; break;
    case EVR_TYPE_BOOL: v = (evr_value){.kind = EVR_VALUE_BOOL, .u.i = 1}; break;
    case EVR_TYPE_STR: v = (evr_value){.kind = EVR_VALUE_STR, .u.s = {"text", 4}}; break;
    case EVR_TYPE_DTYPE: v = (evr_value){.kind = EVR_VALUE_DTYPE, .u.i = EVR_DTYPE_INT8}; break;
    case EVR_TYPE_DEVICE: v = (evr_value){.kind = EVR_VALUE_DEVICE, .u.s = {"cpu", 3}}; break;
    case EVR_TYPE_OPTIONAL: return synthetic(ir, type->elem, out);
    case EVR_TYPE_LIST:
        synthetic(ir, type->elem, &inner[0]);
        synthetic(ir, type->elem, &inner[1]);
        v = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {inner, 2}};
        break;
    default: break;
    }
    return evr_ir_copy_value(ir, &v, out, NULL);
}

static void test_form__every_schema(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_catalogue *c = NULL;
    assert_ok(evr_catalogue_open(ctx, evr_str_c(""), &c, err));
    for (size_t i = 0; i < evr_catalogue_count(c); i++) {
        evr_ir *ir = NULL;
        const evr_schema *s = NULL;
        assert_ok(evr_ir_new(ctx, &ir, err));
        assert_ok(evr_schema_parse(&ir->arena, evr_catalogue_text(c, i), &s, err));
        ir->op = s->name;
        ir->overload = s->overload;
        ir->schema = s->text;
        for (size_t p = 0; p < s->param_count; p++) {
            evr_argument *a = evr_ir_add_argument(ir);
            a->name = s->params[p].name;
            a->type = s->params[p].type->text;
            assert_int_equal(synthetic(ir, s->params[p].type, &a->value), EVR_OK);
        }
        char *text = NULL, *again = NULL;
        size_t size;
        evr_ir_set *set = NULL;
        assert_ok(evr_ir_write(ctx, (const evr_ir *const *)&ir, 1, EVR_IR_FORMAT_EVREPLAY, &text, &size, err));
        assert_ok(evr_ir_read(ctx, text, size, &set, err));
        const evr_ir *back = evr_ir_set_at(set, 0);
        assert_ok(evr_ir_write(ctx, &back, 1, EVR_IR_FORMAT_EVREPLAY, &again, &size, err));
        assert_string_equal(text, again);
        evr_text_free(ctx, text);
        evr_text_free(ctx, again);
        evr_ir_set_free(set);
        evr_ir_free(ir);
    }
    evr_catalogue_free(c);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtype__spellings),
        cmocka_unit_test(test_event__modern),
        cmocka_unit_test(test_event__without_strides_and_values),
        cmocka_unit_test(test_event__kinds_of_values),
        cmocka_unit_test(test_event__lists_of_tensors),
        cmocka_unit_test(test_event__storage_of_as_strided),
        cmocka_unit_test(test_event__storage_and_stream),
        cmocka_unit_test(test_event__lists_of_other_lengths),
        cmocka_unit_test(test_event__no_schema),
        cmocka_unit_test(test_status__skips),
        cmocka_unit_test(test_form__there_and_back),
        cmocka_unit_test(test_form__no_memory),
        cmocka_unit_test(test_form__refusals),
        cmocka_unit_test(test_tracelens__there_and_back),
        cmocka_unit_test(test_form__every_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
