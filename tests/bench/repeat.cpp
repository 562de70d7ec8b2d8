// One trace many times over, as a longer profile of the same work would look.
#include "bench/peers.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <simdjson.h>
#include <string>
#include <vector>

#include <isa-l/igzip_lib.h>

using namespace simdjson;

namespace {

// A number in the text that differs between copies: its whole part, and by how much it grows.
struct Number {
    std::size_t at, len;
    std::uint64_t value;
    bool time;
};

struct Plan {
    std::size_t first = 0, last = 0; // the text of the events, without the brackets around them
    std::vector<Number> numbers;
    std::uint64_t span = 0, ids = 0;
};

class Writer {
public:
    Writer(const char *path, bool pack) : file(std::fopen(path, "wb")), packed(pack)
    {
        isal_deflate_init(&stream);
        stream.level = 1;
        stream.level_buf = level.get();
        stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
        stream.gzip_flag = IGZIP_GZIP;
        stream.flush = NO_FLUSH;
    }
    ~Writer()
    {
        if (file)
            std::fclose(file);
    }
    void put(const char *data, std::size_t len)
    {
        total += len;
        while (len) {
            std::size_t part = std::min(len, buffer.size() - used);
            std::memcpy(buffer.data() + used, data, part);
            used += part, data += part, len -= part;
            if (used == buffer.size())
                flush(false);
        }
    }
    bool finish()
    {
        flush(true);
        bool ok = file && !failed && std::fclose(file) == 0;
        file = nullptr;
        return ok;
    }
    std::uint64_t total = 0;

private:
    void write(const void *data, std::size_t len) { failed |= !file || std::fwrite(data, 1, len, file) != len; }
    void flush(bool end)
    {
        if (!packed) {
            write(buffer.data(), used);
            used = 0;
            return;
        }
        stream.next_in = reinterpret_cast<unsigned char *>(buffer.data());
        stream.avail_in = static_cast<std::uint32_t>(used);
        stream.end_of_stream = end;
        do {
            stream.next_out = out.data();
            stream.avail_out = static_cast<std::uint32_t>(out.size());
            if (isal_deflate(&stream) != COMP_OK)
                failed = true;
            write(out.data(), out.size() - stream.avail_out);
        } while (!failed && (stream.avail_in || stream.avail_out == 0 ||
                             (end && stream.internal_state.state != ZSTATE_END)));
        used = 0;
    }

    std::FILE *file;
    bool packed, failed = false;
    isal_zstream stream;
    std::unique_ptr<unsigned char[]> level{new unsigned char[ISAL_DEF_LVL1_DEFAULT]};
    std::vector<char> buffer = std::vector<char>(1 << 20);
    std::vector<unsigned char> out = std::vector<unsigned char>(1 << 20);
    std::size_t used = 0;
};

void note(Plan &plan, const char *text, std::string_view token, bool time)
{
    while (!token.empty() && (token.front() == '"' || token.front() == ' '))
        token.remove_prefix(1);
    std::size_t len = 0;
    std::uint64_t value = 0;
    while (len < token.size() && len < 18 && token[len] >= '0' && token[len] <= '9')
        value = value * 10 + static_cast<unsigned>(token[len++] - '0');
    if (!len || (!time && !value))
        return;
    plan.numbers.push_back({static_cast<std::size_t>(token.data() - text), len, value, time});
    if (!time && value < (std::uint64_t(1) << 40))
        plan.ids = std::max(plan.ids, value + 1);
}

void plan_event(Plan &plan, const char *text, ondemand::object event, double &lo, double &hi)
{
    double ts = -1, dur = 0;
    for (auto field : event) {
        std::string_view key = field.unescaped_key();
        ondemand::value value = field.value();
        if (key == "ts") {
            std::string_view token = value.raw_json_token();
            ts = std::strtod(std::string(token.data() + (token[0] == '"'), std::min<std::size_t>(token.size(), 40)).c_str(), nullptr);
            note(plan, text, token, true);
        } else if (key == "dur") {
            std::string_view token = value.raw_json_token();
            dur = std::strtod(std::string(token.data(), std::min<std::size_t>(token.size(), 40)).c_str(), nullptr);
        } else if (key == "id") {
            note(plan, text, value.raw_json_token(), false);
        } else if (key == "args" && ondemand::json_type(value.type()) == ondemand::json_type::object) {
            for (auto arg : value.get_object()) {
                std::string_view name = arg.unescaped_key();
                if (name == "correlation" || name == "External id" || name == "Sequence number" || name == "Ev Idx")
                    note(plan, text, arg.value().raw_json_token(), false);
            }
        }
    }
    if (ts > 0 && dur >= 0) {
        lo = std::min(lo, ts);
        hi = std::max(hi, ts + dur);
    }
}

// End of the object or array that starts at `at`.
std::size_t value_end(const bench_text *text, std::size_t at)
{
    int depth = 0;
    bool quoted = false;
    for (; at < text->len; at++) {
        char c = text->data[at];
        if (quoted && c == '\\')
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            return at + 1;
    }
    return text->len;
}

Plan make_plan(const bench_text *text)
{
    Plan plan;
    ondemand::parser parser;
    double lo = 1e300, hi = 0;
    std::size_t last = 0;
    ondemand::document doc = parser.iterate(text->data, text->len, text->cap);
    ondemand::array events = ondemand::json_type(doc.type()) == ondemand::json_type::array ? doc.get_array() : doc["traceEvents"].get_array();
    for (auto element : events) {
        ondemand::value value = element.value();
        std::string_view token = value.raw_json_token();
        last = static_cast<std::size_t>(token.data() - text->data);
        if (!plan.first)
            plan.first = last;
        if (token[0] != '{')
            continue;
        ondemand::object event = value.get_object();
        plan_event(plan, text->data, event, lo, hi);
    }
    plan.last = value_end(text, last);
    plan.span = hi > lo ? static_cast<std::uint64_t>(hi - lo) + 1000 : 1000;
    return plan;
}

void put_copy(Writer &out, const Plan &plan, const char *text, std::uint64_t copy)
{
    std::size_t at = plan.first;
    for (const Number &n : plan.numbers) {
        char digits[24];
        std::uint64_t value = n.value + copy * (n.time ? plan.span : n.value < (std::uint64_t(1) << 40) ? plan.ids : 0);
        out.put(text + at, n.at - at);
        out.put(digits, static_cast<std::size_t>(std::snprintf(digits, sizeof digits, "%llu", static_cast<unsigned long long>(value))));
        at = n.at + n.len;
    }
    out.put(text + at, plan.last - at);
}

} // namespace

std::uint64_t bench_repeat(const bench_text *text, std::uint64_t times, const char *path)
{
    try {
        Plan plan = make_plan(text);
        std::size_t len = std::strlen(path);
        Writer out(path, len < 5 || std::strcmp(path + len - 5, ".json") != 0);
        out.put(text->data, plan.first);
        for (std::uint64_t copy = 0; copy < times; copy++) {
            if (copy)
                out.put(",\n", 2);
            put_copy(out, plan, text->data, copy);
        }
        out.put(text->data + plan.last, text->len - plan.last);
        return out.finish() ? out.total : 0;
    } catch (const simdjson_error &e) {
        std::fprintf(stderr, "simdjson: %s\n", e.what());
        return 0;
    }
}
