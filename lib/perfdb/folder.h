/* The files of a database folder, written so that each is whole at every moment: new contents are staged beside the old, brought to the disk,
 * and put in place one after the other when all are complete. */
#ifndef EVR_PERFDB_FOLDER_H
#define EVR_PERFDB_FOLDER_H

#include "base/arena.h"
#include "base/buf.h"

#include <sys/stat.h>

/* A new file. */
typedef struct evr_staged {
    const char *name; /* NUL-terminated, borrowed until all are in place; NULL = there is none of this number */
    int fd;           /* while it is written, else -1 */
    int error;        /* errno of bringing it to the disk and to its place */
    bool in_place;
} evr_staged;

typedef struct evr_folder {
    evr_context *ctx;
    const char *path; /* borrowed */
    int fd;           /* of the folder */
    int lock;         /* -1 = not locked */
    evr_arena arena;
    evr_staged *staged;
    size_t staged_count, staged_cap;
    uint32_t threads; /* 1: only the caller's brings files to the disk; 0 = as many as help */
} evr_folder;

typedef struct evr_folder_entry {
    evr_str name; /* with ".csv" */
    bool regular; /* else a link or something stranger, which is left alone */
} evr_folder_entry;

evr_status evr_folder_open(evr_context *ctx, const char *path, evr_folder *folder, evr_error **err);

/* Removes what was staged and not put in place, and lets go of the lock. Takes a folder whose opening failed. */
void evr_folder_close(evr_folder *folder);

/* Waits for other writers, and clears away what one that died has left. */
evr_status evr_folder_lock(evr_folder *folder, uint32_t timeout_ms, evr_error **err);

/* The CSV files, by name without ".csv". The array is in the folder's arena. */
evr_status evr_folder_list(evr_folder *folder, evr_folder_entry **entries, size_t *count, evr_error **err);

/* Everything of a file; yours to release with *size + 1 bytes. A NUL stands behind the last byte. `at` is the folder's file descriptor, or
 * AT_FDCWD for a path of its own; `shown` is what errors call the file. */
evr_status evr_file_read(evr_context *ctx, int at, const char *name, const char *shown, uint64_t most, char **data, size_t *size, evr_error **err);

/* The same into memory that is there already, and grows: `data` and `cap`, NULL and 0 at first, yours to release at last. */
evr_status evr_file_read_into(evr_context *ctx, int at, const char *name, const char *shown, uint64_t most, char **data, size_t *cap, size_t *size, evr_error **err);

/* Makes room for new files with the numbers below `count`. */
evr_status evr_folder_room(evr_folder *folder, size_t count, evr_error **err);

/* A new file: evr_folder_stage() makes it, with the mode of the file whose place it takes; evr_folder_write() any number of times; evr_folder_finish() ends it. Several threads may each be at a file with a
 * number of its own. The name must live until evr_folder_close(). */
evr_status evr_folder_stage(evr_folder *folder, size_t number, const char *name, evr_error **err);
evr_status evr_folder_write(evr_folder *folder, size_t number, evr_str text, evr_error **err);
evr_status evr_folder_finish(evr_folder *folder, size_t number, evr_error **err);

/* What may be done beside bringing files to the disk. */
typedef void (*evr_meanwhile_fn)(void *user);

/* Puts all new files in their places. `meanwhile` is called once, on any thread, unless it is NULL; when there are no new files too. */
evr_status evr_folder_commit(evr_folder *folder, evr_meanwhile_fn meanwhile, void *user, evr_error **err);

/* For what works on new files: what they are called until they are in place, and what errors of the system become. */
enum { EVR_STAGE_NAME = 48 };
void evr_stage_name(char name[EVR_STAGE_NAME], size_t number);
evr_status evr_folder_error(const evr_folder *folder, const char *doing, const char *name, evr_error **err);

#endif
