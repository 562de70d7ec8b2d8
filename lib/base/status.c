#include <evreplay/base.h>

#include "base/error.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

static const struct {
    evr_status code;
    const char *name;
} names[] = {
#define NAME(code) {code, #code}
    NAME(EVR_OK),          NAME(EVR_E_INVALID),   NAME(EVR_E_NOMEM),         NAME(EVR_E_IO),
    NAME(EVR_E_FORMAT),    NAME(EVR_E_TRUNCATED), NAME(EVR_E_UNSUPPORTED),   NAME(EVR_E_NOT_FOUND),
    NAME(EVR_E_LIMIT),     NAME(EVR_E_ABI),       NAME(EVR_E_STATE),         NAME(EVR_E_CANCELLED),
    NAME(EVR_E_PLUGIN),    NAME(EVR_E_NO_DEVICE), NAME(EVR_E_OP),            NAME(EVR_E_NO_SCHEMA),
    NAME(EVR_E_MISSING_VALUE), NAME(EVR_E_TOO_LARGE), NAME(EVR_E_NOT_REPLAYABLE), NAME(EVR_E_INTERNAL),
#undef NAME
};

const char *evr_status_name(evr_status status)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == status)
            return names[i].name;
    return "EVR_E_UNKNOWN";
}

uint32_t evr_version(void)
{
    return (uint32_t)EVR_VERSION_MAJOR << 16 | (uint32_t)EVR_VERSION_MINOR << 8 | (uint32_t)EVR_VERSION_PATCH;
}

const char *evr_version_string(void)
{
    return TEXT(EVR_VERSION_MAJOR) "." TEXT(EVR_VERSION_MINOR) "." TEXT(EVR_VERSION_PATCH);
}

evr_status evr_abi_check(uint32_t abi, evr_error **err)
{
    if (err)
        *err = NULL;
    if (abi == EVR_ABI_VERSION)
        return EVR_OK;
    evr_fail(NULL, err, EVR_E_ABI, "this program was compiled for ABI %u of libevreplay, the library found is ABI %u (%s)",
             abi, EVR_ABI_VERSION, evr_version_string());
    return evr_hint(err, "compile the program against the installed headers, or install the library it was made for") ;
}
