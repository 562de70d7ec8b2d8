/* evreplay db history and nearest: what a store knows of a call, and of calls like it. */
#include "db.h"
#include "input.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

#define FIELD(member) offsetof(store_options, member)

enum { NEAREST = 10 }; /* calls shown */

static bool same_row(const evr_store_row *a, const evr_store_row *b)
{
    return evr_str_eq(a->key, b->key) && evr_str_eq(a->device_name, b->device_name) && evr_str_eq(a->runtime, b->runtime) && evr_str_eq(a->driver, b->driver) &&
           evr_str_eq(a->protocol, b->protocol);
}

static void print_row(output *out, const evr_store_row *r, const evr_store_row *before, bool nearest)
{
    char when[32], median[32], low[32], high[32];
    bool new_call = !before || !evr_str_eq(before->key, r->key);
    if (new_call && nearest)
        fprintf(out->file, "distance %.2f: ", r->distance);
    if (new_call)
        fprintf(out->file, "%.*s%s%.*s  %.*s  %.*s\n", EVR_STR_ARG(r->op), r->overload.len ? "." : "", EVR_STR_ARG(r->overload), EVR_STR_ARG(r->arguments), EVR_STR_ARG(r->key));
    if (new_call || !same_row(before, r))
        fprintf(out->file, "  %.*s%s%.*s%s%.*s\n  %.*s\n", EVR_STR_ARG(r->device_name), r->runtime.len ? ", " : "", EVR_STR_ARG(r->runtime), r->driver.len ? ", " : "", EVR_STR_ARG(r->driver),
                EVR_STR_ARG(r->protocol));
    fprintf(out->file, "    %-19s  %12s  [%s, %s]%s%.*s\n", db_time(r->taken_s, when), output_time((int64_t)(r->median_ns + 0.5), median),
            output_time((int64_t)(r->median_low_ns + 0.5), low), output_time((int64_t)(r->median_high_ns + 0.5), high), r->input.len ? "  " : "", EVR_STR_ARG(r->input));
}

static void write_row(evr_json_writer *w, const evr_store_row *r, bool nearest)
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
    if (nearest) {
        evr_json_key(w, "distance");
        evr_json_f64(w, r->distance);
    }
    evr_json_close(w, '}');
}

/* How many rows the first `most` calls have, which may have several each. */
static size_t rows_of_calls(const evr_store_rows *rows, uint64_t most)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < evr_store_rows_count(rows); i++) {
        calls += i == 0 || !evr_str_eq(evr_store_rows_at(rows, i)->key, evr_store_rows_at(rows, i - 1)->key);
        if (calls > most)
            return i;
    }
    return evr_store_rows_count(rows);
}

static int print_rows(const db_session *s, const evr_store_rows *rows, size_t count, const char *name, bool nearest)
{
    output out;
    evr_buf buf;
    evr_json_writer w;
    if (!output_open(&out, s->o->out))
        return EXIT_BAD_INPUT;
    for (size_t i = 0; !s->o->json && i < count; i++)
        print_row(&out, evr_store_rows_at(rows, i), i ? evr_store_rows_at(rows, i - 1) : NULL, nearest);
    if (s->o->json) {
        output_buf(&buf);
        evr_json_init(&w, &buf);
        evr_json_open(&w, '{');
        evr_json_key(&w, "version");
        evr_json_i64(&w, 1);
        evr_json_key(&w, name);
        evr_json_open(&w, '[');
        for (size_t i = 0; i < count; i++)
            write_row(&w, evr_store_rows_at(rows, i), nearest);
        evr_json_close(&w, ']');
        evr_json_close(&w, '}');
        output_json(&out, &buf);
    }
    return output_close(&out, EXIT_GOOD);
}

static int history_body(const db_session *s)
{
    evr_error *err = NULL;
    evr_store_rows *rows = NULL;
    evr_store_filter f = db_session_filter(s);
    f.flags = s->o->newest ? 0 : EVR_STORE_HISTORY;
    if (s->inputs->count > 1)
        f.key = text_of(s->inputs->items[1]);
    if (!f.key.len && !f.op.len) {
        fprintf(stderr, "evreplay %s: say which: the key of a record, or --op GLOB\n", s->self->name);
        return EXIT_USAGE;
    }
    evr_status status = evr_store_find(s->store, &f, &rows, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    int code = print_rows(s, rows, evr_store_rows_count(rows), "history", false);
    if (!evr_store_rows_count(rows))
        fprintf(stderr, "evreplay %s: nothing is known of it\n", s->self->name);
    evr_store_rows_free(rows);
    return code;
}


/* "8,128; 128x64" as "any[8,128], any[128,64]". False when it is no list of shapes. */
static bool words_of_shapes(const char *shapes, char *to, size_t room)
{
    size_t n = 0;
    bool open = false;
    for (const char *at = shapes;; at++) {
        const char *put = "";
        char digit[2] = {*at, 0};
        if (*at >= '0' && *at <= '9') {
            put = digit;
        } else if (*at == ',' || *at == 'x') {
            put = ",";
        } else if (*at == ';' || !*at) {
            put = "]";
        } else if (*at != ' ') {
            return false;
        }
        n += (size_t)snprintf(to + n, room - n, "%s%s", open || *put == 0 ? "" : n ? ", any[" : "any[", put);
        open = *put ? *put != ']' : open;
        if (n >= room - 16)
            return false;
        if (!*at)
            return true;
    }
}

/* What a key that the store has stands for. */
static evr_status rows_of_key(const db_session *s, const char *key, evr_store_rows **out, evr_error **err)
{
    const evr_store_filter f = {.struct_size = EVR_INIT(evr_store_filter), .key = text_of(key), .limit = 1};
    return evr_store_find(s->store, &f, out, err);
}

static int ask_nearest(const db_session *s, evr_str op, evr_str overload, evr_str arguments)
{
    evr_error *err = NULL;
    evr_store_rows *rows = NULL;
    evr_store_filter f = db_filter(&s->o->place);
    f.limit = UINT64_MAX; /* the option's is of calls, not of rows */
    evr_status status = evr_store_nearest_to(s->store, op, overload, arguments, &f, &rows, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    int code = print_rows(s, rows, rows_of_calls(rows, s->o->limit ? s->o->limit : NEAREST), "nearest", true);
    if (!evr_store_rows_count(rows))
        fprintf(stderr, "evreplay %s: no call of %.*s with as many tensors of the same types is known\n", s->self->name, (int)op.len, op.data);
    evr_store_rows_free(rows);
    return code;
}

static int nearest_to_key(const db_session *s, const char *key)
{
    evr_error *err = NULL;
    evr_store_rows *known = NULL;
    evr_status status = rows_of_key(s, key, &known, &err);
    if (status != EVR_OK)
        return input_error(s->self->name, status, err);
    const evr_store_row *r = evr_store_rows_at(known, 0);
    int code = EXIT_BAD_INPUT;
    if (r)
        code = ask_nearest(s, r->op, r->overload, r->arguments);
    else
        fprintf(stderr, "evreplay %s: the store has no call with the key %s\nsay with --op and --arguments or --shapes what to look for\n", s->self->name, key);
    evr_store_rows_free(known);
    return code;
}

static int nearest_body(const db_session *s)
{
    char words[4096];
    const store_options *o = s->o;
    if (s->inputs->count > 1)
        return nearest_to_key(s, s->inputs->items[1]);
    if (!o->op || !o->arguments == !o->shapes) {
        fprintf(stderr, "evreplay %s: say which: the key of a call that is known, or --op with either --arguments or --shapes\n", s->self->name);
        return EXIT_USAGE;
    }
    if (o->shapes && !words_of_shapes(o->shapes, words, sizeof words)) {
        fprintf(stderr, "evreplay %s: --shapes takes sizes such as \"8,128;128,64\", not \"%s\"\n", s->self->name, o->shapes);
        return EXIT_USAGE;
    }
    return ask_nearest(s, text_of(o->op), text_of(NULL), text_of(o->shapes ? words : o->arguments));
}

static int run_history(int argc, char **argv, const command *self) { return db_on_store(self, argc, argv, EVR_STORE_READ_ONLY, 1, 2, history_body); }
static int run_nearest(int argc, char **argv, const command *self) { return db_on_store(self, argc, argv, EVR_STORE_READ_ONLY, 1, 2, nearest_body); }

static const option history_table[] = {
    WHICH,
    {"newest", 0, OPT_FLAG, NULL, "only the newest time of each row", FIELD(newest)},
    {"json", 0, OPT_FLAG, NULL, "as JSON", FIELD(json)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

static const option nearest_table[] = {
    {"arguments", 0, OPT_TEXT, "TEXT", "the call in words, as `db missing` shows it: \"float32[8,128], float32[128,64]\"", FIELD(arguments)},
    {"shapes", 0, OPT_TEXT, "LIST", "or the shapes of its tensors alone, of any type: \"8,128;128,64\"", FIELD(shapes)},
    WHICH,
    {"json", 0, OPT_FLAG, NULL, "as JSON", FIELD(json)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

const command db_history = {
    "db history", "STORE KEY|--op GLOB", "Shows all times of a call, the newest first.", "KEY is that of a record, as results have it; of an operator all calls are shown.\n", history_table, run_history,
};
const command db_nearest = {
    "db nearest", "STORE KEY|--op GLOB", "Shows the calls that are known whose shapes are the nearest to those of a call.",
    "KEY is that of a call in the store; --op with --arguments or --shapes asks for one that is not. Only calls with as many tensors of the same types are compared; the\n"
    "distance is 1 for each factor of 2 in a size, and 1 more when anything else differs. The 10 nearest are shown unless --limit says otherwise.\n",
    nearest_table, run_nearest,
};
