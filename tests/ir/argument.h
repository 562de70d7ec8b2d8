/* An argument of a record by its name. */
#ifndef EVR_TESTS_ARGUMENT_H
#define EVR_TESTS_ARGUMENT_H

#include "support/support.h"

static inline const evr_argument *argument(const evr_ir *ir, const char *name)
{
    for (size_t i = 0; i < evr_ir_argument_count(ir); i++) {
        evr_str own = evr_ir_argument(ir, i)->name;
        if (own.len == strlen(name) && memcmp(own.data, name, own.len) == 0)
            return evr_ir_argument(ir, i);
    }
    fail_msg("no argument %s", name);
    return NULL;
}

#endif
