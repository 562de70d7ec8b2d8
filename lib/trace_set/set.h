/* The inside of a set of traces: ranks with what each took part in, and what of that belongs together. */
#ifndef EVR_TRACE_SET_SET_H
#define EVR_TRACE_SET_SET_H

#include <evreplay/trace_set.h>

#include "base/error.h"
#include "base/intern.h"

#define EVR_NO_SEQUENCE UINT64_MAX

/* One collective as one rank saw it; numbers are those of texts in `texts`. */
typedef struct evr_part {
    uint32_t group;     /* key of the process group: its name and ranks, or what stands for it */
    uint32_t signature; /* equal where two ranks may have run the same operation */
    uint32_t name, group_name, dtype;
    uint32_t group_size; /* 0 = not recorded */
    bool synchronises;  /* ends everywhere at nearly the same time */
    int64_t elements;   /* -1 = not recorded */
    uint64_t sequence;  /* EVR_NO_SEQUENCE = not recorded */
    evr_uid uid;
    int64_t start, duration; /* on the trace's clock */
} evr_part;

typedef struct evr_member {
    evr_rank info;
    char *path;   /* ours */
    int64_t base; /* what the trace's times count from */
    bool has_base, has_rank;
    evr_trace *trace;
    evr_part *parts; /* sorted by group, then start */
    size_t part_count, part_cap;
} evr_member;

typedef struct evr_joined {
    uint32_t member, part;
} evr_joined;

typedef struct evr_match {
    size_t first; /* in `joined` */
    evr_collective info;
} evr_match;

struct evr_trace_set {
    evr_context *ctx;
    evr_intern texts;
    evr_member *members; /* by rank */
    size_t count;
    evr_joined *joined;
    size_t joined_count, joined_cap;
    evr_match *matches;
    size_t match_count, match_cap;
};

/* Reads every member's trace, several at the same time. */
evr_status evr_set_load(evr_trace_set *set, const evr_trace_set_options *options, evr_error **err);

/* Rank, size of the world, host and base time of a member; without a recorded rank `has_rank` stays false. */
evr_status evr_set_identify(evr_trace_set *set, evr_member *member, evr_error **err);

/* Fills a member's parts. */
evr_status evr_set_collect(evr_trace_set *set, evr_member *member, evr_error **err);

/* Fills `joined` and `matches` but for their times. */
evr_status evr_set_match(evr_trace_set *set, evr_error **err);

/* Finds the offsets of the members' clocks. */
evr_status evr_set_align(evr_trace_set *set, evr_error **err);

/* Times of the matches and sums of the members; sorts the matches. */
void evr_set_finish(evr_trace_set *set);

/* Sums and differences of times that stop at the ends of their range. */
static inline int64_t evr_time_add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN + 1 : INT64_MAX) : sum;
}

static inline int64_t evr_time_sub(int64_t a, int64_t b)
{
    int64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? (b > 0 ? INT64_MIN + 1 : INT64_MAX) : difference;
}

static inline int64_t evr_part_end(const evr_part *part)
{
    return evr_time_add(part->start, part->duration);
}

#endif
