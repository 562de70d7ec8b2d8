/* Compares the hand-made declarations of backends/hip/runtime.h with AMD's own headers. It is compiled where those are
 * installed, and that is the whole test. */
#define __HIP_PLATFORM_AMD__ 1
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma GCC diagnostic ignored "-Wenum-compare"
#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>

extern "C" {
#include "hip/runtime.h"
}

#include <type_traits>

/* Passed alike: pointers as pointers to what is alike or is told apart by name alone, numbers and enumerations by size. */
template <class A, class B> struct alike {
    static constexpr bool numbers()
    {
        if constexpr ((std::is_integral_v<A> || std::is_enum_v<A>)&&(std::is_integral_v<B> || std::is_enum_v<B>))
            return sizeof(A) == sizeof(B);
        else
            return false;
    }
    static constexpr bool value = std::is_same_v<A, B> || numbers();
};
template <class A, class B> struct alike<A *, B *> {
    using a = std::remove_cv_t<A>;
    using b = std::remove_cv_t<B>;
    static constexpr bool opaque = std::is_void_v<a> || std::is_void_v<b>;
    static constexpr bool value = opaque || alike<a, b>::value;
};
template <class R, class... A, class S, class... B> struct alike<R (*)(A...), S (*)(B...)> {
    static constexpr bool arguments()
    {
        if constexpr (sizeof...(A) == sizeof...(B))
            return (alike<A, B>::value && ...);
        else
            return false;
    }
    static constexpr bool value = alike<R, S>::value && arguments();
};

#define F(member, function, required)                                                                                      \
    static_assert(alike<decltype(gpu_calls::member), decltype(&function)>::value, #function);
HIP_SHARED(F)
#undef F
#define F(member, function, required, result, arguments)                                                                   \
    static_assert(alike<decltype(hip_runtime::member), decltype(&function)>::value, #function);
HIP_RUNTIME(F)
#undef F
#define F(member, function, required, result, arguments)                                                                   \
    static_assert(alike<decltype(hip_compiler::member), decltype(&function)>::value, #function);
HIP_COMPILER(F)
#undef F

/* What the comparison must not let pass. */
static_assert(!alike<int (*)(void *), int (*)(void *, void *)>::value);
static_assert(!alike<int (*)(void *, uint32_t), int (*)(void *, uint64_t)>::value);
static_assert(!alike<int (*)(void *), int (*)(int)>::value);
static_assert(!alike<int (*)(int *), int (*)(size_t *)>::value);

static_assert(HIP_CLOCK_KHZ == hipDeviceAttributeClockRate);
static_assert(HIP_L2_BYTES == hipDeviceAttributeL2CacheSize);
static_assert(HIP_MAJOR == hipDeviceAttributeComputeCapabilityMajor);
static_assert(HIP_MINOR == hipDeviceAttributeComputeCapabilityMinor);
static_assert(HIP_MEMORY_CLOCK_KHZ == hipDeviceAttributeMemoryClockRate);
static_assert(HIP_PROCESSORS == hipDeviceAttributeMultiprocessorCount);
static_assert(HIP_CAN_WAIT_VALUE == hipDeviceAttributeCanUseStreamWaitValue);
static_assert(HIP_MALLOC_DEFAULT == hipDeviceMallocDefault);
static_assert(HIP_MALLOC_SIGNAL == hipMallocSignalMemory);
static_assert(unsigned(HIP_EVENT_RELEASE_TO_DEVICE) == unsigned(hipEventReleaseToDevice));
static_assert(GPU_OK == hipSuccess && GPU_OUT_OF_MEMORY == hipErrorOutOfMemory && GPU_NO_DEVICE == hipErrorNoDevice);
static_assert(GPU_NOT_SUPPORTED == hipErrorNotSupported);
static_assert(GPU_CAPTURE_FIRST == hipErrorStreamCaptureUnsupported &&
              GPU_CAPTURE_LAST == hipErrorStreamCaptureWrongThread);
static_assert(GPU_STREAM_NON_BLOCKING == hipStreamNonBlocking);
static_assert(GPU_CAPTURE_RELAXED == hipStreamCaptureModeRelaxed);
static_assert(GPU_WAIT_GEQ == hipStreamWaitValueGte);

int main() { return 0; }
