/* Operator-input logs with times into a store and out of it: the parts of evreplay db import and export. */
#include "db.h"
#include "input.h"
#include "output.h"
#include "records.h"

#include <evreplay/report.h>

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define LOGGED "operator-input log" /* instead of a protocol */

/* The time of one call of a record, as a result. */
static evr_status add_call(evr_context *ctx, evr_results *results, const evr_ir *ir, uint64_t index, double ns, evr_error **err)
{
    char key[33], *arguments = NULL;
    evr_statistics statistics = {.struct_size = EVR_INIT(evr_statistics)};
    evr_status status = evr_ir_key(ir, key, err);
    if (status == EVR_OK)
        status = evr_ir_arguments(ir, &arguments, err);
    if (status == EVR_OK)
        status = evr_statistics_of(ctx, &ns, 1, &statistics, err);
    const evr_result r = {.struct_size = EVR_INIT(evr_result), .index = index, .uid = EVR_NO_UID, .count = evr_ir_count(ir), .key = {key, 32}, .op = evr_ir_op(ir),
                          .overload = evr_ir_overload(ir), .arguments = text_of(arguments), .trace_kernel_ns = -1, .trace_cpu_ns = -1, .first_run_ns = -1,
                          .statistics = &statistics, .protocol = evr_str_c(LOGGED)};
    if (status == EVR_OK)
        status = evr_results_add(results, &r, err);
    evr_text_free(ctx, arguments);
    return status;
}

static evr_status add_log(const db_session *s, const char *path, const evr_ir_set *set, evr_store_changes *changes, size_t *untimed, evr_error **err)
{
    const place_options *p = &s->o->place;
    const evr_results_info info = {.struct_size = EVR_INIT(evr_results_info), .runtime = text_of(p->runtime), .device_name = text_of(p->device_name),
                                   .driver = text_of(p->driver), .input = evr_str_c(path)};
    evr_results *results = NULL;
    evr_status status = evr_results_new(s->ctx, &info, &results, err);
    for (size_t i = 0; i < evr_ir_set_count(set) && status == EVR_OK; i++) {
        const evr_ir *ir = evr_ir_set_at(set, i);
        double ns = evr_ir_set_runtime(set, i);
        bool timed = ns > 0 && evr_ir_status(ir) == EVR_STATUS_OK;
        *untimed += !timed;
        if (timed)
            status = add_call(s->ctx, results, ir, i, ns, err);
    }
    if (status == EVR_OK)
        status = evr_store_add(s->store, results, changes, err);
    evr_results_free(results);
    return status;
}

int db_import_log(const db_session *s, const char *path, evr_store_changes *sum)
{
    size_t size = 0, untimed = 0;
    evr_error *err = NULL;
    evr_ir_set *set = NULL;
    evr_store_changes changes = {.struct_size = sizeof changes};
    if (!s->o->place.device_name) {
        fprintf(stderr, "evreplay %s: %s does not say where its times were taken\n  what to do: name the device, as in --device-name \"NVIDIA H200\", and the library with --runtime\n",
                s->self->name, path);
        return EXIT_USAGE;
    }
    char *text = input_read_all(path, (evr_str){"", 0}, &size);
    if (!text)
        return EXIT_BAD_INPUT;
    evr_status status = evr_ir_read(s->ctx, text, size, &set, &err);
    if (status == EVR_OK)
        status = add_log(s, path, set, &changes, &untimed, &err);
    size_t calls = set ? evr_ir_set_count(set) : 0;
    evr_ir_set_free(set);
    free(text);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    sum->added += changes.added;
    sum->known += changes.known;
    sum->unusable += changes.unusable + untimed;
    if (calls && untimed == calls) {
        fprintf(stderr, "evreplay %s: no call of %s has a time\n  what to do: `db missing` lists those of its calls that have none in the store, and `db fill` times them\n", s->self->name,
                path);
        return EXIT_SOME_FAILED;
    }
    return EXIT_GOOD;
}

/* Times are of one device and stack, as of all that is exported. */
static bool is_other_place(const evr_store_row *a, const evr_store_row *b)
{
    return !evr_str_eq(a->device_name, b->device_name) || !evr_str_eq(a->runtime, b->runtime) || !evr_str_eq(a->driver, b->driver);
}

/* What the store knows of the records; the texts of *place are those of its first row, borrowed from *kept. */
typedef struct lookup {
    const db_session *s;
    evr_store_rows *kept;
    const evr_store_row *place;
    size_t known;
} lookup;

/* The newest time of a record; negative when there is none. Returns 0, or the exit code after an error has been told. */
static int look_up(lookup *l, const evr_ir *ir, double *ns)
{
    char key[33];
    evr_error *err = NULL;
    evr_store_rows *rows = NULL;
    evr_store_filter f = db_session_filter(l->s);
    const evr_store_row *best = NULL;
    *ns = -1;
    evr_status status = evr_ir_key(ir, key, &err);
    f.key = (evr_str){key, 32};
    f.limit = 0;
    if (status == EVR_OK)
        status = evr_store_find(l->s->store, &f, &rows, &err);
    if (status != EVR_OK)
        return input_error(l->s->self->name, status, err);
    for (size_t i = 0; i < evr_store_rows_count(rows); i++) {
        const evr_store_row *r = evr_store_rows_at(rows, i);
        l->place = l->place ? l->place : r;
        if (is_other_place(l->place, r)) {
            fprintf(stderr, "evreplay %s: the store has times of more than one device or stack: choose one\n", l->s->self->name);
            db_list_stacks(l->s);
            evr_store_rows_free(rows);
            return EXIT_BAD_INPUT;
        }
        best = !best || r->taken_s > best->taken_s ? r : best;
    }
    *ns = best ? best->median_ns : -1;
    l->known += best != NULL;
    if (best && !l->kept)
        l->kept = rows; /* the place is read from it */
    else
        evr_store_rows_free(rows);
    return EXIT_GOOD;
}

static int write_log(const db_session *s, const evr_ir *const *records, size_t count, const double *times, size_t known)
{
    char *text = NULL;
    size_t size = 0, written = 0;
    evr_error *err = NULL;
    evr_status status = evr_ir_write_log(s->ctx, records, count, times, &text, &size, &written, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    int code = output_whole(s->o->out, (evr_str){text, size}, EXIT_GOOD);
    evr_text_free(s->ctx, text);
    if (code == EXIT_GOOD)
        fprintf(stderr, "%zu of %zu calls written, %zu of them have a time\n", written, count, known);
    return code;
}

int db_export_log(const db_session *s, const char *input)
{
    record_source source = {0};
    lookup l = {.s = s};
    int code = records_open(s->ctx, input, 0, NULL, &source);
    size_t n = code ? 0 : source.count;
    const evr_ir **records = calloc(n + 1, sizeof *records);
    evr_ir **owned = calloc(n + 1, sizeof *owned);
    double *times = calloc(n + 1, sizeof *times);
    if (!code && (!records || !owned || !times))
        code = EXIT_BAD_INPUT;
    for (size_t i = 0; !code && i < n; i++)
        code = (records[i] = records_get(&source, i, &owned[i])) ? look_up(&l, records[i], &times[i]) : EXIT_BAD_INPUT;
    if (!code)
        code = write_log(s, records, n, times, l.known);
    evr_store_rows_free(l.kept);
    for (size_t i = 0; owned && i < n; i++)
        evr_ir_free(owned[i]);
    free(records);
    free(owned);
    free(times);
    records_close(&source);
    return code;
}
