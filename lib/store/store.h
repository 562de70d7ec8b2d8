/* A store inside: one connection, its statements, and how what SQLite says becomes an error of ours. */
#ifndef EVR_STORE_STORE_H
#define EVR_STORE_STORE_H

#include <evreplay/store.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <sqlite3.h>

/* Every statement there is: statements.c has their texts. */
typedef enum evr_store_statement {
    EVR_SQL_BEGIN_WRITE,
    EVR_SQL_BEGIN_READ,
    EVR_SQL_COMMIT,
    EVR_SQL_ROLLBACK,
    EVR_SQL_PUT_RECORD,
    EVR_SQL_PUT_STACK,
    EVR_SQL_PUT_PROTOCOL,
    EVR_SQL_PUT_ENTRY,
    EVR_SQL_PUT_SAMPLE,
    EVR_SQL_HAS_SAMPLE,
    EVR_SQL_PUT_FORM,
    EVR_SQL_GET_FORM,
    EVR_SQL_PUT_WORD,
    EVR_SQL_GET_WORD,
    EVR_SQL_GET_RECORD,
    EVR_SQL_GET_STACK,
    EVR_SQL_GET_PROTOCOL,
    EVR_SQL_GET_ENTRY,
    EVR_SQL_CURRENT_BY_KEY,
    EVR_SQL_CURRENT_BY_OP,
    EVR_SQL_CURRENT_OF_OP,
    EVR_SQL_HISTORY_BY_KEY,
    EVR_SQL_HISTORY_BY_OP,
    EVR_SQL_HAS_KEY,
    EVR_SQL_STACKS,
    EVR_SQL_CHECK,
    EVR_SQL_PUT_SHEET,
    EVR_SQL_PUT_ROW,
    EVR_SQL_GET_ROW,
    EVR_SQL_PUT_LINE,
    EVR_SQL_SAME_SHEET,
    EVR_SQL_ALL_SHEETS,
    EVR_SQL_NEWEST_SHEETS,
    EVR_SQL_LINES,
    EVR_SQL_COUNT,
} evr_store_statement;

extern const char *const evr_store_sql[EVR_SQL_COUNT];

struct evr_store {
    evr_context *ctx;
    char *path; /* NUL-terminated copy */
    uint32_t flags;
    sqlite3 *db;
    sqlite3_stmt *statements[EVR_SQL_COUNT]; /* prepared on first use */
    struct evr_store_packing *packing;       /* samples.c: of the transaction */
};

/* Says what the connection's last call failed with. `what` goes in front: "cannot add to". */
evr_status evr_store_fail(evr_store *store, int rc, const char *what, evr_error **err);

/* A statement, reset and without bindings. */
evr_status evr_store_prepare(evr_store *store, evr_store_statement which, sqlite3_stmt **out, evr_error **err);

/* Runs a statement that gives no rows. */
evr_status evr_store_run(evr_store *store, evr_store_statement which, evr_error **err);

/* One transaction; evr_store_done() commits when `status` is EVR_OK, else takes everything back and returns `status` with its error. */
evr_status evr_store_begin(evr_store *store, bool writes, evr_error **err);
evr_status evr_store_done(evr_store *store, evr_status status, evr_error **err);

/* For binding: NUL bytes are kept, the text must live until the statement is reset. */
int evr_store_bind(sqlite3_stmt *statement, int place, evr_str text);

/* Text of a column, borrowed until the next step; .data is NULL when memory is out. */
evr_str evr_store_column(sqlite3_stmt *statement, int column);

/* tables.c: makes or brings forward the tables of a connection, or says that the file is none of ours. */
evr_status evr_store_tables(evr_store *store, evr_error **err);
/* Only up to a version: for tests of files that earlier versions wrote. */
evr_status evr_store_migrate(evr_store *store, int32_t version, evr_error **err);

/* add.c: one result, inside a transaction. */
evr_status evr_store_put(evr_store *store, const evr_results_info *info, const evr_result *result, evr_store_changes *changes, evr_error **err);

/* Finds a row of few texts, or makes it: ids stay what they are. A record is told by the first text, its key, alone. */
evr_status evr_store_id(evr_store *store, evr_store_statement get, evr_store_statement put, const evr_str *texts, int count, int64_t *id, evr_error **err);

/* Half a SHA-256 over texts, each behind its length; as 32 digits and a NUL. */
enum { EVR_STORE_DIGEST = 16 };
void evr_store_digest_bytes(const evr_str *texts, size_t count, unsigned char out[EVR_STORE_DIGEST]);
void evr_store_digest(const evr_str *texts, size_t count, char out[33]);

/* csv_import.c: the sheets of another store, every version of them. */
evr_status evr_store_merge_sheets(evr_store *to, evr_store *from, evr_store_changes *changes, evr_error **err);

/* Each row that a filter lets through, in order. What `visit` returns but EVR_OK ends it. find.c */
typedef struct evr_store_found {
    evr_store_row row; /* texts borrowed from the statement */
    evr_str device;    /* "cuda:0" */
    evr_str form;      /* of the result as JSON; empty = all of it is in `rest` */
    evr_str rest;
    uint64_t seed;
} evr_store_found;
typedef evr_status (*evr_store_visit)(void *user, const evr_store_found *found, evr_error **err);
evr_status evr_store_each(evr_store *store, const evr_store_filter *filter, evr_store_visit visit, void *user, evr_error **err);
/* Each current row of exactly this operator; of the filter only device, stack and protocol count. */
evr_status evr_store_each_of_op(evr_store *store, evr_str op, const evr_store_filter *filter, evr_store_visit visit, void *user, evr_error **err);

/* samples.c: one sample, inside a transaction. */
typedef struct evr_store_sample {
    int64_t id; /* 0 = the next */
    int64_t entry, taken_s, seed;
    unsigned char digest[EVR_STORE_DIGEST];
    evr_str key, op, arguments, protocol, device, input;
    double times[3]; /* median, low, high */
    evr_str body;    /* the result as JSON */
} evr_store_sample;
/* *added: it was not there yet. */
evr_status evr_store_put_sample(evr_store *store, const evr_store_sample *sample, bool *added, evr_error **err);
/* At the end of a transaction: what was made in it may be taken back. */
void evr_store_put_ends(evr_store *store);
/* The result as JSON, in `body`. */
evr_status evr_store_body(evr_store *store, const evr_store_found *found, evr_buf *body, evr_error **err);

/* A caller's filter, older or newer, with every text set. */
evr_status evr_store_filter_of(evr_store *store, const evr_store_filter *given, evr_store_filter *out, evr_error **err);

/* A list of rows under construction: rows are copied with their texts. */
struct evr_store_rows {
    evr_context *ctx;
    evr_arena arena;
    evr_store_row *items;
    size_t count, cap;
};
evr_store_rows *evr_store_rows_new(evr_context *ctx);
evr_status evr_store_rows_add(evr_store_rows *rows, const evr_store_row *row, evr_error **err);

/* distance.c: between two calls in words; negative when they do not compare. */
double evr_store_distance(evr_str a, evr_str b, bool same_overload);

#endif
