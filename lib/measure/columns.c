#include "measure/columns.h"

#include "measure/protocol.h"

#define NUMBER EVR_COLUMN_NUMBER
#define COUNTER EVR_COLUMN_COUNT
#define POSITIVE EVR_COLUMN_POSITIVE
#define OF(type, member, as, unknown) {#member, offsetof(type, member), as, 0, unknown}
#define S(member, as) OF(evr_statistics, member, as, 0)
#define C(member, as) OF(evr_conditions, member, as, 0)
#define FLAG_OF(type, name, bit) {name, offsetof(type, flags), EVR_COLUMN_FLAG, bit, 0}

static const evr_column statistics_columns[] = {
    S(count, COUNTER),       S(median, NUMBER),   S(median_low, NUMBER), S(median_high, NUMBER), S(coverage, NUMBER),
    S(mad, NUMBER),          S(iqr, NUMBER),      S(q1, NUMBER),         S(q3, NUMBER),          S(min, NUMBER),
    S(max, NUMBER),          S(mean, NUMBER),     S(std, NUMBER),        S(drift, NUMBER),       S(correlation, NUMBER),
    S(dip, NUMBER),          S(mode_low, POSITIVE), S(mode_high, POSITIVE), S(mode_share, POSITIVE), S(outliers, COUNTER),
    FLAG_OF(evr_statistics, "drifts", EVR_STATISTICS_DRIFT),
    FLAG_OF(evr_statistics, "bimodal", EVR_STATISTICS_BIMODAL),
    FLAG_OF(evr_statistics, "correlated", EVR_STATISTICS_CORRELATED),
    FLAG_OF(evr_statistics, "few", EVR_STATISTICS_FEW),
};

static const evr_column conditions_columns[] = {
    C(batch, COUNTER),      C(flush_bytes, COUNTER),   C(warmup_calls, COUNTER), C(calls, COUNTER),
    C(discarded, COUNTER),  C(gate_timeouts, COUNTER), C(harness_ns, NUMBER),    C(tick_ns, POSITIVE),
    C(host_ns, NUMBER),     C(device_ns, NUMBER),      C(wall_ns, NUMBER),       OF(evr_conditions, precision, POSITIVE, -1),
    C(clock_mhz, POSITIVE), C(temperature_c, POSITIVE),
    FLAG_OF(evr_conditions, "imprecise", EVR_MEASUREMENT_IMPRECISE),
    FLAG_OF(evr_conditions, "unwarmed", EVR_MEASUREMENT_UNWARMED),
    FLAG_OF(evr_conditions, "throttled", EVR_MEASUREMENT_THROTTLED),
    FLAG_OF(evr_conditions, "coarse", EVR_MEASUREMENT_COARSE),
    FLAG_OF(evr_conditions, "launch_bound", EVR_MEASUREMENT_LAUNCH_BOUND),
    FLAG_OF(evr_conditions, "unstable_clock", EVR_MEASUREMENT_UNSTABLE_CLOCK),
};

#define ALL_OF(table) {table, sizeof table / sizeof *table}

const evr_columns evr_statistics_columns = ALL_OF(statistics_columns), evr_conditions_columns = ALL_OF(conditions_columns);

static void write_columns(evr_json_writer *w, const void *of, const evr_columns *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const evr_column *c = &table->columns[i];
        const void *at = (const char *)of + c->offset;
        double number = c->kind == NUMBER || c->kind == POSITIVE ? *(const double *)at : 0;
        evr_json_key(w, c->name);
        if (c->kind == EVR_COLUMN_FLAG)
            evr_json_bool(w, (*(const uint32_t *)at & c->bit) != 0);
        else if (c->kind == COUNTER)
            evr_json_u64(w, *(const uint64_t *)at);
        else if (c->kind == POSITIVE && !(number > c->not_known && number >= 0))
            evr_json_null(w);
        else
            evr_json_f64(w, number);
    }
}

void evr_statistics_write(evr_json_writer *w, const evr_statistics *s)
{
    evr_json_open(w, '{');
    write_columns(w, s, &evr_statistics_columns);
    evr_json_close(w, '}');
}

void evr_conditions_write(evr_json_writer *w, const evr_conditions *c)
{
    evr_json_open(w, '{');
    evr_json_key(w, "launch");
    evr_json_str(w, evr_str_c(evr_launch_name(c->launch)));
    evr_json_key(w, "gate");
    evr_json_str(w, evr_str_c(evr_gate_name(c->gate)));
    write_columns(w, c, &evr_conditions_columns);
    evr_json_close(w, '}');
}
