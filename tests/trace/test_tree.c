/* The tree of calls and what hangs together across threads and devices, on traces built by hand. */
#include "support/support.h"

#include <inttypes.h>

static const evr_event_desc plain = {.struct_size = sizeof plain, .sequence = -1, .device = -1, .stream = -1};

static evr_event_desc event(const char *category, const char *name, int64_t tid, int64_t start, int64_t duration)
{
    evr_event_desc e = plain;
    e.category = (evr_str){category, strlen(category)};
    e.name = (evr_str){name, strlen(name)};
    e.pid = 1;
    e.tid = tid;
    e.start_ns = start;
    e.duration_ns = duration;
    return e;
}

static evr_event_desc with_correlation(evr_event_desc e, uint64_t correlation)
{
    e.correlation = correlation;
    return e;
}

static evr_trace *build(evr_context *ctx, const evr_event_desc *events, size_t n, uint32_t flags)
{
    evr_trace_options o = {.struct_size = sizeof o, .flags = flags};
    evr_trace_builder *b = NULL;
    evr_trace *t = NULL;
    assert_ok(evr_trace_builder_new(ctx, &o, &b, err));
    for (size_t i = 0; i < n; i++)
        assert_ok(evr_trace_builder_push(b, &events[i], err));
    assert_ok(evr_trace_builder_finish(b, &t, err));
    evr_trace_builder_free(b);
    return t;
}

static evr_uid parent_of(const evr_trace *t, evr_uid uid)
{
    evr_event e = {.struct_size = sizeof e};
    assert_int_equal(evr_trace_event(t, uid, &e, NULL), EVR_OK);
    return e.parent;
}

static void test_tree__nesting(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const evr_event_desc events[] = {
        event("cpu_op", "inner", 1, 20, 10),   /* 0: before its parent in the file */
        event("cpu_op", "outer", 1, 10, 50),   /* 1 */
        event("cpu_op", "next", 1, 30, 5),     /* 2: starts where 0 ends, so beside it */
        event("cpu_op", "overlaps", 1, 50, 40), /* 3: starts in 1, ends after it */
        event("cpu_op", "late", 1, 70, 5),     /* 4: 1 has ended, 3 has not */
        event("cpu_op", "other", 2, 20, 10),   /* 5: another thread */
        event("python_function", "py", 1, 0, 1000), /* 6 */
        event("cpu_op", "empty", 1, 30, 0),    /* 7: same start as 2, later in the file */
        event("cpu_op", "twin", 1, 200, 10),   /* 8 */
        event("cpu_op", "twin", 1, 200, 10),   /* 9: equal times: the first in the file is outside */
    };
    evr_trace *t = build(ctx, events, sizeof events / sizeof *events, 0);
    const evr_uid none = EVR_NO_UID, want[] = {1, none, 1, 1, 3, none, none, 2, none, 8};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (parent_of(t, i) != want[i])
            fail_msg("parent of %zu is %" PRId64 ", not %" PRId64, i, (int64_t)parent_of(t, i), (int64_t)want[i]);
    assert_int_equal(evr_trace_first_child(t, 1), 0);
    assert_int_equal(evr_trace_next_sibling(t, 0), 2);
    assert_int_equal(evr_trace_next_sibling(t, 2), 3);
    assert_true(evr_trace_next_sibling(t, 3) == EVR_NO_UID);
    assert_int_equal(evr_trace_first_child(t, 2), 7);
    assert_true(evr_trace_first_child(t, 6) == EVR_NO_UID);
    evr_trace_free(t);
    t = build(ctx, events, sizeof events / sizeof *events, EVR_TRACE_PYTHON);
    assert_int_equal(parent_of(t, 1), 6);
    assert_int_equal(parent_of(t, 8), 6);
    assert_true(parent_of(t, 5) == EVR_NO_UID);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_device__launches(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const evr_event_desc events[] = {
        event("cpu_op", "outer", 1, 0, 100),                                 /* 0 */
        event("cpu_op", "inner", 1, 10, 40),                                 /* 1 */
        with_correlation(event("cuda_runtime", "launch", 1, 20, 5), 7),      /* 2 */
        with_correlation(event("cuda_runtime", "graph launch", 1, 60, 5), 8), /* 3 */
        with_correlation(event("kernel", "b", 9, 130, 20), 8),               /* 4 */
        with_correlation(event("kernel", "a", 9, 120, 20), 8),               /* 5: overlaps 4 by 10 */
        with_correlation(event("gpu_memcpy", "copy", 9, 50, 10), 7),         /* 6 */
        with_correlation(event("kernel", "orphan", 9, 60, 10), 99),          /* 7 */
        with_correlation(event("cuda_runtime", "again", 1, 200, 5), 7),      /* 8: the id comes again */
        with_correlation(event("gpu_memset", "later", 9, 210, 3), 7),        /* 9 */
    };
    evr_trace *t = build(ctx, events, sizeof events / sizeof *events, 0);
    size_t n;
    const evr_uid *uids = evr_trace_device_events(t, 0, &n);
    assert_int_equal(n, 3);
    assert_true(uids[0] == 6 && uids[1] == 5 && uids[2] == 4); /* in order of launch, then start */
    assert_non_null(evr_trace_device_events(t, 1, &n));
    assert_int_equal(n, 1);
    assert_int_equal(evr_trace_device_time(t, 0), 10 + 30);
    assert_int_equal(evr_trace_device_time(t, 3), 30);
    assert_int_equal(evr_trace_device_time(t, 7), 0);
    assert_int_equal(evr_trace_launcher(t, 4), 3);
    assert_int_equal(evr_trace_launcher(t, 6), 2);
    assert_int_equal(evr_trace_launcher(t, 9), 8);
    assert_true(evr_trace_launcher(t, 7) == EVR_NO_UID);
    assert_true(evr_trace_launcher(t, 0) == EVR_NO_UID);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_device__time_of_work_in_no_order(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_event_desc events[700];
    size_t n = 0;
    events[n++] = event("cpu_op", "op", 1, 0, 1000);
    for (uint64_t i = 0; i < 300; i++) { /* launched forwards, run backwards: 300 pieces of 5, one every 10 */
        events[n++] = with_correlation(event("cuda_runtime", "launch", 1, (int64_t)i + 1, 1), i + 1);
        events[n++] = with_correlation(event("kernel", "k", 9, 10000 - (int64_t)i * 10, 5), i + 1);
    }
    evr_trace *t = build(ctx, events, n, 0);
    assert_int_equal(evr_trace_device_time(t, 0), 1500);
    m.fail_after = m.calls + 1; /* needs no memory to be right */
    assert_int_equal(evr_trace_device_time(t, 0), 1500);
    m.fail_after = 0;
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_links__by_sequence_number(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_event_desc forward = event("cpu_op", "aten::mm", 1, 10, 5), backward = event("cpu_op", "MmBackward0", 2, 100, 5);
    forward.sequence = backward.sequence = 4;
    backward.forward_thread = 1;
    const evr_event_desc events[] = {backward, forward, event("cpu_op", "aten::add", 1, 20, 5)};
    evr_trace *t = build(ctx, events, 3, 0);
    assert_int_equal(evr_trace_forward_of(t, 0), 1);
    assert_int_equal(evr_trace_backward_of(t, 1), 0);
    assert_true(evr_trace_forward_of(t, 2) == EVR_NO_UID);
    assert_true(evr_trace_backward_of(t, 0) == EVR_NO_UID);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_links__by_arrow(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_event_desc from = event("fwdbwd", "fwdbwd", 1, 10, 0), to = event("fwdbwd", "fwdbwd", 2, 100, 0);
    from.phase = 's';
    to.phase = 'f';
    from.external_id = to.external_id = 3;
    const evr_event_desc events[] = {
        event("cpu_op", "aten::linear", 1, 10, 30), event("cpu_op", "aten::addmm", 1, 10, 20), from,
        event("cpu_op", "autograd", 2, 100, 50), to,
    };
    evr_trace *t = build(ctx, events, 5, 0);
    assert_int_equal(evr_trace_forward_of(t, 3), 0); /* of those that start together the outermost */
    assert_int_equal(evr_trace_backward_of(t, 0), 3);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_annotations__innermost(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const evr_event_desc events[] = {
        event("user_annotation", "step", 1, 0, 100), event("user_annotation", "forward", 1, 10, 40),
        event("cpu_op", "a", 1, 20, 5), event("cpu_op", "b", 1, 60, 5), event("cpu_op", "c", 1, 100, 5),
        event("cpu_op", "d", 2, 20, 5),
    };
    evr_trace *t = build(ctx, events, 6, 0);
    assert_int_equal(evr_trace_annotation_of(t, 2), 1);
    assert_int_equal(evr_trace_annotation_of(t, 3), 0);
    assert_true(evr_trace_annotation_of(t, 4) == EVR_NO_UID);
    assert_true(evr_trace_annotation_of(t, 5) == EVR_NO_UID);
    assert_int_equal(evr_trace_annotation_of(t, 1), 0);
    assert_true(evr_trace_annotation_of(t, 0) == EVR_NO_UID);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_filter__every_condition(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const evr_event_desc events[] = {event("cpu_op", "aten::add", 1, 0, 10), event("kernel", "k", 1, 5, 10),
                                     event("cpu_op", "aten::addmm", 1, 20, 10), event("cpu_op", "other", 1, 40, 0)};
    evr_trace *t = build(ctx, events, 4, 0);
    evr_event_filter f = {.struct_size = sizeof f, .kind = EVR_KIND_KERNEL};
    assert_int_equal(evr_trace_next(t, &f, 0), 1);
    assert_true(evr_trace_next(t, &f, 2) == EVR_NO_UID);
    f = (evr_event_filter){.struct_size = sizeof f, .name = {"aten::*mm", 9}};
    assert_int_equal(evr_trace_next(t, &f, 0), 2);
    f = (evr_event_filter){.struct_size = sizeof f, .category = {"cpu_op", 6}, .from_ns = 10, .to_ns = 21};
    assert_int_equal(evr_trace_next(t, &f, 0), 2); /* 0 ended at 10 */
    f = (evr_event_filter){.struct_size = sizeof f, .from_ns = 40, .to_ns = 41};
    assert_int_equal(evr_trace_next(t, &f, 0), 3); /* an event without duration is at its start */
    assert_int_equal(evr_trace_next(t, NULL, 3), 3);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree__nesting),
        cmocka_unit_test(test_device__launches),
        cmocka_unit_test(test_device__time_of_work_in_no_order),
        cmocka_unit_test(test_links__by_sequence_number),
        cmocka_unit_test(test_links__by_arrow),
        cmocka_unit_test(test_annotations__innermost),
        cmocka_unit_test(test_filter__every_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
