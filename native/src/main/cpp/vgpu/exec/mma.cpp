// The general mma.sync: fragments to dense matrices, one multiplication, and back. The hot shapes have versions of their
// own in mma_half.inl.
//
// Fragment layout, the same for all of them but the oldest: g = lane / 4, t = lane % 4; a register holds E elements.
// A, register r: row g + 8 (r odd), columns 4E (r / 2) + tE ...; with 8 rows, r counts columns only. B, register r:
// column g, rows 4Er + tE .... C and D: row g + 8 (r >= 2 in 32-bit results), columns 2t, 2t + 1.
#include "exec/mma.hpp"

#include "exec/block.hpp"
#include "exec/isa.hpp"

#include <array>
#include <cmath>

namespace vgpu {

namespace baseline {
#include "exec/lanes.inl"
#include "exec/narrow.inl"
}  // namespace baseline

using namespace baseline;

namespace {

constexpr const char* NAMES[] = {"f16", "bf16", "tf32", "f32", "f64", "s8", "u8", "s4", "u4", "b1", "s32"};

bool isInt8(MmaType t) { return t == MmaType::S8 || t == MmaType::U8; }
bool isInt4(MmaType t) { return t == MmaType::S4 || t == MmaType::U4; }

uint32_t bitsOf(MmaType t) {
    switch (t) {
        case MmaType::F16: case MmaType::Bf16: return 16;
        case MmaType::S8: case MmaType::U8: return 8;
        case MmaType::S4: case MmaType::U4: return 4;
        case MmaType::B1: return 1;
        case MmaType::F64: return 64;
        default: return 32;
    }
}

}  // namespace

bool mmaTypeNamed(const std::string& name, MmaType& out) {
    for (size_t i = 0; i < std::size(NAMES); ++i) {
        if (name == NAMES[i]) {
            out = static_cast<MmaType>(i);
            return true;
        }
    }
    return false;
}

const char* nameOf(MmaType type) { return NAMES[static_cast<size_t>(type)]; }

uint32_t elementsInRegister(MmaType type) { return bitsOf(type) == 64 ? 1 : 32 / bitsOf(type); }

std::string MmaShape::check() const {
    auto k_in = [&](std::initializer_list<int> list) {
        for (int x : list) {
            if (k == x) return true;
        }
        return false;
    };
    const std::string none = "this combination of shape and types does not exist or is not implemented";
    bool floatAccumulate = (c == MmaType::F32 && d == MmaType::F32);
    if (satfinite && d != MmaType::S32) return none;
    if (a == MmaType::F16 && b == MmaType::F16) {
        bool types = floatAccumulate || (c == MmaType::F16 && d == MmaType::F16);
        return types && m == 16 && k_in({8, 16}) ? "" : none;
    }
    if (a == MmaType::Bf16 && b == MmaType::Bf16) return floatAccumulate && m == 16 && k_in({8, 16}) ? "" : none;
    if (a == MmaType::Tf32 && b == MmaType::Tf32) return floatAccumulate && m == 16 && k_in({4, 8}) ? "" : none;
    if (a == MmaType::F64 && b == MmaType::F64) return c == MmaType::F64 && d == MmaType::F64 && m == 8 && k == 4 ? "" : none;
    if (c != MmaType::S32 || d != MmaType::S32) return none;
    if (isInt8(a) && isInt8(b)) return (m == 8 && k == 16) || (m == 16 && k_in({16, 32})) ? "" : none;
    if (isInt4(a) && isInt4(b)) return (m == 8 && k == 32) || (m == 16 && k_in({32, 64})) ? "" : none;
    if (a == MmaType::B1 && b == MmaType::B1 && !satfinite) return (m == 8 && k == 128) || (m == 16 && k_in({128, 256})) ? "" : none;
    return none;
}

uint32_t MmaShape::registersA() const { return m * k / 32 / elementsInRegister(a); }
uint32_t MmaShape::registersB() const { return 8u * k / 32 / elementsInRegister(b); }
uint32_t MmaShape::registersC() const { return m * 8u / 32 / elementsInRegister(c); }
uint32_t MmaShape::registersD() const { return m * 8u / 32 / elementsInRegister(d); }

int64_t MmaShape::pack() const {
    return m | static_cast<int64_t>(k) << 8 | static_cast<int64_t>(d) << 24 | static_cast<int64_t>(a) << 28 | static_cast<int64_t>(b) << 32 |
           static_cast<int64_t>(c) << 36 | static_cast<int64_t>(satfinite) << 40 | static_cast<int64_t>(andPopc) << 41;
}

MmaShape MmaShape::unpack(int64_t bits) {
    MmaShape s;
    s.m = static_cast<uint8_t>(bits);
    s.k = static_cast<uint16_t>(bits >> 8);
    s.d = static_cast<MmaType>(bits >> 24 & 15);
    s.a = static_cast<MmaType>(bits >> 28 & 15);
    s.b = static_cast<MmaType>(bits >> 32 & 15);
    s.c = static_cast<MmaType>(bits >> 36 & 15);
    s.satfinite = bits >> 40 & 1;
    s.andPopc = bits >> 41 & 1;
    return s;
}

namespace {

/// One element of a packed register.
template <class T>
T element(MmaType type, u32 bits, u32 e) {
    switch (type) {
        case MmaType::F16: return static_cast<T>(Half::load(static_cast<u16>(bits >> 16 * e)));
        case MmaType::Bf16: return static_cast<T>(Bfloat::load(static_cast<u16>(bits >> 16 * e)));
        case MmaType::Tf32: return static_cast<T>(asFloat(bits & 0xffffe000));  // the low 13 bits are ignored
        case MmaType::F32: return static_cast<T>(asFloat(bits));
        case MmaType::S8: return static_cast<T>(static_cast<i8>(bits >> 8 * e));
        case MmaType::U8: return static_cast<T>(static_cast<u8>(bits >> 8 * e));
        case MmaType::S4: return static_cast<T>(static_cast<i32>(bits << (28 - 4 * e)) >> 28);
        case MmaType::U4: return static_cast<T>(bits >> 4 * e & 15);
        default: return static_cast<T>(bits >> e & 1);
    }
}

template <class T>
struct Matrices {
    T a[16][256], b[8][256], c[16][8];
};

template <class T>
void gatherOperands(Warp& w, const Instr& I, const MmaShape& s, Matrices<T>& x) {
    const uint32_t* rows = I.v + s.registersD();
    const u32 perA = elementsInRegister(s.a), perB = elementsInRegister(s.b);
    for (u32 r = 0; r < s.registersA(); ++r) {
        const u32* reg = w.row<u32>(rows[r]);
        u32 rowBlock = s.m == 16 ? r & 1 : 0, columnBlock = s.m == 16 ? r >> 1 : r;
        for (u32 lane = 0; lane < 32; ++lane) {
            for (u32 e = 0; e < perA; ++e) x.a[lane / 4 + 8 * rowBlock][columnBlock * 4 * perA + (lane & 3) * perA + e] = element<T>(s.a, reg[lane], e);
        }
    }
    rows += s.registersA();
    for (u32 r = 0; r < s.registersB(); ++r) {
        const u32* reg = w.row<u32>(rows[r]);
        for (u32 lane = 0; lane < 32; ++lane) {
            for (u32 e = 0; e < perB; ++e) x.b[lane / 4][r * 4 * perB + (lane & 3) * perB + e] = element<T>(s.b, reg[lane], e);
        }
    }
}

void mmaFloat(Warp& w, const Instr& I, u32) {
    const MmaShape s = MmaShape::unpack(I.imm);
    Matrices<float> x;
    gatherOperands(w, I, s, x);
    const uint32_t* c = I.v + s.registersD() + s.registersA() + s.registersB();
    const u32 perC = elementsInRegister(s.c);
    auto place = [&](u32 r, u32 lane, u32 e, u32 per, u32& row, u32& column) {
        u32 index = r * per + e;  // two to a row
        row = lane / 4 + 8 * (index / 2);
        column = (lane & 3) * 2 + index % 2;
    };
    u32 row, column;
    for (u32 r = 0; r < s.registersC(); ++r) {
        for (u32 lane = 0; lane < 32; ++lane) {
            for (u32 e = 0; e < perC; ++e) {
                place(r, lane, e, perC, row, column);
                x.c[row][column] = element<float>(s.c, w.row<u32>(c[r])[lane], e);
            }
        }
    }
    for (u32 i = 0; i < s.m; ++i) {
        for (u32 j = 0; j < 8; ++j) {
            float sum = x.c[i][j];
            for (u32 k = 0; k < s.k; ++k) sum = std::fma(x.a[i][k], x.b[j][k], sum);
            x.c[i][j] = canonicalNan(sum);
        }
    }
    const u32 perD = elementsInRegister(s.d);
    for (u32 r = 0; r < s.registersD(); ++r) {
        for (u32 lane = 0; lane < 32; ++lane) {
            u32 bits = 0;
            for (u32 e = 0; e < perD; ++e) {
                place(r, lane, e, perD, row, column);
                bits |= perD == 2 ? static_cast<u32>(Half::store(x.c[row][column])) << 16 * e : asBits(x.c[row][column]);
            }
            w.row<u32>(I.v[r])[lane] = bits;
        }
    }
}

void mmaInteger(Warp& w, const Instr& I, u32) {
    const MmaShape s = MmaShape::unpack(I.imm);
    Matrices<i32> x;
    gatherOperands(w, I, s, x);
    const uint32_t* c = I.v + s.registersD() + s.registersA() + s.registersB();
    for (u32 r = 0; r < s.registersC(); ++r) {
        for (u32 lane = 0; lane < 32; ++lane) x.c[lane / 4 + 8 * (r / 2)][(lane & 3) * 2 + r % 2] = w.row<i32>(c[r])[lane];
    }
    for (u32 i = 0; i < s.m; ++i) {
        for (u32 j = 0; j < 8; ++j) {
            i64 sum = 0;
            for (u32 k = 0; k < s.k; ++k) {
                if (s.a == MmaType::B1) sum += s.andPopc ? x.a[i][k] & x.b[j][k] : x.a[i][k] ^ x.b[j][k];
                else sum += static_cast<i64>(x.a[i][k]) * x.b[j][k];
            }
            sum += x.c[i][j];
            x.c[i][j] = !s.satfinite ? static_cast<i32>(sum) : sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : static_cast<i32>(sum);
        }
    }
    for (u32 r = 0; r < s.registersD(); ++r) {
        for (u32 lane = 0; lane < 32; ++lane) w.row<i32>(I.v[r])[lane] = x.c[lane / 4 + 8 * (r / 2)][(lane & 3) * 2 + r % 2];
    }
}

// m8n8k4: one element of A and B a lane, two of C.
void mmaDouble(Warp& w, const Instr& I, u32) {
    const double *a = w.row<double>(I.v[2]), *b = w.row<double>(I.v[3]);
    double sums[2][32];
    for (u32 lane = 0; lane < 32; ++lane) {
        for (u32 r = 0; r < 2; ++r) {
            u32 row = lane / 4, column = (lane & 3) * 2 + r;
            double sum = w.row<double>(I.v[4 + r])[lane];
            for (u32 k = 0; k < 4; ++k) sum = std::fma(a[4 * row + k], b[4 * column + k], sum);
            sums[r][lane] = sum;
        }
    }
    for (u32 r = 0; r < 2; ++r) __builtin_memcpy(w.row<double>(I.v[r]), sums[r], sizeof sums[r]);
}

}  // namespace

Handler mmaHandler(const MmaShape& s) {
    if (s.a == MmaType::F64) return mmaDouble;
    if (s.c == MmaType::S32) return mmaInteger;
    if (s.d == MmaType::F32 && s.c == MmaType::F32 && s.a == MmaType::F16) return isa().mmaHalf(ptx::Type::F16, s.k);
    if (s.d == MmaType::F32 && s.c == MmaType::F32 && s.a == MmaType::Bf16) return isa().mmaHalf(ptx::Type::Bf16, s.k);
    return mmaFloat;
}

}  // namespace vgpu
