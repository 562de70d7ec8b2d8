/* Walking JSON text along its structural index.
 *
 * A cursor stands before a value. Reading a value moves it past the value. Any problem sticks (`problem`, `problem_at`), makes
 * every later step answer "no more", and is checked once at the end. Nothing here needs memory. */
#ifndef EVR_TRACE_JSON_H
#define EVR_TRACE_JSON_H

#include "base/str.h"
#include "trace/json_index.h"

typedef struct evr_json {
    const char *text;
    const uint32_t *index; /* index[count] == length of the text */
    size_t pos, count;
    const char *problem; /* NULL = none */
    size_t problem_at;
} evr_json;

static inline evr_json evr_json_at(const char *text, const uint32_t *index, size_t count)
{
    return (evr_json){text, index, 0, count, NULL, 0};
}

/* First byte of the next token; 0 at the end. */
static inline char evr_json_peek(const evr_json *j)
{
    return j->pos < j->count ? j->text[j->index[j->pos]] : 0;
}

static inline bool evr_json_fail(evr_json *j, const char *problem)
{
    if (!j->problem) {
        j->problem = problem;
        j->problem_at = j->index ? j->index[j->pos < j->count ? j->pos : j->count] : 0;
    }
    j->pos = j->count;
    return false;
}

/* Says it of the value that began at `at`; an earlier problem stays the one that counts. */
static inline bool evr_json_fail_at(evr_json *j, const evr_json *at, const char *problem)
{
    if (!j->problem)
        *j = *at;
    return evr_json_fail(j, problem);
}

static inline bool evr_json_expect(evr_json *j, char c, const char *problem)
{
    if (evr_json_peek(j) != c)
        return evr_json_fail(j, problem);
    j->pos++;
    return true;
}

static inline bool evr_json_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* End of the scalar or string token at `pos`: the next token's start less the white space before it. */
static inline size_t evr_json_token_end(const evr_json *j, size_t pos)
{
    size_t end = j->index[pos + 1];
    while (end > j->index[pos] && evr_json_space(j->text[end - 1]))
        end--;
    return end;
}

/* A token that is a value by itself. */
static inline bool evr_json_scalar_begins(char c)
{
    return c == '"' || (c != ',' && c != ':' && c != '{' && c != '}' && c != '[' && c != ']');
}

/* Moves past one value, whatever it is. False when it does not end within the text. */
static inline bool evr_json_skip(evr_json *j)
{
    size_t depth = 0;
    size_t pos = j->pos;
    if (pos < j->count && evr_json_scalar_begins(j->text[j->index[pos]])) {
        j->pos++;
        return true;
    }
    for (; pos < j->count; pos++) {
        switch (j->text[j->index[pos]]) {
        case '{':
        case '[': depth++; continue;
        case '}':
        case ']':
            if (depth == 0)
                goto bad;
            if (--depth == 0)
                break;
            continue;
        case ',':
        case ':':
            if (depth == 0)
                goto bad;
            continue;
        default:
            if (depth == 0)
                break;
            continue;
        }
        j->pos = pos + 1;
        return true;
    }
    j->pos = pos;
    return evr_json_fail(j, "the text ends inside a value");
bad:
    j->pos = pos;
    return evr_json_fail(j, "a value was expected");
}

/* The JSON text of the next value, which is passed. Empty on a problem. */
static inline evr_str evr_json_raw_value(evr_json *j)
{
    size_t from = j->pos;
    if (from < j->count && evr_json_scalar_begins(j->text[j->index[from]])) {
        j->pos++;
        return (evr_str){j->text + j->index[from], evr_json_token_end(j, from) - j->index[from]};
    }
    if (!evr_json_skip(j))
        return (evr_str){"", 0};
    size_t end = evr_json_token_end(j, j->pos - 1);
    return (evr_str){j->text + j->index[from], end - j->index[from]};
}

/* The contents of the string token at `pos`, between its quotes and still escaped. */
static inline evr_str evr_json_string_at(const evr_json *j, size_t pos)
{
    size_t from = j->index[pos] + 1, end = evr_json_token_end(j, pos);
    return end > from ? (evr_str){j->text + from, end - 1 - from} : (evr_str){"", 0};
}

/* Enters '{' or '['. */
static inline bool evr_json_enter(evr_json *j, char bracket)
{
    return evr_json_expect(j, bracket, bracket == '{' ? "an object was expected" : "an array was expected");
}

/* Steps to the next field of the object that was entered; *first is true before the first. The key is still escaped.
 * False at the end of the object, which is passed, and on a problem. */
static inline bool evr_json_next_field(evr_json *j, bool *first, evr_str *key)
{
    char c = evr_json_peek(j);
    if (c == '}') {
        j->pos++;
        return false;
    }
    if (!*first) {
        if (c != ',')
            return evr_json_fail(j, c ? "',' or '}' was expected" : "the text ends inside an object");
        j->pos++;
    }
    *first = false;
    if (evr_json_peek(j) != '"')
        return evr_json_fail(j, "a field name was expected");
    *key = evr_json_string_at(j, j->pos++);
    return evr_json_expect(j, ':', "':' was expected");
}

/* Steps to the next item of the array that was entered. False at its end, which is passed, and on a problem. */
static inline bool evr_json_next_item(evr_json *j, bool *first)
{
    char c = evr_json_peek(j);
    if (c == ']') {
        j->pos++;
        return false;
    }
    if (!*first) {
        if (c != ',')
            return evr_json_fail(j, c ? "',' or ']' was expected" : "the text ends inside an array");
        j->pos++;
    }
    *first = false;
    return true;
}

/* Undoes escapes. `out` has room for raw.len bytes; returns the length. Halves of surrogate pairs that stand alone become U+FFFD. */
size_t evr_json_unescape(evr_str raw, char *out);

/* Kinds of scalar texts as raw_value gives them. */
bool evr_json_to_i64(evr_str raw, int64_t *out); /* whole numbers only */
bool evr_json_to_f64(evr_str raw, double *out);  /* any number, NaN, Infinity, -Infinity */

/* A whole document in memory. */
typedef struct evr_json_doc {
    evr_json_indexer *indexer;
    evr_json cursor;
} evr_json_doc;

/* Indexes `text`, which must outlive the document. One document can be opened again and again before it is closed; that
 * saves memory traffic. Zero-initialise it before the first time. */
evr_status evr_json_doc_open(evr_context *ctx, evr_json_doc *doc, evr_str text, evr_error **err);
void evr_json_doc_close(evr_json_doc *doc);

/* The problem that a reader sets when memory is out; told from damage by its address. */
extern const char evr_json_no_memory[];

/* EVR_OK, or the cursor's problem as an error with its offset. `what` names the input. */
evr_status evr_json_check(evr_context *ctx, const evr_json *j, const char *what, evr_error **err);

/* UTF-8: writes one character, at most 4 bytes; the length of the valid sequence at p, or 0. */
size_t evr_utf8_put(uint32_t c, char *out);
size_t evr_utf8_length(const unsigned char *p, size_t left);

/* First byte at fault in text that the indexer refused. */
size_t evr_json_locate(evr_str text, evr_json_problem problem);
/* How much of the text up to `at` holds no half of a string: `at`, or where the string begins that it is in. */
size_t evr_json_before_string(evr_str text, size_t at);
const char *evr_json_problem_text(evr_json_problem problem);

#endif
