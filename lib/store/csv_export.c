/* Sheets back into a CSV folder: the newest version of each file, staged and put in place together. */
#include "store/csv.h"

#include "base/str.h"
#include "perfdb/folder.h"

#include <errno.h>
#include <fcntl.h>

enum { CHUNK = 1 << 20, LOCK_TIMEOUT_MS = 60000 };

typedef struct exporting {
    evr_store *store;
    evr_context *ctx;
    evr_folder folder;
    evr_store_csv_options o;
    evr_store_csv_changes made;
    evr_str stack[3]; /* of the sheets so far, in the folder's arena */
    evr_buf name, out;
} exporting;

static evr_status cannot_read(const exporting *ex, int rc, evr_error **err) { return evr_store_fail(ex->store, rc, "cannot read", err); }

/* All files are of one device and stack. */
static evr_status check_stack(exporting *ex, sqlite3_stmt *sheet, evr_error **err)
{
    for (int i = 0; i < 3; i++) {
        evr_str text = evr_store_column(sheet, 4 + i);
        if (!text.data || (!ex->made.files && !(ex->stack[i] = evr_arena_str(&ex->folder.arena, text)).data))
            return evr_fail_nomem(err);
        if (evr_str_eq(text, ex->stack[i]))
            continue;
        evr_fail(ex->ctx, err, EVR_E_INVALID, "%s has CSV files of more than one device or stack, such as \"%.*s\" and \"%.*s\"", ex->store->path, EVR_STR_ARG(ex->stack[i]),
                 EVR_STR_ARG(text));
        evr_hint(err, "choose one of them by device name, runtime and driver, as they were imported");
        return EVR_E_INVALID;
    }
    return EVR_OK;
}

/* The file's name, free or to be replaced. */
static evr_status set_name(exporting *ex, evr_str op, evr_error **err)
{
    struct stat st;
    if (!op.data)
        return evr_fail_nomem(err);
    if (!evr_csv_name_is_plain(op))
        return evr_fail(ex->ctx, err, EVR_E_FORMAT, "%s is damaged: a file's name is none of an operator", ex->store->path);
    ex->name.len = 0;
    evr_buf_str(&ex->name, op);
    evr_buf_c(&ex->name, ".csv");
    if (ex->name.failed)
        return evr_fail_nomem(err);
    if ((ex->o.flags & EVR_STORE_CSV_REPLACE) || fstatat(ex->folder.fd, ex->name.data, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return EVR_OK;
    evr_fail(ex->ctx, err, EVR_E_STATE, "%s/%s is there already", ex->folder.path, ex->name.data);
    evr_hint(err, "give a new folder, or ask for files to be replaced");
    return EVR_E_STATE;
}

static evr_status flush(exporting *ex, evr_error **err)
{
    if (ex->out.failed)
        return evr_fail_nomem(err);
    EVR_TRY(evr_folder_write(&ex->folder, (size_t)ex->made.files, evr_buf_view(&ex->out), err));
    ex->out.len = 0;
    return EVR_OK;
}

static evr_status write_lines(exporting *ex, int64_t sheet, evr_error **err)
{
    sqlite3_stmt *lines = NULL;
    EVR_TRY(evr_store_prepare(ex->store, EVR_SQL_LINES, &lines, err));
    int rc = sqlite3_bind_int64(lines, 1, sheet);
    evr_status status = EVR_OK;
    while (status == EVR_OK && (rc == SQLITE_OK || rc == SQLITE_ROW) && (rc = sqlite3_step(lines)) == SQLITE_ROW) {
        evr_buf_str(&ex->out, evr_csv_blob(lines, 0));
        evr_buf_c(&ex->out, "\r\n");
        ex->made.rows++;
        ex->made.malformed += sqlite3_column_int(lines, 1) != 0;
        if (ex->out.failed || ex->out.len > CHUNK)
            status = flush(ex, err);
    }
    if (status == EVR_OK && rc != SQLITE_DONE)
        status = cannot_read(ex, rc, err);
    sqlite3_reset(lines);
    return status == EVR_OK ? flush(ex, err) : status;
}

static evr_status write_sheet(exporting *ex, sqlite3_stmt *sheet, evr_error **err)
{
    EVR_TRY(check_stack(ex, sheet, err));
    EVR_TRY(set_name(ex, evr_store_column(sheet, 1), err));
    size_t number = (size_t)ex->made.files;
    evr_str name = evr_arena_str(&ex->folder.arena, evr_buf_view(&ex->name));
    if (!name.data)
        return evr_fail_nomem(err);
    EVR_TRY(evr_folder_room(&ex->folder, number + 1, err));
    EVR_TRY(evr_folder_stage(&ex->folder, number, name.data, err));
    ex->out.len = 0;
    evr_buf_str(&ex->out, evr_csv_blob(sheet, 3));
    evr_buf_c(&ex->out, "\r\n");
    EVR_TRY(write_lines(ex, sqlite3_column_int64(sheet, 0), err));
    EVR_TRY(evr_folder_finish(&ex->folder, number, err));
    ex->made.files++;
    return EVR_OK;
}

static evr_status write_sheets(exporting *ex, const evr_store_filter *f, evr_error **err)
{
    sqlite3_stmt *sheets = NULL;
    const evr_str texts[] = {f->device_name, f->runtime, f->driver};
    int rc = SQLITE_OK;
    EVR_TRY(evr_store_prepare(ex->store, EVR_SQL_NEWEST_SHEETS, &sheets, err));
    for (int i = 0; i < 3 && rc == SQLITE_OK; i++)
        rc = evr_store_bind(sheets, i + 1, texts[i]);
    evr_status status = rc == SQLITE_OK ? EVR_OK : cannot_read(ex, rc, err);
    while (status == EVR_OK && (rc = sqlite3_step(sheets)) == SQLITE_ROW)
        if (!f->op.len || evr_glob(f->op, evr_store_column(sheets, 1)))
            status = write_sheet(ex, sheets, err);
    if (status == EVR_OK && rc != SQLITE_DONE)
        status = cannot_read(ex, rc, err);
    sqlite3_reset(sheets);
    sqlite3_clear_bindings(sheets);
    return status;
}

static evr_status open_folder(exporting *ex, const char *path, evr_error **err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return evr_fail(ex->ctx, err, EVR_E_IO, "cannot make the folder %s: %s", path, strerror(errno));
    EVR_TRY(evr_folder_open(ex->ctx, path, &ex->folder, err));
    return evr_folder_lock(&ex->folder, LOCK_TIMEOUT_MS, err);
}

static evr_status run(exporting *ex, const char *path, const evr_store_filter *f, evr_error **err)
{
    EVR_TRY(open_folder(ex, path, err));
    EVR_TRY(evr_store_begin(ex->store, false, err)); /* all files from the same moment */
    evr_status status = write_sheets(ex, f, err);
    EVR_TRY(evr_store_done(ex->store, status, err));
    if (!ex->made.files) {
        evr_fail(ex->ctx, err, EVR_E_NOT_FOUND, "%s has no such CSV files", ex->store->path);
        evr_hint(err, "only what was imported from CSV files can be given back so; results are exported as JSON");
        return EVR_E_NOT_FOUND;
    }
    return evr_folder_commit(&ex->folder, NULL, NULL, err);
}

evr_status evr_store_export_csv(evr_store *store, const char *folder, const evr_store_filter *filter, const evr_store_csv_options *options, evr_store_csv_changes *changes, evr_error **err)
{
    evr_store_filter f;
    const evr_store_csv_changes none = {0};
    if (err)
        *err = NULL;
    evr_csv_tell(changes, &none, EVR_OK);
    if (!store || !folder)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_export_csv: a store and a folder are needed");
    exporting ex = {.store = store, .ctx = store->ctx, .folder = {.ctx = store->ctx, .fd = -1, .lock = -1}};
    EVR_TRY(evr_csv_options_of(store->ctx, options, &ex.o, err));
    EVR_TRY(evr_store_filter_of(store, filter, &f, err));
    evr_arena_init(&ex.folder.arena, store->ctx);
    evr_buf_init(&ex.name, store->ctx);
    evr_buf_init(&ex.out, store->ctx);
    evr_status status = run(&ex, folder, &f, err);
    evr_folder_close(&ex.folder);
    evr_buf_free(&ex.name);
    evr_buf_free(&ex.out);
    evr_csv_tell(changes, &ex.made, status);
    return status;
}
