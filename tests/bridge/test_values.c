/* Every kind of value into every type that takes it, and back. TorchScript's own operators do little but hand values
 * through, which suits. */
#include "bridge/bridge_fixture.h"

#include <math.h>

static evr_value one(const char *name, const char *overload, const evr_value *args, size_t count, evr_bridge_call **call)
{
    *call = ran(name, overload, args, count);
    assert_int_equal(fn->call_result_count(fn->self, *call), 1);
    return result_of(*call, 0);
}

static void test_values__numbers(void **state)
{
    (void)state;
    evr_bridge_call *call;
    evr_value v = one("aten::Int", "Scalar", ARGS(v_int(INT64_MIN)), &call);
    assert_true(v.kind == EVR_VALUE_INT && v.u.i == INT64_MIN);
    call_done(call);
    v = one("aten::Float", "Scalar", ARGS(v_float(-0.1)), &call);
    assert_true(v.kind == EVR_VALUE_FLOAT && v.u.f == -0.1);
    call_done(call);
    v = one("aten::neg", "float", ARGS(v_int(3)), &call); /* an int for a float */
    assert_true(v.kind == EVR_VALUE_FLOAT && v.u.f == -3);
    call_done(call);
    v = one("aten::Bool", "int", ARGS(v_int(7)), &call);
    assert_true(v.kind == EVR_VALUE_BOOL && v.u.i == 1);
    call_done(call);
    v = one("aten::__not__", "", ARGS(v_bool(1)), &call);
    assert_true(v.kind == EVR_VALUE_BOOL && v.u.i == 0);
    call_done(call);
    v = one("aten::neg", "complex", ARGS(v_complex(1.5, -2)), &call);
    assert_true(v.kind == EVR_VALUE_COMPLEX && v.u.c.re == -1.5 && v.u.c.im == 2);
    call_done(call);
}

/* `Scalar` keeps what it is given: neg of a bool, an int, a float and a complex number are four different things. */
static void test_values__scalars_keep_their_kind(void **state)
{
    (void)state;
    const struct {
        evr_value value;
        int32_t dtype;
    } cases[] = {{v_int(3), EVR_DTYPE_INT64},
                 {v_bool(1), EVR_DTYPE_BOOL},
                 {v_float(3), EVR_DTYPE_FLOAT32},
                 {v_complex(1, 2), EVR_DTYPE_COMPLEX64}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        evr_bridge_call *call =
            ran("aten::full", "", ARGS(V_LIST(v_int(2)), cases[i].value, V_MISSING, V_MISSING, V_MISSING, V_MISSING));
        assert_int_equal(info_of(tensor_result(call)).dtype, cases[i].dtype);
        call_done(call);
    }
}

static void test_values__texts(void **state)
{
    (void)state;
    evr_bridge_call *call;
    const evr_value cut = {EVR_VALUE_STR, 0, {.s = {"abcdef", 3}}};
    evr_value v = one("aten::upper", "", ARGS(cut), &call);
    assert_int_equal(v.kind, EVR_VALUE_STR);
    assert_str(v.u.s, "ABC");
    assert_int_equal(v.u.s.data[3], 0);
    call_done(call);
    v = one("aten::upper", "", ARGS(((evr_value){.kind = EVR_VALUE_STR})), &call);
    assert_str(v.u.s, "");
    call_done(call);
}

static void test_values__enumerators(void **state)
{
    (void)state;
    evr_bridge_call *call;
    evr_value v =
        one("aten::promote_types", "", ARGS(v_of(EVR_VALUE_DTYPE, EVR_DTYPE_BFLOAT16), v_int(EVR_DTYPE_FLOAT16)), &call);
    assert_true(v.kind == EVR_VALUE_DTYPE && v.u.i == EVR_DTYPE_FLOAT32);
    call_done(call);
    call = ran("aten::empty", "memory_format",
               ARGS(V_LIST(v_int(2), v_int(3), v_int(4), v_int(5)), v_of(EVR_VALUE_DTYPE, EVR_DTYPE_INT16),
                    v_of(EVR_VALUE_LAYOUT, 0), v_device("cpu"), v_bool(0), v_of(EVR_VALUE_MEMORY_FORMAT, 2)));
    evr_tensor_info info = info_of(tensor_result(call));
    assert_int_equal(info.dtype, EVR_DTYPE_INT16);
    assert_int_equal(info.strides[1], 1); /* channels last */
    call_done(call);
    v = one("aten::device", "", ARGS(v_str("cuda:3")), &call);
    assert_int_equal(v.kind, EVR_VALUE_DEVICE);
    assert_str(v.u.s, "cuda:3");
    call_done(call);
}

static void assert_list_returns(const evr_value *items, size_t count)
{
    evr_bridge_call *call;
    evr_value v = one("aten::list", "t", ARGS(v_list(items, count)), &call);
    assert_int_equal(v.kind, EVR_VALUE_LIST);
    assert_int_equal(v.u.list.len, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(v.u.list.items[i].kind, items[i].kind);
        if (items[i].kind == EVR_VALUE_STR)
            assert_true(v.u.list.items[i].u.s.len == items[i].u.s.len);
        else if (items[i].kind == EVR_VALUE_COMPLEX)
            assert_memory_equal(&v.u.list.items[i].u.c, &items[i].u.c, sizeof items[i].u.c);
        else if (items[i].kind == EVR_VALUE_LIST)
            assert_int_equal(v.u.list.items[i].u.list.len, items[i].u.list.len);
        else if (items[i].kind == EVR_VALUE_HANDLE)
            assert_ptr_equal(info_of(v.u.list.items[i].u.handle).host_storage, info_of(items[i].u.handle).host_storage);
        else
            assert_int_equal(v.u.list.items[i].u.i, items[i].u.i);
    }
    call_done(call);
}

static void test_values__lists_of_anything(void **state)
{
    (void)state;
    evr_bridge_tensor *tensor = tensor_of(EVR_DTYPE_INT8, 1, DIMS(2), NULL);
    assert_list_returns(NULL, 0);
    assert_list_returns(ARGS(v_int(1), v_int(-2)));
    assert_list_returns(ARGS(v_float(1), v_float(0.5)));
    assert_list_returns(ARGS(v_bool(1), v_bool(0)));
    assert_list_returns(ARGS(v_complex(1, 2)));
    assert_list_returns(ARGS(v_str("a"), v_str("bcd")));
    assert_list_returns(ARGS(v_tensor(tensor), v_tensor(tensor)));
    assert_list_returns(ARGS(V_LIST(v_int(1)), V_LIST(v_int(2), v_int(3))));
    assert_list_returns(ARGS(v_int(1), v_str("mixed"), V_NONE));
    tensor_done(tensor);
}

static void test_values__one_number_for_a_list(void **state)
{
    (void)state;
    evr_bridge_tensor *image = floats_of(4, DIMS(1, 1, 2, 2), (float[]){1, 2, 3, 4});
    evr_bridge_call *call =
        ran("aten::max_pool2d", "", ARGS(v_tensor(image), v_int(2), V_MISSING, v_int(1), v_int(1), v_bool(0)));
    evr_tensor_info info = info_of(tensor_result(call));
    assert_int_equal(info.shape[2] * 10 + info.shape[3], 22); /* kernel, padding: the same in both directions */
    call_done(call);
    call = ran("aten::sum", "dim_IntList", ARGS(v_tensor(image), v_int(3), V_MISSING, V_MISSING));
    assert_int_equal(info_of(tensor_result(call)).rank, 3);
    call_done(call);
    assert_no_call("aten::view", "", "argument `size`",
                   ARGS(v_tensor(image), v_int(4))); /* of no fixed length: nothing to repeat it for */
    tensor_done(image);
}

static void test_values__optional(void **state)
{
    (void)state;
    evr_bridge_tensor *tensor = floats_of(1, DIMS(3), (float[]){-1, 5, 9});
    evr_bridge_call *call = ran("aten::clamp", "", ARGS(v_tensor(tensor), v_int(0), V_NONE));
    assert_true(float_at(tensor_result(call), 0) == 0 && float_at(tensor_result(call), 2) == 9);
    call_done(call);
    call = ran("aten::clamp", "Tensor", ARGS(v_tensor(tensor), V_NONE, v_tensor(tensor)));
    assert_true(float_at(tensor_result(call), 2) == 9);
    call_done(call);
    tensor_done(tensor);
}

static void test_values__tensor_lists_with_none(void **state)
{
    (void)state;
    evr_bridge_tensor *table = floats_of(2, DIMS(2, 3), (float[]){0, 1, 2, 3, 4, 5});
    evr_bridge_tensor *index = tensor_of(EVR_DTYPE_INT64, 1, DIMS(2), NULL);
    assert_ok(fn->tensor_write(fn->self, index, 0, DIMS(2, 0), 16, err));
    evr_bridge_call *call = ran("aten::index", "Tensor", ARGS(v_tensor(table), V_LIST(V_NONE, v_tensor(index))));
    static const float want[] = {2, 0, 5, 3};
    for (size_t i = 0; i < 4; i++) {
        evr_tensor_info info = info_of(tensor_result(call));
        size_t place = (size_t)((int64_t)(i / 2) * info.strides[0] + (int64_t)(i % 2) * info.strides[1]);
        assert_true(float_at(tensor_result(call), place) == want[i]);
    }
    call_done(call);
    call = ran("aten::cat", "", ARGS(V_LIST(v_tensor(table), v_tensor(table)), v_int(1)));
    assert_int_equal(info_of(tensor_result(call)).shape[1], 6);
    call_done(call);
    tensor_done(index);
    tensor_done(table);
}

/* bool[3]: which gradients are wanted. NONE in a plain tensor's place is the undefined tensor that such operators also
 * return. */
static void test_values__bool_list_and_undefined(void **state)
{
    (void)state;
    evr_bridge_tensor *x = floats_of(2, DIMS(2, 2), (float[]){1, 2, 3, 4});
    evr_value args[] = {v_tensor(x), v_tensor(x), V_LIST(v_int(2)), v_tensor(x),
                        v_tensor(x), V_NONE,      V_NONE,           V_LIST(v_bool(1), v_bool(0), v_bool(0))};
    evr_bridge_call *norm =
        ran("aten::native_layer_norm", "", ARGS(v_tensor(x), V_LIST(v_int(2)), V_NONE, V_NONE, v_float(1e-5)));
    args[3] = result_of(norm, 1);
    args[4] = result_of(norm, 2);
    evr_bridge_call *call = ran("aten::native_layer_norm_backward", "", args, COUNT(args));
    assert_int_equal(fn->call_result_count(fn->self, call), 3);
    assert_int_equal(result_of(call, 0).kind, EVR_VALUE_HANDLE);
    assert_int_equal(result_of(call, 1).kind, EVR_VALUE_NONE);
    assert_int_equal(result_of(call, 2).kind, EVR_VALUE_NONE);
    call_done(call);
    call_done(norm);
    call = call_of("aten::add", "Tensor", ARGS(v_tensor(x), V_NONE, V_MISSING));
    assert_int_equal(fn->call_run(fn->self, call, NULL), EVR_E_OP); /* as undefined tensors do in torch */
    call_done(call);
    tensor_done(x);
}

/* A number in a tensor's place must not raise the result's element type. */
static void test_values__number_for_tensor(void **state)
{
    (void)state;
    evr_bridge_tensor *half = tensor_of(EVR_DTYPE_FLOAT16, 1, DIMS(2), NULL),
                      *ints = tensor_of(EVR_DTYPE_INT32, 1, DIMS(2), NULL);
    const struct {
        evr_bridge_tensor *tensor;
        evr_value number;
        int32_t dtype;
    } cases[] = {{half, v_float(2), EVR_DTYPE_FLOAT16},
                 {ints, v_int(2), EVR_DTYPE_INT32},
                 {ints, v_float(2), EVR_DTYPE_FLOAT32},
                 {half, v_bool(1), EVR_DTYPE_FLOAT16}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        evr_bridge_call *call = ran("aten::mul", "Tensor", ARGS(v_tensor(cases[i].tensor), cases[i].number));
        assert_int_equal(info_of(tensor_result(call)).dtype, cases[i].dtype);
        call_done(call);
    }
    tensor_done(half);
    tensor_done(ints);
}

static void test_values__generator(void **state)
{
    (void)state;
    float first[3][4];
    for (int i = 0; i < 3; i++) {
        evr_bridge_call *call = ran(
            "aten::rand", "generator",
            ARGS(V_LIST(v_int(4)), v_of(EVR_VALUE_GENERATOR, i == 2 ? 8 : 7), V_MISSING, V_MISSING, V_MISSING, V_MISSING));
        for (size_t k = 0; k < 4; k++)
            first[i][k] = float_at(tensor_result(call), k);
        assert_ok(fn->call_run(fn->self, call, err)); /* a generator moves on */
        assert_true(float_at(tensor_result(call), 0) != first[i][0]);
        call_done(call);
    }
    assert_memory_equal(first[0], first[1], sizeof first[0]);
    assert_memory_not_equal(first[0], first[2], sizeof first[0]);
}

/* A storage comes as a tensor, whose memory it is. */
static void test_values__storage(void **state)
{
    (void)state;
    evr_bridge_tensor *memory = floats_of(1, DIMS(6), (const float[]){1, 2, 3, 4, 5, 6});
    evr_bridge_tensor *self = tensor_of(EVR_DTYPE_FLOAT32, 1, DIMS(0), NULL);
    evr_bridge_call *call = ran("aten::set_", "source_Storage_storage_offset",
                                ARGS(v_tensor(self), v_tensor(memory), v_int(1), V_LIST(v_int(2), v_int(2)), V_LIST(v_int(3), v_int(1))));
    assert_int_equal(info_of(self).rank, 2);
    const float *numbers = info_of(memory).host_storage;
    assert_ptr_equal(info_of(self).host_storage, numbers); /* the same memory, not a copy */
    call_done(call);
    assert_no_call("aten::set_", "source_Storage", "argument `source` of type Storage cannot be an int", ARGS(v_tensor(self), v_int(3)));
    assert_no_call("aten::record_stream", "", "argument `s` of type Stream cannot be an int", ARGS(v_tensor(self), v_int(3)));
    tensor_done(self);
    tensor_done(memory);
}

/* Named dimensions left torch with 2.13 or before. To the dispatcher they are texts, in this qualified form. */
static void test_values__dimname(void **state)
{
    (void)state;
    evr_bridge_op *op;
    if (fn->op_find(fn->self, evr_str_c("aten::rename"), evr_str_c(""), &op, NULL) != EVR_OK)
        skip();
    evr_bridge_tensor *tensor = tensor_of(EVR_DTYPE_FLOAT32, 2, DIMS(3, 5), NULL);
    evr_bridge_call *named =
        ran("aten::rename", "", ARGS(v_tensor(tensor), V_LIST(v_str("dimname::rows"), v_str("dimname::columns"))));
    evr_bridge_call *call;
    evr_value v = one("aten::size", "Dimname", ARGS(result_of(named, 0), v_str("dimname::columns")), &call);
    assert_true(v.kind == EVR_VALUE_INT && v.u.i == 5);
    call_done(call);
    call_done(named);
    tensor_done(tensor);
}

static void test_values__misfits_name_the_argument(void **state)
{
    (void)state;
    evr_bridge_tensor *x = tensor_of(EVR_DTYPE_FLOAT32, 1, DIMS(2), NULL);
    const evr_value t = v_tensor(x);
    assert_no_call("aten::add", "Tensor", "argument `alpha` of type Scalar cannot be a text", ARGS(t, t, v_str("2")));
    assert_no_call("aten::add", "Tensor", "argument `other` of type Tensor cannot be a list", ARGS(t, V_LIST(t), v_int(1)));
    assert_no_call("aten::add", "Tensor", "has 3 arguments, not 2", ARGS(t, t));
    assert_no_call("aten::add", "Tensor", "argument `other` of type Tensor is missing", ARGS(t, V_MISSING, V_MISSING));
    assert_no_call("aten::add", "Tensor", "argument `other` of type Tensor cannot be a tensor description",
                   ARGS(t, {.kind = EVR_VALUE_TENSOR}, V_MISSING));
    assert_no_call("aten::add", "Tensor", "cannot be a value of an unknown kind", ARGS(t, {.kind = 99}, V_MISSING));
    assert_no_call("aten::unsqueeze", "", "argument `dim` of type int cannot be a float", ARGS(t, v_float(1)));
    assert_no_call("aten::unsqueeze", "", "argument `dim` of type int cannot be None", ARGS(t, V_NONE));
    assert_no_call("aten::sum", "dim_IntList", "argument `keepdim` of type bool cannot be an int",
                   ARGS(t, V_NONE, v_int(2), V_NONE));
    assert_no_call("aten::sum", "dim_IntList", "argument `dtype`", ARGS(t, V_NONE, v_bool(0), v_of(EVR_VALUE_DTYPE, 999)));
    assert_no_call("aten::sum", "dim_IntList", "argument `dim`", ARGS(t, V_LIST(v_int(0), v_float(1)), v_bool(0), V_NONE));
    assert_no_call("aten::permute", "", "has an item 1 that cannot be a text", ARGS(t, V_LIST(v_int(0), v_str("1"))));
    assert_no_call("aten::cat", "", "has an item 0 that cannot be a text", ARGS(V_LIST(v_str("t")), v_int(0)));
    assert_no_call("aten::permute", "", "argument `dims`", ARGS(t, {EVR_VALUE_LIST, 0, {.list = {NULL, 3}}}));
    assert_no_call("aten::to", "device", "`abacus:0`, which names no device",
                   ARGS(t, v_device("abacus:0"), v_of(EVR_VALUE_DTYPE, 6), V_MISSING, V_MISSING, V_MISSING));
    assert_no_call("aten::gelu", "", "argument `approximate` of type str cannot be an int", ARGS(t, v_int(1)));
    assert_no_call("aten::normal_", "", "argument `generator`", ARGS(t, v_float(0), v_float(1), v_int(7)));
    assert_no_call("aten::empty_like", "", "no layout",
                   ARGS(t, V_NONE, v_of(EVR_VALUE_LAYOUT, -1), V_NONE, V_NONE, V_NONE));
    assert_no_call("aten::empty_like", "", "no memory format",
                   ARGS(t, V_NONE, V_NONE, V_NONE, V_NONE, v_of(EVR_VALUE_MEMORY_FORMAT, 40)));
    tensor_done(x);
}

/* A value from a stranger may nest without end. */
static void test_values__deep_lists(void **state)
{
    (void)state;
    evr_value chain[200];
    chain[0] = v_int(1);
    for (size_t i = 1; i < COUNT(chain); i++)
        chain[i] = v_list(&chain[i - 1], 1);
    assert_no_call("aten::list", "t", "argument `l`", ARGS(chain[199]));
    assert_list_returns(&chain[9], 1);
}

int main(void)
{
    open_bridge_or_skip();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values__numbers),
        cmocka_unit_test(test_values__scalars_keep_their_kind),
        cmocka_unit_test(test_values__texts),
        cmocka_unit_test(test_values__enumerators),
        cmocka_unit_test(test_values__lists_of_anything),
        cmocka_unit_test(test_values__one_number_for_a_list),
        cmocka_unit_test(test_values__optional),
        cmocka_unit_test(test_values__tensor_lists_with_none),
        cmocka_unit_test(test_values__bool_list_and_undefined),
        cmocka_unit_test(test_values__number_for_tensor),
        cmocka_unit_test(test_values__generator),
        cmocka_unit_test(test_values__storage),
        cmocka_unit_test(test_values__dimname),
        cmocka_unit_test(test_values__misfits_name_the_argument),
        cmocka_unit_test(test_values__deep_lists),
    };
    return close_bridge(cmocka_run_group_tests(tests, NULL, NULL));
}
