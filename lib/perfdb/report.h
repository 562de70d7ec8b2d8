/* A report under construction and afterwards: everything in it lives in its arena. */
#ifndef EVR_PERFDB_REPORT_H
#define EVR_PERFDB_REPORT_H

#include <evreplay/perfdb.h>

#include "base/arena.h"

enum { EVR_ITEM_KINDS = 4, EVR_MOST_PROBLEMS = 1000 };

#define EVR_GAP_LOW 0.8
#define EVR_GAP_HIGH 1.2

typedef struct evr_dbreport_item {
    evr_str label;
    uint64_t count;
} evr_dbreport_item;

typedef struct evr_item_list {
    evr_dbreport_item *items;
    size_t count, cap;
} evr_item_list;

typedef struct evr_dbreport_file {
    evr_perfdb_file public; /* counts of the lists are filled in at the end */
    evr_item_list lists[EVR_ITEM_KINDS]; /* by EVR_PERFDB_MISSING… */
} evr_dbreport_file;

typedef struct evr_dbreport_gap {
    uint32_t file, order;
    evr_str label;
    double measured, profiled, width; /* max(ratio, 1 / ratio) */
} evr_dbreport_gap;

typedef struct evr_dbreport_problem {
    evr_str path, message;
    uint64_t line;
} evr_dbreport_problem;

typedef struct evr_dbreport_run {
    evr_str op, shapes, reason;
    int32_t status;
    uint64_t line;
    double duration_us;
    evr_str cells[9]; /* as in evr_perfdb_run, state first, EP size last */
} evr_dbreport_run;

struct evr_perfdb_report {
    evr_context *ctx;
    evr_arena arena;
    evr_perfdb_totals totals;
    evr_dbreport_file *files;
    size_t file_count, file_cap;
    evr_dbreport_gap *gaps;
    size_t gap_count, gap_cap;
    evr_dbreport_problem *problems;
    size_t problem_count, problem_cap;
    evr_dbreport_run *runs;
    size_t run_count, run_cap;
    evr_str db_path;
};

/* What one piece of an update's work has to tell: pieces are worked on side by side and joined in their order. Texts of pieces of one thread share its arena. */
typedef struct evr_dbreport_part {
    evr_context *ctx;
    evr_arena *arena;
    evr_dbreport_gap *gaps;
    size_t gap_count, gap_cap;
    evr_dbreport_problem *problems;
    size_t problem_count, problem_cap;
    uint64_t malformed; /* problems, with those beyond the most that are kept */
} evr_dbreport_part;

void evr_dbreport_part_init(evr_dbreport_part *part, evr_context *ctx, evr_arena *arena);
void evr_dbreport_part_free(evr_dbreport_part *part);

/* Takes over what a part has found, which is of this file (NULL: of none), with its lines counted from `line`. Its texts must live as long as the report. */
bool evr_dbreport_join(evr_perfdb_report *r, evr_dbreport_part *part, const evr_dbreport_file *file, uint64_t line);

/* All of these give NULL or false when memory is out. Texts are copied; a byte that is no UTF-8, or NUL, becomes '?'. */
evr_perfdb_report *evr_dbreport_new(evr_context *ctx, evr_str db_path);
evr_dbreport_file *evr_dbreport_add_file(evr_perfdb_report *r, evr_str op, evr_str name);
bool evr_dbreport_add_item(evr_dbreport_part *part, evr_dbreport_file *file, int32_t kind, evr_str label, uint64_t count);
bool evr_dbreport_add_gap(evr_dbreport_part *part, evr_str label, double measured, double profiled);
bool evr_dbreport_add_problem(evr_dbreport_part *part, evr_str path, uint64_t line, const char *what, const char *done);
bool evr_dbreport_add_run(evr_perfdb_report *r, const evr_perfdb_run *run, evr_str shapes);

/* Operators whose rows were run end as their rows did. */
bool evr_dbreport_judge_runs(evr_perfdb_report *r);
evr_str evr_dbreport_text(evr_arena *arena, evr_str text);

/* Sorts gaps and duplicates and sums up. */
void evr_dbreport_finish(evr_perfdb_report *r);

#endif
