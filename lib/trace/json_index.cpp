#include "trace/json_index.h"

#include <cstdio>
#include <new>
#include <simdjson.h>

// simdjson's first stage is used by itself: it finds structure and checks text at memory speed, and does not care whether the
// text is a whole document, which is what reading a large file in windows needs.
struct evr_json_indexer {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
    std::size_t capacity = 0;
};

evr_json_indexer *evr_json_indexer_new(void)
{
    return new (std::nothrow) evr_json_indexer;
}

void evr_json_indexer_free(evr_json_indexer *indexer)
{
    delete indexer;
}

static evr_json_problem reserve(evr_json_indexer *indexer, std::size_t len)
{
    if (len <= indexer->capacity && indexer->stage)
        return EVR_JSON_GOOD;
    if (len > simdjson::SIMDJSON_MAXSIZE_BYTES - 64)
        return EVR_JSON_TOO_LONG;
    std::size_t capacity = len < 4096 ? 4096 : len + len / 8;
    if (capacity > simdjson::SIMDJSON_MAXSIZE_BYTES - 64)
        capacity = simdjson::SIMDJSON_MAXSIZE_BYTES - 64;
    indexer->stage.reset();
    indexer->capacity = 0;
    auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, indexer->stage);
    if (error)
        return error == simdjson::MEMALLOC ? EVR_JSON_NO_MEMORY : EVR_JSON_DEFECT;
    indexer->capacity = capacity;
    return EVR_JSON_GOOD;
}

evr_json_problem evr_json_indexer_run(evr_json_indexer *indexer, const char *text, size_t len, const uint32_t **index,
                                      size_t *count)
{
    *index = nullptr;
    *count = 0;
    if (len == 0)
        return EVR_JSON_EMPTY;
    if (evr_json_problem problem = reserve(indexer, len); problem != EVR_JSON_GOOD)
        return problem;
    auto bytes = reinterpret_cast<const std::uint8_t *>(text);
    auto error = indexer->stage->stage1(bytes, len, simdjson::stage1_mode::regular);
    switch (error) {
    case simdjson::SUCCESS: break;
    case simdjson::EMPTY: return EVR_JSON_EMPTY;
    case simdjson::UNCLOSED_STRING: return EVR_JSON_OPEN_STRING;
    case simdjson::UTF8_ERROR: return EVR_JSON_BAD_UTF8;
    case simdjson::UNESCAPED_CHARS: return EVR_JSON_BAD_CONTROL;
    case simdjson::CAPACITY: return EVR_JSON_TOO_LONG;
    default: return EVR_JSON_DEFECT;
    }
    *index = indexer->stage->structural_indexes.get();
    *count = indexer->stage->n_structural_indexes;
    return EVR_JSON_GOOD;
}

void evr_json_indexer_describe(char *out, size_t cap)
{
    std::snprintf(out, cap, "simdjson %d.%d.%d (%s)", simdjson::SIMDJSON_VERSION_MAJOR, simdjson::SIMDJSON_VERSION_MINOR,
                  simdjson::SIMDJSON_VERSION_REVISION, simdjson::get_active_implementation()->name().c_str());
}
