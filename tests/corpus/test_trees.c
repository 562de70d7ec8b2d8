/* The trees of the corpus of real traces against recorded ones: parent, and device events below each operator. */
#include "support/support.h"

#include "trace/inflate.h"
#include "trace/json.h"

#include <dirent.h>
#include <stdbool.h>

typedef struct tally {
    size_t rows, same, children, files;
} tally;

static evr_status read_memory(void *user, void *buffer, size_t cap, size_t *got)
{
    evr_str *left = user;
    *got = left->len < cap ? left->len : cap;
    memcpy(buffer, left->data, *got);
    left->data += *got;
    left->len -= *got;
    return EVR_OK;
}

/* The inflated text of a file, from malloc. */
static char *read_packed(evr_context *ctx, const char *path, size_t *len)
{
    size_t size, cap = 1 << 20, got = 1;
    char *packed = test_read_file(path, &size), *text = malloc(cap);
    if (!packed || !text)
        fail_msg("cannot read %s", path);
    evr_str left = {packed, size};
    evr_source source = {.struct_size = sizeof source, .user = &left, .read = read_memory, .size = size};
    evr_inflate *in;
    assert_ok(evr_inflate_new(ctx, &source, &in, err));
    for (*len = 0; got; *len += got) {
        if (cap - *len < 65536)
            text = realloc(text, cap *= 2);
        assert_non_null(text);
        assert_int_equal(evr_inflate_read(in, text + *len, cap - *len, &got), EVR_OK);
    }
    evr_inflate_free(in);
    free(packed);
    return text;
}

static int64_t integer(evr_json *j)
{
    int64_t value = -1;
    evr_str raw = evr_json_raw_value(j);
    if (!evr_str_is(raw, "null"))
        assert_true(evr_json_to_i64(raw, &value));
    return value;
}

static bool has_device_event(const evr_trace *trace, evr_uid uid, evr_uid device_event)
{
    size_t count;
    const evr_uid *uids = evr_trace_device_events(trace, uid, &count);
    for (size_t i = 0; i < count; i++)
        if (uids[i] == device_event)
            return true;
    return false;
}

static size_t count_children(const evr_trace *trace, evr_uid uid)
{
    size_t count = 0;
    for (evr_uid c = evr_trace_first_child(trace, uid); c != EVR_NO_UID; c = evr_trace_next_sibling(trace, c))
        count++;
    return count;
}

/* One row: [uid, parent or null, number of children, [device events]]. Finding more device events than were recorded is right. */
static void check_row(const evr_trace *trace, evr_json *j, tally *t)
{
    bool first = true, first_device = true, same;
    evr_event e = {.struct_size = sizeof e};
    evr_json_enter(j, '[');
    evr_json_next_item(j, &first);
    evr_uid uid = (evr_uid)integer(j);
    evr_json_next_item(j, &first);
    int64_t parent = integer(j);
    evr_json_next_item(j, &first);
    int64_t children = integer(j);
    evr_json_next_item(j, &first);
    assert_ok(evr_trace_event(trace, uid, &e, err));
    same = e.parent == (parent < 0 ? EVR_NO_UID : (evr_uid)parent);
    evr_json_enter(j, '[');
    while (evr_json_next_item(j, &first_device))
        same &= has_device_event(trace, uid, (evr_uid)integer(j));
    evr_json_next_item(j, &first);
    t->rows++;
    t->same += same;
    t->children += count_children(trace, uid) == (size_t)children;
}

static void check_rows(evr_context *ctx, const evr_trace *trace, evr_str text, tally *t)
{
    evr_json_doc doc = {0};
    bool first = true;
    evr_str key;
    assert_ok(evr_json_doc_open(ctx, &doc, text, err));
    evr_json *j = &doc.cursor;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        bool first_row = true;
        if (!evr_str_is(key, "tree")) {
            evr_json_skip(j);
            continue;
        }
        evr_json_enter(j, '[');
        while (evr_json_next_item(j, &first_row))
            check_row(trace, j, t);
    }
    assert_ok(evr_json_check(ctx, j, "the recorded tree", err));
    evr_json_doc_close(&doc);
}

static tally check_file(evr_context *ctx, const char *name)
{
    tally t = {.files = 1};
    char path[4096];
    size_t len;
    evr_trace *trace;
    snprintf(path, sizeof path, "%s/corpus/%s", EVR_TEST_SHARED, name);
    assert_ok(evr_trace_open_file(ctx, path, NULL, &trace, err));
    snprintf(path, sizeof path, "%s/oracle/ir/%s", EVR_TEST_SHARED, name);
    char *text = read_packed(ctx, path, &len);
    check_rows(ctx, trace, (evr_str){text, len}, &t);
    free(text);
    evr_trace_free(trace);
    printf("%-44s %6zu of %6zu rows, %6zu numbers of children\n", name, t.same, t.rows, t.children);
    return t;
}

static void test_trees__recorded(void **state)
{
    (void)state;
    test_need_shared();
    test_memory m;
    evr_context *ctx = test_context(&m);
    tally all = {0};
    int bad = 0;
    DIR *folder = opendir(test_shared("oracle/ir"));
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *end = strstr(entry->d_name, ".json.gz");
        if (!end || end[8])
            continue;
        tally t = check_file(ctx, entry->d_name);
        all.rows += t.rows;
        all.same += t.same;
        all.children += t.children;
        all.files++;
        bad += (double)t.same < 0.995 * (double)t.rows;
    }
    closedir(folder);
    printf("%zu files, %zu of %zu rows, %zu numbers of children\n", all.files, all.same, all.rows, all.children);
    assert_true(all.files > 0 && all.rows > 0);
    assert_int_equal(bad, 0);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_trees__recorded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
