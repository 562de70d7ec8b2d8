/* Choosing the overload a recorded call used. Deterministic: the same observations and candidates give the same answer in
 * any order of candidates. */
#ifndef EVR_SCHEMA_MATCH_H
#define EVR_SCHEMA_MATCH_H

#include "schema/schema.h"

/* What a trace shows of one argument. */
typedef enum evr_seen_kind {
    EVR_SEEN_NOTHING,     /* empty type, empty value: None, a dropped string, an unrecorded scalar, an undefined tensor… */
    EVR_SEEN_UNWRITTEN,   /* the same where the profiler writes no lists of numbers: it may be one of those, too */
    EVR_SEEN_TENSOR,      /* dtype, rank */
    EVR_SEEN_TENSOR_LIST, /* len */
    EVR_SEEN_SCALAR,      /* typed "Scalar" but no value: int, float, bool or enum */
    EVR_SEEN_INT,         /* value was a whole number */
    EVR_SEEN_FLOAT,
    EVR_SEEN_BOOL,
    EVR_SEEN_COMPLEX,
    EVR_SEEN_STR,         /* value was text that is none of the others */
    EVR_SEEN_DEVICE,
    EVR_SEEN_SCALAR_LIST, /* typed "ScalarList" but no values; len when known */
    EVR_SEEN_INT_LIST,
    EVR_SEEN_FLOAT_LIST,
    EVR_SEEN_BOOL_LIST,
    EVR_SEEN_EMPTY_LIST,  /* "[]": a list of anything */
    EVR_SEEN_LIST,        /* a list of unknown things (GenericList) */
    EVR_SEEN_UNKNOWN,     /* a type name that says nothing here; fits anything at a low score */
} evr_seen_kind;

typedef struct evr_seen {
    evr_seen_kind kind;
    int32_t dtype; /* tensors; EVR_DTYPE_UNKNOWN if not recorded */
    uint32_t rank; /* tensors */
    size_t len;    /* lists; SIZE_MAX = unknown */
    evr_str text;  /* the recorded value, empty if none */
} evr_seen;

/* How well one schema fits: -1 = not at all, otherwise higher is better. When `why` is not NULL, one line that explains it. */
int64_t evr_schema_score(const evr_schema *schema, const evr_seen *seen, size_t count, evr_buf *why);

/* Index of the best of `candidates`, or SIZE_MAX. Ties go to more SymInt parameters, then fewer parameters, then the default overload, then the
 * lesser overload name in byte order. With `why`, one line per candidate, best first. */
size_t evr_schema_choose(const evr_schema *const *candidates, size_t candidate_count, const evr_seen *seen, size_t count,
                         evr_buf *why);

#endif
