// A library of custom operators as users have them. It names no torch library as needed, as some do not: the bridge must
// make torch visible to it.
#include <torch/library.h>

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace
{

at::Tensor twice(const at::Tensor &x) { return x + x; }

// Has no kernel below the autograd keys, and does not lead to one.
at::Tensor only_autograd(const at::Tensor &x) { return x * 3; }

at::Tensor raise_standard(const at::Tensor &) { throw std::runtime_error("a plain exception"); }
at::Tensor raise_number(const at::Tensor &) { throw 42; }
at::Tensor raise_memory(const at::Tensor &) { throw std::bad_alloc(); }
at::Tensor raise_device_memory(const at::Tensor &) { TORCH_CHECK_WITH(OutOfMemoryError, false, "the device is full"); }

// Tells what reached it, one word per argument.
std::string describe(const std::tuple<int64_t, std::string> &pair, std::optional<at::Device> device,
                     at::ArrayRef<at::Scalar> scalars, const c10::List<std::optional<at::Tensor>> &tensors,
                     std::optional<at::Generator> generator, c10::complex<double> z, std::optional<at::ScalarType> dtype,
                     c10::ArrayRef<double> factors)
{
    std::string text = std::to_string(std::get<0>(pair)) + std::get<1>(pair) + (device ? device->str() : "-");
    for (const at::Scalar &s : scalars)
        text += s.isBoolean() ? "b" : s.isIntegral(false) ? "i" : s.isFloatingPoint() ? "f" : "c";
    for (size_t i = 0; i < tensors.size(); i++)
        text += tensors.get(i).has_value() ? "T" : "n";
    text += generator ? std::to_string(generator->current_seed()) : "-";
    text +=
        std::to_string(static_cast<int>(z.imag())) + (dtype ? c10::toString(*dtype) : "-") + std::to_string(factors.size());
    return text;
}

int64_t count(const c10::Dict<std::string, int64_t> &numbers) { return static_cast<int64_t>(numbers.size()); }
c10::Dict<std::string, int64_t> make_dict() { return c10::Dict<std::string, int64_t>(); }
std::tuple<at::Tensor, std::vector<std::vector<int64_t>>, std::optional<double>> nested(const at::Tensor &x)
{
    return {x, {{1, 2}, {}, {3}}, std::nullopt};
}

} // namespace

TORCH_LIBRARY(evr_test, m)
{
    m.def("twice(Tensor x) -> Tensor");
    m.def("only_autograd(Tensor x) -> Tensor");
    m.def("raise_standard(Tensor x) -> Tensor");
    m.def("raise_number(Tensor x) -> Tensor");
    m.def("raise_memory(Tensor x) -> Tensor");
    m.def("raise_device_memory(Tensor x) -> Tensor");
    m.def("describe((int, str) pair, Device? device, Scalar[] scalars, Tensor?[] tensors, Generator? generator, complex z, "
          "ScalarType? dtype, "
          "float[3] factors) -> str",
          describe);
    m.def("count(Dict(str, int) numbers) -> int", count);
    m.def("make_dict() -> Dict(str, int)", make_dict);
    m.def("nested(Tensor x) -> (Tensor, int[][], float?)");
}

TORCH_LIBRARY_IMPL(evr_test, CPU, m)
{
    m.impl("twice", twice);
    m.impl("raise_standard", raise_standard);
    m.impl("raise_number", raise_number);
    m.impl("raise_memory", raise_memory);
    m.impl("raise_device_memory", raise_device_memory);
    m.impl("nested", nested);
}

TORCH_LIBRARY_IMPL(evr_test, Autograd, m) { m.impl("only_autograd", only_autograd); }
