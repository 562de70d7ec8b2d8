/* Samples in the tables: a result goes in as its form and what it has beside it, and comes out as it was. */
#include "store/body.h"
#include "store/store.h"

static bool set_columns(evr_body_columns *c, evr_str key, evr_str op, evr_str arguments, evr_str protocol, evr_str device, const double times[3])
{
    const evr_str texts[] = {key, op, arguments, protocol, device};
    return evr_body_columns_set(c, texts, times);
}

/* A word with its number. */
typedef struct known_word {
    evr_buf text;
    int64_t id; /* 0 = none */
} known_word;

/* What packing results takes, and what the last one had: mostly the next has the same. */
typedef struct evr_store_packing {
    evr_body_columns columns;
    evr_buf form, shape, rest, again;
    int64_t id;  /* of `form`, 0 = none so far */
    bool packed; /* what is in `rest` is all there is beside the form */
    known_word device, input;
} packing;

enum { BUFFERS = 6 };

static void buffers_of(packing *p, evr_buf *out[BUFFERS])
{
    evr_buf *const all[BUFFERS] = {&p->form, &p->shape, &p->rest, &p->again, &p->device.text, &p->input.text};
    memcpy(out, all, sizeof all);
}

static evr_status packing_of(evr_store *store, packing **out, evr_error **err)
{
    evr_buf *buffers[BUFFERS];
    *out = store->packing;
    if (*out)
        return EVR_OK;
    *out = store->packing = evr_alloc_zeroed(store->ctx, sizeof **out);
    if (!*out)
        return evr_fail_nomem(err);
    evr_body_columns_init(&store->packing->columns, store->ctx);
    buffers_of(store->packing, buffers);
    for (int i = 0; i < BUFFERS; i++)
        evr_buf_init(buffers[i], store->ctx);
    return EVR_OK;
}

void evr_store_put_ends(evr_store *store)
{
    evr_buf *buffers[BUFFERS];
    if (!store->packing)
        return;
    evr_body_columns_free(&store->packing->columns);
    buffers_of(store->packing, buffers);
    for (int i = 0; i < BUFFERS; i++)
        evr_buf_free(buffers[i]);
    evr_release(store->ctx, store->packing, sizeof *store->packing);
    store->packing = NULL;
}

static bool no_memory(packing *p)
{
    evr_buf *buffers[BUFFERS];
    bool failed = p->columns.text.failed;
    buffers_of(p, buffers);
    for (int i = 0; i < BUFFERS; i++)
        failed |= buffers[i]->failed;
    return failed;
}

static void set_text(evr_buf *to, evr_str text)
{
    to->len = 0;
    evr_buf_str(to, text);
}

static int bind_digest(sqlite3_stmt *statement, int place, const unsigned char digest[EVR_STORE_DIGEST])
{
    return sqlite3_bind_blob(statement, place, digest, EVR_STORE_DIGEST, SQLITE_STATIC);
}

/* The form of a shape: the first that came with it is everyone's. */
static evr_status get_form(evr_store *store, const unsigned char digest[EVR_STORE_DIGEST], packing *p, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(store, EVR_SQL_GET_FORM, &statement, err));
    int rc = bind_digest(statement, 1, digest);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    evr_status status = rc == SQLITE_ROW || rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot add to", err);
    p->id = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    evr_str text = rc == SQLITE_ROW ? evr_store_column(statement, 1) : (evr_str){"", 0};
    if (text.len)
        set_text(&p->form, text);
    sqlite3_reset(statement);
    return status == EVR_OK && (!text.data || p->form.failed) ? evr_fail_nomem(err) : status;
}

static evr_status put_form(evr_store *store, const unsigned char digest[EVR_STORE_DIGEST], packing *p, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(store, EVR_SQL_PUT_FORM, &statement, err));
    int rc = bind_digest(statement, 1, digest);
    rc = rc == SQLITE_OK ? evr_store_bind(statement, 2, evr_buf_view(&p->form)) : rc;
    rc = rc == SQLITE_OK ? sqlite3_step(statement) : rc;
    evr_status status = rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot add to", err);
    p->id = sqlite3_last_insert_rowid(store->db);
    sqlite3_reset(statement);
    return status;
}

static evr_status find_form(evr_store *store, packing *p, evr_error **err)
{
    unsigned char digest[EVR_STORE_DIGEST];
    const evr_str shape = evr_buf_view(&p->shape);
    evr_store_digest_bytes(&shape, 1, digest);
    EVR_TRY(get_form(store, digest, p, err));
    return p->id ? EVR_OK : put_form(store, digest, p, err);
}

/* Whether a result is `form` with what is put into `rest`. */
static bool fits(packing *p, evr_str body)
{
    const evr_str form = evr_buf_view(&p->form);
    if (!evr_body_pack(body, form, &p->columns, &p->rest))
        return false;
    const evr_str rest = evr_buf_view(&p->rest);
    return !rest.len || (evr_body_unpack(form, rest, &p->columns, &p->again) && evr_str_eq(evr_buf_view(&p->again), body));
}

/* The form of a result, and what it has beside it. Most have that of the one before. */
static evr_status pack(evr_store *store, const evr_store_sample *s, packing *p, evr_error **err)
{
    if (!set_columns(&p->columns, s->key, s->op, s->arguments, s->protocol, s->device, s->times))
        return evr_fail_nomem(err);
    p->packed = p->id && fits(p, s->body);
    if (!p->packed)
        p->id = 0;
    if (!p->packed && evr_body_form(s->body, &p->columns, &p->form, &p->shape)) {
        EVR_TRY(find_form(store, p, err));
        p->packed = fits(p, s->body);
    }
    return no_memory(p) ? evr_fail_nomem(err) : EVR_OK;
}

static evr_status word(evr_store *store, evr_str text, known_word *known, evr_error **err)
{
    if (known->id && evr_str_eq(text, evr_buf_view(&known->text)))
        return EVR_OK;
    known->id = 0;
    set_text(&known->text, text);
    return evr_store_id(store, EVR_SQL_GET_WORD, EVR_SQL_PUT_WORD, &text, 1, &known->id, err);
}

static int bind_sample(sqlite3_stmt *statement, const evr_store_sample *s, const packing *p)
{
    const evr_str rest = p->packed ? evr_buf_view(&p->rest) : s->body;
    int rc[] = {
        s->id ? sqlite3_bind_int64(statement, 1, s->id) : SQLITE_OK,
        sqlite3_bind_int64(statement, 2, s->entry),
        bind_digest(statement, 3, s->digest),
        sqlite3_bind_int64(statement, 4, s->taken_s),
        sqlite3_bind_int64(statement, 5, p->device.id),
        sqlite3_bind_int64(statement, 6, p->input.id),
        sqlite3_bind_int64(statement, 7, s->seed),
        sqlite3_bind_double(statement, 8, s->times[0]),
        s->times[1] == s->times[0] ? SQLITE_OK : sqlite3_bind_double(statement, 9, s->times[1]),
        s->times[2] == s->times[0] ? SQLITE_OK : sqlite3_bind_double(statement, 10, s->times[2]),
        p->packed ? sqlite3_bind_int64(statement, 11, p->id) : SQLITE_OK,
        rest.len ? sqlite3_bind_blob64(statement, 12, rest.data, rest.len, SQLITE_STATIC) : sqlite3_bind_zeroblob(statement, 12, 0),
    };
    for (size_t i = 0; i < sizeof rc / sizeof *rc; i++)
        if (rc[i] != SQLITE_OK)
            return rc[i];
    return SQLITE_OK;
}

static evr_status put(evr_store *store, const evr_store_sample *s, packing *p, bool *added, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(pack(store, s, p, err));
    EVR_TRY(word(store, s->device, &p->device, err));
    EVR_TRY(word(store, s->input, &p->input, err));
    if (no_memory(p))
        return evr_fail_nomem(err);
    EVR_TRY(evr_store_prepare(store, EVR_SQL_PUT_SAMPLE, &statement, err));
    int rc = bind_sample(statement, s, p);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    evr_status status = rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot add to", err);
    *added = status == EVR_OK && sqlite3_changes(store->db) > 0;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement); /* the texts end before the statement */
    return status;
}

static evr_status is_known(evr_store *store, const evr_store_sample *s, bool *known, evr_error **err)
{
    sqlite3_stmt *statement = NULL;
    EVR_TRY(evr_store_prepare(store, EVR_SQL_HAS_SAMPLE, &statement, err));
    int rc = bind_digest(statement, 1, s->digest);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *known = rc == SQLITE_ROW;
    evr_status status = rc == SQLITE_ROW || rc == SQLITE_DONE ? EVR_OK : evr_store_fail(store, rc, "cannot add to", err);
    sqlite3_reset(statement);
    return status;
}

evr_status evr_store_put_sample(evr_store *store, const evr_store_sample *s, bool *added, evr_error **err)
{
    packing *p = NULL;
    bool known = false;
    *added = false;
    EVR_TRY(is_known(store, s, &known, err));
    if (known)
        return EVR_OK;
    EVR_TRY(packing_of(store, &p, err));
    return put(store, s, p, added, err);
}

evr_status evr_store_body(evr_store *store, const evr_store_found *found, evr_buf *body, evr_error **err)
{
    const evr_store_row *r = &found->row;
    const double times[] = {r->median_ns, r->median_low_ns, r->median_high_ns};
    evr_body_columns c;
    body->len = 0;
    if (!found->form.len) {
        evr_buf_str(body, found->rest);
        return body->failed ? evr_fail_nomem(err) : EVR_OK;
    }
    evr_body_columns_init(&c, store->ctx);
    bool good = set_columns(&c, r->key, r->op, r->arguments, r->protocol, found->device, times) && evr_body_unpack(found->form, found->rest, &c, body);
    bool memory = !c.text.failed && !body->failed;
    evr_body_columns_free(&c);
    if (!memory)
        return evr_fail_nomem(err);
    return good ? EVR_OK : evr_fail(store->ctx, err, EVR_E_FORMAT, "%s is damaged: a result of %.*s does not fit its form", store->path, EVR_STR_ARG(r->op));
}
