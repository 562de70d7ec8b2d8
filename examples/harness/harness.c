/* What a continuous-integration harness does with the library: it runs the records of a file in workers, times them, writes reports, and compares with the run
 * that was kept as the base.
 * usage: harness RECORDS FOLDER [BRIDGE]     exit code: 0 good, 1 some records failed, 3 something got slower, 5 nothing can be run here, 4 anything else */
#include <evreplay/evreplay.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct harness {
    evr_context *ctx;
    const char *records, *folder, *bridge;
    evr_ir_set *set;
    evr_results *now, *base;
    evr_error *err;
} harness;

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long length = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (length >= 0 && (text = malloc((size_t)length + 1)) != NULL) {
        rewind(file);
        *size = fread(text, 1, (size_t)length, file);
    }
    if (file)
        fclose(file);
    return text;
}

static evr_status write_file(harness *h, const char *name, char *text, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", h->folder, name);
    FILE *file = fopen(path, "wb");
    size_t written = file ? fwrite(text, 1, size, file) : 0;
    bool closed = file && fclose(file) == 0;
    evr_text_free(h->ctx, text);
    if (closed && written == size)
        return EVR_OK;
    fprintf(stderr, "harness: %s could not be written\n", path);
    return EVR_E_IO;
}

/* region batch */
/* Every record ends in a result, whatever it does: workers take the crashes and hangs. */
static evr_status run(harness *h)
{
    enum { MOST = 1000 };
    const evr_ir *records[MOST];
    size_t count = evr_ir_set_count(h->set) < MOST ? evr_ir_set_count(h->set) : MOST;
    for (size_t i = 0; i < count; i++)
        records[i] = evr_ir_set_at(h->set, i);
    const evr_protocol protocol = {EVR_INIT(evr_protocol), .stop = EVR_STOP_COUNT, .samples = 30};
    const evr_replay_batch_options options = {
        EVR_INIT(evr_replay_batch_options),
        .flags = EVR_BATCH_ISOLATE | EVR_BATCH_TIMED | EVR_BATCH_CHECK_FINITE | EVR_BATCH_SAMPLES,
        .bridge = h->bridge,
        .protocol = &protocol,
        .timeout_s = 60,
        .input = h->records,
    };
    return evr_replay_batch(h->ctx, records, count, &options, &h->now, &h->err);
}
/* endregion batch */

/* region report */
static const struct {
    const char *name;
    int32_t format;
} reports[] = {{"results.json", EVR_REPORT_JSON}, {"results.xml", EVR_REPORT_JUNIT}, {"results.html", EVR_REPORT_HTML}};

static evr_status report(harness *h)
{
    evr_status status = EVR_OK;
    for (size_t i = 0; status == EVR_OK && i < sizeof reports / sizeof *reports; i++) {
        char *text = NULL;
        size_t size = 0;
        status = evr_results_write(h->now, reports[i].format, &text, &size, &h->err);
        if (status == EVR_OK)
            status = write_file(h, reports[i].name, text, size);
    }
    return status;
}
/* endregion report */

/* region compare */
/* Against base.json, where there is one. `*code` becomes 3 when something got slower beyond threshold and noise. */
static evr_status compare(harness *h, int *code)
{
    char path[4096];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/base.json", h->folder);
    char *text = read_file(path, &size);
    if (!text)
        return EVR_OK;
    const evr_compare_options options = {EVR_INIT(evr_compare_options), .threshold = 0.5};
    evr_comparison *comparison = NULL;
    evr_status status = evr_results_read(h->ctx, text, size, &h->base, &h->err);
    if (status == EVR_OK)
        status = evr_compare(h->ctx, h->base, h->now, &options, &comparison, &h->err);
    if (status == EVR_OK) {
        evr_compare_summary summary = {EVR_INIT(evr_compare_summary)};
        evr_comparison_summary(comparison, &summary);
        printf("compared: %d matched, %d slower\n", (int)summary.matched, (int)summary.regressions);
        *code = summary.regressions ? 3 : *code;
        char *markdown = NULL;
        status = evr_comparison_write(comparison, EVR_REPORT_MARKDOWN, &markdown, &size, &h->err);
        if (status == EVR_OK)
            status = write_file(h, "comment.md", markdown, size);
    }
    evr_comparison_free(comparison);
    free(text);
    return status;
}
/* endregion compare */

static const char *const words[] = {[EVR_STATUS_OK] = "ok", [EVR_STATUS_SKIPPED] = "skipped", [EVR_STATUS_FAILED] = "failed"};

static int count_failures(const evr_results *results)
{
    int failed = 0;
    for (size_t i = 0; i < evr_results_count(results); i++) {
        const evr_result *r = evr_results_at(results, i);
        printf("%s: %s%s%s\n", r->op.data, words[r->status], r->statistics ? ", timed" : "",
               r->flags & EVR_RESULT_ISOLATED ? ", isolated" : "");
        failed += r->status == EVR_STATUS_FAILED;
    }
    return failed;
}

static evr_status load(harness *h)
{
    size_t size = 0;
    char *text = read_file(h->records, &size);
    if (!text) {
        fprintf(stderr, "harness: %s cannot be read\n", h->records);
        return EVR_E_IO;
    }
    evr_status status = evr_ir_read(h->ctx, text, size, &h->set, &h->err);
    free(text);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: harness RECORDS FOLDER [BRIDGE]\n");
        return 2;
    }
    harness h = {.records = argv[1], .folder = argv[2], .bridge = argc > 3 ? argv[3] : NULL};
    int code = 0;
    evr_status status = evr_context_new(NULL, &h.ctx, &h.err);
    if (status == EVR_OK)
        status = load(&h);
    if (status == EVR_OK)
        status = run(&h);
    if (status == EVR_OK) {
        code = count_failures(h.now) ? 1 : 0;
        status = report(&h);
    }
    if (status == EVR_OK)
        status = compare(&h, &code);
    if (status != EVR_OK) {
        if (h.err)
            fprintf(stderr, "harness: %s\n%s\n", evr_error_message(h.err), evr_error_hint(h.err));
        code = status == EVR_E_PLUGIN ? 5 : 4;
    }
    evr_error_free(h.err);
    evr_results_free(h.now);
    evr_results_free(h.base);
    evr_ir_set_free(h.set);
    evr_context_free(h.ctx);
    return code;
}
