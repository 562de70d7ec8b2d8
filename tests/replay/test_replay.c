/* Records that run: through the whole library and libtorch. */
#include "support/notation.h"

#include "ir/record.h"

#include <math.h>

#ifndef EVR_TEST_BRIDGE
#define EVR_TEST_BRIDGE NULL
#endif

static evr_context *ctx;
static evr_runtime *runtime;
static test_memory memory;

static int open_runtime(void **state)
{
    (void)state;
    evr_error *err = NULL;
    ctx = test_context(&memory);
    evr_runtime_options o = {.struct_size = sizeof o, .bridge = EVR_TEST_BRIDGE, .seed = 11, .max_bytes = 1 << 28};
    evr_status status = evr_runtime_open(ctx, &o, &runtime, &err);
    if (status == EVR_E_PLUGIN) {
        printf("skipped: no bridge was built: %s\n", evr_error_hint(err));
        exit(77);
    }
    if (status != EVR_OK)
        printf("%s\n", evr_error_message(err));
    evr_error_free(err);
    return status;
}

static int close_runtime(void **state)
{
    (void)state;
    evr_runtime_free(runtime);
    evr_context_free(ctx);
    return memory.live != 0 || memory.mismatches != 0;
}

static const struct {
    const char *op, *arguments;
    size_t results;
    const char *shape; /* of the first result; NULL = no tensor */
} calls[] = {
    {"aten::add", "self=Tensor:float[8,8];other=Tensor:float[8,8];*alpha=Scalar:1", 1, "8,8"},
    {"aten::add", "self=Tensor:c10::BFloat16[4];other=Scalar:2;alpha=Scalar:1", 1, "4"},
    {"aten::add_", "self=Tensor(a!):double[4];other=Tensor:double[4];*alpha=Scalar:1", 1, "4"},
    {"aten::add", "self=Tensor:float[3];other=Tensor:float[3];*alpha=Scalar:1;out=Tensor(a!):float[3]", 1, "3"},
    {"aten::mm", "self=Tensor:float[4,5];mat2=Tensor:float[5,6]", 1, "4,6"},
    {"aten::addmm", "self=Tensor:float[6];mat1=Tensor:float[4,5];mat2=Tensor:float[5,6];*beta=Scalar:1;alpha=Scalar:1", 1, "4,6"},
    {"aten::linear", "input=Tensor:float[2,3];weight=Tensor:float[4,3];bias=Tensor?:null", 1, "2,4"},
    {"aten::transpose", "self=Tensor(a):float[2,3];dim0=int:0;dim1=int:1", 1, "3,2"},
    {"aten::view", "self=Tensor(a):float[6];size=SymInt[]:[2,3]", 1, "2,3"},
    {"aten::as_strided", "self=Tensor(a):float[6];size=SymInt[]:[2,2];stride=SymInt[]:[3,1];storage_offset=SymInt?:null", 1, "2,2"},
    {"aten::slice", "self=Tensor(a):float[6];dim=int:0;start=SymInt?:1;end=SymInt?:5;step=SymInt:2", 1, "2"},
    {"aten::cat", "tensors=Tensor[]:<float[2,3]|float[4,3]>;dim=int:0", 1, "6,3"},
    {"aten::stack", "tensors=Tensor[]:<float[2]|float[2]>;dim=int:0", 1, "2,2"},
    {"aten::index", "self=Tensor:float[5,6];indices=Tensor?[]:<null|long int[3]>", 1, "5,3"},
    {"aten::index_put_", "self=Tensor(a!):float[5];indices=Tensor?[]:<long int[3]>;values=Tensor:float[3];accumulate=bool:false", 1, "5"},
    {"aten::embedding", "weight=Tensor:float[10,4];indices=Tensor:long int[7];padding_idx=SymInt:-1;scale_grad_by_freq=bool:false;sparse=bool:false", 1, "7,4"},
    {"aten::gather", "self=Tensor:float[4,5];dim=int:1;index=Tensor:long int[4,2];*sparse_grad=bool:false", 1, "4,2"},
    {"aten::scatter", "self=Tensor:float[4,5];dim=int:1;index=Tensor:long int[4,2];src=Tensor:float[4,2]", 1, "4,5"},
    {"aten::index_select", "self=Tensor:float[4,5];dim=int:-1;index=Tensor:long int[2]", 1, "4,2"},
    {"aten::softmax", "self=Tensor:float[4,5];dim=int:-1;dtype=ScalarType?:null", 1, "4,5"},
    {"aten::layer_norm", "input=Tensor:float[4,5];normalized_shape=SymInt[]:[5];weight=Tensor?:float[5];bias=Tensor?:float[5];eps=float:1e-05;cudnn_enable=bool:true", 1, "4,5"},
    {"aten::native_layer_norm", "input=Tensor:float[4,5];normalized_shape=SymInt[]:[5];weight=Tensor?:float[5];bias=Tensor?:float[5];eps=float:1e-05", 3, "4,5"},
    {"aten::batch_norm", "input=Tensor:float[2,3,4,4];weight=Tensor?:float[3];bias=Tensor?:float[3];running_mean=Tensor?:float[3];running_var=Tensor?:float[3];training=bool:false;momentum=float:0.1;eps=float:1e-05;cudnn_enabled=bool:false", 1, "2,3,4,4"},
    {"aten::convolution", "input=Tensor:float[1,3,8,8];weight=Tensor:float[4,3,3,3];bias=Tensor?:null;stride=SymInt[]:[1,1];padding=SymInt[]:[1,1];dilation=SymInt[]:[1,1];transposed=bool:false;output_padding=SymInt[]:[0,0];groups=SymInt:1", 1, "1,4,8,8"},
    {"aten::max_pool2d_with_indices", "self=Tensor:float[1,3,8,8];kernel_size=int[2]:[2,2];stride=int[2]:[2,2];padding=int[2]:[0,0];dilation=int[2]:[1,1];ceil_mode=bool:false", 2, "1,3,4,4"},
    {"aten::nll_loss_forward", "self=Tensor:float[8,10];target=Tensor:long int[8];weight=Tensor?:null;reduction=int:1;ignore_index=SymInt:-100", 2, ""},
    {"aten::cross_entropy_loss", "self=Tensor:float[8,10];target=Tensor:long int[8];weight=Tensor?:null;reduction=int:1;ignore_index=SymInt:-100;label_smoothing=float:0.0", 1, ""},
    {"aten::max", "self=Tensor:float[4,5];dim=int:1;keepdim=bool:false", 2, "4"},
    {"aten::sum", "self=Tensor:float[4,5];dim=int[1]?:[0];keepdim=bool:true;*dtype=ScalarType?:null", 1, "1,5"},
    {"aten::mean", "self=Tensor:float[4,5];*dtype=ScalarType?:null", 1, ""},
    {"aten::split", "self=Tensor(a -> *):float[6,2];split_size=SymInt:2;dim=int:0", 1, NULL},
    {"aten::is_nonzero", "self=Tensor:bool[]", 1, NULL},
    {"aten::_to_copy", "self=Tensor:float[4];*dtype=ScalarType?:15;layout=Layout?:null;device=Device?:\"cuda:3\";pin_memory=bool?:null;non_blocking=bool:false;memory_format=MemoryFormat?:null", 1, "4"},
    {"aten::fill_", "self=Tensor(a!):float[4];value=Scalar:0.5", 1, "4"},
    {"aten::copy_", "self=Tensor(a!):c10::Float8_e4m3fn[4];src=Tensor:float[4];non_blocking=bool:false", 1, "4"},
    {"aten::rsqrt", "self=Tensor:float[4]", 1, "4"},
    {"aten::log", "self=Tensor:float[4]", 1, "4"},
    {"aten::linalg_cholesky", "self=Tensor:double[4,4];*upper=bool:false", 1, "4,4"},
    {"aten::linalg_inv", "A=Tensor:float[4,4]", 1, "4,4"},
    {"aten::multinomial", "self=Tensor:float[4,5];num_samples=SymInt:2;replacement=bool:false;*generator=Generator?:null", 1, "4,2"},
    {"aten::searchsorted", "sorted_sequence=Tensor:float[6];self=Tensor:float[3];*out_int32=bool:false;right=bool:false;side=str?:null;sorter=Tensor?:null", 1, "3"},
    {"aten::sort", "self=Tensor:int[9];dim=int:-1;descending=bool:false", 2, "9"},
    {"aten::where", "condition=Tensor:bool[4];self=Tensor:float[4];other=Tensor:float[4]", 1, "4"},
    {"aten::masked_fill", "self=Tensor:float[4];mask=Tensor:bool[4];value=Scalar:-1.5", 1, "4"},
    {"aten::arange", "end=Scalar:5;*dtype=ScalarType?:4;layout=Layout?:null;device=Device?:\"cpu\";pin_memory=bool?:null", 1, "5"},
    {"aten::scaled_dot_product_attention", "query=Tensor:float[1,2,6,4];key=Tensor:float[1,2,6,4];value=Tensor:float[1,2,6,4];attn_mask=Tensor?:null;dropout_p=float:0.0;is_causal=bool:true;*scale=float?:null;enable_gqa=bool:false", 1, "1,2,6,4"},
    {"aten::_foreach_add", "self=Tensor[]:<float[2]|float[3]>;scalar=Scalar:1", 1, NULL},
    {"aten::floor_divide", "self=Tensor:int[4];other=Tensor:int[4]", 1, "4"},
    {"aten::pad", "self=Tensor:float[2,3];pad=SymInt[]:[1,1];mode=str:\"constant\";value=float?:0.0", 1, "2,5"},
};

/* No NaN or infinity; other types have none. */
static void check_finite(evr_replayer *r, const evr_value *v, const evr_tensor *t, const char *op)
{
    float numbers[1024];
    if (t->dtype != EVR_DTYPE_FLOAT32 || t->storage_elements > 1024)
        return;
    assert_ok(evr_replayer_read(r, v, 0, numbers, (uint64_t)t->storage_elements * 4, err));
    for (int64_t i = 0; i < t->storage_elements; i++)
        if (!isfinite(numbers[i]))
            fail_msg("%s gives %g", op, numbers[i]);
}

static void check_result(evr_replayer *r, size_t i, const char *op, const char *shape)
{
    evr_value v;
    evr_tensor t = {.struct_size = sizeof t};
    char text[128] = "";
    assert_ok(evr_replayer_result(r, i, &v, err));
    if (!shape)
        return;
    assert_int_equal(v.kind, EVR_VALUE_HANDLE);
    assert_ok(evr_replayer_describe(r, &v, &t, err));
    for (uint32_t d = 0; d < t.rank; d++)
        sprintf(text + strlen(text), d ? ",%lld" : "%lld", (long long)t.shape[d]);
    assert_string_equal(text, shape);
    check_finite(r, &v, &t, op);
}

static void test_replay__operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        evr_ir_set *set = test_records(ctx, calls[i].op, calls[i].arguments);
        evr_replayer *r = NULL;
        evr_error *err = NULL;
        evr_status status = evr_replayer_new(runtime, evr_ir_set_at(set, 0), NULL, &r, &err);
        if (status == EVR_OK)
            status = evr_replayer_run(r, &err);
        if (status != EVR_OK)
            fail_msg("%s(%s): %s: %s", calls[i].op, calls[i].arguments, evr_status_name(status), evr_error_message(err));
        assert_int_equal(evr_replayer_result_count(r), calls[i].results);
        check_result(r, 0, calls[i].op, calls[i].shape);
        evr_replayer_free(r);
        evr_ir_set_free(set);
    }
}

static const struct {
    const char *op, *arguments;
    evr_status status;
    int32_t reason;
    const char *says;
} failures[] = {
    {"nobody::knows", "a=Tensor:float[2]", EVR_E_NOT_FOUND, EVR_REASON_NO_SUCH_OP, "nobody::knows"},
    {"aten::mm", "self=Tensor:float[2,2];nonsense=int:1", EVR_E_NO_SCHEMA, EVR_REASON_NO_SCHEMA_MATCH, "overloads"},
    {"aten::mm", "self=Tensor:float[2,3];mat2=Tensor:float[2,3]", EVR_E_OP, EVR_REASON_OP_ERROR, "mat1 and mat2"},
    {"aten::relu", "self=Tensor:float[100000,100000]", EVR_E_TOO_LARGE, EVR_REASON_TOO_LARGE, "40.00 GB"},
    {"aten::relu", "self=Tensor:float[3000000000,3000000000,8]", EVR_E_TOO_LARGE, EVR_REASON_TOO_LARGE, "beyond any memory"},
};

static void test_replay__failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        evr_ir_set *set = test_records(ctx, failures[i].op, failures[i].arguments);
        evr_replayer *r = NULL;
        evr_error *err = NULL;
        int32_t outcome, reason;
        evr_status status = evr_replayer_new(runtime, evr_ir_set_at(set, 0), NULL, &r, &err);
        if (status == EVR_OK)
            status = evr_replayer_run(r, &err);
        evr_replay_outcome(status, err, &outcome, &reason);
        if (status != failures[i].status || reason != failures[i].reason || !strstr(evr_error_message(err), failures[i].says) ||
            strstr(evr_error_message(err), "Exception raised from"))
            fail_msg("%s: %s: %s", failures[i].op, evr_status_name(status), evr_error_message(err));
        assert_string_equal(evr_error_op(err), failures[i].op);
        evr_error_free(err);
        evr_replayer_free(r);
        evr_ir_set_free(set);
    }
}

static void test_replay__not_ok_records_and_missing_values(void **state)
{
    (void)state;
    evr_ir *ir = NULL;
    evr_replayer *r = NULL;
    assert_ok(evr_ir_new(ctx, &ir, err));
    ir->op = evr_str_c("aten::relu");
    evr_argument *a = evr_ir_add_argument(ir);
    a->name = evr_str_c("self"); /* its value is missing */
    assert_int_equal(evr_replayer_new(runtime, ir, NULL, &r, NULL), EVR_E_MISSING_VALUE);
    ir->status = EVR_STATUS_SKIPPED;
    ir->reason = EVR_REASON_AUTOGRAD_NODE;
    assert_int_equal(evr_replayer_new(runtime, ir, NULL, &r, NULL), EVR_E_NOT_REPLAYABLE);
    assert_null(r);
    evr_ir_free(ir);
}

static void test_replay__lazy_and_arguments(void **state)
{
    (void)state;
    evr_ir_set *set = test_records(ctx, "aten::sum", "self=Tensor:float[4,5];dim=int[1]?:[0];keepdim=bool:false;*dtype=ScalarType?:null");
    evr_replayer_options o = {.struct_size = sizeof o, .flags = EVR_REPLAYER_LAZY};
    evr_replayer *r = NULL;
    assert_ok(evr_replayer_new(runtime, evr_ir_set_at(set, 0), &o, &r, err));
    assert_int_equal(evr_replayer_bytes(r), 80);
    assert_int_equal(evr_replayer_result_count(r), 0);
    assert_ok(evr_replayer_run(r, err));
    check_result(r, 0, "sum", "5");
    const evr_value one = {.kind = EVR_VALUE_INT, .u.i = 1}, dims = {.kind = EVR_VALUE_LIST, .u.list = {&one, 1}};
    assert_ok(evr_replayer_set_argument(r, 1, &dims, err));
    assert_ok(evr_replayer_run(r, err));
    check_result(r, 0, "sum", "4");
    const evr_value text = {.kind = EVR_VALUE_STR, .u.s = {"x", 1}};
    assert_int_not_equal(evr_replayer_set_argument(r, 1, &text, NULL), EVR_OK);
    assert_ok(evr_replayer_run(r, err)); /* the one before is still in force */
    check_result(r, 0, "sum", "4");
    evr_value v;
    assert_int_equal(evr_replayer_argument(r, 99, &v, NULL), EVR_E_NOT_FOUND);
    assert_int_equal(evr_replayer_result(r, 99, &v, NULL), EVR_E_NOT_FOUND);
    evr_replayer_free(r);
    evr_ir_set_free(set);
}

static void test_replay__repro_runs_again_with_the_same_bits(void **state)
{
    (void)state;
    evr_ir_set *set = test_records(ctx, "aten::dropout", "input=Tensor:float[64];p=float:0.5;train=bool:true"), *again = NULL;
    evr_replayer *r = NULL;
    char *first = NULL, *second = NULL;
    size_t size;
    float a[64], b[64];
    evr_value v;
    assert_ok(evr_replayer_new(runtime, evr_ir_set_at(set, 0), NULL, &r, err));
    assert_ok(evr_replayer_run(r, err));
    assert_ok(evr_replayer_result(r, 0, &v, err));
    assert_ok(evr_replayer_read(r, &v, 0, a, sizeof a, err));
    assert_ok(evr_replayer_repro(r, &first, &size, err));
    assert_ok(evr_replayer_repro(r, &second, &size, err));
    assert_string_equal(first, second);
    evr_replayer_free(r);
    assert_ok(evr_ir_read(ctx, first, size, &again, err));
    assert_ok(evr_replayer_new(runtime, evr_ir_set_at(again, 0), NULL, &r, err));
    assert_ok(evr_replayer_run(r, err));
    assert_ok(evr_replayer_result(r, 0, &v, err));
    assert_ok(evr_replayer_read(r, &v, 0, b, sizeof b, err));
    assert_memory_equal(a, b, sizeof a);
    evr_replayer_free(r);
    evr_text_free(ctx, first);
    evr_text_free(ctx, second);
    evr_ir_set_free(set);
    evr_ir_set_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay__operators),
        cmocka_unit_test(test_replay__failures),
        cmocka_unit_test(test_replay__not_ok_records_and_missing_values),
        cmocka_unit_test(test_replay__lazy_and_arguments),
        cmocka_unit_test(test_replay__repro_runs_again_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
