/* A comparison as JSON; docs/comparison.schema.json describes it. */
#include "report/compare.h"
#include "report/summary.h"

#include <math.h>

static void number(evr_json_writer *w, const char *name, double value, bool known)
{
    evr_json_key(w, name);
    if (known && isfinite(value))
        evr_json_f64(w, value);
    else
        evr_json_null(w);
}

static void text(evr_json_writer *w, const char *name, evr_str value)
{
    evr_json_key(w, name);
    evr_json_str(w, value);
}

static void count(evr_json_writer *w, const char *name, uint64_t value)
{
    evr_json_key(w, name);
    evr_json_u64(w, value);
}

static void write_side(evr_json_writer *w, const char *name, const evr_result *r)
{
    evr_json_key(w, name);
    if (!r) {
        evr_json_null(w);
        return;
    }
    evr_json_open(w, '{');
    count(w, "index", r->index);
    evr_json_key(w, "uid");
    if (r->uid == EVR_NO_UID)
        evr_json_null(w);
    else
        evr_json_u64(w, r->uid);
    count(w, "count", r->count);
    text(w, "status", evr_str_c(evr_outcome_name(r->status)));
    text(w, "reason", evr_str_c(evr_reason_name(r->reason)));
    number(w, "median_ns", evr_result_time(r), evr_result_time(r) >= 0);
    evr_json_key(w, "samples");
    evr_json_u64(w, r->statistics ? r->statistics->count : 0);
    evr_json_close(w, '}');
}

static void write_row(evr_json_writer *w, const evr_change *row)
{
    const evr_result *r = row->newer ? row->newer : row->base;
    bool known = row->ratio > 0;
    evr_json_open(w, '{');
    text(w, "change", evr_str_c(evr_change_name(row->change)));
    text(w, "key", r->key);
    text(w, "op", r->op);
    text(w, "overload", r->overload);
    text(w, "arguments", r->arguments);
    number(w, "ratio", row->ratio, known);
    number(w, "ratio_low", row->ratio_low, known);
    number(w, "ratio_high", row->ratio_high, known);
    number(w, "p_value", row->p_value, known);
    text(w, "detail", row->detail);
    write_side(w, "base", row->base);
    write_side(w, "new", row->newer);
    evr_json_close(w, '}');
}

static void write_place(evr_json_writer *w, const char *name, const evr_results *results)
{
    const evr_results_info *info = &results->info;
    evr_json_key(w, name);
    evr_json_open(w, '{');
    text(w, "runtime", info->runtime);
    text(w, "device", info->device);
    text(w, "device_name", info->device_name);
    text(w, "driver", info->driver);
    text(w, "input", info->input);
    evr_json_key(w, "started_s");
    evr_json_i64(w, info->started_s);
    evr_json_close(w, '}');
}

static void write_summary(evr_json_writer *w, const evr_comparison *c)
{
    const evr_compare_summary *s = &c->summary;
    bool known = s->ratio > 0;
    evr_json_key(w, "summary");
    evr_json_open(w, '{');
    count(w, "matched", s->matched);
    count(w, "regressions", s->regressions);
    count(w, "improvements", s->improvements);
    count(w, "new", s->added);
    count(w, "gone", s->gone);
    count(w, "unknown", s->unknown);
    number(w, "base_ns", s->base_ns, known);
    number(w, "new_ns", s->newer_ns, known);
    number(w, "ratio", s->ratio, known);
    number(w, "ratio_low", s->ratio_low, known);
    number(w, "ratio_high", s->ratio_high, known);
    number(w, "common_ratio", exp(c->common.shift), true);
    number(w, "noise_inflation", c->common.inflation, true);
    evr_json_close(w, '}');
}

void evr_comparison_json(evr_buf *buf, const evr_comparison *c)
{
    evr_json_writer w;
    evr_json_init(&w, buf);
    evr_json_open(&w, '{');
    text(&w, "document", evr_str_c("evreplay-comparison"));
    evr_json_key(&w, "version");
    evr_json_i64(&w, 1);
    text(&w, "library", evr_str_c(evr_version_string()));
    number(&w, "threshold", c->threshold, true);
    number(&w, "error_rate", c->error_rate, true);
    count(&w, "seed", c->seed);
    write_place(&w, "base", c->base);
    write_place(&w, "new", c->newer);
    write_summary(&w, c);
    evr_json_key(&w, "changes");
    evr_buf_char(buf, '[');
    for (size_t i = 0; i < c->count; i++) {
        evr_json_writer line;
        evr_buf_c(buf, i ? ",\n" : "\n");
        evr_json_init(&line, buf);
        write_row(&line, &c->rows[i]);
    }
    evr_buf_c(buf, "\n]}\n");
}
