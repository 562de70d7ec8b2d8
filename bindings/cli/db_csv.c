/* CSV folders into a store and out of it: the parts of evreplay db import and export. */
#include "db.h"
#include "input.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void tell_problem(void *user, evr_str path, uint64_t line, evr_str message)
{
    (void)user;
    if (line)
        fprintf(stderr, "%.*s:%llu: %.*s; kept as it is\n", (int)path.len, path.data, (unsigned long long)line, (int)message.len, message.data);
    else
        fprintf(stderr, "%.*s: %.*s\n", (int)path.len, path.data, (int)message.len, message.data);
}

static void count(const char *what, uint64_t n)
{
    if (n)
        printf(", %llu %s", (unsigned long long)n, what);
}

int db_import_csv(const db_session *s, const char *path)
{
    evr_error *err = NULL;
    evr_store_csv_changes c = {.struct_size = sizeof c};
    const place_options *p = &s->o->place;
    const evr_store_csv_options options = {.struct_size = EVR_INIT(evr_store_csv_options), .device_name = text_of(p->device_name), .runtime = text_of(p->runtime),
                                           .driver = text_of(p->driver), .problem = tell_problem};
    evr_status status = evr_store_import_csv(s->store, path, &options, &c, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    printf("%s: %llu rows of %llu files, %llu times added", s->inputs->items[0], (unsigned long long)c.rows, (unsigned long long)c.files, (unsigned long long)c.added);
    count("known already", c.known);
    count("files unchanged", c.unchanged);
    count("rows without a valid duration", c.untimed);
    count("rows that cannot be read", c.malformed);
    count("other files left alone", c.foreign);
    putchar('\n');
    return c.malformed ? EXIT_SOME_FAILED : EXIT_GOOD;
}

int db_export_csv(const db_session *s, const char *folder)
{
    evr_error *err = NULL;
    evr_store_csv_changes c = {.struct_size = sizeof c};
    const evr_store_csv_options options = {.struct_size = EVR_INIT(evr_store_csv_options), .flags = s->o->force ? EVR_STORE_CSV_REPLACE : 0};
    const evr_store_filter f = db_session_filter(s);
    struct stat st;
    if (stat(folder, &st) == 0 && !S_ISDIR(st.st_mode)) {
        fprintf(stderr, "evreplay %s: %s is no folder: CSV files go into one, and results with -o into a file\n", s->self->name, folder);
        return EXIT_USAGE;
    }
    evr_status status = evr_store_export_csv(s->store, folder, &f, &options, &c, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    printf("%s: %llu rows in %llu files\n", folder, (unsigned long long)c.rows, (unsigned long long)c.files);
    return EXIT_GOOD;
}
