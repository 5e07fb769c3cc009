// The scalar types and state spaces of PTX.
#pragma once

#include <cstdint>
#include <string>

namespace vgpu::ptx {

enum class Type : uint8_t {
    None, Pred,
    B8, B16, B32, B64, B128,
    U8, U16, U32, U64,
    S8, S16, S32, S64,
    F16, F16x2, Bf16, Bf16x2, Tf32, F32, F64,
};

enum class Space : uint8_t { None, Reg, Const, Global, Local, Param, Shared };

/// Bytes in memory; predicates have none.
inline uint32_t sizeOf(Type t) {
    switch (t) {
        case Type::B8: case Type::U8: case Type::S8: return 1;
        case Type::B16: case Type::U16: case Type::S16: case Type::F16: case Type::Bf16: return 2;
        case Type::B32: case Type::U32: case Type::S32: case Type::F32: case Type::F16x2: case Type::Bf16x2:
        case Type::Tf32: return 4;
        case Type::B64: case Type::U64: case Type::S64: case Type::F64: return 8;
        case Type::B128: return 16;
        case Type::None: case Type::Pred: return 0;
    }
    return 0;
}

inline bool isSigned(Type t) { return t == Type::S8 || t == Type::S16 || t == Type::S32 || t == Type::S64; }
inline bool isUnsigned(Type t) { return t == Type::U8 || t == Type::U16 || t == Type::U32 || t == Type::U64; }
inline bool isBits(Type t) { return t >= Type::B8 && t <= Type::B128; }
inline bool isFloat(Type t) { return t >= Type::F16; }
inline bool isInteger(Type t) { return isSigned(t) || isUnsigned(t); }

/// The type named by a modifier without its dot ("f32"), or None.
Type typeNamed(const std::string& name);
const char* nameOf(Type t);

}  // namespace vgpu::ptx
