#include "tensors.h"

#include "devices.h"

#include <ATen/DLConvertor.h>
#include <ATen/EmptyTensor.h>
#include <ATen/Functions.h>
#include <c10/core/ScalarType.h>
#include <c10/core/TensorOptions.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace evr_torch
{

namespace
{

// Types that tensors can be made of, and the proof that both sides number them alike.
struct Dtype {
    int32_t number;
    c10::ScalarType type;
};

constexpr Dtype dtypes[] = {
    {EVR_DTYPE_UINT8, c10::ScalarType::Byte},
    {EVR_DTYPE_INT8, c10::ScalarType::Char},
    {EVR_DTYPE_INT16, c10::ScalarType::Short},
    {EVR_DTYPE_INT32, c10::ScalarType::Int},
    {EVR_DTYPE_INT64, c10::ScalarType::Long},
    {EVR_DTYPE_FLOAT16, c10::ScalarType::Half},
    {EVR_DTYPE_FLOAT32, c10::ScalarType::Float},
    {EVR_DTYPE_FLOAT64, c10::ScalarType::Double},
    {EVR_DTYPE_COMPLEX32, c10::ScalarType::ComplexHalf},
    {EVR_DTYPE_COMPLEX64, c10::ScalarType::ComplexFloat},
    {EVR_DTYPE_COMPLEX128, c10::ScalarType::ComplexDouble},
    {EVR_DTYPE_BOOL, c10::ScalarType::Bool},
    {EVR_DTYPE_BFLOAT16, c10::ScalarType::BFloat16},
    {EVR_DTYPE_FLOAT8_E5M2, c10::ScalarType::Float8_e5m2},
    {EVR_DTYPE_FLOAT8_E4M3FN, c10::ScalarType::Float8_e4m3fn},
    {EVR_DTYPE_FLOAT8_E5M2FNUZ, c10::ScalarType::Float8_e5m2fnuz},
    {EVR_DTYPE_FLOAT8_E4M3FNUZ, c10::ScalarType::Float8_e4m3fnuz},
    {EVR_DTYPE_UINT16, c10::ScalarType::UInt16},
    {EVR_DTYPE_UINT32, c10::ScalarType::UInt32},
    {EVR_DTYPE_UINT64, c10::ScalarType::UInt64},
    {EVR_DTYPE_FLOAT8_E8M0FNU, c10::ScalarType::Float8_e8m0fnu},
    {EVR_DTYPE_FLOAT4_E2M1FN_X2, c10::ScalarType::Float4_e2m1fn_x2},
};

static_assert(std::all_of(std::begin(dtypes), std::end(dtypes),
                          [](const Dtype &d) { return d.number == static_cast<int32_t>(d.type); }));

c10::ScalarType need_dtype(int32_t number)
{
    const auto *found =
        std::find_if(std::begin(dtypes), std::end(dtypes), [&](const Dtype &d) { return d.number == number; });
    if (found == std::end(dtypes))
        throw Failure(EVR_E_UNSUPPORTED, "tensors of element type " + std::to_string(number) + " cannot be made",
                      "quantized and unknown element types need more than a storage");
    return found->type;
}

[[noreturn]] void bad_shape(const std::string &why) { throw Failure(EVR_E_INVALID, "tensor_new: " + why); }

// Strides of the description, or those of a contiguous tensor where it has none.
std::vector<int64_t> strides_of(const evr_tensor &what)
{
    if (what.strides || what.rank == 0)
        return {what.strides, what.strides + what.rank};
    std::vector<int64_t> strides(what.rank);
    int64_t step = 1;
    for (size_t i = what.rank; i-- > 0;) {
        strides[i] = step;
        if (__builtin_mul_overflow(step, std::max<int64_t>(what.shape[i], 1), &step))
            bad_shape("the sizes overflow");
    }
    return strides;
}

// Elements from the start of the storage to the last one that is reached.
int64_t reach(std::span<const int64_t> shape, std::span<const int64_t> strides, int64_t offset)
{
    int64_t last = offset, count = 1;
    bool empty = false, overflow = false;
    for (size_t i = 0; i < shape.size(); i++) {
        if (shape[i] < 0)
            bad_shape("size " + std::to_string(shape[i]) + " of dimension " + std::to_string(i) + " is negative");
        if (strides[i] < 0)
            bad_shape("stride " + std::to_string(strides[i]) + " of dimension " + std::to_string(i) +
                      " is negative, which torch does not have");
        empty |= shape[i] == 0;
    }
    if (offset < 0)
        bad_shape("the storage offset is negative");
    if (empty)
        return 0;
    for (size_t i = 0; i < shape.size(); i++) {
        int64_t extent = 0;
        overflow |= __builtin_mul_overflow(count, shape[i], &count);
        overflow |= __builtin_mul_overflow(shape[i] - 1, strides[i], &extent);
        overflow |= __builtin_add_overflow(last, extent, &last);
    }
    if (overflow || __builtin_add_overflow(last, 1, &last))
        bad_shape("sizes and strides overflow");
    return last;
}

at::Tensor make_tensor(const evr_tensor &what, c10::Device device)
{
    const c10::ScalarType dtype = need_dtype(what.dtype);
    if (what.rank && !what.shape)
        bad_shape("there is a rank but no shape");
    const std::span<const int64_t> shape(what.shape, what.rank);
    const std::vector<int64_t> strides = strides_of(what);
    if (what.storage_elements < 0)
        bad_shape("the storage has a negative size");
    const int64_t elements = std::max(what.storage_elements, reach(shape, strides, what.storage_offset));
    int64_t bytes = 0;
    if (__builtin_mul_overflow(elements, static_cast<int64_t>(c10::elementSize(dtype)), &bytes))
        bad_shape("the storage is larger than memory can be");
    const at::Tensor storage = at::empty({bytes}, at::TensorOptions().dtype(c10::kByte).device(device));
    at::Tensor tensor = at::empty({0}, at::TensorOptions().dtype(dtype).device(device));
    c10::TensorImpl *impl = tensor.unsafeGetTensorImpl();
    impl->set_storage_keep_dtype(storage.storage());
    impl->set_sizes_and_strides(c10::IntArrayRef(shape.data(), shape.size()), strides, what.storage_offset);
    return tensor;
}

const c10::Storage &need_storage(const evr_bridge_tensor &handle)
{
    if (!handle.tensor.has_storage())
        throw Failure(EVR_E_UNSUPPORTED,
                      "a tensor of layout " + c10::str(handle.tensor.layout()) + " has no storage to copy");
    if (handle.tensor.is_meta())
        throw Failure(EVR_E_UNSUPPORTED, "a tensor on the meta device has no contents");
    return handle.tensor.storage();
}

// A piece of the storage as bytes, sharing its memory.
at::Tensor bytes_of(const c10::Storage &storage, uint64_t offset, uint64_t size)
{
    if (offset > storage.nbytes() || size > storage.nbytes() - offset)
        throw Failure(EVR_E_INVALID, "bytes " + std::to_string(offset) + " to " + std::to_string(offset + size) +
                                         " are outside a storage of " + std::to_string(storage.nbytes()));
    at::Tensor bytes = at::empty({0}, at::TensorOptions().dtype(c10::kByte).device(storage.device()));
    c10::TensorImpl *impl = bytes.unsafeGetTensorImpl();
    impl->set_storage_keep_dtype(storage);
    const int64_t length = static_cast<int64_t>(size), step = 1;
    impl->set_sizes_and_strides(c10::IntArrayRef(&length, 1), c10::IntArrayRef(&step, 1), static_cast<int64_t>(offset));
    return bytes;
}

at::Tensor host_bytes(const void *memory, uint64_t size)
{
    return at::from_blob(const_cast<void *>(memory), {static_cast<int64_t>(size)}, at::TensorOptions().dtype(c10::kByte));
}

at::Tensor clone_of(const evr_bridge_tensor &handle)
{
    const at::Tensor &from = handle.tensor;
    if (!from.has_storage())
        return from.clone();
    const int64_t size = static_cast<int64_t>(from.storage().nbytes());
    const at::Tensor storage = at::empty({size}, at::TensorOptions().dtype(c10::kByte).device(from.device()));
    if (!from.is_meta())
        storage.copy_(bytes_of(from.storage(), 0, from.storage().nbytes()));
    at::Tensor to = from.alias(); // keeps element type, shape, conjugation and layout; only the memory below it changes
    to.unsafeGetTensorImpl()->set_storage_keep_dtype(storage.storage());
    return to;
}

} // namespace

evr_status tensor_new(void *self, const evr_tensor *what, evr_device device, evr_bridge_tensor **out, evr_error **err)
{
    *out = nullptr;
    return guarded(self, err, EVR_E_INVALID, [&](Bridge &bridge) {
        if (!what || what->struct_size < offsetof(evr_tensor, dtype_text))
            throw Failure(EVR_E_INVALID, "tensor_new: the description is missing or of an unknown struct_size");
        *out = new evr_bridge_tensor(make_tensor(*what, need_device(bridge, device)));
    });
}

void tensor_free(void *self, evr_bridge_tensor *tensor)
{
    guarded(self, nullptr, EVR_E_INTERNAL, [&](Bridge &) { delete tensor; });
}

static void contiguous_strides(evr_bridge_tensor &handle)
{
    const c10::IntArrayRef sizes = handle.tensor.sizes();
    handle.strides.resize(sizes.size());
    int64_t step = 1;
    for (size_t i = sizes.size(); i-- > 0;) {
        handle.strides[i] = step;
        step *= std::max<int64_t>(sizes[i], 1);
    }
}

evr_status tensor_info(void *self, evr_bridge_tensor *tensor, evr_tensor_info *out, evr_error **err)
{
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &) {
        const at::Tensor &t = tensor->tensor;
        const bool strided = t.layout() == c10::kStrided && !t.is_nested();
        tensor->device = t.device().str();
        if (!strided)
            contiguous_strides(*tensor);
        evr_tensor_info info{};
        info.dtype = static_cast<int32_t>(t.scalar_type());
        info.rank = static_cast<uint32_t>(t.dim());
        info.shape = t.sizes().data();
        info.strides = strided ? t.strides().data() : tensor->strides.data();
        info.storage_offset = strided ? t.storage_offset() : 0;
        info.storage_bytes = t.has_storage() ? t.storage().nbytes() : 0;
        info.host_storage = t.has_storage() && t.is_cpu() ? t.storage().mutable_data() : nullptr;
        info.device = to_str(tensor->device);
        info.struct_size = std::min<uint32_t>(out->struct_size, sizeof info);
        std::memcpy(out, &info, info.struct_size);
    });
}

evr_status tensor_write(void *self, evr_bridge_tensor *tensor, uint64_t offset, const void *from, uint64_t size,
                        evr_error **err)
{
    return guarded(self, err, EVR_E_OP, [&](Bridge &) {
        at::Tensor target = bytes_of(need_storage(*tensor), offset, size);
        if (size == 0)
            return;
        if (target.is_cpu())
            std::memcpy(target.mutable_data_ptr(), from, size);
        else
            target.copy_(host_bytes(from, size));
    });
}

evr_status tensor_read(void *self, evr_bridge_tensor *tensor, uint64_t offset, void *to, uint64_t size, evr_error **err)
{
    return guarded(self, err, EVR_E_OP, [&](Bridge &) {
        const at::Tensor source = bytes_of(need_storage(*tensor), offset, size);
        if (size == 0)
            return;
        if (source.is_cpu())
            std::memcpy(to, source.const_data_ptr(), size);
        else
            host_bytes(to, size).copy_(source);
    });
}

evr_status tensor_clone(void *self, evr_bridge_tensor *tensor, evr_bridge_tensor **out, evr_error **err)
{
    *out = nullptr;
    return guarded(self, err, EVR_E_OP, [&](Bridge &) { *out = new evr_bridge_tensor(clone_of(*tensor)); });
}

evr_status tensor_to_dlpack(void *self, evr_bridge_tensor *tensor, void **out, evr_error **err)
{
    *out = nullptr;
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &) {
        if (tensor->tensor.is_conj() || tensor->tensor.is_neg())
            throw Failure(EVR_E_UNSUPPORTED, "DLPack cannot say that a tensor is a conjugated or negated view",
                          "run aten::resolve_conj or aten::resolve_neg on it first");
        *out = at::toDLPack(tensor->tensor);
    });
}

evr_status tensor_from_dlpack(void *self, void *managed, evr_bridge_tensor **out, evr_error **err)
{
    *out = nullptr;
    return guarded(self, err, EVR_E_UNSUPPORTED, [&](Bridge &) {
        if (!managed)
            throw Failure(EVR_E_INVALID, "there is no DLManagedTensor to take over");
        *out = new evr_bridge_tensor(at::fromDLPack(static_cast<DLManagedTensor *>(managed)));
    });
}

} // namespace evr_torch
