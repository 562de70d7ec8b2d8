/* All operator schemas of a version of PyTorch, from the snapshot inside the library or from a bridge. Parses an operator's
 * overloads when they are first asked for and keeps them. Belongs to one thread at a time. */
#ifndef EVR_SCHEMA_CATALOGUE_H
#define EVR_SCHEMA_CATALOGUE_H

#include "schema/schema.h"

typedef struct evr_catalogue evr_catalogue;

/* version: "2.13" or "2.13.0+cu130" (nearest snapshot not newer, else the oldest); empty = newest. */
evr_status evr_catalogue_open(evr_context *ctx, evr_str version, evr_catalogue **out, evr_error **err);
void evr_catalogue_free(evr_catalogue *catalogue);

/* Version in use, such as "2.13.0"; and the number of schemas in it. */
evr_str evr_catalogue_version(const evr_catalogue *catalogue);
size_t evr_catalogue_count(const evr_catalogue *catalogue);

/* Adds a schema (from a bridge, an execution trace or a custom library); one of the same name and overload is replaced. `name` (may be NULL) becomes
 * that of its operator. */
evr_status evr_catalogue_add(evr_catalogue *catalogue, evr_str schema, evr_str *name, evr_error **err);

/* Overloads of "aten::add", in the catalogue's order; borrowed until something is added. *count is 0 when there are none. */
evr_status evr_catalogue_find(evr_catalogue *catalogue, evr_str op, const evr_schema *const **out, size_t *count,
                              evr_error **err);

/* Text of the i-th schema, in byte order of name and overload; empty beyond the last. */
evr_str evr_catalogue_text(evr_catalogue *catalogue, size_t index);

#endif
