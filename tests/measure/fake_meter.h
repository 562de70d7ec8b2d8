/* A meter on the fake backend and its controls. */
#ifndef EVR_TESTS_FAKE_METER_H
#define EVR_TESTS_FAKE_METER_H

#include "support/support.h"

#include <evreplay/measure.h>

#include <math.h>
#include <stdbool.h>

#include "fake.h"

typedef struct fake_meter {
    test_memory memory;
    evr_context *ctx;
    evr_meter *meter;
    const evr_backend *fn;
    const fake_control *control;
    evr_measured what; /* the made-up operator */
} fake_meter;

/* Opens with `program` in force, so that its empty spans are calibrated. */
static inline void fake_meter_open(fake_meter *f, const fake_program *program)
{
    f->ctx = test_context(&f->memory);
    evr_meter_options o = {.struct_size = sizeof o, .backend = "fake", .backend_path = EVR_TEST_FAKE};
    for (int i = 0; i < 2; i++) { /* the first one only takes the preset */
        assert_ok(evr_meter_open(f->ctx, &o, &f->meter, err));
        f->fn = evr_meter_backend(f->meter);
        f->control = f->fn->extension(f->fn->self, FAKE_CONTROL);
        assert_non_null(f->control);
        f->control->preset(i ? NULL : program);
        if (i == 0)
            evr_meter_free(f->meter);
    }
    f->what = (evr_measured){.struct_size = sizeof f->what, .run = f->control->call, .user = f->fn->self};
}

static inline fake_counters fake_meter_counters(fake_meter *f)
{
    fake_counters c;
    f->control->counters(f->fn->self, &c);
    return c;
}

static inline void fake_meter_close(fake_meter *f)
{
    evr_meter_free(f->meter);
    test_context_done(f->ctx, &f->memory);
}

static inline evr_statistics statistics_of(const evr_measurement *m)
{
    evr_statistics s = {.struct_size = sizeof s};
    evr_measurement_statistics(m, &s);
    return s;
}

static inline evr_conditions conditions_of(const evr_measurement *m)
{
    evr_conditions c = {.struct_size = sizeof c};
    evr_measurement_conditions(m, &c);
    return c;
}

static inline bool is_near(double a, double b, double part) { return fabs(a - b) <= part * fabs(b); }

#define assert_near(a, b, part)                                                                                            \
    do {                                                                                                                   \
        double a_ = (a), b_ = (b);                                                                                         \
        if (!is_near(a_, b_, part))                                                                                        \
            fail_msg("%s is %.9g, not within %g of %.9g", #a, a_, (double)(part), b_);                                     \
    } while (0)

#endif
