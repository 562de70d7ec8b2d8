/* The connection: opening it, its statements and transactions, and what SQLite says as errors. */
#include "store/store.h"

#include "base/sized.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { LOCK_TIMEOUT_MS = 60000 };

static const struct {
    int rc;
    evr_status status;
    const char *hint;
} meanings[] = {
    {SQLITE_NOMEM, EVR_E_NOMEM, NULL},
    {SQLITE_BUSY, EVR_E_STATE, "another process is writing to it: wait for it, or allow more time"},
    {SQLITE_LOCKED, EVR_E_STATE, "another connection of this process is using it"},
    {SQLITE_NOTADB, EVR_E_FORMAT, "give the file of a store, or the name of a new one"},
    {SQLITE_CORRUPT, EVR_E_FORMAT, "the file is damaged: go back to a copy, or save what can be read with `sqlite3 FILE .recover`"},
    {SQLITE_ERROR, EVR_E_FORMAT, "the tables are not those of a store"},
    {SQLITE_SCHEMA, EVR_E_FORMAT, "the tables are not those of a store"},
    {SQLITE_CONSTRAINT, EVR_E_FORMAT, "the tables are not those of a store, or what they hold does not fit together"},
    {SQLITE_MISMATCH, EVR_E_FORMAT, "the tables are not those of a store"},
    {SQLITE_FULL, EVR_E_IO, "the disk is full: nothing was added"},
    {SQLITE_IOERR, EVR_E_IO, "the disk may be full or failing: nothing was added"},
    {SQLITE_CANTOPEN, EVR_E_IO, "the file and its folder must be there and allow reading and writing: a write-ahead log lies beside the file"},
    {SQLITE_READONLY, EVR_E_IO, "the file or its folder does not allow writing"},
    {SQLITE_PERM, EVR_E_IO, "the file or its folder does not allow writing"},
    {SQLITE_AUTH, EVR_E_IO, NULL},
    {SQLITE_PROTOCOL, EVR_E_STATE, "too many others are opening it at the same time: try again"},
    {SQLITE_NOLFS, EVR_E_IO, "the file system does not take files as large"},
    {SQLITE_TOOBIG, EVR_E_LIMIT, "no text of a result may be longer than SQLite allows, 1 GB by default"},
};

evr_status evr_store_fail(evr_store *store, int rc, const char *what, evr_error **err)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if ((rc & 0xff) != meanings[i].rc)
            continue;
        if (meanings[i].status == EVR_E_NOMEM)
            return evr_fail_nomem(err);
        const char *detail = store->db && (sqlite3_extended_errcode(store->db) & 0xff) == (rc & 0xff) ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc);
        evr_status status = evr_fail(store->ctx, err, meanings[i].status, "%s %s: %s", what, store->path, detail);
        return meanings[i].hint ? evr_hint(err, "%s", meanings[i].hint), status : status;
    }
    return evr_fail(store->ctx, err, EVR_E_INTERNAL, "%s %s: %s (SQLite %d)", what, store->path, sqlite3_errstr(rc), rc);
}

evr_status evr_store_prepare(evr_store *store, evr_store_statement which, sqlite3_stmt **out, evr_error **err)
{
    sqlite3_stmt *statement = store->statements[which];
    if (!statement) {
        int rc = sqlite3_prepare_v3(store->db, evr_store_sql[which], -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
        if (rc != SQLITE_OK)
            return evr_store_fail(store, rc, "cannot use", err);
        store->statements[which] = statement;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    *out = statement;
    return EVR_OK;
}

evr_status evr_store_run(evr_store *store, evr_store_statement which, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(store, which, &statement, err));
    int rc = sqlite3_step(statement);
    evr_status status = rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot use", err);
    sqlite3_reset(statement);
    return status;
}

evr_status evr_store_begin(evr_store *store, bool writes, evr_error **err)
{
    if (writes && store->flags & EVR_STORE_READ_ONLY)
        return evr_fail(store->ctx, err, EVR_E_STATE, "%s was opened to be read only", store->path);
    return evr_store_run(store, writes ? EVR_SQL_BEGIN_WRITE : EVR_SQL_BEGIN_READ, err);
}

/* Some failures end a transaction by themselves: there is nothing to take back then. */
evr_status evr_store_done(evr_store *store, evr_status status, evr_error **err)
{
    evr_store_put_ends(store);
    if (status == EVR_OK)
        status = evr_store_run(store, EVR_SQL_COMMIT, err);
    if (status != EVR_OK && !sqlite3_get_autocommit(store->db))
        evr_store_run(store, EVR_SQL_ROLLBACK, NULL);
    return status;
}

int evr_store_bind(sqlite3_stmt *statement, int place, evr_str text)
{
    return sqlite3_bind_text64(statement, place, text.len ? text.data : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

evr_str evr_store_column(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (!text && sqlite3_errcode(sqlite3_db_handle(statement)) != SQLITE_NOMEM)
        text = ""; /* NULL, which no table of ours holds */
    return (evr_str){text, text ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

/* A name is a path and nothing else: neither ":memory:" nor "file:…". NULL when memory is out. */
static char *plain_path(evr_context *ctx, const char *path)
{
    size_t len = strlen(path);
    char *plain = evr_alloc(ctx, len + 3);
    if (plain)
        snprintf(plain, len + 3, "%s%s", path[0] == '/' ? "" : "./", path);
    return plain;
}

static evr_status check_path(evr_store *store, evr_error **err)
{
    struct stat about;
    if (stat(store->path, &about)) {
        if (errno != ENOENT)
            return evr_fail(store->ctx, err, EVR_E_IO, "cannot open %s: %s", store->path, strerror(errno));
        if (store->flags & EVR_STORE_CREATE)
            return EVR_OK;
        evr_fail(store->ctx, err, EVR_E_NOT_FOUND, "there is no %s", store->path);
        evr_hint(err, "give the file of a store; adding results makes one");
        return EVR_E_NOT_FOUND;
    }
    if (S_ISDIR(about.st_mode)) {
        evr_fail(store->ctx, err, EVR_E_UNSUPPORTED, "%s is a folder, not the file of a store", store->path);
        evr_hint(err, "a folder of CSV files is a database of evr_perfdb_open()");
        return EVR_E_UNSUPPORTED;
    }
    if (!S_ISREG(about.st_mode))
        return evr_fail(store->ctx, err, EVR_E_FORMAT, "%s is not a file", store->path);
    return EVR_OK;
}

static evr_status connect(evr_store *store, uint32_t lock_timeout_ms, evr_error **err)
{
    int flags = SQLITE_OPEN_NOMUTEX;
    flags |= store->flags & EVR_STORE_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= store->flags & EVR_STORE_CREATE ? SQLITE_OPEN_CREATE : 0;
    char *path = plain_path(store->ctx, store->path);
    if (!path)
        return evr_fail_nomem(err);
    int rc = sqlite3_open_v2(path, &store->db, flags, NULL);
    evr_release(store->ctx, path, strlen(store->path) + 3);
    if (rc != SQLITE_OK)
        return evr_store_fail(store, rc, "cannot open", err);
    uint32_t timeout = lock_timeout_ms ? lock_timeout_ms : LOCK_TIMEOUT_MS;
    sqlite3_busy_timeout(store->db, timeout > INT32_MAX ? INT32_MAX : (int)timeout);
    /* a file made to do harm gets no functions to call, and cannot be written to behind the tables' backs */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return evr_store_tables(store, err);
}

evr_status evr_store_open(evr_context *ctx, const char *path, const evr_store_options *options, evr_store **out, evr_error **err)
{
    evr_store_options o = {.struct_size = EVR_INIT(evr_store_options)};
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !path || !path[0] || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_store_open: a context, a path and `out` are needed");
    EVR_TAKE(&o, options);
    if (o.flags & ~(EVR_STORE_CREATE | EVR_STORE_READ_ONLY) || (o.flags & EVR_STORE_CREATE && o.flags & EVR_STORE_READ_ONLY))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_store_open: the flags 0x%x are not known, or not together", (unsigned)o.flags);
    evr_store *store = evr_alloc_zeroed(ctx, sizeof *store);
    if (!store)
        return evr_fail_nomem(err);
    store->ctx = evr_context_ref(ctx);
    store->flags = o.flags;
    store->path = evr_strdup(ctx, evr_str_c(path));
    evr_status status = store->path ? check_path(store, err) : evr_fail_nomem(err);
    if (status == EVR_OK)
        status = connect(store, o.lock_timeout_ms, err);
    if (status != EVR_OK) {
        evr_store_free(store);
        return status;
    }
    *out = store;
    return EVR_OK;
}

void evr_store_free(evr_store *store)
{
    if (!store)
        return;
    evr_context *ctx = store->ctx;
    for (int i = 0; i < EVR_SQL_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close_v2(store->db);
    if (store->path)
        evr_release(ctx, store->path, strlen(store->path) + 1);
    evr_release(ctx, store, sizeof *store);
    evr_context_free(ctx);
}

evr_str evr_store_path(const evr_store *store) { return evr_str_c(store->path); }

evr_status evr_store_check(evr_store *store, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    if (err)
        *err = NULL;
    if (!store)
        return evr_fail(NULL, err, EVR_E_INVALID, "evr_store_check: a store is needed");
    EVR_TRY(evr_store_prepare(store, EVR_SQL_CHECK, &statement, err));
    int rc = sqlite3_step(statement);
    evr_status status = EVR_OK;
    if (rc != SQLITE_ROW) {
        status = evr_store_fail(store, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, "cannot check", err);
    } else {
        evr_str said = evr_store_column(statement, 0);
        if (!said.data)
            status = evr_fail_nomem(err);
        else if (!evr_str_is(said, "ok")) {
            status = evr_fail(store->ctx, err, EVR_E_FORMAT, "%s is damaged: %.*s", store->path, EVR_STR_ARG(said));
            evr_hint(err, "go back to a copy, or save what can be read with `sqlite3 FILE .recover`");
        }
    }
    sqlite3_reset(statement);
    return status;
}
