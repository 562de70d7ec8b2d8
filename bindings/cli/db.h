/* What the commands of `evreplay db` share that work on a store. */
#ifndef EVREPLAY_CLI_DB_H
#define EVREPLAY_CLI_DB_H

#include <evreplay/evreplay.h>

#include "options.h"

extern const command db_update, db_add, db_merge, db_import, db_export, db_history, db_check, db_missing, db_report, db_fill;

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

/* Seconds since 1970 as "2026-11-21 09:01:38", UTC; "-" when not known. */
const char *db_time(int64_t seconds, char text[32]);

#endif
