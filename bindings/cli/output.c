#include "output.h"

#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool output_open(output *out, const char *path)
{
    *out = (output){stdout, path, NULL};
    if (!path || strcmp(path, "-") == 0) {
        out->path = NULL;
        setvbuf(stdout, NULL, _IOFBF, 1 << 18);
        return true;
    }
    size_t len = strlen(path) + 32;
    out->temporary = malloc(len);
    out->file = NULL;
    if (out->temporary) {
        snprintf(out->temporary, len, "%s.%ld.part", path, (long)getpid());
        out->file = fopen(out->temporary, "wb");
    }
    if (out->file)
        return true;
    fprintf(stderr, "evreplay: cannot write %s: %s\n", path, strerror(errno));
    free(out->temporary);
    return false;
}

int output_close(output *out, int code)
{
    bool good = !ferror(out->file);
    if (!out->path)
        good &= fflush(stdout) == 0;
    else
        good &= fclose(out->file) == 0;
    if (good && out->path)
        good = rename(out->temporary, out->path) == 0;
    if (!good) {
        if (errno != EPIPE)
            fprintf(stderr, "evreplay: writing %s failed: %s\n", out->path ? out->path : "the output", strerror(errno));
        if (out->path)
            unlink(out->temporary);
        code = EXIT_BAD_INPUT;
    }
    free(out->temporary);
    return code;
}

void output_str(output *out, evr_str s)
{
    if (s.len)
        fwrite(s.data, 1, s.len, out->file);
}

int output_whole(const char *path, evr_str text, int code)
{
    output out;
    if (!output_open(&out, path))
        return EXIT_BAD_INPUT;
    output_str(&out, text);
    return output_close(&out, code);
}

void output_csv(output *out, evr_str s)
{
    bool quote = false;
    for (size_t i = 0; i < s.len; i++)
        quote |= s.data[i] == ',' || s.data[i] == '"' || s.data[i] == '\n' || s.data[i] == '\r';
    if (!quote) {
        output_str(out, s);
        return;
    }
    putc('"', out->file);
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"')
            putc('"', out->file);
        putc(s.data[i], out->file);
    }
    putc('"', out->file);
}

/* The library's JSON writer takes its memory from a context; the command's own is made once. */
void output_buf(evr_buf *buf)
{
    static evr_context *ctx;
    if (!ctx && evr_context_new(NULL, &ctx, NULL) != EVR_OK) {
        fprintf(stderr, "evreplay: out of memory\n");
        exit(EXIT_BAD_INPUT);
    }
    evr_buf_init(buf, ctx);
}

void output_json(output *out, evr_buf *buf)
{
    if (buf->failed) {
        fprintf(stderr, "evreplay: out of memory\n");
        exit(EXIT_BAD_INPUT);
    }
    output_str(out, evr_buf_view(buf));
    putc('\n', out->file);
    evr_buf_free(buf);
}

const char *output_time(int64_t ns, char text[32])
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}};
    for (size_t i = 0; i < 3; i++)
        if ((double)ns >= units[i].unit) {
            snprintf(text, 32, "%.3f %s", (double)ns / units[i].unit, units[i].name);
            return text;
        }
    snprintf(text, 32, "%lld ns", (long long)ns);
    return text;
}
