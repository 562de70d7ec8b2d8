#include "records.h"

#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_trace(record_source *s, const char *path, evr_runtime *runtime, const char *data, size_t size)
{
    evr_error *err = NULL;
    evr_status status = EVR_OK;
    if (data)
        status = evr_trace_open_memory(s->ctx, data, size, NULL, &s->trace, &err);
    else if (input_trace(s->ctx, path, 0, &s->trace))
        return EXIT_BAD_INPUT;
    if (status == EVR_OK)
        status = evr_extractor_new(s->ctx, s->trace, NULL, &s->extractor, &err);
    if (status == EVR_OK && runtime)
        status = evr_runtime_teach(runtime, s->extractor, &err);
    if (status == EVR_OK)
        status = evr_extractor_calls(s->extractor, &s->calls, &s->count, &err);
    return status == EVR_OK ? EXIT_GOOD : input_error("", status, err);
}

/* Records say so near their beginning; everything else, packed or not, is left to the trace reader. */
static bool looks_like_records(const char *head, size_t size)
{
    return memmem(head, size, "\"evreplay_ir\"", 13) || memmem(head, size, "\"op_name\"", 9);
}

int records_open(evr_context *ctx, const char *path, evr_runtime *runtime, record_source *s)
{
    char head[512];
    size_t got = 0;
    *s = (record_source){.ctx = ctx};
    bool from_stdin = strcmp(path, "-") == 0;
    FILE *f = from_stdin ? NULL : fopen(path, "rb");
    if (f) {
        got = fread(head, 1, sizeof head, f);
        fclose(f);
    }
    if (!from_stdin && !looks_like_records(head, got))
        return open_trace(s, path, runtime, NULL, 0);
    size_t size;
    if (!(s->data = input_read_all(path, &size)))
        return EXIT_BAD_INPUT;
    if (from_stdin && !looks_like_records(s->data, size < sizeof head ? size : sizeof head))
        return open_trace(s, path, runtime, s->data, size);
    evr_error *err = NULL;
    evr_status status = evr_ir_read(ctx, s->data, size, &s->set, &err);
    if (status != EVR_OK)
        return input_error("", status, err);
    s->count = evr_ir_set_count(s->set);
    return EXIT_GOOD;
}

void records_close(record_source *s)
{
    evr_extractor_free(s->extractor);
    evr_trace_free(s->trace);
    evr_ir_set_free(s->set);
    free(s->data);
}

const evr_ir *records_get(record_source *s, size_t index, evr_ir **owned)
{
    *owned = NULL;
    if (s->set)
        return evr_ir_set_at(s->set, index);
    evr_error *err = NULL;
    evr_status status = evr_extractor_record(s->extractor, s->calls[index].uid, owned, &err);
    if (status != EVR_OK)
        input_error("", status, err);
    return *owned;
}

evr_str records_op(const record_source *s, size_t i) { return s->set ? evr_ir_op(evr_ir_set_at(s->set, i)) : s->calls[i].op; }
evr_uid records_uid(const record_source *s, size_t i) { return s->set ? evr_ir_uid(evr_ir_set_at(s->set, i)) : s->calls[i].uid; }
