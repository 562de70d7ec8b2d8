/* What the commands of `evreplay db` share that work on a store. */
#ifndef EVREPLAY_CLI_DB_H
#define EVREPLAY_CLI_DB_H

#include <evreplay/evreplay.h>

#include "options.h"

#include "base/str.h"

extern const command db_update, db_add, db_merge, db_import, db_export, db_history, db_nearest, db_check, db_missing, db_report, db_fill;

/* Of an option; empty when it was not given. */
static inline evr_str text_of(const char *text) { return evr_str_c(text ? text : ""); }

/* Measured where and how: of what a store holds, the part that counts. */
typedef struct place_options {
    const char *device_name, *runtime, *driver, *protocol;
} place_options;

#define PLACE_OPTIONS(base)                                                                                                          \
    {"device-name", 0, OPT_TEXT, "NAME", "only times of this device, such as \"NVIDIA H200\"", (base) + offsetof(place_options, device_name)},  \
    {"runtime", 0, OPT_TEXT, "TEXT", "only times of this tensor library, such as \"torch 2.13.0\"", (base) + offsetof(place_options, runtime)}, \
    {"driver", 0, OPT_TEXT, "TEXT", "only times of this driver, as `db history` shows it", (base) + offsetof(place_options, driver)}

evr_store_filter db_filter(const place_options *o);

/* Opens a store with EVR_STORE_... flags. Returns 0, or the exit code after an error has been told. */
int db_open(const command *self, evr_context *ctx, const char *path, uint32_t flags, evr_store **out);

/* At least `least` arguments, and no more than `most` (0 = any number); false after an error has been told. */
bool db_arguments(const command *self, const text_list *inputs, size_t least, size_t most);

/* "a.db: 3 results added, 1 known already, 2 left out: failed or not timed". */
void db_tell_changes(const char *path, const evr_store_changes *changes);

/* What the commands that ask a store take: each has some of these. */
typedef struct store_options {
    place_options place;
    const char *op, *out, *protocol, *shapes, *arguments, *log;
    uint64_t limit;
    bool history, newest, json, force;
} store_options;

#define WHICH                                                                                                                                    \
    {"op", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", offsetof(store_options, op)}, PLACE_OPTIONS(offsetof(store_options, place)), \
    {"protocol", 0, OPT_TEXT, "LINE", "only times taken so: the whole line", offsetof(store_options, protocol)},                                  \
    {"limit", 0, OPT_NUMBER, "N", "only the first N", offsetof(store_options, limit)}

/* A command on one store: what its body gets. */
typedef struct db_session {
    const command *self;
    const store_options *o;
    evr_context *ctx;
    evr_store *store;
    const text_list *inputs; /* the store's is the first */
} db_session;

/* Parses, opens the store with EVR_STORE_... flags and runs the body, which returns the exit code. */
int db_on_store(const command *self, int argc, char **argv, uint32_t flags, size_t least, size_t most, int (*body)(const db_session *s));

/* The rows that the options ask for. */
evr_store_filter db_session_filter(const db_session *s);

/* Which devices and stacks a store has, as options, on stderr. */
void db_list_stacks(const db_session *s);

/* db_store.c: adds one document of results. Returns the exit code. */
int db_add_document(const db_session *s, const char *path, evr_store_changes *sum);

/* db_csv.c: takes a folder of CSV files or one of them in, and gives them back. */
int db_import_csv(const db_session *s, const char *path);
int db_export_csv(const db_session *s, const char *folder);

/* db_log.c: takes the times of an operator-input log in; writes the records of an input as such a log, with the times that the store has. */
int db_import_log(const db_session *s, const char *path, evr_store_changes *sum);
int db_export_log(const db_session *s, const char *input);

/* Seconds since 1970 as "2026-11-21 09:01:38", UTC; "-" when not known. */
const char *db_time(int64_t seconds, char text[32]);

#endif
