// Integer and bit instructions.
namespace vgpu::VGPU_ISA {
#include "exec/lanes.inl"

namespace {

// Arithmetic wraps: it is done in the unsigned type of at least int's width.
template <class T>
using Ring = Unsigned<T>;

template <class T>
VGPU_INLINE T addWrap(T a, T b) { return static_cast<T>(static_cast<Ring<T>>(a) + static_cast<Ring<T>>(b)); }
template <class T>
VGPU_INLINE T subWrap(T a, T b) { return static_cast<T>(static_cast<Ring<T>>(a) - static_cast<Ring<T>>(b)); }
template <class T>
VGPU_INLINE T mulWrap(T a, T b) {
    if constexpr (sizeof(T) == 2) return static_cast<T>(static_cast<u32>(a) * static_cast<u32>(b));
    else return static_cast<T>(static_cast<Ring<T>>(a) * static_cast<Ring<T>>(b));
}
template <class T>
VGPU_INLINE T mulHigh(T a, T b) { return static_cast<T>((static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b)) >> BITS<T>); }

VGPU_INLINE i32 saturate(i64 v) { return static_cast<i32>(v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v); }

/// 24-bit factors: the low 24 bits, sign-extended for signed types; the 48-bit product.
template <class T>
VGPU_INLINE i64 mul24(T a, T b) {
    if constexpr (IS_SIGNED<T>) {
        return static_cast<i64>(static_cast<i32>(static_cast<u32>(a) << 8) >> 8) * (static_cast<i32>(static_cast<u32>(b) << 8) >> 8);
    } else {
        return static_cast<i64>(static_cast<u64>(a & 0xffffff) * (b & 0xffffff));
    }
}

template <class T>
void add(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return addWrap(a, b); }); }
template <class T>
void sub(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return subWrap(a, b); }); }
void addSat(Warp& w, const Instr& I, u32 m) { binary<i32, i32, i32>(w, I, m, [](i32 a, i32 b) { return saturate(static_cast<i64>(a) + b); }); }
void subSat(Warp& w, const Instr& I, u32 m) { binary<i32, i32, i32>(w, I, m, [](i32 a, i32 b) { return saturate(static_cast<i64>(a) - b); }); }
template <class T>
void mulLo(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return mulWrap(a, b); }); }
template <class T>
void mulHi(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return mulHigh(a, b); }); }
template <class T>
void mulWide(Warp& w, const Instr& I, u32 m) {
    binary<Wide<T>, T, T>(w, I, m, [](T a, T b) { return static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b); });
}
template <class T>
void mul24Lo(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return static_cast<T>(mul24(a, b)); }); }
template <class T>
void mul24Hi(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return static_cast<T>(mul24(a, b) >> 16); }); }
template <class T>
void madLo(Warp& w, const Instr& I, u32 m) { ternary<T, T, T, T>(w, I, m, [](T a, T b, T c) { return addWrap(mulWrap(a, b), c); }); }
template <class T>
void madHi(Warp& w, const Instr& I, u32 m) { ternary<T, T, T, T>(w, I, m, [](T a, T b, T c) { return addWrap(mulHigh(a, b), c); }); }
void madHiSat(Warp& w, const Instr& I, u32 m) {
    ternary<i32, i32, i32, i32>(w, I, m, [](i32 a, i32 b, i32 c) { return saturate(static_cast<i64>(mulHigh(a, b)) + c); });
}
template <class T>
void madWide(Warp& w, const Instr& I, u32 m) {
    using W = Wide<T>;
    ternary<W, T, T, W>(w, I, m, [](T a, T b, W c) { return addWrap<W>(static_cast<W>(a) * static_cast<W>(b), c); });
}
template <class T>
void mad24Lo(Warp& w, const Instr& I, u32 m) { ternary<T, T, T, T>(w, I, m, [](T a, T b, T c) { return addWrap(static_cast<T>(mul24(a, b)), c); }); }
template <class T>
void mad24Hi(Warp& w, const Instr& I, u32 m) {
    ternary<T, T, T, T>(w, I, m, [](T a, T b, T c) { return addWrap(static_cast<T>(mul24(a, b) >> 16), c); });
}
void mad24HiSat(Warp& w, const Instr& I, u32 m) {
    ternary<i32, i32, i32, i32>(w, I, m, [](i32 a, i32 b, i32 c) { return saturate((mul24(a, b) >> 16) + c); });
}
template <class T>
void sad(Warp& w, const Instr& I, u32 m) {
    ternary<T, T, T, T>(w, I, m, [](T a, T b, T c) { return addWrap(c, a < b ? subWrap(b, a) : subWrap(a, b)); });
}
// Division by zero and the overflow of MIN / -1 are unspecified in PTX; these are what the GPU's expansion gives.
template <class T>
void div(Warp& w, const Instr& I, u32 m) {
    const T *a = w.row<T>(I.a), *b = w.row<T>(I.b);
    forActive(m, w.row<T>(I.d), [=](int i) -> T {
        if (b[i] == 0) return static_cast<T>(-1);
        if (IS_SIGNED<T> && b[i] == static_cast<T>(-1)) return subWrap<T>(0, a[i]);
        return static_cast<T>(a[i] / b[i]);
    });
}
template <class T>
void rem(Warp& w, const Instr& I, u32 m) {
    const T *a = w.row<T>(I.a), *b = w.row<T>(I.b);
    forActive(m, w.row<T>(I.d), [=](int i) -> T {
        if (b[i] == 0) return a[i];
        if (IS_SIGNED<T> && b[i] == static_cast<T>(-1)) return 0;
        return static_cast<T>(a[i] % b[i]);
    });
}
template <class T>
void absolute(Warp& w, const Instr& I, u32 m) { unary<T, T>(w, I, m, [](T a) { return a < 0 ? subWrap<T>(0, a) : a; }); }
template <class T>
void neg(Warp& w, const Instr& I, u32 m) { unary<T, T>(w, I, m, [](T a) { return subWrap<T>(0, a); }); }
template <class T>
void minimum(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return a < b ? a : b; }); }
template <class T>
void maximum(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return a > b ? a : b; }); }

template <class T>
void bitAnd(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return a & b; }); }
template <class T>
void bitOr(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return a | b; }); }
template <class T>
void bitXor(Warp& w, const Instr& I, u32 m) { binary<T, T, T>(w, I, m, [](T a, T b) { return a ^ b; }); }
template <class T>
void bitNot(Warp& w, const Instr& I, u32 m) { unary<T, T>(w, I, m, [](T a) { return ~a; }); }
template <class T>
void cnot(Warp& w, const Instr& I, u32 m) { unary<T, T>(w, I, m, [](T a) { return a == 0 ? 1 : 0; }); }
void lop3(Warp& w, const Instr& I, u32 m) {
    const u32 table = static_cast<u32>(I.imm);
    u32 minterm[8];
    for (int i = 0; i < 8; ++i) minterm[i] = (table >> i & 1) ? ALL : 0;
    const u32 *a = w.row<u32>(I.a), *b = w.row<u32>(I.b), *c = w.row<u32>(I.c);
    forLanes(m, w.row<u32>(I.d), [&](int i) {
        u32 x = a[i], y = b[i], z = c[i];
        return (minterm[0] & ~x & ~y & ~z) | (minterm[1] & ~x & ~y & z) | (minterm[2] & ~x & y & ~z) | (minterm[3] & ~x & y & z) |
               (minterm[4] & x & ~y & ~z) | (minterm[5] & x & ~y & z) | (minterm[6] & x & y & ~z) | (minterm[7] & x & y & z);
    });
}
template <class T>
void shl(Warp& w, const Instr& I, u32 m) {
    binary<T, T, u32>(w, I, m, [](T a, u32 n) { return n >= BITS<T> ? static_cast<T>(0) : static_cast<T>(a << (n & (BITS<T> - 1))); });
}
template <class T>
void shr(Warp& w, const Instr& I, u32 m) {
    binary<T, T, u32>(w, I, m, [](T a, u32 n) {
        u32 s = n > BITS<T> - 1 ? BITS<T> - 1 : n;
        T shifted = static_cast<T>(a >> s);
        return IS_SIGNED<T> || n < BITS<T> ? shifted : static_cast<T>(0);
    });
}
template <bool LEFT, bool CLAMP>
void funnel(Warp& w, const Instr& I, u32 m) {
    ternary<u32, u32, u32, u32>(w, I, m, [](u32 low, u32 high, u32 n) {
        u32 s = CLAMP ? (n > 32 ? 32 : n) : n & 31;
        u64 both = low | static_cast<u64>(high) << 32;
        return LEFT ? static_cast<u32>((both << s) >> 32) : static_cast<u32>(both >> s);
    });
}

template <class T>
void popc(Warp& w, const Instr& I, u32 m) {
    const T* a = w.row<T>(I.a);
    forActive(m, w.row<u32>(I.d), [=](int i) { return static_cast<u32>(__builtin_popcountll(a[i])); });
}
template <class T>
VGPU_INLINE u32 leadingZeros(T v) { return v == 0 ? BITS<T> : static_cast<u32>(__builtin_clzll(v)) - (64 - BITS<T>); }
template <class T>
void clz(Warp& w, const Instr& I, u32 m) {
    const T* a = w.row<T>(I.a);
    forActive(m, w.row<u32>(I.d), [=](int i) { return leadingZeros(a[i]); });
}
template <class T, bool SHIFT>
void bfind(Warp& w, const Instr& I, u32 m) {
    const T* a = w.row<T>(I.a);
    forActive(m, w.row<u32>(I.d), [=](int i) -> u32 {
        Unsigned<T> v = static_cast<Unsigned<T>>(IS_SIGNED<T> && a[i] < 0 ? ~a[i] : a[i]);
        if (v == 0) return ALL;
        u32 zeros = leadingZeros(v);
        return SHIFT ? zeros : BITS<T> - 1 - zeros;
    });
}
template <class T>
void brev(Warp& w, const Instr& I, u32 m) {
    const T* a = w.row<T>(I.a);
    forActive(m, w.row<T>(I.d), [=](int i) {
        T v = a[i], r = 0;
        for (int k = 0; k < BITS<T>; ++k) r = static_cast<T>(r << 1 | (v >> k & 1));
        return r;
    });
}
template <class T>
void bfe(Warp& w, const Instr& I, u32 m) {
    const T* a = w.row<T>(I.a);
    const u32 *pos = w.row<u32>(I.b), *len = w.row<u32>(I.c);
    forActive(m, w.row<T>(I.d), [=](int i) -> T {
        using U = Unsigned<T>;
        u32 p = pos[i] & 255, l = len[i] & 255, msb = BITS<T> - 1;
        // The sign is the field's top bit, or a's top bit where the field reaches beyond it.
        u32 top = p + l - 1 < msb ? p + l - 1 : msb;
        bool sign = IS_SIGNED<T> && l != 0 && (static_cast<U>(a[i]) >> top & 1);
        U field = p > msb ? 0 : static_cast<U>(a[i]) >> p;
        U have = l > msb ? static_cast<U>(-1) : (static_cast<U>(1) << l) - 1;  // bits of the result that come from the field
        if (p > msb) have = 0;
        else if (p + l > msb + 1) have = static_cast<U>(-1) >> p;
        return static_cast<T>((field & have) | (sign ? ~have : 0));
    });
}
template <class T>
void bfi(Warp& w, const Instr& I, u32 m) {
    const T *a = w.row<T>(I.a), *b = w.row<T>(I.b);
    const u32 *pos = w.row<u32>(I.c), *len = w.row<u32>(I.e);
    forActive(m, w.row<T>(I.d), [=](int i) -> T {
        u32 p = pos[i] & 255, l = len[i] & 255;
        if (p >= BITS<T> || l == 0) return b[i];
        T field = l >= BITS<T> ? static_cast<T>(-1) : (static_cast<T>(1) << l) - 1;
        field <<= p;
        return static_cast<T>((b[i] & ~field) | ((a[i] << p) & field));
    });
}
template <class T, bool WRAP>
void szext(Warp& w, const Instr& I, u32 m) {
    binary<T, T, u32>(w, I, m, [](T a, u32 n) -> T {
        u32 bits = WRAP ? n & 31 : n;
        if (bits == 0) return 0;
        if (bits >= 32) return a;
        u32 s = 32 - bits;
        return static_cast<T>(static_cast<T>(static_cast<u32>(a) << s) >> s);
    });
}
template <bool WRAP>
void bmsk(Warp& w, const Instr& I, u32 m) {
    binary<u32, u32, u32>(w, I, m, [](u32 a, u32 b) -> u32 {
        u32 start = WRAP ? a & 31 : a, width = WRAP ? b & 31 : b;
        if (start > 31) return 0;
        u32 ones = width > 31 ? ALL : (1u << width) - 1;
        return ones << start;
    });
}

// Extended precision: one carry bit for each lane. For subtraction the bit is the borrow.
template <class T, bool IN, bool OUT, bool SUBTRACT>
void carryAdd(Warp& w, const Instr& I, u32 m) {
    using U = Unsigned<T>;
    const U *a = w.row<U>(I.a), *b = w.row<U>(I.b);
    U* d = w.row<U>(I.d);
    u32 out = 0;
    eachLane(m, [&](int i) {
        U in = IN ? w.carry >> i & 1 : 0, r;
        bool c1, c2;
        if (SUBTRACT) {
            c1 = __builtin_sub_overflow(a[i], b[i], &r);
            c2 = __builtin_sub_overflow(r, in, &r);
        } else {
            c1 = __builtin_add_overflow(a[i], b[i], &r);
            c2 = __builtin_add_overflow(r, in, &r);
        }
        d[i] = r;
        out |= static_cast<u32>(c1 | c2) << i;
    });
    if (OUT) w.carry = (w.carry & ~m) | out;
}
template <class T, bool HIGH, bool IN, bool OUT>
void carryMad(Warp& w, const Instr& I, u32 m) {
    using U = Unsigned<T>;
    const T *a = w.row<T>(I.a), *b = w.row<T>(I.b);
    const U* c = w.row<U>(I.c);
    U* d = w.row<U>(I.d);
    u32 out = 0;
    eachLane(m, [&](int i) {
        U product = static_cast<U>(HIGH ? mulHigh(a[i], b[i]) : mulWrap(a[i], b[i])), r;
        bool c1 = __builtin_add_overflow(product, c[i], &r);
        bool c2 = __builtin_add_overflow(r, static_cast<U>(IN ? w.carry >> i & 1 : 0), &r);
        d[i] = r;
        out |= static_cast<u32>(c1 | c2) << i;
    });
    if (OUT) w.carry = (w.carry & ~m) | out;
}

template <class A, class B>
void dp4a(Warp& w, const Instr& I, u32 m) {
    ternary<u32, u32, u32, u32>(w, I, m, [](u32 a, u32 b, u32 c) {
        for (int k = 0; k < 4; ++k) c += static_cast<u32>(static_cast<i32>(static_cast<A>(a >> 8 * k)) * static_cast<i32>(static_cast<B>(b >> 8 * k)));
        return c;
    });
}
template <class A, class B, bool HIGH>
void dp2a(Warp& w, const Instr& I, u32 m) {
    ternary<u32, u32, u32, u32>(w, I, m, [](u32 a, u32 b, u32 c) {
        for (int k = 0; k < 2; ++k) {
            i64 x = static_cast<A>(a >> 16 * k);
            i64 y = static_cast<B>(b >> (8 * k + (HIGH ? 16 : 0)));
            c += static_cast<u32>(x * y);
        }
        return c;
    });
}

template <class F>
VGPU_INLINE void permute(Warp& w, const Instr& I, u32 m, F selector) {
    ternary<u32, u32, u32, u32>(w, I, m, [=](u32 a, u32 b, u32 c) {
        u64 bytes = a | static_cast<u64>(b) << 32;
        u32 r = 0;
        for (int k = 0; k < 4; ++k) {
            u32 s = selector(c, k);
            u32 byte = static_cast<u32>(bytes >> ((s & 7) * 8)) & 255;
            if (s & 8) byte = (byte & 128) ? 255 : 0;
            r |= byte << 8 * k;
        }
        return r;
    });
}
void prmt(Warp& w, const Instr& I, u32 m) { permute(w, I, m, [](u32 c, int k) { return c >> 4 * k & 15; }); }
void prmtF4e(Warp& w, const Instr& I, u32 m) { permute(w, I, m, [](u32 c, int k) { return (c & 3) + k; }); }
void prmtB4e(Warp& w, const Instr& I, u32 m) { permute(w, I, m, [](u32 c, int k) { return ((c & 3) - k) & 7; }); }
void prmtRc8(Warp& w, const Instr& I, u32 m) { permute(w, I, m, [](u32 c, int) { return c & 3; }); }
void prmtEcl(Warp& w, const Instr& I, u32 m) {
    permute(w, I, m, [](u32 c, int k) { u32 s = c & 3, u = static_cast<u32>(k); return s > u ? s : u; });
}
void prmtEcr(Warp& w, const Instr& I, u32 m) {
    permute(w, I, m, [](u32 c, int k) { u32 s = c & 3, u = static_cast<u32>(k); return s < u ? s : u; });
}
void prmtRc16(Warp& w, const Instr& I, u32 m) { permute(w, I, m, [](u32 c, int k) { return (c & 1) * 2 + (k & 1); }); }

void fns(Warp& w, const Instr& I, u32 m) {
    const u32 *mask = w.row<u32>(I.a), *base = w.row<u32>(I.b);
    const i32* offset = w.row<i32>(I.c);
    forActive(m, w.row<u32>(I.d), [=](int i) -> u32 {
        i32 n = offset[i], position = static_cast<i32>(base[i] & 31);
        i32 step = n < 0 ? -1 : 1;
        i32 wanted = n < 0 ? -n : n;
        if (wanted == 0) return (mask[i] >> position & 1) ? static_cast<u32>(position) : ALL;
        i32 found = 0;
        for (; position >= 0 && position < 32; position += step) {
            if ((mask[i] >> position & 1) && ++found == wanted) return static_cast<u32>(position);
        }
        return ALL;
    });
}

template <class T>
void selp(Warp& w, const Instr& I, u32 m) {
    u32 p = *w.row<u32>(I.c) ^ static_cast<u32>(I.imm);
    const T *a = w.row<T>(I.a), *b = w.row<T>(I.b);
    forLanes(m, w.row<T>(I.d), [=](int i) { return (p >> i & 1) ? a[i] : b[i]; });
}
template <class T>
void mov(Warp& w, const Instr& I, u32 m) { unary<T, T>(w, I, m, [](T a) { return a; }); }

void predAnd(Warp& w, const Instr& I, u32 m) { setPredicate(w, I.d, m, *w.row<u32>(I.a) & *w.row<u32>(I.b)); }
void predOr(Warp& w, const Instr& I, u32 m) { setPredicate(w, I.d, m, *w.row<u32>(I.a) | *w.row<u32>(I.b)); }
void predXor(Warp& w, const Instr& I, u32 m) { setPredicate(w, I.d, m, *w.row<u32>(I.a) ^ *w.row<u32>(I.b)); }
void predNot(Warp& w, const Instr& I, u32 m) { setPredicate(w, I.d, m, ~*w.row<u32>(I.a)); }
void predMov(Warp& w, const Instr& I, u32 m) { setPredicate(w, I.d, m, *w.row<u32>(I.a)); }

#define VGPU_SIGNED_UNSIGNED(NAME)                          \
    switch (type) {                                         \
        case ptx::Type::U16: return NAME<u16>;              \
        case ptx::Type::S16: return NAME<i16>;              \
        case ptx::Type::U32: return NAME<u32>;              \
        case ptx::Type::S32: return NAME<i32>;              \
        case ptx::Type::U64: return NAME<u64>;              \
        case ptx::Type::S64: return NAME<i64>;              \
        default: return nullptr;                            \
    }
#define VGPU_BY_WIDTH(NAME)                  \
    switch (ptx::sizeOf(type)) {             \
        case 2: return NAME<u16>;            \
        case 4: return NAME<u32>;            \
        case 8: return NAME<u64>;            \
        default: return nullptr;             \
    }
#define VGPU_16_32(NAME)                        \
    switch (type) {                             \
        case ptx::Type::U16: return NAME<u16>;  \
        case ptx::Type::S16: return NAME<i16>;  \
        case ptx::Type::U32: return NAME<u32>;  \
        case ptx::Type::S32: return NAME<i32>;  \
        default: return nullptr;                \
    }
#define VGPU_32(NAME) return type == ptx::Type::U32 ? NAME<u32> : type == ptx::Type::S32 ? NAME<i32> : nullptr
#define VGPU_32_64(NAME)                        \
    switch (type) {                             \
        case ptx::Type::B32: case ptx::Type::U32: return NAME<u32>; \
        case ptx::Type::S32: return NAME<i32>;  \
        case ptx::Type::B64: case ptx::Type::U64: return NAME<u64>; \
        case ptx::Type::S64: return NAME<i64>;  \
        default: return nullptr;                \
    }
#define VGPU_CARRY(...) return ptx::sizeOf(type) == 8 ? carryAdd<u64, __VA_ARGS__> : carryAdd<u32, __VA_ARGS__>
#define VGPU_CARRY_MAD(...)                                       \
    switch (type) {                                               \
        case ptx::Type::U32: return carryMad<u32, __VA_ARGS__>;   \
        case ptx::Type::S32: return carryMad<i32, __VA_ARGS__>;   \
        case ptx::Type::U64: return carryMad<u64, __VA_ARGS__>;   \
        case ptx::Type::S64: return carryMad<i64, __VA_ARGS__>;   \
        default: return nullptr;                                  \
    }

Handler arithmetic(IntOp op, ptx::Type type) {
    switch (op) {
        case IntOp::Add: VGPU_SIGNED_UNSIGNED(add)
        case IntOp::Sub: VGPU_SIGNED_UNSIGNED(sub)
        case IntOp::AddSat: return addSat;
        case IntOp::SubSat: return subSat;
        case IntOp::MulLo: VGPU_SIGNED_UNSIGNED(mulLo)
        case IntOp::MulHi: VGPU_SIGNED_UNSIGNED(mulHi)
        case IntOp::MulWide: VGPU_16_32(mulWide)
        case IntOp::Mul24Lo: VGPU_32(mul24Lo);
        case IntOp::Mul24Hi: VGPU_32(mul24Hi);
        case IntOp::MadLo: VGPU_SIGNED_UNSIGNED(madLo)
        case IntOp::MadHi: VGPU_SIGNED_UNSIGNED(madHi)
        case IntOp::MadHiSat: return madHiSat;
        case IntOp::MadWide: VGPU_16_32(madWide)
        case IntOp::Mad24Lo: VGPU_32(mad24Lo);
        case IntOp::Mad24Hi: VGPU_32(mad24Hi);
        case IntOp::Mad24HiSat: return mad24HiSat;
        case IntOp::Sad: VGPU_SIGNED_UNSIGNED(sad)
        case IntOp::Div: VGPU_SIGNED_UNSIGNED(div)
        case IntOp::Rem: VGPU_SIGNED_UNSIGNED(rem)
        case IntOp::Abs: VGPU_SIGNED_UNSIGNED(absolute)
        case IntOp::Neg: VGPU_SIGNED_UNSIGNED(neg)
        case IntOp::Min: VGPU_SIGNED_UNSIGNED(minimum)
        case IntOp::Max: VGPU_SIGNED_UNSIGNED(maximum)
        case IntOp::AddCarryOut: VGPU_CARRY(false, true, false);
        case IntOp::AddCarryIn: VGPU_CARRY(true, false, false);
        case IntOp::AddCarryInOut: VGPU_CARRY(true, true, false);
        case IntOp::SubCarryOut: VGPU_CARRY(false, true, true);
        case IntOp::SubCarryIn: VGPU_CARRY(true, false, true);
        case IntOp::SubCarryInOut: VGPU_CARRY(true, true, true);
        case IntOp::MadLoCarryOut: VGPU_CARRY_MAD(false, false, true)
        case IntOp::MadHiCarryOut: VGPU_CARRY_MAD(true, false, true)
        case IntOp::MadLoCarryIn: VGPU_CARRY_MAD(false, true, false)
        case IntOp::MadHiCarryIn: VGPU_CARRY_MAD(true, true, false)
        case IntOp::MadLoCarryInOut: VGPU_CARRY_MAD(false, true, true)
        case IntOp::MadHiCarryInOut: VGPU_CARRY_MAD(true, true, true)
        case IntOp::Dp4aUU: return dp4a<u8, u8>;
        case IntOp::Dp4aUS: return dp4a<u8, i8>;
        case IntOp::Dp4aSU: return dp4a<i8, u8>;
        case IntOp::Dp4aSS: return dp4a<i8, i8>;
        case IntOp::Dp2aLoUU: return dp2a<u16, u8, false>;
        case IntOp::Dp2aLoUS: return dp2a<u16, i8, false>;
        case IntOp::Dp2aLoSU: return dp2a<i16, u8, false>;
        case IntOp::Dp2aLoSS: return dp2a<i16, i8, false>;
        case IntOp::Dp2aHiUU: return dp2a<u16, u8, true>;
        case IntOp::Dp2aHiUS: return dp2a<u16, i8, true>;
        case IntOp::Dp2aHiSU: return dp2a<i16, u8, true>;
        case IntOp::Dp2aHiSS: return dp2a<i16, i8, true>;
        default: return nullptr;
    }
}

Handler bitwise(IntOp op, ptx::Type type) {
    switch (op) {
        case IntOp::And: VGPU_BY_WIDTH(bitAnd)
        case IntOp::Or: VGPU_BY_WIDTH(bitOr)
        case IntOp::Xor: VGPU_BY_WIDTH(bitXor)
        case IntOp::Not: VGPU_BY_WIDTH(bitNot)
        case IntOp::Cnot: VGPU_BY_WIDTH(cnot)
        case IntOp::Lop3: return lop3;
        case IntOp::Shl: VGPU_BY_WIDTH(shl)
        case IntOp::Shr:
            if (type == ptx::Type::S16) return shr<i16>;
            if (type == ptx::Type::S32) return shr<i32>;
            if (type == ptx::Type::S64) return shr<i64>;
            VGPU_BY_WIDTH(shr)
        case IntOp::ShfLeftClamp: return funnel<true, true>;
        case IntOp::ShfLeftWrap: return funnel<true, false>;
        case IntOp::ShfRightClamp: return funnel<false, true>;
        case IntOp::ShfRightWrap: return funnel<false, false>;
        case IntOp::Popc: return ptx::sizeOf(type) == 8 ? popc<u64> : popc<u32>;
        case IntOp::Clz: return ptx::sizeOf(type) == 8 ? clz<u64> : clz<u32>;
        case IntOp::Bfind:
            if (ptx::isSigned(type)) return ptx::sizeOf(type) == 8 ? bfind<i64, false> : bfind<i32, false>;
            return ptx::sizeOf(type) == 8 ? bfind<u64, false> : bfind<u32, false>;
        case IntOp::BfindShift:
            if (ptx::isSigned(type)) return ptx::sizeOf(type) == 8 ? bfind<i64, true> : bfind<i32, true>;
            return ptx::sizeOf(type) == 8 ? bfind<u64, true> : bfind<u32, true>;
        case IntOp::Brev: return ptx::sizeOf(type) == 8 ? brev<u64> : brev<u32>;
        case IntOp::Bfe: VGPU_32_64(bfe)
        case IntOp::Bfi: return ptx::sizeOf(type) == 8 ? bfi<u64> : bfi<u32>;
        case IntOp::Szext: return ptx::isSigned(type) ? szext<i32, false> : szext<u32, false>;
        case IntOp::SzextWrap: return ptx::isSigned(type) ? szext<i32, true> : szext<u32, true>;
        case IntOp::BmskClamp: return bmsk<false>;
        case IntOp::BmskWrap: return bmsk<true>;
        case IntOp::Prmt: return prmt;
        case IntOp::PrmtF4e: return prmtF4e;
        case IntOp::PrmtB4e: return prmtB4e;
        case IntOp::PrmtRc8: return prmtRc8;
        case IntOp::PrmtEcl: return prmtEcl;
        case IntOp::PrmtEcr: return prmtEcr;
        case IntOp::PrmtRc16: return prmtRc16;
        case IntOp::Fns: return fns;
        case IntOp::Selp: VGPU_BY_WIDTH(selp)
        case IntOp::Mov: VGPU_BY_WIDTH(mov)
        case IntOp::PredAnd: return predAnd;
        case IntOp::PredOr: return predOr;
        case IntOp::PredXor: return predXor;
        case IntOp::PredNot: return predNot;
        case IntOp::PredMov: return predMov;
        default: return nullptr;
    }
}

}  // namespace

Handler integerHandler(IntOp op, ptx::Type type) {
    Handler h = arithmetic(op, type);
    return h != nullptr ? h : bitwise(op, type);
}

}  // namespace vgpu::VGPU_ISA
