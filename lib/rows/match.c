#include "rows/match.h"

#include <stdio.h>

enum { MOST_STEPS = 100000, MOST_RULES = 64 };

typedef struct matcher {
    const evr_variant *variant;
    evr_row_slots *slots;
    evr_bindings *b;
    const evr_shape_rule *rules[MOST_RULES];
    uint8_t chosen[MOST_RULES]; /* layout of each rule */
    size_t count, furthest;
    uint32_t steps;
} matcher;

static evr_slot *slot_of(const matcher *m, const evr_shape_rule *rule) { return rule->output ? &m->slots->out[rule->slot] : &m->slots->in[rule->slot]; }

/* Whether two sizes may be one, and which: one that was rounded up gives way to one that was not. */
static bool same_size(int64_t *size, int64_t *unit, int64_t other, int64_t other_unit)
{
    if (*size == other) {
        if (!other_unit)
            *unit = 0;
        return true;
    }
    bool other_rounded = other_unit > 0 && *size < other && other - *size < other_unit && (!*unit || *unit == other_unit);
    bool rounded = *unit > 0 && other < *size && *size - other < *unit && !other_unit;
    if (rounded) {
        *size = other;
        *unit = 0;
    }
    return rounded || (other_rounded && !*unit);
}

static bool bind_one(evr_bound *bound, int64_t size, int64_t unit)
{
    if (bound->bound)
        return !bound->many && same_size(&bound->sizes[0], &bound->units[0], size, unit);
    *bound = (evr_bound){.bound = true, .count = 1, .sizes = {size}, .units = {unit}};
    return true;
}

static bool bind_many(evr_bound *bound, const int64_t *sizes, const int64_t *units, uint32_t count)
{
    if (bound->bound) {
        if (!bound->many || bound->count != count)
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (!same_size(&bound->sizes[i], &bound->units[i], sizes[i], units[i]))
                return false;
        return true;
    }
    *bound = (evr_bound){.bound = true, .many = true, .count = count};
    memcpy(bound->sizes, sizes, count * sizeof *sizes);
    memcpy(bound->units, units, count * sizeof *units);
    return true;
}

static bool match_rule(matcher *m, size_t rule);

/* Fits the places from number `place` on to the slot's dimensions from `dim` on, and then the rules that follow. */
static bool match_places(matcher *m, size_t rule, const evr_layout *layout, const evr_slot *slot, size_t place, uint32_t dim)
{
    if (++m->steps > MOST_STEPS)
        return false;
    if (place == layout->count)
        return dim == slot->rank && match_rule(m, rule + 1);
    const evr_place *p = &layout->places[place];
    if (p->kind == EVR_PLACE_NUMBER)
        return dim < slot->rank && slot->shape[dim] == p->number && match_places(m, rule, layout, slot, place + 1, dim + 1);
    evr_bound *bound = &m->b->names[p->name], before = *bound;
    if (p->kind == EVR_PLACE_NAME) {
        if (dim < slot->rank && bind_one(bound, slot->shape[dim], slot->unit[dim]) && match_places(m, rule, layout, slot, place + 1, dim + 1))
            return true;
        *bound = before;
        return false;
    }
    uint32_t left = slot->rank - dim;
    for (uint32_t i = 0; i <= left; i++) {
        uint32_t n = p->kind == EVR_PLACE_MANY ? left - i : i;
        if (bind_many(bound, &slot->shape[dim], &slot->unit[dim], n) && match_places(m, rule, layout, slot, place + 1, dim + n))
            return true;
        *bound = before;
    }
    return false;
}

static bool match_rule(matcher *m, size_t rule)
{
    if (rule > m->furthest)
        m->furthest = rule;
    if (rule == m->count)
        return true;
    const evr_shape_rule *r = m->rules[rule];
    const evr_slot *slot = slot_of(m, r);
    if (!slot->there)
        return r->optional && match_rule(m, rule + 1);
    for (size_t i = 0; i < r->layout_count; i++) {
        m->chosen[rule] = (uint8_t)i;
        if (match_places(m, rule, &r->layouts[i], slot, 0, 0))
            return true;
    }
    return false;
}

/* Sizes of a layout's places, as bound. */
static uint32_t sizes_of(const evr_bindings *b, const evr_layout *layout, int64_t sizes[EVR_ROW_DIMS], uint32_t first[EVR_ROW_DIMS])
{
    uint32_t n = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const evr_place *p = &layout->places[i];
        first[i] = n;
        if (p->kind == EVR_PLACE_NUMBER) {
            sizes[n++] = p->number;
            continue;
        }
        for (uint32_t k = 0; k < b->names[p->name].count && n < EVR_ROW_DIMS; k++)
            sizes[n++] = b->names[p->name].sizes[k];
    }
    return n;
}

static size_t place_like(const evr_layout *layout, const evr_place *p)
{
    size_t i = 0;
    while (i < layout->count && (layout->places[i].name != p->name || layout->places[i].number != p->number ||
                                 (layout->places[i].kind == EVR_PLACE_NUMBER) != (p->kind == EVR_PLACE_NUMBER)))
        i++;
    return i;
}

/* The slot as the first layout sees it, on memory in the order of the layout found. */
static void arrange(const evr_bindings *b, const evr_shape_rule *rule, size_t chosen, evr_slot *slot)
{
    int64_t stored[EVR_ROW_DIMS], strides[EVR_ROW_DIMS], stride = 1;
    uint32_t where[EVR_ROW_DIMS], ignored[EVR_ROW_DIMS];
    const evr_layout *to = &rule->layouts[0], *from = &rule->layouts[chosen];
    uint32_t rank = sizes_of(b, from, stored, where);
    for (uint32_t i = rank; i--;) {
        strides[i] = stride;
        if (stored[i] > 0 && __builtin_mul_overflow(stride, stored[i], &stride))
            stride = INT64_MAX;
    }
    slot->rank = sizes_of(b, to, slot->shape, ignored);
    memset(slot->unit, 0, sizeof slot->unit);
    for (size_t i = 0; i < to->count; i++) {
        size_t at = where[place_like(from, &to->places[i])];
        uint32_t count = to->places[i].kind == EVR_PLACE_NUMBER ? 1 : b->names[to->places[i].name].count;
        memcpy(&slot->strides[ignored[i]], &strides[at], count * sizeof *strides);
    }
}

static size_t gather(matcher *m, bool rounded)
{
    for (const evr_rule_link *l = m->variant->rules; l; l = l->next) {
        const evr_slot *slot = l->rule.output ? &m->slots->out[l->rule.slot] : &m->slots->in[l->rule.slot];
        bool any = false;
        for (uint32_t i = 0; i < slot->rank; i++)
            any |= slot->unit[i] > 0;
        if (any == rounded && m->count < MOST_RULES)
            m->rules[m->count++] = &l->rule;
    }
    return m->count;
}

bool evr_match(const evr_variant *variant, evr_row_slots *slots, evr_bindings *bindings, char *why, size_t size)
{
    matcher m = {.variant = variant, .slots = slots, .b = bindings};
    memset(bindings, 0, sizeof *bindings);
    if (slots->in_count < variant->inputs_least || slots->in_count > variant->inputs_most)
        return snprintf(why, size, "there are %zu inputs", slots->in_count), false;
    gather(&m, false);
    gather(&m, true); /* exact sizes are known by then */
    if (!match_rule(&m, 0)) {
        const evr_shape_rule *r = m.rules[m.furthest < m.count ? m.furthest : 0];
        snprintf(why, size, slot_of(&m, r)->there ? "the shape of %s%u does not fit" : "there is no %s%u", r->output ? "out" : "in", r->slot);
        return false;
    }
    for (size_t i = 0; i < m.count; i++)
        if (slot_of(&m, m.rules[i])->there)
            arrange(bindings, m.rules[i], m.chosen[i], slot_of(&m, m.rules[i]));
    return true;
}
