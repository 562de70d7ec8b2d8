/* The library's own JSON form of records; docs/ir-format.md is the description, this is its vocabulary. */
#ifndef EVR_IR_FORM_H
#define EVR_IR_FORM_H

#include "base/json_write.h"
#include "ir/record.h"
#include "trace/json.h"

enum { EVR_FORM_VERSION = 1 };

/* "trace", "default", "rule", "generator", "nowhere" by EVR_FROM_... */
extern const char *const evr_form_sources[5];

/* One record as an object. */
void evr_form_write(evr_json_writer *w, const evr_ir *ir);

/* "name": [sizes…] */
void evr_form_write_sizes(evr_json_writer *w, const char *name, const int64_t *sizes, uint32_t n);

/* Reads one record, in this form or in TraceLens', from the cursor. The cursor's own problem is checked by the caller. */
evr_status evr_form_read(evr_ir *ir, evr_json *j, evr_error **err);
evr_status evr_tracelens_read(evr_ir *ir, evr_json *j, evr_error **err);

/* form_batch.c: the batch a call ran in. */
void evr_form_write_batch(evr_json_writer *w, const evr_ir *ir);
void evr_form_read_batch(evr_ir *ir, evr_json *j);

/* form_group.c: the process group it talked in. */
void evr_form_write_group(evr_json_writer *w, const evr_ir *ir);
void evr_form_read_group(evr_ir *ir, evr_json *j);

/* form_text.c: the text of the string at the cursor, kept in the record; whole numbers. Problems go to the cursor. */
evr_str evr_form_text(evr_ir *ir, evr_json *j);
int64_t evr_form_whole(evr_json *j);
uint64_t evr_form_count(evr_json *j); /* not negative */

/* Enters the array at the cursor, with room for its items in the record. NULL on a problem. */
evr_value *evr_form_items(evr_ir *ir, evr_json *j, size_t *count);

/* An array of whole numbers, kept in the record; NULL on a problem. */
const int64_t *evr_form_sizes(evr_ir *ir, evr_json *j, uint32_t *rank);

#endif
