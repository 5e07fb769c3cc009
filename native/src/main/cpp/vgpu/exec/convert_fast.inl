// The conversions that kernels use all the time; convert.cpp has the rest.
namespace vgpu::VGPU_ISA {
#include "exec/lanes.inl"
#include "exec/narrow.inl"

namespace {

template <class D, class S>
void integerToInteger(Warp& w, const Instr& I, u32 m) { unary<D, S>(w, I, m, [](S a) { return static_cast<D>(a); }); }

// Rounds as MXCSR says.
template <class D, class S>
void integerToFloat(Warp& w, const Instr& I, u32 m) { unary<D, S>(w, I, m, [](S a) { return static_cast<D>(a); }); }

template <class H>
void widen(Warp& w, const Instr& I, u32 m) {
    unary<float, u16>(w, I, m, [](u16 a) { return canonicalNan(H::load(a)); });
}
template <class H>
void narrow(Warp& w, const Instr& I, u32 m) { unary<u16, float>(w, I, m, [](float a) { return H::store(a); }); }
/// The first operand becomes the high half.
template <class H>
void narrowPair(Warp& w, const Instr& I, u32 m) {
    binary<u32, float, float>(w, I, m, [](float a, float b) { return H::store(b) | static_cast<u32>(H::store(a)) << 16; });
}

template <class D>
Handler fromInteger(ptx::Type from, u32 registerBytes) {
    if (ptx::sizeOf(from) != registerBytes) return nullptr;
    switch (from) {
        case ptx::Type::U16: return integerToInteger<D, u16>;
        case ptx::Type::S16: return integerToInteger<D, i16>;
        case ptx::Type::U32: return integerToInteger<D, u32>;
        case ptx::Type::S32: return integerToInteger<D, i32>;
        case ptx::Type::U64: return integerToInteger<D, u64>;
        case ptx::Type::S64: return integerToInteger<D, i64>;
        default: return nullptr;
    }
}
template <class D>
Handler floatFrom(ptx::Type from) {
    switch (from) {
        case ptx::Type::U16: return integerToFloat<D, u16>;
        case ptx::Type::S16: return integerToFloat<D, i16>;
        case ptx::Type::U32: return integerToFloat<D, u32>;
        case ptx::Type::S32: return integerToFloat<D, i32>;
        case ptx::Type::U64: return integerToFloat<D, u64>;
        case ptx::Type::S64: return integerToFloat<D, i64>;
        default: return nullptr;
    }
}

}  // namespace

Handler fastConvertHandler(ptx::Type to, uint32_t toBytes, ptx::Type from, uint32_t fromBytes) {
    if (ptx::isInteger(from) && ptx::isInteger(to) && ptx::sizeOf(to) == toBytes) {
        switch (toBytes) {
            case 2: return fromInteger<u16>(from, fromBytes);
            case 4: return fromInteger<u32>(from, fromBytes);
            case 8: return fromInteger<u64>(from, fromBytes);
            default: return nullptr;
        }
    }
    if (ptx::sizeOf(to) != toBytes || ptx::sizeOf(from) != fromBytes) return nullptr;
    if (to == ptx::Type::F32) {
        if (from == ptx::Type::F16) return widen<Half>;
        if (from == ptx::Type::Bf16) return widen<Bfloat>;
        return floatFrom<float>(from);
    }
    if (to == ptx::Type::F64) return floatFrom<double>(from);
    if (from == ptx::Type::F32 && to == ptx::Type::F16) return narrow<Half>;
    if (from == ptx::Type::F32 && to == ptx::Type::Bf16) return narrow<Bfloat>;
    return nullptr;
}

Handler narrowPairHandler(ptx::Type to) { return to == ptx::Type::F16x2 ? narrowPair<Half> : narrowPair<Bfloat>; }

}  // namespace vgpu::VGPU_ISA
