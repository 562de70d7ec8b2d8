/* Records in words. */
#ifndef EVREPLAY_CLI_DESCRIBE_H
#define EVREPLAY_CLI_DESCRIBE_H

#include <evreplay/evreplay.h>

#include "base/buf.h"

/* "bfloat16[888,2880], float32[8], 1, dim=-1" */
void describe_arguments(evr_buf *buf, const evr_ir *ir);

#endif
