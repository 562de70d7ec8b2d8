/* The builder: what is pushed is what the trace holds, wherever the texts lay, and no memory is taken for what is known. */
#include "support/support.h"

#include <stdio.h>

static evr_event_desc operator_at(int64_t start)
{
    evr_event_desc e = {.struct_size = sizeof e, .sequence = -1, .device = -1, .stream = -1};
    e.category = (evr_str){"cpu_op", 6};
    e.name = (evr_str){"aten::add", 9};
    e.pid = e.tid = 1;
    e.start_ns = start;
    e.duration_ns = 1;
    return e;
}

static evr_trace *finish(evr_trace_builder *b)
{
    evr_trace *t = NULL;
    assert_ok(evr_trace_builder_finish(b, &t, err));
    return t;
}

static evr_event event_of(const evr_trace *t, evr_uid uid)
{
    evr_event e = {.struct_size = sizeof e};
    assert_int_equal(evr_trace_event(t, uid, &e, NULL), EVR_OK);
    return e;
}

static void test_builder__used_again(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *b = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    for (int round = 0; round < 3; round++) {
        evr_event_desc e = operator_at(5);
        e.dims = (evr_str){"[[2]]", 5};
        assert_ok(evr_trace_builder_push(b, &e, err));
        evr_trace *t = NULL;
        assert_ok(evr_trace_builder_finish(b, &t, err));
        assert_int_equal(evr_trace_event_count(t), 1);
        assert_str(evr_trace_arg(t, 0, EVR_ARG_DIMS), "[[2]]");
        evr_trace_free(t);
    }
    evr_event_desc wrong = {.struct_size = 4};
    assert_int_equal(evr_trace_builder_push(b, &wrong, NULL), EVR_E_INVALID);
    evr_trace_builder_free(b);
    test_context_done(ctx, &m);
}

static void test_builder__no_memory_per_event(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *b = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    evr_event_desc e = operator_at(0);
    e.correlation = e.external_id = 1;
    e.sequence = e.device = e.stream = e.forward_thread = 1;
    assert_ok(evr_trace_builder_reserve(b, 10000, err));
    assert_ok(evr_trace_builder_push(b, &e, err));
    size_t calls = m.calls;
    for (int i = 0; i < 9999; i++) {
        e.start_ns = i;
        assert_ok(evr_trace_builder_push(b, &e, err));
    }
    assert_int_equal(m.calls, calls);
    evr_trace_builder_free(b);
    test_context_done(ctx, &m);
}

/* One buffer for all texts, as a profiler has that formats them: same address, same length, other bytes. */
static void test_builder__texts_change_where_they_lie(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *b = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    static const char letters[] = "abab";
    char name[80], category[8], dims[8], values[8];
    for (int i = 0; i < 4; i++) {
        evr_event_desc e = operator_at(i * 10);
        memset(name, 'n', sizeof name);
        name[i % 2 ? 79 : 40] = letters[i];
        e.name = (evr_str){name, sizeof name};
        e.category = (evr_str){category, (size_t)snprintf(category, sizeof category, "c%cx", letters[i])};
        e.dims = (evr_str){dims, (size_t)snprintf(dims, sizeof dims, "[[%d]]", i % 2)};
        e.values = (evr_str){values, (size_t)snprintf(values, sizeof values, "[%d]", i / 2)};
        assert_ok(evr_trace_builder_push(b, &e, err));
    }
    evr_trace *t = finish(b);
    assert_int_equal(evr_trace_name_count(t), 2);
    for (int i = 0; i < 4; i++) {
        evr_event e = event_of(t, (evr_uid)i);
        assert_int_equal(e.name.data[i % 2 ? 79 : 40], letters[i]);
        assert_int_equal(e.category.data[1], letters[i]);
        snprintf(dims, sizeof dims, "[[%d]]", i % 2);
        snprintf(values, sizeof values, "[%d]", i / 2);
        assert_str(evr_trace_arg(t, (evr_uid)i, EVR_ARG_DIMS), dims);
        assert_str(evr_trace_arg(t, (evr_uid)i, EVR_ARG_VALUES), values);
        for (int k = 0; k < i; k++)
            assert_int_not_equal(e.signature, event_of(t, (evr_uid)k).signature);
    }
    evr_trace_free(t);
    evr_trace_builder_free(b);
    test_context_done(ctx, &m);
}

/* More threads, categories, names and calls than the builder keeps at hand, twice, in another order the second time. */
static void test_builder__more_than_is_at_hand(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *b = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    static const char phases[] = "XsXfX";
    char name[32], category[32], dims[32];
    int step[2 * MANY];
    for (int i = 0; i < 2 * MANY; i++) {
        step[i] = i < MANY ? i : (int)((long)i * 1009 % MANY);
        evr_event_desc e = operator_at(i * 10);
        e.phase = phases[step[i] % 5];
        e.pid = step[i] % 60 - 30;
        e.tid = step[i] / 60;
        e.name = (evr_str){name, (size_t)snprintf(name, sizeof name, "name %d", step[i])};
        e.category = (evr_str){category, (size_t)snprintf(category, sizeof category, "c%dc", step[i] % 700)};
        e.dims = (evr_str){dims, (size_t)snprintf(dims, sizeof dims, "[[%d]]", step[i] % 900)};
        assert_ok(evr_trace_builder_push(b, &e, err));
    }
    evr_trace *t = finish(b);
    assert_int_equal(evr_trace_name_count(t), MANY);
    for (int i = 0; i < 2 * MANY; i++) {
        evr_event e = event_of(t, (evr_uid)i);
        snprintf(name, sizeof name, "name %d", step[i]);
        snprintf(category, sizeof category, "c%dc", step[i] % 700);
        snprintf(dims, sizeof dims, "[[%d]]", step[i] % 900);
        assert_str(e.name, name);
        assert_str(e.category, category);
        assert_int_equal(e.phase, phases[step[i] % 5]);
        assert_int_equal(e.kind, e.phase == 'X' ? EVR_KIND_OTHER : EVR_KIND_FLOW);
        assert_str(evr_trace_arg(t, (evr_uid)i, EVR_ARG_DIMS), dims);
        snprintf(name, sizeof name, "%d", step[i] % 60 - 30);
        assert_str(e.pid, name);
        snprintf(name, sizeof name, "%d", step[i] / 60);
        assert_str(e.tid, name);
    }
    evr_trace_free(t);
    evr_trace_builder_free(b);
    test_context_done(ctx, &m);
}

/* One process with more threads than are at hand; one category in every phase there is. */
static void test_builder__differ_in_one_thing(void **state)
{
    (void)state;
    enum { THREADS = 500, PHASES = '~' - '!' };
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *b = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    for (int i = 0; i < 2 * THREADS; i++) {
        evr_event_desc e = operator_at(i * 10);
        e.tid = i % THREADS;
        e.phase = (char)('!' + i % PHASES);
        assert_ok(evr_trace_builder_push(b, &e, err));
    }
    evr_trace *t = finish(b);
    for (int i = 0; i < 2 * THREADS; i++) {
        evr_event e = event_of(t, (evr_uid)i);
        char tid[16];
        snprintf(tid, sizeof tid, "%d", i % THREADS);
        assert_str(e.tid, tid);
        assert_int_equal(e.phase, '!' + i % PHASES);
        assert_int_equal(e.kind, e.phase == 'M' ? EVR_KIND_METADATA : memchr("sft", e.phase, 3) ? EVR_KIND_FLOW : EVR_KIND_OP);
    }
    evr_trace_free(t);
    evr_trace_builder_free(b);
    test_context_done(ctx, &m);
}

/* Fields that an older caller's structure lacks are as good as empty. */
static void test_builder__older_structure(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *b = NULL;
    assert_ok(evr_trace_builder_new(ctx, NULL, &b, err));
    evr_event_desc e = operator_at(0);
    e.dims = e.values = (evr_str){"[[2]]", 5};
    e.struct_size = offsetof(evr_event_desc, values);
    assert_ok(evr_trace_builder_push(b, &e, err));
    e.struct_size = offsetof(evr_event_desc, dims);
    assert_ok(evr_trace_builder_push(b, &e, err));
    evr_trace *t = finish(b);
    assert_str(evr_trace_arg(t, 0, EVR_ARG_DIMS), "[[2]]");
    assert_int_equal(evr_trace_arg(t, 0, EVR_ARG_VALUES).len, 0);
    assert_int_equal(event_of(t, 1).signature, 0);
    evr_trace_free(t);
    evr_trace_builder_free(b);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builder__used_again),
        cmocka_unit_test(test_builder__no_memory_per_event),
        cmocka_unit_test(test_builder__texts_change_where_they_lie),
        cmocka_unit_test(test_builder__more_than_is_at_hand),
        cmocka_unit_test(test_builder__differ_in_one_thing),
        cmocka_unit_test(test_builder__older_structure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
