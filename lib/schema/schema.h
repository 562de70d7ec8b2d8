/* The schema language of PyTorch operators as data: parsed, printed back byte for byte, matched against calls.
 *
 *     aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
 */
#ifndef EVR_SCHEMA_SCHEMA_H
#define EVR_SCHEMA_SCHEMA_H

#include <evreplay/ir.h>

#include "base/arena.h"
#include "base/buf.h"

typedef enum evr_type_kind {
    EVR_TYPE_TENSOR,
    EVR_TYPE_INT,
    EVR_TYPE_SYMINT,
    EVR_TYPE_FLOAT,
    EVR_TYPE_SYMFLOAT,
    EVR_TYPE_BOOL,
    EVR_TYPE_SYMBOOL,
    EVR_TYPE_COMPLEX,
    EVR_TYPE_STR,
    EVR_TYPE_SCALAR,
    EVR_TYPE_DTYPE, /* ScalarType */
    EVR_TYPE_LAYOUT,
    EVR_TYPE_DEVICE,
    EVR_TYPE_MEMORY_FORMAT,
    EVR_TYPE_GENERATOR,
    EVR_TYPE_DIMNAME,
    EVR_TYPE_STORAGE,
    EVR_TYPE_STREAM,
    EVR_TYPE_QSCHEME,
    EVR_TYPE_ANY,      /* Any, AnyEnumType, AnyClassType, AnyListType, … */
    EVR_TYPE_NONE,     /* NoneType */
    EVR_TYPE_OPTIONAL, /* elem */
    EVR_TYPE_LIST,     /* elem, list_size */
    EVR_TYPE_TUPLE,    /* items */
    EVR_TYPE_DICT,     /* items[0] key, items[1] value */
    EVR_TYPE_FUTURE,   /* elem: Future, Await, RRef; `name` tells which */
    EVR_TYPE_UNION,    /* items */
    EVR_TYPE_CLASS,    /* __torch__.torch.classes…; `name` */
    EVR_TYPE_VARIABLE, /* t, tVal, a lower-case name; `name` */
    EVR_TYPE_FUNCTION, /* (a -> *) and the like; `name` holds it whole */
} evr_type_kind;

typedef struct evr_type evr_type;
struct evr_type {
    evr_type_kind kind;
    bool written;      /* alias set with '!' on this type or an element of it */
    int64_t list_size; /* int[2] → 2; -1 = none given */
    evr_str text;      /* as written, alias set included: "Tensor(a!)", "int[2]?" */
    evr_str name;      /* of classes, variables, functions, futures */
    evr_str alias;     /* what stands between the parentheses; empty = none */
    const evr_type *elem;
    const evr_type *const *items;
    size_t item_count;
};

typedef struct evr_param {
    evr_str name; /* may be empty for a result */
    const evr_type *type;
    bool kwarg;       /* after the '*' */
    bool has_default;
    evr_value fallback;    /* the default as a value fit for the type: ScalarType defaults as DTYPE, … */
    evr_str fallback_text; /* as written */
} evr_param;

typedef struct evr_schema {
    evr_str text;     /* whole */
    evr_str name;     /* "aten::add" */
    evr_str overload; /* "Tensor"; empty = default */
    const evr_param *params;
    size_t param_count;
    const evr_param *results;
    size_t result_count;
    bool vararg;     /* "..." ends the parameters */
    bool varret;     /* "..." results */
    bool bare_result; /* "-> Tensor", not "-> (Tensor, ...)" */
} evr_schema;

/* Parses one schema into the arena. EVR_E_FORMAT errors carry the byte offset in `text`. */
evr_status evr_schema_parse(evr_arena *arena, evr_str text, const evr_schema **out, evr_error **err);

/* Parses one type, such as "Tensor(a!)[]?". */
evr_status evr_type_parse(evr_arena *arena, evr_str text, const evr_type **out, evr_error **err);

/* Prints from the parsed form; the same bytes that were parsed for every schema PyTorch prints. */
void evr_schema_print(evr_buf *buf, const evr_schema *schema);
void evr_type_print(evr_buf *buf, const evr_type *type);

/* The type below Optional. */
static inline const evr_type *evr_type_bare(const evr_type *t)
{
    return t->kind == EVR_TYPE_OPTIONAL ? t->elem : t;
}

#endif
