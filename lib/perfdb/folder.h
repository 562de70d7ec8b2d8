/* The files of a database folder, written so that each is whole at every moment: new contents are staged beside the old, brought to the disk,
 * and put in place one after the other when all are complete. */
#ifndef EVR_PERFDB_FOLDER_H
#define EVR_PERFDB_FOLDER_H

#include "base/arena.h"
#include "base/buf.h"
#include "perfdb/writer.h"

#include <sys/stat.h>

typedef struct evr_staged {
    char *name; /* NUL-terminated, in the arena */
    size_t number;
} evr_staged;

typedef struct evr_folder {
    evr_context *ctx;
    const char *path; /* borrowed */
    int fd;           /* of the folder */
    int lock;         /* -1 = not locked */
    evr_arena arena;
    evr_staged *staged;
    size_t staged_count, staged_cap;
    evr_writer writer; /* of the staged files, once there is one */
    bool writes;       /* it has been started */
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

/* A new file: evr_folder_write() at least once, which empties `buf` and may give it other memory, then evr_folder_finish(). Files are written while the next is put together, so what
 * goes wrong may be told later, at the latest by evr_folder_commit(). */
evr_status evr_folder_stage(evr_folder *folder, evr_str name, evr_error **err);
evr_status evr_folder_write(evr_folder *folder, evr_buf *buf, evr_error **err);
void evr_folder_finish(evr_folder *folder);

/* Puts all staged files in their places. */
evr_status evr_folder_commit(evr_folder *folder, evr_error **err);

#endif
