/* Every call that allocates, with every one of its allocations failing in turn; and inputs cut short or damaged at a thousand places. */
#include "support/support.h"
#include "support/sweep.h"
#include "support/walk.h"

#include <stdbool.h>

static const char *const inputs[] = {"small_kineto.json", "small_kineto.json.gz", "small_kineto.json.zst", "small_array.json",
                                     "small_execution.json"};
enum { INPUTS = sizeof inputs / sizeof *inputs, CUTS = 1000 };

static void test_sweep__context(void **state)
{
    (void)state;
    for (size_t fail = 1; fail <= 3; fail++) {
        test_memory m = {.fail_after = fail};
        evr_allocator allocator = test_allocator(&m);
        evr_context_options options = {.struct_size = sizeof options, .allocator = &allocator, .plugin_path = "/a:/b"};
        evr_context *ctx = NULL;
        evr_error *err = NULL;
        evr_status status = evr_context_new(&options, &ctx, &err);
        assert_int_equal(status, fail < 3 ? EVR_E_NOMEM : EVR_OK);
        assert_int_equal(evr_error_code(err), status);
        evr_error_free(err);
        test_context_done(ctx, &m);
    }
}

typedef struct input {
    const char *data;
    size_t size;
    uint32_t flags;
    uint64_t window;
} input;

static evr_status open_input(evr_context *ctx, const input *in, evr_trace **out, evr_error **err)
{
    evr_trace_options options = {.struct_size = sizeof options, .flags = in->flags, .threads = 1, .window_bytes = in->window};
    return evr_trace_open_memory(ctx, in->data, in->size, &options, out, err);
}

static evr_status open_step(evr_context *ctx, void *user, evr_error **err)
{
    evr_trace *trace = NULL;
    evr_status status = open_input(ctx, user, &trace, err);
    assert_true((status == EVR_OK) == (trace != NULL));
    evr_trace_free(trace);
    return status;
}

static void test_sweep__open_memory(void **state)
{
    (void)state;
    static const uint64_t windows[] = {0, 256};
    static const uint32_t flags[] = {0, EVR_TRACE_RECOVER | EVR_TRACE_PYTHON | EVR_TRACE_ALL_ARGS};
    for (int i = 0; i < INPUTS; i++)
        for (int variant = 0; variant < 2; variant++) {
            input in = {.flags = flags[variant], .window = windows[variant]};
            char *data = test_read_file(test_data(inputs[i]), &in.size);
            assert_non_null(data);
            in.data = data;
            test_sweep_both(inputs[i], open_step, &in);
            free(data);
        }
}

static evr_status open_file_step(evr_context *ctx, void *user, evr_error **err)
{
    evr_trace_options options = {.struct_size = sizeof options, .threads = 1};
    evr_trace *trace = NULL;
    evr_status status = evr_trace_open_file(ctx, user, &options, &trace, err);
    evr_trace_free(trace);
    return status;
}

static void test_sweep__open_file(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s", test_data("small_kineto.json.gz"));
    test_sweep_both("file", open_file_step, path);
}

/* A failing open whose error must be explained: the status stays what it is, the explanation may get lost. */
static void test_sweep__open_damaged(void **state)
{
    (void)state;
    input in = {.flags = 0};
    char *data = test_read_file(test_data("small_kineto.json.gz"), &in.size);
    assert_non_null(data);
    in.data = data;
    in.size -= in.size / 3;
    for (size_t fail = 1;; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        m.fail_after = m.calls + fail;
        evr_trace *trace = NULL;
        evr_error *err = NULL;
        evr_status status = open_input(ctx, &in, &trace, &err);
        bool reached = m.calls >= m.fail_after;
        m.fail_after = 0;
        assert_null(trace);
        assert_true(status == EVR_E_TRUNCATED || (reached && status == EVR_E_NOMEM));
        assert_int_not_equal(evr_error_code(err), EVR_OK);
        evr_error_free(err);
        test_context_done(ctx, &m);
        if (!reached)
            break;
    }
    free(data);
}

static evr_event_desc made_up_event(uint64_t i)
{
    static const char *const names[] = {"aten::add", "aten::mm", "cudaLaunchKernel", "kernel"};
    static const char *const categories[] = {"cpu_op", "cpu_op", "cuda_runtime", "kernel"};
    static const char dims[] = "[[2,3],[]]";
    evr_event_desc e = {.struct_size = sizeof e, .sequence = (int64_t)i, .device = -1, .stream = -1};
    e.name = (evr_str){names[i % 4], strlen(names[i % 4])};
    e.category = (evr_str){categories[i % 4], strlen(categories[i % 4])};
    e.tid = (int64_t)(i % 5);
    e.start_ns = (int64_t)(i * 10);
    e.duration_ns = 35;
    e.correlation = i / 4 + 1;
    if (i % 4 < 2)
        e.dims = (evr_str){dims, sizeof dims - 1};
    return e;
}

static evr_status build_step(evr_context *ctx, void *user, evr_error **err)
{
    uint64_t events = *(const uint64_t *)user;
    evr_trace_builder *builder = NULL;
    evr_trace *trace = NULL;
    evr_status status = evr_trace_builder_new(ctx, NULL, &builder, err);
    if (status == EVR_OK)
        status = evr_trace_builder_reserve(builder, events / 2, err);
    for (uint64_t i = 0; i < events && status == EVR_OK; i++) {
        evr_event_desc e = made_up_event(i);
        status = evr_trace_builder_push(builder, &e, err);
    }
    if (status == EVR_OK)
        status = evr_trace_builder_finish(builder, &trace, err);
    if (status == EVR_OK)
        assert_int_equal(evr_trace_event_count(trace), events);
    evr_trace_free(trace);
    evr_trace_builder_free(builder);
    return status;
}

static void test_sweep__builder(void **state)
{
    (void)state;
    static uint64_t sizes[] = {0, 1, 2, 40, 700};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        test_sweep_both("builder", build_step, &sizes[i]);
}

/* A push or finish that failed for want of memory can be repeated, and nothing is lost or doubled. */
static void test_sweep__builder_tries_again(void **state)
{
    (void)state;
    enum { EVENTS = 600 };
    uint64_t want = 0;
    for (size_t fail = 0; fail < 150; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_trace_builder *builder;
        assert_ok(evr_trace_builder_new(ctx, NULL, &builder, err));
        m.fail_after = fail ? m.calls + fail : 0;
        m.fail_once = 1;
        for (uint64_t i = 0; i < EVENTS; i++) {
            evr_event_desc e = made_up_event(i);
            if (evr_trace_builder_push(builder, &e, NULL) != EVR_OK)
                assert_ok(evr_trace_builder_push(builder, &e, err));
        }
        evr_trace *trace = NULL;
        if (evr_trace_builder_finish(builder, &trace, NULL) != EVR_OK)
            assert_ok(evr_trace_builder_finish(builder, &trace, err));
        uint64_t got = walk_trace(trace, EVENTS);
        want = fail ? want : got;
        assert_int_equal(got, want);
        evr_trace_free(trace);
        evr_trace_builder_free(builder);
        test_context_done(ctx, &m);
    }
}

/* Device time of streams in no order needs scratch memory; without it the answer is the same. */
static void test_sweep__device_time_without_memory(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace_builder *builder;
    evr_trace *trace;
    assert_ok(evr_trace_builder_new(ctx, NULL, &builder, err));
    evr_event_desc e = {.struct_size = sizeof e, .name = {"cudaGraphLaunch", 15}, .category = {"cuda_runtime", 12}};
    e.duration_ns = 5;
    e.correlation = 9;
    assert_ok(evr_trace_builder_push(builder, &e, err));
    static bool busy[5000];
    memset(busy, 0, sizeof busy);
    int64_t covered = 0;
    e.name = (evr_str){"k", 1};
    e.category = (evr_str){"kernel", 6};
    for (uint64_t i = 0; i < 700; i++) {
        e.tid = (int64_t)(i % 7);
        e.start_ns = (int64_t)(10 + i * 2654435761u % 4000);
        e.duration_ns = (int64_t)(i * 40503u % 9);
        for (int64_t t = e.start_ns; t < e.start_ns + e.duration_ns; t++)
            busy[t] = true;
        assert_ok(evr_trace_builder_push(builder, &e, err));
    }
    for (size_t t = 0; t < sizeof busy; t++)
        covered += busy[t];
    assert_ok(evr_trace_builder_finish(builder, &trace, err));
    assert_int_equal(evr_trace_device_time(trace, 0), covered);
    m.fail_after = m.calls + 1;
    assert_int_equal(evr_trace_device_time(trace, 0), covered);
    m.fail_after = 0;
    evr_trace_free(trace);
    evr_trace_builder_free(builder);
    test_context_done(ctx, &m);
}

/* Ends of the events in the text, found without the library: the list's elements are the objects at depth `depth`. */
static size_t whole_events(const char *text, size_t len)
{
    const char *list = strstr(text, "\"traceEvents\"");
    size_t at = list ? (size_t)(strchr(list, '[') - text) + 1 : 1, count = 0;
    int depth = 0;
    for (bool quoted = false; at < len; at++) {
        char c = text[at];
        if (quoted && c == '\\')
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            count++;
        if (depth < 0)
            break;
    }
    return count;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Both ways of opening damaged data. Returns the number of events that recovery kept. */
static uint64_t check_damaged(evr_context *ctx, const input *in, const evr_trace *whole)
{
    evr_trace *trace = NULL;
    evr_error *err = NULL;
    evr_status status = open_input(ctx, in, &trace, &err);
    assert_int_not_equal(status, EVR_OK);
    assert_null(trace);
    if (status == EVR_E_TRUNCATED || status == EVR_E_FORMAT)
        assert_true(evr_error_offset(err) >= 0);
    else
        assert_int_equal(status, EVR_E_UNSUPPORTED);
    assert_int_not_equal(evr_error_message(err)[0], 0);
    evr_error_free(err);
    input gently = *in;
    gently.flags = EVR_TRACE_RECOVER;
    if (open_input(ctx, &gently, &trace, NULL) != EVR_OK)
        return 0;
    uint64_t kept = evr_trace_event_count(trace);
    assert_non_null(evr_trace_damage(trace));
    assert_true(kept > 0 && kept <= evr_trace_event_count(whole));
    assert_int_equal(walk_events(trace, kept), walk_events(whole, kept));
    evr_trace_free(trace);
    return kept;
}

static void truncate_at_random(const char *name, uint64_t window)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    input in = {.window = window};
    char *data = test_read_file(test_data(name), &in.size);
    assert_non_null(data);
    in.data = data;
    size_t whole_size = in.size;
    bool plain = data[0] == '{' || data[0] == '[';
    evr_trace *whole = NULL;
    assert_ok(open_input(ctx, &in, &whole, err));
    if (plain)
        assert_int_equal(evr_trace_event_count(whole), whole_events(data, whole_size));
    uint32_t seed = 7;
    uint64_t kept_in_all = 0;
    for (int i = 0; i < CUTS; i++) {
        size_t cut = next_random(&seed) % whole_size;
        char *part = malloc(cut ? cut : 1); /* exact, for the sanitizers */
        assert_non_null(part);
        memcpy(part, data, cut);
        input shorter = {.data = part, .size = cut, .window = window};
        uint64_t kept = check_damaged(ctx, &shorter, whole);
        if (plain) /* every whole event, not one less */
            assert_int_equal(kept, whole_events(data, cut));
        kept_in_all += kept;
        free(part);
    }
    printf("%s: %d cuts, %llu events kept on average\n", name, CUTS, (unsigned long long)(kept_in_all / CUTS));
    assert_true(kept_in_all > 0);
    evr_trace_free(whole);
    free(data);
    test_context_done(ctx, &m);
}

static void test_sweep__truncated(void **state)
{
    (void)state;
    truncate_at_random("small_kineto.json", 0);
    truncate_at_random("small_kineto.json", 300);
    truncate_at_random("small_array.json", 0);
    truncate_at_random("small_kineto.json.gz", 0);
    truncate_at_random("small_kineto.json.gz", 1000);
    truncate_at_random("small_kineto.json.zst", 0);
}

/* One byte changed in compressed data: the checksum tells, or the byte did not matter. */
static void test_sweep__changed_byte(void **state)
{
    (void)state;
    for (int i = 1; i <= 2; i++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        input in = {.flags = 0};
        char *data = test_read_file(test_data(inputs[i]), &in.size);
        assert_non_null(data);
        in.data = data;
        evr_trace *whole, *trace = NULL;
        assert_ok(open_input(ctx, &in, &whole, err));
        uint64_t want = walk_trace(whole, UINT64_MAX);
        size_t noticed = 0;
        for (size_t at = 0; at < in.size; at += 1 + in.size / CUTS) {
            char before = data[at];
            data[at] = (char)(before ^ (1 << at % 8));
            if (open_input(ctx, &in, &trace, NULL) == EVR_OK)
                assert_int_equal(walk_trace(trace, UINT64_MAX), want);
            else
                noticed++;
            evr_trace_free(trace);
            trace = NULL;
            data[at] = before;
        }
        printf("%s: %zu changes noticed\n", inputs[i], noticed);
        assert_true(noticed > 800);
        evr_trace_free(whole);
        free(data);
        test_context_done(ctx, &m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep__context),
        cmocka_unit_test(test_sweep__open_memory),
        cmocka_unit_test(test_sweep__open_file),
        cmocka_unit_test(test_sweep__open_damaged),
        cmocka_unit_test(test_sweep__builder),
        cmocka_unit_test(test_sweep__builder_tries_again),
        cmocka_unit_test(test_sweep__device_time_without_memory),
        cmocka_unit_test(test_sweep__truncated),
        cmocka_unit_test(test_sweep__changed_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
