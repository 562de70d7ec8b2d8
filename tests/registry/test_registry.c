/* What a context knows of operators: names, sources, initializers, configuration; at size, from several threads, without memory. */
#include "support/support.h"

#include "registry/inits.h"

#include <pthread.h>
#include <time.h>

static evr_str s(const char *text) { return evr_str_c(text); }

static void test_registry__ships_known_namespaces(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    size_t n;
    const evr_str *sources = evr_namespace_sources(ctx, s("vllm"), &n);
    assert_int_equal(n, 2);
    assert_str(sources[0], "vllm._C");
    assert_str(sources[1], "vllm._rocm_C");
    assert_str(evr_namespace_sources(ctx, s("fbgemm"), &n)[0], "fbgemm_gpu");
    assert_null(evr_namespace_sources(ctx, s("nobody"), &n));
    assert_int_equal(n, 0);
    assert_str(evr_alias_of(ctx, s("_rocm_C::wvSplitK")), "_rocm_C::wvSpltK");
    assert_str(evr_alias_of(ctx, s("aten::add")), "");
    assert_str(evr_string_default_of(ctx, s("kv_cache_dtype")), "auto");
    assert_null(evr_string_default_of(ctx, s("activation")).data);
    assert_int_equal(evr_unknown_imports_allowed(ctx), 0);
    test_context_done(ctx, &m);
}

static void test_registry__later_replaces_earlier(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    size_t n;
    const evr_str two[] = {s("/opt/a.so"), s("b")};
    assert_ok(evr_register_namespace(ctx, s("vllm"), two, 2, err));
    const evr_str *old = evr_namespace_sources(ctx, s("vllm"), &n);
    assert_ok(evr_register_namespace(ctx, s("vllm"), two + 1, 1, err));
    assert_str(evr_namespace_sources(ctx, s("vllm"), &n)[0], "b");
    assert_int_equal(n, 1);
    assert_str(old[0], "/opt/a.so"); /* borrowed texts stay */
    assert_ok(evr_register_namespace(ctx, s("vllm"), NULL, 0, err));
    assert_null(evr_namespace_sources(ctx, s("vllm"), &n));
    assert_ok(evr_register_string_default(ctx, s("kv_cache_dtype"), s("fp8"), err));
    assert_str(evr_string_default_of(ctx, s("kv_cache_dtype")), "fp8");
    assert_ok(evr_register_string_default(ctx, s("empty"), s(""), err));
    assert_non_null(evr_string_default_of(ctx, s("empty")).data); /* set, to nothing */
    assert_ok(evr_register_string_default(ctx, s("empty"), (evr_str){NULL, 0}, err));
    assert_null(evr_string_default_of(ctx, s("empty")).data); /* taken out */
    assert_ok(evr_set_init_option(ctx, s("key"), s("value"), err));
    assert_ok(evr_set_init_option(ctx, s("key"), (evr_str){NULL, 0}, err));
    assert_null(evr_init_option_of(ctx, s("key")).data);
    assert_ok(evr_register_alias(ctx, s("_rocm_C::wvSplitK"), (evr_str){NULL, 0}, err));
    assert_str(evr_alias_of(ctx, s("_rocm_C::wvSplitK")), "");
    assert_int_equal(evr_register_alias(ctx, s(""), s("x"), NULL), EVR_E_INVALID);
    assert_int_equal(evr_register_alias(NULL, s("a"), s("x"), NULL), EVR_E_INVALID);
    test_context_done(ctx, &m);
}

/* An initializer that counts what happens to it. */
typedef struct probe {
    int destroyed, asked;
} probe;

static evr_status probe_init(void *user, evr_init_view *view, evr_error **err)
{
    (void)view;
    (void)err;
    ((probe *)user)->asked++;
    return EVR_OK;
}

static int32_t probe_applies(void *user, const evr_ir *ir)
{
    (void)user;
    (void)ir;
    return 1;
}

static void probe_destroy(void *user) { ((probe *)user)->destroyed++; }

static evr_custom_init make(probe *p, const char *name, const char *const *ops)
{
    return (evr_custom_init){
        .struct_size = sizeof(evr_custom_init), .name = name, .op_names = ops, .applies = ops ? NULL : probe_applies, .init = probe_init, .destroy = probe_destroy, .user = p};
}

static void next_is(evr_context *ctx, const char *op, evr_init_cursor *cursor, const char *name)
{
    evr_custom_init found;
    bool more = evr_registry_next_init(ctx, s(op), cursor, &found);
    if (more != (name != NULL) || (more && name && strcmp(found.name, name) != 0))
        fail_msg("%s: %s instead of %s", op, more ? found.name : "the end", name ? name : "the end");
}

static void test_inits__exact_names_in_order(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    probe p = {0};
    const char *ab[] = {"ns::a", "ns::b", NULL}, *b[] = {"ns::b", NULL};
    const evr_custom_init first = make(&p, "first", ab), any = make(&p, "any", NULL), last = make(&p, "last", b);
    assert_ok(evr_register_custom_init(ctx, &first, err));
    assert_ok(evr_register_custom_init(ctx, &any, err));
    assert_ok(evr_register_custom_init(ctx, &last, err));
    evr_init_cursor cursor = {0};
    next_is(ctx, "ns::b", &cursor, "first");
    next_is(ctx, "ns::b", &cursor, "any");
    next_is(ctx, "ns::b", &cursor, "last");
    next_is(ctx, "ns::b", &cursor, NULL);
    cursor = (evr_init_cursor){0};
    next_is(ctx, "ns::a", &cursor, "first");
    next_is(ctx, "ns::a", &cursor, "any");
    next_is(ctx, "ns::a", &cursor, NULL);
    cursor = (evr_init_cursor){0};
    next_is(ctx, "ns::aa", &cursor, "any"); /* names are exact */
    next_is(ctx, "ns::aa", &cursor, NULL);
    assert_str(evr_custom_init_name(ctx, 0), "first");
    assert_str(evr_custom_init_name(ctx, 2), "last");
    assert_str(evr_custom_init_name(ctx, 3), "PagedAttentionInit");
    assert_str(evr_custom_init_name(ctx, 4), "MoeRoutingInit");
    assert_str(evr_custom_init_name(ctx, 5), "");
    assert_int_equal(p.destroyed, 0);
    test_context_done(ctx, &m);
    assert_int_equal(p.destroyed, 3);
}

static void test_inits__destroyed_once_when_refused(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    probe p = {0};
    const char *ops[] = {"ns::a", NULL};
    evr_custom_init init = make(&p, "", ops);
    assert_int_equal(evr_register_custom_init(ctx, &init, NULL), EVR_E_INVALID);
    assert_int_equal(p.destroyed, 1);
    init = make(&p, "x", NULL);
    init.applies = NULL;
    assert_int_equal(evr_register_custom_init(ctx, &init, NULL), EVR_E_INVALID);
    assert_int_equal(p.destroyed, 2);
    init = make(&p, "x", ops);
    init.struct_size = 8; /* nothing in it can be believed, destroy neither */
    assert_int_equal(evr_register_custom_init(ctx, &init, NULL), EVR_E_INVALID);
    assert_int_equal(p.destroyed, 2);
    test_context_done(ctx, &m);
    assert_int_equal(p.destroyed, 2);
}

static void test_inits__no_memory(void **state)
{
    (void)state;
    for (size_t fail = 1;; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        probe p = {0};
        char names[300][16];
        const char *ops[301] = {NULL};
        for (int i = 0; i < 300; i++) {
            snprintf(names[i], sizeof names[i], "ns::op%d", i);
            ops[i] = names[i];
        }
        m.fail_after = m.calls + fail;
        evr_custom_init init = make(&p, "x", ops), found;
        evr_status status = evr_register_custom_init(ctx, &init, NULL);
        m.fail_after = 0;
        assert_true(status == EVR_OK || status == EVR_E_NOMEM);
        assert_int_equal(p.destroyed, status == EVR_OK ? 0 : 1);
        evr_init_cursor cursor = {0};
        bool there = evr_registry_next_init(ctx, s("ns::op0"), &cursor, &found);
        assert_int_equal(there, status == EVR_OK); /* never half an initializer */
        test_context_done(ctx, &m);
        assert_int_equal(p.destroyed, 1);
        if (status == EVR_OK)
            break;
        assert_true(fail < 1000);
    }
}

static void test_registry__no_memory(void **state)
{
    (void)state;
    static const char config[] = "{\"namespaces\":{\"a\":[\"b\",\"/c.so\"]},\"aliases\":{\"x::y\":\"x::z\"},\"init_options\":{\"k\":\"v\"},"
                                 "\"symm_mem_args\":{\"x::y\":[\"q\"]},\"module_path\":\"/m\",\"import_unknown\":true}";
    for (size_t fail = 1;; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        m.fail_after = m.calls + fail;
        evr_status status = evr_configure(ctx, config, strlen(config), NULL);
        m.fail_after = 0;
        test_context_done(ctx, &m);
        if (status == EVR_OK)
            break;
        assert_int_equal(status, EVR_E_NOMEM);
        assert_true(fail < 1000);
    }
}

static void test_configure__everything(void **state)
{
    (void)state;
    static const char config[] = "{\"namespaces\": {\"mine\": [\"my.module\", \"/opt/my.so\"], \"one\": \"single\"},\n \"aliases\": {\"mine::old\": \"mine::new\"},\n"
                                 " \"string_defaults\": {\"act\\u0069vation\": \"silu\"}, \"symm_mem_args\": {\"mine::new\": [\"a\", \"b\"]},\n"
                                 " \"init_options\": {\"moe_distribution\": \"zipf\"}, \"import_unknown\": true, \"module_path\": \"/a:/b\"}\n";
    test_memory m;
    evr_context *ctx = test_context(&m);
    size_t n;
    assert_ok(evr_configure(ctx, config, strlen(config), err));
    assert_str(evr_namespace_sources(ctx, s("mine"), &n)[1], "/opt/my.so");
    assert_int_equal(n, 2);
    assert_str(evr_namespace_sources(ctx, s("one"), &n)[0], "single");
    assert_str(evr_alias_of(ctx, s("mine::old")), "mine::new");
    assert_str(evr_string_default_of(ctx, s("activation")), "silu");
    assert_str(evr_symm_mem_args(ctx, s("mine::new"), &n)[1], "b");
    assert_str(evr_init_option_of(ctx, s("moe_distribution")), "zipf");
    assert_int_equal(evr_unknown_imports_allowed(ctx), 1);
    assert_str(evr_module_path(ctx), "/a:/b");
    test_context_done(ctx, &m);
}

static void test_configure__faults_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text; /* the fault begins at the mark, which is taken out */
        evr_status status;
    } faults[] = {
        {"@[]", EVR_E_FORMAT},
        {"{@\"namespace\": {}}", EVR_E_FORMAT},
        {"{\"namespaces\": @3}", EVR_E_FORMAT},
        {"{\"namespaces\": {\"a\": @{}}}", EVR_E_FORMAT},
        {"{\"namespaces\": {\"a\": [@1]}}", EVR_E_FORMAT},
        {"{\"aliases\": {\"a\": @[\"b\"]}}", EVR_E_FORMAT},
        {"{\"import_unknown\": @\"yes\"}", EVR_E_FORMAT},
        {"{\"aliases\": {\"a\": \"b\"}@", EVR_E_TRUNCATED},
        {"{} @{}", EVR_E_FORMAT},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char text[256];
        size_t at = strcspn(faults[i].text, "@");
        snprintf(text, sizeof text, "%.*s%s", (int)at, faults[i].text, faults[i].text + at + 1);
        evr_error *err = NULL;
        evr_status status = evr_configure(ctx, text, strlen(text), &err);
        if (status != faults[i].status || evr_error_offset(err) != (int64_t)at)
            fail_msg("%s: %s at %lld", faults[i].text, evr_status_name(status), (long long)evr_error_offset(err));
        evr_error_free(err);
    }
    evr_error *err = NULL;
    assert_int_equal(evr_configure_file(ctx, "/no/such/file", &err), EVR_E_IO);
    assert_non_null(strstr(evr_error_message(err), "/no/such/file"));
    evr_error_free(err);
    test_context_done(ctx, &m);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Registers names from `from` on and finds them again. Returns nanoseconds for each. */
static double register_and_find(evr_context *ctx, int from, int count)
{
    double begun = now();
    for (int i = from; i < from + count; i++) {
        char op[32], target[32];
        snprintf(op, sizeof op, "ns%d::op", i);
        snprintf(target, sizeof target, "other%d::op", i);
        if (evr_register_alias(ctx, s(op), s(target), NULL) != EVR_OK)
            fail_msg("%s", op);
    }
    for (int i = from; i < from + count; i++) {
        char op[32], target[32];
        snprintf(op, sizeof op, "ns%d::op", i);
        snprintf(target, sizeof target, "other%d::op", i);
        evr_str found = evr_alias_of(ctx, s(op));
        if (!evr_str_is(found, target))
            fail_msg("%s gives %s", op, found.data);
    }
    return (now() - begun) * 1e9 / count;
}

static void test_registry__a_million_names(void **state)
{
    (void)state;
    evr_context *ctx = NULL;
    assert_ok(evr_context_new(NULL, &ctx, err));
    double small = register_and_find(ctx, 0, 10000);
    double large = register_and_find(ctx, 10000, 1000000);
    print_message("register and find one of 10,000: %.0f ns, of 1,010,000: %.0f ns (%.1f times)\n", small, large, large / small);
    assert_true(large < small * 50); /* quadratic cost would be a hundredfold and more */
    evr_context_free(ctx);
}

enum { THREADS = 4, NAMES = 2000 };

static void *use_registry(void *user)
{
    evr_context *ctx = user;
    static probe quiet;
    for (int i = 0; i < NAMES; i++) {
        char op[32];
        size_t n;
        snprintf(op, sizeof op, "ns%d::op", i);
        evr_str source = s(op);
        const char *ops[] = {op, NULL};
        evr_custom_init init = {.struct_size = sizeof init, .name = op, .op_names = ops, .init = probe_init, .user = &quiet}, found;
        evr_init_cursor cursor = {0};
        if (evr_register_alias(ctx, s(op), s("same::target"), NULL) != EVR_OK || evr_register_namespace(ctx, s(op), &source, 1, NULL) != EVR_OK ||
            evr_register_custom_init(ctx, &init, NULL) != EVR_OK || !evr_str_is(evr_alias_of(ctx, s(op)), "same::target") ||
            !evr_str_is(evr_namespace_sources(ctx, s(op), &n)[0], op) || !evr_registry_next_init(ctx, s(op), &cursor, &found) || strcmp(found.name, op) != 0)
            return (void *)"wrong";
    }
    return NULL;
}

static void test_registry__many_threads(void **state)
{
    (void)state;
    evr_context *ctx = NULL;
    pthread_t threads[THREADS];
    assert_ok(evr_context_new(NULL, &ctx, err));
    for (int i = 0; i < THREADS; i++) /* the first look-ups race to make the registry */
        assert_int_equal(pthread_create(&threads[i], NULL, use_registry, ctx), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    evr_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry__ships_known_namespaces),
        cmocka_unit_test(test_registry__later_replaces_earlier),
        cmocka_unit_test(test_inits__exact_names_in_order),
        cmocka_unit_test(test_inits__destroyed_once_when_refused),
        cmocka_unit_test(test_inits__no_memory),
        cmocka_unit_test(test_registry__no_memory),
        cmocka_unit_test(test_configure__everything),
        cmocka_unit_test(test_configure__faults_and_where),
        cmocka_unit_test(test_registry__a_million_names),
        cmocka_unit_test(test_registry__many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
