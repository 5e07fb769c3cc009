// Approximate functions: computed accurately, then moved by a deterministic error within the bound that the PTX ISA
// states, when a launch asks for that. A kernel that passes with the full bound does not lean on our accuracy.
#include "exec/approximate.hpp"

#include "exec/block.hpp"
#include "exec/isa.hpp"

#include <algorithm>
#include <cmath>

namespace vgpu {

namespace baseline {
#include "exec/lanes.inl"
#include "exec/narrow.inl"
}  // namespace baseline

using namespace baseline;
using ptx::Type;

namespace {

float flush(float x, bool ftz) {
    u32 bits = asBits(x);
    return ftz && (bits & 0x7f800000) == 0 ? asFloat(bits & 0x80000000) : x;
}

/// The unit in the last place of single precision at v.
double ulp(double v) { return std::ldexp(1.0, std::max(std::ilogb(v), -126) - 23); }

/// The error that the ISA allows for operand x and exact value v. Beyond 100 pi it allows sin and cos any.
double boundOf(Approx op, double x, double v) {
    switch (op) {
        case Approx::Ex2: return 2 * ulp(v);
        case Approx::Lg2: return x > 0.5 && x < 2 ? 0x1p-22 : 0x1p-22 * std::fabs(v);
        case Approx::Sin:
        case Approx::Cos: return std::fabs(x) <= 6.2831853 ? 0x1.6a09p-21 : 0x1.3b2bp-15;  // 2^-20.5, 2^-14.7
        case Approx::Rcp: return ulp(v);
        case Approx::Rsqrt: return 0x1.125fp-23 * std::fabs(v);  // 2^-22.9
        case Approx::Sqrt: return 0x1p-23 * std::fabs(v);
        case Approx::Tanh: return 0x1p-11 * std::fabs(v);
        case Approx::Div:
        case Approx::DivFull: return 2 * ulp(v);
    }
    return 0;
}

/// A number in [-1, 1] that depends on the operands and the launch's seed only.
double noise(u64 bits, u64 seed) {
    u64 x = bits + seed * 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    x ^= x >> 31;
    return static_cast<double>(static_cast<i64>(x)) * 0x1p-63;
}

template <class T>
T exact(Approx op, T x) {
    switch (op) {
        case Approx::Ex2: return std::exp2(x);
        case Approx::Lg2: return std::log2(x);
        case Approx::Sin: return std::sin(x);
        case Approx::Cos: return std::cos(x);
        case Approx::Rcp: return T(1) / x;
        case Approx::Rsqrt: return static_cast<T>(1.0 / std::sqrt(static_cast<double>(x)));
        case Approx::Sqrt: return std::sqrt(x);
        case Approx::Tanh: return std::tanh(x);
        default: return 0;
    }
}

/// v moved by the launch's share of the bound. Rounding must not carry it beyond: then it goes back towards v.
float perturb(const LaunchConfig& c, double v, double bound, u64 bits) {
    if (!std::isfinite(v) || v == 0) return static_cast<float>(v);
    float moved = static_cast<float>(v + noise(bits, c.approximationSeed) * c.approximationError * bound);
    const float nearest = static_cast<float>(v);
    while (moved != nearest && std::fabs(moved - v) > bound) moved = std::nextafter(moved, nearest);
    return moved;
}

/// Zeros and infinities have the exact results of the ISA's tables.
bool isSpecial(double x) { return x == 0 || !std::isfinite(x); }

float result(float v, bool ftz) { return canonicalNan(flush(v, ftz)); }

template <Approx OP, bool FTZ>
void unaryF32(Warp& w, const Instr& I, u32 m) {
    const LaunchConfig& c = w.launch->config;
    const float* a = w.row<float>(I.a);
    float* d = w.row<float>(I.d);
    eachLane(m, [&](int i) {
        float x = flush(a[i], FTZ), r;
        if (c.approximationError == 0 || isSpecial(x)) {
            r = exact(OP, x);
        } else {
            double v = exact(OP, static_cast<double>(x));
            r = perturb(c, v, boundOf(OP, x, v), asBits(x));
        }
        d[i] = result(r, FTZ);
    });
}

template <Approx OP, bool FTZ>
void divF32(Warp& w, const Instr& I, u32 m) {
    const LaunchConfig& c = w.launch->config;
    const float *a = w.row<float>(I.a), *b = w.row<float>(I.b);
    float* d = w.row<float>(I.d);
    eachLane(m, [&](int i) {
        float x = flush(a[i], FTZ), y = flush(b[i], FTZ);
        float q = x / y;
        // div.approx multiplies by the reciprocal, which underflows for divisors between 2^126 and 2^128; div.full scales.
        if (OP == Approx::Div && std::isfinite(y) && std::fabs(y) > 0x1p126f && x == x) {
            q = std::isinf(x) ? asFloat(NAN_F32) : std::copysign(0.0f, q);
        } else if (c.approximationError != 0 && !isSpecial(x) && !isSpecial(y)) {
            double v = static_cast<double>(x) / y;
            q = perturb(c, v, boundOf(OP, x, v), asBits(x) ^ static_cast<u64>(asBits(y)) << 32);
        }
        d[i] = result(q, FTZ);
    });
}

/// rcp and rsqrt of the upper half of a double; the lower half of operand and result is zero.
template <Approx OP>
void grossF64(Warp& w, const Instr& I, u32 m) {
    const u64* a = w.row<u64>(I.a);
    u64* d = w.row<u64>(I.d);
    eachLane(m, [&](int i) {
        u64 bits = a[i] & 0xffffffff00000000ull;
        if ((bits & 0x7ff0000000000000ull) == 0) bits &= u64(1) << 63;
        double x = asDouble(bits);
        double r = OP == Approx::Rcp ? 1.0 / x : 1.0 / std::sqrt(x);
        u64 out = asBits(r);
        if (r != r) out = 0x7fffffff00000000ull;
        if ((out & 0x7ff0000000000000ull) == 0) out &= u64(1) << 63;
        d[i] = out & 0xffffffff00000000ull;
    });
}

void rsqrtF64(Warp& w, const Instr& I, u32 m) {
    const double* a = w.row<double>(I.a);
    double* d = w.row<double>(I.d);
    eachLane(m, [&](int i) { d[i] = 1.0 / std::sqrt(a[i]); });
}

/// ex2: 2^-9.9 relative for f16, 2^-7 for bf16; tanh: 2^-10.987 absolute for f16, 2^-8 for bf16.
template <Approx OP, class H>
double narrowBound(double v) {
    constexpr bool HALF = H::ONE == 0x3c00;
    if (OP == Approx::Ex2) return (HALF ? 0x1.125fp-10 : 0x1p-7) * std::fabs(v);
    return HALF ? 0x1.024ap-11 : 0x1p-8;
}

template <Approx OP, class H, bool FTZ>
u16 narrowOne(const Warp& w, u16 h) {
    if (FTZ && (h & H::EXPONENT) == 0) h &= 0x8000;
    float x = H::load(h);
    const double v = exact(OP, static_cast<double>(x));
    const LaunchConfig& c = w.launch->config;
    u16 r = H::store(static_cast<float>(v));
    if (c.approximationError != 0 && !isSpecial(x) && std::isfinite(v)) {
        const double bound = narrowBound<OP, H>(v);
        u16 moved = H::store(static_cast<float>(v + noise(h, c.approximationSeed) * c.approximationError * bound));
        // Steps from one encoding to the next are steps of a unit, as long as the sign stays.
        if ((moved ^ r) & 0x8000) moved = r;
        while (moved != r && std::fabs(H::load(moved) - v) > bound) moved = static_cast<u16>(moved < r ? moved + 1 : moved - 1);
        r = moved;
    }
    return FTZ && (r & H::EXPONENT) == 0 ? r & 0x8000 : r;
}
template <Approx OP, class H, bool FTZ>
void narrowUnary(Warp& w, const Instr& I, u32 m) {
    const u16* a = w.row<u16>(I.a);
    u16* d = w.row<u16>(I.d);
    eachLane(m, [&](int i) { d[i] = narrowOne<OP, H, FTZ>(w, a[i]); });
}
template <Approx OP, class H, bool FTZ>
void narrowPair(Warp& w, const Instr& I, u32 m) {
    const u32* a = w.row<u32>(I.a);
    u32* d = w.row<u32>(I.d);
    eachLane(m, [&](int i) {
        d[i] = narrowOne<OP, H, FTZ>(w, static_cast<u16>(a[i])) | static_cast<u32>(narrowOne<OP, H, FTZ>(w, static_cast<u16>(a[i] >> 16))) << 16;
    });
}

template <Approx OP>
Handler byFtz(bool ftz) { return ftz ? unaryF32<OP, true> : unaryF32<OP, false>; }

template <Approx OP>
Handler narrowHandler(Type type, bool ftz) {
    switch (type) {
        case Type::F16: return ftz ? narrowUnary<OP, Half, true> : narrowUnary<OP, Half, false>;
        case Type::F16x2: return ftz ? narrowPair<OP, Half, true> : narrowPair<OP, Half, false>;
        case Type::Bf16: return ftz ? narrowUnary<OP, Bfloat, true> : narrowUnary<OP, Bfloat, false>;
        case Type::Bf16x2: return ftz ? narrowPair<OP, Bfloat, true> : narrowPair<OP, Bfloat, false>;
        default: return nullptr;
    }
}

}  // namespace

Handler approximateHandler(Approx op, Type type, bool ftz) {
    if (type == Type::F64) {
        if (op == Approx::Rcp) return ftz ? grossF64<Approx::Rcp> : nullptr;
        return op != Approx::Rsqrt ? nullptr : ftz ? grossF64<Approx::Rsqrt> : rsqrtF64;
    }
    if (type != Type::F32) {
        const bool half = type == Type::F16 || type == Type::F16x2;
        if (op == Approx::Ex2) return ftz != half ? narrowHandler<Approx::Ex2>(type, ftz) : nullptr;
        return op == Approx::Tanh && !ftz ? narrowHandler<Approx::Tanh>(type, false) : nullptr;
    }
    switch (op) {
        case Approx::Ex2: return byFtz<Approx::Ex2>(ftz);
        case Approx::Lg2: return byFtz<Approx::Lg2>(ftz);
        case Approx::Sin: return byFtz<Approx::Sin>(ftz);
        case Approx::Cos: return byFtz<Approx::Cos>(ftz);
        case Approx::Rcp: return byFtz<Approx::Rcp>(ftz);
        case Approx::Rsqrt: return byFtz<Approx::Rsqrt>(ftz);
        case Approx::Sqrt: return byFtz<Approx::Sqrt>(ftz);
        case Approx::Tanh: return ftz ? nullptr : unaryF32<Approx::Tanh, false>;
        case Approx::Div: return ftz ? divF32<Approx::Div, true> : divF32<Approx::Div, false>;
        case Approx::DivFull: return ftz ? divF32<Approx::DivFull, true> : divF32<Approx::DivFull, false>;
    }
    return nullptr;
}

}  // namespace vgpu
