#include "schema/match.h"

/* How well an observation fits a type: 0 = not at all. The scale leaves room between what was seen for certain (90 and more), what
 * needs a conversion PyTorch makes silently (40 to 70), and what is merely possible (below 30). */
static const struct {
    evr_seen_kind seen;
    evr_type_kind type;
    int score;
} fits[] = {
    {EVR_SEEN_TENSOR, EVR_TYPE_TENSOR, 100},
    {EVR_SEEN_TENSOR, EVR_TYPE_ANY, 30},
    {EVR_SEEN_TENSOR, EVR_TYPE_STORAGE, 5},
    {EVR_SEEN_INT, EVR_TYPE_INT, 100},
    {EVR_SEEN_INT, EVR_TYPE_SYMINT, 100},
    {EVR_SEEN_INT, EVR_TYPE_SCALAR, 80},
    {EVR_SEEN_INT, EVR_TYPE_FLOAT, 60},
    {EVR_SEEN_INT, EVR_TYPE_SYMFLOAT, 60},
    {EVR_SEEN_INT, EVR_TYPE_COMPLEX, 20},
    {EVR_SEEN_INT, EVR_TYPE_DTYPE, 70}, /* enumerations are recorded as numbers */
    {EVR_SEEN_INT, EVR_TYPE_LAYOUT, 70},
    {EVR_SEEN_INT, EVR_TYPE_MEMORY_FORMAT, 70},
    {EVR_SEEN_INT, EVR_TYPE_QSCHEME, 60},
    {EVR_SEEN_INT, EVR_TYPE_BOOL, 25},
    {EVR_SEEN_INT, EVR_TYPE_SYMBOOL, 25},
    {EVR_SEEN_INT, EVR_TYPE_STREAM, 20},
    {EVR_SEEN_INT, EVR_TYPE_DEVICE, 20},
    {EVR_SEEN_INT, EVR_TYPE_ANY, 30},
    {EVR_SEEN_INT, EVR_TYPE_TENSOR, 3}, /* a number wrapped in a tensor */
    {EVR_SEEN_INT, EVR_TYPE_STR, 10},   /* "0" may be text */
    {EVR_SEEN_FLOAT, EVR_TYPE_FLOAT, 100},
    {EVR_SEEN_FLOAT, EVR_TYPE_SYMFLOAT, 100},
    {EVR_SEEN_FLOAT, EVR_TYPE_SCALAR, 90},
    {EVR_SEEN_FLOAT, EVR_TYPE_COMPLEX, 25},
    {EVR_SEEN_FLOAT, EVR_TYPE_ANY, 30},
    {EVR_SEEN_FLOAT, EVR_TYPE_TENSOR, 3},
    {EVR_SEEN_FLOAT, EVR_TYPE_STR, 5},
    {EVR_SEEN_BOOL, EVR_TYPE_BOOL, 100},
    {EVR_SEEN_BOOL, EVR_TYPE_SYMBOOL, 100},
    {EVR_SEEN_BOOL, EVR_TYPE_SCALAR, 85},
    {EVR_SEEN_BOOL, EVR_TYPE_INT, 20},
    {EVR_SEEN_BOOL, EVR_TYPE_SYMINT, 20},
    {EVR_SEEN_BOOL, EVR_TYPE_ANY, 30},
    {EVR_SEEN_BOOL, EVR_TYPE_STR, 5},
    {EVR_SEEN_COMPLEX, EVR_TYPE_COMPLEX, 100},
    {EVR_SEEN_COMPLEX, EVR_TYPE_SCALAR, 90},
    {EVR_SEEN_COMPLEX, EVR_TYPE_ANY, 30},
    {EVR_SEEN_STR, EVR_TYPE_STR, 100},
    {EVR_SEEN_STR, EVR_TYPE_DEVICE, 60},
    {EVR_SEEN_STR, EVR_TYPE_DTYPE, 50},
    {EVR_SEEN_STR, EVR_TYPE_LAYOUT, 50},
    {EVR_SEEN_STR, EVR_TYPE_MEMORY_FORMAT, 50},
    {EVR_SEEN_STR, EVR_TYPE_DIMNAME, 50},
    {EVR_SEEN_STR, EVR_TYPE_CLASS, 20},
    {EVR_SEEN_STR, EVR_TYPE_GENERATOR, 20},
    {EVR_SEEN_STR, EVR_TYPE_ANY, 30},
    {EVR_SEEN_DEVICE, EVR_TYPE_DEVICE, 100},
    {EVR_SEEN_DEVICE, EVR_TYPE_STR, 40},
    {EVR_SEEN_SCALAR, EVR_TYPE_INT, 60},
    {EVR_SEEN_SCALAR, EVR_TYPE_SYMINT, 60},
    {EVR_SEEN_SCALAR, EVR_TYPE_FLOAT, 60},
    {EVR_SEEN_SCALAR, EVR_TYPE_SYMFLOAT, 60},
    {EVR_SEEN_SCALAR, EVR_TYPE_BOOL, 60},
    {EVR_SEEN_SCALAR, EVR_TYPE_SYMBOOL, 60},
    {EVR_SEEN_SCALAR, EVR_TYPE_COMPLEX, 40},
    {EVR_SEEN_SCALAR, EVR_TYPE_SCALAR, 65},
    {EVR_SEEN_SCALAR, EVR_TYPE_DTYPE, 55},
    {EVR_SEEN_SCALAR, EVR_TYPE_LAYOUT, 55},
    {EVR_SEEN_SCALAR, EVR_TYPE_MEMORY_FORMAT, 55},
    {EVR_SEEN_SCALAR, EVR_TYPE_QSCHEME, 50},
    {EVR_SEEN_SCALAR, EVR_TYPE_ANY, 30},
};

/* What each kind of list seen says of an element type that is not a tensor. */
static int list_element(evr_seen_kind seen, evr_type_kind elem)
{
    bool whole = elem == EVR_TYPE_INT || elem == EVR_TYPE_SYMINT;
    bool number = whole || elem == EVR_TYPE_FLOAT || elem == EVR_TYPE_SYMFLOAT || elem == EVR_TYPE_SCALAR;
    bool truth = elem == EVR_TYPE_BOOL || elem == EVR_TYPE_SYMBOOL;
    switch (seen) {
    case EVR_SEEN_INT_LIST: return whole ? 100 : number ? 60 : truth ? 20 : elem == EVR_TYPE_ANY ? 30 : 0;
    case EVR_SEEN_FLOAT_LIST: return whole ? 0 : number ? 100 : elem == EVR_TYPE_ANY ? 30 : 0;
    case EVR_SEEN_BOOL_LIST: return truth ? 100 : elem == EVR_TYPE_SCALAR ? 60 : elem == EVR_TYPE_ANY ? 30 : 0;
    case EVR_SEEN_SCALAR_LIST: return number || truth ? 60 : elem == EVR_TYPE_ANY ? 30 : 0;
    case EVR_SEEN_TENSOR_LIST: return 0;
    default: return 50; /* EVR_SEEN_EMPTY_LIST, EVR_SEEN_LIST: anything */
    }
}

static int list_fit(const evr_type *type, const evr_seen *seen)
{
    const evr_type *elem = evr_type_bare(type->elem);
    int score;
    if (elem->kind == EVR_TYPE_TENSOR)
        score = seen->kind == EVR_SEEN_TENSOR_LIST ? 100 : seen->kind == EVR_SEEN_EMPTY_LIST || seen->kind == EVR_SEEN_LIST ? 55 : 0;
    else
        score = list_element(seen->kind, elem->kind);
    if (score && type->list_size > 1 && seen->len != SIZE_MAX && seen->len != 1 && seen->len != (size_t)type->list_size)
        score -= score > 10 ? 10 : 0; /* pooling's int[2] takes lists of other lengths, so only a doubt */
    return score;
}

/* Nothing was recorded: how likely is that for such a parameter? */
static int nothing_fit(const evr_type *type, bool has_default, bool lists_unwritten)
{
    if (type->kind == EVR_TYPE_OPTIONAL)
        return 90;
    switch (type->kind) {
    case EVR_TYPE_STR:
    case EVR_TYPE_DEVICE:
    case EVR_TYPE_GENERATOR:
    case EVR_TYPE_CLASS:
    case EVR_TYPE_STORAGE:
    case EVR_TYPE_STREAM:
    case EVR_TYPE_DIMNAME:
    case EVR_TYPE_ANY:
    case EVR_TYPE_VARIABLE:
    case EVR_TYPE_DICT:
    case EVR_TYPE_TUPLE: return 60; /* kinds that profilers do not write */
    case EVR_TYPE_LIST: return evr_type_bare(type->elem)->kind == EVR_TYPE_TENSOR ? 20 : lists_unwritten ? 60 : 45;
    case EVR_TYPE_TENSOR: return 15; /* an undefined one */
    default: return has_default ? 40 : 25;
    }
}

static int fit(const evr_type *type, bool has_default, const evr_seen *seen)
{
    if (seen->kind == EVR_SEEN_NOTHING || seen->kind == EVR_SEEN_UNWRITTEN)
        return nothing_fit(type, has_default, seen->kind == EVR_SEEN_UNWRITTEN);
    const evr_type *bare = evr_type_bare(type);
    if (seen->kind == EVR_SEEN_UNKNOWN)
        return bare->kind == EVR_TYPE_CLASS || bare->kind == EVR_TYPE_ANY ? 60 : 10;
    if (bare->kind == EVR_TYPE_VARIABLE)
        return 20;
    if (bare->kind == EVR_TYPE_LIST) {
        if (seen->kind >= EVR_SEEN_SCALAR_LIST || seen->kind == EVR_SEEN_TENSOR_LIST)
            return list_fit(bare, seen);
        bool spread = bare->list_size > 0 && (seen->kind == EVR_SEEN_INT || seen->kind == EVR_SEEN_SCALAR);
        return spread ? 30 : 0; /* kernel_size=3 for int[2] */
    }
    if ((seen->kind >= EVR_SEEN_SCALAR_LIST || seen->kind == EVR_SEEN_TENSOR_LIST))
        return bare->kind == EVR_TYPE_ANY || bare->kind == EVR_TYPE_TUPLE || bare->kind == EVR_TYPE_DICT ? 20 : 0;
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
        if (fits[i].seen == seen->kind && fits[i].type == bare->kind) {
            bool wrapped = bare->kind == EVR_TYPE_TENSOR && seen->kind != EVR_SEEN_TENSOR;
            return fits[i].score - (type->kind == EVR_TYPE_OPTIONAL && !wrapped);
        }
    if (seen->kind == EVR_SEEN_TENSOR && seen->rank == 0 && (bare->kind == EVR_TYPE_SCALAR || bare->kind == EVR_TYPE_FLOAT ||
                                                            bare->kind == EVR_TYPE_INT || bare->kind == EVR_TYPE_SYMINT))
        return 4;
    return 0;
}

int64_t evr_schema_score(const evr_schema *schema, const evr_seen *seen, size_t count, evr_buf *why)
{
    int64_t total = 0;
    size_t used = count < schema->param_count ? count : schema->param_count;
    for (size_t i = 0; i < used; i++) {
        int score = fit(schema->params[i].type, schema->params[i].has_default, &seen[i]);
        if (!score) {
            if (why)
                evr_buf_printf(why, "does not fit: argument %.*s is %.*s", EVR_STR_ARG(schema->params[i].name),
                               EVR_STR_ARG(schema->params[i].type->text));
            return -1;
        }
        total += score;
    }
    if (count > schema->param_count && !schema->vararg) {
        if (why)
            evr_buf_printf(why, "does not fit: %zu arguments were recorded, it takes %zu", count, schema->param_count);
        return -1;
    }
    size_t required = 0, defaulted = 0;
    for (size_t i = used; i < schema->param_count; i++) {
        required += !schema->params[i].has_default;
        defaulted += schema->params[i].has_default;
    }
    /* Fewer than it takes: an old profiler may have left out the rest, but a schema that needs no such excuse is better. */
    if (required) {
        if (why)
            evr_buf_printf(why, "does not fit: %zu more arguments are required", required);
        return -1;
    }
    /* the average, so that long schemas have no advantage, less something for every parameter that went unrecorded: profilers write all
     * that a call was given, and it was given all, so there are none but those that a later version added */
    int64_t score = (used ? total * 1000 / (int64_t)used : 50000) - (int64_t)defaulted * 8000;
    if (score < 1)
        score = 1;
    if (why)
        evr_buf_printf(why, "score %lld: %zu of %zu parameters recorded", (long long)score, used, schema->param_count);
    return score;
}

static size_t symbolic_count(const evr_schema *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->param_count; i++) {
        const evr_type *t = evr_type_bare(s->params[i].type);
        n += (t->kind == EVR_TYPE_LIST ? t->elem : t)->kind == EVR_TYPE_SYMINT;
    }
    return n;
}

/* True when a wins over b at equal scores. TorchScript has old twins of some operators, with int where the dispatcher's own, which a
 * profiler sees, have SymInt. */
static bool preferred(const evr_schema *a, const evr_schema *b)
{
    size_t symbolic_a = symbolic_count(a), symbolic_b = symbolic_count(b);
    if (symbolic_a != symbolic_b)
        return symbolic_a > symbolic_b;
    if (a->param_count != b->param_count)
        return a->param_count < b->param_count;
    if (!a->overload.len != !b->overload.len)
        return !a->overload.len;
    return evr_str_cmp(a->overload, b->overload) < 0;
}

static void explain(const evr_schema *const *candidates, const int64_t *scores, size_t n, const evr_seen *seen, size_t count,
                    evr_buf *why)
{
    bool told[256] = {false};
    for (size_t line = 0; line < n && line < 256; line++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < n && i < 256; i++)
            if (!told[i] && (best == SIZE_MAX || scores[i] > scores[best] ||
                             (scores[i] == scores[best] && preferred(candidates[i], candidates[best]))))
                best = i;
        told[best] = true;
        evr_buf_str(why, candidates[best]->text);
        evr_buf_c(why, "\n    ");
        evr_schema_score(candidates[best], seen, count, why);
        evr_buf_char(why, '\n');
    }
}

size_t evr_schema_choose(const evr_schema *const *candidates, size_t n, const evr_seen *seen, size_t count, evr_buf *why)
{
    size_t best = SIZE_MAX;
    int64_t best_score = 0, scores[256] = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t score = evr_schema_score(candidates[i], seen, count, NULL);
        if (i < 256)
            scores[i] = score;
        if (score < 0)
            continue;
        if (best == SIZE_MAX || score > best_score || (score == best_score && preferred(candidates[i], candidates[best]))) {
            best = i;
            best_score = score;
        }
    }
    if (why)
        explain(candidates, scores, n, seen, count, why);
    return best;
}
