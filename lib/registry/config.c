/* Registrations from a JSON text. */
#include "registry/registry.h"

#include "base/buf.h"
#include "base/json_write.h"
#include "trace/json.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct config {
    evr_context *ctx;
    evr_json j;
    evr_arena arena; /* unescaped texts */
    evr_error **err;
} config;

typedef evr_status (*pair_fn)(evr_context *ctx, evr_str key, evr_str value, evr_error **err);
typedef evr_status (*list_fn)(evr_context *ctx, evr_str key, const evr_str *items, size_t count, evr_error **err);

static evr_str unescaped(config *c, evr_str raw)
{
    char *text = evr_arena_alloc(&c->arena, raw.len + 1);
    if (!text) {
        evr_json_fail(&c->j, evr_json_no_memory);
        return (evr_str){"", 0};
    }
    size_t len = evr_json_unescape(raw, text);
    text[len] = 0;
    return (evr_str){text, len};
}

static evr_str text_value(config *c)
{
    if (evr_json_peek(&c->j) != '"') {
        evr_json_fail(&c->j, "a text was expected");
        return (evr_str){"", 0};
    }
    evr_str raw = evr_json_raw_value(&c->j);
    return raw.len >= 2 ? unescaped(c, evr_str_sub(raw, 1, raw.len - 1)) : (evr_str){"", 0};
}

static bool flag_value(config *c)
{
    evr_json at = c->j;
    evr_str raw = evr_json_raw_value(&c->j);
    if (!evr_str_is(raw, "true") && !evr_str_is(raw, "false"))
        evr_json_fail_at(&c->j, &at, "true or false was expected");
    return evr_str_is(raw, "true");
}

/* {"key": "text", …} */
static evr_status pairs(config *c, pair_fn put)
{
    evr_str key;
    bool first = true;
    evr_json_enter(&c->j, '{');
    while (evr_json_next_field(&c->j, &first, &key)) {
        evr_str name = unescaped(c, key), value = text_value(c);
        if (!c->j.problem)
            EVR_TRY(put(c->ctx, name, value, c->err));
    }
    return EVR_OK;
}

/* {"key": ["text", …] or "text", …} */
static evr_status lists(config *c, list_fn put)
{
    evr_str key, items[64];
    bool first = true;
    evr_json_enter(&c->j, '{');
    while (evr_json_next_field(&c->j, &first, &key)) {
        evr_str name = unescaped(c, key);
        size_t n = 0;
        bool first_item = true;
        if (evr_json_peek(&c->j) == '"') {
            items[n++] = text_value(c);
        } else {
            evr_json_enter(&c->j, '[');
            while (evr_json_next_item(&c->j, &first_item)) {
                if (n == 64)
                    evr_json_fail(&c->j, "at most 64 texts were expected");
                else
                    items[n++] = text_value(c);
            }
        }
        if (!c->j.problem)
            EVR_TRY(put(c->ctx, name, items, n, c->err));
    }
    return EVR_OK;
}

static evr_status section(config *c, evr_str key)
{
    if (evr_str_is(key, "namespaces"))
        return lists(c, evr_register_namespace);
    if (evr_str_is(key, "symm_mem_args"))
        return lists(c, evr_register_symm_mem_args);
    if (evr_str_is(key, "aliases"))
        return pairs(c, evr_register_alias);
    if (evr_str_is(key, "string_defaults"))
        return pairs(c, evr_register_string_default);
    if (evr_str_is(key, "init_options"))
        return pairs(c, evr_set_init_option);
    if (evr_str_is(key, "import_unknown")) {
        bool allow = flag_value(c);
        return c->j.problem ? EVR_OK : evr_allow_unknown_imports(c->ctx, allow, c->err);
    }
    if (evr_str_is(key, "module_path")) {
        evr_str path = text_value(c);
        return c->j.problem ? EVR_OK : evr_set_module_path(c->ctx, path, c->err);
    }
    c->j.pos -= 2; /* back on the name, which the message is about */
    evr_json_fail(&c->j, "no such setting; there are namespaces, aliases, string_defaults, symm_mem_args, init_options, import_unknown and module_path");
    return EVR_OK;
}

evr_status evr_configure(evr_context *ctx, const void *text, size_t size, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!ctx || (!text && size))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_configure: a context and a text are needed");
    evr_json_doc doc = {0};
    evr_status status = evr_json_doc_open(ctx, &doc, (evr_str){text, size}, err);
    config c = {.ctx = ctx, .j = doc.cursor, .err = err};
    evr_arena_init(&c.arena, ctx);
    if (status == EVR_OK) {
        evr_str key;
        bool first = true;
        evr_json_enter(&c.j, '{');
        while (status == EVR_OK && evr_json_next_field(&c.j, &first, &key))
            status = section(&c, key);
        if (status == EVR_OK && evr_json_peek(&c.j))
            evr_json_fail(&c.j, "the end of the configuration was expected");
        if (status == EVR_OK)
            status = evr_json_check(ctx, &c.j, "configuration", err);
    }
    evr_json_doc_close(&doc);
    evr_arena_free(&c.arena);
    return status;
}

evr_status evr_configure_file(evr_context *ctx, const char *path, evr_error **err)
{
    enum { LARGEST = 16 << 20 };
    if (err)
        *err = NULL;
    if (!ctx || !path)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_configure_file: a context and a path are needed");
    FILE *f = fopen(path, "re");
    if (!f) {
        evr_fail(ctx, err, EVR_E_IO, "cannot open the configuration %s", path);
        return evr_hint(err, "check the path; see docs/registry.md for what such a file holds");
    }
    evr_buf text;
    evr_buf_init(&text, ctx);
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, f)) > 0 && text.len < LARGEST)
        evr_buf_add(&text, chunk, got);
    evr_status status = ferror(f)               ? evr_fail(ctx, err, EVR_E_IO, "cannot read the configuration %s", path)
                        : text.failed           ? evr_fail_nomem(err)
                        : text.len >= LARGEST   ? evr_fail(ctx, err, EVR_E_LIMIT, "the configuration %s is larger than 16 MiB", path)
                                                : evr_configure(ctx, evr_buf_view(&text).data, text.len, err);
    fclose(f);
    evr_buf_free(&text);
    return status;
}

static void write_texts(evr_json_writer *w, evr_str key, const evr_str *texts, size_t count)
{
    evr_json_key_str(w, key);
    evr_json_open(w, '[');
    for (size_t i = 0; i < count; i++)
        evr_json_str(w, texts[i]);
    evr_json_close(w, ']');
}

static void write_text(evr_json_writer *w, evr_str key, evr_str text)
{
    if (!text.data)
        return;
    evr_json_key_str(w, key);
    evr_json_str(w, text);
}

/* One kind of what is registered, under the lock. */
static void write_section(evr_json_writer *w, const evr_registry *r, const char *name)
{
    evr_json_key(w, name);
    evr_json_open(w, '{');
    for (uint32_t id = 0; id < r->entry_count; id++) {
        const evr_registered *e = &r->entries[id];
        evr_str key = evr_intern_text(&r->names, id);
        if (name[0] == 'n' && e->source_count)
            write_texts(w, key, e->sources, e->source_count);
        else if (strcmp(name, "symm_mem_args") == 0 && e->symm_count)
            write_texts(w, key, e->symm_args, e->symm_count);
        else if (name[0] == 'a')
            write_text(w, key, e->alias);
        else if (strcmp(name, "string_defaults") == 0)
            write_text(w, key, e->text);
        else if (name[0] == 'i')
            write_text(w, key, e->option);
    }
    evr_json_close(w, '}');
}

evr_status evr_configuration(evr_context *ctx, char **out, size_t *size, evr_error **err)
{
    static const char *const sections[] = {"namespaces", "aliases", "string_defaults", "symm_mem_args", "init_options"};
    if (err)
        *err = NULL;
    *out = NULL;
    evr_registry *r = evr_registry_of(ctx);
    if (!r)
        return evr_fail_nomem(err);
    evr_buf buf;
    evr_json_writer w;
    evr_buf_init(&buf, ctx);
    evr_json_init(&w, &buf);
    evr_json_open(&w, '{');
    pthread_rwlock_rdlock(&r->lock);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        write_section(&w, r, sections[i]);
    evr_json_key(&w, "import_unknown");
    evr_json_bool(&w, r->unknown_imports);
    evr_json_key(&w, "module_path");
    evr_json_str(&w, r->module_path);
    pthread_rwlock_unlock(&r->lock);
    evr_json_close(&w, '}');
    *size = buf.len;
    *out = buf.failed ? NULL : evr_strdup(ctx, evr_buf_view(&buf));
    evr_buf_free(&buf);
    return *out ? EVR_OK : evr_fail_nomem(err);
}
