/* CSV files into a store: each row's durations become samples, and the file is kept as a sheet. */
#include "store/csv.h"

#include "base/str.h"
#include "perfdb/folder.h"

#include <errno.h>
#include <fcntl.h>

typedef struct importing {
    evr_store *store;
    evr_context *ctx;
    evr_store_csv_options o;
    evr_store_csv_changes made;
    evr_str path;     /* of the file, for people */
    int64_t taken_s;  /* when it was written last */
    int64_t stack;    /* row of the stack as it was given */
    evr_buf scratch, words;
} importing;

static evr_status begin(importing *im, evr_store *store, const evr_store_csv_options *options, evr_error **err)
{
    *im = (importing){.store = store, .ctx = store->ctx};
    evr_buf_init(&im->scratch, im->ctx);
    evr_buf_init(&im->words, im->ctx);
    return evr_csv_options_of(im->ctx, options, &im->o, err);
}

static void end(importing *im)
{
    evr_buf_free(&im->scratch);
    evr_buf_free(&im->words);
}

static void tell(const importing *im, uint64_t line, const char *message)
{
    if (im->o.problem)
        im->o.problem(im->o.user, im->path, line, evr_str_c(message));
}

/* Runs a statement that puts a row: bytes are bound by the caller. */
static evr_status step(evr_store *store, sqlite3_stmt *statement, int rc, evr_error **err)
{
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    evr_status status = rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot add to", err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static int bind_bytes(sqlite3_stmt *statement, int place, evr_str bytes)
{
    return bytes.len ? sqlite3_bind_blob64(statement, place, bytes.data, bytes.len, SQLITE_STATIC) : sqlite3_bind_zeroblob(statement, place, 0);
}

/* One duration of a row. */
static evr_status put_duration(importing *im, const evr_csv_sheet *sheet, const evr_result *call, size_t which, double us, evr_error **err)
{
    double ns = us * 1000;
    evr_statistics statistics = {.struct_size = EVR_INIT(evr_statistics)};
    evr_store_changes changes = {.struct_size = sizeof changes};
    const evr_results_info info = {.struct_size = EVR_INIT(evr_results_info), .runtime = im->o.runtime, .driver = im->o.driver, .device_name = im->o.device_name,
                                   .input = sheet->op, .started_s = im->taken_s};
    evr_result r = *call;
    EVR_TRY(evr_statistics_of(im->ctx, &ns, 1, &statistics, err));
    r.statistics = &statistics;
    r.protocol = evr_str_c(evr_csv_durations[which].protocol);
    EVR_TRY(evr_store_put(im->store, &info, &r, &changes, err));
    im->made.added += changes.added;
    im->made.known += changes.known;
    return EVR_OK;
}

static evr_status put_durations(importing *im, const evr_csv_sheet *sheet, const evr_csv *csv, const char *key, evr_error **err)
{
    bool any = false;
    evr_str core = evr_csv_row_core(sheet, csv);
    const evr_result call = {.struct_size = EVR_INIT(evr_result), .uid = EVR_NO_UID, .count = 1, .key = {key, 32}, .op = sheet->op, .overload = {"", 0},
                             .arguments = evr_buf_view(&im->words), .device = core.len ? core : EVR_STR_LITERAL("npu"), .trace_kernel_ns = -1, .trace_cpu_ns = -1,
                             .first_run_ns = -1};
    for (size_t i = 0; i < EVR_CSV_DURATIONS; i++) {
        double us = sheet->durations[i] < 0 ? 0 : evr_cell_number(evr_csv_value(csv, (size_t)sheet->durations[i]));
        if (!evr_duration_valid(us) || !evr_duration_valid(us * 1000))
            continue;
        any = true;
        EVR_TRY(put_duration(im, sheet, &call, i, us, err));
    }
    im->made.untimed += !any;
    return EVR_OK;
}

/* The record and the samples of a row that could be read, and what has no other place. */
static evr_status put_call(importing *im, const evr_csv_sheet *sheet, const evr_csv *csv, int64_t *record, evr_error **err)
{
    char key[33];
    im->words.len = 0;
    evr_csv_row_key(sheet, csv, &im->scratch, key);
    evr_csv_row_words(sheet, csv, &im->scratch, &im->words);
    if (im->scratch.failed || im->words.failed)
        return evr_fail_nomem(err);
    const evr_str texts[] = {{key, 32}, sheet->op, {"", 0}, evr_buf_view(&im->words)};
    EVR_TRY(evr_store_id(im->store, EVR_SQL_GET_RECORD, EVR_SQL_PUT_RECORD, texts, 4, record, err));
    return put_durations(im, sheet, csv, key, err);
}

static evr_status put_line(importing *im, int64_t sheet, uint64_t place, int64_t row, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(im->store, EVR_SQL_PUT_LINE, &statement, err));
    int rc = sqlite3_bind_int64(statement, 1, sheet);
    rc = rc == SQLITE_OK ? sqlite3_bind_int64(statement, 2, (int64_t)place) : rc;
    rc = rc == SQLITE_OK ? sqlite3_bind_int64(statement, 3, row) : rc;
    return step(im->store, statement, rc, err);
}

/* The row's id when the store has it. */
static evr_status find_row(importing *im, evr_str digest, int64_t *id, bool *found, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(im->store, EVR_SQL_GET_ROW, &statement, err));
    int rc = bind_bytes(statement, 1, digest);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *found = rc == SQLITE_ROW;
    if (*found)
        *id = sqlite3_column_int64(statement, 0);
    evr_status status = *found || rc == SQLITE_DONE ? EVR_OK : evr_store_fail(im->store, rc, "cannot add to", err);
    sqlite3_reset(statement);
    return status;
}

/* A row of the file as it stands there; record 0 = it could not be read. */
static evr_status put_row(importing *im, evr_str digest, evr_str line, int64_t record, int64_t *id, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    bool found = false;
    EVR_TRY(evr_store_prepare(im->store, EVR_SQL_PUT_ROW, &statement, err));
    int rc = bind_bytes(statement, 1, digest);
    if (rc == SQLITE_OK && record)
        rc = sqlite3_bind_int64(statement, 2, record);
    rc = rc == SQLITE_OK ? bind_bytes(statement, 3, line) : rc;
    EVR_TRY(step(im->store, statement, rc, err));
    EVR_TRY(find_row(im, digest, id, &found, err));
    return found ? EVR_OK : evr_store_fail(im->store, SQLITE_CORRUPT, "cannot add to", err);
}

static evr_status import_row(importing *im, const evr_csv_sheet *sheet, const evr_csv *csv, evr_csv_result result, int64_t of, uint64_t place, evr_error **err)
{
    unsigned char digest[EVR_STORE_DIGEST];
    int64_t record = 0, row = 0;
    im->made.rows++;
    if (result == EVR_CSV_ROW) {
        EVR_TRY(put_call(im, sheet, csv, &record, err));
    } else {
        im->made.malformed++;
        tell(im, csv->line, csv->problem);
    }
    const evr_str texts[] = {sheet->op, evr_csv_sheet_header(sheet), csv->raw, evr_str_c(record ? "" : "malformed")};
    evr_store_digest_bytes(texts, sizeof texts / sizeof *texts, digest);
    EVR_TRY(put_row(im, (evr_str){(const char *)digest, sizeof digest}, csv->raw, record, &row, err));
    return put_line(im, of, place, row, err);
}

static evr_status put_sheet(importing *im, const evr_csv_sheet *sheet, const char *digest, int64_t *id, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(im->store, EVR_SQL_PUT_SHEET, &statement, err));
    int rc = evr_store_bind(statement, 1, sheet->op);
    rc = rc == SQLITE_OK ? sqlite3_bind_int64(statement, 2, im->stack) : rc;
    rc = rc == SQLITE_OK ? sqlite3_bind_int64(statement, 3, im->taken_s) : rc;
    rc = rc == SQLITE_OK ? evr_store_bind(statement, 4, (evr_str){digest, 32}) : rc;
    rc = rc == SQLITE_OK ? bind_bytes(statement, 5, evr_csv_sheet_header(sheet)) : rc;
    EVR_TRY(step(im->store, statement, rc, err));
    *id = sqlite3_last_insert_rowid(im->store->db);
    return EVR_OK;
}

static evr_status is_known(importing *im, evr_str op, const char *digest, bool *known, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(im->store, EVR_SQL_SAME_SHEET, &statement, err));
    int rc = evr_store_bind(statement, 1, op);
    rc = rc == SQLITE_OK ? sqlite3_bind_int64(statement, 2, im->stack) : rc;
    rc = rc == SQLITE_OK ? sqlite3_bind_int64(statement, 3, im->taken_s) : rc;
    rc = rc == SQLITE_OK ? evr_store_bind(statement, 4, (evr_str){digest, 32}) : rc;
    rc = rc == SQLITE_OK ? sqlite3_step(statement) : rc;
    evr_status status = rc == SQLITE_ROW ? EVR_OK : evr_store_fail(im->store, rc, "cannot add to", err);
    *known = rc == SQLITE_ROW && sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static evr_status import_rows(importing *im, const evr_csv_sheet *sheet, evr_csv *csv, int64_t of, evr_error **err)
{
    evr_csv_result result;
    for (uint64_t place = 0; (result = evr_csv_next(csv)) != EVR_CSV_END; place++) {
        if (result == EVR_CSV_NOMEM)
            return evr_fail_nomem(err);
        EVR_TRY(import_row(im, sheet, csv, result, of, place, err));
    }
    return EVR_OK;
}

/* A whole file. *unusable says why it is none of an operator. */
static evr_status import_text(importing *im, evr_str op, evr_str text, const char **unusable, evr_error **err)
{
    evr_csv csv;
    evr_csv_sheet sheet;
    char digest[33];
    bool known = false;
    int64_t id = 0;
    evr_status status = EVR_OK;
    evr_csv_init(&csv, im->ctx, text);
    if (!evr_csv_sheet_read(&sheet, im->ctx, op, &csv, unusable))
        status = evr_fail_nomem(err);
    else if (*unusable)
        im->made.foreign++;
    if (status != EVR_OK || *unusable) {
        evr_csv_free(&csv);
        return status;
    }
    const evr_str bytes = evr_str_sub(text, evr_str_starts(text, "\xef\xbb\xbf") ? 3 : 0, text.len);
    im->made.files++;
    evr_store_digest(&bytes, 1, digest);
    status = is_known(im, op, digest, &known, err);
    im->made.unchanged += known;
    if (status == EVR_OK && !known)
        status = put_sheet(im, &sheet, digest, &id, err);
    if (status == EVR_OK && !known)
        status = import_rows(im, &sheet, &csv, id, err);
    evr_csv_sheet_free(&sheet);
    evr_csv_free(&csv);
    return status;
}

static evr_status set_stack(importing *im, evr_error **err)
{
    const evr_str stack[] = {im->o.device_name, im->o.runtime, im->o.driver};
    return evr_store_id(im->store, EVR_SQL_GET_STACK, EVR_SQL_PUT_STACK, stack, 3, &im->stack, err);
}

/* `at` and `name` open the file, im->path says which it is; `op` is its operator. */
static evr_status import_file(importing *im, int at, const char *name, evr_str op, const char **unusable, evr_error **err)
{
    char *text = NULL;
    size_t size = 0;
    struct stat st;
    if (!evr_csv_name_is_plain(op)) {
        *unusable = "its name is none of an operator";
        im->made.foreign++;
        return EVR_OK;
    }
    EVR_TRY(evr_file_read(im->ctx, at, name, im->path.data, UINT32_MAX - 1, &text, &size, err));
    im->taken_s = fstatat(at, name, &st, 0) == 0 && st.st_mtime > 0 ? (int64_t)st.st_mtime : 0;
    evr_status status = import_text(im, op, (evr_str){text, size}, unusable, err);
    evr_release(im->ctx, text, size + 1);
    return status;
}

static evr_status import_one(importing *im, const char *path, evr_error **err)
{
    const char *unusable = NULL;
    evr_str op = evr_str_c(path);
    for (size_t i = op.len; i-- > 0;)
        if (op.data[i] == '/') {
            op = evr_str_sub(op, i + 1, op.len);
            break;
        }
    op.len -= evr_str_ends(op, ".csv") ? 4 : 0;
    im->path = evr_str_c(path);
    EVR_TRY(import_file(im, AT_FDCWD, path, op, &unusable, err));
    return unusable ? evr_fail(im->ctx, err, EVR_E_FORMAT, "%s cannot be taken: %s", path, unusable) : EVR_OK;
}

static evr_status import_entry(importing *im, evr_folder *folder, const evr_folder_entry *entry, evr_error **err)
{
    const char *unusable = NULL;
    evr_buf shown;
    evr_buf_init(&shown, im->ctx);
    evr_buf_c(&shown, folder->path);
    evr_buf_c(&shown, evr_str_ends(evr_str_c(folder->path), "/") ? "" : "/");
    evr_buf_str(&shown, entry->name);
    im->path = evr_buf_view(&shown);
    evr_status status = shown.failed ? evr_fail_nomem(err) : EVR_OK;
    if (status == EVR_OK && !entry->regular) {
        im->made.foreign++;
        tell(im, 0, "it is a link or no file, and was left alone");
    } else if (status == EVR_OK) {
        status = import_file(im, folder->fd, entry->name.data, evr_str_sub(entry->name, 0, entry->name.len - 4), &unusable, err);
    }
    if (status == EVR_OK && unusable)
        tell(im, 0, unusable);
    evr_buf_free(&shown);
    return status;
}

static evr_status import_folder(importing *im, const char *path, evr_error **err)
{
    evr_folder folder;
    evr_folder_entry *entries = NULL;
    size_t count = 0;
    evr_status status = evr_folder_open(im->ctx, path, &folder, err);
    if (status == EVR_OK)
        status = evr_folder_list(&folder, &entries, &count, err);
    for (size_t i = 0; status == EVR_OK && i < count; i++)
        status = import_entry(im, &folder, &entries[i], err);
    evr_folder_close(&folder);
    if (status == EVR_OK && !im->made.files)
        status = evr_fail(im->ctx, err, EVR_E_FORMAT, "%s has no CSV file of an operator", path);
    return status;
}

evr_status evr_store_import_csv(evr_store *store, const char *path, const evr_store_csv_options *options, evr_store_csv_changes *changes, evr_error **err)
{
    importing im;
    struct stat st;
    const evr_store_csv_changes none = {0};
    if (err)
        *err = NULL;
    evr_csv_tell(changes, &none, EVR_OK);
    if (!store || !path)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_import_csv: a store and a path are needed");
    evr_status status = begin(&im, store, options, err);
    if (status == EVR_OK && stat(path, &st) != 0)
        status = evr_fail(store->ctx, err, errno == ENOENT ? EVR_E_NOT_FOUND : EVR_E_IO, "cannot read %s: %s", path, strerror(errno));
    if (status == EVR_OK)
        status = evr_store_begin(store, true, err);
    if (status == EVR_OK) {
        status = set_stack(&im, err);
        if (status == EVR_OK)
            status = S_ISDIR(st.st_mode) ? import_folder(&im, path, err) : import_one(&im, path, err);
        status = evr_store_done(store, status, err);
    }
    evr_csv_tell(changes, &im.made, status);
    end(&im);
    return status;
}

/* A sheet of another store as the file it was; then it is taken in like any. */
static evr_status merge_sheet(importing *im, evr_store *from, sqlite3_stmt *sheet, evr_buf *text, evr_error **err)
{
    sqlite3_stmt *lines = NULL;
    const char *unusable = NULL;
    int rc = SQLITE_OK;
    evr_str op = evr_store_column(sheet, 1);
    im->taken_s = sqlite3_column_int64(sheet, 2);
    text->len = 0;
    evr_buf_str(text, evr_csv_blob(sheet, 3));
    evr_buf_c(text, "\r\n");
    im->o.device_name = evr_store_column(sheet, 4);
    im->o.runtime = evr_store_column(sheet, 5);
    im->o.driver = evr_store_column(sheet, 6);
    EVR_TRY(set_stack(im, err));
    EVR_TRY(evr_store_prepare(from, EVR_SQL_LINES, &lines, err));
    rc = sqlite3_bind_int64(lines, 1, sqlite3_column_int64(sheet, 0));
    while (rc == SQLITE_OK && (rc = sqlite3_step(lines)) == SQLITE_ROW) {
        evr_buf_str(text, evr_csv_blob(lines, 0));
        evr_buf_c(text, "\r\n");
        rc = SQLITE_OK;
    }
    evr_status status = rc == SQLITE_DONE ? EVR_OK : evr_store_fail(from, rc, "cannot read", err);
    sqlite3_reset(lines);
    if (status == EVR_OK && (text->failed || !op.data || !im->o.device_name.data || !im->o.runtime.data || !im->o.driver.data))
        status = evr_fail_nomem(err);
    if (status == EVR_OK)
        status = evr_csv_name_is_plain(op) ? import_text(im, op, evr_buf_view(text), &unusable, err)
                                           : evr_fail(im->ctx, err, EVR_E_FORMAT, "%s is damaged: a file's name is none of an operator", from->path);
    return status;
}

evr_status evr_store_merge_sheets(evr_store *to, evr_store *from, evr_store_changes *changes, evr_error **err)
{
    importing im;
    sqlite3_stmt *sheets = NULL;
    evr_buf text;
    int rc = SQLITE_OK;
    EVR_TRY(begin(&im, to, NULL, err));
    evr_buf_init(&text, to->ctx);
    evr_status status = evr_store_prepare(from, EVR_SQL_ALL_SHEETS, &sheets, err);
    while (status == EVR_OK && (rc = sqlite3_step(sheets)) == SQLITE_ROW)
        status = merge_sheet(&im, from, sheets, &text, err);
    if (status == EVR_OK && rc != SQLITE_DONE)
        status = evr_store_fail(from, rc, "cannot read", err);
    if (sheets)
        sqlite3_reset(sheets);
    changes->added += im.made.added; /* those of the sheets' rows came before, with all others: mostly none */
    evr_buf_free(&text);
    end(&im);
    return status;
}
