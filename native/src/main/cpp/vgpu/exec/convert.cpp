// Conversions between all types with all modifiers, one lane at a time: the form that is right, not the one that is
// fast. Common forms have fast versions in convert_fast.inl.
#include "exec/convert.hpp"

#include "exec/isa.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace vgpu {

namespace baseline {
#include "exec/lanes.inl"
#include "exec/narrow.inl"
}  // namespace baseline

using namespace baseline;
using ptx::Type;

int64_t Conversion::pack() const {
    return static_cast<int64_t>(to) | static_cast<int64_t>(from) << 8 | static_cast<int64_t>(toBytes) << 16 | static_cast<int64_t>(fromBytes) << 24 |
           static_cast<int64_t>(rounding) << 32 | static_cast<int64_t>(sat) << 40 | static_cast<int64_t>(ftz) << 41 |
           static_cast<int64_t>(relu) << 42 | static_cast<int64_t>(finite) << 43;
}

Conversion Conversion::unpack(int64_t bits) {
    Conversion c;
    c.to = static_cast<Type>(bits & 255);
    c.from = static_cast<Type>(bits >> 8 & 255);
    c.toBytes = static_cast<uint8_t>(bits >> 16);
    c.fromBytes = static_cast<uint8_t>(bits >> 24);
    c.rounding = static_cast<Rounding>(bits >> 32 & 255);
    c.sat = bits >> 40 & 1;
    c.ftz = bits >> 41 & 1;
    c.relu = bits >> 42 & 1;
    c.finite = bits >> 43 & 1;
    return c;
}

namespace {

u64 readRow(Warp& w, u32 row, u32 bytes, int lane) {
    switch (bytes) {
        case 2: return w.row<u16>(row)[lane];
        case 4: return w.row<u32>(row)[lane];
        default: return w.row<u64>(row)[lane];
    }
}

void writeRow(Warp& w, u32 row, u32 bytes, int lane, u64 value) {
    switch (bytes) {
        case 2: w.row<u16>(row)[lane] = static_cast<u16>(value); break;
        case 4: w.row<u32>(row)[lane] = static_cast<u32>(value); break;
        default: w.row<u64>(row)[lane] = value;
    }
}

u64 truncated(u64 v, Type type) {
    u32 bits = ptx::sizeOf(type) * 8;
    if (bits == 64) return v;
    u64 mask = (u64(1) << bits) - 1;
    v &= mask;
    return ptx::isSigned(type) && (v >> (bits - 1) & 1) ? v | ~mask : v;
}

double roundIntegral(double v, Rounding mode) {
    switch (mode) {
        case Rounding::Rni: return std::nearbyint(v);
        case Rounding::Rzi: return std::trunc(v);
        case Rounding::Rmi: return std::floor(v);
        case Rounding::Rpi: return std::ceil(v);
        default: return v;
    }
}

/// Rounds a double to a binary format of smaller precision. digits counts the leading one; the value is a multiple of
/// 2^minExponent, the smallest subnormal. Exact: the remainder decides.
double roundTo(double v, int digits, int minExponent, Rounding mode) {
    if (v == 0 || !std::isfinite(v)) return v;
    int exponent;
    std::frexp(v, &exponent);  // v in [2^(exponent-1), 2^exponent)
    int unit = std::max(exponent - digits, minExponent);
    double scaled = std::ldexp(v, -unit), r;
    switch (mode) {
        case Rounding::Rz: r = std::trunc(scaled); break;
        case Rounding::Rm: r = std::floor(scaled); break;
        case Rounding::Rp: r = std::ceil(scaled); break;
        case Rounding::Rna: r = std::trunc(scaled + std::copysign(0.5, scaled)); break;
        default: r = std::nearbyint(scaled);
    }
    return std::copysign(std::ldexp(r, unit), v);
}

/// An overflowing value becomes infinity or the largest finite number, as the direction says.
double overflow(double v, double largest, Rounding mode, bool finite) {
    if (!(std::fabs(v) > largest) || (std::isinf(v) && !finite)) return v;
    bool toLargest = finite || mode == Rounding::Rz || (mode == Rounding::Rm && v > 0) || (mode == Rounding::Rp && v < 0);
    return std::copysign(toLargest ? largest : std::numeric_limits<double>::infinity(), v);
}

double clamp01(double v) { return v > 0 ? (v < 1 ? v : 1.0) : 0.0; }

u64 encodeFloat(double v, const Conversion& c) {
    Rounding mode = c.rounding == Rounding::None ? Rounding::Rn : c.rounding;
    if (c.sat) v = clamp01(v);
    if (c.relu && v <= 0) v = 0.0;
    switch (c.to) {
        case Type::F16: {
            v = overflow(roundTo(v, 11, -24, mode), 65504.0, mode, c.finite);
            return Half::store(static_cast<float>(v));
        }
        case Type::Bf16: {
            v = overflow(roundTo(v, 8, -133, mode), 3.3895313892515355e38, mode, c.finite);
            return Bfloat::store(static_cast<float>(v));
        }
        case Type::Tf32: {
            v = overflow(roundTo(v, 11, -136, mode), 3.4011621342146535e38, mode, c.finite);
            return asBits(canonicalNan(static_cast<float>(v)));
        }
        case Type::F32: {
            v = overflow(roundTo(v, 24, -149, mode), 3.4028234663852886e38, mode, c.finite);
            float f = canonicalNan(static_cast<float>(v));
            u32 bits = asBits(f);
            if (c.ftz && (bits & 0x7f800000) == 0) bits &= 0x80000000;
            return bits;
        }
        default: return asBits(v);
    }
}

double decodeFloat(u64 bits, const Conversion& c) {
    switch (c.from) {
        case Type::F16: return Half::load(static_cast<u16>(bits));
        case Type::Bf16: return Bfloat::load(static_cast<u16>(bits));
        case Type::F32: {
            u32 b = static_cast<u32>(bits);
            if (c.ftz && (b & 0x7f800000) == 0) b &= 0x80000000;
            return asFloat(b);
        }
        default: return asDouble(bits);
    }
}

/// A 64-bit integer as a double rounded to odd: rounding that to a narrower format is correct in every mode.
double integerToOdd(u64 magnitude, bool negative) {
    u64 kept = magnitude;
    int shift = 0;
    while (kept >> 53) {
        kept = kept >> 1 | (kept & 1);
        ++shift;
    }
    double v = std::ldexp(static_cast<double>(kept), shift);
    return negative ? -v : v;
}

u64 integerResult(double v, const Conversion& c) {
    u32 bits = ptx::sizeOf(c.to) * 8;
    bool isSigned = ptx::isSigned(c.to);
    if (std::isnan(v)) {
        // Zero, except that 64-bit sources or results give the integer indefinite.
        bool zero = c.from != Type::F64 && bits != 64;
        return zero ? 0 : u64(1) << (bits - 1);
    }
    v = roundIntegral(v, c.rounding);
    double low = isSigned ? -std::ldexp(1.0, static_cast<int>(bits) - 1) : 0.0;
    double beyond = std::ldexp(1.0, static_cast<int>(bits) - (isSigned ? 1 : 0));
    u64 maximum = isSigned ? (u64(1) << (bits - 1)) - 1 : (bits == 64 ? ~u64(0) : (u64(1) << bits) - 1);
    if (v >= beyond) return maximum;
    if (v < low) return isSigned ? ~maximum : 0;
    return isSigned ? static_cast<u64>(static_cast<i64>(v)) : static_cast<u64>(v);
}

u64 integerToInteger(u64 v, const Conversion& c) {
    if (!c.sat) return truncated(v, c.to);
    u32 bits = ptx::sizeOf(c.to) * 8;
    bool negative = ptx::isSigned(c.from) && static_cast<i64>(v) < 0;
    if (ptx::isSigned(c.to)) {
        i64 maximum = static_cast<i64>((u64(1) << (bits - 1)) - 1);
        if (negative) return static_cast<u64>(std::max(static_cast<i64>(v), -maximum - 1));
        return std::min(v, static_cast<u64>(maximum));
    }
    if (negative) return 0;
    return bits == 64 ? v : std::min(v, (u64(1) << bits) - 1);
}

u64 convertLane(u64 bits, const Conversion& c) {
    if (!ptx::isFloat(c.from)) {
        u64 v = truncated(bits, c.from);
        if (!ptx::isFloat(c.to)) return truncated(integerToInteger(v, c), c.to);
        bool negative = ptx::isSigned(c.from) && static_cast<i64>(v) < 0;
        u64 magnitude = negative ? 0 - v : v;
        if (c.to != Type::F64) return encodeFloat(integerToOdd(magnitude, negative), c);
        double d = integerToOdd(magnitude, negative);
        if (c.sat || magnitude >> 53 == 0) return asBits(c.sat ? clamp01(d) : d);
        // To double: the kept 53 bits and what was shifted out decide.
        int shift = 64 - 53 - __builtin_clzll(magnitude);
        u64 kept = magnitude >> shift, rest = magnitude & ((u64(1) << shift) - 1), half = u64(1) << (shift - 1);
        bool up = c.rounding == Rounding::Rp ? !negative && rest != 0
                  : c.rounding == Rounding::Rm ? negative && rest != 0
                  : c.rounding == Rounding::Rz ? false
                                               : rest > half || (rest == half && (kept & 1));
        d = std::ldexp(static_cast<double>(kept + (up ? 1 : 0)), shift);
        return asBits(negative ? -d : d);
    }
    double v = decodeFloat(bits, c);
    if (!ptx::isFloat(c.to)) return integerResult(v, c);
    if (c.rounding >= Rounding::Rni) {
        double r = roundIntegral(v, c.rounding);
        return encodeFloat(std::copysign(r, v), c);
    }
    if (c.to == c.from && std::isnan(v) && !c.sat) return c.to == Type::F64 ? bits : encodeFloat(v, c);
    return encodeFloat(v, c);
}

}  // namespace

void convert(Warp& w, const Instr& I, uint32_t m) {
    const Conversion c = Conversion::unpack(I.imm);
    eachLane(m, [&](int i) { writeRow(w, I.d, c.toBytes, i, convertLane(readRow(w, I.a, c.fromBytes, i), c)); });
}

void convertPair(Warp& w, const Instr& I, uint32_t m) {
    Conversion c = Conversion::unpack(I.imm);
    const u32 *a = w.row<u32>(I.a), *b = w.row<u32>(I.b);
    u32* d = w.row<u32>(I.d);
    eachLane(m, [&](int i) { d[i] = static_cast<u32>(convertLane(b[i], c)) | static_cast<u32>(convertLane(a[i], c)) << 16; });
}

void convertPack(Warp& w, const Instr& I, uint32_t m) {
    const Conversion c = Conversion::unpack(I.imm);
    const u32 bits = ptx::sizeOf(c.to) * 8, mask = (1u << bits) - 1;
    const u32 *a = w.row<u32>(I.a), *b = w.row<u32>(I.b);
    const u32* below = bits == 8 ? w.row<u32>(I.c) : nullptr;
    u32* d = w.row<u32>(I.d);
    eachLane(m, [&](int i) {
        u32 high = static_cast<u32>(integerToInteger(truncated(a[i], c.from), c)) & mask;
        u32 low = static_cast<u32>(integerToInteger(truncated(b[i], c.from), c)) & mask;
        u32 pair = high << bits | low;
        d[i] = below != nullptr ? below[i] << 16 | pair : pair;
    });
}

void rounded(Warp& w, const Instr& I, uint32_t m) {
    auto inner = reinterpret_cast<Handler>(I.imm);
#if defined(__x86_64__)
    unsigned saved = _mm_getcsr();
    unsigned mode = 0;
    switch (static_cast<Rounding>(I.size)) {
        case Rounding::Rm: mode = 0x2000; break;
        case Rounding::Rp: mode = 0x4000; break;
        case Rounding::Rz: mode = 0x6000; break;
        default: break;
    }
    _mm_setcsr((saved & ~0x6000u) | mode);
    inner(w, I, m);
    _mm_setcsr(saved);
#else
#error "directed rounding needs the rounding-mode register of this architecture"
#endif
}

}  // namespace vgpu
