/* Adding: results of a run, a document, another store. What is there already is told by its digest. */
#include "store/store.h"

#include "base/sha256.h"
#include "base/sized.h"
#include "base/str.h"

/* What one sample is made of. */
typedef struct sample {
    const evr_results_info *info;
    const evr_result *result;
    evr_str device_name; /* of the device, or where nobody said, its kind */
    evr_str body;        /* the result as JSON */
} sample;

evr_status evr_store_id(evr_store *store, evr_store_statement get, evr_store_statement put, const evr_str *texts, int count, int64_t *id, evr_error **err)
{
    for (int tries = 0; tries < 2; tries++) {
        sqlite3_stmt *statement;
        int rc = SQLITE_OK;
        int used = get == EVR_SQL_GET_RECORD ? 1 : count; /* a record is told by its key alone */
        EVR_TRY(evr_store_prepare(store, get, &statement, err));
        for (int i = 0; i < used && rc == SQLITE_OK; i++)
            rc = evr_store_bind(statement, i + 1, texts[i]);
        if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
            *id = sqlite3_column_int64(statement, 0);
            sqlite3_reset(statement);
            return EVR_OK;
        }
        sqlite3_reset(statement);
        if (rc != SQLITE_DONE)
            return evr_store_fail(store, rc, "cannot add to", err);
        EVR_TRY(evr_store_prepare(store, put, &statement, err));
        rc = SQLITE_OK;
        for (int i = 0; i < count && rc == SQLITE_OK; i++)
            rc = evr_store_bind(statement, i + 1, texts[i]);
        if (rc == SQLITE_OK)
            rc = sqlite3_step(statement);
        evr_status status = rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot add to", err);
        sqlite3_reset(statement);
        EVR_TRY(status);
    }
    return evr_store_fail(store, SQLITE_CORRUPT, "cannot add to", err); /* neither found nor made */
}

static evr_status entry_of(evr_store *store, const int64_t of[3], int64_t *id, evr_error **err)
{
    static const evr_store_statement steps[] = {EVR_SQL_GET_ENTRY, EVR_SQL_PUT_ENTRY, EVR_SQL_GET_ENTRY};
    for (int k = 0; k < 3; k++) {
        sqlite3_stmt *statement;
        EVR_TRY(evr_store_prepare(store, steps[k], &statement, err));
        int rc = SQLITE_OK;
        for (int i = 0; i < 3 && rc == SQLITE_OK; i++)
            rc = sqlite3_bind_int64(statement, i + 1, of[i]);
        if (rc == SQLITE_OK)
            rc = sqlite3_step(statement);
        bool found = rc == SQLITE_ROW;
        if (found)
            *id = sqlite3_column_int64(statement, 0);
        evr_status status = found || rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot add to", err);
        sqlite3_reset(statement);
        if (found || status != EVR_OK)
            return status;
    }
    return evr_store_fail(store, SQLITE_CORRUPT, "cannot add to", err);
}

void evr_store_digest_bytes(const evr_str *texts, size_t count, unsigned char out[EVR_STORE_DIGEST])
{
    unsigned char digest[32];
    evr_sha256 h;
    evr_sha256_init(&h);
    for (size_t i = 0; i < count; i++) {
        unsigned char length[8];
        for (int k = 0; k < 8; k++)
            length[k] = (unsigned char)((uint64_t)texts[i].len >> (8 * k));
        evr_sha256_add(&h, length, sizeof length);
        evr_sha256_add(&h, texts[i].data, texts[i].len);
    }
    evr_sha256_end(&h, digest);
    memcpy(out, digest, EVR_STORE_DIGEST);
}

void evr_store_digest(const evr_str *texts, size_t count, char out[33])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVR_STORE_DIGEST];
    evr_store_digest_bytes(texts, count, digest);
    for (int i = 0; i < EVR_STORE_DIGEST; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[32] = 0;
}

/* When a run began, and from what input, are no part of it: an exported list says that of all its results together. */
static void digest_of(const sample *s, unsigned char out[EVR_STORE_DIGEST])
{
    const evr_str texts[] = {s->result->key, s->device_name, s->info->runtime, s->info->driver, s->result->protocol, s->body};
    evr_store_digest_bytes(texts, sizeof texts / sizeof *texts, out);
}

static evr_status put_sample(evr_store *store, const sample *s, int64_t entry, bool *added, evr_error **err)
{
    const evr_result *r = s->result;
    const evr_statistics *t = r->statistics;
    evr_store_sample put = {.entry = entry, .taken_s = s->info->started_s > 0 ? s->info->started_s : 0, .seed = (int64_t)s->info->seed, .key = r->key, .op = r->op,
                            .arguments = r->arguments, .protocol = r->protocol, .device = r->device.len ? r->device : s->info->device, .input = s->info->input,
                            .times = {t->median, t->median_low, t->median_high}, .body = s->body};
    digest_of(s, put.digest);
    return evr_store_put_sample(store, &put, added, err);
}

evr_status evr_store_put(evr_store *store, const evr_results_info *info, const evr_result *result, evr_store_changes *changes, evr_error **err)
{
    if (!result->key.len || result->status != EVR_STATUS_OK || !result->statistics || !result->statistics->count || !result->protocol.len) {
        changes->unusable++;
        return EVR_OK;
    }
    evr_result kept = *result;
    kept.index = 0; /* a place in its list, which says nothing of the call */
    char *body = NULL;
    size_t size = 0;
    EVR_TRY(evr_result_write(store->ctx, &kept, &body, &size, err));
    evr_str device = result->device.len ? result->device : info->device;
    sample s = {info, result, info->device_name.len ? info->device_name : evr_str_sub(device, 0, evr_str_find(device, ':', 0)), {body, size}};
    const evr_str record[] = {result->key, result->op, result->overload, result->arguments};
    const evr_str stack[] = {s.device_name, info->runtime, info->driver};
    int64_t of[3] = {0, 0, 0}, entry = 0;
    bool added = false;
    evr_status status = evr_store_id(store, EVR_SQL_GET_RECORD, EVR_SQL_PUT_RECORD, record, 4, &of[0], err);
    if (status == EVR_OK)
        status = evr_store_id(store, EVR_SQL_GET_STACK, EVR_SQL_PUT_STACK, stack, 3, &of[1], err);
    if (status == EVR_OK)
        status = evr_store_id(store, EVR_SQL_GET_PROTOCOL, EVR_SQL_PUT_PROTOCOL, &result->protocol, 1, &of[2], err);
    if (status == EVR_OK)
        status = entry_of(store, of, &entry, err);
    if (status == EVR_OK)
        status = put_sample(store, &s, entry, &added, err);
    if (status == EVR_OK)
        *(added ? &changes->added : &changes->known) += 1;
    evr_text_free(store->ctx, body);
    return status;
}

/* What is said of a failed call is nothing: it added nothing. */
static void tell(evr_store_changes *to, const evr_store_changes *from, evr_status status)
{
    const evr_store_changes none = {0};
    if (to)
        EVR_GIVE(to, status == EVR_OK ? from : &none);
}

evr_status evr_store_add(evr_store *store, const evr_results *results, evr_store_changes *changes, evr_error **err)
{
    evr_store_changes made = {0};
    if (err)
        *err = NULL;
    tell(changes, &made, EVR_OK);
    if (!store || !results)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_add: a store and results are needed");
    EVR_TRY(evr_store_begin(store, true, err));
    evr_status status = EVR_OK;
    for (size_t i = 0; status == EVR_OK && i < evr_results_count(results); i++)
        status = evr_store_put(store, evr_results_about(results), evr_results_at(results, i), &made, err);
    status = evr_store_done(store, status, err);
    tell(changes, &made, status);
    return status;
}

evr_status evr_store_import(evr_store *store, const void *text, size_t size, evr_store_changes *changes, evr_error **err)
{
    evr_results *results = NULL;
    if (err)
        *err = NULL;
    tell(changes, NULL, EVR_E_INVALID);
    if (!store || (!text && size))
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_import: a store and a text are needed");
    EVR_TRY(evr_results_read(store->ctx, text, size, &results, err));
    evr_status status = evr_store_add(store, results, changes, err);
    evr_results_free(results);
    return status;
}

typedef struct merging {
    evr_store *to, *other;
    const char *from;
    evr_buf body;
    evr_store_changes made;
} merging;

/* The same way in as for any result: another store's word is not taken for what its results say. */
static evr_status merge_one(void *user, const evr_store_found *found, evr_error **err)
{
    merging *m = user;
    const evr_store_row *r = &found->row;
    evr_results_info info = {.struct_size = sizeof info, .runtime = r->runtime, .device = found->device, .device_name = r->device_name, .driver = r->driver,
                             .input = r->input, .seed = found->seed, .started_s = r->taken_s};
    evr_results *one = NULL;
    EVR_TRY(evr_store_body(m->other, found, &m->body, err));
    EVR_TRY(evr_results_new(m->to->ctx, &info, &one, err));
    evr_status status = evr_results_add_text(one, evr_buf_view(&m->body).data, m->body.len, err);
    if (status != EVR_OK && status != EVR_E_NOMEM)
        status = evr_fail_because(m->to->ctx, err, EVR_E_FORMAT, "%s is damaged: a result of %.*s cannot be read", m->from, EVR_STR_ARG(r->op));
    if (status == EVR_OK)
        status = evr_store_put(m->to, evr_results_about(one), evr_results_at(one, 0), &m->made, err);
    evr_results_free(one);
    return status;
}

evr_status evr_store_merge(evr_store *store, const char *path, evr_store_changes *changes, evr_error **err)
{
    evr_store *other = NULL;
    const evr_store_options reading = {.struct_size = sizeof reading, .flags = EVR_STORE_READ_ONLY};
    const evr_store_filter all = {.struct_size = sizeof all, .flags = EVR_STORE_HISTORY};
    merging m = {.to = store, .from = path};
    if (err)
        *err = NULL;
    tell(changes, &m.made, EVR_OK);
    if (!store || !path)
        return evr_fail(store ? store->ctx : NULL, err, EVR_E_INVALID, "evr_store_merge: a store and a path are needed");
    EVR_TRY(evr_store_open(store->ctx, path, &reading, &other, err));
    m.other = other;
    evr_buf_init(&m.body, store->ctx);
    evr_status status = evr_store_begin(store, true, err);
    if (status == EVR_OK) {
        status = evr_store_each(other, &all, merge_one, &m, err);
        if (status == EVR_OK)
            status = evr_store_merge_sheets(store, other, &m.made, err);
        status = evr_store_done(store, status, err);
    }
    evr_buf_free(&m.body);
    evr_store_free(other);
    tell(changes, &m.made, status);
    return status;
}
