/* An operator file and a profile from any bytes: what is merged and written reads back as the same rows, and writing it again gives
 * the same bytes. The first byte is the number of the allocation that fails, 0 = none; the second picks the operator, the mode and pruning;
 * the next two say how many bytes are the operator file. */
#include "fuzz/support.h"

#include "perfdb/table.h"

static const char *const ops[] = {"Add", "MatMulV2", "Index", "Transpose", "DispatchFFNCombine", "CastAiCore"};

typedef struct rows {
    size_t good, malformed;
    bool complete; /* memory sufficed */
} rows;

/* Counts the rows of a text and writes the good ones into `to`, when they have `width` fields. */
static rows read_rows(evr_context *ctx, evr_str text, evr_buf *to)
{
    evr_csv csv;
    rows found = {0};
    evr_csv_init(&csv, ctx, text);
    for (evr_csv_result result; (result = evr_csv_next(&csv)) != EVR_CSV_END;) {
        if (result == EVR_CSV_NOMEM)
            break;
        if (!csv.width)
            csv.width = csv.count;
        FUZZ_NEED(csv.line > 0 && csv.raw.data >= text.data && csv.raw.data + csv.raw.len <= text.data + text.len);
        found.good += result == EVR_CSV_ROW;
        found.malformed += result == EVR_CSV_MALFORMED;
        FUZZ_NEED(result == EVR_CSV_ROW ? csv.count > 0 : csv.problem != NULL);
        size_t start = to->len;
        for (size_t i = 0; i < csv.count; i++)
            evr_csv_put(to, evr_csv_value(&csv, i), i == 0);
        if (result == EVR_CSV_ROW && csv.canonical && csv.count > 1 && !to->failed) /* then it is the text itself */
            FUZZ_NEED(evr_str_eq(evr_str_sub(evr_buf_view(to), start, to->len), csv.raw));
        if (csv.count)
            evr_csv_end_row(to);
    }
    found.complete = csv.at >= text.len && !to->failed;
    evr_csv_free(&csv);
    return found;
}

static void check_csv(evr_context *ctx, fuzz_memory *memory, evr_str text)
{
    evr_buf once, twice;
    evr_buf_init(&once, ctx);
    evr_buf_init(&twice, ctx);
    rows first = read_rows(ctx, text, &once);
    memory->fail_at = 0;
    if (first.complete && first.malformed == 0 && !evr_str_starts(evr_buf_view(&once), "\xef\xbb\xbf")) {
        rows second = read_rows(ctx, evr_buf_view(&once), &twice);
        FUZZ_NEED(second.malformed == 0 && second.good <= first.good); /* a lone empty field is an empty line */
        if (second.good == first.good)
            FUZZ_NEED(evr_str_eq(evr_buf_view(&once), evr_buf_view(&twice)));
    }
    evr_buf_free(&once);
    evr_buf_free(&twice);
}

/* Merges a profile into a file. False when memory was out or the text is no operator file. */
static bool merge(evr_context *ctx, evr_str op, uint8_t flags, evr_str file, evr_str profile, evr_buf *to, size_t *malformed)
{
    evr_samples samples;
    evr_table table;
    evr_dbreport_part part;
    const char *unusable = NULL;
    bool missing_column = false, changed = false, good;
    evr_perfdb_report *report = evr_dbreport_new(ctx, EVR_STR_LITERAL("db"));
    if (!report)
        return false;
    evr_samples_init(&samples, ctx);
    evr_error *err = NULL;
    evr_status status = evr_samples_add(&samples, EVR_STR_LITERAL("profile"), profile, 1, report, &err);
    FUZZ_NEED(status == EVR_OK || status == EVR_E_FORMAT || status == EVR_E_NOMEM);
    evr_error_free(err);
    evr_dbreport_part_init(&part, ctx, &report->arena);
    evr_table_init(&table, ctx, &samples, flags & 1 ? EVR_STR_LITERAL("16") : (evr_str){"", 0});
    evr_table_reuse(&table, &part, op);
    good = status != EVR_E_NOMEM && (table.file = evr_dbreport_add_file(report, op, op)) != NULL &&
           evr_table_read(&table, op, file, &unusable, &missing_column) && !unusable;
    good = good && evr_table_duplicates(&table) && evr_table_merge(&table, flags >> 1 & 1) &&
           (!(flags & 4) || evr_table_prune(&table)) && evr_table_changed(&table, &changed);
    if (good) {
        evr_table_render_header(&table, to);
        for (size_t next = 0; next < table.count && !to->failed;)
            evr_table_render(&table, to, &next, to->len);
        evr_dbreport_join(report, &part, table.file, 0);
        evr_dbreport_finish(report);
        *malformed = table.file->public.malformed;
        FUZZ_NEED(changed || table.file->public.added + table.file->public.deleted == 0);
    }
    good = good && !to->failed;
    evr_table_free(&table);
    evr_dbreport_part_free(&part);
    evr_samples_free(&samples);
    evr_perfdb_report_free(report);
    return good;
}

static void check_merge(evr_context *ctx, fuzz_memory *memory, uint8_t flags, evr_str file, evr_str profile)
{
    evr_str op = evr_str_c(ops[flags >> 3 & 7 ? (flags >> 3) % 6 : 0]);
    evr_buf once, twice;
    size_t malformed = 0, again = 0;
    evr_buf_init(&once, ctx);
    evr_buf_init(&twice, ctx);
    bool good = merge(ctx, op, flags, file, profile, &once, &malformed);
    memory->fail_at = 0;
    bool mark = evr_str_starts(evr_buf_view(&once), "\xef\xbb\xbf"); /* a second byte order mark, which is part of the first name */
    if (good && malformed == 0 && !mark && merge(ctx, op, flags, evr_buf_view(&once), profile, &twice, &again)) {
        FUZZ_NEED(again == 0);
        FUZZ_NEED(flags & 2 || evr_str_eq(evr_buf_view(&once), evr_buf_view(&twice)));
    }
    evr_buf_free(&once);
    evr_buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    uint8_t fail_at = fuzz_u8(&in), flags = fuzz_u8(&in);
    size_t split = fuzz_u16(&in);
    fuzz_memory memory = {.fail_at = fail_at, .most = (size_t)1 << 28};
    evr_context *ctx = fuzz_context(&memory);
    evr_str whole = {(const char *)in.data, in.size};
    evr_str file = evr_str_sub(whole, 0, split), profile = evr_str_sub(whole, split, whole.len);
    check_csv(ctx, &memory, file);
    memory.calls = 0;
    memory.fail_at = fail_at;
    check_merge(ctx, &memory, flags, file, profile);
    fuzz_context_done(ctx, &memory);
    return 0;
}
