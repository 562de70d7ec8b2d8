#include "perfdb/columns.h"

#include <math.h>
#include <stdio.h>

const char *const evr_base_names[EVR_BASE_COLUMNS] = {
    "OP State",      "Accelerator Core",  "Input Shapes",      "Input Data Types",
    "Input Formats", "Output Shapes",     "Output Data Types", "Output Formats",
};

const char *const evr_counter_names[EVR_COUNTERS] = {
    "aicore_time(us)",    "aic_total_cycles",  "aic_mac_time(us)",     "aic_mac_ratio",       "aic_scalar_time(us)",
    "aic_scalar_ratio",   "aic_mte1_time(us)", "aic_mte1_ratio",       "aic_mte2_time(us)",   "aic_mte2_ratio",
    "aic_fixpipe_time(us)", "aic_fixpipe_ratio", "aic_icache_miss_rate", "aiv_time(us)",       "aiv_total_cycles",
    "aiv_vec_time(us)",   "aiv_vec_ratio",     "aiv_scalar_time(us)",  "aiv_scalar_ratio",    "aiv_mte2_time(us)",
    "aiv_mte2_ratio",     "aiv_mte3_time(us)", "aiv_mte3_ratio",       "aiv_icache_miss_rate", "cube_utilization(%)",
};

#define MEASURED_PREFIX "MicroBench "
#define PROFILED_PREFIX "Profiling Average "
#define LEGACY_MEASURED "MicroBench Duration(us)"

/* Columns of an earlier layout that nothing reads any more; they are left out when a file is written. */
static const char *const dropped[] = {"MicroBench Task Duration(us)", "MicroBench Kernel Duration(us)"};

static const char *const new_durations[] = {EVR_NAME_MEASURED, EVR_NAME_PROFILED, "Profiling Median Duration(us)",
                                            "Profiling Std Duration(us)"};

/* "MicroBench <counter>" for each counter, where names of inserted columns point to. */
#define BOTH(name) {MEASURED_PREFIX name, PROFILED_PREFIX name}
static const char *const counter_columns[EVR_COUNTERS][2] = {
    BOTH("aicore_time(us)"),      BOTH("aic_total_cycles"),  BOTH("aic_mac_time(us)"),     BOTH("aic_mac_ratio"),
    BOTH("aic_scalar_time(us)"),  BOTH("aic_scalar_ratio"),  BOTH("aic_mte1_time(us)"),    BOTH("aic_mte1_ratio"),
    BOTH("aic_mte2_time(us)"),    BOTH("aic_mte2_ratio"),    BOTH("aic_fixpipe_time(us)"), BOTH("aic_fixpipe_ratio"),
    BOTH("aic_icache_miss_rate"), BOTH("aiv_time(us)"),      BOTH("aiv_total_cycles"),     BOTH("aiv_vec_time(us)"),
    BOTH("aiv_vec_ratio"),        BOTH("aiv_scalar_time(us)"), BOTH("aiv_scalar_ratio"),   BOTH("aiv_mte2_time(us)"),
    BOTH("aiv_mte2_ratio"),       BOTH("aiv_mte3_time(us)"), BOTH("aiv_mte3_ratio"),       BOTH("aiv_icache_miss_rate"),
    BOTH("cube_utilization(%)"),
};

void evr_columns_init(evr_columns *columns, evr_context *ctx)
{
    *columns = (evr_columns){.ctx = ctx, .measured = -1, .profiled = -1, .ep_size = -1};
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        columns->base[i] = -1;
    evr_buf_init(&columns->names, ctx);
}

void evr_columns_free(evr_columns *columns)
{
    evr_release(columns->ctx, columns->cells, columns->cap * sizeof *columns->cells);
    evr_buf_free(&columns->names);
}

/* Puts a column at a place among those written. */
static bool insert(evr_columns *c, size_t at, evr_cell cell)
{
    if (!evr_grow(c->ctx, (void **)&c->cells, &c->cap, c->count + 1, sizeof *c->cells))
        return false;
    memmove(c->cells + at + 1, c->cells + at, (c->count - at) * sizeof *c->cells);
    c->cells[at] = cell;
    c->count++;
    return true;
}

static bool append(evr_columns *c, evr_cell_kind kind, uint32_t index, int32_t from, evr_str name)
{
    return insert(c, c->count, (evr_cell){kind, index, from, name});
}

static size_t written_at(const evr_columns *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (evr_str_is(evr_cell_trim(c->cells[i].name), name))
            return i;
    return SIZE_MAX;
}

/* What a column of this name is for. The first of several columns with one name counts. */
static evr_cell recognise(evr_columns *c, evr_str name, int32_t from, bool measured_by_legacy)
{
    evr_cell cell = {EVR_CELL_KEPT, 0, from, name};
    evr_str plain = evr_cell_trim(name);
    for (uint32_t i = 0; i < EVR_BASE_COLUMNS; i++)
        if (c->base[i] < 0 && evr_str_is(plain, evr_base_names[i])) {
            c->base[i] = from;
            return (evr_cell){EVR_CELL_BASE, i, from, name};
        }
    if (c->measured < 0 && evr_str_is(plain, measured_by_legacy ? LEGACY_MEASURED : EVR_NAME_MEASURED)) {
        c->measured = from;
        cell.kind = EVR_CELL_MEASURED;
        if (measured_by_legacy)
            cell.name = EVR_STR_LITERAL(EVR_NAME_MEASURED);
    } else if (c->profiled < 0 && evr_str_is(plain, EVR_NAME_PROFILED)) {
        c->profiled = from;
    } else if (c->ep_size < 0 && evr_str_is(plain, EVR_NAME_EP_SIZE)) {
        c->ep_size = from;
        cell.kind = EVR_CELL_EP_SIZE;
    } else if (evr_str_starts(plain, MEASURED_PREFIX)) {
        evr_str counter = evr_str_sub(plain, strlen(MEASURED_PREFIX), plain.len);
        for (uint32_t i = 0; i < EVR_COUNTERS; i++)
            if (evr_str_is(counter, evr_counter_names[i]))
                return (evr_cell){EVR_CELL_COUNTER, i, from, name};
    }
    return cell;
}

static bool is_dropped(evr_str name)
{
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        if (evr_str_is(evr_cell_trim(name), dropped[i]))
            return true;
    return false;
}

/* The duration's column stands behind those that describe the call when the file has none. */
static bool need_measured(evr_columns *c)
{
    size_t at = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->cells[i].kind == EVR_CELL_MEASURED)
            return true;
        if (c->cells[i].kind == EVR_CELL_BASE)
            at = i + 1;
    }
    c->same = false;
    return insert(c, at, (evr_cell){EVR_CELL_MEASURED, 0, -1, EVR_STR_LITERAL(EVR_NAME_MEASURED)});
}

/* A file that has what was profiled of a counter gets a column for what is measured of it. */
static bool need_counters(evr_columns *c)
{
    for (uint32_t i = 0; i < EVR_COUNTERS; i++) {
        size_t at = written_at(c, counter_columns[i][1]);
        if (at == SIZE_MAX || written_at(c, counter_columns[i][0]) != SIZE_MAX)
            continue;
        c->same = false;
        if (!insert(c, at, (evr_cell){EVR_CELL_COUNTER, i, -1, evr_str_c(counter_columns[i][0])}))
            return false;
    }
    return true;
}

/* What tells calls apart must be in the file, or a row added now would not be found again. A missing column gets its usual place. */
static bool need_base(evr_columns *c)
{
    static const uint32_t telling[] = {EVR_COL_INPUT_SHAPES, EVR_COL_INPUT_TYPES, EVR_COL_INPUT_FORMATS, EVR_COL_OUTPUT_SHAPES,
                                       EVR_COL_OUTPUT_TYPES};
    for (size_t k = 0; k < sizeof telling / sizeof *telling; k++) {
        size_t at = 0;
        if (c->base[telling[k]] >= 0)
            continue;
        for (size_t i = 0; i < c->count; i++)
            if (c->cells[i].kind == EVR_CELL_BASE && c->cells[i].index < telling[k])
                at = i + 1;
        c->same = false;
        if (!insert(c, at, (evr_cell){EVR_CELL_BASE, telling[k], -1, evr_str_c(evr_base_names[telling[k]])}))
            return false;
    }
    return true;
}

static bool need_ep_size(evr_columns *c)
{
    if (c->ep_size >= 0)
        return true;
    c->same = false;
    return append(c, EVR_CELL_EP_SIZE, 0, -1, EVR_STR_LITERAL(EVR_NAME_EP_SIZE));
}

bool evr_columns_read(evr_columns *c, const evr_csv *header, bool with_ep_size)
{
    bool legacy = evr_columns_find(header, EVR_NAME_MEASURED) < 0;
    size_t bytes = 0;
    c->width = header->count;
    c->same = true;
    for (size_t i = 0; i < header->count; i++)
        bytes += evr_csv_value(header, i).len;
    if (bytes && !evr_grow(c->ctx, (void **)&c->names.data, &c->names.cap, bytes + 1, 1)) /* names do not move afterwards */
        return false;
    for (size_t i = 0; i < header->count; i++) {
        size_t at = c->names.len;
        evr_buf_str(&c->names, evr_csv_value(header, i));
        evr_str name = evr_str_sub(evr_buf_view(&c->names), at, c->names.len);
        if (is_dropped(name)) {
            c->same = false;
            continue;
        }
        evr_cell cell = recognise(c, name, (int32_t)i, legacy);
        if (!insert(c, c->count, cell))
            return false;
    }
    return !c->names.failed && need_base(c) && need_measured(c) && need_counters(c) && (!with_ep_size || need_ep_size(c));
}

bool evr_columns_new(evr_columns *c, bool with_ep_size)
{
    for (uint32_t i = 0; i < EVR_BASE_COLUMNS; i++)
        if (!append(c, EVR_CELL_BASE, i, -1, evr_str_c(evr_base_names[i])))
            return false;
    for (size_t i = 0; i < sizeof new_durations / sizeof *new_durations; i++)
        if (!append(c, i ? EVR_CELL_KEPT : EVR_CELL_MEASURED, 0, -1, evr_str_c(new_durations[i])))
            return false;
    for (uint32_t i = 0; i < EVR_COUNTERS; i++)
        if (!append(c, EVR_CELL_COUNTER, i, -1, evr_str_c(counter_columns[i][0])) ||
            !append(c, EVR_CELL_KEPT, 0, -1, evr_str_c(counter_columns[i][1])))
            return false;
    return !with_ep_size || need_ep_size(c);
}

const char *evr_columns_lack(const evr_columns *c)
{
    static const evr_base_column required[] = {EVR_COL_INPUT_SHAPES, EVR_COL_INPUT_TYPES, EVR_COL_OUTPUT_SHAPES};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (c->base[required[i]] < 0)
            return evr_base_names[required[i]];
    return NULL;
}

int32_t evr_columns_find(const evr_csv *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++)
        if (evr_str_is(evr_cell_trim(evr_csv_value(header, i)), name))
            return (int32_t)i;
    return -1;
}

double evr_cell_number(evr_str cell)
{
    double value;
    return evr_str_to_f64(evr_cell_trim(cell), &value) ? value : 0;
}

bool evr_duration_valid(double us) { return isfinite(us) && us > 0; }

/* value * 10^6 rounded half to even, exactly: the 53 bits of a double times 10^6 fit 128. False when it has no such short form. */
static bool millionths(double value, uint64_t *out)
{
    int exponent;
    double fraction = frexp(value, &exponent);
    if (!(value > 0) || exponent > 40)
        return false;
    unsigned __int128 scaled = (unsigned __int128)(uint64_t)ldexp(fraction, 53) * 1000000;
    int shift = 53 - exponent; /* 13 at least */
    if (shift > 100) {
        *out = 0;
        return true;
    }
    unsigned __int128 whole = scaled >> shift, rest = scaled - (whole << shift), half = (unsigned __int128)1 << (shift - 1);
    *out = (uint64_t)whole + (rest > half || (rest == half && (whole & 1)));
    return true;
}

evr_str evr_number_text(double value, char text[EVR_NUMBER_TEXT])
{
    uint64_t scaled;
    if (!millionths(value, &scaled)) {
        int n = snprintf(text, EVR_NUMBER_TEXT, fabs(value) < 1e40 ? "%.6f" : "%.6e", value);
        return (evr_str){text, (size_t)n};
    }
    size_t at = EVR_NUMBER_TEXT;
    for (int digits = 0; digits < 7 || scaled; digits++) {
        if (digits == 6)
            text[--at] = '.';
        text[--at] = (char)('0' + scaled % 10);
        scaled /= 10;
    }
    return (evr_str){text + at, EVR_NUMBER_TEXT - at};
}
