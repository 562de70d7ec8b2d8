/* evreplay db fill: times what a store does not know yet. */
#include "batch_run.h"
#include "db.h"
#include "input.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct filling {
    batch_options batch; /* the first: the table's options are its members */
    const command *self;
    evr_context *ctx; /* the store's own: it outlives the batch's */
    evr_store *store;
    const char *path;
} filling;

static const char *input(void *user, const command *self, const text_list *arguments)
{
    filling *f = user;
    f->self = self;
    if (!db_arguments(self, arguments, 2, 2))
        return NULL;
    f->path = arguments->items[0];
    return arguments->items[1];
}

/* A batch of nothing says what the results of one would have in common: device, library and driver, in the same words. */
static evr_status where(evr_context *ctx, const evr_replay_batch_options *options, evr_results **out, evr_error **err)
{
    char device[64];
    evr_replay_batch_options o = *options;
    size_t len = options->device ? strcspn(options->device, ",") : 0;
    o.flags &= ~(EVR_BATCH_ISOLATE | EVR_BATCH_RESUME);
    o.journal = NULL;
    o.progress = NULL;
    if (options->device && len < sizeof device) { /* of several the first */
        memcpy(device, options->device, len);
        device[len] = 0;
        o.device = device;
    }
    return evr_replay_batch(ctx, NULL, 0, &o, out, err);
}

static int choose(void *user, evr_context *ctx, const evr_replay_batch_options *options, const evr_ir *const *records, size_t count, uint8_t *drop)
{
    filling *f = user;
    evr_error *err = NULL;
    evr_results *none = NULL;
    char *line = NULL;
    size_t size = 0, left = 0;
    int code = EXIT_BAD_INPUT;
    if (!(f->ctx = input_context()) || (code = db_open(f->self, f->ctx, f->path, EVR_STORE_CREATE, &f->store)))
        return code;
    evr_status status = where(ctx, options, &none, &err);
    if (status != EVR_OK)
        return runtime_error(f->self->name, status, err);
    status = evr_protocol_text(ctx, options->protocol, &line, &size, &err);
    if (status == EVR_OK) {
        const evr_results_info *about = evr_results_about(none);
        const evr_store_filter here = {.struct_size = sizeof here, .device_name = about->device_name, .runtime = about->runtime, .driver = about->driver, .protocol = {line, size}};
        status = evr_store_missing(f->store, records, count, &here, drop, &err);
    }
    evr_text_free(ctx, line);
    evr_results_free(none);
    if (status != EVR_OK)
        return input_error(f->self->name, status, err);
    for (size_t i = 0; i < count; i++) {
        drop[i] = !drop[i] || evr_ir_status(records[i]) != EVR_STATUS_OK; /* what cannot run has no time */
        left += !drop[i];
    }
    fprintf(stderr, "%zu of %zu records have no time yet\n", left, count);
    return 0;
}

static int done(void *user, const evr_results *results)
{
    filling *f = user;
    evr_error *err = NULL;
    evr_store_changes changes = {.struct_size = sizeof changes};
    evr_status status = evr_store_add(f->store, results, &changes, &err);
    if (status != EVR_OK)
        return input_error(f->self->name, status, err);
    db_tell_changes(f->path, &changes);
    return 0;
}

static int run(int argc, char **argv, const command *self)
{
    filling f = {0};
    const batch_around around = {&f, input, choose, done};
    f.batch.timed = true;
    f.batch.around = &around;
    int code = batch_run(self, &f.batch, argc, argv);
    evr_store_free(f.store);
    evr_context_free(f.ctx);
    return code;
}

static const option table[] = {
    BATCH_TIMING,
    BATCH_SELECTION,
    BATCH_RUNNING,
    BATCH_OUTPUT,
    BATCH_LINES_TIMED,
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

const command db_fill = {
    "db fill", "STORE INPUT", "Times the records that have no entry yet, and adds them.",
    "An entry counts when it is of this device, with this tensor library and driver, and of the same protocol. --top and --op-limit count records without one.\n"
    "Everything else is as for `evreplay bench`. Interrupted, it keeps what it has; the same command goes on from there.\n",
    table, run,
};
