#include "records.h"

#include "input.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Records say so near their beginning; everything else, packed or not, is left to the trace reader. */
static bool looks_like_records(evr_str head)
{
    while (head.len && strchr(" \r\n", head.data[0]) && head.data[0])
        head = evr_str_sub(head, 1, head.len);
    return evr_str_starts(head, "Operator:") || memmem(head.data, head.len, "\"evreplay_ir\"", 13) || memmem(head.data, head.len, "\"op_name\"", 9);
}

static int open_trace(record_source *s, const char *path, uint32_t flags, evr_runtime *runtime, evr_str head)
{
    evr_error *err = NULL;
    int code = input_trace(s->ctx, path, flags, head, &s->trace);
    if (code)
        return code;
    evr_status status = evr_extractor_new(s->ctx, s->trace, NULL, &s->extractor, &err);
    if (status == EVR_OK && runtime)
        status = evr_runtime_teach(runtime, s->extractor, &err);
    if (status == EVR_OK)
        status = evr_extractor_calls(s->extractor, &s->calls, &s->count, &err);
    return status == EVR_OK ? EXIT_GOOD : input_error("", status, err);
}

/* A record's times are those of its kernels: nothing else is kept of the run it comes from. */
static evr_call call_of(const evr_ir *ir)
{
    evr_call c = {.struct_size = sizeof c, .status = evr_ir_status(ir), .reason = evr_ir_reason(ir), .uid = evr_ir_uid(ir),
                  .count = evr_ir_count(ir), .op = evr_ir_op(ir)};
    for (size_t k = 0; k < evr_ir_kernel_count(ir); k++)
        c.device_ns += evr_ir_kernel(ir, k)->total_ns;
    return c;
}

static int open_set(record_source *s, const char *path, evr_str head)
{
    size_t size;
    evr_error *err = NULL;
    char *data = input_read_all(path, head, &size);
    if (!data)
        return EXIT_BAD_INPUT;
    evr_status status = evr_artifact_looks_like(data, size) ? evr_artifact_read(s->ctx, data, size, NULL, &s->artifact, &err)
                                                             : evr_ir_read(s->ctx, data, size, &s->document, &err);
    free(data);
    if (status != EVR_OK)
        return input_error("", status, err);
    s->set = s->artifact ? evr_artifact_records(s->artifact) : s->document;
    s->count = evr_ir_set_count(s->set);
    if (!(s->of_set = malloc((s->count + 1) * sizeof *s->of_set))) {
        fprintf(stderr, "evreplay: %s does not fit in memory\n", path);
        return EXIT_BAD_INPUT;
    }
    for (size_t i = 0; i < s->count; i++)
        s->of_set[i] = call_of(evr_ir_set_at(s->set, i));
    s->calls = s->of_set;
    return EXIT_GOOD;
}

/* A pipe with a name gives its bytes once too: it takes the place of standard input. */
static bool is_stream(const char *path)
{
    struct stat about;
    if (strcmp(path, "-") == 0)
        return true;
    if (stat(path, &about) || !S_ISFIFO(about.st_mode))
        return false;
    int fd = open(path, O_RDONLY);
    bool moved = fd >= 0 && dup2(fd, STDIN_FILENO) >= 0;
    if (fd >= 0)
        close(fd);
    return moved;
}

int records_open(evr_context *ctx, const char *path, uint32_t flags, evr_runtime *runtime, record_source *s)
{
    char head[512];
    *s = (record_source){.ctx = ctx};
    bool from_stdin = is_stream(path);
    path = from_stdin ? "-" : path;
    FILE *f = from_stdin ? NULL : fopen(path, "rb");
    size_t got = from_stdin ? input_head(head, sizeof head) : f ? fread(head, 1, sizeof head, f) : 0;
    if (f)
        fclose(f);
    evr_str taken = {head, from_stdin ? got : 0}; /* what standard input will not give again */
    return evr_artifact_looks_like(head, got) || looks_like_records((evr_str){head, got}) ? open_set(s, path, taken) : open_trace(s, path, flags, runtime, taken);
}

void records_close(record_source *s)
{
    evr_extractor_free(s->extractor);
    evr_trace_free(s->trace);
    evr_ir_set_free(s->document);
    evr_artifact_free(s->artifact);
    free(s->of_set);
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

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int records_run(const records_command *cmd, int argc, char **argv)
{
    text_list inputs = {0};
    evr_context *ctx = NULL;
    evr_runtime *runtime = NULL;
    record_source source = {0};
    int code = options_parse(cmd->self, argc, argv, cmd->values, &inputs);
    if (code >= 0)
        goto cleanup;
    code = EXIT_USAGE;
    bool many = cmd->ranks && (inputs.count > 1 || (inputs.count == 1 && is_folder(inputs.items[0])));
    const char *path = many ? inputs.items[0] : input_only(cmd->self, &inputs);
    if (!path || (cmd->check && !cmd->check(cmd->values)))
        goto cleanup;
    code = EXIT_BAD_INPUT;
    if (cmd->path)
        *cmd->path = path;
    if (!(ctx = input_context()))
        goto cleanup;
    if (many) {
        code = cmd->ranks(cmd->values, ctx, &inputs);
        goto cleanup;
    }
    code = cmd->live->on ? runtime_open(cmd->self->name, &cmd->live->runtime, ctx, &runtime) : runtime_configure(cmd->self->name, &cmd->live->runtime, ctx);
    if (code == EXIT_GOOD && (code = records_open(ctx, path, cmd->flags(cmd->values), runtime, &source)) == EXIT_GOOD)
        code = cmd->body(cmd->values, &source);
cleanup:
    records_close(&source);
    evr_runtime_free(runtime);
    evr_context_free(ctx);
    options_free(cmd->self, cmd->values, &inputs);
    return code;
}
