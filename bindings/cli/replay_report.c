#include "replay_report.h"

#include "options.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char *copy(evr_str s)
{
    char *text = malloc(s.len + 1);
    if (text)
        evr_str_copy(text, s);
    return text;
}

/* All warnings in one text, each on a line of its own. */
static char *copy_warnings(const evr_replayer *replayer)
{
    size_t n = replayer ? evr_replayer_warning_count(replayer) : 0, size = 1;
    for (size_t i = 0; i < n; i++)
        size += evr_replayer_warning(replayer, i).len + 1;
    char *text = malloc(size), *end = text;
    for (size_t i = 0; text && i < n; i++) {
        evr_str one = evr_replayer_warning(replayer, i);
        memcpy(end, one.data, one.len);
        end += one.len;
        *end++ = '\n';
    }
    if (text)
        *end = 0;
    return text;
}

static void free_texts(replay_result *x)
{
    free(x->op);
    free(x->overload);
    free(x->detail);
    free(x->initializer);
    free(x->warnings);
}

bool replay_report_add(replay_report *r, const evr_ir *ir, const replay_outcome *o)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        replay_result *items = realloc(r->items, cap * sizeof *items);
        if (!items)
            return false;
        r->items = items;
        r->cap = cap;
    }
    replay_result *x = &r->items[r->count];
    *x = (replay_result){
        .op = copy(evr_ir_op(ir)),
        .overload = copy(evr_ir_overload(ir)),
        .detail = copy(evr_str_c(o->detail)),
        .initializer = copy(o->replayer ? evr_replayer_initializer(o->replayer) : (evr_str){"", 0}),
        .warnings = copy_warnings(o->replayer),
        .uid = evr_ir_uid(ir),
        .count = evr_ir_count(ir),
        .bytes = o->replayer ? evr_replayer_bytes(o->replayer) : 0,
        .status = o->status,
        .reason = o->reason,
        .seconds = o->seconds,
    };
    if (!x->op || !x->overload || !x->detail || !x->initializer || !x->warnings) {
        free_texts(x);
        return false;
    }
    r->count++;
    return true;
}

void replay_report_free(replay_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        free_texts(&r->items[i]);
    free(r->items);
}

size_t replay_report_count(const replay_report *r, int32_t status)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->items[i].status == status;
    return n;
}

void replay_report_line(const replay_report *r)
{
    const replay_result *x = &r->items[r->count - 1];
    char time[32], uid[24] = "-";
    if (x->uid != EVR_NO_UID)
        snprintf(uid, sizeof uid, "%" PRIu64, x->uid);
    printf("%8s  %-7s %12s  %s%s%s", uid, evr_outcome_name(x->status),
           x->status == EVR_STATUS_OK ? output_time((int64_t)(x->seconds * 1e9), time) : "-", x->op, x->overload[0] ? "." : "", x->overload);
    if (x->status != EVR_STATUS_OK)
        printf("  %s: %s", evr_reason_name(x->reason), x->detail);
    putchar('\n');
    for (const char *w = x->warnings; *w; w += strcspn(w, "\n") + 1)
        printf("%31s warning: %.*s\n", "", (int)strcspn(w, "\n"), w);
}

void replay_report_summary(const replay_report *r)
{
    size_t ok = replay_report_count(r, EVR_STATUS_OK), skipped = replay_report_count(r, EVR_STATUS_SKIPPED);
    char time[32];
    printf("\n%zu records: %zu attempted, %zu ok, %zu failed, %zu skipped; %s on %s with %s\n", r->count, r->count - skipped, ok,
           r->count - skipped - ok, skipped, output_time((int64_t)(r->seconds * 1e9), time), r->device, r->torch);
    for (int32_t reason = 1; reason <= EVR_REASON_OP_ERROR; reason++) {
        size_t n = 0;
        for (size_t i = 0; i < r->count; i++)
            n += r->items[i].reason == reason;
        if (n)
            printf("  %6zu  %-26s %s\n", n, evr_reason_name(reason), evr_reason_advice(reason));
    }
}

static void json_warnings(evr_json_writer *w, const char *text)
{
    evr_json_key(w, "warnings");
    evr_json_open(w, '[');
    for (; *text; text += strcspn(text, "\n") + 1)
        evr_json_str(w, (evr_str){text, strcspn(text, "\n")});
    evr_json_close(w, ']');
}

bool replay_report_json(const replay_report *r, const char *path)
{
    output out;
    evr_buf buf;
    evr_json_writer w;
    if (!output_open(&out, path))
        return false;
    output_buf(&buf);
    evr_json_init(&w, &buf);
    w.indent = 1;
    evr_json_open(&w, '{');
    evr_json_key(&w, "version");
    evr_json_i64(&w, 1);
    evr_json_key(&w, "library");
    evr_json_str(&w, evr_str_c(evr_version_string()));
    evr_json_key(&w, "runtime");
    evr_json_str(&w, evr_str_c(r->torch));
    evr_json_key(&w, "device");
    evr_json_str(&w, evr_str_c(r->device));
    evr_json_key(&w, "seed");
    evr_json_u64(&w, r->seed);
    evr_json_key(&w, "results");
    evr_json_open(&w, '[');
    for (size_t i = 0; i < r->count; i++) {
        const replay_result *x = &r->items[i];
        const struct {
            const char *name, *text;
        } texts[] = {{"op", x->op}, {"overload", x->overload}, {"status", evr_outcome_name(x->status)},
                     {"reason", evr_reason_name(x->reason)}, {"detail", x->detail}, {"advice", evr_reason_advice(x->reason)}};
        evr_json_open(&w, '{');
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            evr_json_key(&w, texts[k].name);
            evr_json_str(&w, evr_str_c(texts[k].text));
        }
        evr_json_key(&w, "uid");
        if (x->uid == EVR_NO_UID)
            evr_json_null(&w);
        else
            evr_json_u64(&w, x->uid);
        evr_json_key(&w, "count");
        evr_json_u64(&w, x->count);
        evr_json_key(&w, "tensor_bytes");
        evr_json_u64(&w, x->bytes);
        evr_json_key(&w, "initializer");
        evr_json_str(&w, evr_str_c(x->initializer));
        json_warnings(&w, x->warnings);
        evr_json_key(&w, "first_run_s");
        if (x->status == EVR_STATUS_OK)
            evr_json_f64(&w, x->seconds);
        else
            evr_json_null(&w);
        evr_json_close(&w, '}');
    }
    evr_json_close(&w, ']');
    evr_json_close(&w, '}');
    output_json(&out, &buf);
    return output_close(&out, 0) == 0;
}

bool replay_report_csv(const replay_report *r, const char *path)
{
    output out;
    if (!output_open(&out, path))
        return false;
    fprintf(out.file, "uid,op,overload,count,status,reason,detail,tensor_bytes,first_run_s\n");
    for (size_t i = 0; i < r->count; i++) {
        const replay_result *x = &r->items[i];
        if (x->uid != EVR_NO_UID)
            fprintf(out.file, "%" PRIu64, x->uid);
        const char *texts[] = {x->op, x->overload, NULL, evr_outcome_name(x->status), evr_reason_name(x->reason), x->detail};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            putc(',', out.file);
            if (texts[k])
                output_csv(&out, evr_str_c(texts[k]));
            else
                fprintf(out.file, "%" PRIu64, x->count);
        }
        fprintf(out.file, x->status == EVR_STATUS_OK ? ",%" PRIu64 ",%.9f\n" : ",%" PRIu64 ",\n", x->bytes, x->seconds);
    }
    return output_close(&out, 0) == 0;
}

/* Text in XML: the five characters that mean something, and control characters that XML cannot hold. */
static void xml(output *out, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '"' ? "&quot;" : NULL;
        if (entity)
            fputs(entity, out->file);
        else
            putc((unsigned char)*text < 0x20 ? ' ' : *text, out->file);
    }
}

bool replay_report_junit(const replay_report *r, const char *path)
{
    output out;
    if (!output_open(&out, path))
        return false;
    size_t skipped = replay_report_count(r, EVR_STATUS_SKIPPED), failed = replay_report_count(r, EVR_STATUS_FAILED);
    fprintf(out.file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"evreplay\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\" time=\"%.6f\">\n",
            r->count, failed, skipped, r->seconds);
    for (size_t i = 0; i < r->count; i++) {
        const replay_result *x = &r->items[i];
        fprintf(out.file, "  <testcase classname=\"");
        xml(&out, x->op);
        fprintf(out.file, "\" name=\"");
        xml(&out, x->overload[0] ? x->overload : "default");
        if (x->uid != EVR_NO_UID)
            fprintf(out.file, " uid %" PRIu64, x->uid);
        fprintf(out.file, "\" time=\"%.9f\"", x->seconds);
        if (x->status == EVR_STATUS_OK) {
            fprintf(out.file, "/>\n");
            continue;
        }
        fprintf(out.file, ">\n    <%s message=\"%s: ", x->status == EVR_STATUS_SKIPPED ? "skipped" : "failure", evr_reason_name(x->reason));
        xml(&out, x->detail);
        fprintf(out.file, "\"/>\n  </testcase>\n");
    }
    fprintf(out.file, "</testsuite>\n");
    return output_close(&out, 0) == 0;
}
