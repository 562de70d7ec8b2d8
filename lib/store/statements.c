/* The text of every statement. None is ever put together from input: what a caller gives is bound. */
#include "store/store.h"

/* What a row of an answer has; find.c reads it by place. */
#define COLUMNS                                                                                                                   \
    "SELECT r.key, r.op, r.overload, r.arguments, s.device_name, s.runtime, s.driver, p.line, "                           \
    "(SELECT w.text FROM word AS w WHERE w.id = m.input), (SELECT w.text FROM word AS w WHERE w.id = m.device), m.taken_s, "      \
    "(SELECT count(*) FROM sample AS n WHERE n.entry = e.id), m.median_ns, coalesce(m.low_ns, m.median_ns), "                     \
    "coalesce(m.high_ns, m.median_ns), m.seed, (SELECT f.text FROM form AS f WHERE f.id = m.form), m.rest "

#define TABLES(samples)                                                                                                           \
    "FROM record AS r JOIN entry AS e ON e.record = r.id JOIN stack AS s ON s.id = e.stack JOIN protocol AS p ON p.id = e.protocol " \
    "JOIN " samples " AS m ON m.entry = e.id "

/* Empty texts let everything through. ?1 is the key or the operator. */
#define PLACE "AND (?2 = '' OR s.device_name = ?2) AND (?3 = '' OR s.runtime = ?3) AND (?4 = '' OR s.driver = ?4) AND (?5 = '' OR p.line = ?5) "

#define ORDER "ORDER BY r.op, r.key, s.device_name, s.runtime, s.driver, p.line, m.taken_s DESC, m.id DESC"

/* What is asked of a sheet; sheets.c reads it by place. */
#define SHEET "c.id, c.name, c.taken_s, c.header, s.device_name, s.runtime, s.driver "

const char *const evr_store_sql[EVR_SQL_COUNT] = {
    [EVR_SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [EVR_SQL_BEGIN_READ] = "BEGIN",
    [EVR_SQL_COMMIT] = "COMMIT",
    [EVR_SQL_ROLLBACK] = "ROLLBACK",

    [EVR_SQL_PUT_RECORD] = "INSERT INTO record (key, op, overload, arguments) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    [EVR_SQL_PUT_STACK] = "INSERT INTO stack (device_name, runtime, driver) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [EVR_SQL_PUT_PROTOCOL] = "INSERT INTO protocol (line) VALUES (?1) ON CONFLICT DO NOTHING",
    [EVR_SQL_PUT_ENTRY] = "INSERT INTO entry (record, stack, protocol) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [EVR_SQL_PUT_SAMPLE] = "INSERT INTO sample (id, entry, digest, taken_s, device, input, seed, median_ns, low_ns, high_ns, form, rest) "
                           "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
    [EVR_SQL_HAS_SAMPLE] = "SELECT 1 FROM sample WHERE digest = ?1",
    [EVR_SQL_PUT_FORM] = "INSERT INTO form (digest, text) VALUES (?1, ?2)",
    [EVR_SQL_GET_FORM] = "SELECT id, text FROM form WHERE digest = ?1",
    [EVR_SQL_PUT_WORD] = "INSERT INTO word (text) VALUES (?1) ON CONFLICT DO NOTHING",
    [EVR_SQL_GET_WORD] = "SELECT id FROM word WHERE text = ?1",

    [EVR_SQL_GET_RECORD] = "SELECT id FROM record WHERE key = ?1",
    [EVR_SQL_GET_STACK] = "SELECT id FROM stack WHERE device_name = ?1 AND runtime = ?2 AND driver = ?3",
    [EVR_SQL_GET_PROTOCOL] = "SELECT id FROM protocol WHERE line = ?1",
    [EVR_SQL_GET_ENTRY] = "SELECT id FROM entry WHERE record = ?1 AND stack = ?2 AND protocol = ?3",

    [EVR_SQL_CURRENT_BY_KEY] = COLUMNS TABLES("current") "WHERE r.key = ?1 " PLACE ORDER,
    [EVR_SQL_CURRENT_BY_OP] = COLUMNS TABLES("current") "WHERE r.op GLOB ?1 " PLACE ORDER,
    [EVR_SQL_CURRENT_OF_OP] = COLUMNS TABLES("current") "WHERE r.op = ?1 " PLACE ORDER,
    [EVR_SQL_HISTORY_BY_KEY] = COLUMNS TABLES("sample") "WHERE r.key = ?1 " PLACE ORDER,
    [EVR_SQL_HISTORY_BY_OP] = COLUMNS TABLES("sample") "WHERE r.op GLOB ?1 " PLACE ORDER,

    [EVR_SQL_HAS_KEY] = "SELECT EXISTS (SELECT 1 " TABLES("sample") "WHERE r.key = ?1 " PLACE ")",
    [EVR_SQL_STACKS] = "SELECT s.device_name, s.runtime, s.driver, count(DISTINCT e.id), max(m.taken_s) FROM stack AS s JOIN entry AS e ON e.stack = s.id "
                       "JOIN sample AS m ON m.entry = e.id GROUP BY s.id ORDER BY s.id",
    [EVR_SQL_PUT_SHEET] = "INSERT INTO csv_sheet (name, stack, taken_s, digest, header) VALUES (?1, ?2, ?3, ?4, ?5)",
    [EVR_SQL_PUT_ROW] = "INSERT INTO csv_row (digest, record, line) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [EVR_SQL_GET_ROW] = "SELECT id FROM csv_row WHERE digest = ?1",
    [EVR_SQL_PUT_LINE] = "INSERT INTO csv_line (sheet, place, row) VALUES (?1, ?2, ?3)",
    /* the same at the same time, or the newest */
    [EVR_SQL_SAME_SHEET] = "SELECT EXISTS (SELECT 1 FROM csv_sheet WHERE name = ?1 AND stack = ?2 AND taken_s = ?3 AND digest = ?4) OR ?4 IS"
                           " (SELECT digest FROM csv_sheet WHERE name = ?1 AND stack = ?2 ORDER BY taken_s DESC, id DESC LIMIT 1)",
    [EVR_SQL_ALL_SHEETS] = "SELECT " SHEET "FROM csv_sheet AS c JOIN stack AS s ON s.id = c.stack ORDER BY c.id",
    [EVR_SQL_NEWEST_SHEETS] = "SELECT " SHEET "FROM csv_sheet AS c JOIN stack AS s ON s.id = c.stack WHERE c.id = (SELECT n.id FROM csv_sheet AS n WHERE n.name = c.name"
                              " AND n.stack = c.stack ORDER BY n.taken_s DESC, n.id DESC LIMIT 1) AND (?1 = '' OR s.device_name = ?1) AND (?2 = '' OR s.runtime = ?2)"
                              " AND (?3 = '' OR s.driver = ?3) ORDER BY c.name, c.id",
    [EVR_SQL_LINES] = "SELECT r.line, r.record IS NULL FROM csv_line AS l JOIN csv_row AS r ON r.id = l.row WHERE l.sheet = ?1 ORDER BY l.place",
    [EVR_SQL_CHECK] = "PRAGMA integrity_check(1)",
};
