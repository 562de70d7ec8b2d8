/* Records in a short notation: NAME=TYPE:VALUE separated by ';', '*' before keyword arguments, tensors as dtype[sizes], lists of them in <a|b>. */
#ifndef EVR_TESTS_NOTATION_H
#define EVR_TESTS_NOTATION_H

#include "support/support.h"

/* A set with the one record; ends the test when it cannot be read. */
evr_ir_set *test_records(evr_context *ctx, const char *op, const char *arguments);

#endif
