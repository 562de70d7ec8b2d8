/* Folders and files for the tests of the database. */
#ifndef EVR_TESTS_PERFDB_FOLDERS_H
#define EVR_TESTS_PERFDB_FOLDERS_H

#include "support/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void join_path(char *to, size_t cap, const char *folder, const char *name)
{
    int n = snprintf(to, cap, "%s/%s", folder, name);
    assert_true(n > 0 && (size_t)n < cap);
}

/* "FOLDER/NAME" in one of a few static buffers. */
static inline const char *in_folder(const char *folder, const char *name)
{
    static char paths[8][4096];
    static int next;
    char *path = paths[next++ % 8];
    join_path(path, sizeof paths[0], folder, name);
    return path;
}

static inline void put_file(const char *path, const char *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static inline void put_text(const char *path, const char *text) { put_file(path, text, strlen(text)); }

/* A new, empty folder; static buffer. */
static inline const char *new_folder(void)
{
    static char paths[16][64];
    static int next;
    char *path = paths[next++ % 16];
    const char *base = getenv("TMPDIR");
    snprintf(path, sizeof paths[0], "%s/evreplay-perfdb-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

/* Calls `visit` with the name of each entry, "." and ".." left out. */
static inline size_t each_entry(const char *folder, void (*visit)(const char *folder, const char *name, void *user), void *user)
{
    DIR *dir = opendir(folder);
    size_t n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n++;
        if (visit)
            visit(folder, e->d_name, user);
    }
    closedir(dir);
    return n;
}

static inline void remove_entry(const char *folder, const char *name, void *user)
{
    char path[4096];
    join_path(path, sizeof path, folder, name);
    struct stat st;
    (void)user;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        each_entry(path, remove_entry, NULL);
        rmdir(path);
    } else {
        unlink(path);
    }
}

static inline void remove_folder(const char *folder)
{
    each_entry(folder, remove_entry, NULL);
    rmdir(folder);
}

static inline void copy_entry(const char *folder, const char *name, void *to)
{
    size_t size;
    char *data = test_read_file(in_folder(folder, name), &size);
    assert_non_null(data);
    put_file(in_folder(to, name), data, size);
    free(data);
}

/* Copies the files of one folder into another. */
static inline void copy_folder(const char *from, const char *to) { each_entry(from, copy_entry, (void *)to); }

static inline void assert_file(const char *path, const char *expected)
{
    size_t size;
    char *data = test_read_file(path, &size);
    if (!data)
        fail_msg("%s cannot be read", path);
    if (size != strlen(expected) || memcmp(data, expected, size) != 0)
        fail_msg("%s is\n%s\nnot\n%s", path, data, expected);
    free(data);
}

#endif
