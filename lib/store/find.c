/* Asking: rows by key or operator, what is missing, which stacks there are. */
#include "store/store.h"

#include "base/buf.h"
#include "base/sized.h"
#include "base/str.h"

evr_status evr_store_filter_of(evr_store *store, const evr_store_filter *given, evr_store_filter *out, evr_error **err)
{
    *out = (evr_store_filter){0};
    EVR_TAKE(out, given);
    if (out->flags & ~EVR_STORE_HISTORY)
        return evr_fail(store->ctx, err, EVR_E_INVALID, "the flags 0x%x of a filter are not known", (unsigned)out->flags);
    return EVR_OK;
}

/* '[' stands for itself in our patterns, and opens a set of characters in SQLite's. */
static void add_pattern(evr_buf *buf, evr_str pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        evr_buf_str(buf, pattern.data[i] == '[' ? EVR_STR_LITERAL("[[]") : evr_str_sub(pattern, i, i + 1));
    if (!pattern.len)
        evr_buf_char(buf, '*');
}

static int bind_filter(sqlite3_stmt *statement, evr_str what, const evr_store_filter *f)
{
    const evr_str texts[] = {what, f->device_name, f->runtime, f->driver, f->protocol};
    int rc = SQLITE_OK;
    for (int i = 0; i < 5 && rc == SQLITE_OK; i++)
        rc = evr_store_bind(statement, i + 1, texts[i]);
    return rc;
}

/* False when SQLite had no memory for a text. Numbers that are none are as good as damaged ones: they show as 0. */
static bool read_row(sqlite3_stmt *statement, evr_store_found *out)
{
    *out = (evr_store_found){.row.struct_size = EVR_INIT(evr_store_row)};
    evr_store_row *r = &out->row;
    evr_str *const texts[] = {&r->key, &r->op, &r->overload, &r->arguments, &r->device_name, &r->runtime, &r->driver, &r->protocol, &r->input, &out->device};
    for (int i = 0; i < 10; i++) {
        *texts[i] = evr_store_column(statement, i);
        if (!texts[i]->data)
            return false;
    }
    r->taken_s = sqlite3_column_int64(statement, 10);
    r->samples = (uint64_t)sqlite3_column_int64(statement, 11);
    r->median_ns = sqlite3_column_double(statement, 12);
    r->median_low_ns = sqlite3_column_double(statement, 13);
    r->median_high_ns = sqlite3_column_double(statement, 14);
    out->seed = (uint64_t)sqlite3_column_int64(statement, 15);
    out->form = evr_store_column(statement, 16);
    const char *rest = sqlite3_column_blob(statement, 17);
    out->rest = (evr_str){rest ? rest : "", rest ? (size_t)sqlite3_column_bytes(statement, 17) : 0};
    return out->form.data != NULL && (rest || sqlite3_errcode(sqlite3_db_handle(statement)) != SQLITE_NOMEM);
}

static evr_status walk(evr_store *store, sqlite3_stmt *statement, const evr_store_filter *f, evr_store_visit visit, void *user, evr_error **err)
{
    evr_status status = EVR_OK;
    int rc = SQLITE_DONE;
    uint64_t n = 0;
    while (status == EVR_OK && (!f->limit || n < f->limit) && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        evr_store_found found;
        if (!read_row(statement, &found))
            return evr_fail_nomem(err);
        if (f->op.len && !evr_glob(f->op, found.row.op)) /* when they were looked up by key */
            continue;
        status = visit(user, &found, err);
        n++;
    }
    if (status == EVR_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        status = evr_store_fail(store, rc, "cannot read", err);
    return status;
}

static evr_status ask(evr_store *store, evr_store_statement which, evr_str what, const evr_store_filter *f, evr_store_visit visit, void *user, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(store, which, &statement, err));
    int rc = bind_filter(statement, what, f);
    evr_status status = rc == SQLITE_OK ? walk(store, statement, f, visit, user, err) : evr_store_fail(store, rc, "cannot read", err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

evr_status evr_store_each(evr_store *store, const evr_store_filter *given, evr_store_visit visit, void *user, evr_error **err)
{
    evr_store_filter f;
    evr_buf pattern;
    EVR_TRY(evr_store_filter_of(store, given, &f, err));
    bool history = f.flags & EVR_STORE_HISTORY;
    if (f.key.len)
        return ask(store, history ? EVR_SQL_HISTORY_BY_KEY : EVR_SQL_CURRENT_BY_KEY, f.key, &f, visit, user, err);
    evr_buf_init(&pattern, store->ctx);
    add_pattern(&pattern, f.op);
    evr_status status = pattern.failed ? evr_fail_nomem(err) : ask(store, history ? EVR_SQL_HISTORY_BY_OP : EVR_SQL_CURRENT_BY_OP, evr_buf_view(&pattern), &f, visit, user, err);
    evr_buf_free(&pattern);
    return status;
}

evr_status evr_store_each_of_op(evr_store *store, evr_str op, const evr_store_filter *filter, evr_store_visit visit, void *user, evr_error **err)
{
    evr_store_filter f = *filter;
    f.op = (evr_str){"", 0};
    f.limit = 0;
    return ask(store, EVR_SQL_CURRENT_OF_OP, op, &f, visit, user, err);
}

static evr_status collect(void *user, const evr_store_found *found, evr_error **err) { return evr_store_rows_add(user, &found->row, err); }

evr_status evr_store_find(evr_store *store, const evr_store_filter *filter, evr_store_rows **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!store || !out)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_find: a store and `out` are needed");
    evr_store_rows *rows = evr_store_rows_new(store->ctx);
    evr_status status = rows ? evr_store_each(store, filter, collect, rows, err) : evr_fail_nomem(err);
    if (status != EVR_OK) {
        evr_store_rows_free(rows);
        return status;
    }
    *out = rows;
    return EVR_OK;
}

static evr_status has_key(evr_store *store, sqlite3_stmt *statement, const evr_store_filter *f, const evr_ir *record, uint8_t *missing, evr_error **err)
{
    char key[33];
    EVR_TRY(evr_ir_key(record, key, err));
    int rc = bind_filter(statement, (evr_str){key, 32}, f);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *missing = !sqlite3_column_int(statement, 0);
    evr_status status = rc == SQLITE_ROW ? EVR_OK : evr_store_fail(store, rc, "cannot read", err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

evr_status evr_store_missing(evr_store *store, const evr_ir *const *records, size_t count, const evr_store_filter *filter, uint8_t *missing, evr_error **err)
{
    evr_store_filter f;
    sqlite3_stmt *statement = NULL;
    if (err)
        *err = NULL;
    if (!store || (count && (!records || !missing)))
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_missing: a store, records and `missing` are needed");
    if (count)
        memset(missing, 0, count);
    EVR_TRY(evr_store_filter_of(store, filter, &f, err));
    EVR_TRY(evr_store_begin(store, false, err)); /* all answers from the same moment */
    evr_status status = evr_store_prepare(store, EVR_SQL_HAS_KEY, &statement, err);
    for (size_t i = 0; status == EVR_OK && i < count; i++)
        status = has_key(store, statement, &f, records[i], &missing[i], err);
    status = evr_store_done(store, status, err);
    if (status != EVR_OK && count)
        memset(missing, 0, count);
    return status;
}

static evr_status add_stack(evr_store_rows *rows, sqlite3_stmt *statement, evr_error **err)
{
    const evr_str no = {"", 0};
    evr_store_row r = {.struct_size = EVR_INIT(evr_store_row), .key = no, .op = no, .overload = no, .arguments = no, .protocol = no, .input = no};
    r.device_name = evr_store_column(statement, 0);
    r.runtime = evr_store_column(statement, 1);
    r.driver = evr_store_column(statement, 2);
    r.samples = (uint64_t)sqlite3_column_int64(statement, 3);
    r.taken_s = sqlite3_column_int64(statement, 4);
    return r.device_name.data && r.runtime.data && r.driver.data ? evr_store_rows_add(rows, &r, err) : evr_fail_nomem(err);
}

evr_status evr_store_stacks(evr_store *store, evr_store_rows **out, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!store || !out)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_stacks: a store and `out` are needed");
    EVR_TRY(evr_store_prepare(store, EVR_SQL_STACKS, &statement, err));
    evr_store_rows *rows = evr_store_rows_new(store->ctx);
    evr_status status = rows ? EVR_OK : evr_fail_nomem(err);
    int rc = SQLITE_DONE;
    while (status == EVR_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        status = add_stack(rows, statement, err);
    if (status == EVR_OK && rc != SQLITE_DONE)
        status = evr_store_fail(store, rc, "cannot read", err);
    sqlite3_reset(statement);
    if (status != EVR_OK) {
        evr_store_rows_free(rows);
        return status;
    }
    *out = rows;
    return EVR_OK;
}
