/* The tables, by version. A file is brought forward step by step in one transaction; a step that has been released is never changed. */
#include "store/store.h"

/* Marks a file as ours in its header: "EVRS". */
#define APPLICATION 0x45565253

/* Times are only ever added: the triggers hold every program to that. */
static const char first[] =
    "CREATE TABLE record (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, op TEXT NOT NULL, overload TEXT NOT NULL, arguments TEXT NOT NULL) STRICT;"
    "CREATE TABLE stack (id INTEGER PRIMARY KEY, device_name TEXT NOT NULL, runtime TEXT NOT NULL, driver TEXT NOT NULL,"
    " UNIQUE (device_name, runtime, driver)) STRICT;"
    "CREATE TABLE protocol (id INTEGER PRIMARY KEY, line TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, record INTEGER NOT NULL REFERENCES record (id), stack INTEGER NOT NULL REFERENCES stack (id),"
    " protocol INTEGER NOT NULL REFERENCES protocol (id), UNIQUE (record, stack, protocol)) STRICT;"
    "CREATE TABLE sample (id INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER NOT NULL REFERENCES entry (id), digest TEXT NOT NULL UNIQUE,"
    " taken_s INTEGER NOT NULL, device TEXT NOT NULL, input TEXT NOT NULL, seed INTEGER NOT NULL,"
    " median_ns REAL NOT NULL, low_ns REAL NOT NULL, high_ns REAL NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER sample_kept BEFORE DELETE ON sample BEGIN SELECT raise(ABORT, 'samples are kept'); END;"
    "CREATE TRIGGER sample_fixed BEFORE UPDATE ON sample BEGIN SELECT raise(ABORT, 'samples do not change'); END;"
    "PRAGMA application_id = 0x45565253;"
    "PRAGMA user_version = 1;";

/* The newest sample of each row, and ways to it and to all calls of an operator. */
static const char second[] =
    "CREATE INDEX sample_of_entry ON sample (entry, taken_s);"
    "CREATE INDEX record_of_op ON record (op);"
    "CREATE INDEX entry_of_stack ON entry (stack);"
    "CREATE VIEW current AS SELECT * FROM sample AS m WHERE m.id ="
    " (SELECT n.id FROM sample AS n WHERE n.entry = m.entry ORDER BY n.taken_s DESC, n.id DESC LIMIT 1);"
    "PRAGMA user_version = 2;";

/* Files of CSV folders. A sheet is one version of an operator's file: its lines in their order, which are rows that versions share. Bytes stay what they are; columns for which there is no
 * other place are in `other` as JSON too. */
static const char third[] =
    "CREATE TABLE csv_sheet (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, stack INTEGER NOT NULL REFERENCES stack (id), taken_s INTEGER NOT NULL,"
    " digest TEXT NOT NULL, header BLOB NOT NULL) STRICT;"
    "CREATE TABLE csv_row (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, record INTEGER REFERENCES record (id), other TEXT NOT NULL, line BLOB NOT NULL) STRICT;"
    "CREATE TABLE csv_line (sheet INTEGER NOT NULL REFERENCES csv_sheet (id), place INTEGER NOT NULL, row INTEGER NOT NULL REFERENCES csv_row (id),"
    " PRIMARY KEY (sheet, place)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX csv_sheet_of_name ON csv_sheet (name, stack, taken_s);"
    "CREATE TRIGGER csv_sheet_kept BEFORE DELETE ON csv_sheet BEGIN SELECT raise(ABORT, 'files are kept'); END;"
    "CREATE TRIGGER csv_sheet_fixed BEFORE UPDATE ON csv_sheet BEGIN SELECT raise(ABORT, 'files do not change'); END;"
    "CREATE TRIGGER csv_row_kept BEFORE DELETE ON csv_row BEGIN SELECT raise(ABORT, 'rows are kept'); END;"
    "CREATE TRIGGER csv_row_fixed BEFORE UPDATE ON csv_row BEGIN SELECT raise(ABORT, 'rows do not change'); END;"
    "CREATE TRIGGER csv_line_kept BEFORE DELETE ON csv_line BEGIN SELECT raise(ABORT, 'lines are kept'); END;"
    "CREATE TRIGGER csv_line_fixed BEFORE UPDATE ON csv_line BEGIN SELECT raise(ABORT, 'lines do not change'); END;"
    "PRAGMA user_version = 3;";

/* What many samples have in common is there once: forms of results, and words. Digests are bytes. Cells of CSV rows are in their lines alone. The first part makes room, samples are moved by
 * move_samples(), the second part clears away. */
static const char fourth[] =
    "CREATE TABLE form (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, text TEXT NOT NULL) STRICT;"
    "CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"
    "DROP VIEW current;"
    "DROP TRIGGER sample_kept;"
    "DROP TRIGGER sample_fixed;"
    "DROP INDEX sample_of_entry;"
    "ALTER TABLE sample RENAME TO sample_3;"
    "CREATE TABLE sample (id INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER NOT NULL REFERENCES entry (id), digest BLOB NOT NULL UNIQUE,"
    " taken_s INTEGER NOT NULL, device INTEGER NOT NULL REFERENCES word (id), input INTEGER NOT NULL REFERENCES word (id), seed INTEGER NOT NULL,"
    " median_ns REAL NOT NULL, low_ns REAL, high_ns REAL, form INTEGER REFERENCES form (id), rest BLOB NOT NULL) STRICT;"
    "CREATE TABLE csv_row_4 (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, record INTEGER REFERENCES record (id), line BLOB NOT NULL) STRICT;"
    "INSERT INTO csv_row_4 SELECT id, bytes_of(digest), record, line FROM csv_row ORDER BY id;";

static const char fourth_end[] =
    "DROP TABLE sample_3;"
    "DROP TABLE csv_row;"
    "ALTER TABLE csv_row_4 RENAME TO csv_row;"
    "CREATE INDEX sample_of_entry ON sample (entry, taken_s);"
    "CREATE VIEW current AS SELECT * FROM sample AS m WHERE m.id ="
    " (SELECT n.id FROM sample AS n WHERE n.entry = m.entry ORDER BY n.taken_s DESC, n.id DESC LIMIT 1);"
    "CREATE TRIGGER sample_kept BEFORE DELETE ON sample BEGIN SELECT raise(ABORT, 'samples are kept'); END;"
    "CREATE TRIGGER sample_fixed BEFORE UPDATE ON sample BEGIN SELECT raise(ABORT, 'samples do not change'); END;"
    "CREATE TRIGGER form_kept BEFORE DELETE ON form BEGIN SELECT raise(ABORT, 'forms are kept'); END;"
    "CREATE TRIGGER form_fixed BEFORE UPDATE ON form BEGIN SELECT raise(ABORT, 'forms do not change'); END;"
    "CREATE TRIGGER word_kept BEFORE DELETE ON word BEGIN SELECT raise(ABORT, 'words are kept'); END;"
    "CREATE TRIGGER word_fixed BEFORE UPDATE ON word BEGIN SELECT raise(ABORT, 'words do not change'); END;"
    "CREATE TRIGGER csv_row_kept BEFORE DELETE ON csv_row BEGIN SELECT raise(ABORT, 'rows are kept'); END;"
    "CREATE TRIGGER csv_row_fixed BEFORE UPDATE ON csv_row BEGIN SELECT raise(ABORT, 'rows do not change'); END;"
    "PRAGMA user_version = 4;";

static const char old_samples[] =
    "SELECT m.id, m.entry, m.taken_s, m.seed, bytes_of(m.digest), r.key, r.op, r.arguments, p.line, m.device, m.input, m.median_ns, m.low_ns, m.high_ns, m.body"
    " FROM sample_3 AS m LEFT JOIN entry AS e ON e.id = m.entry LEFT JOIN record AS r ON r.id = e.record LEFT JOIN protocol AS p ON p.id = e.protocol ORDER BY m.id";

static int run_script(sqlite3 *db, const char *script);

/* bytes_of('00ff') is x'00ff'; a digest that another program made of something else is one of its own. */
static void bytes_of(sqlite3_context *call, int count, sqlite3_value **values)
{
    unsigned char bytes[EVR_STORE_DIGEST];
    const char *text = (const char *)sqlite3_value_text(values[0]);
    size_t len = text ? (size_t)sqlite3_value_bytes(values[0]) : 0;
    bool good = len == 2 * sizeof bytes;
    (void)count;
    for (size_t i = 0; good && i < len; i++) {
        int digit = text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : text[i] >= 'a' && text[i] <= 'f' ? text[i] - 'a' + 10 : -1;
        good = digit >= 0;
        bytes[i / 2] = (unsigned char)(i & 1 ? bytes[i / 2] << 4 | (digit & 15) : digit & 15);
    }
    const evr_str other = {text ? text : "", len};
    if (!good)
        evr_store_digest_bytes(&other, 1, bytes);
    sqlite3_result_blob(call, bytes, sizeof bytes, SQLITE_TRANSIENT);
}

static evr_status move_sample(evr_store *store, sqlite3_stmt *old, evr_error **err)
{
    evr_store_sample s = {.id = sqlite3_column_int64(old, 0), .entry = sqlite3_column_int64(old, 1), .taken_s = sqlite3_column_int64(old, 2), .seed = sqlite3_column_int64(old, 3)};
    evr_str *const texts[] = {&s.key, &s.op, &s.arguments, &s.protocol, &s.device, &s.input};
    const void *digest = sqlite3_column_blob(old, 4);
    bool good = digest != NULL, added = false;
    if (digest)
        memcpy(s.digest, digest, sizeof s.digest);
    for (int i = 0; i < 6; i++)
        good &= (*texts[i] = evr_store_column(old, 5 + i)).data != NULL;
    for (int i = 0; i < 3; i++)
        s.times[i] = sqlite3_column_double(old, 11 + i);
    good &= (s.body = evr_store_column(old, 14)).data != NULL;
    return good ? evr_store_put_sample(store, &s, &added, err) : evr_fail_nomem(err);
}

static evr_status move_samples(evr_store *store, evr_error **err)
{
    sqlite3_stmt *old = NULL;
    evr_status status = EVR_OK;
    int rc = sqlite3_prepare_v2(store->db, old_samples, -1, &old, NULL);
    while (rc == SQLITE_OK && status == EVR_OK && (rc = sqlite3_step(old)) == SQLITE_ROW) {
        status = move_sample(store, old, err);
        rc = SQLITE_OK;
    }
    if (status == EVR_OK && rc != SQLITE_DONE)
        status = evr_store_fail(store, rc, "cannot bring forward", err);
    sqlite3_finalize(old);
    return status;
}

/* From 3 to 4. */
static evr_status share_forms(evr_store *store, evr_error **err)
{
    int rc = sqlite3_create_function_v2(store->db, "bytes_of", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, bytes_of, NULL, NULL, NULL);
    rc = rc == SQLITE_OK ? run_script(store->db, fourth) : rc;
    evr_status status = rc == SQLITE_OK ? move_samples(store, err) : evr_store_fail(store, rc, "cannot bring forward", err);
    if (status == EVR_OK && (rc = run_script(store->db, fourth_end)) != SQLITE_OK)
        status = evr_store_fail(store, rc, "cannot bring forward", err);
    sqlite3_create_function_v2(store->db, "bytes_of", 1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
    return status;
}

/* A step for each version. */
static const struct {
    const char *script;
    evr_status (*run)(evr_store *store, evr_error **err); /* where a script will not do */
} steps[] = {{first, NULL}, {second, NULL}, {third, NULL}, {NULL, share_forms}};

_Static_assert(sizeof steps / sizeof *steps == EVR_STORE_VERSION, "a step for each version");

static int run_script(sqlite3 *db, const char *script)
{
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && *script) {
        sqlite3_stmt *statement = NULL;
        rc = sqlite3_prepare_v2(db, script, -1, &statement, &script);
        while (rc == SQLITE_OK && statement && (rc = sqlite3_step(statement)) == SQLITE_ROW)
            rc = SQLITE_OK;
        int end = sqlite3_finalize(statement);
        rc = rc == SQLITE_DONE ? end : rc;
    }
    return rc;
}

static int one_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc;
}

typedef struct header {
    int64_t application, version, objects;
} header;

static evr_status read_header(evr_store *store, header *h, evr_error **err)
{
    int rc = one_number(store->db, "PRAGMA application_id", &h->application);
    if (rc == SQLITE_OK)
        rc = one_number(store->db, "PRAGMA user_version", &h->version);
    if (rc == SQLITE_OK)
        rc = one_number(store->db, "SELECT count(*) FROM sqlite_schema", &h->objects);
    return rc == SQLITE_OK ? EVR_OK : evr_store_fail(store, rc, "cannot open", err);
}

static evr_status judge(evr_store *store, const header *h, evr_error **err)
{
    bool blank = !h->application && !h->version && !h->objects;
    if (blank && store->flags & EVR_STORE_CREATE)
        return EVR_OK;
    if (blank || h->application != APPLICATION || h->version < 1) {
        evr_fail(store->ctx, err, EVR_E_FORMAT, blank ? "%s is empty" : "%s is a database of another program, not a store of measured times", store->path);
        evr_hint(err, "give the file of a store, or the name of a new one");
        return EVR_E_FORMAT;
    }
    if (h->version > EVR_STORE_VERSION) {
        evr_fail(store->ctx, err, EVR_E_UNSUPPORTED, "%s has version %lld of the tables; this library knows %d", store->path, (long long)h->version, EVR_STORE_VERSION);
        evr_hint(err, "use the libevreplay that wrote it, or a later one");
        return EVR_E_UNSUPPORTED;
    }
    if (h->version < EVR_STORE_VERSION && store->flags & EVR_STORE_READ_ONLY) {
        evr_fail(store->ctx, err, EVR_E_UNSUPPORTED, "%s has version %lld of the tables, and may not be brought forward to %d", store->path, (long long)h->version,
                 EVR_STORE_VERSION);
        evr_hint(err, "open it once to be written");
        return EVR_E_UNSUPPORTED;
    }
    return EVR_OK;
}

/* SQLite does not wait for others here by itself. */
static evr_status use_log(evr_store *store, evr_error **err)
{
    int rc = SQLITE_OK;
    for (int tries = 0; tries < 200; tries++) {
        rc = run_script(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        if ((rc & 0xff) != SQLITE_BUSY)
            break;
        sqlite3_sleep(10);
    }
    return rc == SQLITE_OK ? EVR_OK : evr_store_fail(store, rc, "cannot write to", err);
}

evr_status evr_store_migrate(evr_store *store, int32_t version, evr_error **err)
{
    header h = {0, 0, 0};
    EVR_TRY(evr_store_begin(store, true, err));
    evr_status status = read_header(store, &h, err); /* again: another one may have come first */
    if (status == EVR_OK)
        status = judge(store, &h, err);
    for (int64_t i = h.version; status == EVR_OK && i < version; i++) {
        int rc = steps[i].script ? run_script(store->db, steps[i].script) : SQLITE_OK;
        if (rc != SQLITE_OK)
            status = evr_store_fail(store, rc, "cannot bring forward", err);
        else if (steps[i].run)
            status = steps[i].run(store, err);
    }
    return evr_store_done(store, status, err);
}

evr_status evr_store_tables(evr_store *store, evr_error **err)
{
    header h = {0, 0, 0};
    EVR_TRY(evr_store_begin(store, false, err)); /* one moment for all that is read: another one may be making the tables */
    EVR_TRY(evr_store_done(store, read_header(store, &h, err), err));
    EVR_TRY(judge(store, &h, err));
    if (store->flags & EVR_STORE_READ_ONLY)
        return EVR_OK;
    EVR_TRY(use_log(store, err));
    if (h.version == EVR_STORE_VERSION)
        return EVR_OK;
    EVR_TRY(evr_store_migrate(store, EVR_STORE_VERSION, err));
    if (h.version) /* gives back what became free; where that cannot be done now, later samples use it */
        (void)run_script(store->db, "VACUUM");
    return EVR_OK;
}
