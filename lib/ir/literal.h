/* Python's notation of values as operator-input logs have it: literals, T(shape, dtype, stride=…) for tensors, torch's names. */
#ifndef EVR_IR_LITERAL_H
#define EVR_IR_LITERAL_H

#include "ir/record.h"

/* One line of a text, walked from left to right. Offsets are those of the whole text. */
typedef struct evr_literal {
    evr_context *ctx;
    evr_ir *ir; /* keeps what is read */
    evr_str text;
    size_t at, end; /* of the line; `end` is not read */
    bool last;      /* the text ends with the line: what runs out there is cut off, not damaged */
    int depth;
    const char *lost; /* why the value read last cannot be in a record, or NULL; set by evr_literal_value(), never cleared */
    evr_value *stack; /* items of the lists that are open */
    size_t count, cap;
    evr_error **err;
} evr_literal;

/* Frees the stack only. */
void evr_literal_free(evr_literal *l);

/* `lost` of what Python shows as <…>. */
extern const char evr_literal_object[];

/* The word for a value that is one of those with a word: None, True, torch.strided, …; NULL for others. */
const char *evr_literal_name(const evr_value *v);

/* Reads one value. One that a record has no kind for is EVR_VALUE_MISSING, with the reason in `lost`. */
evr_status evr_literal_value(evr_literal *l, evr_value *out);

/* EVR_E_FORMAT at `at`, or EVR_E_TRUNCATED when the reader had come to the end of the text. */
evr_status evr_literal_fail(evr_literal *l, size_t at, const char *wanted);

/* Takes a mark that comes next, white space before it included. */
bool evr_literal_take(evr_literal *l, char mark);
evr_status evr_literal_expect(evr_literal *l, char mark, const char *wanted);

/* Whether nothing but white space is left of the line. */
bool evr_literal_end(evr_literal *l);

/* A name of letters, digits, '_' and '.'; empty when none comes. */
evr_str evr_literal_word(evr_literal *l);

/* A text between quotes, with its escapes resolved. */
evr_status evr_literal_text(evr_literal *l, evr_str *out);

#endif
