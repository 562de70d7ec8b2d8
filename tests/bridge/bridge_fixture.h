/* One loaded bridge per program, and short ways to make values, tensors and calls. */
#ifndef EVR_TESTS_BRIDGE_FIXTURE_H
#define EVR_TESTS_BRIDGE_FIXTURE_H

#include "support/support.h"

#include "plugin/loader.h"

#ifndef EVR_TEST_BRIDGE
#define EVR_TEST_BRIDGE NULL
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))

static evr_context *ctx;
static evr_loaded_bridge *bridge;
static const evr_bridge *fn; /* of the bridge */
static char last_warning[1024];

static inline void keep_warning(void *user, int32_t level, evr_str message)
{
    (void)user, (void)level;
    snprintf(last_warning, sizeof last_warning, "%.*s", (int)message.len, message.data);
}

#ifdef __SANITIZE_ADDRESS__
/* Running out of memory is among the things tested: the sanitizer's own allocator would end the program. */
const char *__asan_default_options(void);
__attribute__((used, visibility("default"))) const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

/* A bridge that was named must load; only when none is to be found do the tests have nothing to say. */
static inline void open_bridge_or_skip(void)
{
    evr_context_options options = {.struct_size = sizeof options, .log = keep_warning};
    evr_error *err = NULL;
    const char *where = getenv("EVREPLAY_BRIDGE") ? NULL : EVR_TEST_BRIDGE;
    if (evr_context_new(&options, &ctx, NULL) != EVR_OK)
        abort();
    if (evr_bridge_load(ctx, where, &bridge, &err) != EVR_OK) {
        fprintf(stderr, "%s: %s\n", where || getenv("EVREPLAY_BRIDGE") ? "failed" : "skipped", evr_error_message(err));
        exit(where || getenv("EVREPLAY_BRIDGE") ? 1 : 77);
    }
    fn = &bridge->fn;
}

static inline int close_bridge(int result)
{
    evr_bridge_unload(bridge);
    evr_context_free(ctx);
    return result;
}

static inline evr_value v_int(int64_t i) { return (evr_value){EVR_VALUE_INT, 0, {.i = i}}; }
static inline evr_value v_of(uint32_t kind, int64_t i) { return (evr_value){kind, 0, {.i = i}}; }
static inline evr_value v_bool(int b) { return (evr_value){EVR_VALUE_BOOL, 0, {.i = b}}; }
static inline evr_value v_float(double f) { return (evr_value){EVR_VALUE_FLOAT, 0, {.f = f}}; }
static inline evr_value v_complex(double re, double im) { return (evr_value){EVR_VALUE_COMPLEX, 0, {.c = {re, im}}}; }
static inline evr_value v_str(const char *s) { return (evr_value){EVR_VALUE_STR, 0, {.s = {s, strlen(s)}}}; }
static inline evr_value v_device(const char *s) { return (evr_value){EVR_VALUE_DEVICE, 0, {.s = {s, strlen(s)}}}; }
static inline evr_value v_tensor(evr_bridge_tensor *t) { return (evr_value){EVR_VALUE_HANDLE, 0, {.handle = t}}; }
static inline evr_value v_list(const evr_value *items, size_t len)
{
    return (evr_value){EVR_VALUE_LIST, 0, {.list = {items, len}}};
}
#define V_LIST(...) v_list((const evr_value[]){__VA_ARGS__}, COUNT(((const evr_value[]){__VA_ARGS__})))
#define V_NONE ((evr_value){.kind = EVR_VALUE_NONE})
#define V_MISSING ((evr_value){.kind = EVR_VALUE_MISSING})
#define ARGS(...) (const evr_value[]){__VA_ARGS__}, COUNT(((const evr_value[]){__VA_ARGS__}))
#define DIMS(...)                                                                                                          \
    (const int64_t[]) { __VA_ARGS__ }

/* A contiguous tensor of the CPU when `strides` is NULL. */
static inline evr_bridge_tensor *tensor_of(int32_t dtype, uint32_t rank, const int64_t *shape, const int64_t *strides)
{
    evr_tensor what = {.struct_size = sizeof what, .dtype = dtype, .rank = rank, .shape = shape, .strides = strides};
    evr_bridge_tensor *tensor = NULL;
    assert_ok(fn->tensor_new(fn->self, &what, "cpu", &tensor, err));
    assert_non_null(tensor);
    return tensor;
}

static inline evr_tensor_info info_of(evr_bridge_tensor *tensor)
{
    evr_tensor_info info = {.struct_size = sizeof info};
    assert_ok(fn->tensor_info(fn->self, tensor, &info, err));
    return info;
}

/* float32, filled with `values`. */
static inline evr_bridge_tensor *floats_of(uint32_t rank, const int64_t *shape, const float *values)
{
    evr_bridge_tensor *tensor = tensor_of(EVR_DTYPE_FLOAT32, rank, shape, NULL);
    assert_ok(fn->tensor_write(fn->self, tensor, 0, values, info_of(tensor).storage_bytes, err));
    return tensor;
}

static inline void tensor_done(evr_bridge_tensor *tensor) { fn->tensor_free(fn->self, tensor); }

static inline evr_bridge_op *op_of(const char *name, const char *overload)
{
    evr_bridge_op *op = NULL;
    assert_ok(fn->op_find(fn->self, evr_str_c(name), evr_str_c(overload), &op, err));
    assert_non_null(op);
    return op;
}

static inline evr_bridge_call *call_of(const char *name, const char *overload, const evr_value *args, size_t count)
{
    evr_bridge_call *call = NULL;
    assert_ok(fn->call_new(fn->self, op_of(name, overload), args, count, &call, err));
    return call;
}

static inline evr_bridge_call *ran(const char *name, const char *overload, const evr_value *args, size_t count)
{
    evr_bridge_call *call = call_of(name, overload, args, count);
    assert_ok(fn->call_run(fn->self, call, err));
    return call;
}

static inline void call_done(evr_bridge_call *call) { fn->call_free(fn->self, call); }

static inline evr_value result_of(evr_bridge_call *call, size_t index)
{
    evr_value value;
    assert_ok(fn->call_result(fn->self, call, index, &value, err));
    return value;
}

/* The only result, which is a tensor. */
static inline evr_bridge_tensor *tensor_result(evr_bridge_call *call)
{
    assert_int_equal(fn->call_result_count(fn->self, call), 1);
    evr_value value = result_of(call, 0);
    assert_int_equal(value.kind, EVR_VALUE_HANDLE);
    return value.u.handle;
}

/* Element of a float32 tensor of the CPU, by its place in the storage. */
static inline float float_at(evr_bridge_tensor *tensor, size_t place)
{
    evr_tensor_info info = info_of(tensor);
    assert_int_equal(info.dtype, EVR_DTYPE_FLOAT32);
    assert_true((place + 1) * sizeof(float) <= info.storage_bytes);
    float value;
    memcpy(&value, (const char *)info.host_storage + place * sizeof value, sizeof value);
    return value;
}

/* The call cannot be made, for a reason that says `said`. */
static inline void assert_no_call(const char *name, const char *overload, const char *said, const evr_value *args,
                                  size_t count)
{
    evr_bridge_call *call = (evr_bridge_call *)1;
    evr_error *err = NULL;
    assert_int_equal(fn->call_new(fn->self, op_of(name, overload), args, count, &call, &err), EVR_E_INVALID);
    assert_null(call);
    assert_int_equal(evr_error_code(err), EVR_E_INVALID);
    if (!strstr(evr_error_message(err), said) || !strstr(evr_error_message(err), name))
        fail_msg("the message lacks \"%s\" or the operator's name: %s", said, evr_error_message(err));
    evr_error_free(err);
}

#endif
