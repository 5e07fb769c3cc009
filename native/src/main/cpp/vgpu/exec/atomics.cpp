#include "exec/atomics.hpp"

#include "exec/address.hpp"
#include "exec/isa.hpp"

#include <type_traits>

namespace vgpu {

namespace baseline {
#include "exec/lanes.inl"
#include "exec/narrow.inl"
}  // namespace baseline

using namespace baseline;
using ptx::Type;

namespace {

// How a value of a type is stored: BITS is what memory holds.
template <class T>
struct Plain {
    using Bits = std::conditional_t<sizeof(T) == 2, u16, std::conditional_t<sizeof(T) == 4, u32, u64>>;
    template <AtomicOp OP>
    static Bits apply(Bits oldBits, Bits operandBits, Bits other) {
        T old, operand, r;
        __builtin_memcpy(&old, &oldBits, sizeof(T));
        __builtin_memcpy(&operand, &operandBits, sizeof(T));
        switch (OP) {
            case AtomicOp::Cas: return oldBits == operandBits ? other : oldBits;
            case AtomicOp::Exch: return operandBits;
            case AtomicOp::And: return oldBits & operandBits;
            case AtomicOp::Or: return oldBits | operandBits;
            case AtomicOp::Xor: return oldBits ^ operandBits;
            case AtomicOp::Add:
                if constexpr (std::is_floating_point_v<T>) r = old + operand;
                else r = static_cast<T>(static_cast<Unsigned<T>>(old) + static_cast<Unsigned<T>>(operand));
                break;
            case AtomicOp::Inc: r = old >= operand ? 0 : old + 1; break;
            case AtomicOp::Dec: r = old == 0 || old > operand ? operand : old - 1; break;
            case AtomicOp::Min: r = old < operand ? old : operand; break;
            default: r = old > operand ? old : operand; break;
        }
        if constexpr (std::is_same_v<T, float>) r = canonicalNan(r);
        Bits out;
        __builtin_memcpy(&out, &r, sizeof(T));
        return out;
    }
};

/// add.noftz of 16-bit floats: halves are added separately.
template <class H, class BITS_TYPE>
struct NarrowAdd {
    using Bits = BITS_TYPE;
    template <AtomicOp OP>
    static Bits apply(Bits old, Bits operand, Bits) {
        Bits r = 0;
        for (u32 k = 0; k < sizeof(Bits) / 2; ++k) {
            float sum = H::load(static_cast<u16>(old >> 16 * k)) + H::load(static_cast<u16>(operand >> 16 * k));
            r = static_cast<Bits>(r | static_cast<Bits>(H::store(sum)) << 16 * k);
        }
        return r;
    }
};

/// add.f32 on global memory: operands and sum are flushed. On shared memory subnormal numbers are kept.
u32 flushed(u32 x) { return (x & 0x7f800000) == 0 ? x & 0x80000000 : x; }
u32 flushedSum(u32 a, u32 b) { return flushed(asBits(canonicalNan(asFloat(flushed(a)) + asFloat(flushed(b))))); }

template <class V, AtomicOp OP>
void atomic(Warp& w, const Instr& I, u32 m) {
    using Bits = typename V::Bits;
    u64 p[32];
    m = resolveAddresses(w, I, m, sizeof(Bits), true, p);
    const Bits *b = w.row<Bits>(I.b), *c = w.row<Bits>(OP == AtomicOp::Cas ? I.c : I.b);
    Bits* d = I.d == Instr::SINK ? nullptr : w.row<Bits>(I.d);
    // d may be the row of an operand of the same lane only, which has been read by then.
    eachLane(m, [&](int i) {
        Bits* at = reinterpret_cast<Bits*>(p[i]);
        Bits old = __atomic_load_n(at, __ATOMIC_RELAXED), next;
        do next = V::template apply<OP>(old, b[i], c[i]);
        while (!__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
        if (d != nullptr) d[i] = old;
    });
}

/// A generic address may lie in either; what resolution gives is an address in the block's shared memory or not.
void addF32(Warp& w, const Instr& I, u32 m) {
    u64 p[32];
    m = resolveAddresses(w, I, m, 4, true, p);
    const u32* b = w.row<u32>(I.b);
    u32* d = I.d == Instr::SINK ? nullptr : w.row<u32>(I.d);
    const u64 shared = reinterpret_cast<u64>(w.shared);
    eachLane(m, [&](int i) {
        u32* at = reinterpret_cast<u32*>(p[i]);
        const bool keeps = p[i] - shared < w.sharedBytes;
        u32 old = __atomic_load_n(at, __ATOMIC_RELAXED), next;
        do next = keeps ? Plain<float>::apply<AtomicOp::Add>(old, b[i], 0) : flushedSum(old, b[i]);
        while (!__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
        if (d != nullptr) d[i] = old;
    });
}

template <class T>
Handler integerOps(AtomicOp op) {
    using V = Plain<T>;
    switch (op) {
        case AtomicOp::Add: return atomic<V, AtomicOp::Add>;
        case AtomicOp::Min: return atomic<V, AtomicOp::Min>;
        case AtomicOp::Max: return atomic<V, AtomicOp::Max>;
        default: return nullptr;
    }
}
template <class T>
Handler bitOps(AtomicOp op) {
    using V = Plain<T>;
    switch (op) {
        case AtomicOp::And: return atomic<V, AtomicOp::And>;
        case AtomicOp::Or: return atomic<V, AtomicOp::Or>;
        case AtomicOp::Xor: return atomic<V, AtomicOp::Xor>;
        case AtomicOp::Cas: return atomic<V, AtomicOp::Cas>;
        case AtomicOp::Exch: return atomic<V, AtomicOp::Exch>;
        default: return nullptr;
    }
}

}  // namespace

Handler atomicHandler(AtomicOp op, Type type) {
    switch (type) {
        case Type::B16: return op == AtomicOp::Cas ? atomic<Plain<u16>, AtomicOp::Cas> : nullptr;
        case Type::B32: return bitOps<u32>(op);
        case Type::B64: return bitOps<u64>(op);
        case Type::U32:
            if (op == AtomicOp::Inc) return atomic<Plain<u32>, AtomicOp::Inc>;
            if (op == AtomicOp::Dec) return atomic<Plain<u32>, AtomicOp::Dec>;
            return integerOps<u32>(op);
        case Type::S32: return integerOps<i32>(op);
        case Type::U64: return integerOps<u64>(op);
        case Type::S64: return op == AtomicOp::Add ? nullptr : integerOps<i64>(op);
        case Type::F32: return op == AtomicOp::Add ? addF32 : nullptr;
        case Type::F64: return op == AtomicOp::Add ? atomic<Plain<double>, AtomicOp::Add> : nullptr;
        case Type::F16: return op == AtomicOp::Add ? atomic<NarrowAdd<Half, u16>, AtomicOp::Add> : nullptr;
        case Type::Bf16: return op == AtomicOp::Add ? atomic<NarrowAdd<Bfloat, u16>, AtomicOp::Add> : nullptr;
        case Type::F16x2: return op == AtomicOp::Add ? atomic<NarrowAdd<Half, u32>, AtomicOp::Add> : nullptr;
        case Type::Bf16x2: return op == AtomicOp::Add ? atomic<NarrowAdd<Bfloat, u32>, AtomicOp::Add> : nullptr;
        default: return nullptr;
    }
}

}  // namespace vgpu
