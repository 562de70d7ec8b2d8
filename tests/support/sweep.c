#include "support/sweep.h"
#include "support/support.h"

/* Returns how many allocations there are. */
static size_t sweep(test_step step, void *user, int fail_once)
{
    for (size_t fail = 1;; fail++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        size_t before = m.live;
        m.fail_after = m.calls + fail;
        m.fail_once = fail_once;
        evr_error *err = NULL;
        evr_status status = step(ctx, user, &err);
        size_t asked = m.calls;
        m.fail_after = 0;
        if (status != EVR_OK) {
            assert_int_equal(status, EVR_E_NOMEM);
            assert_int_equal(evr_error_code(err), EVR_E_NOMEM);
        } else {
            assert_null(err);
        }
        evr_error_free(err);
        assert_int_equal(m.live, before);
        assert_int_equal(m.mismatches, 0);
        test_context_done(ctx, &m);
        if (status == EVR_OK && asked < fail)
            return fail - 1;
        assert_true(fail < 100000);
    }
}

void test_sweep_both(const char *what, test_step step, void *user)
{
    size_t all = sweep(step, user, 0), once = sweep(step, user, 1);
    printf("%s: %zu allocations failed in turn\n", what, all);
    assert_true(all > 0 && once > 0);
}
