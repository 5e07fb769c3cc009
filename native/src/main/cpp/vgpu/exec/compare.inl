// Comparisons to predicates.
namespace vgpu::VGPU_ISA {
#include "exec/lanes.inl"
#include "exec/narrow.inl"

namespace {

template <Compare OP, class T>
VGPU_INLINE bool holds(T a, T b) {
    switch (OP) {
        case Compare::Eq: return a == b;
        case Compare::Ne: return a != b && a == a && b == b;
        case Compare::Lt: return a < b;
        case Compare::Le: return a <= b;
        case Compare::Gt: return a > b;
        case Compare::Ge: return a >= b;
        case Compare::Equ: return !(a != b && a == a && b == b);
        case Compare::Neu: return a != b;
        case Compare::Ltu: return !(a >= b);
        case Compare::Leu: return !(a > b);
        case Compare::Gtu: return !(a <= b);
        case Compare::Geu: return !(a < b);
        case Compare::Num: return a == a && b == b;
        case Compare::Nan: return a != a || b != b;
    }
    return false;
}

u32 combine(u32 q, u32 c, u8 flag) {
    if (flag & COMBINE_NEGATED) c = ~c;
    switch (flag & COMBINE_MASK) {
        case COMBINE_AND: return q & c;
        case COMBINE_OR: return q | c;
        case COMBINE_XOR: return q ^ c;
        default: return q;
    }
}

/// setp writes the comparison to d and its complement to e, each combined with predicate c.
void deliver(Warp& w, const Instr& I, u32 m, u32 q) {
    u32 c = (I.flag & COMBINE_MASK) ? *w.row<u32>(I.c) : 0;
    u32 p = combine(q, c, I.flag), np = combine(~q, c, I.flag);
    if (I.d != Instr::SINK) setPredicate(w, I.d, m, p);
    if (I.e != Instr::SINK) setPredicate(w, I.e, m, np);
}

template <class T, class F>
VGPU_INLINE u32 evaluate(Warp& w, const Instr& I, F f) {
    const T *a = w.row<T>(I.a), *b = w.row<T>(I.b);
    alignas(32) u8 t[32];
    for (int i = 0; i < 32; ++i) t[i] = f(a[i], b[i]) ? 0xff : 0;
    return packMask(t);
}

template <Compare OP, class T>
void compareInt(Warp& w, const Instr& I, u32 m) { deliver(w, I, m, evaluate<T>(w, I, [](T a, T b) { return holds<OP>(a, b); })); }

VGPU_INLINE float flushed(float x) {
    u32 bits = asBits(x);
    return asFloat((bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits);
}
template <Compare OP, bool FTZ>
void compareF32(Warp& w, const Instr& I, u32 m) {
    deliver(w, I, m, evaluate<float>(w, I, [](float a, float b) { return FTZ ? holds<OP>(flushed(a), flushed(b)) : holds<OP>(a, b); }));
}
template <class H>
VGPU_INLINE float widen(u16 h, bool ftz) { return H::load(ftz && (h & H::EXPONENT) == 0 ? h & 0x8000 : h); }
template <Compare OP, class H>
void compareNarrow(Warp& w, const Instr& I, u32 m) {
    const bool ftz = I.flag & COMPARE_FTZ;
    deliver(w, I, m, evaluate<u16>(w, I, [=](u16 a, u16 b) { return holds<OP>(widen<H>(a, ftz), widen<H>(b, ftz)); }));
}
/// Packed operands: d is the comparison of the low halves, e that of the high ones.
template <Compare OP, class H>
void comparePair(Warp& w, const Instr& I, u32 m) {
    const bool ftz = I.flag & COMPARE_FTZ;
    auto half = [=](u32 x, int shift) { return widen<H>(static_cast<u16>(x >> shift), ftz); };
    u32 low = evaluate<u32>(w, I, [=](u32 a, u32 b) { return holds<OP>(half(a, 0), half(b, 0)); });
    u32 high = evaluate<u32>(w, I, [=](u32 a, u32 b) { return holds<OP>(half(a, 16), half(b, 16)); });
    u32 c = (I.flag & COMBINE_MASK) ? *w.row<u32>(I.c) : 0;
    if (I.d != Instr::SINK) setPredicate(w, I.d, m, combine(low, c, I.flag));
    if (I.e != Instr::SINK) setPredicate(w, I.e, m, combine(high, c, I.flag));
}

template <Compare OP>
Handler byIntType(ptx::Type type) {
    switch (type) {
        case ptx::Type::B16: case ptx::Type::U16: return compareInt<OP, u16>;
        case ptx::Type::S16: return compareInt<OP, i16>;
        case ptx::Type::B32: case ptx::Type::U32: return compareInt<OP, u32>;
        case ptx::Type::S32: return compareInt<OP, i32>;
        case ptx::Type::B64: case ptx::Type::U64: return compareInt<OP, u64>;
        case ptx::Type::S64: return compareInt<OP, i64>;
        default: return nullptr;
    }
}
template <Compare OP>
Handler byFloatType(ptx::Type type, bool ftz) {
    switch (type) {
        case ptx::Type::F32: return ftz ? compareF32<OP, true> : compareF32<OP, false>;
        case ptx::Type::F64: return compareInt<OP, double>;
        case ptx::Type::F16: return compareNarrow<OP, Half>;
        case ptx::Type::F16x2: return comparePair<OP, Half>;
        case ptx::Type::Bf16: return compareNarrow<OP, Bfloat>;
        case ptx::Type::Bf16x2: return comparePair<OP, Bfloat>;
        default: return nullptr;
    }
}
template <Compare OP>
Handler byType(ptx::Type type, bool ftz) { return ptx::isFloat(type) ? byFloatType<OP>(type, ftz) : byIntType<OP>(type); }

}  // namespace

Handler compareHandler(Compare op, ptx::Type type, bool ftz) {
    switch (op) {
        case Compare::Eq: return byType<Compare::Eq>(type, ftz);
        case Compare::Ne: return byType<Compare::Ne>(type, ftz);
        case Compare::Lt: return byType<Compare::Lt>(type, ftz);
        case Compare::Le: return byType<Compare::Le>(type, ftz);
        case Compare::Gt: return byType<Compare::Gt>(type, ftz);
        case Compare::Ge: return byType<Compare::Ge>(type, ftz);
        case Compare::Equ: return byFloatType<Compare::Equ>(type, ftz);
        case Compare::Neu: return byFloatType<Compare::Neu>(type, ftz);
        case Compare::Ltu: return byFloatType<Compare::Ltu>(type, ftz);
        case Compare::Leu: return byFloatType<Compare::Leu>(type, ftz);
        case Compare::Gtu: return byFloatType<Compare::Gtu>(type, ftz);
        case Compare::Geu: return byFloatType<Compare::Geu>(type, ftz);
        case Compare::Num: return byFloatType<Compare::Num>(type, ftz);
        case Compare::Nan: return byFloatType<Compare::Nan>(type, ftz);
    }
    return nullptr;
}

}  // namespace vgpu::VGPU_ISA
