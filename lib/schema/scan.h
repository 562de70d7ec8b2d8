/* Walking schema text: white space, words, quoted strings, and errors with their position. */
#ifndef EVR_SCHEMA_SCAN_H
#define EVR_SCHEMA_SCAN_H

#include "base/arena.h"
#include "base/error.h"
#include "schema/schema.h"

enum {
    EVR_SCHEMA_DEPTH = 32,
    EVR_SCHEMA_PARAMS = 1024,
    EVR_SCHEMA_LIST = 128,          /* items of a default */
    EVR_SCHEMA_LIST_SIZE = 1 << 16, /* N of int[N] */
};

typedef struct evr_scan {
    evr_arena *arena;
    evr_str text;
    size_t at;
    int depth;
    evr_error **err;
} evr_scan;

static inline char evr_scan_peek(const evr_scan *s)
{
    return s->at < s->text.len ? s->text.data[s->at] : 0;
}

static inline void evr_scan_space(evr_scan *s)
{
    while (s->at < s->text.len && (s->text.data[s->at] == ' ' || s->text.data[s->at] == '\t' || s->text.data[s->at] == '\n'))
        s->at++;
}

/* Takes `word` after white space if it comes next. */
bool evr_scan_take(evr_scan *s, const char *word);

/* EVR_E_FORMAT at the current place. */
evr_status evr_scan_fail(evr_scan *s, const char *wanted);
evr_status evr_scan_expect(evr_scan *s, const char *word);

/* A name of letters, digits and '_', and of `more`; empty when none comes. */
evr_str evr_scan_name(evr_scan *s, const char *more);

/* The text since `from`, without white space at its ends. */
evr_str evr_scan_since(const evr_scan *s, size_t from);

/* parse_type.c: one type. */
evr_status evr_scan_type(evr_scan *s, const evr_type **out);

/* parse_value.c: the default of a parameter of that type. */
evr_status evr_scan_default(evr_scan *s, const evr_type *type, evr_value *out, evr_str *text);

#endif
