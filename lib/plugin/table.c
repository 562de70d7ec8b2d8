#include "plugin/table.h"

#include "base/error.h"

/* Offers boundaries until one is taken; the plug-in's error stays in *err when it fails for another reason. */
static evr_status negotiate(const evr_plugin_kind *kind, void *symbol, evr_host *host, void *table, evr_error **err)
{
    for (uint32_t abi = kind->newest_abi; abi >= 1; abi--) {
        evr_error_free(*err);
        *err = NULL;
        memset(table, 0, kind->table_size);
        ((evr_plugin_head *)table)->struct_size = (uint32_t)kind->table_size;
        host->abi = abi;
        evr_status status = kind->enter(symbol, abi, host, table, err);
        if (status != EVR_E_ABI)
            return status;
    }
    return EVR_E_ABI;
}

static evr_status refused(const evr_plugin_kind *kind, evr_status status, const evr_error *err, evr_buf *why)
{
    if (status == EVR_E_ABI) {
        evr_buf_printf(why, "it speaks none of the plug-in boundaries 1 to %u of this library", (unsigned)kind->newest_abi);
        return EVR_E_ABI;
    }
    evr_buf_printf(why, "it refused to start: %s", err ? evr_error_message(err) : evr_status_name(status));
    if (evr_error_hint(err)[0])
        evr_buf_printf(why, " (%s)", evr_error_hint(err));
    return status == EVR_E_NOMEM ? EVR_E_NOMEM : EVR_E_PLUGIN;
}

static bool slot_filled(const void *table, const evr_plugin_slot *slot)
{
    void *pointer;
    memcpy(&pointer, (const char *)table + slot->offset, sizeof pointer);
    return pointer != NULL;
}

static evr_status check(const evr_plugin_kind *kind, uint32_t agreed, void *table, evr_buf *why)
{
    const evr_plugin_head *head = table;
    if (head->abi != agreed || head->struct_size < sizeof *head) {
        evr_buf_printf(why, "it agreed to boundary %u and then filled a table of %u bytes for boundary %u",
                       (unsigned)agreed, (unsigned)head->struct_size, (unsigned)head->abi);
        return EVR_E_ABI;
    }
    if (head->struct_size < kind->table_size)
        memset((char *)table + head->struct_size, 0, kind->table_size - head->struct_size);
    size_t missing = 0;
    for (size_t i = 0; i < kind->required_count; i++)
        if (!slot_filled(table, &kind->required[i]))
            evr_buf_printf(why, "%s%s", missing++ ? ", " : "it lacks what every plug-in of its kind must have: ",
                           kind->required[i].name);
    return missing ? EVR_E_PLUGIN : EVR_OK;
}

evr_status evr_plugin_start(const evr_plugin_kind *kind, void *symbol, evr_host *host, void *table, evr_buf *why)
{
    evr_error *err = NULL;
    evr_status status = negotiate(kind, symbol, host, table, &err);
    if (status != EVR_OK) {
        status = refused(kind, status, err, why);
    } else {
        status = check(kind, host->abi, table, why);
        if (status != EVR_OK)
            kind->stop(table);
    }
    evr_error_free(err);
    return status;
}
