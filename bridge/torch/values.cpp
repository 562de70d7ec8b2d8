#include "values.h"

#include "devices.h"
#include "groups.h"
#include "operators.h"
#include "tensors.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ScalarOps.h>
#include <ATen/core/jit_type.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace evr_torch
{

namespace
{

// A value that does not fit, without the name of its argument, which arguments() knows.
struct Mismatch {
    std::string why;
};

// What conversion needs to know besides value and type.
struct Scope {
    c10::Device device; // where a new generator belongs
    int depth;          // of lists, which a value that came from a stranger may nest without end
};

constexpr int max_depth = 32;

const char *const kind_names[] = {
    "a missing value", "None",     "a bool",   "an int",          "a float",     "a complex number",     "a text",
    "a dtype",         "a layout", "a device", "a memory format", "a generator", "a tensor description", "a list",
    "a tensor",
};

[[noreturn]] void refuse(const evr_value &value)
{
    throw Mismatch{std::string("cannot be ") +
                   (value.kind < std::size(kind_names) ? kind_names[value.kind] : "a value of an unknown kind")};
}

bool integral(const evr_value &value) { return value.kind == EVR_VALUE_INT || value.kind == EVR_VALUE_BOOL; }

c10::IValue to_int(const evr_value &value, const Scope &)
{
    switch (value.kind) {
    case EVR_VALUE_INT:
    case EVR_VALUE_DTYPE: // TorchScript's own operators take these three as the numbers they are
    case EVR_VALUE_LAYOUT:
    case EVR_VALUE_MEMORY_FORMAT: return value.u.i;
    case EVR_VALUE_BOOL: return int64_t{value.u.i != 0};
    default: refuse(value);
    }
}

c10::IValue to_float(const evr_value &value, const Scope &)
{
    if (value.kind == EVR_VALUE_FLOAT)
        return value.u.f;
    if (!integral(value))
        refuse(value);
    return static_cast<double>(value.u.i);
}

c10::IValue to_bool(const evr_value &value, const Scope &)
{
    if (!integral(value) || (value.kind == EVR_VALUE_INT && value.u.i != 0 && value.u.i != 1))
        refuse(value);
    return value.u.i != 0;
}

c10::IValue to_complex(const evr_value &value, const Scope &scope)
{
    if (value.kind == EVR_VALUE_COMPLEX)
        return c10::complex<double>(value.u.c.re, value.u.c.im);
    return c10::complex<double>(to_float(value, scope).toDouble(), 0);
}

c10::IValue to_number(const evr_value &value, const Scope &scope)
{
    switch (value.kind) {
    case EVR_VALUE_BOOL: return value.u.i != 0;
    case EVR_VALUE_INT: return value.u.i;
    case EVR_VALUE_FLOAT: return value.u.f;
    default: return value.kind == EVR_VALUE_COMPLEX ? to_complex(value, scope) : (refuse(value), c10::IValue());
    }
}

c10::IValue to_text(const evr_value &value, const Scope &)
{
    if (value.kind != EVR_VALUE_STR)
        refuse(value);
    return to_string(value.u.s);
}

// A number that stands for an enumerator: within [0, end).
int64_t enumerator(const evr_value &value, uint32_t kind, int64_t end, const char *what)
{
    if (value.kind != kind && value.kind != EVR_VALUE_INT)
        refuse(value);
    if (value.u.i < 0 || value.u.i >= end)
        throw Mismatch{"cannot be " + std::to_string(value.u.i) + ", which is no " + what};
    return value.u.i;
}

c10::IValue to_dtype(const evr_value &value, const Scope &)
{
    return enumerator(value, EVR_VALUE_DTYPE, static_cast<int64_t>(c10::ScalarType::Undefined), "dtype of torch");
}

c10::IValue to_layout(const evr_value &value, const Scope &)
{
    return enumerator(value, EVR_VALUE_LAYOUT, static_cast<int64_t>(c10::Layout::NumOptions), "layout of torch");
}

c10::IValue to_memory_format(const evr_value &value, const Scope &)
{
    return enumerator(value, EVR_VALUE_MEMORY_FORMAT, static_cast<int64_t>(c10::MemoryFormat::NumOptions),
                      "memory format of torch");
}

c10::IValue to_device(const evr_value &value, const Scope &)
{
    if (value.kind != EVR_VALUE_DEVICE && value.kind != EVR_VALUE_STR)
        refuse(value);
    try {
        return c10::Device(to_string(value.u.s));
    } catch (const c10::Error &) {
        throw Mismatch{"cannot be `" + to_string(value.u.s) + "`, which names no device"};
    }
}

// Meta tensors have no numbers to draw, and their kernels take the CPU's generator or none.
c10::IValue to_generator(const evr_value &value, const Scope &scope)
{
    if (value.kind == EVR_VALUE_NONE)
        return {};
    if (value.kind != EVR_VALUE_GENERATOR)
        refuse(value);
    const auto seed = static_cast<uint64_t>(value.u.i);
    if (scope.device.is_cpu() || scope.device.is_meta())
        return at::make_generator<at::CPUGeneratorImpl>(seed);
    at::Generator generator =
        at::globalContext().getAcceleratorHooksInterface(scope.device.type()).getNewGenerator(scope.device.index());
    generator.set_current_seed(seed);
    return generator;
}

// A plain number in a tensor's place is what Python makes of `tensor * 2`: it does not raise the result's dtype above the
// tensor's.
at::Tensor wrapped_number(const c10::Scalar &number)
{
    at::Tensor tensor = c10::scalar_to_tensor(number);
    tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
    return tensor;
}

c10::IValue to_tensor(const evr_value &value, const Scope &scope)
{
    switch (value.kind) {
    case EVR_VALUE_HANDLE:
        if (!value.u.handle)
            refuse(value);
        return static_cast<const evr_bridge_tensor *>(value.u.handle)->tensor;
    case EVR_VALUE_NONE: return at::Tensor();
    case EVR_VALUE_BOOL:
    case EVR_VALUE_INT:
    case EVR_VALUE_FLOAT:
    case EVR_VALUE_COMPLEX: return wrapped_number(to_number(value, scope).toScalar());
    default: refuse(value);
    }
}

// Described as a tensor: its memory.
c10::IValue to_storage(const evr_value &value, const Scope &)
{
    if (value.kind == EVR_VALUE_NONE)
        return {};
    if (value.kind != EVR_VALUE_HANDLE || !value.u.handle)
        refuse(value);
    return static_cast<const evr_bridge_tensor *>(value.u.handle)->tensor.storage();
}

// Records have no streams: a call is given the one that is current where its tensors are.
c10::IValue to_stream(const evr_value &value, const Scope &scope)
{
    if (value.kind != EVR_VALUE_NONE)
        refuse(value);
    return current_stream(scope.device);
}

c10::IValue to_none(const evr_value &value, const Scope &)
{
    if (value.kind != EVR_VALUE_NONE)
        refuse(value);
    return {};
}

c10::IValue to_any(const evr_value &value, const Scope &scope);
c10::IValue convert(const evr_value &value, const c10::TypePtr &type, const Scope &scope);

struct Leaf {
    c10::TypeKind kind;
    c10::IValue (*convert)(const evr_value &, const Scope &);
};

constexpr Leaf leaves[] = {
    {c10::TypeKind::TensorType, to_tensor},    {c10::TypeKind::IntType, to_int},
    {c10::TypeKind::SymIntType, to_int},       {c10::TypeKind::QSchemeType, to_int},
    {c10::TypeKind::FloatType, to_float},      {c10::TypeKind::SymFloatType, to_float},
    {c10::TypeKind::BoolType, to_bool},        {c10::TypeKind::SymBoolType, to_bool},
    {c10::TypeKind::ComplexType, to_complex},  {c10::TypeKind::NumberType, to_number},
    {c10::TypeKind::StringType, to_text},      {c10::TypeKind::ScalarTypeType, to_dtype},
    {c10::TypeKind::LayoutType, to_layout},    {c10::TypeKind::MemoryFormatType, to_memory_format},
    {c10::TypeKind::DeviceObjType, to_device}, {c10::TypeKind::GeneratorType, to_generator},
    {c10::TypeKind::StorageType, to_storage},  {c10::TypeKind::StreamObjType, to_stream},
    {c10::TypeKind::NoneType, to_none},        {c10::TypeKind::AnyType, to_any},
    {c10::TypeKind::VarType, to_any}, // TorchScript's `t`, which anything fits
    {c10::TypeKind::AnyListType, to_any},
};

// What a list holds in place of the type its schema names: the dispatcher keeps dtypes, layouts and symbolic sizes as plain
// numbers.
c10::TypePtr stored(const c10::TypePtr &type)
{
    switch (type->kind()) {
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::QSchemeType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::MemoryFormatType: return c10::IntType::get();
    case c10::TypeKind::SymFloatType: return c10::FloatType::get();
    case c10::TypeKind::SymBoolType: return c10::BoolType::get();
    case c10::TypeKind::OptionalType:
        return c10::OptionalType::create(stored(type->expectRef<c10::OptionalType>().getElementType()));
    case c10::TypeKind::ListType: return c10::ListType::create(stored(type->expectRef<c10::ListType>().getElementType()));
    default: return type;
    }
}

const evr_list &need_list(const evr_value &value, const Scope &scope)
{
    if (value.kind != EVR_VALUE_LIST || (value.u.list.len && !value.u.list.items))
        refuse(value);
    if (scope.depth >= max_depth)
        throw Mismatch{"nests lists deeper than " + std::to_string(max_depth)};
    return value.u.list;
}

c10::IValue to_list(const evr_value &value, const c10::TypePtr &element, const Scope &scope)
{
    const evr_list &items = need_list(value, scope);
    const Scope inner{scope.device, scope.depth + 1};
    c10::impl::GenericList list(stored(element));
    list.reserve(items.len);
    for (size_t i = 0; i < items.len; i++) {
        try {
            list.push_back(convert(items.items[i], element, inner));
        } catch (Mismatch &mismatch) {
            throw Mismatch{"has an item " + std::to_string(i) + " that " + mismatch.why};
        }
    }
    return list;
}

c10::IValue to_tuple(const evr_value &value, const c10::TupleType &type, const Scope &scope)
{
    const evr_list &items = need_list(value, scope);
    if (items.len != type.elements().size())
        throw Mismatch{"needs " + std::to_string(type.elements().size()) + " items, not " + std::to_string(items.len)};
    std::vector<c10::IValue> elements;
    elements.reserve(items.len);
    for (size_t i = 0; i < items.len; i++)
        elements.push_back(convert(items.items[i], type.elements()[i], {scope.device, scope.depth + 1}));
    return c10::ivalue::Tuple::create(std::move(elements));
}

// The type a value has by itself.
c10::TypePtr natural(const evr_value &value)
{
    switch (value.kind) {
    case EVR_VALUE_BOOL: return c10::BoolType::get();
    case EVR_VALUE_INT:
    case EVR_VALUE_DTYPE:
    case EVR_VALUE_LAYOUT:
    case EVR_VALUE_MEMORY_FORMAT: return c10::IntType::get();
    case EVR_VALUE_FLOAT: return c10::FloatType::get();
    case EVR_VALUE_COMPLEX: return c10::ComplexType::get();
    case EVR_VALUE_STR: return c10::StringType::get();
    case EVR_VALUE_DEVICE: return c10::DeviceObjType::get();
    case EVR_VALUE_GENERATOR: return c10::GeneratorType::get();
    case EVR_VALUE_HANDLE: return c10::TensorType::get();
    case EVR_VALUE_NONE: return c10::NoneType::get();
    default: return c10::AnyType::get();
    }
}

c10::IValue to_any(const evr_value &value, const Scope &scope)
{
    if (value.kind != EVR_VALUE_LIST) {
        const c10::TypePtr type = natural(value);
        return type->kind() == c10::TypeKind::AnyType ? (refuse(value), c10::IValue()) : convert(value, type, scope);
    }
    const evr_list &items = need_list(value, scope);
    const bool alike = items.len && std::all_of(items.items, items.items + items.len,
                                                [&](const evr_value &item) { return item.kind == items.items[0].kind; });
    return to_list(value, alike ? natural(items.items[0]) : c10::AnyType::get(), scope);
}

c10::IValue to_union(const evr_value &value, const c10::UnionType &type, const Scope &scope)
{
    for (const c10::TypePtr &member : type.containedTypes()) {
        try {
            return convert(value, member, scope);
        } catch (const Mismatch &) {
        }
    }
    refuse(value);
}

// Process groups and reductions stand in records by name.
c10::IValue to_class(const evr_value &value, const c10::ClassType &type)
{
    if (value.kind == EVR_VALUE_NONE)
        return {};
    try {
        c10::IValue object = value.kind == EVR_VALUE_STR ? to_object(to_string(value.u.s), type) : c10::IValue();
        if (!object.isNone())
            return object;
    } catch (const std::invalid_argument &error) {
        throw Mismatch{error.what()};
    }
    throw Mismatch{"is of a type that has no plain values"};
}

c10::IValue convert(const evr_value &value, const c10::TypePtr &type, const Scope &scope)
{
    const c10::TypeKind kind = type->kind();
    for (const Leaf &leaf : leaves)
        if (leaf.kind == kind)
            return leaf.convert(value, scope);
    switch (kind) {
    case c10::TypeKind::OptionalType:
        return value.kind == EVR_VALUE_NONE ? c10::IValue()
                                            : convert(value, type->expectRef<c10::OptionalType>().getElementType(), scope);
    case c10::TypeKind::ListType: return to_list(value, type->expectRef<c10::ListType>().getElementType(), scope);
    case c10::TypeKind::TupleType: return to_tuple(value, type->expectRef<c10::TupleType>(), scope);
    case c10::TypeKind::ClassType: return to_class(value, type->expectRef<c10::ClassType>());
    case c10::TypeKind::UnionType: return to_union(value, type->expectRef<c10::UnionType>(), scope);
    default:
        if (value.kind == EVR_VALUE_NONE) // a null quantizer or object
            return {};
        throw Mismatch{"is of a type that has no plain values"};
    }
}

// `int[2]` takes a single number for both.
c10::IValue convert_argument(const evr_value &value, const c10::Argument &argument, const Scope &scope)
{
    const c10::TypePtr &type = argument.real_type();
    if (!argument.N() || *argument.N() < 1 || (value.kind != EVR_VALUE_INT && value.kind != EVR_VALUE_FLOAT))
        return convert(value, type, scope);
    const std::vector<evr_value> copies(static_cast<size_t>(*argument.N()), value);
    evr_value list{};
    list.kind = EVR_VALUE_LIST;
    list.u.list = {copies.data(), copies.size()};
    return convert(list, type, scope);
}

const evr_value *first_of(uint32_t kind, const evr_value *values, size_t count, int depth)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == kind)
            return &values[i];
        if (values[i].kind == EVR_VALUE_LIST && values[i].u.list.items && depth < max_depth)
            if (const evr_value *inside = first_of(kind, values[i].u.list.items, values[i].u.list.len, depth + 1))
                return inside;
    }
    return nullptr;
}

} // namespace

c10::Device device_of(const evr_value *values, size_t count)
{
    const evr_value *tensor = first_of(EVR_VALUE_HANDLE, values, count, 0);
    if (tensor && tensor->u.handle)
        return static_cast<const evr_bridge_tensor *>(tensor->u.handle)->tensor.device();
    const evr_value *named = first_of(EVR_VALUE_DEVICE, values, count, 0);
    return named ? to_device(*named, {c10::kCPU, 0}).toDevice() : c10::Device(c10::kCPU);
}

torch::jit::Stack arguments(const c10::FunctionSchema &schema, const evr_value *values, size_t count)
{
    const std::string name = full_name(schema);
    if (schema.is_vararg())
        throw Failure(EVR_E_UNSUPPORTED, name + " takes a number of arguments that its schema does not tell");
    if (count != schema.arguments().size())
        throw Failure(EVR_E_INVALID, name + " has " + std::to_string(schema.arguments().size()) + " arguments, not " +
                                         std::to_string(count));
    torch::jit::Stack stack;
    stack.reserve(count);
    size_t i = 0;
    try {
        const Scope scope{device_of(values, count), 0};
        for (; i < count; i++) {
            const c10::Argument &argument = schema.arguments()[i];
            if (values[i].kind != EVR_VALUE_MISSING)
                stack.push_back(convert_argument(values[i], argument, scope));
            else if (argument.default_value())
                stack.push_back(*argument.default_value());
            else
                throw Mismatch{"is missing, and the schema has no default for it"};
        }
    } catch (const Mismatch &mismatch) {
        const c10::Argument &argument = schema.arguments()[i];
        throw Failure(EVR_E_INVALID, name + ": argument `" + argument.name() + "` of type " + argument.real_type()->str() +
                                         " " + mismatch.why);
    }
    return stack;
}

} // namespace evr_torch
