/* evreplay compare: two files of results side by side; the gate of a continuous integration. */
#include "commands.h"
#include "input.h"
#include "output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct compare_options {
    const char *threshold, *error_rate;
    uint64_t seed;
    const char *files[5]; /* by place in `forms` */
} compare_options;

#define FIELD(name) offsetof(compare_options, name)

static const option table[] = {
    {"threshold", 't', OPT_TEXT, "PART", "least change that matters, as a part or with %: 0.03, 3% (default 3%)", FIELD(threshold)},
    {"error-rate", 0, OPT_TEXT, "PART", "of calling any change where there is none, over all operators together (default 5%)", FIELD(error_rate)},
    {"seed", 0, OPT_NUMBER, "N", "of the resampling (default 0)", FIELD(seed)},
    {"json", 0, OPT_TEXT, "FILE", "write it as JSON too, - for standard output instead of the text", FIELD(files[0])},
    {"markdown", 0, OPT_TEXT, "FILE", "… as a comment for a pull request", FIELD(files[1])},
    {"html", 0, OPT_TEXT, "FILE", "… as a page", FIELD(files[2])},
    {"junit", 0, OPT_TEXT, "FILE", "… as test cases", FIELD(files[3])},
    {"csv", 0, OPT_TEXT, "FILE", "… as a table", FIELD(files[4])},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static const int32_t forms[] = {EVR_REPORT_JSON, EVR_REPORT_MARKDOWN, EVR_REPORT_HTML, EVR_REPORT_JUNIT, EVR_REPORT_CSV};

enum { FORMS = sizeof forms / sizeof *forms };

/* "0.03" or "3%". False after an error has been told. */
static bool parse_part(const char *name, const char *text, double *out)
{
    *out = 0;
    if (!text)
        return true;
    size_t len = strlen(text);
    bool percent = len && text[len - 1] == '%';
    double value;
    if (evr_str_to_f64((evr_str){text, len - percent}, &value) && isfinite(value) && value > 0 && (value /= percent ? 100 : 1) < 1) {
        *out = value;
        return true;
    }
    fprintf(stderr, "evreplay compare: --%s takes a part between 0 and 1 such as 0.03 or 3%%, not \"%s\"\n", name, text);
    return false;
}

static evr_results *read_results(evr_context *ctx, const char *path)
{
    size_t size;
    evr_results *results = NULL;
    evr_error *err = NULL;
    char *text = input_read_all(path, (evr_str){"", 0}, &size);
    if (!text)
        return NULL;
    evr_status status = evr_results_read(ctx, text, size, &results, &err);
    free(text);
    if (status != EVR_OK) {
        fprintf(stderr, "evreplay compare: %s:\n", path);
        input_error("compare", status, err);
    }
    return results;
}

static bool write_form(evr_context *ctx, const evr_comparison *c, int32_t form, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    evr_error *err = NULL;
    evr_status status = evr_comparison_write(c, form, &text, &size, &err);
    if (status != EVR_OK) {
        input_error("compare", status, err);
        return false;
    }
    bool good = output_whole(path, (evr_str){text, size}, EXIT_GOOD) == EXIT_GOOD;
    evr_text_free(ctx, text);
    return good;
}

/* Times on both sides of which not one compares, such as those of two protocols: whoever waits for a regression would wait in vain. The row that tells the reason; NULL when there is none. */
static const evr_change *told_nothing(const evr_comparison *c)
{
    const evr_change *dumb = NULL;
    for (size_t i = 0; i < evr_comparison_count(c); i++) {
        const evr_change *row = evr_comparison_at(c, i);
        bool timed = row->base && row->newer && row->base->statistics && row->newer->statistics;
        if (timed && row->change != EVR_CHANGE_UNKNOWN)
            return NULL;
        if (timed && !dumb)
            dumb = row;
    }
    return dumb;
}

/* The text goes to standard output unless another form does. */
static int write_all(evr_context *ctx, const evr_comparison *c, const compare_options *o)
{
    evr_compare_summary summary = {EVR_INIT(evr_compare_summary)};
    bool text = true, good = true;
    for (size_t i = 0; i < FORMS; i++)
        if (o->files[i]) {
            text &= strcmp(o->files[i], "-") != 0;
            good &= write_form(ctx, c, forms[i], o->files[i]);
        }
    if (text)
        good &= write_form(ctx, c, EVR_REPORT_TEXT, NULL);
    evr_comparison_summary(c, &summary);
    if (!good || summary.regressions)
        return good ? EXIT_REGRESSION : EXIT_BAD_INPUT;
    const evr_change *dumb = told_nothing(c);
    if (dumb)
        fprintf(stderr, "evreplay compare: no operator's times compare: %.*s: %.*s\n  what to do: time both with the same protocol, in one way of launching\n", EVR_STR_ARG(dumb->base->op),
                EVR_STR_ARG(dumb->detail));
    return dumb ? EXIT_BAD_INPUT : EXIT_GOOD;
}

static int compare(evr_context *ctx, const compare_options *o, const evr_compare_options *how, const text_list *inputs)
{
    int code = EXIT_BAD_INPUT;
    evr_comparison *c = NULL;
    evr_error *err = NULL;
    evr_results *base = read_results(ctx, inputs->items[0]), *newer = base ? read_results(ctx, inputs->items[1]) : NULL;
    if (base && newer) {
        evr_status status = evr_compare(ctx, base, newer, how, &c, &err);
        code = status == EVR_OK ? write_all(ctx, c, o) : input_error("compare", status, err);
    }
    evr_comparison_free(c);
    evr_results_free(base);
    evr_results_free(newer);
    return code;
}

static bool usable(const command *self, const compare_options *o, const text_list *inputs)
{
    size_t streams = 0, read = 0;
    if (inputs->count != 2) {
        fprintf(stderr, "evreplay compare: %s\nusage: evreplay compare %s [OPTIONS]\n", inputs->count < 2 ? "two files of results are needed" : "two inputs at a time",
                self->synopsis);
        return false;
    }
    for (size_t i = 0; i < FORMS; i++)
        streams += o->files[i] && strcmp(o->files[i], "-") == 0;
    for (size_t i = 0; i < 2; i++)
        read += strcmp(inputs->items[i], "-") == 0;
    if (streams < 2 && read < 2)
        return true;
    fprintf(stderr, "evreplay compare: only one of them can be -\n");
    return false;
}

static int run(int argc, char **argv, const command *self)
{
    compare_options o = {0};
    text_list inputs = {0};
    evr_context *ctx = NULL;
    evr_compare_options how = {.struct_size = sizeof how};
    int code = options_parse(self, argc, argv, &o, &inputs);
    if (code >= 0)
        goto cleanup;
    code = EXIT_USAGE;
    how.seed = o.seed;
    if (!usable(self, &o, &inputs) || !parse_part("threshold", o.threshold, &how.threshold) || !parse_part("error-rate", o.error_rate, &how.error_rate))
        goto cleanup;
    code = EXIT_BAD_INPUT;
    if ((ctx = input_context()))
        code = compare(ctx, &o, &how, &inputs);
cleanup:
    evr_context_free(ctx);
    options_free(self, &o, &inputs);
    return code;
}

const command cmd_compare = {
    "compare", "BASE NEW", "Sets two runs side by side: regressions, improvements, new, gone.",
    "BASE and NEW are results as replay and bench write them with --json. Records are matched by what they call, not by name or order.\n"
    "A change is called when it is larger than the threshold and larger than noise; times taken under different protocols do not compare.\n"
    "Exit code 3: there is a regression, which is a slower operator or one that ran before and does not now. Exit code 4: both were timed, and no time\n"
    "of one compares with that of the other.\n", table, run,
};
