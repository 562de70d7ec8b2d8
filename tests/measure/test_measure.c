/* The order of a measurement, on the virtual device: what is flushed, held, captured, thrown away, and said. */
#include "fake_meter.h"

#include "base/str.h"

static evr_measurement *measure(fake_meter *f, const evr_protocol *p)
{
    evr_measurement *m;
    assert_ok(evr_measure(f->meter, p, &f->what, &m, err));
    return m;
}

static void test_measure__quiet(void **state)
{
    (void)state;
    fake_program program = {.ns = 80000, .sigma = 0.001, .launch_ns = 300};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_protocol p = {.struct_size = sizeof p, .min_seconds = 1e-9};
    evr_measurement *m = measure(&f, &p);
    evr_statistics s = statistics_of(m);
    evr_conditions c = conditions_of(m);
    size_t count;
    const double *samples = evr_measurement_samples(m, &count);
    assert_near(s.median, 80000 + 300, 0.002); /* nothing hides the launch: the device waits for it within the span */
    assert_int_equal(count, 10);
    assert_int_equal(s.count, 10);
    for (size_t i = 0; i < count; i++)
        assert_near(samples[i], 80300, 0.01);
    assert_int_equal(c.warmup_calls, 6);
    assert_int_equal(c.calls, 16);
    assert_int_equal(fake_meter_counters(&f).calls, 16);
    assert_int_equal(c.flags, 0);
    assert_int_equal(c.launch, EVR_LAUNCH_SINGLE);
    assert_int_equal(c.gate, EVR_GATE_OFF);
    assert_true(c.precision > 0 && c.precision < 0.002);
    assert_near(c.host_ns, 300, 0.01);
    assert_near(c.device_ns, 16 * 80300, 0.01);
    assert_near(c.clock_mhz, 1000, 0);
    assert_true(c.wall_ns >= c.device_ns);
    evr_measurement_free(m);
    m = measure(&f, NULL); /* as precise in a moment, and watched for 5 ms */
    assert_near((double)statistics_of(m).count, 5e6 / 80300, 0.03);
    assert_int_equal(conditions_of(m).flags, 0);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

/* Launches that would show in the time of one call: many calls a sample overlap them, as far as the device takes longer
 * than the host. */
static void test_measure__launch(void **state)
{
    (void)state;
    fake_program program = {.ns = 20000, .sigma = 0.001, .launch_ns = 4000};
    evr_protocol single = {.struct_size = sizeof single, .launch = EVR_LAUNCH_SINGLE};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_measurement *m = measure(&f, NULL);
    evr_conditions c = conditions_of(m);
    assert_near(statistics_of(m).median, 20000, 0.012);
    assert_int_equal(c.launch, EVR_LAUNCH_BATCH);
    assert_int_equal(c.flags, 0);
    assert_near(c.host_ns, 4000, 0.01);
    evr_measurement_free(m);
    m = measure(&f, &single);
    assert_near(statistics_of(m).median, 24000, 0.01);
    assert_int_equal(conditions_of(m).flags, EVR_MEASUREMENT_LAUNCH_BOUND);
    evr_measurement_free(m);
    program.ns = 2000; /* shorter than its launch: no batch helps, and the flag says so */
    f.control->program(f.fn->self, &program);
    m = measure(&f, NULL);
    assert_near(statistics_of(m).median, 4000, 0.02);
    assert_int_equal(conditions_of(m).flags, EVR_MEASUREMENT_LAUNCH_BOUND);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

/* A gate takes the launch out of the time. */
static void test_measure__gate(void **state)
{
    (void)state;
    fake_program program = {.ns = 8000, .sigma = 0.001, .launch_ns = 20000};
    evr_protocol p = {.struct_size = sizeof p, .launch = EVR_LAUNCH_SINGLE};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_measurement *m = measure(&f, &p);
    assert_near(statistics_of(m).median, 28000, 0.01);
    assert_int_equal(conditions_of(m).flags, EVR_MEASUREMENT_LAUNCH_BOUND);
    f.what.flags = EVR_MEASURED_GATEABLE;
    evr_measurement *held = measure(&f, &p);
    evr_conditions c = conditions_of(held);
    assert_near(statistics_of(held).median, 8000, 0.01);
    assert_int_equal(c.flags, 0);
    assert_int_equal(c.gate, EVR_GATE_ON);
    assert_int_equal(c.gate_timeouts, 0);
    evr_error *err = NULL;
    assert_int_equal(evr_measurement_comparable(m, held, &err), EVR_E_INVALID); /* the same protocol, done otherwise */
    assert_non_null(strstr(evr_error_message(err), "gate off"));
    evr_error_free(err);
    assert_int_equal(evr_measurement_comparable(m, m, NULL), EVR_OK);
    evr_measurement_free(m);
    evr_measurement_free(held);
    fake_meter_close(&f);
}

/* What waits for the device makes the watchdog open the gate; then it is measured without. */
static void test_measure__gate_timeout(void **state)
{
    (void)state;
    fake_program program = {.ns = 80000, .sigma = 0.001, .waits = 1};
    evr_protocol p = {.struct_size = sizeof p, .gate_seconds = 0.01};
    fake_meter f;
    fake_meter_open(&f, &program);
    f.what.flags = EVR_MEASURED_GATEABLE;
    evr_measurement *m = measure(&f, &p);
    evr_conditions c = conditions_of(m);
    assert_near(statistics_of(m).median, 80000, 0.01);
    assert_int_equal(c.gate, EVR_GATE_OFF);
    assert_int_equal(c.gate_timeouts, 3);
    evr_measurement_free(m);
    p.gate = EVR_GATE_ON;
    evr_error *err = NULL;
    assert_int_equal(evr_measure(f.meter, &p, &f.what, &m, &err), EVR_E_UNSUPPORTED);
    assert_null(m);
    assert_non_null(strstr(evr_error_message(err), "waits for the device"));
    evr_error_free(err);
    fake_meter_close(&f);
}

static void test_measure__flush(void **state)
{
    (void)state;
    fake_program program = {.ns = 40000, .sigma = 0.001, .launch_ns = 3000, .cold_factor = 1.5};
    evr_protocol p = {.struct_size = sizeof p, .flush = EVR_FLUSH_WRITE_READ};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_protocol single = {.struct_size = sizeof p, .launch = EVR_LAUNCH_SINGLE};
    evr_measurement *warm = measure(&f, &single), *cold;
    assert_int_equal(fake_meter_counters(&f).flushes, 0);
    cold = measure(&f, &p);
    evr_conditions c = conditions_of(cold);
    assert_near(statistics_of(warm).median, 43000, 0.01);
    assert_near(statistics_of(cold).median, 60000, 0.01); /* cold, and launched while the flush runs */
    assert_int_equal(c.flush_bytes, 50u << 20);
    assert_int_equal(fake_meter_counters(&f).flushes, c.calls + 1); /* one more to see how long it takes */
    assert_int_equal(evr_measurement_comparable(warm, cold, NULL), EVR_E_INVALID);
    evr_measurement_free(warm);
    evr_measurement_free(cold);
    p.flush_bytes = 1u << 20;
    cold = measure(&f, &p);
    assert_int_equal(conditions_of(cold).flush_bytes, 1u << 20);
    evr_measurement_free(cold);
    fake_meter_close(&f);
}

/* A call shorter than the clock's step is measured many at a time, and the empty span is taken off. */
static void test_measure__batch(void **state)
{
    (void)state;
    fake_program program = {.ns = 70, .sigma = 0.01, .empty_span_ns = 300, .tick_ns = 50};
    evr_protocol single = {.struct_size = sizeof single, .launch = EVR_LAUNCH_SINGLE};
    fake_meter f;
    fake_meter_open(&f, &program);
    assert_near(evr_meter_harness_ns(f.meter), 300, 0);
    evr_measurement *m = measure(&f, NULL);
    evr_conditions c = conditions_of(m);
    assert_int_equal(c.launch, EVR_LAUNCH_BATCH);
    assert_near((double)c.batch * 70, 300 * 50, 0.5); /* fifty times the harness */
    assert_near(statistics_of(m).median, 70, 0.01);
    assert_near(c.harness_ns, 300, 0);
    assert_near(c.tick_ns, 50, 0);
    assert_int_equal(c.flags, 0);
    evr_measurement *one = measure(&f, &single);
    assert_true(conditions_of(one).flags & EVR_MEASUREMENT_COARSE);
    evr_error *err = NULL;
    assert_int_equal(evr_measurement_comparable(m, one, &err), EVR_E_INVALID);
    evr_error_free(err);
    evr_measurement_free(m);
    evr_measurement_free(one);
    fake_meter_close(&f);
}

static void test_measure__graph(void **state)
{
    (void)state;
    fake_program program = {.ns = 5000, .sigma = 0.001, .launch_ns = 40000};
    evr_protocol p = {.struct_size = sizeof p, .launch = EVR_LAUNCH_GRAPH, .batch = 20};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_measurement *m = measure(&f, &p);
    evr_conditions c = conditions_of(m);
    assert_near(statistics_of(m).median, 5000 + 40000.0 / 20, 0.01); /* one launch for twenty calls */
    assert_int_equal(c.launch, EVR_LAUNCH_GRAPH);
    assert_int_equal(c.batch, 20);
    assert_int_equal(fake_meter_counters(&f).captures, 1);
    assert_int_equal(fake_meter_counters(&f).open_graphs, 0);
    assert_int_equal(fake_meter_counters(&f).calls, c.calls);
    evr_measurement_free(m);
    program.waits = 1;
    f.control->program(f.fn->self, &program);
    assert_int_equal(evr_measure(f.meter, &p, &f.what, &m, NULL), EVR_E_UNSUPPORTED);
    assert_int_equal(fake_meter_counters(&f).open_graphs, 0);
    fake_meter_close(&f);
}

/* Samples of a slowed device go, the device rests, and what is left is right. */
static void test_measure__throttled(void **state)
{
    (void)state;
    fake_program program = {.ns = 1e6, .sigma = 0.02, .slow_factor = 1.4};
    evr_protocol p = {.struct_size = sizeof p, .stop = EVR_STOP_COUNT, .samples = 300};
    fake_meter f;
    fake_meter_open(&f, &program);
    double now = fake_meter_counters(&f).now_ns;
    program.slow_from_ns = now + 100e6;
    program.slow_until_ns = now + 180e6;
    f.control->program(f.fn->self, &program);
    evr_measurement *m = measure(&f, &p);
    evr_conditions c = conditions_of(m);
    assert_int_equal(c.flags, 0);
    assert_true(c.discarded >= 10 && c.discarded <= 120);
    assert_true(fake_meter_counters(&f).rests >= 1);
    assert_near(statistics_of(m).max, 1e6, 0.1);
    assert_int_equal(statistics_of(m).count, 300);
    evr_measurement_free(m);
    /* kept when asked for, and said */
    p.throttle = EVR_THROTTLED_KEEP;
    now = fake_meter_counters(&f).now_ns;
    program.slow_from_ns = now + 100e6;
    program.slow_until_ns = now + 180e6;
    f.control->program(f.fn->self, &program);
    m = measure(&f, &p);
    c = conditions_of(m);
    assert_int_equal(c.discarded, 0);
    assert_int_equal(c.flags, EVR_MEASUREMENT_THROTTLED);
    assert_true(statistics_of(m).max > 1.3e6);
    evr_measurement_free(m);
    /* a device that never recovers does not hold the measurement forever */
    p.throttle = EVR_THROTTLED_DISCARD;
    program.slow_from_ns = 0;
    program.slow_until_ns = INFINITY;
    f.control->program(f.fn->self, &program);
    m = measure(&f, &p);
    c = conditions_of(m);
    assert_true(c.flags & EVR_MEASUREMENT_THROTTLED);
    assert_true(c.wall_ns < 6e9);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

/* Others come and go: what they spoil goes, and the measurement waits until they have left. Where they stay it waits for less than it would for a hot device, and the next one for
 * less still. */
static void test_measure__shared(void **state)
{
    (void)state;
    fake_program program = {.ns = 1e6, .sigma = 0.02, .slow_factor = 1.4, .slow_reason = EVR_THROTTLE_SHARED};
    evr_protocol p = {.struct_size = sizeof p, .stop = EVR_STOP_COUNT, .samples = 300};
    fake_meter f;
    fake_meter_open(&f, &program);
    double now = fake_meter_counters(&f).now_ns;
    program.slow_from_ns = now + 100e6;
    program.slow_until_ns = now + 500e6;
    f.control->program(f.fn->self, &program);
    evr_measurement *m = measure(&f, &p);
    evr_conditions c = conditions_of(m);
    assert_int_equal(c.flags, 0);
    assert_true(c.discarded >= 10 && c.discarded <= 40); /* those of one look: after it, nothing is timed until they have left */
    assert_true(fake_meter_counters(&f).rests >= 5);
    assert_near(statistics_of(m).max, 1e6, 0.1);
    assert_int_equal(statistics_of(m).count, 300);
    evr_measurement_free(m);
    program.slow_from_ns = 0;
    program.slow_until_ns = INFINITY;
    f.control->program(f.fn->self, &program);
    double waited[3];
    for (int i = 0; i < 3; i++) {
        m = measure(&f, &p);
        c = conditions_of(m);
        assert_true(c.flags & EVR_MEASUREMENT_THROTTLED);
        assert_int_equal(statistics_of(m).count, 300);
        waited[i] = c.wall_ns - 300 * 1.4e6;
        evr_measurement_free(m);
    }
    assert_true(waited[0] > 0.4e9 && waited[0] < 0.7e9);
    assert_true(waited[1] < 0.7 * waited[0] && waited[2] < 0.7 * waited[1]);
    /* whose own threads are beside it is not disturbed by them */
    const evr_measured parallel = {.struct_size = sizeof parallel, .flags = EVR_MEASURED_PARALLEL, .run = f.control->call, .user = f.fn->self};
    assert_ok(evr_measure(f.meter, &p, &parallel, &m, err));
    assert_int_equal(conditions_of(m).flags, 0);
    assert_int_equal(conditions_of(m).discarded, 0);
    evr_measurement_free(m);
    /* what was taken before they came has to do, and is not mixed with what was not */
    evr_protocol precise = {.struct_size = sizeof precise, .precision = 0.001};
    now = fake_meter_counters(&f).now_ns;
    program.slow_from_ns = now + 200e6;
    f.control->program(f.fn->self, &program);
    m = measure(&f, &precise);
    c = conditions_of(m);
    assert_int_equal(c.flags, EVR_MEASUREMENT_IMPRECISE);
    assert_true(statistics_of(m).count >= 50 && statistics_of(m).count < 200 && statistics_of(m).max < 1.1e6);
    evr_measurement_free(m);
    program.slow_from_ns = 0;
    /* peace makes patient again */
    program.slow_until_ns = 0;
    f.control->program(f.fn->self, &program);
    evr_measurement_free(measure(&f, &p));
    program.slow_until_ns = INFINITY;
    f.control->program(f.fn->self, &program);
    m = measure(&f, &p);
    assert_true(conditions_of(m).wall_ns - 300 * 1.4e6 > 0.4e9);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

static void test_measure__warm_up(void **state)
{
    (void)state;
    fake_program program = {.ns = 50000, .sigma = 0.002, .warmup_factor = 5, .warmup_calls = 20};
    evr_protocol p = {.struct_size = sizeof p, .warmup_calls = 12};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_measurement *m = measure(&f, NULL);
    evr_conditions c = conditions_of(m);
    assert_true(c.warmup_calls >= 20 && c.warmup_calls <= 30);
    assert_near(statistics_of(m).max, 50000, 0.02);
    assert_int_equal(c.flags, 0);
    evr_measurement_free(m);
    f.control->program(f.fn->self, &program);
    m = measure(&f, &p);
    assert_true(conditions_of(m).flags & EVR_MEASUREMENT_UNWARMED);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

/* The fixed mode: 50 calls, then 100 samples, each after 256 MiB. */
static void test_measure__fixed(void **state)
{
    (void)state;
    fake_program program = {.ns = 50000, .sigma = 0.3, .noise = FAKE_LOGNORMAL};
    evr_protocol p = {EVR_INIT(evr_protocol)};
    assert_ok(evr_protocol_preset(EVR_PROTOCOL_FIXED, &p, err));
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_measurement *m = measure(&f, &p);
    evr_conditions c = conditions_of(m);
    evr_statistics s = statistics_of(m);
    assert_int_equal(s.count, 100);
    assert_int_equal(c.warmup_calls, 50);
    assert_int_equal(c.calls, 150);
    assert_int_equal(c.flush_bytes, 256u << 20);
    assert_int_equal(c.flags, 0);
    assert_true(s.min < s.median && s.median < s.mean && s.mean < s.max);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

static void test_measure__budget(void **state)
{
    (void)state;
    fake_program program = {.ns = 1e7, .sigma = 0.5}, slow = {.ns = 4e9};
    evr_protocol p = {.struct_size = sizeof p, .seconds = 1}, few = {.struct_size = sizeof p, .max_samples = 12};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_measurement *m = measure(&f, &p);
    evr_conditions c = conditions_of(m);
    assert_true(c.flags & EVR_MEASUREMENT_IMPRECISE);
    assert_true(c.wall_ns < 1.1e9);
    evr_measurement_free(m);
    m = measure(&f, &few);
    assert_int_equal(statistics_of(m).count, 12);
    assert_true(conditions_of(m).flags & EVR_MEASUREMENT_IMPRECISE);
    evr_measurement_free(m);
    f.control->program(f.fn->self, &slow); /* longer than its budget: measured once all the same */
    m = measure(&f, &p);
    c = conditions_of(m);
    assert_int_equal(statistics_of(m).count, 1);
    assert_near(statistics_of(m).median, 4e9, 1e-9);
    assert_near(c.precision, -1, 0);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

static int prepared;

static evr_status prepare(void *user, evr_error **err)
{
    (void)user, (void)err;
    prepared++;
    return EVR_OK;
}

static void test_measure__prepare(void **state)
{
    (void)state;
    fake_program program = {.ns = 5, .tick_ns = 10};
    evr_protocol p = {.struct_size = sizeof p, .launch = EVR_LAUNCH_BATCH};
    fake_meter f;
    fake_meter_open(&f, &program);
    f.what.prepare = prepare;
    prepared = 0;
    evr_measurement *m = measure(&f, &(evr_protocol){.struct_size = sizeof p, .stop = EVR_STOP_COUNT});
    evr_conditions c = conditions_of(m);
    assert_int_equal(prepared, c.calls);
    assert_int_equal(c.batch, 1);
    evr_measurement_free(m);
    assert_int_equal(evr_measure(f.meter, &p, &f.what, &m, NULL), EVR_E_INVALID);
    fake_meter_close(&f);
}

static int32_t stop_at_once(void *user, uint64_t samples, double part)
{
    double *last = user;
    assert_true(part >= 0 && part <= 1 && samples > 0);
    *last = part;
    return part > 0.4;
}

static void test_measure__progress_and_cancel(void **state)
{
    (void)state;
    fake_program program = {.ns = 1e7, .sigma = 0.01};
    evr_protocol p = {.struct_size = sizeof p, .stop = EVR_STOP_COUNT, .samples = 100};
    double last = -1;
    fake_meter f;
    fake_meter_open(&f, &program);
    f.what.progress = stop_at_once;
    f.what.progress_user = &last;
    evr_measurement *m = (evr_measurement *)1;
    evr_error *err = NULL;
    assert_int_equal(evr_measure(f.meter, &p, &f.what, &m, &err), EVR_E_CANCELLED);
    assert_null(m);
    assert_true(last > 0.4 && last < 0.6);
    evr_error_free(err);
    fake_meter_close(&f);
}

static void test_measure__failing_call(void **state)
{
    (void)state;
    fake_meter f;
    fake_program program = {.ns = 1e5, .sigma = 0.01};
    fake_meter_open(&f, &program);
    const int32_t launches[] = {EVR_LAUNCH_SINGLE, EVR_LAUNCH_GRAPH};
    for (size_t way = 0; way < 4; way++)
        for (int32_t at = 1; at < 12; at++) {
            program.fail_call = at;
            f.control->program(f.fn->self, &program);
            f.what.flags = way & 1 ? EVR_MEASURED_GATEABLE : 0;
            evr_protocol p = {.struct_size = sizeof p, .launch = launches[way / 2], .batch = way / 2 ? 7 : 0};
            evr_measurement *m;
            evr_error *err = NULL;
            evr_status status = evr_measure(f.meter, &p, &f.what, &m, &err);
            /* of the graph only the warm-up is run by the callback: later calls are in the graph and cannot fail */
            if (status == EVR_OK) {
                assert_true(way / 2 == 1 && at > 6);
                evr_measurement_free(m);
            } else {
                assert_int_equal(status, EVR_E_OP);
                assert_string_equal(evr_error_message(err), "the program says that this call fails");
            }
            evr_error_free(err);
            assert_int_equal(fake_meter_counters(&f).open_graphs, 0);
        }
    program.fail_call = 0; /* nothing is left closed or captured */
    f.control->program(f.fn->self, &program);
    evr_measurement_free(measure(&f, NULL));
    fake_meter_close(&f);
}

static void test_measure__refusals(void **state)
{
    (void)state;
    fake_meter f;
    fake_program program = {.ns = 1e5};
    fake_meter_open(&f, &program);
    evr_measurement *m;
    evr_measured nothing = {EVR_INIT(evr_measured)};
    assert_int_equal(evr_measure(f.meter, NULL, &nothing, &m, NULL), EVR_E_INVALID);
    assert_int_equal(evr_measure(f.meter, NULL, NULL, &m, NULL), EVR_E_INVALID);
    evr_protocol p = {.struct_size = sizeof p, .precision = 7};
    assert_int_equal(evr_measure(f.meter, &p, &f.what, &m, NULL), EVR_E_INVALID);
    fake_meter_close(&f);
}

/* Every member is there, numbers read back, and a measurement outlives its meter. */
static void test_measure__json(void **state)
{
    (void)state;
    fake_program program = {.ns = 80000, .sigma = 0.001};
    fake_meter f;
    fake_meter_open(&f, &program);
    evr_measurement *m = measure(&f, NULL);
    evr_meter_free(f.meter);
    f.meter = NULL;
    char *text;
    size_t size;
    assert_ok(evr_measurement_json(m, 1, &text, &size, err));
    assert_int_equal(strlen(text), size);
    const char *parts[] = {"\"version\":\"1\"",
                           "\"median\":",
                           "\"median_low\":",
                           "\"median_high\":",
                           "\"mad\":",
                           "\"iqr\":",
                           "\"std\":",
                           "\"drifts\":false",
                           "\"bimodal\":false",
                           "\"mode_low\":null",
                           "\"discarded\":0",
                           "\"gate\":\"off\"",
                           "\"launch\":\"single\"",
                           "\"flush\":\"none\"",
                           "\"samples\":null",
                           "\"fill\":\"\"",
                           "\"clock_mhz\":1000.0",
                           "\"backend\":\"fake\"",
                           "\"name\":\"a device made of numbers\"",
                           "\"samples\":["};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("%s is missing in %s", parts[i], text);
    evr_text_free(f.ctx, text);
    assert_ok(evr_measurement_json(m, 0, &text, &size, err));
    assert_non_null(strstr(text, "\"samples\":null}"));
    evr_text_free(f.ctx, text);
    evr_measurement_free(m);
    fake_meter_close(&f);
}

static int32_t count_kernels(void *user, const evr_kernel_run *kernel)
{
    assert_true(evr_str_is(kernel->name, "made_up_kernel"));
    assert_near(kernel->duration_ns, 80000, 0.01);
    ++*(int *)user;
    return 0;
}

static void test_measure__kernels(void **state)
{
    (void)state;
    fake_program program = {.ns = 80000, .sigma = 0.001};
    fake_meter f;
    fake_meter_open(&f, &program);
    int kernels = 0;
    assert_ok(evr_meter_kernels(f.meter, &f.what, count_kernels, &kernels, err));
    assert_int_equal(kernels, 1);
    program.fail_call = 1;
    f.control->program(f.fn->self, &program);
    assert_int_equal(evr_meter_kernels(f.meter, &f.what, count_kernels, &kernels, NULL), EVR_E_OP);
    assert_int_equal(kernels, 1);
    fake_meter_close(&f);
}

/* Whichever allocation fails, the answer is "no memory" and nothing leaks. */
static void test_measure__no_memory(void **state)
{
    (void)state;
    const int32_t rules[] = {EVR_STOP_PRECISION, EVR_STOP_ENTROPY};
    for (size_t rule = 0; rule < 2; rule++) {
        bool ran_out = true;
        for (size_t fail = 1; ran_out; fail++) {
            test_memory memory;
            evr_context *ctx = test_context(&memory);
            evr_meter_options o = {.struct_size = sizeof o, .backend = "fake", .backend_path = EVR_TEST_FAKE};
            evr_protocol p = {.struct_size = sizeof p, .stop = rules[rule], .max_samples = 60};
            fake_program program = {.ns = 50000, .sigma = 0.02};
            evr_meter *meter = NULL;
            evr_measurement *m = NULL;
            char *text = NULL;
            size_t size;
            assert_true(fail < 500);
            memory.fail_after = memory.calls + fail;
            evr_status status = evr_meter_open(ctx, &o, &meter, NULL);
            if (status == EVR_OK) {
                const evr_backend *fn = evr_meter_backend(meter);
                const fake_control *control = fn->extension(fn->self, FAKE_CONTROL);
                control->program(fn->self, &program);
                evr_measured what = {.struct_size = sizeof what, .run = control->call, .user = fn->self};
                status = evr_measure(meter, &p, &what, &m, NULL);
            }
            if (status == EVR_OK)
                status = evr_measurement_json(m, 1, &text, &size, NULL);
            ran_out = memory.calls >= memory.fail_after;
            memory.fail_after = 0;
            assert_int_equal(status, ran_out ? EVR_E_NOMEM : EVR_OK);
            evr_text_free(ctx, text);
            evr_measurement_free(m);
            evr_meter_free(meter);
            test_context_done(ctx, &memory);
        }
    }
}

/* The real clock: the answer for something of known length, and the harness's own time. */
static evr_status spin(void *user, evr_error **err)
{
    (void)err;
    const evr_backend *fn = user;
    double until = fn->now_ns(fn->self) + 20000;
    while (fn->now_ns(fn->self) < until)
        ;
    return EVR_OK;
}

static void test_measure__cpu(void **state)
{
    (void)state;
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    evr_meter *meter;
    evr_measurement *m;
    assert_ok(evr_meter_open(ctx, NULL, &meter, err));
    assert_true(evr_meter_harness_ns(meter) < 5000);
    evr_measured what = {.struct_size = sizeof what, .run = spin, .user = (void *)evr_meter_backend(meter)};
    assert_ok(evr_measure(meter, NULL, &what, &m, err));
    assert_near(statistics_of(m).min, 20000, 0.02);
    assert_true(statistics_of(m).median < 30000);
    evr_measurement_free(m);
    evr_meter_free(meter);
    test_context_done(ctx, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure__quiet),
        cmocka_unit_test(test_measure__launch),
        cmocka_unit_test(test_measure__gate),
        cmocka_unit_test(test_measure__gate_timeout),
        cmocka_unit_test(test_measure__flush),
        cmocka_unit_test(test_measure__batch),
        cmocka_unit_test(test_measure__graph),
        cmocka_unit_test(test_measure__throttled), cmocka_unit_test(test_measure__shared),
        cmocka_unit_test(test_measure__warm_up),
        cmocka_unit_test(test_measure__fixed),
        cmocka_unit_test(test_measure__budget),
        cmocka_unit_test(test_measure__prepare),
        cmocka_unit_test(test_measure__progress_and_cancel),
        cmocka_unit_test(test_measure__failing_call),
        cmocka_unit_test(test_measure__refusals),
        cmocka_unit_test(test_measure__json),
        cmocka_unit_test(test_measure__kernels),
        cmocka_unit_test(test_measure__no_memory),
        cmocka_unit_test(test_measure__cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
