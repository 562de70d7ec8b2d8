#include "bridge/bridge_fixture.h"

static void test_tensors__all_dtypes(void **state)
{
    (void)state;
    static const struct {
        int32_t dtype;
        unsigned size;
    } all[] = {{EVR_DTYPE_UINT8, 1},           {EVR_DTYPE_INT8, 1},
               {EVR_DTYPE_INT16, 2},           {EVR_DTYPE_INT32, 4},
               {EVR_DTYPE_INT64, 8},           {EVR_DTYPE_FLOAT16, 2},
               {EVR_DTYPE_FLOAT32, 4},         {EVR_DTYPE_FLOAT64, 8},
               {EVR_DTYPE_COMPLEX32, 4},       {EVR_DTYPE_COMPLEX64, 8},
               {EVR_DTYPE_COMPLEX128, 16},     {EVR_DTYPE_BOOL, 1},
               {EVR_DTYPE_BFLOAT16, 2},        {EVR_DTYPE_FLOAT8_E5M2, 1},
               {EVR_DTYPE_FLOAT8_E4M3FN, 1},   {EVR_DTYPE_FLOAT8_E5M2FNUZ, 1},
               {EVR_DTYPE_FLOAT8_E4M3FNUZ, 1}, {EVR_DTYPE_UINT16, 2},
               {EVR_DTYPE_UINT32, 4},          {EVR_DTYPE_UINT64, 8},
               {EVR_DTYPE_FLOAT8_E8M0FNU, 1},  {EVR_DTYPE_FLOAT4_E2M1FN_X2, 1}};
    for (size_t i = 0; i < COUNT(all); i++) {
        evr_bridge_tensor *tensor = tensor_of(all[i].dtype, 2, DIMS(3, 5), DIMS(5, 1));
        evr_tensor_info info = info_of(tensor);
        assert_int_equal(info.dtype, all[i].dtype);
        assert_int_equal(info.rank, 2);
        assert_int_equal(info.shape[0] * 100 + info.shape[1], 305);
        assert_int_equal(info.strides[0] * 100 + info.strides[1], 501);
        assert_int_equal(info.storage_bytes, 15 * all[i].size);
        assert_str(info.device, "cpu");
        unsigned char in[240], out[240] = {0};
        memset(in, 1, sizeof in);
        assert_ok(fn->tensor_write(fn->self, tensor, 0, in, info.storage_bytes, err));
        assert_memory_equal(info.host_storage, in, info.storage_bytes);
        evr_bridge_tensor *copy;
        assert_ok(fn->tensor_clone(fn->self, tensor, &copy, err));
        assert_int_equal(info_of(copy).dtype, all[i].dtype);
        assert_ptr_not_equal(info_of(copy).host_storage, info.host_storage);
        assert_ok(fn->tensor_read(fn->self, copy, 0, out, info.storage_bytes, err));
        assert_memory_equal(in, out, info.storage_bytes);
        tensor_done(copy);
        tensor_done(tensor);
    }
}

static evr_status refusal(evr_tensor what, const char *device)
{
    what.struct_size = sizeof what;
    evr_bridge_tensor *tensor = (evr_bridge_tensor *)1;
    evr_error *err = NULL;
    evr_status status = fn->tensor_new(fn->self, &what, device, &tensor, &err);
    assert_int_not_equal(status, EVR_OK);
    assert_null(tensor);
    assert_int_equal(evr_error_code(err), status);
    assert_true(evr_error_message(err)[0]);
    evr_error_free(err);
    return status;
}

static void test_tensors__refused(void **state)
{
    (void)state;
    const int64_t big = INT64_C(1) << 62;
    for (int32_t dtype = EVR_DTYPE_QINT8; dtype <= EVR_DTYPE_QINT32; dtype++)
        assert_int_equal(refusal((evr_tensor){.dtype = dtype}, "cpu"), EVR_E_UNSUPPORTED);
    assert_int_equal(refusal((evr_tensor){.dtype = EVR_DTYPE_UNKNOWN}, "cpu"), EVR_E_UNSUPPORTED);
    assert_int_equal(refusal((evr_tensor){.dtype = 4000}, "cpu"), EVR_E_UNSUPPORTED);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .rank = 1, .shape = DIMS(2), .strides = DIMS(-1)}, "cpu"),
                     EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .rank = 1, .shape = DIMS(-2), .strides = DIMS(1)}, "cpu"),
                     EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .storage_offset = -1}, "cpu"), EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .storage_elements = -1}, "cpu"), EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .rank = 1}, "cpu"), EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .rank = 2, .shape = DIMS(big, 8), .strides = DIMS(0, 0)}, "cpu"),
                     EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .rank = 1, .shape = DIMS(3), .strides = DIMS(big)}, "cpu"),
                     EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .rank = 2, .shape = DIMS(big, big)}, "cpu"), EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 7, .storage_elements = big}, "cpu"), EVR_E_INVALID);
    assert_int_equal(refusal((evr_tensor){.dtype = 6, .storage_offset = INT64_MAX}, "cpu"), EVR_E_INVALID);
    assert_int_equal(
        refusal((evr_tensor){.dtype = 0, .rank = 1, .shape = DIMS(INT64_C(1) << 55), .strides = DIMS(1)}, "cpu"),
        EVR_E_NOMEM);
    assert_int_equal(refusal((evr_tensor){.dtype = 6}, "abacus"), EVR_E_NO_DEVICE);
    assert_int_equal(refusal((evr_tensor){.dtype = 6}, ""), EVR_E_NO_DEVICE);
    assert_int_equal(refusal((evr_tensor){.dtype = 6}, "cuda:77"), EVR_E_NO_DEVICE);
}

static uint64_t storage_of(evr_tensor what)
{
    what.struct_size = sizeof what;
    what.dtype = EVR_DTYPE_INT16;
    evr_bridge_tensor *tensor;
    assert_ok(fn->tensor_new(fn->self, &what, "cpu", &tensor, err));
    evr_tensor_info info = info_of(tensor);
    assert_int_equal(info.storage_offset, what.storage_offset);
    for (uint32_t i = 0; i < what.rank; i++) {
        assert_int_equal(info.shape[i], what.shape[i]);
        assert_int_equal(info.strides[i], what.strides[i]);
    }
    tensor_done(tensor);
    return info.storage_bytes;
}

static void test_tensors__storage_is_exact(void **state)
{
    (void)state;
    assert_int_equal(storage_of((evr_tensor){.rank = 0}), 2);
    assert_int_equal(storage_of((evr_tensor){.rank = 0, .storage_offset = 9}), 20);
    assert_int_equal(storage_of((evr_tensor){.rank = 2, .shape = DIMS(4, 3), .strides = DIMS(10, 2)}), 2 * 35);
    assert_int_equal(storage_of((evr_tensor){.rank = 2, .shape = DIMS(4, 3), .strides = DIMS(0, 0)}), 2);  /* expanded */
    assert_int_equal(storage_of((evr_tensor){.rank = 2, .shape = DIMS(4, 3), .strides = DIMS(1, 1)}), 12); /* overlapping */
    assert_int_equal(storage_of((evr_tensor){.rank = 2, .shape = DIMS(4, 0), .strides = DIMS(1, 1)}), 0);
    assert_int_equal(storage_of((evr_tensor){.rank = 2, .shape = DIMS(4, 0), .strides = DIMS(1, 1), .storage_offset = 3}),
                     0);
    assert_int_equal(storage_of((evr_tensor){.rank = 1, .shape = DIMS(4), .strides = DIMS(1), .storage_elements = 2}), 8);
    assert_int_equal(storage_of((evr_tensor){.rank = 1, .shape = DIMS(4), .strides = DIMS(1), .storage_elements = 100}),
                     200);
    assert_int_equal(storage_of((evr_tensor){
                         .rank = 1, .shape = DIMS(4), .strides = DIMS(1), .storage_offset = 5, .storage_elements = 8}),
                     18);
}

static void test_tensors__read_write_bounds(void **state)
{
    (void)state;
    evr_bridge_tensor *tensor = floats_of(1, DIMS(3), (float[]){1, 2, 3});
    float value;
    assert_ok(fn->tensor_read(fn->self, tensor, 4, &value, 4, err));
    assert_true(value == 2);
    value = 9;
    assert_ok(fn->tensor_write(fn->self, tensor, 8, &value, 4, err));
    assert_true(float_at(tensor, 2) == 9);
    assert_ok(fn->tensor_write(fn->self, tensor, 12, NULL, 0, err));
    static const uint64_t bad[][2] = {{12, 1}, {0, 13}, {UINT64_MAX, 2}, {2, UINT64_MAX}, {UINT64_MAX - 3, 4}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        evr_error *err = NULL;
        assert_int_equal(fn->tensor_write(fn->self, tensor, bad[i][0], &value, bad[i][1], &err), EVR_E_INVALID);
        assert_non_null(strstr(evr_error_message(err), "12"));
        evr_error_free(err);
        assert_int_equal(fn->tensor_read(fn->self, tensor, bad[i][0], &value, bad[i][1], NULL), EVR_E_INVALID);
    }
    tensor_done(tensor);
}

static void test_tensors__clone_keeps_overlap(void **state)
{
    (void)state;
    evr_tensor what = {.struct_size = sizeof what,
                       .dtype = EVR_DTYPE_FLOAT32,
                       .rank = 2,
                       .shape = DIMS(4, 3),
                       .strides = DIMS(0, 2),
                       .storage_offset = 1,
                       .storage_elements = 20};
    evr_bridge_tensor *tensor, *copy;
    assert_ok(fn->tensor_new(fn->self, &what, "cpu", &tensor, err));
    float values[20];
    for (int i = 0; i < 20; i++)
        values[i] = (float)i;
    assert_ok(fn->tensor_write(fn->self, tensor, 0, values, sizeof values, err));
    assert_ok(fn->tensor_clone(fn->self, tensor, &copy, err));
    evr_tensor_info info = info_of(copy);
    assert_int_equal(info.strides[0], 0);
    assert_int_equal(info.strides[1], 2);
    assert_int_equal(info.storage_offset, 1);
    assert_int_equal(info.storage_bytes, sizeof values);
    assert_memory_equal(info.host_storage, values, sizeof values);
    tensor_done(tensor);
    assert_memory_equal(info.host_storage, values, sizeof values);
    tensor_done(copy);
}

static void test_tensors__meta(void **state)
{
    (void)state;
    evr_tensor what = {.struct_size = sizeof what,
                       .dtype = EVR_DTYPE_FLOAT32,
                       .rank = 2,
                       .shape = DIMS(1 << 20, 1 << 20),
                       .strides = DIMS(1 << 20, 1)};
    evr_bridge_tensor *tensor;
    assert_ok(fn->device_check(fn->self, "meta", err));
    assert_ok(fn->tensor_new(fn->self, &what, "meta", &tensor, err));
    assert_null(info_of(tensor).host_storage);
    assert_str(info_of(tensor).device, "meta");
    char byte;
    assert_int_equal(fn->tensor_read(fn->self, tensor, 0, &byte, 1, NULL), EVR_E_UNSUPPORTED);
    evr_bridge_call *call = ran("aten::mm", "", ARGS(v_tensor(tensor), v_tensor(tensor)));
    assert_str(info_of(tensor_result(call)).device, "meta");
    assert_int_equal(info_of(tensor_result(call)).shape[1], 1 << 20);
    assert_ok(fn->device_wait(fn->self, "meta", err));
    call_done(call);
    tensor_done(tensor);
}

static void test_tensors__dlpack(void **state)
{
    (void)state;
    evr_bridge_tensor *tensor = floats_of(2, DIMS(2, 2), (float[]){1, 2, 3, 4}), *back;
    void *managed;
    assert_ok(fn->tensor_to_dlpack(fn->self, tensor, &managed, err));
    assert_non_null(managed);
    const void *memory = info_of(tensor).host_storage;
    tensor_done(tensor);
    assert_ok(fn->tensor_from_dlpack(fn->self, managed, &back, err));
    assert_ptr_equal(info_of(back).host_storage, memory);
    assert_int_equal(info_of(back).rank, 2);
    assert_true(float_at(back, 3) == 4);
    tensor_done(back);
    assert_int_equal(fn->tensor_from_dlpack(fn->self, NULL, &back, NULL), EVR_E_INVALID);
    assert_null(back);
}

static void test_tensors__dlpack_cannot_say(void **state)
{
    (void)state;
    evr_bridge_tensor *tensor = tensor_of(EVR_DTYPE_COMPLEX64, 1, DIMS(2), NULL);
    evr_bridge_call *call = ran("aten::_conj", "", ARGS(v_tensor(tensor)));
    void *managed = &managed;
    evr_error *err = NULL;
    assert_int_equal(fn->tensor_to_dlpack(fn->self, tensor_result(call), &managed, &err), EVR_E_UNSUPPORTED);
    assert_null(managed);
    assert_non_null(strstr(evr_error_hint(err), "resolve_conj"));
    evr_error_free(err);
    call_done(call);
    tensor_done(tensor);
}

static void test_tensors__sparse_result(void **state)
{
    (void)state;
    evr_bridge_tensor *tensor = floats_of(2, DIMS(2, 3), (float[]){0, 1, 0, 0, 0, 2});
    evr_bridge_call *call = ran("aten::to_sparse", "", ARGS(v_tensor(tensor), V_MISSING, V_MISSING, V_MISSING));
    evr_tensor_info info = info_of(tensor_result(call));
    assert_int_equal(info.strides[0], 3); /* as if contiguous */
    assert_int_equal(info.storage_bytes, 0);
    assert_null(info.host_storage);
    float value;
    assert_int_equal(fn->tensor_read(fn->self, tensor_result(call), 0, &value, 4, NULL), EVR_E_UNSUPPORTED);
    evr_bridge_tensor *copy;
    assert_ok(fn->tensor_clone(fn->self, tensor_result(call), &copy, err));
    tensor_done(copy);
    call_done(call);
    tensor_done(tensor);
}

static void test_tensors__devices(void **state)
{
    (void)state;
    assert_ok(fn->device_check(fn->self, "cpu", err));
    assert_ok(fn->device_check(fn->self, "cpu:0", err));
    assert_ok(fn->device_wait(fn->self, "cpu", err));
    evr_error *err = NULL;
    assert_int_equal(fn->device_check(fn->self, "abacus:1", &err), EVR_E_NO_DEVICE);
    assert_non_null(strstr(evr_error_message(err), "abacus:1"));
    evr_error_free(err);
    assert_int_equal(fn->device_check(fn->self, NULL, NULL), EVR_E_NO_DEVICE);
}

int main(void)
{
    open_bridge_or_skip();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors__all_dtypes),
        cmocka_unit_test(test_tensors__refused),
        cmocka_unit_test(test_tensors__storage_is_exact),
        cmocka_unit_test(test_tensors__read_write_bounds),
        cmocka_unit_test(test_tensors__clone_keeps_overlap),
        cmocka_unit_test(test_tensors__meta),
        cmocka_unit_test(test_tensors__dlpack),
        cmocka_unit_test(test_tensors__dlpack_cannot_say),
        cmocka_unit_test(test_tensors__sparse_result),
        cmocka_unit_test(test_tensors__devices),
    };
    return close_bridge(cmocka_run_group_tests(tests, NULL, NULL));
}
