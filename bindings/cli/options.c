#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field_of(void *values, const option *o)
{
    return (char *)values + o->field;
}

static bool list_add(text_list *list, const char *text)
{
    if (list->count % 16 == 0) {
        const char **grown = realloc(list->items, (list->count + 16) * sizeof *grown);
        if (!grown)
            return false;
        list->items = grown;
    }
    list->items[list->count++] = text;
    return true;
}

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64], la = strlen(a), lb = strlen(b);
    if (la >= 64 || lb >= 64)
        return 64;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t best = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
            row[j] = replace < best ? replace : best;
        }
    }
    return row[lb];
}

const char *options_suggest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < least) {
            least = distance;
            best = candidates[i];
        }
    }
    return best;
}

static bool parse_number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || text[0] == '-' || errno)
        return false;
    int shift = *end == 'K' || *end == 'k' ? 10 : *end == 'M' || *end == 'm' ? 20 : *end == 'G' || *end == 'g' ? 30 : 0;
    if (shift)
        end++;
    if (*end || (shift && value >> (64 - shift)))
        return false;
    *out = value << shift;
    return true;
}

static bool store(const command *cmd, const option *o, const char *text, void *values)
{
    void *field = field_of(values, o);
    switch (o->kind) {
    case OPT_FLAG: *(bool *)field = true; return true;
    case OPT_TEXT: *(const char **)field = text; return true;
    case OPT_LIST: return list_add(field, text);
    case OPT_NUMBER:
        if (parse_number(text, field))
            return true;
        fprintf(stderr, "evreplay %s: --%s takes a whole number, not \"%s\"\n", cmd->name, o->name, text);
        return false;
    }
    return false;
}

static const option *find(const command *cmd, const char *name, size_t len, char short_name)
{
    for (const option *o = cmd->options; o && o->name; o++)
        if (short_name ? o->short_name == short_name : strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static int unknown(const command *cmd, const char *arg)
{
    const char *names[64];
    size_t n = 0, len = strcspn(arg, "=");
    for (const option *o = cmd->options; o && o->name && n < 64; o++)
        names[n++] = o->name;
    char word[64];
    const char *name = arg + strspn(arg, "-");
    snprintf(word, sizeof word, "%.*s", (int)(len - (size_t)(name - arg)), name);
    const char *near = options_suggest(word, names, n);
    fprintf(stderr, "evreplay %s: unknown option %.*s", cmd->name, (int)len, arg);
    if (near)
        fprintf(stderr, "; did you mean --%s?", near);
    fprintf(stderr, "\nsee evreplay %s --help\n", cmd->name);
    return EXIT_USAGE;
}

/* One option at argv[*i]; moves *i onto its value when that is an argument of its own. */
static int take_option(const command *cmd, int argc, char **argv, int *i, void *values)
{
    const char *arg = argv[*i];
    bool is_long = arg[1] == '-';
    const char *name = arg + 2, *equals = is_long ? strchr(name, '=') : NULL;
    const option *o = is_long ? find(cmd, name, equals ? (size_t)(equals - name) : strlen(name), 0) : find(cmd, NULL, 0, arg[1]);
    if (!o)
        return unknown(cmd, arg);
    const char *value = equals ? equals + 1 : !is_long && arg[2] ? arg + 2 : NULL;
    if (o->kind == OPT_FLAG && value) {
        fprintf(stderr, "evreplay %s: --%s takes no value\n", cmd->name, o->name);
        return EXIT_USAGE;
    }
    if (o->kind != OPT_FLAG && !value) {
        if (*i + 1 >= argc) {
            fprintf(stderr, "evreplay %s: --%s needs %s\n", cmd->name, o->name, o->value);
            return EXIT_USAGE;
        }
        value = argv[++*i];
    }
    return store(cmd, o, value, values) ? -1 : EXIT_USAGE;
}

int options_parse(const command *cmd, int argc, char **argv, void *values, text_list *positional)
{
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (!options_end && strcmp(arg, "--") == 0) {
            options_end = true;
        } else if (!options_end && (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)) {
            options_help(cmd);
            return EXIT_GOOD;
        } else if (!options_end && arg[0] == '-' && arg[1]) {
            int code = take_option(cmd, argc, argv, &i, values);
            if (code >= 0)
                return code;
        } else if (!list_add(positional, arg)) {
            return EXIT_BAD_INPUT;
        }
    }
    return -1;
}

void options_free(const command *cmd, void *values, text_list *positional)
{
    for (const option *o = cmd->options; o && o->name; o++)
        if (o->kind == OPT_LIST)
            free(((text_list *)field_of(values, o))->items);
    free(positional->items);
}

const char *command_word(const command *cmd)
{
    const char *space = strrchr(cmd->name, ' ');
    return space ? space + 1 : cmd->name;
}

/* Characters, as a terminal counts them: bytes of UTF-8 that begin one. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

void options_help(const command *cmd)
{
    printf("usage: evreplay %s %s [OPTIONS]\n\n%s\n", cmd->name, cmd->synopsis, cmd->summary);
    if (cmd->options && cmd->options->name)
        printf("\noptions:\n");
    for (const option *o = cmd->options; o && o->name; o++) {
        char left[64];
        int n = snprintf(left, sizeof left, o->short_name ? "-%c, " : "    ", o->short_name);
        snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "",
                 o->kind == OPT_LIST ? "…" : "");
        printf("  %s%*s %s\n", left, width_of(left) < 28 ? 28 - width_of(left) : 0, "", o->help);
    }
    printf("      --help                   this text\n");
    if (cmd->details)
        printf("\n%s", cmd->details);
}
