/* Numbers as they are written and read. */
#include "support/support.h"

#include "perfdb/columns.h"

#include <math.h>

static void same_as_printf(double value)
{
    char text[EVR_NUMBER_TEXT], expected[400];
    snprintf(expected, sizeof expected, "%.6f", value);
    assert_str(evr_number_text(value, text), expected);
}

static void test_columns__number_text(void **state)
{
    (void)state;
    static const double values[] = {0, 1, 0.5, 1e-6, 5e-7, 4.9999999e-7, 1.5e-6, 2.5e-6, 0.0000005, 123456.7890125, 0.1, 0.3, 999999.9999995, 0.9999995,
                                    1e12, 1099511627775.9999, 1099511627776.0, 1e15, 9007199254740993.0, 1e30, 5e-324, 1e-300, -1.5, -0.0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        same_as_printf(values[i]);
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        same_as_printf((double)(bits >> 11) / (double)(UINT64_C(1) << (bits % 60)));
        same_as_printf((double)(bits % 4000000) / 8000000); /* many of these lie in the middle between two */
    }
    char text[EVR_NUMBER_TEXT];
    assert_true(evr_number_text(1e300, text).len < sizeof text);
}

static void test_columns__cell_number(void **state)
{
    (void)state;
    assert_true(evr_cell_number(evr_str_c(" 1.5\t")) == 1.5);
    assert_true(evr_cell_number(evr_str_c("1e3")) == 1000);
    static const char *const none[] = {"", "N/A", "1.5us", "1,5", "--1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_true(evr_cell_number(evr_str_c(none[i])) == 0);
    static const char *const invalid[] = {"nan", "inf", "-inf", "0", "-1", "0.0", ""};
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        assert_false(evr_duration_valid(evr_cell_number(evr_str_c(invalid[i]))));
    assert_true(evr_duration_valid(evr_cell_number(evr_str_c("1e-9"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns__number_text),
        cmocka_unit_test(test_columns__cell_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
