/* evreplay db add, merge, import, export, history, check: putting times into a store and getting them out. */
#include "db.h"

#include "input.h"
#include "output.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct store_options {
    place_options place;
    const char *op, *out, *protocol;
    uint64_t limit;
    bool history, json;
} store_options;

#define FIELD(member) offsetof(store_options, member)

static evr_str text_of(const char *text) { return (evr_str){text ? text : "", text ? strlen(text) : 0}; }

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

/* A command on one store: what its body gets. */
typedef struct session {
    const command *self;
    const store_options *o;
    evr_context *ctx;
    evr_store *store;
    const text_list *inputs; /* the store's is the first */
} session;

static int on_store(const command *self, int argc, char **argv, uint32_t flags, size_t least, size_t most, int (*body)(const session *s))
{
    store_options o = {0};
    text_list inputs = {0};
    session s = {.self = self, .o = &o, .inputs = &inputs};
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

static int import_one(const session *s, const char *path, evr_store_changes *sum)
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
static int add_body(const session *s)
{
    evr_store_changes sum = {.struct_size = sizeof sum};
    int code = EXIT_GOOD;
    for (size_t i = 1; i < s->inputs->count; i++) {
        int one = import_one(s, s->inputs->items[i], &sum);
        code = one ? one : code;
    }
    db_tell_changes(s->inputs->items[0], &sum);
    return code;
}

static int merge_body(const session *s)
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

static void list_stacks(const session *s)
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

static evr_store_filter filter_of(const store_options *o)
{
    evr_store_filter f = db_filter(&o->place);
    f.flags = o->history ? EVR_STORE_HISTORY : 0;
    f.op = text_of(o->op);
    f.limit = o->limit;
    return f;
}

static int export_body(const session *s)
{
    char *text = NULL;
    size_t size = 0;
    evr_error *err = NULL;
    output out;
    evr_store_filter f = filter_of(s->o);
    evr_status status = evr_store_export(s->store, &f, &text, &size, &err);
    if (status != EVR_OK) {
        int code = input_error(s->self->name, status, err);
        if (status == EVR_E_INVALID)
            list_stacks(s);
        return code;
    }
    int code = EXIT_BAD_INPUT;
    if (output_open(&out, s->o->out)) {
        output_str(&out, (evr_str){text, size});
        code = output_close(&out, EXIT_GOOD);
    }
    evr_text_free(s->ctx, text);
    return code;
}

static int check_body(const session *s)
{
    evr_error *err = NULL;
    evr_status status = evr_store_check(s->store, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    printf("%s: whole\n", s->inputs->items[0]);
    return EXIT_GOOD;
}

static bool same_row(const evr_store_row *a, const evr_store_row *b)
{
    return evr_str_eq(a->key, b->key) && evr_str_eq(a->device_name, b->device_name) && evr_str_eq(a->runtime, b->runtime) && evr_str_eq(a->driver, b->driver) &&
           evr_str_eq(a->protocol, b->protocol);
}

static void print_row(output *out, const evr_store_row *r, const evr_store_row *before)
{
    char when[32], median[32], low[32], high[32];
    if (!before || !evr_str_eq(before->key, r->key))
        fprintf(out->file, "%.*s%s%.*s  %.*s  %.*s\n", EVR_STR_ARG(r->op), r->overload.len ? "." : "", EVR_STR_ARG(r->overload), EVR_STR_ARG(r->arguments), EVR_STR_ARG(r->key));
    if (!before || !same_row(before, r))
        fprintf(out->file, "  %.*s, %.*s%s%.*s\n  %.*s\n", EVR_STR_ARG(r->device_name), EVR_STR_ARG(r->runtime), r->driver.len ? ", " : "", EVR_STR_ARG(r->driver),
                EVR_STR_ARG(r->protocol));
    fprintf(out->file, "    %-19s  %12s  [%s, %s]%s%.*s\n", db_time(r->taken_s, when), output_time((int64_t)(r->median_ns + 0.5), median),
            output_time((int64_t)(r->median_low_ns + 0.5), low), output_time((int64_t)(r->median_high_ns + 0.5), high), r->input.len ? "  " : "", EVR_STR_ARG(r->input));
}

static void write_row(evr_json_writer *w, const evr_store_row *r)
{
    const struct {
        const char *name;
        evr_str text;
    } texts[] = {{"key", r->key},         {"op", r->op},         {"overload", r->overload}, {"arguments", r->arguments}, {"device_name", r->device_name},
                 {"runtime", r->runtime}, {"driver", r->driver}, {"protocol", r->protocol}, {"input", r->input}};
    const struct {
        const char *name;
        double ns;
    } times[] = {{"median_ns", r->median_ns}, {"median_low_ns", r->median_low_ns}, {"median_high_ns", r->median_high_ns}};
    evr_json_open(w, '{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_json_key(w, texts[i].name);
        evr_json_str(w, texts[i].text);
    }
    evr_json_key(w, "taken_s");
    evr_json_i64(w, r->taken_s);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        evr_json_key(w, times[i].name);
        evr_json_f64(w, times[i].ns);
    }
    evr_json_close(w, '}');
}

static int print_history(const session *s, const evr_store_rows *rows)
{
    output out;
    evr_buf buf;
    evr_json_writer w;
    if (!output_open(&out, s->o->out))
        return EXIT_BAD_INPUT;
    for (size_t i = 0; !s->o->json && i < evr_store_rows_count(rows); i++)
        print_row(&out, evr_store_rows_at(rows, i), i ? evr_store_rows_at(rows, i - 1) : NULL);
    if (s->o->json) {
        output_buf(&buf);
        evr_json_init(&w, &buf);
        evr_json_open(&w, '{');
        evr_json_key(&w, "version");
        evr_json_i64(&w, 1);
        evr_json_key(&w, "history");
        evr_json_open(&w, '[');
        for (size_t i = 0; i < evr_store_rows_count(rows); i++)
            write_row(&w, evr_store_rows_at(rows, i));
        evr_json_close(&w, ']');
        evr_json_close(&w, '}');
        output_json(&out, &buf);
    }
    return output_close(&out, EXIT_GOOD);
}

static int history_body(const session *s)
{
    evr_error *err = NULL;
    evr_store_rows *rows = NULL;
    evr_store_filter f = filter_of(s->o);
    f.flags |= EVR_STORE_HISTORY;
    if (s->inputs->count > 1)
        f.key = text_of(s->inputs->items[1]);
    if (!f.key.len && !f.op.len) {
        fprintf(stderr, "evreplay %s: say which: the key of a record, or --op GLOB\n", s->self->name);
        return EXIT_USAGE;
    }
    evr_status status = evr_store_find(s->store, &f, &rows, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    int code = print_history(s, rows);
    if (!evr_store_rows_count(rows))
        fprintf(stderr, "evreplay %s: nothing is known of it\n", s->self->name);
    evr_store_rows_free(rows);
    return code;
}

static int run_add(int argc, char **argv, const command *self) { return on_store(self, argc, argv, EVR_STORE_CREATE, 2, 0, add_body); }
static int run_merge(int argc, char **argv, const command *self) { return on_store(self, argc, argv, EVR_STORE_CREATE, 2, 0, merge_body); }
static int run_import(int argc, char **argv, const command *self) { return on_store(self, argc, argv, EVR_STORE_CREATE, 2, 2, add_body); }
static int run_export(int argc, char **argv, const command *self) { return on_store(self, argc, argv, EVR_STORE_READ_ONLY, 1, 1, export_body); }
static int run_history(int argc, char **argv, const command *self) { return on_store(self, argc, argv, EVR_STORE_READ_ONLY, 1, 2, history_body); }
static int run_check(int argc, char **argv, const command *self) { return on_store(self, argc, argv, EVR_STORE_READ_ONLY, 1, 1, check_body); }

static const option no_options[] = {{NULL, 0, OPT_FLAG, NULL, NULL, 0}};

#define WHICH                                                                                                          \
    {"op", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", FIELD(op)}, PLACE_OPTIONS(FIELD(place)), \
    {"protocol", 0, OPT_TEXT, "LINE", "only times taken so: the whole line", FIELD(protocol)},                          \
    {"limit", 0, OPT_NUMBER, "N", "only the first N", FIELD(limit)}

static const option export_table[] = {
    WHICH,
    {"history", 0, OPT_FLAG, NULL, "every time there is, not only the newest of each row", FIELD(history)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static const option history_table[] = {
    WHICH,
    {"json", 0, OPT_FLAG, NULL, "as JSON", FIELD(json)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

const command db_add = {
    "db add", "STORE RESULTS.json…", "Adds results of runs to a store.",
    "STORE is an SQLite file, made when there is none; RESULTS are what `evreplay bench --json` writes. Only what was timed is kept, and what is there already is\n"
    "not added again.\n",
    no_options, run_add,
};
const command db_merge = {"db merge", "STORE OTHER…", "Adds everything of other stores, their history included.", "STORE is made when there is none.\n", no_options, run_merge};
const command db_import = {"db import", "STORE FILE", "Adds what `db export` wrote; `-` is standard input.", NULL, no_options, run_import};
const command db_export = {
    "db export", "STORE", "Writes times as results, which `db import`, `db add` and reports take.",
    "A document is of one device and stack. Where the store has more of them, the options choose; without them they are listed.\n", export_table, run_export,
};
const command db_history = {"db history", "STORE KEY|--op GLOB", "Shows all times of a call, the newest first.", "KEY is that of a record, as results have it.\n", history_table, run_history};
const command db_check = {"db check", "STORE", "Reads all of a store and says whether it is whole.", NULL, no_options, run_check};
