#include "db_work.h"

#include "input.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_FILES = sizeof((db_work *)0)->files / sizeof(char *) };

bool db_work_open(db_work *w, const char *folder)
{
    const char *temporary = getenv("TMPDIR");
    *w = (db_work){.own = !folder};
    int n = folder ? snprintf(w->folder, sizeof w->folder, "%s", folder)
                   : snprintf(w->folder, sizeof w->folder, "%s/evreplay-run-XXXXXX", temporary && temporary[0] ? temporary : "/tmp");
    bool fits = n > 0 && (size_t)n < sizeof w->folder;
    if (fits && (w->own ? mkdtemp(w->folder) != NULL : mkdir(w->folder, 0777) == 0 || errno == EEXIST))
        return true;
    fprintf(stderr, "evreplay db update: cannot make the folder %s: %s\n", fits ? w->folder : "for what is intermediate", strerror(fits ? errno : ENAMETOOLONG));
    w->folder[0] = 0;
    return false;
}

const char *db_work_file(db_work *w, const char *name)
{
    snprintf(w->path, sizeof w->path, "%s/%s", w->folder, name);
    unlink(w->path);
    if (w->count < MOST_FILES && (w->files[w->count] = strdup(w->path)))
        w->count++;
    return w->path;
}

bool db_work_write(db_work *w, evr_context *ctx, const char *name, char *text, size_t size)
{
    output out;
    bool good = output_open(&out, db_work_file(w, name));
    if (good) {
        output_str(&out, (evr_str){text, size});
        good = output_close(&out, 0) == 0;
    }
    evr_text_free(ctx, text);
    return good;
}

bool db_work_results(db_work *w, evr_context *ctx, const char *name, const evr_results *results)
{
    char *text = NULL;
    size_t size = 0;
    evr_error *err = NULL;
    evr_status status = evr_results_write(results, EVR_REPORT_JSON, &text, &size, &err);
    if (status == EVR_OK)
        return db_work_write(w, ctx, name, text, size);
    input_error("db update", status, err);
    return false;
}

void db_work_close(db_work *w, bool keep)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!keep && w->own)
            unlink(w->files[i]);
        free(w->files[i]);
    }
    if (!keep && w->own && w->folder[0])
        rmdir(w->folder);
    else if (w->folder[0])
        fprintf(stderr, "records, results and the journal of the run are in %s; `evreplay db update DB --from %s/*.json` takes its times again\n", w->folder, w->folder);
    w->count = 0;
}
