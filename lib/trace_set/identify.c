/* Which rank a trace is, and what its clock counts from. */
#include "trace/json.h"
#include "trace_set/set.h"

#include <ctype.h>
#include <strings.h>

/* The number behind the last "rank" of the file's name: rank3.json, x_rank-12.pt.trace.json.gz, host.rank_0.json */
static bool rank_of_name(const char *path, int32_t *rank)
{
    const char *slash = strrchr(path, '/'), *found = NULL;
    for (const char *p = slash ? slash + 1 : path; *p; p++) {
        if (tolower((unsigned char)p[0]) == 'r' && strncasecmp(p, "rank", 4) == 0) {
            const char *digits = p + 4 + (p[4] == '_' || p[4] == '-' || p[4] == '.' || p[4] == '=');
            found = isdigit((unsigned char)*digits) ? digits : found;
        }
    }
    int64_t value = 0;
    for (const char *p = found; p && isdigit((unsigned char)*p) && value < INT32_MAX; p++)
        value = value * 10 + (*p - '0');
    *rank = (int32_t)value;
    return found && value < INT32_MAX;
}

static bool small_number(evr_str raw, int32_t *out)
{
    int64_t value;
    if (!evr_json_to_i64(raw, &value) || value < 0 || value >= INT32_MAX)
        return false;
    *out = (int32_t)value;
    return true;
}

static evr_status read_distributed(evr_trace_set *set, evr_member *member, evr_error **err)
{
    evr_str text = evr_trace_metadata(member->trace, EVR_STR_LITERAL("distributedInfo"));
    evr_json_doc doc = {0};
    evr_str key;
    bool first = true;
    evr_status status = text.len ? evr_json_doc_open(set->ctx, &doc, text, NULL) : EVR_E_NOT_FOUND;
    if (status != EVR_OK) /* what is no JSON the reader has kept as it stood; the name of the file may tell */
        return status == EVR_E_NOMEM ? evr_fail_nomem(err) : EVR_OK;
    evr_json *j = &doc.cursor;
    for (evr_json_enter(j, '{'); !j->problem && evr_json_next_field(j, &first, &key);) {
        evr_str value = evr_json_raw_value(j);
        if (evr_str_is(key, "rank"))
            member->has_rank = small_number(value, &member->info.rank);
        else if (evr_str_is(key, "world_size"))
            small_number(value, &member->info.world_size);
    }
    evr_json_doc_close(&doc);
    return EVR_OK;
}

evr_status evr_set_identify(evr_trace_set *set, evr_member *member, evr_error **err)
{
    EVR_TRY(read_distributed(set, member, err));
    if (!member->has_rank)
        member->has_rank = rank_of_name(member->path, &member->info.rank);
    evr_str host = evr_trace_metadata(member->trace, EVR_STR_LITERAL("host_name"));
    if (host.len > 2 && host.data[0] == '"')
        member->info.host = (evr_str){host.data + 1, host.len - 2};
    member->has_base = evr_json_to_i64(evr_trace_metadata(member->trace, EVR_STR_LITERAL("baseTimeNanoseconds")), &member->base);
    member->info.trace = member->trace;
    member->info.path = evr_str_c(member->path);
    return EVR_OK;
}
