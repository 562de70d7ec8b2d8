/* Where the structure of a JSON text is: positions of brackets, braces, colons, commas, and of the first byte of every string and
 * scalar, in order. Found with simdjson's first stage, which also checks UTF-8 and control characters. The index's
 * own memory is simdjson's, outside the context's allocator. */
#ifndef EVR_TRACE_JSON_INDEX_H
#define EVR_TRACE_JSON_INDEX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_json_indexer evr_json_indexer;

typedef enum evr_json_problem {
    EVR_JSON_GOOD,
    EVR_JSON_EMPTY,       /* nothing but white space */
    EVR_JSON_OPEN_STRING, /* the text ends inside a string */
    EVR_JSON_BAD_UTF8,
    EVR_JSON_BAD_CONTROL, /* a control character inside a string */
    EVR_JSON_TOO_LONG,    /* beyond 4 GiB less 64 bytes */
    EVR_JSON_NO_MEMORY,
    EVR_JSON_DEFECT, /* simdjson answered something unexpected */
} evr_json_problem;

/* NULL when memory is out. */
evr_json_indexer *evr_json_indexer_new(void);
void evr_json_indexer_free(evr_json_indexer *indexer);

/* Indexes `text`. The index is borrowed until the next call; one element beyond the last holds `len`. */
evr_json_problem evr_json_indexer_run(evr_json_indexer *indexer, const char *text, size_t len, const uint32_t **index,
                                      size_t *count);

/* Name of simdjson's implementation in use and its version, for reports. */
void evr_json_indexer_describe(char *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
