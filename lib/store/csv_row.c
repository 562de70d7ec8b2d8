/* A row of a CSV file as a call: its key, its words, and what is in it besides. */
#include "store/csv.h"

#include "base/json_write.h"
#include "base/sized.h"
#include "base/str.h"

const evr_csv_duration evr_csv_durations[EVR_CSV_DURATIONS] = {
    {EVR_NAME_MEASURED, "csv column \"Average Duration(us)\": replayed"},
    {EVR_NAME_PROFILED, "csv column \"Profiling Average Duration(us)\": profiled"},
    {"Profiling Median Duration(us)", "csv column \"Profiling Median Duration(us)\": profiled"},
};

bool evr_csv_name_is_plain(evr_str op)
{
    if (op.len == 0 || op.len > 200 || op.data[0] == '.')
        return false;
    for (size_t i = 0; i < op.len; i++)
        if (op.data[i] == '/' || (unsigned char)op.data[i] < 32)
            return false;
    return true;
}

bool evr_csv_sheet_read(evr_csv_sheet *s, evr_context *ctx, evr_str op, evr_csv *csv, const char **unusable)
{
    *s = (evr_csv_sheet){.op = op, .rule = evr_signature_rule_of(op)};
    evr_csv_result result = evr_csv_next(csv);
    *unusable = result == EVR_CSV_END              ? "it is empty"
                : result == EVR_CSV_MALFORMED      ? "a quote in its header is not closed"
                : csv->count > EVR_MOST_COLUMNS    ? "it has more than 4,096 columns"
                                                   : NULL;
    if (result == EVR_CSV_NOMEM || *unusable)
        return result != EVR_CSV_NOMEM;
    evr_columns_init(&s->columns, ctx);
    if (!evr_columns_read(&s->columns, csv, false)) {
        evr_columns_free(&s->columns);
        return false;
    }
    csv->width = csv->count;
    if (evr_columns_lack(&s->columns)) {
        *unusable = "it is no operator's file: input shapes, input data types or output shapes are missing";
        evr_columns_free(&s->columns);
        return true;
    }
    for (size_t i = 0; i < EVR_CSV_DURATIONS; i++)
        s->durations[i] = evr_columns_find(csv, evr_csv_durations[i].column);
    s->durations[0] = s->columns.measured; /* also under its former name */
    evr_csv_init(&s->head, ctx, csv->raw);
    if (evr_csv_next(&s->head) == EVR_CSV_ROW)
        return true;
    evr_csv_sheet_free(s);
    return false;
}

void evr_csv_sheet_free(evr_csv_sheet *s)
{
    evr_columns_free(&s->columns);
    evr_csv_free(&s->head);
}

static evr_str cell(const evr_csv *csv, int32_t field) { return field < 0 ? (evr_str){"", 0} : evr_csv_value(csv, (size_t)field); }

static void signature(const evr_csv_sheet *s, const evr_csv *csv, evr_buf *to)
{
    evr_call_cells cells;
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        cells.base[i] = cell(csv, s->columns.base[i]);
    cells.ep_size = cell(csv, s->columns.ep_size);
    to->len = 0;
    evr_signature(to, s->rule, &cells);
}

void evr_csv_row_key(const evr_csv_sheet *s, const evr_csv *csv, evr_buf *scratch, char key[33])
{
    signature(s, csv, scratch);
    const evr_str texts[] = {EVR_STR_LITERAL("csv"), s->op, evr_buf_view(scratch)};
    evr_store_digest(texts, sizeof texts / sizeof *texts, key);
}

evr_str evr_csv_row_core(const evr_csv_sheet *s, const evr_csv *csv) { return evr_cell_trim(cell(csv, s->columns.base[EVR_COL_CORE])); }

/* The text up to the next `mark`, which is taken off; all that is left when there is none. */
static evr_str take(evr_str *rest, char mark)
{
    size_t end = evr_str_find(*rest, mark, 0);
    evr_str part = evr_str_sub(*rest, 0, end == SIZE_MAX ? rest->len : end);
    *rest = evr_str_sub(*rest, end == SIZE_MAX ? rest->len : end + 1, rest->len);
    return part;
}

/* Texts of a file become UTF-8 without quotes and control characters. */
static void put_plain(evr_buf *to, evr_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        evr_buf_char(to, c >= 32 && c < 127 && c != '\'' ? (char)c : '?');
    }
}

static void put_inputs(evr_buf *to, evr_str shapes, evr_str types, evr_str formats)
{
    for (bool first = true; shapes.len || types.len || formats.len; first = false) {
        evr_str shape = take(&shapes, ';'), type = take(&types, ';'), format = take(&formats, ';');
        evr_buf_c(to, first ? "" : ", ");
        if (!shape.len) {
            evr_buf_c(to, "-");
            continue;
        }
        if (type.len)
            put_plain(to, type);
        else
            evr_buf_c(to, "unknown");
        evr_buf_char(to, '[');
        put_plain(to, shape);
        evr_buf_char(to, ']');
        if (format.len) {
            evr_buf_char(to, ' ');
            put_plain(to, format);
        }
    }
}

/* "BF16[8,128] ND, BF16[64,128] ND -> '8,64 BF16'": what comes out stands in quotes, where it is a remark, for what goes in tells calls apart. */
void evr_csv_row_words(const evr_csv_sheet *s, const evr_csv *csv, evr_buf *scratch, evr_buf *words)
{
    signature(s, csv, scratch);
    evr_str rest = evr_buf_view(scratch), shapes = take(&rest, 0), types = take(&rest, 0), formats = take(&rest, 0), out = take(&rest, 0), out_types = take(&rest, 0);
    put_inputs(words, shapes, types, formats);
    evr_buf_c(words, " -> '");
    put_plain(words, out);
    evr_buf_c(words, out_types.len ? " " : "");
    put_plain(words, out_types);
    evr_buf_char(words, '\'');
    evr_str ranks = take(&rest, 0);
    if (s->rule == EVR_RULE_EP_SIZE && ranks.len) {
        evr_buf_c(words, ", ranks=");
        put_plain(words, ranks);
    }
}

evr_status evr_csv_options_of(evr_context *ctx, const evr_store_csv_options *given, evr_store_csv_options *out, evr_error **err)
{
    *out = (evr_store_csv_options){0};
    EVR_TAKE(out, given);
    if (out->flags & ~EVR_STORE_CSV_REPLACE)
        return evr_fail(ctx, err, EVR_E_INVALID, "the flags 0x%x of the options for CSV files are not known", (unsigned)out->flags);
    return EVR_OK;
}

void evr_csv_tell(evr_store_csv_changes *to, const evr_store_csv_changes *from, evr_status status)
{
    const evr_store_csv_changes none = {0};
    if (to)
        EVR_GIVE(to, status == EVR_OK ? from : &none);
}
