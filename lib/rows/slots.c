#include "rows/slots.h"

#include <stdio.h>

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

/* The i-th slot of a cell; empty beyond the last. */
static evr_str slot_text(evr_str cell, size_t index)
{
    size_t from = 0;
    cell = bare(cell);
    for (; index; index--) {
        size_t end = evr_str_find(cell, ';', from);
        if (end == SIZE_MAX)
            return (evr_str){"", 0};
        from = end + 1;
    }
    return bare(evr_str_sub(cell, from, evr_str_find(cell, ';', from)));
}

static size_t slot_count(evr_str cell)
{
    size_t n = 1;
    cell = bare(cell);
    for (size_t i = 0; i < cell.len; i++)
        n += cell.data[i] == ';';
    return cell.len ? n : 0;
}

static bool is_nothing(evr_str text)
{
    static const char *const names[] = {"", "()", "[]", "N/A", "NA", "NULL", "None", "none", "DT_UNDEFINED", "UNDEFINED"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (evr_str_is(text, names[i]))
            return true;
    return false;
}

static bool read_shape(evr_str text, evr_slot *slot)
{
    if (is_nothing(text))
        return true;
    if (text.len >= 2 && ((text.data[0] == '(' && text.data[text.len - 1] == ')') || (text.data[0] == '[' && text.data[text.len - 1] == ']')))
        text = evr_str_sub(text, 1, text.len - 1);
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && text.data[end] != ',' && text.data[end] != ' ')
            end++;
        evr_str size = evr_str_sub(text, at, end);
        at = end + 1;
        if (!size.len)
            continue;
        if (slot->rank == EVR_ROW_DIMS || !evr_str_to_i64(size, &slot->shape[slot->rank]) || slot->shape[slot->rank] < 0)
            return false;
        slot->rank++;
    }
    return true;
}

/* (n/n0, m/m0, m0, n0) of a matrix m×n, whose sizes may have been smaller. */
static void from_nz(evr_slot *slot)
{
    uint32_t r = slot->rank;
    if (r < 4)
        return; /* the matrix's own sizes */
    int64_t *s = &slot->shape[r - 4], m, n;
    if (__builtin_mul_overflow(s[1], s[2], &m) || __builtin_mul_overflow(s[0], s[3], &n))
        return;
    slot->unit[r - 4] = s[2];
    slot->unit[r - 3] = s[3];
    s[0] = m;
    s[1] = n;
    slot->rank = r - 2;
}

/* (n, c/c0, h, w, c0) */
static void from_nc1hwc0(evr_slot *slot)
{
    int64_t c, c0 = slot->rank == 5 ? slot->shape[4] : 0;
    if (slot->rank != 5 || __builtin_mul_overflow(slot->shape[1], c0, &c))
        return;
    slot->unit[1] = c0;
    slot->shape[1] = c;
    slot->rank = 4;
}

static void set_strides(evr_slot *slot)
{
    int64_t stride = 1;
    for (uint32_t i = slot->rank; i--;) {
        slot->strides[i] = stride;
        if (slot->shape[i] > 0 && __builtin_mul_overflow(stride, slot->shape[i], &stride))
            stride = INT64_MAX; /* such a tensor is refused when its memory is counted */
    }
}

typedef struct cells3 {
    evr_str shapes, types, formats;
    const char *what;
} cells3;

static bool read_slot(const evr_row_map *map, const cells3 *c, size_t i, evr_slot *slot, char *why, size_t size)
{
    evr_str shape = slot_text(c->shapes, i), type = slot_text(c->types, i), format = slot_text(c->formats, i);
    if (is_nothing(type) || (is_nothing(shape) && format.len && is_nothing(format)))
        return true;
    slot->there = true;
    slot->dtype = evr_row_map_type(map, type);
    if (slot->dtype == EVR_DTYPE_UNKNOWN)
        return snprintf(why, size, "unknown-type: %s %zu is of type %.*s, which no row map knows; add it with a line \"types %.*s = …\"", c->what, i, EVR_STR_ARG(type),
                        EVR_STR_ARG(type)),
               false;
    if (!read_shape(shape, slot))
        return snprintf(why, size, "bad-shape: %s %zu has the shape \"%.*s\"", c->what, i, EVR_STR_ARG(shape)), false;
    slot->scalar = slot->rank == 0;
    evr_format_kind kind = is_nothing(format) ? EVR_FORMAT_PLAIN : evr_row_map_format(map, format);
    if (kind == EVR_FORMAT_UNKNOWN)
        return snprintf(why, size, "unknown-format: %s %zu is in the format %.*s, which no row map knows; add it with a line \"formats %.*s = …\"", c->what, i,
                        EVR_STR_ARG(format), EVR_STR_ARG(format)),
               false;
    if (kind == EVR_FORMAT_NZ)
        from_nz(slot);
    else if (kind == EVR_FORMAT_NC1HWC0)
        from_nc1hwc0(slot);
    set_strides(slot);
    return true;
}

static bool read_side(const evr_row_map *map, const cells3 *c, evr_slot *slots, size_t *count, char *why, size_t size)
{
    size_t n = slot_count(c->shapes), types = slot_count(c->types);
    if (types > n)
        n = types;
    if (n > EVR_ROW_SLOTS)
        return snprintf(why, size, "bad-shape: there are %zu %ss, more than %d", n, c->what, EVR_ROW_SLOTS), false;
    for (size_t i = 0; i < n; i++) {
        if (!read_slot(map, c, i, &slots[i], why, size))
            return false;
        if (slots[i].there)
            *count = i + 1;
    }
    return true;
}

bool evr_slots_read(const evr_row_map *map, const evr_call_cells *cells, evr_row_slots *slots, char *why, size_t size)
{
    const evr_str *b = cells->base;
    const cells3 in = {b[EVR_COL_INPUT_SHAPES], b[EVR_COL_INPUT_TYPES], b[EVR_COL_INPUT_FORMATS], "input"},
                 out = {b[EVR_COL_OUTPUT_SHAPES], b[EVR_COL_OUTPUT_TYPES], b[EVR_COL_OUTPUT_FORMATS], "output"};
    memset(slots, 0, sizeof *slots);
    return read_side(map, &in, slots->in, &slots->in_count, why, size) && read_side(map, &out, slots->out, &slots->out_count, why, size);
}
