#include "input.h"

#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void log_to_stderr(void *user, int32_t level, evr_str message)
{
    (void)user;
    fprintf(stderr, "%s: %.*s\n", level <= EVR_LOG_ERROR ? "error" : level == EVR_LOG_WARNING ? "warning" : "note", (int)message.len,
            message.data);
}

void (*input_prepare)(evr_context *ctx);

evr_context *input_context(void)
{
    evr_context_options options = {.struct_size = sizeof options, .log = log_to_stderr, .log_level = EVR_LOG_INFO};
    evr_context *ctx = NULL;
    if (evr_context_new(&options, &ctx, NULL) != EVR_OK)
        fprintf(stderr, "evreplay: out of memory\n");
    else if (input_prepare)
        input_prepare(ctx);
    return ctx;
}

int input_error(const char *name, evr_status status, evr_error *err)
{
    fprintf(stderr, "evreplay%s%s: %s\n", name[0] ? " " : "", name, evr_error_message(err)[0] ? evr_error_message(err) : evr_status_name(status));
    const char *hint = evr_error_hint(err);
    for (const evr_error *cause = evr_error_cause(err); cause; cause = evr_error_cause(cause)) {
        fprintf(stderr, "  because: %s\n", evr_error_message(cause));
        if (evr_error_hint(cause)[0])
            hint = evr_error_hint(cause);
    }
    if (hint[0])
        fprintf(stderr, "  what to do: %s\n", hint);
    evr_error_free(err);
    return status == EVR_E_PLUGIN || status == EVR_E_NO_DEVICE ? EXIT_MISSING : EXIT_BAD_INPUT;
}

size_t input_head(char *head, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while (len < size && (n = read(STDIN_FILENO, head + len, size - len)) > 0)
        len += (size_t)n;
    return len;
}

/* What was taken from standard input already comes first. */
static evr_status read_stdin(void *user, void *buffer, size_t cap, size_t *got)
{
    evr_str *head = user;
    if (head->len) {
        *got = head->len < cap ? head->len : cap;
        memcpy(buffer, head->data, *got);
        *head = (evr_str){head->data + *got, head->len - *got};
        return EVR_OK;
    }
    ssize_t n = read(STDIN_FILENO, buffer, cap > (1u << 30) ? 1u << 30 : cap);
    *got = n > 0 ? (size_t)n : 0;
    return n < 0 ? EVR_E_IO : EVR_OK;
}

int input_trace(evr_context *ctx, const char *path, uint32_t flags, evr_str head, evr_trace **out)
{
    progress_bar bar;
    progress_begin(&bar, "reading");
    evr_trace_options options = {.struct_size = sizeof options, .flags = flags, .progress = progress_step, .progress_user = &bar};
    evr_error *err = NULL;
    evr_status status;
    if (strcmp(path, "-") == 0) {
        evr_source source = {.struct_size = sizeof source, .read = read_stdin, .user = &head};
        status = evr_trace_open_source(ctx, &source, &options, out, &err);
    } else {
        status = evr_trace_open_file(ctx, path, &options, out, &err);
    }
    progress_end(&bar);
    if (status != EVR_OK)
        return input_error("", status, err);
    const evr_error *damage = evr_trace_damage(*out);
    if (damage)
        fprintf(stderr, "warning: %s\n  the %llu events before it were kept\n", evr_error_message(damage),
                (unsigned long long)evr_trace_event_count(*out));
    return 0;
}

char *input_read_all(const char *path, evr_str head, size_t *size)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "evreplay: cannot open %s: ", path);
        perror(NULL);
        return NULL;
    }
    char *data = NULL;
    size_t len = 0, cap = 0;
    for (;;) {
        if (len + 65536 > cap) {
            cap = cap ? cap * 2 : 1 << 17;
            char *grown = realloc(data, cap);
            if (!grown)
                break;
            data = grown;
        }
        size_t got = len || !head.len ? fread(data + len, 1, cap - len - 1, f) : head.len;
        if (!len && head.len)
            memcpy(data, head.data, head.len);
        len += got;
        if (got == 0) {
            bool bad = ferror(f);
            if (f != stdin)
                fclose(f);
            if (!bad) {
                data[len] = 0;
                *size = len;
                return data;
            }
            fprintf(stderr, "evreplay: cannot read %s\n", path);
            free(data);
            return NULL;
        }
    }
    fprintf(stderr, "evreplay: %s does not fit in memory\n", path);
    free(data);
    if (f != stdin)
        fclose(f);
    return NULL;
}

const char *input_only(const command *cmd, const text_list *positional)
{
    if (positional->count == 1)
        return positional->items[0];
    fprintf(stderr, "evreplay %s: %s\nusage: evreplay %s %s [OPTIONS]\n", cmd->name,
            positional->count ? "one input at a time" : "an input is missing", cmd->name, cmd->synopsis);
    return NULL;
}

int input_run(const trace_command *cmd, int argc, char **argv)
{
    text_list inputs = {0};
    evr_context *ctx = NULL;
    evr_trace *trace = NULL;
    int code = options_parse(cmd->self, argc, argv, cmd->values, &inputs);
    if (code >= 0)
        goto cleanup;
    code = EXIT_USAGE;
    const char *path = input_only(cmd->self, &inputs);
    if (!path || (cmd->check && !cmd->check(cmd->values)))
        goto cleanup;
    code = EXIT_BAD_INPUT;
    if ((ctx = input_context()) && (code = input_trace(ctx, path, cmd->flags(cmd->values), (evr_str){"", 0}, &trace)) == EXIT_GOOD)
        code = cmd->body(cmd->values, ctx, trace);
cleanup:
    evr_trace_free(trace);
    evr_context_free(ctx);
    options_free(cmd->self, cmd->values, &inputs);
    return code;
}
