/* The columns of a trace: what every event has in fixed-width arrays indexed by uid, what few have in arrays made on first use,
 * texts and arguments as numbers of interned strings. Filled row by row, then completed by tree.c and links.c. */
#ifndef EVR_TRACE_STORE_H
#define EVR_TRACE_STORE_H

#include <evreplay/trace.h>

#include "base/error.h"
#include "base/intern.h"

enum { EVR_EVENT_ARGS = 6 }; /* EVR_ARG_DIMS … EVR_ARG_OUTPUTS */
enum { EVR_EVENT_COLUMNS = 14 };

typedef struct evr_category {
    evr_str name;
    int32_t kind;
    char phase_class; /* 0, or the phase that overrides the category's kind */
    bool nests;       /* may have children in the tree */
    uint64_t events;
} evr_category;

typedef struct evr_track {
    evr_str pid, tid;
} evr_track;

typedef struct evr_metadata {
    evr_str name, json;
} evr_metadata;

/* One event on its way into the columns. */
typedef struct evr_row {
    uint32_t name; /* number in `names` */
    uint16_t category;
    char phase;
    uint32_t track;
    uint32_t signature; /* number + 1, 0 = none */
    int64_t start, duration;
    uint64_t correlation, external;
    int64_t sequence, forward_thread;
    int64_t device, stream;
} evr_row;

/* Marks the end of lists and missing links in 32-bit columns. */
#define EVR_NONE32 UINT32_MAX

struct evr_trace {
    evr_context *ctx;
    int32_t format;
    uint32_t flags;
    uint64_t max_events;
    uint64_t json_bytes;
    evr_error *damage;

    evr_intern names;
    evr_intern texts;      /* argument texts */
    evr_intern signatures; /* keys of EVR_EVENT_ARGS numbers of texts */
    evr_intern track_keys; /* "pid\0tid" */
    evr_intern category_keys; /* phase class, then name; numbers are those of `categories` */
    evr_arena arena;       /* metadata, category names */
    evr_track *tracks;
    size_t track_cap;
    evr_category *categories;
    size_t category_count, category_cap;
    evr_metadata *metadata;
    size_t metadata_count, metadata_cap;

    size_t count, cap; /* rows; every column has room for `cap` */
    size_t column_cap[EVR_EVENT_COLUMNS];
    int64_t *start, *duration;
    uint32_t *name, *track;
    uint16_t *category;
    char *phase;
    /* made on first use; see store.c's table */
    uint32_t *signature;
    uint64_t *correlation, *external;
    int64_t *sequence, *forward_thread;
    int64_t *device, *stream;
    uint32_t *explicit_parent; /* execution traces: uid of the parent */

    /* events with a whole args text, by uid */
    uint32_t *args_uid, *args_text;
    size_t args_count, args_uid_cap, args_text_cap;

    /* tree.c: events of the tree in preorder, track by track */
    uint32_t *order;      /* uid at each position */
    uint32_t *subtree;    /* position after the last descendant */
    uint32_t *parent;     /* uid of the parent, by position */
    uint32_t *position;   /* position, by uid */
    size_t order_count;

    /* links.c: device events by the position of their launch */
    evr_uid *launched;       /* device events, sorted by launch position, then start */
    uint32_t *launched_from; /* position → first index in `launched`; order_count + 1 elements */
    uint32_t *launcher;      /* of launched[i]: uid */
    size_t launched_count;
    uint32_t *device_sorted; /* indexes into `launched`, sorted by uid, to find a launcher */
    uint32_t *forward, *backward; /* pairs of uids, sorted by .backward; and the other way round */
    size_t pair_count;
    uint32_t *pair_by_forward; /* indexes into the pairs, sorted by forward uid */

    /* annotations by track and start, for evr_trace_annotation_of() */
    uint32_t *annotation;        /* uids sorted by track, start */
    uint32_t *annotation_parent; /* index of the enclosing annotation in `annotation`, or EVR_NONE32 */
    size_t annotation_count;
};

evr_status evr_events_new(evr_context *ctx, const evr_trace_options *options, evr_trace **out, evr_error **err);

static inline void evr_row_init(evr_row *row)
{
    *row = (evr_row){.start = EVR_NO_TIME, .sequence = -1, .device = -1, .stream = -1};
}

/* Adds a row; its uid is store->count before the call. */
evr_status evr_events_add_row(evr_trace *store, const evr_row *row, evr_error **err);
evr_status evr_events_reserve(evr_trace *store, size_t rows, evr_error **err);

/* Number of a category seen with a phase; of a (pid, tid) pair; EVR_NO_ID when memory is out. */
uint32_t evr_events_category(evr_trace *store, evr_str name, char phase);
uint32_t evr_events_track(evr_trace *store, evr_str pid, evr_str tid);

/* Signature of six argument texts (numbers in `texts`, EVR_NO_ID = not recorded); 0 when none is, EVR_NO_ID when memory is out. */
uint32_t evr_events_signature(evr_trace *store, const uint32_t args[EVR_EVENT_ARGS]);

/* Keeps the whole args text of the row that is added next. */
evr_status evr_events_keep_args(evr_trace *store, evr_str json, evr_error **err);

evr_status evr_events_metadata(evr_trace *store, evr_str name, evr_str json, evr_error **err);

/* Execution traces: makes explicit_parent[], all EVR_NONE32. */
evr_status evr_events_parents(evr_trace *store, evr_error **err);

/* Builds tree, links and annotation index; the store is a finished trace then. */
evr_status evr_events_finish(evr_trace *store, evr_error **err);

/* Undoes a finish, whole or half done. */
void evr_events_unfinish(evr_trace *store);

/* Bytes of all columns. */
uint64_t evr_events_column_bytes(const evr_trace *store);

/* union_time.c: time during which at least one of the events ran. */
int64_t evr_union_time(const evr_trace *store, const evr_uid *uids, size_t n);

static inline int32_t evr_events_kind(const evr_trace *t, size_t uid)
{
    return t->categories[t->category[uid]].kind;
}

/* End of a timed event. */
static inline int64_t evr_events_end(const evr_trace *t, size_t uid)
{
    int64_t end;
    return __builtin_add_overflow(t->start[uid], t->duration[uid], &end) ? INT64_MAX : end;
}

#endif
