#pragma once

#include "exec/warp.hpp"

namespace vgpu {

/// Instr::n of cp.async: what operand c is.
enum : uint8_t { COPY_WHOLE = 0, COPY_SOURCE_SIZE = 1, COPY_IGNORE_SOURCE = 2 };

void asyncCopy(Warp& warp, const Instr& instr, uint32_t mask);
void commitGroup(Warp& warp, const Instr& instr, uint32_t mask);
void waitGroup(Warp& warp, const Instr& instr, uint32_t mask);
void waitAll(Warp& warp, const Instr& instr, uint32_t mask);

}  // namespace vgpu
