#include "support/notation.h"

#include <stdbool.h>

static void add_tensor(char *out, const char *text, size_t len)
{
    const char *open = memchr(text, '[', len);
    sprintf(out + strlen(out), "{\"shape\":%.*s,\"dtype\":\"%.*s\",\"init\":null}", (int)(text + len - open), open, (int)(open - text), text);
}

static void add_value(char *out, const char *type, const char *value, size_t len)
{
    bool tensor = strncmp(type, "Tensor", 6) == 0 && memchr(value, '[', len);
    if (!tensor) {
        sprintf(out + strlen(out), "%.*s", (int)len, value);
    } else if (value[0] != '<') {
        add_tensor(out, value, len);
    } else { /* <a[1]|b[2]> */
        strcat(out, "[");
        for (const char *p = value + 1, *end = value + len - 1; p < end;) {
            size_t n = strcspn(p, "|>");
            if (strncmp(p, "null", n) == 0)
                strcat(out, "null");
            else
                add_tensor(out, p, n);
            p += n + 1;
            if (p < end)
                strcat(out, ",");
        }
        strcat(out, "]");
    }
}

evr_ir_set *test_records(evr_context *ctx, const char *op, const char *arguments)
{
    static char json[8192];
    bool kwargs = false, first = true;
    sprintf(json, "[{\"op_name\":\"%s\",\"replay_ir\":{\"list_pos_args\":[", op);
    for (const char *p = arguments; *p;) {
        if (*p == '*') {
            strcat(json, "],\"list_kwargs\":[");
            kwargs = first = true;
            p++;
        }
        size_t name = strcspn(p, "="), type = strcspn(p + name + 1, ":"), value = strcspn(p + name + type + 2, ";");
        sprintf(json + strlen(json), "%s{\"arg_name\":\"%.*s\",\"arg_type\":\"%.*s\",\"value\":", first ? "" : ",", (int)name, p, (int)type,
                p + name + 1);
        add_value(json, p + name + 1, p + name + type + 2, value);
        strcat(json, "}");
        first = false;
        p += name + type + 2 + value;
        p += *p == ';';
    }
    strcat(json, kwargs ? "]}}]" : "],\"list_kwargs\":[]}}]");
    evr_ir_set *set = NULL;
    evr_error *err = NULL;
    if (evr_ir_read(ctx, json, strlen(json), &set, &err) != EVR_OK)
        fail_msg("%s: %s", json, evr_error_message(err));
    return set;
}
