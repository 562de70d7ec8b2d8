/* Stores as earlier versions of the library left them. */
#ifndef EVR_TESTS_STORE_OLD_STORE_H
#define EVR_TESTS_STORE_OLD_STORE_H

#include "store/results.h"

#include "store/store.h"

static inline void open_old(evr_store *old, evr_context *ctx, const char *name, int32_t version)
{
    *old = (evr_store){.ctx = ctx, .path = (char *)(uintptr_t)in_folder(name), .flags = EVR_STORE_CREATE};
    assert_int_equal(sqlite3_open(old->path, &old->db), SQLITE_OK);
    assert_ok(evr_store_migrate(old, version, err));
}

static inline void close_old(evr_store *old)
{
    for (int i = 0; i < EVR_SQL_COUNT; i++)
        sqlite3_finalize(old->statements[i]);
    sqlite3_close(old->db);
}

/* What an earlier version of the tables kept of these results: rows, and each result as JSON. */
static inline void fill_old(evr_store *old, evr_context *ctx, const place *p, const timed *rows, size_t count)
{
    evr_results *results = results_of(ctx, p, rows, count);
    for (size_t i = 0; i < count; i++) {
        const evr_result *r = evr_results_at(results, i);
        evr_result kept = *r;
        char *body = NULL, digest[33];
        size_t size = 0;
        kept.index = 0;
        assert_ok(evr_result_write(ctx, &kept, &body, &size, err));
        const evr_results_info *info = evr_results_about(results);
        const evr_str of[] = {r->key, info->device_name, info->runtime, info->driver, r->protocol, {body, size}};
        evr_store_digest(of, COUNT(of), digest);
        char *sql = sqlite3_mprintf(
            "INSERT OR IGNORE INTO record (key, op, overload, arguments) VALUES (%Q, %Q, %Q, %Q);"
            "INSERT OR IGNORE INTO stack (device_name, runtime, driver) VALUES (%Q, %Q, %Q);"
            "INSERT OR IGNORE INTO protocol (line) VALUES ('%.*q');"
            "INSERT OR IGNORE INTO entry (record, stack, protocol) SELECT r.id, s.id, p.id FROM record AS r, stack AS s, protocol AS p WHERE r.key = %Q AND s.device_name = %Q"
            " AND s.runtime = %Q AND s.driver = %Q;"
            "INSERT INTO sample (entry, digest, taken_s, device, input, seed, median_ns, low_ns, high_ns, body) SELECT e.id, %Q, %lld, 'cuda:1', 'trace.json', -4, %!.17g, %!.17g, %!.17g, %Q"
            " FROM entry AS e JOIN record AS r ON r.id = e.record WHERE r.key = %Q ORDER BY e.id DESC LIMIT 1",
            rows[i].key, rows[i].op, rows[i].overload, rows[i].arguments, p->device_name, p->runtime, p->driver, (int)r->protocol.len, r->protocol.data, rows[i].key, p->device_name,
            p->runtime, p->driver, digest, (long long)p->started_s, r->statistics->median, r->statistics->median_low, r->statistics->median_high, body, rows[i].key);
        assert_int_equal(sqlite3_exec(old->db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_free(sql);
        evr_text_free(ctx, body);
    }
    evr_results_free(results);
}

#endif
