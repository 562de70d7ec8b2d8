/* The tensor library's own profiler as a recorder. Without a device there are operators to record. */
#include "bridge_fixture.h"

#include <pthread.h>

typedef struct seen {
    size_t count;
    size_t abs, neg;
    double last;
    size_t stop_at;
} seen;

static int32_t see(void *user, const evr_kernel_run *run)
{
    seen *s = user;
    assert_int_equal(run->struct_size, sizeof *run);
    assert_int_equal(run->name.data[run->name.len], 0);
    assert_true(run->start_ns >= s->last && run->duration_ns > 0);
    s->last = run->start_ns;
    s->abs += strcmp(run->name.data, "aten::abs") == 0;
    s->neg += strcmp(run->name.data, "aten::neg") == 0;
    return ++s->count == s->stop_at;
}

static void run_op(const char *name)
{
    evr_bridge_tensor *tensor = tensor_of(EVR_DTYPE_FLOAT32, 1, DIMS(64), NULL);
    call_done(ran(name, "", ARGS(v_tensor(tensor))));
    tensor_done(tensor);
}

static void test_recording__names_operators(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        seen s = {0};
        run_op("aten::abs"); /* before: not in it */
        assert_ok(fn->record_begin(fn->self, "cpu", EVR_RECORD_OPERATORS, err));
        run_op("aten::neg");
        run_op("aten::neg");
        assert_ok(fn->record_end(fn->self, see, &s, err));
        run_op("aten::abs");
        assert_int_equal(s.neg, 2);
        assert_int_equal(s.abs, 0);
    }
    seen first = {.stop_at = 1};
    assert_ok(fn->record_begin(fn->self, "cpu", EVR_RECORD_OPERATORS, err));
    run_op("aten::abs");
    run_op("aten::abs");
    assert_ok(fn->record_end(fn->self, see, &first, err));
    assert_int_equal(first.count, 1);
    assert_ok(fn->record_begin(fn->self, "cpu", EVR_RECORD_OPERATORS, err));
    assert_ok(fn->record_end(fn->self, NULL, NULL, err));
}

static void refused(evr_status got, evr_status wanted, evr_error **error, const char *part)
{
    evr_error *failure = error ? *error : NULL;
    if (error)
        *error = NULL;
    if (got != wanted || (error && !strstr(evr_error_message(failure), part)))
        fail_msg("%d \"%s\", not %d \"%s\"", (int)got, evr_error_message(failure), (int)wanted, part);
    evr_error_free(failure);
}

static void test_recording__what_cannot_be_recorded(void **state)
{
    (void)state;
    evr_error *e = NULL;
    refused(fn->record_end(fn->self, see, NULL, &e), EVR_E_STATE, &e, "no recording was begun");
    refused(fn->record_begin(fn->self, "cpu", EVR_RECORD_KERNELS, &e), EVR_E_UNSUPPORTED, &e, "no device activities for cpu");
    refused(fn->record_begin(fn->self, "meta", EVR_RECORD_KERNELS, &e), EVR_E_UNSUPPORTED, &e, "no device activities for meta");
    refused(fn->record_begin(fn->self, "cpu", 9, &e), EVR_E_INVALID, &e, "not known");
    refused(fn->record_begin(fn->self, "no device", EVR_RECORD_OPERATORS, &e), EVR_E_NO_DEVICE, &e, "no device");
    if (fn->device_check(fn->self, "cuda:0", NULL) != EVR_OK)
        refused(fn->record_begin(fn->self, "cuda:0", EVR_RECORD_KERNELS, &e), EVR_E_NO_DEVICE, &e, "");
    refused(fn->record_end(fn->self, see, NULL, NULL), EVR_E_STATE, NULL, ""); /* none of them has begun one */
}

static void *end_elsewhere(void *user)
{
    evr_error *e = NULL;
    (void)user;
    refused(fn->record_end(fn->self, see, NULL, &e), EVR_E_STATE, &e, "by another thread");
    return NULL;
}

/* One profiler per process: whoever comes second is told, and the first goes on unharmed. */
static void test_recording__one_at_a_time(void **state)
{
    (void)state;
    evr_error *e = NULL;
    evr_loaded_bridge *other;
    pthread_t thread;
    seen s = {0};
    assert_ok(evr_bridge_load(ctx, bridge->plugin.path, &other, err));
    assert_ok(fn->record_begin(fn->self, "cpu", EVR_RECORD_OPERATORS, err));
    refused(fn->record_begin(fn->self, "cpu", EVR_RECORD_OPERATORS, &e), EVR_E_STATE, &e, "begun already");
    refused(other->fn.record_begin(other->fn.self, "cpu", EVR_RECORD_OPERATORS, &e), EVR_E_STATE, &e, "at work in this process");
    assert_int_equal(other->fn.record_end(other->fn.self, NULL, NULL, NULL), EVR_E_STATE);
    assert_int_equal(pthread_create(&thread, NULL, end_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    run_op("aten::neg");
    assert_ok(fn->record_end(fn->self, see, &s, err));
    assert_int_equal(s.neg, 1);
    assert_ok(other->fn.record_begin(other->fn.self, "cpu", EVR_RECORD_OPERATORS, err));
    evr_bridge_unload(other); /* in the middle of it */
    assert_ok(fn->record_begin(fn->self, "cpu", EVR_RECORD_OPERATORS, err));
    assert_ok(fn->record_end(fn->self, NULL, NULL, err));
}

/* An operator that raises leaves the recording as it was. */
static void test_recording__an_operator_fails(void **state)
{
    (void)state;
    seen s = {0};
    evr_bridge_tensor *three = tensor_of(EVR_DTYPE_FLOAT32, 1, DIMS(3), NULL), *four = tensor_of(EVR_DTYPE_FLOAT32, 1, DIMS(4), NULL);
    evr_bridge_call *call = call_of("aten::dot", "", ARGS(v_tensor(three), v_tensor(four)));
    assert_ok(fn->record_begin(fn->self, "cpu", EVR_RECORD_OPERATORS, err));
    assert_int_equal(fn->call_run(fn->self, call, NULL), EVR_E_OP);
    run_op("aten::neg");
    assert_ok(fn->record_end(fn->self, see, &s, err));
    assert_int_equal(s.neg, 1);
    call_done(call);
    tensor_done(three);
    tensor_done(four);
}

/* What has no streams leaves the bridge where it was. */
static void test_stream__of_devices_without(void **state)
{
    (void)state;
    evr_error *e = NULL;
    void *native = &e;
    refused(fn->stream_own(fn->self, "cpu", &native, &e), EVR_E_UNSUPPORTED, &e, "cpu has no streams");
    assert_null(native);
    refused(fn->stream_own(fn->self, "meta", &native, &e), EVR_E_UNSUPPORTED, &e, "meta has no streams");
    if (fn->device_check(fn->self, "cuda:0", NULL) != EVR_OK)
        refused(fn->stream_own(fn->self, "cuda:0", &native, &e), EVR_E_NO_DEVICE, &e, "");
    run_op("aten::abs");
}

int main(void)
{
    open_bridge_or_skip();
    if (!fn->record_begin) {
        printf("skipped: this bridge records nothing\n");
        return close_bridge(77);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recording__names_operators),
        cmocka_unit_test(test_recording__what_cannot_be_recorded),
        cmocka_unit_test(test_recording__one_at_a_time),
        cmocka_unit_test(test_recording__an_operator_fails),
        cmocka_unit_test(test_stream__of_devices_without),
    };
    return close_bridge(cmocka_run_group_tests(tests, NULL, NULL));
}
