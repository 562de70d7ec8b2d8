#include "perfdb/signature.h"

#include <ctype.h>

static const struct {
    const char *op;
    evr_signature_rule rule;
} rules[] = {
    {"MatMulV2", EVR_RULE_MATMUL},         {"MatMulV3", EVR_RULE_MATMUL},
    {"MatMulCommon", EVR_RULE_MATMUL},     {"Index", EVR_RULE_INDEX},
    {"Slice", EVR_RULE_FIRST_INPUT},       {"SliceAiCore", EVR_RULE_FIRST_INPUT},
    {"Transpose", EVR_RULE_FIRST_INPUT},   {"TransposeAiCore", EVR_RULE_FIRST_INPUT},
    {"DispatchFFNCombine", EVR_RULE_EP_SIZE},
};

/* Names of one operator in the profiler. */
static const char *const families[][3] = {
    {"MatMulV2", "MatMulV3", "MatMulCommon"},
    {"BatchMatMulV2", "BatchMatMulNd", NULL},
    {"mla_preprocess_0_mix_aic", "mla_preprocess", NULL},
};

#define CORE_SUFFIX "AiCore" /* an operator of which only the kernel for this core is meant */

evr_signature_rule evr_signature_rule_of(evr_str op)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (evr_str_is(op, rules[i].op))
            return rules[i].rule;
    return EVR_RULE_PLAIN;
}

size_t evr_op_aliases(evr_str op, evr_alias aliases[EVR_MOST_ALIASES])
{
    size_t n = 0;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        bool member = false;
        for (size_t i = 0; i < 3 && families[f][i]; i++)
            member |= evr_str_is(op, families[f][i]);
        for (size_t i = 0; member && i < 3 && families[f][i]; i++)
            if (!evr_str_is(op, families[f][i]))
                aliases[n++] = (evr_alias){evr_str_c(families[f][i]), ""};
    }
    if (evr_str_ends(op, CORE_SUFFIX) && op.len > strlen(CORE_SUFFIX))
        aliases[n++] = (evr_alias){evr_str_sub(op, 0, op.len - strlen(CORE_SUFFIX)), ""};
    else
        aliases[n++] = (evr_alias){op, CORE_SUFFIX};
    return n;
}

bool evr_op_match_only(evr_str op) { return evr_signature_rule_of(op) == EVR_RULE_MATMUL; }

/* Without white space and quotes around it. */
static evr_str bare(evr_str s)
{
    s = evr_cell_trim(s);
    while (s.len && s.data[0] == '"')
        s = (evr_str){s.data + 1, s.len - 1};
    while (s.len && s.data[s.len - 1] == '"')
        s.len--;
    return evr_cell_trim(s);
}

/* The slots of a cell, separated by ';'. A rule that picks some has them in `picked` instead. */
typedef struct slots {
    evr_str cell;
    evr_str picked[2];
    size_t picked_count;
    bool is_picked;
    size_t at; /* next slot: offset, or number of the picked one */
    bool done;
} slots;

static slots slots_of(evr_str cell)
{
    slots s = {.cell = bare(cell)};
    s.done = s.cell.len == 0;
    return s;
}

static slots slots_pick(evr_str first, evr_str second, size_t count)
{
    return (slots){.picked = {first, second}, .picked_count = count, .is_picked = true, .done = count == 0};
}

/* The next slot, or false at the end. */
static bool next_slot(slots *s, evr_str *slot)
{
    *slot = (evr_str){"", 0};
    if (s->done)
        return false;
    if (s->is_picked) {
        *slot = s->picked[s->at++];
        s->done = s->at == s->picked_count;
        return true;
    }
    size_t end = evr_str_find(s->cell, ';', s->at);
    s->done = end == SIZE_MAX;
    *slot = bare(evr_str_sub(s->cell, s->at, s->done ? s->cell.len : end));
    s->at = end + 1;
    return true;
}

static evr_str first_slot(evr_str cell)
{
    slots s = slots_of(cell);
    evr_str slot;
    next_slot(&s, &slot);
    return slot;
}

static evr_str last_slot(evr_str cell)
{
    evr_str whole = bare(cell);
    size_t from = whole.len;
    while (from && whole.data[from - 1] != ';')
        from--;
    return bare(evr_str_sub(whole, from, whole.len));
}

static bool is_nothing(evr_str slot)
{
    static const char *const names[] = {"()", "N/A", "NA", "NULL", "None", "none"};
    if (slot.len == 0 || (slot.data[0] >= '0' && slot.data[0] <= '9'))
        return slot.len == 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (evr_str_is(slot, names[i]))
            return true;
    return false;
}

/* Inside of a shape slot, empty when it names no shape. */
static evr_str shape_inside(evr_str slot)
{
    if (is_nothing(slot))
        return (evr_str){"", 0};
    if (slot.len >= 2 && slot.data[0] == '(' && slot.data[slot.len - 1] == ')')
        slot = evr_str_sub(slot, 1, slot.len - 1);
    return slot;
}

/* The next dimension of a shape: they are separated by commas and white space. */
static bool next_dim(evr_str *rest, evr_str *dim)
{
    size_t i = 0;
    while (i < rest->len && (rest->data[i] == ',' || isspace((unsigned char)rest->data[i])))
        i++;
    size_t from = i;
    while (i < rest->len && rest->data[i] != ',' && !isspace((unsigned char)rest->data[i]))
        i++;
    *dim = evr_str_sub(*rest, from, i);
    *rest = evr_str_sub(*rest, i, rest->len);
    return dim->len > 0;
}

static bool has_shape(evr_str slot)
{
    if (slot.len && slot.data[0] >= '0' && slot.data[0] <= '9')
        return true;
    evr_str rest = shape_inside(slot), dim;
    return next_dim(&rest, &dim);
}

/* A shape that is only digits with single commas between them is put as it is. */
static bool is_plain_shape(evr_str slot)
{
    bool digit = false;
    for (size_t i = 0; i < slot.len; i++) {
        bool is_digit = slot.data[i] >= '0' && slot.data[i] <= '9';
        if (!is_digit && (slot.data[i] != ',' || !digit))
            return false;
        digit = is_digit;
    }
    return digit;
}

static void put_shape(evr_buf *to, evr_str slot)
{
    if (is_plain_shape(slot)) {
        evr_put(to, slot.data, slot.len);
        return;
    }
    evr_str rest = shape_inside(slot), dim;
    for (bool first = true; next_dim(&rest, &dim); first = false) {
        if (!first)
            evr_put_char(to, ',');
        evr_put(to, dim.data, dim.len);
    }
}

/* Names of element types differ between profilers and databases. */
static void put_type(evr_buf *to, evr_str type)
{
#define SAME(other, name) {{(other), sizeof(other) - 1}, {(name), sizeof(name) - 1}}
    static const evr_str same[][2] = {
        SAME("BFLOAT16", "BF16"), SAME("HALF", "FLOAT16"), SAME("FP16", "FLOAT16"),   SAME("FP32", "FLOAT"),
        SAME("FLOAT32", "FLOAT"), SAME("FP64", "DOUBLE"),  SAME("FLOAT64", "DOUBLE"),
    };
    char upper[24];
    if (type.len > 3 && type.data[2] == '_' && (type.data[0] | 32) == 'd' && (type.data[1] | 32) == 't')
        type = evr_str_sub(type, 3, type.len);
    if (type.len >= sizeof upper) {
        evr_put(to, type.data, type.len);
        return;
    }
    for (size_t i = 0; i < type.len; i++)
        upper[i] = (char)(type.data[i] >= 'a' && type.data[i] <= 'z' ? type.data[i] - 32 : type.data[i]);
    evr_str name = {upper, type.len};
    for (size_t i = 0; type.len > 3 && i < sizeof same / sizeof *same; i++)
        if (evr_str_eq(name, same[i][0])) {
            name = same[i][1];
            break;
        }
    evr_put(to, name.data, name.len);
}

static void put_format(evr_buf *to, evr_str format) { evr_put(to, format.data, format.len); }

static void end_part(evr_buf *to) { evr_put_char(to, 0); }

/* Which of the first 64 slots have a shape, so that types and formats need not look again. */
typedef struct shape_mask {
    uint64_t bits;
    size_t count; /* slots in all */
} shape_mask;

/* Empty slots at the end do not count: the text is cut behind the last that is not. */
static shape_mask put_shapes(evr_buf *to, slots s)
{
    evr_str slot;
    shape_mask mask = {0, 0};
    size_t kept = to->len;
    for (; next_slot(&s, &slot); mask.count++) {
        if (mask.count)
            evr_put_char(to, ';');
        size_t before = to->len;
        put_shape(to, slot);
        if (to->len == before)
            continue;
        kept = to->len;
        mask.bits |= mask.count < 64 ? UINT64_C(1) << mask.count : 0;
    }
    to->len = to->failed ? to->len : kept;
    end_part(to);
    return mask;
}

/* Types or formats; one counts only when its slot has a shape. */
static void put_attributes(evr_buf *to, slots shapes, shape_mask mask, slots attributes, void (*put)(evr_buf *, evr_str))
{
    evr_str shape, attribute;
    size_t kept = to->len;
    for (size_t i = 0; next_slot(&attributes, &attribute); i++) {
        bool shaped = i < 64 && (mask.bits >> i & 1);
        if (mask.count > 64) {
            next_slot(&shapes, &shape);
            shaped = has_shape(shape);
        }
        if (i)
            evr_put_char(to, ';');
        if (attribute.len == 0 || !shaped)
            continue;
        put(to, attribute);
        kept = to->len;
    }
    to->len = to->failed ? to->len : kept;
    end_part(to);
}

static void put_outputs(evr_buf *to, const evr_call_cells *c)
{
    slots shapes = slots_of(c->base[EVR_COL_OUTPUT_SHAPES]);
    shape_mask mask = put_shapes(to, shapes);
    put_attributes(to, shapes, mask, slots_of(c->base[EVR_COL_OUTPUT_TYPES]), put_type);
}

static void put_call(evr_buf *to, const evr_call_cells *c, slots shapes, slots types, slots formats)
{
    shape_mask mask = put_shapes(to, shapes);
    put_attributes(to, shapes, mask, types, put_type);
    put_attributes(to, shapes, mask, formats, put_format);
    put_outputs(to, c);
}

/* Two whole numbers, as a matrix has. */
static bool matrix(evr_str slot, int64_t dims[2])
{
    evr_str rest = shape_inside(slot), dim;
    for (size_t i = 0; i < 2; i++)
        if (!next_dim(&rest, &dim) || !evr_str_to_i64(dim, &dims[i]))
            return false;
    return !next_dim(&rest, &dim);
}

static void put_two(evr_buf *to, evr_str cell, void (*put)(evr_buf *, evr_str))
{
    slots s = slots_of(cell);
    evr_str slot;
    for (int i = 0; i < 2 && next_slot(&s, &slot); i++) {
        if (i)
            evr_put_char(to, ';');
        put(to, slot);
    }
    end_part(to);
}

/* A product of matrices is m, n and k, whichever of the two is stored transposed. False when the shapes are no such product. */
static bool put_matmul(evr_buf *to, const evr_call_cells *c)
{
    slots in = slots_of(c->base[EVR_COL_INPUT_SHAPES]);
    evr_str slot;
    int64_t a[2], b[2], out[2];
    if (!next_slot(&in, &slot) || !matrix(slot, a) || !next_slot(&in, &slot) || !matrix(slot, b) ||
        !matrix(first_slot(c->base[EVR_COL_OUTPUT_SHAPES]), out))
        return false;
    for (int layout = 0; layout < 4; layout++) {
        int64_t m = a[layout >> 1], k = a[!(layout >> 1)], n = b[layout & 1], inner = b[!(layout & 1)];
        if (m != out[0] || n != out[1] || k != inner)
            continue;
        evr_buf_printf(to, "%lld,%lld;%lld,%lld", (long long)m, (long long)k, (long long)n, (long long)k);
        end_part(to);
        put_two(to, c->base[EVR_COL_INPUT_TYPES], put_type);
        put_two(to, c->base[EVR_COL_INPUT_FORMATS], put_format);
        put_outputs(to, c);
        return true;
    }
    return false;
}

/* What is taken from where: the source and the number of rows of the result stand for all index tensors. */
static bool put_index(evr_buf *to, const evr_call_cells *c)
{
    evr_str types = c->base[EVR_COL_INPUT_TYPES], formats = c->base[EVR_COL_INPUT_FORMATS];
    evr_str rest = shape_inside(first_slot(c->base[EVR_COL_OUTPUT_SHAPES])), rows;
    int64_t count;
    if (bare(c->base[EVR_COL_INPUT_SHAPES]).len == 0 || !next_dim(&rest, &rows) || !evr_str_to_i64(rows, &count))
        return false;
    put_call(to, c, slots_pick(first_slot(c->base[EVR_COL_INPUT_SHAPES]), rows, 2),
             slots_pick(first_slot(types), last_slot(types), bare(types).len ? 2 : 0),
             slots_pick(first_slot(formats), last_slot(formats), bare(formats).len ? 2 : 0));
    return true;
}

static void put_first_input(evr_buf *to, const evr_call_cells *c)
{
    evr_str shapes = c->base[EVR_COL_INPUT_SHAPES], types = c->base[EVR_COL_INPUT_TYPES], none = {"", 0};
    bool has_format = bare(c->base[EVR_COL_INPUT_FORMATS]).len > 0;
    put_call(to, c, slots_pick(first_slot(shapes), none, bare(shapes).len ? 1 : 0),
             slots_pick(first_slot(types), none, bare(types).len ? 1 : 0),
             slots_pick(EVR_STR_LITERAL("ND"), none, has_format ? 1 : 0));
}

void evr_signature(evr_buf *to, evr_signature_rule rule, const evr_call_cells *c)
{
    size_t start = to->len;
    if (rule == EVR_RULE_MATMUL && put_matmul(to, c))
        return;
    if (rule == EVR_RULE_INDEX && put_index(to, c))
        return;
    to->len = to->failed ? to->len : start;
    if (rule == EVR_RULE_FIRST_INPUT) {
        put_first_input(to, c);
        return;
    }
    put_call(to, c, slots_of(c->base[EVR_COL_INPUT_SHAPES]), slots_of(c->base[EVR_COL_INPUT_TYPES]),
             slots_of(c->base[EVR_COL_INPUT_FORMATS]));
    if (rule == EVR_RULE_EP_SIZE) {
        evr_buf_str(to, evr_cell_trim(c->ep_size));
        end_part(to);
    }
}

void evr_signature_label(evr_buf *to, const evr_call_cells *c)
{
    evr_str in = c->base[EVR_COL_INPUT_SHAPES], out = c->base[EVR_COL_OUTPUT_SHAPES];
    evr_buf_str(to, in.len ? in : EVR_STR_LITERAL("N/A"));
    evr_buf_c(to, " -> ");
    evr_buf_str(to, out.len ? out : EVR_STR_LITERAL("N/A"));
}
