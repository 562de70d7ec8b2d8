// Exceptions become errors here, and nowhere else.
#include "bridge.h"

#include <cstring>
#include <new>

namespace evr_torch
{

void Warnings::process(const c10::Warning &warning)
{
    last = warning.msg();
    if (host_->log)
        host_->log(host_->user, EVR_LOG_WARNING, last.c_str());
}

// The allocator of the CPU has no exception type of its own for this.
static bool is_out_of_memory(const char *message) { return std::strstr(message, "DefaultCPUAllocator: ") != nullptr; }

static const char *const memory_hint = "free memory on the device, or replay a record that needs less";

static evr_status fail(const Bridge &bridge, evr_error **err, evr_status code, const char *message, const char *hint)
{
    return bridge.host->error(bridge.host->user, err, code, message, hint && *hint ? hint : nullptr);
}

evr_status report(const Bridge &bridge, evr_error **err, evr_status raised) noexcept
{
    try {
        throw;
    } catch (const Failure &e) {
        return fail(bridge, err, e.code, e.what(), e.hint.c_str());
    } catch (const c10::OutOfMemoryError &e) {
        return fail(bridge, err, EVR_E_NOMEM, e.what_without_backtrace(), memory_hint);
    } catch (const std::bad_alloc &) {
        return fail(bridge, err, EVR_E_NOMEM, "out of memory", memory_hint);
    } catch (const c10::NotImplementedError &e) {
        return fail(bridge, err, raised, e.what_without_backtrace(),
                    "the operator, or one it calls, has no kernel for these arguments: try another device or torch");
    } catch (const c10::Error &e) {
        const char *message = e.what_without_backtrace();
        if (is_out_of_memory(message))
            return fail(bridge, err, EVR_E_NOMEM, message, memory_hint);
        return fail(bridge, err, raised, message, nullptr);
    } catch (const std::exception &e) {
        return fail(bridge, err, raised, e.what(), nullptr);
    } catch (...) {
        return fail(bridge, err, raised, "an exception of a type unknown here was thrown", nullptr);
    }
}

} // namespace evr_torch
