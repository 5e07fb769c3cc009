// atom and red.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

enum class AtomicOp : uint8_t { And, Or, Xor, Cas, Exch, Add, Inc, Dec, Min, Max };

/// d (or SINK) old value, a address, b and c operands. Null if the ISA has no such operation on the type.
Handler atomicHandler(AtomicOp op, ptx::Type type);

}  // namespace vgpu
