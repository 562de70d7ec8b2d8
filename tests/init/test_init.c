/* What tensors are filled with: the generator, every element type, the rules. */
#include "support/support.h"

#include "init/philox.h"
#include "init/rules.h"

#include <math.h>

/* Known answers of the reference implementation (Random123). */
static void test_philox__known_answers(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, stream, counter;
        uint32_t words[4];
    } cases[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822u, 0x0370734413198a2eu, 0x85a308d3243f6a88u, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < 3; i++) {
        uint32_t words[4];
        evr_philox(cases[i].seed, cases[i].stream, cases[i].counter, words);
        assert_memory_equal(words, cases[i].words, sizeof words);
    }
}

static evr_tensor tensor_of(int32_t dtype, const int64_t *shape, int64_t *strides, uint32_t rank)
{
    evr_contiguous_strides(shape, rank, strides);
    return (evr_tensor){.struct_size = sizeof(evr_tensor), .dtype = dtype, .rank = rank, .shape = shape, .strides = strides,
                        .dtype_text = {"", 0}, .device = {"", 0}, .init = {"", 0}};
}

static void test_fill__prefix_and_period(void **state)
{
    (void)state;
    const evr_fill normal = {EVR_FILL_NORMAL, 0, 0, ""};
    int64_t strides[1], n = 2 * (int64_t)EVR_FILL_PERIOD + 77;
    const int64_t shape[] = {n};
    evr_tensor t = tensor_of(EVR_DTYPE_FLOAT32, shape, strides, 1);
    float *large = malloc((size_t)n * 4), small[1000];
    assert_true(evr_fill_storage(&normal, 5, 6, &t, large, (size_t)n * 4));
    assert_true(evr_fill_storage(&normal, 5, 6, &t, small, sizeof small));
    assert_memory_equal(small, large, sizeof small);
    assert_memory_equal(large, large + EVR_FILL_PERIOD, 4 * (size_t)EVR_FILL_PERIOD);
    assert_memory_equal(large, large + 2 * EVR_FILL_PERIOD, 4 * 77);
    double sum = 0, squares = 0;
    for (int i = 0; i < EVR_FILL_PERIOD; i++) {
        sum += large[i];
        squares += (double)large[i] * large[i];
    }
    assert_true(fabs(sum / EVR_FILL_PERIOD) < 0.005 && fabs(squares / EVR_FILL_PERIOD - 1) < 0.01);
    assert_true(evr_fill_storage(&normal, 5, 7, &t, small, sizeof small));
    assert_memory_not_equal(small, large, sizeof small); /* another stream */
    free(large);
}

/* Value of a small float by its bits. */
static double decode(uint32_t bits, int e, int m, int bias)
{
    uint32_t mantissa = bits & ((1u << m) - 1), exponent = bits >> m & ((1u << e) - 1);
    double value = exponent ? ldexp(1 + ldexp(mantissa, -m), (int)exponent - bias) : ldexp(mantissa, 1 - bias - m);
    return bits >> (e + m) & 1 ? -value : value;
}

static const struct {
    int32_t dtype;
    int e, m, bias;
} narrow_types[] = {
    {EVR_DTYPE_FLOAT16, 5, 10, 15}, {EVR_DTYPE_BFLOAT16, 8, 7, 127}, {EVR_DTYPE_FLOAT8_E4M3FN, 4, 3, 7},
    {EVR_DTYPE_FLOAT8_E5M2, 5, 2, 15}, {EVR_DTYPE_FLOAT8_E4M3FNUZ, 4, 3, 8}, {EVR_DTYPE_FLOAT8_E5M2FNUZ, 5, 2, 16},
};

static void test_fill__narrow_floats_are_the_nearest(void **state)
{
    (void)state;
    enum { N = 5000 };
    int64_t strides[1];
    const int64_t shape[] = {N};
    float exact[N];
    const evr_fill normal = {EVR_FILL_NORMAL, 0, 0, ""};
    evr_tensor t = tensor_of(EVR_DTYPE_FLOAT32, shape, strides, 1);
    assert_true(evr_fill_storage(&normal, 1, 2, &t, exact, sizeof exact));
    for (size_t k = 0; k < sizeof narrow_types / sizeof *narrow_types; k++) {
        unsigned char bytes[N * 2];
        size_t item = evr_dtype_size(narrow_types[k].dtype);
        t.dtype = narrow_types[k].dtype;
        assert_true(evr_fill_storage(&normal, 1, 2, &t, bytes, N * item));
        for (int i = 0; i < N; i++) {
            uint32_t bits = 0;
            memcpy(&bits, bytes + (size_t)i * item, item);
            double got = decode(bits, narrow_types[k].e, narrow_types[k].m, narrow_types[k].bias);
            double step = ldexp(1, (exact[i] == 0 ? 0 : ilogb(exact[i])) - narrow_types[k].m);
            double least = ldexp(1, 1 - narrow_types[k].bias - narrow_types[k].m);
            if (fabs(got - exact[i]) > 0.5 * fmax(step, least))
                fail_msg("%s: %g became %g", evr_dtype_name(t.dtype), exact[i], got);
        }
    }
}

static void test_fill__whole_numbers_and_masks(void **state)
{
    (void)state;
    static const int32_t types[] = {EVR_DTYPE_INT64, EVR_DTYPE_INT32, EVR_DTYPE_UINT8, EVR_DTYPE_INT8, EVR_DTYPE_INT16, EVR_DTYPE_UINT16};
    int64_t strides[1];
    const int64_t shape[] = {4000};
    const evr_fill fill = {EVR_FILL_INTEGERS, 3, 10, ""};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        unsigned char bytes[32000];
        int seen[16] = {0};
        evr_tensor t = tensor_of(types[k], shape, strides, 1);
        size_t item = evr_dtype_size(types[k]);
        assert_true(evr_fill_storage(&fill, 1, 1, &t, bytes, 4000 * item));
        for (int i = 0; i < 4000; i++) {
            uint64_t v = 0;
            memcpy(&v, bytes + (size_t)i * item, item);
            assert_in_range(v, 3, 9);
            seen[v]++;
        }
        for (int v = 3; v < 10; v++)
            assert_true(seen[v] > 400);
    }
    unsigned char mask[4000];
    evr_tensor t = tensor_of(EVR_DTYPE_BOOL, shape, strides, 1);
    assert_true(evr_fill_storage(&(evr_fill){EVR_FILL_BOOLEANS, 0.5, 0, ""}, 1, 1, &t, mask, sizeof mask));
    int set = 0;
    for (int i = 0; i < 4000; i++) {
        assert_true(mask[i] <= 1);
        set += mask[i];
    }
    assert_in_range(set, 1800, 2200);
    t.dtype = EVR_DTYPE_QINT8;
    assert_false(evr_fill_storage(&fill, 1, 1, &t, mask, sizeof mask));
}

static void test_fill__ordered_contents(void **state)
{
    (void)state;
    int64_t strides[2], data[64];
    const int64_t five[] = {5}, square[] = {4, 4};
    evr_tensor t = tensor_of(EVR_DTYPE_INT64, five, strides, 1);
    assert_true(evr_fill_storage(&(evr_fill){EVR_FILL_OFFSETS, 0, 10, ""}, 0, 0, &t, data, 40));
    assert_memory_equal(data, ((int64_t[]){0, 2, 5, 7, 10}), 40);
    assert_true(evr_fill_storage(&(evr_fill){EVR_FILL_SPREAD, 0, 12, ""}, 0, 0, &t, data, 40));
    assert_int_equal(data[0] + data[1] + data[2] + data[3] + data[4], 12);
    strides[0] = 3; /* every third */
    assert_true(evr_fill_storage(&(evr_fill){EVR_FILL_STEPS, 7, 2, ""}, 0, 0, &t, data, 13 * 8));
    assert_true(data[0] == 7 && data[3] == 9 && data[12] == 15 && data[1] == 0);
    const int64_t wide[] = {1 << 20, 1 << 20}, ones[] = {1, 1}; /* 2^40 views of 2^21 elements: refused, not begun */
    evr_tensor overlapping = {.struct_size = sizeof t, .dtype = EVR_DTYPE_INT64, .rank = 2, .shape = wide, .strides = ones};
    assert_false(evr_fill_storage(&(evr_fill){EVR_FILL_STEPS, 0, 1, ""}, 0, 0, &overlapping, data, sizeof data));
    double matrix[16];
    t = tensor_of(EVR_DTYPE_FLOAT64, square, strides, 2);
    assert_true(evr_fill_storage(&(evr_fill){EVR_FILL_DOMINANT, 0, 0, ""}, 3, 0, &t, matrix, sizeof matrix));
    for (int r = 0; r < 4; r++) {
        double off = 0;
        for (int c = 0; c < 4; c++) {
            assert_true(matrix[r * 4 + c] == matrix[c * 4 + r]);
            off += r == c ? 0 : fabs(matrix[r * 4 + c]);
        }
        assert_true(matrix[r * 5] > off);
    }
}

typedef struct made {
    const char *name;
    char kind; /* t float tensor, i whole tensor, b mask, n number, L list of the tensors that follow, - end */
    int64_t sizes[3];
} made;

static evr_ir *make(evr_context *ctx, const char *op, const made *args, size_t n)
{
    evr_ir *ir = NULL;
    assert_ok(evr_ir_new(ctx, &ir, err));
    assert_true(evr_ir_text(ir, evr_str_c(op), &ir->op));
    for (size_t i = 0; i < n; i++) {
        evr_argument *a = evr_ir_add_argument(ir);
        int64_t strides[3];
        uint32_t rank = 0;
        while (rank < 3 && args[i].sizes[rank])
            rank++;
        assert_true(evr_ir_text(ir, evr_str_c(args[i].name), &a->name));
        if (args[i].kind == 'n') {
            a->value = (evr_value){.kind = EVR_VALUE_INT, .u.i = args[i].sizes[0]};
            continue;
        }
        int32_t dtype = args[i].kind == 't' ? EVR_DTYPE_FLOAT32 : args[i].kind == 'b' ? EVR_DTYPE_BOOL : EVR_DTYPE_INT64;
        evr_tensor t = tensor_of(dtype, args[i].sizes, strides, rank);
        a->value = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = evr_ir_add_tensor(ir, &t)};
    }
    return ir;
}

static const struct {
    const char *op;
    made args[4];
    size_t arg; /* the one asked about */
    evr_fill_kind kind;
    double low, high;
} rules[] = {
    {"aten::embedding", {{"weight", 't', {50, 8}}, {"indices", 'i', {4}}}, 1, EVR_FILL_INTEGERS, 0, 50},
    {"aten::gather", {{"self", 't', {5, 7}}, {"dim", 'n', {-1}}, {"index", 'i', {5, 2}}}, 2, EVR_FILL_INTEGERS, 0, 7},
    {"aten::index_select", {{"self", 't', {5, 7}}, {"dim", 'n', {0}}, {"index", 'i', {2}}}, 2, EVR_FILL_INTEGERS, 0, 5},
    {"aten::take", {{"self", 't', {5, 7}}, {"index", 'i', {2}}}, 1, EVR_FILL_INTEGERS, 0, 35},
    {"aten::nll_loss_forward", {{"self", 't', {8, 10}}, {"target", 'i', {8}}}, 1, EVR_FILL_INTEGERS, 0, 10},
    {"aten::nll_loss", {{"self", 't', {10}}, {"target", 'i', {1}}}, 1, EVR_FILL_INTEGERS, 0, 10},
    {"aten::embedding_bag", {{"weight", 't', {9, 2}}, {"indices", 'i', {20}}, {"offsets", 'i', {4}}}, 2, EVR_FILL_OFFSETS, 0, 20},
    {"aten::repeat_interleave", {{"repeats", 'i', {4}}, {"output_size", 'n', {12}}}, 0, EVR_FILL_SPREAD, 0, 12},
    {"aten::repeat_interleave", {{"repeats", 'i', {4}}}, 0, EVR_FILL_CONSTANT, 1, 0},
    {"aten::div", {{"self", 't', {4}}, {"other", 'i', {4}}}, 1, EVR_FILL_INTEGERS, 1, 8},
    {"aten::cholesky", {{"self", 't', {4, 4}}}, 0, EVR_FILL_DOMINANT, 0, 0},
    {"aten::rsqrt", {{"self", 't', {4}}}, 0, EVR_FILL_UNIFORM, 0.5, 1.5},
    {"aten::batch_norm", {{"input", 't', {4}}, {"running_var", 't', {4}}}, 1, EVR_FILL_UNIFORM, 0.5, 1.5},
    {"aten::multinomial", {{"self", 't', {4}}}, 0, EVR_FILL_UNIFORM, 0.05, 0.95},
    {"aten::searchsorted", {{"sorted_sequence", 't', {4}}}, 0, EVR_FILL_STEPS, 0, 1},
    {"aten::masked_fill", {{"self", 't', {4}}, {"mask", 'b', {4}}}, 1, EVR_FILL_BOOLEANS, 0.5, 0},
    {"aten::add", {{"self", 'i', {4}}}, 0, EVR_FILL_CONSTANT, 0, 0},
    {"aten::add", {{"self", 't', {4}}}, 0, EVR_FILL_NORMAL, 0, 0},
};

static void test_rules__by_role(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        size_t n = 0;
        while (n < 4 && rules[i].args[n].name)
            n++;
        evr_ir *ir = make(ctx, rules[i].op, rules[i].args, n);
        evr_fill fill = evr_rule_for(ir, rules[i].arg, 0, evr_ir_argument(ir, rules[i].arg)->value.u.tensor);
        if (fill.kind != rules[i].kind || fill.low != rules[i].low || fill.high != rules[i].high || !fill.rule)
            fail_msg("%s: kind %d, %g to %g (%s)", rules[i].op, fill.kind, fill.low, fill.high, fill.rule);
        evr_ir_free(ir);
    }
    test_context_done(ctx, &m);
}

/* index(self, [None, mask of two dimensions, indices]): the indices speak of dimension 3. */
static void test_rules__index_lists(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir *ir = make(ctx, "aten::index", (made[]){{"self", 't', {2, 3, 4}}}, 1);
    int64_t strides[2];
    const int64_t shape[] = {2, 3}, one[] = {6};
    evr_tensor mask = tensor_of(EVR_DTYPE_BOOL, shape, strides, 2);
    evr_tensor *kept_mask = evr_ir_add_tensor(ir, &mask);
    evr_tensor index = tensor_of(EVR_DTYPE_INT64, one, strides, 1);
    evr_value *items = evr_ir_add_items(ir, 2);
    items[0] = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = kept_mask};
    items[1] = (evr_value){.kind = EVR_VALUE_TENSOR, .u.tensor = evr_ir_add_tensor(ir, &index)};
    evr_argument *a = evr_ir_add_argument(ir);
    a->name = evr_str_c("indices");
    a->value = (evr_value){.kind = EVR_VALUE_LIST, .u.list = {items, 2}};
    assert_true(evr_rule_for(ir, 1, 1, items[1].u.tensor).high == 4);
    assert_int_equal(evr_rule_for(ir, 1, 0, items[0].u.tensor).kind, EVR_FILL_BOOLEANS);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox__known_answers),
        cmocka_unit_test(test_fill__prefix_and_period),
        cmocka_unit_test(test_fill__narrow_floats_are_the_nearest),
        cmocka_unit_test(test_fill__whole_numbers_and_masks),
        cmocka_unit_test(test_fill__ordered_contents),
        cmocka_unit_test(test_rules__by_role),
        cmocka_unit_test(test_rules__index_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
