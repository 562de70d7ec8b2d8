/* What a trace recorded of a call's arguments, in one form for all generations of profilers and for execution traces. */
#ifndef EVR_IR_RECORDED_H
#define EVR_IR_RECORDED_H

#include "schema/match.h"
#include "trace/json.h"

typedef struct evr_recorded evr_recorded;
struct evr_recorded {
    evr_seen seen;        /* .text is the value, unescaped; .dtype and .rank of a tensor */
    bool has_value;       /* a value was recorded, even an empty one */
    evr_str type;         /* as recorded */
    evr_str dtype_text;   /* of tensors */
    const int64_t *shape; /* seen.rank sizes */
    const int64_t *strides; /* NULL = not recorded */
    const evr_recorded *items; /* of tensor lists */
    size_t item_count;
    /* execution traces */
    bool has_storage;
    int64_t storage_offset, elements;
    evr_str device;
};

typedef struct evr_recorded_call {
    const evr_recorded *args;
    size_t count;
    bool values; /* the trace records values at all */
    evr_str schema; /* execution traces name the schema themselves */
} evr_recorded_call;

/* "[1, 2]", as profilers write lists, or "(1, 2)", as Python writes some; "(1+2j)" is a number. */
bool evr_recorded_is_list(evr_str text);
/* What is between its brackets. */
evr_str evr_recorded_items(evr_str list);

/* Memory that is used again for every call. */
typedef struct evr_recorder {
    evr_context *ctx;
    evr_arena arena;
    evr_buf text;
    evr_json_doc doc;
    bool starved; /* memory was out where there is no cursor to tell it */
    const evr_trace *trace; /* which was searched for lists */
    bool lists;             /* some are written */
} evr_recorder;

void evr_recorder_init(evr_recorder *r, evr_context *ctx);
void evr_recorder_free(evr_recorder *r);

/* Reads the arguments of an event; what it gives lives until the next call. Damaged argument texts give EVR_E_FORMAT. */
evr_status evr_recorder_read(evr_recorder *r, const evr_trace *trace, evr_uid uid, evr_recorded_call *out, evr_error **err);

#endif
