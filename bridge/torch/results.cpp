#include "results.h"

#include <ATen/core/Generator.h>

namespace evr_torch
{

namespace
{

constexpr int max_depth = 32;

evr_value plain(uint32_t kind, int64_t number)
{
    evr_value value{};
    value.kind = kind;
    value.u.i = number;
    return value;
}

evr_value text(uint32_t kind, const std::string &borrowed)
{
    evr_value value{};
    value.kind = kind;
    value.u.s = to_str(borrowed);
    return value;
}

// A number means more when the schema calls it a dtype.
uint32_t kind_of_int(const c10::Type *type)
{
    switch (type ? type->kind() : c10::TypeKind::IntType) {
    case c10::TypeKind::ScalarTypeType: return EVR_VALUE_DTYPE;
    case c10::TypeKind::LayoutType: return EVR_VALUE_LAYOUT;
    case c10::TypeKind::MemoryFormatType: return EVR_VALUE_MEMORY_FORMAT;
    default: return EVR_VALUE_INT;
    }
}

const c10::Type *without_optional(const c10::Type *type)
{
    return type && type->kind() == c10::TypeKind::OptionalType ? type->expectRef<c10::OptionalType>().getElementType().get()
                                                               : type;
}

} // namespace

const evr_value &Results::at(size_t index, const c10::IValue &from, const c10::Type *type)
{
    if (index >= known_.size())
        known_.resize(index + 1);
    if (known_[index].kind == EVR_VALUE_MISSING)
        known_[index] = convert(from, type, 0);
    return known_[index];
}

void Results::clear()
{
    known_.clear();
    tensors_.clear();
    lists_.clear();
    texts_.clear();
}

evr_value Results::list(c10::ArrayRef<c10::IValue> items, const c10::Type *element, int depth)
{
    std::vector<evr_value> values;
    values.reserve(items.size());
    for (const c10::IValue &item : items)
        values.push_back(convert(item, element, depth + 1));
    lists_.push_back(std::move(values));
    evr_value value{};
    value.kind = EVR_VALUE_LIST;
    value.u.list = {lists_.back().data(), lists_.back().size()};
    return value;
}

evr_value Results::convert(const c10::IValue &from, const c10::Type *declared, int depth)
{
    if (depth > max_depth)
        throw Failure(EVR_E_LIMIT, "a result nests lists deeper than " + std::to_string(max_depth));
    const c10::Type *type = without_optional(declared);
    evr_value value{};
    if (from.isNone() || from.isCustomClass() /* such as work, which was waited for */ ||
        (from.isTensor() && !from.toTensor().defined()))
        return plain(EVR_VALUE_NONE, 0);
    if (from.isTensor()) {
        tensors_.emplace_back(from.toTensor());
        value.kind = EVR_VALUE_HANDLE;
        value.u.handle = &tensors_.back();
        return value;
    }
    if (from.isBool())
        return plain(EVR_VALUE_BOOL, from.toBool());
    if (from.isInt())
        return plain(kind_of_int(type), from.toInt());
    if (from.isDouble()) {
        value.kind = EVR_VALUE_FLOAT;
        value.u.f = from.toDouble();
        return value;
    }
    if (from.isComplexDouble()) {
        const c10::complex<double> number = from.toComplexDouble();
        value.kind = EVR_VALUE_COMPLEX;
        value.u.c = {number.real(), number.imag()};
        return value;
    }
    if (from.isString())
        return text(EVR_VALUE_STR, from.toStringRef());
    if (from.isDevice())
        return text(EVR_VALUE_DEVICE, texts_.emplace_back(from.toDevice().str()));
    if (from.isGenerator())
        return plain(EVR_VALUE_GENERATOR, static_cast<int64_t>(from.toGenerator().current_seed()));
    if (from.isList())
        return list(from.toListRef(),
                    type && type->kind() == c10::TypeKind::ListType
                        ? type->expectRef<c10::ListType>().getElementType().get()
                        : nullptr,
                    depth);
    if (from.isTuple())
        return list(from.toTupleRef().elements(), nullptr, depth);
    throw Failure(EVR_E_UNSUPPORTED, "a result of type " + from.tagKind() + " has no plain value");
}

} // namespace evr_torch
