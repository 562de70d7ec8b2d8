#include "init/rules.h"

/* The parts tensors play. */
typedef enum role {
    BELOW_DIM,     /* whole numbers below other.size(param) */
    BELOW_INDEXED, /* below other.size(dim), dim being an argument of the record */
    BELOW_NUMEL,   /* below other.numel() */
    BELOW_CLASSES, /* below other's class dimension: 1, or 0 of a vector */
    BELOW_VALUE,   /* below the number in argument `other` */
    BELOW_PLANE,   /* below the product of other's last two sizes */
    INDEX_LIST,    /* item k of a list: below other.size(k) */
    OFFSETS,       /* from 0 to other.numel(), never falling */
    OFFSETS_OF_DIM, /* from 0 to other.size(param) */
    SPREAD_TO,     /* add up to the number in argument `other`, or are 1 each */
    SPREAD_OVER, /* add up to other.numel() */
    SORTED,
    PERMUTED,    /* each row of other once, over again when there are more places */
    POSITIVE,
    SHARE,         /* between 0 and 1 */
    CENTRED,       /* between -1 and 1 */
    DOMINANT,
    SMALL,         /* whole numbers 0…param-1 */
    DIVISOR,       /* whole numbers from 1 */
    SIZE_OF_DIM,   /* all equal to other.size(param) */
    FIRST,         /* all 1, which is the first where others count from 1 */
} role;

typedef enum element { WHOLE, REAL, ANY } element; /* which element types a rule speaks of */

static const struct {
    const char *arg, *op; /* shell patterns */
    element element;
    role role;
    const char *other;
    int64_t param;
    const char *rule;
} rules[] = {
    {"indices", "*embedding*", WHOLE, BELOW_DIM, "weight", 0, "indices below the rows of weight"},
    {"indices", "*embedding*backward*", WHOLE, BELOW_VALUE, "num_weights", 0, "indices below num_weights"},
    {"offsets", "*embedding*", WHOLE, OFFSETS, "indices", 0, "offsets rise from 0 to the number of indices"},
    {"indices", "*index*", ANY, INDEX_LIST, "self", 0, "indices below the dimension they index"},
    {"indices", "*max_pool2d*", WHOLE, BELOW_PLANE, "self", 0, "indices within the pooled plane"},
    {"indices", "*max_unpool*", WHOLE, SMALL, "", 1, "indices within the output plane"},
    {"index", "*::take*", WHOLE, BELOW_NUMEL, "self", 0, "indices below the number of elements"},
    {"index", "*", WHOLE, BELOW_INDEXED, "self", 0, "indices below the dimension that dim names"},
    {"index", "*", WHOLE, BELOW_INDEXED, "input", 0, "indices below the dimension that dim names"},
    {"target", "*nll_loss*", WHOLE, BELOW_CLASSES, "self", 0, "targets below the number of classes"},
    {"target", "*cross_entropy*", WHOLE, BELOW_CLASSES, "self", 0, "targets below the number of classes"},
    {"target", "*multi*margin*", WHOLE, BELOW_CLASSES, "self", 0, "targets below the number of classes"},
    {"targets", "*ctc_loss*", WHOLE, BELOW_CLASSES, "log_probs", 0, "targets below the number of classes"},
    {"input_lengths", "*", WHOLE, SIZE_OF_DIM, "log_probs", 0, "lengths equal to the time steps"},
    {"target_lengths", "*", WHOLE, SIZE_OF_DIM, "targets", 1, "lengths equal to the targets"},
    {"offsets", "*", WHOLE, OFFSETS, "indices", 0, "offsets rise from 0 to the number of indices"},
    {"*offsets", "*", WHOLE, OFFSETS_OF_DIM, "*values", 0, "offsets rise from 0 to the rows of values"},
    {"*lengths", "*", WHOLE, SPREAD_OVER, "values", 0, "lengths add up to the number of values"},
    {"*lengths", "*", WHOLE, SPREAD_OVER, "indices", 0, "lengths add up to the number of indices"},
    {"permute", "*", WHOLE, PERMUTED, "*lengths", 0, "a permutation of the rows of lengths"},
    {"permute*", "*", WHOLE, PERMUTED, "", 0, "a permutation"},
    {"position*", "*", WHOLE, BELOW_DIM, "cos_sin_cache", 0, "positions below the rows of the table of angles"},
    {"cu_seq*", "*", WHOLE, OFFSETS_OF_DIM, "q*", 0, "sequence starts rise from 0 to the rows of the query"},
    {"cum_seq*", "*", WHOLE, OFFSETS_OF_DIM, "q*", 0, "sequence starts rise from 0 to the rows of the query"},
    {"crow_indices", "*", WHOLE, OFFSETS, "col_indices", 0, "row starts rise from 0 to the number of columns"},
    {"repeats", "*repeat_interleave*", WHOLE, SPREAD_TO, "output_size", 0, "repeats add up to output_size"},
    {"self", "*one_hot*", WHOLE, SMALL, "", 4, "small class numbers"},
    {"self", "*bincount*", WHOLE, SMALL, "", 8, "small bin numbers"},
    {"sorted_sequence", "*", ANY, SORTED, "", 0, "a rising sequence"},
    {"boundaries", "*", ANY, SORTED, "", 0, "a rising sequence"},
    {"other", "*div*", WHOLE, DIVISOR, "", 0, "divisors are not 0"},
    {"other", "*remainder*", WHOLE, DIVISOR, "", 0, "divisors are not 0"},
    {"other", "*fmod*", WHOLE, DIVISOR, "", 0, "divisors are not 0"},
    {"other", "*::gcd*", WHOLE, DIVISOR, "", 0, "divisors are not 0"},
    {"self", "*multinomial*", REAL, SHARE, "", 0, "probabilities"},
    {"self", "*bernoulli*", REAL, SHARE, "", 0, "probabilities"},
    {"p", "*bernoulli*", REAL, SHARE, "", 0, "probabilities"},
    {"self", "*::poisson*", REAL, SHARE, "", 0, "rates are not negative"},
    {"*pivots", "*", WHOLE, FIRST, "", 0, "rows are counted from 1"},
    {"self", "*::binary_cross_entropy*", REAL, SHARE, "", 0, "probabilities"},
    {"target", "*binary_cross_entropy*", REAL, SHARE, "", 0, "probabilities"},
    {"target", "*cross_entropy*", REAL, SHARE, "", 0, "probabilities"},
    {"grid", "*grid_sampl*", REAL, CENTRED, "", 0, "coordinates between -1 and 1"},
    {"self", "*::log*", REAL, POSITIVE, "", 0, "positive: a logarithm follows"},
    {"self", "*sqrt*", REAL, POSITIVE, "", 0, "positive: a root follows"},
    {"self", "*::pow*", REAL, POSITIVE, "", 0, "positive: a power follows"},
    {"self", "*gamma*", REAL, POSITIVE, "", 0, "positive: a gamma function follows"},
    {"self", "*::acosh*", REAL, POSITIVE, "", 0, "positive"},
    {"self", "*::asin*", REAL, CENTRED, "", 0, "between -1 and 1"},
    {"self", "*::acos*", REAL, CENTRED, "", 0, "between -1 and 1"},
    {"self", "*::atanh*", REAL, CENTRED, "", 0, "between -1 and 1"},
    {"self", "*::erfinv*", REAL, CENTRED, "", 0, "between -1 and 1"},
    {"self", "*exponential*", REAL, POSITIVE, "", 0, "positive"},
    {"std", "*", REAL, POSITIVE, "", 0, "a deviation is positive"},
    {"*var", "*", REAL, POSITIVE, "", 0, "a variance is positive"},
    {"*invstd", "*", REAL, POSITIVE, "", 0, "a deviation is positive"},
    {"rstd", "*", REAL, POSITIVE, "", 0, "a deviation is positive"},
    {"*scale*", "*", REAL, POSITIVE, "", 0, "a scale is positive"},
    {"self", "*cholesky*", REAL, DOMINANT, "", 0, "a positive definite matrix"},
    {"input", "*cholesky*", REAL, DOMINANT, "", 0, "a positive definite matrix"},
    {"self", "*inv*", REAL, DOMINANT, "", 0, "a well-conditioned matrix"},
    {"A", "*linalg*", REAL, DOMINANT, "", 0, "a well-conditioned matrix"},
    {"self", "*linalg*", REAL, DOMINANT, "", 0, "a well-conditioned matrix"},
    {"self", "*::lu*", REAL, DOMINANT, "", 0, "a well-conditioned matrix"},
    {"A", "*solve*", REAL, DOMINANT, "", 0, "a well-conditioned matrix"},
};

static const evr_argument *find_argument(const evr_ir *ir, const char *pattern)
{
    for (size_t i = 0; i < ir->arg_count; i++)
        if (evr_glob(evr_str_c(pattern), ir->args[i].name))
            return &ir->args[i];
    return NULL;
}

static const evr_tensor *find_tensor(const evr_ir *ir, const char *pattern)
{
    const evr_argument *a = find_argument(ir, pattern);
    return a && a->value.kind == EVR_VALUE_TENSOR ? a->value.u.tensor : NULL;
}

static bool find_number(const evr_ir *ir, const char *name, int64_t *out)
{
    const evr_argument *a = find_argument(ir, name);
    if (!a || a->value.kind != EVR_VALUE_INT)
        return false;
    *out = a->value.u.i;
    return true;
}

/* Size of a dimension, counted from the end when negative; 0 when there is none. */
static int64_t size_of(const evr_tensor *t, int64_t dim)
{
    if (dim < 0)
        dim += t->rank;
    return dim >= 0 && dim < (int64_t)t->rank ? t->shape[dim] : t->rank ? 0 : 1;
}

static int64_t numel(const evr_tensor *t)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(n, t->shape[i], &n))
            return INT64_MAX;
    return n;
}

static evr_fill below(int64_t limit)
{
    return (evr_fill){.kind = EVR_FILL_INTEGERS, .low = 0, .high = limit > 0 ? (double)limit : 1};
}

/* Which dimension an item of an index list speaks of: None keeps one, a mask takes as many as it has. */
static int64_t indexed_dimension(const evr_value *list, size_t item)
{
    int64_t dim = 0;
    for (size_t i = 0; i < item && i < list->u.list.len; i++) {
        const evr_value *v = &list->u.list.items[i];
        bool mask = v->kind == EVR_VALUE_TENSOR && v->u.tensor->dtype == EVR_DTYPE_BOOL;
        dim += mask ? v->u.tensor->rank : 1;
    }
    return dim;
}

/* False when what the rule needs is not in the record. */
static bool apply(const evr_ir *ir, size_t rule, const evr_argument *a, size_t item, evr_fill *out)
{
    const evr_tensor *other = find_tensor(ir, rules[rule].other);
    int64_t number;
    switch (rules[rule].role) {
    case BELOW_DIM: return other && (*out = below(size_of(other, rules[rule].param)), true);
    case BELOW_INDEXED: return other && find_number(ir, "dim", &number) && (*out = below(size_of(other, number)), true);
    case BELOW_NUMEL: return other && (*out = below(numel(other)), true);
    case BELOW_CLASSES: return other && (*out = below(size_of(other, other->rank > 1 ? 1 : 0)), true);
    case BELOW_VALUE: return find_number(ir, rules[rule].other, &number) && (*out = below(number), true);
    case BELOW_PLANE:
        if (!other || other->rank < 2 || __builtin_mul_overflow(size_of(other, -1), size_of(other, -2), &number))
            return false;
        *out = below(number);
        return true;
    case INDEX_LIST:
        if (!other || a->value.kind != EVR_VALUE_LIST)
            return false;
        *out = below(size_of(other, indexed_dimension(&a->value, item)));
        return true;
    case OFFSETS: return other && (*out = (evr_fill){EVR_FILL_OFFSETS, 0, (double)numel(other), NULL}, true);
    case OFFSETS_OF_DIM: return other && (*out = (evr_fill){EVR_FILL_OFFSETS, 0, (double)size_of(other, rules[rule].param), NULL}, true);
    case SPREAD_TO:
        *out = find_number(ir, rules[rule].other, &number) ? (evr_fill){EVR_FILL_SPREAD, 0, (double)number, NULL}
                                                           : (evr_fill){EVR_FILL_CONSTANT, 1, 0, NULL};
        return true;
    case SPREAD_OVER: return other && (*out = (evr_fill){EVR_FILL_SPREAD, 0, (double)numel(other), NULL}, true);
    case PERMUTED:
        if (rules[rule].other[0] && !other)
            return false;
        *out = (evr_fill){EVR_FILL_PERMUTATION, 0, other ? (double)size_of(other, rules[rule].param) : 0, NULL};
        return true;
    case SIZE_OF_DIM: return other && (*out = (evr_fill){EVR_FILL_CONSTANT, (double)size_of(other, rules[rule].param), 0, NULL}, true);
    case SORTED: *out = (evr_fill){EVR_FILL_STEPS, 0, 1, NULL}; return true;
    case POSITIVE: *out = (evr_fill){EVR_FILL_UNIFORM, 0.5, 1.5, NULL}; return true;
    case SHARE: *out = (evr_fill){EVR_FILL_UNIFORM, 0.05, 0.95, NULL}; return true;
    case CENTRED: *out = (evr_fill){EVR_FILL_UNIFORM, -0.95, 0.95, NULL}; return true;
    case DOMINANT: *out = (evr_fill){EVR_FILL_DOMINANT, 0, 0, NULL}; return true;
    case SMALL: *out = below(rules[rule].param); return true;
    case FIRST: *out = (evr_fill){EVR_FILL_CONSTANT, 1, 0, NULL}; return true;
    case DIVISOR: *out = (evr_fill){EVR_FILL_INTEGERS, 1, 8, NULL}; return true;
    }
    return false;
}

/* Small element types hold small indices only. */
static void keep_to_type(evr_fill *fill, int32_t dtype)
{
    double most = dtype == EVR_DTYPE_INT8     ? 128
                  : dtype == EVR_DTYPE_UINT8  ? 256
                  : dtype == EVR_DTYPE_INT16  ? 32768
                  : dtype == EVR_DTYPE_UINT16 ? 65536
                                              : 2147483648.0;
    if (fill->kind == EVR_FILL_INTEGERS && fill->high > most)
        fill->high = most;
}

evr_fill evr_rule_for(const evr_ir *ir, size_t arg, size_t item, const evr_tensor *t)
{
    const evr_argument *a = &ir->args[arg];
    bool whole = evr_dtype_is_whole(t->dtype);
    evr_fill fill;
    if (t->dtype == EVR_DTYPE_BOOL)
        return (evr_fill){EVR_FILL_BOOLEANS, 0.5, 0, "half of a mask is set"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if ((rules[i].element == WHOLE && !whole) || (rules[i].element == REAL && whole) ||
            !evr_glob(evr_str_c(rules[i].arg), a->name) || !evr_glob(evr_str_c(rules[i].op), ir->op) ||
            (rules[i].role == INDEX_LIST && !whole) || (rules[i].role == DOMINANT && t->rank < 2))
            continue;
        if (apply(ir, i, a, item, &fill)) {
            fill.rule = rules[i].rule;
            keep_to_type(&fill, t->dtype);
            return fill;
        }
    }
    if (whole || evr_str_is(t->init, "zeros"))
        return (evr_fill){EVR_FILL_CONSTANT, 0, 0, whole ? "whole numbers without a rule are 0" : "zeros, as the record says"};
    if (evr_str_is(t->init, "ones"))
        return (evr_fill){EVR_FILL_CONSTANT, 1, 0, "ones, as the record says"};
    return (evr_fill){EVR_FILL_NORMAL, 0, 0, "normal values"};
}
