/* The HIP backend beyond the conformance suite. EVR_TEST_LOOK_ALIKE says which runtime of our own stands in the linker's
 * way: a whole one, an old one, a broken one, or files that are none; without it this says what there is without a device.
 */
#include "support/support.h"

#include "plugin/backend.h"

#include <evreplay/measure.h>

#include <dlfcn.h>
#include <math.h>
#include <sys/stat.h>

#ifndef EVR_TEST_HIP
#define EVR_TEST_HIP ""
#define EVR_TEST_HIP_ON_SYSTEM ""
#define EVR_TEST_SYSTEM ""
#define EVR_TEST_DRIVER ""
#endif

enum { LAUNCH_FAILURE = 719, NO_MEMORY = 2 };

typedef struct rig {
    test_memory memory;
    evr_context *ctx;
    evr_loaded_backend *backend;
    const evr_backend *fn;
    void *self;
} rig;

static int way(const char *name)
{
    const char *now = getenv("EVR_TEST_LOOK_ALIKE");
    return strcmp(now ? now : "", name) == 0;
}

static void load(rig *r, const char *path)
{
    r->ctx = test_context(&r->memory);
    assert_ok(evr_backend_load(r->ctx, "hip", path, &r->backend, err));
    r->fn = &r->backend->fn;
    r->self = r->fn->self;
}

static void unload(rig *r)
{
    evr_backend_unload(r->backend);
    test_context_done(r->ctx, &r->memory);
}

static void *driver(void)
{
    void *library = dlopen("libamdhip64.so.7", RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    return library;
}

static int ask(const char *function)
{
    int (*call)(void);
    *(void **)&call = dlsym(driver(), function);
    assert_non_null(call);
    return call();
}

static void plan_failure(const char *function, int error, int after)
{
    void (*call)(const char *, int, int);
    *(void **)&call = dlsym(driver(), "look_alike_fail");
    assert_non_null(call);
    call(function, error, after);
}

static void assert_nothing_left(void)
{
    assert_int_equal(ask("look_alike_live"), 0);
    assert_int_equal(ask("look_alike_last"), 0); /* PyTorch finds no error of ours */
}

static void test_hip__no_device(void **state)
{
    (void)state;
    if (way("look_alike") || way("old"))
        setenv("LOOK_ALIKE_NO_DEVICE", "1", 1);
    rig r;
    load(&r, EVR_TEST_HIP);
    const char *why = r.fn->why(r.self);
    printf("%s\n", why);
    if (r.fn->device_count(r.self) > 0) { /* a device of this machine */
        assert_true(way(""));
    } else {
        assert_non_null(strstr(why, "the HIP runtime"));
        if (way("none"))
            assert_non_null(strstr(why, "cannot be loaded"));
        if (way("broken"))
            assert_non_null(strstr(why, "too old: it has no hipRuntimeGetVersion"));
        if (way("look_alike"))
            assert_non_null(strstr(why, "found no device"));
        evr_device_desc d = {.struct_size = sizeof d};
        assert_int_equal(r.fn->device_describe(r.self, 0, &d, NULL), EVR_E_NO_DEVICE);
        evr_meter_options o = {.struct_size = sizeof o, .backend = "hip", .backend_path = EVR_TEST_HIP};
        evr_meter *meter;
        evr_error *err = NULL;
        assert_int_equal(evr_meter_open(r.ctx, &o, &meter, &err), EVR_E_NO_DEVICE);
        assert_non_null(strstr(evr_error_message(err), "HIP runtime"));
        evr_error_free(err);
    }
    unload(&r);
    unsetenv("LOOK_ALIKE_NO_DEVICE");
}

/* Two runtimes in a process would know nothing of each other's streams. */
static void test_hip__takes_the_runtime_of_the_process(void **state)
{
    (void)state;
    if (!way("none"))
        skip();
    void *loaded = dlopen(EVR_TEST_DRIVER "/libamdhip64.so.7", RTLD_NOW | RTLD_LOCAL);
    assert_non_null(loaded);
    rig r;
    load(&r, EVR_TEST_HIP);
    assert_int_equal(r.fn->device_count(r.self), 2);
    unload(&r);
}

/* What an older runtime does not have is missing here, and the rest works. */
static void test_hip__old_runtime(void **state)
{
    (void)state;
    if (!way("old"))
        skip();
    rig r;
    load(&r, EVR_TEST_HIP);
    assert_int_equal(r.fn->device_count(r.self), 2);
    assert_null(r.fn->gate_close);
    assert_null(r.fn->gate_open);
    assert_null(r.fn->graph_begin);
    assert_null(r.fn->graph_free);
    assert_null(r.fn->kernels_begin);
    evr_backend_stream *stream;
    assert_ok(r.fn->stream_open(r.self, 0, EVR_STREAM_NEW, NULL, &stream, err));
    assert_ok(r.fn->flush(r.self, stream, EVR_FLUSH_WRITE, 1 << 16, err));
    evr_error *err = NULL;
    assert_int_equal(r.fn->flush(r.self, stream, EVR_FLUSH_WRITE_READ, 1 << 16, &err), EVR_E_UNSUPPORTED);
    assert_non_null(strstr(evr_error_message(err), "libhiprtc"));
    evr_error_free(err);
    r.fn->stream_close(r.self, stream);
    unload(&r);
    assert_nothing_left();
}

static void test_hip__device_that_cannot_wait(void **state)
{
    (void)state;
    if (!way("look_alike"))
        skip();
    rig r;
    load(&r, EVR_TEST_HIP);
    assert_non_null(r.fn->gate_close);
    unload(&r);
    setenv("LOOK_ALIKE_NO_WAIT", "1", 1);
    load(&r, EVR_TEST_HIP);
    assert_null(r.fn->gate_close);
    assert_null(r.fn->gate_open);
    unload(&r);
    unsetenv("LOOK_ALIKE_NO_WAIT");
}

typedef struct work {
    const evr_backend *fn;
    evr_backend_stream *stream;
} work;

static evr_status run(void *user, evr_error **err)
{
    work *w = user;
    return w->fn->flush(w->fn->self, w->stream, EVR_FLUSH_WRITE_READ, 1 << 18, err);
}

/* Everything a measurement does, on either device, on a stream of its own and on the default one; and nothing left over. */
static void test_hip__measures(void **state)
{
    (void)state;
    if (!way("look_alike"))
        skip();
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (int native = 0; native < 2; native++) {
        evr_meter_options o = {.struct_size = sizeof o,
                               .backend = "hip",
                               .backend_path = EVR_TEST_HIP,
                               .device = native,
                               .stream = native ? EVR_STREAM_NATIVE : 0};
        evr_meter *meter;
        work w;
        assert_ok(evr_meter_open(ctx, &o, &meter, err));
        w.fn = evr_meter_backend(meter);
        assert_ok(w.fn->stream_open(w.fn->self, native, EVR_STREAM_NATIVE, NULL, &w.stream, err));
        evr_measured what = {
            .struct_size = sizeof what, .run = run, .user = &w, .flags = native ? EVR_MEASURED_GATEABLE : 0};
        const evr_protocol protocols[] = {
            {.struct_size = sizeof(evr_protocol), .seconds = 0.3},
            {.struct_size = sizeof(evr_protocol),
             .seconds = 0.3,
             .flush = EVR_FLUSH_WRITE_READ,
             .launch = EVR_LAUNCH_SINGLE},
        };
        for (size_t i = 0; i < 2; i++) {
            evr_measurement *got;
            assert_ok(evr_measure(meter, &protocols[i], &what, &got, err));
            evr_conditions c = {.struct_size = sizeof c};
            evr_statistics s = {.struct_size = sizeof s};
            evr_measurement_conditions(got, &c);
            evr_measurement_statistics(got, &s);
            assert_int_equal(c.gate, native ? EVR_GATE_ON : EVR_GATE_OFF);
            assert_int_equal(c.gate_timeouts, 0);
            assert_true(s.count >= 1 && isfinite(s.median));
            if (i == 1)
                assert_int_equal(c.flush_bytes, 4 << 20);
            evr_measurement_free(got);
        }
        w.fn->stream_close(w.fn->self, w.stream);
        evr_meter_free(meter);
        assert_nothing_left();
    }
    test_context_done(ctx, &m);
}

/* One of everything. Stops at the first failure, and gives back what there was until then. */
static evr_status everything(const rig *r, evr_error **err)
{
    const evr_backend *fn = r->fn;
    evr_backend_stream *stream = NULL;
    evr_backend_span *span = NULL;
    evr_backend_graph *graph = NULL;
    double ns;
    evr_status s = fn->stream_open(r->self, 1, EVR_STREAM_NEW, NULL, &stream, err);
    s = s ? s : fn->span_new(r->self, 1, &span, err);
    s = s ? s : fn->flush(r->self, stream, EVR_FLUSH_WRITE_READ, 1 << 16, err);
    s = s ? s : fn->gate_close(r->self, stream, 5e9, err);
    s = s ? s : fn->span_begin(r->self, span, stream, err);
    s = s ? s : fn->span_end(r->self, span, stream, err);
    if (stream) {
        evr_status opened = fn->gate_open(r->self, stream, NULL);
        s = s ? s : opened;
    }
    s = s ? s : fn->span_ns(r->self, span, &ns, err);
    s = s ? s : fn->stream_wait(r->self, stream, err);
    s = s ? s : fn->graph_begin(r->self, stream, err);
    s = s ? s : fn->graph_end(r->self, stream, &graph, err);
    s = s ? s : fn->graph_launch(r->self, graph, stream, err);
    s = s ? s : fn->device_wait(r->self, 1, err);
    if (stream) /* the device of the look-alike does not keep an event that is given back */
        fn->stream_wait(r->self, stream, NULL);
    fn->graph_free(r->self, graph);
    fn->span_free(r->self, span);
    fn->stream_close(r->self, stream);
    return s;
}

static void test_hip__failing_calls(void **state)
{
    (void)state;
    if (!way("look_alike"))
        skip();
    static const struct {
        const char *function;
        int error, after;
        evr_status status;
        const char *says;
    } calls[] = {
        {"hipGetDevice", LAUNCH_FAILURE, 0, EVR_E_OP, "entering the device"},
        {"hipSetDevice", LAUNCH_FAILURE, 0, EVR_E_OP, "entering the device"},
        {"hipStreamCreateWithFlags", NO_MEMORY, 0, EVR_E_NOMEM, "making a stream: hipErrorOutOfMemory (2)"},
        {"hipEventCreateWithFlags", LAUNCH_FAILURE, 0, EVR_E_OP, "making events: hipErrorLaunchFailure (719)"},
        {"hipEventCreateWithFlags", LAUNCH_FAILURE, 1, EVR_E_OP, "making events"},
        {"hipExtMallocWithFlags", NO_MEMORY, 0, EVR_E_NOMEM, "memory for the flush"},
        {"hipExtMallocWithFlags", NO_MEMORY, 1, EVR_E_NOMEM, "memory for the flush"},
        {"hipExtMallocWithFlags", NO_MEMORY, 2, EVR_E_NOMEM, "memory for the flush"},
        {"hipExtMallocWithFlags", NO_MEMORY, 3, EVR_E_NOMEM, "memory for the gate"},
        {"hipMemsetAsync", LAUNCH_FAILURE, 0, EVR_E_OP, "writing the flush buffer"},
        {"hipModuleLoadData", 200, 0, EVR_E_OP, "loading the kernel"},
        {"hipModuleGetFunction", 500, 0, EVR_E_OP, "loading the kernel"},
        {"hipModuleLaunchKernel", LAUNCH_FAILURE, 0, EVR_E_OP, "reading the flush buffer"},
        {"hipStreamWaitValue64", 801, 0, EVR_E_UNSUPPORTED, "closing the gate"},
        {"hipEventRecord", LAUNCH_FAILURE, 0, EVR_E_OP, "recording an event"},
        {"hipEventRecord", LAUNCH_FAILURE, 1, EVR_E_OP, "recording an event"},
        {"hipEventSynchronize", LAUNCH_FAILURE, 0, EVR_E_OP, "waiting for the end of a span"},
        {"hipEventElapsedTime", LAUNCH_FAILURE, 0, EVR_E_OP, "reading a span"},
        {"hipStreamSynchronize", LAUNCH_FAILURE, 0, EVR_E_OP, "waiting for the stream"},
        {"hipStreamBeginCapture", 900, 0, EVR_E_UNSUPPORTED, "beginning a capture"},
        {"hipGraphInstantiateWithFlags", LAUNCH_FAILURE, 0, EVR_E_OP, "making a graph runnable"},
        {"hipGraphLaunch", LAUNCH_FAILURE, 0, EVR_E_OP, "launching a graph"},
        {"hipDeviceSynchronize", LAUNCH_FAILURE, 0, EVR_E_OP, "waiting for the device"},
    };
    rig r;
    load(&r, EVR_TEST_HIP);
    assert_ok(everything(&r, err));
    unload(&r);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        evr_error *err = NULL;
        load(&r, EVR_TEST_HIP);
        plan_failure(calls[i].function, calls[i].error, calls[i].after);
        evr_status status = everything(&r, &err);
        plan_failure(NULL, 0, 0);
        if (status != calls[i].status || !strstr(evr_error_message(err), calls[i].says))
            fail_msg("%s: %d %s", calls[i].function, (int)status, evr_error_message(err));
        assert_non_null(strstr(evr_error_message(err), "HIP: "));
        evr_error_free(err);
        unload(&r);
        assert_nothing_left();
    }
    evr_error *refusal = NULL;
    load(&r, EVR_TEST_HIP);
    setenv("LOOK_ALIKE_NO_COMPILE", "1", 1);
    assert_int_equal(everything(&r, &refusal), EVR_E_OP);
    assert_non_null(strstr(evr_error_message(refusal), "did not compile"));
    evr_error_free(refusal);
    unsetenv("LOOK_ALIKE_NO_COMPILE");
    assert_ok(everything(&r, err)); /* and then it does */
    unload(&r);
    assert_nothing_left();
}

static void put(const char *path, const void *bytes, size_t size)
{
    char at[4096];
    snprintf(at, sizeof at, "%s/%s", EVR_TEST_SYSTEM, path);
    for (char *slash = strchr(at + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(at, 0755);
        *slash = '/';
    }
    FILE *file = fopen(at, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void put_text(const char *path, const char *text) { put(path, text, strlen(text)); }

#define NODES "class/kfd/kfd/topology/nodes"
#define PCI "bus/pci/devices/fffe:fd:1e.0"

/* Device 0 of the look-alike has an Infinity Cache and sensors in a /sys of our own; device 1 has neither. */
static void test_hip__what_the_kernel_tells(void **state)
{
    (void)state;
    if (!way("look_alike"))
        skip();
    put_text(NODES "/0/properties", "simd_count 0\nlocation_id 0\ndomain 0\n"); /* the CPU */
    put_text(NODES "/3/properties", "cpu_cores_count 0\nsimd_count 8\nlocation_id 65008\ndomain 65534\n");
    put_text(NODES "/3/caches/0/properties", "level 1\nsize 32\n");
    put_text(NODES "/3/caches/1/properties", "level 3\nsize 262144\n");
    put_text(NODES "/3/caches/2/properties", "level 2\nsize 4096\n");
    put_text(PCI "/power_dpm_force_performance_level", "manual\n");
    put_text(PCI "/hwmon/hwmon5/freq1_input", "1700000000\n");
    put_text(PCI "/hwmon/hwmon5/freq2_input", "1300000000\n");
    put_text(PCI "/hwmon/hwmon5/temp2_input", "61000\n");
    put_text(PCI "/hwmon/hwmon5/power1_average", "412000000\n");
    unsigned char metrics[120] = {sizeof metrics, 0, 1, 3};
    uint64_t bits = UINT64_C(1) << 36 | 1; /* hot spot, package power */
    memcpy(metrics + 112, &bits, 8);
    put(PCI "/gpu_metrics", metrics, sizeof metrics);
    rig r;
    load(&r, EVR_TEST_HIP_ON_SYSTEM);
    evr_device_desc d = {.struct_size = sizeof d};
    assert_ok(r.fn->device_describe(r.self, 0, &d, err));
    assert_int_equal(d.cache_bytes, 256 << 20);
    assert_non_null(strstr(d.settings.data, "performance level manual"));
    assert_ok(r.fn->device_describe(r.self, 1, &d, err));
    assert_int_equal(d.cache_bytes, 4 << 20);
    assert_non_null(r.fn->device_state);
    evr_device_state s = {.struct_size = sizeof s};
    assert_ok(r.fn->device_state(r.self, 0, &s, err));
    assert_true(s.clock_mhz == 1700 && s.memory_clock_mhz == 1300 && s.temperature_c == 61 && s.power_w == 412);
    assert_int_equal(s.throttle, EVR_THROTTLE_THERMAL | EVR_THROTTLE_USER);
    assert_int_equal(s.throttle_count, 1);
    metrics[0] = 200; /* says more than there is */
    put(PCI "/gpu_metrics", metrics, sizeof metrics);
    assert_ok(r.fn->device_state(r.self, 0, &s, err));
    assert_int_equal(s.throttle, 0);
    assert_ok(r.fn->device_state(r.self, 1, &s, err));
    assert_true(s.clock_mhz == 0 && s.throttle == 0);
    unload(&r);
}

/* An image of gpu_metrics, built field by field as the kernel's kgd_pp_interface.h declares each revision. Every field gets a value of its own, so that reading at a
 * wrong place shows. */
typedef struct image {
    unsigned char bytes[4096];
    size_t used, status, counters; /* places of the status that is the same for all devices, and of the first residency; 0 = it has none */
} image;

/* `count` fields of `width` bytes, at the place that C would give them. */
static size_t fields(image *m, size_t width, size_t count)
{
    m->used += (width - m->used % width) % width;
    size_t at = m->used;
    for (size_t i = 0; i < count; i++, m->used += width)
        memset(m->bytes + m->used, 0x11 + (int)(m->used / width % 0x60), width);
    return at;
}

static void finish(image *m, unsigned format, unsigned revision)
{
    m->used += (8 - m->used % 8) % 8;
    memcpy(m->bytes, (unsigned char[4]){(unsigned char)m->used, (unsigned char)(m->used >> 8), (unsigned char)format, (unsigned char)revision}, 4);
}

/* Revisions 0 to 3. */
static image discrete(unsigned revision)
{
    image m = {.used = 4};
    if (revision == 0)
        fields(&m, 8, 1); /* system clock */
    fields(&m, 2, 6);     /* temperatures */
    fields(&m, 2, 3);     /* activity */
    fields(&m, 2, 1);     /* power */
    fields(&m, revision ? 8 : 4, 1); /* energy */
    if (revision)
        fields(&m, 8, 1); /* system clock */
    fields(&m, 2, 14);    /* clocks, average and current */
    fields(&m, 4, 1);     /* status of the device's own kind */
    fields(&m, 2, 1);     /* fan */
    fields(&m, revision ? 2 : 1, 2); /* link */
    if (revision) {
        fields(&m, 2, 1);
        fields(&m, 4, 2); /* activity so far */
        fields(&m, 2, 4); /* temperatures of memory */
    }
    if (revision >= 2)
        fields(&m, 8, 1); /* firmware's clock */
    if (revision >= 3) {
        fields(&m, 2, 4); /* voltages */
        m.status = fields(&m, 8, 1);
    }
    finish(&m, 1, revision);
    return m;
}

/* Revisions 4 to 8; `first` is the first of the two forms of 6. */
static image accelerator(unsigned revision, bool first)
{
    enum { MOST_PARTS = 8 };
    static const size_t jpeg[] = {[6] = 32, [7] = 32, [8] = 40}, sums[] = {[6] = 1, [7] = 2, [8] = 5};
    image m = {.used = 4};
    bool engines = revision <= 5 || first, limits = revision >= 6;
    fields(&m, 2, 6); /* temperatures, power, activity */
    if (engines)
        fields(&m, 2, 4); /* video */
    if (engines && revision >= 5)
        fields(&m, 2, 32); /* jpeg */
    if (revision >= 7)
        fields(&m, 8, 1); /* bandwidth of memory */
    fields(&m, 8, 2);     /* energy, system clock */
    if (limits) {
        fields(&m, 4, 1); /* accumulation counter */
        m.counters = fields(&m, 4, 5);
    }
    if (engines)
        fields(&m, 4, 1); /* status of the device's own kind */
    fields(&m, 4, 1);     /* locks of clocks */
    fields(&m, 2, 4);     /* links */
    fields(&m, 4, 2);     /* activity so far */
    fields(&m, 8, 5);     /* PCIe */
    if (revision >= 5)
        fields(&m, 4, 2); /* NAKs */
    fields(&m, 8, 16);    /* XGMI */
    if (revision >= 7) {
        fields(&m, 2, 8); /* status of links */
        fields(&m, 2, 1);
    }
    fields(&m, 8, 1);  /* firmware's clock */
    fields(&m, 2, 22); /* clocks, and padding or the number of partitions */
    for (int part = 0; limits && !first && part < MOST_PARTS; part++) {
        fields(&m, 4, 8);
        fields(&m, 2, jpeg[revision] + 4);
        fields(&m, 8, 8 * sums[revision]);
    }
    if (limits && !first)
        fields(&m, 4, 1); /* recoveries of the other end */
    finish(&m, 1, revision);
    return m;
}

static evr_device_state state_with(rig *r, const image *m)
{
    evr_device_state s = {.struct_size = sizeof s};
    put(PCI "/gpu_metrics", m->bytes, m->used);
    assert_ok(r->fn->device_state(r->self, 0, &s, err));
    return s;
}

/* What the device counts comes on top of what the backend itself saw in force, which the looks with revision 3 have added to. */
static void test_hip__forms_of_gpu_metrics(void **state)
{
    (void)state;
    if (!way("look_alike"))
        skip();
    static const struct {
        uint64_t bit;
        uint32_t reason;
    } bits[] = {{0, EVR_THROTTLE_USER}, {7, EVR_THROTTLE_USER}, {16, EVR_THROTTLE_POWER}, {23, EVR_THROTTLE_POWER}, {32, EVR_THROTTLE_THERMAL},
                {45, EVR_THROTTLE_THERMAL}, {46, EVR_THROTTLE_HARDWARE}, {47, EVR_THROTTLE_HARDWARE}, {8, 0}, {24, 0}, {56, 0}};
    static const size_t sizes[] = {80, 96, 104, 120}; /* as a compiler lays the kernel's declarations out */
    put_text(PCI "/power_dpm_force_performance_level", "auto\n");
    rig r;
    load(&r, EVR_TEST_HIP_ON_SYSTEM);
    for (unsigned revision = 0; revision <= 3; revision++) {
        image m = discrete(revision);
        assert_int_equal(m.used, sizes[revision]);
        if (revision < 3)
            assert_int_equal(state_with(&r, &m).throttle, 0);
    }
    image known = discrete(3);
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        uint64_t value = UINT64_C(1) << bits[i].bit;
        memcpy(known.bytes + known.status, &value, 8);
        assert_int_equal(state_with(&r, &known).throttle, bits[i].reason);
    }
    memset(known.bytes + known.status, 0xff, 8);
    evr_device_state before = state_with(&r, &known);
    assert_int_equal(before.throttle, 0);

    static const struct {
        unsigned revision;
        bool first;
        size_t size;
    } forms[] = {{4, false, 288}, {5, false, 360}, {6, true, 384}, {6, false, 1664}, {7, false, 2208}, {8, false, 3872}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        image m = accelerator(forms[i].revision, forms[i].first);
        assert_int_equal(m.used, forms[i].size);
        const uint32_t residencies[] = {1, 1000000, 20, 300, UINT32_MAX}; /* power counts not, nor what is not known */
        if (m.counters)
            memcpy(m.bytes + m.counters, residencies, sizeof residencies);
        evr_device_state s = state_with(&r, &m);
        assert_int_equal(s.throttle, 0);
        assert_int_equal(s.throttle_count - before.throttle_count, m.counters ? 321 : 0);
        m.used = m.counters ? m.counters + 19 : 4; /* cut short, and saying so */
        m.bytes[0] = (unsigned char)m.used, m.bytes[1] = 0;
        if (forms[i].revision != 6 || !forms[i].first) /* whose size is its mark */
            assert_int_equal(state_with(&r, &m).throttle_count, before.throttle_count);
    }
    image apu = discrete(3), later = accelerator(8, false);
    apu.bytes[2] = 2, later.bytes[3] = 9;
    assert_int_equal(state_with(&r, &apu).throttle, 0);
    assert_int_equal(state_with(&r, &later).throttle_count, before.throttle_count);
    unload(&r);
}

int main(void)
{
    if (!EVR_TEST_HIP[0]) {
        fprintf(stderr, "skipped: this build has no HIP backend\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hip__no_device),
        cmocka_unit_test(test_hip__takes_the_runtime_of_the_process),
        cmocka_unit_test(test_hip__old_runtime),
        cmocka_unit_test(test_hip__device_that_cannot_wait),
        cmocka_unit_test(test_hip__measures),
        cmocka_unit_test(test_hip__failing_calls),
        cmocka_unit_test(test_hip__what_the_kernel_tells),
        cmocka_unit_test(test_hip__forms_of_gpu_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
