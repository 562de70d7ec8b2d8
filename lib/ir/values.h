/* Values of arguments by what the schema says the argument is: from recorded text, from values of some kind, from the default. */
#ifndef EVR_IR_VALUES_H
#define EVR_IR_VALUES_H

#include "ir/record.h"
#include "ir/recorded.h"

/* Name, type and flags of the parameter. */
evr_status evr_argument_begin(evr_ir *ir, evr_argument *a, const evr_param *param, evr_error **err);

/* Provenance and note. */
evr_status evr_argument_note(evr_ir *ir, evr_argument *a, int32_t provenance, const char *text, evr_error **err);

/* The parameter's default, or no value; `why` becomes the note. */
evr_status evr_argument_default(evr_ir *ir, evr_argument *a, const evr_param *param, const char *why, evr_error **err);
evr_status evr_argument_missing(evr_ir *ir, evr_argument *a, const char *why, evr_error **err);

/* A whole number, or a list of them, that a rule found; `rule` becomes the note. */
evr_status evr_argument_whole(evr_ir *ir, evr_argument *a, int64_t value, const char *rule, evr_error **err);
evr_status evr_argument_sizes(evr_ir *ir, evr_argument *a, const int64_t *sizes, size_t count, const char *rule, evr_error **err);

/* None, which stands for the stream replayed on: nobody writes streams down, or no more than "<Stream>". */
evr_status evr_argument_stream(evr_ir *ir, evr_argument *a, evr_error **err);

/* Fills a->value, provenance and note. What cannot be known is EVR_VALUE_MISSING with a note, and no failure. `recorded` is NULL
 * for a parameter beyond those recorded. `values`: the trace records values, so an empty one means None or a dropped kind. */
evr_status evr_argument_fill(evr_ir *ir, evr_argument *a, const evr_param *param, const evr_recorded *recorded, bool values,
                             evr_error **err);

/* Without a schema: type and value as they look. */
evr_status evr_argument_guess(evr_ir *ir, evr_argument *a, const evr_recorded *recorded, evr_error **err);

/* "1+2j", "(1+2j)", "3j" */
bool evr_complex_parse(evr_str text, evr_complex *out);

/* typed.c: what a value shows when an overload is chosen. */
evr_seen evr_value_seen(const evr_value *v);

/* typed.c: turns a value into the kind that the type takes: 1 into 1.0, a text into a device, 3 into [3, 3]. EVR_E_FORMAT, without
 * an error, when it is no value of that type. */
evr_status evr_value_fit(evr_ir *ir, const evr_type *type, evr_value *v);

/* typed.c: what the type of such an argument may be called. */
const char *evr_value_type(const evr_value *v);

/* Element types of list tensors that were not recorded: asks for one element; returns EVR_DTYPE_UNKNOWN or a type, and the rule's name. */
typedef int32_t (*evr_infer_fn)(void *user, const evr_argument *argument, const evr_recorded *item, const char **rule);
evr_status evr_argument_infer(evr_ir *ir, evr_argument *a, const evr_recorded *recorded, evr_infer_fn infer, void *user,
                              evr_error **err);

#endif
