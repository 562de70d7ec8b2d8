/* The row map: which call of an operator a database's row stands for, as data. docs/perfdb.md describes the language; shipped.rows is what comes with
 * the library, and a user's files, in the same language, replace operators of it by name. */
#ifndef EVR_ROWS_MAP_H
#define EVR_ROWS_MAP_H

#include <evreplay/rows.h>

#include "base/arena.h"
#include "base/intern.h"

enum { EVR_ROW_DIMS = 16, EVR_ROW_NAMES = 24, EVR_ROW_LAYOUTS = 4 };

/* One place of a shape pattern such as [*batch, m, 16]. */
typedef enum evr_place_kind {
    EVR_PLACE_NAME,   /* one dimension: the same size wherever the name stands */
    EVR_PLACE_MANY,   /* *name: any number of dimensions, as many as fit */
    EVR_PLACE_FEW,    /* *name?: as few as fit */
    EVR_PLACE_NUMBER, /* that size */
} evr_place_kind;

typedef struct evr_place {
    evr_place_kind kind;
    uint32_t name; /* in the variant's names */
    int64_t number;
} evr_place;

typedef struct evr_layout {
    evr_place places[EVR_ROW_DIMS];
    size_t count;
} evr_layout;

/* "in1 [k, n] or [n, k]": the first layout is how calls see the slot, the others are how it may lie in memory. */
typedef struct evr_shape_rule {
    bool output, optional;
    uint32_t slot;
    size_t layout_count;
    evr_layout layouts[EVR_ROW_LAYOUTS];
} evr_shape_rule;

/* "call aten::add.Tensor(in0, other=in1)" */
typedef struct evr_row_call {
    evr_str op, overload;
    evr_str arguments; /* between the parentheses */
    uint32_t line;
    struct evr_row_call *next;
} evr_row_call;

typedef struct evr_rule_link {
    evr_shape_rule rule;
    struct evr_rule_link *next;
} evr_rule_link;

typedef struct evr_variant {
    evr_str names[EVR_ROW_NAMES];
    size_t name_count;
    evr_rule_link *rules, *last_rule;
    evr_row_call *calls, *last_call;
    uint32_t inputs_least, inputs_most; /* that are there; 0, UINT32_MAX = any number */
    evr_str composite;                  /* name of what several calls do; empty for one call */
    evr_str skip;                       /* why such rows are not run; empty when they are */
    bool ranks;                         /* it takes EP Size ranks */
    uint32_t line;
    struct evr_variant *next;
} evr_variant;

typedef struct evr_row_entry {
    evr_variant *first, *last;
    evr_str file; /* where it is written */
    uint32_t line;
} evr_row_entry;

typedef enum evr_format_kind { EVR_FORMAT_UNKNOWN, EVR_FORMAT_PLAIN, EVR_FORMAT_NZ, EVR_FORMAT_NC1HWC0 } evr_format_kind;

typedef struct evr_named_number {
    evr_str name;
    int32_t number; /* EVR_DTYPE_… or evr_format_kind */
} evr_named_number;

typedef struct evr_named_list {
    evr_named_number *items;
    size_t count, cap;
} evr_named_list;

typedef struct evr_named_text {
    evr_str name, text;
} evr_named_text;

typedef struct evr_text_pairs {
    evr_named_text *items;
    size_t count, cap;
} evr_text_pairs;

struct evr_row_map {
    evr_context *ctx;
    evr_arena arena;
    evr_intern ops;
    evr_row_entry **entries; /* by number of the operator */
    size_t entry_cap;
    evr_named_list types, formats;
    evr_text_pairs namespaces; /* the module that has a namespace, for people */
    evr_text_pairs schemas;    /* by operator, of what is not in torch */
};

extern const char evr_rows_shipped[];
extern const size_t evr_rows_shipped_size;

/* NULL when the map does not have the operator. */
const evr_row_entry *evr_row_map_find(const evr_row_map *map, evr_str op);

/* EVR_DTYPE_UNKNOWN; EVR_FORMAT_UNKNOWN. Case and "DT_" do not count. */
int32_t evr_row_map_type(const evr_row_map *map, evr_str name);
evr_format_kind evr_row_map_format(const evr_row_map *map, evr_str name);

/* "torch_npu" of "npu"; empty when no line says. */
evr_str evr_row_map_module(const evr_row_map *map, evr_str space);

/* Number of a name in a variant, or EVR_ROW_NAMES. */
size_t evr_variant_name(const evr_variant *variant, evr_str name);

#endif
