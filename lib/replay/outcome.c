/* What a failure to replay counts as. */
#include <evreplay/replay.h>

static const struct {
    evr_status status;
    int32_t reason;
} reasons[] = {
    {EVR_E_NOT_FOUND, EVR_REASON_NO_SUCH_OP},
    {EVR_E_NO_SCHEMA, EVR_REASON_NO_SCHEMA_MATCH},
    {EVR_E_INVALID, EVR_REASON_NO_SCHEMA_MATCH},
    {EVR_E_MISSING_VALUE, EVR_REASON_MISSING_VALUES},
    {EVR_E_UNSUPPORTED, EVR_REASON_NO_KERNEL_FOR_DEVICE},
    {EVR_E_NO_DEVICE, EVR_REASON_NO_KERNEL_FOR_DEVICE},
    {EVR_E_TOO_LARGE, EVR_REASON_TOO_LARGE},
    {EVR_E_NOMEM, EVR_REASON_TOO_LARGE},
};

void evr_replay_outcome(evr_status status, const evr_error *err, int32_t *outcome, int32_t *reason)
{
    (void)err;
    *outcome = status == EVR_OK ? EVR_STATUS_OK : EVR_STATUS_FAILED;
    *reason = status == EVR_OK ? EVR_REASON_NONE : EVR_REASON_OP_ERROR;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            *reason = reasons[i].reason;
}
