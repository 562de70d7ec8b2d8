#include "bench/peers.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <simdjson.h>

#include <isa-l/igzip_lib.h>

static bool reserve(bench_text *t, std::size_t need)
{
    need += simdjson::SIMDJSON_PADDING;
    if (need <= t->cap)
        return true;
    std::size_t cap = need + need / 2;
    void *grown = std::realloc(t->data, cap);
    if (!grown)
        return false;
    t->data = static_cast<char *>(grown);
    t->cap = cap;
    return true;
}

void bench_text_free(bench_text *text)
{
    std::free(text->data);
    *text = {};
}

int bench_read_file(const char *path, bench_text *out)
{
    std::FILE *f = std::fopen(path, "rb");
    if (!f)
        return -1;
    out->len = 0;
    std::size_t got = 0;
    do {
        out->len += got;
        if (!reserve(out, out->len + (1 << 20)))
            break;
        got = std::fread(out->data + out->len, 1, out->cap - out->len - simdjson::SIMDJSON_PADDING, f);
    } while (got > 0);
    std::fclose(f);
    return got == 0 ? 0 : -1;
}

int bench_inflate(const bench_text *packed, bench_text *out)
{
    auto bytes = reinterpret_cast<unsigned char *>(packed->data);
    if (packed->len < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b) {
        if (!reserve(out, packed->len))
            return -1;
        std::memcpy(out->data, packed->data, packed->len);
        out->len = packed->len;
        return 0;
    }
    static inflate_state state;
    out->len = 0;
    std::size_t at = 0;
    while (at < packed->len) {
        isal_inflate_init(&state);
        state.crc_flag = ISAL_GZIP;
        state.next_in = bytes + at;
        state.avail_in = static_cast<std::uint32_t>(packed->len - at);
        do {
            if (!reserve(out, out->len + (std::size_t(8) << 20)))
                return -1;
            std::size_t room = out->cap - out->len - simdjson::SIMDJSON_PADDING;
            std::uint32_t give = room > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(room);
            state.next_out = reinterpret_cast<unsigned char *>(out->data + out->len);
            state.avail_out = give;
            int rc = isal_inflate(&state);
            out->len += give - state.avail_out;
            if (rc != ISAL_DECOMP_OK && rc != ISAL_END_INPUT)
                return -1;
            if (state.avail_in == 0 && state.avail_out > 0 && state.block_state != ISAL_BLOCK_FINISH)
                return -1;
        } while (state.block_state != ISAL_BLOCK_FINISH);
        at = packed->len - state.avail_in;
    }
    return 0;
}

using namespace simdjson;

// Reads what anyone needs of an event and passes over the rest, field by field.
static void walk_event(ondemand::object event, double *sum)
{
    for (auto field : event) {
        std::string_view key = field.unescaped_key();
        ondemand::value value = field.value();
        if (key == "name") {
            std::string_view name;
            if (!value.get_string().get(name))
                *sum += static_cast<double>(name.size());
        } else if (key == "ts" || key == "dur") {
            double number;
            if (!value.get_double().get(number) || !value.get_double_in_string().get(number))
                *sum += number;
        } else if (key == "args") {
            ondemand::object args;
            if (value.get_object().get(args))
                continue;
            for (auto arg : args)
                *sum += static_cast<double>(std::string_view(arg.unescaped_key()).size());
        }
    }
}

static std::int64_t walk_events(ondemand::array events, double *sum)
{
    std::int64_t count = 0;
    for (auto element : events) {
        ondemand::object event;
        count++;
        if (!element.get_object().get(event))
            walk_event(event, sum);
    }
    return count;
}

std::int64_t bench_walk(const bench_text *text, double *sum)
{
    static ondemand::parser parser;
    *sum = 0;
    try {
        ondemand::document doc = parser.iterate(text->data, text->len, text->cap);
        if (ondemand::json_type(doc.type()) == ondemand::json_type::array)
            return walk_events(doc.get_array(), sum);
        std::int64_t count = 0;
        for (auto field : doc.get_object()) // every top-level field, as a reader of metadata must
            if (std::string_view(field.unescaped_key()) == "traceEvents")
                count += walk_events(field.value().get_array(), sum);
        return count;
    } catch (const simdjson_error &e) {
        std::fprintf(stderr, "simdjson: %s\n", e.what());
        return -1;
    }
}
