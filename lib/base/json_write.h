/* JSON out: commas, escapes and numbers are right by construction. Compact ("," and ":" without spaces) unless `spaced`
 * (", " and ": ", as Python's json.dumps writes) or `indent` is set. Errors are those of the buffer (buf->failed). */
#ifndef EVR_BASE_JSON_WRITE_H
#define EVR_BASE_JSON_WRITE_H

#include "base/buf.h"

enum { EVR_JSON_DEPTH = 64 };

typedef struct evr_json_writer {
    evr_buf *buf;
    bool spaced;
    int indent; /* spaces for each level; 0 = everything on one line */
    int depth;
    bool after_key;
    bool filled[EVR_JSON_DEPTH]; /* the container at this depth has an element */
} evr_json_writer;

void evr_json_init(evr_json_writer *w, evr_buf *buf);
void evr_json_open(evr_json_writer *w, char bracket);  /* '{' or '[' */
void evr_json_close(evr_json_writer *w, char bracket); /* '}' or ']' */
void evr_json_key(evr_json_writer *w, const char *key);
void evr_json_key_str(evr_json_writer *w, evr_str key);
void evr_json_str(evr_json_writer *w, evr_str s);
void evr_json_i64(evr_json_writer *w, int64_t value);
void evr_json_u64(evr_json_writer *w, uint64_t value);
void evr_json_f64(evr_json_writer *w, double value); /* shortest that reads back; NaN, Infinity, -Infinity as Python */
void evr_json_bool(evr_json_writer *w, bool value);
void evr_json_null(evr_json_writer *w);
void evr_json_raw(evr_json_writer *w, evr_str json); /* a value that is JSON already */

#endif
