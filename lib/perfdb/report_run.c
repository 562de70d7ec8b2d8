/* Rows that were run, in a report. */
#include "base/error.h"
#include "base/sized.h"
#include "perfdb/report.h"

#include <stdio.h>

bool evr_dbreport_add_run(evr_perfdb_report *r, const evr_perfdb_run *run, evr_str shapes)
{
    const evr_str cells[9] = {run->state, run->core, run->input_shapes, run->input_types, run->input_formats, run->output_shapes, run->output_types, run->output_formats, run->ep_size};
    if (!evr_grow(r->ctx, (void **)&r->runs, &r->run_cap, r->run_count + 1, sizeof *r->runs))
        return false;
    evr_dbreport_run *to = &r->runs[r->run_count];
    *to = (evr_dbreport_run){.status = run->status, .line = run->line, .duration_us = run->duration_us};
    bool good = (to->op = evr_dbreport_text(&r->arena, run->op)).data && (to->shapes = evr_dbreport_text(&r->arena, shapes)).data &&
                (to->reason = evr_dbreport_text(&r->arena, run->reason)).data;
    for (size_t i = 0; good && i < 9; i++)
        good = (to->cells[i] = evr_dbreport_text(&r->arena, cells[i])).data != NULL;
    r->run_count += good;
    return good;
}

/* "2 of 5 rows failed, line 7: op-error: …" */
static bool set_reason(evr_perfdb_report *r, evr_perfdb_file *file, const evr_dbreport_run *first, size_t count, size_t all)
{
    char text[1200];
    snprintf(text, sizeof text, "%zu of %zu rows %s, line %llu: %.*s", count, all, first->status == EVR_PERFDB_FAILED ? "failed" : "were skipped",
             (unsigned long long)first->line, (int)(first->reason.len < 1000 ? first->reason.len : 1000), first->reason.data);
    file->status = first->status;
    file->reason = evr_dbreport_text(&r->arena, evr_str_c(text));
    return file->reason.data != NULL;
}

static bool judge_file(evr_perfdb_report *r, evr_perfdb_file *file)
{
    size_t counts[EVR_PERFDB_FAILED + 1] = {0}, all = 0;
    const evr_dbreport_run *first[EVR_PERFDB_FAILED + 1] = {NULL};
    for (size_t i = 0; i < r->run_count; i++) {
        const evr_dbreport_run *run = &r->runs[i];
        if (!evr_str_eq(run->op, file->op))
            continue;
        all++;
        if (!counts[run->status]++)
            first[run->status] = run;
    }
    int32_t worst = counts[EVR_PERFDB_FAILED] ? EVR_PERFDB_FAILED : EVR_PERFDB_SKIPPED;
    if (!all || file->status == EVR_PERFDB_FAILED || (worst == EVR_PERFDB_SKIPPED && (counts[EVR_PERFDB_SUCCESS] || !counts[worst])))
        return true;
    return set_reason(r, file, first[worst], counts[worst], all);
}

bool evr_dbreport_judge_runs(evr_perfdb_report *r)
{
    for (size_t i = 0; r->run_count && i < r->file_count; i++)
        if (!judge_file(r, &r->files[i].public))
            return false;
    return true;
}

size_t evr_perfdb_report_run_count(const evr_perfdb_report *r) { return r->run_count; }

evr_status evr_perfdb_report_run(const evr_perfdb_report *r, size_t index, evr_perfdb_run *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!r || !out || out->struct_size < sizeof out->struct_size || out->struct_size > sizeof *out + 4096)
        return evr_fail(r ? r->ctx : NULL, err, EVR_E_INVALID, "evr_perfdb_report_run: report or `out` is missing, or its struct_size is not set");
    if (index >= r->run_count)
        return evr_fail(r->ctx, err, EVR_E_NOT_FOUND, "evr_perfdb_report_run: there is no %zu; there are %zu", index, r->run_count);
    const evr_dbreport_run *f = &r->runs[index];
    const evr_perfdb_run run = {.struct_size = out->struct_size, .status = f->status, .op = f->op, .state = f->cells[0], .core = f->cells[1],
                                .input_shapes = f->cells[2], .input_types = f->cells[3], .input_formats = f->cells[4], .output_shapes = f->cells[5],
                                .output_types = f->cells[6], .output_formats = f->cells[7], .reason = f->reason, .line = f->line, .duration_us = f->duration_us,
                                .ep_size = f->cells[8]};
    EVR_GIVE(out, &run);
    return EVR_OK;
}
