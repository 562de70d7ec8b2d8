/* evreplay db add, merge, import, export, check: putting times into a store and getting them out. */
#include "db.h"

#include "input.h"
#include "output.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FIELD(member) offsetof(store_options, member)

evr_store_filter db_filter(const place_options *o)
{
    return (evr_store_filter){.struct_size = EVR_INIT(evr_store_filter), .device_name = text_of(o->device_name), .runtime = text_of(o->runtime),
                              .driver = text_of(o->driver), .protocol = text_of(o->protocol)};
}

int db_open(const command *self, evr_context *ctx, const char *path, uint32_t flags, evr_store **out)
{
    evr_error *err = NULL;
    const evr_store_options options = {.struct_size = EVR_INIT(evr_store_options), .flags = flags};
    evr_status status = evr_store_open(ctx, path, &options, out, &err);
    return status == EVR_OK ? EXIT_GOOD : input_error(self->name, status, err);
}

bool db_arguments(const command *self, const text_list *inputs, size_t least, size_t most)
{
    if (inputs->count >= least && (!most || inputs->count <= most))
        return true;
    fprintf(stderr, "evreplay %s: %s\nusage: evreplay %s %s [OPTIONS]\n", self->name, inputs->count < least ? "an argument is missing" : "too many arguments", self->name,
            self->synopsis);
    return false;
}

void db_tell_changes(const char *path, const evr_store_changes *c)
{
    printf("%s: %llu results added", path, (unsigned long long)c->added);
    if (c->known)
        printf(", %llu known already", (unsigned long long)c->known);
    if (c->unusable)
        printf(", %llu left out: failed or not timed", (unsigned long long)c->unusable);
    putchar('\n');
}

const char *db_time(int64_t seconds, char text[32])
{
    time_t t = (time_t)seconds;
    struct tm utc;
    if (seconds <= 0 || !gmtime_r(&t, &utc) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &utc))
        strcpy(text, "-");
    return text;
}

int db_on_store(const command *self, int argc, char **argv, uint32_t flags, size_t least, size_t most, int (*body)(const db_session *s))
{
    store_options o = {0};
    text_list inputs = {0};
    db_session s = {.self = self, .o = &o, .inputs = &inputs};
    int code = options_parse(self, argc, argv, &o, &inputs);
    if (code >= 0)
        goto cleanup;
    code = EXIT_USAGE;
    if (!db_arguments(self, &inputs, least, most))
        goto cleanup;
    o.place.protocol = o.protocol;
    code = EXIT_BAD_INPUT;
    if ((s.ctx = input_context()) && (code = db_open(self, s.ctx, inputs.items[0], flags, &s.store)) == EXIT_GOOD)
        code = body(&s);
cleanup:
    evr_store_free(s.store);
    evr_context_free(s.ctx);
    options_free(self, &o, &inputs);
    return code;
}

int db_add_document(const db_session *s, const char *path, evr_store_changes *sum)
{
    size_t size = 0;
    evr_error *err = NULL;
    evr_store_changes c = {.struct_size = sizeof c};
    char *text = input_read_all(path, (evr_str){"", 0}, &size);
    if (!text)
        return EXIT_BAD_INPUT;
    evr_status status = evr_store_import(s->store, text, size, &c, &err);
    free(text);
    if (status != EVR_OK) {
        char name[512];
        snprintf(name, sizeof name, "%s: %s", s->self->name, path);
        return input_error(name, status, err);
    }
    sum->added += c.added;
    sum->known += c.known;
    sum->unusable += c.unusable;
    return EXIT_GOOD;
}

/* Documents that can be read are added even when others cannot. */
static int add_body(const db_session *s)
{
    evr_store_changes sum = {.struct_size = sizeof sum};
    int code = EXIT_GOOD;
    for (size_t i = 1; i < s->inputs->count; i++) {
        int one = db_add_document(s, s->inputs->items[i], &sum);
        code = one ? one : code;
    }
    db_tell_changes(s->inputs->items[0], &sum);
    return code;
}

static int merge_body(const db_session *s)
{
    evr_store_changes sum = {.struct_size = sizeof sum};
    int code = EXIT_GOOD;
    for (size_t i = 1; i < s->inputs->count; i++) {
        evr_error *err = NULL;
        evr_store_changes c = {.struct_size = sizeof c};
        evr_status status = evr_store_merge(s->store, s->inputs->items[i], &c, &err);
        if (status != EVR_OK)
            code = input_error(s->self->name, status, err);
        sum.added += c.added;
        sum.known += c.known;
        sum.unusable += c.unusable;
    }
    db_tell_changes(s->inputs->items[0], &sum);
    return code;
}

void db_list_stacks(const db_session *s)
{
    evr_store_rows *rows = NULL;
    if (evr_store_stacks(s->store, &rows, NULL) != EVR_OK)
        return;
    for (size_t i = 0; i < evr_store_rows_count(rows); i++) {
        const evr_store_row *r = evr_store_rows_at(rows, i);
        fprintf(stderr, "  %llu rows: --device-name \"%.*s\" --runtime \"%.*s\" --driver \"%.*s\"\n", (unsigned long long)r->samples, EVR_STR_ARG(r->device_name),
                EVR_STR_ARG(r->runtime), EVR_STR_ARG(r->driver));
    }
    evr_store_rows_free(rows);
}

evr_store_filter db_session_filter(const db_session *s)
{
    evr_store_filter f = db_filter(&s->o->place);
    f.flags = s->o->history ? EVR_STORE_HISTORY : 0;
    f.op = text_of(s->o->op);
    f.limit = s->o->limit;
    return f;
}

static int export_body(const db_session *s)
{
    if (s->o->log && s->inputs->count > 1) {
        fprintf(stderr, "evreplay %s: --log writes one file: name it with -o\n", s->self->name);
        return EXIT_USAGE;
    }
    if (s->o->log)
        return db_export_log(s, s->o->log);
    if (s->inputs->count > 1)
        return db_export_csv(s, s->inputs->items[1]);
    char *text = NULL;
    size_t size = 0;
    evr_error *err = NULL;
    evr_store_filter f = db_session_filter(s);
    evr_status status = evr_store_export(s->store, &f, &text, &size, &err);
    if (status != EVR_OK) {
        int code = input_error(s->self->name, status, err);
        if (status == EVR_E_INVALID)
            db_list_stacks(s);
        return code;
    }
    int code = output_whole(s->o->out, (evr_str){text, size}, EXIT_GOOD);
    evr_text_free(s->ctx, text);
    return code;
}

static int check_body(const db_session *s)
{
    evr_error *err = NULL;
    evr_status status = evr_store_check(s->store, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    printf("%s: whole\n", s->inputs->items[0]);
    return EXIT_GOOD;
}

/* Results are JSON; a log of operators' inputs begins with one; anything else is taken for CSV. */
static bool is_document(const char *path)
{
    char start[64];
    struct stat st;
    FILE *f = strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    if (!f)
        return strcmp(path, "-") == 0 || stat(path, &st) != 0; /* what cannot be opened is told where it is read */
    size_t n = fread(start, 1, sizeof start - 1, f), at = 0;
    fclose(f);
    start[n] = 0;
    at = strspn(start, " \t\r\n");
    return start[at] == '{' || (unsigned char)start[at] == 0x1f || (unsigned char)start[at] == 0x28; /* compressed too */
}

static bool is_log(const char *path)
{
    char start[9] = "";
    struct stat st;
    FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    bool is = f && fread(start, 1, sizeof start, f) == sizeof start && memcmp(start, "Operator:", sizeof start) == 0;
    if (f)
        fclose(f);
    return is;
}

static int import_one(const db_session *s, const char *path, bool *document, evr_store_changes *sum)
{
    bool log = is_log(path);
    if (!log && !is_document(path))
        return db_import_csv(s, path);
    *document = true;
    return log ? db_import_log(s, path, sum) : db_add_document(s, path, sum);
}

static int import_body(const db_session *s)
{
    evr_store_changes sum = {.struct_size = sizeof sum};
    int code = EXIT_GOOD;
    bool any = false;
    for (size_t i = 1; i < s->inputs->count; i++) {
        int one = import_one(s, s->inputs->items[i], &any, &sum);
        code = one ? one : code;
    }
    if (any)
        db_tell_changes(s->inputs->items[0], &sum);
    return code;
}

static int run_add(int argc, char **argv, const command *self) { return db_on_store(self, argc, argv, EVR_STORE_CREATE, 2, 0, add_body); }
static int run_merge(int argc, char **argv, const command *self) { return db_on_store(self, argc, argv, EVR_STORE_CREATE, 2, 0, merge_body); }
static int run_import(int argc, char **argv, const command *self) { return db_on_store(self, argc, argv, EVR_STORE_CREATE, 2, 0, import_body); }
static int run_export(int argc, char **argv, const command *self) { return db_on_store(self, argc, argv, EVR_STORE_READ_ONLY, 1, 2, export_body); }
static int run_check(int argc, char **argv, const command *self) { return db_on_store(self, argc, argv, EVR_STORE_READ_ONLY, 1, 1, check_body); }

static const option no_options[] = {{NULL, 0, OPT_FLAG, NULL, NULL, 0}};

static const option export_table[] = {
    WHICH,
    {"history", 0, OPT_FLAG, NULL, "every time there is, not only the newest of each row", FIELD(history)},
    {"force", 0, OPT_FLAG, NULL, "replace files of the folder", FIELD(force)},
    {"log", 0, OPT_TEXT, "INPUT", "an operator-input log of these records (or of a trace's calls), each with its time where there is one", FIELD(log)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static const option import_table[] = {
    {"device-name", 0, OPT_TEXT, "NAME", "CSV and logs: where the times were taken; without it of each CSV row its accelerator core", FIELD(place.device_name)},
    {"runtime", 0, OPT_TEXT, "TEXT", "CSV and logs: and with which library", FIELD(place.runtime)},
    {"driver", 0, OPT_TEXT, "TEXT", "CSV and logs: and which driver", FIELD(place.driver)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

const command db_add = {
    "db add", "STORE RESULTS.json…", "Adds results of runs to a store.",
    "STORE is an SQLite file, made when there is none; RESULTS are what `evreplay bench --json` writes. Only what was timed is kept, and what is there already is\n"
    "not added again.\n",
    no_options, run_add,
};
const command db_merge = {"db merge", "STORE OTHER…", "Adds everything of other stores, their history included.", "STORE is made when there is none.\n", no_options, run_merge};
const command db_import = {
    "db import", "STORE FILE|FOLDER…", "Adds what `db export` wrote, the CSV files of another database, or a log with times.",
    "FILE is JSON, with `-` for standard input, the CSV file of one operator, or an operator-input log whose calls have times behind them (# 5.25 us); FOLDER is a database of such files. Each duration of a row becomes a time of its own, and\n"
    "the files are kept as they are, rows that cannot be read included: these are told with file and line, and the exit code is 1.\n",
    import_table, run_import,
};
const command db_export = {
    "db export", "STORE [FOLDER]", "Writes times as results, as an operator-input log, or into a folder the CSV files that were imported.",
    "Results are what `db import`, `db add` and reports take. They, and the files of a folder, are of one device and stack. Where the store has more of them, the options choose;\n"
    "without them they are listed. Of a CSV file the newest version is written; files that are there already stay unless --force is given.\n",
    export_table, run_export,
};
const command db_check = {"db check", "STORE", "Reads all of a store and says whether it is whole.", NULL, no_options, run_check};
