// Operators that talk to other ranks: the objects they take by name, and what their results wait for.
#ifndef EVR_BRIDGE_TORCH_GROUPS_H
#define EVR_BRIDGE_TORCH_GROUPS_H

#include "bridge.h"

#include <ATen/core/class_type.h>
#include <ATen/core/jit_type.h>
#include <ATen/core/stack.h>

namespace evr_torch
{

// Torch's registry knows the group by that name; else a Failure that says what to do.
void need_group(const std::string &group);

// An object of a torch class, by its text: a process group by name, a reduction by "sum", "avg"… Nothing when the class has no such texts.
// Throws std::invalid_argument with what does not fit.
c10::IValue to_object(const std::string &text, const c10::ClassType &type);

// Whether an operator hands out work that goes on after its call.
bool works_on(const c10::FunctionSchema &schema);

// Makes the stream in use, or on the CPU the caller, wait for what the results are still being made by.
void await_results(const torch::jit::Stack &results);

} // namespace evr_torch

#endif
