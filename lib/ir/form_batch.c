#include "ir/form.h"

static const struct {
    const char *name;
    size_t field;
} fields[] = {
#define FIELD(name) {#name, offsetof(evr_batch_context, name)}
    FIELD(context_requests), FIELD(context_tokens), FIELD(context_cached), FIELD(generation_requests), FIELD(generation_tokens), FIELD(generation_cached),
#undef FIELD
};

void evr_form_write_batch(evr_json_writer *w, const evr_ir *ir)
{
    if (!ir->has_batch)
        return;
    evr_json_key(w, "batch");
    evr_json_open(w, '{');
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        evr_json_key(w, fields[i].name);
        evr_json_i64(w, *(const int64_t *)((const char *)&ir->batch + fields[i].field));
    }
    evr_json_close(w, '}');
}

void evr_form_read_batch(evr_ir *ir, evr_json *j)
{
    evr_str key;
    bool first = true;
    ir->batch = (evr_batch_context){.struct_size = sizeof ir->batch};
    ir->has_batch = true;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        int64_t *field = NULL;
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (evr_str_is(key, fields[i].name))
                field = (int64_t *)((char *)&ir->batch + fields[i].field);
        if (field)
            *field = (int64_t)evr_form_count(j);
        else
            evr_json_skip(j);
    }
}
