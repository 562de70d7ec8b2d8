/* What the rows of each operator that the shipped map has become. Arguments are checked by their schemas in the library's own snapshot; those of other namespaces by the map's. */
#include "rows/made.h"

static const struct {
    const char *op, *row, *words;
} torch_rows[] = {
    {"MatMulV2", "16,8;8,4 FLOAT16;FLOAT16 ND;ND -> 16,4 FLOAT16 ND",
     "aten::mm(float16[16,8], float16[8,4])"},
    {"MatMulV3", "8,16;4,8 DT_BF16;DT_BF16 ND;ND -> 16,4 DT_BF16 ND",
     "aten::mm(bfloat16[16,8], bfloat16[8,4]) {1,16} {1,8}"},
    {"MatMul", "8,8;8,8 FLOAT;FLOAT ND;ND -> 8,8 FLOAT ND",
     "aten::mm(float32[8,8], float32[8,8])"},
    {"MatMulCommon", "16,8;4,8;4 FLOAT;FLOAT;FLOAT ND;ND;ND -> 16,4 FLOAT ND",
     "aten::addmm(float32[4], float32[16,8], float32[8,4], beta=1, alpha=1) {1,8}"},
    {"MatMulV2", "100,64;2,4,16,16 FLOAT16;FLOAT16 ND;FRACTAL_NZ -> 100,30 FLOAT16 ND",
     "aten::mm(float16[100,64], float16[64,30])"},
    {"MatMulV2", "2,5,8;8,4 FLOAT;FLOAT ND;ND -> 2,5,4 FLOAT ND",
     "aten::matmul(float32[2,5,8], float32[8,4])"},
    {"BatchMatMulV2", "3,16,8;3,4,8 FLOAT16;FLOAT16 ND;ND -> 3,16,4 FLOAT16 ND",
     "aten::bmm(float16[3,16,8], float16[3,8,4]) {32,1,8}"},
    {"BatchMatMulV2", "2,3,16,8;2,3,8,4 FLOAT16;FLOAT16 ND;ND -> 2,3,16,4 FLOAT16 ND",
     "aten::matmul(float16[2,3,16,8], float16[2,3,8,4])"},
    {"BatchMatMulV2", "2,3,16,8;4,8 FLOAT16;FLOAT16 ND;ND -> 2,3,16,4 FLOAT16 ND",
     "aten::matmul(float16[2,3,16,8], float16[8,4]) {1,8}"},
    {"TransposeBatchMatMul", "16,3,8;3,8,4 FLOAT16;FLOAT16 ND;ND -> 16,3,4 FLOAT16 ND",
     "aten::bmm.out(float16[3,16,8], float16[3,8,4], out=float16[3,16,4]) {8,24,1} {4,12,1}"},
    {"TransposeBatchMatMul", "16,3,8;3,8,4 FLOAT16;FLOAT16 ND;ND -> 16,12 FLOAT16 ND",
     "aten::bmm(float16[3,16,8], float16[3,8,4]) {8,24,1}"},
    {"QuantBatchMatmulV3", "16,32;64,32;64;;16 INT8;INT8;FLOAT;DT_UNDEFINED;FLOAT ND;ND;ND;NULL;ND -> 16,64 DT_BF16 ND",
     "aten::_int_mm(int8[16,32], int8[32,64]) {1,32} + aten::mul.Tensor(int32[16,64], bfloat16[64])"},
    {"Add", "2,64,8;2,64,8 FLOAT;FLOAT ND;ND -> 2,64,8 FLOAT ND",
     "aten::add.Tensor(float32[2,64,8], float32[2,64,8], alpha=1)"},
    {"Add", "2,64; FLOAT;FLOAT ND;ND -> 2,64 FLOAT ND",
     "aten::add.Tensor(float32[2,64], float32[], alpha=1)"},
    {"Mul", "2,64;64 FLOAT;FLOAT ND;ND -> 2,64 FLOAT ND",
     "aten::mul.Tensor(float32[2,64], float32[64])"},
    {"RealDiv", "2,64;2,1 FLOAT;FLOAT ND;ND -> 2,64 FLOAT ND",
     "aten::div.Tensor(float32[2,64], float32[2,1])"},
    {"Cast", "2,64 FLOAT ND -> 2,64 DT_BF16 ND",
     "aten::_to_copy(float32[2,64], dtype=bfloat16, layout=None, device=None, pin_memory=None, non_blocking=False, memory_format=None)"},
    {"RmsNorm", "2,5,64;64 DT_BF16;DT_BF16 ND;ND -> 2,5,64;2,5,1 DT_BF16;FLOAT ND;ND",
     "aten::_fused_rms_norm(bfloat16[2,5,64], [64], bfloat16[64], 1e-06)"},
    {"RmsNorm", "5,64;64 FLOAT;FLOAT ND;ND -> 5,64 FLOAT ND",
     "aten::rms_norm(float32[5,64], [64], float32[64], 1e-06)"},
    {"SoftmaxV2", "5,64 FLOAT ND -> 5,64 FLOAT ND",
     "aten::_softmax(float32[5,64], -1, False)"},
    {"SwiGlu", "5,64 FLOAT ND -> 5,32 FLOAT ND",
     "aten::silu(float32[5,32]) {64,1}+0 of 320 + aten::mul.Tensor(float32[5,32], float32[5,32]) {64,1}+32 of 320"},
    {"SwiGlu", "5,64;5,64 FLOAT;FLOAT ND;ND -> 5,64 FLOAT ND",
     "aten::silu(float32[5,64]) + aten::mul.Tensor(float32[5,64], float32[5,64])"},
    {"Transpose", "64,7;2 DT_BF16;INT64 NCHW;ND -> 7,64 DT_BF16 ND",
     "aten::clone(bfloat16[7,64], memory_format=0) {1,7}"},
    {"Transpose", "2,3,4,5;4 FLOAT;INT64 ND;ND -> 2,4,3,5 FLOAT ND",
     "aten::clone(float32[2,4,3,5], memory_format=0) {60,5,20,1}"},
    {"Transpose", "3,3;2 FLOAT;INT64 ND;ND -> 3,3 FLOAT ND",
     "aten::clone(float32[3,3], memory_format=0) {1,3}"},
    {"GatherV2", "100,64;7;1 FLOAT;INT64;INT64 ND;ND;ND -> 7,64 FLOAT ND",
     "aten::index_select(float32[100,64], 0, int64[7])"},
    {"GatherV2", "100,64;2,7;1 FLOAT;INT32;INT64 ND;ND;ND -> 100,2,7 FLOAT ND",
     "aten::index_select(float32[100,64], 1, int32[14])"},
    {"Index", "2048,64;2;2;17 DT_BF16;INT64;INT64;INT64 ND;ND;ND;ND -> 17,64 DT_BF16 ND",
     "aten::index.Tensor(bfloat16[2048,64], [int64[17]])"},
    {"Slice", "64,128;2;2 FLOAT;INT64;INT64 ND;ND;ND -> 64,32 FLOAT ND",
     "aten::clone(float32[64,32], memory_format=0) {128,1}+0 of 8192"},
    {"Sort", "5,64 FLOAT ND -> 5,64;5,64 FLOAT;INT32 ND;ND",
     "aten::sort(float32[5,64], -1, False)"},
    {"ArgMaxV2", "5,64;1 FLOAT;INT32 ND;ND -> 5 INT32 ND",
     "aten::argmax(float32[5,64], 1, False)"},
    {"ArgMaxV2", "5,64;1 FLOAT;INT32 ND;ND -> 1,64 INT32 ND",
     "aten::argmax(float32[5,64], 0, True)"},
    {"MaskedFill", "5,64;5,64; FLOAT;BOOL;FLOAT ND;ND;ND -> 5,64 FLOAT ND",
     "aten::masked_fill.Scalar(float32[5,64], bool[5,64], 0)"},
    {"PadV3", "5,60;4;1 FLOAT;INT64;FLOAT ND;ND;ND -> 8,64 FLOAT ND",
     "aten::constant_pad_nd(float32[5,60], [0, 4, 0, 3], 0)"},
    {"ScatterNdUpdate", "100,64;7,1;7,64 FLOAT;INT64;FLOAT ND;ND;ND -> 100,64 FLOAT ND",
     "aten::index_put_(float32[100,64], [int64[7]], float32[7,64], False)"},
    {"ScatterNdUpdate", "10,20,64;7,2;7,64 FLOAT;INT64;FLOAT ND;ND;ND -> 10,20,64 FLOAT ND",
     "aten::index_put_(float32[10,20,64], [int64[7], int64[7]], float32[7,64], False)"},
    {"DynamicQuant", "5,64 DT_BF16 ND -> 5,64;5 INT8;FLOAT ND;ND",
     "needs-namespace: npu::npu_dynamic_quant is of torch_npu, which is not there; install it, and register where its operators are with --import npu=torch_npu"},
    {"FusedInferAttentionScore", "2,8,16,64;2,8,32,64;2,8,32,64 FLOAT16;FLOAT16;FLOAT16 ND;ND;ND -> 2,8,16,64;1 FLOAT16;FLOAT ND;ND",
     "aten::scaled_dot_product_attention(float16[2,8,16,64], float16[2,8,32,64], float16[2,8,32,64], None, 0, False, scale=None, enable_gqa=False)"},
    {"FusedInferAttentionScore", "2,8,16,64;2,2,32,64;2,2,32,64 FLOAT16;FLOAT16;FLOAT16 ND;ND;ND -> 2,8,16,64 FLOAT16 ND",
     "aten::scaled_dot_product_attention(float16[2,8,16,64], float16[2,2,32,64], float16[2,2,32,64], None, 0, False, scale=None, enable_gqa=True)"},
    {"FusedInferAttentionScore", "128,4,128;12307,128,128;;128;() DT_BF16;DT_BF16;DT_UNDEFINED;INT64;DT_UNDEFINED ND;ND;NULL;ND;NULL -> 128,4,128; DT_BF16;FLOAT ND;ND",
     "values-not-in-row: lengths of sequences, block table and layout decide what attention does, and a row has only their shapes; replay the call from a trace"},
    {"MoeTokenPermute", "16,64;16,2 DT_BF16;INT64 ND;ND -> 32,64;32 DT_BF16;INT32 ND;ND",
     "aten::argsort(int64[32], -1, False) + aten::index_select(bfloat16[16,64], 0, int64[32])"},
    {"MoeTokenUnpermute", "32,64;32;16,2 DT_BF16;INT32;DT_BF16 ND;ND;ND -> 16,64 DT_BF16 ND",
     "aten::index_select(bfloat16[32,64], 0, int32[32]) + aten::mul.Tensor(bfloat16[16,2,64], bfloat16[16,2,1]) + aten::sum.dim_IntList(bfloat16[16,2,64], [1], False, dtype=None)"},
    {"MoeTokenUnpermute", "32,64;32 DT_BF16;INT32 ND;ND -> 32,64 DT_BF16 ND",
     "aten::index_select(bfloat16[32,64], 0, int32[32])"},
    {"MoeGatingTopKSoftmax", "16,64 FLOAT ND -> 16,8;16,8;16,8 FLOAT;INT32;INT32 ND;ND;ND",
     "aten::_softmax(float32[16,64], -1, False) + aten::topk(float32[16,64], 8, -1, True, True)"},
    {"MoeGatingTopK", "16,64;64 FLOAT;FLOAT ND;ND -> 16,8;16,8;16,64 FLOAT;INT32;FLOAT ND;ND;ND",
     "aten::sigmoid(float32[16,64]) + aten::topk(float32[16,64], 8, -1, True, True)"},
    {"DispatchFFNCombine", "64,7168;16,7168,4096 DT_BF16;INT8 ND;FRACTAL_NZ -> 64,7168 DT_BF16 ND 16",
     "needs-16-ranks: it exchanges tokens between the processes of EP Size, and a row runs in one"},
}, other_rows[] = {
    {"TransposeBatchMatMul", "16,3,8;3,8,4 FLOAT16;FLOAT16 ND;ND -> 16,3,4 FLOAT16 ND",
     "npu::npu_transpose_batchmatmul(float16[16,3,8], float16[3,8,4], bias=None, scale=None, perm_x1=[1, 0, 2], perm_x2=[0, 1, 2], perm_y=[1, 0, 2], batch_split_factor=1)"},
    {"SwiGlu", "5,64 FLOAT ND -> 5,32 FLOAT ND",
     "npu::npu_swiglu(float32[5,64], -1)"},
    {"QuantBatchMatmulV3", "16,32;64,32;64 INT8;INT8;FLOAT ND;ND;ND -> 16,64 DT_BF16 ND",
     "npu::npu_quant_matmul(int8[16,32], int8[32,64], float32[64], offset=None, pertoken_scale=None, bias=None, output_dtype=bfloat16) {1,32}"},
    {"DynamicQuant", "5,64 DT_BF16 ND -> 5,64;5 INT8;FLOAT ND;ND",
     "npu::npu_dynamic_quant(bfloat16[5,64], smooth_scales=None, group_index=None, dst_type=int8)"},
    {"FusedInferAttentionScore", "128,8,64;256,2,64;256,2,64 FLOAT16;FLOAT16;FLOAT16 ND;ND;ND -> 128,8,64 FLOAT16 ND",
     "npu::npu_fused_infer_attention_score(float16[128,8,64], float16[256,2,64], float16[256,2,64], atten_mask=None, num_heads=8, scale=1, input_layout='TND', num_key_value_heads=2)"},
    {"MoeTokenPermute", "16,64;16,2 DT_BF16;INT64 ND;ND -> 32,64;32 DT_BF16;INT32 ND;ND",
     "npu::npu_moe_token_permute(bfloat16[16,64], int64[16,2], 32, False)"},
    {"MoeTokenUnpermute", "32,64;32;16,2 DT_BF16;INT32;DT_BF16 ND;ND;ND -> 16,64 DT_BF16 ND",
     "npu::npu_moe_token_unpermute(bfloat16[32,64], int32[32], bfloat16[16,2], False, None)"},
    {"MoeGatingTopKSoftmax", "16,64 FLOAT ND -> 16,8;16,8;16,8 FLOAT;INT32;INT32 ND;ND;ND",
     "npu::npu_moe_gating_top_k_softmax(float32[16,64], None, 8)"},
    {"MoeGatingTopK", "16,64;64 FLOAT;FLOAT ND;ND -> 16,8;16,8;16,64 FLOAT;INT32;FLOAT ND;ND;ND",
     "npu::npu_moe_gating_top_k(float32[16,64], 8, bias=float32[64], k_group=1, group_count=1, group_select_mode=0, renorm=0, norm_type=0, out_flag=False, routed_scaling_factor=1, eps=1e-20)"},
}, vllm_rows[] = {
    {"SwiGlu", "5,64 FLOAT ND -> 5,32 FLOAT ND",
     "_C::silu_and_mul(float32[5,32], float32[5,64])"},
    {"DynamicQuant", "5,64 DT_BF16 ND -> 5,64;5 INT8;FLOAT ND;ND",
     "_C::dynamic_scaled_int8_quant(int8[5,64], bfloat16[5,64], float32[5,1], None)"},
    {"MoeGatingTopKSoftmax", "16,64 FLOAT ND -> 16,8;16,8;16,8 FLOAT;INT32;INT32 ND;ND;ND",
     "_moe_C::topk_softmax(float32[16,8], int32[16,8], int32[16,8], float32[16,64])"},
}, odd_rows[] = {
    {"NoSuchOperator", "5,64 FLOAT ND -> 5,32 FLOAT ND",
     "unknown-operator: no row map says which call NoSuchOperator stands for; give one with --map FILE"},
    {"Cast", "5,64 DT_STRANGE ND -> 5,64 FLOAT ND",
     "unknown-type: input 0 is of type DT_STRANGE, which no row map knows; add it with a line \"types DT_STRANGE = …\""},
    {"Cast", "5,64 FLOAT STRANGE -> 5,64 FLOAT ND",
     "unknown-format: input 0 is in the format STRANGE, which no row map knows; add it with a line \"formats STRANGE = …\""},
    {"Cast", "5,x FLOAT ND -> 5,64 FLOAT ND",
     "bad-shape: input 0 has the shape \"5,x\""},
    {"MatMulV2", "5,6;7,8 FLOAT;FLOAT ND;ND -> 5,8 FLOAT ND",
     "shapes-do-not-fit: of shipped.rows:* nothing fits; at the last, the shape of in1 does not fit"},
    {"Slice", "64,128;2;2 FLOAT;INT64;INT64 ND;ND;ND -> 65,32 FLOAT ND",
     "shapes-do-not-fit: of shipped.rows:* nothing fits; at the last, the output does not lie inside of the input"},
    {"PadV3", "5,60;4;1 FLOAT;INT64;FLOAT ND;ND;ND -> 8 FLOAT ND",
     "shapes-do-not-fit: of shipped.rows:* nothing fits; at the last, the output has not as many dimensions as the input"},
};

#define CHECK_ALL(ctx, maker, rows)                                                                                  \
    for (size_t i_ = 0; i_ < sizeof(rows) / sizeof *(rows); i_++) {                                                  \
        const char *words_ = row_words(ctx, maker, (rows)[i_].op, (rows)[i_].row);                                   \
        if (!evr_glob(evr_str_c((rows)[i_].words), evr_str_c(words_)))                                                                  \
            print_error("%s %s\n  is  \"%s\",\n  not \"%s\"\n", (rows)[i_].op, (rows)[i_].row, words_, (rows)[i_].words), wrong++; \
    }

typedef struct shipped {
    test_memory memory;
    evr_context *ctx;
    evr_row_map *map;
    evr_row_maker maker;
} shipped;

static void open_shipped(shipped *s, const char *namespaces)
{
    static const char *const vllm[] = {"_C", "_moe_C"};
    s->ctx = test_context(&s->memory);
    if (strstr(namespaces, "npu"))
        have_namespace(s->ctx, "npu");
    for (size_t i = 0; i < 2 && !strstr(namespaces, "vllm"); i++)
        lose_namespace(s->ctx, vllm[i]);
    assert_ok(evr_row_map_new(s->ctx, &s->map, err));
    assert_ok(evr_row_maker_open(&s->maker, s->ctx, s->map, NULL, NULL, err));
}

static void close_shipped(shipped *s)
{
    evr_row_maker_close(&s->maker);
    evr_row_map_free(s->map);
    test_context_done(s->ctx, &s->memory);
}

static void test_shipped__torch_alone(void **state)
{
    (void)state;
    shipped s = {0};
    int wrong = 0;
    open_shipped(&s, "");
    CHECK_ALL(s.ctx, &s.maker, torch_rows);
    assert_int_equal(wrong, 0);
    close_shipped(&s);
}

static void test_shipped__with_torch_npu(void **state)
{
    (void)state;
    shipped s = {0};
    int wrong = 0;
    open_shipped(&s, "npu");
    CHECK_ALL(s.ctx, &s.maker, other_rows);
    assert_int_equal(wrong, 0);
    close_shipped(&s);
}

static void test_shipped__with_vllm(void **state)
{
    (void)state;
    shipped s = {0};
    int wrong = 0;
    open_shipped(&s, "vllm");
    CHECK_ALL(s.ctx, &s.maker, vllm_rows);
    assert_int_equal(wrong, 0);
    close_shipped(&s);
}

static void test_shipped__reasons(void **state)
{
    (void)state;
    shipped s = {0};
    int wrong = 0;
    open_shipped(&s, "");
    CHECK_ALL(s.ctx, &s.maker, odd_rows);
    assert_int_equal(wrong, 0);
    close_shipped(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped__torch_alone),
        cmocka_unit_test(test_shipped__with_torch_npu),
        cmocka_unit_test(test_shipped__with_vllm),
        cmocka_unit_test(test_shipped__reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
