// Conversions in all forms; see convert.cpp.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

enum class Rounding : uint8_t { None, Rn, Rz, Rm, Rp, Rna, Rni, Rzi, Rmi, Rpi };

/// Instr::imm of a general conversion.
struct Conversion {
    ptx::Type to = ptx::Type::None, from = ptx::Type::None;
    uint8_t toBytes = 0, fromBytes = 0;  // of the registers
    Rounding rounding = Rounding::None;
    bool sat = false, ftz = false, relu = false, finite = false;

    int64_t pack() const;
    static Conversion unpack(int64_t bits);
};

/// cvt with a scalar source.
void convert(Warp& warp, const Instr& instr, uint32_t mask);
/// cvt.*x2.f32 d, a, b: a becomes the high half.
void convertPair(Warp& warp, const Instr& instr, uint32_t mask);
/// cvt.pack.sat: a becomes the more significant half; with c below them for the 8-bit forms.
void convertPack(Warp& warp, const Instr& instr, uint32_t mask);

/// Runs the handler in imm with the rounding mode in size (a Rounding).
void rounded(Warp& warp, const Instr& instr, uint32_t mask);

}  // namespace vgpu
