#include "db_survey.h"

#include "input.h"
#include "select.h"

#include <stdlib.h>

static void count(survey_part *part, const evr_call *call)
{
    part->kinds++;
    part->calls += call->count;
    part->kernel_ns += (double)call->device_ns;
}

static const evr_store_row *newest(const evr_store_rows *rows)
{
    const evr_store_row *found = NULL;
    for (size_t i = 0; i < evr_store_rows_count(rows); i++) {
        const evr_store_row *r = evr_store_rows_at(rows, i);
        if (!found || r->taken_s > found->taken_s)
            found = r;
    }
    return found;
}

static evr_status look_up(evr_store *store, const evr_store_filter *filter, survey_call *c, evr_error **err)
{
    char key[33];
    evr_store_filter f = *filter;
    evr_status status = evr_ir_key(c->record, key, err);
    f.key = (evr_str){key, 32};
    if (status == EVR_OK)
        status = evr_store_find(store, &f, &c->rows, err);
    if (status == EVR_OK)
        c->row = newest(c->rows);
    return status;
}

int survey_make(const command *self, evr_store *store, record_source *source, const char *op, const evr_store_filter *filter, survey *s)
{
    evr_error *err = NULL;
    size_t n;
    const evr_call **calls = select_calls(source->calls, source->count, op, SORT_KERNEL_TIME, 0, &n);
    s->calls = calloc(n + 1, sizeof *s->calls);
    int code = calls && s->calls ? EXIT_GOOD : EXIT_BAD_INPUT;
    for (size_t i = 0; code == EXIT_GOOD && i < n; i++) {
        survey_call *c = &s->calls[s->count];
        *c = (survey_call){.call = calls[i]};
        c->record = records_get(source, (size_t)(calls[i] - source->calls), &c->owned);
        if (!c->record) {
            code = EXIT_BAD_INPUT;
        } else if (evr_ir_status(c->record) != EVR_STATUS_OK) {
            count(&s->left_out, c->call);
            evr_ir_free(c->owned);
        } else {
            s->count++;
            evr_status status = look_up(store, filter, c, &err);
            if (status != EVR_OK)
                code = input_error(self->name, status, err);
            count(&s->all, c->call);
            if (c->row)
                count(&s->known, c->call);
        }
    }
    free(calls);
    return code;
}

void survey_free(survey *s)
{
    for (size_t i = 0; s->calls && i < s->count; i++) {
        evr_store_rows_free(s->calls[i].rows);
        evr_ir_free(s->calls[i].owned);
    }
    free(s->calls);
}
