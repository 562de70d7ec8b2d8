/* usage: write_forms FOLDER
 *
 * Writes reports for other programs to look at: sample.* and hostile.* in every form, and many.html with 10,000 rows. Texts of the hostile ones try to
 * leave the place they are put in. */
#include "report/samples.h"

#include "base/str.h"

#include <math.h>

static const char *const forms[] = {"json", "csv", "md", "xml", "html", "txt"};

static const char *const hostile[] = {
    "<script>window.broken=1</script>", "\"><img src=x onerror=window.broken=1>", "</script></style></title><h1>", "' onmouseover='window.broken=1",
    "]]>--><!-- <![CDATA[", "&amp;&#60;b&#62;", "a|b`c*d_e[f](g)\\h~i#1 @someone", "=1+cmd()", "-2", "\x01\x02\x1b[31mred\x1b[0m\x7f\xc2\x9b", "two\nlines\r\n\tand tabs",
    "\xe2\x80\xae" "turned", "bad \xff\xfe bytes \xc3", "http://127.0.0.1:9/x <link rel=stylesheet href=//x>", ", ,\"quoted\",", "javascript:window.broken=1",
    "\xef\xbf\xbf\xf0\x9f\x98\x80 ä", "  ", "`", "<td><tr></table>",
};

enum { HOSTILE = sizeof hostile / sizeof *hostile };

static void save(const char *folder, const char *name, const char *end, const char *text, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, end);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    fclose(f);
}

static void write_form(evr_context *ctx, const evr_results *results, int32_t form, const char *folder, const char *name)
{
    char *text = NULL;
    size_t size = 0;
    assert_ok(evr_results_write(results, form, &text, &size, err));
    save(folder, name, forms[form], text, size);
    evr_text_free(ctx, text);
}

static void write_comparison(evr_context *ctx, const evr_results *base, const evr_results *newer, const char *folder, const char *name)
{
    evr_comparison *c = NULL;
    assert_ok(evr_compare(ctx, base, newer, NULL, &c, err));
    for (int32_t form = EVR_REPORT_JSON; form <= EVR_REPORT_TEXT; form++) {
        char *text = NULL;
        size_t size = 0;
        assert_ok(evr_comparison_write(c, form, &text, &size, err));
        save(folder, name, forms[form], text, size);
        evr_text_free(ctx, text);
    }
    evr_comparison_free(c);
}

/* Two runs in which something of every kind changes. */
static evr_results *changing_results(evr_context *ctx, int newer)
{
    static const struct {
        const char *op;
        double base, newer; /* medians; 0 = absent, -1 = failed */
        double protocol;
    } rows[] = {{"aten::add", 1000, 1000, 0}, {"aten::mm", 50000, 60000, 0}, {"aten::mul", 2000, 1500, 0}, {"aten::gone", 100, 0, 0}, {"aten::new", 0, 100, 0},
                {"aten::broken", 300, -1, 0}, {"aten::fixed", -1, 300, 0}, {"aten::otherwise", 400, 800, 1}, {"aten::never", -1, -1, 0}};
    evr_results *results = NULL;
    evr_results_info info = sample_info();
    assert_ok(evr_results_new(ctx, &info, &results, err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double median = newer ? rows[i].newer : rows[i].base, samples[40];
        evr_statistics s = {EVR_INIT(evr_statistics)};
        evr_result r = {.struct_size = EVR_INIT(evr_result), .index = i, .uid = i, .count = i + 1, .op = evr_str_c(rows[i].op), .overload = TEXT("Tensor"),
                        .arguments = TEXT("float32[64,64]"), .device = TEXT("cuda:0"), .trace_kernel_ns = -1, .trace_cpu_ns = -1, .first_run_ns = -1};
        if (median == 0)
            continue;
        if (median < 0) {
            r.status = EVR_STATUS_FAILED;
            r.reason = EVR_REASON_OP_ERROR;
            r.detail = TEXT("expected a matrix");
        } else {
            for (size_t k = 0; k < 40; k++)
                samples[k] = median * (1 + 0.01 * sin((double)(k * k + i + (size_t)newer)));
            assert_ok(evr_statistics_of(ctx, samples, 40, &s, err));
            r.statistics = &s;
            r.samples = samples;
            r.sample_count = 40;
            r.protocol = newer && rows[i].protocol > 0 ? TEXT("evreplay-protocol/1 flush=write") : TEXT("evreplay-protocol/1 flush=none");
        }
        assert_ok(evr_results_add(results, &r, err));
    }
    return results;
}

static evr_str text_of(size_t i) { return (evr_str){hostile[i % HOSTILE], strlen(hostile[i % HOSTILE])}; }

static evr_results *hostile_results(evr_context *ctx)
{
    evr_results *results = NULL;
    evr_results_info info = {.struct_size = EVR_INIT(evr_results_info), .runtime = text_of(0), .device = text_of(1), .device_name = text_of(2), .driver = text_of(3), .input = text_of(2)};
    assert_ok(evr_results_new(ctx, &info, &results, err));
    for (size_t i = 0; i < 3 * HOSTILE; i++) {
        evr_str warnings[] = {text_of(i + 5), text_of(i + 6)};
        evr_check check = {EVR_INIT(evr_check), EVR_VERDICT_BAD, text_of(i + 7), text_of(i + 8)};
        double samples[] = {1, 2, 3, 4};
        evr_statistics s = {EVR_INIT(evr_statistics)};
        assert_ok(evr_statistics_of(ctx, samples, 4, &s, err));
        evr_result r = {.struct_size = EVR_INIT(evr_result), .index = i, .uid = i, .count = UINT64_MAX, .op = text_of(i), .overload = text_of(i + 1), .arguments = text_of(i + 2),
                        .detail = text_of(i + 3), .initializer = text_of(i + 4), .device = text_of(i + 5), .protocol = text_of(i + 6), .warnings = warnings, .warning_count = 2,
                        .checks = &check, .check_count = 1, .status = (int32_t)(i % 3), .trace_kernel_ns = 2, .statistics = &s, .samples = samples, .sample_count = 4};
        r.reason = r.status == EVR_STATUS_FAILED ? EVR_REASON_OP_ERROR : r.status ? EVR_REASON_ANNOTATION : 0;
        assert_ok(evr_results_add(results, &r, err));
    }
    return results;
}

static evr_results *many_results(evr_context *ctx)
{
    evr_results *results = NULL;
    assert_ok(evr_results_new(ctx, NULL, &results, err));
    for (size_t i = 0; i < 10000; i++) {
        char op[64];
        double samples[20];
        evr_statistics s = {EVR_INIT(evr_statistics)};
        for (size_t k = 0; k < 20; k++)
            samples[k] = 1000 + (double)(i * 7919 % 10000) + 10 * sin((double)k);
        assert_ok(evr_statistics_of(ctx, samples, 20, &s, err));
        snprintf(op, sizeof op, "my::op_%zu", i % 300);
        evr_result r = {.struct_size = EVR_INIT(evr_result), .index = i, .uid = i, .count = 1 + i % 9, .op = {op, strlen(op)}, .arguments = TEXT("float32[128,128]"),
                        .trace_kernel_ns = 2000, .trace_cpu_ns = -1, .first_run_ns = 5, .statistics = &s, .samples = samples, .sample_count = 20};
        if (i % 100 == 0)
            r.status = EVR_STATUS_FAILED, r.reason = EVR_REASON_TIMEOUT, r.detail = TEXT("no answer");
        assert_ok(evr_results_add(results, &r, err));
    }
    return results;
}

int main(int argc, char **argv)
{
    evr_context *ctx = NULL;
    if (argc != 2 || evr_context_new(NULL, &ctx, NULL) != EVR_OK)
        return 2;
    evr_results *sample = sample_results(ctx), *bad = hostile_results(ctx), *many = many_results(ctx);
    for (int32_t form = EVR_REPORT_JSON; form <= EVR_REPORT_TEXT; form++) {
        write_form(ctx, sample, form, argv[1], "sample");
        write_form(ctx, bad, form, argv[1], "hostile");
    }
    write_form(ctx, many, EVR_REPORT_HTML, argv[1], "many");
    evr_results *before = changing_results(ctx, 0), *after = changing_results(ctx, 1);
    write_form(ctx, before, EVR_REPORT_JSON, argv[1], "before");
    write_form(ctx, after, EVR_REPORT_JSON, argv[1], "after");
    write_comparison(ctx, before, after, argv[1], "compare");
    write_comparison(ctx, sample, bad, argv[1], "compare_hostile");
    evr_results_free(before);
    evr_results_free(after);
    evr_results_free(sample);
    evr_results_free(bad);
    evr_results_free(many);
    evr_context_free(ctx);
    return 0;
}
