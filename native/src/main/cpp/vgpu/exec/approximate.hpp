// Functions for which the ISA allows an error.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

enum class Approx : uint8_t { Ex2, Lg2, Sin, Cos, Rcp, Rsqrt, Sqrt, Tanh, Div, DivFull };

/// Handler for f32, f64 (rcp, rsqrt), f16, f16x2, bf16, bf16x2 (ex2, tanh); null if the ISA has no such form.
Handler approximateHandler(Approx op, ptx::Type type, bool ftz);

}  // namespace vgpu
