/* Operators of libraries of our own: found, imported, initialized, called. They raise when they are given nonsense. */
#include "support/notation.h"

#include <stdbool.h>

#ifndef EVR_TEST_BRIDGE
#define EVR_TEST_BRIDGE NULL
#endif
#ifndef EVR_TEST_OPS
#define EVR_TEST_OPS ""
#define EVR_TEST_MODULES ""
#endif

/* Operators stay registered in the process, so tests that need them absent come first. */
static evr_context *ctx;
static evr_runtime *runtime;
static test_memory memory;

static evr_str s(const char *text) { return (evr_str){text, strlen(text)}; }

static int open_runtime(void **state)
{
    (void)state;
    evr_error *failure = NULL;
    ctx = test_context(&memory);
    evr_runtime_options o = {.struct_size = sizeof o, .bridge = EVR_TEST_BRIDGE, .seed = 5, .max_bytes = 1 << 28};
    evr_status status = EVR_TEST_OPS[0] ? evr_runtime_open(ctx, &o, &runtime, &failure) : EVR_E_PLUGIN;
    if (status == EVR_E_PLUGIN) {
        printf("skipped: no bridge was built\n");
        exit(77);
    }
    if (status != EVR_OK)
        printf("%s\n", evr_error_message(failure));
    evr_error_free(failure);
    return status;
}

static int close_runtime(void **state)
{
    (void)state;
    evr_runtime_free(runtime);
    evr_context_free(ctx);
    return memory.live != 0 || memory.mismatches != 0;
}

/* A record, set up and run. */
typedef struct live {
    evr_ir_set *set;
    evr_replayer *replayer;
} live;

static evr_status start(live *l, const char *op, const char *arguments, uint32_t flags, evr_error **err)
{
    const evr_replayer_options o = {.struct_size = sizeof o, .flags = flags};
    l->replayer = NULL;
    l->set = test_records(ctx, op, arguments);
    evr_status status = evr_replayer_new(runtime, evr_ir_set_at(l->set, 0), &o, &l->replayer, err);
    return status == EVR_OK ? evr_replayer_run(l->replayer, err) : status;
}

static void stop(live *l)
{
    evr_replayer_free(l->replayer);
    evr_ir_set_free(l->set);
}

static bool warned(const live *l, const char *part)
{
    for (size_t i = 0; i < evr_replayer_warning_count(l->replayer); i++)
        if (strstr(evr_replayer_warning(l->replayer, i).data, part))
            return true;
    return false;
}

static void test_import__unknown_namespaces_are_refused(void **state)
{
    (void)state;
    live l;
    evr_error *failure = NULL;
    assert_int_equal(start(&l, "evrtest::marked", "x=Tensor:float[2]", 0, &failure), EVR_E_NOT_FOUND);
    assert_non_null(strstr(evr_error_message(failure), "namespace evrtest is not registered"));
    assert_non_null(strstr(evr_error_hint(failure), "--import evrtest="));
    evr_error_free(failure);
    stop(&l);
}

/* A runtime keeps what it tried: each of these has one of its own. */
static evr_status in_new_runtime(evr_error **failure)
{
    live l;
    evr_runtime *shared = runtime;
    evr_runtime_options o = {.struct_size = sizeof o, .bridge = EVR_TEST_BRIDGE};
    assert_ok(evr_runtime_open(ctx, &o, &runtime, err));
    evr_status status = start(&l, "evrtest::marked", "x=Tensor:float[2]", 0, failure);
    stop(&l);
    evr_runtime_free(runtime);
    runtime = shared;
    return status;
}

static evr_status import_refused(void *user, const char *module, evr_error **err)
{
    strcat(user, module);
    return evr_error_make(ctx, err, EVR_E_PLUGIN, "the module is out to lunch", NULL);
}

static void test_import__failures_name_what_was_tried(void **state)
{
    (void)state;
    evr_error *failure = NULL;
    char asked[64] = "";
    const evr_str broken[] = {s("/no/such/library.so"), s("no_such.module")};
    assert_ok(evr_register_namespace(ctx, s("evrtest"), broken, 2, err));
    assert_int_equal(in_new_runtime(&failure), EVR_E_NOT_FOUND);
    assert_non_null(strstr(evr_error_message(failure), "/no/such/library.so: "));
    assert_non_null(strstr(evr_error_message(failure), "no_such.module: no libraries of this module in"));
    evr_error_free(failure);
    failure = NULL;
    const evr_host_hooks hooks = {.struct_size = sizeof hooks, .user = asked, .import_module = import_refused};
    assert_ok(evr_set_host_hooks(ctx, &hooks, err));
    assert_int_equal(in_new_runtime(&failure), EVR_E_NOT_FOUND);
    assert_string_equal(asked, "no_such.module"); /* libraries are no business of the host's */
    assert_non_null(strstr(evr_error_message(failure), "no_such.module: the module is out to lunch"));
    evr_error_free(failure);
    assert_ok(evr_set_host_hooks(ctx, NULL, err));
    assert_ok(evr_register_namespace(ctx, s("evrtest"), NULL, 0, err));
}

static int calls_seen;

static evr_status call_function(void *self, void *replayer, const void *args, const evr_str *names, size_t count, evr_error **failure)
{
    const evr_value *values = args;
    evr_tensor what;
    (void)self;
    (void)failure;
    assert_int_equal(count, 2);
    assert_str(names[1], "n");
    assert_int_equal(values[1].u.i, 3);
    assert_ok(evr_replayer_describe(replayer, &values[0], &what, err));
    assert_int_equal(what.shape[0], 7);
    calls_seen++;
    return EVR_OK;
}

static void free_function(void *self) { ++*(int *)self; }

static evr_status find_function(void *user, const char *op, evr_callable *out, evr_error **err)
{
    (void)err;
    if (strcmp(op, "pure::python") != 0)
        return EVR_E_NOT_FOUND;
    out->self = user;
    out->call = call_function;
    out->free = free_function;
    return EVR_OK;
}

static void test_callables__stand_in_for_operators(void **state)
{
    (void)state;
    live l;
    int freed = 0;
    evr_error *failure = NULL;
    const evr_host_hooks hooks = {.struct_size = sizeof hooks, .user = &freed, .find_callable = find_function};
    assert_ok(evr_set_host_hooks(ctx, &hooks, err));
    assert_ok(start(&l, "pure::python", "x=Tensor:float[7];n=int:3", 0, err));
    assert_ok(evr_replayer_run(l.replayer, err));
    assert_int_equal(calls_seen, 2);
    assert_int_equal(evr_replayer_result_count(l.replayer), 0);
    stop(&l);
    assert_int_equal(freed, 1);
    assert_int_equal(start(&l, "pure::other", "x=Tensor:float[7]", 0, &failure), EVR_E_NOT_FOUND);
    evr_error_free(failure);
    stop(&l);
    assert_ok(evr_set_host_hooks(ctx, NULL, err));
}

/* The module path leads to the libraries in modules/evrtest_ops: imported by name on first use. */
static void test_import__modules_by_their_libraries(void **state)
{
    (void)state;
    const evr_str module = s("evrtest_ops");
    assert_ok(evr_set_module_path(ctx, s("/no/such/folder:" EVR_TEST_MODULES), err));
    assert_ok(evr_register_namespace(ctx, s("evrtest"), &module, 1, err));
    evr_error *failure = NULL;
    evr_status status = in_new_runtime(&failure);
    if (status != EVR_OK)
        fail_msg("%s", evr_error_message(failure));
}

static void test_alias__where_the_name_does_not_exist(void **state)
{
    (void)state;
    live l;
    assert_ok(evr_register_alias(ctx, s("evrtest::renamed"), s("evrtest::marked"), err));
    assert_ok(evr_register_alias(ctx, s("evrtest::text"), s("evrtest::marked"), err)); /* exists: never asked */
    assert_ok(start(&l, "evrtest::renamed", "x=Tensor:float[2]", 0, err));
    stop(&l);
    assert_ok(start(&l, "evrtest::text", "x=Tensor:float[2];kv_cache_dtype=str:\"auto\"", 0, err));
    stop(&l);
}

#define PAGED "query=Tensor:float[%d,4,8];key_cache=Tensor:float[64,16,4,8];value_cache=Tensor:float[64,16,4,8];block_tables=Tensor:int[%d,8];" \
              "seq_lens=Tensor:int[%d];query_start_loc=Tensor:int[%d];block_size=int:16;max_seq_len=int:100"

static void test_paged__pages_lengths_and_rows(void **state)
{
    (void)state;
    static const struct {
        int rows, sequences;
    } shapes[] = {{7, 7}, {40, 6}, {1, 1}, {300, 3}, {5, 12}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char arguments[512];
        live l;
        int n = shapes[i].sequences;
        snprintf(arguments, sizeof arguments, PAGED, shapes[i].rows, n, n, n + 1);
        assert_ok(start(&l, "evrtest::paged", arguments, 0, err));
        assert_str(evr_replayer_initializer(l.replayer), "PagedAttentionInit");
        assert_int_equal(evr_replayer_warning_count(l.replayer), 0);
        stop(&l);
    }
    live l;
    evr_error *failure = NULL;
    char arguments[512];
    snprintf(arguments, sizeof arguments, PAGED, 7, 7, 7, 8);
    assert_int_equal(start(&l, "evrtest::paged", arguments, EVR_REPLAYER_NO_AUTO_INIT, &failure), EVR_E_OP); /* the operator does look */
    evr_error_free(failure);
    stop(&l);
}

static void read_numbers(live *l, int64_t *out, size_t count)
{
    evr_value v;
    assert_ok(evr_replayer_result(l->replayer, 0, &v, err));
    int32_t small[64];
    assert_true(count <= 64);
    assert_ok(evr_replayer_read(l->replayer, &v, 0, small, count * sizeof *small, err));
    for (size_t i = 0; i < count; i++)
        out[i] = small[i];
}

/* Three requests decode one token each, two read prompts of 37 together: the rows of the query are dealt out so. */
static void test_paged__the_batch_of_the_trace(void **state)
{
    (void)state;
    char text[2048];
    live l = {0};
    int64_t starts[6];
    snprintf(text, sizeof text,
             "{\"evreplay_ir\":1,\"records\":[{\"op\":\"evrtest::paged\",\"args\":["
             "{\"name\":\"query\",\"value\":{\"tensor\":{\"shape\":[40,4,8],\"strides\":[32,8,1],\"dtype\":\"float32\"}}},"
             "{\"name\":\"key_cache\",\"value\":{\"tensor\":{\"shape\":[64,16,4,8],\"strides\":[512,32,8,1],\"dtype\":\"float32\"}}},"
             "{\"name\":\"value_cache\",\"value\":{\"tensor\":{\"shape\":[64,16,4,8],\"strides\":[512,32,8,1],\"dtype\":\"float32\"}}},"
             "{\"name\":\"block_tables\",\"value\":{\"tensor\":{\"shape\":[5,8],\"strides\":[8,1],\"dtype\":\"int32\"}}},"
             "{\"name\":\"seq_lens\",\"value\":{\"tensor\":{\"shape\":[5],\"strides\":[1],\"dtype\":\"int32\"}}},"
             "{\"name\":\"query_start_loc\",\"value\":{\"tensor\":{\"shape\":[6],\"strides\":[1],\"dtype\":\"int32\"}}},"
             "{\"name\":\"block_size\",\"value\":16},{\"name\":\"max_seq_len\",\"value\":100}],"
             "\"batch\":{\"context_requests\":2,\"context_tokens\":37,\"context_cached\":60,\"generation_requests\":3,\"generation_tokens\":3,\"generation_cached\":90}}]}");
    assert_ok(evr_ir_read(ctx, text, strlen(text), &l.set, err));
    assert_ok(evr_replayer_new(runtime, evr_ir_set_at(l.set, 0), NULL, &l.replayer, err));
    assert_ok(evr_replayer_run(l.replayer, err));
    read_numbers(&l, starts, 6);
    const int64_t expected[] = {0, 1, 2, 3, 21, 40};
    assert_memory_equal(starts, expected, sizeof expected);
    stop(&l);
}

static void test_slots_and_positions(void **state)
{
    (void)state;
    live l;
    assert_ok(start(&l, "evrtest::slots", "key=Tensor:float[100,4,8];key_cache=Tensor(a!):float[64,16,4,8];slot_mapping=Tensor:long int[100]", 0, err));
    stop(&l);
    assert_ok(start(&l, "evrtest::positions", "position_ids=Tensor:long int[50];cos_sin_cache=Tensor:float[128,64]", 0, err));
    stop(&l);
}

#define MOE "hidden_states=Tensor:float[24,16];w1=Tensor:float[8,32,16];topk_weights=Tensor:float[24,2];topk_ids=Tensor:int[24,2];" \
            "sorted_token_ids=Tensor:int[152];expert_ids=Tensor:int[19];num_tokens_post_padded=Tensor:int[1];block_size_m=int:8"

/* How many of the 48 choices fall on the first two of eight experts. */
static int busiest(const char *distribution)
{
    live l;
    int64_t chosen[48];
    int first = 0;
    assert_ok(evr_set_init_option(ctx, s("moe_distribution"), s(distribution), err));
    assert_ok(start(&l, "evrtest::moe", MOE, 0, err));
    assert_str(evr_replayer_initializer(l.replayer), "MoeRoutingInit");
    read_numbers(&l, chosen, 48);
    for (int i = 0; i < 48; i++)
        first += chosen[i] < 2;
    stop(&l);
    return first;
}

static void test_moe__routing_by_distribution(void **state)
{
    (void)state;
    int even = busiest("uniform"), zipf = busiest("zipf");
    assert_in_range(even, 4, 22);  /* 12 on average */
    assert_in_range(zipf, 24, 48); /* the law says 32 */
    live l;
    assert_ok(evr_set_init_option(ctx, s("moe_distribution"), s("sideways"), err));
    evr_error *failure = NULL;
    evr_status status = start(&l, "evrtest::moe", MOE, 0, &failure);
    assert_int_equal(status, EVR_E_OP); /* it runs with what the rules say, and says what went wrong */
    assert_true(warned(&l, "MoeRoutingInit failed") && warned(&l, "sideways"));
    evr_error_free(failure);
    stop(&l);
    assert_ok(evr_set_init_option(ctx, s("moe_distribution"), s("uniform"), err));
}

static void test_moe__packed_places(void **state)
{
    (void)state;
    live l;
    assert_ok(start(&l, "evrtest::packed_moe",
                    "hidden_states=Tensor:float[24,16];w1=Tensor:float[8,32,16];topk_ids=Tensor:int[24,2];sorted_token_ids=Tensor:int[160];"
                    "sorted_expert_ids=Tensor:int[20];num_valid_ids=Tensor:int[2]",
                    0, err));
    stop(&l);
}

static void test_texts_and_lists(void **state)
{
    (void)state;
    live l;
    assert_ok(start(&l, "evrtest::lists", "xs=Tensor[]:<float[2]|float[3]>;ys=Tensor?[]:<float[4]|null>", 0, err));
    assert_int_equal(evr_replayer_result_count(l.replayer), 1);
    stop(&l);
}

/* An event whose text the profiler dropped: the registered one is taken, and said. */
static void test_dropped_text__from_a_trace(void **state)
{
    (void)state;
    static const char trace_text[] =
        "{\"traceEvents\":[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"evrtest::text\",\"pid\":1,\"tid\":1,\"ts\":1,\"dur\":1,\"args\":{\"Input Dims\":[[3],[]],"
        "\"Input type\":[\"float\",\"\"],\"Input Strides\":[[1],[]],\"Concrete Inputs\":[\"\",\"\"]}}]}";
    evr_trace *trace = NULL;
    evr_extractor *x = NULL;
    evr_ir *ir = NULL;
    evr_replayer *r = NULL;
    assert_ok(evr_trace_open_memory(ctx, trace_text, strlen(trace_text), NULL, &trace, err));
    assert_ok(evr_extractor_new(ctx, trace, NULL, &x, err));
    assert_ok(evr_runtime_teach(runtime, x, err));
    assert_ok(evr_extractor_record(x, 0, &ir, err));
    assert_str(evr_ir_schema(ir), "evrtest::text(Tensor x, str kv_cache_dtype) -> Tensor");
    assert_int_equal(evr_ir_argument(ir, 1)->provenance, EVR_FROM_RULE);
    assert_int_equal(evr_runtime_teach(runtime, x, NULL), EVR_E_STATE);
    assert_ok(evr_replayer_new(runtime, ir, NULL, &r, err));
    assert_ok(evr_replayer_run(r, err));
    live l = {.replayer = r};
    assert_true(warned(&l, "kv_cache_dtype is \"auto\""));
    evr_replayer_free(r);
    evr_ir_free(ir);
    evr_extractor_free(x);
    evr_trace_free(trace);
}

static void test_symmetric__names_are_checked(void **state)
{
    (void)state;
    evr_error *failure = NULL;
    const evr_str good[] = {s("a"), s("bs")}, bad[] = {s("a"), s("c")}, number[] = {s("n")};
    assert_int_equal(evr_runtime_register_symm_mem_args(runtime, s("evrtest::nobody"), good, 2, &failure), EVR_E_NOT_FOUND);
    evr_error_free(failure);
    failure = NULL;
    assert_int_equal(evr_runtime_register_symm_mem_args(runtime, s("evrtest::symm"), bad, 2, &failure), EVR_E_INVALID);
    assert_non_null(strstr(evr_error_message(failure), "\"c\"; it has a, bs"));
    evr_error_free(failure);
    failure = NULL;
    assert_int_equal(evr_runtime_register_symm_mem_args(runtime, s("evrtest::symm"), number, 1, &failure), EVR_E_INVALID);
    evr_error_free(failure);
    assert_ok(evr_runtime_register_symm_mem_args(runtime, s("evrtest::symm"), good, 2, err));
    assert_ok(evr_register_symm_mem_args(ctx, s("evrtest::marked"), bad + 1, 1, err));
    live l;
    assert_int_equal(start(&l, "evrtest::marked", "x=Tensor:float[2]", 0, &failure), EVR_E_INVALID);
    assert_non_null(strstr(evr_error_message(failure), "it has x"));
    evr_error_free(failure);
    stop(&l);
    assert_ok(evr_register_symm_mem_args(ctx, s("evrtest::marked"), NULL, 0, err));
}

/* Without a process group each argument says so, and the operator runs in ordinary memory: functional, in place, out=. */
static void test_symmetric__warns_without_a_group(void **state)
{
    (void)state;
    static const struct {
        const char *op, *names[2], *arguments, *warning[2];
    } forms[] = {
        {"evrtest::symm", {"a", "bs"}, "a=Tensor:float[2];bs=Tensor[]:<float[2]|float[2]>;n=int:2", {"argument a is not in symmetric memory: there is no process group", "argument bs is not"}},
        {"evrtest::symm_", {"a"}, "a=Tensor(a!):float[2]", {"argument a is not", ""}},
        {"evrtest::symm_out", {"out"}, "a=Tensor:float[2];*out=Tensor(b!):float[2]", {"argument out is not", ""}},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        live l;
        const evr_str names[] = {s(forms[i].names[0]), s(forms[i].names[1] ? forms[i].names[1] : "")};
        assert_ok(evr_runtime_register_symm_mem_args(runtime, s(forms[i].op), names, forms[i].names[1] ? 2 : 1, err));
        assert_ok(start(&l, forms[i].op, forms[i].arguments, 0, err));
        assert_true(warned(&l, forms[i].warning[0]));
        assert_true(warned(&l, forms[i].warning[1]));
        stop(&l);
    }
}

/* An initializer of a user: sees the record, writes a tensor and a number. */
static evr_status five_init(void *user, evr_init_view *view, evr_error **failure)
{
    (void)failure;
    size_t arg = evr_init_find(view, "self"), alpha = evr_init_find(view, "alpha");
    const int64_t fives[] = {5, 5, 5, 5};
    const evr_value two = {.kind = EVR_VALUE_INT, .u.i = 2};
    evr_init_tensor t = {.struct_size = sizeof t};
    ++*(int *)user;
    assert_int_equal(evr_init_find(view, "nobody"), SIZE_MAX);
    assert_int_equal(evr_init_tensor_at(view, arg, 1, &t, NULL), EVR_E_NOT_FOUND);
    assert_int_equal(evr_init_tensor_at(view, alpha, 0, &t, NULL), EVR_E_NOT_FOUND);
    assert_ok(evr_init_tensor_at(view, arg, 0, &t, err));
    assert_int_equal(t.shape[0], 4);
    assert_int_equal(evr_init_write_i64(view, arg, 0, fives, 3, NULL), EVR_E_INVALID);
    assert_ok(evr_init_write_i64(view, arg, 0, fives, 4, err));
    assert_ok(evr_init_write_i64(view, evr_init_find(view, "other"), 0, fives, 4, err));
    assert_ok(evr_init_set_value(view, alpha, &two, err));
    assert_ok(evr_init_warn(view, "fives all over"));
    return EVR_OK;
}

static evr_status pass(void *user, evr_init_view *view, evr_error **err)
{
    (void)view;
    (void)err;
    ++*(int *)user;
    return EVR_PASSTHROUGH;
}

static void test_custom_init__lazy_and_first_match(void **state)
{
    (void)state;
    static int passed, fives, later;
    const char *ops[] = {"aten::add", NULL};
    const evr_custom_init a = {.struct_size = sizeof a, .name = "pass", .op_names = ops, .init = pass, .user = &passed};
    const evr_custom_init b = {.struct_size = sizeof b, .name = "five", .op_names = ops, .init = five_init, .user = &fives};
    const evr_custom_init c = {.struct_size = sizeof c, .name = "later", .op_names = ops, .init = pass, .user = &later};
    assert_ok(evr_register_custom_init(ctx, &a, err));
    assert_ok(evr_register_custom_init(ctx, &b, err));
    assert_ok(evr_register_custom_init(ctx, &c, err));
    evr_ir_set *set = test_records(ctx, "aten::add", "self=Tensor:float[4];other=Tensor:float[4];*alpha=Scalar:1");
    evr_replayer *r = NULL;
    const evr_replayer_options lazy = {.struct_size = sizeof lazy, .flags = EVR_REPLAYER_LAZY};
    evr_value v;
    float sum[4];
    assert_ok(evr_replayer_new(runtime, evr_ir_set_at(set, 0), &lazy, &r, err));
    assert_int_equal(passed + fives, 0); /* lazy: nothing happened yet */
    assert_ok(evr_replayer_run(r, err));
    assert_ok(evr_replayer_run(r, err));
    assert_int_equal(passed, 1); /* once for each set-up */
    assert_int_equal(fives, 1);
    assert_int_equal(later, 0); /* the first that answers is the only one */
    assert_str(evr_replayer_initializer(r), "five");
    assert_str(evr_replayer_warning(r, 0), "fives all over");
    assert_ok(evr_replayer_result(r, 0, &v, err));
    assert_ok(evr_replayer_read(r, &v, 0, sum, sizeof sum, err));
    assert_true(sum[0] == 15 && sum[3] == 15); /* 5 + 2 × 5 */
    char *one = NULL, *two = NULL;
    size_t one_size, two_size;
    assert_ok(evr_replayer_repro(r, &one, &one_size, err));
    assert_ok(evr_replayer_run(r, err));
    assert_ok(evr_replayer_repro(r, &two, &two_size, err));
    assert_string_equal(one, two);
    evr_text_free(ctx, one);
    evr_text_free(ctx, two);
    evr_replayer_free(r);
    evr_ir_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import__unknown_namespaces_are_refused),
        cmocka_unit_test(test_import__failures_name_what_was_tried),
        cmocka_unit_test(test_callables__stand_in_for_operators),
        cmocka_unit_test(test_import__modules_by_their_libraries),
        cmocka_unit_test(test_alias__where_the_name_does_not_exist),
        cmocka_unit_test(test_paged__pages_lengths_and_rows),
        cmocka_unit_test(test_paged__the_batch_of_the_trace),
        cmocka_unit_test(test_slots_and_positions),
        cmocka_unit_test(test_moe__routing_by_distribution),
        cmocka_unit_test(test_moe__packed_places),
        cmocka_unit_test(test_texts_and_lists),
        cmocka_unit_test(test_dropped_text__from_a_trace),
        cmocka_unit_test(test_symmetric__names_are_checked),
        cmocka_unit_test(test_symmetric__warns_without_a_group),
        cmocka_unit_test(test_custom_init__lazy_and_first_match),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
