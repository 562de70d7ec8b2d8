#include "schema/scan.h"

bool evr_scan_take(evr_scan *s, const char *word)
{
    evr_scan_space(s);
    size_t len = strlen(word);
    if (s->text.len - s->at < len || memcmp(s->text.data + s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

evr_status evr_scan_fail(evr_scan *s, const char *wanted)
{
    evr_str rest = evr_str_sub(s->text, s->at, s->at + 24);
    evr_fail(s->arena->ctx, s->err, EVR_E_FORMAT, "schema: %s was expected at byte %zu, before \"%.*s\"", wanted, s->at,
             EVR_STR_ARG(rest));
    evr_hint(s->err, "schemas look like: aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor");
    evr_at_offset(s->err, (int64_t)s->at);
    return EVR_E_FORMAT;
}

evr_status evr_scan_expect(evr_scan *s, const char *word)
{
    return evr_scan_take(s, word) ? EVR_OK : evr_scan_fail(s, word);
}

evr_str evr_scan_name(evr_scan *s, const char *more)
{
    evr_scan_space(s);
    size_t from = s->at;
    for (; s->at < s->text.len; s->at++) {
        char c = s->text.data[s->at];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!plain && !(c && strchr(more, c)))
            break;
    }
    return evr_str_sub(s->text, from, s->at);
}

evr_str evr_scan_since(const evr_scan *s, size_t from)
{
    return evr_str_trim(evr_str_sub(s->text, from, s->at));
}
