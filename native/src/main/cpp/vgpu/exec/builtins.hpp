// The system calls that device code makes: vprintf and __assertfail.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

/// The builtin of this name, NotBuiltin if there is none.
CallSite::Builtin builtinNamed(const std::string& name);

void runBuiltin(Warp& warp, const CallSite& site, uint32_t mask);

/// The number of parameters that a builtin takes.
size_t builtinArity(CallSite::Builtin builtin);

}  // namespace vgpu
