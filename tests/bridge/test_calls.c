#include "bridge/bridge_fixture.h"

#include <math.h>
#include <pthread.h>
#include <time.h>

static void test_calls__views_share(void **state)
{
    (void)state;
    evr_bridge_tensor *base = floats_of(1, DIMS(6), (float[]){0, 1, 2, 3, 4, 5});
    evr_bridge_call *view =
        ran("aten::as_strided", "", ARGS(v_tensor(base), V_LIST(v_int(2), v_int(2)), V_LIST(v_int(3), v_int(1)), v_int(1)));
    evr_tensor_info info = info_of(tensor_result(view));
    assert_ptr_equal(info.host_storage, info_of(base).host_storage);
    assert_int_equal(info.storage_offset, 1);
    assert_int_equal(info.strides[0], 3);
    call_done(ran("aten::mul_", "Tensor", ARGS(v_tensor(tensor_result(view)), v_float(10))));
    static const float want[] = {0, 10, 20, 3, 40, 50};
    for (size_t i = 0; i < 6; i++)
        assert_true(float_at(base, i) == want[i]);
    evr_bridge_call *wide = ran("aten::expand", "", ARGS(v_tensor(base), V_LIST(v_int(4), v_int(6)), V_MISSING));
    assert_int_equal(info_of(tensor_result(wide)).strides[0], 0);
    call_done(wide);
    tensor_done(base); /* the view keeps the memory */
    assert_true(float_at(tensor_result(view), 1) == 10);
    call_done(view);
}

/* Autocast for one call alone: what it makes is of the low type, and the next call of the same operator is as before. */
static void test_calls__autocast(void **state)
{
    (void)state;
    evr_bridge_tensor *x = floats_of(2, DIMS(2, 3), (float[]){1, 2, 3, 4, 5, 6}), *w = floats_of(2, DIMS(1, 3), (float[]){1, 1, 1});
    const evr_value args[] = {v_tensor(x), v_tensor(w), V_NONE};
    evr_bridge_call *cast = NULL, *plain = NULL;
    assert_ok(fn->call_new(fn->self, op_of("aten::linear", ""), args, 3, &cast, err));
    assert_int_equal(fn->call_autocast(fn->self, cast, EVR_DTYPE_INT8, NULL), EVR_E_UNSUPPORTED);
    assert_ok(fn->call_autocast(fn->self, cast, EVR_DTYPE_BFLOAT16, err));
    assert_ok(fn->call_new(fn->self, op_of("aten::linear", ""), args, 3, &plain, err));
    for (int i = 0; i < 2; i++) {
        assert_ok(fn->call_run(fn->self, cast, err));
        assert_int_equal(info_of(tensor_result(cast)).dtype, EVR_DTYPE_BFLOAT16);
        assert_ok(fn->call_run(fn->self, plain, err));
        assert_int_equal(info_of(tensor_result(plain)).dtype, EVR_DTYPE_FLOAT32);
    }
    call_done(cast);
    call_done(plain);
    tensor_done(x);
    tensor_done(w);
}

static void test_calls__in_place_and_out(void **state)
{
    (void)state;
    evr_bridge_tensor *a = floats_of(1, DIMS(3), (float[]){1, 2, 3}), *out = tensor_of(EVR_DTYPE_FLOAT32, 1, DIMS(0), NULL);
    evr_bridge_call *call = ran("aten::add_", "Tensor", ARGS(v_tensor(a), v_tensor(a), v_int(2)));
    assert_ptr_equal(info_of(tensor_result(call)).host_storage, info_of(a).host_storage);
    assert_true(float_at(a, 2) == 9);
    assert_ok(fn->call_run(fn->self, call, err)); /* again, on what it wrote */
    assert_true(float_at(a, 2) == 27);
    call_done(call);
    call = ran("aten::mul", "out", ARGS(v_tensor(a), v_tensor(a), v_tensor(out)));
    assert_int_equal(info_of(out).shape[0], 3); /* resized, as torch does */
    assert_true(float_at(out, 0) == 81);
    call_done(call);
    tensor_done(a);
    tensor_done(out);
}

static void test_calls__several_results(void **state)
{
    (void)state;
    evr_bridge_tensor *a = floats_of(2, DIMS(2, 3), (float[]){1, 9, 3, 7, 5, 6});
    evr_bridge_call *call = call_of("aten::max", "dim", ARGS(v_tensor(a), v_int(1), V_MISSING));
    assert_int_equal(fn->call_result_count(fn->self, call), 0);
    evr_value value;
    assert_int_equal(fn->call_result(fn->self, call, 0, &value, NULL), EVR_E_STATE);
    assert_ok(fn->call_run(fn->self, call, err));
    assert_int_equal(fn->call_result_count(fn->self, call), 2);
    assert_int_equal(fn->call_result(fn->self, call, 2, &value, NULL), EVR_E_INVALID);
    assert_true(float_at(result_of(call, 0).u.handle, 0) == 9);
    evr_tensor_info places = info_of(result_of(call, 1).u.handle);
    assert_int_equal(places.dtype, EVR_DTYPE_INT64);
    assert_int_equal(((const int64_t *)places.host_storage)[0], 1);
    assert_ptr_equal(result_of(call, 0).u.handle, result_of(call, 0).u.handle);
    call_done(call);
    tensor_done(a);
}

static void test_calls__list_result(void **state)
{
    (void)state;
    evr_bridge_tensor *a = floats_of(1, DIMS(5), (float[]){1, 2, 3, 4, 5}), *b = floats_of(1, DIMS(1), (float[]){6});
    evr_bridge_call *call = ran("aten::split", "Tensor", ARGS(v_tensor(a), v_int(2), V_MISSING));
    evr_value parts = result_of(call, 0);
    assert_int_equal(parts.kind, EVR_VALUE_LIST);
    assert_int_equal(parts.u.list.len, 3);
    assert_int_equal(info_of(parts.u.list.items[2].u.handle).shape[0], 1);
    assert_int_equal(info_of(parts.u.list.items[2].u.handle).storage_offset, 4);
    call_done(call);
    call = ran("aten::_foreach_add", "Scalar", ARGS(V_LIST(v_tensor(a), v_tensor(b)), v_int(10)));
    parts = result_of(call, 0);
    assert_int_equal(parts.u.list.len, 2);
    assert_true(float_at(parts.u.list.items[1].u.handle, 0) == 16);
    call_done(call);
    call = ran("aten::_foreach_add_", "Scalar", ARGS(V_LIST(v_tensor(a), v_tensor(b)), v_int(10)));
    assert_int_equal(fn->call_result_count(fn->self, call), 0);
    assert_true(float_at(b, 0) == 16);
    call_done(call);
    tensor_done(a);
    tensor_done(b);
}

static void test_calls__scalar_results(void **state)
{
    (void)state;
    evr_bridge_tensor *a = floats_of(0, NULL, (float[]){2.5f});
    evr_bridge_call *call = ran("aten::item", "", ARGS(v_tensor(a)));
    evr_value v = result_of(call, 0);
    assert_true(v.kind == EVR_VALUE_FLOAT && v.u.f == 2.5);
    call_done(call);
    call = ran("aten::is_nonzero", "", ARGS(v_tensor(a)));
    v = result_of(call, 0);
    assert_true(v.kind == EVR_VALUE_BOOL && v.u.i == 1);
    call_done(call);
    call = ran("aten::result_type", "Scalar", ARGS(v_tensor(a), v_int(1)));
    v = result_of(call, 0);
    assert_true(v.kind == EVR_VALUE_DTYPE && v.u.i == EVR_DTYPE_FLOAT32);
    call_done(call);
    tensor_done(a);
}

/* Results are those of the last run; a run that fails leaves none. */
static void test_calls__failed_run(void **state)
{
    (void)state;
    evr_bridge_tensor *a = floats_of(2, DIMS(2, 3), (float[6]){0}), *out = floats_of(2, DIMS(2, 2), (float[4]){0});
    evr_bridge_call *call = call_of("aten::mm", "", ARGS(v_tensor(a), v_tensor(a)));
    for (int i = 0; i < 2; i++) {
        evr_error *err = NULL;
        assert_int_equal(fn->call_run(fn->self, call, &err), EVR_E_OP);
        assert_non_null(strstr(evr_error_message(err), "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"));
        assert_null(strstr(evr_error_message(err), "Exception raised from"));
        assert_null(strstr(evr_error_message(err), "frame #"));
        evr_error_free(err);
        assert_int_equal(fn->call_result_count(fn->self, call), 0);
    }
    assert_int_equal(fn->call_run(fn->self, call, NULL), EVR_E_OP);
    double seconds;
    assert_int_equal(fn->call_floor(fn->self, call, 3, &seconds, NULL), EVR_E_OP);
    call_done(call);
    tensor_done(a);
    tensor_done(out);
}

static void test_calls__out_of_memory(void **state)
{
    (void)state;
    evr_bridge_call *call =
        call_of("aten::empty", "memory_format",
                ARGS(V_LIST(v_int(INT64_C(1) << 55)), v_of(EVR_VALUE_DTYPE, 0), V_NONE, V_NONE, V_NONE, V_NONE));
    evr_error *err = NULL;
    assert_int_equal(fn->call_run(fn->self, call, &err), EVR_E_NOMEM);
    assert_int_equal(evr_error_code(err), EVR_E_NOMEM);
    evr_error_free(err);
    call_done(call);
}

static void test_calls__warnings_go_to_the_log(void **state)
{
    (void)state;
    evr_bridge_tensor *a = tensor_of(EVR_DTYPE_FLOAT32, 2, DIMS(2, 2), NULL),
                      *out = tensor_of(EVR_DTYPE_FLOAT32, 1, DIMS(3), NULL);
    last_warning[0] = 0;
    call_done(ran("aten::add", "out", ARGS(v_tensor(a), v_tensor(a), V_MISSING, v_tensor(out))));
    assert_non_null(strstr(last_warning, "resized"));
    tensor_done(a);
    tensor_done(out);
}

static void test_calls__no_such_op(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"aten::no_such_op", ""}, {"", ""},        {"::", ""},
                                           {"no colons", ""},        {"aten::", "x"}, {"mine::op", "out"}};
    for (size_t i = 0; i < COUNT(names); i++) {
        evr_bridge_op *op = (evr_bridge_op *)1;
        evr_error *err = NULL;
        assert_int_equal(fn->op_find(fn->self, evr_str_c(names[i][0]), evr_str_c(names[i][1]), &op, &err), EVR_E_NOT_FOUND);
        assert_null(op);
        assert_non_null(strstr(evr_error_message(err), names[i][0]));
        assert_true(evr_error_hint(err)[0]);
        evr_error_free(err);
    }
    evr_bridge_op *op;
    evr_error *err = NULL;
    assert_int_equal(fn->op_find(fn->self, evr_str_c("aten::add"), evr_str_c("tensor"), &op, &err), EVR_E_NOT_FOUND);
    assert_non_null(strstr(evr_error_message(err), "`Tensor`")); /* the overloads there are */
    evr_error_free(err);
    assert_ptr_equal(op_of("aten::add", "Tensor"), op_of("aten::add", "Tensor"));
}

static void test_calls__load_library(void **state)
{
    (void)state;
    evr_error *err = NULL;
    assert_int_equal(fn->load_library(fn->self, "/nonexistent/libops.so", &err), EVR_E_PLUGIN);
    assert_non_null(strstr(evr_error_message(err), "/nonexistent/libops.so"));
    evr_error_free(err);
    assert_int_equal(fn->load_library(fn->self, "", NULL), EVR_E_INVALID);
}

typedef struct walk {
    size_t count, stop_after;
    bool jit, dispatched_after_jit;
    char first[200];
} walk;

static int32_t step(void *user, evr_str schema)
{
    walk *w = user;
    assert_int_equal(schema.data[schema.len], 0);
    assert_non_null(strstr(schema.data, ") -> "));
    if (!w->count++)
        snprintf(w->first, sizeof w->first, "%s", schema.data);
    bool jit = evr_str_starts(schema, "prim::");
    w->jit |= jit;
    w->dispatched_after_jit |= w->jit && evr_str_starts(schema, "aten::add.Tensor(");
    return w->stop_after && w->count == w->stop_after;
}

static void test_calls__schemas(void **state)
{
    (void)state;
    walk add = {0}, none = {0}, all = {0}, cut = {.stop_after = 3};
    assert_ok(fn->schemas(fn->self, evr_str_c("aten::add"), step, &add, err));
    assert_string_equal(add.first, "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor");
    assert_true(add.count > 4); /* TorchScript's too: lists, texts */
    assert_ok(fn->schemas(fn->self, evr_str_c("aten::no_such_op"), step, &none, err));
    assert_ok(fn->schemas(fn->self, evr_str_c("nonsense"), step, &none, err));
    assert_int_equal(none.count, 0);
    assert_ok(fn->schemas(fn->self, evr_str_c(""), step, &all, err));
    assert_true(all.count > 3000 && all.jit && !all.dispatched_after_jit);
    assert_int_equal(fn->schemas(fn->self, evr_str_c(""), step, &cut, NULL), EVR_E_CANCELLED);
    assert_int_equal(cut.count, 3);
}

static void test_calls__runs_on(void **state)
{
    (void)state;
    static const struct {
        const char *op, *overload;
        int cpu, meta;
    } cases[] = {
        {"aten::mm", "", 1, 1},                 /* a kernel of its own on each */
        {"aten::linear", "", 1, 1},             /* composite */
        {"aten::_cslt_compress", "", 0, 0},     /* CUDA alone */
        {"aten::bincount", "", 1, 0},           /* no meta kernel */
        {"aten::list", "t", 1, 1},              /* TorchScript */
        {"aten::empty", "memory_format", 1, 1}, /* a factory */
        {"aten::_coalesce", "", 1, 0},          /* for sparse tensors only */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        evr_bridge_op *op = op_of(cases[i].op, cases[i].overload);
        if (fn->op_runs_on(fn->self, op, "cpu") != cases[i].cpu)
            fail_msg("%s on cpu", cases[i].op);
        if (fn->op_runs_on(fn->self, op, "meta") != cases[i].meta)
            fail_msg("%s on meta", cases[i].op);
        assert_int_equal(fn->op_runs_on(fn->self, op, "abacus"), 0);
        if (strcmp(cases[i].op, "aten::mm") == 0 && fn->device_check(fn->self, "cuda", NULL) != EVR_OK)
            assert_int_equal(fn->op_runs_on(fn->self, op, "cuda"), 0);
    }
}

static void draw(float *out)
{
    evr_bridge_call *call = ran("aten::randn", "", ARGS(V_LIST(v_int(4)), V_MISSING, V_MISSING, V_MISSING, V_MISSING));
    for (size_t i = 0; i < 4; i++)
        out[i] = float_at(tensor_result(call), i);
    call_done(call);
}

static void test_calls__seed(void **state)
{
    (void)state;
    float a[4], b[4], c[4];
    assert_ok(fn->seed(fn->self, UINT64_MAX, err));
    draw(a);
    draw(b);
    assert_ok(fn->seed(fn->self, UINT64_MAX, err));
    draw(c);
    assert_memory_equal(a, c, sizeof a);
    assert_memory_not_equal(a, b, sizeof a);
    assert_ok(fn->seed(fn->self, 1, err));
    draw(c);
    assert_memory_not_equal(a, c, sizeof a);
}

static void test_calls__threads_and_text(void **state)
{
    (void)state;
    int32_t before = fn->threads(fn->self, 0);
    assert_true(before >= 1);
    assert_int_equal(fn->threads(fn->self, 2), 2);
    assert_int_equal(fn->threads(fn->self, 0), 2);
    assert_int_equal(fn->threads(fn->self, -3), 2);
    fn->threads(fn->self, before);
    assert_string_equal(fn->name, "torch");
    assert_non_null(strstr(fn->describe(fn->self), fn->version));
}

/* Every run of a model records history unless told not to; a replay never does, however the thread is set. */
static void *run_elsewhere(void *user)
{
    evr_bridge_tensor *a = user;
    evr_bridge_call *leaf = ran("aten::requires_grad_", "", ARGS(v_tensor(a), v_bool(1)));
    evr_bridge_call *call = ran("aten::mul", "Tensor", ARGS(v_tensor(a), v_float(2)));
    evr_bridge_call *asked = ran("prim::requires_grad", "", ARGS(result_of(call, 0)));
    assert_int_equal(result_of(asked, 0).u.i, 0);
    call_done(asked);
    call_done(ran("aten::add_", "Tensor", ARGS(v_tensor(a), v_float(1), V_MISSING))); /* which autograd refuses on a leaf */
    call_done(call);
    call_done(leaf);
    return NULL;
}

static void test_calls__no_history_on_any_thread(void **state)
{
    (void)state;
    evr_bridge_tensor *a = floats_of(1, DIMS(1), (float[]){1});
    run_elsewhere(a);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, a), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(float_at(a, 0) == 3);
    tensor_done(a);
}

/* Bars are for code as it ships: sanitizers cost more than what is measured. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BAR HUGE_VAL
#else
#define BAR 1.2
#endif

static double seconds_of_runs(evr_bridge_call *call, uint64_t iterations)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint64_t i = 0; i < iterations; i++)
        if (fn->call_run(fn->self, call, NULL) != EVR_OK)
            fail();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
}

/* A run costs at most 1.2 times the bare call of the dispatcher. The best of many rounds, taken in turns, leaves out what
 * the machine adds. */
static void test_calls__overhead(void **state)
{
    (void)state;
    enum { ROUNDS = 60, MOST_ROUNDS = 600, RUNS = 2000 };
    float zeros[64] = {0};
    evr_bridge_tensor *a = floats_of(2, DIMS(8, 8), zeros), *b = floats_of(2, DIMS(8, 8), zeros);
    evr_bridge_call *call = ran("aten::add", "Tensor", ARGS(v_tensor(a), v_tensor(b), V_MISSING));
    double run = HUGE_VAL, floor = HUGE_VAL;
    for (int i = 0; i < ROUNDS || (run > floor * BAR && i < MOST_ROUNDS); i++) {
        double seconds = 0;
        assert_ok(fn->call_floor(fn->self, call, RUNS, &seconds, err));
        floor = fmin(floor, seconds);
        run = fmin(run, seconds_of_runs(call, RUNS));
    }
    printf("aten::add on 8x8: run %.0f ns, floor %.0f ns, ratio %.3f\n", run / RUNS * 1e9, floor / RUNS * 1e9, run / floor);
    assert_true(floor > 0);
    assert_true(run <= floor * BAR);
    call_done(call);
    tensor_done(a);
    tensor_done(b);
}

int main(void)
{
    open_bridge_or_skip();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls__views_share),
        cmocka_unit_test(test_calls__autocast),
        cmocka_unit_test(test_calls__in_place_and_out),
        cmocka_unit_test(test_calls__several_results),
        cmocka_unit_test(test_calls__list_result),
        cmocka_unit_test(test_calls__scalar_results),
        cmocka_unit_test(test_calls__failed_run),
        cmocka_unit_test(test_calls__out_of_memory),
        cmocka_unit_test(test_calls__warnings_go_to_the_log),
        cmocka_unit_test(test_calls__no_such_op),
        cmocka_unit_test(test_calls__load_library),
        cmocka_unit_test(test_calls__schemas),
        cmocka_unit_test(test_calls__runs_on),
        cmocka_unit_test(test_calls__seed),
        cmocka_unit_test(test_calls__threads_and_text),
        cmocka_unit_test(test_calls__no_history_on_any_thread),
        cmocka_unit_test(test_calls__overhead),
    };
    return close_bridge(cmocka_run_group_tests(tests, NULL, NULL));
}
