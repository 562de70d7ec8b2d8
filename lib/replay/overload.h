/* Which overload of the bridge's operator a record means. */
#ifndef EVR_REPLAY_OVERLOAD_H
#define EVR_REPLAY_OVERLOAD_H

#include "replay/resolve.h"
#include "schema/schema.h"

#include "ir/record.h"

/* Finds the schema in the arena: the record's own overload if the bridge has it, else the one whose parameters the arguments
 * fit by name and kind; NULL when the operator is a callable of the host. EVR_E_NOT_FOUND: no such operator. EVR_E_NO_SCHEMA: none of its overloads
 * fits. */
evr_status evr_overload_find(evr_runtime *runtime, const evr_ir *ir, evr_arena *arena, const evr_schema **out, evr_resolved *found, evr_error **err);

/* Index of the record's argument for a parameter, or SIZE_MAX. Arguments without names of a schema go by position. */
size_t evr_overload_argument(const evr_ir *ir, const evr_schema *schema, size_t param);

#endif
