/* Operators from a library of the user's: loading it, argument and result types that torch's own operators rarely have,
 * exceptions of every sort. */
#include "bridge/bridge_fixture.h"

#ifndef EVR_TEST_OPS
#define EVR_TEST_OPS NULL
#endif

static void test_custom__kernels(void **state)
{
    (void)state;
    evr_bridge_tensor *x = floats_of(1, DIMS(2), (float[]){1, 2});
    evr_bridge_call *call = ran("evr_test::twice", "", ARGS(v_tensor(x)));
    assert_true(float_at(tensor_result(call), 1) == 4);
    call_done(call);
    assert_int_equal(fn->op_runs_on(fn->self, op_of("evr_test::twice", ""), "cpu"), 1);
    assert_int_equal(fn->op_runs_on(fn->self, op_of("evr_test::twice", ""), "meta"), 0);
    tensor_done(x);
}

static void test_custom__only_at_autograd(void **state)
{
    (void)state;
    evr_bridge_tensor *x = floats_of(1, DIMS(2), (float[]){1, 2});
    assert_int_equal(fn->op_runs_on(fn->self, op_of("evr_test::only_autograd", ""), "cpu"), 1);
    evr_bridge_call *call = ran("evr_test::only_autograd", "", ARGS(v_tensor(x)));
    assert_true(float_at(tensor_result(call), 1) == 6);
    double seconds;
    assert_ok(fn->call_floor(fn->self, call, 2, &seconds, err));
    assert_true(seconds > 0);
    call_done(call);
    tensor_done(x);
}

static void test_custom__exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        evr_status code;
        const char *message;
    } cases[] = {{"evr_test::raise_standard", EVR_E_OP, "a plain exception"},
                 {"evr_test::raise_number", EVR_E_OP, "unknown"},
                 {"evr_test::raise_memory", EVR_E_NOMEM, "out of memory"},
                 {"evr_test::raise_device_memory", EVR_E_NOMEM, "the device is full"}};
    evr_bridge_tensor *x = floats_of(1, DIMS(2), (float[]){1, 2});
    for (size_t i = 0; i < COUNT(cases); i++) {
        evr_bridge_call *call = call_of(cases[i].op, "", ARGS(v_tensor(x)));
        evr_error *err = NULL;
        assert_int_equal(fn->call_run(fn->self, call, &err), cases[i].code);
        assert_int_equal(evr_error_code(err), cases[i].code);
        assert_non_null(strstr(evr_error_message(err), cases[i].message));
        assert_null(strstr(evr_error_message(err), "frame #"));
        evr_error_free(err);
        call_done(call);
    }
    tensor_done(x);
}

static void test_custom__every_argument_type(void **state)
{
    (void)state;
    evr_bridge_tensor *x = floats_of(1, DIMS(2), (float[]){1, 2});
    evr_bridge_call *call =
        ran("evr_test::describe", "",
            ARGS(V_LIST(v_int(5), v_str("five")), v_device("cuda:1"),
                 V_LIST(v_bool(1), v_int(1), v_float(1), v_complex(0, 1)), V_LIST(V_NONE, v_tensor(x)),
                 v_of(EVR_VALUE_GENERATOR, 77), v_complex(0, 9), v_of(EVR_VALUE_DTYPE, EVR_DTYPE_BFLOAT16), v_float(1)));
    assert_str(result_of(call, 0).u.s, "5fivecuda:1bifcnT779BFloat163");
    call_done(call);
    call = ran("evr_test::describe", "",
               ARGS(V_LIST(v_int(0), v_str("")), V_NONE, v_list(NULL, 0), v_list(NULL, 0), V_NONE, v_int(2), V_NONE,
                    V_LIST(v_int(1), v_float(2))));
    assert_str(result_of(call, 0).u.s, "0--0-2");
    call_done(call);
    tensor_done(x);
}

static void test_custom__no_plain_values(void **state)
{
    (void)state;
    assert_no_call("evr_test::count", "", "argument `numbers` of type Dict(str, int) is of a type that has no plain values",
                   ARGS(v_int(1)));
    assert_no_call("evr_test::describe", "", "argument `pair` of type (int, str) needs 2 items, not 1",
                   ARGS(V_LIST(v_int(1)), V_NONE, V_NONE, V_NONE, V_NONE, V_NONE, V_NONE, V_NONE));
    evr_bridge_call *call = ran("evr_test::make_dict", "", NULL, 0);
    evr_value value;
    evr_error *err = NULL;
    assert_int_equal(fn->call_result(fn->self, call, 0, &value, &err), EVR_E_UNSUPPORTED);
    assert_int_equal(value.kind, EVR_VALUE_MISSING);
    assert_non_null(strstr(evr_error_message(err), "Dict"));
    evr_error_free(err);
    call_done(call);
}

static void test_custom__nested_results(void **state)
{
    (void)state;
    evr_bridge_tensor *x = floats_of(1, DIMS(2), (float[]){1, 2});
    evr_bridge_call *call = ran("evr_test::nested", "", ARGS(v_tensor(x)));
    assert_int_equal(fn->call_result_count(fn->self, call), 3);
    evr_value lists = result_of(call, 1);
    assert_int_equal(lists.u.list.len, 3);
    assert_int_equal(lists.u.list.items[0].u.list.items[1].u.i, 2);
    assert_int_equal(lists.u.list.items[1].u.list.len, 0);
    assert_int_equal(lists.u.list.items[2].u.list.items[0].u.i, 3);
    assert_int_equal(result_of(call, 2).kind, EVR_VALUE_NONE);
    assert_int_equal(result_of(call, 0).kind, EVR_VALUE_HANDLE);
    call_done(call);
    tensor_done(x);
}

int main(void)
{
    if (!EVR_TEST_OPS) {
        printf("skipped: the library of custom operators was not built, since this build has no torch (EVREPLAY_TORCH)\n");
        return 77;
    }
    open_bridge_or_skip();
    evr_error *err = NULL;
    if (fn->load_library(fn->self, EVR_TEST_OPS, &err) != EVR_OK) {
        fprintf(stderr, "failed: %s\n", evr_error_message(err));
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_custom__kernels),         cmocka_unit_test(test_custom__only_at_autograd),
        cmocka_unit_test(test_custom__exceptions),      cmocka_unit_test(test_custom__every_argument_type),
        cmocka_unit_test(test_custom__no_plain_values), cmocka_unit_test(test_custom__nested_results),
    };
    return close_bridge(cmocka_run_group_tests(tests, NULL, NULL));
}
