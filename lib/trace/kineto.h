/* One event of a Kineto trace from JSON into the columns. */
#ifndef EVR_TRACE_KINETO_H
#define EVR_TRACE_KINETO_H

#include "trace/json.h"
#include "trace/store.h"

/* What is remembered from event to event: most follow one with the same category and thread. */
typedef struct evr_kineto {
    evr_trace *store;
    char *scratch; /* for texts with escapes */
    size_t scratch_cap;
    evr_str last_category; /* copies in the small buffers below */
    char last_phase;
    uint32_t category;
    uint32_t track;
    size_t track_len; /* 0 = nothing remembered */
    char category_text[32];
    char track_text[64]; /* pid text, then tid text, as in the file */
    size_t pid_len;
    uint8_t arg_slots[128]; /* hash table of the known arguments' names */
} evr_kineto;

void evr_kineto_init(evr_kineto *reader, evr_trace *store);
void evr_kineto_free(evr_kineto *reader);

/* Reads the value at the cursor, which need not be an object, and adds a row. When the cursor has a problem afterwards nothing
 * was added: the text is damaged or not complete. */
evr_status evr_kineto_event(evr_kineto *reader, evr_json *j, evr_error **err);

/* Microseconds with fraction as nanoseconds; EVR_NO_TIME for anything else. A quoted number is taken too. */
int64_t evr_kineto_time(evr_str raw);

#endif
