// mma.sync in all dense shapes of sm_80.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

enum class MmaType : uint8_t { F16, Bf16, Tf32, F32, F64, S8, U8, S4, U4, B1, S32 };

bool mmaTypeNamed(const std::string& name, MmaType& out);
const char* nameOf(MmaType type);

struct MmaShape {
    uint8_t m = 16;
    uint16_t k = 16;
    MmaType d = MmaType::F32, a = MmaType::F16, b = MmaType::F16, c = MmaType::F32;
    bool satfinite = false, andPopc = false;

    /// Why this combination does not exist; empty if it does.
    std::string check() const;
    uint32_t registersA() const;
    uint32_t registersB() const;
    uint32_t registersC() const;
    uint32_t registersD() const;
    int64_t pack() const;
    static MmaShape unpack(int64_t bits);
};

/// Operand rows in v: D's registers, A's, B's, C's.
Handler mmaHandler(const MmaShape& shape);


uint32_t elementsInRegister(MmaType type);

}  // namespace vgpu
