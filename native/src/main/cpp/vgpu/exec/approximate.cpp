// Approximate functions: computed accurately, then moved by a deterministic error within the bound that the PTX ISA
// states, when a launch asks for that. A kernel that passes with the full bound does not lean on our accuracy.
#include "exec/approximate.hpp"

#include "exec/block.hpp"
#include "exec/isa.hpp"

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

/// The bound of the ISA: relative to the result, plus an absolute part.
struct Bound {
    double relative = 0, absolute = 0;
};

Bound boundOf(Approx op, double x) {
    switch (op) {
        case Approx::Ex2: return {0x1p-22, 0};                 // 2 ulp
        case Approx::Lg2: return x > 0.5 && x < 2 ? Bound{0, 0x1p-22} : Bound{0x1p-22, 0};
        case Approx::Sin:
        case Approx::Cos: return std::fabs(x) <= 6.2831853 ? Bound{0, 0x1p-20} : Bound{0, 0x1p-19};
        case Approx::Rcp: return {0x1p-23, 0};                 // 1 ulp
        case Approx::Rsqrt: return {0x1.6p-23, 0};             // 2^-22.5
        case Approx::Sqrt: return {0x1p-23, 0};
        case Approx::Tanh: return {0x1p-11, 0};
        case Approx::Div:
        case Approx::DivFull: return {0x1p-22, 0};             // 2 ulp
    }
    return {};
}

/// A number in [-1, 1] that depends on the operands and the launch's seed only.
double noise(u64 bits, u64 seed) {
    u64 x = bits + seed * 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    x ^= x >> 31;
    return static_cast<double>(static_cast<i64>(x)) * 0x1p-63;
}

double exact(Approx op, float x) {
    switch (op) {
        case Approx::Ex2: return std::exp2(x);
        case Approx::Lg2: return std::log2(x);
        case Approx::Sin: return std::sin(x);
        case Approx::Cos: return std::cos(x);
        case Approx::Rcp: return 1.0f / x;
        case Approx::Rsqrt: return 1.0 / std::sqrt(static_cast<double>(x));
        case Approx::Sqrt: return std::sqrt(x);
        case Approx::Tanh: return std::tanh(x);
        default: return 0;
    }
}

double perturb(const Warp& w, Approx op, double value, double x, u64 bits) {
    const LaunchConfig& c = w.launch->config;
    if (c.approximationError == 0 || !std::isfinite(value) || value == 0) return value;
    Bound bound = boundOf(op, x);
    return value + noise(bits, c.approximationSeed) * c.approximationError * (bound.relative * std::fabs(value) + bound.absolute);
}

float result(double v, bool ftz) { return canonicalNan(flush(static_cast<float>(v), ftz)); }

template <Approx OP, bool FTZ>
void unaryF32(Warp& w, const Instr& I, u32 m) {
    const float* a = w.row<float>(I.a);
    float* d = w.row<float>(I.d);
    eachLane(m, [&](int i) {
        float x = flush(a[i], FTZ);
        d[i] = result(perturb(w, OP, exact(OP, x), x, asBits(x)), FTZ);
    });
}

template <Approx OP, bool FTZ>
void divF32(Warp& w, const Instr& I, u32 m) {
    const float *a = w.row<float>(I.a), *b = w.row<float>(I.b);
    float* d = w.row<float>(I.d);
    eachLane(m, [&](int i) {
        float x = flush(a[i], FTZ), y = flush(b[i], FTZ);
        float q = x / y;
        // div.approx gives 0 for divisors in [2^126, 2^128], as its reciprocal underflows; div.full scales.
        if (OP == Approx::Div && std::isfinite(y) && std::fabs(y) >= 0x1p126f) q = std::isinf(x) ? asFloat(NAN_F32) : std::copysign(0.0f, q);
        d[i] = result(perturb(w, OP, q, y, asBits(x) ^ static_cast<u64>(asBits(y)) << 32), FTZ);
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

template <Approx OP, class H, bool FTZ>
u16 narrowOne(const Warp& w, u16 h) {
    if (FTZ && (h & H::EXPONENT) == 0) h &= 0x8000;
    float x = H::load(h);
    double v = exact(OP, x);
    const LaunchConfig& c = w.launch->config;
    if (c.approximationError != 0 && std::isfinite(v)) {
        // ex2: 2^-9.9 relative for f16, 2^-7 for bf16; tanh: 2^-10.987 absolute for f16, 2^-8 for bf16.
        double bound = H::ONE == 0x3c00 ? (OP == Approx::Ex2 ? 0x1.12p-10 * std::fabs(v) : 0x1p-11) : (OP == Approx::Ex2 ? 0x1p-7 * std::fabs(v) : 0x1p-8);
        v += noise(h, c.approximationSeed) * c.approximationError * bound;
    }
    u16 r = H::store(static_cast<float>(v));
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
        if (op == Approx::Rcp) return grossF64<Approx::Rcp>;
        return op == Approx::Rsqrt ? grossF64<Approx::Rsqrt> : nullptr;
    }
    if (type != Type::F32) {
        if (op == Approx::Ex2) return narrowHandler<Approx::Ex2>(type, ftz);
        return op == Approx::Tanh ? narrowHandler<Approx::Tanh>(type, false) : nullptr;
    }
    switch (op) {
        case Approx::Ex2: return byFtz<Approx::Ex2>(ftz);
        case Approx::Lg2: return byFtz<Approx::Lg2>(ftz);
        case Approx::Sin: return byFtz<Approx::Sin>(ftz);
        case Approx::Cos: return byFtz<Approx::Cos>(ftz);
        case Approx::Rcp: return byFtz<Approx::Rcp>(ftz);
        case Approx::Rsqrt: return byFtz<Approx::Rsqrt>(ftz);
        case Approx::Sqrt: return byFtz<Approx::Sqrt>(ftz);
        case Approx::Tanh: return byFtz<Approx::Tanh>(false);
        case Approx::Div: return ftz ? divF32<Approx::Div, true> : divF32<Approx::Div, false>;
        case Approx::DivFull: return ftz ? divF32<Approx::DivFull, true> : divF32<Approx::DivFull, false>;
    }
    return nullptr;
}

}  // namespace vgpu
