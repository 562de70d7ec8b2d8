#include "ir/form.h"

static const struct {
    const char *name;
    size_t field;
} texts[] = {
    {"name", offsetof(evr_group, name)}, {"description", offsetof(evr_group, description)}, {"backend", offsetof(evr_group, backend)}};

evr_status evr_ir_set_group(evr_ir *ir, const evr_group *group, evr_error **err)
{
    int64_t *ranks = group->rank_count ? evr_arena_alloc(&ir->arena, group->rank_count * sizeof *ranks) : NULL;
    ir->group = *group;
    ir->group.struct_size = sizeof ir->group;
    if (group->rank_count && !ranks)
        return evr_fail_nomem(err);
    if (ranks)
        memcpy(ranks, group->ranks, group->rank_count * sizeof *ranks);
    ir->group.ranks = ranks;
    if (!evr_ir_text(ir, group->name, &ir->group.name) || !evr_ir_text(ir, group->description, &ir->group.description) ||
        !evr_ir_text(ir, group->backend, &ir->group.backend))
        return evr_fail_nomem(err);
    ir->has_group = true;
    return EVR_OK;
}

const evr_group *evr_ir_group(const evr_ir *ir) { return ir->has_group ? &ir->group : NULL; }

void evr_form_write_group(evr_json_writer *w, const evr_ir *ir)
{
    if (!ir->has_group)
        return;
    evr_json_key(w, "group");
    evr_json_open(w, '{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_str text = *(const evr_str *)((const char *)&ir->group + texts[i].field);
        if (!text.len)
            continue;
        evr_json_key(w, texts[i].name);
        evr_json_str(w, text);
    }
    evr_json_key(w, "size");
    evr_json_i64(w, ir->group.size);
    if (ir->group.rank_count)
        evr_form_write_sizes(w, "ranks", ir->group.ranks, (uint32_t)ir->group.rank_count);
    evr_json_close(w, '}');
}

static const int64_t *read_ranks(evr_ir *ir, evr_json *j, size_t *count)
{
    bool first = true;
    evr_value *items = evr_form_items(ir, j, count);
    int64_t *ranks = items ? evr_arena_alloc(&ir->arena, (*count + 1) * sizeof *ranks) : NULL;
    for (size_t i = 0; ranks && evr_json_next_item(j, &first); i++)
        ranks[i] = evr_form_whole(j);
    if (items && !ranks)
        evr_json_fail(j, evr_json_no_memory);
    return ranks;
}

void evr_form_read_group(evr_ir *ir, evr_json *j)
{
    evr_str key;
    bool first = true;
    size_t count = 0;
    uint64_t size = 0;
    ir->group = (evr_group){.struct_size = sizeof ir->group, .name = {"", 0}, .description = {"", 0}, .backend = {"", 0}};
    ir->has_group = true;
    evr_json start = *j;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        evr_str *text = NULL;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (evr_str_is(key, texts[i].name))
                text = (evr_str *)((char *)&ir->group + texts[i].field);
        if (text)
            *text = evr_form_text(ir, j);
        else if (evr_str_is(key, "size"))
            size = evr_form_count(j);
        else if (evr_str_is(key, "ranks"))
            ir->group.ranks = read_ranks(ir, j, &count);
        else
            evr_json_skip(j);
    }
    ir->group.rank_count = count;
    bool good = size <= EVR_MOST_RANKS && (!count || size == count);
    ir->group.size = (int32_t)(good ? size : 0);
    for (size_t i = 0; i < count && !j->problem; i++)
        good &= ir->group.ranks[i] >= 0 && ir->group.ranks[i] < EVR_MOST_RANKS;
    if (!good)
        evr_json_fail_at(j, &start, "a group with a size, and as many ranks, was expected");
}
